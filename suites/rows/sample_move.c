/* SPDX-License-Identifier: Apache-2.0 */
/* sample_move.c - moving bytes into, out of and between pipes. */
#include "sample.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* The bytes in two pieces, so that the border between them counts too. */
static const struct iovec *vector(char *from)
{
	static struct iovec two[2];

	two[0] = (struct iovec){ from, 2 };
	two[1] = (struct iovec){ from + 2, stage->n - 2 };
	return two;
}

static const struct iovec *bad_vector(void)
{
	static struct iovec wrong;

	wrong = (struct iovec){ nowhere, 5 };
	return &wrong;
}

/* More than a vector may have; volatile, for compilers that know better. */
static volatile int too_many = 5000;

/* A sample with the same shape for each row: F is the function, `fd` the end that it works on. */
#define READS(name) \
	SAMPLE(name, .prepare = prepare_filled, .fail = fail_##name, .fault = fault_##name, \
	       .data = data_out, .state = state_pipe)
#define WRITES(name) \
	SAMPLE(name, .prepare = prepare_pipe, .fail = fail_##name, .fault = fault_##name, \
	       .state = state_pipe)

CALLS(read, read(stage->fd[0], stage->out, stage->n))
FAILS(read, read(stage->fd[1], stage->out, stage->n))
FAULTS(read, read(stage->fd[0], nowhere, stage->n))
READS(read);

CALLS(__read_chk, __read_chk(stage->fd[0], stage->out, stage->n, sizeof(stage->out)))
FAILS(__read_chk, __read_chk(bad, stage->out, stage->n, sizeof(stage->out)))
FAULTS(__read_chk, __read_chk(stage->fd[0], nowhere, stage->n, sizeof(stage->out)))
READS(__read_chk);

CALLS(__read, __read(stage->fd[0], stage->out, stage->n))
FAILS(__read, __read(bad, stage->out, stage->n))
FAULTS(__read, __read(stage->fd[0], nowhere, stage->n))
READS(__read);

CALLS(__write, __write(stage->fd[1], stage->in, stage->n))
FAILS(__write, __write(stage->fd[0], stage->in, stage->n))
FAULTS(__write, __write(stage->fd[1], nowhere, stage->n))
WRITES(__write);

CALLS(write, write(stage->fd[1], stage->in, stage->n))
FAILS(write, write(stage->fd[0], stage->in, stage->n))
FAULTS(write, write(stage->fd[1], nowhere, stage->n))
WRITES(write);

CALLS(readv, readv(stage->fd[0], vector(stage->out), 2))
FAILS(readv, readv(bad, vector(stage->out), 2))
FAULTS(readv, readv(stage->fd[0], nowhere, 2))
READS(readv);

CALLS(writev, writev(stage->fd[1], vector(stage->in), 2))
FAILS(writev, writev(stage->fd[1], vector(stage->in), too_many))
FAULTS(writev, writev(stage->fd[1], bad_vector(), 1))
WRITES(writev);

CALLS(preadv2, preadv2(stage->fd[0], vector(stage->out), 2, -1, 0))
FAILS(preadv2, preadv2(stage->fd[0], vector(stage->out), 2, 0, 0))
FAULTS(preadv2, preadv2(stage->fd[0], nowhere, 2, bad, 0))
READS(preadv2);

CALLS(preadv64v2, preadv64v2(stage->fd[0], vector(stage->out), 2, -1, 0))
FAILS(preadv64v2, preadv64v2(bad, vector(stage->out), 2, bad, 0))
FAULTS(preadv64v2, preadv64v2(stage->fd[0], bad_vector(), 1, bad, 0))
READS(preadv64v2);

CALLS(pwritev2, pwritev2(stage->fd[1], vector(stage->in), 2, -1, 0))
FAILS(pwritev2, pwritev2(stage->fd[1], vector(stage->in), 2, 0, 0))
FAULTS(pwritev2, pwritev2(stage->fd[1], nowhere, 2, bad, 0))
WRITES(pwritev2);

CALLS(pwritev64v2, pwritev64v2(stage->fd[1], vector(stage->in), 2, -1, 0))
FAILS(pwritev64v2, pwritev64v2(bad, vector(stage->in), 2, bad, 0))
FAULTS(pwritev64v2, pwritev64v2(stage->fd[1], bad_vector(), 1, bad, 0))
WRITES(pwritev64v2);

CALLS(splice, splice(stage->fd[0], NULL, stage->fd2[1], NULL, stage->n, 0))
FAILS(splice, splice(stage->fd[0], NULL, bad, NULL, stage->n, 0))
SAMPLE(splice, .prepare = prepare_pipes, .fail = fail_splice, .state = state_pipes);

CALLS(tee, tee(stage->fd[0], stage->fd2[1], stage->n, 0))
FAILS(tee, tee(stage->fd[0], stage->fd[1], stage->n, 0))
SAMPLE(tee, .prepare = prepare_pipes, .fail = fail_tee, .state = state_pipes);

CALLS(vmsplice, vmsplice(stage->fd[1], vector(stage->in), 2, 0))
FAILS(vmsplice, vmsplice(bad, vector(stage->in), 2, 0))
FAULTS(vmsplice, vmsplice(stage->fd[1], nowhere, 2, 0))
WRITES(vmsplice);

static void prepare_file_and_pipe(void)
{
	prepare_file();
	prepare_pipe();
}

static off_t at;

static void data_offset(void)
{
	print(" at=%ld", (long)at);
}

#define SENDS(name) \
	SAMPLE(name, .prepare = prepare_file_and_pipe, .fail = fail_##name, .fault = fault_##name, \
	       .data = data_offset, .state = state_pipe)

CALLS(sendfile, sendfile(stage->fd[1], stage->extra, &at, stage->n))
FAILS(sendfile, sendfile(stage->fd[1], bad, &at, stage->n))
FAULTS(sendfile, sendfile(stage->fd[1], stage->extra, nowhere, stage->n))
SENDS(sendfile);

CALLS(sendfile64, sendfile64(stage->fd[1], stage->extra, &at, stage->n))
FAILS(sendfile64, sendfile64(bad, stage->extra, &at, stage->n))
FAULTS(sendfile64, sendfile64(stage->fd[1], stage->extra, nowhere, stage->n))
SENDS(sendfile64);
