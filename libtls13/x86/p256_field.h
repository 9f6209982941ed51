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

/* --- modulo p: carry chains in assembly, since what compilers make of the carry intrinsics takes twice the time ------------ */

/* Under the sanitizers, whose addresses take registers of their own, there are enough registers out of line only. */
#ifdef LIMB_CHECKS
#define ASM_INLINE static __attribute__((noinline, unused))
#else
#define ASM_INLINE INLINE
#endif

/* r = t - p when t >= p, else t: t in the registers t0..t3 and top, x0..x3 scratch. */
#define ASM_REDUCE_ONCE(t0, t1, t2, t3, top, x0, x1, x2, x3) \
    "mov %[" #t0 "], %[" #x0 "]\n\t"                         \
    "mov %[" #t1 "], %[" #x1 "]\n\t"                         \
    "mov %[" #t2 "], %[" #x2 "]\n\t"                         \
    "mov %[" #t3 "], %[" #x3 "]\n\t"                         \
    "sub $-1, %[" #t0 "]\n\t"                                \
    "sbb %[p1], %[" #t1 "]\n\t"                              \
    "sbb $0, %[" #t2 "]\n\t"                                 \
    "sbb %[p3], %[" #t3 "]\n\t"                              \
    "sbb $0, %[" #top "]\n\t"                                \
    "cmovc %[" #x0 "], %[" #t0 "]\n\t"                       \
    "cmovc %[" #x1 "], %[" #t1 "]\n\t"                       \
    "cmovc %[" #x2 "], %[" #t2 "]\n\t"                       \
    "cmovc %[" #x3 "], %[" #t3 "]\n\t"

ASM_INLINE void fe_add(fe r, const fe a, const fe b)
{
    limb t0 = a[0], t1 = a[1], t2 = a[2], t3 = a[3], top = 0, x0, x1, x2, x3;
    __asm__("add %[b0], %[t0]\n\t"
            "adc %[b1], %[t1]\n\t"
            "adc %[b2], %[t2]\n\t"
            "adc %[b3], %[t3]\n\t"
            "adc $0, %[top]\n\t" ASM_REDUCE_ONCE(t0, t1, t2, t3, top, x0, x1, x2, x3)
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [top] "+&r"(top), [x0] "=&r"(x0), [x1] "=&r"(x1),
              [x2] "=&r"(x2), [x3] "=&r"(x3)
            : [b0] "m"(b[0]), [b1] "m"(b[1]), [b2] "m"(b[2]), [b3] "m"(b[3]), [p1] "m"(field_p[1]), [p3] "m"(field_p[3])
            : "cc");
    r[0] = t0;
    r[1] = t1;
    r[2] = t2;
    r[3] = t3;
}

/* When it borrows, p is added: its limbs are m, the low half of m, 0, and minus the second, where m is all ones; or all 0. */
ASM_INLINE void fe_sub(fe r, const fe a, const fe b)
{
    limb t0 = a[0], t1 = a[1], t2 = a[2], t3 = a[3], m, p1, p3;
    __asm__("sub %[b0], %[t0]\n\t"
            "sbb %[b1], %[t1]\n\t"
            "sbb %[b2], %[t2]\n\t"
            "sbb %[b3], %[t3]\n\t"
            "sbb %[m], %[m]\n\t"
            "mov %k[m], %k[p1]\n\t"
            "mov %[p1], %[p3]\n\t"
            "neg %[p3]\n\t"
            "add %[m], %[t0]\n\t"
            "adc %[p1], %[t1]\n\t"
            "adc $0, %[t2]\n\t"
            "adc %[p3], %[t3]\n\t"
            : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [m] "=&r"(m), [p1] "=&r"(p1), [p3] "=&r"(p3)
            : [b0] "m"(b[0]), [b1] "m"(b[1]), [b2] "m"(b[2]), [b3] "m"(b[3])
            : "cc");
    r[0] = t0;
    r[1] = t1;
    r[2] = t2;
    r[3] = t3;
}

/*
 * Montgomery's step: (t + m p) / 2^64 for the lowest limb m of t, since p = -1 modulo 2^64.  What is added above that limb is
 * m (2^96 + 2^192 (2^64 - 2^32 + 1)): two shifts and one product, into t1..t4, the carry into top.  Then m is free.
 */
#define ASM_REDUCE_ROW(m, t1, t2, t3, t4, top) \
    "mov %[" #m "], %%rdx\n\t"                 \
    "mov %[" #m "], %[x]\n\t"                  \
    "shl $32, %[x]\n\t"                        \
    "shr $32, %[" #m "]\n\t"                   \
    "mulx %[p3], %[y], %[z]\n\t"               \
    "add %[x], %[" #t1 "]\n\t"                 \
    "adc %[" #m "], %[" #t2 "]\n\t"            \
    "adc %[y], %[" #t3 "]\n\t"                 \
    "adc %[z], %[" #t4 "]\n\t"                 \
    "adc $0, %[" #top "]\n\t"

/* The same for a number of four limbs: its new topmost one takes the place of m.  No carry is left, as the result is at most p. */
#define ASM_REDUCE_LOW(m, t1, t2, t3) \
    "mov %[" #m "], %%rdx\n\t"        \
    "mov %[" #m "], %[x]\n\t"         \
    "mov %[" #m "], %[z]\n\t"         \
    "shl $32, %[x]\n\t"               \
    "shr $32, %[z]\n\t"               \
    "mulx %[p3], %[y], %[" #m "]\n\t" \
    "add %[x], %[" #t1 "]\n\t"        \
    "adc %[z], %[" #t2 "]\n\t"        \
    "adc %[y], %[" #t3 "]\n\t"        \
    "adc $0, %[" #m "]\n\t"

/* t1..t5 += a b, the carry into t0, which was free; t5 is 0 or 1 before, t0 after. */
#define ASM_MUL_ROW(b, t0, t1, t2, t3, t4, t5) \
    "mov %[" #b "], %%rdx\n\t"                 \
    "mulx %[a0], %[" #t0 "], %[x]\n\t"         \
    "add %[" #t0 "], %[" #t1 "]\n\t"           \
    "mulx %[a1], %[" #t0 "], %[y]\n\t"         \
    "adc %[" #t0 "], %[" #t2 "]\n\t"           \
    "mulx %[a2], %[" #t0 "], %[z]\n\t"         \
    "adc %[" #t0 "], %[" #t3 "]\n\t"           \
    "mulx %[a3], %[" #t0 "], %%rdx\n\t"        \
    "adc %[" #t0 "], %[" #t4 "]\n\t"           \
    "adc $0, %[" #t5 "]\n\t"                   \
    "mov $0, %k[" #t0 "]\n\t"                  \
    "add %[x], %[" #t2 "]\n\t"                 \
    "adc %[y], %[" #t3 "]\n\t"                 \
    "adc %[z], %[" #t4 "]\n\t"                 \
    "adc %%rdx, %[" #t5 "]\n\t"                \
    "adc $0, %[" #t0 "]\n\t"

ASM_INLINE void fe_mul(fe r, const fe a, const fe b)
{
    limb t0, t1, t2, t3, t4, t5, x, y, z;
    __asm__("mov %[b0], %%rdx\n\t"
            "mulx %[a0], %[t0], %[t1]\n\t"
            "mulx %[a1], %[x], %[t2]\n\t"
            "mulx %[a2], %[y], %[t3]\n\t"
            "mulx %[a3], %[z], %[t4]\n\t"
            "xor %k[t5], %k[t5]\n\t"
            "add %[x], %[t1]\n\t"
            "adc %[y], %[t2]\n\t"
            "adc %[z], %[t3]\n\t"
            "adc $0, %[t4]\n\t" /* a b < 2^320 */
            ASM_REDUCE_ROW(t0, t1, t2, t3, t4, t5) ASM_MUL_ROW(b1, t0, t1, t2, t3, t4, t5) ASM_REDUCE_ROW(t1, t2, t3, t4, t5, t0)
                ASM_MUL_ROW(b2, t1, t2, t3, t4, t5, t0) ASM_REDUCE_ROW(t2, t3, t4, t5, t0, t1) ASM_MUL_ROW(b3, t2, t3, t4, t5, t0, t1)
                    ASM_REDUCE_ROW(t3, t4, t5, t0, t1, t2) ASM_REDUCE_ONCE(t4, t5, t0, t1, t2, x, y, z, t3)
            : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5), [x] "=&r"(x), [y] "=&r"(y),
              [z] "=&r"(z)
            : [a0] "m"(a[0]), [a1] "m"(a[1]), [a2] "m"(a[2]), [a3] "m"(a[3]), [b0] "m"(b[0]), [b1] "m"(b[1]), [b2] "m"(b[2]),
              [b3] "m"(b[3]), [p1] "m"(field_p[1]), [p3] "m"(field_p[3])
            : "rdx", "cc");
    r[0] = t4;
    r[1] = t5;
    r[2] = t0;
    r[3] = t1;
}

/*
 * The mixed products, doubled, and the squares: t0..t7.  The low half is reduced by itself, to at most p, and then added to the high
 * half.
 */
ASM_INLINE void fe_sqr(fe r, const fe a)
{
    limb t0, t1, t2, t3, t4, t5, t6, t7, x, y, z;
    __asm__("mov %[a0], %%rdx\n\t"
            "mulx %[a1], %[t1], %[t2]\n\t"
            "mulx %[a2], %[x], %[t3]\n\t"
            "mulx %[a3], %[y], %[t4]\n\t"
            "mov %[a1], %%rdx\n\t"
            "add %[x], %[t2]\n\t"
            "adc %[y], %[t3]\n\t"
            "adc $0, %[t4]\n\t"
            "mulx %[a2], %[x], %[y]\n\t"
            "mulx %[a3], %[z], %[t5]\n\t"
            "mov %[a2], %%rdx\n\t"
            "mulx %[a3], %[t0], %[t6]\n\t"
            "add %[z], %[y]\n\t"
            "adc %[t0], %[t5]\n\t"
            "adc $0, %[t6]\n\t"
            "add %[x], %[t3]\n\t"
            "adc %[y], %[t4]\n\t"
            "adc $0, %[t5]\n\t"
            "adc $0, %[t6]\n\t"

            "mov $0, %k[t7]\n\t"
            "add %[t1], %[t1]\n\t"
            "adc %[t2], %[t2]\n\t"
            "adc %[t3], %[t3]\n\t"
            "adc %[t4], %[t4]\n\t"
            "adc %[t5], %[t5]\n\t"
            "adc %[t6], %[t6]\n\t"
            "adc %[t7], %[t7]\n\t"

            "mov %[a0], %%rdx\n\t"
            "mulx %%rdx, %[t0], %[x]\n\t"
            "mov %[a1], %%rdx\n\t"
            "mulx %%rdx, %[y], %[z]\n\t"
            "add %[x], %[t1]\n\t"
            "adc %[y], %[t2]\n\t"
            "adc %[z], %[t3]\n\t"
            "mov %[a2], %%rdx\n\t"
            "mulx %%rdx, %[x], %[y]\n\t"
            "adc %[x], %[t4]\n\t"
            "adc %[y], %[t5]\n\t"
            "mov %[a3], %%rdx\n\t"
            "mulx %%rdx, %[x], %[y]\n\t"
            "adc %[x], %[t6]\n\t"
            "adc %[y], %[t7]\n\t" ASM_REDUCE_LOW(t0, t1, t2, t3) ASM_REDUCE_LOW(t1, t2, t3, t0) ASM_REDUCE_LOW(t2, t3, t0, t1)
                ASM_REDUCE_LOW(t3, t0, t1, t2) "xor %k[x], %k[x]\n\t"
                                               "add %[t0], %[t4]\n\t"
                                               "adc %[t1], %[t5]\n\t"
                                               "adc %[t2], %[t6]\n\t"
                                               "adc %[t3], %[t7]\n\t"
                                               "adc $0, %[x]\n\t" ASM_REDUCE_ONCE(t4, t5, t6, t7, x, t0, t1, t2, t3)
            : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5), [t6] "=&r"(t6),
              [t7] "=&r"(t7), [x] "=&r"(x), [y] "=&r"(y), [z] "=&r"(z)
            : [a0] "m"(a[0]), [a1] "m"(a[1]), [a2] "m"(a[2]), [a3] "m"(a[3]), [p1] "m"(field_p[1]), [p3] "m"(field_p[3])
            : "rdx", "cc");
    r[0] = t4;
    r[1] = t5;
    r[2] = t6;
    r[3] = t7;
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
