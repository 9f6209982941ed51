/*
 * X25519, two multiplications at once, which is a key exchange: its own key pair and the shared secret.  Four lanes each with AVX-512
 * IFMA, since a step of the ladder (RFC 7748 5) is four multiplications side by side, then four more, then two:
 *
 *     a = x2 + z2, b = x2 - z2, c = x3 + z3, d = x3 - z3
 *     AA = a a,    BB = b b,    CB = c b,    DA = d a
 *     x2 = AA BB,  f = AA + a24 E,           x3 = (DA + CB)^2,   g = (DA - CB)^2         with E = AA - BB
 *     z2 = E f,    z3 = x1 g
 *
 * The last two of both ladders share a multiplication: ladder 0 has them in its odd lanes and ladder 1, which is laid out mirrored, in
 * its even ones.  Between the ladders nothing else is shared; the CPU fills the waits of one with the other.
 *
 * Limb i (51 bits) of four elements lies in one 256-bit register.  IFMA multiplies the low 52 bits of each lane, so factors are carried
 * ("tight", < 2^51 + 2^16).  A product's columns sum at most five low halves and, doubled, five high halves: < 15 * 2^52, and 20 times
 * that when folded: < 2^60.3 ("loose").  A difference of loose elements has 2^10 p added, whose limbs are 2^61 - 2^10 * 19 or
 * 2^61 - 2^10: it comes in as the start of the sum in those lanes that something is subtracted from.
 */
#if defined(__x86_64__)

#include "x86/x25519_x2.h"

#include "bytes.h"
#include "x25519_field.h"
#include "x86/modinv.h"
#include "x86/simd.h"

typedef __m256i vec;

struct fe4 {
    vec l[5];
};

INLINE vec set1(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

INLINE vec vadd(vec a, vec b)
{
    return _mm256_add_epi64(a, b);
}

/* acc + low (high) 52 bits of the product of the low 52 bits of a and b. */
INLINE vec madd_lo(vec acc, vec a, vec b)
{
    return _mm256_madd52lo_epu64(acc, a, b);
}

INLINE vec madd_hi(vec acc, vec a, vec b)
{
    return _mm256_madd52hi_epu64(acc, a, b);
}

INLINE void check_lanes(const struct fe4 *a, unsigned bits)
{
#ifdef LIMB_CHECKS
    for (int i = 0; i < 5; i++) {
        uint64_t lanes[4];
        _mm256_storeu_si256((void *)lanes, a->l[i]);
        for (int lane = 0; lane < 4; lane++)
            LIMB_BELOW(lanes[lane], bits);
    }
#else
    (void)a;
    (void)bits;
#endif
}

/* One parallel round: limbs < 2^63 come out < 2^51 + 19 * 2^12. */
INLINE struct fe4 carry(struct fe4 a)
{
    const vec mask = set1(MASK51);
    struct fe4 r;
    check_lanes(&a, 63);
    r.l[0] = madd_lo(_mm256_and_si256(a.l[0], mask), _mm256_srli_epi64(a.l[4], 51), set1(19));
    UNROLL
    for (int i = 1; i < 5; i++)
        r.l[i] = vadd(_mm256_and_si256(a.l[i], mask), _mm256_srli_epi64(a.l[i - 1], 51));
    return r;
}

/* acc + column k of a b in radix 2^51: what has the weight 2^(51 k). */
INLINE vec column(vec acc, const struct fe4 *a, const struct fe4 *b, int k)
{
    vec high = _mm256_setzero_si256();
    UNROLL
    for (int i = 0; i < 5; i++) {
        if (k - i >= 0 && k - i < 5)
            acc = madd_lo(acc, a->l[i], b->l[k - i]);
        if (k - 1 - i >= 0 && k - 1 - i < 5)
            high = madd_hi(high, a->l[i], b->l[k - 1 - i]); /* has the weight 2^52, twice that of the next limb */
    }
    return vadd(acc, vadd(high, high));
}

/* a b + start, loose. */
INLINE struct fe4 mul_add(const struct fe4 *start, const struct fe4 *a, const struct fe4 *b)
{
    struct fe4 r;
    vec nineteen = set1(19);
    VEC_HIDE(nineteen); /* or the compilers shift and add, which is slower than to multiply */
    check_lanes(a, 52);
    check_lanes(b, 52);
    UNROLL
    for (int i = 0; i < 5; i++) {
        vec over = column(_mm256_setzero_si256(), a, b, i + 5); /* 2^255 = 19 */
        r.l[i] = vadd(column(start->l[i], a, b, i), _mm256_mullo_epi64(over, nineteen));
    }
    return r;
}

/* --- the Montgomery ladder ---------------------------------------------------------------------------------- */

/* Lanes as masks; the first lane is the lowest bit. */
#define LANE(i) (__mmask8)(1U << (i))

/* (a, b, c, d) of the next step: the indices of x and z say whether the two points change places. */
INLINE struct fe4 sums(const struct fe4 *x, const struct fe4 *z, vec x_at, vec z_at)
{
    struct fe4 r;
    UNROLL
    for (int i = 0; i < 5; i++) {
        vec u = _mm256_permutexvar_epi64(x_at, x->l[i]), w = _mm256_permutexvar_epi64(z_at, z->l[i]);
        r.l[i] = _mm256_mask_sub_epi64(vadd(u, w), LANE(1) | LANE(3), u, w);
    }
    return carry(r);
}

/* From (a, b, c, d) to AA, BB, CB, DA, loose. */
INLINE void first_round(struct fe4 *m, const struct fe4 *abcd, const struct fe4 *below)
{
    struct fe4 right;
    UNROLL
    for (int i = 0; i < 5; i++)
        right.l[i] = _mm256_permutex_epi64(abcd->l[i], 0x14); /* a, b, b, a */
    *m = mul_add(below, abcd, &right);
}

/* From there to e, with E in the lane of f, and x = (x2, f, x3, g), loose; mirrored: (f, x2, g, x3). */
INLINE void second_round(struct fe4 *x, struct fe4 *e, const struct fe4 *m, const struct fe4 *below, bool mirrored)
{
    const __mmask8 plus = mirrored ? LANE(3) : LANE(2), minus = mirrored ? LANE(0) | LANE(2) : LANE(1) | LANE(3);
    const __mmask8 bb = mirrored ? LANE(1) : LANE(0), f = mirrored ? LANE(0) : LANE(1);
    struct fe4 right, tight, add;
    UNROLL
    for (int i = 0; i < 5; i++) {
        vec u = _mm256_permutex_epi64(m->l[i], 0xf0);                                                   /* AA, AA, DA, DA */
        vec w = mirrored ? _mm256_permutex_epi64(m->l[i], 0xa1) : _mm256_permutex_epi64(m->l[i], 0xa4); /* BB for E, CB, CB */
        u = _mm256_mask_add_epi64(u, plus, u, w);
        e->l[i] = _mm256_mask_sub_epi64(u, minus, u, w);
    }
    *e = carry(*e); /* AA, E, S, T; mirrored E, AA, T, S */
    tight = carry(*m);
    UNROLL
    for (int i = 0; i < 5; i++) {
        /* BB, a24, S, T; mirrored a24, BB, T, S */
        right.l[i] = _mm256_mask_permutex_epi64(e->l[i], bb, tight.l[i], 0x55);
        right.l[i] = _mm256_mask_mov_epi64(right.l[i], f, i == 0 ? set1(121665) : _mm256_setzero_si256());
        /* AA where f comes */
        add.l[i] = mirrored ? _mm256_mask_permutex_epi64(below->l[i], f, e->l[i], 0x55)
                            : _mm256_mask_permutex_epi64(below->l[i], f, e->l[i], 0x00);
    }
    *x = mul_add(&add, e, &right);
}

struct ladders {
    struct fe4 x[2]; /* of each ladder, as second_round leaves it */
    struct fe4 z;    /* z2 of ladder 1, z2 of ladder 0, z3 of 1, z3 of 0; loose */
    struct fe4 x1;   /* in the lanes of z3 */
    /* 2^10 p in every lane; in those of AA and DA only */
    struct fe4 below, below_ad;
};

/* Swap is 1 when the two points of the ladder change places first, else 0. */
INLINE void ladder_step(struct ladders *l, uint64_t swap0, uint64_t swap1)
{
    const vec even = _mm256_setr_epi64x(0, 0, 2, 2), odd = _mm256_setr_epi64x(1, 1, 3, 3);
    const vec zero = _mm256_setzero_si256();
    const vec s0 = set1(2 * swap0), s1 = set1(2 * swap1);
    struct fe4 abcd0, abcd1, m0, m1, e0, e1, left, right;
    abcd0 = sums(&l->x[0], &l->z, _mm256_xor_si256(even, s0), _mm256_xor_si256(odd, s0));
    abcd1 = sums(&l->x[1], &l->z, _mm256_xor_si256(odd, s1), _mm256_xor_si256(even, s1));
    first_round(&m0, &abcd0, &l->below_ad);
    first_round(&m1, &abcd1, &l->below_ad);
    second_round(&l->x[0], &e0, &m0, &l->below, false);
    second_round(&l->x[1], &e1, &m1, &l->below, true);
    UNROLL
    for (int i = 0; i < 5; i++) {
        left.l[i] = _mm256_mask_mov_epi64(l->x[0].l[i], LANE(0) | LANE(2), l->x[1].l[i]);
        right.l[i] = _mm256_mask_mov_epi64(l->x1.l[i], LANE(1), e0.l[i]);
        right.l[i] = _mm256_mask_mov_epi64(right.l[i], LANE(0), e1.l[i]);
    }
    left = carry(left);
    const struct fe4 none = { { zero, zero, zero, zero, zero } };
    l->z = mul_add(&none, &left, &right);
}

/* --- in and out --------------------------------------------------------------------------------------------- */

static void set_lane(struct fe4 *r, int lane, const struct fe *a)
{
    for (int i = 0; i < 5; i++)
        memcpy((uint8_t *)&r->l[i] + 8 * lane, &a->v[i], 8);
}

/* Of a loose element, a tight one. */
static void get_lane(struct fe *r, const struct fe4 *a, int lane)
{
    struct fe4 t = carry(*a);
    for (int i = 0; i < 5; i++)
        memcpy(&r->v[i], (const uint8_t *)&t.l[i] + 8 * lane, 8);
    WIPE(t);
}

/* 1 / a for a in 0..p-1, and 0 for 0. */
static void invert(struct fe *r, const uint8_t a[static 32])
{
    static const struct modinv_modulus p = { { 0x3fffffffffffffed, 0x3fffffffffffffff, 0x3fffffffffffffff, 0x3fffffffffffffff, 0x7f },
                                             0x39435e50d79435e5 };
    unsigned long long words[4];
    uint8_t bytes[32];
    memcpy(words, a, sizeof words);
    modinv256(words, words, &p);
    memcpy(bytes, words, sizeof bytes);
    fe_load(r, bytes);
    WIPE(words);
    WIPE(bytes);
}

/* out = x / z of both, 0 where z = 0 (RFC 7748 5): one inversion, of the product of those that are not 0. */
static void divide(uint8_t out[static 2][32], const struct fe x[static 2], struct fe z[static 2])
{
    uint8_t bytes[32];
    struct fe t;
    uint64_t nonzero[2];
    for (int i = 0; i < 2; i++) {
        uint64_t word[4];
        fe_store(bytes, &z[i]);
        memcpy(word, bytes, sizeof word);
        nonzero[i] = mask_nonzero(word[0] | word[1] | word[2] | word[3]);
        z[i].v[0] += 1 & ~nonzero[i]; /* any number: p + 1 may stand there */
        WIPE(word);
    }
    fe_mul(&t, &z[0], &z[1]);
    fe_store(bytes, &t);
    invert(&t, bytes);
    for (int i = 0; i < 2; i++) {
        struct fe q;
        fe_mul(&q, &t, &z[1 - i]);
        fe_mul(&q, &q, &x[i]);
        for (int j = 0; j < 5; j++)
            q.v[j] &= nonzero[i];
        fe_store(out[i], &q);
        WIPE(q);
    }
    WIPE(bytes);
    WIPE(t);
}

/* x2 : z2 = 1 : 0 and x3 : z3 = u : 1 */
static void start(struct ladders *l, const uint8_t u[static 2][32])
{
    static const struct fe one = { { 1 } };
    memset(l, 0, sizeof *l);
    for (int i = 0; i < 5; i++) {
        l->below.l[i] = set1((MASK51 - (i == 0 ? 18 : 0)) << 10);
        l->below_ad.l[i] = _mm256_mask_mov_epi64(l->below.l[i], LANE(1) | LANE(2), _mm256_setzero_si256());
    }
    for (int i = 0; i < 2; i++) {
        struct fe point, x2, x3;
        struct fe below;
        get_lane(&below, &l->below, 0); /* 0 modulo p */
        fe_load(&point, u[i]);
        fe_add(&x2, &one, &below);
        fe_add(&x3, &point, &below);
        set_lane(&l->x[i], i, &x2);
        set_lane(&l->x[i], i + 2, &x3);
        set_lane(&l->z, 3 - i, &one);
        set_lane(&l->x1, 3 - i, &point);
    }
}

void x25519_x2(uint8_t out[static 2][32], const uint8_t k[static 2][32], const uint8_t u[static 2][32])
{
    struct ladders l;
    struct fe x[2], z[2];
    uint64_t scalar[2][4], swap[2] = { 0, 0 };
    for (int i = 0; i < 2; i++) {
        memcpy(scalar[i], k[i], 32);
        scalar[i][0] &= ~(uint64_t)7;
        scalar[i][3] = (scalar[i][3] & ~(uint64_t)0 >> 1) | (uint64_t)1 << 62;
    }
    start(&l, u);
    for (int i = 254; i >= 0; i--) {
        uint64_t bit0 = scalar[0][i >> 6] >> (i & 63) & 1, bit1 = scalar[1][i >> 6] >> (i & 63) & 1;
        ladder_step(&l, swap[0] ^ bit0, swap[1] ^ bit1);
        swap[0] = bit0;
        swap[1] = bit1;
    }
    for (int i = 0; i < 2; i++) { /* the last bits of a scalar are 0, so that the points are in their places */
        get_lane(&x[i], &l.x[i], i);
        get_lane(&z[i], &l.z, 1 - i);
    }
    divide(out, x, z);
    WIPE(l);
    WIPE(scalar);
    WIPE(x);
    WIPE(z);
}

int x25519_x2_selftest(void)
{
    /* RFC 7748 5.2, first vector; 6.1, Alice's private key and its public one. */
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
    uint8_t got[2][32];
    x25519_x2(got, k, u);
    return ct_equal(got[0], want[0], sizeof got) ? 0 : -1;
}

#endif
