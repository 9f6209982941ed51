/* RSA for CPUs with AVX-512 IFMA (ask cpu_has(RSA_NEEDS) first), behind BearSSL's types. */
#ifndef TLS13_X86_RSA_H
#define TLS13_X86_RSA_H

#include <bearssl.h>

#define RSA_NEEDS (CPU_AVX512 | CPU_IFMA)

/*
 * x = x^d mod n over (n_bitlen + 7) / 8 bytes, big-endian, by the Chinese remainder theorem; both halves are computed at once.  For
 * moduli of 2048, 3072 and 4096 bits whose factors are of exactly half that; BearSSL does all others.  Constant-time in x and the key.
 * The result is not checked: the caller verifies (a fault would give a factor away).  => 1, or 0 when BearSSL refuses.
 */
uint32_t rsa_ifma_private(unsigned char *x, const br_rsa_private_key *sk);

/*
 * x = x^e mod n; branches on the values, none of which is secret.  Moduli as above, else BearSSL.
 * => 1, or 0 when xlen is not the modulus' length or x >= n.
 */
uint32_t rsa_ifma_public(unsigned char *x, size_t xlen, const br_rsa_public_key *pk);

/* Known answers of both.  => 0 or -1. */
int rsa_ifma_selftest(void);

#endif
