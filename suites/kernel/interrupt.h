/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that block for ever. Each of these runs in a child, sets up what it needs, blocks, and
 * returns what the call returned: -1 with errno, also where a pthread function returned an error.
 */
#ifndef SUITES_KERNEL_INTERRUPT_H
#define SUITES_KERNEL_INTERRUPT_H

#include <time.h>

enum { INTERRUPT_LONG_S = 1000, INTERRUPT_PAGE = 4096 };

/* A duration, and a moment of CLOCK_REALTIME, that no test lives to see. */
extern const struct timespec interrupt_long;
struct timespec interrupt_never(void);

/* interrupt_calls.c: pipes, System V, children, time, signals. */
long block_read(void);
long block_write(void);
long block_open(void);
long block_open_to_write(void);
long block_splice(void);
long block_tee(void);
long block_vmsplice(void);
long block_wait(void);
long block_waitid(void);
long block_waitid_pidfd(void);
long block_pclose(void);
long block_system(void);
long block_semop(void);
long block_semtimedop(void);
long block_msgrcv(void);
long block_msgsnd(void);
long block_poll(void);
long block_ppoll(void);
long block_select(void);
long block_pselect(void);
long block_epoll(void);
long block_nanosleep(void);
long block_clock_nanosleep(void);
long block_pause(void);
long block_sigsuspend(void);
long block_sigwaitinfo(void);
long block_sigtimedwait(void);
long block_sigwait(void);

/* interrupt_files.c: message queues, sockets, and other descriptors. */
long block_mq_receive(void);
long block_mq_timedreceive(void);
long block_mq_send(void);
long block_mq_timedsend(void);
long block_accept(void);
long block_accept_timeout(void);
long block_connect(void);
long block_connect_timeout(void);
long block_connect_tcp(void);
long block_recv(void);
long block_recv_timeout(void);
long block_recvmsg(void);
long block_recvmmsg(void);
long block_recv_tcp(void);
long block_send(void);
long block_send_timeout(void);
long block_sendto(void);
long block_sendmsg(void);
long block_sendfile(void);
long block_eventfd_read(void);
long block_eventfd_write(void);
long block_timerfd(void);
long block_signalfd(void);
long block_inotify(void);
long block_io_uring(void);

/* interrupt_locks.c: semaphores, futexes, locks in memory and of files, threads. */
long block_sem_wait(void);
long block_sem_timedwait(void);
long block_sem_clockwait(void);
long block_futex(void);
long block_futex_timeout(void);
long block_futex_lock_pi(void);
long block_futex_waitv(void);
long block_mutex(void);
long block_mutex_timed(void);
long block_mutex_robust(void);
long block_mutex_inherit(void);
long block_cond(void);
long block_cond_timed(void);
long block_rwlock_read(void);
long block_rwlock_write(void);
long block_barrier(void);
long block_join(void);
long block_flock(void);
long block_setlkw(void);
long block_ofd_setlkw(void);
long block_lockf(void);

#endif
