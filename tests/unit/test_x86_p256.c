/* The accelerated P-256, key exchange: standards' vectors, the edges of every range, and agreement with BearSSL and OpenSSL. */
#include "unit.h"

#include "bytes.h"
#include "cpu.h"

#ifdef __x86_64__

#include "p256_tests.h"
#include "x86/modinv.h"
#include "x86/p256.h"

#include <bearssl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

static const char prime[] = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

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
    return DONE();
}

#else

int main(void)
{
    printf("ok %d - P-256 # SKIP not x86-64\n", ++unit_count);
    return DONE();
}

#endif
