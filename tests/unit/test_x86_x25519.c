/* The accelerated X25519s: RFC 7748's vectors, edge cases, and agreement with BearSSL and with OpenSSL. */
#include "chance.h"
#include "unit.h"

#include "bytes.h"
#include "cpu.h"
#include "curve.h"
#include "x25519.h"
#include "x86/x25519_x2.h"
#include "x86/x25519_x8.h"

#include <openssl/evp.h>

/* --- every implementation through one door ------------------------------------------------------------------ */

typedef void (*one_x25519)(uint8_t out[32], const uint8_t k[32], const uint8_t u[32]);

#ifdef HAVE_X25519_SCALAR
static void by_scalar(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
    x25519_scalar(out, k, u);
}
#endif

#ifdef __x86_64__
/* First and second in turn, the other one noise. */
static void by_pair(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
    static unsigned turn;
    uint8_t ks[2][32], us[2][32], outs[2][32];
    unsigned at = turn++ & 1;
    random_fill(ks, sizeof ks);
    random_fill(us, sizeof us);
    if (turn & 2)
        memset(us, 0, sizeof us); /* a point at infinity beside it may not matter */
    memcpy(ks[at], k, 32);
    memcpy(us[at], u, 32);
    x25519_x2(outs, ks, us);
    memcpy(out, outs[at], 32);
}

/* In every lane in turn, the other lanes full of noise. */
static void by_lane(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
    static unsigned turn;
    uint8_t ks[8][32], us[8][32], outs[8][32];
    unsigned lane = turn++ & 7;
    random_fill(ks, sizeof ks);
    random_fill(us, sizeof us);
    memcpy(ks[lane], k, 32);
    memcpy(us[lane], u, 32);
    x25519_x8(outs, ks, us);
    memcpy(out, outs[lane], 32);
}
#endif

static one_x25519 under_test;

/* BearSSL's, always the last of the list. */
static void reference(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
    size_t last = 0;
    while (x25519_impl_at(last + 1) != NULL)
        last++;
    x25519_impl_at(last)->mul((void *)out, (const void *)k, (const void *)u, 1);
}

static void check_hex(const char *k, const char *u, const char *want)
{
    uint8_t kb[32], ub[32], wb[32], got[32];
    CHECK_INT(unhex(kb, 32, k), 32);
    CHECK_INT(unhex(ub, 32, u), 32);
    CHECK_INT(unhex(wb, 32, want), 32);
    for (int lane = 0; lane < 8; lane++) {
        under_test(got, kb, ub);
        CHECK_MEM(got, wb, 32);
    }
}

/* --- cases -------------------------------------------------------------------------------------------------- */

/* RFC 7748 5.2 and 6.1. */
static void rfc7748_vectors(void)
{
    check_hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
              "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
              "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    check_hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
              "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
              "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
    check_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
              "0900000000000000000000000000000000000000000000000000000000000000",
              "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    check_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
              "0900000000000000000000000000000000000000000000000000000000000000",
              "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    check_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
              "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
              "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

/* RFC 7748 5.2: k is the new k, the old k the new u; after one and after 1000 rounds. */
static void rfc7748_iterated(void)
{
    uint8_t k[32] = { 9 }, u[32] = { 9 }, out[32], want[32];
    for (int i = 1; i <= 1000; i++) {
        under_test(out, k, u);
        memcpy(u, k, 32);
        memcpy(k, out, 32);
        if (i == 1) {
            unhex(want, 32, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
            CHECK_MEM(k, want, 32);
        }
    }
    unhex(want, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
    CHECK_MEM(k, want, 32);
}

/* The points of order 1, 2, 4 and 8 on the curve and its twist, in every encoding of 32 bytes: all give zero. */
static void low_order_gives_zero(void)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000", /* 0 */
        "0100000000000000000000000000000000000000000000000000000000000000", /* 1 */
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", /* order 8 */
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", /* order 8 */
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p - 1 */
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p = 0 */
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p + 1 = 1 */
    };
    static const uint8_t zero[32];
    for (size_t i = 0; i < COUNT(points); i++)
        for (int high_bit = 0; high_bit < 2; high_bit++) {
            uint8_t k[32], u[32], out[32];
            random_fill(k, 32);
            unhex(u, 32, points[i]);
            u[31] |= (uint8_t)(high_bit << 7);
            under_test(out, k, u);
            CHECK_MEM(out, zero, 32);
        }
}

/* u from p to 2^255 - 1 counts modulo p: RFC 7748 5 says to accept it. */
static void non_canonical_u(void)
{
    for (int over = 0; over < 19; over++) {
        uint8_t k[32], big[32], small[32] = { 0 }, got[32], want[32];
        random_fill(k, 32);
        memset(big, 0xff, 32);
        big[0] = (uint8_t)(0xed + over);
        big[31] = 0x7f;
        small[0] = (uint8_t)over;
        under_test(got, k, big);
        reference(want, k, small);
        CHECK_MEM(got, want, 32);
    }
}

static void agrees_with_bearssl(void)
{
    for (int t = 0; t < 600; t++) {
        uint8_t k[32], u[32], got[32], want[32];
        random_fill(k, 32);
        random_fill(u, 32);
        if (t % 3 == 1) { /* sparse or dense words, as carries love them */
            memset(u, t & 1 ? 0xff : 0, 32);
            memset(k, t & 2 ? 0xff : 0, 32);
            for (int i = 0; i < 4; i++)
                u[random64() % 32] ^= (uint8_t)(1 << (random64() & 7));
        }
        if (t % 3 == 2) { /* near p */
            memset(u, 0xff, 32);
            u[0] = (uint8_t)random64();
            u[31] = t & 1 ? 0x7f : 0xff;
        }
        under_test(got, k, u);
        reference(want, k, u);
        CHECK_MEM(got, want, 32);
    }
}

static void agrees_with_openssl(void)
{
    for (int t = 0; t < 2000; t++) {
        uint8_t k[32], peer[32], u[32], got[32], want[32];
        size_t n = 32;
        random_fill(k, 32);
        random_fill(peer, 32);
        EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, k, 32);
        EVP_PKEY *other = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, peer, 32);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
        CHECK(EVP_PKEY_get_raw_public_key(other, u, &n) == 1 && n == 32);
        CHECK(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, other) == 1 && EVP_PKEY_derive(ctx, want, &n) == 1);
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(own);
        EVP_PKEY_free(other);
        under_test(got, k, u);
        CHECK_MEM(got, want, 32);
    }
}

/* Out may be either input. */
static void in_place(void)
{
    uint8_t k[32], u[32], want[32];
    random_fill(k, 32);
    random_fill(u, 32);
    reference(want, k, u);
#ifdef HAVE_X25519_SCALAR
    uint8_t over_k[32], over_u[32];
    memcpy(over_k, k, 32);
    memcpy(over_u, u, 32);
    x25519_scalar(over_k, over_k, u);
    CHECK_MEM(over_k, want, 32);
    x25519_scalar(over_u, k, over_u);
    CHECK_MEM(over_u, want, 32);
#endif
#ifdef __x86_64__
    if (cpu_has(X25519_X2_NEEDS)) {
        uint8_t ks[2][32], us[2][32];
        for (int over = 0; over < 2; over++) {
            for (int i = 0; i < 2; i++) {
                memcpy(ks[i], k, 32);
                memcpy(us[i], u, 32);
            }
            x25519_x2(over ? us : ks, (const void *)ks, (const void *)us);
            CHECK_MEM(over ? us[0] : ks[0], want, 32);
            CHECK_MEM(over ? us[1] : ks[1], want, 32);
        }
    }
#endif
}

/* Whatever number of lanes the seam is asked for, each gets its own answer and nothing is written behind the last. */
static void seam_counts(void)
{
    const struct x25519_impl *impl;
    for (size_t i = 0; (impl = x25519_impl_at(i)) != NULL; i++)
        for (size_t n = 1; n <= X25519_LANES; n++) {
            uint8_t k[8][32], u[8][32], out[9][32], want[32];
            random_fill(k, sizeof k);
            random_fill(u, sizeof u);
            memset(out, 0x5a, sizeof out);
            impl->mul(out, (const void *)k, (const void *)u, n);
            for (size_t j = 0; j < n; j++) {
                reference(want, k[j], u[j]);
                CHECK_MEM(out[j], want, 32);
            }
            memset(want, 0x5a, 32);
            CHECK_MEM(out[n], want, 32);
        }
}

static void selftests_pass(void)
{
#ifdef HAVE_X25519_SCALAR
    CHECK_INT(x25519_scalar_selftest(), 0);
#endif
#ifdef __x86_64__
    if (cpu_has(X25519_X2_NEEDS))
        CHECK_INT(x25519_x2_selftest(), 0);
    if (cpu_has(X25519_X8_NEEDS))
        CHECK_INT(x25519_x8_selftest(), 0);
#endif
}

static void run_all(one_x25519 impl)
{
    under_test = impl;
    RUN(rfc7748_vectors);
    RUN(rfc7748_iterated);
    RUN(low_order_gives_zero);
    RUN(non_canonical_u);
    RUN(agrees_with_bearssl);
    RUN(agrees_with_openssl);
}

int main(void)
{
#ifdef HAVE_X25519_SCALAR
    run_all(by_scalar);
#endif
#ifdef __x86_64__
    if (cpu_has(X25519_X2_NEEDS))
        run_all(by_pair);
    else
        printf("ok %d - two at once # SKIP no AVX-512 IFMA\n", ++unit_count);
    if (cpu_has(X25519_X8_NEEDS))
        run_all(by_lane);
    else
        printf("ok %d - eight lanes # SKIP no AVX-512 IFMA\n", ++unit_count);
#endif
    RUN(in_place);
    RUN(seam_counts);
    RUN(selftests_pass);
    return DONE();
}
