/* The accelerated P-256, signatures: standards' vectors, the edges of every range, and agreement with BearSSL and OpenSSL. */
#include "unit.h"

#include "cpu.h"

#ifdef __x86_64__

#include "p256_tests.h"
#include "x86/p256.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* OpenSSL 3 has no other way to sign with a given key */
#include <bearssl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

static void bearssl_sign(uint8_t rs[64], const uint8_t d[32], const uint8_t hash[32])
{
    uint8_t key[32];
    memcpy(key, d, 32);
    br_ec_private_key sk = { BR_EC_secp256r1, key, 32 };
    CHECK_INT(br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, hash, &sk, rs), 64);
}

/* RFC 6979 A.2.5, SHA-256: messages "sample" and "test". */
static void rfc6979_vectors(void)
{
    static const char *const vector[2][3] = {
        { "sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
          "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
        { "test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
          "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
    };
    uint8_t d[32], xy[64], want[64], hash[32], rs[64];
    unhex(d, 32, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    p256_mulgen(xy, d);
    unhex(want, 64,
          "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
          "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    CHECK_MEM(xy, want, 64);
    for (int i = 0; i < 2; i++) {
        br_sha256_context c;
        br_sha256_init(&c);
        br_sha256_update(&c, vector[i][0], strlen(vector[i][0]));
        br_sha256_out(&c, hash);
        unhex(want, 32, vector[i][1]);
        unhex(want + 32, 32, vector[i][2]);
        CHECK(p256_ecdsa_sign(rs, d, xy, hash));
        CHECK_MEM(rs, want, 64);
        CHECK(p256_ecdsa_verify(xy, hash, rs));
    }
}

/* RFC 6979 makes signatures comparable byte by byte; hashes at and above n are reduced alike. */
static void sign_agrees_with_bearssl(void)
{
    for (long t = 0; t < 400; t++) {
        uint8_t d[32], hash[32], rs[64], want[64], xy[64];
        scalar(d, t);
        random_fill(hash, 32);
        if (t % 7 == 0)
            memset(hash, t & 1 ? 0xff : 0, 32);
        if (t % 7 == 1) {
            memcpy(hash, order, 32);
            hash[31] = (uint8_t)(hash[31] + (int)(t % 3) - 1);
        }
        p256_mulgen(xy, d);
        CHECK(p256_ecdsa_sign(rs, d, xy, hash));
        bearssl_sign(want, d, hash);
        CHECK_MEM(rs, want, 64);
        CHECK(p256_ecdsa_verify(xy, hash, rs));
    }
}

/* Nonces at the edges; verification then meets u1 G + u2 Q with equal, opposite and vanishing parts. */
static void verify_with_chosen_nonces(void)
{
    for (int di = 0; di < 6; di++)
        for (int ki = 0; ki < 6; ki++)
            for (int hi = 0; hi < 4; hi++) {
                uint8_t d[32] = { 0 }, k[32] = { 0 }, hash[32] = { 0 }, rs[64], xy[64];
                uint8_t *which[2] = { d, k };
                int kind[2] = { di, ki };
                for (int i = 0; i < 2; i++) {
                    if (kind[i] < 3)
                        which[i][31] = (uint8_t)(kind[i] + 1);
                    else {
                        memcpy(which[i], order, 32);
                        which[i][31] = (uint8_t)(which[i][31] - (kind[i] - 2));
                    }
                }
                hash[31] = (uint8_t)hi;
                CHECK(p256_ecdsa_sign_nonce(rs, d, hash, k));
                p256_mulgen(xy, d);
                CHECK(p256_ecdsa_verify(xy, hash, rs));
                hash[31] ^= 0x80;
                CHECK(!p256_ecdsa_verify(xy, hash, rs));
            }
}

/* u1 G = u2 Q (the sum is a doubling) and u1 G = -u2 Q (it is infinity): r is any, z = +-r d. */
static void verify_where_the_parts_meet(void)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(order, 32, NULL), *r = BN_new(), *d = BN_new(), *z = BN_new(), *k = BN_new();
    for (long t = 0; t < 50; t++) {
        uint8_t db[32], kb[32], rb[64], hash[32], rs[64], xy[64];
        scalar(db, t);
        scalar(kb, t / 3);
        p256_mulgen(xy, kb);
        BN_bin2bn(xy, 32, r);
        BN_nnmod(r, r, n, ctx);
        BN_bin2bn(db, 32, d);
        BN_mod_mul(z, r, d, n, ctx);
        BN_bn2binpad(z, hash, 32);
        p256_mulgen(xy, db);
        CHECK(p256_ecdsa_sign_nonce(rs, db, hash, kb));
        CHECK(p256_ecdsa_verify(xy, hash, rs));
        BN_sub(z, n, z);
        BN_bn2binpad(z, hash, 32);
        BN_bn2binpad(r, rb, 32);
        random_fill(rb + 32, 32);
        rb[32] &= 0x7f;
        CHECK(!p256_ecdsa_verify(xy, hash, rb));
        /* Signing that is impossible too: s would be 0. */
        CHECK(!p256_ecdsa_sign_nonce(rs, db, hash, kb));
    }
    BN_free(n);
    BN_free(r);
    BN_free(d);
    BN_free(z);
    BN_free(k);
    BN_CTX_free(ctx);
}

/* Our signatures by OpenSSL, OpenSSL's by us, and each refused after a change. */
static void ecdsa_agrees_with_openssl(void)
{
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    for (int t = 0; t < 600; t++) {
        uint8_t d[32], xy[65] = { 4 }, hash[32], rs[64];
        scalar(d, t);
        random_fill(hash, 32);
        p256_mulgen(xy + 1, d);
        BIGNUM *bd = BN_bin2bn(d, 32, NULL);
        CHECK(EC_KEY_set_private_key(key, bd) == 1 && EC_KEY_oct2key(key, xy, 65, NULL) == 1);
        BN_free(bd);
        CHECK(p256_ecdsa_sign(rs, d, xy + 1, hash));
        ECDSA_SIG *sig = ECDSA_SIG_new();
        ECDSA_SIG_set0(sig, BN_bin2bn(rs, 32, NULL), BN_bin2bn(rs + 32, 32, NULL));
        CHECK_INT(ECDSA_do_verify(hash, 32, sig, key), 1);
        ECDSA_SIG_free(sig);
        sig = ECDSA_do_sign(hash, 32, key);
        const BIGNUM *r, *s;
        ECDSA_SIG_get0(sig, &r, &s);
        BN_bn2binpad(r, rs, 32);
        BN_bn2binpad(s, rs + 32, 32);
        ECDSA_SIG_free(sig);
        CHECK(p256_ecdsa_verify(xy + 1, hash, rs));
        unsigned bit = (unsigned)(random64() % 1280);
        uint8_t *place = bit < 512 ? rs : bit < 768 ? hash : xy + 1;
        bit -= bit < 512 ? 0 : bit < 768 ? 512 : 768;
        place[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(!p256_ecdsa_verify(xy + 1, hash, rs));
    }
    EC_KEY_free(key);
}

/* r and s out of 1..n-1 are refused, even where the equation holds modulo n; so are keys off the curve. */
static void verify_refuses_what_is_out_of_range(void)
{
    uint8_t d[32], xy[64], hash[32], rs[64], bad[64];
    scalar(d, 0);
    random_fill(hash, 32);
    p256_mulgen(xy, d);
    CHECK(p256_ecdsa_sign(rs, d, xy, hash));
    for (int part = 0; part < 2; part++) {
        memcpy(bad, rs, 64);
        memset(bad + 32 * part, 0, 32);
        CHECK(!p256_ecdsa_verify(xy, hash, bad));
        memcpy(bad + 32 * part, order, 32);
        CHECK(!p256_ecdsa_verify(xy, hash, bad));
        memset(bad + 32 * part, 0xff, 32);
        CHECK(!p256_ecdsa_verify(xy, hash, bad));
    }
    xy[40] ^= 1;
    CHECK(!p256_ecdsa_verify(xy, hash, rs));
    memset(xy, 0, 64);
    CHECK(!p256_ecdsa_verify(xy, hash, rs));
}

/*
 * x = r + n, which one signature in 2^128 has: the key is made for such a point R, as Q = (s R - z G) / r.
 * R has x = n + r for the first r that gives a point.
 */
static void verify_where_x_is_above_n(void)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = EC_POINT_new(group), *q = EC_POINT_new(group);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(order, 32, NULL), *x = BN_new(), *y = BN_new(), *r = BN_new(), *u1 = BN_new(), *u2 = BN_new();
    unsigned small = 1;
    do
        BN_copy(x, n);
    while (BN_add_word(x, small) == 1 && EC_POINT_set_compressed_coordinates(group, point, x, 0, ctx) != 1 && ++small < 100);
    uint8_t hash[32], rs[64], xy[64];
    random_fill(hash, 32);
    random_fill(rs + 32, 32);
    hash[0] = rs[32] = 0x12;
    memset(rs, 0, 32);
    rs[31] = (uint8_t)small;
    BN_bin2bn(rs, 32, r);
    BN_mod_inverse(r, r, n, ctx);
    BN_bin2bn(rs + 32, 32, u2);
    BN_mod_mul(u2, u2, r, n, ctx);
    BN_bin2bn(hash, 32, u1);
    BN_mod_mul(u1, u1, r, n, ctx);
    BN_sub(u1, n, u1);
    CHECK(EC_POINT_mul(group, q, u1, point, u2, ctx) == 1);
    EC_POINT_get_affine_coordinates(group, q, x, y, ctx);
    BN_bn2binpad(x, xy, 32);
    BN_bn2binpad(y, xy + 32, 32);
    CHECK(p256_ecdsa_verify(xy, hash, rs));
    rs[31]++;
    CHECK(!p256_ecdsa_verify(xy, hash, rs));
    BN_free(n);
    BN_free(x);
    BN_free(y);
    BN_free(r);
    BN_free(u1);
    BN_free(u2);
    BN_CTX_free(ctx);
    EC_POINT_free(point);
    EC_POINT_free(q);
    EC_GROUP_free(group);
}

/* The nonce's and the check's multiple are made together: nonces 2^bit and n - 2^bit, each has the one as the other's. */
static void nonces_at_window_edges(void)
{
    uint8_t d[32], hash[32], xy[64], rs[64], point[64];
    scalar(d, 0);
    p256_mulgen(xy, d);
    for (int bit = 0; bit < 256; bit++) {
        uint8_t k[2][32] = { { 0 } };
        k[0][31 - bit / 8] = (uint8_t)(1 << bit % 8);
        for (int i = 31, borrow = 0; i >= 0; i--) {
            int v = order[i] - k[0][i] - borrow;
            k[1][i] = (uint8_t)v;
            borrow = v < 0;
        }
        for (int i = 0; i < 2; i++) {
            random_fill(hash, sizeof hash);
            CHECK(p256_ecdsa_sign_nonce(rs, d, hash, k[i]));
            CHECK(p256_ecdsa_verify(xy, hash, rs));
            p256_mulgen(point, k[i]);
            if (memcmp(point, order, 32) < 0) /* else r is x - n */
                CHECK_MEM(rs, point, 32);
        }
    }
}

static void sign_refuses_bad_keys_and_nonces(void)
{
    uint8_t d[32] = { 0 }, hash[32] = { 1 }, k[32], rs[64];
    static const uint8_t zero[64];
    scalar(k, 0);
    CHECK(!p256_ecdsa_sign_nonce(rs, d, hash, k));
    CHECK_MEM(rs, zero, 64);
    memcpy(d, order, 32);
    CHECK(!p256_ecdsa_sign_nonce(rs, d, hash, k));
    scalar(d, 0);
    CHECK(p256_ecdsa_sign_nonce(rs, d, hash, k));
    CHECK(!p256_ecdsa_sign_nonce(rs, d, hash, zero));
    CHECK_MEM(rs, zero, 64);
}

/* Half of the pair overwritten after it was known to be good. */
static void sign_holds_to_the_public_key(void)
{
    static const uint8_t zero[64];
    uint8_t d[32], xy[64], hash[32] = { 3 }, rs[64];
    scalar(d, 0);
    p256_mulgen(xy, d);
    CHECK(p256_ecdsa_sign(rs, d, xy, hash));
    xy[10] ^= 1;
    CHECK(!p256_ecdsa_sign(rs, d, xy, hash));
    CHECK_MEM(rs, zero, 64);
    xy[10] ^= 1;
    d[10] ^= 1;
    CHECK(!p256_ecdsa_sign(rs, d, xy, hash));
    CHECK_MEM(rs, zero, 64);
    d[10] ^= 1;
    CHECK(p256_ecdsa_sign(rs, d, xy, hash));
}

int main(void)
{
    if (!cpu_has(P256_NEEDS)) {
        printf("ok %d - ECDSA on P-256 # SKIP no AVX2 and BMI2\n", ++unit_count);
        return DONE();
    }
    p256_init();
    RUN(rfc6979_vectors);
    RUN(sign_agrees_with_bearssl);
    RUN(verify_with_chosen_nonces);
    RUN(verify_where_the_parts_meet);
    RUN(ecdsa_agrees_with_openssl);
    RUN(verify_refuses_what_is_out_of_range);
    RUN(verify_where_x_is_above_n);
    RUN(nonces_at_window_edges);
    RUN(sign_refuses_bad_keys_and_nonces);
    RUN(sign_holds_to_the_public_key);
    return DONE();
}

#else

int main(void)
{
    printf("ok %d - ECDSA on P-256 # SKIP not x86-64\n", ++unit_count);
    return DONE();
}

#endif
