/* P-256 and P-384 in portable C: standards' vectors, the edges of every range, agreement with OpenSSL and BearSSL. */
#include "unit.h"

#include "bytes.h"
#include "curve.h"
#include "nist.h"

#ifdef HAVE_NIST64

#define OPENSSL_SUPPRESS_DEPRECATED /* OpenSSL 3 has no other way to sign with a given key */
#include "curve_openssl.h"
#include "kdf.h"

#include <bearssl.h>
#include <openssl/ecdsa.h>

/* One curve: everything is called through this. */
static const struct under_test {
    const struct nist_curve *curve;
    int nid;
    void (*mulgen)(uint8_t *xy, const uint8_t *k);
    bool (*mul)(uint8_t *x, const uint8_t *xy, const uint8_t *k);
    bool (*sign)(uint8_t *rs, const uint8_t *d, const uint8_t *xy, const uint8_t *hash);
    bool (*sign_nonce)(uint8_t *rs, const uint8_t *d, const uint8_t *hash, const uint8_t *k);
    bool (*verify)(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs);
} both[] = {
    { &curve_p256, NID_X9_62_prime256v1, nist64_p256_mulgen, nist64_p256_mul, nist64_p256_sign, nist64_p256_sign_nonce,
      nist64_p256_verify },
    { &curve_p384, NID_secp384r1, nist64_p384_mulgen, nist64_p384_mul, nist64_p384_sign, nist64_p384_sign_nonce, nist64_p384_verify },
};
static const struct under_test *c;
static size_t n_bytes;
static const uint8_t *order;

/* value = n + by, in n_bytes big-endian bytes; |by| is small. */
static void near_order(uint8_t *value, int by)
{
    memcpy(value, order, n_bytes);
    for (size_t i = n_bytes; i-- > 0;) {
        by += value[i];
        value[i] = (uint8_t)by;
        by >>= 8;
    }
}

/* A scalar in 1..n-1 of a kind that the turn picks: random, short, near n, dense, a single bit. */
static void scalar(uint8_t *k, unsigned turn)
{
    static const uint8_t zero[48];
    do {
        fill(k, n_bytes);
        switch (turn % 5) {
        case 1:
            memset(k, 0, rnd() % n_bytes);
            break;
        case 2:
            near_order(k, -1 - (int)(rnd() % 80));
            break;
        case 3:
            memset(k, rnd() & 1 ? 0xff : 0x7f, n_bytes);
            k[3] = 0xfe;
            for (int i = 0; i < 3; i++)
                k[4 + rnd() % (n_bytes - 4)] = (uint8_t)rnd();
            break;
        case 4:
            memset(k, 0, n_bytes);
            k[rnd() % n_bytes] = (uint8_t)(1 << (rnd() & 7));
            break;
        default:
            break;
        }
    } while (memcmp(k, order, n_bytes) >= 0 || memcmp(k, zero, n_bytes) == 0);
}

/* --- key generation and ECDH -------------------------------------------------------------------------------- */

/* RFC 5903 8.1 and 8.2. */
static void rfc5903(void)
{
    static const char *const vectors[2][5] = {
        { "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
          "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
          "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
          "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
          "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
          "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
          "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
        { "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
          "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
          "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
          "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
          "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
          "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
          "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746" },
    };
    const char *const *v = vectors[c - both];
    uint8_t i[48], r[48], gi[96], gr[96], want[96], x[48];
    CHECK_INT(unhex(i, sizeof i, v[0]), n_bytes);
    CHECK_INT(unhex(want, sizeof want, v[1]), 2 * n_bytes);
    c->mulgen(gi, i);
    CHECK_MEM(gi, want, 2 * n_bytes);
    CHECK_INT(unhex(r, sizeof r, v[2]), n_bytes);
    CHECK_INT(unhex(want, sizeof want, v[3]), 2 * n_bytes);
    c->mulgen(gr, r);
    CHECK_MEM(gr, want, 2 * n_bytes);
    CHECK_INT(unhex(want, sizeof want, v[4]), n_bytes);
    CHECK(c->mul(x, gr, i));
    CHECK_MEM(x, want, n_bytes);
    CHECK(c->mul(x, gi, r));
    CHECK_MEM(x, want, n_bytes);
}

static void like_openssl(const uint8_t *k, const uint8_t *point)
{
    uint8_t xy[96], want[97], x[96];
    openssl_ec(c->curve, want, NULL, k);
    c->mulgen(xy, k);
    CHECK_MEM(xy, want + 1, 2 * n_bytes);
    openssl_ec(c->curve, want, point, k);
    CHECK(c->mul(x, point + 1, k));
    CHECK_MEM(x, want + 1, n_bytes);
    memcpy(xy, point + 1, 2 * n_bytes);
    CHECK(c->mul(xy, xy, k)); /* in place */
    CHECK_MEM(xy, want + 1, n_bytes);
}

/* Every scalar near 0 and n: all digits of the lowest window, and where its sum comes closest to a multiple that it adds. */
static void multiples_like_openssl(void)
{
    uint8_t k[48], point[97] = { 4 };
    scalar(k, 0);
    openssl_ec(c->curve, point, NULL, k);
    for (int i = 1; i <= 70; i++) {
        memset(k, 0, n_bytes);
        k[n_bytes - 1] = (uint8_t)i;
        like_openssl(k, point);
        near_order(k, -i);
        like_openssl(k, point);
    }
    for (unsigned t = 0; t < 120; t++) {
        scalar(k, t);
        like_openssl(k, point);
        if (t % 4 == 0)
            openssl_ec(c->curve, point, NULL, k);
    }
}

static void points_off_the_curve_are_refused(void)
{
    static const uint8_t zero[48];
    uint8_t k[48], xy[96], x[48];
    scalar(k, 0);
    for (int t = 0; t < 200; t++) {
        c->mulgen(xy, k);
        if (t % 3 == 2) /* a coordinate that is congruent to a good one, or p itself */
            memcpy(xy + (t & 1) * n_bytes, c->curve->p, n_bytes);
        else
            xy[rnd() % (2 * n_bytes)] ^= (uint8_t)(1 << (rnd() & 7));
        memset(x, 5, sizeof x);
        CHECK(!c->mul(x, xy, k));
        CHECK_MEM(x, zero, n_bytes);
        if (t % 50 == 0)
            scalar(k, 0);
    }
    memset(xy, 0, sizeof xy);
    CHECK(!c->mul(x, xy, k));
}

/* --- ECDSA -------------------------------------------------------------------------------------------------- */

/* RFC 6979 A.2.5 with SHA-256 and A.2.6 with SHA-384. */
static void rfc6979(void)
{
    static const char *const vectors[2][6] = {
        { "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
          "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
          "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
          "sample",
          "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
          "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
          "test",
          "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
          "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
        { "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
          "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13"
          "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
          "sample",
          "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
          "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
          "test",
          "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1dd3ca3cf023db"
          "ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b828246baa5a5" },
    };
    const char *const *v = vectors[c - both];
    uint8_t d[48], xy[96], want[96], hash[48], rs[96];
    unhex(d, sizeof d, v[0]);
    unhex(want, sizeof want, v[1]);
    c->mulgen(xy, d);
    CHECK_MEM(xy, want, 2 * n_bytes);
    for (int i = 2; i < 6; i += 2) {
        hash_once(n_bytes == 32 ? HASH_SHA256 : HASH_SHA384, v[i], strlen(v[i]), hash);
        CHECK_INT(unhex(want, sizeof want, v[i + 1]), 2 * n_bytes);
        CHECK(c->sign(rs, d, xy, hash));
        CHECK_MEM(rs, want, 2 * n_bytes);
        CHECK(c->verify(xy, hash, rs));
    }
}

/* RFC 6979 makes signatures comparable byte by byte; hashes at and above n are reduced alike. */
static void signatures_like_bearssl(void)
{
    for (unsigned t = 0; t < 24; t++) {
        uint8_t d[48], copy[48], hash[48], rs[96], want[96], xy[96];
        scalar(d, t);
        fill(hash, sizeof hash);
        if (t % 7 == 0)
            memset(hash, t & 1 ? 0xff : 0, sizeof hash);
        if (t % 7 == 1)
            near_order(hash, (int)(t % 3) - 1);
        c->mulgen(xy, d);
        CHECK(c->sign(rs, d, xy, hash));
        memcpy(copy, d, n_bytes);
        br_ec_private_key sk = { c->curve->id, copy, n_bytes };
        CHECK_INT(br_ecdsa_i31_sign_raw(&br_ec_all_m31, n_bytes == 32 ? &br_sha256_vtable : &br_sha384_vtable, hash, &sk, want),
                  2 * n_bytes);
        CHECK_MEM(rs, want, 2 * n_bytes);
    }
}

/* Our signatures by OpenSSL, OpenSSL's by us, and each refused after a change. */
static void signatures_like_openssl(void)
{
    EC_KEY *key = EC_KEY_new_by_curve_name(c->nid);
    const int n = (int)n_bytes;
    for (unsigned t = 0; t < 60; t++) {
        uint8_t d[48], xy[97] = { 4 }, hash[48], rs[96];
        scalar(d, t);
        fill(hash, sizeof hash);
        c->mulgen(xy + 1, d);
        BIGNUM *bd = BN_bin2bn(d, n, NULL);
        CHECK(EC_KEY_set_private_key(key, bd) == 1 && EC_KEY_oct2key(key, xy, 1 + 2 * n_bytes, NULL) == 1);
        BN_free(bd);
        CHECK(c->sign(rs, d, xy + 1, hash));
        ECDSA_SIG *sig = ECDSA_SIG_new();
        ECDSA_SIG_set0(sig, BN_bin2bn(rs, n, NULL), BN_bin2bn(rs + n, n, NULL));
        CHECK_INT(ECDSA_do_verify(hash, n, sig, key), 1);
        ECDSA_SIG_free(sig);
        sig = ECDSA_do_sign(hash, n, key);
        const BIGNUM *r, *s;
        ECDSA_SIG_get0(sig, &r, &s);
        BN_bn2binpad(r, rs, n);
        BN_bn2binpad(s, rs + n, n);
        ECDSA_SIG_free(sig);
        CHECK(c->verify(xy + 1, hash, rs));
        uint8_t *place = t % 3 == 0 ? rs + rnd() % (2 * n_bytes) : t % 3 == 1 ? hash + rnd() % n_bytes : xy + 1 + rnd() % (2 * n_bytes);
        *place ^= (uint8_t)(1 << (rnd() & 7));
        CHECK(!c->verify(xy + 1, hash, rs));
    }
    EC_KEY_free(key);
}

/* Keys, nonces and hashes at the edges; verification then meets u1 G + u2 Q with equal, opposite and vanishing parts. */
static void chosen_nonces(void)
{
    for (int di = -2; di < 3; di++)
        for (int ki = -2; ki < 3; ki++)
            for (int hi = 0; hi < 4; hi++) {
                uint8_t d[48] = { 0 }, k[48] = { 0 }, hash[48] = { 0 }, rs[96], xy[96];
                if (di < 0)
                    near_order(d, di);
                else
                    d[n_bytes - 1] = (uint8_t)(di + 1);
                if (ki < 0)
                    near_order(k, ki);
                else
                    k[n_bytes - 1] = (uint8_t)(ki + 1);
                hash[n_bytes - 1] = (uint8_t)hi;
                CHECK(c->sign_nonce(rs, d, hash, k));
                c->mulgen(xy, d);
                CHECK(c->verify(xy, hash, rs));
                hash[n_bytes - 1] ^= 0x80;
                CHECK(!c->verify(xy, hash, rs));
            }
}

/* u1 G = u2 Q (the sum is a doubling) and u1 G = -u2 Q (it is infinity): z = +-r d. */
static void where_the_parts_meet(void)
{
    const int n = (int)n_bytes;
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *o = BN_bin2bn(order, n, NULL), *r = BN_new(), *d = BN_new(), *z = BN_new();
    for (unsigned t = 0; t < 12; t++) {
        uint8_t db[48], kb[48], forged[96], hash[48], rs[96], xy[96];
        scalar(db, t);
        scalar(kb, t / 3);
        c->mulgen(xy, kb);
        BN_bin2bn(xy, n, r);
        BN_nnmod(r, r, o, ctx);
        BN_bin2bn(db, n, d);
        BN_mod_mul(z, r, d, o, ctx);
        BN_bn2binpad(z, hash, n);
        c->mulgen(xy, db);
        CHECK(c->sign_nonce(rs, db, hash, kb));
        CHECK(c->verify(xy, hash, rs));
        BN_sub(z, o, z);
        BN_bn2binpad(z, hash, n);
        BN_bn2binpad(r, forged, n);
        fill(forged + n, n_bytes);
        forged[n] &= 0x7f;
        CHECK(!c->verify(xy, hash, forged));
        CHECK(!c->sign_nonce(rs, db, hash, kb)); /* s would be 0 */
    }
    BN_free(o);
    BN_free(r);
    BN_free(d);
    BN_free(z);
    BN_CTX_free(ctx);
}

/* r = v modulo the order. */
static void signed_number(BIGNUM *r, int v, const BIGNUM *o)
{
    BN_set_word(r, (BN_ULONG)abs(v));
    if (v < 0)
        BN_sub(r, o, r);
}

/*
 * Verification of u1 G + u2 Q for all pairs of small numbers and their negatives, with Q small multiples of G too, so that sums and digits
 * meet on the way: with R = u1 G + u2 Q, r = x(R) and s = r / u2, the signature r, s of z = u1 s is good.
 */
static void chosen_multiples(void)
{
    static const int u[] = { 0, 1, 2, 3, 15, 16, 17, 31, 32, 33, -1, -2, -16, -17, -33 }, keys[] = { 1, 2, 16, -1 };
    const int n = (int)n_bytes;
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *o = BN_bin2bn(order, n, NULL), *r = BN_new(), *s = BN_new(), *u2 = BN_new();
    for (size_t i = 0; i < 4 * 15 * 14; i++) {
        int d = keys[i / (15 * 14)], a = u[i / 14 % 15], b = u[1 + i % 14], sum = a + b * d;
        uint8_t db[48], xy[96], hash[48], rs[96] = { 0 };
        signed_number(r, d, o);
        BN_bn2binpad(r, db, n);
        c->mulgen(xy, db);
        signed_number(r, sum == 0 ? 1 : sum, o); /* infinity has no x: any r */
        BN_bn2binpad(r, db, n);
        c->mulgen(rs, db);
        BN_bin2bn(rs, n, r);
        BN_nnmod(r, r, o, ctx);
        signed_number(u2, b, o);
        BN_mod_inverse(u2, u2, o, ctx);
        BN_mod_mul(s, r, u2, o, ctx);
        BN_bn2binpad(r, rs, n);
        BN_bn2binpad(s, rs + n, n);
        signed_number(r, a, o);
        BN_mod_mul(s, s, r, o, ctx);
        BN_bn2binpad(s, hash, n);
        CHECK_INT(c->verify(xy, hash, rs), sum != 0);
    }
    BN_free(o);
    BN_free(r);
    BN_free(s);
    BN_free(u2);
    BN_CTX_free(ctx);
}

/* x = r + n, which one signature in 2^128 has: the key is made for such a point R, as Q = (s R - z G) / r. */
static void where_x_is_above_n(void)
{
    const int n = (int)n_bytes;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(c->nid);
    EC_POINT *point = EC_POINT_new(group), *q = EC_POINT_new(group);
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *o = BN_bin2bn(order, n, NULL), *x = BN_new(), *y = BN_new(), *r = BN_new(), *u1 = BN_new(), *u2 = BN_new();
    unsigned small = 1;
    do
        BN_copy(x, o);
    while (BN_add_word(x, small) == 1 && EC_POINT_set_compressed_coordinates(group, point, x, 0, ctx) != 1 && ++small < 100);
    uint8_t hash[48], rs[96] = { 0 }, xy[96];
    fill(hash, sizeof hash);
    fill(rs + n, n_bytes);
    hash[0] = rs[n] = 0x12;
    rs[n - 1] = (uint8_t)small;
    BN_bin2bn(rs, n, r);
    BN_mod_inverse(r, r, o, ctx);
    BN_bin2bn(rs + n, n, u2);
    BN_mod_mul(u2, u2, r, o, ctx);
    BN_bin2bn(hash, n, u1);
    BN_mod_mul(u1, u1, r, o, ctx);
    BN_sub(u1, o, u1);
    CHECK(EC_POINT_mul(group, q, u1, point, u2, ctx) == 1);
    EC_POINT_get_affine_coordinates(group, q, x, y, ctx);
    BN_bn2binpad(x, xy, n);
    BN_bn2binpad(y, xy + n, n);
    CHECK(c->verify(xy, hash, rs));
    rs[n - 1]++;
    CHECK(!c->verify(xy, hash, rs));
    BN_free(o);
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

/* r, s, private key and nonce out of 1..n-1 are refused; so are keys off the curve and halves of different pairs. */
static void what_is_out_of_range(void)
{
    static const uint8_t zero[96];
    uint8_t d[48], k[48], xy[96], hash[48], rs[96], bad[96];
    scalar(d, 0);
    scalar(k, 0);
    fill(hash, sizeof hash);
    c->mulgen(xy, d);
    CHECK(c->sign(rs, d, xy, hash));
    for (int part = 0; part < 2; part++) {
        memcpy(bad, rs, sizeof bad);
        memset(bad + n_bytes * (size_t)part, 0, n_bytes);
        CHECK(!c->verify(xy, hash, bad));
        memcpy(bad + n_bytes * (size_t)part, order, n_bytes);
        CHECK(!c->verify(xy, hash, bad));
        memset(bad + n_bytes * (size_t)part, 0xff, n_bytes);
        CHECK(!c->verify(xy, hash, bad));
    }
    CHECK(!c->sign_nonce(bad, zero, hash, k) && memcmp(bad, zero, 2 * n_bytes) == 0);
    CHECK(!c->sign_nonce(bad, order, hash, k) && memcmp(bad, zero, 2 * n_bytes) == 0);
    CHECK(!c->sign_nonce(bad, d, hash, zero) && memcmp(bad, zero, 2 * n_bytes) == 0);
    CHECK(!c->sign_nonce(bad, d, hash, order) && memcmp(bad, zero, 2 * n_bytes) == 0);
    d[10] ^= 1; /* half of the pair overwritten after it was known to be good */
    CHECK(!c->sign(bad, d, xy, hash) && memcmp(bad, zero, 2 * n_bytes) == 0);
    d[10] ^= 1;
    xy[40] ^= 1;
    CHECK(!c->sign(bad, d, xy, hash) && memcmp(bad, zero, 2 * n_bytes) == 0);
    CHECK(!c->verify(xy, hash, rs));
    xy[40] ^= 1;
    CHECK(c->sign(bad, d, xy, hash));
    CHECK_MEM(bad, rs, 2 * n_bytes);
}

static void run_all(const struct under_test *t)
{
    c = t;
    n_bytes = c->curve->len;
    order = c->curve->n;
    RUN(rfc5903);
    RUN(multiples_like_openssl);
    RUN(points_off_the_curve_are_refused);
    RUN(rfc6979);
    RUN(signatures_like_bearssl);
    RUN(signatures_like_openssl);
    RUN(chosen_nonces);
    RUN(where_the_parts_meet);
    RUN(chosen_multiples);
    RUN(where_x_is_above_n);
    RUN(what_is_out_of_range);
}

int main(void)
{
    run_all(&both[0]);
    run_all(&both[1]);
    return DONE();
}
#else
int main(void)
{
    printf("1..0 # SKIP no 128-bit integers\n");
    return 0;
}
#endif
