/*
 * X25519 on five 64-bit limbs of 51 bits: an element is the sum of v[i] * 2^(51 i), modulo p = 2^255 - 19.
 *
 * Bounds.  A product leaves v[1] < 2^51 + 2^13 and the others < 2^51 ("tight").  A sum of two tight elements has limbs
 * < 2^53, a difference < 2^54.  A product takes limbs < 2^54: its columns stay below 77 * 2^108 < 2^115, so each carry fits
 * 64 bits, and the topmost one (at most 5 * 2^108 / 2^51 < 2^60) does so even times 19.
 */
#include "x25519.h"

#include "bytes.h"
#include "limbs.h"

#ifdef HAVE_X25519_SCALAR

struct fe {
    uint64_t v[5];
};

#define MASK51 (((uint64_t)1 << 51) - 1)

static void check_below(const struct fe *a, unsigned bits)
{
    for (int i = 0; i < 5; i++)
        LIMB_BELOW(a->v[i], bits);
    (void)a;
    (void)bits;
}

/* --- bytes ------------------------------------------------------------------------------------------------ */

static uint64_t load64_le(const uint8_t *p)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static void store64_le(uint8_t *p, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(x >> (8 * i));
}

/* Drops bit 255 (RFC 7748 5); the result may be p or a little more. */
static void fe_load(struct fe *r, const uint8_t b[static 32])
{
    r->v[0] = load64_le(b) & MASK51;
    r->v[1] = (load64_le(b + 6) >> 3) & MASK51;
    r->v[2] = (load64_le(b + 12) >> 6) & MASK51;
    r->v[3] = (load64_le(b + 19) >> 1) & MASK51;
    r->v[4] = (load64_le(b + 24) >> 12) & MASK51;
}

static void fe_store(uint8_t b[static 32], const struct fe *a)
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

/* a + 121665 b: the curve's (A - 2) / 4 (RFC 7748 4.1). */
static inline void fe_add_121665(struct fe *r, const struct fe *a, const struct fe *b)
{
    check_below(a, 54);
    check_below(b, 54);
    fe_carry(r, wide(b->v[0], 121665) + a->v[0], wide(b->v[1], 121665) + a->v[1], wide(b->v[2], 121665) + a->v[2],
             wide(b->v[3], 121665) + a->v[3], wide(b->v[4], 121665) + a->v[4]);
}

/* r = a^(2^n), n > 0. */
static void fe_sqr_n(struct fe *r, const struct fe *a, int n)
{
    fe_sqr(r, a);
    while (--n > 0)
        fe_sqr(r, r);
}

/* r = z^(p-2) = 1/z, and 0 for 0.  The comments give the exponent so far. */
static void fe_invert(struct fe *r, const struct fe *z)
{
    struct fe z2, z9, z11, a, b, c, t;
    fe_sqr(&z2, z);
    fe_sqr_n(&t, &z2, 2);
    fe_mul(&z9, &t, z);
    fe_mul(&z11, &z9, &z2);
    fe_sqr(&t, &z11);
    fe_mul(&a, &t, &z9); /* 2^5 - 1 */
    fe_sqr_n(&t, &a, 5);
    fe_mul(&a, &t, &a); /* 2^10 - 1 */
    fe_sqr_n(&t, &a, 10);
    fe_mul(&b, &t, &a); /* 2^20 - 1 */
    fe_sqr_n(&t, &b, 20);
    fe_mul(&t, &t, &b); /* 2^40 - 1 */
    fe_sqr_n(&t, &t, 10);
    fe_mul(&b, &t, &a); /* 2^50 - 1 */
    fe_sqr_n(&t, &b, 50);
    fe_mul(&c, &t, &b); /* 2^100 - 1 */
    fe_sqr_n(&t, &c, 100);
    fe_mul(&t, &t, &c); /* 2^200 - 1 */
    fe_sqr_n(&t, &t, 50);
    fe_mul(&t, &t, &b); /* 2^250 - 1 */
    fe_sqr_n(&t, &t, 5);
    fe_mul(r, &t, &z11); /* 2^255 - 21 */
    WIPE(z2);
    WIPE(z9);
    WIPE(z11);
    WIPE(a);
    WIPE(b);
    WIPE(c);
    WIPE(t);
}

/* Swaps a and b when bit is 1. */
static inline void fe_swap(struct fe *a, struct fe *b, uint64_t bit)
{
    uint64_t mask = mask_hide(0 - bit);
    for (int i = 0; i < 5; i++) {
        uint64_t t = mask & (a->v[i] ^ b->v[i]);
        a->v[i] ^= t;
        b->v[i] ^= t;
    }
}

/* --- the Montgomery ladder (RFC 7748 5), names as there ---------------------------------------------------- */

struct ladder {
    struct fe x1, x2, z2, x3, z3;
};

/* (x2 : z2) is doubled, (x3 : z3) becomes their sum.  All are tight before and after. */
static inline void ladder_step(struct ladder *l)
{
    struct fe a, aa, b, bb, e, c, d, da, cb, t;
    fe_add(&a, &l->x2, &l->z2);
    fe_sub(&b, &l->x2, &l->z2);
    fe_add(&c, &l->x3, &l->z3);
    fe_sub(&d, &l->x3, &l->z3);
    fe_mul(&da, &d, &a);
    fe_mul(&cb, &c, &b);
    fe_sqr(&aa, &a);
    fe_sqr(&bb, &b);
    fe_add(&t, &da, &cb);
    fe_sqr(&l->x3, &t);
    fe_sub(&t, &da, &cb);
    fe_sqr(&t, &t);
    fe_mul(&l->z3, &t, &l->x1);
    fe_sub(&e, &aa, &bb);
    fe_mul(&l->x2, &aa, &bb);
    fe_add_121665(&t, &aa, &e);
    fe_mul(&l->z2, &e, &t);
}

void x25519_scalar(uint8_t out[static 32], const uint8_t k[static 32], const uint8_t u[static 32])
{
    struct ladder l = { .x2 = { { 1 } }, .z3 = { { 1 } } };
    uint8_t scalar[32];
    uint64_t swap = 0;
    memcpy(scalar, k, sizeof scalar);
    scalar[0] &= 248;
    scalar[31] = (uint8_t)((scalar[31] & 127) | 64);
    fe_load(&l.x1, u);
    l.x3 = l.x1;
    for (int i = 254; i >= 0; i--) {
        uint64_t bit = (uint64_t)(scalar[i >> 3] >> (i & 7)) & 1;
        fe_swap(&l.x2, &l.x3, swap ^ bit);
        fe_swap(&l.z2, &l.z3, swap ^ bit);
        swap = bit;
        ladder_step(&l);
    }
    fe_swap(&l.x2, &l.x3, swap);
    fe_swap(&l.z2, &l.z3, swap);
    fe_invert(&l.z2, &l.z2);
    fe_mul(&l.x2, &l.x2, &l.z2);
    fe_store(out, &l.x2);
    WIPE(l);
    WIPE(scalar);
}

int x25519_scalar_selftest(void)
{
    /* RFC 7748 5.2, first vector. */
    static const uint8_t k[32] = { 0xa5, 0x46, 0xe3, 0x6b, 0xf0, 0x52, 0x7c, 0x9d, 0x3b, 0x16, 0x15, 0x4b, 0x82, 0x46, 0x5e, 0xdd,
                                   0x62, 0x14, 0x4c, 0x0a, 0xc1, 0xfc, 0x5a, 0x18, 0x50, 0x6a, 0x22, 0x44, 0xba, 0x44, 0x9a, 0xc4 };
    static const uint8_t u[32] = { 0xe6, 0xdb, 0x68, 0x67, 0x58, 0x30, 0x30, 0xdb, 0x35, 0x94, 0xc1, 0xa4, 0x24, 0xb1, 0x5f, 0x7c,
                                   0x72, 0x66, 0x24, 0xec, 0x26, 0xb3, 0x35, 0x3b, 0x10, 0xa9, 0x03, 0xa6, 0xd0, 0xab, 0x1c, 0x4c };
    static const uint8_t want[32] = { 0xc3, 0xda, 0x55, 0x37, 0x9d, 0xe9, 0xc6, 0x90, 0x8e, 0x94, 0xea, 0x4d, 0xf2, 0x8d, 0x08, 0x4f,
                                      0x32, 0xec, 0xcf, 0x03, 0x49, 0x1c, 0x71, 0xf7, 0x54, 0xb4, 0x07, 0x55, 0x77, 0xa2, 0x85, 0x52 };
    uint8_t got[32];
    x25519_scalar(got, k, u);
    return ct_equal(got, want, sizeof got) ? 0 : -1;
}

#endif
