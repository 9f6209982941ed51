/*
 * Arithmetic modulo an odd number of LIMBS 64-bit limbs, little-endian, always fully reduced: for nist_p256.c and nist_p384.c.
 * Products are Montgomery's, a b / R with R = 2^(64 LIMBS).
 */
#include "bytes.h"
#include "limbs.h"

#define BYTES (8 * LIMBS)

#ifdef __clang__
#define UNROLL_LIMBS _Pragma("clang loop unroll(full)")
#else
#define UNROLL_LIMBS _Pragma("GCC unroll 8")
#endif

typedef uint64_t num[LIMBS];

struct modulus {
    num v;            /* its topmost bit is set */
    num r2;           /* R^2 modulo v */
    uint64_t inverse; /* -1 / v modulo 2^64 */
};

static inline void num_copy(num r, const num a)
{
    memcpy(r, a, sizeof(num));
}

static void num_load(num r, const uint8_t *b)
{
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++)
        r[i] = load64(b + BYTES - 8 - 8 * i);
}

static void num_store(uint8_t *b, const num a)
{
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++)
        store64(b + BYTES - 8 - 8 * i, a[i]);
}

/* All ones when a is zero, else 0. */
static inline uint64_t zero_mask(const num a)
{
    uint64_t any = 0;
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++)
        any |= a[i];
    return ~mask_nonzero(any);
}

/* r = a where the mask is all ones. */
static inline void move_if(num r, const num a, uint64_t mask)
{
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++)
        r[i] = mask_select(mask, r[i], a[i]);
}

/* r = a - b; => 1 when it borrows, else 0. */
static inline uint64_t num_sub(num r, const num a, const num b)
{
    uint64_t borrow = 0;
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++) {
        u128 d = (u128)a[i] - b[i] - borrow;
        r[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow;
}

/* All ones when a < b, else 0. */
static inline uint64_t below_mask(const num a, const num b)
{
    num ignored;
    return mask_hide(0 - num_sub(ignored, a, b));
}

/* r = t - m when t >= m, else t; t < 2m has the further limb `top`. */
static inline void reduce_once(num r, const num t, uint64_t top, const num m)
{
    num d;
    LIMB_BELOW(top, 1);
    uint64_t borrow = num_sub(d, t, m);
    uint64_t keep = mask_hide(0 - (borrow & ~top)); /* it borrows from the top limb, if that is there */
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++)
        r[i] = mask_select(keep, d[i], t[i]);
}

static inline void add_mod(num r, const num a, const num b, const struct modulus *m)
{
    num t;
    uint64_t carry = 0;
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++) {
        u128 s = (u128)a[i] + b[i] + carry;
        t[i] = (uint64_t)s;
        carry = (uint64_t)(s >> 64);
    }
    reduce_once(r, t, carry, m->v);
}

static inline void sub_mod(num r, const num a, const num b, const struct modulus *m)
{
    uint64_t mask = mask_hide(0 - num_sub(r, a, b)), carry = 0;
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++) {
        u128 s = (u128)r[i] + (m->v[i] & mask) + carry;
        r[i] = (uint64_t)s;
        carry = (uint64_t)(s >> 64);
    }
}

/* r = a b / R.  Row by row: t = (t + a b[i] + q m) / 2^64 stays below 2m. */
static inline __attribute__((always_inline)) void mul_mod(num r, const num a, const num b, const struct modulus *m)
{
    uint64_t t[LIMBS] = { 0 }, top = 0;
    UNROLL_LIMBS
    for (int i = 0; i < LIMBS; i++) {
        u128 x = (u128)a[0] * b[i] + t[0];
        uint64_t q = (uint64_t)x * m->inverse;
        u128 y = (u128)q * m->v[0] + (uint64_t)x;
        UNROLL_LIMBS
        for (int j = 1; j < LIMBS; j++) {
            x = (u128)a[j] * b[i] + t[j] + (uint64_t)(x >> 64);
            y = (u128)q * m->v[j] + (uint64_t)x + (uint64_t)(y >> 64);
            t[j - 1] = (uint64_t)y;
        }
        x = (u128)top + (uint64_t)(x >> 64) + (uint64_t)(y >> 64);
        t[LIMBS - 1] = (uint64_t)x;
        top = (uint64_t)(x >> 64);
    }
    reduce_once(r, t, top, m->v);
}

/* r = a b without Montgomery's factor. */
static void mul_plain(num r, const num a, const num b, const struct modulus *m)
{
    num t;
    mul_mod(t, a, m->r2, m);
    mul_mod(r, t, b, m);
    WIPE(t);
}

/* 1 / a in Montgomery form, and 0 for 0: a^(m-2) in steps of four bits, which are public. */
static void invert_mod(num r, const num a, const struct modulus *m)
{
    static const num two = { 2 }, unit = { 1 };
    num power[16], exponent;
    (void)num_sub(exponent, m->v, two);
    mul_mod(power[0], m->r2, unit, m);
    for (int i = 1; i < 16; i++)
        mul_mod(power[i], power[i - 1], a, m);
    num_copy(r, power[exponent[LIMBS - 1] >> 60]);
    for (int at = 64 * LIMBS - 8; at >= 0; at -= 4) {
        for (int i = 0; i < 4; i++)
            mul_mod(r, r, r, m);
        mul_mod(r, r, power[exponent[at / 64] >> at % 64 & 15], m);
    }
    WIPE(power);
}
