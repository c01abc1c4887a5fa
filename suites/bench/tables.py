# SPDX-License-Identifier: Apache-2.0
"""Medians, quartiles, and tables as text or as Markdown."""
import statistics


class Table:
    def __init__(self, title, header, rows, notes=()):
        self.title, self.header, self.rows, self.notes = title, header, rows, notes

    def text(self, is_markdown):
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        shown = [self.line(line, widths, is_markdown) for line in lines]
        rule = ["| " + " | ".join(["---"] + ["---:"] * (len(widths) - 1)) + " |"]
        notes = [f"{note}." for note in self.notes]
        if is_markdown:
            parts = [f"### {self.title}", "", shown[0], *rule, *shown[1:]]
            notes = [line for note in notes for line in ("", note)]
        else:
            parts = [self.title, *(f"  {line}".rstrip() for line in shown)]
        return "\n".join([*parts, *notes, ""])

    @staticmethod
    def line(cells, widths, is_markdown):
        if is_markdown:
            return "| " + " | ".join(cells) + " |"
        padded = [cells[0].ljust(widths[0])]
        return "  ".join(padded + [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:])])


def quartiles(samples):
    """Median, first and third quartile."""
    if len(samples) < 2:
        return samples[0], samples[0], samples[0]
    low, middle, high = statistics.quantiles(samples, n=4, method="inclusive")
    return middle, low, high


def number(value):
    """Three digits are as many as such a figure is worth."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def spread(samples):
    middle, low, high = quartiles(samples)
    return f"{number(middle)} ({number(low)} to {number(high)})"


def facts(named, is_markdown):
    if is_markdown:
        rows = [f"| {name} | {value} |" for name, value in named.items()]
        return "\n".join(["### The machine", "", "| | |", "| --- | --- |", *rows, ""])
    return "\n".join(["The machine", *(f"  {name}: {value}" for name, value in named.items()), ""])


def aims(rows):
    return Table("Aims", ["aim", "wanted", "measured", "met"],
                 [[aim, wanted, measured, "yes" if met else "NO"]
                  for aim, wanted, measured, met in rows])
