/*
 * A server's whole handshake in memory, from the first byte of the ClientHello to the wiped connection, two tickets included.
 *
 * Ours: every connection is given the same random bytes, so that the server says the same each time and one client's recorded
 * answers fit.  OpenSSL: a client of its own on the other end of a BIO pair, the server's calls timed one by one.
 */
#include "bench.h"

#include "peer.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#define MOST 8 /* connections at once */

struct openssl {
    SSL_CTX *server, *client;
    SSL_SESSION *session;
};

/* What the client of one kind of handshake sends. */
struct recording {
    const char *what, *pem;
    uint16_t group, suite;
    const char *openssl; /* its name of the group; NULL: it has none */
    bool resumed;
    struct tls13_ctx *ctx;
    uint8_t hello[4096], finished[256];
    size_t hello_len, finished_len;
    struct openssl peers;
};

static struct recording recordings[] = {
    { .what = "handshake x25519, ECDSA P-256", .pem = fixture_p256, .group = GROUP_X25519, .openssl = "X25519" },
    { .what = "handshake x25519, resumed", .pem = fixture_p256, .group = GROUP_X25519, .openssl = "X25519", .resumed = true },
    { .what = "handshake x25519, AES-256",
      .pem = fixture_p256,
      .group = GROUP_X25519,
      .suite = TLS_AES_256_GCM_SHA384,
      .openssl = "X25519" },
    { .what = "handshake secp256r1, ECDSA P-256", .pem = fixture_p256, .group = GROUP_SECP256R1, .openssl = "P-256" },
    { .what = "handshake hybrid, ECDSA P-256", .pem = fixture_p256, .group = GROUP_X25519MLKEM768 },
    { .what = "handshake x25519, RSA-2048", .pem = fixture_rsa, .group = GROUP_X25519, .openssl = "X25519" },
    { .what = "handshake secp384r1, ECDSA P-384", .pem = fixture_p384, .group = GROUP_SECP384R1, .openssl = "P-384" },
};

/* --- ours --------------------------------------------------------------------------------------------------- */

/* Wherever in a batch's bytes a handshake's own lie. */
static int same_random(void *arg, void *out, size_t n)
{
    (void)arg;
    memset(out, 0x2a, n);
    return 0;
}

static void peer_start(struct peer *p, struct recording *r, const struct peer_ticket *ticket)
{
    peer_init(p, r->ctx);
    p->opt.share[0] = p->opt.groups[0] = r->group;
    p->opt.n_groups = 1;
    if (r->suite != 0)
        p->opt.suites[0] = r->suite;
    p->opt.ticket = ticket;
    peer_hello(p);
    r->hello_len = peer_frame(r->hello, p->hello_msg, p->hello_len, TLS13_MAX_PLAIN);
    peer_send_hello(p);
    MUST(peer_read(p) && p->finished_ok && p->resumed == (ticket != NULL));
    uint8_t msg[4 + MAX_HASH];
    memcpy(r->finished, "\24\3\3\0\1\1", 6); /* change_cipher_spec, as clients in compatibility mode send */
    size_t n = peer_finished(p, msg);
    r->finished_len = 6 + peer_seal(p, r->finished + 6, CT_HANDSHAKE, msg, n);
    peer_switch(p, msg, n);
    peer_feed(p, r->finished, r->finished_len);
    MUST(peer_read(p) && p->connected && p->n_tickets > 0);
}

static void record(struct recording *r)
{
    static struct peer p;
    struct peer_ticket ticket;
    r->ctx = tls13_ctx_new();
    MUST(r->ctx != NULL && tls13_ctx_add_pem(r->ctx, r->pem, strlen(r->pem), NULL, 0) == 0 &&
         tls13_ctx_set_random(r->ctx, same_random, NULL) == 0 && tls13_ctx_set_clock(r->ctx, test_clock, NULL) == 0 &&
         tls13_ctx_set_ticket_keys(r->ctx, test_ring, 1) == 0);
    peer_start(&p, r, NULL);
    if (r->resumed) {
        ticket = p.tickets[0];
        peer_free(&p);
        peer_start(&p, r, &ticket);
    }
    peer_free(&p);
}

struct server {
    struct tls13_conn *conn;
    void *hs;
    uint8_t in[4096], out[8192];
    struct tls13_io io;
};

/* Gives the server bytes and runs it until it says `until`. */
static void feed(struct server *s, const uint8_t *bytes, size_t n, int until)
{
    memcpy(s->in, bytes, n); /* records are opened in place */
    s->io = (struct tls13_io){ .in = s->in, .in_len = n, .out = s->out, .out_cap = sizeof s->out };
    for (;;) {
        int event = tls13_recv(s->conn, &s->io);
        MUST(event >= 0 && event != TLS13_MORE);
        if (event == until)
            return;
    }
}

/* n handshakes, arg2 of them at once. */
static void run_handshake(const struct bench *row, long n)
{
    static struct server servers[MOST];
    struct tls13_conn *conns[MOST];
    struct recording *r = &recordings[(const struct recording *)row->arg - recordings];
    const size_t batch = row->arg2;
    if (r->ctx == NULL)
        record(r);
    for (size_t i = 0; i < batch; i++) {
        if (servers[i].conn == NULL) {
            servers[i].conn = calloc(1, tls13_conn_size());
            servers[i].hs = calloc(1, tls13_hs_size());
        }
        conns[i] = servers[i].conn;
    }
    for (long done = 0; done < n; done += (long)batch) {
        for (size_t i = 0; i < batch; i++) {
            tls13_conn_init(conns[i], r->ctx, servers[i].hs);
            feed(&servers[i], r->hello, r->hello_len, TLS13_COMPUTE);
        }
        tls13_compute(conns, batch);
        for (size_t i = 0; i < batch; i++) {
            MUST(tls13_recv(conns[i], &servers[i].io) == TLS13_MORE);
            feed(&servers[i], r->finished, r->finished_len, TLS13_CONNECTED);
            tls13_conn_wipe(conns[i]);
        }
    }
}

/* --- OpenSSL ------------------------------------------------------------------------------------------------ */

static void openssl_start(struct openssl *o, const struct recording *r)
{
    char group[16];
    BIO *pem = BIO_new_mem_buf(r->pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL);
    BIO_free(pem);
    pem = BIO_new_mem_buf(r->pem, -1);
    X509 *cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    BIO_free(pem);
    o->server = SSL_CTX_new(TLS_server_method());
    o->client = SSL_CTX_new(TLS_client_method());
    o->session = NULL;
    (void)snprintf(group, sizeof group, "%s", r->openssl);
    MUST(SSL_CTX_use_certificate(o->server, cert) == 1 && SSL_CTX_use_PrivateKey(o->server, key) == 1 &&
         SSL_CTX_set1_groups_list(o->server, group) == 1 && SSL_CTX_set1_groups_list(o->client, group) == 1 &&
         SSL_CTX_set_min_proto_version(o->client, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(o->client, r->suite != 0 ? "TLS_AES_256_GCM_SHA384" : "TLS_AES_128_GCM_SHA256") == 1);
    SSL_CTX_set_session_cache_mode(o->client, SSL_SESS_CACHE_OFF);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* One handshake, the client's part not counted. */
static void openssl_handshake(struct openssl *o, bool resumed)
{
    char buf[16];
    BIO *a, *b;
    SSL *server = SSL_new(o->server);
    double away = bench_cpu_ns();
    SSL *client = SSL_new(o->client);
    BIO_new_bio_pair(&a, 32768, &b, 32768);
    SSL_set_bio(server, a, a);
    SSL_set_bio(client, b, b);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    if (resumed)
        SSL_set_session(client, o->session);
    for (int i = 0; i < 2; i++) {
        (void)SSL_do_handshake(client);
        bench_exclude(bench_cpu_ns() - away);
        (void)SSL_do_handshake(server);
        away = bench_cpu_ns();
    }
    (void)SSL_read(client, buf, sizeof buf); /* the tickets */
    if (o->session == NULL)
        o->session = SSL_get1_session(client);
    MUST(SSL_is_init_finished(server) && SSL_is_init_finished(client) && SSL_session_reused(server) == resumed);
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(client);
    bench_exclude(bench_cpu_ns() - away);
    SSL_free(server);
}

static void run_openssl(const struct bench *row, long n)
{
    struct recording *r = &recordings[(const struct recording *)row->arg - recordings];
    if (r->peers.server == NULL) { /* the first call does not count */
        openssl_start(&r->peers, r);
        openssl_handshake(&r->peers, false);
    }
    for (long i = 0; i < n; i++)
        openssl_handshake(&r->peers, r->resumed);
}

void bench_handshake(void)
{
    for (size_t i = 0; i < COUNT(recordings); i++) {
        const struct recording *r = &recordings[i];
        bench_add((struct bench){ .what = r->what, .impl = "ours", .run = run_handshake, .arg = r, .arg2 = 1 });
        if (r->group == GROUP_X25519 || r->group == GROUP_X25519MLKEM768) /* only X25519 has lanes to share */
            bench_add((struct bench){ .what = r->what, .impl = "ours, of 8", .run = run_handshake, .arg = r, .arg2 = 8 });
        if (r->openssl != NULL)
            bench_add((struct bench){ .what = r->what, .impl = OPENSSL, .run = run_openssl, .arg = r });
    }
}
