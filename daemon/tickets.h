/* The ring of ticket keys, in memory that all processes share: the master makes or reads keys, workers give them to their contexts. */
#ifndef TICKETS_H
#define TICKETS_H

#include "tls13.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKET_KEYS 8

/* The first key seals, the others only open.  An even version is whole; 0: there are no keys yet. */
struct ticket_ring {
    uint32_t version;
    uint32_t n;
    uint8_t key[TICKET_KEYS][TLS13_TICKET_KEY];
};

/* A new shared mapping, kept out of core dumps; NULL: no memory. */
struct ticket_ring *tickets_new(void);
/* Puts a fresh random key in front and forgets all but `keep` keys.  => false: no random bytes; nothing changed. */
bool tickets_rotate(struct ticket_ring *r, size_t keep);
/* Puts the keys of another ring in their place. */
void tickets_put(struct ticket_ring *r, const struct ticket_ring *from);
/* Reads 1 to TICKET_KEYS keys of 48 bytes each.  => 0; -1 with a sentence in why, nothing changed. */
int tickets_load(struct ticket_ring *r, const char *path, char *why, size_t why_len);
/* Gives the ring to n contexts when its version is not *seen; cheap when it is. */
void tickets_apply(const struct ticket_ring *r, uint32_t *seen, struct tls13_ctx *const *ctx, size_t n);

#endif
