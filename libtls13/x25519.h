/* X25519 (RFC 7748 5), one scalar multiplication at a time: portable C for 64-bit CPUs whose compiler has __int128. */
#ifndef TLS13_X25519_H
#define TLS13_X25519_H

#include <stdint.h>

#ifdef __SIZEOF_INT128__
#define HAVE_X25519_SCALAR 1

/*
 * out = X25519(k, u): k is clamped here, bit 255 of u is ignored, u >= p is taken modulo p (RFC 7748 5).  out may be u or k.
 * A point of low order gives 32 zero bytes: the caller checks (RFC 8446 7.4.2).  Constant-time in k and u.
 */
void x25519_scalar(uint8_t out[static 32], const uint8_t k[static 32], const uint8_t u[static 32]);

/* The known answers of RFC 7748 5.2.  => 0 or -1. */
int x25519_scalar_selftest(void);
#endif

#endif
