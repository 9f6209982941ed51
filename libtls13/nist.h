/*
 * NIST P-256 and P-384 in portable C for 64-bit CPUs whose compiler has __int128: key generation, ECDH, ECDSA.  Without tables of
 * multiples, so that nothing has to be made at start.
 *
 * Numbers and coordinates are 32 or 48 bytes, big-endian.  Constant-time in scalars and private keys.
 */
#ifndef TLS13_NIST_H
#define TLS13_NIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SIZEOF_INT128__
#define HAVE_NIST64 1

/* xy = k G, for 1 <= k < n. */
void nist64_p256_mulgen(uint8_t *xy, const uint8_t *k);
void nist64_p384_mulgen(uint8_t *xy, const uint8_t *k);

/* x = the x of k (xy), for 1 <= k < n; => false when xy is not on the curve or has a coordinate >= p: x is then zeroed.  x may be xy. */
bool nist64_p256_mul(uint8_t *x, const uint8_t *xy, const uint8_t *k);
bool nist64_p384_mul(uint8_t *x, const uint8_t *xy, const uint8_t *k);

/*
 * Signs a hash as long as a number; the nonce is that of RFC 6979.  rs = r, s, checked before it is given out as x86/p256.h has it.
 * => false, rs zeroed: a check failed, the private key is not in 1..n-1 or not that of xy.
 */
bool nist64_p256_sign(uint8_t *rs, const uint8_t *d, const uint8_t *xy, const uint8_t *hash);
bool nist64_p384_sign(uint8_t *rs, const uint8_t *d, const uint8_t *xy, const uint8_t *hash);

/* The same with a nonce given, 1 <= k < n, and no public key to hold to: for tests.  Never use a nonce twice. */
bool nist64_p256_sign_nonce(uint8_t *rs, const uint8_t *d, const uint8_t *hash, const uint8_t *k);
bool nist64_p384_sign_nonce(uint8_t *rs, const uint8_t *d, const uint8_t *hash, const uint8_t *k);

/* Verifies r, s under the public key xy; branches on the values, none of which is secret. */
bool nist64_p256_verify(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs);
bool nist64_p384_verify(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs);

/* Also where TLS13_CPU=portable asks for BearSSL alone: x86 has SSE4.1 at every other level. */
#ifdef __x86_64__
#define NIST64_NEEDS CPU_SSE41
#else
#define NIST64_NEEDS 0
#endif
#endif

#endif
