/* Vectors of W bits for gcm.inc.h: the same names for each width, and one block's worth (16 bytes) of them. */
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
