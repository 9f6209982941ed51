/* ML-KEM-768 for AVX-512 with VBMI and VBMI2: eight Keccak states at once, rejection by byte shuffles and compression. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "keccak_f.h"

#define MLKEM_LANES 8
typedef __m512i lanes;

#define KECCAK_ROL(x, n)     _mm512_rol_epi64(x, n)
#define KECCAK_XOR(x, y)     _mm512_xor_si512(x, y)
#define KECCAK_XOR3(x, y, z) _mm512_ternarylogic_epi64(x, y, z, 0x96)
#define KECCAK_CHI(x, y, z)  _mm512_ternarylogic_epi64(x, y, z, 0xd2)
#define KECCAK_ALL(rc)       _mm512_set1_epi64((long long)(rc))
KECCAK_F(keccak_lanes, lanes)

static inline lanes lanes_load(const uint64_t word[static MLKEM_LANES])
{
    return _mm512_load_si512(word);
}

static inline void lanes_store(uint64_t word[static MLKEM_LANES], lanes v)
{
    _mm512_store_si512(word, v);
}

#define MLKEM_OWN_UNIFORM
#define MLKEM_OWN_SHORT_LAYERS
#include "mlkem_sample.h"

#include "mlkem_ntt.h"

/* Where candidate i starts in a block of 48 bytes, twice a candidate: bytes 0 1, 1 2, 3 4, 4 5, ... */
static const uint8_t candidate_bytes[64] __attribute__((aligned(64))) = {
    0,  1,  1,  2,  3,  4,  4,  5,  6,  7,  7,  8,  9,  10, 10, 11, 12, 13, 13, 14, 15, 16, 16, 17, 18, 19, 19, 20, 21, 22, 22, 23,
    24, 25, 25, 26, 27, 28, 28, 29, 30, 31, 31, 32, 33, 34, 34, 35, 36, 37, 37, 38, 39, 40, 40, 41, 42, 43, 43, 44, 45, 46, 46, 47,
};

/* SampleNTT's inner loop (algorithm 7): 48 bytes are 32 candidates of 12 bits; a block is three times that and a half. */
static int sample_uniform(int16_t *c, int have, const uint8_t b[static KECCAK_RATE_128])
{
    const __m512i at = _mm512_load_si512(candidate_bytes), q = _mm512_set1_epi16(MLKEM_Q), low12 = _mm512_set1_epi16(0xfff);
    for (int i = 0; i < KECCAK_RATE_128 && have < MLKEM_N; i += 48) {
        int n = KECCAK_RATE_128 - i < 48 ? KECCAK_RATE_128 - i : 48;
        __m512i v = _mm512_permutexvar_epi8(at, _mm512_maskz_loadu_epi8(((uint64_t)1 << n) - 1, b + i));
        v = _mm512_and_si512(_mm512_mask_srli_epi16(v, 0xaaaaaaaa, v, 4), low12);
        __mmask32 keep = _mm512_mask_cmplt_epi16_mask((__mmask32)(((uint64_t)1 << n * 2 / 3) - 1), v, q);
        int kept = __builtin_popcount(keep), room = MLKEM_N - have;
        if (kept > room)
            kept = room;
        _mm512_mask_storeu_epi16(c + have, (__mmask32)(((uint64_t)1 << kept) - 1), _mm512_maskz_compress_epi16(keep, v));
        have += kept;
    }
    return have;
}

#include "mlkem_lanes.h"

#define MLKEM_LEVEL mlkem_avx512
#include "mlkem_body.h"
#endif
