/* Key exchange: the standards' vectors, both sides against each other, batches, and the shares that must be refused. */
#include "bytes.h"
#include "curve.h"
#include "curve_openssl.h"
#include "kex.h"
#include "mlkem.h"
#include "tls13.h"
#include "unit.h"

#include "../vectors/rfc8448.h"

static const uint16_t groups[] = { GROUP_X25519MLKEM768, GROUP_X25519, GROUP_SECP256R1, GROUP_SECP384R1 };
/* A job and its buffers. */
struct step {
    struct kex_job job;
    uint8_t client[KEX_MAX_CLIENT], random[KEX_MAX_RANDOM], server[KEX_MAX_SERVER], secret[KEX_MAX_SECRET];
};

static void step_init(struct step *s, uint16_t group)
{
    memset(s, 0xee, sizeof *s);
    s->job = (struct kex_job){ .group = kex_by_id(group), .client = s->client, .random = s->random, .server = s->server, .err = 77 };
    s->job.secret = s->secret;
    fill(s->random, sizeof s->random);
}

static int step_run(struct step *s)
{
    struct kex_job *jobs[] = { &s->job };
    kex_run(jobs, 1);
    return s->job.err;
}

static void check_refused(struct step *s)
{
    static const uint8_t zeros[KEX_MAX_SERVER];
    CHECK_INT(step_run(s), -TLS13_E_ILLEGAL);
    CHECK_MEM(s->secret, zeros, s->job.group->secret_len);
    CHECK_MEM(s->server, zeros, s->job.group->server_len);
}

/* A client's good share in s->client. */
static void good_share(struct step *s, struct kex_client *k)
{
    uint8_t random[KEX_MAX_RANDOM];
    fill(random, sizeof random);
    CHECK_INT(kex_client_share(k, s->job.group, random, s->client), 0);
}

/* --- the table -------------------------------------------------------------------------------------------- */

static void groups_by_name_and_id(void)
{
    size_t max[4] = { 0 };
    for (size_t i = 0; i < COUNT(groups); i++) {
        const struct kex_group *g = kex_by_id(groups[i]);
        CHECK(g != NULL && g->id == groups[i]);
        CHECK_INT(tls13_group_by_name(tls13_group_name(groups[i])), groups[i]);
        const size_t len[4] = { g->client_len, g->server_len, g->secret_len, g->random_len };
        for (size_t j = 0; j < 4; j++)
            max[j] = len[j] > max[j] ? len[j] : max[j];
    }
    CHECK(max[0] == KEX_MAX_CLIENT && max[1] == KEX_MAX_SERVER && max[2] == KEX_MAX_SECRET && max[3] <= KEX_MAX_RANDOM);
    CHECK_INT(kex_by_id(GROUP_SECP256R1)->client_len, 65);
    CHECK_INT(kex_by_id(GROUP_SECP384R1)->client_len, 97);
    CHECK_INT(kex_by_id(GROUP_X25519)->client_len, 32);
    CHECK_STR(tls13_group_name(0x11ec), "X25519MLKEM768");
    CHECK_STR(tls13_group_name(0), "");
    CHECK_STR(tls13_group_name(0x001e), "unknown");
    CHECK_INT(tls13_group_by_name("x25519mlkem768"), 0x11ec);
    CHECK_INT(tls13_group_by_name("X25519"), 0x001d);
    CHECK_INT(tls13_group_by_name("secp521r1"), 0);
    CHECK_INT(tls13_group_by_name(""), 0);
    CHECK(kex_by_id(0) == NULL && kex_by_id(0x0a0a) == NULL && kex_by_id(0x0019) == NULL);
}

/* --- vectors ---------------------------------------------------------------------------------------------- */

/* One exchange of a standard, the server's side. */
static void exchange(uint16_t group, const char *client, const char *scalar, const char *server, const char *secret)
{
    struct step s;
    uint8_t want[97];
    step_init(&s, group);
    CHECK_INT(unhex(s.client, sizeof s.client, client), s.job.group->client_len);
    CHECK_INT(unhex(s.random, sizeof s.random, scalar), s.job.group->random_len);
    CHECK_INT(step_run(&s), 0);
    CHECK_INT(unhex(want, sizeof want, server), s.job.group->server_len);
    CHECK_MEM(s.server, want, s.job.group->server_len);
    CHECK_INT(unhex(want, sizeof want, secret), s.job.group->secret_len);
    CHECK_MEM(s.secret, want, s.job.group->secret_len);
}

static const char p256_i[] = "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433";
static const char p256_r[] = "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53";
static const char p256_gi[] = "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
                              "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3";
static const char p256_gr[] = "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                              "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab";
static const char p256_gir[] = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";
static const char p384_i[] = "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194";
static const char p384_r[] = "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc";
static const char p384_gi[] = "04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
                              "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c";
static const char p384_gr[] = "04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
                              "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c";
static const char p384_gir[] = "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746";

static void x25519_of_rfc7748(void)
{
    /* 6.1, Bob's step. */
    exchange(GROUP_X25519, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
             "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
             "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
             "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

/* RFC 5903 8.1 and 8.2, each end in the server's part. */
static void nist_of_rfc5903(void)
{
    exchange(GROUP_SECP256R1, p256_gi, p256_r, p256_gr, p256_gir);
    exchange(GROUP_SECP256R1, p256_gr, p256_i, p256_gi, p256_gir);
    exchange(GROUP_SECP384R1, p384_gi, p384_r, p384_gr, p384_gir);
    exchange(GROUP_SECP384R1, p384_gr, p384_i, p384_gi, p384_gir);
}

/* The key pairs of RFC 8448; the secret is the second extraction's input. */
static void pairs_of_rfc8448(void)
{
    int done = 0;
    for (int section = 3; section <= 6; section++) {
        const char *client = NULL, *scalar = NULL, *server = NULL, *secret = NULL;
        int nth = 0;
        for (size_t i = 0; i < COUNT(rfc8448_pair); i++) {
            if (rfc8448_pair[i].section != section)
                continue;
            if (rfc8448_pair[i].who == 'c') /* after a HelloRetryRequest the last one counts */
                client = rfc8448_pair[i].pub;
            else {
                scalar = rfc8448_pair[i].priv;
                server = rfc8448_pair[i].pub;
            }
        }
        for (size_t i = 0; i < COUNT(rfc8448_extract); i++)
            if (rfc8448_extract[i].section == section && ++nth == 2)
                secret = rfc8448_extract[i].ikm;
        CHECK(client != NULL && scalar != NULL && secret != NULL);
        exchange(section == 5 ? GROUP_SECP256R1 : GROUP_X25519, client, scalar, server, secret);
        done++;
    }
    CHECK_INT(done, 4);
}

/* --- agreement -------------------------------------------------------------------------------------------- */

static void both_sides_agree(void)
{
    for (size_t g = 0; g < COUNT(groups); g++)
        for (int round = 0; round < 10; round++) {
            struct step s;
            struct kex_client k;
            uint8_t secret[KEX_MAX_SECRET];
            step_init(&s, groups[g]);
            good_share(&s, &k);
            CHECK_INT(step_run(&s), 0);
            CHECK_INT(kex_client_secret(&k, s.server, secret), 0);
            CHECK_MEM(secret, s.secret, s.job.group->secret_len);
            for (size_t i = s.job.group->server_len; i < sizeof s.server; i++) /* nothing beyond the lengths told */
                CHECK_INT(s.server[i], 0xee);
            for (size_t i = s.job.group->secret_len; i < sizeof s.secret; i++)
                CHECK_INT(s.secret[i], 0xee);
            for (size_t i = s.job.group->client_len; i < sizeof s.client; i++)
                CHECK_INT(s.client[i], 0xee);
        }
}

/* draft-ietf-tls-ecdhe-mlkem: ML-KEM comes first in both shares and in the secret. */
static void hybrid_is_both_in_order(void)
{
    struct step s, x;
    struct kex_client k;
    uint8_t ct[MLKEM_CT], ss[MLKEM_SS];
    step_init(&s, GROUP_X25519MLKEM768);
    good_share(&s, &k);
    CHECK_INT(step_run(&s), 0);
    CHECK_INT(mlkem_encaps(ct, ss, s.client, s.random), 0);
    CHECK_MEM(s.server, ct, sizeof ct);
    CHECK_MEM(s.secret, ss, sizeof ss);
    step_init(&x, GROUP_X25519);
    memcpy(x.client, s.client + MLKEM_EK, 32);
    memcpy(x.random, s.random + 32, 32);
    CHECK_INT(step_run(&x), 0);
    CHECK_MEM(s.server + MLKEM_CT, x.server, 32);
    CHECK_MEM(s.secret + MLKEM_SS, x.secret, 32);
}

/* Any number of jobs of mixed groups, some of them bad, gives each one what it gets alone. */
static void batches_change_nothing(void)
{
    static struct step alone[19], together[19];
    struct kex_job *jobs[19] = { NULL };
    for (size_t n = 0; n <= COUNT(jobs); n++) {
        for (size_t i = 0; i < n; i++) {
            /* P-384 is slow and never shares lanes: one in the batch is enough */
            uint16_t group = i == 7 ? GROUP_SECP384R1 : groups[rnd() % 3];
            struct kex_client k;
            step_init(&alone[i], group);
            good_share(&alone[i], &k);
            if (rnd() % 4 == 0) {
                uint16_t len = alone[i].job.group->client_len;
                memset(alone[i].client + (len > 97 ? len - 32 : 0), 0, len > 97 ? 32 : len);
            }
            together[i] = alone[i];
            together[i].job.client = together[i].client;
            together[i].job.random = together[i].random;
            together[i].job.server = together[i].server;
            together[i].job.secret = together[i].secret;
            jobs[i] = &together[i].job;
            (void)step_run(&alone[i]);
        }
        kex_run(jobs, n);
        for (size_t i = 0; i < n; i++) {
            CHECK_INT(together[i].job.err, alone[i].job.err);
            CHECK_MEM(together[i].server, alone[i].server, sizeof alone[i].server);
            CHECK_MEM(together[i].secret, alone[i].secret, sizeof alone[i].secret);
        }
    }
}

/* --- refusals --------------------------------------------------------------------------------------------- */

/* All u whose multiples by 8 are zero (RFC 7748 6.1; order 1, 2, 4, 8 on the curve and its twist), also not reduced. */
static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void x25519_of_low_order_is_refused(void)
{
    for (size_t i = 0; i < COUNT(low_order); i++)
        for (int top = 0; top < 2; top++) {
            struct step s;
            struct kex_client k;
            uint8_t secret[KEX_MAX_SECRET], zeros[KEX_MAX_SECRET] = { 0 };
            step_init(&s, GROUP_X25519);
            unhex(s.client, 32, low_order[i]);
            s.client[31] |= (uint8_t)(top << 7);
            check_refused(&s);

            step_init(&s, GROUP_X25519MLKEM768);
            good_share(&s, &k);
            unhex(s.client + MLKEM_EK, 32, low_order[i]);
            s.client[KEX_MAX_CLIENT - 1] |= (uint8_t)(top << 7);
            check_refused(&s);

            /* and by a client */
            good_share(&s, &k);
            CHECK_INT(step_run(&s), 0);
            unhex(s.server + MLKEM_CT, 32, low_order[i]);
            memset(secret, 0xee, sizeof secret);
            CHECK_INT(kex_client_secret(&k, s.server, secret), -TLS13_E_ILLEGAL);
            CHECK_MEM(secret, zeros, sizeof zeros);
        }
}

static void x25519_that_only_looks_odd_is_taken(void)
{
    struct step s;
    uint8_t want[32];
    step_init(&s, GROUP_X25519); /* p + 3, not reduced: RFC 7748 5 says take it */
    unhex(s.client, 32, "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    CHECK_INT(step_run(&s), 0);
    CHECK(openssl_x25519(want, s.random, s.client));
    CHECK_MEM(s.secret, want, 32);
    s.client[31] |= 0x80; /* bit 255 is masked */
    CHECK_INT(step_run(&s), 0);
    CHECK_MEM(s.secret, want, 32);
}

/* FIPS 203 7.2: a coefficient of 12 bits that is not below q = 3329. */
static void mlkem_key_out_of_range_is_refused(void)
{
    static const size_t at[] = { 0, 3, 600, 1149 };
    for (size_t i = 0; i < COUNT(at); i++) {
        struct step s;
        struct kex_client k;
        step_init(&s, GROUP_X25519MLKEM768);
        good_share(&s, &k);
        s.client[at[i]] = 0x01;
        s.client[at[i] + 1] = (uint8_t)((s.client[at[i] + 1] & 0xf0) | 0x0d); /* 0xd01 = 3329 */
        check_refused(&s);
        s.client[at[i]] = 0x00; /* 3328 */
        CHECK_INT(step_run(&s), 0);
    }
}

static void wrong_first_byte_is_refused(void)
{
    for (int big = 0; big < 2; big++)
        for (int first = 0; first < 256; first++) {
            struct step s;
            step_init(&s, big ? GROUP_SECP384R1 : GROUP_SECP256R1);
            unhex(s.client, sizeof s.client, big ? p384_gi : p256_gi);
            s.client[0] = (uint8_t)first;
            if (first != 4)
                check_refused(&s);
            else
                CHECK_INT(step_run(&s), 0);
        }
}

/* Bytes that are a point in no way, or in another curve's or another encoding. */
static void points_not_on_the_curve_are_refused(void)
{
    static const struct {
        uint16_t group;
        const char *x, *y;
    } bad[] = {
        /* (0, 0): how some write infinity */
        { GROUP_SECP256R1, "0000000000000000000000000000000000000000000000000000000000000000",
          "0000000000000000000000000000000000000000000000000000000000000000" },
        /* x + p with the y of x = 5, and p itself with that of x = 0: on the curve modulo p, but not in range */
        { GROUP_SECP256R1, "ffffffff00000001000000000000000000000001000000000000000000000004",
          "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc" },
        { GROUP_SECP256R1, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
          "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4" },
        /* y = p, and all ones */
        { GROUP_SECP256R1, "0000000000000000000000000000000000000000000000000000000000000005",
          "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff" },
        { GROUP_SECP256R1, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
        { GROUP_SECP384R1, "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
          "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" },
        { GROUP_SECP384R1, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff000000000000000100000001",
          "8cdeadbbd04911a3c1931e26df3fa6439dca9c7eb286fbd46fc319f0e2bb780232baf57825fc0c1912ada2fefe84024c" },
        { GROUP_SECP384R1, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
          "c306610fb0ae5a159cf45c06069f22a6c5eb3641c602d42dea2c4b4f75550793406d80d2b91ad54f9048bd487af1ade1" },
        { GROUP_SECP384R1, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct step s;
        step_init(&s, bad[i].group);
        s.client[0] = 4;
        size_t n = unhex(s.client + 1, 48, bad[i].x);
        CHECK_INT(1 + n + unhex(s.client + 1 + n, 48, bad[i].y), s.job.group->client_len);
        check_refused(&s);
    }
}

/* The reduced forms of those are points, and taken: it was the range that was refused. */
static void their_reduced_forms_are_taken(void)
{
    static const struct {
        uint16_t group;
        uint8_t x;
        const char *y;
    } good[] = {
        { GROUP_SECP256R1, 5, "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc" },
        { GROUP_SECP256R1, 0, "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4" },
        { GROUP_SECP384R1, 2, "8cdeadbbd04911a3c1931e26df3fa6439dca9c7eb286fbd46fc319f0e2bb780232baf57825fc0c1912ada2fefe84024c" },
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct step s;
        step_init(&s, good[i].group);
        size_t len = s.job.group->secret_len;
        memset(s.client, 0, sizeof s.client);
        s.client[0] = 4;
        s.client[len] = good[i].x;
        unhex(s.client + 1 + len, len, good[i].y);
        CHECK_INT(step_run(&s), 0);
        uint8_t want[97];
        openssl_ec(len == 32 ? &curve_p256 : &curve_p384, want, s.client, s.random);
        CHECK_MEM(s.secret, want + 1, len);
    }
}

static void any_flipped_bit_of_a_point_is_refused(void)
{
    for (int big = 0; big < 2; big++)
        for (size_t bit = 0; bit < (big ? 97U : 65U) * 8; bit += big ? 13 : 3) {
            struct step s;
            step_init(&s, big ? GROUP_SECP384R1 : GROUP_SECP256R1);
            unhex(s.client, sizeof s.client, big ? p384_gi : p256_gi);
            s.client[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check_refused(&s);
            CHECK(!nist_mul(big ? &curve_p384 : &curve_p256, s.secret, s.client, s.random));
        }
}

/* Random bytes that are no scalar make one: the exchange works all the same. */
static void zero_random_bytes_work(void)
{
    struct step s;
    struct kex_client k;
    uint8_t secret[KEX_MAX_SECRET];
    step_init(&s, GROUP_SECP256R1);
    good_share(&s, &k);
    memset(s.random, 0, sizeof s.random);
    CHECK_INT(step_run(&s), 0);
    CHECK_INT(kex_client_secret(&k, s.server, secret), 0);
    CHECK_MEM(secret, s.secret, 32);
}

static void client_refuses_bad_points(void)
{
    for (int big = 0; big < 2; big++) {
        struct step s;
        struct kex_client k;
        uint8_t secret[KEX_MAX_SECRET], zeros[48] = { 0 };
        step_init(&s, big ? GROUP_SECP384R1 : GROUP_SECP256R1);
        good_share(&s, &k);
        CHECK_INT(step_run(&s), 0);
        s.server[s.job.group->server_len - 1] ^= 1;
        CHECK_INT(kex_client_secret(&k, s.server, secret), -TLS13_E_ILLEGAL);
        CHECK_MEM(secret, zeros, s.job.group->secret_len);
    }
    struct kex_client k;
    uint8_t random[KEX_MAX_RANDOM] = { 0 }, share[KEX_MAX_CLIENT];
    CHECK(kex_client_share(&k, NULL, random, share) < 0);
}

int main(void)
{
    RUN(groups_by_name_and_id);
    RUN(x25519_of_rfc7748);
    RUN(nist_of_rfc5903);
    RUN(pairs_of_rfc8448);
    RUN(both_sides_agree);
    RUN(hybrid_is_both_in_order);
    RUN(batches_change_nothing);
    RUN(x25519_of_low_order_is_refused);
    RUN(x25519_that_only_looks_odd_is_taken);
    RUN(mlkem_key_out_of_range_is_refused);
    RUN(wrong_first_byte_is_refused);
    RUN(points_not_on_the_curve_are_refused);
    RUN(their_reduced_forms_are_taken);
    RUN(any_flipped_bit_of_a_point_is_refused);
    RUN(zero_random_bytes_work);
    RUN(client_refuses_bad_points);
    return DONE();
}
