/* X25519 (RFC 7748 5), eight independent scalar multiplications at once: AVX-512 IFMA. */
#ifndef TLS13_X25519_X8_H
#define TLS13_X25519_X8_H

#include <stdint.h>

#define X25519_X8_NEEDS (CPU_AVX512 | CPU_IFMA | CPU_VBMI2)

/* Only when cpu_has(X25519_X8_NEEDS).  Each lane as x25519_scalar; no lane influences another.  out may be k or u. */
void x25519_x8(uint8_t out[static 8][32], const uint8_t k[static 8][32], const uint8_t u[static 8][32]);

/* The known answers of RFC 7748 5.2 and 6.1 in different lanes.  => 0 or -1. */
int x25519_x8_selftest(void);

#endif
