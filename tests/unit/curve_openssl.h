/* X25519 and ECDH by OpenSSL, and random bytes that are the same in every run. */
#ifndef CURVE_OPENSSL_H
#define CURVE_OPENSSL_H

#include "curve.h"
#include "unit.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

static uint32_t rnd_state = 0x2468ace1;

static inline uint32_t rnd(void)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 17;
    rnd_state ^= rnd_state << 5;
    return rnd_state;
}

static inline void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(rnd() >> 11);
}

/* => false when OpenSSL refuses (an all-zero result); out is then zeroed. */
static inline bool openssl_x25519(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
    size_t n = 32;
    EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, k, 32);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, u, 32);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(mine, NULL);
    memset(out, 0, 32);
    bool ok = EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, peer) == 1 && EVP_PKEY_derive(c, out, &n) == 1;
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(mine);
    if (!ok)
        memset(out, 0, 32);
    return ok;
}

/* k (point), point NULL: the generator; whole point out. */
static inline void openssl_ec(const struct nist_curve *c, uint8_t *out, const uint8_t *point, const uint8_t *k)
{
    size_t n = 1 + 2 * (size_t)c->len;
    EC_GROUP *g = EC_GROUP_new_by_curve_name(c->len == 32 ? NID_X9_62_prime256v1 : NID_secp384r1);
    EC_POINT *p = EC_POINT_new(g), *r = EC_POINT_new(g);
    BIGNUM *b = BN_bin2bn(k, c->len, NULL);
    CHECK(point == NULL || EC_POINT_oct2point(g, p, point, n, NULL) == 1);
    CHECK(EC_POINT_mul(g, r, point == NULL ? b : NULL, point == NULL ? NULL : p, point == NULL ? NULL : b, NULL) == 1);
    CHECK(EC_POINT_point2oct(g, r, POINT_CONVERSION_UNCOMPRESSED, out, n, NULL) == n);
    BN_free(b);
    EC_POINT_free(r);
    EC_POINT_free(p);
    EC_GROUP_free(g);
}

#endif
