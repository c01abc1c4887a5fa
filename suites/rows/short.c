/* SPDX-License-Identifier: Apache-2.0 */
/* short.c - transfers cut to one byte: nothing is lost, and what PIPE_BUF keeps whole stays whole.
 */
#include "rows.h"

#include <stdio.h>
#include <string.h>

#define READ "result=1 errno=119\n out=a pipe=4:bcde\n"
#define WRITTEN "result=1 errno=119\n pipe=1:a\n"
#define SENT "result=1 errno=119\n at=1 pipe=1:a\n"

/* What is printed when a request for five bytes, or for 8,192 ("big"), is shortened. */
static const struct {
	int id;
	const char *words;
	const char *out;
} shortened[] = {
	{ CALL_read, "", READ },
	{ CALL___read, "", READ },
	{ CALL___read_chk, "", READ },
	{ CALL___write, "big", WRITTEN },
	{ CALL_readv, "", READ },
	{ CALL_preadv2, "", READ },
	{ CALL_preadv64v2, "", READ },
	{ CALL_recv, "", READ },
	{ CALL___recv_chk, "", READ },
	{ CALL_recvfrom, "", READ },
	{ CALL___recvfrom_chk, "", READ },
	{ CALL_send, "", WRITTEN },
	{ CALL___send, "", WRITTEN },
	{ CALL_sendto, "", WRITTEN },
	{ CALL_write, "big", WRITTEN },
	{ CALL_writev, "big", WRITTEN },
	{ CALL_pwritev2, "big", WRITTEN },
	{ CALL_pwritev64v2, "big", WRITTEN },
	{ CALL_vmsplice, "big", WRITTEN },
	{ CALL_sendfile, "big", SENT },
	{ CALL_sendfile64, "big", SENT },
	{ CALL_splice, "", "result=1 errno=119\n pipe=4:bcde second=1:a\n" },
	{ CALL_tee, "big", "result=1 errno=119\n pipe=8192:abcdefgh..abcd second=1:a\n" },
};

START_TEST(one_byte)
{
	static struct run run;

	rows_sample(&run, RECORDING, "short=1", shortened[_i].id, shortened[_i].words);
	ck_assert_msg(strncmp(run.out, shortened[_i].out, 20) == 0 && run.status == 0,
		      "%s: {%s}{%.300s}", run.what, run.out, run.trace);
	if (strcmp(shortened[_i].words, "big") != 0 || shortened[_i].id != CALL_tee)
		ck_assert_msg(strcmp(run.out, shortened[_i].out) == 0, "%s: {%s}", run.what,
			      run.out);
	ck_assert_msg(strstr(run.trace, "(injected: short"), "%s: {%s}", run.what, run.trace);
}
END_TEST

/* As much as was asked for, or a write that must not be torn. */
START_TEST(refused)
{
	static struct run bare, run;
	/* a stream socket promises to keep nothing whole */
	bool is_read = row_call(_i)->flags & CALL_READS || row_call(_i)->classes & CLASS_SOCKET;

	rows_sample(&bare, BARE, NULL, _i, "");
	rows_sample(&run, RECORDING, is_read ? "short=5" : "short=1", _i, "");
	rows_same(&bare, &run);
	ck_assert_msg(!rows_injected(&run), "%s: {%s}", run.what, run.trace);
}
END_TEST

static bool can_be_short(int id)
{
	for (size_t i = 0; i < SUITE_COUNT(shortened); i++) {
		if (shortened[i].id == id)
			return true;
	}
	return false;
}

/* Every row with a length is in the table above. */
START_TEST(complete)
{
	for (int id = 0; id < CALL_N; id++) {
		const struct call *call = row_call(id);
		bool has_length = call_arg(call, ARG_LEN) >= 0 || call_arg(call, ARG_IOV_IN) >= 0 ||
				  call_arg(call, ARG_IOV_OUT) >= 0;

		ck_assert_msg(has_length == can_be_short(id), "%s", calls[id].name);
	}
}
END_TEST

Suite *short_suite(void)
{
	Suite *s = suite_create("short");
	TCase *tc = suite_add_case(s, "short", "table");

	if (tc)
		tcase_add_test(tc, complete);
	for (size_t i = 0; i < SUITE_COUNT(shortened); i++) {
		tc = suite_add_case(s, "short", calls[shortened[i].id].name);
		if (tc)
			tcase_add_loop_test(tc, one_byte, (int)i, (int)i + 1);
	}
	rows_add(s, "short_refused", refused, can_be_short);
	return s;
}
