/*
 * Keccak-f[1600] (FIPS 202 3.3) and the sponge on it, as static functions: keccak.c publishes them, and each CPU level of ML-KEM
 * compiles them again with its own instructions.  KECCAK_F is a text over a word type, so that the same rounds also serve several
 * states side by side, one a vector lane.
 */
#ifndef TLS13_KECCAK_F_H
#define TLS13_KECCAK_F_H

#include "bytes.h"
#include "keccak.h"

static const uint64_t keccak_rc[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* --- the permutation -------------------------------------------------------------------------------------- */

/* One row of rho, pi and chi: five lanes (index, rotation) of a become row y of b. */
#define KECCAK_ROW(b, y, a, i0, r0, i1, r1, i2, r2, i3, r3, i4, r4) \
    t0 = KECCAK_ROL(KECCAK_XOR((a)[i0], d[(i0) % 5]), r0);          \
    t1 = KECCAK_ROL(KECCAK_XOR((a)[i1], d[(i1) % 5]), r1);          \
    t2 = KECCAK_ROL(KECCAK_XOR((a)[i2], d[(i2) % 5]), r2);          \
    t3 = KECCAK_ROL(KECCAK_XOR((a)[i3], d[(i3) % 5]), r3);          \
    t4 = KECCAK_ROL(KECCAK_XOR((a)[i4], d[(i4) % 5]), r4);          \
    (b)[5 * (y)] = KECCAK_CHI(t0, t1, t2);                          \
    (b)[5 * (y) + 1] = KECCAK_CHI(t1, t2, t3);                      \
    (b)[5 * (y) + 2] = KECCAK_CHI(t2, t3, t4);                      \
    (b)[5 * (y) + 3] = KECCAK_CHI(t3, t4, t0);                      \
    (b)[5 * (y) + 4] = KECCAK_CHI(t4, t0, t1);

#define KECCAK_COLUMN(a, x) KECCAK_XOR3(KECCAK_XOR3((a)[x], (a)[(x) + 5], (a)[(x) + 10]), (a)[(x) + 15], (a)[(x) + 20])

#define KECCAK_ROUND(b, a, rc)                                \
    t0 = KECCAK_COLUMN(a, 0);                                 \
    t1 = KECCAK_COLUMN(a, 1);                                 \
    t2 = KECCAK_COLUMN(a, 2);                                 \
    t3 = KECCAK_COLUMN(a, 3);                                 \
    t4 = KECCAK_COLUMN(a, 4);                                 \
    d[0] = KECCAK_XOR(t4, KECCAK_ROL(t1, 1));                 \
    d[1] = KECCAK_XOR(t0, KECCAK_ROL(t2, 1));                 \
    d[2] = KECCAK_XOR(t1, KECCAK_ROL(t3, 1));                 \
    d[3] = KECCAK_XOR(t2, KECCAK_ROL(t4, 1));                 \
    d[4] = KECCAK_XOR(t3, KECCAK_ROL(t0, 1));                 \
    KECCAK_ROW(b, 0, a, 0, 0, 6, 44, 12, 43, 18, 21, 24, 14)  \
    KECCAK_ROW(b, 1, a, 3, 28, 9, 20, 10, 3, 16, 45, 22, 61)  \
    KECCAK_ROW(b, 2, a, 1, 1, 7, 6, 13, 25, 19, 8, 20, 18)    \
    KECCAK_ROW(b, 3, a, 4, 27, 5, 36, 11, 10, 17, 15, 23, 56) \
    KECCAK_ROW(b, 4, a, 2, 62, 8, 55, 14, 39, 15, 41, 21, 2)  \
    (b)[0] = KECCAK_XOR((b)[0], KECCAK_ALL(rc));

/* Defines `static void name(word s[25])`; the KECCAK_ROL, _XOR, _XOR3, _CHI and _ALL of the moment say how a word is worked on. */
#define KECCAK_F(name, word)                         \
    static void name(word s[25])                     \
    {                                                \
        word a[25], b[25], d[5], t0, t1, t2, t3, t4; \
        for (int i = 0; i < 25; i++)                 \
            a[i] = s[i];                             \
        for (int r = 0; r < 24; r += 2) {            \
            KECCAK_ROUND(b, a, keccak_rc[r])         \
            KECCAK_ROUND(a, b, keccak_rc[r + 1])     \
        }                                            \
        for (int i = 0; i < 25; i++)                 \
            s[i] = a[i];                             \
    }

#define KECCAK_ROL(x, n)     ((x) << ((n)&63) | (x) >> ((64 - (n)) & 63))
#define KECCAK_XOR(x, y)     ((x) ^ (y))
#define KECCAK_XOR3(x, y, z) ((x) ^ (y) ^ (z))
#define KECCAK_CHI(x, y, z)  ((x) ^ (~(y) & (z)))
#define KECCAK_ALL(rc)       (rc)
KECCAK_F(keccak_f1, uint64_t)
#undef KECCAK_ROL
#undef KECCAK_XOR
#undef KECCAK_XOR3
#undef KECCAK_CHI
#undef KECCAK_ALL

/* --- the sponge ------------------------------------------------------------------------------------------- */

/* Keccak's lanes are little-endian (FIPS 202 B.1). */
static inline uint64_t load64_le(const uint8_t p[static 8])
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline void store64_le(uint8_t p[static 8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline void sponge_init(struct keccak *k, unsigned rate, uint8_t pad)
{
    memset(k, 0, sizeof *k);
    k->rate = rate;
    k->pad = pad;
}

static inline void sponge_absorb(struct keccak *k, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n != 0) {
        if (k->pos % 8 == 0 && n >= 8) {
            k->s[k->pos / 8] ^= load64_le(p);
            k->pos += 8;
            p += 8;
            n -= 8;
        } else {
            k->s[k->pos / 8] ^= (uint64_t)*p++ << (8 * (k->pos % 8));
            k->pos++;
            n--;
        }
        if (k->pos == k->rate) {
            keccak_f1(k->s);
            k->pos = 0;
        }
    }
}

/* The padding's first and last bit; they may fall into one byte.  FIPS 202 5.1, B.2. */
static inline void sponge_finish(struct keccak *k)
{
    k->s[k->pos / 8] ^= (uint64_t)k->pad << (8 * (k->pos % 8));
    k->s[k->rate / 8 - 1] ^= (uint64_t)1 << 63;
    k->pos = k->rate;
}

static inline void sponge_squeeze(struct keccak *k, void *out, size_t n)
{
    uint8_t *p = out;
    while (n != 0) {
        if (k->pos == k->rate) {
            keccak_f1(k->s);
            k->pos = 0;
        }
        if (k->pos % 8 == 0 && n >= 8) {
            store64_le(p, k->s[k->pos / 8]);
            k->pos += 8;
            p += 8;
            n -= 8;
        } else {
            *p++ = (uint8_t)(k->s[k->pos / 8] >> (8 * (k->pos % 8)));
            k->pos++;
            n--;
        }
    }
}

#endif
