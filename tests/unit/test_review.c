/* What a second reading of the engine found: each case failed once. */
#include "unit.h"

#include "crl.h"
#include "forge.h"
#include "peer.h"
#include "pem.h"

static struct peer p;

/* A context takes up to 65535 credentials; the index of the chosen one is kept whole. */
static void last_of_many_credentials(void)
{
    enum { MANY = 40000 };
    struct tls13_ctx *ctx = test_ctx();
    struct tls13_info info;
    struct credential **many = realloc(ctx->creds, MANY * sizeof *many);
    CHECK(many != NULL);
    ctx->creds = many;
    for (size_t i = 1; i < MANY; i++)
        many[i] = many[0];
    ctx->n_creds = MANY;
    CHECK_INT(tls13_ctx_set_default(ctx, MANY - 1), 0);
    peer_fresh(&p, ctx);
    p.opt.sni = "elsewhere.example";
    CHECK(peer_handshake(&p, NULL));
    tls13_conn_info(p.conn, &info);
    CHECK_INT(info.credential, MANY - 1);
    CHECK_INT(p.n_tickets, 2);
    ctx->n_creds = 1;
    tls13_ctx_unref(ctx);
}

/* When the list ends that ends within the life of the certificates, in seconds since 1970. */
static int64_t list_ends(void)
{
    struct pem pem = { fixture_crl_stale, fixture_crl_stale + strlen(fixture_crl_stale) };
    struct crl crl;
    char label[64];
    uint8_t *der;
    size_t n;
    CHECK_INT(pem_next(&pem, label, &der, &n), 1);
    CHECK_INT(crl_parse(&crl, der, n), 0);
    int64_t at = crl.next_update;
    crl_free(&crl);
    free(der);
    return at;
}

/* A client that a full handshake would refuse, since its issuer's list has run out, is not let in by a ticket either. */
static void ticket_does_not_outlive_the_list(void)
{
    struct tls13_ctx *ctx = test_ctx();
    struct credential *c;
    int64_t then = test_now_ms, end = list_ends();
    CHECK_INT(tls13_ctx_set_client_ca(ctx, fixture_ca, strlen(fixture_ca)), 0);
    CHECK_INT(tls13_ctx_set_client_crl(ctx, fixture_crl_stale, strlen(fixture_crl_stale)), 0);
    CHECK_INT(tls13_ctx_set_client_auth(ctx, TLS13_CLIENT_AUTH_REQUIRE), 0);
    CHECK_INT(cred_load(&c, fixture_client, strlen(fixture_client), NULL, 0, NULL, NULL), 0);
    test_now_ms = (end - 100) * 1000;
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, c));
    struct peer_ticket t = p.tickets[0];
    CHECK_INT(t.lifetime, 100);
    peer_fresh(&p, ctx);
    p.opt.ticket = &t;
    CHECK(peer_handshake(&p, NULL));
    CHECK(p.resumed);
    test_now_ms = (end + 100) * 1000;
    peer_fresh(&p, ctx);
    p.opt.ticket = &t;
    CHECK(!peer_handshake(&p, c));
    CHECK(!p.resumed);
    CHECK_INT(p.last, -TLS13_E_CRL_STALE);
    test_now_ms = then;
    cred_free(c);
    tls13_ctx_unref(ctx);
}

/* Nor one whose certificate, or one above it, has. */
static void ticket_does_not_outlive_the_chain(void)
{
    static struct forge f;
    int64_t then = test_now_ms, end = 1893456000; /* the first second of 2030 */
    for (size_t early = 0; early < 2; early++) {
        f.cert[early].ends = "300101000000Z";
        forge_chain(&f, 3, false);
        struct tls13_ctx *ctx = forge_ctx(&f);
        test_now_ms = (end - 100) * 1000;
        peer_fresh(&p, ctx);
        CHECK(peer_handshake(&p, forge_credential(&f)));
        struct peer_ticket t = p.tickets[0];
        CHECK_INT(t.lifetime, 100);
        test_now_ms = end * 1000;
        for (int late = 0; late < 2; late++) {
            peer_fresh(&p, ctx);
            p.opt.ticket = &t;
            CHECK_INT(peer_handshake(&p, &f.cred), !late);
            CHECK_INT(p.resumed, !late);
            test_now_ms += 1000;
        }
        CHECK_INT(p.last, -TLS13_E_CERT_EXPIRED);
        f.cert[early].ends = NULL;
        forge_free(&f);
        tls13_ctx_unref(ctx);
    }
    test_now_ms = then;
}

/* RFC 8446 4.6.1: no ticket says more than seven days, not even where a clock is behind that of the machine that gave the first. */
static void a_clock_that_is_behind_gives_no_longer_tickets(void)
{
    struct tls13_ctx *ctx = test_ctx();
    int64_t then = test_now_ms;
    CHECK_INT(tls13_ctx_set_tickets(ctx, 1, LIMIT_LIFETIME), 0);
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    struct peer_ticket t = p.tickets[0];
    test_now_ms -= 50 * 1000;
    peer_fresh(&p, ctx);
    p.opt.ticket = &t;
    CHECK(peer_handshake(&p, NULL));
    CHECK(p.resumed);
    CHECK_INT(p.tickets[0].lifetime, LIMIT_LIFETIME);
    test_now_ms = then;
    tls13_ctx_unref(ctx);
}

/* RFC 8446 6.1: behind our close_notify we send nothing: no flight, no tickets. */
static void nothing_behind_close_notify(void)
{
    struct tls13_ctx *ctx = test_ctx();
    uint8_t msg[4 + MAX_HASH], rec[128], out[64];
    peer_fresh(&p, ctx);
    peer_hello(&p);
    peer_send_hello(&p);
    CHECK(peer_read(&p));
    CHECK(tls13_close(p.conn, out, sizeof out) != 0);
    size_t fin = peer_finished(&p, msg), len = peer_seal(&p, rec, CT_HANDSHAKE, msg, fin);
    peer_switch(&p, msg, fin);
    peer_feed(&p, rec, len);
    CHECK_INT(p.last, -TLS13_E_CLOSED);
    CHECK(!p.connected);
    CHECK_INT(p.n_out, 0);
    peer_fresh(&p, ctx);
    CHECK(tls13_close(p.conn, out, sizeof out) != 0);
    peer_hello(&p);
    peer_send_hello(&p);
    CHECK_INT(p.n_out, 0);
    tls13_ctx_unref(ctx);
}

/*
 * A leaf and its issuer, an RSA key with a public exponent of 2040 bits: valid signatures, made by hand.  No authority of ours is behind
 * them.
 */
static const char slow_chain[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICpjCCAY6gAwIBAgIBTTANBgkqhkiG9w0BAQsFADAMMQowCAYDVQQDDAFBMB4XDTIwMDEwMTAwMDAwMFoXDTQ5MDEwMTAwMDAwMFowDzENMAsG\n"
    "A1UEAwwEbGVhZjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBALi2gDTmgSAA5Xtkna52mx1XpR6YCIhpQMvXJVwnrJR0UbPHp9Vg05R7\n"
    "0mRM70UzEhjO5wnS6gXjfrV4MQkwCSs6ojjS1mm1MZQDD/hM0bRAGs5jbbtViijWkf9NEcXWIGkfbwYQhp/OGm6LSANTtXNWwvJ4QJPiJhFmUAhB\n"
    "pqf8DOD+XBQCHoqa544zL7XdhdI7k/SODtM6aVu7v63HSQnA/CjTtd74Mr+sfNn7dvIp7G/l1GMMBiQvYeI7sqDYnSIf8UBrHcVfxKy7iM1F5r66\n"
    "WWwKOrcfLIXqF9cADwS+P0e8EO2GrErL/ljVT+4VzhcnRo5tGLEaXoA6RBNtJz0CAwEAAaMQMA4wDAYDVR0TAQH/BAIwADANBgkqhkiG9w0BAQsF\n"
    "AAOCAQEANXQvTpN/4heHXdJPk0/jVpXGqu+YrhPFOFMbri+bmC3jMoy5zHhms5tihiKxQfMaJM3AvrJqYglIiZu0J2nuL9G3HnEKpOz5UMSBUYns\n"
    "+BQxOL/BMj8+y8+OFunXYufbJdJu9zuevpxOgySvAz+V8weiOetSa9ZsgC54EaxWeIvB47g3gD95sEGAsNUYKPKWCqrGp6lM5va1HwSWqZEDKzmy\n"
    "zTZkbxbyV1o0WPu5aWzkY/mMJ6V4+YigyBWRg0IiItt7YhIeig64jppWj09EauFP/fHe2FEiEHdpGvWwMiPuzGLHPjdrgK1+2XnaL1+/XcQj+6am\n"
    "KL3zeL5TnhPTUQ==\n"
    "-----END CERTIFICATE-----\n"
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDpTCCAo2gAwIBAgIBTTANBgkqhkiG9w0BAQsFADAMMQowCAYDVQQDDAFBMB4XDTIwMDEwMTAwMDAwMFoXDTQ5MDEwMTAwMDAwMFowDDEKMAgG\n"
    "A1UEAwwBQTCCAiEwDQYJKoZIhvcNAQEBBQADggIOADCCAgkCggEBALx6b+u1U+auTD9PBJld8D1LqHBjEQEAraSzQDsy6edIgSLypIBXbUbKd9Wu\n"
    "rpk+58Kb28C2BmzAw5OJyV5N/RYEuwfBFPg8qnhCiizKQ0apnvDAK1+iK0n249SMj1M47t7hhhkde+BFjs8daUGBCkgCrhuCkxwUk7dUAPFdBeaM\n"
    "PZme0bfhLi5BTfGO+kd3GhI4PDB4kKfAfTBfFVI/L4f9yuHHIWq8VPnY2/CGrFUiVDQ+JTTrg84FtFAuMzPFiOmP/dib0ESsS8xxRfwV6f/aIc7t\n"
    "Rd/4K8dBk7QnxLSZje5lN/jrsl6JBRTKOVHPG1WBhyMiAuZy1ljmxd9lZ/cCggEAAOh3HKhgZ4V+oYYxCq76oORfzgh8JGV6QcrrjDBMvs3Is1b1\n"
    "6K+7gfoDvQTxNn522Mac1fxFJp2pq3Ao2gS3S8hBetDWozCMEUpAoulP/L6o4RAM98VDrtm/H8PiwR+LJIe+I91Ttwoqz+CLVjgIABtMk98eYm1s\n"
    "k6N5oJpDpq4DRMKbcTLLFjjQTGzBnGHQ5nceznHIfooMqZx/CJXfPo/NGAettcfgarMhYcKztgDJhgqetA4JrF0EHEin3gAtKYGhlGYchTpDMBoD\n"
    "R8Kqqlx8bxIfa6DzK2Tmdl6WbTCjDkFwN++JSBBSL4GD7nIjMoRKOsk6HqG5ADJO6ZiX+aMTMBEwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0B\n"
    "AQsFAAOCAQEAueFQK8JotjkJbrWqrKb8ohq02QK8yQjBqRzBR3159SLuv/CMw23DB/AVhK52ltRD+51/yTiA5coa7SqoVETDRmDvqPAV/0rVZhzp\n"
    "I2QQIdjOFjAupcbEHd17utk0MPpUiYbiRYznSNeMGJr7d8ucMiNSJaS4skCibMvb905QMKS5Ylv0jnUakHvjKj07xk2OGimIKyF3GWJ9pP1M9bG3\n"
    "IszlRqxW9GiI6Io2RS0LHnBp9T+1rdaMi6GUq5xSKiUumr4KS8UyKZy9aFEsMNNBaGukucgNOLPqtuNPms9MqXFhnOg4tz8i730uwtHKaZNTgs5e\n"
    "bHqVhMfUvrMqXZS4iA==\n"
    "-----END CERTIFICATE-----\n";

/* Such a key is told by its length, before anything is verified with it: ten of them took 0.3 s. */
static void long_exponents_are_not_computed_with(void)
{
    struct pem pem = { slow_chain, slow_chain + strlen(slow_chain) };
    struct trust *t = trust_new();
    struct slice chain[10];
    uint8_t *der[2];
    char label[64];
    int64_t until;
    CHECK_INT(trust_add_ca(t, fixture_ca, strlen(fixture_ca)), 1);
    for (size_t i = 0; i < 2; i++) {
        size_t n;
        CHECK_INT(pem_next(&pem, label, &der[i], &n), 1);
        chain[i] = (struct slice){ der[i], n };
    }
    for (size_t i = 2; i < COUNT(chain); i++)
        chain[i] = chain[1];
    CHECK_INT(trust_verify(t, chain, 1, test_now_ms / 1000, &until), -TLS13_E_UNKNOWN_CA);
    CHECK_INT(trust_verify(t, chain, COUNT(chain), test_now_ms / 1000, &until), -TLS13_E_UNSUPPORTED_CERT);
    free(der[0]);
    free(der[1]);
    trust_free(t);
}

/* What trust_verify() says of the first n of the forged chain, whose last is the authority. */
static int judged(const struct forge *f, const struct trust *t, size_t n)
{
    struct slice chain[LIMIT_CHAIN];
    int64_t until;
    for (size_t i = 0; i < n; i++)
        chain[i] = (struct slice){ f->cert[i].der, f->cert[i].len };
    return trust_verify(t, chain, n, test_now_ms / 1000, &until);
}

/*
 * Nine signatures of somebody's own under a tenth that is not the authority's took 40 ms to verify, one after the other from the leaf
 * on.  They are verified from the authority down: what it did not sign costs one verification.
 */
static void chains_are_verified_from_the_authority_down(void)
{
    static struct forge f;
    static char pem[8192];
    struct trust *t = trust_new();
    forge_chain(&f, LIMIT_CHAIN + 1, false);
    size_t n = pem_write(pem, sizeof pem, "CERTIFICATE", f.cert[LIMIT_CHAIN].der, f.cert[LIMIT_CHAIN].len);
    CHECK_INT(trust_add_ca(t, pem, n), 1);
    CHECK_INT(judged(&f, t, LIMIT_CHAIN), 0);
    CHECK_INT(judged(&f, t, LIMIT_CHAIN - 1), -TLS13_E_UNKNOWN_CA);
    f.cert[0].der[f.cert[0].len - 1] ^= 1; /* the leaf's signature */
    CHECK_INT(judged(&f, t, LIMIT_CHAIN), -TLS13_E_BAD_CERT);
    f.cert[4].der[f.cert[4].len - 1] ^= 1; /* one between: found before the leaf's */
    CHECK_INT(judged(&f, t, LIMIT_CHAIN), -TLS13_E_BAD_CERT);
    f.cert[LIMIT_CHAIN - 1].der[f.cert[LIMIT_CHAIN - 1].len - 1] ^= 1; /* the authority's: found before both */
    CHECK_INT(judged(&f, t, LIMIT_CHAIN), -TLS13_E_UNKNOWN_CA);
    forge_free(&f);
    /* Certificates behind the one that the authority signed say nothing, as when a client sends the root too. */
    forge_chain(&f, 3, false);
    n = pem_write(pem, sizeof pem, "CERTIFICATE", f.cert[1].der, f.cert[1].len);
    CHECK_INT(trust_add_ca(t, pem, n), 1);
    CHECK_INT(judged(&f, t, 1), 0);
    f.cert[1].der[f.cert[1].len - 1] ^= 1;
    f.cert[2].der[f.cert[2].len - 1] ^= 1;
    CHECK_INT(judged(&f, t, 3), 0);
    /* An authority of the same name with another key: the chain's own certificate of it leads on. */
    key_wipe(&f.cert[1].key);
    forge_key(&f.cert[1].key, false, 77);
    forge_one(&f, 1, 2, 1);
    forge_one(&f, 0, 1, 1);
    forge_one(&f, 2, 2, 1);
    CHECK_INT(judged(&f, t, 2), -TLS13_E_UNKNOWN_CA);
    n = pem_write(pem, sizeof pem, "CERTIFICATE", f.cert[2].der, f.cert[2].len);
    CHECK_INT(trust_add_ca(t, pem, n), 1);
    CHECK_INT(judged(&f, t, 2), 0);
    forge_free(&f);
    trust_free(t);
}

int main(void)
{
    RUN(last_of_many_credentials);
    RUN(ticket_does_not_outlive_the_list);
    RUN(ticket_does_not_outlive_the_chain);
    RUN(long_exponents_are_not_computed_with);
    RUN(chains_are_verified_from_the_authority_down);
    RUN(a_clock_that_is_behind_gives_no_longer_tickets);
    RUN(nothing_behind_close_notify);
    if (p.conn != NULL)
        peer_free(&p);
    return DONE();
}
