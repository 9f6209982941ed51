/* ML-KEM-768 (FIPS 203): the portable level, and the choice between levels. */
#include "mlkem.h"

#include "bytes.h"
#include "cpu.h"
#include "keccak.h"
#include "mlkem_level.h"

#define MLKEM_LEVEL mlkem_portable
#include "mlkem_body.h"

static const struct mlkem_level *level(void)
{
#if defined(__x86_64__)
    if (cpu_level() >= CPU_LEVEL_AVX512)
        return &mlkem_avx512;
    if (cpu_level() >= CPU_LEVEL_AVX2)
        return &mlkem_avx2;
#endif
    return &mlkem_portable;
}

void mlkem_keygen(uint8_t ek[static MLKEM_EK], uint8_t dk[static MLKEM_DK], const uint8_t d[static 32], const uint8_t z[static 32])
{
    uint8_t seed[33], rho_sigma[64];
    memcpy(seed, d, 32);
    seed[32] = MLKEM_K; /* algorithm 13, line 1 */
    sha3_512(rho_sigma, seed, sizeof seed);
    level()->keygen(ek, dk, rho_sigma, z);
    WIPE(seed);
    WIPE(rho_sigma);
}

int mlkem_encaps(uint8_t ct[static MLKEM_CT], uint8_t ss[static MLKEM_SS], const uint8_t ek[static MLKEM_EK], const uint8_t m[static 32])
{
    return level()->encaps(ct, ss, ek, m);
}

void mlkem_decaps(uint8_t ss[static MLKEM_SS], const uint8_t ct[static MLKEM_CT], const uint8_t dk[static MLKEM_DK])
{
    level()->decaps(ss, ct, dk);
}
