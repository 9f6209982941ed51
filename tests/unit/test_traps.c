/* Records and messages that may not come, or not so: each with the alert that RFC 8446 names, under the right keys. */
#include "unit.h"

#include "peer.h"

static struct peer p;
static struct tls13_ctx *ctx;

static void fresh(void)
{
    peer_fresh(&p, ctx);
}

/* A connection after its handshake. */
static void connected(void)
{
    fresh();
    CHECK(peer_handshake(&p, NULL));
    p.n_data = p.n_app = 0;
}

/* A connection that waits for the client's Finished. */
static void waiting(void)
{
    fresh();
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p) && p.finished_ok);
}

/* The server is dead of err and has said so; clear: before it had keys. */
static void died(int err, int alert, bool clear)
{
    CHECK_INT(p.last, -err);
    CHECK(peer_read(&p));
    CHECK_INT(p.alert, alert);
    CHECK_INT(p.clear_alert, clear);
    CHECK_INT(peer_feed(&p, "\27\3\3\0\1\0", 6), -err); /* and stays dead */
    CHECK_INT(p.n_out, 0);
}

/* --- before any key ------------------------------------------------------------------------------------------- */

static void not_tls_is_told_at_once(void)
{
    static const char *const greetings[] = { "GET / HTTP/1.1\r\n", "\200\56\1\3\1", "SSH-2.0-x", "\1", "\0" };
    for (size_t i = 0; i < COUNT(greetings); i++) {
        fresh();
        peer_feed(&p, greetings[i], 1);
        died(TLS13_E_NOT_TLS, TLS13_ALERT_unexpected_message, true);
    }
}

static void first_records(void)
{
    const struct {
        const char *bytes;
        size_t n;
        int err, alert;
    } cases[] = {
        { "\24\3\3\0\1\1", 6, TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message },       /* CCS before the ClientHello */
        { "\27\3\3\0\1\1", 6, TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message },       /* application data */
        { "\26\3\1\0\0", 5, TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message },         /* empty handshake record */
        { "\25\3\1\0\0", 5, TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message },         /* empty alert record */
        { "\25\3\1\0\3\1\0\0", 8, TLS13_E_DECODE, TLS13_ALERT_decode_error },             /* an alert and a half */
        { "\26\3\1\100\1", 5, TLS13_E_OVERFLOW, TLS13_ALERT_record_overflow },            /* 2^14 + 1: told before the body */
        { "\26\3\1\0\4\2\0\0\0", 9, TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message }, /* ServerHello */
        { "\26\3\1\0\1\24", 6, TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message },      /* Finished, its first byte */
        { "\26\3\1\0\4\1\1\0\0", 9, TLS13_E_TOO_LONG, TLS13_ALERT_illegal_parameter },    /* a ClientHello of 64 KiB: told at its header */
        { "\26\3\1\0\6\1\0\0\1\0\0", 11, TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message }, /* bytes behind the message */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        fresh();
        peer_feed(&p, cases[i].bytes, cases[i].n);
        died(cases[i].err, cases[i].alert, true);
    }
}

static void alerts_before_the_hello(void)
{
    struct tls13_info info;
    fresh();
    CHECK_INT(peer_feed(&p, "\25\3\1\0\2\2\50", 7), -TLS13_E_ALERT);
    CHECK_INT(p.n_out, 0); /* an alert is not answered */
    tls13_conn_info(p.conn, &info);
    CHECK_INT(info.alert_received, TLS13_ALERT_handshake_failure);
    fresh();
    CHECK_INT(peer_feed(&p, "\25\3\1\0\2\1\0", 7), -TLS13_E_CLOSED);
    fresh();
    for (int i = 0; i < LIMIT_WARNINGS; i++)
        CHECK_INT(peer_feed(&p, "\25\3\1\0\2\1\132", 7), TLS13_MORE); /* user_canceled, which Java sends */
    CHECK_INT(peer_feed(&p, "\25\3\1\0\2\1\132", 7), -TLS13_E_TOO_MANY);
}

static void nothing_between_fragments(void)
{
    static const char *const between[] = { "\25\3\1\0\2\1\132", "\24\3\3\0\1\1", "\27\3\3\0\1\1" };
    for (size_t i = 0; i < COUNT(between); i++) {
        uint8_t rec[4096];
        fresh();
        peer_hello(&p);
        size_t n = peer_frame(rec, p.hello_msg, 20, 20);
        CHECK_INT(peer_feed(&p, rec, n), TLS13_MORE);
        peer_feed(&p, between[i], i == 0 ? 7 : 6);
        died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, true);
    }
}

static void longest_hello(void)
{
    static uint8_t extra[16384];
    for (int over = 0; over < 2; over++) {
        fresh();
        p.opt.extra = extra;
        p.opt.extra_len = 0;
        peer_hello(&p);
        size_t pad = LIMIT_HELLO - p.hello_len + (size_t)over;
        memcpy(extra, "\0\25", 2); /* padding, RFC 7685 */
        store16(extra + 2, (unsigned)(pad - 4));
        p.opt.extra_len = pad;
        peer_hello(&p);
        CHECK_INT(p.hello_len, LIMIT_HELLO + over);
        CHECK_INT(peer_send_hello(&p), over ? -TLS13_E_TOO_LONG : TLS13_MORE);
    }
}

/* --- change_cipher_spec ----------------------------------------------------------------------------------------- */

static void ccs(void)
{
    uint8_t msg[64], rec[128];
    waiting();
    for (int i = 0; i < LIMIT_CCS; i++)
        CHECK_INT(peer_feed(&p, "\24\3\3\0\1\1", 6), TLS13_MORE);
    size_t n = peer_finished(&p, msg);
    CHECK_INT(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, msg, n)), TLS13_MORE);
    CHECK(p.connected);
    peer_switch(&p, msg, n);
    peer_feed(&p, "\24\3\3\0\1\1", 6); /* behind Finished */
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    static const char *const bad[] = { "\24\3\3\0\1\2", "\24\3\3\0\2\1\1", "\24\3\3\0\0" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        waiting();
        peer_feed(&p, bad[i], i == 0 ? 6 : i == 1 ? 7 : 5);
        died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    }
    waiting();
    for (int i = 0; i < LIMIT_CCS; i++)
        CHECK_INT(peer_feed(&p, "\24\3\3\0\1\1", 6), TLS13_MORE);
    peer_feed(&p, "\24\3\3\0\1\1", 6);
    died(TLS13_E_TOO_MANY, TLS13_ALERT_unexpected_message, false);
    waiting(); /* protected, it is no CCS */
    peer_send(&p, CT_CCS, "\1", 1);
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
}

/* --- the client's flight ------------------------------------------------------------------------------------------ */

static void wrong_finished(void)
{
    uint8_t msg[64];
    for (size_t bit = 0; bit < 32 * 8; bit++) {
        waiting();
        size_t n = peer_finished(&p, msg);
        msg[4 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        peer_send(&p, CT_HANDSHAKE, msg, n);
        died(TLS13_E_DECRYPT, TLS13_ALERT_decrypt_error, false);
    }
    for (int d = -1; d <= 1; d += 2) { /* a byte less, a byte more */
        waiting();
        size_t n = peer_finished(&p, msg);
        store24(msg + 1, (uint32_t)((int)n - 4 + d));
        msg[n] = 0;
        peer_send(&p, CT_HANDSHAKE, msg, (size_t)((int)n + d));
        died(TLS13_E_DECODE, TLS13_ALERT_decode_error, false);
    }
}

static void keys_change_at_a_record_boundary(void)
{
    uint8_t msg[128];
    waiting();
    size_t n = peer_finished(&p, msg);
    memcpy(msg + n, "\30\0\0\1\0", 5); /* KeyUpdate in Finished's record */
    peer_send(&p, CT_HANDSHAKE, msg, n + 5);
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    connected();
    peer_send(&p, CT_HANDSHAKE, "\30\0\0\1\0\30\0\0\1\0", 10);
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
}

static void data_before_finished(void)
{
    waiting();
    peer_send(&p, CT_DATA, "early", 5);
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    CHECK_INT(p.n_data, 0);
}

static void plain_alert_only_before_the_first_good_record(void)
{
    uint8_t msg[64], rec[128];
    waiting();
    CHECK_INT(peer_feed(&p, "\25\3\3\0\2\2\60", 7), -TLS13_E_ALERT);
    waiting();
    size_t n = peer_finished(&p, msg);
    size_t len = peer_seal(&p, rec, CT_HANDSHAKE, msg, 10); /* half of Finished */
    CHECK_INT(peer_feed(&p, rec, len), TLS13_MORE);
    peer_feed(&p, "\25\3\3\0\2\2\60", 7);
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    (void)n;
    connected();
    peer_feed(&p, "\25\3\3\0\2\1\0", 7);
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    connected();
    peer_feed(&p, "\26\3\3\0\5\30\0\0\1\0", 10); /* a KeyUpdate in the clear */
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
}

/* --- protected records -------------------------------------------------------------------------------------------- */

static void inner_types(void)
{
    for (int type = 0; type < 256; type++) {
        if (type == CT_DATA || type == CT_ALERT || type == CT_HANDSHAKE)
            continue;
        connected();
        peer_send(&p, (uint8_t)type, "x", type == 0 ? 0 : 1);
        died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    }
    static const uint8_t never_empty[] = { CT_ALERT, CT_HANDSHAKE };
    for (size_t i = 0; i < 2; i++) {
        connected();
        peer_send(&p, never_empty[i], "", 0);
        died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    }
}

static void padding(void)
{
    uint8_t data[TLS13_MAX_PLAIN + 1] = { 0 };
    connected();
    memcpy(data, "padded", 6);
    data[6] = CT_DATA; /* then zeros, then a type that is zero too */
    CHECK_INT(peer_send(&p, 0, data, 1000), TLS13_MORE);
    CHECK_INT(p.n_data, 6);
    CHECK_MEM(p.data, "padded", 6);
    CHECK_INT(peer_send(&p, 0, data, TLS13_MAX_PLAIN), TLS13_MORE); /* up to the longest inner plaintext */
    CHECK_INT(p.n_data, 12);
    data[0] = CT_DATA;
    CHECK_INT(peer_send(&p, 0, data, 1), TLS13_MORE); /* no data, padding only behind a type: an empty record */
    memset(data, 0, 8);
    for (size_t n = 0; n < 300; n++) { /* nothing but zeros, whatever the record's length looks like as a type */
        connected();
        peer_send(&p, 0, data, n);
        died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
        CHECK_INT(p.n_data, 0);
    }
}

static void lengths(void)
{
    static uint8_t data[TLS13_MAX_PLAIN + 240], rec[sizeof data + 64];
    connected();
    CHECK_INT(peer_send(&p, CT_DATA, data, TLS13_MAX_PLAIN), TLS13_MORE);
    CHECK_INT(p.n_data, TLS13_MAX_PLAIN);
    connected(); /* one more byte of inner plaintext: fits the ciphertext's limit, not the plaintext's */
    memset(data, 1, sizeof data);
    peer_feed(&p, rec, peer_seal(&p, rec, CT_DATA, data, TLS13_MAX_PLAIN + 1));
    died(TLS13_E_OVERFLOW, TLS13_ALERT_record_overflow, false);
    connected(); /* 2^14 + 257: told at the header */
    peer_feed(&p, "\27\3\3\101\1", 5);
    died(TLS13_E_OVERFLOW, TLS13_ALERT_record_overflow, false);
    for (uint8_t n = 1; n < 17; n++) { /* too short for a tag and a type */
        uint8_t small[32] = { CT_DATA, 3, 3, 0, n };
        connected();
        peer_feed(&p, small, 5U + n);
        died(TLS13_E_BAD_MAC, TLS13_ALERT_bad_record_mac, false);
    }
}

static void every_bit_of_a_record(void)
{
    for (size_t bit = 0; bit < 8 * 27; bit++) {
        uint8_t rec[64];
        connected();
        size_t n = peer_seal(&p, rec, CT_DATA, "hello", 5);
        CHECK_INT(n, 27);
        rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
        p.last = 0;
        int r = peer_feed(&p, rec, n);
        if (bit / 8 >= 3 && r == TLS13_MORE) { /* a longer length: the rest is awaited */
            uint8_t filler[70000] = { 0 };
            r = peer_feed(&p, filler, TLS13_MAX_RECORD);
        }
        CHECK(r < 0);
        CHECK_INT(p.n_data, 0);
    }
}

static void replayed_and_swapped(void)
{
    uint8_t one[64], two[64];
    connected();
    size_t n = peer_seal(&p, one, CT_DATA, "one", 3);
    uint8_t again[64];
    memcpy(again, one, n);
    CHECK_INT(peer_feed(&p, one, n), TLS13_MORE);
    peer_feed(&p, again, n);
    died(TLS13_E_BAD_MAC, TLS13_ALERT_bad_record_mac, false);
    connected();
    n = peer_seal(&p, one, CT_DATA, "one", 3);
    size_t m = peer_seal(&p, two, CT_DATA, "two", 3);
    peer_feed(&p, two, m);
    died(TLS13_E_BAD_MAC, TLS13_ALERT_bad_record_mac, false);
    (void)n;
}

/* --- nuisances ------------------------------------------------------------------------------------------------------ */

static void empty_records(void)
{
    connected();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < LIMIT_EMPTY; i++)
            CHECK_INT(peer_send(&p, CT_DATA, "", 0), TLS13_MORE);
        CHECK_INT(peer_send(&p, CT_DATA, "x", 1), TLS13_MORE); /* data sets it back */
    }
    for (int i = 0; i < LIMIT_EMPTY; i++)
        CHECK_INT(peer_send(&p, CT_DATA, "", 0), TLS13_MORE);
    peer_send(&p, CT_DATA, "", 0);
    died(TLS13_E_TOO_MANY, TLS13_ALERT_unexpected_message, false);
}

static int update(uint8_t request)
{
    uint8_t msg[5] = { MSG_KEY_UPDATE, 0, 0, 1, request };
    int r = peer_send(&p, CT_HANDSHAKE, msg, 5);
    rec_update(&p.to, p.suite);
    return r;
}

static void key_updates(void)
{
    connected();
    for (int i = 0; i < LIMIT_UPDATES; i++)
        CHECK_INT(update((uint8_t)(i % 2)), TLS13_MORE);
    CHECK(peer_read(&p));
    CHECK_INT(p.key_updates, LIMIT_UPDATES / 2); /* each was a call of its own */
    CHECK_INT(peer_send(&p, CT_DATA, "x", 1), TLS13_MORE);
    for (int i = 0; i < LIMIT_UPDATES; i++)
        CHECK_INT(update(0), TLS13_MORE);
    update(0);
    died(TLS13_E_TOO_MANY, TLS13_ALERT_unexpected_message, false);
    connected(); /* requests in one input: one answer */
    uint8_t many[8 * 27];
    size_t n = 0;
    for (int i = 0; i < 8; i++) {
        n += peer_seal(&p, many + n, CT_HANDSHAKE, "\30\0\0\1\1", 5);
        rec_update(&p.to, p.suite);
    }
    CHECK_INT(peer_feed(&p, many, n), TLS13_MORE);
    CHECK(peer_read(&p));
    CHECK_INT(p.key_updates, 1);
    CHECK_INT(peer_send(&p, CT_DATA, "still here", 10), TLS13_MORE);
    CHECK_INT(p.n_data, 10);
    connected();
    update(2);
    died(TLS13_E_ILLEGAL, TLS13_ALERT_illegal_parameter, false);
    static const char *const bad[] = { "\30\0\0\0", "\30\0\0\2\0\0" };
    for (size_t i = 0; i < 2; i++) {
        connected();
        peer_send(&p, CT_HANDSHAKE, bad[i], i == 0 ? 4 : 6);
        died(TLS13_E_DECODE, TLS13_ALERT_decode_error, false);
    }
    waiting(); /* before Finished */
    peer_send(&p, CT_HANDSHAKE, "\30\0\0\1\0", 5);
    died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
}

static void our_own_key_updates(void)
{
    struct tls13_info info;
    CHECK_INT(tls13_ctx_set_key_limit(ctx, 5), 0);
    connected();
    CHECK_INT(tls13_ctx_set_key_limit(ctx, 0), 0);
    CHECK_INT(tls13_ctx_set_key_limit(ctx, 5), 0);
    unsigned before = p.key_updates;
    for (int i = 0; i < 23; i++) {
        uint8_t rec[TLS13_HEAD + 4 + TLS13_TAIL + TLS13_UPDATE];
        memcpy(rec + TLS13_HEAD, "data", 4);
        size_t n = tls13_seal(p.conn, rec, 4);
        CHECK(n == 26 || n == 26 + TLS13_UPDATE);
        memcpy(p.out + p.n_out, rec, n);
        p.n_out += n;
    }
    CHECK(peer_read(&p));
    CHECK_INT(p.n_app, 23 * 4);
    CHECK(p.key_updates - before >= 4);
    tls13_conn_info(p.conn, &info);
    CHECK(info.records_out <= 5);
    CHECK_INT(tls13_ctx_set_key_limit(ctx, 0), 0);
}

static void bulk(void)
{
    enum { BODY = 1000, TOTAL = 3500, SLOT = TLS13_HEAD + BODY + TLS13_TAIL };
    static uint8_t buf[4 * SLOT + TLS13_UPDATE], want[TOTAL];
    connected();
    test_random(NULL, want, sizeof want);
    for (size_t at = 0, i = 0; at < TOTAL; at += BODY, i++)
        memcpy(buf + i * SLOT + TLS13_HEAD, want + at, TOTAL - at < BODY ? TOTAL - at : BODY);
    size_t n = tls13_seal_bulk(p.conn, buf, TOTAL, BODY);
    CHECK_INT(n, TOTAL + 4 * (TLS13_HEAD + TLS13_TAIL));
    memcpy(p.out, buf, n);
    p.n_out = n;
    CHECK(peer_read(&p));
    CHECK_INT(p.n_app, TOTAL);
    CHECK_MEM(p.app, want, TOTAL);
}

/* --- the end ---------------------------------------------------------------------------------------------------------- */

static void half_close(void)
{
    uint8_t rec[128];
    connected();
    CHECK_INT(peer_send(&p, CT_ALERT, "\1\0", 2), TLS13_MORE);
    CHECK(p.eof && tls13_peer_closed(p.conn) && !tls13_we_closed(p.conn));
    CHECK_INT(peer_feed(&p, "rubbish behind the end", 22), TLS13_MORE); /* ignored (6.1) */
    CHECK_INT(p.n_held, 0);
    memcpy(rec + TLS13_HEAD, "late", 4);
    size_t n = tls13_seal(p.conn, rec, 4);
    CHECK(n != 0);
    memcpy(p.out, rec, n);
    p.n_out = n;
    n = tls13_close(p.conn, rec, sizeof rec);
    CHECK_INT(n, 24);
    memcpy(p.out + p.n_out, rec, n);
    p.n_out += n;
    CHECK(peer_read(&p));
    CHECK_INT(p.n_app, 4);
    CHECK_INT(p.alert, TLS13_ALERT_close_notify);
    CHECK_INT(tls13_close(p.conn, rec, sizeof rec), 0);
    CHECK_INT(tls13_seal(p.conn, rec, 4), 0);
    connected(); /* we end first: the client's data still comes */
    CHECK_INT(tls13_close(p.conn, rec, sizeof rec), 24);
    CHECK_INT(peer_send(&p, CT_DATA, "upload", 6), TLS13_MORE);
    CHECK_INT(p.n_data, 6);
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, "\30\0\0\1\1", 5), TLS13_MORE); /* a request that can no longer be answered */
    CHECK_INT(p.n_out, 0);
}

static void aborted(void)
{
    uint8_t out[64];
    connected();
    size_t n = tls13_abort(p.conn, TLS13_ALERT_internal_error, out, sizeof out);
    CHECK_INT(n, 24);
    memcpy(p.out, out, n);
    p.n_out = n;
    CHECK(peer_read(&p));
    CHECK_INT(p.alert, TLS13_ALERT_internal_error);
    CHECK_INT(peer_send(&p, CT_DATA, "x", 1), -TLS13_E_CLOSED);
    fresh(); /* refused at its ClientHello, before any asymmetric work */
    uint8_t rec[4096];
    peer_hello(&p);
    struct tls13_io io = { .in = rec, .in_len = peer_frame(rec, p.hello_msg, p.hello_len, 16384), .out = p.out, .out_cap = sizeof p.out };
    struct tls13_info info;
    CHECK_INT(tls13_recv(p.conn, &io), TLS13_HELLO);
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.sni, "localhost");
    p.n_out = tls13_abort(p.conn, TLS13_ALERT_access_denied, p.out, sizeof p.out);
    CHECK_INT(p.n_out, 7);
    CHECK(peer_read(&p));
    CHECK(p.clear_alert);
}

/* A client's messages that have no place after the handshake, or none at all (4.6). */
static void post_handshake_messages(void)
{
    for (int type = 0; type < 256; type++) {
        uint8_t msg[8] = { (uint8_t)type, 0, 0, 1, 0 };
        if (type == MSG_KEY_UPDATE)
            continue;
        connected();
        peer_send(&p, CT_HANDSHAKE, msg, 5);
        died(TLS13_E_UNEXPECTED, TLS13_ALERT_unexpected_message, false);
    }
}

int main(void)
{
    ctx = test_ctx();
    RUN(not_tls_is_told_at_once);
    RUN(first_records);
    RUN(alerts_before_the_hello);
    RUN(nothing_between_fragments);
    RUN(longest_hello);
    RUN(ccs);
    RUN(wrong_finished);
    RUN(keys_change_at_a_record_boundary);
    RUN(data_before_finished);
    RUN(plain_alert_only_before_the_first_good_record);
    RUN(inner_types);
    RUN(padding);
    RUN(lengths);
    RUN(every_bit_of_a_record);
    RUN(replayed_and_swapped);
    RUN(empty_records);
    RUN(key_updates);
    RUN(our_own_key_updates);
    RUN(bulk);
    RUN(half_close);
    RUN(aborted);
    RUN(post_handshake_messages);
    if (p.conn != NULL)
        peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
