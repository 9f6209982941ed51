/*
 * ChaCha20-Poly1305 (RFC 8439 2.8) on x86: one source, chapoly.inc.h, for two vector widths.
 *
 *   chapoly256  AVX2, BMI2
 *   chapoly512  and AVX-512 F, BW, VL, DQ, IFMA, VBMI2
 *
 * The caller has asked the CPU.  Both work on len bytes at buf in place and write the tag that belongs to them to tag; decrypting does
 * NOT compare it: the caller does, in constant time, and wipes buf when it differs.  aad may be of any length; len is below 2^38 - 64.
 * Time depends on lengths only.
 */
#ifndef TLS13_X86_CHAPOLY_H
#define TLS13_X86_CHAPOLY_H

#include <stddef.h>
#include <stdint.h>

#define CHAPOLY_CRYPT(name)                                                                                                               \
    void name(const uint8_t key[static 32], const uint8_t nonce[static 12], const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len, \
              uint8_t tag[static 16])

CHAPOLY_CRYPT(chapoly256_encrypt);
CHAPOLY_CRYPT(chapoly256_decrypt);
CHAPOLY_CRYPT(chapoly512_encrypt);
CHAPOLY_CRYPT(chapoly512_decrypt);

#endif
