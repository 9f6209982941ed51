/* A worker: one loop that serves its share of the listening sockets until it is told to go. */
#ifndef WORKER_H
#define WORKER_H

#include "per_ip.h"
#include "stats.h"
#include "tickets.h"
#include "world.h"

#include <sys/types.h>

struct worker_job {
    struct world *world;
    size_t index; /* 0 to world->workers - 1 */
    int block;    /* in shared->block, and its table in per_ip */
    struct stats_shared *shared;
    struct per_ip *per_ip; /* at NULL: no limit by address */
    struct ticket_ring *ring;
    int ready_fd; /* a byte is written and it is closed when connections are accepted; -1: nobody wants to know */
    pid_t master;
};

/*
 * The whole life of a worker process: drops privileges, serves, drains on SIGTERM, ends at once on SIGINT.
 * => its exit code: EXIT_FINE; EXIT_RIGHTS: privileges could not be dropped; EXIT_INTERNAL.  Never returns to the master's code.
 */
int worker_run(const struct worker_job *job);

#endif
