/* Records and alerts that RFC 8446 has a server refuse, through the whole engine: versions, fragments, keys, sequences. */
#include "unit.h"

#include "peer.h"

static struct peer p;
static struct tls13_ctx *ctx;

static void fresh(void)
{
    peer_fresh(&p, ctx);
}

static void dead(int err)
{
    CHECK_INT(p.last, -err);
    CHECK(peer_read(&p));
    CHECK_INT(p.alert, tls13_err_alert(err));
}

/* legacy_record_version means nothing (5.1), in any record of a client. */
static void record_versions(void)
{
    static const uint16_t versions[] = { 0, 0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x7f1c, 0xffff };
    for (size_t i = 0; i < COUNT(versions); i++) {
        uint8_t rec[4096];
        fresh();
        peer_hello(&p);
        size_t n = peer_frame(rec, p.hello_msg, p.hello_len, 100);
        for (size_t at = 0; at < n; at += 5U + load16(rec + at + 3))
            store16(rec + at + 1, versions[i]);
        CHECK_INT(peer_feed(&p, rec, n), TLS13_MORE);
        CHECK(peer_read(&p) && p.finished_ok);
        uint8_t ccs[6] = { 20, (uint8_t)(versions[i] >> 8), (uint8_t)versions[i], 0, 1, 1 };
        CHECK_INT(peer_feed(&p, ccs, sizeof ccs), TLS13_MORE);
    }
}

/* All alerts but close_notify and user_canceled are fatal, whatever their level, known or not (section 6); none is answered. */
static void every_alert(void)
{
    for (unsigned alert = 0; alert < 256; alert++)
        for (unsigned level = 0; level < 4; level++) {
            uint8_t msg[2] = { (uint8_t)level, (uint8_t)alert };
            struct tls13_info info;
            fresh();
            peer_hello(&p);
            CHECK_INT(peer_send_hello(&p), TLS13_MORE);
            CHECK(peer_read(&p));
            peer_send(&p, CT_ALERT, msg, 2);
            CHECK_INT(p.last, alert == TLS13_ALERT_close_notify    ? -TLS13_E_CLOSED
                              : alert == TLS13_ALERT_user_canceled ? TLS13_MORE
                                                                   : -TLS13_E_ALERT);
            CHECK_INT(p.n_out, 0);
            tls13_conn_info(p.conn, &info);
            CHECK_INT(info.alert_received, p.last == -TLS13_E_ALERT ? (int)alert : -1);
        }
}

/* An alert is one whole record (5.1). */
static void alerts_are_whole(void)
{
    static const struct {
        size_t n;
        int err;
    } cases[] = { { 0, TLS13_E_UNEXPECTED }, { 1, TLS13_E_DECODE }, { 3, TLS13_E_DECODE }, { 4, TLS13_E_DECODE } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        fresh();
        CHECK(peer_handshake(&p, NULL));
        peer_send(&p, CT_ALERT, "\1\132\1\132", cases[i].n);
        dead(cases[i].err);
    }
}

/* Protected records may not come between the fragments of a message either (5.1). */
static void nothing_between_protected_fragments(void)
{
    static const struct {
        uint8_t type;
        const char *data;
        size_t n;
    } between[] = { { CT_ALERT, "\1\132", 2 }, { CT_ALERT, "\1\0", 2 }, { CT_DATA, "x", 1 }, { CT_DATA, "", 0 } };
    for (size_t i = 0; i < COUNT(between); i++) {
        fresh();
        CHECK(peer_handshake(&p, NULL));
        CHECK_INT(peer_send(&p, CT_HANDSHAKE, "\30\0\0", 3), TLS13_MORE);
        peer_send(&p, between[i].type, between[i].data, between[i].n);
        dead(TLS13_E_UNEXPECTED);
        CHECK_INT(p.n_data, 0);
    }
    fresh();
    CHECK(peer_handshake(&p, NULL));
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, "\30\0\0", 3), TLS13_MORE);
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, "\1\0", 2), TLS13_MORE); /* in two parts it is one */
    rec_update(&p.to, p.suite);
    CHECK_INT(peer_send(&p, CT_DATA, "x", 1), TLS13_MORE);
}

/* Behind a KeyUpdate nothing of the old key is taken; nothing of the new key before it (4.6.3). */
static void key_update_changes_keys(void)
{
    fresh();
    CHECK(peer_handshake(&p, NULL));
    struct direction old = p.to;
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, "\30\0\0\1\0", 5), TLS13_MORE);
    old.seq++;
    p.to = old;
    peer_send(&p, CT_DATA, "old", 3);
    dead(TLS13_E_BAD_MAC);
    fresh();
    CHECK(peer_handshake(&p, NULL));
    rec_update(&p.to, p.suite);
    peer_send(&p, CT_DATA, "new", 3);
    dead(TLS13_E_BAD_MAC);
    CHECK_INT(p.n_data, 0);
}

/* Behind Finished the client's records are under application keys (4.4.4). */
static void keys_behind_finished(void)
{
    uint8_t msg[64];
    fresh();
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, msg, peer_finished(&p, msg)), TLS13_MORE);
    CHECK(p.connected);
    peer_send(&p, CT_DATA, "under handshake keys", 20);
    dead(TLS13_E_BAD_MAC);
    CHECK_INT(p.n_data, 0);
}

static void a_full_sequence_ends_it(void)
{
    fresh();
    CHECK(peer_handshake(&p, NULL));
    p.conn->in.seq = p.to.seq = UINT64_MAX - 1;
    CHECK_INT(peer_send(&p, CT_DATA, "x", 1), TLS13_MORE);
    peer_send(&p, CT_DATA, "x", 1);
    dead(TLS13_E_INTERNAL);
}

int main(void)
{
    ctx = test_ctx();
    RUN(record_versions);
    RUN(every_alert);
    RUN(alerts_are_whole);
    RUN(nothing_between_protected_fragments);
    RUN(key_update_changes_keys);
    RUN(keys_behind_finished);
    RUN(a_full_sequence_ends_it);
    peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
