/*
 * NIST P-256 for CPUs with AVX2 and BMI2 (ask cpu_has(P256_NEEDS) first): key generation, ECDH, ECDSA.
 *
 * Numbers and coordinates are 32 bytes, big-endian.  Constant-time in scalars and private keys.
 */
#ifndef TLS13_X86_P256_H
#define TLS13_X86_P256_H

#include <stdbool.h>
#include <stdint.h>

#define P256_NEEDS (CPU_AVX2 | CPU_BMI2)

/* Builds the table of multiples of G, 86 KiB, once a process (any thread may call); before a fork, the children share it. */
void p256_init(void);

/* xy = k G, for 1 <= k < n; p256_init came before. */
void p256_mulgen(uint8_t xy[static 64], const uint8_t k[static 32]);

/* x = the x of k (xy), for 1 <= k < n; => false when xy is not on the curve or has a coordinate >= p: x is then zeroed. */
bool p256_mul(uint8_t x[static 32], const uint8_t xy[static 64], const uint8_t k[static 32]);

/*
 * Signs the first 32 bytes of a hash; the nonce is that of RFC 6979 with SHA-256.  rs = r, s.  The signature is checked before it is
 * given out: s k = z + r d must hold for the nonce k, the x of (n - k) G, on the curve, must be r, and the private key must be that of
 * the public key xy.  Together this is ECDSA's own equation, at half the cost of verifying.  A fault of the processor, a key or a
 * table that was overwritten is so found.
 *
 * => false, rs zeroed: a check failed, or the private key is not in 1..n-1.
 */
bool p256_ecdsa_sign(uint8_t rs[static 64], const uint8_t d[static 32], const uint8_t xy[static 64], const uint8_t hash[static 32]);

/* The same with a nonce given, 1 <= k < n, and no public key to hold to: for tests.  Never use a nonce twice. */
bool p256_ecdsa_sign_nonce(uint8_t rs[static 64], const uint8_t d[static 32], const uint8_t hash[static 32], const uint8_t k[static 32]);

/* Verifies r, s under the public key xy; branches on the values, none of which is secret. */
bool p256_ecdsa_verify(const uint8_t xy[static 64], const uint8_t hash[static 32], const uint8_t rs[static 64]);

#endif
