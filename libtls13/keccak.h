/* FIPS 202: SHA3-256, SHA3-512, SHAKE128, SHAKE256, for ML-KEM. */
#ifndef TLS13_KECCAK_H
#define TLS13_KECCAK_H

#include <stddef.h>
#include <stdint.h>

/* Rates in bytes, by strength; the padding bytes that end a SHA-3 or a SHAKE message (FIPS 202 B.2). */
#define KECCAK_RATE_128 168
#define KECCAK_RATE_256 136
#define KECCAK_RATE_512 72
#define KECCAK_SHA3     0x06
#define KECCAK_SHAKE    0x1f

struct keccak {
    uint64_t s[25];
    uint32_t rate, pos; /* bytes */
    uint8_t pad;        /* 0x06 SHA-3, 0x1f SHAKE */
};
void keccak_init(struct keccak *k, unsigned rate, uint8_t pad);
void keccak_absorb(struct keccak *k, const void *data, size_t n);
void keccak_finish(struct keccak *k);                       /* ends absorbing */
void keccak_squeeze(struct keccak *k, void *out, size_t n); /* any number of times after finish */

void sha3_256(uint8_t out[static 32], const void *data, size_t n);
void sha3_512(uint8_t out[static 64], const void *data, size_t n);
void shake256(void *out, size_t out_len, const void *data, size_t n);

#endif
