/*
 * Polynomials of ML-KEM (FIPS 203 4.2, 4.3): arithmetic modulo q = 3329, the number-theoretic transform, compression, packing.
 * Static functions, compiled once a CPU level and written in plain loops that the compiler can turn into vector code.
 *
 * Coefficients are signed 16-bit numbers, not always reduced; each function says what it takes and gives.  Products are
 * Montgomery's with R = 2^16.  Nothing here branches or indexes on a coefficient.
 */
#ifndef TLS13_MLKEM_POLY_H
#define TLS13_MLKEM_POLY_H

#include "bytes.h"

#define MLKEM_K 3
#define MLKEM_N 256
#define MLKEM_Q 3329

struct poly {
    int16_t c[MLKEM_N] __attribute__((aligned(64)));
};

/* zeta^BitRev7(i) R mod q, centred, for zeta = 17 (FIPS 203 appendix A). */
static const int16_t mlkem_zeta[128] = {
    -1044, -758,  -359,  -1517, 1493,  1422, 287,   202,   -171, 622,   1577, 182,   962,   -1202, -1474, 1468,  573,   -1325, 264,
    383,   -829,  1458,  -1602, -130,  -681, 1017,  732,   608,  -1542, 411,  -205,  -1571, 1223,  652,   -552,  1015,  -1293, 1491,
    -282,  -1544, 516,   -8,    -320,  -666, -1618, -1162, 126,  1469,  -853, -90,   -271,  830,   107,   -1421, -247,  -951,  -398,
    961,   -1508, -725,  448,   -1065, 677,  -1275, -1103, 430,  555,   843,  -1251, 871,   1550,  105,   422,   587,   177,   -235,
    -291,  -460,  1574,  1653,  -246,  778,  1159,  -147,  -777, 1483,  -602, 1119,  -1590, 644,   -872,  349,   418,   329,   -156,
    -75,   817,   1097,  603,   610,   1322, -1285, -1465, 384,  -1215, -136, 1218,  -1335, -874,  220,   -1187, -1659, -1185, -1530,
    -1278, 794,   -1510, -854,  -870,  478,  -108,  -308,  996,  991,   958,  -1460, 1522,  1628,
};

/* zeta^(2 BitRev7(i) + 1) R mod q, centred: the modulus of pair i in the transform's domain is x^2 minus it. */
static const int16_t mlkem_gamma[MLKEM_N / 2] __attribute__((aligned(64))) = {
    -1103, 1103,  430,  -430,  555,   -555,  843,  -843, -1251, 1251,  871,   -871,  1550,  -1550, 105,  -105, 422,   -422,  587,
    -587,  177,   -177, -235,  235,   -291,  291,  -460, 460,   1574,  -1574, 1653,  -1653, -246,  246,  778,  -778,  1159,  -1159,
    -147,  147,   -777, 777,   1483,  -1483, -602, 602,  1119,  -1119, -1590, 1590,  644,   -644,  -872, 872,  349,   -349,  418,
    -418,  329,   -329, -156,  156,   -75,   75,   817,  -817,  1097,  -1097, 603,   -603,  610,   -610, 1322, -1322, -1285, 1285,
    -1465, 1465,  384,  -384,  -1215, 1215,  -136, 136,  1218,  -1218, -1335, 1335,  -874,  874,   220,  -220, -1187, 1187,  -1659,
    1659,  -1185, 1185, -1530, 1530,  -1278, 1278, 794,  -794,  -1510, 1510,  -854,  854,   -870,  870,  478,  -478,  -108,  108,
    -308,  308,   996,  -996,  991,   -991,  958,  -958, -1460, 1460,  1522,  -1522, 1628,  -1628,
};

/* --- arithmetic modulo q ---------------------------------------------------------------------------------- */

static inline int16_t mul_high(int16_t a, int16_t b)
{
    return (int16_t)((int32_t)a * b >> 16);
}

/* a b / R, in (-q, q), for |a b| < q 2^15.  3327 is -q^-1 modulo R: the low halves cancel, so only high halves are computed. */
static inline int16_t mul_q(int16_t a, int16_t b)
{
    int16_t low = (int16_t)((uint32_t)(uint16_t)a * (uint16_t)b);
    int16_t m = (int16_t)((uint32_t)(uint16_t)low * (uint16_t)-3327);
    return (int16_t)(mul_high(a, b) - mul_high(m, MLKEM_Q));
}

/* a modulo q, within -1665..1665, for any a: 20159 is 2^26 / q. */
static inline int16_t reduce(int16_t a)
{
    int16_t t = (int16_t)((mul_high(a, 20159) + 512) >> 10);
    return (int16_t)(a - t * MLKEM_Q);
}

/* a modulo q, within 0..q-1, for -2q <= a < 14q: an exact division by multiplication, so that no sign becomes a mask or a branch. */
static inline uint32_t canonical(int32_t a)
{
    uint32_t x = (uint32_t)(a + 2 * MLKEM_Q);
    return x - (x * 80636 >> 28) * MLKEM_Q;
}

/* --- the transform (algorithms 9, 10, 11) ----------------------------------------------------------------- */

/* One layer: butterflies between coefficients len apart, 128 / len groups, each with its zeta from k on. */
static inline __attribute__((always_inline)) void ntt_layer(int16_t *c, const int len, const int k)
{
    for (int g = 0; g < 128 / len; g++) {
        int16_t z = mlkem_zeta[k + g], *a = c + 2 * len * g;
        for (int j = 0; j < len; j++) {
            int16_t t = mul_q(z, a[j + len]), x = a[j];
            a[j + len] = (int16_t)(x - t);
            a[j] = (int16_t)(x + t);
        }
    }
}

static inline __attribute__((always_inline)) void ntt_inverse_layer(int16_t *c, const int len, const int k)
{
    for (int g = 0; g < 128 / len; g++) {
        int16_t z = mlkem_zeta[k - g], *a = c + 2 * len * g;
        for (int j = 0; j < len; j++) {
            int16_t x = a[j], y = a[j + len];
            a[j] = reduce((int16_t)(x + y));
            a[j + len] = mul_q(z, (int16_t)(y - x));
        }
    }
}

#ifdef MLKEM_OWN_SHORT_LAYERS
static void ntt_short(int16_t *c);
static void ntt_inverse_short(int16_t *c);
#else
/* The layers whose butterflies are closer than 16 coefficients. */
static void ntt_short(int16_t *c)
{
    ntt_layer(c, 8, 16);
    ntt_layer(c, 4, 32);
    ntt_layer(c, 2, 64);
}

static void ntt_inverse_short(int16_t *c)
{
    ntt_inverse_layer(c, 2, 127);
    ntt_inverse_layer(c, 4, 63);
    ntt_inverse_layer(c, 8, 31);
}
#endif

/* |c| < q on entry: each layer adds less than q, and 8 q fits 16 bits.  Reduced (centred) on exit. */
static void ntt(struct poly *p)
{
    ntt_layer(p->c, 128, 1);
    ntt_layer(p->c, 64, 2);
    ntt_layer(p->c, 32, 4);
    ntt_layer(p->c, 16, 8);
    ntt_short(p->c);
    for (int i = 0; i < MLKEM_N; i++)
        p->c[i] = reduce(p->c[i]);
}

/* Reduced on entry, in (-q, q) on exit.  The result is R times the inverse, which undoes dot's 1 / R: 1441 is R^2 / 128 modulo q. */
static void ntt_inverse(struct poly *p)
{
    ntt_inverse_short(p->c);
    ntt_inverse_layer(p->c, 16, 15);
    ntt_inverse_layer(p->c, 32, 7);
    ntt_inverse_layer(p->c, 64, 3);
    ntt_inverse_layer(p->c, 128, 1);
    for (int i = 0; i < MLKEM_N; i++)
        p->c[i] = mul_q(p->c[i], 1441);
}

/* r = (a[0] b[0] + a[1] b[1] + a[2] b[2]) / R in the transform's domain, reduced; |a| < q, |b| < q.  Six products stay within 16 bits. */
static void dot(struct poly *restrict r, const struct poly a[static MLKEM_K], const struct poly b[static MLKEM_K])
{
    for (int i = 0; i < MLKEM_N / 2; i++) {
        int16_t even = 0, odd = 0;
        for (int j = 0; j < MLKEM_K; j++) {
            int16_t a0 = a[j].c[2 * i], a1 = a[j].c[2 * i + 1], b0 = b[j].c[2 * i], b1 = b[j].c[2 * i + 1];
            even = (int16_t)(even + mul_q(a0, b0) + mul_q(mul_q(a1, b1), mlkem_gamma[i]));
            odd = (int16_t)(odd + mul_q(a0, b1) + mul_q(a1, b0));
        }
        r->c[2 * i] = reduce(even);
        r->c[2 * i + 1] = reduce(odd);
    }
}

/* --- packing (4.2.1) -------------------------------------------------------------------------------------- */

/* ByteDecode12, unreduced: => 0 when every coefficient is below q, else not 0. */
static unsigned poly_decode12(struct poly *p, const uint8_t b[static 384])
{
    uint16_t over = 0;
    for (int i = 0; i < MLKEM_N / 4; i++, b += 6) {
        uint64_t four =
            b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40;
        for (int j = 0; j < 4; j++)
            p->c[4 * i + j] = (int16_t)(four >> (12 * j) & 0xfff);
    }
    for (int i = 0; i < MLKEM_N; i++)
        over |= (uint16_t)(MLKEM_Q - 1 - p->c[i]);
    return over >> 15;
}

static void poly_encode12(uint8_t b[static 384], const struct poly *p)
{
    for (int i = 0; i < MLKEM_N / 2; i++) {
        uint32_t lo = canonical(p->c[2 * i]), hi = canonical(p->c[2 * i + 1]);
        b[3 * i] = (uint8_t)lo;
        b[3 * i + 1] = (uint8_t)(lo >> 8 | hi << 4);
        b[3 * i + 2] = (uint8_t)(hi >> 4);
    }
}

/* ByteEncode10(Compress10(p)).  1290168 / 2^32 is 1 / q; tried for all q values. */
static void poly_compress10(uint8_t b[static 320], const struct poly *p)
{
    uint32_t d[MLKEM_N];
    for (int i = 0; i < MLKEM_N; i++)
        d[i] = (uint32_t)(((uint64_t)((canonical(p->c[i]) << 10) + 1664) * 1290168u) >> 32) & 1023;
    for (int i = 0; i < MLKEM_N / 4; i++) {
        uint64_t w = d[4 * i] | (uint64_t)d[4 * i + 1] << 10 | (uint64_t)d[4 * i + 2] << 20 | (uint64_t)d[4 * i + 3] << 30;
        for (int j = 0; j < 5; j++)
            b[5 * i + j] = (uint8_t)(w >> (8 * j));
    }
    WIPE(d);
}

/* Decompress10(ByteDecode10(b)), in 0..q-1. */
static void poly_decompress10(struct poly *p, const uint8_t b[static 320])
{
    for (int i = 0; i < MLKEM_N / 4; i++) {
        uint64_t w = 0;
        for (int j = 0; j < 5; j++)
            w |= (uint64_t)b[5 * i + j] << (8 * j);
        for (int j = 0; j < 4; j++)
            p->c[4 * i + j] = (int16_t)(((uint32_t)(w >> (10 * j) & 1023) * MLKEM_Q + 512) >> 10);
    }
}

/* ByteEncode4(Compress4(p)).  315 / 2^20 is 1 / q; tried for all q values. */
static void poly_compress4(uint8_t b[static 128], const struct poly *p)
{
    uint8_t d[MLKEM_N];
    for (int i = 0; i < MLKEM_N; i++)
        d[i] = (uint8_t)((canonical(p->c[i]) * 315 + 32768) >> 16 & 15);
    for (int i = 0; i < MLKEM_N / 2; i++)
        b[i] = (uint8_t)(d[2 * i] | d[2 * i + 1] << 4);
    WIPE(d);
}

static void poly_decompress4(struct poly *p, const uint8_t b[static 128])
{
    for (int i = 0; i < MLKEM_N / 2; i++) {
        p->c[2 * i] = (int16_t)(((b[i] & 15u) * MLKEM_Q + 8) >> 4);
        p->c[2 * i + 1] = (int16_t)(((b[i] >> 4) * MLKEM_Q + 8u) >> 4);
    }
}

/*
 * p += Decompress1(ByteDecode1(m)).  The bits go through memory that the compiler may not look into: knowing that a factor is
 * 0 or 1, it would be free to branch on it.
 */
static void poly_add_message(struct poly *p, const uint8_t m[static 32])
{
    int16_t bit[MLKEM_N];
    for (int i = 0; i < MLKEM_N; i++)
        bit[i] = (int16_t)(m[i / 8] >> (i % 8) & 1);
    __asm__ volatile("" : : "r"(bit) : "memory");
    for (int i = 0; i < MLKEM_N; i++)
        p->c[i] = (int16_t)(p->c[i] + bit[i] * ((MLKEM_Q + 1) / 2));
    WIPE(bit);
}

/* ByteEncode1(Compress1(p)).  315 / 2^20 is 1 / q; tried for all q values. */
static void poly_message(uint8_t m[static 32], const struct poly *p)
{
    for (int i = 0; i < MLKEM_N / 8; i++) {
        uint32_t byte = 0;
        for (int j = 0; j < 8; j++)
            byte |= ((canonical(p->c[8 * i + j]) * 315 + 262144) >> 19 & 1) << j;
        m[i] = (uint8_t)byte;
    }
}

#endif
