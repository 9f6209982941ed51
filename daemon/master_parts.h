/* The master's parts, for its own files only. */
#ifndef MASTER_PARTS_H
#define MASTER_PARTS_H

#include "crew.h"
#include "master.h"
#include "upgrade.h"

struct master {
    const struct invocation *inv;
    struct world *world;
    struct crew crew;
    struct commons commons;
    double kill_at;   /* while the crew is ending */
    double rotate_at; /* the next ticket key; -1: keys come from a file */
    double beat_at;   /* the next sign of life to the service manager */
    uint64_t generation;
    bool asked_to_end; /* by a SIGTERM */
    struct upgrade upgrade;
    bool reload_due;    /* asked for during an upgrade */
    char program[4096]; /* what an upgrade executes; "": not known */
};

/* --- its worlds (master_world.c) ----------------------------------------------------------------------------------- */

/* Everything that may fail, before anything changes.  => the new world with its workers in *crew, or NULL and the exit code. */
struct world *master_prepare(struct master *m, struct config *c, struct crew *crew, int *code);
void master_in_force(struct master *m, struct world *w);
/* Builds the world of the configuration's files and puts it in the place of the old one, or leaves everything as it is. */
void master_reload(struct master *m);
/* The same for the configuration in force, whose certificates have changed: its own file may be half edited, and waits for SIGHUP. */
void master_renew(struct master *m);
/* A new ticket key, and when the next one is due. */
void master_rotate_keys(struct master *m);
/* What `systemctl status` shows. */
void master_say_ready(const struct master *m, const char *how);

/* --- master.c ------------------------------------------------------------------------------------------------------- */

/* Tells the service manager that we live, when that is due.  => seconds until the next time, -1: it does not ask. */
double master_beat(struct master *m, double now);
/* All workers drain, and nobody takes their places. */
void master_drain(struct master *m);

/* --- the upgrade: the old master's side --------------------------------------------------------------------------- */

/* SIGUSR2. */
void master_upgrade(struct master *m);
/* What the upgrade under way has come to: the new master takes over, or it has failed. */
void master_upgrade_step(struct master *m, enum upgrade_state state);
/* A child has ended that may be the new master. */
void master_upgrade_child(struct master *m, pid_t pid, int status);
/* We are to end: so is the new master, if it is not in our place yet. */
void master_upgrade_cancel(struct master *m);

/* --- the upgrade: the new master's side --------------------------------------------------------------------------- */

/* Takes what an old master hands over, if there is one, as the world that ours is built upon.  => false: it failed, and the log says why.
 */
bool master_take_over(struct master *m);
/* The channel has something: the old master lets go. */
void master_alone(struct master *m);

#endif
