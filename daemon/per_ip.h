/*
 * Connections by client address, over all workers: each worker writes a table of its own in shared memory and reads the others'.
 * IPv6 counts by /64.  A reader that meets a change may be off by one for a moment; the limit is not a lock.
 */
#ifndef PER_IP_H
#define PER_IP_H

#include "endpoint.h"

#include <stdbool.h>

struct per_ip_slot {
    uint64_t key;   /* a keyed hash of the address; 0: free */
    uint32_t count; /* 0 and a key: free to be taken again, but not the end of a chain */
    uint32_t pad;
};

/* Tables of `tables` workers with `slots` slots each (a power of two), in one shared mapping. */
struct per_ip {
    struct per_ip_slot *at;
    size_t tables, slots;
    uint64_t seed;
};

/* For at most max connections a worker.  => false: no memory. */
bool per_ip_init(struct per_ip *l, size_t tables, size_t max);
void per_ip_free(struct per_ip *l);
/* Counts one connection of e in a worker's table; => how many there are now over all. */
uint32_t per_ip_add(struct per_ip *l, size_t table, const struct endpoint *e);
/* One less. */
void per_ip_remove(struct per_ip *l, size_t table, const struct endpoint *e);
/* A worker ended: its connections are gone. */
void per_ip_clear(struct per_ip *l, size_t table);

#endif
