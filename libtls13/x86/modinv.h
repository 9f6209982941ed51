/* Modular inverse of 256-bit numbers in constant time. */
#ifndef TLS13_MODINV_H
#define TLS13_MODINV_H

#include "limbs.h"

/* An odd modulus, 2^254 < m < 2^256, in five limbs of 62 bits, and its inverse modulo 2^62. */
struct modinv_modulus {
    int64_t m[5];
    uint64_t inverse62;
};

/* r = 1/a modulo m, 0 for a = 0.  a < m; four 64-bit limbs, little-endian.  r may be a. */
void modinv256(unsigned long long r[static 4], const unsigned long long a[static 4], const struct modinv_modulus *m);

#endif
