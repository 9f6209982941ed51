/*
 * The three layers of ML-KEM's transform whose butterflies lie within one vector, for AVX2: the compiler's vectors end at 16
 * coefficients apart.  32 coefficients (two vectors) are parted into the upper and the lower halves of their butterflies, worked on,
 * and put back.
 */
#ifndef TLS13_MLKEM_NTT_H
#define TLS13_MLKEM_NTT_H

#include <immintrin.h>

#include "mlkem_poly.h"

/* Where each coefficient of the lower halves finds its zeta among the eight that are loaded, by the distance 8, 4, 2. */
static const uint8_t zeta_order[3][32] __attribute__((aligned(32))) = {
    { 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3 },
    { 0, 1, 0, 1, 0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 4, 5, 2, 3, 2, 3, 2, 3, 2, 3, 6, 7, 6, 7, 6, 7, 6, 7 },
    { 0, 1, 0, 1, 8, 9, 8, 9, 2, 3, 2, 3, 10, 11, 10, 11, 4, 5, 4, 5, 12, 13, 12, 13, 6, 7, 6, 7, 14, 15, 14, 15 },
};

struct halves {
    __m256i a, b;
};

/* Parts two vectors whose butterflies span len coefficients; done twice it puts them back. */
static inline __attribute__((always_inline)) struct halves part(__m256i x, __m256i y, const int len)
{
    if (len == 8)
        return (struct halves){ _mm256_permute2x128_si256(x, y, 0x20), _mm256_permute2x128_si256(x, y, 0x31) };
    if (len == 4)
        return (struct halves){ _mm256_unpacklo_epi64(x, y), _mm256_unpackhi_epi64(x, y) };
    return (struct halves){ _mm256_blend_epi32(x, _mm256_slli_epi64(y, 32), 0xaa), _mm256_blend_epi32(_mm256_srli_epi64(x, 32), y, 0xaa) };
}

/* As mul_q and reduce of mlkem_poly.h. */
static inline __m256i mul_q16(__m256i a, __m256i b)
{
    __m256i m = _mm256_mullo_epi16(_mm256_mullo_epi16(a, b), _mm256_set1_epi16(-3327));
    return _mm256_sub_epi16(_mm256_mulhi_epi16(a, b), _mm256_mulhi_epi16(m, _mm256_set1_epi16(MLKEM_Q)));
}

static inline __m256i reduce16(__m256i a)
{
    __m256i t = _mm256_add_epi16(_mm256_mulhi_epi16(a, _mm256_set1_epi16(20159)), _mm256_set1_epi16(512));
    return _mm256_sub_epi16(a, _mm256_mullo_epi16(_mm256_srai_epi16(t, 10), _mm256_set1_epi16(MLKEM_Q)));
}

/* One layer; the zetas go up from k, or for the inverse down from k, where the eight loaded ones come in the other order. */
static inline __attribute__((always_inline)) void short_layer(int16_t *c, const int len, const int k, const bool inverse)
{
    __m256i order = _mm256_load_si256((const __m256i *)zeta_order[len == 8 ? 0 : len == 4 ? 1 : 2]);
    if (inverse)
        order = _mm256_xor_si256(order, _mm256_set1_epi8(14));
    for (int i = 0; i < MLKEM_N; i += 32) {
        int group = i / (2 * len);
        const int16_t *zetas = mlkem_zeta + (inverse ? k - group - 7 : k + group);
        __m256i z = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)zetas)), order);
        __m256i *v = (__m256i *)(c + i);
        struct halves h = part(v[0], v[1], len), r;
        if (inverse) {
            r.a = reduce16(_mm256_add_epi16(h.a, h.b));
            r.b = mul_q16(z, _mm256_sub_epi16(h.b, h.a));
        } else {
            __m256i t = mul_q16(z, h.b);
            r.a = _mm256_add_epi16(h.a, t);
            r.b = _mm256_sub_epi16(h.a, t);
        }
        h = part(r.a, r.b, len);
        v[0] = h.a;
        v[1] = h.b;
    }
}

static void ntt_short(int16_t *c)
{
    short_layer(c, 8, 16, false);
    short_layer(c, 4, 32, false);
    short_layer(c, 2, 64, false);
}

static void ntt_inverse_short(int16_t *c)
{
    short_layer(c, 2, 127, true);
    short_layer(c, 4, 63, true);
    short_layer(c, 8, 31, true);
}

#endif
