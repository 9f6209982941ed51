/*
 * Coarse deadlines: one wheel a worker.  A tick is 100 ms, counted from the worker's start.  An entry may lie in the wheel earlier
 * than its owner's deadline: the owner looks when it comes up and puts it back, so that activity costs no wheel operation.
 */
#ifndef WHEEL_H
#define WHEEL_H

#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS            1024
#define WHEEL_TICKS_PER_SECOND 10

struct wheel_node {
    struct wheel_node *next, *prev; /* next NULL: not in the wheel */
    uint32_t tick;                  /* when it comes up */
};

struct wheel {
    struct wheel_node slot[WHEEL_SLOTS]; /* ring heads */
    struct wheel_node due;               /* ring head: of the ticks gone by, not yet told */
    uint32_t now;                        /* the last tick that was looked at */
    size_t n;                            /* entries */
};

void wheel_init(struct wheel *w);
/* Puts a node in, or moves it; a tick that has gone by comes up at the next one. */
void wheel_add(struct wheel *w, struct wheel_node *n, uint32_t tick);
/* Takes it out; a node that is not in is left alone. */
void wheel_del(struct wheel *w, struct wheel_node *n);
/* => a node whose tick is at or before now, taken out of the wheel; NULL: no more.  Call until NULL. */
struct wheel_node *wheel_expired(struct wheel *w, uint32_t now);
/* => any node, taken out of the wheel, whatever its tick; NULL: it is empty.  The time stands still. */
struct wheel_node *wheel_any(struct wheel *w);
/* Seconds to ticks, rounded up, at least 1. */
uint32_t wheel_ticks(double seconds);

#endif
