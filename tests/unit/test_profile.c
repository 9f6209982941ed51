/* What a ticket is bound to, one thing at a time: a context that is the same in all else does not take it (trap 33, failures of others). */
#include "unit.h"

#include "peer.h"

static struct peer p;
static struct credential *client;

/* All that a policy is made of; base is what the ticket was given under. */
struct policy {
    const char *what;
    const char *sni, *alpn, *scope;
    uint16_t scheme; /* the client's only one: it chooses the credential */
    enum tls13_client_auth mode;
    const char *ca, *second_ca, *crl, *name;
};

static const struct policy base = { .what = "nothing",
                                    .sni = "localhost",
                                    .alpn = "h2",
                                    .scope = "one",
                                    .scheme = SIG_ECDSA_P256,
                                    .mode = TLS13_CLIENT_AUTH_REQUIRE,
                                    .ca = fixture_ca,
                                    .crl = fixture_crl,
                                    .name = "dns:client.example" };

static struct tls13_ctx *context(const struct policy *w)
{
    static const char *const protocols[] = { "h2", "http/1.1" };
    struct tls13_ctx *ctx = test_ctx();
    CHECK_INT(tls13_ctx_add_pem(ctx, fixture_rsa, strlen(fixture_rsa), NULL, 0), 1);
    CHECK_INT(tls13_ctx_set_alpn(ctx, protocols, 2), 0);
    CHECK_INT(tls13_ctx_set_ticket_scope(ctx, w->scope, strlen(w->scope)), 0);
    CHECK_INT(tls13_ctx_set_client_auth(ctx, w->mode), 0);
    CHECK_INT(tls13_ctx_set_client_ca(ctx, w->ca, strlen(w->ca)), 0);
    if (w->second_ca != NULL)
        CHECK_INT(tls13_ctx_set_client_ca(ctx, w->second_ca, strlen(w->second_ca)), 0);
    if (w->crl != NULL)
        CHECK_INT(tls13_ctx_set_client_crl(ctx, w->crl, strlen(w->crl)), 0);
    if (w->name != NULL)
        CHECK_INT(tls13_ctx_set_client_names(ctx, &w->name, 1), 0);
    return ctx;
}

/* A handshake under that policy, with a ticket or without. */
static void connect_with(const struct policy *w, const struct peer_ticket *ticket)
{
    struct tls13_ctx *ctx = context(w);
    peer_fresh(&p, ctx);
    p.opt.sni = w->sni;
    p.opt.alpn = w->alpn;
    p.opt.sigs[0] = w->scheme;
    p.opt.n_sigs = 1;
    p.opt.ticket = ticket;
    CHECK(peer_handshake(&p, client));
    tls13_ctx_unref(ctx);
}

static void each_part_counts(void)
{
    struct policy other[10];
    for (size_t i = 0; i < COUNT(other); i++)
        other[i] = base;
    other[1].what = "the server name", other[1].sni = "elsewhere.example"; /* the same default credential */
    other[2].what = "no server name", other[2].sni = NULL;
    other[3].what = "the protocol", other[3].alpn = "http/1.1";
    other[4].what = "the listener", other[4].scope = "two";
    other[5].what = "the credential", other[5].scheme = SIG_PSS_RSAE_SHA256;
    other[6].what = "the mode", other[6].mode = TLS13_CLIENT_AUTH_REQUEST;
    other[7].what = "an authority more", other[7].second_ca = fixture_other_ca;
    other[8].what = "no revocation list", other[8].crl = NULL;
    other[9].what = "the names allowed", other[9].name = "uri:spiffe://example/client";
    connect_with(&base, NULL);
    CHECK(!p.resumed && p.n_tickets != 0);
    struct peer_ticket ticket = p.tickets[0];
    for (size_t i = 0; i < COUNT(other); i++) {
        connect_with(&other[i], &ticket);
        if (p.resumed != (i == 0))
            printf("# %s changed\n", other[i].what);
        CHECK_INT(p.resumed, i == 0);
        CHECK_INT(p.cert_request, i != 0);
    }
    /* Renewed, it is bound as before. */
    connect_with(&base, &ticket);
    CHECK(p.resumed);
    CHECK_INT(p.n_tickets, 1);
    ticket = p.tickets[0];
    for (size_t i = 0; i < COUNT(other); i++) {
        connect_with(&other[i], &ticket);
        CHECK_INT(p.resumed, i == 0);
    }
}

/* One under the right key whose body is not ours to the last byte, as of another version of us, is none. */
static void other_bodies_are_none(void)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t flip;
        int longer;
    } cases[] = {
        { "nothing", 0, 0, 0 },
        { "the version", 0, 1, 0 },
        { "an unknown suite", 1, 0xff, 0 },
        { "a suite of another hash", 2, 3, 0 },
        { "the secret's length", 23, 16, 0 },
        { "a byte less", 0, 0, -1 },
        { "a byte more", 0, 0, 1 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct aead a;
        connect_with(&base, NULL);
        struct peer_ticket ticket = p.tickets[0];
        uint8_t *nonce = ticket.id + 16, *body = ticket.id + 28;
        size_t n = ticket.id_len - 28 - AEAD_TAG;
        aead_init(&a, suite_by_id(TLS_AES_256_GCM_SHA384), test_ring + 16);
        CHECK_INT(aead_open(&a, nonce, ticket.id, 16, body, n), 0);
        body[cases[i].at] ^= cases[i].flip;
        body[n] = 0;
        n += (size_t)cases[i].longer;
        aead_seal(&a, nonce, ticket.id, 16, body, n);
        ticket.id_len = 28 + n + AEAD_TAG;
        connect_with(&base, &ticket);
        if (p.resumed != (i == 0))
            printf("# %s\n", cases[i].what);
        CHECK_INT(p.resumed, i == 0);
    }
}

/* Nor is what only begins as one of ours does, however long. */
static void longer_than_any_is_none(void)
{
    static uint8_t id[4 * TICKET_MAX];
    struct ticket_ring ring = { .n = 1 };
    struct ticket t;
    memcpy(ring.keys[0], test_ring, TLS13_TICKET_KEY);
    memcpy(id, test_ring, 16);
    for (size_t n = 0; n <= sizeof id; n++)
        CHECK(!ticket_open(&ring, id, n, &t));
}

/* 4.2.3, 9.2: a client that relies on its ticket names no schemes; when it is not taken, there is nothing to sign with. */
static void a_ticket_in_place_of_schemes(void)
{
    struct tls13_ctx *ctx = test_ctx();
    for (int i = 0; i < 3; i++) {
        if (p.conn != NULL)
            peer_free(&p);
        peer_init(&p, ctx);
        CHECK(peer_handshake(&p, NULL));
        struct peer_ticket ticket = p.tickets[0];
        ticket.id[50] ^= i != 0;
        peer_free(&p);
        peer_init(&p, ctx);
        p.opt.ticket = &ticket;
        p.opt.no_sigs = i < 2;
        p.opt.sigs[0] = SIG_PSS_PSS_SHA256;
        p.opt.n_sigs = 1;
        CHECK_INT(peer_handshake(&p, NULL), i == 0);
        if (i == 0)
            CHECK(p.resumed);
        else
            CHECK_INT(p.last, i == 1 ? -TLS13_E_MISSING_EXTENSION : -TLS13_E_NO_COMMON);
    }
    tls13_ctx_unref(ctx);
}

int main(void)
{
    if (cred_load(&client, fixture_client, strlen(fixture_client), NULL, 0, NULL, NULL) < 0)
        abort();
    RUN(each_part_counts);
    RUN(other_bodies_are_none);
    RUN(longer_than_any_is_none);
    RUN(a_ticket_in_place_of_schemes);
    if (p.conn != NULL)
        peer_free(&p);
    cred_free(client);
    return DONE();
}
