/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.h - what the wrapper files share: the headers of all wrapped functions, and argument
 * packing. */
#ifndef IPCJAM_WRAP_H
#define IPCJAM_WRAP_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fortify.h"
#include "shim.h"

#define A0 \
	{ \
		0 \
	}
#define A1(a) \
	{ \
		(long)(a) \
	}
#define A2(a, b) \
	{ \
		(long)(a), (long)(b) \
	}
#define A3(a, b, c) \
	{ \
		(long)(a), (long)(b), (long)(c) \
	}
#define A4(a, b, c, d) \
	{ \
		(long)(a), (long)(b), (long)(c), (long)(d) \
	}
#define A5(a, b, c, d, e) \
	{ \
		(long)(a), (long)(b), (long)(c), (long)(d), (long)(e) \
	}
#define A6(a, b, c, d, e, f) \
	{ \
		(long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f) \
	}

#define CALLER __builtin_return_address(0)
#define FRAME __builtin_frame_address(0)

#endif
