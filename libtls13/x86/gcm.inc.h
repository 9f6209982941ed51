/*
 * AES-GCM in one pass over the data, CTR and GHASH together, for vectors of W bits: included by gcm_128.c, gcm_256.c and gcm_512.c.
 *
 * GHASH's field has its bits in reverse: the first bit of a block is the coefficient of x^0.  A block is byte-reversed once, so that bit
 * i of the 128-bit integer stands for x^(127-i).  The carry-less product of two such integers comes out one bit low of the same form on
 * 256 bits, which is a factor of x; the powers of H are kept multiplied by x^-1, and the products are aligned.
 *
 * In this form the field's polynomial is 2^128 + 0xC2 2^120 + 1.  A product is reduced from its low end: adding w * polynomial clears
 * the lowest 64-bit word w and touches the next two by one multiplication with 0xC2 2^56.  Twice, and the upper 128 bits are left.
 * Sums of products are reduced once, since the reduction is linear; so is adding up the lanes.
 */
#include "../bytes.h"
#include "simd.h"
#include "gcm_vec.inc.h"

/* --- GHASH -------------------------------------------------------------------------------------------------- */

/* A sum of products lo + mid 2^64 + hi 2^128 in each lane, not reduced. */
struct product {
    vec lo, mid, hi;
};

INLINE struct product product_zero(void)
{
    return (struct product){ v_zero(), v_zero(), v_zero() };
}

/* p += a h in each lane. */
INLINE void product_add(struct product *p, vec a, vec h)
{
    p->lo = v_xor(p->lo, V_CLMUL(a, h, 0x00));
    p->hi = v_xor(p->hi, V_CLMUL(a, h, 0x11));
    p->mid = v_xor3(p->mid, V_CLMUL(a, h, 0x01), V_CLMUL(a, h, 0x10));
}

/* The field elements of the lanes. */
INLINE vec reduce(const struct product *p)
{
    const vec c2 = v_spread(_mm_set_epi64x((long long)0xc200000000000000, 0));
    vec lo = v_xor(p->lo, v_up64(p->mid)), hi = v_xor(p->hi, v_down64(p->mid));
    lo = v_xor(v_swap64(lo), V_CLMUL(lo, c2, 0x10));
    return v_xor3(hi, v_swap64(lo), V_CLMUL(lo, c2, 0x10));
}

INLINE vec multiply(vec a, vec h)
{
    struct product p = product_zero();
    product_add(&p, a, h);
    return reduce(&p);
}

INLINE __m128i multiply1(__m128i a, __m128i h)
{
    return v_first(multiply(v_widen(a), v_widen(h)));
}

/* h x^-1: shifted towards x^0; when x^0 was set, the polynomial is added before. */
INLINE __m128i divide_by_x(__m128i h)
{
    __m128i odd = _mm_shuffle_epi32(_mm_srai_epi32(h, 31), 0xff);
    __m128i half = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(_mm_srli_epi64(h, 63), 8));
    return _mm_xor_si128(half, _mm_and_si128(odd, _mm_set_epi64x((long long)0xc200000000000000, 1)));
}

/* What a long input wants: powers up to H^GROUP, and what Karatsuba's middle product takes of them. */
struct table {
    uint8_t power[GROUP + LANES][16]; /* H^GROUP ... H^1, and zeros, since a last vector may begin at H^2 */
    uint8_t cross[STEPS / 2][W / 8];  /* low + high halves of the powers, those of two vectors packed into one */
};

static void table_make(struct table *t, const struct gcm_key *k)
{
    UNROLL
    for (int i = 0; i < GCM_POWERS; i += LANES) /* whole vectors: a load that spans two stores would wait for both */
        v_store(t->power[GROUP - GCM_POWERS + i], v_load(k->power[i]));
    v_store(t->power[GROUP], v_zero());
    UNROLL
    for (int n = GCM_POWERS; n < GROUP; n *= 2) {
        const vec top = v_spread(load1(t->power[GROUP - n]));
        UNROLL
        for (int i = 0; i < n; i += LANES)
            v_store(t->power[GROUP - 2 * n + i], multiply(v_load(t->power[GROUP - n + i]), top));
    }
    UNROLL
    for (int i = 0; i < STEPS; i += 2) {
        vec a = v_load(t->power[i * LANES]), b = v_load(t->power[(i + 1) * LANES]);
        v_store(t->cross[i / 2], v_xor(v_lows(a, b), v_highs(a, b)));
    }
}

/* p += vectors i and i + 1 of the group of ciphertext at g by their powers; acc is added to its first block.  By Karatsuba: mid lacks lo
 * and hi still, which hash_group_end adds. */
INLINE void hash_pair(struct product *p, const struct table *t, const uint8_t *g, int i, __m128i acc)
{
    vec a = v_reverse(v_load(g + 16 * LANES * i)), b = v_reverse(v_load(g + 16 * LANES * (i + 1)));
    vec ha = v_load(t->power[i * LANES]), hb = v_load(t->power[(i + 1) * LANES]), cross = v_load(t->cross[i / 2]);
    if (i == 0)
        a = v_xor(a, v_widen(acc));
    vec m = v_xor(v_lows(a, b), v_highs(a, b));
    p->lo = v_xor3(p->lo, V_CLMUL(a, ha, 0x00), V_CLMUL(b, hb, 0x00));
    p->hi = v_xor3(p->hi, V_CLMUL(a, ha, 0x11), V_CLMUL(b, hb, 0x11));
    p->mid = v_xor3(p->mid, V_CLMUL(m, cross, 0x00), V_CLMUL(m, cross, 0x11));
}

INLINE __m128i hash_group_end(struct product *p)
{
    p->mid = v_xor3(p->mid, p->lo, p->hi);
    return v_fold(reduce(p));
}

/* --- AES and counters --------------------------------------------------------------------------------------- */

INLINE vec round_key(const struct gcm_key *k, int r)
{
    return v_spread(load1(k->round_key[r]));
}

INLINE __m128i aes1(const struct gcm_key *k, const int rounds, __m128i a)
{
    a = _mm_xor_si128(a, load1(k->round_key[0]));
    for (int r = 1; r < rounds; r++)
        a = _mm_aesenc_si128(a, load1(k->round_key[r]));
    return _mm_aesenclast_si128(a, load1(k->round_key[rounds]));
}

/* The counters are kept with their last 32 bits little-endian, so that they can be added to; here in AES's byte order. */
INLINE vec counter_block(vec counter)
{
    return v_shuffle(counter, v_spread(_mm_set_epi8(12, 13, 14, 15, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));
}

INLINE vec counter_next(vec counter)
{
    return v_add32(counter, v_spread(_mm_set_epi32(LANES, 0, 0, 0)));
}

/* The AES S-box on each byte of w, in hardware: AESKEYGENASSIST's lowest word. */
INLINE uint32_t sub_word(uint32_t w)
{
    return (uint32_t)_mm_cvtsi128_si32(_mm_aeskeygenassist_si128(_mm_set1_epi32((int)w), 0));
}

/* FIPS 197 5.2, on little-endian words. */
static void expand_key(struct gcm_key *k, const uint8_t *key, size_t key_len)
{
    uint8_t *rk = k->round_key[0];
    const size_t n = key_len / 4, words = 4 * (n + 7);
    uint32_t rcon = 1, w, back;
    memcpy(rk, key, key_len);
    memcpy(&w, key + key_len - 4, 4);
    for (size_t i = n; i < words; i++) {
        if (i % n == 0) {
            w = sub_word(w >> 8 | w << 24) ^ rcon;
            rcon = rcon << 1 ^ (rcon >> 7) * 0x11b;
        } else if (n > 6 && i % n == 4)
            w = sub_word(w);
        memcpy(&back, rk + 4 * (i - n), 4);
        w ^= back;
        memcpy(rk + 4 * i, &w, 4);
    }
}

void FN(init)(struct gcm_key *k, const uint8_t *key, size_t key_len)
{
    memset(k, 0, sizeof *k);
    expand_key(k, key, key_len);
    __m128i h[GCM_POWERS + 1];
    h[1] = divide_by_x(reverse1(aes1(k, (int)key_len / 4 + 6, _mm_setzero_si128())));
    UNROLL
    for (int i = 2; i <= GCM_POWERS; i++) /* three multiplications deep */
        h[i] = multiply1(h[(i + 1) / 2], h[i / 2]);
    for (int i = 1; i <= GCM_POWERS; i++)
        _mm_storeu_si128((void *)k->power[GCM_POWERS - i], h[i]);
    WIPE(h);
}

/* --- the whole ---------------------------------------------------------------------------------------------- */

/* One message on its way. */
struct run {
    const struct gcm_key *k;
    vec counter; /* of the next vector */
    __m128i acc; /* GHASH so far */
    uint8_t *buf;
    size_t len; /* left at buf */
};

INLINE void hash_aad(struct run *s, const uint8_t *aad, size_t aad_len)
{
    const __m128i h = load1(s->k->power[GCM_POWERS - 1]);
    for (size_t n; aad_len != 0; aad_len -= n, aad += n) {
        n = aad_len < 16 ? aad_len : 16;
        s->acc = multiply1(_mm_xor_si128(s->acc, reverse1(load1_some(aad, n))), h);
    }
}

/* One group of CTR at s->buf and, in the shadow of its AES rounds, GHASH over the group of ciphertext at `hashed`, NULL for none. */
INLINE void group(struct run *s, const struct table *t, const int rounds, const uint8_t *hashed)
{
    vec b[STEPS];
    struct product p = product_zero();
    UNROLL
    for (int i = 0; i < STEPS; i++) {
        b[i] = v_xor(counter_block(s->counter), round_key(s->k, 0));
        s->counter = counter_next(s->counter);
    }
    UNROLL
    for (int r = 1; r < rounds; r++) {
        const vec key = round_key(s->k, r);
        UNROLL
        for (int i = 0; i < STEPS; i++)
            b[i] = v_aes(b[i], key);
        if (hashed != NULL && r <= STEPS && r % 2 == 0)
            hash_pair(&p, t, hashed, r - 2, s->acc);
    }
    if (hashed != NULL)
        s->acc = hash_group_end(&p);
    const vec last = round_key(s->k, rounds);
    UNROLL
    for (int i = 0; i < STEPS; i++) {
        uint8_t *at = s->buf + 16 * LANES * i;
        v_store(at, v_aes_last(b[i], v_xor(v_load(at), last)));
    }
    s->buf += 16 * GROUP;
    s->len -= 16 * GROUP;
}

/* Whole groups, at least one.  Decryption hashes the group it decrypts, encryption the one before, since its own is not there yet. */
INLINE void groups(struct run *s, const struct table *t, const int rounds, const bool encrypt)
{
    if (!encrypt) {
        while (s->len >= 16 * GROUP)
            group(s, t, rounds, s->buf);
        return;
    }
    group(s, t, rounds, NULL);
    while (s->len >= 16 * GROUP)
        group(s, t, rounds, s->buf - 16 * GROUP);
    struct product p = product_zero();
    UNROLL
    for (int i = 0; i < STEPS; i += 2)
        hash_pair(&p, t, s->buf - 16 * GROUP, i, s->acc);
    s->acc = hash_group_end(&p);
}

/*
 * What is left, with the n powers of H that end in H^1 before `end`: n blocks for each reduction, and at last fewer than n together with
 * the block of lengths, which takes H^1.  A last vector with fewer blocks than lanes reads up to LANES - 2 blocks behind `end`; they meet
 * zeros, and both the key and the table go on that far.
 */
INLINE void rest(struct run *s, const uint8_t *end, const size_t n, const int rounds, const bool encrypt, __m128i lengths)
{
    for (;;) {
        struct product p = product_zero();
        const size_t blocks = (s->len + 15) / 16;
        const bool ending = blocks < n;
        const uint8_t *h = end - 16 * (ending ? blocks + 1 : n);
        size_t now = s->len < 16 * n ? s->len : 16 * n;
        s->len -= now;
        while (now != 0) {
            const size_t m = now < 16 * LANES ? now : 16 * LANES;
            vec text = m == 16 * LANES ? v_load(s->buf) : v_load_some(s->buf, m);
            vec b = v_xor(counter_block(s->counter), round_key(s->k, 0));
            s->counter = counter_next(s->counter);
            UNROLL
            for (int r = 1; r < rounds; r++)
                b = v_aes(b, round_key(s->k, r));
            b = v_aes_last(b, v_xor(text, round_key(s->k, rounds)));
            if (m == 16 * LANES)
                v_store(s->buf, b);
            else {
                v_store_some(s->buf, b, m);
                b = v_keep(b, m);
            }
            product_add(&p, v_xor(v_reverse(encrypt ? b : text), v_widen(s->acc)), v_load(h));
            s->acc = _mm_setzero_si128();
            h += 16 * LANES;
            s->buf += m;
            now -= m;
        }
        if (ending) {
            product_add(&p, v_widen(_mm_xor_si128(s->acc, lengths)), v_widen(load1(end - 16)));
            s->acc = v_fold(reduce(&p));
            return;
        }
        s->acc = v_fold(reduce(&p));
    }
}

#define WIDE_FROM (2 * 16 * GROUP) /* bytes from which a table pays: measured at each width */

INLINE void crypt(const struct gcm_key *k, const int rounds, const bool encrypt, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
                  uint8_t *buf, size_t len, uint8_t *tag)
{
    int32_t last;
    memcpy(&last, nonce + 8, 4);
    /* J0 of SP 800-38D 7.1, in the counters' form; it masks the tag */
    const __m128i j0 = _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)nonce), _mm_set_epi32(0, 0, 1, last));
    const __m128i mask = aes1(k, rounds, v_first(counter_block(v_widen(j0))));
    const __m128i lengths = _mm_set_epi64x((long long)aad_len * 8, (long long)len * 8);
    struct run s = { .k = k, .acc = _mm_setzero_si128(), .buf = buf, .len = len };
    s.counter = v_add32(v_add32(v_spread(j0), v_ramp()), v_spread(_mm_set_epi32(1, 0, 0, 0)));
    hash_aad(&s, aad, aad_len);
    const bool wide = len >= WIDE_FROM;
    struct table t;
    if (wide) {
        table_make(&t, k);
        groups(&s, &t, rounds, encrypt);
    }
    rest(&s, wide ? t.power[GROUP] : (const uint8_t *)k + sizeof k->power, wide ? GROUP : GCM_POWERS, rounds, encrypt, lengths);
    if (wide)
        WIPE(t);
    _mm_storeu_si128((void *)tag, _mm_xor_si128(mask, reverse1(s.acc)));
}

GCM_CRYPT(FN(aes128_encrypt))
{
    crypt(k, 10, true, nonce, aad, aad_len, buf, len, tag);
}

GCM_CRYPT(FN(aes128_decrypt))
{
    crypt(k, 10, false, nonce, aad, aad_len, buf, len, tag);
}

GCM_CRYPT(FN(aes256_encrypt))
{
    crypt(k, 14, true, nonce, aad, aad_len, buf, len, tag);
}

GCM_CRYPT(FN(aes256_decrypt))
{
    crypt(k, 14, false, nonce, aad, aad_len, buf, len, tag);
}
