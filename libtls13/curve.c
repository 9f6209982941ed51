/* X25519, P-256 and P-384: BearSSL's portable implementations, the choice among those there are, scalars and point checks. */
#include "curve.h"

#include "bytes.h"
#include "kdf.h"
#include "nist.h"
#include "x25519.h"
#include "x86/p256.h"
#include "x86/x25519_x2.h"
#include "x86/x25519_x8.h"

#include <bearssl.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* --- X25519 ----------------------------------------------------------------------------------------------- */

const uint8_t x25519_base[32] = { 9 };

/* BearSSL 0.6 takes the scalar little-endian as RFC 7748 has it, newer ones big-endian: the first vector of RFC 7748 5.2 tells. */
static bool scalar_is_big_endian;

static void bearssl_x25519(uint8_t out[32], const uint8_t k[32], const uint8_t u[32], bool big_endian)
{
    uint8_t scalar[32];
    for (size_t i = 0; i < 32; i++)
        scalar[i] = k[big_endian ? 31 - i : i];
    memcpy(out, u, 32);
    (void)br_ec_c25519_m31.mul(out, 32, scalar, 32, BR_EC_curve25519);
    WIPE(scalar);
}

static void probe_byte_order(void)
{
    static const uint8_t k[32] = { 0xa5, 0x46, 0xe3, 0x6b, 0xf0, 0x52, 0x7c, 0x9d, 0x3b, 0x16, 0x15, 0x4b, 0x82, 0x46, 0x5e, 0xdd,
                                   0x62, 0x14, 0x4c, 0x0a, 0xc1, 0xfc, 0x5a, 0x18, 0x50, 0x6a, 0x22, 0x44, 0xba, 0x44, 0x9a, 0xc4 };
    static const uint8_t u[32] = { 0xe6, 0xdb, 0x68, 0x67, 0x58, 0x30, 0x30, 0xdb, 0x35, 0x94, 0xc1, 0xa4, 0x24, 0xb1, 0x5f, 0x7c,
                                   0x72, 0x66, 0x24, 0xec, 0x26, 0xb3, 0x35, 0x3b, 0x10, 0xa9, 0x03, 0xa6, 0xd0, 0xab, 0x1c, 0x4c };
    static const uint8_t want[32] = { 0xc3, 0xda, 0x55, 0x37, 0x9d, 0xe9, 0xc6, 0x90, 0x8e, 0x94, 0xea, 0x4d, 0xf2, 0x8d, 0x08, 0x4f,
                                      0x32, 0xec, 0xcf, 0x03, 0x49, 0x1c, 0x71, 0xf7, 0x54, 0xb4, 0x07, 0x55, 0x77, 0xa2, 0x85, 0x52 };
    uint8_t out[32];
    bearssl_x25519(out, k, u, true);
    scalar_is_big_endian = ct_equal(out, want, 32); /* when neither fits, the self-test says so */
}

static void x25519_bearssl(uint8_t (*out)[32], const uint8_t (*k)[32], const uint8_t (*u)[32], size_t n)
{
    for (size_t i = 0; i < n; i++)
        bearssl_x25519(out[i], k[i], u[i], scalar_is_big_endian);
}

static const struct x25519_impl x25519_portable = { "x25519-bearssl", 0, x25519_bearssl };

#ifdef HAVE_X25519_SCALAR
static void x25519_one_by_one(uint8_t (*out)[32], const uint8_t (*k)[32], const uint8_t (*u)[32], size_t n)
{
    for (size_t i = 0; i < n; i++)
        x25519_scalar(out[i], k[i], u[i]);
}

/* Portable, but not where TLS13_CPU=portable asks for BearSSL alone: x86 has SSE4.1 at every other level. */
#ifdef __x86_64__
#define SCALAR_NEEDS CPU_SSE41
#else
#define SCALAR_NEEDS 0
#endif
static const struct x25519_impl x25519_scalar_impl = { "x25519-scalar", SCALAR_NEEDS, x25519_one_by_one };
#endif

#ifdef __x86_64__
/* Beside a multiplication of zeros. */
static void x25519_alone(uint8_t (*out)[32], const uint8_t (*k)[32], const uint8_t (*u)[32])
{
    uint8_t result[2][32], scalars[2][32] = { { 0 } }, points[2][32] = { { 0 } };
    memcpy(scalars[0], k, 32);
    memcpy(points[0], u, 32);
    x25519_x2(result, scalars, points);
    memcpy(out, result, 32);
    WIPE(result);
    WIPE(scalars);
}

/* All eight lanes are always computed: idle ones work on zeros. */
static void x25519_eight(uint8_t (*out)[32], const uint8_t (*k)[32], const uint8_t (*u)[32], size_t n)
{
    uint8_t result[X25519_LANES][32], scalars[X25519_LANES][32] = { { 0 } }, points[X25519_LANES][32] = { { 0 } };
    memcpy(scalars, k, n * 32);
    memcpy(points, u, n * 32);
    x25519_x8(result, scalars, points);
    memcpy(out, result, n * 32);
    WIPE(result);
    WIPE(scalars);
}

/* Up to four take no longer by two than by eight. */
static void x25519_two_or_eight(uint8_t (*out)[32], const uint8_t (*k)[32], const uint8_t (*u)[32], size_t n)
{
    if (n > 4) {
        x25519_eight(out, k, u, n);
        return;
    }
    for (; n >= 2; n -= 2, out += 2, k += 2, u += 2)
        x25519_x2(out, k, u);
    if (n != 0)
        x25519_alone(out, k, u);
}

/* NOLINTNEXTLINE(misc-redundant-expression): the two overlap */
static const struct x25519_impl x25519_avx512 = { "x25519-avx512", X25519_X8_NEEDS | X25519_X2_NEEDS, x25519_two_or_eight };
#endif

/* Best first. */
static const struct x25519_impl *const x25519_impls[] = {
#ifdef __x86_64__
    &x25519_avx512,
#endif
#ifdef HAVE_X25519_SCALAR
    &x25519_scalar_impl,
#endif
    &x25519_portable,
};

/* --- P-256 ------------------------------------------------------------------------------------------------ */

static void p256_bearssl_mulgen(uint8_t xy[64], const uint8_t k[32])
{
    uint8_t point[65];
    (void)br_ec_p256_m31.mulgen(point, k, 32, BR_EC_secp256r1);
    memcpy(xy, point + 1, 64);
    WIPE(point);
}

static bool p256_bearssl_mul(uint8_t x[32], const uint8_t xy[64], const uint8_t k[32])
{
    uint8_t point[65] = { 4 };
    memcpy(point + 1, xy, 64);
    uint32_t ok = br_ec_p256_m31.mul(point, sizeof point, k, 32, BR_EC_secp256r1);
    memcpy(x, point + 1, 32);
    WIPE(point);
    return ok == 1;
}

static const struct p256_impl p256_portable = { "p256-bearssl", 0, NULL, p256_bearssl_mulgen, p256_bearssl_mul };

#ifdef HAVE_NIST64
static void p256_64_mulgen(uint8_t xy[64], const uint8_t k[32])
{
    nist64_p256_mulgen(xy, k);
}

static bool p256_64_mul(uint8_t x[32], const uint8_t xy[64], const uint8_t k[32])
{
    return nist64_p256_mul(x, xy, k);
}

static const struct p256_impl p256_64 = { "p256-64", NIST64_NEEDS, NULL, p256_64_mulgen, p256_64_mul };
#endif

#ifdef __x86_64__
static const struct p256_impl p256_avx2 = { "p256-avx2", P256_NEEDS, p256_init, p256_mulgen, p256_mul };
#endif

/* Best first. */
static const struct p256_impl *const p256_impls[] = {
#ifdef __x86_64__
    &p256_avx2,
#endif
#ifdef HAVE_NIST64
    &p256_64,
#endif
    &p256_portable,
};

/* --- the choice ------------------------------------------------------------------------------------------- */

static const struct x25519_impl *x25519_chosen;
static const struct p256_impl *p256_chosen;

static const struct x25519_impl *x25519_find(size_t i)
{
    for (size_t j = 0; j < COUNT(x25519_impls); j++)
        if (cpu_has(x25519_impls[j]->needs) && i-- == 0)
            return x25519_impls[j];
    return NULL;
}

static const struct p256_impl *p256_find(size_t i)
{
    for (size_t j = 0; j < COUNT(p256_impls); j++)
        if (cpu_has(p256_impls[j]->needs) && i-- == 0)
            return p256_impls[j];
    return NULL;
}

/* Every implementation that can run is made ready, for the tests that compare them. */
static void choose(void)
{
    const struct p256_impl *p;
    probe_byte_order();
    for (size_t i = 0; (p = p256_find(i)) != NULL; i++)
        if (p->init != NULL)
            p->init();
    x25519_chosen = x25519_find(0);
    p256_chosen = p256_find(0);
}

const struct x25519_impl *x25519_impl_at(size_t i)
{
    (void)pthread_once(&once, choose);
    return x25519_find(i);
}

const struct p256_impl *p256_impl_at(size_t i)
{
    (void)pthread_once(&once, choose);
    return p256_find(i);
}

void x25519_mul(uint8_t (*out)[32], const uint8_t (*k)[32], const uint8_t (*u)[32], size_t n)
{
    (void)pthread_once(&once, choose);
    x25519_chosen->mul(out, k, u, n);
}

/* --- P-256 and P-384 together ----------------------------------------------------------------------------- */

/* SEC 2, 2.4.2 and 2.5.1. */
const struct nist_curve curve_p256 = {
    BR_EC_secp256r1,
    32,
    { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 },
};
const struct nist_curve curve_p384 = {
    BR_EC_secp384r1,
    48,
    { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
      0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff },
    { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
      0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73 },
};

/* True when 0 < k < n, big-endian numbers of len bytes.  Time depends on len only. */
static bool in_range(const uint8_t *k, const uint8_t *n, size_t len)
{
    uint32_t borrow = 0, any = 0;
    for (size_t i = len; i-- > 0;) {
        borrow = ((uint32_t)k[i] - n[i] - borrow) >> 31;
        any |= k[i];
    }
    return (borrow & ((0U - any) >> 31)) != 0;
}

void nist_scalar(const struct nist_curve *c, uint8_t *k, const uint8_t *random)
{
    memmove(k, random, c->len);
    while (!in_range(k, c->n, c->len))
        (void)hash_once(c->len == 32 ? HASH_SHA256 : HASH_SHA384, k, c->len, k);
}

/* --- P-384 ------------------------------------------------------------------------------------------------ */

#ifdef HAVE_NIST64
static void p384_mulgen(uint8_t *point, const uint8_t *k)
{
    point[0] = 4;
    if (cpu_has(NIST64_NEEDS))
        nist64_p384_mulgen(point + 1, k);
    else
        (void)br_ec_prime_i31.mulgen(point, k, 48, BR_EC_secp384r1);
}

static bool p384_mul(uint8_t *point, const uint8_t *k)
{
    if (cpu_has(NIST64_NEEDS))
        return nist64_p384_mul(point + 1, point + 1, k);
    return br_ec_prime_i31.mul(point, 97, k, 48, BR_EC_secp384r1) == 1;
}
#else
static void p384_mulgen(uint8_t *point, const uint8_t *k)
{
    (void)br_ec_prime_i31.mulgen(point, k, 48, BR_EC_secp384r1);
}

static bool p384_mul(uint8_t *point, const uint8_t *k)
{
    return br_ec_prime_i31.mul(point, 97, k, 48, BR_EC_secp384r1) == 1;
}
#endif

/* --- both ------------------------------------------------------------------------------------------------- */

void nist_mulgen(const struct nist_curve *c, uint8_t *point, const uint8_t *k)
{
    if (c->id != BR_EC_secp256r1) {
        p384_mulgen(point, k);
        return;
    }
    (void)pthread_once(&once, choose);
    point[0] = 4;
    p256_chosen->mulgen(point + 1, k);
}

/* The public point's shape, before BearSSL sees it: it takes a wrong length or first byte badly, and coordinates modulo p. */
static bool well_formed(const struct nist_curve *c, const uint8_t *point)
{
    return point[0] == 4 && memcmp(point + 1, c->p, c->len) < 0 && memcmp(point + 1 + c->len, c->p, c->len) < 0;
}

bool nist_mul(const struct nist_curve *c, uint8_t *x, const uint8_t *point, const uint8_t *k)
{
    uint8_t result[1 + 2 * 48];
    bool ok = false;
    memset(x, 0, c->len);
    if (!well_formed(c, point))
        return false;
    if (c->id == BR_EC_secp256r1) {
        (void)pthread_once(&once, choose);
        ok = p256_chosen->mul(result + 1, point + 1, k);
    } else {
        memcpy(result, point, 1 + 2 * (size_t)c->len);
        ok = p384_mul(result, k);
    }
    if (ok)
        memcpy(x, result + 1, c->len);
    WIPE(result);
    return ok;
}
