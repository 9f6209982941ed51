/* SHA-384 and SHA-512 (FIPS 180-4): rounds on scalars with the rotation of BMI2, the message schedule on vectors. */
#if defined(__x86_64__)

#include "x86/sha512_bmi2.h"

#include "bytes.h"
#include "x86/simd.h"

static const uint64_t round_constants[80] __attribute__((aligned(
    16))) = { 0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019,
              0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
              0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3,
              0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
              0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
              0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
              0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001,
              0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
              0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb,
              0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
              0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207,
              0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
              0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a,
              0x5fcb6fab3ad6faec, 0x6c44198c4a475817 };

INLINE uint64_t rotate(uint64_t x, int n)
{
    return x >> n | x << (64 - n);
}

/*
 * One round; the caller names the eight words anew for the next.  The majority of a, b, c is b, unless a and c both differ from it:
 * *differ is b ^ c before and a ^ b after, which is the next round's b ^ c.
 */
INLINE void one_round(uint64_t a, uint64_t b, uint64_t *d, uint64_t e, uint64_t f, uint64_t g, uint64_t *h, uint64_t *differ, uint64_t kw)
{
    uint64_t t = *h + kw + (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) + ((e & f) + (~e & g));
    uint64_t ab = a ^ b;
    *d += t;
    *h = t + (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) + (b ^ (ab & *differ));
    *differ = ab;
}

INLINE __m128i rotate2(__m128i x, int n)
{
    return _mm_or_si128(_mm_srli_epi64(x, n), _mm_slli_epi64(x, 64 - n));
}

/* Words 2 i and 2 i + 1 of the schedule, in the place of those 16 before. */
INLINE __m128i next_words(__m128i w[8], int i)
{
    const __m128i by8 = _mm_setr_epi8(1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8);
    __m128i x = _mm_alignr_epi8(w[(i + 1) & 7], w[i], 8), y = w[(i + 7) & 7], z = _mm_alignr_epi8(w[(i + 5) & 7], w[(i + 4) & 7], 8);
    __m128i low = _mm_xor_si128(_mm_xor_si128(rotate2(x, 1), _mm_shuffle_epi8(x, by8)), _mm_srli_epi64(x, 7));
    __m128i high = _mm_xor_si128(_mm_xor_si128(rotate2(y, 19), rotate2(y, 61)), _mm_srli_epi64(y, 6));
    w[i] = _mm_add_epi64(_mm_add_epi64(w[i], low), _mm_add_epi64(z, high));
    return w[i];
}

/* n blocks of 128 bytes into the state: rounds on scalars, the schedule, two words at a time, on vectors beside them. */
static void add_blocks(uint64_t state[8], const uint8_t *p, size_t n)
{
    const __m128i big_endian = _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
    uint64_t s[8], kw[16] __attribute__((aligned(16)));
    __m128i w[8];
    for (; n != 0; n--, p += 128) {
        memcpy(s, state, sizeof s);
        UNROLL
        for (int i = 0; i < 8; i++) {
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(p + 16 * i)), big_endian);
            _mm_store_si128((void *)(kw + 2 * i), _mm_add_epi64(w[i], _mm_load_si128((const void *)(round_constants + 2 * i))));
        }
        uint64_t differ = s[1] ^ s[2];
        for (int turn = 0; turn < 80; turn += 16) {
            UNROLL
            for (int i = 0; i < 16; i++) {
                one_round(s[(0 - i) & 7], s[(1 - i) & 7], &s[(3 - i) & 7], s[(4 - i) & 7], s[(5 - i) & 7], s[(6 - i) & 7], &s[(7 - i) & 7],
                          &differ, kw[i]);
                if ((i & 1) != 0 && turn < 64) {
                    __m128i k = _mm_load_si128((const void *)(round_constants + turn + 15 + i));
                    _mm_store_si128((void *)(kw + i - 1), _mm_add_epi64(next_words(w, i / 2), k));
                }
            }
        }
        UNROLL
        for (int i = 0; i < 8; i++)
            state[i] += s[i];
    }
    WIPE(s);
    WIPE(w);
    WIPE(kw);
}

/* --- BearSSL's class ------------------------------------------------------------------------------------------ */

/* A context begins with its class pointer, so that the pointer to that is the pointer to the context: BearSSL's own way. */
static br_sha384_context *context(const br_hash_class **ctx)
{
    return (void *)ctx;
}

static const br_sha384_context *const_context(const br_hash_class *const *ctx)
{
    return (const void *)ctx;
}

static void start(const br_hash_class **ctx, const br_hash_class *class, const uint64_t initial[8])
{
    br_sha384_context *c = context(ctx);
    c->vtable = class;
    c->count = 0;
    memcpy(c->val, initial, sizeof c->val);
}

static void sha384_init(const br_hash_class **ctx)
{
    static const uint64_t initial[8] = { 0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
                                         0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4 };
    start(ctx, &sha384_bmi2_class, initial);
}

static void sha512_init(const br_hash_class **ctx)
{
    static const uint64_t initial[8] = { 0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                         0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179 };
    start(ctx, &sha512_bmi2_class, initial);
}

static void update(const br_hash_class **ctx, const void *data, size_t len)
{
    br_sha384_context *c = context(ctx);
    const uint8_t *p = data;
    const size_t held = (size_t)c->count & 127;
    if (len == 0)
        return; /* data may be NULL */
    c->count += len;
    if (held != 0) {
        const size_t n = len < 128 - held ? len : 128 - held;
        memcpy(c->buf + held, p, n);
        p += n;
        len -= n;
        if (held + n < 128)
            return;
        add_blocks(c->val, c->buf, 1);
    }
    if (len >= 128)
        add_blocks(c->val, p, len / 128);
    memcpy(c->buf, p + (len & ~(size_t)127), len & 127);
}

/* Words between the order of the machine and big-endian bytes, 16 bytes at a time: what is read next is read so too. */
INLINE void words_flip(void *dst, const void *src, int words)
{
    const __m128i order = _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
    for (int i = 0; i < words; i += 2) {
        __m128i x = _mm_loadu_si128((const void *)((const uint8_t *)src + 8 * i));
        _mm_storeu_si128((void *)((uint8_t *)dst + 8 * i), _mm_shuffle_epi8(x, order));
    }
}

/* FIPS 180-4 5.1.2: a one bit, zeros, and the length in bits.  What the buffer holds behind the message is masked off. */
INLINE void finish(const br_hash_class *const *ctx, void *dst, int words)
{
    const br_sha384_context *c = const_context(ctx);
    const unsigned held = (unsigned)c->count & 127, n = held < 112 ? 1 : 2;
    const __m128i end = _mm_set1_epi8((char)held), one_bit = _mm_set1_epi8(-128);
    const uint64_t bits[2] = { __builtin_bswap64(c->count >> 61), __builtin_bswap64(c->count << 3) };
    __m128i at = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m128i tail[16];
    uint64_t state[8];
    for (int i = 0; i < 8; i++) {
        __m128i kept = _mm_and_si128(_mm_loadu_si128((const void *)(c->buf + 16 * i)), _mm_cmpgt_epi8(end, at));
        tail[i] = _mm_or_si128(kept, _mm_and_si128(_mm_cmpeq_epi8(end, at), one_bit));
        tail[8 + i] = _mm_setzero_si128();
        at = _mm_add_epi8(at, _mm_set1_epi8(16));
    }
    tail[8 * n - 1] = _mm_or_si128(tail[8 * n - 1], _mm_set_epi64x((long long)bits[1], (long long)bits[0]));
    memcpy(state, c->val, sizeof state);
    add_blocks(state, (const uint8_t *)tail, n);
    words_flip(dst, state, words);
    WIPE(tail);
    WIPE(state);
}

static void sha384_out(const br_hash_class *const *ctx, void *dst)
{
    finish(ctx, dst, 6);
}

static void sha512_out(const br_hash_class *const *ctx, void *dst)
{
    finish(ctx, dst, 8);
}

static uint64_t get_state(const br_hash_class *const *ctx, void *dst)
{
    const br_sha384_context *c = const_context(ctx);
    words_flip(dst, c->val, 8);
    return c->count;
}

static void set_state(const br_hash_class **ctx, const void *state, uint64_t count)
{
    br_sha384_context *c = context(ctx);
    words_flip(c->val, state, 8);
    c->count = count;
}

/* desc as BearSSL's: 128-byte blocks, 64 bytes of state, big-endian Merkle-Damgard padding with a length of 128 bits. */
#define DESC(id, out)                                                                                                    \
    (BR_HASHDESC_ID(id) | BR_HASHDESC_OUT(out) | BR_HASHDESC_STATE(64) | BR_HASHDESC_LBLEN(7) | BR_HASHDESC_MD_PADDING | \
     BR_HASHDESC_MD_PADDING_BE | BR_HASHDESC_MD_PADDING_128)

const br_hash_class sha384_bmi2_class = {
    sizeof(br_sha384_context), DESC(br_sha384_ID, 48), sha384_init, update, sha384_out, get_state, set_state,
};
const br_hash_class sha512_bmi2_class = {
    sizeof(br_sha512_context), DESC(br_sha512_ID, 64), sha512_init, update, sha512_out, get_state, set_state,
};
#endif
