/* Resumption against the engine: tickets, what they are bound to, how long they hold, their keys; 0-RTT, which is skipped. */
#include "unit.h"

#include "crl.h"
#include "edit.h"
#include "forge.h"
#include "pem.h"

static struct peer p; /* big: not on the stack */

static void tickets(void)
{
    struct tls13_ctx *ctx = test_ctx();
    CHECK_INT(tls13_ctx_set_tickets(ctx, LIMIT_TICKETS, 604800), 0);
    CHECK_INT(tls13_ctx_set_tickets(ctx, 1, 604801), -TLS13_E_BAD_ARGUMENT); /* 4.6.1: seven days at most */
    CHECK_INT(tls13_ctx_set_tickets(ctx, LIMIT_TICKETS + 1, 1), -TLS13_E_BAD_ARGUMENT);
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    CHECK_INT(p.n_tickets, LIMIT_TICKETS);
    for (size_t i = 0, at = 4; i < LIMIT_TICKETS; i++, at++) {
        struct slice m = peer_sent(&p, at);
        CHECK_INT(m.p[0], MSG_NEW_SESSION_TICKET);
        CHECK_INT(ids_of(m.p, m.n).n, 0); /* no early_data: 0-RTT is never offered */
        CHECK(p.tickets[i].lifetime <= 604800);
        for (size_t j = 0; j < i; j++) { /* each its own nonce, age_add and PSK */
            struct slice o = peer_sent(&p, 4 + j);
            CHECK(memcmp(m.p + 8, o.p + 8, 4) != 0);
            CHECK_INT(m.p[12], 1);
            CHECK(m.p[13] != o.p[13]);
            CHECK(memcmp(p.tickets[i].psk, p.tickets[j].psk, 32) != 0);
            CHECK(memcmp(p.tickets[i].id, p.tickets[j].id, p.tickets[i].id_len) != 0);
        }
    }
    peer_fresh(&p, ctx);
    p.opt.no_modes = true; /* no ticket for who cannot use it (4.2.9) */
    CHECK(peer_handshake(&p, NULL));
    CHECK_INT(p.n_tickets, 0);
    tls13_ctx_unref(ctx);
}

/* 4.6.1: in front of the client's Finished, which then follows by itself from what was said; not when it may come with a certificate. */
static void tickets_come_with_the_flight(void)
{
    uint8_t msg[4 + MAX_HASH];
    for (int asks = 0; asks < 2; asks++) {
        struct tls13_ctx *ctx = test_ctx();
        if (asks)
            CHECK_INT(tls13_ctx_set_client_auth(ctx, TLS13_CLIENT_AUTH_REQUEST), 0);
        peer_fresh(&p, ctx);
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), TLS13_MORE);
        CHECK(peer_read(&p));
        CHECK(p.finished_ok && !p.connected);
        CHECK_INT(p.n_tickets, asks ? 0 : 2);
        if (asks) {
            uint8_t cert[64];
            CHECK_INT(peer_send(&p, CT_HANDSHAKE, cert, peer_certificate(&p, NULL, cert)), TLS13_MORE);
        }
        size_t n = peer_finished(&p, msg);
        peer_send(&p, CT_HANDSHAKE, msg, n);
        CHECK(p.connected);
        peer_switch(&p, msg, n);
        CHECK(peer_read(&p));
        CHECK_INT(p.n_tickets, 2);

        struct peer_ticket t = p.tickets[1];
        peer_fresh(&p, ctx);
        p.opt.ticket = &t;
        CHECK(peer_handshake(&p, NULL));
        CHECK(p.resumed);
        tls13_ctx_unref(ctx);
    }
}

static void resumption(void)
{
    static const uint16_t suites[] = { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 };
    for (size_t i = 0; i < COUNT(suites); i++)
        for (int retried = 0; retried < 2; retried++) {
            struct tls13_ctx *ctx = test_ctx();
            struct peer_ticket t;
            peer_fresh(&p, ctx);
            p.opt.suites[0] = suites[i];
            CHECK(peer_handshake(&p, NULL));
            t = p.tickets[1];
            CHECK_INT(t.lifetime, 86400);
            for (int again = 0; again < 3; again++) { /* each with the ticket of the one before */
                peer_fresh(&p, ctx);
                p.opt.suites[0] = suites[i];
                p.opt.ticket = &t;
                if (retried)
                    p.opt.groups[1] = p.opt.share[0] = 0x2a2a;
                CHECK(peer_handshake(&p, NULL));
                CHECK(p.resumed);
                CHECK_INT(p.scheme, 0);
                CHECK_INT(p.n_tickets, 1);
                CHECK(peer_echo(&p));
                t = p.tickets[0];
            }
            tls13_ctx_unref(ctx);
        }
}

static void bad_binder_is_decrypt_error(void)
{
    struct tls13_ctx *ctx = test_ctx();
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    struct peer_ticket t = p.tickets[0];
    peer_fresh(&p, ctx);
    p.opt.ticket = &t;
    p.opt.bad_binder = true;
    CHECK(!peer_handshake(&p, NULL));
    CHECK_INT(p.last, -TLS13_E_DECRYPT);
    CHECK_INT(p.alert, TLS13_ALERT_decrypt_error);
    tls13_ctx_unref(ctx);
}

/* A ticket offered under the options in hand; => whether it was taken (the handshake must succeed either way). */
static bool offered(struct tls13_ctx *ctx, const struct peer_ticket *t, const char *sni, const char *alpn)
{
    peer_fresh(&p, ctx);
    p.opt.ticket = t;
    p.opt.sni = sni;
    p.opt.alpn = alpn;
    CHECK(peer_handshake(&p, NULL));
    return p.resumed;
}

static void ticket_stays_within_its_policy(void)
{
    struct tls13_ctx *ctx = test_ctx(), *other = test_ctx();
    static const char *const protocols[] = { "h2", "http/1.1" };
    CHECK_INT(tls13_ctx_set_alpn(ctx, protocols, 2), 0);
    CHECK_INT(tls13_ctx_add_pem(ctx, fixture_second, strlen(fixture_second), NULL, 0), 1);
    peer_fresh(&p, ctx);
    p.opt.alpn = "h2";
    CHECK(peer_handshake(&p, NULL));
    struct peer_ticket t = p.tickets[0], broken = t;
    CHECK(offered(ctx, &t, "localhost", "h2"));
    CHECK(!offered(ctx, &t, "second.example", "h2")); /* another name */
    CHECK(!offered(ctx, &t, NULL, "h2"));
    CHECK(!offered(ctx, &t, "localhost", "http/1.1")); /* another protocol */
    CHECK(!offered(ctx, &t, "localhost", NULL));
    CHECK_INT(tls13_ctx_set_alpn(other, protocols, 2), 0);
    CHECK(offered(other, &t, "localhost", "h2")); /* the same policy on another machine */
    CHECK_INT(tls13_ctx_set_ticket_scope(other, "other listener", 14), 0);
    CHECK(!offered(other, &t, "localhost", "h2"));
    CHECK_INT(tls13_ctx_set_ticket_scope(other, "", 0), 0);
    CHECK(offered(other, &t, "localhost", "h2"));
    CHECK_INT(tls13_ctx_set_tickets(other, 0, 86400), 0); /* no tickets: none is taken either */
    CHECK(!offered(other, &t, "localhost", "h2"));
    broken.id[40] ^= 1;
    CHECK(!offered(ctx, &broken, "localhost", "h2"));
    broken = t;
    broken.id_len--;
    CHECK(!offered(ctx, &broken, "localhost", "h2"));
    tls13_ctx_unref(ctx);
    tls13_ctx_unref(other);
}

static void ticket_ages(void)
{
    struct tls13_ctx *ctx = test_ctx();
    int64_t start = test_now_ms;
    CHECK_INT(tls13_ctx_set_tickets(ctx, 2, 1000), 0);
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    struct peer_ticket t = p.tickets[0];
    CHECK_INT(t.lifetime, 1000);
    test_now_ms = start + 600 * 1000;
    CHECK(offered(ctx, &t, "localhost", NULL));
    struct peer_ticket renewed = p.tickets[0];
    CHECK_INT(renewed.lifetime, 400); /* counted from the full handshake */
    test_now_ms = start + 1001 * 1000;
    CHECK(!offered(ctx, &renewed, "localhost", NULL));
    CHECK(!offered(ctx, &t, "localhost", NULL));
    test_now_ms = start - 120 * 1000; /* from the future */
    CHECK(!offered(ctx, &t, "localhost", NULL));
    test_now_ms = start;
    p.opt.age_ms = 0;
    peer_fresh(&p, ctx);
    p.opt.ticket = &t;
    p.opt.age_ms = 604800001; /* a client that says it is older than seven days */
    CHECK(peer_handshake(&p, NULL));
    CHECK(!p.resumed);
    tls13_ctx_unref(ctx);
}

static void ticket_keys_rotate(void)
{
    struct tls13_ctx *ctx = test_ctx();
    uint8_t ring[2 * TLS13_TICKET_KEY];
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    struct peer_ticket t = p.tickets[0];
    memcpy(ring, test_ring + TLS13_TICKET_KEY, TLS13_TICKET_KEY);
    memcpy(ring + TLS13_TICKET_KEY, test_ring, TLS13_TICKET_KEY);
    CHECK_INT(tls13_ctx_set_ticket_keys(ctx, ring, 2), 0);
    CHECK(offered(ctx, &t, "localhost", NULL)); /* the older key still opens */
    CHECK_MEM(p.tickets[0].id, ring, 16);       /* and the newer one seals */
    CHECK_INT(tls13_ctx_set_ticket_keys(ctx, ring, 1), 0);
    CHECK(!offered(ctx, &t, "localhost", NULL));
    tls13_ctx_unref(ctx);
}

static void early_data_is_skipped(void)
{
    for (int retried = 0; retried < 2; retried++) {
        struct tls13_ctx *ctx = test_ctx();
        uint8_t early[3000], rec[20480], msg[64];
        struct tls13_info info;
        peer_fresh(&p, ctx);
        CHECK(peer_handshake(&p, NULL));
        struct peer_ticket t = p.tickets[0];
        peer_fresh(&p, ctx);
        p.opt.ticket = &t;
        p.opt.early_data = true;
        if (retried)
            p.opt.groups[1] = p.opt.share[0] = 0x2a2a;
        test_random(NULL, early, sizeof early);
        memcpy(early, "\27\3\3", 3);
        store16(early + 3, sizeof early - 5);
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), TLS13_MORE);
        CHECK(peer_read(&p));
        for (int i = 0; i < 3; i++)
            CHECK_INT(peer_feed(&p, early, sizeof early), TLS13_MORE);
        if (retried) {
            p.opt.share[0] = p.retry_group;
            p.opt.early_data = false;
            peer_hello(&p);
            CHECK_INT(peer_send_hello(&p), TLS13_MORE);
            CHECK(peer_read(&p));
        }
        CHECK(p.finished_ok && p.resumed);
        size_t n = peer_finished(&p, msg);
        CHECK_INT(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, msg, n)), TLS13_MORE);
        peer_switch(&p, msg, n);
        CHECK(p.connected);
        tls13_conn_info(p.conn, &info);
        CHECK(info.early_data);
        CHECK(peer_read(&p));
        CHECK(peer_echo(&p));
        tls13_ctx_unref(ctx);
    }
}

static void early_data_has_a_budget(void)
{
    struct tls13_ctx *ctx = test_ctx();
    static uint8_t early[16384 + 5];
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    struct peer_ticket t = p.tickets[0];
    peer_fresh(&p, ctx);
    p.opt.ticket = &t;
    p.opt.early_data = true;
    memcpy(early, "\27\3\3\100\0", 5);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    int n = 0;
    while (n < 100 && peer_feed(&p, early, sizeof early) == TLS13_MORE)
        n++;
    CHECK_INT(n, LIMIT_EARLY / (int)sizeof early);
    CHECK_INT(p.last, -TLS13_E_BAD_MAC);
    CHECK(peer_read(&p));
    CHECK_INT(p.alert, TLS13_ALERT_bad_record_mac);
    tls13_ctx_unref(ctx);
}

static void not_offered_is_not_skipped(void)
{
    struct tls13_ctx *ctx = test_ctx();
    uint8_t early[100] = "\27\3\3\0\137";
    peer_fresh(&p, ctx);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK_INT(peer_feed(&p, early, sizeof early), -TLS13_E_BAD_MAC);
    tls13_ctx_unref(ctx);
}

/* A hello that offers 0-RTT with a ticket of ours: never taken, never answered (4.2.10, E.5). */
static void early_data_is_never_accepted(void)
{
    struct tls13_ctx *ctx = test_ctx();
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    struct peer_ticket t = p.tickets[0];
    peer_fresh(&p, ctx);
    p.opt.ticket = &t;
    p.opt.early_data = true;
    CHECK(peer_handshake(&p, NULL));
    CHECK(p.resumed);
    CHECK_INT(p.n_data, 0);
    struct slice m = peer_sent(&p, 0);
    struct ext_ids ids = ids_of(m.p, m.n);
    CHECK(!ids_have(&ids, EXT_EARLY_DATA));
    peer_fresh(&p, ctx); /* and EndOfEarlyData has no place */
    p.opt.ticket = &t;
    p.opt.early_data = true;
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, "\5\0\0\0", 4), -TLS13_E_UNEXPECTED);
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

int main(void)
{
    RUN(tickets);
    RUN(tickets_come_with_the_flight);
    RUN(resumption);
    RUN(bad_binder_is_decrypt_error);
    RUN(ticket_stays_within_its_policy);
    RUN(ticket_ages);
    RUN(ticket_keys_rotate);
    RUN(early_data_is_skipped);
    RUN(early_data_has_a_budget);
    RUN(not_offered_is_not_skipped);
    RUN(early_data_is_never_accepted);
    RUN(ticket_does_not_outlive_the_list);
    RUN(ticket_does_not_outlive_the_chain);
    RUN(a_clock_that_is_behind_gives_no_longer_tickets);
    if (p.conn != NULL)
        peer_free(&p);
    return DONE();
}
