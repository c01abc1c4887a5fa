/* SPDX-License-Identifier: Apache-2.0 */
/* unit_names - names of errors and signals, durations, and the writer of texts. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "calls.h"
#include "plan.h"
#include "text.h"
#include "unit.h"

/* glibc knows the same names (since 2.32), and is asked here because it may not be asked in the
 * shim. */
START_TEST(errno_names)
{
	unsigned int n_known = 0;

	for (int err = 1; err < 200; err++) {
		const char *name = strerrorname_np(err);

		ck_assert_msg(!name == !errno_text(err), "errno %d: %s", err, name);
		if (!name)
			continue;
		ck_assert_str_eq(errno_text(err), name);
		ck_assert_int_eq(errno_find(name, strlen(name)), err);
		n_known++;
	}
	ck_assert_uint_gt(n_known, 130);
	ck_assert_int_eq(errno_find("EWOULDBLOCK", 11), EAGAIN);
	ck_assert_int_eq(errno_find("ENOTSUP", 7), EOPNOTSUPP);
	ck_assert_int_eq(errno_find("EINT", 4), -1);
	ck_assert_int_eq(errno_find("EINTRX", 6), -1);
	ck_assert_int_eq(errno_find("", 0), -1);
	ck_assert_ptr_null(errno_text(0));
	ck_assert_ptr_null(errno_text(-1));
}
END_TEST

START_TEST(signal_names)
{
	for (int signo = 1; signo < 32; signo++) {
		/* glibc says POLL, everybody else SIGIO. */
		const char *name = signo == SIGIO ? "IO" : sigabbrev_np(signo);

		ck_assert_str_eq(signal_text(signo) + 3, name);
		ck_assert_int_eq(signal_find(name, strlen(name)), signo);
		ck_assert_int_eq(signal_find(signal_text(signo), strlen(name) + 3), signo);
	}
	for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++)
		ck_assert_int_eq(signal_find(signal_text(signo), strlen(signal_text(signo))),
				 signo);
	ck_assert_str_eq(signal_text(SIGRTMIN), "SIGRTMIN");
	ck_assert_str_eq(signal_text(SIGRTMAX), "SIGRTMIN+30");
	ck_assert_ptr_null(signal_text(0));
	ck_assert_ptr_null(signal_text(65));
}
END_TEST

START_TEST(signal_other_names)
{
	static const struct {
		const char *name;
		int signo;
	} cases[] = {
		{ "15", SIGTERM },    { "9", SIGKILL },      { "64", 64 },
		{ "SIGPOLL", SIGIO }, { "SIGRTMAX", 64 },    { "SIGRTMAX-1", 63 },
		{ "RTMIN+2", 36 },    { "SIGRTMIN+0", 34 },  { "0", -1 },
		{ "65", -1 },         { "100", -1 },         { "32", -1 },
		{ "33", -1 },         { "SIGRTMIN+31", -1 }, { "", -1 },
		{ "SIG", -1 },        { "SIGRTMIN+", -1 },   { "SIGRTMIN-1", -1 },
		{ "-1", -1 },         { "sigterm", -1 },     { "SIGRTMIN+100", -1 },
		{ "SIGRTMAX+1", -1 }, { "TERMX", -1 },       { "SIGSIGTERM", -1 },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++)
		ck_assert_msg(signal_find(cases[i].name, strlen(cases[i].name)) == cases[i].signo,
			      "%s", cases[i].name);
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		uint64_t ns;
		const char *rest;
	} good[] = {
		{ "0", 0, "" },
		{ "10ms", 10000000, "" },
		{ "1.5s", 1500000000, "" },
		{ "10m", 600000000000, "" },
		{ "2h", 7200000000000, "" },
		{ "500us", 500000, "" },
		{ "100ns", 100, "" },
		{ "0.1us", 100, "" },
		{ "1.250h", 4500000000000, "" },
		{ "0..5ms", 0, "..5ms" },
		{ "1ms..5ms", 1000000, "..5ms" },
		{ "9223372036854775807ns", INT64_MAX, "" },
		{ "0.3000000m", 18000000000, "" },
	};
	static const char *const bad[] = {
		"",
		"10",
		"ms",
		"1.5",
		"1.5ns",
		"-1ms",
		"1.s",
		".5s",
		"x",
		"0.5",
		"0.000000000001h",
		"1 ms",
		"1.0000000000001s",
		"9223372036854775808ns",
		"99999999999999999999s",
		"2562048h",
		"0.0",
	};
	const char *end;
	uint64_t ns;

	for (size_t i = 0; i < SUITE_COUNT(good); i++) {
		ck_assert_msg(duration_parse(good[i].text, &end, &ns) == 0, "%s", good[i].text);
		ck_assert_uint_eq(ns, good[i].ns);
		ck_assert_str_eq(end, good[i].rest);
	}
	for (size_t i = 0; i < SUITE_COUNT(bad); i++)
		ck_assert_msg(duration_parse(bad[i], &end, &ns) == -1, "%s", bad[i]);
}
END_TEST

START_TEST(text_numbers)
{
	char buffer[200];
	struct text text;

	text_begin(&text, buffer, sizeof(buffer));
	text_int(&text, INT64_MIN);
	text_char(&text, ' ');
	text_uint(&text, UINT64_MAX);
	text_char(&text, ' ');
	text_hex(&text, 0xdeadbeef);
	text_char(&text, ' ');
	text_octal(&text, 0644);
	text_char(&text, ' ');
	text_octal(&text, 0);
	text_char(&text, ' ');
	text_fixed(&text, 1002003, 6);
	text_char(&text, ' ');
	text_fixed(&text, 7, 0);
	text_char(&text, ' ');
	text_quoted(&text, "a\tb", 3);
	ck_assert_str_eq(buffer, "-9223372036854775808 18446744073709551615 0xdeadbeef 0644 0 "
				 "1.002003 7 'a?b'");
	ck_assert_uint_eq(text.n_bytes, strlen(buffer));
}
END_TEST

START_TEST(text_too_long)
{
	char buffer[5] = "xxxx";
	struct text text;

	text_begin(&text, buffer, 4);
	text_str(&text, "abcdef");
	ck_assert_str_eq(buffer, "abc");
	ck_assert_uint_eq(text.n_bytes, 6);
	text_begin(&text, buffer, 4);
	ck_assert(text_try(&text, "ab", 1));
	ck_assert(!text_try(&text, "c", 1));
	ck_assert_str_eq(buffer, "ab");
	text_begin(&text, NULL, 0);
	text_str(&text, "abc");
	ck_assert_uint_eq(text.n_bytes, 3);
}
END_TEST

static Suite *names_suite(void)
{
	const struct unit_case cases[] = {
		{ "errno", errno_names },
		{ "signal", signal_names },
		{ "signal-other", signal_other_names },
		{ "duration", durations },
		{ "text-numbers", text_numbers },
		{ "text-too-long", text_too_long },
	};

	return unit_suite("names", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { names_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
