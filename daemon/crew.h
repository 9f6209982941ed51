/* The worker processes: started, told, counted, buried. */
#ifndef CREW_H
#define CREW_H

#include "per_ip.h"
#include "stats.h"
#include "tickets.h"
#include "watch.h"
#include "world.h"

#include <sys/types.h>

/* What all processes share, over all generations. */
struct commons {
    struct stats_shared *shared;
    struct per_ip per_ip;
    struct ticket_ring *ring;
    struct inheritance inherited;
    struct file_watch watch; /* the master's */
    int signals;             /* the master's signalfd; workers close it */
    int channel;             /* to the other master during an upgrade, else -1; likewise */
};

struct member {
    pid_t pid;      /* 0: to be started at `start_at` */
    int block;      /* in stats; -1: none */
    size_t index;   /* of the worker */
    double started; /* CLOCK_MONOTONIC */
    double start_at;
    unsigned failures; /* deaths in a row, each soon after its start */
};

/* The workers of the world in force, the resolver of its names, the admin process, and workers of older worlds that drain. */
struct crew {
    struct member *at; /* n: world->workers */
    size_t n;
    struct member resolver, admin;
    struct member *old;
    size_t n_old;
    bool ending; /* all were told to go: who ends is not missed */
};

/*
 * Looks up the names of a new world that nobody has found yet, which takes a few seconds at most: neither a reload nor a start hangs on a
 * name server that does not answer.  old as in crew_start().
 */
void crew_first_look(struct world *world, struct world *old, struct commons *commons);
/*
 * Starts all workers of a world as *crew, which was zeroed, and waits until each accepts; old (may be NULL) is the world that is still in
 * force.  => 0; else the exit code that says why: those that had started are ended, crew is as before.
 */
int crew_start(struct crew *crew, struct world *world, struct world *old, struct commons *commons);
/* The crew of the world before drains: *crew, which has just started, takes over its members behind those that drain already. */
void crew_retire(struct crew *crew, struct crew *from);
/* Sends a signal to the workers in force and to those that drain. */
void crew_signal(const struct crew *crew, int signum);
/* Notes that one has ended, whoever it was.  Those in force are to be started again, later when they die often. */
void crew_bury(struct crew *crew, pid_t pid, int status, struct commons *commons);
/* Starts those whose time has come.  => seconds until the next one's, -1: none waits. */
double crew_respawn(struct crew *crew, struct world *world, struct commons *commons);
/* Ends the admin process, which lives as long as the master so that a drain can be watched. */
void crew_end_admin(struct crew *crew);
/* How many workers live. */
size_t crew_living(const struct crew *crew);

#endif
