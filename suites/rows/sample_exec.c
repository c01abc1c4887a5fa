/* SPDX-License-Identifier: Apache-2.0 */
/* sample_exec.c - the exec family: the program becomes itself again and tells what it was given. */
#include "sample.h"

#include <fcntl.h>

#define SELF "/proc/self/exe"

static char *const argv[] = { "row-sample", "--executed", "again", NULL };
static char *const envp[] = { "SAMPLE=given", "OTHER=too", NULL };

static void prepare_self(void)
{
	stage->extra = (int)raw4(SYS_openat, AT_FDCWD, SELF, O_RDONLY | O_CLOEXEC, 0);
	need(stage->extra, "open");
}

#define EXECUTES(name) \
	SAMPLE(name, .prepare = prepare_self, .fail = fail_##name, .fault = fault_##name, \
	       .ends = true)

CALLS(execve, execve(SELF, argv, envp))
FAILS(execve, execve("/none/x", argv, envp))
FAULTS(execve, execve(nowhere, argv, envp))
EXECUTES(execve);

CALLS(execv, execv(SELF, argv))
FAILS(execv, execv("/none/x", argv))
FAULTS(execv, execv(nowhere, argv))
EXECUTES(execv);

/* A bad environment is the kernel's to find, as is a bad path. */
FAULTS(execvpe, execvpe(SELF, argv, nowhere))
FAULTS(fexecve, fexecve(stage->extra, argv, nowhere))

/* These look into the path themselves, so a pointer to nowhere is a crash without the shim too. */
#define SEARCHES(name) SAMPLE(name, .prepare = prepare_self, .fail = fail_##name, .ends = true)

CALLS(execvp, execvp(SELF, argv))
FAILS(execvp, execvp("no-such-program", argv))
SEARCHES(execvp);

CALLS(execvpe, execvpe(SELF, argv, envp))
FAILS(execvpe, execvpe("no-such-program", argv, envp))
EXECUTES(execvpe);

CALLS(execl, execl(SELF, "row-sample", "--executed", "again", (char *)NULL))
FAILS(execl, execl("/none/x", "row-sample", (char *)NULL))
FAULTS(execl, execl(nowhere, "row-sample", (char *)NULL))
EXECUTES(execl);

CALLS(execlp, execlp(SELF, "row-sample", "--executed", "a", "b", "c", "d", "e", (char *)NULL))
FAILS(execlp, execlp("no-such-program", "row-sample", (char *)NULL))
SEARCHES(execlp);

CALLS(execle, execle(SELF, "row-sample", "--executed", "again", (char *)NULL, envp))
FAILS(execle, execle("/none/x", "row-sample", (char *)NULL, envp))
FAULTS(execle, execle(nowhere, "row-sample", (char *)NULL, envp))
EXECUTES(execle);

CALLS(fexecve, fexecve(stage->extra, argv, envp))
FAILS(fexecve, fexecve(bad, argv, envp))
EXECUTES(fexecve);

CALLS(execveat, execveat(stage->extra, "", argv, envp, AT_EMPTY_PATH))
FAILS(execveat, execveat(bad, "none", argv, envp, 0))
FAULTS(execveat, execveat(stage->extra, nowhere, argv, envp, 0))
EXECUTES(execveat);
