/*
 * The AVX-512, VAES and VPCLMULQDQ intrinsics that the AEADs use, done with 128-bit ones: so that the same sources run where the CPU, or
 * valgrind (3.19 knows no AVX-512 and no VAES), has none.  Include in front of the source; compiled with -maes -mpclmul -mavx2 -mbmi2.
 */
#ifndef EMUL512_H
#define EMUL512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* macros already in clang's headers */
#undef _mm256_clmulepi64_epi128
#undef _mm512_clmulepi64_epi128
#undef _mm512_bslli_epi128
#undef _mm512_bsrli_epi128
#undef _mm512_ternarylogic_epi64
#undef _mm512_extracti64x4_epi64
#undef _mm512_shuffle_epi32
#undef _mm512_shuffle_i32x4
#undef _mm512_rol_epi32
#undef _mm512_shrdi_epi64

#define EMUL static inline __attribute__((always_inline, unused))

/* --- 256 bits wide ------------------------------------------------------------------------------------------ */

#define EMUL_HALVES(f, a, b, ...)                                                                   \
    _mm256_set_m128i(f(_mm256_extracti128_si256(a, 1), _mm256_extracti128_si256(b, 1) __VA_ARGS__), \
                     f(_mm256_castsi256_si128(a), _mm256_castsi256_si128(b) __VA_ARGS__))
#define EMUL_COMMA                        ,
#define _mm256_aesenc_epi128(a, b)        EMUL_HALVES(_mm_aesenc_si128, a, b, )
#define _mm256_aesenclast_epi128(a, b)    EMUL_HALVES(_mm_aesenclast_si128, a, b, )
#define _mm256_clmulepi64_epi128(a, b, i) EMUL_HALVES(_mm_clmulepi64_si128, a, b, EMUL_COMMA i)

/* --- 512 bits wide ------------------------------------------------------------------------------------------ */

union emul512 {
    __m128i x[4];
    uint64_t q[8];
    uint32_t d[16];
    uint8_t b[64];
};
typedef union emul512 emul512;
#define __m512i emul512

#define EMUL_EACH for (int i = 0; i < 4; i++)
/* a function of one or two vectors, by its 128-bit form */
#define EMUL_1(name, expression)       \
    EMUL emul512 name(emul512 a)       \
    {                                  \
        emul512 r;                     \
        EMUL_EACH r.x[i] = expression; \
        return r;                      \
    }
#define EMUL_2(name, f)                       \
    EMUL emul512 name(emul512 a, emul512 b)   \
    {                                         \
        emul512 r;                            \
        EMUL_EACH r.x[i] = f(a.x[i], b.x[i]); \
        return r;                             \
    }
EMUL_2(emul_xor, _mm_xor_si128)
EMUL_2(emul_and, _mm_and_si128)
EMUL_2(emul_or, _mm_or_si128)
EMUL_2(emul_add32, _mm_add_epi32)
EMUL_2(emul_add64, _mm_add_epi64)
EMUL_2(emul_shuffle8, _mm_shuffle_epi8)
EMUL_2(emul_lows, _mm_unpacklo_epi64)
EMUL_2(emul_highs, _mm_unpackhi_epi64)
EMUL_2(emul_aesenc, _mm_aesenc_si128)
EMUL_2(emul_aesenclast, _mm_aesenclast_si128)
EMUL_1(emul_up8, _mm_slli_si128(a.x[i], 8))
EMUL_1(emul_down8, _mm_srli_si128(a.x[i], 8))

EMUL emul512 emul_clmul(emul512 a, emul512 b, const int which)
{
    emul512 r;
    EMUL_EACH
    {
        __m128i x = which & 0x01 ? _mm_srli_si128(a.x[i], 8) : a.x[i], y = which & 0x10 ? _mm_srli_si128(b.x[i], 8) : b.x[i];
        r.x[i] = _mm_clmulepi64_si128(x, y, 0);
    }
    return r;
}

EMUL emul512 emul_load(const void *p)
{
    emul512 r;
    memcpy(&r, p, sizeof r);
    return r;
}

EMUL void emul_store(void *p, emul512 a)
{
    memcpy(p, &a, sizeof a);
}

EMUL emul512 emul_spread(__m128i a)
{
    return (emul512){ .x = { a, a, a, a } };
}

EMUL emul512 emul_widen(__m128i a)
{
    emul512 r = { .q = { 0 } };
    r.x[0] = a;
    return r;
}

EMUL emul512 emul_shuffle32(emul512 a, const int im)
{
    emul512 r;
    for (int i = 0; i < 16; i++)
        r.d[i] = a.d[(i & 12) | (im >> 2 * (i & 3) & 3)];
    return r;
}

EMUL emul512 emul_shuffle128(emul512 a, emul512 b, const int im)
{
    return (emul512){ .x = { a.x[im & 3], a.x[im >> 2 & 3], b.x[im >> 4 & 3], b.x[im >> 6 & 3] } };
}

EMUL emul512 emul_rotate32(emul512 a, const int n)
{
    for (int i = 0; i < 16; i++)
        a.d[i] = a.d[i] << n | a.d[i] >> (32 - n);
    return a;
}

EMUL emul512 emul_set1(uint64_t v)
{
    emul512 r;
    for (int i = 0; i < 8; i++)
        r.q[i] = v;
    return r;
}

/* Words from the highest down, as the intrinsic has them. */
EMUL emul512 emul_set32(const int words[16])
{
    emul512 r;
    for (int i = 0; i < 16; i++)
        r.d[i] = (uint32_t)words[15 - i];
    return r;
}

EMUL emul512 emul_shift64(emul512 a, const int left, const int right)
{
    for (int i = 0; i < 8; i++)
        a.q[i] = a.q[i] << left >> right;
    return a;
}

EMUL emul512 emul_shrd(emul512 a, emul512 b, const int n)
{
    for (int i = 0; i < 8; i++)
        a.q[i] = a.q[i] >> n | b.q[i] << (64 - n);
    return a;
}

EMUL emul512 emul_madd52(emul512 a, emul512 b, emul512 c, const int shift)
{
    const uint64_t mask = ((uint64_t)1 << 52) - 1;
    for (int i = 0; i < 8; i++)
        a.q[i] += (uint64_t)((unsigned __int128)(b.q[i] & mask) * (c.q[i] & mask) >> shift) & mask;
    return a;
}

EMUL uint64_t emul_sum64(emul512 a)
{
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++)
        sum += a.q[i];
    return sum;
}

/* Masked bytes, of which the mask's low ones are set: no byte outside is touched. */
EMUL emul512 emul_load_some(uint64_t mask, const void *p)
{
    emul512 r = { .q = { 0 } };
    for (unsigned i = 0; i < 64; i++)
        if (mask >> i & 1)
            r.b[i] = ((const uint8_t *)p)[i];
    return r;
}

EMUL void emul_store_some(void *p, uint64_t mask, emul512 a)
{
    for (unsigned i = 0; i < 64; i++)
        if (mask >> i & 1)
            ((uint8_t *)p)[i] = a.b[i];
}

EMUL emul512 emul_keep(uint64_t mask, emul512 a)
{
    return emul_load_some(mask, &a);
}

EMUL __m256i emul_half(emul512 a, const int which)
{
    return _mm256_set_m128i(a.x[2 * which + 1], a.x[2 * which]);
}

#define _mm512_xor_si512                      emul_xor
#define _mm512_and_si512                      emul_and
#define _mm512_or_si512                       emul_or
#define _mm512_add_epi32                      emul_add32
#define _mm512_add_epi64                      emul_add64
#define _mm512_shuffle_epi8                   emul_shuffle8
#define _mm512_unpacklo_epi64                 emul_lows
#define _mm512_unpackhi_epi64                 emul_highs
#define _mm512_aesenc_epi128                  emul_aesenc
#define _mm512_aesenclast_epi128              emul_aesenclast
#define _mm512_clmulepi64_epi128              emul_clmul
#define _mm512_bslli_epi128(a, n)             emul_up8(a)
#define _mm512_bsrli_epi128(a, n)             emul_down8(a)
#define _mm512_ternarylogic_epi64(a, b, c, f) emul_xor(emul_xor(a, b), c)
#define _mm512_loadu_si512                    emul_load
#define _mm512_storeu_si512                   emul_store
#define _mm512_broadcast_i32x4                emul_spread
#define _mm512_zextsi128_si512                emul_widen
#define _mm512_castsi512_si128(a)             ((a).x[0])
#define _mm512_castsi512_si256(a)             emul_half(a, 0)
#define _mm512_extracti64x4_epi64(a, n)       emul_half(a, n)
#define _mm512_setzero_si512()                emul_set1(0)
#define _mm512_set1_epi64(v)                  emul_set1((uint64_t)(v))
#define _mm512_set_epi32(...)                 emul_set32((const int[16]){ __VA_ARGS__ })
#define _mm512_shuffle_epi32                  emul_shuffle32
#define _mm512_shuffle_i32x4                  emul_shuffle128
#define _mm512_rol_epi32                      emul_rotate32
#define _mm512_slli_epi64(a, n)               emul_shift64(a, n, 0)
#define _mm512_srli_epi64(a, n)               emul_shift64(a, 0, n)
#define _mm512_shrdi_epi64                    emul_shrd
#define _mm512_madd52lo_epu64(a, b, c)        emul_madd52(a, b, c, 0)
#define _mm512_madd52hi_epu64(a, b, c)        emul_madd52(a, b, c, 52)
#define _mm512_reduce_add_epi64               emul_sum64
#define _mm512_maskz_loadu_epi8               emul_load_some
#define _mm512_mask_storeu_epi8               emul_store_some
#define _mm512_maskz_mov_epi8                 emul_keep

#endif
