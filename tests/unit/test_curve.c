/* The curves, every implementation this CPU has: RFC 7748's vectors, and OpenSSL on random and awkward numbers. */
#include "bytes.h"
#include "curve.h"
#include "curve_openssl.h"
#include "kdf.h"

/* Coordinates with long runs of equal bits: where carries go wrong. */
static void awkward(uint8_t p[32])
{
    memset(p, rnd() & 1 ? 0xff : 0, 32);
    for (uint32_t n = rnd() % 4; n > 0; n--) {
        uint32_t from = rnd() % 256, to = from + rnd() % (257 - from);
        for (uint32_t bit = from; bit < to; bit++)
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void x25519_of_rfc7748(void)
{
    static const char *const cases[][3] = {
        { "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
          "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
          "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
        { "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
          "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
          "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
    };
    const struct x25519_impl *impl;
    for (size_t i = 0; (impl = x25519_impl_at(i)) != NULL; i++) {
        printf("# %s\n", impl->name);
        uint8_t k[1][32], u[1][32], out[1][32], want[32];
        for (size_t c = 0; c < COUNT(cases); c++) {
            unhex(k[0], 32, cases[c][0]);
            unhex(u[0], 32, cases[c][1]);
            unhex(want, 32, cases[c][2]);
            impl->mul(out, (const void *)k, (const void *)u, 1);
            CHECK_MEM(out, want, 32);
        }
        memset(k, 0, sizeof k);
        k[0][0] = 9;
        memcpy(u, k, sizeof u);
        for (int round = 1; round <= 1000; round++) {
            impl->mul(out, (const void *)k, (const void *)u, 1);
            memcpy(u, k, sizeof u);
            memcpy(k, out, sizeof k);
            if (round == 1) {
                unhex(want, 32, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
                CHECK_MEM(k, want, 32);
            }
        }
        unhex(want, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
        CHECK_MEM(k, want, 32);
    }
}

/* All implementations, every number of lanes. */
static void x25519_like_openssl(void)
{
    const struct x25519_impl *impl;
    for (size_t i = 0; (impl = x25519_impl_at(i)) != NULL; i++)
        for (size_t round = 0; round < 6; round++)
            for (size_t n = 1; n <= X25519_LANES; n++) {
                uint8_t k[X25519_LANES][32], u[X25519_LANES][32], out[X25519_LANES][32], want[32];
                memset(out, 0xee, sizeof out);
                for (size_t l = 0; l < n; l++) {
                    awkward(u[l]);
                    fill(k[l], 32);
                    if (round % 3 == 0)
                        fill(u[l], 32);
                    else if (round % 3 == 1)
                        awkward(k[l]);
                }
                impl->mul(out, (const void *)k, (const void *)u, n);
                for (size_t l = 0; l < n; l++) {
                    (void)openssl_x25519(want, k[l], u[l]);
                    CHECK_MEM(out[l], want, 32);
                }
                for (size_t l = n; l < X25519_LANES; l++)
                    for (size_t j = 0; j < 32; j++)
                        CHECK_INT(out[l][j], 0xee);
            }
}

static void nist_like_openssl(void)
{
    for (int round = 0; round < 12; round++)
        for (int big = 0; big < 2; big++) {
            const struct nist_curve *c = big ? &curve_p384 : &curve_p256;
            uint8_t k[48], peer[48], point[97], want[97], got[97];
            fill(k, sizeof k);
            fill(peer, sizeof peer);
            if (round < 2) {
                memset(k, 0, c->len - 1U - (unsigned)round); /* tiny scalars */
                k[c->len - 1] |= 1;
            } else if (round < 4) {
                memcpy(k, c->n, c->len);
                k[c->len - 1] = (uint8_t)(k[c->len - 1] - round + 1); /* n - 1 and n - 2 */
            }
            openssl_ec(c, point, NULL, peer);
            openssl_ec(c, want, NULL, k);
            nist_mulgen(c, got, k);
            CHECK_MEM(got, want, 1 + 2 * (size_t)c->len);
            openssl_ec(c, want, point, k);
            CHECK(nist_mul(c, got, point, k));
            CHECK_MEM(got, want + 1, c->len);
        }
}

/* Each implementation of P-256 that can run here. */
static void p256_implementations(void)
{
    const struct p256_impl *impl;
    for (size_t i = 0; (impl = p256_impl_at(i)) != NULL; i++) {
        printf("# %s\n", impl->name);
        for (int round = 0; round < 20; round++) {
            uint8_t k[32], peer[32], point[65], want[65], got[64];
            fill(k, sizeof k);
            fill(peer, sizeof peer);
            if (round % 2)
                awkward(k);
            nist_scalar(&curve_p256, k, k);
            openssl_ec(&curve_p256, point, NULL, peer);
            openssl_ec(&curve_p256, want, NULL, k);
            impl->mulgen(got, k);
            CHECK_MEM(got, want + 1, 64);
            openssl_ec(&curve_p256, want, point, k);
            CHECK(impl->mul(got, point + 1, k));
            CHECK_MEM(got, want + 1, 32);
            point[1 + rnd() % 64] ^= (uint8_t)(1 << rnd() % 8);
            if (memcmp(point + 1, curve_p256.p, 32) < 0 && memcmp(point + 33, curve_p256.p, 32) < 0)
                CHECK(!impl->mul(got, point + 1, k));
        }
    }
}

/* Random bytes that are 0 or >= n become another scalar, always the same one; those in range stay. */
static void scalars_are_in_range(void)
{
    for (int big = 0; big < 2; big++) {
        const struct nist_curve *c = big ? &curve_p384 : &curve_p256;
        uint8_t n_minus_1[48], n_plus_1[48], zero[48] = { 0 }, one[48] = { 0 }, ones[48], k[48], want[48];
        memset(ones, 0xff, sizeof ones);
        one[c->len - 1] = 1;
        memcpy(n_minus_1, c->n, 48);
        memcpy(n_plus_1, c->n, 48);
        n_minus_1[c->len - 1]--;
        n_plus_1[c->len - 1]++;
        const uint8_t *const kept[] = { one, n_minus_1 }, *const replaced[] = { zero, c->n, n_plus_1, ones };
        for (size_t i = 0; i < COUNT(kept); i++) {
            nist_scalar(c, k, kept[i]);
            CHECK_MEM(k, kept[i], c->len);
        }
        for (size_t i = 0; i < COUNT(replaced); i++) {
            nist_scalar(c, k, replaced[i]);
            CHECK_INT(hash_once(big ? HASH_SHA384 : HASH_SHA256, replaced[i], c->len, want), c->len);
            CHECK_MEM(k, want, c->len);
            CHECK(memcmp(k, c->n, c->len) < 0);
        }
    }
}

int main(void)
{
    RUN(x25519_of_rfc7748);
    RUN(x25519_like_openssl);
    RUN(nist_like_openssl);
    RUN(p256_implementations);
    RUN(scalars_are_in_range);
    return DONE();
}
