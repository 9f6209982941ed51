/* The accelerated P-256: standards' vectors, the edges of every range, and agreement with BearSSL and OpenSSL. */
#include "chance.h"
#include "unit.h"

#include "bytes.h"
#include "cpu.h"

#ifdef __x86_64__

#include "x86/modinv.h"
#include "x86/p256.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* OpenSSL 3 has no other way to sign with a given key */
#include <bearssl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
static const char prime[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

/* A scalar in 1..n-1 of a kind that the turn picks: random, short, near n, dense, a single bit. */
static void scalar(uint8_t k[32], long turn)
{
    static const uint8_t zero[32];
    do {
        random_fill(k, 32);
        switch (turn % 5) {
        case 1:
            memset(k, 0, random64() % 32);
            break;
        case 2:
            memcpy(k, order, 32);
            k[31] = (uint8_t)(k[31] - 1 - random64() % 0x50);
            break;
        case 3:
            memset(k, random64() & 1 ? 0xff : 0x7f, 32);
            k[3] = 0xfe;
            for (int i = 0; i < 3; i++)
                k[4 + random64() % 28] = (uint8_t)random64();
            break;
        case 4:
            memset(k, 0, 32);
            k[random64() % 32] = (uint8_t)(1 << (random64() & 7));
            break;
        default:
            break;
        }
    } while (memcmp(k, order, 32) >= 0 || memcmp(k, zero, 32) == 0);
}

static void bearssl_mulgen(uint8_t xy[64], const uint8_t k[32])
{
    uint8_t point[65];
    CHECK_INT(br_ec_p256_m31.mulgen(point, k, 32, BR_EC_secp256r1), 65);
    memcpy(xy, point + 1, 64);
}

static void bearssl_mul(uint8_t x[32], const uint8_t xy[64], const uint8_t k[32])
{
    uint8_t point[65] = { 4 };
    memcpy(point + 1, xy, 64);
    CHECK_INT(br_ec_p256_m31.mul(point, 65, k, 32, BR_EC_secp256r1), 1);
    memcpy(x, point + 1, 32);
}

static void bearssl_sign(uint8_t rs[64], const uint8_t d[32], const uint8_t hash[32])
{
    uint8_t key[32];
    memcpy(key, d, 32);
    br_ec_private_key sk = { BR_EC_secp256r1, key, 32 };
    CHECK_INT(br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, hash, &sk, rs), 64);
}

/* --- ECDH and key generation -------------------------------------------------------------------------------- */

/* RFC 5903 8.1. */
static void rfc5903_vector(void)
{
    uint8_t i[32], r[32], gi[64], gr[64], want[64], x[32], shared[32];
    unhex(i, 32, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    unhex(r, 32, "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53");
    p256_mulgen(gi, i);
    unhex(want, 64,
          "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
          "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3");
    CHECK_MEM(gi, want, 64);
    p256_mulgen(gr, r);
    unhex(want, 64,
          "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
          "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
    CHECK_MEM(gr, want, 64);
    unhex(shared, 32, "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
    CHECK(p256_mul(x, gr, i));
    CHECK_MEM(x, shared, 32);
    CHECK(p256_mul(x, gi, r));
    CHECK_MEM(x, shared, 32);
}

/* 1 G, 2 G, (n - 1) G = -G, and small multiples and their negatives, by both multiplications. */
static void smallest_and_largest_scalars(void)
{
    uint8_t one[32] = { 0 }, g[64], k[32], minus[32], xy[64], neg[64], want[64], x[32];
    one[31] = 1;
    p256_mulgen(g, one);
    unhex(want, 64,
          "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
          "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    CHECK_MEM(g, want, 64);
    for (int i = 1; i <= 80; i++) {
        memset(k, 0, 32);
        k[31] = (uint8_t)i;
        memcpy(minus, order, 32);
        minus[31] = (uint8_t)(minus[31] - i);
        p256_mulgen(xy, k);
        bearssl_mulgen(want, k);
        CHECK_MEM(xy, want, 64);
        p256_mulgen(neg, minus);
        CHECK_MEM(neg, xy, 32);
        CHECK(memcmp(neg + 32, xy + 32, 32) != 0);
        CHECK(p256_mul(x, g, k));
        CHECK_MEM(x, xy, 32);
        CHECK(p256_mul(x, g, minus));
        CHECK_MEM(x, xy, 32);
    }
}

/* Scalars whose windows are such that the comb or the ladder comes near a doubling, at the ends of every window. */
static void scalars_at_window_edges(void)
{
    uint8_t one[32] = { 0 }, g[64];
    one[31] = 1;
    p256_mulgen(g, one);
    for (int bit = 1; bit < 256; bit++)
        for (int off = -1; off <= 1; off++) {
            uint8_t k[32] = { 0 }, xy[64], want[64], x[32];
            if (bit == 1 && off == -1)
                continue; /* 1, seen above */
            k[31 - bit / 8] = (uint8_t)(1 << bit % 8);
            int at = 31, carry = off;
            for (; at >= 0 && carry != 0; at--) {
                int v = k[at] + carry;
                k[at] = (uint8_t)v;
                carry = v < 0 ? -1 : v > 255 ? 1 : 0;
            }
            p256_mulgen(xy, k);
            bearssl_mulgen(want, k);
            CHECK_MEM(xy, want, 64);
            CHECK(p256_mul(x, g, k));
            CHECK_MEM(x, want, 32);
        }
}

static void ecdh_agrees_with_bearssl(void)
{
    for (long t = 0; t < 400; t++) {
        uint8_t k[32], k2[32], xy[64], want[64], x[32], wx[32];
        scalar(k, t);
        scalar(k2, t / 5);
        p256_mulgen(xy, k);
        bearssl_mulgen(want, k);
        CHECK_MEM(xy, want, 64);
        CHECK(p256_mul(x, xy, k2));
        bearssl_mul(wx, xy, k2);
        CHECK_MEM(x, wx, 32);
    }
}

static void ecdh_agrees_with_openssl(void)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *p = EC_POINT_new(group), *q = EC_POINT_new(group);
    BIGNUM *k = BN_new(), *k2 = BN_new(), *bx = BN_new(), *by = BN_new();
    for (long t = 0; t < 2000; t++) {
        uint8_t kb[32], kb2[32], xy[64], want[64], x[32];
        scalar(kb, t);
        scalar(kb2, t / 5);
        BN_bin2bn(kb, 32, k);
        BN_bin2bn(kb2, 32, k2);
        CHECK(EC_POINT_mul(group, p, k, NULL, NULL, NULL) == 1 && EC_POINT_mul(group, q, NULL, p, k2, NULL) == 1);
        EC_POINT_get_affine_coordinates(group, p, bx, by, NULL);
        BN_bn2binpad(bx, want, 32);
        BN_bn2binpad(by, want + 32, 32);
        p256_mulgen(xy, kb);
        CHECK_MEM(xy, want, 64);
        EC_POINT_get_affine_coordinates(group, q, bx, by, NULL);
        BN_bn2binpad(bx, want, 32);
        CHECK(p256_mul(x, xy, kb2));
        CHECK_MEM(x, want, 32);
    }
    BN_free(k);
    BN_free(k2);
    BN_free(bx);
    BN_free(by);
    EC_POINT_free(p);
    EC_POINT_free(q);
    EC_GROUP_free(group);
}

/* Points whose x is one of the smallest or largest of the field: y from OpenSSL. */
static void points_with_x_near_zero_and_p(void)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *p = EC_POINT_new(group);
    BIGNUM *x = BN_new(), *y = BN_new(), *m = NULL;
    int seen = 0;
    BN_hex2bn(&m, prime);
    for (unsigned i = 0; i < 60; i++) {
        BN_copy(x, m);
        if (i < 30)
            BN_sub_word(x, i + 1);
        else
            BN_set_word(x, i - 30);
        if (EC_POINT_set_compressed_coordinates(group, p, x, (int)(i & 1), NULL) != 1)
            continue;
        uint8_t xy[64], k[32], got[32], want[32];
        EC_POINT_get_affine_coordinates(group, p, x, y, NULL);
        BN_bn2binpad(x, xy, 32);
        BN_bn2binpad(y, xy + 32, 32);
        for (long t = 0; t < 5; t++) {
            scalar(k, t);
            CHECK(p256_mul(got, xy, k));
            bearssl_mul(want, xy, k);
            CHECK_MEM(got, want, 32);
        }
        seen++;
    }
    CHECK(seen > 20);
    BN_free(x);
    BN_free(y);
    BN_free(m);
    EC_POINT_free(p);
    EC_GROUP_free(group);
}

static void points_off_the_curve_are_refused(void)
{
    uint8_t k[32], xy[64], bad[64], x[32];
    static const uint8_t zero[64];
    scalar(k, 0);
    p256_mulgen(xy, k);
    for (int bit = 0; bit < 512; bit++) {
        memcpy(bad, xy, 64);
        bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(x, 0x5a, 32);
        CHECK(!p256_mul(x, bad, k));
        CHECK_MEM(x, zero, 32);
    }
    CHECK(!p256_mul(x, zero, k)); /* what some write for infinity */
    memset(bad, 0xff, 64);
    CHECK(!p256_mul(x, bad, k));
    /* x = p counts as 0 to careless code, and there is a point with x = 0: y^2 = b. */
    unhex(bad, 64,
          "0000000000000000000000000000000000000000000000000000000000000000"
          "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
    CHECK(p256_mul(x, bad, k));
    unhex(bad, 32, prime);
    CHECK(!p256_mul(x, bad, k));
    /* No y >= p either. */
    memcpy(bad, xy, 32);
    unhex(bad + 32, 32, prime);
    CHECK(!p256_mul(x, bad, k));
}

/* --- the inverse -------------------------------------------------------------------------------------------- */

static void inverse_agrees_with_openssl(void)
{
    static const struct modinv_modulus n = {
        { 0x33b9cac2fc632551, 0x339beab69c5e7a13, 0x3ffffffffffffffb, 0x3fffffc00000003f, 0x00000000000000ff }, 0x332e375511ff43b1
    };
    static const struct modinv_modulus p = {
        { 0x3fffffffffffffff, 0x00000003ffffffff, 0x0000000000000000, 0x3fffffc000000040, 0x00000000000000ff }, 0x3fffffffffffffff
    };
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *m = BN_new(), *a = BN_new(), *want = BN_new();
    uint8_t modulus[32];
    for (long t = 0; t < 5000; t++) {
        unsigned long long v[4], zero[4] = { 0 };
        uint8_t k[32], bytes[32], wb[32];
        if (t & 1)
            unhex(modulus, 32, prime);
        BN_bin2bn(t & 1 ? modulus : order, 32, m);
        scalar(k, t / 2);
        BN_bin2bn(k, 32, a);
        CHECK(BN_mod_inverse(want, a, m, ctx) != NULL);
        BN_bn2binpad(want, wb, 32);
        for (int i = 0; i < 4; i++)
            v[i] = load64(k + 24 - 8 * i);
        modinv256(v, v, t & 1 ? &p : &n);
        for (int i = 0; i < 4; i++)
            store64(bytes + 24 - 8 * i, v[i]);
        CHECK_MEM(bytes, wb, 32);
        modinv256(v, zero, t & 1 ? &p : &n);
        CHECK_MEM(v, zero, 32);
    }
    BN_free(m);
    BN_free(a);
    BN_free(want);
    BN_CTX_free(ctx);
}

/* --- ECDSA -------------------------------------------------------------------------------------------------- */

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
        printf("ok %d - P-256 # SKIP no AVX2 and BMI2\n", ++unit_count);
        return DONE();
    }
    p256_init();
    RUN(rfc5903_vector);
    RUN(smallest_and_largest_scalars);
    RUN(scalars_at_window_edges);
    RUN(ecdh_agrees_with_bearssl);
    RUN(ecdh_agrees_with_openssl);
    RUN(points_with_x_near_zero_and_p);
    RUN(points_off_the_curve_are_refused);
    RUN(inverse_agrees_with_openssl);
    RUN(rfc6979_vectors);
    RUN(sign_agrees_with_bearssl);
    RUN(verify_with_chosen_nonces);
    RUN(verify_where_the_parts_meet);
    RUN(ecdsa_agrees_with_openssl);
    RUN(verify_refuses_what_is_out_of_range);
    RUN(verify_where_x_is_above_n);
    RUN(sign_refuses_bad_keys_and_nonces);
    RUN(sign_holds_to_the_public_key);
    return DONE();
}

#else

int main(void)
{
    printf("ok %d - P-256 # SKIP not x86-64\n", ++unit_count);
    return DONE();
}

#endif
