/*
 * Constant time of the symmetric primitives: keys, plaintext, messages are marked undefined, so that memcheck reports every branch and
 * every address that depends on one.  Results are compared with BearSSL's.
 *
 *   valgrind -q --error-exitcode=9 build/tools/ct_sym           must end with 0
 *   valgrind -q --error-exitcode=9 build/tools/ct_sym leak      must end with 9: a deliberate branch on a secret
 *
 * ct_sym runs what valgrind's CPU has; ct_sym_gcm256, ct_sym_gcm512, ct_sym_chapoly512 the wider sources by emul512.h.  Run alone, each
 * only compares results, says SKIP and ends with 77.
 */
#ifndef CT_SYM_H
#define CT_SYM_H

#include "ct.h"

#include <bearssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint8_t ct_key[32], ct_nonce[12] = { 1, 2, 3 }, ct_aad[5] = { 23, 3, 3, 16, 1 }, ct_text[3000], ct_buf[3000], ct_want[3000];
static uint8_t ct_tag[16], ct_want_tag[16], ct_state[1024];

typedef void ct_init_fn(void *state, const uint8_t *key, size_t key_len);
typedef void ct_crypt_fn(const void *state, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len,
                         uint8_t *tag);

static void ct_fill(void)
{
    for (size_t i = 0; i < sizeof ct_key; i++)
        ct_key[i] = (uint8_t)(i * 37 + 1);
    for (size_t i = 0; i < sizeof ct_text; i++)
        ct_text[i] = (uint8_t)(i * 7 + i / 251);
}

static void ct_reference(size_t key_len, bool gcm, size_t len)
{
    memcpy(ct_want, ct_text, len);
    if (!gcm) {
        br_poly1305_ctmul_run(ct_key, ct_nonce, ct_want, len, ct_aad, sizeof ct_aad, ct_want_tag, br_chacha20_ct_run, 1);
        return;
    }
    br_aes_ct64_ctr_keys ctr;
    br_gcm_context c;
    br_aes_ct64_ctr_init(&ctr, ct_key, key_len);
    br_gcm_init(&c, &ctr.vtable, br_ghash_ctmul64);
    br_gcm_reset(&c, ct_nonce, sizeof ct_nonce);
    br_gcm_aad_inject(&c, ct_aad, sizeof ct_aad);
    br_gcm_flip(&c);
    br_gcm_run(&c, 1, ct_want, len);
    br_gcm_get_tag(&c, ct_want_tag);
}

/* Short, middling and long enough for every way there is.  Ciphertext and tags are public. */
static void ct_aead(const char *name, ct_init_fn *init, ct_crypt_fn *encrypt, ct_crypt_fn *decrypt, size_t key_len, bool gcm)
{
    static const size_t lens[] = { 0, 1, 16, 37, 64, 100, 127, 128, 200, 255, 256, 500, 511, 512, 700, 1023, 1024, 1400, 2048, 2999 };
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        const size_t len = lens[i];
        ct_fill();
        ct_reference(key_len, gcm, len);
        memcpy(ct_buf, ct_text, len);
        SECRET(ct_key, key_len);
        SECRET(ct_buf, len);
        init(ct_state, ct_key, key_len);
        encrypt(ct_state, ct_nonce, ct_aad, sizeof ct_aad, ct_buf, len, ct_tag);
        PUBLIC(ct_buf, len);
        PUBLIC(ct_tag, 16);
        bool good = memcmp(ct_buf, ct_want, len) == 0 && memcmp(ct_tag, ct_want_tag, 16) == 0;
        decrypt(ct_state, ct_nonce, ct_aad, sizeof ct_aad, ct_buf, len, ct_tag);
        PUBLIC(ct_buf, len);
        PUBLIC(ct_tag, 16);
        PUBLIC(ct_key, key_len);
        good = good && memcmp(ct_buf, ct_text, len) == 0 && memcmp(ct_tag, ct_want_tag, 16) == 0;
        if (!good) {
            printf("%s: %zu bytes come out wrong\n", name, len);
            ct_failed = 1;
        }
    }
    printf("%s: done\n", name);
}

/* The types that ct_aead wants of a GCM width. */
#define CT_GCM(name)                                                                                               \
    static void name##_state(void *state, const uint8_t *key, size_t key_len)                                      \
    {                                                                                                              \
        name##_init(state, key, key_len);                                                                          \
    }                                                                                                              \
    CT_CRYPT(name##_aes128_encrypt)                                                                                \
    CT_CRYPT(name##_aes128_decrypt)                                                                                \
    CT_CRYPT(name##_aes256_encrypt)                                                                                \
    CT_CRYPT(name##_aes256_decrypt)                                                                                \
    static void ct_##name(void)                                                                                    \
    {                                                                                                              \
        ct_aead(#name " AES-128", name##_state, ct_##name##_aes128_encrypt, ct_##name##_aes128_decrypt, 16, true); \
        ct_aead(#name " AES-256", name##_state, ct_##name##_aes256_encrypt, ct_##name##_aes256_decrypt, 32, true); \
    }
#define CT_CHAPOLY(name)                                                                   \
    static void name##_state(void *state, const uint8_t *key, size_t key_len)              \
    {                                                                                      \
        memcpy(state, key, key_len);                                                       \
    }                                                                                      \
    CT_CRYPT(name##_encrypt)                                                               \
    CT_CRYPT(name##_decrypt)                                                               \
    static void ct_##name(void)                                                            \
    {                                                                                      \
        ct_aead(#name, name##_state, ct_##name##_encrypt, ct_##name##_decrypt, 32, false); \
    }
#define CT_CRYPT(name)                                                                                                           \
    static void ct_##name(const void *state, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len, \
                          uint8_t *tag)                                                                                          \
    {                                                                                                                            \
        name(state, nonce, aad, aad_len, buf, len, tag);                                                                         \
    }

#endif
