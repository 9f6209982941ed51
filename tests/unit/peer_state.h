/* The client of peer.h: what it is to do, what it has met, and the server's connection at its other end. */
#ifndef PEER_STATE_H
#define PEER_STATE_H

#include <stdlib.h>

#include "extension.h"
#include "handshake.h"

#include "fixtures.h"

#define PEER_UNUSED __attribute__((unused))

/* What a ClientHello says; peer_options() gives the plain case. */
struct hello_options {
    uint16_t suites[8];
    size_t n_suites;
    uint16_t groups[8];
    size_t n_groups;
    uint16_t share[4]; /* groups with a share */
    size_t n_shares;
    uint16_t sigs[8];
    size_t n_sigs;
    const char *sni;  /* NULL: none */
    const char *alpn; /* one protocol, NULL: none */
    bool session_id, early_data;
    bool no_versions, no_groups, no_shares, no_sigs, no_modes; /* leave the extension out */
    uint16_t version;
    /* extra extensions, whole, in front of pre_shared_key */
    const uint8_t *extra;
    size_t extra_len;
    /* a ticket from an earlier connection: NULL none */
    const struct peer_ticket *ticket;
    uint32_t age_ms;
    bool bad_binder;
};

struct peer_ticket {
    uint8_t id[TICKET_MAX];
    uint8_t nonce[255];
    size_t id_len, nonce_len;
    uint8_t psk[MAX_HASH];
    uint32_t age_add, lifetime;
    uint16_t suite;
};

struct peer {
    /* the server */
    struct tls13_ctx *ctx;
    struct tls13_conn *conn;
    void *hs;
    uint8_t held[TLS13_MAX_HOLD + 65536];
    size_t n_held;
    uint8_t out[1 << 17]; /* what the server sent and the client has not read */
    size_t n_out;
    uint8_t data[1 << 17]; /* plaintext the server received */
    size_t n_data;
    int last; /* the last event or error of the server */
    bool hello, connected, eof;
    unsigned waits;
    /* the client */
    struct hello_options opt;
    struct transcript transcript;
    struct key_schedule ks;
    const struct suite *suite;
    const struct kex_group *group;
    struct kex_client kex[4];
    struct direction in, to; /* what it reads and writes with */
    uint8_t secret_client[MAX_HASH], secret_server[MAX_HASH], app_client[MAX_HASH], app_server[MAX_HASH], master[MAX_HASH];
    uint8_t hello_msg[20000];
    size_t hello_len;
    uint8_t random[32];
    int alert;        /* the server's, -1 */
    bool clear_alert; /* it came in the clear */
    unsigned ccs, key_updates, records_in;
    bool cert_request, resumed, finished_ok, retry;
    uint16_t retry_group, scheme;
    struct slice leaf;
    uint8_t messages[1 << 17]; /* the server's encrypted handshake messages, joined */
    size_t n_messages, at_message;
    uint8_t app[1 << 17]; /* application data the client received */
    size_t n_app;
    struct peer_ticket tickets[8];
    size_t n_tickets;
};

static PEER_UNUSED struct hello_options peer_options(void)
{
    return (struct hello_options){ .suites = { TLS_AES_128_GCM_SHA256 },
                                   .n_suites = 1,
                                   .groups = { GROUP_X25519, GROUP_SECP256R1 },
                                   .n_groups = 2,
                                   .share = { GROUP_X25519 },
                                   .n_shares = 1,
                                   .sigs = { SIG_ECDSA_P256, SIG_ECDSA_P384, SIG_PSS_RSAE_SHA256 },
                                   .n_sigs = 3,
                                   .sni = "localhost",
                                   .version = 0x0304,
                                   .session_id = true };
}

/* Pseudo-random bytes, the same in every run. */
static PEER_UNUSED int test_random(void *arg, void *out, size_t n)
{
    static uint64_t state = 88172645463325252ULL;
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((uint8_t *)out)[i] = (uint8_t)(state >> 24);
    }
    return 0;
}

static int64_t test_now_ms = 1800000000000; /* January 2027 */
static PEER_UNUSED int64_t test_clock(void *arg)
{
    (void)arg;
    return test_now_ms;
}

static const uint8_t test_ring[2 * TLS13_TICKET_KEY] = { 1, 2, 3, 4, [48] = 9, 8, 7 };

/* A context with the fixtures' ECDSA credential, deterministic. */
static PEER_UNUSED struct tls13_ctx *test_ctx(void)
{
    struct tls13_ctx *ctx = tls13_ctx_new();
    if (ctx == NULL || tls13_ctx_add_pem(ctx, fixture_p256, strlen(fixture_p256), NULL, 0) != 0 ||
        tls13_ctx_set_clock(ctx, test_clock, NULL) < 0 || tls13_ctx_set_random(ctx, test_random, NULL) < 0 ||
        tls13_ctx_set_ticket_keys(ctx, test_ring, 1) < 0)
        abort();
    return ctx;
}

static PEER_UNUSED void peer_init(struct peer *p, struct tls13_ctx *ctx)
{
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    p->conn = calloc(1, tls13_conn_size());
    p->hs = calloc(1, tls13_hs_size());
    p->alert = -1;
    p->opt = peer_options();
    tls13_conn_init(p->conn, ctx, p->hs);
}

static PEER_UNUSED void peer_free(struct peer *p)
{
    tls13_conn_wipe(p->conn);
    free(p->conn);
    free(p->hs);
}

/* Another connection in the place of the last one, if there was any. */
static PEER_UNUSED void peer_fresh(struct peer *p, struct tls13_ctx *ctx)
{
    if (p->conn != NULL)
        peer_free(p);
    peer_init(p, ctx);
}

/* --- the server's end --------------------------------------------------------------------------------------- */

/* Gives bytes to the server and runs it until it wants more or is dead; => the last event or error. */
static PEER_UNUSED int peer_feed(struct peer *p, const void *bytes, size_t n)
{
    if (p->n_held + n > sizeof p->held)
        abort();
    if (n != 0)
        memcpy(p->held + p->n_held, bytes, n);
    p->n_held += n;
    struct tls13_io io = { .in = p->held, .in_len = p->n_held, .out = p->out, .out_cap = sizeof p->out, .out_len = p->n_out };
    for (;;) {
        p->last = tls13_recv(p->conn, &io);
        if (p->last == TLS13_HELLO)
            p->hello = true;
        if (p->last == TLS13_COMPUTE)
            tls13_compute(&p->conn, 1);
        if (p->last == TLS13_CONNECTED)
            p->connected = true;
        if (p->last == TLS13_EOF)
            p->eof = true;
        if (p->last == TLS13_DATA) {
            if (p->n_data + io.data_len <= sizeof p->data)
                memcpy(p->data + p->n_data, io.data, io.data_len);
            p->n_data += io.data_len;
        }
        if (p->last == TLS13_MORE || p->last == TLS13_WAIT || p->last < 0)
            break;
    }
    memmove(p->held, io.in, io.in_len);
    p->n_held = io.in_len;
    p->n_out = io.out_len;
    return p->last;
}

#endif
