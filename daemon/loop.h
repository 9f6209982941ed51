/*
 * A worker's event loop: one epoll set, level-triggered unless asked otherwise, a few alarms, signals by a descriptor.  What is watched is
 * embedded in its owner, so that a watched socket costs 16 bytes and no table grows with the descriptors.
 */
#ifndef LOOP_H
#define LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_BATCH 256 /* events taken from the kernel in one round */

/* The owner of an embedded member. */
#define LOOP_OWNER(member_at, type, member) ((type *)(void *)((char *)(member_at)-offsetof(type, member)))

/* A descriptor, and who wants to know.  To begin with it is { event, fd }. */
struct watch {
    /*
     * EPOLLIN and EPOLLOUT, of those that are wanted; an error and a hang-up are both.  EPOLLRDHUP beside EPOLLIN: the peer's end has
     * come, so that nothing comes behind what can be read now, and a TCP read that is short has read all of it; unless EPOLLERR says
     * that the end is none in order, or that urgent data cuts reads short.
     */
    void (*event)(struct watch *w, unsigned events);
    int fd;
    uint8_t wanted; /* EPOLLIN and EPOLLOUT; the kernel may still have more */
    bool in_set : 1;
    bool edge : 1;   /* by the owner, before the first loop_watch(), TCP only: edge-triggered while EPOLLOUT is not wanted */
    bool left : 1;   /* by the owner, edge-triggered: there may be something that it has not read */
    bool again : 1;  /* stands in loop.again */
    bool ended : 1;  /* the peer's end has come */
    bool urgent : 1; /* TCP's urgent data has come, before which reads stop short */
};
_Static_assert(sizeof(struct watch) <= 16, "two of them in each link");

struct alarm {
    void (*event)(struct alarm *a);
    struct alarm *next;
    double at, every; /* the loop's time; every 0: once */
    bool set;
};

struct loop {
    int epoll;
    double now;           /* seconds of CLOCK_MONOTONIC, taken when a round's events are there */
    struct alarm *alarms; /* by time */
    struct epoll_event batch[LOOP_BATCH];
    int at, n;                       /* of the batch: the next event, all */
    struct watch *again[LOOP_BATCH]; /* who has something left */
    int n_again;
};

/* => false with errno set. */
bool loop_init(struct loop *l);

/*
 * Tells the kernel at once, and only what changes; events 0: nothing is wanted.  => false: no memory for it; only the first time.
 * Edge-triggered: that EPOLLIN is not wanted any more costs no call behind the peer's end.  What is wanted anew, or still with something
 * left, is told of when it is there already.
 */
bool loop_watch(struct loop *l, struct watch *w, unsigned events);
/* Not watched any more, nor heard of in this round; the socket may go on in another process. */
void loop_forget(struct loop *l, struct watch *w);
/* The same, and closes it; fd is -1 then.  No other descriptor, of any process, may stand for the same socket. */
void loop_close(struct loop *l, struct watch *w);

/* In `after` seconds, then each `every` (0: once).  One that is set already is moved. */
void loop_alarm(struct loop *l, struct alarm *a, double after, double every);
void loop_silence(struct loop *l, struct alarm *a);

/* Blocks these signals and no others; those that are pending already count.  => a descriptor to be watched, -1 with errno set. */
int loop_signals(const sigset_t *set);
/* => the next signal that has come, 0: no more. */
int loop_signal(int fd);

/* Waits for events and alarms and serves them, alarms first. */
void loop_round(struct loop *l);

#endif
