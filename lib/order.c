/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - declared orders: 'queue key:0x1234 by sender u32@0', 'queue name:/jobs by type u8@4'.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* The text behind `word`, or NULL. A word that ends in ':' or 'u' goes on, others end here. */
static const char *after_word(const char *at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(at, word, n))
		return NULL;
	at += n;
	if (word[n - 1] != ':' && *at && *at != ' ' && *at != '\t')
		return NULL;
	return at;
}

static const char *parse_number(const char *at, int64_t least, int64_t most, int64_t *number)
{
	char *end;

	if (*at < '0' || *at > '9')
		return NULL;
	errno = 0;
	*number = strtoll(at, &end, 0);
	if (errno || *number < least || *number > most)
		return NULL;
	return end;
}

/* A POSIX queue's name, as mq_open takes it. */
static const char *parse_name(const char *at, struct order_declaration *order)
{
	size_t n = strcspn(at, " \t");

	if (at[0] != '/' || n < 2 || n >= sizeof(order->name) || !at[n])
		return NULL;
	memcpy(order->name, at, n);
	order->name[n] = '\0';
	return at + n;
}

static const char *parse_queue(const char *at, struct order_declaration *order)
{
	const char *behind = after_word(at, "name:");

	if (behind)
		return parse_name(behind, order);
	order->name[0] = '\0';
	behind = after_word(at, "key:");

	order->by_key = behind != NULL;
	if (!behind)
		behind = after_word(at, "id:");
	if (!behind)
		return NULL;
	behind = parse_number(behind, 0, order->by_key ? UINT32_MAX : INT32_MAX, &order->queue);
	if (behind && order->by_key)
		order->queue = (int32_t)(uint32_t)order->queue;
	return behind && (*behind == ' ' || *behind == '\t') ? behind : NULL;
}

static const char *parse_by(const char *at, struct order_declaration *order)
{
	const char *behind = after_word(at, "sender");

	order->by_sender = behind != NULL;
	return behind ? behind : after_word(at, "type");
}

static const char *parse_place(const char *at, struct order_declaration *order)
{
	static const struct {
		const char *name;
		unsigned int width;
	} widths[] = { { "u8@", 1 }, { "u16@", 2 }, { "u32@", 4 }, { "u64@", 8 } };

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		size_t n = strlen(widths[i].name);
		int64_t offset;

		if (strncmp(at, widths[i].name, n))
			continue;
		order->width = widths[i].width;
		at = parse_number(at + n, 0, INT_MAX, &offset);
		if (at)
			order->offset = (unsigned int)offset;
		return at;
	}
	return NULL;
}

static const char *parse_word_queue(const char *at, struct order_declaration *order)
{
	(void)order;
	return after_word(at, "queue");
}

static const char *parse_word_by(const char *at, struct order_declaration *order)
{
	(void)order;
	return after_word(at, "by");
}

int order_parse(const char *text, struct order_declaration *order, unsigned int *column,
		const char **expected)
{
	static const struct {
		const char *(*parse)(const char *at, struct order_declaration *order);
		const char *expected;
	} parts[] = {
		{ parse_word_queue, "\"queue\"" },
		{ parse_queue, "key:NUMBER, id:NUMBER or name:/NAME" },
		{ parse_word_by, "\"by\"" },
		{ parse_by, "\"sender\" or \"type\"" },
		{ parse_place, "u8@OFFSET, u16@OFFSET, u32@OFFSET or u64@OFFSET" },
	};
	const char *at = skip_blanks(text);

	memset(order, 0, sizeof(*order));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *behind = parts[i].parse(at, order);

		if (!behind) {
			*column = (unsigned int)(at - text);
			*expected = parts[i].expected;
			return -1;
		}
		at = skip_blanks(behind);
	}
	if (*at) {
		*column = (unsigned int)(at - text);
		*expected = "the end";
		return -1;
	}
	return 0;
}

bool order_number(const struct order_declaration *order, const uint8_t *text, uint32_t length,
		  uint64_t *number)
{
	if (!text || order->width > length || order->offset > length - order->width)
		return false;
	*number = 0;
	memcpy(number, text + order->offset, order->width);
	return true;
}
