/* For fuzz_primitives.c: ECDH and ECDSA on P-256 and P-384, RSA. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "primitives.h"

#include "curve_openssl.h"
#include "nist.h"
#include "pem.h"
#include "sign.h"
#ifdef __x86_64__
#include "x86/p256.h"
#include "x86/rsa.h"
#endif

#include <openssl/ecdsa.h>

/* --- the curves ----------------------------------------------------------------------------------------------- */

struct curve {
    const struct nist_curve *c;
    int nid;
    bool (*mul)(uint8_t *x, const uint8_t *xy, const uint8_t *k);
    bool (*sign)(uint8_t *rs, const uint8_t *d, const uint8_t *xy, const uint8_t *hash);
    bool (*verify)(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs);
};

static const struct curve both[] = {
    { &curve_p256, NID_X9_62_prime256v1, nist64_p256_mul, nist64_p256_sign, nist64_p256_verify },
    { &curve_p384, NID_secp384r1, nist64_p384_mul, nist64_p384_sign, nist64_p384_verify },
};

static bool has_x86_p256(const struct curve *v)
{
#ifdef __x86_64__
    return v->c == &curve_p256 && cpu_has(P256_NEEDS);
#else
    (void)v;
    return false;
#endif
}

/* A point as a client may send it: one of the curve, one with some of its bits changed, any bytes, numbers near p and 0. */
static void pick_point(struct feed *in, const struct curve *v, uint8_t *point)
{
    const size_t n = v->c->len;
    uint8_t k[48], scalar[48], how = byte(in);
    bytes(in, k, n);
    nist_scalar(v->c, scalar, k);
    nist_mulgen(v->c, point, scalar);
    if (how % 4 == 1) {
        point[byte(in) % (2 * n + 1)] ^= (uint8_t)(1 << how / 4 % 8);
    } else if (how % 4 == 2) {
        bytes(in, point + 1, 2 * n);
    } else if (how % 4 == 3) {
        memcpy(point + 1, v->c->p, n);
        point[n] = (uint8_t)(point[n] + byte(in) - 128);
        if (how & 4)
            memset(point + 1, 0, n);
    }
}

static bool below_p(const struct curve *v, const uint8_t *point)
{
    const size_t n = v->c->len;
    return memcmp(point + 1, v->c->p, n) < 0 && memcmp(point + 1 + n, v->c->p, n) < 0;
}

void primitives_ecdh(struct feed *in)
{
    const struct curve *v = &both[byte(in) % 2];
    const size_t n = v->c->len;
    uint8_t point[97], k[48], scalar[48], want[97], got[48];
    pick_point(in, v, point);
    bytes(in, k, n);
    nist_scalar(v->c, scalar, k);
    EC_GROUP *g = EC_GROUP_new_by_curve_name(v->nid);
    EC_POINT *p = EC_POINT_new(g);
    bool good = point[0] == 4 && EC_POINT_oct2point(g, p, point, 2 * n + 1, NULL) == 1;
    if (good)
        openssl_ec(v->c, want, point, scalar);
    EC_POINT_free(p);
    EC_GROUP_free(g);
    PROMISE(nist_mul(v->c, got, point, scalar) == good);
    PROMISE(!good || memcmp(got, want + 1, n) == 0);
    if (point[0] != 4)
        return;
    PROMISE(v->mul(got, point + 1, scalar) == good);
    PROMISE(!good || memcmp(got, want + 1, n) == 0);
    const struct p256_impl *impl;
    for (size_t i = 0; v->c == &curve_p256 && (impl = p256_impl_at(i)) != NULL; i++) {
        uint8_t xy[64];
        if (impl->init != NULL)
            impl->init();
        impl->mulgen(xy, scalar);
        openssl_ec(v->c, want, NULL, scalar);
        PROMISE(memcmp(xy, want + 1, 64) == 0);
        if (!good) { /* coordinates that are too large are for its caller */
            PROMISE(!below_p(v, point) || !impl->mul(got, point + 1, scalar));
            continue;
        }
        openssl_ec(v->c, want, point, scalar);
        PROMISE(impl->mul(got, point + 1, scalar) && memcmp(got, want + 1, 32) == 0);
    }
}

/* --- ECDSA ---------------------------------------------------------------------------------------------------- */

static bool openssl_verifies(const struct curve *v, const uint8_t *point, const uint8_t *hash, const uint8_t *rs)
{
    const int n = v->c->len;
    EC_KEY *key = EC_KEY_new_by_curve_name(v->nid);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    PROMISE(EC_KEY_oct2key(key, point, 2 * (size_t)n + 1, NULL) == 1);
    PROMISE(ECDSA_SIG_set0(sig, BN_bin2bn(rs, n, NULL), BN_bin2bn(rs + n, n, NULL)) == 1);
    bool ok = ECDSA_do_verify(hash, n, sig, key) == 1;
    ECDSA_SIG_free(sig);
    EC_KEY_free(key);
    return ok;
}

/* Changes a signature: a bit, or one half to 0, n, a number near n, any bytes. */
static void spoil(struct feed *in, const struct curve *v, uint8_t *rs)
{
    const size_t n = v->c->len;
    uint8_t how = byte(in), *half = rs + (how & 1) * n;
    switch (how / 2 % 4) {
    case 0:
        rs[byte(in) % (2 * n)] ^= (uint8_t)(1 << how / 8 % 8);
        break;
    case 1:
        memset(half, 0, n);
        half[n - 1] = byte(in);
        break;
    case 2:
        memcpy(half, v->c->n, n);
        half[n - 1] = (uint8_t)(half[n - 1] + byte(in) - 128);
        break;
    default:
        bytes(in, half, n);
    }
}

/* 0 modulo the order.  No message with such a hash is known; BearSSL refuses what is signed with one. */
static bool is_zero_hash(const struct curve *v, const uint8_t *hash)
{
    static const uint8_t zero[48];
    return memcmp(hash, zero, v->c->len) == 0 || memcmp(hash, v->c->n, v->c->len) == 0;
}

static void all_verify(const struct curve *v, const uint8_t *point, const uint8_t *hash, const uint8_t *rs, bool want)
{
    const size_t n = v->c->len;
    const br_ec_public_key pk = { v->c->id, (uint8_t *)(uintptr_t)point, 2 * n + 1 };
    PROMISE(v->verify(point + 1, hash, rs) == want);
    PROMISE(is_zero_hash(v, hash) || (br_ecdsa_i31_vrfy_raw(&br_ec_all_m31, hash, n, &pk, rs, 2 * n) == 1) == want);
#ifdef __x86_64__
    PROMISE(!has_x86_p256(v) || p256_ecdsa_verify(point + 1, hash, rs) == want);
#endif
}

void primitives_ecdsa(struct feed *in)
{
    const struct curve *v = &both[byte(in) % 2];
    const size_t n = v->c->len;
    uint8_t random[48], d[48], point[97], digest[48], rs[96], other[96];
    bytes(in, random, n);
    nist_scalar(v->c, d, random);
    nist_mulgen(v->c, point, d);
    bytes(in, digest, n);
    PROMISE(v->sign(rs, d, point + 1, digest));
    const br_ec_private_key sk = { v->c->id, d, n };
    PROMISE(br_ecdsa_i31_sign_raw(&br_ec_all_m31, n == 32 ? &br_sha256_vtable : &br_sha384_vtable, digest, &sk, other) == 2 * n);
    PROMISE(memcmp(rs, other, 2 * n) == 0);
#ifdef __x86_64__
    if (has_x86_p256(v))
        PROMISE(p256_ecdsa_sign(other, d, point + 1, digest) && memcmp(rs, other, 64) == 0);
#endif
    PROMISE(openssl_verifies(v, point, digest, rs));
    all_verify(v, point, digest, rs, true);
    spoil(in, v, rs);
    all_verify(v, point, digest, rs, openssl_verifies(v, point, digest, rs));
}

/* --- RSA ------------------------------------------------------------------------------------------------------ */

static uint8_t *bytes_in(struct slice s)
{
    return (uint8_t *)(uintptr_t)s.p;
}

static struct private_key fixture_key(void)
{
    struct private_key key = { 0 };
    struct pem pem = { fixture_rsa, fixture_rsa + strlen(fixture_rsa) };
    char label[64];
    uint8_t *der;
    size_t len;
    while (pem_next(&pem, label, &der, &len) == 1) {
        if (strcmp(label, "PRIVATE KEY") == 0)
            PROMISE(key_parse(&key, label, der, len) == 0);
        free(der);
    }
    PROMISE(key.type == KEY_RSA);
    return key;
}

static void openssl_power(uint8_t *x, size_t len, struct slice n, const uint8_t *e, size_t e_len)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *b = BN_bin2bn(x, (int)len, NULL), *m = BN_bin2bn(n.p, (int)n.n, NULL), *p = BN_bin2bn(e, (int)e_len, NULL);
    PROMISE(BN_mod_exp(b, b, p, m, ctx) == 1 && BN_bn2binpad(b, x, (int)len) == (int)len);
    BN_free(b);
    BN_free(m);
    BN_free(p);
    BN_CTX_free(ctx);
}

/* x^d by each must be the same, and x again to the public exponent; a public exponent of any bytes. */
void primitives_rsa(struct feed *in)
{
    static struct private_key key;
    if (key.type == KEY_NONE)
        key = fixture_key();
    uint8_t x[KEY_RSA_MAX], y[KEY_RSA_MAX], z[KEY_RSA_MAX], e[8];
    const size_t len = key.n.n;
    const br_rsa_private_key sk = { key.bits, bytes_in(key.p),  key.p.n,  bytes_in(key.q),  key.q.n, bytes_in(key.dp),
                                    key.dp.n, bytes_in(key.dq), key.dq.n, bytes_in(key.iq), key.iq.n };
    size_t e_len = 1 + byte(in) % sizeof e;
    bytes(in, e, e_len);
    e[e_len - 1] |= 1;
    bytes(in, x, len);
    x[0] &= 0x7f; /* the modulus has its topmost bit */
    memcpy(y, x, len);
    PROMISE(br_rsa_private_get_default()(y, &sk) == 1);
    memcpy(z, y, len);
    openssl_power(z, len, key.n, key.e.p, key.e.n);
    PROMISE(memcmp(z, x, len) == 0);
    openssl_power(y, len, key.n, e, e_len);
#ifdef __x86_64__
    if (!cpu_has(RSA_NEEDS))
        return;
    const br_rsa_public_key pk = { bytes_in(key.n), len, e, e_len };
    memcpy(z, x, len);
    PROMISE(rsa_ifma_private(z, &sk) == 1 && rsa_ifma_public(z, len, &pk) == 1);
    PROMISE(memcmp(z, y, len) == 0);
#endif
}
