/* ML-KEM-768 for AVX2 and BMI2: four Keccak states at once; the compiler makes vectors of the loops over coefficients. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "keccak_f.h"

#define MLKEM_LANES 4
typedef __m256i lanes;

#define KECCAK_ROL(x, n)     _mm256_or_si256(_mm256_slli_epi64(x, n), _mm256_srli_epi64(x, 64 - (n)))
#define KECCAK_XOR(x, y)     _mm256_xor_si256(x, y)
#define KECCAK_XOR3(x, y, z) _mm256_xor_si256(_mm256_xor_si256(x, y), z)
#define KECCAK_CHI(x, y, z)  _mm256_xor_si256(x, _mm256_andnot_si256(y, z))
#define KECCAK_ALL(rc)       _mm256_set1_epi64x((long long)(rc))
KECCAK_F(keccak_lanes, lanes)

static inline lanes lanes_load(const uint64_t word[static MLKEM_LANES])
{
    return _mm256_load_si256((const __m256i *)word);
}

static inline void lanes_store(uint64_t word[static MLKEM_LANES], lanes v)
{
    _mm256_store_si256((__m256i *)word, v);
}

#define MLKEM_OWN_SHORT_LAYERS
#include "mlkem_sample.h"

#include "mlkem_ntt.h"

#include "mlkem_lanes.h"

#define MLKEM_LEVEL mlkem_avx2
#include "mlkem_body.h"
#endif
