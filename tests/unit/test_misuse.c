/* What a caller of tls13.h can get wrong: it is refused, or ends the connection, and nothing is read or written where it must not be. */
#include "unit.h"

#include "peer.h"

static struct peer p;
static struct tls13_ctx *ctx;

static void fresh(void)
{
    if (p.conn != NULL)
        peer_free(&p);
    peer_init(&p, ctx);
}

/* A setting that is refused leaves what was set before. */
static void refused_lists_change_nothing(void)
{
    static const uint16_t suites[] = { TLS_AES_256_GCM_SHA384, 0x1a1a }, groups[] = { GROUP_SECP384R1, 0x2a2a };
    struct tls13_info info;
    CHECK_INT(tls13_ctx_set_suites(ctx, suites, 2), -TLS13_E_BAD_ARGUMENT);
    CHECK_INT(tls13_ctx_set_groups(ctx, groups, 2), -TLS13_E_BAD_ARGUMENT);
    CHECK_INT(tls13_ctx_set_suites(ctx, suites, 100), -TLS13_E_BAD_ARGUMENT);
    CHECK_INT(tls13_ctx_set_groups(ctx, groups, 100), -TLS13_E_BAD_ARGUMENT);
    fresh();
    p.opt.suites[0] = TLS_AES_256_GCM_SHA384;
    p.opt.suites[1] = TLS_AES_128_GCM_SHA256;
    p.opt.n_suites = 2;
    p.opt.groups[2] = p.opt.share[1] = GROUP_SECP384R1;
    p.opt.n_groups = 3;
    p.opt.n_shares = 2;
    CHECK(peer_handshake(&p, NULL));
    tls13_conn_info(p.conn, &info);
    CHECK_INT(info.suite, TLS_AES_128_GCM_SHA256);
    CHECK_INT(info.group, GROUP_X25519);
    fresh(); /* the last of the list, which is looked at last */
    p.opt.suites[0] = 0x1a1a;
    p.opt.suites[1] = TLS_CHACHA20_POLY1305_SHA256;
    p.opt.n_suites = 2;
    CHECK(peer_handshake(&p, NULL));
}

/* A mode that is none does not pass for one that asks and does not insist. */
static void no_mode_between(void)
{
    CHECK_INT(tls13_ctx_set_client_auth(ctx, (enum tls13_client_auth)3), -TLS13_E_BAD_ARGUMENT);
    CHECK_INT(tls13_ctx_set_client_auth(ctx, (enum tls13_client_auth) - 1), -TLS13_E_BAD_ARGUMENT);
    fresh();
    CHECK(peer_handshake(&p, NULL));
    CHECK(!p.cert_request);
}

/* RFC 8446 5.5: a limit of the caller's own can be below the suite's, not above. */
static void no_key_beyond_its_limit(void)
{
    static const uint64_t own[] = { 0, UINT64_C(1) << 40, UINT64_MAX, 7 };
    uint8_t rec[TLS13_HEAD + 1 + TLS13_TAIL + TLS13_UPDATE] = { 0 };
    for (size_t i = 0; i < COUNT(own); i++) {
        CHECK_INT(tls13_ctx_set_key_limit(ctx, own[i]), 0);
        fresh();
        CHECK(peer_handshake(&p, NULL));
        p.conn->out.seq = (own[i] == 7 ? 7 : UINT64_C(1) << 24) - 2;
        CHECK_INT(tls13_seal(p.conn, rec, 1), TLS13_HEAD + 1 + TLS13_TAIL);
        CHECK_INT(tls13_seal(p.conn, rec, 1), TLS13_HEAD + 1 + TLS13_TAIL + TLS13_UPDATE);
        CHECK_INT(p.conn->out.seq, 0);
    }
    CHECK_INT(tls13_ctx_set_key_limit(ctx, 0), 0);
}

/* Half of a message that its owner was to keep: without it the connection is over, and nothing is read where it would have been. */
static void what_was_left_must_come_back(void)
{
    uint8_t small[2] = { 0x18, 0 };
    for (size_t have = 0; have < 3; have++) {
        fresh();
        CHECK(peer_handshake(&p, NULL));
        CHECK_INT(peer_send(&p, CT_HANDSHAKE, "\30\0\0", 3), TLS13_MORE);
        CHECK_INT(p.n_held, 3);
        struct tls13_io io = { .in = small, .in_len = have, .out = p.out, .out_cap = sizeof p.out };
        CHECK_INT(tls13_recv(p.conn, &io), -TLS13_E_BAD_ARGUMENT);
        CHECK_INT(io.out_len, 0);
        CHECK_INT(tls13_recv(p.conn, &io), -TLS13_E_BAD_ARGUMENT); /* dead */
        CHECK_INT(tls13_close(p.conn, p.out, sizeof p.out), 0);
    }
}

/* More output in use than there is room for it: the difference of the two is no room. */
static void room_must_be_there(void)
{
    uint8_t in[2] = "\1", out[8] = { 0 };
    fresh();
    struct tls13_io io = { .in = in, .in_len = 1, .out = out, .out_cap = 1, .out_len = 2 };
    CHECK_INT(tls13_recv(p.conn, &io), -TLS13_E_BAD_ARGUMENT); /* an alert would be due: it is no TLS */
    CHECK_INT(io.out_len, 2);
    CHECK_MEM(out, "\0\0\0\0\0\0\0", 8);
}

/* The handshake's memory taken back too early: the connection is over, and asks for nothing more. */
static void a_handshake_needs_its_memory(void)
{
    struct tls13_info info;
    uint8_t rec[4096];
    for (int step = 0; step < 3; step++) {
        fresh();
        peer_hello(&p);
        struct tls13_io io = {
            .in = rec, .in_len = peer_frame(rec, p.hello_msg, p.hello_len, 16384), .out = p.out, .out_cap = sizeof p.out
        };
        for (int i = 0; i < step; i++)
            CHECK_INT(tls13_recv(p.conn, &io), i == 0 ? TLS13_HELLO : TLS13_COMPUTE);
        CHECK(tls13_conn_release_hs(p.conn) == p.hs);
        tls13_compute(&p.conn, 1);
        CHECK_INT(tls13_recv(p.conn, &io), -TLS13_E_CLOSED);
        CHECK_INT(tls13_abort(p.conn, TLS13_ALERT_internal_error, p.out, sizeof p.out), 0);
        tls13_conn_info(p.conn, &info);
        CHECK_STR(info.sni, "");
    }
}

int main(void)
{
    ctx = test_ctx();
    RUN(refused_lists_change_nothing);
    RUN(no_mode_between);
    RUN(no_key_beyond_its_limit);
    RUN(what_was_left_must_come_back);
    RUN(room_must_be_there);
    RUN(a_handshake_needs_its_memory);
    if (p.conn != NULL)
        peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
