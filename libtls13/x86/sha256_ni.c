/* SHA-256 with the SHA extensions.  Names of the words as in FIPS 180-4 6.2.2: the state is a, b ... h, the schedule W0 ... W63. */
#include "sha256_ni.h"

#if defined(__x86_64__)
#include "../bytes.h"
#include "simd.h"

static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

/* Four words of the schedule from 16 earlier ones: w[0] the oldest. */
INLINE __m128i schedule(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
    __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
    return _mm_sha256msg2_epu32(t, w3);
}

/* n blocks of 64 bytes into the state.  The instructions want it as a b e f and c d g h, first word highest. */
static void add_blocks(uint32_t state[8], const uint8_t *p, size_t n)
{
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const void *)state), 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const void *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
    for (; n != 0; n--, p += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        UNROLL
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(p + 16 * i)), big_endian);
        UNROLL
        for (int i = 0; i < 16; i++) { /* four rounds each */
            __m128i k = _mm_add_epi32(w[i & 3], _mm_load_si128((const void *)(round_constants + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
            if (i < 12) /* words 16 + 4 i ... 19 + 4 i */
                w[i & 3] = schedule(w[i & 3], w[(i + 1) & 3], w[(i + 2) & 3], w[(i + 3) & 3]);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* A context begins with its class pointer, so that the pointer to that is the pointer to the context: BearSSL's own way. */
static br_sha256_context *context(const br_hash_class **ctx)
{
    return (void *)ctx;
}

static const br_sha256_context *const_context(const br_hash_class *const *ctx)
{
    return (const void *)ctx;
}

static void sha256_init(const br_hash_class **ctx)
{
    static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    br_sha256_context *c = context(ctx);
    c->vtable = &sha256_ni_class;
    c->count = 0;
    memcpy(c->val, initial, sizeof initial);
}

static void sha256_update(const br_hash_class **ctx, const void *data, size_t len)
{
    br_sha256_context *c = context(ctx);
    const uint8_t *p = data;
    const size_t held = (size_t)c->count & 63;
    if (len == 0)
        return; /* data may be NULL */
    c->count += len;
    if (held != 0) {
        const size_t n = len < 64 - held ? len : 64 - held;
        memcpy(c->buf + held, p, n);
        p += n;
        len -= n;
        if (held + n < 64)
            return;
        add_blocks(c->val, c->buf, 1);
    }
    if (len >= 64)
        add_blocks(c->val, p, len / 64);
    memcpy(c->buf, p + (len & ~(size_t)63), len & 63);
}

/* Eight words between the order of the machine and big-endian bytes, 16 bytes at a time: what is read next is read so too. */
static void words_flip(void *dst, const void *src)
{
    const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    __m128i low = _mm_loadu_si128(src), high = _mm_loadu_si128((const void *)((const uint8_t *)src + 16));
    _mm_storeu_si128(dst, _mm_shuffle_epi8(low, order));
    _mm_storeu_si128((void *)((uint8_t *)dst + 16), _mm_shuffle_epi8(high, order));
}

/* FIPS 180-4 5.1.1: a one bit, zeros, and the length in bits.  What the buffer holds behind the message is masked off. */
static void sha256_out(const br_hash_class *const *ctx, void *dst)
{
    const br_sha256_context *c = const_context(ctx);
    const unsigned held = (unsigned)c->count & 63, n = held < 56 ? 1 : 2;
    const __m128i end = _mm_set1_epi8((char)held), one_bit = _mm_set1_epi8(-128);
    const __m128i bits = _mm_set_epi64x((long long)__builtin_bswap64(c->count << 3), 0);
    __m128i at = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m128i tail[8];
    uint32_t state[8];
    for (int i = 0; i < 4; i++) {
        __m128i kept = _mm_and_si128(_mm_loadu_si128((const void *)(c->buf + 16 * i)), _mm_cmpgt_epi8(end, at));
        tail[i] = _mm_or_si128(kept, _mm_and_si128(_mm_cmpeq_epi8(end, at), one_bit));
        tail[4 + i] = _mm_setzero_si128();
        at = _mm_add_epi8(at, _mm_set1_epi8(16));
    }
    tail[4 * n - 1] = _mm_or_si128(tail[4 * n - 1], bits);
    memcpy(state, c->val, sizeof state);
    add_blocks(state, (const uint8_t *)tail, n);
    words_flip(dst, state);
    WIPE(tail);
    WIPE(state);
}

static uint64_t sha256_state(const br_hash_class *const *ctx, void *dst)
{
    const br_sha256_context *c = const_context(ctx);
    words_flip(dst, c->val);
    return c->count;
}

static void sha256_set_state(const br_hash_class **ctx, const void *state, uint64_t count)
{
    br_sha256_context *c = context(ctx);
    words_flip(c->val, state);
    c->count = count;
}

/* desc as br_sha256_vtable's: 64-byte blocks, 32 bytes out and of state, big-endian Merkle-Damgard padding. */
const br_hash_class sha256_ni_class = {
    sizeof(br_sha256_context),
    BR_HASHDESC_ID(br_sha256_ID) | BR_HASHDESC_OUT(32) | BR_HASHDESC_STATE(32) | BR_HASHDESC_LBLEN(6) | BR_HASHDESC_MD_PADDING |
        BR_HASHDESC_MD_PADDING_BE,
    sha256_init,
    sha256_update,
    sha256_out,
    sha256_state,
    sha256_set_state,
};
#endif
