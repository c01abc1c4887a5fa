/* SPDX-License-Identifier: Apache-2.0 */
/* unit_plan_file - plans of several rules, plan files, and how errors are shown. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan_file.h"
#include "unit.h"

static struct plan plan;
static struct plan_error error;
static unsigned int line;

static int add_lines(const char *text)
{
	memset(&plan, 0, sizeof(plan));
	memset(&error, 0, sizeof(error));
	return plan_add_lines(&plan, text, strlen(text), &error, &line);
}

START_TEST(lines)
{
	char text[PLAN_TEXT];

	ck_assert_int_eq(
		add_lines("# a plan\n\n  semop:kill  # the first\r\n\tread:short=1:in=main\n"
			  "read:kill:object=path:/a\\ #x:max=1\nread:kill:object=path:/a#b"),
		0);
	ck_assert_uint_eq(plan.n_rules, 4);
	ck_assert_uint_eq(plan.n_in, 1);
	ck_assert_uint_eq(line, 6);
	ck_assert_uint_eq(plan.rule[0].fault, FAULT_KILL);
	ck_assert_str_eq(plan.rule[2].object_path, "/a #x");
	ck_assert_str_eq(plan.rule[3].object_path, "/a#b");
	rule_format(&plan.rule[2], text, sizeof(text));
	ck_assert_int_eq(add_lines(text), 0);
	ck_assert_str_eq(plan.rule[0].object_path, "/a #x");
	ck_assert_int_eq(add_lines(""), 0);
	ck_assert_int_eq(add_lines("\n#\n # x\n"), 0);
	ck_assert_uint_eq(plan.n_rules, 0);
}
END_TEST

START_TEST(wrong_lines)
{
	char text[3 * PLAN_TEXT];

	ck_assert_int_eq(add_lines("semop:kill\n  semop:kil\n"), -1);
	ck_assert_uint_eq(line, 2);
	ck_assert_uint_eq(error.column, 8);
	ck_assert_uint_eq(plan.n_rules, 1);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(add_lines(text), -1);
	ck_assert_uint_eq(error.column, PLAN_TEXT - 1);
	ck_assert_int_eq(plan_add_lines(&plan, "semop:kill\0", 11, &error, &line), -1);
	ck_assert_ptr_nonnull(strstr(error.message, "zero byte"));
}
END_TEST

START_TEST(full_plan)
{
	memset(&plan, 0, sizeof(plan));
	for (unsigned int i = 0; i < PLAN_RULES; i++)
		ck_assert_int_eq(plan_add(&plan, "semop:kill", &error), 0);
	ck_assert_int_eq(plan_add(&plan, "semop:kill", &error), -1);
	ck_assert_ptr_nonnull(strstr(error.message, "at most 64"));
	ck_assert_uint_eq(plan.n_rules, PLAN_RULES);
}
END_TEST

/* What plan_complain() and plan_complain_file() print. */
static char *complaint(const char *text, const char *path)
{
	char *output;
	size_t n;
	FILE *to = open_memstream(&output, &n);

	if (path)
		plan_complain_file(to, path, line, &error);
	else
		plan_complain(to, "rule", text, &error);
	fclose(to);
	return output;
}

START_TEST(complaints)
{
	static const char *const cases[][2] = {
		{ "semop:error=EPIP:when=1",
		  "ipcjam: rule: semop:error=EPIP:when=1: column 13: unknown error 'EPIP', "
		  "expected one of "
		  "EAGAIN EINTR EIDRM ENOMEM E2BIG EFBIG EINVAL EACCES EFAULT ERANGE\n"
		  "  semop:error=EPIP:when=1\n"
		  "              ^\n" },
		/* The caret counts characters, not bytes; control characters do not reach the
		   terminal. */
		{ "read:kill:in=\xc3\xbc\xc3\xbc:x",
		  "ipcjam: rule: read:kill:in=\xc3\xbc\xc3\xbc:x: column 17: unknown selector 'x', "
		  "expected one "
		  "of when= count= p= proc= site= in= object= max= optional\n"
		  "  read:kill:in=\xc3\xbc\xc3\xbc:x\n"
		  "                  ^\n" },
		{ "se\033mop",
		  "ipcjam: rule: se?mop: column 3: control character, expected printable text\n"
		  "  se?mop\n"
		  "    ^\n" },
		{ "semop",
		  "ipcjam: rule: semop: column 6: no fault, expected ':' and one of error short "
		  "delay kill signal "
		  "stop\n"
		  "  semop\n"
		  "       ^\n" },
	};
	struct rule rule;
	char *output;

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		ck_assert_int_eq(rule_parse(cases[i][0], &rule, &error), -1);
		output = complaint(cases[i][0], NULL);
		ck_assert_str_eq(output, cases[i][1]);
		free(output);
	}
	output = complaint(NULL, NULL);
	ck_assert_ptr_nonnull(strstr(output, "ipcjam: rule: no fault, expected"));
	free(output);
}
END_TEST

START_TEST(files)
{
	char path[] = "/tmp/unit-plan-XXXXXX", expected[300];
	static const char text[] = "semop:kill\n\n  # x\nread:shor=1\n";
	int fd = mkstemp(path);
	char *output;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	memset(&plan, 0, sizeof(plan));
	ck_assert_int_eq(plan_load(path, &plan, &error, &line), -1);
	ck_assert_uint_eq(line, 4);
	ck_assert_uint_eq(plan.n_rules, 1);
	output = complaint(NULL, path);
	snprintf(expected, sizeof(expected),
		 "ipcjam: plan: %s:4: read:shor=1: column 6: unknown fault 'shor=1', "
		 "expected one of error short "
		 "delay kill signal stop\n  read:shor=1\n       ^\n",
		 path);
	ck_assert_str_eq(output, expected);
	free(output);
	ck_assert_int_eq(ftruncate(fd, 11), 0);
	ck_assert_int_eq(plan_load(path, &plan, &error, &line), 0);
	ck_assert_uint_eq(plan.n_rules, 2);
	ck_assert_int_eq(ftruncate(fd, PLAN_FILE_BYTES + 1), 0);
	ck_assert_int_eq(plan_load(path, &plan, &error, &line), -1);
	ck_assert_ptr_nonnull(strstr(error.message, "too large"));
	close(fd);
	unlink(path);
	ck_assert_int_eq(plan_load(path, &plan, &error, &line), -1);
	ck_assert_uint_eq(line, 0);
	output = complaint(NULL, path);
	snprintf(expected, sizeof(expected),
		 "ipcjam: plan: %s: No such file or directory, "
		 "expected a plan file that can be read\n",
		 path);
	ck_assert_str_eq(output, expected);
	free(output);
	ck_assert_int_eq(plan_load("/", &plan, &error, &line), -1);
}
END_TEST

static Suite *plan_file_suite(void)
{
	const struct unit_case cases[] = {
		{ "lines", lines },    { "wrong-lines", wrong_lines },
		{ "full", full_plan }, { "complaints", complaints },
		{ "files", files },
	};

	return unit_suite("plan-file", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { plan_file_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
