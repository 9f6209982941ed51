/* The engine's calls where they have nothing to do, at the bounds of their arguments, and what a connection leaves behind. */
#include "unit.h"

#include "peer.h"

static struct peer p;
static struct tls13_ctx *ctx;

static void fresh(void)
{
    peer_fresh(&p, ctx);
}

static void connected(void)
{
    fresh();
    CHECK(peer_handshake(&p, NULL));
}

static bool all_zero(const void *at, size_t n)
{
    const uint8_t *b = at;
    for (size_t i = 0; i < n; i++)
        if (b[i] != 0)
            return false;
    return true;
}

/* Work is done for who waits for it; for others these calls change nothing. */
static void compute_without_need(void)
{
    struct tls13_conn before;
    static struct handshake hs;
    connected();
    for (int dead = 0; dead < 2; dead++) {
        before = *p.conn;
        memcpy(&hs, p.hs, sizeof hs);
        tls13_compute(&p.conn, 1);
        tls13_sign_done(p.conn, (const uint8_t *)"signature", 9);
        CHECK_MEM(p.conn, &before, sizeof before);
        CHECK_MEM(p.hs, &hs, sizeof hs);
        fresh(); /* a client that has gone while its handshake waits */
        peer_hello(&p);
        uint8_t rec[4096];
        struct tls13_io io = {
            .in = rec, .in_len = peer_frame(rec, p.hello_msg, p.hello_len, 16384), .out = p.out, .out_cap = sizeof p.out
        };
        CHECK_INT(tls13_recv(p.conn, &io), TLS13_HELLO);
        CHECK_INT(tls13_recv(p.conn, &io), TLS13_COMPUTE);
        CHECK(tls13_abort(p.conn, TLS13_ALERT_access_denied, p.out, sizeof p.out) != 0);
    }
}

static void seal_within_bounds(void)
{
    static uint8_t buf[2 * TLS13_MAX_RECORD];
    connected();
    CHECK_INT(tls13_seal(p.conn, buf, 0), 0);
    CHECK_INT(tls13_seal_bulk(p.conn, buf, 10, 0), 0);
    CHECK_INT(tls13_seal(p.conn, buf, TLS13_MAX_PLAIN + 1), 0);
    CHECK_INT(tls13_seal_bulk(p.conn, buf, 10, TLS13_MAX_PLAIN + 1), 0);
    CHECK_INT(tls13_seal(p.conn, buf, TLS13_MAX_PLAIN), TLS13_HEAD + TLS13_MAX_PLAIN + TLS13_TAIL);
    CHECK_INT(tls13_seal(p.conn, buf, 1), TLS13_HEAD + 1 + TLS13_TAIL);
}

/* Without room nothing is written, and the call can be made again. */
static void alerts_need_room(void)
{
    enum { NEED = TLS13_HEAD + 2 + TLS13_TAIL };
    uint8_t out[NEED] = { 0 };
    connected();
    CHECK_INT(tls13_close(p.conn, out, NEED - 1), 0);
    CHECK(all_zero(out, sizeof out) && !tls13_we_closed(p.conn));
    CHECK_INT(tls13_close(p.conn, out, NEED), NEED);
    CHECK(tls13_we_closed(p.conn));
    connected();
    CHECK_INT(tls13_update_keys(p.conn, false, p.out, TLS13_UPDATE - 1), 0);
    CHECK_INT(tls13_update_keys(p.conn, false, p.out, TLS13_UPDATE), TLS13_UPDATE);
    memset(out, 0, sizeof out);
    CHECK_INT(tls13_abort(p.conn, TLS13_ALERT_internal_error, out, NEED - 1), 0);
    CHECK(all_zero(out, sizeof out));
    CHECK_INT(tls13_seal(p.conn, p.out, 5), 0); /* over all the same */
}

/* 6.2: an alert that ended the connection is not answered, not with close_notify either. */
static void nothing_to_say_to_an_alert(void)
{
    uint8_t out[64];
    connected();
    CHECK_INT(peer_send(&p, CT_ALERT, "\2\50", 2), -TLS13_E_ALERT);
    CHECK_INT(p.n_out, 0);
    CHECK_INT(tls13_close(p.conn, out, sizeof out), 0);
    CHECK_INT(tls13_abort(p.conn, TLS13_ALERT_internal_error, out, sizeof out), 0);
    CHECK_INT(tls13_update_keys(p.conn, true, out, sizeof out), 0);
}

/* 7.5: "tls13 " and the label fit a byte's length, and HKDF gives 255 times its hash. */
static void exports_within_bounds(void)
{
    static uint8_t out[255 * 32 + 1];
    char label[251];
    connected();
    memset(label, 'x', 250);
    label[250] = '\0';
    CHECK_INT(tls13_export(p.conn, label, "", 0, out, 32), -TLS13_E_BAD_ARGUMENT);
    CHECK_INT(tls13_export(p.conn, label + 1, "", 0, out, 32), 0);
    CHECK_INT(tls13_export(p.conn, "x", "", 0, out, sizeof out), -TLS13_E_BAD_ARGUMENT);
    CHECK_INT(tls13_export(p.conn, "x", "", 0, out, sizeof out - 1), 0);
}

/* Secrets do not outlive what they are for. */
static void nothing_is_left_behind(void)
{
    connected();
    CHECK(!all_zero(p.hs, tls13_hs_size()));
    CHECK(tls13_conn_release_hs(p.conn) == p.hs);
    CHECK(all_zero(p.hs, tls13_hs_size()));
    CHECK(tls13_conn_release_hs(p.conn) == NULL);
    CHECK(!all_zero(p.conn->exporter, sizeof p.conn->exporter));
    CHECK_INT(peer_send(&p, CT_DATA, "goes on", 7), TLS13_MORE);
    tls13_conn_wipe(p.conn);
    p.conn->err = 0;
    CHECK(all_zero(p.conn, tls13_conn_size()));
    tls13_conn_init(p.conn, ctx, p.hs);
    fresh(); /* in the midst of a handshake */
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    tls13_conn_wipe(p.conn);
    CHECK(all_zero(p.hs, tls13_hs_size()));
    tls13_conn_init(p.conn, ctx, p.hs);
}

/* A context takes up to 65535 credentials; the index of the chosen one is kept whole. */
static void last_of_many_credentials(void)
{
    enum { MANY = 40000 };
    struct tls13_ctx *with = test_ctx();
    struct tls13_info info;
    struct credential **many = realloc(with->creds, MANY * sizeof *many);
    CHECK(many != NULL);
    with->creds = many;
    for (size_t i = 1; i < MANY; i++)
        many[i] = many[0];
    with->n_creds = MANY;
    CHECK_INT(tls13_ctx_set_default(with, MANY - 1), 0);
    peer_fresh(&p, with);
    p.opt.sni = "elsewhere.example";
    CHECK(peer_handshake(&p, NULL));
    tls13_conn_info(p.conn, &info);
    CHECK_INT(info.credential, MANY - 1);
    CHECK_INT(p.n_tickets, 2);
    with->n_creds = 1;
    tls13_ctx_unref(with);
}

/* RFC 8446 6.1: behind our close_notify we send nothing: no flight, no tickets. */
static void nothing_behind_close_notify(void)
{
    uint8_t msg[4 + MAX_HASH], rec[128], out[64];
    fresh();
    peer_hello(&p);
    peer_send_hello(&p);
    CHECK(peer_read(&p));
    CHECK(tls13_close(p.conn, out, sizeof out) != 0);
    size_t fin = peer_finished(&p, msg), len = peer_seal(&p, rec, CT_HANDSHAKE, msg, fin);
    peer_switch(&p, msg, fin);
    peer_feed(&p, rec, len);
    CHECK_INT(p.last, -TLS13_E_CLOSED);
    CHECK(!p.connected);
    CHECK_INT(p.n_out, 0);
    fresh();
    CHECK(tls13_close(p.conn, out, sizeof out) != 0);
    peer_hello(&p);
    peer_send_hello(&p);
    CHECK_INT(p.n_out, 0);
}

int main(void)
{
    ctx = test_ctx();
    RUN(compute_without_need);
    RUN(seal_within_bounds);
    RUN(alerts_need_room);
    RUN(nothing_to_say_to_an_alert);
    RUN(exports_within_bounds);
    RUN(nothing_is_left_behind);
    RUN(last_of_many_credentials);
    RUN(nothing_behind_close_notify);
    peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
