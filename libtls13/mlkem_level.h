/* ML-KEM-768 once a CPU level: the same text, compiled with that level's instructions.  mlkem.c chooses; tests try each. */
#ifndef TLS13_MLKEM_LEVEL_H
#define TLS13_MLKEM_LEVEL_H

#include "mlkem.h"

struct mlkem_level {
    /* Algorithms 13 and 16 from (rho, sigma) on, the 64 bytes of G(d || 3): rho is public, sigma and z are secret. */
    void (*keygen)(uint8_t ek[static MLKEM_EK], uint8_t dk[static MLKEM_DK], const uint8_t rho_sigma[static 64],
                   const uint8_t z[static 32]);
    int (*encaps)(uint8_t ct[static MLKEM_CT], uint8_t ss[static MLKEM_SS], const uint8_t ek[static MLKEM_EK], const uint8_t m[static 32]);
    void (*decaps)(uint8_t ss[static MLKEM_SS], const uint8_t ct[static MLKEM_CT], const uint8_t dk[static MLKEM_DK]);
};

extern const struct mlkem_level mlkem_portable;
#if defined(__x86_64__)
extern const struct mlkem_level mlkem_avx2, mlkem_avx512; /* x86/: only after cpu_level() said so */
#endif

#endif
