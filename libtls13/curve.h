/*
 * The elliptic curves under kex.c: X25519 (RFC 7748) and ECDH on P-256 and P-384 (SEC 1, RFC 8446 4.2.8.2), with the seams for
 * faster implementations.  Everything here is constant-time in scalars.
 */
#ifndef TLS13_CURVE_H
#define TLS13_CURVE_H

#include "cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- X25519 ----------------------------------------------------------------------------------------------- */

#define X25519_LANES 8

struct x25519_impl {
    const char *name;
    uint32_t needs; /* enum cpu_feature */
    /* out[i] = X25519(k[i], u[i]) for i < n, 1 <= n <= X25519_LANES; scalars are clamped, bit 255 of u ignored (RFC 7748 5). */
    void (*mul)(uint8_t (*out)[32], const uint8_t (*k)[32], const uint8_t (*u)[32], size_t n);
};
/* All that this CPU can run, best first: => the i-th, NULL past the end. */
const struct x25519_impl *x25519_impl_at(size_t i);

/* With the best: up to X25519_LANES multiplications at once. */
void x25519_mul(uint8_t (*out)[32], const uint8_t (*k)[32], const uint8_t (*u)[32], size_t n);
extern const uint8_t x25519_base[32];

/* --- P-256 and P-384 -------------------------------------------------------------------------------------- */

struct p256_impl {
    const char *name;
    uint32_t needs;
    /* Builds tables, once a process, before the others are called; or NULL. */
    void (*init)(void);
    /* xy = k G; 1 <= k < n; big-endian. */
    void (*mulgen)(uint8_t xy[64], const uint8_t k[32]);
    /* x = the x of k (xy); => false when xy is not on the curve (coordinates are < p: the caller checked). */
    bool (*mul)(uint8_t x[32], const uint8_t xy[64], const uint8_t k[32]);
};
const struct p256_impl *p256_impl_at(size_t i);

struct nist_curve {
    uint8_t id;  /* of BearSSL, and of RFC 8422: 23, 24 */
    uint8_t len; /* bytes of a coordinate and of a scalar; a point is 0x04, x, y */
    uint8_t p[48], n[48];
};
extern const struct nist_curve curve_p256, curve_p384;

/*
 * Makes a scalar in 1..n-1 of len random bytes.  Bytes that are out of range (one chance in 2^32 on P-256, in 2^194 on P-384) are
 * hashed until they are in range; that this happened shows in the time, which tells of the bytes thrown away and not of the scalar.
 */
void nist_scalar(const struct nist_curve *c, uint8_t *k, const uint8_t *random);
/* point = k G, 2 len + 1 bytes. */
void nist_mulgen(const struct nist_curve *c, uint8_t *point, const uint8_t *k);
/* x = the x of k (point), len bytes; => false, x zeroed, when point is not an uncompressed point on the curve. */
bool nist_mul(const struct nist_curve *c, uint8_t *x, const uint8_t *point, const uint8_t *k);

#endif
