/* tls13_compute() over many handshakes at once: each ends as it would alone, and the random bytes are drawn once. */
#include "unit.h"

#include "peer.h"

#define MANY 21

static struct peer *peers[MANY];

/* --- random sources --------------------------------------------------------------------------------------------- */

struct source {
    unsigned calls;
    size_t bytes;
    bool fails;
};

static int counted_random(void *arg, void *out, size_t n)
{
    struct source *s = arg;
    s->calls++;
    s->bytes += n;
    return s->fails ? -TLS13_E_RANDOM : test_random(NULL, out, n);
}

static struct tls13_ctx *ctx_of(const char *pem, struct source *s)
{
    struct tls13_ctx *ctx = tls13_ctx_new();
    CHECK_INT(tls13_ctx_add_pem(ctx, pem, strlen(pem), NULL, 0), 0);
    CHECK_INT(tls13_ctx_set_clock(ctx, test_clock, NULL), 0);
    CHECK_INT(tls13_ctx_set_ticket_keys(ctx, test_ring, 1), 0);
    CHECK_INT(tls13_ctx_set_random(ctx, counted_random, s), 0);
    return ctx;
}

/* --- handshakes that wait ----------------------------------------------------------------------------------------- */

/* A ClientHello for this group, up to TLS13_COMPUTE. */
static struct peer *waiting(struct tls13_ctx *ctx, uint16_t group)
{
    struct peer *p = calloc(1, sizeof *p);
    peer_init(p, ctx);
    p->opt.groups[0] = p->opt.share[0] = group;
    p->opt.n_groups = 1;
    peer_hello(p);
    struct tls13_io io = {
        .in = p->held, .in_len = peer_frame(p->held, p->hello_msg, p->hello_len, 16384), .out = p->out, .out_cap = sizeof p->out
    };
    CHECK_INT(tls13_recv(p->conn, &io), TLS13_HELLO);
    CHECK_INT(tls13_recv(p->conn, &io), TLS13_COMPUTE);
    CHECK_INT(io.in_len, 0);
    return p;
}

static void compute_all(size_t n)
{
    struct tls13_conn *conns[MANY];
    for (size_t i = 0; i < n; i++)
        conns[i] = peers[i]->conn;
    tls13_compute(conns, n);
}

/* The flight is good, and the rest of the handshake as well. */
static bool ends_well(struct peer *p)
{
    uint8_t msg[4 + MAX_HASH], rec[256];
    if (peer_feed(p, NULL, 0) != TLS13_MORE || !peer_read(p) || !p->finished_ok)
        return false;
    size_t n = peer_finished(p, msg), len = peer_seal(p, rec, CT_HANDSHAKE, msg, n);
    peer_switch(p, msg, n);
    return peer_feed(p, rec, len) == TLS13_MORE && p->connected && peer_read(p) && peer_echo(p);
}

static void leave(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        peer_free(peers[i]);
        free(peers[i]);
    }
}

/* --- cases -------------------------------------------------------------------------------------------------------- */

static void each_ends_as_it_would_alone(void)
{
    static const uint16_t groups[] = { GROUP_X25519, GROUP_X25519MLKEM768, GROUP_SECP256R1, GROUP_X25519, GROUP_X25519 };
    struct source s = { 0 };
    struct tls13_ctx *ec = ctx_of(fixture_p256, &s), *rsa = ctx_of(fixture_rsa, &s);
    for (size_t i = 0; i < MANY; i++)
        peers[i] = waiting(i % 4 == 3 ? rsa : ec, groups[i % COUNT(groups)]);
    compute_all(MANY);
    for (size_t i = 0; i < MANY; i++) {
        CHECK(ends_well(peers[i]));
        for (size_t j = 0; j < i; j++) {
            CHECK(memcmp(peers[i]->secret_server, peers[j]->secret_server, 32) != 0);
            CHECK(memcmp(peers[i]->app_client, peers[j]->app_client, 32) != 0);
        }
    }
    leave(MANY);
    tls13_ctx_unref(ec);
    tls13_ctx_unref(rsa);
}

/* ServerHello.random, the group's and, for RSA, the salt: no more is asked for than is used. */
static void random_bytes_are_drawn_once_a_batch(void)
{
    struct source s = { 0 }, other = { 0 };
    struct tls13_ctx *ec = ctx_of(fixture_p256, &s), *rsa = ctx_of(fixture_rsa, &s), *third = ctx_of(fixture_p256, &other);
    for (size_t i = 0; i < 8; i++)
        peers[i] = waiting(i < 5 ? ec : i < 6 ? rsa : third, i == 0 ? GROUP_X25519MLKEM768 : GROUP_X25519);
    CHECK_INT(s.calls + other.calls, 0);
    compute_all(8);
    CHECK_INT(s.calls, 1);
    CHECK_INT(s.bytes, 6 * 64 + 32 + 32);
    CHECK_INT(other.calls, 1);
    CHECK_INT(other.bytes, 2 * 64);
    for (size_t i = 0; i < 8; i++)
        CHECK(ends_well(peers[i]));
    leave(8);
    tls13_ctx_unref(ec);
    tls13_ctx_unref(rsa);
    tls13_ctx_unref(third);
}

/* A source that fails ends those that ask it, and no others. */
static void a_source_fails_for_its_own(void)
{
    struct source good = { 0 }, bad = { .fails = true };
    struct tls13_ctx *ec = ctx_of(fixture_p256, &good), *none = ctx_of(fixture_p256, &bad);
    for (size_t i = 0; i < 6; i++)
        peers[i] = waiting(i % 3 == 1 ? none : ec, GROUP_X25519);
    compute_all(6);
    for (size_t i = 0; i < 6; i++) {
        if (i % 3 != 1) {
            CHECK(ends_well(peers[i]));
            continue;
        }
        CHECK_INT(peer_feed(peers[i], NULL, 0), -TLS13_E_RANDOM);
        CHECK(peer_read(peers[i]));
        CHECK_INT(peers[i]->alert, TLS13_ALERT_internal_error);
    }
    leave(6);
    tls13_ctx_unref(ec);
    tls13_ctx_unref(none);
}

/* A share that is no point fails by itself. */
static void a_bad_share_spoils_no_other(void)
{
    struct source s = { 0 };
    struct tls13_ctx *ec = ctx_of(fixture_p256, &s);
    for (size_t i = 0; i < 5; i++)
        peers[i] = waiting(ec, i == 4 ? GROUP_SECP256R1 : GROUP_X25519);
    memset(peers[1]->conn->hs->share, 0, 32); /* RFC 7748 6.1: gives zero */
    peers[4]->conn->hs->share[64] ^= 1;
    compute_all(5);
    for (size_t i = 0; i < 5; i++) {
        if (i != 1 && i != 4)
            CHECK(ends_well(peers[i]));
        else
            CHECK_INT(peer_feed(peers[i], NULL, 0), -TLS13_E_ILLEGAL);
    }
    leave(5);
    tls13_ctx_unref(ec);
}

int main(void)
{
    RUN(each_ends_as_it_would_alone);
    RUN(random_bytes_are_drawn_once_a_batch);
    RUN(a_source_fails_for_its_own);
    RUN(a_bad_share_spoils_no_other);
    return DONE();
}
