/*
 * One record-protection key (RFC 8446 5.2): AES-GCM or ChaCha20-Poly1305, the fastest implementation this CPU has.
 *
 * The struct is plain memory, holds no pointer into itself, and may be copied.  Wipe it with aead_wipe.
 */
#ifndef TLS13_AEAD_H
#define TLS13_AEAD_H

#include "suite.h"

#define AEAD_TAG   16
#define AEAD_NONCE 12

struct aead_impl;

struct aead {
    const struct aead_impl *impl;
    union {
        uint8_t bytes[368]; /* round keys, and powers of H for the widths in use */
        uint64_t align;
    } key;
};

/* Sets the key, suite->key_len bytes. */
void aead_init(struct aead *a, const struct suite *suite, const uint8_t *key);
/* Encrypts len bytes at buf in place and writes the tag behind them: buf has room for len + 16. */
void aead_seal(const struct aead *a, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len);
/* Decrypts len bytes at buf in place, tag at buf + len.  => 0, or -TLS13_E_BAD_MAC with the bytes zeroed. */
int aead_open(const struct aead *a, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len)
    __attribute__((warn_unused_result));
void aead_wipe(struct aead *a);

#endif
