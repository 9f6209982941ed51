/* What a process gives up for good once it is set up: privileges, core dumps, system calls, files, ports. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "options.h"

/*
 * For every process, first of all: no new privileges by execve, no core dump, no tracing by others of the same user.  A change of user
 * makes a process dumpable again, so who changes it calls this once more.
 */
void sandbox_process(void);

enum sandbox_role {
    SANDBOX_WORKER, /* accepts, connects to the backends of the configuration */
    SANDBOX_ADMIN   /* accepts; connects nowhere but to syslog */
};

/*
 * Enters it, as far as the kernel can: seccomp (a call that is not on the list fails with EPERM) and Landlock (no file but the log's
 * directory to write the log in, no TCP port to bind, none to connect to but the backends', no signal outwards).  Descriptors that are
 * open stay usable.  After process_become(), with all sockets and the loop made.  Does nothing when the configuration says so.
 *
 * => 0; -1 when a part was refused, after a warning for each when `tell`; the other parts are in force.
 */
int sandbox_enter(const struct config *c, enum sandbox_role role, bool tell);

#endif
