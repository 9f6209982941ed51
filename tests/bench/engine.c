/*
 * What libtls13 itself costs, without sockets: CPU time of a server's handshake by stages, alone and eight at once, and of its records,
 * beside OpenSSL's server in the same program.  The other end is OpenSSL's client in memory, whose time is not counted.
 *
 *     engine [REPEATS]
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../libtls13/tls13.h"
#include "hybrid.h"

#define MUST(cond)                                                             \
    do {                                                                       \
        if (!(cond)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
            ERR_print_errors_fp(stderr);                                       \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

enum { BATCH = 8, BUFFER = 1 << 17 };

/* Stages of a handshake, as the daemon goes through them. */
enum stage { HELLO, CHOICE, COMPUTE, FLIGHT, FINISHED, END, STAGES };
static const char *const stage_name[STAGES] = { "ClientHello read and cut",      "choice, ticket opened",
                                                "key exchange and signature",    "flight: keys, certificate, Finished",
                                                "client's Finished and tickets", "close_notify, wiping" };

struct kind {
    const char *name, *group;
    bool resumed, rsa;
};
static const struct kind kinds[] = { { "full, P-256 certificate, x25519", "X25519", false, false },
                                     { "resumed, psk_dhe_ke, x25519", "X25519", true, false },
                                     { "full, RSA-2048 certificate, x25519", "X25519", false, true },
                                     { "full, P-256 certificate, P-256 share", "P-256", false, false },
                                     { "full, P-256 certificate, X25519MLKEM768", HYBRID_NAME, false, false } };

static long repeats = 200;
static SSL_SESSION *session;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double clock_us; /* what asking the time takes; it is taken off */

static double since(double start)
{
    double us = now_us() - start - clock_us;
    return us > 0 ? us : 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median; sorts. */
static double median(double *v, long n)
{
    qsort(v, (size_t)n, sizeof *v, compare);
    return v[n / 2];
}

static void time_the_clock(void)
{
    double v[101];
    for (size_t i = 0; i < 101; i++) {
        double start = now_us();
        v[i] = now_us() - start;
    }
    clock_us = median(v, 101);
}

/* --- certificates ------------------------------------------------------------------------------------------------ */

static size_t pem_of(bool rsa, char *out, size_t cap)
{
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    MUST(key != NULL && cert != NULL && X509_set_version(cert, 2) && X509_set_pubkey(cert, key));
    MUST(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) && X509_gmtime_adj(X509_getm_notBefore(cert), -60) != NULL &&
         X509_gmtime_adj(X509_getm_notAfter(cert), 86400) != NULL);
    X509_NAME *name = X509_get_subject_name(cert);
    MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0));
    MUST(X509_set_issuer_name(cert, name) && X509_sign(cert, key, EVP_sha256()) != 0);
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_X509(bio, cert) && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    int n = BIO_read(bio, out, (int)cap);
    MUST(n > 0 && BIO_pending(bio) == 0);
    BIO_free(bio);
    X509_free(cert);
    EVP_PKEY_free(key);
    return (size_t)n;
}

static struct tls13_ctx *our_ctx(const char *pem, size_t len, unsigned tickets)
{
    static const uint8_t ticket_key[TLS13_TICKET_KEY] = "of this benchmark";
    struct tls13_ctx *ctx = tls13_ctx_new();
    MUST(ctx != NULL && tls13_ctx_add_pem(ctx, pem, len, NULL, 0) == 0 && tls13_ctx_set_tickets(ctx, tickets, 7200) == 0 &&
         tls13_ctx_set_ticket_keys(ctx, ticket_key, 1) == 0);
    return ctx;
}

static SSL_CTX *their_ctx(const char *pem, size_t len)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    BIO *bio = BIO_new_mem_buf(pem, (int)len);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    MUST(ctx != NULL && SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
         SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"b", 1) == 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return ctx;
}

/* --- the client -------------------------------------------------------------------------------------------------- */

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = s;
    return 1;
}

static SSL_CTX *client_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    MUST(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") == 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    return ctx;
}

static SSL *client_new(SSL_CTX *ctx, const struct kind *k, bool resume)
{
    SSL *ssl = SSL_new(ctx);
    MUST(ssl != NULL && SSL_set1_groups_list(ssl, k->group) == 1 && SSL_set_tlsext_host_name(ssl, "localhost") == 1);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    if (resume) {
        SSL_SESSION *copy = SSL_SESSION_dup(session);
        MUST(copy != NULL && SSL_set_session(ssl, copy) == 1);
        SSL_SESSION_free(copy);
    }
    return ssl;
}

/* A session whose connection was not shut down is taken for a bad one. */
static void client_free(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}

/* --- one of our connections -------------------------------------------------------------------------------------- */

struct end {
    SSL *client;
    struct tls13_conn *conn;
    void *hs;
    uint8_t *in, *out;
    struct tls13_io io;
};

static void end_init(struct end *e)
{
    e->conn = aligned_alloc(64, (tls13_conn_size() + 63) & ~(size_t)63);
    e->hs = aligned_alloc(64, (tls13_hs_size() + 63) & ~(size_t)63);
    e->in = malloc(BUFFER);
    e->out = malloc(BUFFER);
    MUST(e->conn != NULL && e->hs != NULL && e->in != NULL && e->out != NULL);
}

static void end_free(struct end *e)
{
    free(e->conn);
    free(e->hs);
    free(e->in);
    free(e->out);
}

/* What the client has to say goes to the server's input, and what the server said to the client. */
static void from_client(struct end *e)
{
    int n = BIO_read(SSL_get_wbio(e->client), e->in + e->io.in_len, BUFFER - (int)e->io.in_len);
    e->io.in = e->in;
    e->io.in_len += n > 0 ? (size_t)n : 0;
}

static void to_client(struct end *e)
{
    if (e->io.out_len != 0)
        MUST(BIO_write(SSL_get_rbio(e->client), e->out, (int)e->io.out_len) == (int)e->io.out_len);
    e->io.out_len = 0;
}

/* tls13_recv() until it says `want`, which takes *us. */
static void step(struct end *e, int want, double *us)
{
    double start = now_us();
    int got = tls13_recv(e->conn, &e->io);
    *us += since(start);
    MUST(got == want);
}

/* n handshakes side by side, whose key exchanges are one call; adds each stage's time for one of them. */
static void handshakes(SSL_CTX *cctx, struct tls13_ctx *ctx, const struct kind *k, bool resume, struct end *e, size_t n,
                       double us[static STAGES])
{
    struct tls13_conn *waiting[BATCH];
    double t[STAGES] = { 0 };
    for (size_t i = 0; i < n; i++) {
        e[i].client = client_new(cctx, k, resume);
        e[i].io = (struct tls13_io){ .out = e[i].out, .out_cap = BUFFER };
        MUST(SSL_do_handshake(e[i].client) == -1);
        from_client(&e[i]);
        double start = now_us();
        tls13_conn_init(e[i].conn, ctx, e[i].hs);
        t[HELLO] += since(start);
        step(&e[i], TLS13_HELLO, &t[HELLO]);
        step(&e[i], TLS13_COMPUTE, &t[CHOICE]);
        waiting[i] = e[i].conn;
    }
    double start = now_us();
    tls13_compute(waiting, n);
    t[COMPUTE] += since(start);
    for (size_t i = 0; i < n; i++) {
        step(&e[i], TLS13_MORE, &t[FLIGHT]);
        to_client(&e[i]);
        MUST(SSL_do_handshake(e[i].client) == 1 && SSL_session_reused(e[i].client) == resume);
        from_client(&e[i]);
        step(&e[i], TLS13_CONNECTED, &t[FINISHED]);
        step(&e[i], TLS13_MORE, &t[FINISHED]);
        to_client(&e[i]);
        uint8_t byte;
        MUST(SSL_read(e[i].client, &byte, 1) == -1); /* the tickets */
        start = now_us();
        MUST(tls13_conn_release_hs(e[i].conn) == e[i].hs);
        MUST(tls13_close(e[i].conn, e[i].out, BUFFER) != 0);
        tls13_conn_wipe(e[i].conn);
        t[END] += since(start);
        client_free(e[i].client);
    }
    for (size_t s = 0; s < STAGES; s++)
        us[s] = t[s] / (double)n;
}

/* One handshake of OpenSSL's server; => its time. */
static double theirs(SSL_CTX *cctx, SSL_CTX *sctx, const struct kind *k, bool resume)
{
    SSL *client = client_new(cctx, k, resume);
    double us = 0, start;
    MUST(SSL_do_handshake(client) == -1);
    start = now_us();
    SSL *server = SSL_new(sctx);
    SSL_set_bio(server, SSL_get_wbio(client), SSL_get_rbio(client));
    BIO_up_ref(SSL_get_wbio(client));
    BIO_up_ref(SSL_get_rbio(client));
    SSL_set_accept_state(server);
    MUST(SSL_do_handshake(server) == -1);
    us += since(start);
    MUST(SSL_do_handshake(client) == 1 && SSL_session_reused(client) == resume);
    start = now_us();
    MUST(SSL_do_handshake(server) == 1);
    us += since(start);
    uint8_t byte;
    MUST(SSL_read(client, &byte, 1) == -1);
    start = now_us();
    SSL_shutdown(server);
    SSL_free(server);
    us += since(start);
    client_free(client);
    return us;
}

/* --- the tables -------------------------------------------------------------------------------------------------- */

static void handshake_table(SSL_CTX *cctx, struct end *e)
{
    char pem[2][8192];
    size_t len[2] = { pem_of(false, pem[0], sizeof pem[0]), pem_of(true, pem[1], sizeof pem[1]) };
    double *v = calloc((size_t)repeats * (STAGES + 1), sizeof *v), one[STAGES];
    MUST(v != NULL);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct kind *k = &kinds[i];
        struct tls13_ctx *ctx = our_ctx(pem[k->rsa], len[k->rsa], 2);
        SSL_CTX *sctx = their_ctx(pem[k->rsa], len[k->rsa]);
        double sum[2] = { 0 }, stage[2][STAGES];
        for (int batch = 0; batch < 2; batch++) {
            handshakes(cctx, ctx, k, false, e, 1, one); /* for the ticket */
            for (long r = 0; r < repeats; r++) {
                handshakes(cctx, ctx, k, k->resumed, e, batch ? BATCH : 1, one);
                for (size_t s = 0; s < STAGES; s++)
                    v[(long)s * repeats + r] = one[s];
            }
            for (size_t s = 0; s < STAGES; s++)
                sum[batch] += stage[batch][s] = median(v + (long)s * repeats, repeats);
        }
        printf("%-52s %8s %10s %8s\n", k->name, "alone", "of eight", "OpenSSL");
        for (size_t s = 0; s < STAGES; s++)
            printf("    %-48s %8.1f %10.1f\n", stage_name[s], stage[0][s], stage[1][s]);
        printf("    %-48s %8.1f %10.1f", "server's side, us", sum[0], sum[1]);
        if (strcmp(k->group, HYBRID_NAME) != 0) {
            (void)theirs(cctx, sctx, k, false);
            for (long r = 0; r < repeats; r++)
                v[r] = theirs(cctx, sctx, k, k->resumed);
            printf(" %8.1f\n\n", median(v, repeats));
        } else {
            printf(" %8s\n\n", "-");
        }
        tls13_ctx_unref(ctx);
        SSL_CTX_free(sctx);
    }
    free(v);
}

static void record_table(SSL_CTX *cctx, struct end *e)
{
    static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" };
    static const size_t sizes[] = { 16384, 4096, 1024, 64 };
    char pem[8192];
    struct tls13_ctx *ctx = our_ctx(pem, pem_of(false, pem, sizeof pem), 0);
    static uint8_t plain[16384];
    double *v = calloc((size_t)repeats * 2, sizeof *v);
    MUST(v != NULL);
    printf("%-36s %7s %12s %12s %12s %12s\n", "records", "bytes", "seal ns", "ns/byte", "open ns", "ns/byte");
    for (size_t s = 0; s < 3; s++) {
        double us = 0;
        uint8_t byte;
        e->client = client_new(cctx, &kinds[0], false);
        MUST(SSL_set_ciphersuites(e->client, suites[s]) == 1 && SSL_do_handshake(e->client) == -1);
        e->io = (struct tls13_io){ .out = e->out, .out_cap = BUFFER };
        tls13_conn_init(e->conn, ctx, e->hs);
        from_client(e);
        step(e, TLS13_HELLO, &us);
        step(e, TLS13_COMPUTE, &us);
        tls13_compute(&e->conn, 1);
        step(e, TLS13_MORE, &us);
        to_client(e);
        MUST(SSL_do_handshake(e->client) == 1);
        from_client(e);
        step(e, TLS13_CONNECTED, &us);
        step(e, TLS13_MORE, &us);
        to_client(e);
        MUST(tls13_conn_release_hs(e->conn) == e->hs && SSL_read(e->client, &byte, 1) == -1);
        for (size_t z = 0; z < sizeof sizes / sizeof sizes[0]; z++) {
            for (long r = 0; r < repeats; r++) {
                double open = 0, start = now_us();
                size_t n = tls13_seal(e->conn, e->out, sizes[z]);
                v[r] = since(start) * 1e3;
                MUST(n != 0 && BIO_write(SSL_get_rbio(e->client), e->out, (int)n) == (int)n);
                MUST(SSL_read(e->client, plain, sizeof plain) == (int)sizes[z]);
                MUST(SSL_write(e->client, plain, (int)sizes[z]) == (int)sizes[z]);
                from_client(e);
                step(e, TLS13_DATA, &open);
                MUST(e->io.data_len == sizes[z]);
                double more = 0;
                step(e, TLS13_MORE, &more);
                v[repeats + r] = open * 1e3;
            }
            double sealed = median(v, repeats), opened = median(v + repeats, repeats);
            printf("%-36s %7zu %12.0f %12.3f %12.0f %12.3f\n", z == 0 ? suites[s] : "", sizes[z], sealed, sealed / (double)sizes[z], opened,
                   opened / (double)sizes[z]);
        }
        tls13_conn_wipe(e->conn);
        client_free(e->client);
    }
    tls13_ctx_unref(ctx);
    free(v);
}

int main(int argc, char **argv)
{
    struct end e[BATCH];
    if (argc > 1)
        repeats = atol(argv[1]);
    MUST(repeats > 0 && hybrid_load());
    for (size_t i = 0; i < BATCH; i++)
        end_init(&e[i]);
    SSL_CTX *cctx = client_ctx();
    time_the_clock();
    printf("medians of %ld, CPU us a connection; primitives: %s\n\n", repeats, tls13_cpu());
    handshake_table(cctx, e);
    record_table(cctx, e);
    for (size_t i = 0; i < BATCH; i++)
        end_free(&e[i]);
    SSL_CTX_free(cctx);
    SSL_SESSION_free(session);
    return 0;
}
