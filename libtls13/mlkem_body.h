/*
 * The three algorithms of ML-KEM-768 (FIPS 203 5 and 6), as the functions of one struct mlkem_level: a source defines MLKEM_LEVEL
 * as its name and includes this text.
 */
#include "bytes.h"
#include "keccak_f.h"
#include "mlkem_level.h"
#include "mlkem_poly.h"
#include "mlkem_sample.h"
#include "tls13.h"

#define DK_EK  (384 * MLKEM_K)    /* offsets in the decapsulation key: the encapsulation key, */
#define DK_H   (DK_EK + MLKEM_EK) /* its hash, */
#define DK_Z   (DK_H + 32)        /* and the secret of implicit rejection */
#define CT_V   (320 * MLKEM_K)    /* in the ciphertext: v after the three of u */
#define EK_RHO (384 * MLKEM_K)    /* in the encapsulation key: rho after the three of t */

/* G, H and J (4.1) over two strings, one after the other; SHA3-512, SHA3-256 and SHAKE256 of 32 bytes. */
static void hash2(uint8_t *out, size_t out_len, unsigned rate, uint8_t pad, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    struct keccak k;
    sponge_init(&k, rate, pad);
    sponge_absorb(&k, a, a_len);
    sponge_absorb(&k, b, b_len);
    sponge_finish(&k);
    sponge_squeeze(&k, out, out_len);
    WIPE(k);
}

#define HASH_G(out, a, a_len, b, b_len) hash2(out, 64, KECCAK_RATE_512, KECCAK_SHA3, a, a_len, b, b_len)
#define HASH_H(out, a, a_len)           hash2(out, 32, KECCAK_RATE_256, KECCAK_SHA3, a, a_len, NULL, 0)
#define HASH_J(out, a, a_len, b, b_len) hash2(out, 32, KECCAK_RATE_256, KECCAK_SHAKE, a, a_len, b, b_len)

static void level_keygen(uint8_t ek[static MLKEM_EK], uint8_t dk[static MLKEM_DK], const uint8_t rho_sigma[static 64],
                         const uint8_t z[static 32])
{
    struct poly a[MLKEM_K][MLKEM_K], secret[2 * MLKEM_K], t;
    struct poly *s = secret, *e = secret + MLKEM_K;
    sample(a, false, secret, 2 * MLKEM_K, rho_sigma, rho_sigma + 32);
    for (int i = 0; i < 2 * MLKEM_K; i++)
        ntt(&secret[i]);
    for (int i = 0; i < MLKEM_K; i++) {
        dot(&t, a[i], s);
        for (int j = 0; j < MLKEM_N; j++)
            t.c[j] = (int16_t)(mul_q(t.c[j], 1353) + e[i].c[j]); /* 1353 is R^2: undoes dot's 1 / R */
        poly_encode12(ek + 384 * i, &t);
        poly_encode12(dk + 384 * i, &s[i]);
    }
    memcpy(ek + EK_RHO, rho_sigma, 32);
    memcpy(dk + DK_EK, ek, MLKEM_EK);
    HASH_H(dk + DK_H, ek, MLKEM_EK);
    memcpy(dk + DK_Z, z, 32);
    WIPE(secret);
    WIPE(t);
}

/* K-PKE.Encrypt (algorithm 14); t is the decoded first part of the encapsulation key. */
static void encrypt(uint8_t ct[static MLKEM_CT], const struct poly t[static MLKEM_K], const uint8_t rho[static 32],
                    const uint8_t m[static 32], const uint8_t r[static 32])
{
    struct poly a[MLKEM_K][MLKEM_K], noise[MLKEM_NOISE], u;
    struct poly *y = noise, *e1 = noise + MLKEM_K, *e2 = noise + 2 * MLKEM_K;
    sample(a, true, noise, MLKEM_NOISE, rho, r);
    for (int i = 0; i < MLKEM_K; i++)
        ntt(&y[i]);
    for (int i = 0; i < MLKEM_K; i++) {
        dot(&u, a[i], y);
        ntt_inverse(&u);
        for (int j = 0; j < MLKEM_N; j++)
            u.c[j] = (int16_t)(u.c[j] + e1[i].c[j]);
        poly_compress10(ct + 320 * i, &u);
    }
    dot(&u, t, y);
    ntt_inverse(&u);
    for (int j = 0; j < MLKEM_N; j++)
        u.c[j] = (int16_t)(u.c[j] + e2->c[j]);
    poly_add_message(&u, m);
    poly_compress4(ct + CT_V, &u);
    WIPE(noise);
    WIPE(u);
}

static int level_encaps(uint8_t ct[static MLKEM_CT], uint8_t ss[static MLKEM_SS], const uint8_t ek[static MLKEM_EK],
                        const uint8_t m[static 32])
{
    struct poly t[MLKEM_K];
    uint8_t h[32], key_r[64];
    unsigned over = 0;
    for (int i = 0; i < MLKEM_K; i++)
        over |= poly_decode12(&t[i], ek + 384 * i);
    if (over != 0)
        return -TLS13_E_ILLEGAL; /* 7.2, the modulus check */
    HASH_H(h, ek, MLKEM_EK);
    HASH_G(key_r, m, 32, h, 32);
    encrypt(ct, t, ek + EK_RHO, m, key_r + 32);
    memcpy(ss, key_r, MLKEM_SS);
    WIPE(key_r);
    return 0;
}

/* K-PKE.Decrypt (algorithm 15). */
static void decrypt(uint8_t m[static 32], const uint8_t ct[static MLKEM_CT], const uint8_t dk[static MLKEM_DK])
{
    struct poly s[MLKEM_K], u[MLKEM_K], v, w;
    for (int i = 0; i < MLKEM_K; i++) {
        (void)poly_decode12(&s[i], dk + 384 * i);
        poly_decompress10(&u[i], ct + 320 * i);
        ntt(&u[i]);
    }
    poly_decompress4(&v, ct + CT_V);
    dot(&w, s, u);
    ntt_inverse(&w);
    for (int j = 0; j < MLKEM_N; j++)
        w.c[j] = (int16_t)(v.c[j] - w.c[j]);
    poly_message(m, &w);
    WIPE(s);
    WIPE(w);
}

/* 0xff when both ciphertexts are the same, else 0; whether they are is secret, so the compiler must not know that it is a flag. */
static uint32_t same_mask(const uint8_t a[static MLKEM_CT], const uint8_t b[static MLKEM_CT])
{
    uint32_t diff = 0;
    for (int i = 0; i < MLKEM_CT; i++)
        diff |= (uint32_t)(a[i] ^ b[i]);
    __asm__("" : "+r"(diff));
    uint32_t mask = (diff - 1) >> 24;
    __asm__("" : "+r"(mask));
    return mask;
}

static void level_decaps(uint8_t ss[static MLKEM_SS], const uint8_t ct[static MLKEM_CT], const uint8_t dk[static MLKEM_DK])
{
    const uint8_t *ek = dk + DK_EK;
    struct poly t[MLKEM_K];
    uint8_t m[32], key_r[64], rejected[MLKEM_SS], again[MLKEM_CT];
    decrypt(m, ct, dk);
    HASH_G(key_r, m, 32, dk + DK_H, 32);
    HASH_J(rejected, dk + DK_Z, 32, ct, MLKEM_CT);
    for (int i = 0; i < MLKEM_K; i++)
        (void)poly_decode12(&t[i], ek + 384 * i);
    encrypt(again, t, ek + EK_RHO, m, key_r + 32);
    uint32_t same = same_mask(ct, again);
    for (int i = 0; i < MLKEM_SS; i++)
        ss[i] = (uint8_t)(rejected[i] ^ (same & (uint32_t)(key_r[i] ^ rejected[i])));
    WIPE(m);
    WIPE(key_r);
    WIPE(rejected);
    WIPE(again);
}

const struct mlkem_level MLKEM_LEVEL = {
    .keygen = level_keygen,
    .encaps = level_encaps,
    .decaps = level_decaps,
};
