/* SPDX-License-Identifier: Apache-2.0 */
/* unit_json - what the JSON writer writes, and that an independent parser (jansson) reads the same.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json_writer.h"
#include "unit.h"

static char *text;
static size_t n_text;

static struct json_writer begin(bool lines)
{
	struct json_writer writer;

	json_write_begin(&writer, open_memstream(&text, &n_text), lines);
	return writer;
}

static void finish(struct json_writer *writer)
{
	ck_assert_int_eq(json_write_finish(writer), 0);
	fclose(writer->to);
}

static void sample(struct json_writer *writer)
{
	json_write_object(writer, NULL);
	json_write_bool(writer, "isolated", true);
	json_write_fixed(writer, "duration_ms", 12345, 3);
	json_write_array(writer, "list");
	json_write_int(writer, NULL, INT64_MIN);
	json_write_uint(writer, NULL, UINT64_MAX);
	json_write_null(writer, NULL);
	json_write_array(writer, NULL);
	json_write_end(writer);
	json_write_object(writer, NULL);
	json_write_end(writer);
	json_write_end(writer);
	json_write_string(writer, "none", NULL);
	json_write_end(writer);
}

START_TEST(compact)
{
	struct json_writer writer = begin(false);

	sample(&writer);
	finish(&writer);
	ck_assert_str_eq(
		text,
		"{\"isolated\": true, \"duration_ms\": 12.345, \"list\": "
		"[-9223372036854775808, 18446744073709551615, null, [], {}], \"none\": null}\n");
	free(text);
}
END_TEST

START_TEST(in_lines)
{
	struct json_writer writer = begin(true);

	sample(&writer);
	finish(&writer);
	ck_assert_str_eq(
		text, "{\n  \"isolated\": true,\n  \"duration_ms\": 12.345,\n  \"list\": [\n"
		      "    -9223372036854775808,\n    18446744073709551615,\n    null,\n    [],\n"
		      "    {}\n  ],\n  \"none\": null\n}\n");
	free(text);
}
END_TEST

START_TEST(fixed_numbers)
{
	static const struct {
		int64_t value;
		unsigned int decimals;
		const char *text;
	} cases[] = {
		{ 0, 0, "0\n" },
		{ 5, 3, "0.005\n" },
		{ -5, 3, "-0.005\n" },
		{ 1234, 1, "123.4\n" },
		{ -10, 1, "-1.0\n" },
		{ INT64_MIN, 0, "-9223372036854775808\n" },
		{ INT64_MAX, 18, "9.223372036854775807\n" },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		struct json_writer writer = begin(false);

		json_write_fixed(&writer, NULL, cases[i].value, cases[i].decimals);
		finish(&writer);
		ck_assert_str_eq(text, cases[i].text);
		free(text);
	}
}
END_TEST

/* As it comes back from a parser that refuses all that is no UTF-8. */
static void check_string(const char *bytes, size_t n_bytes, const char *expected)
{
	struct json_writer writer = begin(false);
	json_t *json;

	json_write_array(&writer, NULL);
	json_write_bytes(&writer, NULL, bytes, n_bytes);
	json_write_end(&writer);
	finish(&writer);
	json = json_loads(text, JSON_ALLOW_NUL, NULL);
	ck_assert_msg(json != NULL, "%s", text);
	if (expected)
		ck_assert_str_eq(json_string_value(json_array_get(json, 0)), expected);
	json_decref(json);
	free(text);
}

#define BAD "\xef\xbf\xbd"

START_TEST(strings)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "\"\\/\b\f\n\r\t\x01\x1f\x7f", "\"\\/\b\f\n\r\t\x01\x1f\x7f" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf",
		  "\xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf" },
		{ "\x80", BAD },
		{ "a\xff"
		  "b",
		  "a" BAD "b" },
		{ "\xc0\xaf", BAD BAD },
		{ "\xe0\x80\xaf", BAD BAD BAD },
		{ "\xed\xa0\x80", BAD BAD BAD },
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD },
		{ "\xe2\x82", BAD BAD },
		{ "\xe2\x82x", BAD BAD "x" },
		{ "\xf5\x80\x80\x80", BAD BAD BAD BAD },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++)
		check_string(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}
END_TEST

/* All sequences of three bytes that begin with any byte: jansson must accept what we write. */
START_TEST(all_bytes)
{
	char bytes[3];

	for (int first = 0; first < 256; first++) {
		for (int second = 0; second < 256; second += 5) {
			bytes[0] = (char)first;
			bytes[1] = (char)second;
			bytes[2] = (char)(second ^ 0x25);
			check_string(bytes, sizeof(bytes), NULL);
		}
	}
}
END_TEST

START_TEST(full_disk)
{
	struct json_writer writer;
	FILE *full = fopen("/dev/full", "w");

	if (!full)
		suite_skip("no /dev/full here");
	json_write_begin(&writer, full, true);
	sample(&writer);
	ck_assert_int_eq(json_write_finish(&writer), -1);
	fclose(full);
}
END_TEST

static Suite *json_suite(void)
{
	const struct unit_case cases[] = {
		{ "compact", compact }, { "lines", in_lines },      { "fixed", fixed_numbers },
		{ "strings", strings }, { "all-bytes", all_bytes }, { "full-disk", full_disk },
	};

	return unit_suite("json", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { json_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
