/* SPDX-License-Identifier: Apache-2.0 */
/* unit_proc_text - lines of /proc: mappings, file locks, internet sockets. */
#include <string.h>
#include <sys/sysmacros.h>

#include "proc_text.h"
#include "unit.h"

START_TEST(mappings)
{
	struct mapping m;

	ck_assert(
		mapping_parse("7f0000000000-7f0000002000 rw-s 00001000 08:1f 4711   /tmp/x\n", &m));
	ck_assert_uint_eq(m.start, 0x7f0000000000);
	ck_assert_uint_eq(m.end, 0x7f0000002000);
	ck_assert_uint_eq(m.offset, 0x1000);
	ck_assert_uint_eq(m.dev, makedev(8, 0x1f));
	ck_assert_uint_eq(m.ino, 4711);
	ck_assert(m.shared);
	ck_assert(mapping_parse("00400000-00401000 r-xp 00000000 00:00 0\n", &m));
	ck_assert(!m.shared);
	ck_assert_uint_eq(m.dev, 0);
	ck_assert(!mapping_parse("", &m));
	ck_assert(!mapping_parse("the rest of a long path\n", &m));
	ck_assert(!mapping_parse("00400000-00401000 r-xp 00000000 00:00\n", &m));
}
END_TEST

static struct file_lock lock(const char *line)
{
	struct file_lock l;

	ck_assert_msg(file_lock_parse(line, &l), "%s", line);
	return l;
}

START_TEST(file_lock_lines)
{
	struct file_lock l = lock("1: POSIX  ADVISORY  WRITE 123 08:01:4711 10 19\n");

	ck_assert_int_eq(l.kind, FILE_LOCK_PROCESS);
	ck_assert(l.writes);
	ck_assert_uint_eq(l.first, 10);
	ck_assert_uint_eq(l.last, 19);
	l = lock("7: -> OFDLCK ADVISORY  READ -1 00:2a:9 5 EOF\n");
	ck_assert_int_eq(l.kind, FILE_LOCK_OFD);
	ck_assert(!l.writes);
	ck_assert_uint_eq(l.last, UINT64_MAX);
	l = lock("\t1: FLOCK  ADVISORY  WRITE 690 08:06:24183 0 EOF\n");
	ck_assert_int_eq(l.kind, FILE_LOCK_FLOCK);
	l = lock("3: LEASE  ACTIVE    READ 12 08:06:24183 0 EOF\n");
	ck_assert_int_eq(l.kind, FILE_LOCK_OTHER);
	ck_assert(!file_lock_parse("", &l));
	ck_assert(!file_lock_parse("lock", &l));
	ck_assert(!file_lock_parse("1: POSIX  ADVISORY  WRITE 123 08:01:4711 10\n", &l));
	ck_assert(!file_lock_parse("1: POSIX  ADVISORY  WRITE 123 08:01:4711 10 x\n", &l));
}
END_TEST

START_TEST(file_lock_conflicts)
{
	static const struct {
		struct file_lock a, b;
		bool conflict;
	} cases[] = {
		{ { FILE_LOCK_PROCESS, true, 0, 9 }, { FILE_LOCK_PROCESS, true, 9, 20 }, true },
		{ { FILE_LOCK_PROCESS, true, 0, 9 }, { FILE_LOCK_PROCESS, true, 10, 20 }, false },
		{ { FILE_LOCK_PROCESS, true, 0, 9 }, { FILE_LOCK_PROCESS, false, 3, 4 }, true },
		{ { FILE_LOCK_PROCESS, false, 0, 9 }, { FILE_LOCK_PROCESS, false, 3, 4 }, false },
		{ { FILE_LOCK_OFD, true, 0, 9 }, { FILE_LOCK_PROCESS, true, 0, 9 }, true },
		{ { FILE_LOCK_FLOCK, true, 0, UINT64_MAX },
		  { FILE_LOCK_FLOCK, false, 0, UINT64_MAX },
		  true },
		{ { FILE_LOCK_FLOCK, true, 0, UINT64_MAX },
		  { FILE_LOCK_PROCESS, true, 0, UINT64_MAX },
		  false },
		{ { FILE_LOCK_OTHER, true, 0, 9 }, { FILE_LOCK_OTHER, true, 0, 9 }, false },
	};

	for (size_t i = 0; i < SUITE_COUNT(cases); i++) {
		ck_assert_msg(file_locks_conflict(&cases[i].a, &cases[i].b) == cases[i].conflict,
			      "case %zu", i);
		ck_assert_msg(file_locks_conflict(&cases[i].b, &cases[i].a) == cases[i].conflict,
			      "case %zu, the other way", i);
	}
}
END_TEST

static struct inet_line inet(const char *line)
{
	struct inet_line l;

	ck_assert_msg(inet_parse(line, &l), "%s", line);
	return l;
}

#define TCP4 \
	"   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000  " \
	"      0 4711 1 0000000000000000 20 4 30 10 -1\n"
#define TCP4_BACK \
	"   2: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000  " \
	"      0 4712 1 0000000000000000 20 4 30 10 -1\n"
#define TCP6_MAPPED \
	"   3: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000100007F:C001 01 " \
	"00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 20 4 30 10 -1\n"
#define TCP6_LISTENS \
	"   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A " \
	"00000000:00000000 00:00000000 00000000     0        0 99 1 0000000000000000 100 0 0 10 0\n"
#define TCP4_LISTENS \
	"   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 " \
	"1066 1 000000005ed14b86 100 0 0 10 0\n"

START_TEST(inet_lines)
{
	struct inet_line a = inet(TCP4), b = inet(TCP4_BACK), c = inet(TCP6_MAPPED);

	ck_assert_uint_eq(a.ino, 4711);
	ck_assert_uint_eq(a.state, INET_ESTABLISHED);
	ck_assert_uint_eq(a.local.port, 0x1f90);
	ck_assert(inet_same(&a.local, &b.remote) && inet_same(&a.remote, &b.local));
	ck_assert(!inet_same(&a.local, &a.remote));
	/* IPv4 seen through an IPv6 socket is the same address */
	ck_assert(inet_same(&a.local, &c.local));
	ck_assert(inet_is_loopback(&a.local) && inet_is_loopback(&c.local));
	ck_assert(!inet_is_any(&a.local));
}
END_TEST

START_TEST(inet_listeners)
{
	struct inet_line six = inet(TCP6_LISTENS), four = inet(TCP4_LISTENS), l;

	ck_assert_uint_eq(six.state, INET_LISTENS);
	ck_assert(inet_is_loopback(&six.local) && !inet_is_any(&six.local));
	ck_assert(inet_is_any(&four.local) && !inet_is_loopback(&four.local));
	ck_assert(inet_is_any(&six.remote));
	ck_assert(inet_same(&six.remote, &four.remote));
	ck_assert(!inet_parse("  sl  local_address rem_address   st tx_queue rx_queue\n", &l));
	ck_assert(!inet_parse("", &l));
	ck_assert(!inet_parse("  0: 0100007F 0100007F:C001 01 0:0 0:0 0 0 0 4711\n", &l));
}
END_TEST

static Suite *proc_text_suite(void)
{
	const struct unit_case cases[] = {
		{ "mappings", mappings },
		{ "file-lock-lines", file_lock_lines },
		{ "file-lock-conflicts", file_lock_conflicts },
		{ "inet-lines", inet_lines },
		{ "inet-listeners", inet_listeners },
	};

	return unit_suite("proc-text", cases, SUITE_COUNT(cases));
}

int main(int argc, char **argv)
{
	static Suite *(*const makers[])(void) = { proc_text_suite };

	return suite_main(argc, argv, makers, SUITE_COUNT(makers));
}
