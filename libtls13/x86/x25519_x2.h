/* X25519 (RFC 7748 5), two independent multiplications at once, in less time than one: AVX-512 IFMA. */
#ifndef TLS13_X25519_X2_H
#define TLS13_X25519_X2_H

#include <stdint.h>

#define X25519_X2_NEEDS (CPU_AVX512 | CPU_IFMA | CPU_BMI2)

/* Only when cpu_has(X25519_X2_NEEDS).  Both as x25519_scalar; neither influences the other.  out may be k or u. */
void x25519_x2(uint8_t out[static 2][32], const uint8_t k[static 2][32], const uint8_t u[static 2][32]);

/* The known answers of RFC 7748 5.2 and 6.1, one in each.  => 0 or -1. */
int x25519_x2_selftest(void);

#endif
