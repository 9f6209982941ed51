/* The listening sockets of one worker: accepting, and waiting when a limit or the kernel says so. */
#ifndef DOOR_H
#define DOOR_H

#include "link.h"
#include "worker.h"

enum door_pause { PAUSE_NOT, PAUSE_ERROR, PAUSE_CONNECTIONS, PAUSE_RATE };

struct door;

/* One listening socket. */
struct acceptor {
    struct watch io;
    struct door *door;
    struct place *place;
    const struct addr *bound;
    int batch; /* accepts in the next event: a call that finds nobody is one too many */
};

struct door {
    struct link_env *env;
    const struct worker_job *job;
    struct acceptor *at;
    size_t n;
    struct alarm resume;
    enum door_pause paused;
    double backoff;           /* seconds of the next pause after an error */
    double told_at;           /* the loop's time when the log was told of max-connections */
    double tokens, tokens_at; /* handshakes-per-second: this worker's share */
    uint32_t ring_seen;       /* the ticket keys that the contexts have */
    void (*clock)(void *arg); /* brings the wheel to the present, which stands still while there is no connection */
    void *clock_arg;
};

/* Keeps this worker's share of the sockets, each served as its place; not yet open.  => false: no memory. */
bool door_build(struct door *d, struct link_env *env, const struct worker_job *job, struct place *places);
/* => false: no memory. */
bool door_open(struct door *d);
/* To be called at the end of each round: lets in who waited for a connection's end. */
void door_round(struct door *d);
/* Serves what waits already and closes the sockets, for good. */
void door_close(struct door *d);

#endif
