/* ML-KEM-768 (FIPS 203).  Constant-time in secrets; the public matrix may be sampled in variable time. */
#ifndef TLS13_MLKEM_H
#define TLS13_MLKEM_H

#include <stdint.h>

#define MLKEM_EK 1184 /* encapsulation key */
#define MLKEM_DK 2400 /* decapsulation key */
#define MLKEM_CT 1088 /* ciphertext */
#define MLKEM_SS 32   /* shared secret */

/* FIPS 203 algorithm 16 (internal key generation): d and z are 32 random bytes each. */
void mlkem_keygen(uint8_t ek[static MLKEM_EK], uint8_t dk[static MLKEM_DK], const uint8_t d[static 32], const uint8_t z[static 32]);
/*
 * Checks the encapsulation key (7.2, modulus check), then algorithm 17 with the random m.
 * => 0, or -TLS13_E_ILLEGAL when the key fails the check (ct and ss untouched).
 */
int mlkem_encaps(uint8_t ct[static MLKEM_CT], uint8_t ss[static MLKEM_SS], const uint8_t ek[static MLKEM_EK], const uint8_t m[static 32])
    __attribute__((warn_unused_result));
/* Algorithm 18, with implicit rejection. */
void mlkem_decaps(uint8_t ss[static MLKEM_SS], const uint8_t ct[static MLKEM_CT], const uint8_t dk[static MLKEM_DK]);

#endif
