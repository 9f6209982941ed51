/*
 * X25519, eight lanes with AVX-512 IFMA.  Limb i (51 bits) of all eight elements lies in one 512-bit register.
 *
 * IFMA multiplies the low 52 bits of each lane and adds the low or the high 52 bits of the product, so every factor must be
 * below 2^52.  A product's columns sum at most five low halves and, doubled, five high halves: < 15 * 2^52 < 2^56, and
 * < 2^61 when folded.  carry() brings that back below 2^51 + 2^15.
 */
#if defined(__x86_64__)

#include "x86/x25519_x8.h"

#include "bytes.h"
#include "limbs.h"
#include "x86/simd.h"

typedef __m512i vec;

struct fe8 {
    vec l[5];
};

/* Every loop over limbs is unrolled: five times faster than what gcc 12 makes of the rolled ones. */
#define MASK51 (((uint64_t)1 << 51) - 1)

INLINE vec set1(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

INLINE vec vadd(vec a, vec b)
{
    return _mm512_add_epi64(a, b);
}

/* acc + low (high) 52 bits of the product of the low 52 bits of a and b. */
INLINE vec madd_lo(vec acc, vec a, vec b)
{
    return _mm512_madd52lo_epu64(acc, a, b);
}

INLINE vec madd_hi(vec acc, vec a, vec b)
{
    return _mm512_madd52hi_epu64(acc, a, b);
}

INLINE vec low51(vec a)
{
    return _mm512_and_si512(a, set1(MASK51));
}

INLINE vec over51(vec a)
{
    return _mm512_srli_epi64(a, 51);
}

INLINE void check_below(const struct fe8 *a, unsigned bits)
{
#ifdef LIMB_CHECKS
    for (int i = 0; i < 5; i++) {
        uint64_t lanes[8];
        _mm512_storeu_si512(lanes, a->l[i]);
        for (int lane = 0; lane < 8; lane++)
            LIMB_BELOW(lanes[lane], bits);
    }
#else
    (void)a;
    (void)bits;
#endif
}

/* --- arithmetic modulo p = 2^255 - 19, lane by lane --------------------------------------------------------- */

/* One parallel round: limbs < 2^61 come out < 2^51 + 19 * 2^10 < 2^51 + 2^15, limbs < 2^54 come out < 2^51 + 2^8. */
INLINE void carry(struct fe8 *r)
{
    check_below(r, 61);
    vec c0 = over51(r->l[0]), c1 = over51(r->l[1]), c2 = over51(r->l[2]), c3 = over51(r->l[3]), c4 = over51(r->l[4]);
    r->l[0] = madd_lo(low51(r->l[0]), c4, set1(19));
    r->l[1] = vadd(low51(r->l[1]), c0);
    r->l[2] = vadd(low51(r->l[2]), c1);
    r->l[3] = vadd(low51(r->l[3]), c2);
    r->l[4] = vadd(low51(r->l[4]), c3);
}

/*
 * Ten columns of radix 2^51, each < 2^56, to five limbs: column i + 5 counts 19 times at limb i.  A column may exceed the 52
 * bits that IFMA takes, so this is the one plain multiplication; shifts and additions in its place measured 6 % slower.
 */
INLINE void fold(struct fe8 *r, vec t[10])
{
    UNROLL
    for (int i = 0; i < 5; i++)
        r->l[i] = vadd(t[i], _mm512_mullo_epi64(t[i + 5], set1(19)));
    carry(r);
}

INLINE void mul(struct fe8 *r, const struct fe8 *a, const struct fe8 *b)
{
    vec t[10];
    check_below(a, 52);
    check_below(b, 52);
    UNROLL
    for (int i = 0; i < 10; i++)
        t[i] = _mm512_setzero_si512();
    UNROLL
    for (int i = 0; i < 5; i++) {
        UNROLL
        for (int j = 0; j < 5; j++)
            t[i + j + 1] = madd_hi(t[i + j + 1], a->l[i], b->l[j]);
    }
    UNROLL
    for (int i = 1; i < 10; i++)
        t[i] = vadd(t[i], t[i]); /* the high half has the weight 2^52, twice that of the next limb */
    UNROLL
    for (int i = 0; i < 5; i++) {
        UNROLL
        for (int j = 0; j < 5; j++)
            t[i + j] = madd_lo(t[i + j], a->l[i], b->l[j]);
    }
    fold(r, t);
}

/* As mul, each mixed product once and doubled. */
INLINE void sqr(struct fe8 *r, const struct fe8 *a)
{
    vec t[10];
    check_below(a, 52);
    UNROLL
    for (int i = 0; i < 10; i++)
        t[i] = _mm512_setzero_si512();
    UNROLL
    for (int i = 0; i < 5; i++) {
        UNROLL
        for (int j = i + 1; j < 5; j++)
            t[i + j + 1] = madd_hi(t[i + j + 1], a->l[i], a->l[j]);
    }
    UNROLL
    for (int i = 2; i < 9; i++)
        t[i] = vadd(t[i], t[i]);
    UNROLL
    for (int i = 0; i < 5; i++)
        t[2 * i + 1] = madd_hi(t[2 * i + 1], a->l[i], a->l[i]);
    UNROLL
    for (int i = 0; i < 5; i++) {
        UNROLL
        for (int j = i + 1; j < 5; j++)
            t[i + j] = madd_lo(t[i + j], a->l[i], a->l[j]);
    }
    UNROLL
    for (int i = 1; i < 10; i++)
        t[i] = vadd(t[i], t[i]); /* weight 2^52 for the high halves, and twice for the mixed low halves */
    UNROLL
    for (int i = 0; i < 5; i++)
        t[2 * i] = madd_lo(t[2 * i], a->l[i], a->l[i]);
    fold(r, t);
}

INLINE void add(struct fe8 *r, const struct fe8 *a, const struct fe8 *b)
{
    UNROLL
    for (int i = 0; i < 5; i++)
        r->l[i] = vadd(a->l[i], b->l[i]);
    carry(r);
}

/* a - b + 4p, so that no limb goes below zero for b < 2^53 - 76. */
INLINE void sub(struct fe8 *r, const struct fe8 *a, const struct fe8 *b)
{
    check_below(b, 52);
    r->l[0] = _mm512_sub_epi64(vadd(a->l[0], set1(4 * MASK51 - 72)), b->l[0]);
    UNROLL
    for (int i = 1; i < 5; i++)
        r->l[i] = _mm512_sub_epi64(vadd(a->l[i], set1(4 * MASK51)), b->l[i]);
    carry(r);
}

/* a + 121665 b: the curve's (A - 2) / 4 (RFC 7748 4.1). */
INLINE void add_121665(struct fe8 *r, const struct fe8 *a, const struct fe8 *b)
{
    const vec factor = set1(121665);
    vec high[5];
    check_below(b, 52);
    UNROLL
    for (int i = 0; i < 5; i++) {
        high[i] = madd_hi(_mm512_setzero_si512(), b->l[i], factor);
        high[i] = vadd(high[i], high[i]);
    }
    UNROLL
    for (int i = 0; i < 5; i++)
        r->l[i] = madd_lo(a->l[i], b->l[i], factor);
    UNROLL
    for (int i = 0; i < 4; i++)
        r->l[i + 1] = vadd(r->l[i + 1], high[i]);
    r->l[0] = madd_lo(r->l[0], high[4], set1(19));
    carry(r);
}

/* Swaps a and b in the lanes of the mask. */
INLINE void swap_lanes(struct fe8 *a, struct fe8 *b, __mmask8 mask)
{
    UNROLL
    for (int i = 0; i < 5; i++) {
        vec x = a->l[i], y = b->l[i];
        a->l[i] = _mm512_mask_mov_epi64(x, mask, y);
        b->l[i] = _mm512_mask_mov_epi64(y, mask, x);
    }
}

static __attribute__((noinline)) void mul_call(struct fe8 *r, const struct fe8 *a, const struct fe8 *b)
{
    struct fe8 t;
    mul(&t, a, b);
    *r = t;
}

/* r = a^(2^n) */
static __attribute__((noinline)) void sqr_n(struct fe8 *r, const struct fe8 *a, int n)
{
    struct fe8 t = *a;
    while (n-- > 0) {
        struct fe8 u;
        sqr(&u, &t);
        t = u;
    }
    *r = t;
}

/* r = z^(p-2) = 1/z, and 0 for 0.  The comments give the exponent so far. */
static void invert(struct fe8 *r, const struct fe8 *z)
{
    struct fe8 z2, z9, z11, a, b, c, t;
    sqr_n(&z2, z, 1);
    sqr_n(&t, &z2, 2);
    mul_call(&z9, &t, z);
    mul_call(&z11, &z9, &z2);
    sqr_n(&t, &z11, 1);
    mul_call(&a, &t, &z9); /* 2^5 - 1 */
    sqr_n(&t, &a, 5);
    mul_call(&a, &t, &a); /* 2^10 - 1 */
    sqr_n(&t, &a, 10);
    mul_call(&b, &t, &a); /* 2^20 - 1 */
    sqr_n(&t, &b, 20);
    mul_call(&t, &t, &b); /* 2^40 - 1 */
    sqr_n(&t, &t, 10);
    mul_call(&b, &t, &a); /* 2^50 - 1 */
    sqr_n(&t, &b, 50);
    mul_call(&c, &t, &b); /* 2^100 - 1 */
    sqr_n(&t, &c, 100);
    mul_call(&t, &t, &c); /* 2^200 - 1 */
    sqr_n(&t, &t, 50);
    mul_call(&t, &t, &b); /* 2^250 - 1 */
    sqr_n(&t, &t, 5);
    mul_call(r, &t, &z11); /* 2^255 - 21 */
    WIPE(z2);
    WIPE(z9);
    WIPE(z11);
    WIPE(a);
    WIPE(b);
    WIPE(c);
    WIPE(t);
}

/* --- bytes -------------------------------------------------------------------------------------------------- */

/* Word w (64 bits, little-endian) of every lane into out[w]. */
INLINE void load_words(vec out[4], const uint8_t in[static 8][32])
{
    const vec lanes = _mm512_setr_epi64(0, 4, 8, 12, 16, 20, 24, 28);
    UNROLL
    for (int w = 0; w < 4; w++)
        out[w] = _mm512_i64gather_epi64(lanes, in[0] + 8 * w, 8);
}

/* Drops bit 255 (RFC 7748 5); a lane may hold p or a little more. */
static void load(struct fe8 *r, const uint8_t in[static 8][32])
{
    vec w[4];
    load_words(w, in);
    r->l[0] = low51(w[0]);
    r->l[1] = low51(_mm512_shrdi_epi64(w[0], w[1], 51));
    r->l[2] = low51(_mm512_shrdi_epi64(w[1], w[2], 38));
    r->l[3] = low51(_mm512_shrdi_epi64(w[2], w[3], 25));
    r->l[4] = low51(_mm512_srli_epi64(w[3], 12));
}

INLINE vec join(vec low, vec high, unsigned right, unsigned left)
{
    return _mm512_or_si512(_mm512_srli_epi64(low, right), _mm512_slli_epi64(high, left));
}

static void store(uint8_t out[static 8][32], const struct fe8 *a)
{
    const vec lanes = _mm512_setr_epi64(0, 4, 8, 12, 16, 20, 24, 28);
    vec t[5], q;
    check_below(a, 52);
    memcpy(t, a->l, sizeof t);
    /* Two rounds bring the value below 2^255. */
    for (int round = 0; round < 2; round++) {
        UNROLL
        for (int i = 0; i < 4; i++) {
            t[i + 1] = vadd(t[i + 1], over51(t[i]));
            t[i] = low51(t[i]);
        }
        q = over51(t[4]);
        t[4] = low51(t[4]);
        t[0] = madd_lo(t[0], q, set1(19));
    }
    /* q = 1 in the lanes that hold p or more: there adding 19 carries out of bit 255.  Then subtract q p. */
    q = set1(19);
    UNROLL
    for (int i = 0; i < 5; i++)
        q = over51(vadd(t[i], q));
    t[0] = madd_lo(t[0], q, set1(19));
    UNROLL
    for (int i = 0; i < 4; i++) {
        t[i + 1] = vadd(t[i + 1], over51(t[i]));
        t[i] = low51(t[i]);
    }
    t[4] = low51(t[4]);
    _mm512_i64scatter_epi64(out[0], lanes, join(t[0], t[1], 0, 51), 8);
    _mm512_i64scatter_epi64(out[0] + 8, lanes, join(t[1], t[2], 13, 38), 8);
    _mm512_i64scatter_epi64(out[0] + 16, lanes, join(t[2], t[3], 26, 25), 8);
    _mm512_i64scatter_epi64(out[0] + 24, lanes, join(t[3], t[4], 39, 12), 8);
}

/* --- the Montgomery ladder (RFC 7748 5), names as there ----------------------------------------------------- */

struct ladder8 {
    struct fe8 x1, x2, z2, x3, z3;
};

/* (x2 : z2) is doubled, (x3 : z3) becomes their sum. */
INLINE void ladder_step(struct ladder8 *l)
{
    struct fe8 a, aa, b, bb, e, c, d, da, cb, t;
    add(&a, &l->x2, &l->z2);
    sub(&b, &l->x2, &l->z2);
    add(&c, &l->x3, &l->z3);
    sub(&d, &l->x3, &l->z3);
    mul(&da, &d, &a);
    mul(&cb, &c, &b);
    sqr(&aa, &a);
    sqr(&bb, &b);
    add(&c, &da, &cb);
    sub(&d, &da, &cb);
    sqr(&l->x3, &c);
    sqr(&t, &d);
    sub(&e, &aa, &bb);
    mul(&l->x2, &aa, &bb);
    mul(&l->z3, &t, &l->x1);
    add_121665(&t, &aa, &e);
    mul(&l->z2, &e, &t);
}

void x25519_x8(uint8_t out[static 8][32], const uint8_t k[static 8][32], const uint8_t u[static 8][32])
{
    struct ladder8 l;
    vec scalar[4];
    __mmask8 swap = 0;
    load(&l.x1, u);
    load_words(scalar, k);
    scalar[0] = _mm512_and_si512(scalar[0], set1(~(uint64_t)7));
    scalar[3] = _mm512_and_si512(scalar[3], set1(~(uint64_t)0 >> 1));
    scalar[3] = _mm512_or_si512(scalar[3], set1((uint64_t)1 << 62));
    for (int i = 0; i < 5; i++)
        l.x2.l[i] = l.z2.l[i] = l.z3.l[i] = _mm512_setzero_si512();
    l.x2.l[0] = l.z3.l[0] = set1(1);
    l.x3 = l.x1;
    for (int i = 254; i >= 0; i--) {
        vec probe = _mm512_sll_epi64(set1(1), _mm_cvtsi32_si128(i & 63));
        __mmask8 bit = _mm512_test_epi64_mask(scalar[i >> 6], probe);
        swap_lanes(&l.x2, &l.x3, (__mmask8)(swap ^ bit));
        swap_lanes(&l.z2, &l.z3, (__mmask8)(swap ^ bit));
        swap = bit;
        ladder_step(&l);
    }
    swap_lanes(&l.x2, &l.x3, swap);
    swap_lanes(&l.z2, &l.z3, swap);
    invert(&l.z2, &l.z2);
    mul_call(&l.x2, &l.x2, &l.z2);
    store(out, &l.x2);
    WIPE(l);
    WIPE(scalar);
}

int x25519_x8_selftest(void)
{
    /* RFC 7748 5.2, first vector, in the even lanes; 6.1, Alice's private key and its public one, in the odd lanes. */
    static const uint8_t k[2][32] = { { 0xa5, 0x46, 0xe3, 0x6b, 0xf0, 0x52, 0x7c, 0x9d, 0x3b, 0x16, 0x15, 0x4b, 0x82, 0x46, 0x5e, 0xdd,
                                        0x62, 0x14, 0x4c, 0x0a, 0xc1, 0xfc, 0x5a, 0x18, 0x50, 0x6a, 0x22, 0x44, 0xba, 0x44, 0x9a, 0xc4 },
                                      { 0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
                                        0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a } };
    static const uint8_t u[2][32] = { { 0xe6, 0xdb, 0x68, 0x67, 0x58, 0x30, 0x30, 0xdb, 0x35, 0x94, 0xc1, 0xa4, 0x24, 0xb1, 0x5f, 0x7c,
                                        0x72, 0x66, 0x24, 0xec, 0x26, 0xb3, 0x35, 0x3b, 0x10, 0xa9, 0x03, 0xa6, 0xd0, 0xab, 0x1c, 0x4c },
                                      { 9 } };
    static const uint8_t want[2][32] = {
        { 0xc3, 0xda, 0x55, 0x37, 0x9d, 0xe9, 0xc6, 0x90, 0x8e, 0x94, 0xea, 0x4d, 0xf2, 0x8d, 0x08, 0x4f,
          0x32, 0xec, 0xcf, 0x03, 0x49, 0x1c, 0x71, 0xf7, 0x54, 0xb4, 0x07, 0x55, 0x77, 0xa2, 0x85, 0x52 },
        { 0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
          0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a }
    };
    uint8_t scalars[8][32], points[8][32], got[8][32];
    int bad = 0;
    for (int i = 0; i < 8; i++) {
        memcpy(scalars[i], k[i & 1], 32);
        memcpy(points[i], u[i & 1], 32);
    }
    x25519_x8(got, scalars, points);
    for (int i = 0; i < 8; i++)
        bad |= !ct_equal(got[i], want[i & 1], 32);
    return bad ? -1 : 0;
}

#endif
