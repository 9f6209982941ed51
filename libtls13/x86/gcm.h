/*
 * AES-GCM (NIST SP 800-38D) with 12-byte nonces on x86: one source, gcm.inc.h, for three vector widths.
 *
 *   gcm128  AES-NI, PCLMULQDQ, SSE4.1
 *   gcm256  and AVX2, VAES, VPCLMULQDQ
 *   gcm512  and BMI2, AVX-512 F, BW, VL, DQ
 *
 * The caller has asked the CPU.  Keys are the same bytes for all widths.  All time depends on lengths only.
 */
#ifndef TLS13_X86_GCM_H
#define TLS13_X86_GCM_H

#include <stddef.h>
#include <stdint.h>

#define GCM_POWERS 8

/*
 * One key as small as speed allows: plain bytes, no alignment, may be copied; the number of rounds is the caller's to know.  The wider
 * tables of powers that long inputs want are made on the stack for each call, which costs less than keeping them.
 */
struct gcm_key {
    uint8_t power[GCM_POWERS][16]; /* H^8 ... H^1, each multiplied by x^-1, byte-reversed */
    uint8_t round_key[15][16];     /* 11 of them for AES-128 */
};

/*
 * NAME_init sets a key of 16 or 32 bytes.
 *
 * NAME_aes128_encrypt, _decrypt and the aes256 ones work on len bytes at buf in place and write the tag that belongs to them to tag;
 * decrypting does NOT compare it: the caller does, in constant time, and wipes buf when it differs.  aad may be of any length; len is
 * below 2^36 - 32 (SP 800-38D 5.2.1.1).
 */
#define GCM_CRYPT(name)                                                                                                              \
    void name(const struct gcm_key *k, const uint8_t nonce[static 12], const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len, \
              uint8_t tag[static 16])
#define GCM_WIDTH(name)                                                      \
    void name##_init(struct gcm_key *k, const uint8_t *key, size_t key_len); \
    GCM_CRYPT(name##_aes128_encrypt);                                        \
    GCM_CRYPT(name##_aes128_decrypt);                                        \
    GCM_CRYPT(name##_aes256_encrypt);                                        \
    GCM_CRYPT(name##_aes256_decrypt)

GCM_WIDTH(gcm128);
GCM_WIDTH(gcm256);
GCM_WIDTH(gcm512);

#endif
