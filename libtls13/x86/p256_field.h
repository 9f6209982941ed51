/*
 * Arithmetic modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1 and modulo the order n of P-256: four 64-bit limbs, little-endian, always
 * fully reduced.  Elements of the field are in Montgomery form, a R mod p with R = 2^256, unless said otherwise.  For CPUs with BMI2.
 */
#ifndef TLS13_X86_P256_FIELD_H
#define TLS13_X86_P256_FIELD_H

#include "limbs.h"
#include "x86/modinv.h"
#include "x86/simd.h"

typedef unsigned long long limb; /* what the carry intrinsics want */
typedef limb fe[4];

static const fe field_p = { 0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001 };
static const fe order_n = { 0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000 };
static const fe fe_zero = { 0, 0, 0, 0 };
static const fe fe_one = { 0x0000000000000001, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000fffffffe }; /* R mod p */
static const fe field_r2 = { 0x0000000000000003, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd };
static const fe field_r3 = { 0xfffffffd0000000a, 0xffffffedfffffff7, 0x00000005fffffffc, 0x0000001800000001 };
static const fe order_r2 = { 0x83244c95be79eea2, 0x4699799c49bd6fa6, 0x2845b2392b6bec59, 0x66e12d94f3d95620 };

/* --- whole numbers ------------------------------------------------------------------------------------------ */

INLINE void fe_copy(fe r, const fe a)
{
    memcpy(r, a, sizeof(fe));
}

/* Big-endian bytes; no reduction. */
INLINE void fe_load(fe r, const uint8_t b[static 32])
{
    for (int i = 0; i < 4; i++) {
        limb x;
        memcpy(&x, b + 24 - 8 * i, 8);
        r[i] = __builtin_bswap64(x);
    }
}

INLINE void fe_store(uint8_t b[static 32], const fe a)
{
    for (int i = 0; i < 4; i++) {
        limb x = __builtin_bswap64(a[i]);
        memcpy(b + 24 - 8 * i, &x, 8);
    }
}

/* All ones when a is zero, else 0. */
INLINE limb fe_zero_mask(const fe a)
{
    return ~mask_nonzero(a[0] | a[1] | a[2] | a[3]);
}

/* All ones when a < m, else 0. */
INLINE limb fe_below_mask(const fe a, const fe m)
{
    limb ignored;
    unsigned char borrow = 0;
    for (int i = 0; i < 4; i++)
        borrow = _subborrow_u64(borrow, a[i], m[i], &ignored);
    return mask_hide(0 - (limb)borrow);
}

/* r = a where the mask is all ones. */
INLINE void fe_move_if(fe r, const fe a, limb mask)
{
    mask = mask_hide(mask);
    for (int i = 0; i < 4; i++)
        r[i] = mask_select(mask, r[i], a[i]);
}

/* r = t - m when t >= m, else t; t < 2m has the fifth limb `top`. */
INLINE void reduce_once(fe r, const fe t, limb top, const fe m)
{
    limb d[4], ignored;
    unsigned char borrow = 0;
    LIMB_BELOW(top, 1);
    for (int i = 0; i < 4; i++)
        borrow = _subborrow_u64(borrow, t[i], m[i], &d[i]);
    borrow = _subborrow_u64(borrow, top, 0, &ignored);
    limb keep = mask_hide(0 - (limb)borrow);
    for (int i = 0; i < 4; i++)
        r[i] = mask_select(keep, d[i], t[i]);
}

/* a + b modulo m. */
INLINE void add_mod(fe r, const fe a, const fe b, const fe m)
{
    fe t;
    unsigned char carry = 0;
    for (int i = 0; i < 4; i++)
        carry = _addcarry_u64(carry, a[i], b[i], &t[i]);
    reduce_once(r, t, carry, m);
}

/* --- modulo p ----------------------------------------------------------------------------------------------- */

INLINE void fe_add(fe r, const fe a, const fe b)
{
    add_mod(r, a, b, field_p);
}

INLINE void fe_sub(fe r, const fe a, const fe b)
{
    fe t;
    unsigned char c = 0;
    for (int i = 0; i < 4; i++)
        c = _subborrow_u64(c, a[i], b[i], &t[i]);
    limb mask = mask_hide(0 - (limb)c);
    c = 0;
    for (int i = 0; i < 4; i++)
        c = _addcarry_u64(c, t[i], field_p[i] & mask, &t[i]);
    fe_copy(r, t);
}

/* t[0..5] = t[0..4] + a b: t[4] is 0 or 1 before, t[5] after. */
INLINE void mul_row(limb t[6], const fe a, limb b)
{
    limb l0, l1, l2, l3, h0, h1, h2, h3;
    LIMB_BELOW(t[4], 1);
    l0 = _mulx_u64(a[0], b, &h0);
    l1 = _mulx_u64(a[1], b, &h1);
    l2 = _mulx_u64(a[2], b, &h2);
    l3 = _mulx_u64(a[3], b, &h3);
    unsigned char c = _addcarry_u64(0, l1, h0, &l1);
    c = _addcarry_u64(c, l2, h1, &l2);
    c = _addcarry_u64(c, l3, h2, &l3);
    (void)_addcarry_u64(c, h3, 0, &h3); /* a b < 2^320 */
    c = _addcarry_u64(0, t[0], l0, &t[0]);
    c = _addcarry_u64(c, t[1], l1, &t[1]);
    c = _addcarry_u64(c, t[2], l2, &t[2]);
    c = _addcarry_u64(c, t[3], l3, &t[3]);
    t[5] = _addcarry_u64(c, t[4], h3, &t[4]);
}

/*
 * Montgomery's step: t[0..4] = (t + t[0] p) / 2^64, since p = -1 modulo 2^64.  What is added above the lowest limb is
 * t[0] (2^96 + 2^192 (2^64 - 2^32 + 1)): two shifts and one product.
 */
INLINE void reduce_row(limb t[6])
{
    limb m = t[0], high, low = _mulx_u64(m, 0xffffffff00000001, &high);
    unsigned char c = _addcarry_u64(0, t[1], m << 32, &t[0]);
    c = _addcarry_u64(c, t[2], m >> 32, &t[1]);
    c = _addcarry_u64(c, t[3], low, &t[2]);
    c = _addcarry_u64(c, t[4], high, &t[3]);
    (void)_addcarry_u64(c, t[5], 0, &t[4]);
}

INLINE void fe_mul(fe r, const fe a, const fe b)
{
    limb t[6] = { 0 };
    mul_row(t, a, b[0]);
    reduce_row(t);
    mul_row(t, a, b[1]);
    reduce_row(t);
    mul_row(t, a, b[2]);
    reduce_row(t);
    mul_row(t, a, b[3]);
    reduce_row(t);
    reduce_once(r, t, t[4], field_p);
}

/* t[0..7] = a^2: the mixed products, doubled, and the squares. */
INLINE void square_wide(limb t[8], const fe a)
{
    limb l, h, l13, h13;
    unsigned char c;
    t[1] = _mulx_u64(a[0], a[1], &t[2]);
    l = _mulx_u64(a[0], a[2], &t[3]);
    h = _mulx_u64(a[0], a[3], &t[4]);
    c = _addcarry_u64(0, t[2], l, &t[2]);
    c = _addcarry_u64(c, t[3], h, &t[3]);
    (void)_addcarry_u64(c, t[4], 0, &t[4]);
    l = _mulx_u64(a[1], a[2], &h);
    l13 = _mulx_u64(a[1], a[3], &h13);
    t[5] = _mulx_u64(a[2], a[3], &t[6]);
    c = _addcarry_u64(0, h, l13, &h);
    c = _addcarry_u64(c, h13, t[5], &t[5]);
    (void)_addcarry_u64(c, t[6], 0, &t[6]);
    c = _addcarry_u64(0, t[3], l, &t[3]);
    c = _addcarry_u64(c, t[4], h, &t[4]);
    c = _addcarry_u64(c, t[5], 0, &t[5]);
    (void)_addcarry_u64(c, t[6], 0, &t[6]);

    c = _addcarry_u64(0, t[1], t[1], &t[1]);
    for (int i = 2; i < 7; i++)
        c = _addcarry_u64(c, t[i], t[i], &t[i]);
    t[7] = c;

    t[0] = _mulx_u64(a[0], a[0], &h);
    c = _addcarry_u64(0, t[1], h, &t[1]);
    l = _mulx_u64(a[1], a[1], &h);
    c = _addcarry_u64(c, t[2], l, &t[2]);
    c = _addcarry_u64(c, t[3], h, &t[3]);
    l = _mulx_u64(a[2], a[2], &h);
    c = _addcarry_u64(c, t[4], l, &t[4]);
    c = _addcarry_u64(c, t[5], h, &t[5]);
    l = _mulx_u64(a[3], a[3], &h);
    c = _addcarry_u64(c, t[6], l, &t[6]);
    (void)_addcarry_u64(c, t[7], h, &t[7]);
}

INLINE void fe_sqr(fe r, const fe a)
{
    limb t[8];
    square_wide(t, a);
    /* The low half is reduced by itself, to at most p, and then added to the high half. */
    limb u[6] = { t[0], t[1], t[2], t[3], 0, 0 };
    reduce_row(u);
    reduce_row(u);
    reduce_row(u);
    reduce_row(u);
    fe v;
    unsigned char c = 0;
    for (int i = 0; i < 4; i++)
        c = _addcarry_u64(c, t[4 + i], u[i], &v[i]);
    reduce_once(r, v, c, field_p);
}

INLINE void fe_to_montgomery(fe r, const fe a)
{
    fe_mul(r, a, field_r2);
}

INLINE void fe_from_montgomery(fe r, const fe a)
{
    static const fe one = { 1, 0, 0, 0 };
    fe_mul(r, a, one);
}

/* 1/a, and 0 for 0: 1/(a R) times R^3 / R. */
static inline void fe_invert(fe r, const fe a)
{
    static const struct modinv_modulus p = {
        { 0x3fffffffffffffff, 0x00000003ffffffff, 0x0000000000000000, 0x3fffffc000000040, 0x00000000000000ff }, 0x3fffffffffffffff
    };
    modinv256(r, a, &p);
    fe_mul(r, r, field_r3);
}

#endif
