/* The master: opens, forks, watches, reloads; it never parses a byte from the network. */
#ifndef MASTER_H
#define MASTER_H

#include "options.h"

/* Runs the daemon until a signal ends it; owns c from now on.  inv is read again at each reload.  => its exit code. */
int master_run(struct config *c, const struct invocation *inv);

#endif
