/* A new binary that is to take our place (SIGUSR2): started, given what it needs, watched until it is ready or has failed. */
#ifndef UPGRADE_H
#define UPGRADE_H

#include "handover.h"

#include <sys/types.h>

#define UPGRADE_SECONDS 60 /* a new one that is not ready by then is ended */

struct upgrade {
    pid_t pid;                /* of the new master; 0: there is none */
    pid_t parent;             /* our child, and the new master's parent until it serves */
    int fd;                   /* the channel to it, -1: none (any more) */
    struct handover handover; /* what it gets; binds, admin, inherited and names are the world's, the key ring is a copy */
    size_t next;              /* what comes next of it */
    double until;
    char why[640]; /* it failed */
};

enum upgrade_state {
    UPGRADE_NONE,  /* none is under way */
    UPGRADE_WAITS, /* until upgrade_events() happen on fd, or upgrade_ended(), or u->until */
    UPGRADE_READY, /* it serves: it is to be told so by upgrade_release(), once all is done that must come before */
    UPGRADE_FAILED /* and is gone, with everything that was its own; u->why says why, in a sentence */
};

/* Starts the program with these arguments; u->handover is set.  => false: it cannot, u->why says why. */
bool upgrade_start(struct upgrade *u, const char *program, char **argv, double now);
/* What poll(2) is to look for on u->fd. */
short upgrade_events(const struct upgrade *u);
/* Goes on as far as it can without blocking.  UPGRADE_FAILED is told once. */
enum upgrade_state upgrade_step(struct upgrade *u, double now);
/* A child has ended.  => UPGRADE_FAILED when it was the new master, else UPGRADE_NONE. */
enum upgrade_state upgrade_ended(struct upgrade *u, pid_t pid, int status);
/* Once it is ready: the new master has no parent among us any more.  => false: it has ended meanwhile; the upgrade failed, u->why says why.
 */
bool upgrade_adopted(struct upgrade *u);
/* The new master stands alone from now on, and no upgrade is under way any more. */
void upgrade_release(struct upgrade *u);
/* It is ended. */
void upgrade_cancel(struct upgrade *u);

#endif
