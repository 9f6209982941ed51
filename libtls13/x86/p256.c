/* P-256: multiples of the generator out of a table, multiples of any point, key generation and ECDH. */
#if defined(__x86_64__)

#include "x86/p256.h"

#include <pthread.h>

#include "bytes.h"
#include "x86/p256_comb.h"

struct p256_affine p256_comb[COMB_WINDOWS][COMB_ENTRIES] __attribute__((aligned(64)));

static const struct p256_affine generator = { /* SEC 2, 2.4.2, in Montgomery form */
                                              { 0x79e730d418a9143c, 0x75ba95fc5fedb601, 0x79fb732b77622510, 0x18905f76a53755c6 },
                                              { 0xddf25357ce95560a, 0x8b4ab8e4ba19e45c, 0xd2e88688dd21f325, 0x8571ff1825885d85 }
};

/* --- the generator ------------------------------------------------------------------------------------------ */

static void to_jacobian(struct p256_jacobian *r, const struct p256_affine *p)
{
    fe_copy(r->x, p->x);
    fe_copy(r->y, p->y);
    fe_copy(r->z, fe_one);
}

/* r = a + b out of 1 / denominator.  Not inlined, so that the field's assembly finds its registers. */
static __attribute__((noinline)) void add_with_inverse(struct p256_affine *r, const struct p256_affine *a, const struct p256_affine *b,
                                                       const fe inverse)
{
    fe slope, t;
    if (a == b) {
        fe_sqr(t, a->x);
        fe_sub(t, t, fe_one);
        fe_add(slope, t, t);
        fe_add(slope, slope, t); /* 3 x^2 - 3 */
    } else {
        fe_sub(slope, b->y, a->y);
    }
    fe_mul(slope, slope, inverse);
    fe_sqr(t, slope);
    fe_sub(t, t, a->x);
    fe_sub(r->x, t, b->x);
    fe_sub(t, a->x, r->x);
    fe_mul(t, t, slope);
    fe_sub(r->y, t, a->y);
}

/*
 * Of each window: with its first n multiples come the next n, n B plus each of those (twice n B at the last), by affine additions that
 * share one inversion.  Until then a new entry holds its addition's denominator (x) and the product of those before it (y).
 */
static __attribute__((noinline)) void next_entries(int n)
{
    fe all, inverse;
    fe_copy(all, fe_one);
    for (int w = 0; w < COMB_WINDOWS; w++) {
        struct p256_affine *first = p256_comb[w], *r = first + n;
        for (int i = 0; i < n; i++, r++) {
            fe_copy(r->y, all);
            if (i == n - 1)
                fe_add(r->x, first[i].y, first[i].y);
            else
                fe_sub(r->x, first[i].x, first[n - 1].x);
            fe_mul(all, all, r->x);
        }
    }
    fe_invert(all, all);
    for (int w = COMB_WINDOWS - 1; w >= 0; w--) {
        struct p256_affine *first = p256_comb[w];
        for (int i = n - 1; i >= 0; i--) {
            struct p256_affine *r = first + n + i;
            fe_mul(inverse, all, r->y);
            fe_mul(all, all, r->x);
            add_with_inverse(r, first + n - 1, first + i, inverse);
        }
    }
}

static void build_comb(void)
{
    struct p256_jacobian base[COMB_WINDOWS];
    struct p256_affine first[COMB_WINDOWS];
    fe scratch[COMB_WINDOWS];
    to_jacobian(&base[0], &generator);
    for (int w = 1; w < COMB_WINDOWS; w++) {
        p256_double(&base[w], &base[w - 1]);
        for (int i = 1; i < COMB_BITS; i++)
            p256_double(&base[w], &base[w]);
    }
    p256_to_affine(first, base, COMB_WINDOWS, scratch);
    for (int w = 0; w < COMB_WINDOWS; w++)
        p256_comb[w][0] = first[w];
    for (int n = 1; n < COMB_ENTRIES; n *= 2)
        next_entries(n);
}

void p256_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, build_comb);
}

/* r[j] = entries[d[j] - 1] for n of them, every entry read; zeros for d[j] = 0. */
INLINE void pick_affine(struct p256_affine *r, const struct p256_affine *entries, const limb *d, const int n)
{
    const __m256i one = _mm256_set1_epi64x(1);
    __m256i wanted[2], x[2], y[2], at = one;
    for (int j = 0; j < n; j++) {
        wanted[j] = _mm256_set1_epi64x((long long)d[j]);
        x[j] = y[j] = _mm256_setzero_si256();
    }
    for (int i = 0; i < COMB_ENTRIES; i++) {
        const __m256i entry_x = _mm256_load_si256((const __m256i *)(const void *)entries[i].x);
        const __m256i entry_y = _mm256_load_si256((const __m256i *)(const void *)entries[i].y);
        for (int j = 0; j < n; j++) {
            __m256i mask = _mm256_cmpeq_epi64(at, wanted[j]);
            x[j] = _mm256_or_si256(x[j], _mm256_and_si256(mask, entry_x));
            y[j] = _mm256_or_si256(y[j], _mm256_and_si256(mask, entry_y));
        }
        at = _mm256_add_epi64(at, one);
    }
    for (int j = 0; j < n; j++) {
        _mm256_storeu_si256((__m256i *)(void *)r[j].x, x[j]);
        _mm256_storeu_si256((__m256i *)(void *)r[j].y, y[j]);
    }
}

INLINE void negate_if(fe y, limb mask)
{
    fe minus;
    fe_sub(minus, fe_zero, y);
    fe_move_if(y, minus, mask);
}

/*
 * The sum of the digits so far, s, never meets the next multiple d 2^(6 w) G or its negative, so the incomplete addition serves:
 * |s| < 0.51 * 2^(6 w) <= 0.51 |d| 2^(6 w), and in the topmost window s - d 2^252 = -n would take d = 16, that is k > n, while
 * s + d 2^252 = k is neither 0 nor n.  That s is still infinity, or that d is 0, is selected away.
 */
INLINE void mul_base(struct p256_jacobian *r, const limb *k, const int n)
{
    limb bits[2][5], d[2], negative[2], infinity[2] = { ~(limb)0, ~(limb)0 };
    struct p256_affine q[2];
    struct p256_jacobian sum[2];
    memset(r, 0, (size_t)n * sizeof *r);
    for (int j = 0; j < n; j++) {
        memcpy(bits[j], k + 4 * j, sizeof(fe));
        bits[j][4] = 0;
    }
    for (int w = 0; w < COMB_WINDOWS; w++) {
        for (int j = 0; j < n; j++)
            d[j] = signed_digit(bits[j], w, COMB_BITS, &negative[j]);
        pick_affine(q, p256_comb[w], d, n);
        for (int j = 0; j < n; j++)
            negate_if(q[j].y, negative[j]);
        if (n == 1)
            p256_add_affine(sum, r, q);
        else
            p256_add_affine_pair(sum, r, q);
        for (int j = 0; j < n; j++) {
            limb nonzero = mask_nonzero(d[j]);
            fe_move_if(sum[j].x, q[j].x, infinity[j]);
            fe_move_if(sum[j].y, q[j].y, infinity[j]);
            fe_move_if(sum[j].z, fe_one, infinity[j]);
            fe_move_if(r[j].x, sum[j].x, nonzero);
            fe_move_if(r[j].y, sum[j].y, nonzero);
            fe_move_if(r[j].z, sum[j].z, nonzero);
            infinity[j] &= ~nonzero;
        }
    }
    WIPE(bits);
    WIPE(q);
    WIPE(sum);
}

void p256_mul_base(struct p256_jacobian *r, const fe k)
{
    mul_base(r, k, 1);
}

void p256_mul_base_pair(struct p256_jacobian r[static 2], const fe k[static 2])
{
    mul_base(r, k[0], 2);
}

void p256_mulgen(uint8_t xy[static 64], const uint8_t k[static 32])
{
    struct p256_jacobian r;
    struct p256_affine a;
    fe scalar, scratch;
    fe_load(scalar, k);
    p256_mul_base(&r, scalar);
    p256_to_affine(&a, &r, 1, &scratch);
    fe_from_montgomery(a.x, a.x);
    fe_from_montgomery(a.y, a.y);
    fe_store(xy, a.x);
    fe_store(xy + 32, a.y);
    WIPE(r); /* the Z coordinate tells of the scalar */
    WIPE(scalar);
    WIPE(scratch);
}

/* --- any point ---------------------------------------------------------------------------------------------- */

#define WINDOW_BITS 5
#define WINDOWS     ((256 + WINDOW_BITS) / WINDOW_BITS)
#define ENTRIES     (1 << (WINDOW_BITS - 1))

/* r = entries[d - 1], every entry read; zeros for d = 0. */
INLINE void pick_jacobian(struct p256_jacobian *r, const struct p256_jacobian *entries, limb d)
{
    const __m256i wanted = _mm256_set1_epi64x((long long)d), one = _mm256_set1_epi64x(1);
    __m256i x = _mm256_setzero_si256(), y = x, z = x, at = one;
    for (int i = 0; i < ENTRIES; i++) {
        __m256i mask = _mm256_cmpeq_epi64(at, wanted);
        x = _mm256_or_si256(x, _mm256_and_si256(mask, _mm256_loadu_si256((const __m256i *)(const void *)entries[i].x)));
        y = _mm256_or_si256(y, _mm256_and_si256(mask, _mm256_loadu_si256((const __m256i *)(const void *)entries[i].y)));
        z = _mm256_or_si256(z, _mm256_and_si256(mask, _mm256_loadu_si256((const __m256i *)(const void *)entries[i].z)));
        at = _mm256_add_epi64(at, one);
    }
    _mm256_storeu_si256((__m256i *)(void *)r->x, x);
    _mm256_storeu_si256((__m256i *)(void *)r->y, y);
    _mm256_storeu_si256((__m256i *)(void *)r->z, z);
}

/*
 * r = k p.  The prefix of k so far, a, times 32, never meets the next digit d or its negative modulo n, unless a = 0 (selected
 * away): 32 a >= 32 > |d|; 32 a + d is below n until the last digit, and then is k; 32 a = n + d would take d = -17 modulo 32,
 * since n = 17 modulo 32, and |d| <= 16.
 */
static void mul_point(struct p256_jacobian *r, const struct p256_affine *p, const fe k)
{
    limb bits[5] = { k[0], k[1], k[2], k[3], 0 }, negative, infinity = ~(limb)0;
    struct p256_jacobian entries[ENTRIES], q, sum;
    to_jacobian(&entries[0], p);
    p256_double(&entries[1], &entries[0]);
    for (int i = 2; i < ENTRIES; i++) {
        if (i & 1)
            p256_double(&entries[i], &entries[i / 2]);
        else
            p256_add_affine(&entries[i], &entries[i - 1], p);
    }
    memset(r, 0, sizeof *r);
    for (int w = WINDOWS - 1; w >= 0; w--) {
        for (int i = 0; i < WINDOW_BITS && w != WINDOWS - 1; i++)
            p256_double(r, r);
        limb d = signed_digit(bits, w, WINDOW_BITS, &negative), nonzero = mask_nonzero(d);
        pick_jacobian(&q, entries, d);
        negate_if(q.y, negative);
        p256_add(&sum, r, &q);
        fe_move_if(sum.x, q.x, infinity);
        fe_move_if(sum.y, q.y, infinity);
        fe_move_if(sum.z, q.z, infinity);
        fe_move_if(r->x, sum.x, nonzero);
        fe_move_if(r->y, sum.y, nonzero);
        fe_move_if(r->z, sum.z, nonzero);
        infinity &= ~nonzero;
    }
    WIPE(bits);
    WIPE(entries);
    WIPE(q);
    WIPE(sum);
}

bool p256_mul(uint8_t x[static 32], const uint8_t xy[static 64], const uint8_t k[static 32])
{
    struct p256_affine p;
    struct p256_jacobian r;
    fe scalar, scratch;
    if (!p256_load_point(&p, xy)) { /* the point is public */
        memset(x, 0, 32);
        return false;
    }
    fe_load(scalar, k);
    mul_point(&r, &p, scalar);
    p256_to_affine(&p, &r, 1, &scratch);
    fe_from_montgomery(p.x, p.x);
    fe_store(x, p.x);
    WIPE(p);
    WIPE(r);
    WIPE(scalar);
    WIPE(scratch);
    return true;
}

#endif
