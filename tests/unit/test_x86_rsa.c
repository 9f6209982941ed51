/*
 * The accelerated RSA: agreement with BearSSL and OpenSSL for every size, the edges of every range, and what is left to BearSSL.  Keys are
 * other ones in each run; a failing check prints its own.
 */
#include "chance.h"
#include "unit.h"

#include "bytes.h"
#include "cpu.h"

#ifdef __x86_64__

#include "x86/rsa.h"
#include "x86/rsa_mont.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* --- keys --------------------------------------------------------------------------------------------------- */

struct key {
    unsigned bits;
    size_t len;
    uint8_t n[512], p[256], q[256], dp[256], dq[256], iq[256], e[3];
    br_rsa_private_key private;
    br_rsa_public_key public;
    BIGNUM *bn, *bd;
};

static struct key keys[3];

static void part(EVP_PKEY *from, const char *name, uint8_t *to, size_t len)
{
    BIGNUM *v = NULL;
    if (EVP_PKEY_get_bn_param(from, name, &v) != 1 || BN_bn2binpad(v, to, (int)len) < 0)
        abort();
    BN_clear_free(v);
}

static void make_key(struct key *k, unsigned bits)
{
    EVP_PKEY *made = EVP_RSA_gen(bits);
    size_t half = bits / 16;
    k->bn = k->bd = NULL;
    k->bits = bits;
    k->len = bits / 8;
    part(made, OSSL_PKEY_PARAM_RSA_N, k->n, k->len);
    part(made, OSSL_PKEY_PARAM_RSA_E, k->e, 3);
    part(made, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p, half);
    part(made, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q, half);
    part(made, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp, half);
    part(made, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq, half);
    part(made, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->iq, half);
    EVP_PKEY_get_bn_param(made, OSSL_PKEY_PARAM_RSA_N, &k->bn);
    EVP_PKEY_get_bn_param(made, OSSL_PKEY_PARAM_RSA_D, &k->bd);
    EVP_PKEY_free(made);
    k->private = (br_rsa_private_key){ bits, k->p, half, k->q, half, k->dp, half, k->dq, half, k->iq, half };
    k->public = (br_rsa_public_key){ k->n, k->len, k->e, 3 };
}

/* x^d mod n by OpenSSL. */
static void expected(const struct key *k, uint8_t *x)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *v = BN_bin2bn(x, (int)k->len, NULL);
    if (BN_mod_exp(v, v, k->bd, k->bn, ctx) != 1)
        abort();
    BN_bn2binpad(v, x, (int)k->len);
    BN_free(v);
    BN_CTX_free(ctx);
}

static void check_private(const struct key *k, const uint8_t *x)
{
    uint8_t got[512], want[512];
    memcpy(got, x, k->len);
    memcpy(want, x, k->len);
    expected(k, want);
    CHECK_INT(rsa_ifma_private(got, &k->private), 1);
    if (memcmp(got, want, k->len) != 0) {
        unit_hex("p", k->p, k->len / 2);
        unit_hex("q", k->q, k->len / 2);
        unit_hex("x", x, k->len);
    }
    CHECK_MEM(got, want, k->len);
    CHECK_INT(rsa_ifma_public(got, k->len, &k->public), 1);
    CHECK_MEM(got, x, k->len);
}

/* --- cases -------------------------------------------------------------------------------------------------- */

static void selftest_passes(void)
{
    CHECK_INT(rsa_ifma_selftest(), 0);
}

static void private_agrees_with_openssl(void)
{
    for (size_t i = 0; i < COUNT(keys); i++)
        for (int t = 0; t < (i == 0 ? 150 : 25); t++) {
            uint8_t x[512];
            random_fill(x, keys[i].len);
            x[0] = 0;
            check_private(&keys[i], x);
        }
}

/* 0, 1, 2, n - 1, n - 2, multiples of the factors, all ones and zeros in a row. */
static void private_at_the_edges(void)
{
    for (size_t i = 0; i < COUNT(keys); i++) {
        const struct key *k = &keys[i];
        size_t half = k->len / 2;
        uint8_t x[512];
        for (unsigned small = 0; small < 3; small++) {
            memset(x, 0, k->len);
            x[k->len - 1] = (uint8_t)small;
            check_private(k, x);
            BIGNUM *v = BN_dup(k->bn);
            BN_sub_word(v, small + 1);
            BN_bn2binpad(v, x, (int)k->len);
            BN_free(v);
            check_private(k, x);
        }
        memset(x, 0, k->len);
        memcpy(x + half, k->p, half);
        check_private(k, x); /* zero modulo p */
        memcpy(x + half, k->q, half);
        check_private(k, x);
        x[k->len - 1] ^= 1; /* q - 1 */
        check_private(k, x);
        memset(x, 0xff, k->len);
        memset(x, 0, half);
        check_private(k, x); /* above p and q */
        memset(x, 0, k->len);
        x[1] = 0x80;
        check_private(k, x);
    }
}

static void agrees_with_bearssl(void)
{
    for (size_t i = 0; i < COUNT(keys); i++)
        for (int t = 0; t < 4; t++) {
            uint8_t x[512], y[512];
            random_fill(x, keys[i].len);
            x[0] = 0;
            memcpy(y, x, sizeof y);
            CHECK_INT(rsa_ifma_private(x, &keys[i].private), 1);
            CHECK_INT(br_rsa_private_get_default()(y, &keys[i].private), 1);
            CHECK_MEM(x, y, keys[i].len);
            random_fill(x, keys[i].len);
            x[0] = 0;
            memcpy(y, x, sizeof y);
            CHECK_INT(rsa_ifma_public(x, keys[i].len, &keys[i].public), 1);
            CHECK_INT(br_rsa_public_get_default()(y, keys[i].len, &keys[i].public), 1);
            CHECK_MEM(x, y, keys[i].len);
        }
}

/* Not below n, or of another length than n: refused; leading zeros of n and e count for nothing. */
static void public_refuses_and_takes(void)
{
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct key *k = &keys[i];
        uint8_t x[513], n[514] = { 0 }, e[5] = { 0 }, want[512];
        memcpy(x, k->n, k->len);
        CHECK_INT(rsa_ifma_public(x, k->len, &k->public), 0);
        memset(x, 0xff, sizeof x);
        CHECK_INT(rsa_ifma_public(x, k->len, &k->public), 0);
        memset(x, 0, sizeof x);
        CHECK_INT(rsa_ifma_public(x, k->len - 1, &k->public), 0);
        CHECK_INT(rsa_ifma_public(x, k->len + 1, &k->public), 0);
        memcpy(n + 2, k->n, k->len);
        memcpy(e + 2, k->e, 3);
        const br_rsa_public_key padded = { n, k->len + 2, e, 5 };
        random_fill(x, k->len);
        x[0] = 0;
        memcpy(want, x, k->len);
        CHECK_INT(rsa_ifma_public(want, k->len, &k->public), 1);
        CHECK_INT(rsa_ifma_public(x, k->len, &padded), 1);
        CHECK_MEM(x, want, k->len);
    }
}

static void public_exponents(void)
{
    static const uint8_t exponents[][8] = {
        { 1 }, { 3 }, { 17 }, { 1, 1 }, { 1, 0, 0, 0, 15 }, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }
    };
    static const size_t lengths[] = { 1, 1, 1, 2, 5, 8 };
    for (size_t i = 0; i < COUNT(keys); i++)
        for (size_t j = 0; j < COUNT(lengths); j++) {
            uint8_t x[512], want[512], e[8];
            BN_CTX *ctx = BN_CTX_new();
            random_fill(x, keys[i].len);
            x[0] = 0;
            memcpy(e, exponents[j], 8);
            BIGNUM *v = BN_bin2bn(x, (int)keys[i].len, NULL), *be = BN_bin2bn(e, (int)lengths[j], NULL);
            CHECK_INT(BN_mod_exp(v, v, be, keys[i].bn, ctx), 1);
            BN_bn2binpad(v, want, (int)keys[i].len);
            BN_free(v);
            BN_free(be);
            BN_CTX_free(ctx);
            const br_rsa_public_key pk = { keys[i].n, keys[i].len, e, lengths[j] };
            CHECK_INT(rsa_ifma_public(x, keys[i].len, &pk), 1);
            CHECK_MEM(x, want, keys[i].len);
        }
}

/* Other sizes are BearSSL's; CRT parts come without their leading zeros. */
static void other_shapes(void)
{
    static const unsigned sizes[] = { 1024, 1536, 2560 };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct key k;
        uint8_t x[512], y[512];
        make_key(&k, sizes[i]);
        random_fill(x, k.len);
        x[0] = 0;
        memcpy(y, x, sizeof y);
        CHECK_INT(rsa_ifma_private(y, &k.private), 1);
        CHECK_INT(rsa_ifma_public(y, k.len, &k.public), 1);
        CHECK_MEM(y, x, k.len);
        BN_free(k.bn);
        BN_clear_free(k.bd);
    }
    struct key *k = &keys[0];
    uint8_t x[512], want[512], small[1] = { 5 };
    random_fill(x, k->len);
    x[0] = 0;
    memcpy(want, x, sizeof want);
    br_rsa_private_key short_parts = k->private;
    short_parts.dp = short_parts.dq = small;
    short_parts.dplen = short_parts.dqlen = 1;
    BIGNUM *v = BN_bin2bn(x, (int)k->len, NULL), *five = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    BN_set_word(five, 5);
    CHECK_INT(BN_mod_exp(v, v, five, k->bn, ctx), 1);
    BN_bn2binpad(v, want, (int)k->len);
    BN_free(v);
    BN_free(five);
    BN_CTX_free(ctx);
    CHECK_INT(rsa_ifma_private(x, &short_parts), 1);
    CHECK_MEM(x, want, k->len);
}

/*
 * The kernel where carries run the farthest: factors of all ones and of one bit, modulo numbers of all ones.  a b / R mod n is checked
 * as a b = r R mod n.
 */
static void kernel_at_the_edges(void)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = BN_new(), *a = BN_new(), *b = BN_new(), *r = BN_new();
    for (unsigned bits = 2048; bits <= 4096; bits += 1024)
        for (int t = 0; t < 400; t++) {
            struct mont m;
            struct mont_num x = { { { 0 } } }, y = { { { 0 } } }, z;
            uint8_t nb[512], ab[512], bb[512], rb[1024];
            uint64_t limbs[MONT_LIMBS];
            size_t len = bits / 8;
            memset(nb, t & 1 ? 0xff : 0, len);
            random_fill(nb + len - 1 - (size_t)t % len, 1 + (size_t)t % len);
            nb[0] |= 0x80;
            nb[len - 1] |= 1;
            memset(ab, t & 2 ? 0xff : 0, len);
            memset(bb, t & 4 ? 0xff : 0, len);
            random_fill(t & 8 ? ab : bb, t & 16 ? len : 9);
            ab[random64() % len] ^= 1;
            mont_init(&m, bits, nb, NULL);
            mont_load(&x, &m, 0, ab, len);
            mont_load(&y, &m, 0, bb, len);
            mont_mul(&z, &x, &y, &m);
            for (unsigned i = 0; i < m.limbs; i++) {
                limbs[i] = *mont_limb(&z, &m, 0, i);
                CHECK(limbs[i] <= LIMB_MASK);
            }
            mont_store(rb, 7 * m.limbs, limbs, m.limbs);
            BN_bin2bn(rb, (int)(7 * m.limbs), r);
            BN_bin2bn(nb, (int)len, n);
            BN_bin2bn(ab, (int)len, a);
            BN_bin2bn(bb, (int)len, b);
            BN_mod_mul(a, a, b, n, ctx);
            BN_lshift1(b, n);
            CHECK(BN_cmp(r, b) < 0); /* as mont_mul promises */
            BN_lshift(r, r, (int)(52 * m.limbs));
            BN_nnmod(r, r, n, ctx);
            CHECK(BN_cmp(r, a) == 0);
        }
    BN_free(n);
    BN_free(a);
    BN_free(b);
    BN_free(r);
    BN_CTX_free(ctx);
}

int main(void)
{
    if (!cpu_has(RSA_NEEDS)) {
        printf("ok %d - RSA # SKIP no AVX-512 IFMA\n", ++unit_count);
        return DONE();
    }
    for (size_t i = 0; i < COUNT(keys); i++)
        make_key(&keys[i], 2048 + 1024 * (unsigned)i);
    RUN(selftest_passes);
    RUN(private_agrees_with_openssl);
    RUN(private_at_the_edges);
    RUN(agrees_with_bearssl);
    RUN(public_refuses_and_takes);
    RUN(public_exponents);
    RUN(other_shapes);
    RUN(kernel_at_the_edges);
    for (size_t i = 0; i < COUNT(keys); i++) {
        BN_free(keys[i].bn);
        BN_clear_free(keys[i].bd);
    }
    return DONE();
}

#else

int main(void)
{
    printf("ok %d - RSA # SKIP not x86-64\n", ++unit_count);
    return DONE();
}

#endif
