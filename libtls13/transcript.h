/* The transcript hash (RFC 8446 4.4.1). */
#ifndef TLS13_TRANSCRIPT_H
#define TLS13_TRANSCRIPT_H

#include "suite.h"

/* Running hash; plain memory, may be copied (a copy is a snapshot).  BearSSL's br_hash_compat_context fits in. */
struct transcript {
    uint8_t hash; /* enum hash_id */
    union {
        uint64_t align;
        uint8_t bytes[208];
    } ctx;
};

void transcript_init(struct transcript *t, enum hash_id hash);
void transcript_add(struct transcript *t, const void *data, size_t len);
/* The hash so far; t goes on unchanged.  => its length. */
size_t transcript_hash(const struct transcript *t, uint8_t out[static MAX_HASH]);
/* Replaces all so far, the first ClientHello, by its synthetic message_hash message (4.4.1). */
void transcript_retry(struct transcript *t);

#endif
