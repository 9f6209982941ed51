/* What the server sends: every message's form and place, every record's header, and nothing that RFC 8446 forbids. */
#include "unit.h"

#include "edit.h"

static struct peer p;
static struct hello_parts h;

/* Every record that lies in p.out: its header, and that it is neither empty nor too long (5.1, 5.2). */
static unsigned good_records(void)
{
    unsigned n = 0;
    size_t at = 0;
    for (; at < p.n_out; n++) {
        uint8_t type = p.out[at];
        size_t len = load16(p.out + at + 3);
        CHECK(type == CT_HANDSHAKE || type == CT_CCS || type == CT_DATA || type == CT_ALERT);
        CHECK_INT(load16(p.out + at + 1), 0x0303);
        CHECK(len > 0 && len <= (type == CT_DATA ? TLS13_MAX_PLAIN + 256 : TLS13_MAX_PLAIN));
        at += TLS13_HEAD + len;
    }
    CHECK_INT(at, p.n_out);
    return n;
}

static struct tls13_ctx *auth_ctx(void)
{
    struct tls13_ctx *ctx = test_ctx();
    CHECK_INT(tls13_ctx_set_client_ca(ctx, fixture_ca, strlen(fixture_ca)), 0);
    CHECK_INT(tls13_ctx_set_client_auth(ctx, TLS13_CLIENT_AUTH_REQUEST), 0);
    return ctx;
}

/* --- ServerHello and HelloRetryRequest --------------------------------------------------------------------------------- */

static const uint8_t retry_random[32] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                          0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };

/* The ServerHello at the front of the output. */
static struct slice first_message(void)
{
    CHECK(p.n_out > TLS13_HEAD + 40 && p.out[0] == CT_HANDSHAKE && p.out[TLS13_HEAD] == MSG_SERVER_HELLO);
    struct slice m = { p.out + TLS13_HEAD, load16(p.out + 3) };
    CHECK_INT(load24(m.p + 1) + 4, m.n); /* alone in its record: the keys change behind it (5.1) */
    return m;
}

static void check_hello(struct slice m, bool retry)
{
    CHECK_INT(load16(m.p + 4), 0x0303); /* legacy_version */
    CHECK_INT(memcmp(m.p + 6, retry_random, 32) == 0, retry);
    CHECK(memcmp(m.p + 6, p.random, 32) != 0);
    CHECK(memcmp(m.p + 30, "DOWNGRD", 7) != 0); /* 4.1.3: only with TLS 1.2 and before */
    CHECK_INT(m.p[38], 32);
    CHECK_MEM(m.p + 39, p.random, 32);            /* the session id is echoed */
    CHECK_INT(load16(m.p + 71), p.opt.suites[0]); /* one that was offered */
    CHECK_INT(m.p[73], 0);                        /* legacy_compression_method */
    struct ext_ids ids = ids_of(m.p, m.n);
    CHECK(ids_have(&ids, EXT_SUPPORTED_VERSIONS) && ids_have(&ids, EXT_KEY_SHARE));
    CHECK_INT(ids_have(&ids, EXT_PRE_SHARED_KEY), !retry && p.opt.ticket != NULL);
    CHECK_INT(ids.n, 2 + (!retry && p.opt.ticket != NULL));
}

static void hellos(void)
{
    struct tls13_ctx *ctx = test_ctx();
    struct peer_ticket t;
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    t = p.tickets[0];
    for (int psk = 0; psk < 2; psk++)
        for (int retry = 0; retry < 2; retry++) {
            peer_fresh(&p, ctx);
            if (retry)
                p.opt.share[0] = p.opt.groups[1] = 0x2a2a;
            p.opt.ticket = psk ? &t : NULL;
            for (int second = 0; second <= retry; second++) {
                peer_hello(&p);
                CHECK_INT(peer_send_hello(&p), TLS13_MORE);
                (void)good_records();
                check_hello(first_message(), retry && !second);
                CHECK(peer_read(&p));
                p.opt.share[0] = GROUP_X25519;
            }
            CHECK_INT(p.ccs, 1); /* D.4: behind the first of the two, once */
            CHECK(p.finished_ok);
        }
    tls13_ctx_unref(ctx);
}

/* A change_cipher_spec comes right behind ServerHello or HelloRetryRequest, and only when the client has a session id. */
static void compatibility_mode(void)
{
    struct tls13_ctx *ctx = test_ctx();
    for (int session = 0; session < 2; session++)
        for (int retry = 0; retry < 2; retry++) {
            peer_fresh(&p, ctx);
            p.opt.session_id = session;
            if (retry)
                p.opt.share[0] = p.opt.groups[1] = 0x2a2a;
            peer_hello(&p);
            CHECK_INT(peer_send_hello(&p), TLS13_MORE);
            size_t at = TLS13_HEAD + load16(p.out + 3);
            if (session)
                CHECK_MEM(p.out + at, "\24\3\3\0\1\1", 6);
            else
                CHECK(retry ? at == p.n_out : p.out[at] == CT_DATA);
        }
    tls13_ctx_unref(ctx);
}

static void fresh_random(void)
{
    struct tls13_ctx *ctx = test_ctx();
    uint8_t seen[64][32];
    for (size_t i = 0; i < COUNT(seen); i++) {
        peer_fresh(&p, ctx);
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), TLS13_MORE);
        memcpy(seen[i], first_message().p + 6, 32);
        for (size_t j = 0; j < i; j++)
            CHECK(memcmp(seen[i], seen[j], 32) != 0);
    }
    tls13_ctx_unref(ctx);
}

static int no_random(void *arg, void *out, size_t n)
{
    (void)arg;
    (void)out;
    (void)n;
    return -TLS13_E_RANDOM;
}

static void without_random_there_is_no_handshake(void)
{
    struct tls13_ctx *ctx = test_ctx();
    CHECK_INT(tls13_ctx_set_random(ctx, no_random, NULL), 0);
    peer_fresh(&p, ctx);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), -TLS13_E_RANDOM);
    CHECK(peer_read(&p));
    CHECK_INT(p.alert, TLS13_ALERT_internal_error);
    tls13_ctx_unref(ctx);
}

/* --- the encrypted messages ---------------------------------------------------------------------------------------------- */

static void order(const uint8_t *types, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct slice m = peer_sent(&p, i);
        CHECK(m.p != NULL);
        CHECK_INT(m.p[0], types[i]);
    }
    CHECK(peer_sent(&p, n).p == NULL);
}

static void messages_in_order(void)
{
    static const uint8_t full[] = { MSG_ENCRYPTED_EXTENSIONS, MSG_CERTIFICATE,       MSG_CERTIFICATE_VERIFY, MSG_FINISHED,
                                    MSG_NEW_SESSION_TICKET,   MSG_NEW_SESSION_TICKET };
    static const uint8_t auth[] = {
        MSG_ENCRYPTED_EXTENSIONS, MSG_CERTIFICATE_REQUEST, MSG_CERTIFICATE, MSG_CERTIFICATE_VERIFY, MSG_FINISHED,
        MSG_NEW_SESSION_TICKET,   MSG_NEW_SESSION_TICKET
    };
    static const uint8_t resumed[] = { MSG_ENCRYPTED_EXTENSIONS, MSG_FINISHED, MSG_NEW_SESSION_TICKET };
    struct tls13_ctx *ctx = test_ctx(), *with_auth = auth_ctx();
    struct peer_ticket t;
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    order(full, COUNT(full));
    peer_fresh(&p, with_auth);
    CHECK(peer_handshake(&p, NULL));
    order(auth, COUNT(auth));
    t = p.tickets[0];
    peer_fresh(&p, with_auth); /* with a PSK neither certificates nor a request for one (4.3.2) */
    p.opt.ticket = &t;
    CHECK(peer_handshake(&p, NULL));
    order(resumed, COUNT(resumed));
    tls13_ctx_unref(ctx);
    tls13_ctx_unref(with_auth);
}

static void encrypted_extensions(void)
{
    struct tls13_ctx *ctx = test_ctx();
    static const char *const list[] = { "h2" };
    for (int i = 0; i < 4; i++) {
        peer_fresh(&p, ctx);
        p.opt.sni = i == 0 ? NULL : "localhost";
        p.opt.alpn = i == 2 ? "h2" : NULL;
        p.opt.early_data = false;
        if (i == 2)
            CHECK_INT(tls13_ctx_set_alpn(ctx, list, 1), 0);
        CHECK(peer_handshake(&p, NULL));
        struct slice m = peer_sent(&p, 0);
        struct ext_ids ids = ids_of(m.p, m.n);
        CHECK_INT(ids_have(&ids, EXT_SERVER_NAME), i != 0); /* RFC 6066 3: the name was of use, */
        CHECK_INT(ids_have(&ids, EXT_ALPN), i == 2);
        CHECK_INT(ids.n, (i != 0) + (i == 2)); /* asked for, or not there */
        if (i == 1)
            CHECK_MEM(m.p, "\10\0\0\6\0\4\0\0\0\0", 10); /* with an empty body */
        if (i == 0)
            CHECK_MEM(m.p, "\10\0\0\2\0\0", 6); /* sent when there is nothing to say, too */
        if (i == 2)
            CHECK_MEM(m.p + 10, "\0\20\0\5\0\3\2h2", 9); /* RFC 7301 3.1: one name */
    }
    peer_fresh(&p, ctx);
    p.opt.sni = "nobody.example"; /* not of use: not answered */
    CHECK(peer_handshake(&p, NULL));
    CHECK_INT(ids_of(peer_sent(&p, 0).p, peer_sent(&p, 0).n).n, 0);
    tls13_ctx_unref(ctx);
}

static void certificate_request(void)
{
    struct tls13_ctx *ctx = auth_ctx();
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    struct slice m = peer_sent_type(&p, MSG_CERTIFICATE_REQUEST);
    CHECK_INT(m.p[4], 0); /* certificate_request_context */
    struct ext_ids ids = ids_of(m.p, m.n);
    CHECK(ids_have(&ids, EXT_SIGNATURE_ALGORITHMS));
    CHECK(ids_have(&ids, EXT_CERTIFICATE_AUTHORITIES));
    CHECK_INT(ids.n, 2);
    struct rd r = rd_of(m.p + 5, m.n - 5), block = rd_vec16(&r);
    CHECK_INT(rd_u16(&block), EXT_SIGNATURE_ALGORITHMS);
    struct rd ext = rd_vec16(&block), list = rd_vec16(&ext);
    CHECK(rd_left(&list) != 0);
    while (rd_left(&list) != 0) {
        uint16_t id = rd_u16(&list);
        CHECK(sig_by_id(id) != NULL);
        CHECK((id & 0xff) != 1 && id >> 8 != 2 && id != 0x0203); /* 4.4.3: no PKCS #1, no SHA-1 */
    }
    tls13_ctx_unref(ctx);
}

static void certificate(void)
{
    static const char *const pems[] = { fixture_p256, fixture_rsa };
    for (size_t i = 0; i < COUNT(pems); i++) {
        struct tls13_ctx *ctx = tls13_ctx_new();
        CHECK_INT(tls13_ctx_add_pem(ctx, pems[i], strlen(pems[i]), NULL, 0), 0);
        peer_fresh(&p, ctx);
        CHECK(peer_handshake(&p, NULL));
        struct slice m = peer_sent_type(&p, MSG_CERTIFICATE), leaf = ctx->creds[0]->leaf;
        CHECK_INT(m.p[4], 0);               /* 4.4.2: no context, */
        CHECK_INT(ids_of(m.p, m.n).n, 0);   /* no extension that the client did not ask for, */
        CHECK_INT(load24(m.p + 8), leaf.n); /* the leaf first */
        CHECK_MEM(m.p + 11, leaf.p, leaf.n);
        struct slice v = peer_sent_type(&p, MSG_CERTIFICATE_VERIFY);
        CHECK_INT(load16(v.p + 4), i == 0 ? SIG_ECDSA_P256 : SIG_PSS_RSAE_SHA256); /* RSA signs with PSS (4.4.3) */
        tls13_ctx_unref(ctx);
    }
}

/* The server's CertificateVerify is over 4.4.3's content: rebuilt here from what was sent. */
static void certificate_verify(void)
{
    static const char text[] = "TLS 1.3, server CertificateVerify";
    struct tls13_ctx *ctx = test_ctx();
    struct transcript t;
    struct x509 x;
    uint8_t content[64 + sizeof text + MAX_HASH], hash[SIG_MAX_HASH];
    peer_fresh(&p, ctx);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    transcript_init(&t, HASH_SHA256);
    transcript_add(&t, p.hello_msg, p.hello_len);
    transcript_add(&t, first_message().p, first_message().n);
    CHECK(peer_read(&p));
    transcript_add(&t, peer_sent(&p, 0).p, peer_sent(&p, 0).n);
    transcript_add(&t, peer_sent(&p, 1).p, peer_sent(&p, 1).n);
    memset(content, ' ', 64);
    memcpy(content + 64, text, sizeof text);
    transcript_hash(&t, content + 64 + sizeof text);
    hash_once(HASH_SHA256, content, 64 + sizeof text + 32, hash);
    struct slice v = peer_sent(&p, 2);
    CHECK_INT(x509_parse(&x, ctx->creds[0]->leaf.p, ctx->creds[0]->leaf.n), 0);
    CHECK_INT(sig_verify(&x.key, sig_by_id(load16(v.p + 4)), hash, v.p + 8, load16(v.p + 6)), 0);
    hash[0] ^= 1;
    CHECK_INT(sig_verify(&x.key, sig_by_id(load16(v.p + 4)), hash, v.p + 8, load16(v.p + 6)), -TLS13_E_DECRYPT);
    tls13_ctx_unref(ctx);
}

/* --- records ------------------------------------------------------------------------------------------------------------------ */

static void records(void)
{
    struct tls13_ctx *ctx = test_ctx();
    static uint8_t rec[TLS13_MAX_RECORD + TLS13_UPDATE];
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    for (size_t n = 1; n <= TLS13_MAX_PLAIN; n = n * 3 + 1) {
        memset(rec + TLS13_HEAD, 'd', n);
        p.n_out = tls13_seal(p.conn, rec, n);
        memcpy(p.out, rec, p.n_out);
        CHECK_INT(good_records(), 1);
        CHECK_INT(p.out[0], CT_DATA);
        p.n_app = 0;
        CHECK(peer_read(&p)); /* which would not open with padding other than zeros, or under another sequence */
        CHECK_INT(p.n_app, n);
    }
    CHECK_INT(tls13_seal(p.conn, rec, 0), 0);
    CHECK_INT(tls13_seal(p.conn, rec, TLS13_MAX_PLAIN + 1), 0);
    CHECK_INT(tls13_seal_bulk(p.conn, rec, 10, TLS13_MAX_PLAIN + 1), 0);
    tls13_ctx_unref(ctx);
}

/* No application data of ours before the client's Finished, nor after an error or close_notify. */
static void nothing_before_and_after(void)
{
    struct tls13_ctx *ctx = test_ctx();
    uint8_t rec[128];
    peer_fresh(&p, ctx);
    CHECK_INT(tls13_seal(p.conn, rec, 5), 0);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK_INT(tls13_seal(p.conn, rec, 5), 0);
    CHECK_INT(tls13_update_keys(p.conn, true, rec, sizeof rec), 0);
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    CHECK(tls13_seal(p.conn, rec, 5) != 0);
    CHECK_INT(peer_send(&p, CT_CCS, "x", 1), -TLS13_E_UNEXPECTED);
    CHECK_INT(tls13_seal(p.conn, rec, 5), 0);
    CHECK_INT(tls13_close(p.conn, rec, sizeof rec), 0);
    CHECK_INT(tls13_export(p.conn, "x", NULL, 0, rec, 32), -TLS13_E_CLOSED);
    /* Section 6: the keys of a connection that failed are forgotten. */
    static const struct direction none;
    CHECK_MEM(&p.conn->in, &none, sizeof none);
    CHECK_MEM(&p.conn->out, &none, sizeof none);
    tls13_ctx_unref(ctx);
}

/* A KeyUpdate that was asked for goes out before the next data, also when there was no room for it at first (4.6.3). */
static void update_before_data(void)
{
    for (int bulk = 0; bulk < 2; bulk++)
        for (uint64_t limit = 0; limit < 2; limit++) {
            struct tls13_ctx *ctx = test_ctx();
            enum { BODY = 100, TOTAL = 250, SLOT = TLS13_HEAD + BODY + TLS13_TAIL };
            uint8_t ask[64], out[1], buf[3 * SLOT + TLS13_UPDATE], want[TOTAL];
            CHECK_INT(tls13_ctx_set_key_limit(ctx, limit), 0);
            peer_fresh(&p, ctx);
            CHECK(peer_handshake(&p, NULL));
            unsigned before = p.key_updates;
            struct tls13_io io = { .in = ask, .in_len = peer_seal(&p, ask, CT_HANDSHAKE, "\30\0\0\1\1", 5), .out = out, .out_cap = 0 };
            rec_update(&p.to, p.suite);
            CHECK_INT(tls13_recv(p.conn, &io), TLS13_MORE);
            CHECK_INT(io.out_len, 0);
            size_t n = bulk ? TOTAL : BODY;
            for (size_t i = 0; i < n; i++)
                want[i] = (uint8_t)i;
            for (size_t at = 0; at < n; at += BODY)
                memcpy(buf + at / BODY * SLOT + TLS13_HEAD, want + at, n - at < BODY ? n - at : BODY);
            p.n_out = bulk ? tls13_seal_bulk(p.conn, buf, n, BODY) : tls13_seal(p.conn, buf, n);
            CHECK_INT(p.n_out, TLS13_UPDATE + n + (bulk ? 3U : 1U) * (TLS13_HEAD + TLS13_TAIL));
            CHECK_INT(load16(buf + 3), 5 + TLS13_TAIL); /* the KeyUpdate is the first record */
            memcpy(p.out, buf, p.n_out);
            CHECK(peer_read(&p));
            CHECK_INT(p.key_updates, before + 1);
            CHECK_INT(p.n_app, n);
            CHECK_MEM(p.app, want, n);
            CHECK_MEM(peer_sent(&p, 6).p, "\30\0\0\1\0", 5); /* update_not_requested */
            tls13_ctx_unref(ctx);
        }
}

/* Alerts are two bytes, fatal but for close_notify, in a record of their own (5.1, 6). */
static void alerts(void)
{
    struct tls13_ctx *ctx = test_ctx();
    uint8_t out[64];
    size_t n;
    for (int alert = 0; alert < 256; alert++) {
        peer_fresh(&p, ctx);
        CHECK_INT(tls13_abort(p.conn, alert, out, sizeof out), 7);
        uint8_t want[7] = { CT_ALERT, 3, 3, 0, 2, alert == 0 ? 1 : 2, (uint8_t)alert };
        CHECK_MEM(out, want, 7);
        CHECK_INT(tls13_abort(p.conn, alert, out, sizeof out), 0); /* once */
    }
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    struct direction d = p.in;
    CHECK_INT(n = tls13_close(p.conn, out, sizeof out), TLS13_HEAD + 2 + TLS13_TAIL);
    uint8_t type;
    CHECK_INT(rec_open(&d, out, n - TLS13_HEAD, &type, &n), 0);
    CHECK_INT(type, CT_ALERT);
    CHECK_INT(n, 2);
    CHECK_MEM(out + TLS13_HEAD, "\1\0", 2);
    tls13_ctx_unref(ctx);
}

/* Every error of the list has an alert that RFC 8446 or its companions name, and a text. */
static void every_error_has_its_alert(void)
{
    const int last = TLS13_E_IO;
    for (int e = 1; e <= last; e++) {
        CHECK(strcmp(tls13_err_name(e), "NONE") != 0);
        CHECK_STR(tls13_err_name(-e), tls13_err_name(e));
        CHECK(strcmp(tls13_alert_name(tls13_err_alert(e)), "unknown_alert") != 0);
        CHECK(strlen(tls13_err_text(e)) > 10);
    }
    CHECK_STR(tls13_err_name(last + 1), "NONE");
}

/* The flight of a hello cut to the smallest a client may send (9.2), and one in which every list is at its longest. */
static void smallest_and_largest(void)
{
    struct tls13_ctx *ctx = test_ctx();
    peer_fresh(&p, ctx);
    p.opt.sni = NULL;
    p.opt.session_id = false;
    p.opt.no_modes = true;
    CHECK(peer_handshake(&p, NULL));
    peer_fresh(&p, ctx);
    peer_hello(&p);
    peer_split(&p, &h);
    while (h.suites.n < 2000)
        store16(h.suites.b + (h.suites.n += 2) - 2, 0xc02b);
    struct part *v = hello_ext(&h, EXT_SUPPORTED_VERSIONS);
    while (v->n < 255)
        store16(v->b + (v->n += 2) - 2, 0x0303);
    v->b[0] = (uint8_t)(v->n - 1);
    CHECK_INT(peer_send_parts(&p, &h), TLS13_MORE);
    CHECK(peer_read(&p));
    CHECK(p.finished_ok);
    tls13_ctx_unref(ctx);
}

int main(void)
{
    RUN(hellos);
    RUN(compatibility_mode);
    RUN(fresh_random);
    RUN(without_random_there_is_no_handshake);
    RUN(messages_in_order);
    RUN(encrypted_extensions);
    RUN(certificate_request);
    RUN(certificate);
    RUN(certificate_verify);
    RUN(records);
    RUN(nothing_before_and_after);
    RUN(update_before_data);
    RUN(alerts);
    RUN(every_error_has_its_alert);
    RUN(smallest_and_largest);
    peer_free(&p);
    return DONE();
}
