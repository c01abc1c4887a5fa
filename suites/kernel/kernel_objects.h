/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel test made, in memory that the test's process, its children and the runner share: so
 * it can be removed however the test ended.
 */
#ifndef SUITES_KERNEL_KERNEL_OBJECTS_H
#define SUITES_KERNEL_KERNEL_OBJECTS_H

enum { KT_NOTE_BYTES = 512 };

/* In the runner: maps the shared page; after a test: removes what it left. */
void kt_objects_share(void);
void kt_objects_remove(void);
/* In the test's process, before the test: an IPC namespace of its own, if that is allowed. */
void kt_objects_isolate(void);
/* Where a child writes why it failed. */
char *kt_objects_note(void);

#endif
