/* X25519 (RFC 7748 5) by the Montgomery ladder, one multiplication at a time. */
#include "x25519.h"

#include "bytes.h"
#include "limbs.h"

#ifdef HAVE_X25519_SCALAR

#include "x25519_field.h"

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
