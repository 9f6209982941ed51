/* The RSA operations (RFC 8017 5.2) on top of rsa_mont.h. */
#if defined(__x86_64__)

#include "x86/rsa.h"

#include "bytes.h"
#include "limbs.h"
#include "x86/rsa_mont.h"

#define WINDOW  5
#define ENTRIES (1 << WINDOW)

static bool size_is_ours(size_t bits)
{
    return bits == 2048 || bits == 3072 || bits == 4096;
}

/* --- private ------------------------------------------------------------------------------------------------ */

/* Has a factor, and all that goes with it, the size that the kernel is made for? */
static bool factor_fits(const unsigned char *p, size_t len, size_t exponent_len, size_t bytes)
{
    return len == bytes && (p[0] & 0x80) != 0 && (p[bytes - 1] & 1) != 0 && exponent_len <= bytes;
}

/* r = table[d], d the digits of both exponents, every entry read.  In registers only when regs is a constant. */
INLINE void pick_some(struct mont_num *r, const struct mont_num table[static ENTRIES], __m512i digits, const unsigned regs)
{
    const __m512i one = _mm512_set1_epi64(1);
    __m512i entry = _mm512_setzero_si512(), sum[MONT_REGS];
    UNROLL
    for (unsigned j = 0; j < regs; j++)
        sum[j] = _mm512_setzero_si512();
    for (unsigned e = 0; e < ENTRIES; e++) {
        __mmask8 mask = _mm512_cmpeq_epi64_mask(entry, digits);
        UNROLL
        for (unsigned j = 0; j < regs; j++)
            sum[j] = _mm512_mask_mov_epi64(sum[j], mask, _mm512_load_si512(table[e].v[j]));
        entry = _mm512_add_epi64(entry, one);
    }
    UNROLL
    for (unsigned j = 0; j < regs; j++)
        _mm512_store_si512(r->v[j], sum[j]);
}

static void pick(struct mont_num *r, const struct mont_num table[static ENTRIES], uint64_t digit_p, uint64_t digit_q, unsigned regs)
{
    const long long p = (long long)digit_p, q = (long long)digit_q;
    const __m512i digits = _mm512_setr_epi64(p, p, p, p, q, q, q, q);
    if (regs == 5)
        pick_some(r, table, digits, 5);
    else if (regs == 8)
        pick_some(r, table, digits, 8);
    else
        pick_some(r, table, digits, 10);
}

/* r = x^dp modulo p and x^dq modulo q, in Montgomery form as x is; the exponents have `bits` bits at most. */
static void power(struct mont_num *r, const struct mont_num *x, const br_rsa_private_key *sk, size_t bits, const struct mont *m)
{
    struct mont_num table[ENTRIES], factor;
    table[0] = m->one;
    table[1] = *x;
    for (unsigned i = 2; i < ENTRIES; i++)
        mont_mul(&table[i], &table[i / 2], &table[i - i / 2], m);
    size_t at = (bits - 1) / WINDOW * WINDOW;
    for (bool first = true;; first = false, at -= WINDOW) {
        uint64_t digit_p = mont_bits(sk->dp, sk->dplen, at) & (ENTRIES - 1);
        uint64_t digit_q = mont_bits(sk->dq, sk->dqlen, at) & (ENTRIES - 1);
        pick(&factor, table, digit_p, digit_q, m->regs);
        if (first) {
            *r = factor;
        } else {
            for (unsigned i = 0; i < WINDOW; i++)
                mont_mul(r, r, r, m);
            mont_mul(r, r, &factor, m);
        }
        if (at == 0)
            break;
    }
    WIPE(table);
    WIPE(factor);
}

/* r = x R modulo p and q for x of twice their size: x = low + high R, so x R = low R + (high R) R. */
static void enter(struct mont_num *r, const uint8_t *x, size_t len, const struct mont *m)
{
    struct mont_num low = { { { 0 } } }, high = { { { 0 } } };
    for (unsigned i = 0; i < m->limbs; i++)
        for (unsigned lane = 0; lane < 8; lane += 4) {
            *mont_limb(&low, m, lane, i) = mont_bits(x, len, 52 * (size_t)i);
            *mont_limb(&high, m, lane, i) = mont_bits(x, len, 52 * (size_t)(m->limbs + i));
        }
    mont_mul(&low, &low, &m->r2, m);
    mont_mul(&high, &high, &m->r2, m);
    mont_mul(&high, &high, &m->r2, m);
    for (unsigned lane = 0; lane < 8; lane += 4) { /* the sum is below 6 n */
        uint64_t carry = 0;
        for (unsigned i = 0; i < m->limbs; i++) {
            carry += *mont_limb(&low, m, lane, i) + *mont_limb(&high, m, lane, i);
            *mont_limb(r, m, lane, i) = carry & LIMB_MASK;
            carry >>= 52;
        }
        LIMB_BELOW(carry, 0);
    }
    WIPE(low);
    WIPE(high);
}

/* Garner: x = m2 + q ((m1 - m2) / q mod p), m1 in the lanes of p and m2 in those of q. */
static void combine(uint8_t *x, size_t len, struct mont_num *parts, const br_rsa_private_key *sk, struct mont *m)
{
    struct mont_num t = { { { 0 } } }, inverse = { { { 0 } } };
    uint64_t limbs[MONT_LIMBS];
    int64_t borrow = 0;
    /* m1 - m2 + 2 p is between 0 and 3 p: m2 < q < 2 p. */
    for (unsigned i = 0; i < m->limbs; i++) {
        borrow += (int64_t)*mont_limb(parts, m, 0, i) - (int64_t)*mont_limb(parts, m, 4, i) + 2 * (int64_t)*mont_limb(&m->n, m, 0, i);
        *mont_limb(&t, m, 0, i) = (uint64_t)borrow & LIMB_MASK;
        borrow >>= 52;
    }
    mont_load(&inverse, m, 0, sk->iq, sk->iqlen);
    mont_mul(&inverse, &inverse, &m->r2, m);
    mont_mul(&t, &t, &inverse, m);
    mont_reduce(&t, 0, m);
    u128 sum = 0;
    for (unsigned i = 0; i < 2 * m->limbs; i++) { /* columns of at most 40 products of 104 bits, and carry */
        if (i < m->limbs)
            sum += *mont_limb(parts, m, 4, i);
        for (unsigned j = i < m->limbs ? 0 : i - m->limbs + 1; j <= i && j < m->limbs; j++)
            sum += (u128)*mont_limb(&t, m, 0, j) * *mont_limb(&m->n, m, 4, i - j);
        limbs[i] = (uint64_t)sum & LIMB_MASK;
        sum >>= 52;
    }
    mont_store(x, len, limbs, 2 * (size_t)m->limbs);
    WIPE(t);
    WIPE(inverse);
    WIPE(limbs);
}

uint32_t rsa_ifma_private(unsigned char *x, const br_rsa_private_key *sk)
{
    size_t bits = sk->n_bitlen, half = bits / 16;
    if (!size_is_ours(bits) || !factor_fits(sk->p, sk->plen, sk->dplen, half) || !factor_fits(sk->q, sk->qlen, sk->dqlen, half) ||
        sk->iqlen > half)
        return br_rsa_private_get_default()(x, sk);
    struct mont m;
    struct mont_num r;
    mont_init(&m, (unsigned)bits / 2, sk->p, sk->q);
    enter(&r, x, bits / 8, &m);
    power(&r, &r, sk, bits / 2, &m);
    mont_leave(&r, &r, &m);
    combine(x, bits / 8, &r, sk, &m);
    WIPE(m);
    WIPE(r);
    return 1;
}

/* --- public ------------------------------------------------------------------------------------------------- */

uint32_t rsa_ifma_public(unsigned char *x, size_t xlen, const br_rsa_public_key *pk)
{
    const unsigned char *n = pk->n, *e = pk->e;
    size_t len = pk->nlen, elen = pk->elen;
    while (len > 0 && n[0] == 0)
        n++, len--;
    while (elen > 0 && e[0] == 0)
        e++, elen--;
    if (!size_is_ours(8 * len) || (n[0] & 0x80) == 0 || (n[len - 1] & 1) == 0 || elen == 0)
        return br_rsa_public_get_default()(x, xlen, pk);
    if (xlen != len || memcmp(x, n, len) >= 0)
        return 0;
    struct mont m;
    struct mont_num base, r;
    mont_init(&m, 8 * (unsigned)len, n, NULL);
    mont_load(&base, &m, 0, x, len);
    mont_mul(&base, &base, &m.r2, &m);
    r = base;
    size_t bit = 8 * elen;
    while ((e[elen - 1 - (bit - 1) / 8] >> (bit - 1) % 8 & 1) == 0)
        bit--;
    for (bit--; bit-- > 0;) { /* the topmost bit is done */
        mont_mul(&r, &r, &r, &m);
        if (e[elen - 1 - bit / 8] >> bit % 8 & 1)
            mont_mul(&r, &r, &base, &m);
    }
    mont_leave(&r, &r, &m);
    uint64_t limbs[MONT_LIMBS];
    for (unsigned i = 0; i < m.limbs; i++)
        limbs[i] = *mont_limb(&r, &m, 0, i);
    mont_store(x, len, limbs, m.limbs);
    return 1;
}

/* --- self-test ---------------------------------------------------------------------------------------------- */

static void pattern(unsigned char *out, size_t n, unsigned factor, unsigned start)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)(factor * i + start);
}

/*
 * The arithmetic does not ask for primes: odd numbers with a pattern serve, and so no key lies in the source.  The answers, of which the
 * last 32 bytes are here, and the inverse of q are those of Python's pow().
 */
int rsa_ifma_selftest(void)
{
    static const unsigned char iq[128] = { 0x7f, 0x71, 0xc7, 0x71, 0xae, 0xcb, 0x6e, 0x52, 0x28, 0xdd, 0x11, 0x60, 0x65, 0xbc, 0x04, 0x68,
                                           0x13, 0x56, 0x76, 0x56, 0x0c, 0xab, 0x82, 0xa6, 0xc1, 0x0b, 0xee, 0xc0, 0x7c, 0x08, 0x05, 0x93,
                                           0x5f, 0x27, 0xd0, 0xd1, 0xeb, 0x2a, 0x9e, 0xd6, 0x37, 0xdc, 0x90, 0x85, 0x3e, 0x58, 0xa6, 0x15,
                                           0x99, 0x5b, 0x6f, 0x8c, 0xe2, 0xd8, 0xac, 0x98, 0xbe, 0x1b, 0x47, 0xf1, 0x22, 0xa6, 0xa9, 0xb2,
                                           0x28, 0x72, 0x9e, 0x84, 0x05, 0xe6, 0x83, 0xfb, 0x1d, 0x58, 0x7f, 0x99, 0x02, 0xd5, 0x79, 0xf7,
                                           0x2e, 0x54, 0xd3, 0xca, 0x51, 0xc4, 0xdb, 0x6c, 0xd8, 0xfc, 0x91, 0xd0, 0x5e, 0x31, 0x6c, 0x7a,
                                           0x18, 0x8f, 0x4f, 0xca, 0x9f, 0x63, 0x18, 0x71, 0x81, 0xd6, 0x47, 0x23, 0x29, 0x08, 0xf4, 0x39,
                                           0x05, 0x21, 0x46, 0xb7, 0x60, 0xa9, 0x00, 0x57, 0x53, 0xcf, 0x77, 0x80, 0x7e, 0x1d, 0x27, 0x84 };
    static const unsigned char private_tail[32] = { 0x49, 0xb6, 0x81, 0x46, 0x88, 0x6d, 0x53, 0xc2, 0x4f, 0x7e, 0x03,
                                                    0xcd, 0x20, 0x48, 0x2e, 0x00, 0x69, 0xca, 0x1a, 0x06, 0x1c, 0x99,
                                                    0x55, 0xfb, 0x18, 0xfc, 0x7a, 0x16, 0x5e, 0x6b, 0xa8, 0xd9 };
    static const unsigned char public_tail[32] = { 0x76, 0xf3, 0x94, 0x85, 0x87, 0xa7, 0x71, 0x66, 0x9d, 0x71, 0xb5,
                                                   0x73, 0xa2, 0x98, 0x83, 0x7f, 0xcc, 0x79, 0xfe, 0x3b, 0xda, 0x19,
                                                   0x7f, 0xb3, 0x7c, 0xe7, 0x74, 0x31, 0x95, 0xea, 0x4a, 0x3d };
    unsigned char p[128], q[128], dp[128], dq[128], inverse[128], n[256], x[256], e[3] = { 1, 0, 1 };
    pattern(p, sizeof p, 29, 11);
    pattern(q, sizeof q, 83, 5);
    pattern(dp, sizeof dp, 57, 3);
    pattern(dq, sizeof dq, 101, 7);
    pattern(n, sizeof n, 19, 0xc3);
    pattern(x, sizeof x, 13, 1);
    memcpy(inverse, iq, sizeof inverse);
    p[0] |= 0x80;
    q[0] |= 0x80;
    p[127] |= 1;
    q[127] |= 1;
    n[255] |= 1;
    x[0] = 0;
    const br_rsa_private_key sk = { 2048, p, 128, q, 128, dp, 128, dq, 128, inverse, 128 };
    const br_rsa_public_key pk = { n, 256, e, 3 };
    bool ok = rsa_ifma_private(x, &sk) == 1 && ct_equal(x + 224, private_tail, 32);
    pattern(x, sizeof x, 13, 1);
    x[0] = 0;
    return ok && rsa_ifma_public(x, sizeof x, &pk) == 1 && ct_equal(x + 224, public_tail, 32) ? 0 : -1;
}

#endif
