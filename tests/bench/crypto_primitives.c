/* The primitives below key exchange and signatures, each beside the others; OpenSSL's objects are made before the clock starts. */
#include "bench.h"

#include "bytes.h"
#include "cpu.h"
#include "curve.h"
#include "x86/p256.h"
#include "x86/rsa.h"

#include <bearssl.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* --- keys, made when first asked for ------------------------------------------------------------------------ */

static EVP_PKEY *openssl_x25519(void)
{
    static EVP_PKEY *key;
    if (key == NULL)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    MUST(key != NULL);
    return key;
}

static EVP_PKEY *openssl_p256(void)
{
    static EVP_PKEY *key;
    if (key == NULL)
        key = EVP_EC_gen("P-256");
    MUST(key != NULL);
    return key;
}

struct rsa_key {
    EVP_PKEY *openssl;
    uint8_t n[512], e[3], p[256], q[256], dp[256], dq[256], iq[256];
    br_rsa_private_key private;
    br_rsa_public_key public;
};

static void part(EVP_PKEY *from, const char *name, uint8_t *to, size_t len)
{
    BIGNUM *v = NULL;
    MUST(EVP_PKEY_get_bn_param(from, name, &v) == 1 && BN_bn2binpad(v, to, (int)len) == (int)len);
    BN_clear_free(v);
}

static struct rsa_key *rsa_key(size_t bits)
{
    static struct rsa_key keys[3];
    struct rsa_key *k = &keys[bits / 1024 - 2];
    size_t half = bits / 16;
    if (k->openssl != NULL)
        return k;
    k->openssl = EVP_RSA_gen((unsigned)bits);
    MUST(k->openssl != NULL);
    part(k->openssl, OSSL_PKEY_PARAM_RSA_N, k->n, 2 * half);
    part(k->openssl, OSSL_PKEY_PARAM_RSA_E, k->e, 3);
    part(k->openssl, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p, half);
    part(k->openssl, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q, half);
    part(k->openssl, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp, half);
    part(k->openssl, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq, half);
    part(k->openssl, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->iq, half);
    k->private = (br_rsa_private_key){ (uint32_t)bits, k->p, half, k->q, half, k->dp, half, k->dq, half, k->iq, half };
    k->public = (br_rsa_public_key){ k->n, 2 * half, k->e, 3 };
    return k;
}

/* --- X25519 ------------------------------------------------------------------------------------------------- */

/* arg2 multiplications a call; one of them is an operation. */
static void run_x25519(const struct bench *row, long n)
{
    const struct x25519_impl *impl = row->arg;
    uint8_t k[X25519_LANES][32], u[X25519_LANES][32], out[X25519_LANES][32];
    memset(k, 0x35, sizeof k);
    memset(u, 9, sizeof u);
    for (long i = 0; i < n; i++) {
        impl->mul(out, (const void *)k, (const void *)u, row->arg2);
        KEEP(out);
    }
}

static void run_x25519_openssl(const struct bench *row, long n)
{
    uint8_t out[32];
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(openssl_x25519(), NULL);
    MUST(EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, openssl_x25519()) == 1);
    for (long i = 0; i < n * (long)row->arg2; i++) {
        size_t len = sizeof out;
        MUST(EVP_PKEY_derive(c, out, &len) == 1);
    }
    EVP_PKEY_CTX_free(c);
}

/* --- P-256 -------------------------------------------------------------------------------------------------- */

static void run_p256_key(const struct bench *row, long n)
{
    const struct p256_impl *impl = row->arg;
    uint8_t k[32], xy[64];
    memset(k, 0x35, sizeof k);
    for (long i = 0; i < n; i++) {
        impl->mulgen(xy, k);
        KEEP(xy);
    }
}

static void run_p256_key_openssl(const struct bench *row, long n)
{
    (void)row;
    for (long i = 0; i < n; i++)
        EVP_PKEY_free(EVP_EC_gen("P-256"));
}

static void run_p256_ecdh(const struct bench *row, long n)
{
    const struct p256_impl *impl = row->arg;
    uint8_t k[32], xy[64], x[32];
    memset(k, 0x35, sizeof k);
    impl->mulgen(xy, k);
    for (long i = 0; i < n; i++)
        MUST(impl->mul(x, xy, k));
}

static void run_p256_ecdh_openssl(const struct bench *row, long n)
{
    uint8_t out[32];
    (void)row;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(openssl_p256(), NULL);
    MUST(EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, openssl_p256()) == 1);
    for (long i = 0; i < n; i++) {
        size_t len = sizeof out;
        MUST(EVP_PKEY_derive(c, out, &len) == 1);
    }
    EVP_PKEY_CTX_free(c);
}

static uint8_t ecdsa_d[32] = { 1, 2, 3, 4 }, ecdsa_hash[32] = { 5, 6, 7 };

static void run_sign_bearssl(const struct bench *row, long n)
{
    const br_ec_private_key sk = { BR_EC_secp256r1, ecdsa_d, sizeof ecdsa_d };
    uint8_t rs[64];
    (void)row;
    for (long i = 0; i < n; i++)
        MUST(br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, ecdsa_hash, &sk, rs) == 64);
}

static void run_verify_bearssl(const struct bench *row, long n)
{
    const br_ec_private_key sk = { BR_EC_secp256r1, ecdsa_d, sizeof ecdsa_d };
    uint8_t rs[64], point[65];
    br_ec_public_key pk = { BR_EC_secp256r1, point, sizeof point };
    (void)row;
    MUST(br_ec_p256_m31.mulgen(point, ecdsa_d, sizeof ecdsa_d, BR_EC_secp256r1) == 65);
    MUST(br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, ecdsa_hash, &sk, rs) == 64);
    for (long i = 0; i < n; i++)
        MUST(br_ecdsa_i31_vrfy_raw(&br_ec_p256_m31, ecdsa_hash, sizeof ecdsa_hash, &pk, rs, sizeof rs) == 1);
}

static void run_sign_openssl(const struct bench *row, long n)
{
    uint8_t sig[80];
    (void)row;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(openssl_p256(), NULL);
    MUST(EVP_PKEY_sign_init(c) == 1);
    for (long i = 0; i < n; i++) {
        size_t len = sizeof sig;
        MUST(EVP_PKEY_sign(c, sig, &len, ecdsa_hash, sizeof ecdsa_hash) == 1);
    }
    EVP_PKEY_CTX_free(c);
}

static void run_verify_openssl(const struct bench *row, long n)
{
    uint8_t sig[80];
    size_t len = sizeof sig;
    (void)row;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(openssl_p256(), NULL);
    MUST(EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_sign(c, sig, &len, ecdsa_hash, sizeof ecdsa_hash) == 1);
    MUST(EVP_PKEY_verify_init(c) == 1);
    for (long i = 0; i < n; i++)
        MUST(EVP_PKEY_verify(c, sig, len, ecdsa_hash, sizeof ecdsa_hash) == 1);
    EVP_PKEY_CTX_free(c);
}

#ifdef __x86_64__
static void run_sign(const struct bench *row, long n)
{
    uint8_t xy[64], rs[64];
    (void)row;
    p256_init();
    p256_mulgen(xy, ecdsa_d);
    for (long i = 0; i < n; i++)
        MUST(p256_ecdsa_sign(rs, ecdsa_d, xy, ecdsa_hash));
}

static void run_verify(const struct bench *row, long n)
{
    uint8_t xy[64], rs[64];
    (void)row;
    p256_init();
    p256_mulgen(xy, ecdsa_d);
    MUST(p256_ecdsa_sign(rs, ecdsa_d, xy, ecdsa_hash));
    for (long i = 0; i < n; i++)
        MUST(p256_ecdsa_verify(xy, ecdsa_hash, rs));
}
#endif

/* --- RSA ---------------------------------------------------------------------------------------------------- */

typedef uint32_t rsa_private_fn(unsigned char *x, const br_rsa_private_key *sk);
typedef uint32_t rsa_public_fn(unsigned char *x, size_t len, const br_rsa_public_key *pk);

struct rsa_impl {
    rsa_private_fn *private;
    rsa_public_fn *public;
};

static void run_rsa_private(const struct bench *row, long n)
{
    const struct rsa_impl *impl = row->arg;
    const struct rsa_key *k = rsa_key(row->arg2);
    uint8_t x[512] = { 0, 5 };
    for (long i = 0; i < n; i++)
        MUST(impl->private(x, &k->private) == 1);
}

static void run_rsa_public(const struct bench *row, long n)
{
    const struct rsa_impl *impl = row->arg;
    const struct rsa_key *k = rsa_key(row->arg2);
    uint8_t x[512] = { 0, 5 };
    for (long i = 0; i < n; i++)
        MUST(impl->public(x, row->arg2 / 8, &k->public) == 1);
}

/* The bare operations: no padding. */
static void run_rsa_openssl(const struct bench *row, long n)
{
    uint8_t x[512] = { 0, 5 }, y[512];
    const bool private = row->arg != NULL;
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(rsa_key(row->arg2)->openssl, NULL);
    MUST((private ? EVP_PKEY_decrypt_init(c) : EVP_PKEY_encrypt_init(c)) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) == 1);
    for (long i = 0; i < n; i++) {
        size_t len = sizeof y;
        MUST((private ? EVP_PKEY_decrypt : EVP_PKEY_encrypt)(c, y, &len, x, row->arg2 / 8) == 1);
    }
    EVP_PKEY_CTX_free(c);
}

/* --- rows --------------------------------------------------------------------------------------------------- */

static void add_x25519(void)
{
    static const struct {
        const char *what;
        size_t n;
    } batches[] = { { "X25519 x 1", 1 }, { "X25519 x 2 (a key exchange)", 2 }, { "X25519 x 8", 8 } };
    const struct x25519_impl *impl;
    for (size_t b = 0; b < COUNT(batches); b++) {
        for (size_t i = 0; (impl = x25519_impl_at(i)) != NULL; i++)
            bench_add((struct bench){ batches[b].what, impl->name, 0, run_x25519, impl, batches[b].n });
        bench_add((struct bench){ batches[b].what, OPENSSL, 0, run_x25519_openssl, NULL, batches[b].n });
    }
}

static void add_p256(void)
{
    const struct p256_impl *impl;
    for (size_t i = 0; (impl = p256_impl_at(i)) != NULL; i++)
        bench_add((struct bench){ "P-256 key", impl->name, 0, run_p256_key, impl, 0 });
    bench_add((struct bench){ "P-256 key", OPENSSL, 0, run_p256_key_openssl, NULL, 0 });
    for (size_t i = 0; (impl = p256_impl_at(i)) != NULL; i++)
        bench_add((struct bench){ "P-256 ECDH", impl->name, 0, run_p256_ecdh, impl, 0 });
    bench_add((struct bench){ "P-256 ECDH", OPENSSL, 0, run_p256_ecdh_openssl, NULL, 0 });
#ifdef __x86_64__
    if (cpu_has(P256_NEEDS))
        bench_add((struct bench){ "ECDSA P-256 sign", "p256, checked", 0, run_sign, NULL, 0 });
#endif
    bench_add((struct bench){ "ECDSA P-256 sign", BEARSSL, 0, run_sign_bearssl, NULL, 0 });
    bench_add((struct bench){ "ECDSA P-256 sign", OPENSSL, 0, run_sign_openssl, NULL, 0 });
#ifdef __x86_64__
    if (cpu_has(P256_NEEDS))
        bench_add((struct bench){ "ECDSA P-256 verify", "p256", 0, run_verify, NULL, 0 });
#endif
    bench_add((struct bench){ "ECDSA P-256 verify", BEARSSL, 0, run_verify_bearssl, NULL, 0 });
    bench_add((struct bench){ "ECDSA P-256 verify", OPENSSL, 0, run_verify_openssl, NULL, 0 });
}

static void add_rsa(void)
{
    static const char *const names[2][3] = { { "RSA-2048 private", "RSA-3072 private", "RSA-4096 private" },
                                             { "RSA-2048 public", "RSA-3072 public", "RSA-4096 public" } };
    static struct rsa_impl bearssl;
    bearssl = (struct rsa_impl){ br_rsa_private_get_default(), br_rsa_public_get_default() };
#ifdef __x86_64__
    static const struct rsa_impl ifma = { rsa_ifma_private, rsa_ifma_public };
#endif
    for (size_t public = 0; public < 2; public ++)
        for (size_t i = 0; i < 3; i++) {
            const size_t bits = 2048 + 1024 * i;
            void (*run)(const struct bench *row, long n) = public ? run_rsa_public : run_rsa_private;
#ifdef __x86_64__
            if (cpu_has(RSA_NEEDS))
                bench_add((struct bench){ names[public][i], "rsa-ifma", 0, run, &ifma, bits });
#endif
            bench_add((struct bench){ names[public][i], BEARSSL, 0, run, &bearssl, bits });
            bench_add((struct bench){ names[public][i], OPENSSL, 0, run_rsa_openssl, public ? NULL : &bearssl, bits });
        }
}

void bench_primitives(void)
{
    add_x25519();
    add_p256();
    add_rsa();
}
