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

int main(void)
{
    ctx = test_ctx();
    RUN(refused_lists_change_nothing);
    RUN(no_key_beyond_its_limit);
    if (p.conn != NULL)
        peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
