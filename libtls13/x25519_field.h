/*
 * The field of X25519 on five 64-bit limbs of 51 bits: an element is the sum of v[i] * 2^(51 i), modulo p = 2^255 - 19.
 *
 * Bounds.  A product leaves v[1] < 2^51 + 2^13 and the others < 2^51 ("tight").  A sum of two tight elements has limbs
 * < 2^53, a difference < 2^54.  A product takes limbs < 2^54: its columns stay below 77 * 2^108 < 2^115, so each carry fits
 * 64 bits, and the topmost one (at most 5 * 2^108 / 2^51 < 2^60) does so even times 19.
 */
#ifndef TLS13_X25519_FIELD_H
#define TLS13_X25519_FIELD_H

#include "bytes.h"
#include "limbs.h"

struct fe {
    uint64_t v[5];
};

#define MASK51 (((uint64_t)1 << 51) - 1)

static inline void check_below(const struct fe *a, unsigned bits)
{
    for (int i = 0; i < 5; i++)
        LIMB_BELOW(a->v[i], bits);
    (void)a;
    (void)bits;
}

/* --- bytes ------------------------------------------------------------------------------------------------ */

static inline uint64_t load64_le(const uint8_t *p)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static inline void store64_le(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(x >> (8 * i));
}

/* Drops bit 255 (RFC 7748 5); the result may be p or a little more. */
static inline void fe_load(struct fe *r, const uint8_t b[static 32])
{
    r->v[0] = load64_le(b) & MASK51;
    r->v[1] = (load64_le(b + 6) >> 3) & MASK51;
    r->v[2] = (load64_le(b + 12) >> 6) & MASK51;
    r->v[3] = (load64_le(b + 19) >> 1) & MASK51;
    r->v[4] = (load64_le(b + 24) >> 12) & MASK51;
}

static inline void fe_store(uint8_t b[static 32], const struct fe *a)
{
    struct fe t = *a;
    check_below(a, 54);
    /* After the first round v[0] < 2^51 + 2^7; after the second the value is below 2^255. */
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            t.v[i + 1] += t.v[i] >> 51;
            t.v[i] &= MASK51;
        }
        t.v[0] += 19 * (t.v[4] >> 51);
        t.v[4] &= MASK51;
    }
    /* q = 1 exactly when the value is >= p, that is when adding 19 carries out of bit 255.  Then subtract q p. */
    uint64_t q = 19;
    for (int i = 0; i < 5; i++)
        q = (t.v[i] + q) >> 51;
    t.v[0] += 19 * q;
    for (int i = 0; i < 4; i++) {
        t.v[i + 1] += t.v[i] >> 51;
        t.v[i] &= MASK51;
    }
    t.v[4] &= MASK51;
    store64_le(b, t.v[0] | t.v[1] << 51);
    store64_le(b + 8, t.v[1] >> 13 | t.v[2] << 38);
    store64_le(b + 16, t.v[2] >> 26 | t.v[3] << 25);
    store64_le(b + 24, t.v[3] >> 39 | t.v[4] << 12);
    WIPE(t);
}

/* --- arithmetic modulo p ---------------------------------------------------------------------------------- */

static inline void fe_add(struct fe *r, const struct fe *a, const struct fe *b)
{
    for (int i = 0; i < 5; i++)
        r->v[i] = a->v[i] + b->v[i];
}

/* a - b + 4p: no limb goes below zero, since those of b are < 2^53 - 76, the smallest limb of 4p. */
static inline void fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
{
    check_below(b, 52);
    r->v[0] = a->v[0] + (4 * MASK51 - 72) - b->v[0];
    for (int i = 1; i < 5; i++)
        r->v[i] = a->v[i] + 4 * MASK51 - b->v[i];
}

/* Five columns < 2^115 to a tight element. */
static inline void fe_carry(struct fe *r, u128 t0, u128 t1, u128 t2, u128 t3, u128 t4)
{
    t1 += (uint64_t)(t0 >> 51);
    t2 += (uint64_t)(t1 >> 51);
    t3 += (uint64_t)(t2 >> 51);
    t4 += (uint64_t)(t3 >> 51);
    LIMB_BELOW(t4 >> 51, 60);
    uint64_t low = (uint64_t)(t4 >> 51) * 19 + ((uint64_t)t0 & MASK51);
    r->v[0] = low & MASK51;
    r->v[1] = ((uint64_t)t1 & MASK51) + (low >> 51);
    r->v[2] = (uint64_t)t2 & MASK51;
    r->v[3] = (uint64_t)t3 & MASK51;
    r->v[4] = (uint64_t)t4 & MASK51;
}

static inline u128 wide(uint64_t x, uint64_t y)
{
    return (u128)x * y;
}

static inline void fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
{
    check_below(a, 54);
    check_below(b, 54);
    uint64_t a0 = a->v[0], a1 = a->v[1], a2 = a->v[2], a3 = a->v[3], a4 = a->v[4];
    uint64_t b0 = b->v[0], b1 = b->v[1], b2 = b->v[2], b3 = b->v[3], b4 = b->v[4];
    uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4; /* 2^255 = 19 */
    fe_carry(r, wide(a0, b0) + wide(a1, c4) + wide(a2, c3) + wide(a3, c2) + wide(a4, c1),
             wide(a0, b1) + wide(a1, b0) + wide(a2, c4) + wide(a3, c3) + wide(a4, c2),
             wide(a0, b2) + wide(a1, b1) + wide(a2, b0) + wide(a3, c4) + wide(a4, c3),
             wide(a0, b3) + wide(a1, b2) + wide(a2, b1) + wide(a3, b0) + wide(a4, c4),
             wide(a0, b4) + wide(a1, b3) + wide(a2, b2) + wide(a3, b1) + wide(a4, b0));
}

static inline void fe_sqr(struct fe *r, const struct fe *a)
{
    check_below(a, 54);
    uint64_t a0 = a->v[0], a1 = a->v[1], a2 = a->v[2], a3 = a->v[3], a4 = a->v[4];
    uint64_t d0 = 2 * a0, d1 = 2 * a1, d2 = 2 * a2, c3 = 19 * a3, c4 = 19 * a4;
    fe_carry(r, wide(a0, a0) + wide(d1, c4) + wide(d2, c3), wide(d0, a1) + wide(d2, c4) + wide(a3, c3),
             wide(d0, a2) + wide(a1, a1) + wide(2 * a3, c4), wide(d0, a3) + wide(d1, a2) + wide(a4, c4),
             wide(d0, a4) + wide(d1, a3) + wide(a2, a2));
}

#endif
