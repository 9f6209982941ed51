/*
 * Every limit: as much as it says is taken, one more is not.  The rows of libtls13/limits.h, each of which must stand here
 * (tools/musts.py), and the bounds that RFC 8446 and docs/protocol.md set beside them.
 */
#include "unit.h"

#include "edit.h"
#include "forge.h"

static struct peer p;
static struct tls13_ctx *ctx;
static struct forge forge;
static struct peer_ticket ticket;
static struct hello_parts parts;

static void connected(void)
{
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
}

static void waiting(void)
{
    peer_fresh(&p, ctx);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p) && p.finished_ok);
}

/* --- sizes of messages -------------------------------------------------------------------------------------------- */

static int hello_of(size_t n)
{
    static uint8_t padding[20000];
    peer_fresh(&p, ctx);
    peer_hello(&p);
    memcpy(padding, "\0\25", 2); /* RFC 7685 */
    store16(padding + 2, (unsigned)(n - p.hello_len - 4));
    p.opt.extra = padding;
    p.opt.extra_len = n - p.hello_len;
    peer_hello(&p);
    CHECK_INT(p.hello_len, n);
    return peer_send_hello(&p);
}

/* A good client whose chain is in `forge`, in records that are not full. */
static int client(void)
{
    static uint8_t msg[FORGE_ROOM], rec[FORGE_ROOM];
    struct tls13_ctx *own = forge_ctx(&forge);
    peer_fresh(&p, own);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    size_t n = peer_certificate(&p, forge_credential(&forge), msg), len = 0;
    n += peer_finished(&p, msg + n);
    for (size_t at = 0; at < n; at += 8000)
        len += peer_seal(&p, rec + len, CT_HANDSHAKE, msg + at, n - at < 8000 ? n - at : 8000);
    int r = peer_feed(&p, rec, len);
    CHECK(p.connected == (r >= 0));
    tls13_ctx_unref(own);
    return r;
}

static int certificate_of(size_t n)
{
    forge_chain(&forge, 3, false);
    size_t rest = n - 8 - 2 * 5 - forge.cert[0].len;
    forge_to_length(&forge, 1, 2, rest);
    CHECK_INT(forge_credential(&forge)->message_len, n);
    int err = client();
    forge_free(&forge);
    return err;
}

static int leaf_of(size_t n)
{
    forge_chain(&forge, 2, false);
    forge_to_length(&forge, 0, 1, n);
    int err = client();
    forge_free(&forge);
    return err;
}

static int chain_of(size_t n)
{
    forge_chain(&forge, n + 1, false);
    int err = client();
    forge_free(&forge);
    return err;
}

/* No signature is so long: what is not too long is wrong. */
static int verify_of(size_t n)
{
    static uint8_t msg[2048] = { MSG_CERTIFICATE_VERIFY };
    forge_chain(&forge, 2, false);
    struct tls13_ctx *own = forge_ctx(&forge);
    const struct credential *c = forge_credential(&forge);
    peer_fresh(&p, own);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, c->message, c->message_len), TLS13_MORE);
    store24(msg + 1, (uint32_t)(n - 4));
    store16(msg + 4, SIG_ECDSA_P256);
    store16(msg + 6, (unsigned)(n - 8));
    int err = peer_send(&p, CT_HANDSHAKE, msg, n);
    forge_free(&forge);
    tls13_ctx_unref(own);
    return err == -TLS13_E_DECRYPT ? 0 : err;
}

/* --- numbers in a hello --------------------------------------------------------------------------------------------- */

static int extensions_of(size_t n)
{
    peer_fresh(&p, ctx);
    peer_hello(&p);
    peer_split(&p, &parts);
    while (parts.n_ext < n)
        hello_insert(&parts, parts.n_ext, (uint16_t)(0x6000 + parts.n_ext), "", 0);
    return peer_send_parts(&p, &parts);
}

/* One share for a group that we know, among such that we do not. */
static int shares_of(size_t n)
{
    uint8_t groups[512], shares[2048];
    struct wr g = wr_of(groups, sizeof groups), s = wr_of(shares, sizeof shares);
    peer_fresh(&p, ctx);
    peer_hello(&p);
    peer_split(&p, &parts);
    struct part *had = hello_ext(&parts, EXT_KEY_SHARE);
    size_t g_list = wr_open(&g, 2), s_list = wr_open(&s, 2);
    for (size_t i = 1; i < n; i++) {
        wr_u16(&g, 0x2000 + (unsigned)i);
        wr_u16(&s, 0x2000 + (unsigned)i);
        wr_u16(&s, 1);
        wr_u8(&s, 0);
    }
    wr_u16(&g, GROUP_X25519);
    wr_bytes(&s, had->b + 2, had->n - 2);
    wr_close(&g, g_list, 2);
    wr_close(&s, s_list, 2);
    hello_set(&parts, EXT_SUPPORTED_GROUPS, groups, g.len);
    hello_set(&parts, EXT_KEY_SHARE, shares, s.len);
    return peer_send_parts(&p, &parts);
}

/* A ticket of ours as the n-th identity; => whether it was found. */
static int identity_at(size_t n)
{
    uint8_t body[8192], hash[MAX_HASH], key[MAX_HASH];
    connected();
    ticket = p.tickets[0];
    peer_fresh(&p, ctx);
    peer_hello(&p);
    peer_split(&p, &parts);
    struct wr w = wr_of(body, sizeof body);
    size_t ids = wr_open(&w, 2);
    for (size_t i = 1; i <= n; i++) {
        wr_u16(&w, (unsigned)(i < n ? 9 : ticket.id_len));
        wr_bytes(&w, i < n ? (const uint8_t *)"elsewhere" : ticket.id, i < n ? 9 : ticket.id_len);
        wr_u32(&w, ticket.age_add);
    }
    wr_close(&w, ids, 2);
    size_t binders_at = w.len, list = wr_open(&w, 2);
    for (size_t i = 0; i < n; i++) {
        wr_u8(&w, 32);
        memset(wr_room(&w, 32), 0, 32);
    }
    wr_close(&w, list, 2);
    hello_set(&parts, EXT_PRE_SHARED_KEY, body, w.len);
    p.hello_len = hello_join(&parts, p.hello_msg, sizeof p.hello_msg);
    struct key_schedule ks;
    hash_once(HASH_SHA256, p.hello_msg, p.hello_len - w.len + binders_at, hash);
    ks_early(&ks, suite_by_id(ticket.suite), ticket.psk, 32);
    ks_derive(&ks, "res binder", NULL, key);
    kdf_finished(HASH_SHA256, key, hash, p.hello_msg + p.hello_len - 32);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    return p.conn->resumed ? 0 : 1;
}

/* --- how often ------------------------------------------------------------------------------------------------------- */

static int ccs_times(size_t n)
{
    int r = 0;
    waiting();
    for (size_t i = 0; i < n; i++)
        r = peer_feed(&p, "\24\3\3\0\1\1", 6);
    return r;
}

static int empty_records(size_t n)
{
    int r = 0;
    connected();
    for (size_t i = 0; i < n; i++)
        r = peer_send(&p, CT_DATA, "", 0);
    return r;
}

static int updates(size_t n)
{
    int r = 0;
    connected();
    for (size_t i = 0; i < n; i++) {
        r = peer_send(&p, CT_HANDSHAKE, "\30\0\0\1\0", 5);
        rec_update(&p.to, p.suite);
    }
    return r;
}

static int warnings(size_t n)
{
    int r = 0;
    connected();
    for (size_t i = 0; i < n; i++)
        r = peer_send(&p, CT_ALERT, "\1\132", 2); /* user_canceled */
    return r;
}

/* n bytes of 0-RTT, headers included: as many long records as there are, and the rest. */
static int early_bytes(size_t n)
{
    static uint8_t rec[TLS13_MAX_RECORD];
    int r = 0;
    connected();
    ticket = p.tickets[0];
    peer_fresh(&p, ctx);
    p.opt.ticket = &ticket;
    p.opt.early_data = true;
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    for (size_t left = n; left != 0 && r >= 0;) {
        size_t part = left > 8192 ? 4096 : left > 4096 ? 2048 : left;
        memcpy(rec, "\27\3\3", 3);
        store16(rec + 3, (unsigned)(part - 5));
        r = peer_feed(&p, rec, part);
        left -= part;
    }
    return r;
}

/* --- tickets ---------------------------------------------------------------------------------------------------------- */

static int tickets(size_t n)
{
    int err = tls13_ctx_set_tickets(ctx, (unsigned)n, 86400);
    if (err == 0) {
        connected();
        CHECK_INT(p.n_tickets, n);
        CHECK_INT(tls13_ctx_set_tickets(ctx, 2, 86400), 0);
    }
    return err;
}

/* A ticket of the ring's last key opens. */
static int ticket_keys(size_t n)
{
    static uint8_t keys[16 * TLS13_TICKET_KEY];
    for (size_t i = 0; i < n; i++)
        memset(keys + i * TLS13_TICKET_KEY, (int)(n - 1 - i), TLS13_TICKET_KEY);
    CHECK_INT(tls13_ctx_set_ticket_keys(ctx, keys + (n - 1) * TLS13_TICKET_KEY, 1), 0);
    connected();
    ticket = p.tickets[0];
    int err = tls13_ctx_set_ticket_keys(ctx, keys, n);
    if (err == 0) {
        peer_fresh(&p, ctx);
        p.opt.ticket = &ticket;
        CHECK(peer_handshake(&p, NULL));
        CHECK(p.resumed);
    }
    return err;
}

static int lifetime(size_t n)
{
    int64_t then = test_now_ms;
    int err = tls13_ctx_set_tickets(ctx, 1, (uint32_t)n);
    if (err < 0)
        return err;
    connected();
    ticket = p.tickets[0];
    CHECK_INT(ticket.lifetime, n);
    for (int late = 0; late < 2; late++) { /* a ticket at its end, and a millisecond behind it */
        test_now_ms = then + (int64_t)n * 1000 + late;
        peer_fresh(&p, ctx);
        p.opt.ticket = &ticket;
        p.opt.age_ms = (uint32_t)n * 1000;
        CHECK(peer_handshake(&p, NULL));
        CHECK_INT(p.resumed, !late);
        CHECK_INT(p.n_tickets, late); /* at its end there is nothing left to give */
    }
    test_now_ms = then;
    CHECK_INT(tls13_ctx_set_tickets(ctx, 2, 86400), 0);
    return 0;
}

/* --- records and names ------------------------------------------------------------------------------------------------ */

static int plain_record(size_t n)
{
    uint8_t head[5] = { CT_HANDSHAKE, 3, 1, (uint8_t)(n >> 8), (uint8_t)n };
    peer_fresh(&p, ctx);
    return peer_feed(&p, head, sizeof head);
}

static int cipher_record(size_t n)
{
    uint8_t head[5] = { CT_DATA, 3, 3, (uint8_t)(n >> 8), (uint8_t)n };
    connected();
    return peer_feed(&p, head, sizeof head);
}

/* The inner plaintext: content, type and padding. */
static int inner_record(size_t n)
{
    static uint8_t data[TLS13_MAX_PLAIN + 16] = { 'x', CT_DATA };
    connected();
    return peer_send(&p, 0, data, n - 1);
}

static int session_id_of(size_t n)
{
    peer_fresh(&p, ctx);
    p.opt.session_id = true;
    peer_hello(&p);
    peer_split(&p, &parts);
    parts.session.n = n;
    memset(parts.session.b, 7, n);
    return peer_send_parts(&p, &parts);
}

static int server_name_of(size_t n)
{
    char name[300];
    for (size_t i = 0; i < n; i++)
        name[i] = i % 50 == 49 ? '.' : 'n';
    name[n] = '\0';
    peer_fresh(&p, ctx);
    p.opt.sni = name;
    peer_hello(&p);
    return peer_send_hello(&p);
}

/* A key seals n records before its KeyUpdate follows (5.5): one record under the n-th sequence number, and what is behind it. */
static int sealed_records(size_t n)
{
    uint8_t rec[TLS13_HEAD + 1 + TLS13_TAIL + TLS13_UPDATE];
    connected();
    p.conn->out.seq = p.in.seq = n - 1;
    rec[TLS13_HEAD] = 'x';
    p.n_out = tls13_seal(p.conn, rec, 1);
    memcpy(p.out, rec, p.n_out);
    unsigned before = p.key_updates;
    CHECK(peer_read(&p));
    CHECK_INT(p.n_app, 1);
    return p.key_updates == before ? 0 : 1;
}

/* --- the walk ------------------------------------------------------------------------------------------------------------ */

struct row {
    const char *name;
    size_t limit;
    int (*take)(size_t n); /* takes n of it; an event or 0 when that was right */
    int err;               /* what one more comes to */
};

static void walk(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        int at = r->take(r->limit), past = r->take(r->limit + 1);
        if (at < 0 || past != r->err)
            printf("# %s: at %zu %s, one past it %s\n", r->name, r->limit, at < 0 ? tls13_err_name(-at) : "taken",
                   past < 0 ? tls13_err_name(-past) : "taken");
        CHECK(at >= 0);
        CHECK_INT(past, r->err);
        if (past < 0 && p.last == past) { /* told with its alert, and dead */
            CHECK(peer_read(&p));
            CHECK_INT(p.alert, tls13_err_alert(-past));
            CHECK_INT(peer_feed(&p, "", 0), past);
        }
    }
}

#define ROW(name, take, err)   \
    {                          \
#name, name, take, err \
    }

static void every_row_of_limits_h(void)
{
    static const struct row rows[] = {
        ROW(LIMIT_HELLO, hello_of, -TLS13_E_TOO_LONG),
        ROW(LIMIT_CERTIFICATE, certificate_of, -TLS13_E_TOO_LONG),
        ROW(LIMIT_VERIFY, verify_of, -TLS13_E_TOO_LONG),
        ROW(LIMIT_LEAF, leaf_of, -TLS13_E_BAD_CERT),
        ROW(LIMIT_CHAIN, chain_of, -TLS13_E_BAD_CERT),
        ROW(LIMIT_EXTENSIONS, extensions_of, -TLS13_E_ILLEGAL),
        ROW(LIMIT_SHARES, shares_of, -TLS13_E_ILLEGAL),
        ROW(LIMIT_IDENTITIES, identity_at, 1),
        ROW(LIMIT_CCS, ccs_times, -TLS13_E_TOO_MANY),
        ROW(LIMIT_EMPTY, empty_records, -TLS13_E_TOO_MANY),
        ROW(LIMIT_UPDATES, updates, -TLS13_E_TOO_MANY),
        ROW(LIMIT_WARNINGS, warnings, -TLS13_E_TOO_MANY),
        ROW(LIMIT_EARLY, early_bytes, -TLS13_E_BAD_MAC),
        ROW(LIMIT_TICKETS, tickets, -TLS13_E_BAD_ARGUMENT),
        ROW(LIMIT_TICKET_KEYS, ticket_keys, -TLS13_E_BAD_ARGUMENT),
        ROW(LIMIT_LIFETIME, lifetime, -TLS13_E_BAD_ARGUMENT),
    };
    walk(rows, COUNT(rows));
}

static void bounds_of_the_protocol(void)
{
    static const struct row rows[] = {
        { "TLSPlaintext.length (5.1)", 16384, plain_record, -TLS13_E_OVERFLOW },
        { "TLSCiphertext.length (5.2)", 16384 + 256, cipher_record, -TLS13_E_OVERFLOW },
        { "TLSInnerPlaintext (5.4)", 16384 + 1, inner_record, -TLS13_E_OVERFLOW },
        { "legacy_session_id (4.1.2)", 32, session_id_of, -TLS13_E_DECODE },
        { "HostName (RFC 6066 3)", 255, server_name_of, -TLS13_E_ILLEGAL },
        { "records under one AES-GCM key (5.5)", (1U << 24) - 1, sealed_records, 1 },
    };
    walk(rows, COUNT(rows));
}

int main(void)
{
    ctx = test_ctx();
    RUN(every_row_of_limits_h);
    RUN(bounds_of_the_protocol);
    if (p.conn != NULL)
        peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
