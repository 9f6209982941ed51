/* Montgomery multiplication with AVX-512 IFMA: the kernel in its six shapes, and what it takes to set a modulus up. */
#if defined(__x86_64__)

#include "x86/rsa_mont.h"

#include "bytes.h"
#include "limbs.h"

typedef __m512i vec;

/* --- the kernel --------------------------------------------------------------------------------------------- */

/* Each lane gets lane 0 of its number. */
INLINE vec spread(vec x, bool pair)
{
    return pair ? _mm512_permutex_epi64(x, 0) : _mm512_broadcastq_epi64(_mm512_castsi512_si128(x));
}

/* Each lane gets its upper neighbour, the topmost of a number zero. */
INLINE vec lanes_down(vec x, bool pair)
{
    return pair ? _mm512_maskz_permutex_epi64(0x77, x, 0x39) : _mm512_maskz_alignr_epi64(0x7f, x, x, 1);
}

/* Each lane gets its lower neighbour, the lowest of a number zero. */
INLINE vec lanes_up(vec x, bool pair)
{
    return pair ? _mm512_maskz_permutex_epi64(0xee, x, 0x90) : _mm512_maskz_alignr_epi64(0xfe, x, x, 7);
}

INLINE void check_below(const vec *t, const unsigned regs, const unsigned bits)
{
#ifdef LIMB_CHECKS
    for (unsigned j = 0; j < regs; j++) {
        uint64_t lanes[8];
        _mm512_storeu_si512(lanes, t[j]);
        for (unsigned lane = 0; lane < 8; lane++)
            LIMB_BELOW(lanes[lane], bits);
    }
#else
    (void)t, (void)regs, (void)bits;
#endif
}

/*
 * Carries limbs below 2^61 up until all are below 2^52: register by register, then from each lane to the next.  A carry may have to
 * travel through all lanes, so there are as many rounds; the value is below 2^(52 limbs), so none leaves the last lane.
 */
INLINE void carry_up(vec *t, const unsigned regs, const bool pair)
{
    const vec mask = _mm512_set1_epi64((long long)LIMB_MASK);
    vec carry = _mm512_setzero_si512();
    check_below(t, regs, 61);
    for (unsigned round = 0; round < (pair ? 4 : 8); round++) {
        UNROLL
        for (unsigned j = 0; j < regs; j++) {
            t[j] = _mm512_add_epi64(t[j], carry);
            carry = _mm512_srli_epi64(t[j], 52);
            t[j] = _mm512_and_si512(t[j], mask);
        }
        carry = lanes_up(carry, pair);
    }
    check_below(t, regs, 52);
}

/* A sum in two parts, so that the way from one m to the next crosses few instructions: products of a and b, and of n and m. */
struct sum {
    vec ab[MONT_REGS], nm[MONT_REGS];
};

/*
 * One limb b of the second factor: t = (t + a b + n m) / 2^52, with m such that the division is exact.  Register `first` holds the
 * lowest limb in lane 0; afterwards the next one does.  The low halves of a b were added before, and those of a and the next b are
 * here.  A limb gathers at most four products' halves a step and lives for `limbs` <= 80 steps: 320 * 2^52 < 2^61, with its carry.
 */
INLINE void step(struct sum *t, const unsigned first, const vec *a, vec b, vec next_b, const vec *n, vec k0, const unsigned regs,
                 const bool pair)
{
    const vec zero = _mm512_setzero_si512(), mask = _mm512_set1_epi64((long long)LIMB_MASK);
    const __mmask8 lowest = pair ? 0x11 : 0x01;
    const unsigned second = (first + 1) % regs;
    vec low = _mm512_add_epi64(t->ab[first], t->nm[first]);
    vec m = spread(_mm512_madd52lo_epu64(zero, low, k0), pair);
    /* n m makes the low 52 bits zero: what it carries is 1 unless they were zero before, whatever m is. */
    vec carry = _mm512_maskz_srli_epi64(lowest, _mm512_add_epi64(low, mask), 52);
    /* The high half of limb k counts one limb higher: that of the topmost register in the lane that comes down to it. */
    UNROLL
    for (unsigned k = 0; k + 1 < regs; k++) {
        vec *to = &t->ab[(first + 1 + k) % regs];
        *to = _mm512_madd52hi_epu64(*to, a[k], b);
        *to = _mm512_madd52lo_epu64(*to, a[k], next_b);
    }
    t->ab[second] = _mm512_add_epi64(t->ab[second], carry);
    t->nm[second] = _mm512_add_epi64(_mm512_madd52lo_epu64(t->nm[second], n[1], m), _mm512_madd52hi_epu64(zero, n[0], m));
    UNROLL
    for (unsigned k = 2; k < regs; k++) {
        vec *to = &t->nm[(first + k) % regs];
        *to = _mm512_madd52lo_epu64(*to, n[k], m);
        *to = _mm512_madd52hi_epu64(*to, n[k - 1], m);
    }
    t->ab[first] = lanes_down(_mm512_madd52lo_epu64(low, n[0], m), pair);
    t->ab[first] = _mm512_madd52hi_epu64(t->ab[first], a[regs - 1], b);
    t->ab[first] = _mm512_madd52lo_epu64(t->ab[first], a[regs - 1], next_b);
    t->nm[first] = _mm512_madd52hi_epu64(zero, n[regs - 1], m);
}

INLINE void multiply(struct mont_num *r, const struct mont_num *x, const struct mont_num *y, const struct mont *modulus,
                     const unsigned regs, const bool pair)
{
    const unsigned lanes = pair ? 4 : 8;
    const vec one = _mm512_set1_epi64(1), k0 = _mm512_loadu_si512(modulus->k0);
    vec lane = pair ? _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4) : _mm512_setzero_si512();
    struct sum t;
    vec a[MONT_REGS], n[MONT_REGS], b = _mm512_permutexvar_epi64(lane, _mm512_load_si512(y->v[0]));
    UNROLL
    for (unsigned j = 0; j < regs; j++) {
        a[j] = _mm512_load_si512(x->v[j]);
        n[j] = _mm512_load_si512(modulus->n.v[j]);
        t.ab[j] = _mm512_madd52lo_epu64(_mm512_setzero_si512(), a[j], b);
        t.nm[j] = _mm512_setzero_si512();
    }
    for (unsigned round = 0; round < lanes; round++) {
        UNROLL
        for (unsigned j = 0; j + 1 < regs; j++) {
            vec next_b = _mm512_permutexvar_epi64(lane, _mm512_load_si512(y->v[j + 1]));
            step(&t, j, a, b, next_b, n, k0, regs, pair);
            b = next_b;
        }
        lane = _mm512_add_epi64(lane, one);
        vec next_b = _mm512_maskz_permutexvar_epi64(round + 1 < lanes ? 0xff : 0, lane, _mm512_load_si512(y->v[0]));
        step(&t, regs - 1, a, b, next_b, n, k0, regs, pair);
        b = next_b;
    }
    UNROLL
    for (unsigned j = 0; j < regs; j++)
        t.ab[j] = _mm512_add_epi64(t.ab[j], t.nm[j]);
    carry_up(t.ab, regs, pair);
    UNROLL
    for (unsigned j = 0; j < regs; j++)
        _mm512_store_si512(r->v[j], t.ab[j]);
}

#define KERNEL(name, regs, pair)                                                                                   \
    static void name(struct mont_num *r, const struct mont_num *a, const struct mont_num *b, const struct mont *m) \
    {                                                                                                              \
        multiply(r, a, b, m, regs, pair);                                                                          \
    }
KERNEL(multiply_5_pair, 5, true)
KERNEL(multiply_8_pair, 8, true)
KERNEL(multiply_10_pair, 10, true)
KERNEL(multiply_5, 5, false)
KERNEL(multiply_8, 8, false)
KERNEL(multiply_10, 10, false)

/* --- bytes and limbs ---------------------------------------------------------------------------------------- */

uint64_t mont_bits(const uint8_t *b, size_t len, size_t bit)
{
    uint64_t x = 0;
    size_t at = bit / 8;
    for (size_t i = 0; i < 8 && at + i < len; i++)
        x |= (uint64_t)b[len - 1 - at - i] << (8 * i);
    return x >> bit % 8 & LIMB_MASK; /* at least 57 bits are there */
}

void mont_load(struct mont_num *a, const struct mont *m, unsigned lane, const uint8_t *b, size_t len)
{
    for (unsigned i = 0; i < m->limbs; i++)
        *mont_limb(a, m, lane, i) = mont_bits(b, len, 52 * (size_t)i);
}

void mont_store(uint8_t *b, size_t len, const uint64_t *limbs, size_t count)
{
    for (size_t i = 0; i < len; i++) {
        size_t at = 8 * i / 52, shift = 8 * i % 52;
        uint64_t x = at < count ? limbs[at] >> shift : 0;
        if (shift > 44 && at + 1 < count)
            x |= limbs[at + 1] << (52 - shift);
        b[len - 1 - i] = (uint8_t)x;
    }
}

/* --- moduli ------------------------------------------------------------------------------------------------- */

/* r = 2 r modulo n, for r < n < 2^(64 count). */
static void double_mod(uint64_t *r, const uint64_t *n, size_t count)
{
    uint64_t d[MONT_WORDS], top = 0;
    unsigned char borrow = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned long long word;
        uint64_t twice = r[i] << 1 | top;
        top = r[i] >> 63;
        r[i] = twice;
        borrow = _subborrow_u64(borrow, twice, n[i], &word);
        d[i] = word;
    }
    uint64_t keep = mask_hide(0 - ((uint64_t)borrow & ~top & 1)); /* 2 r < n */
    for (size_t i = 0; i < count; i++)
        r[i] = mask_select(keep, d[i], r[i]);
    WIPE(d);
}

static void words_to_limbs(struct mont_num *a, const struct mont *m, unsigned lane, const uint64_t *w, size_t count)
{
    for (unsigned i = 0; i < m->limbs; i++) {
        size_t at = 52 * (size_t)i / 64, shift = 52 * (size_t)i % 64;
        uint64_t x = at < count ? w[at] >> shift : 0;
        if (shift > 12 && at + 1 < count)
            x |= w[at + 1] << (64 - shift);
        *mont_limb(a, m, lane, i) = x & LIMB_MASK;
    }
}

/* n, k0, R mod n, and 2 R mod n into r2 for now, for the number that starts at lane `lane`. */
static void load_modulus(struct mont *m, unsigned bits, unsigned lane, const uint8_t *bytes)
{
    uint64_t n[MONT_WORDS], r[MONT_WORDS], inverse = 1;
    size_t count = bits / 64;
    unsigned char borrow = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned long long word;
        n[i] = load64(bytes + 8 * (count - 1 - i));
        borrow = _subborrow_u64(borrow, 0, n[i], &word); /* 2^bits - n = 2^bits mod n, as n > 2^(bits - 1) */
        r[i] = word;
    }
    for (unsigned i = 0; i < 6; i++) /* Newton: each round doubles the bits that are right */
        inverse *= 2 - n[0] * inverse;
    for (unsigned i = 0; i < m->lanes; i++)
        m->k0[lane + i] = (0 - inverse) & LIMB_MASK;
    words_to_limbs(&m->n, m, lane, n, count);
    for (unsigned i = bits; i < 52 * m->limbs; i++)
        double_mod(r, n, count);
    words_to_limbs(&m->one, m, lane, r, count);
    double_mod(r, n, count);
    words_to_limbs(&m->r2, m, lane, r, count);
    WIPE(n);
    WIPE(r);
}

void mont_init(struct mont *m, unsigned bits, const uint8_t *first, const uint8_t *second)
{
    const bool pair = second != NULL;
    unsigned whole = pair ? 2 * bits : bits;
    m->regs = whole == 2048 ? 5 : whole == 3072 ? 8 : 10;
    m->lanes = pair ? 4 : 8;
    m->limbs = m->regs * m->lanes;
    if (m->regs == 5)
        m->mul = pair ? multiply_5_pair : multiply_5;
    else if (m->regs == 8)
        m->mul = pair ? multiply_8_pair : multiply_8;
    else
        m->mul = pair ? multiply_10_pair : multiply_10;
    load_modulus(m, bits, 0, first);
    if (pair)
        load_modulus(m, bits, 4, second);
    /* R^2 is 2^e R with e = 52 limbs: from 2 R by squaring and multiplying, each of which divides by R again. */
    struct mont_num twice = m->r2;
    unsigned e = 52 * m->limbs, bit = 1;
    while (e >> bit > 1)
        bit++;
    while (bit-- > 0) {
        mont_mul(&m->r2, &m->r2, &m->r2, m);
        if (e >> bit & 1)
            mont_mul(&m->r2, &m->r2, &twice, m);
    }
    WIPE(twice);
}

void mont_reduce(struct mont_num *r, unsigned lane, const struct mont *m)
{
    struct mont_num d;
    struct mont_num n = m->n;
    uint64_t borrow = 0;
    for (unsigned i = 0; i < m->limbs; i++) {
        uint64_t x = *mont_limb(r, m, lane, i) - *mont_limb(&n, m, lane, i) - borrow;
        LIMB_BELOW(*mont_limb(r, m, lane, i), 52);
        borrow = x >> 63;
        *mont_limb(&d, m, lane, i) = x & LIMB_MASK;
    }
    uint64_t keep = mask_hide(0 - borrow);
    for (unsigned i = 0; i < m->limbs; i++) {
        uint64_t *x = mont_limb(r, m, lane, i);
        *x = mask_select(keep, *mont_limb(&d, m, lane, i), *x);
    }
    WIPE(d);
    WIPE(n);
}

void mont_leave(struct mont_num *r, const struct mont_num *a, const struct mont *m)
{
    struct mont_num one = { { { 0 } } };
    for (unsigned lane = 0; lane < 8; lane += m->lanes)
        one.v[0][lane] = 1;
    mont_mul(r, a, &one, m);
    for (unsigned lane = 0; lane < 8; lane += m->lanes)
        mont_reduce(r, lane, m);
}

#endif
