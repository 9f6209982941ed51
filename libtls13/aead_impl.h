/*
 * The seam between aead.c and the implementations of the AEADs: one struct a way of doing it.
 *
 * An implementation of libtls13/x86/ becomes a row of aead.c's tables, in front of those that it beats.
 */
#ifndef TLS13_AEAD_IMPL_H
#define TLS13_AEAD_IMPL_H

#include "aead.h"
#include "cpu.h"

struct aead_impl {
    const char *name; /* "gcm-x86ni": for tests and benchmarks */
    uint32_t needs;   /* enum cpu_feature: all that it needs, 0 for the portable ones */
    /* Fills ctx (room for struct aead's key, aligned to 8); key_len is 16 or 32.  ctx may be copied: no pointer into itself. */
    void (*init)(void *ctx, const uint8_t *key, size_t key_len);
    /* As aead_seal: in place, tag at buf + len. */
    void (*seal)(const void *ctx, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len);
    /* As aead_open: => true when the tag is right; else the len bytes may hold anything, aead_open zeroes them.  Constant-time compare. */
    bool (*open)(const void *ctx, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len);
};

/* All implementations for a suite that this CPU can run, best first: => the i-th, NULL past the end.  aead_init takes the 0th. */
const struct aead_impl *aead_impl_at(uint16_t suite, size_t i);

#endif
