/*
 * Poly1305 (RFC 8439 2.5) for chapoly.inc.h: 64-bit integers; many blocks at a time on AVX-512 IFMA with W = 512,
 * on AVX2 with W = 256 (poly1305_256.inc.h).
 *
 * A number modulo p = 2^130 - 5 is held in limbs of 44, 44 and 42 bits.  A product of limbs i and j with i + j >= 3 stands at 2^132 or
 * more, and 2^132 = 4 * 2^130 = 20 modulo p.
 *
 * Bounds.  "Carried" means l0 < 2^44, l1 < 2^44 + 2^14, l2 < 2^42; a block adds less than 2^44, 2^44 and 2^41, so that a carried number
 * plus a block is below 2^46, 2^46 and 2^43.  Powers of r are carried too.  20 r1 < 2^49 and 20 r2 < 2^47, so that the sum of the three
 * products of one limb stays below 2^95, and four such sums below 2^97: far from 2^128, and all that carries out fits 64 bits.
 */
typedef unsigned __int128 u128;

#define MASK44 (((uint64_t)1 << 44) - 1)
#define MASK42 (((uint64_t)1 << 42) - 1)

struct elem {
    uint64_t l[3];
};

struct wide {
    u128 l[3];
};

INLINE void wide_add(struct wide *d, struct elem a, struct elem r)
{
    uint64_t r1x20 = 20 * r.l[1], r2x20 = 20 * r.l[2];
    d->l[0] += (u128)a.l[0] * r.l[0] + (u128)a.l[1] * r2x20 + (u128)a.l[2] * r1x20;
    d->l[1] += (u128)a.l[0] * r.l[1] + (u128)a.l[1] * r.l[0] + (u128)a.l[2] * r2x20;
    d->l[2] += (u128)a.l[0] * r.l[2] + (u128)a.l[1] * r.l[1] + (u128)a.l[2] * r.l[0];
}

/* A carried number.  What leaves l2 comes back five times; it is below 2^56, so that l1 gets less than 2^14 in the end. */
INLINE struct elem wide_carry(struct wide d)
{
    d.l[1] += (uint64_t)(d.l[0] >> 44);
    d.l[2] += (uint64_t)(d.l[1] >> 44);
    uint64_t top = (uint64_t)(d.l[2] >> 42);
    uint64_t l0 = ((uint64_t)d.l[0] & MASK44) + 5 * top;
    return (struct elem){ { l0 & MASK44, ((uint64_t)d.l[1] & MASK44) + (l0 >> 44), (uint64_t)d.l[2] & MASK42 } };
}

INLINE struct elem elem_multiply(struct elem a, struct elem r)
{
    struct wide d = { { 0, 0, 0 } };
    wide_add(&d, a, r);
    return wide_carry(d);
}

/* h and the 16-byte block lo + hi 2^64 with its 2^128. */
INLINE struct elem add_words(struct elem h, uint64_t lo, uint64_t hi)
{
    h.l[0] += lo & MASK44;
    h.l[1] += (lo >> 44 | hi << 20) & MASK44;
    h.l[2] += hi >> 24 | (uint64_t)1 << 40;
    return h;
}

INLINE struct elem add_block(struct elem h, const uint8_t *p)
{
    uint64_t w[2];
    memcpy(w, p, 16);
    return add_words(h, w[0], w[1]);
}

struct poly1305 {
    struct elem h, r;
    uint64_t s[2]; /* added at the end */
};

/* key: 32 bytes, the first half clamped here (2.5). */
INLINE void poly_init(struct poly1305 *m, const uint8_t *key)
{
    uint64_t k[2];
    memcpy(k, key, 16);
    memcpy(m->s, key + 16, 16);
    k[0] &= 0x0ffffffc0fffffff;
    k[1] &= 0x0ffffffc0ffffffc;
    m->h = (struct elem){ { 0, 0, 0 } };
    m->r = (struct elem){ { k[0] & MASK44, (k[0] >> 44 | k[1] << 20) & MASK44, k[1] >> 24 } };
    WIPE(k);
}

#if W == 512

/* --- eight blocks at a time --------------------------------------------------------------------------------- */

/* Lanes in the order that vec_add_blocks leaves them: blocks 0 4 1 5 2 6 3 7. */
struct vec_power {
    vec r[3], r1x20, r2x20;
};

INLINE vec vec_set1(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

/* h += the eight blocks at p. */
INLINE void vec_add_blocks(vec h[3], const uint8_t *p)
{
    vec x = _mm512_loadu_si512(p), y = _mm512_loadu_si512(p + 64);
    vec lo = _mm512_unpacklo_epi64(x, y), hi = _mm512_unpackhi_epi64(x, y);
    vec l1 = _mm512_and_si512(_mm512_shrdi_epi64(lo, hi, 44), vec_set1(MASK44));
    vec l2 = _mm512_or_si512(_mm512_srli_epi64(hi, 24), vec_set1((uint64_t)1 << 40));
    h[0] = _mm512_add_epi64(h[0], _mm512_and_si512(lo, vec_set1(MASK44)));
    h[1] = _mm512_add_epi64(h[1], l1);
    h[2] = _mm512_add_epi64(h[2], l2);
}

/*
 * lo + 2^52 hi += h k by limbs.  IFMA takes 52 bits of each factor: all are below 2^49.  Six products of 52 bits, twice three, leave
 * lo below 2^55; their upper parts are below 2^43, six of them below 2^46.
 */
INLINE void vec_multiply_add(vec lo[3], vec hi[3], const vec h[3], const struct vec_power *k)
{
    const vec f[3][3] = { { k->r[0], k->r[1], k->r[2] }, { k->r2x20, k->r[0], k->r[1] }, { k->r1x20, k->r2x20, k->r[0] } };
    UNROLL
    for (int i = 0; i < 3; i++) {
        UNROLL
        for (int j = 0; j < 3; j++) {
            lo[j] = _mm512_madd52lo_epu64(lo[j], h[i], f[i][j]);
            hi[j] = _mm512_madd52hi_epu64(hi[j], h[i], f[i][j]);
        }
    }
}

/* A carried h.  hi[i] stands 2^52 above limb i, that is 2^8 above limb i + 1, and 2^10 above 2^130. */
INLINE void vec_carry(vec h[3], vec lo[3], const vec hi[3])
{
    lo[1] = _mm512_add_epi64(_mm512_add_epi64(lo[1], _mm512_slli_epi64(hi[0], 8)), _mm512_srli_epi64(lo[0], 44));
    lo[2] = _mm512_add_epi64(_mm512_add_epi64(lo[2], _mm512_slli_epi64(hi[1], 8)), _mm512_srli_epi64(lo[1], 44));
    vec top = _mm512_add_epi64(_mm512_srli_epi64(lo[2], 42), _mm512_slli_epi64(hi[2], 10));
    vec top_x5 = _mm512_add_epi64(top, _mm512_slli_epi64(top, 2));
    vec l0 = _mm512_add_epi64(_mm512_and_si512(lo[0], vec_set1(MASK44)), top_x5);
    h[0] = _mm512_and_si512(l0, vec_set1(MASK44));
    h[1] = _mm512_add_epi64(_mm512_and_si512(lo[1], vec_set1(MASK44)), _mm512_srli_epi64(l0, 44));
    h[2] = _mm512_and_si512(lo[2], vec_set1(MASK42));
}

INLINE void vec_multiply(vec h[3], const struct vec_power *k)
{
    vec lo[3], hi[3];
    for (int i = 0; i < 3; i++)
        lo[i] = hi[i] = _mm512_setzero_si512();
    vec_multiply_add(lo, hi, h, k);
    vec_carry(h, lo, hi);
}

INLINE void vec_power_x20(struct vec_power *k)
{
    k->r1x20 = _mm512_add_epi64(_mm512_slli_epi64(k->r[1], 4), _mm512_slli_epi64(k->r[1], 2));
    k->r2x20 = _mm512_add_epi64(_mm512_slli_epi64(k->r[2], 4), _mm512_slli_epi64(k->r[2], 2));
}

INLINE void vec_power_all(struct vec_power *k, struct elem r)
{
    for (int i = 0; i < 3; i++)
        k->r[i] = vec_set1(r.l[i]);
    vec_power_x20(k);
}

/* Each lane by the power its last block has: r^8 for block 0 ... r^1 for block 7. */
INLINE void vec_power_each(struct vec_power *k, const struct elem q[9])
{
    for (int i = 0; i < 3; i++) {
        const uint64_t lanes[8] = { q[8].l[i], q[4].l[i], q[7].l[i], q[3].l[i], q[6].l[i], q[2].l[i], q[5].l[i], q[1].l[i] };
        k->r[i] = _mm512_loadu_si512(lanes);
    }
    vec_power_x20(k);
}

/* The lanes' sum, carried. */
INLINE struct elem vec_sum(const vec h[3])
{
    struct wide d;
    for (int i = 0; i < 3; i++)
        d.l[i] = (uint64_t)_mm512_reduce_add_epi64(h[i]);
    return wide_carry(d);
}

/* All whole 128 bytes of the n >= 128 at p; => how many bytes that was. */
static size_t poly_many(struct poly1305 *m, const uint8_t *p, size_t n)
{
    struct elem q[9], r16;
    struct vec_power by8, by16, by_lane;
    vec a[3], b[3], lo[3], hi[3];
    const size_t done = n & ~(size_t)127;
    q[1] = m->r;
    UNROLL
    for (int i = 2; i <= 8; i++)
        q[i] = elem_multiply(q[(i + 1) / 2], q[i / 2]);
    r16 = elem_multiply(q[8], q[8]);
    vec_power_all(&by8, q[8]);
    vec_power_all(&by16, r16);
    vec_power_each(&by_lane, q);
    for (int i = 0; i < 3; i++)
        a[i] = _mm512_zextsi128_si512(_mm_cvtsi64_si128((long long)m->h.l[i]));
    vec_add_blocks(a, p);
    n = done - 128;
    p += 128;
    if (n & 128) {
        vec_multiply(a, &by8);
        vec_add_blocks(a, p);
        n -= 128;
        p += 128;
    }
    for (; n != 0; n -= 256, p += 256) { /* a = (a r^8 + first) r^8 + second, with the products side by side */
        for (int i = 0; i < 3; i++)
            b[i] = lo[i] = hi[i] = _mm512_setzero_si512();
        vec_add_blocks(b, p);
        vec_multiply_add(lo, hi, b, &by8);
        vec_multiply_add(lo, hi, a, &by16);
        vec_carry(a, lo, hi);
        vec_add_blocks(a, p + 128);
    }
    vec_multiply(a, &by_lane);
    m->h = vec_sum(a);
    WIPE(q);
    WIPE(r16);
    WIPE(by8);
    WIPE(by16);
    WIPE(by_lane);
    return done;
}
#else
#include "poly1305_256.inc.h"
#endif

/* --- the sum ------------------------------------------------------------------------------------------------ */

/* Whole groups of four blocks, which makes the long way of a multiplication and its carry once for four; => the bytes done. */
static size_t poly_fours(struct poly1305 *m, const uint8_t *p, size_t n)
{
    const struct elem zero = { { 0, 0, 0 } };
    struct elem r1 = m->r, r2 = elem_multiply(r1, r1), r3 = elem_multiply(r2, r1), r4 = elem_multiply(r2, r2), h = m->h;
    const size_t done = n & ~(size_t)63;
    for (n = done; n != 0; n -= 64, p += 64) {
        struct wide d = { { 0, 0, 0 } };
        wide_add(&d, add_block(zero, p + 48), r1);
        wide_add(&d, add_block(zero, p + 32), r2);
        wide_add(&d, add_block(zero, p + 16), r3);
        wide_add(&d, add_block(h, p), r4);
        h = wide_carry(d);
    }
    m->h = h;
    WIPE(r2);
    WIPE(r3);
    WIPE(r4);
    return done;
}

#ifndef POLY_MANY_FROM
#define POLY_MANY_FROM  384 /* bytes from which the powers pay: measured */
#define POLY_FOURS_FROM 128
#endif

/* n bytes and zeros up to a whole block (2.8): all blocks are whole. */
static void poly_add(struct poly1305 *m, const uint8_t *p, size_t n)
{
    size_t done;
    if (n >= POLY_MANY_FROM) {
        done = poly_many(m, p, n);
        p += done;
        n -= done;
    }
    if (n >= POLY_FOURS_FROM) {
        done = poly_fours(m, p, n);
        p += done;
        n -= done;
    }
    for (; n >= 16; p += 16, n -= 16)
        m->h = elem_multiply(add_block(m->h, p), m->r);
    if (n != 0) {
        uint8_t last[16] = { 0 };
        memcpy(last, p, n);
        m->h = elem_multiply(add_block(m->h, last), m->r);
    }
}

/* The last block of the AEAD: both lengths. */
INLINE void poly_add_lengths(struct poly1305 *m, size_t aad_len, size_t len)
{
    m->h = elem_multiply(add_words(m->h, aad_len, len), m->r);
}

/* h mod p, then + s mod 2^128. */
INLINE void poly_end(const struct poly1305 *m, uint8_t *tag)
{
    struct elem h = m->h, g;
    /* carry right through; when 2^130 is reached the rest is below 2^15, so that one turn ends it */
    h.l[2] += h.l[1] >> 44;
    h.l[1] &= MASK44;
    h.l[0] += 5 * (h.l[2] >> 42);
    h.l[2] &= MASK42;
    h.l[1] += h.l[0] >> 44;
    h.l[0] &= MASK44;
    h.l[2] += h.l[1] >> 44;
    h.l[1] &= MASK44;
    /* g = h + 5 - 2^130 when that is not negative, that is h >= p */
    g.l[0] = h.l[0] + 5;
    g.l[1] = h.l[1] + (g.l[0] >> 44);
    g.l[2] = h.l[2] + (g.l[1] >> 44);
    uint64_t take = 0 - (g.l[2] >> 42);
    __asm__("" : "+r"(take)); /* a mask, not a branch */
    g.l[0] &= MASK44;
    g.l[1] &= MASK44;
    g.l[2] &= MASK42;
    for (int i = 0; i < 3; i++)
        h.l[i] ^= (h.l[i] ^ g.l[i]) & take;
    u128 t = (u128)(h.l[1] >> 20 | h.l[2] << 24) << 64 | (h.l[0] | h.l[1] << 44);
    t += (u128)m->s[1] << 64 | m->s[0];
    memcpy(tag, &t, 16);
}
