/* Around a HelloRetryRequest: what the second ClientHello may not do when the first offered a ticket and 0-RTT, and what ends with it. */
#include "unit.h"

#include "peer.h"

static struct peer p;
static struct tls13_ctx *ctx;
static struct peer_ticket ticket;

/* The server has asked for x25519, which is the first of two that it could ask for. */
static void asked(bool early)
{
    peer_fresh(&p, ctx);
    p.opt.groups[2] = p.opt.share[0] = 0x2a2a;
    p.opt.n_groups = 3;
    p.opt.ticket = early ? &ticket : NULL;
    p.opt.early_data = early;
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p) && p.retry);
    CHECK_INT(p.retry_group, GROUP_X25519);
    p.opt.share[0] = GROUP_X25519;
    p.opt.early_data = false;
}

static void refused(int err)
{
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), -err);
    CHECK(peer_read(&p));
    CHECK_INT(p.alert, tls13_err_alert(err));
    CHECK(p.clear_alert);
}

/* RFC 8446 4.2.8: the share that was asked for, not that of another group in common. */
static void another_share_is_refused(void)
{
    asked(false);
    p.opt.share[0] = GROUP_SECP256R1;
    refused(TLS13_E_ILLEGAL);
}

/* 4.2.10: no 0-RTT behind a HelloRetryRequest, good ticket or not. */
static void early_data_again_is_refused(void)
{
    asked(true);
    p.opt.early_data = true;
    refused(TLS13_E_ILLEGAL);
}

/* 4.2.10: what does not open is passed over until the second hello, and no more behind it. */
static void nothing_is_skipped_behind_the_second(void)
{
    uint8_t early[200] = { CT_DATA, 3, 3, 0, sizeof early - 5 };
    for (int late = 0; late < 2; late++) {
        asked(true);
        CHECK_INT(peer_feed(&p, early, sizeof early), TLS13_MORE);
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), TLS13_MORE);
        CHECK(peer_read(&p) && p.finished_ok && p.resumed);
        if (late) {
            CHECK_INT(peer_feed(&p, early, sizeof early), -TLS13_E_BAD_MAC);
            CHECK(peer_read(&p));
            CHECK_INT(p.alert, TLS13_ALERT_bad_record_mac);
        }
    }
}

int main(void)
{
    ctx = test_ctx();
    peer_init(&p, ctx);
    if (!peer_handshake(&p, NULL))
        abort();
    ticket = p.tickets[0];
    RUN(another_share_is_refused);
    RUN(early_data_again_is_refused);
    RUN(nothing_is_skipped_behind_the_second);
    peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
