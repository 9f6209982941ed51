/*
 * Constant time of a whole handshake and of records behind it: the server's random bytes (its key shares, salts), its private key and
 * its ticket keys are marked undefined, so that memcheck reports every branch and every address that depends on one.  What goes
 * onto the wire is public.  ct_handshake.supp names the places where a value that is public by then is looked at, each with its reason.
 *
 *   TLS13_CPU=portable valgrind -q --error-exitcode=9 --suppressions=tests/tools/ct_handshake.supp build/tools/ct_handshake    ends with 0
 *   ... ct_handshake leak                                                                                        ends with 9
 *
 * Run alone it says so and ends with 77.
 */
#include "ct.h"
#include "peer.h"

static struct peer p;

/* The server's randomness is secret but for the first 32 bytes of a handshake's draw, ServerHello.random. */
static int secret_random(void *arg, void *out, size_t n)
{
    test_random(arg, out, n);
    if (n > 32)
        SECRET((uint8_t *)out + 32, n - 32);
    return 0;
}

/*
 * tls13_compute() again, with the ServerHello made public where it would go onto the wire: behind it the transcript is public, the
 * shared secret is not.
 */
static void compute(void)
{
    struct kex_job job, *list = &job;
    uint8_t secret[KEX_MAX_SECRET];
    struct handshake *hs = p.hs;
    if (flight_prepare(p.conn, &job) < 0)
        abort();
    job.secret = secret;
    kex_run(&list, 1);
    PUBLIC(&job.err, sizeof job.err);
    PUBLIC(hs->flight.hello, sizeof hs->flight.hello);
    if (job.err < 0 || flight_finish(p.conn, secret) < 0)
        abort();
    p.conn->step = STEP_FLIGHT;
}

/*
 * The keys of what the client sends: a record's type and length are looked at once it is open, so that this direction cannot be watched
 * here.  ct_sym watches the opening itself.
 */
static void client_keys_are_public(void)
{
    struct handshake *hs = p.hs;
    PUBLIC(hs->secret_client, sizeof hs->secret_client);
    PUBLIC(hs->app_client, sizeof hs->app_client);
    PUBLIC(&p.conn->in, sizeof p.conn->in);
}

/* Signatures have a check of their own, below: here the key is nobody's secret. */
static int sign(void *arg, struct tls13_conn *conn, uint16_t scheme, const uint8_t *hash, size_t n, uint8_t *sig, size_t *len)
{
    struct credential *cred = arg;
    uint8_t salt[SIG_MAX_HASH] = { 1 };
    (void)conn;
    (void)n;
    int r = sig_sign(&cred->key, sig_by_id(scheme), hash, salt, sig);
    *len = r < 0 ? 0 : (size_t)r;
    return r < 0 ? r : 0;
}

/* Gives bytes to the server, as peer_feed(), and makes public what it wrote. */
static int feed(const void *bytes, size_t n)
{
    struct tls13_io io = { .in = p.held, .in_len = n, .out = p.out, .out_cap = sizeof p.out, .out_len = 0 };
    memcpy(p.held, bytes, n);
    for (;;) {
        p.last = tls13_recv(p.conn, &io);
        if (p.last == TLS13_COMPUTE)
            compute();
        p.connected |= p.last == TLS13_CONNECTED;
        if (p.last == TLS13_DATA)
            p.n_data += io.data_len;
        if (p.last == TLS13_MORE || p.last < 0)
            break;
    }
    p.n_out = io.out_len;
    PUBLIC(p.out, p.n_out);
    return p.last;
}

static bool handshake(struct tls13_ctx *ctx, uint16_t suite, uint16_t group, const struct peer_ticket *ticket, struct peer_ticket *got)
{
    uint8_t msg[64], rec[128], reply[TLS13_HEAD + 64 + TLS13_TAIL + TLS13_UPDATE];
    peer_init(&p, ctx);
    p.opt.suites[0] = suite;
    p.opt.groups[0] = p.opt.share[0] = group;
    p.opt.ticket = ticket;
    peer_hello(&p);
    static uint8_t hello[20000];
    size_t n = peer_frame(hello, p.hello_msg, p.hello_len, 16384);
    if (ticket != NULL) /* sealing is watched; an opened ticket's fields are looked at, so that opening cannot be */
        PUBLIC(&ctx->ring, sizeof ctx->ring);
    bool ok = feed(hello, n) == TLS13_MORE && peer_read(&p) && p.finished_ok && p.resumed == (ticket != NULL);
    client_keys_are_public();
    n = peer_finished(&p, msg);
    size_t len = peer_seal(&p, rec, CT_HANDSHAKE, msg, n);
    peer_switch(&p, msg, n);
    ok = ok && feed(rec, len) == TLS13_MORE && p.connected && peer_read(&p) && p.n_tickets != 0;
    if (ok)
        *got = p.tickets[0];
    /* A record each way, the plaintext secret too. */
    memset(reply, 'r', sizeof reply);
    SECRET(reply + TLS13_HEAD, 64);
    n = tls13_seal(p.conn, reply, 64);
    len = peer_seal(&p, rec, CT_DATA, "question", 8);
    ok = ok && n != 0 && feed(rec, len) == TLS13_MORE && p.n_data == 8;
    peer_free(&p);
    return ok;
}

/*
 * Each curve's key signs once, its scalar secret.  BearSSL's RSA cannot be watched so: it keeps the number of words of each factor, which
 * is public, beside the factor and computes it from all its bits, so that memcheck takes every loop over those words for a leak.
 */
static bool signatures(void)
{
    static const char *const keys[] = { fixture_p256, fixture_p384 };
    for (size_t k = 0; k < COUNT(keys); k++) {
        struct credential *c;
        uint8_t hash[SIG_MAX_HASH] = { 9 }, salt[SIG_MAX_HASH] = { 8 }, sig[SIG_MAX];
        if (cred_load(&c, keys[k], strlen(keys[k]), NULL, 0, NULL, NULL) < 0)
            return false;
        const struct private_key *key = &c->key;
        SECRET((void *)(uintptr_t)key->d.p, key->d.n);
        int len = sig_sign(key, sig_by_id(c->schemes[0]), hash, salt, sig);
        PUBLIC(&len, sizeof len);
        if (len <= 0)
            return false;
        printf("%s: signed\n", tls13_scheme_name(c->schemes[0]));
        cred_free(c);
    }
    return true;
}

int main(int argc, char **argv)
{
    if (!WATCHED()) {
        printf("SKIP: not under valgrind\n");
        return 77;
    }
    if (argc > 1 && strcmp(argv[1], "leak") == 0) {
        volatile uint8_t secret = 3;
        SECRET((void *)(uintptr_t)&secret, 1);
        volatile int turns = 0;
        while (turns < secret)
            turns++;
        return 0;
    }
    static const struct {
        uint16_t suite, group;
    } shapes[] = { { TLS_AES_128_GCM_SHA256, GROUP_X25519 },
                   { TLS_AES_256_GCM_SHA384, GROUP_SECP384R1 },
                   { TLS_CHACHA20_POLY1305_SHA256, GROUP_SECP256R1 },
                   { TLS_AES_128_GCM_SHA256, GROUP_X25519MLKEM768 } };
    struct credential *cred;
    struct tls13_ctx *ctx = tls13_ctx_new();
    uint8_t ring[TLS13_TICKET_KEY];
    memcpy(ring, test_ring, sizeof ring);
    if (ctx == NULL || cred_load(&cred, fixture_p256, strlen(fixture_p256), NULL, 0, NULL, NULL) < 0 ||
        tls13_ctx_add_signer(ctx, fixture_p256, strlen(fixture_p256), sign, cred) != 0 || tls13_ctx_set_clock(ctx, test_clock, NULL) < 0 ||
        tls13_ctx_set_random(ctx, secret_random, NULL) < 0 || tls13_ctx_set_ticket_keys(ctx, ring, 1) < 0)
        return 1;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct peer_ticket t, next;
        SECRET(ctx->ring.keys[0] + 16, 32);
        if (!handshake(ctx, shapes[i].suite, shapes[i].group, NULL, &t) || !handshake(ctx, shapes[i].suite, shapes[i].group, &t, &next)) {
            printf("handshake failed\n");
            return 1;
        }
        printf("%s, %s: full, resumed, records done\n", tls13_suite_name(shapes[i].suite), tls13_group_name(shapes[i].group));
    }
    tls13_ctx_unref(ctx);
    cred_free(cred);
    return signatures() ? 0 : 1;
}
