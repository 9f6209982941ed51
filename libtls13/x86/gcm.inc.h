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

/* --- vectors of W bits -------------------------------------------------------------------------------------- */

#define LANES (W / 128)       /* blocks in a vector */
#define STEPS 8               /* vectors in a group: enough to keep the AES units busy */
#define GROUP (STEPS * LANES) /* blocks in a group: 32, 16, 8; also the powers of H in a wide table */

#if W == 512
typedef __m512i vec;
#define FN(name)        gcm512_##name
#define V_CLMUL         _mm512_clmulepi64_epi128
#define v_load(p)       _mm512_loadu_si512(p)
#define v_store(p, a)   _mm512_storeu_si512(p, a)
#define v_xor           _mm512_xor_si512
#define v_xor3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define v_add32         _mm512_add_epi32
#define v_shuffle       _mm512_shuffle_epi8
#define v_lows          _mm512_unpacklo_epi64
#define v_highs         _mm512_unpackhi_epi64
#define v_swap64(a)     _mm512_shuffle_epi32(a, 0x4e)
#define v_up64(a)       _mm512_bslli_epi128(a, 8)
#define v_down64(a)     _mm512_bsrli_epi128(a, 8)
#define v_aes           _mm512_aesenc_epi128
#define v_aes_last      _mm512_aesenclast_epi128
#define v_spread        _mm512_broadcast_i32x4
#define v_zero          _mm512_setzero_si512
#define v_widen         _mm512_zextsi128_si512
#define v_first         _mm512_castsi512_si128
/* n of the 64 bytes, 0 < n < 64: bytes outside the mask are neither read nor written */
#define BYTES(n)              _bzhi_u64(~0ULL, (unsigned)(n))
#define v_load_some(p, n)     _mm512_maskz_loadu_epi8(BYTES(n), p)
#define v_store_some(p, a, n) _mm512_mask_storeu_epi8(p, BYTES(n), a)
#define v_keep(a, n)          _mm512_maskz_mov_epi8(BYTES(n), a)

INLINE vec v_ramp(void)
{
    return _mm512_set_epi32(3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
}

INLINE __m128i v_fold(vec a)
{
    __m256i t = _mm256_xor_si256(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(t), _mm256_extracti128_si256(t, 1));
}
#elif W == 256
typedef __m256i vec;
#define FN(name)        gcm256_##name
#define V_CLMUL         _mm256_clmulepi64_epi128
#define v_load(p)       _mm256_loadu_si256((const void *)(p))
#define v_store(p, a)   _mm256_storeu_si256((void *)(p), a)
#define v_xor           _mm256_xor_si256
#define v_and           _mm256_and_si256
#define v_xor3(a, b, c) v_xor(v_xor(a, b), c)
#define v_add32         _mm256_add_epi32
#define v_shuffle       _mm256_shuffle_epi8
#define v_lows          _mm256_unpacklo_epi64
#define v_highs         _mm256_unpackhi_epi64
#define v_swap64(a)     _mm256_shuffle_epi32(a, 0x4e)
#define v_up64(a)       _mm256_slli_si256(a, 8)
#define v_down64(a)     _mm256_srli_si256(a, 8)
#define v_aes           _mm256_aesenc_epi128
#define v_aes_last      _mm256_aesenclast_epi128
#define v_spread        _mm256_broadcastsi128_si256
#define v_zero          _mm256_setzero_si256
#define v_widen         _mm256_zextsi128_si256
#define v_first         _mm256_castsi256_si128

INLINE vec v_ramp(void)
{
    return _mm256_set_epi32(1, 0, 0, 0, 0, 0, 0, 0);
}

INLINE __m128i v_fold(vec a)
{
    return _mm_xor_si128(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}
#else
typedef __m128i vec;
#define FN(name)        gcm128_##name
#define V_CLMUL         _mm_clmulepi64_si128
#define v_load(p)       _mm_loadu_si128((const void *)(p))
#define v_store(p, a)   _mm_storeu_si128((void *)(p), a)
#define v_xor           _mm_xor_si128
#define v_and           _mm_and_si128
#define v_xor3(a, b, c) v_xor(v_xor(a, b), c)
#define v_add32         _mm_add_epi32
#define v_shuffle       _mm_shuffle_epi8
#define v_lows          _mm_unpacklo_epi64
#define v_highs         _mm_unpackhi_epi64
#define v_swap64(a)     _mm_shuffle_epi32(a, 0x4e)
#define v_up64(a)       _mm_slli_si128(a, 8)
#define v_down64(a)     _mm_srli_si128(a, 8)
#define v_aes           _mm_aesenc_si128
#define v_aes_last      _mm_aesenclast_si128
#define v_spread(a)     (a)
#define v_zero          _mm_setzero_si128
#define v_widen(a)      (a)
#define v_first(a)      (a)
#define v_ramp          _mm_setzero_si128
#define v_fold(a)       (a)
#endif

INLINE __m128i load1(const uint8_t *p)
{
    return _mm_loadu_si128((const void *)p);
}

/* n < 8 bytes, zeros above.  Built in a register: a vector loaded from bytes just copied would wait for all their stores. */
INLINE uint64_t load_few(const uint8_t *p, size_t n)
{
    uint32_t low, high;
    if (n >= 4) {
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        return low | (uint64_t)high << (8 * (n - 4));
    }
    return n == 0 ? 0 : (uint64_t)(p[0] | (unsigned)p[n / 2] << (8 * (n / 2)) | (unsigned)p[n - 1] << (8 * (n - 1)));
}

/* n <= 16 bytes, zeros above. */
INLINE __m128i load1_some(const uint8_t *p, size_t n)
{
    uint64_t low;
    if (n == 16)
        return load1(p);
    if (n < 8)
        return _mm_cvtsi64_si128((long long)load_few(p, n));
    memcpy(&low, p, 8);
    return _mm_set_epi64x((long long)load_few(p + 8, n - 8), (long long)low);
}

#if W != 512
/* 0 < n < W / 8 bytes, zeros above. */
INLINE vec v_load_some(const uint8_t *p, size_t n)
{
#if W == 256
    return _mm256_set_m128i(n > 16 ? load1_some(p + 16, n - 16) : _mm_setzero_si128(), load1_some(p, n > 16 ? 16 : n));
#else
    return load1_some(p, n);
#endif
}

INLINE void v_store_some(uint8_t *p, vec a, size_t n)
{
    uint8_t b[W / 8];
    v_store(b, a);
    memcpy(p, b, n);
}

INLINE vec v_keep(vec a, size_t n)
{
    static const uint8_t mask[32 + 32] = { [0 ... 31] = 0xff };
    return v_and(a, v_load(mask + 32 - n));
}
#endif

INLINE __m128i reverse1(__m128i a)
{
    return _mm_shuffle_epi8(a, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

INLINE vec v_reverse(vec a)
{
    return v_shuffle(a, v_spread(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

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
    rest(&s, wide ? t.power[GROUP] : k->power[0] + sizeof k->power, wide ? GROUP : GCM_POWERS, rounds, encrypt, lengths);
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
