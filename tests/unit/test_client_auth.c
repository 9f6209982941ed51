/* Client certificates: none, requested, required; chains, revocation, the allow-list; and what a ticket carries of them. */
#include "unit.h"

#include "peer.h"
#include "pem.h"

static struct peer p;

static struct credential *load(const char *pem)
{
    struct credential *c;
    CHECK_INT(cred_load(&c, pem, strlen(pem), NULL, 0, NULL, NULL), 0);
    return c;
}

static struct tls13_ctx *auth_ctx(enum tls13_client_auth mode)
{
    struct tls13_ctx *ctx = test_ctx();
    CHECK_INT(tls13_ctx_set_client_ca(ctx, fixture_ca, strlen(fixture_ca)), 0);
    CHECK_INT(tls13_ctx_set_client_auth(ctx, mode), 0);
    return ctx;
}

/* A handshake with this certificate (NULL: an empty Certificate); => 0 or the server's error, the alert seen in p.alert. */
static int attempt(struct tls13_ctx *ctx, const char *pem)
{
    struct credential *c = pem != NULL ? load(pem) : NULL;
    peer_fresh(&p, ctx);
    bool ok = peer_handshake(&p, c);
    cred_free(c);
    if (!ok)
        (void)peer_read(&p);
    return ok ? 0 : p.last;
}

static void required(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    struct tls13_info info;
    CHECK_INT(attempt(ctx, fixture_client), 0);
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.client_name, "dns:client.example");
    CHECK_STR(info.client_cn, "client one");
    CHECK(info.client_cert != NULL && info.client_cert_len > 100);
    CHECK_INT(attempt(ctx, fixture_client_rsa), 0);
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.client_name, "dns:rsa.example");
    CHECK_INT(attempt(ctx, NULL), -TLS13_E_CERT_REQUIRED);
    CHECK_INT(p.alert, TLS13_ALERT_certificate_required);
    CHECK(!p.clear_alert);
    tls13_ctx_unref(ctx);
}

/* The authorities named in the server's CertificateRequest; 0: the extension is not there. */
static size_t named_authorities(void)
{
    size_t n = 0, at = 0;
    while (p.messages[at] != MSG_CERTIFICATE_REQUEST)
        at += 4 + load24(p.messages + at + 1);
    struct rd r = rd_of(p.messages + at + 5, load24(p.messages + at + 1) - 1), block = rd_vec16(&r);
    while (rd_left(&block) != 0) {
        uint16_t id = rd_u16(&block);
        struct rd body = rd_vec16(&block);
        if (id != EXT_CERTIFICATE_AUTHORITIES)
            continue;
        for (struct rd list = rd_vec16(&body); rd_left(&list) != 0; n++) {
            struct rd name = rd_vec16(&list);
            CHECK(!list.bad && rd_left(&name) != 0);
        }
        CHECK(rd_done(&body) && n != 0);
    }
    CHECK(rd_done(&r) && !block.bad);
    return n;
}

/* RFC 8446 4.2.4: a client that finds its authority missing in the list sends no certificate, so that it is all of them or no list. */
static void authorities_all_or_none(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    size_t n = 1, fit = 0;
    for (; n <= 600; n++) {
        if (n % 20 == 0 || n == 1) {
            CHECK_INT(attempt(ctx, fixture_client), 0);
            size_t named = named_authorities();
            CHECK(named == n || named == 0);
            fit = named != 0 ? named : fit;
        }
        CHECK_INT(tls13_ctx_set_client_ca(ctx, fixture_other_ca, strlen(fixture_other_ca)), 0);
    }
    CHECK(fit > 100 && fit < 600); /* both were seen */
    tls13_ctx_unref(ctx);
}

static void requested(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUEST);
    struct tls13_info info;
    CHECK_INT(attempt(ctx, NULL), 0);
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.client_name, "");
    CHECK_STR(info.client_cn, "");
    CHECK(info.client_cert == NULL);
    CHECK_INT(attempt(ctx, fixture_client), 0);
    CHECK_INT(attempt(ctx, fixture_foreign), -TLS13_E_UNKNOWN_CA); /* a certificate that is sent must be good */
    tls13_ctx_unref(ctx);
}

static void bad_chains(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    const struct {
        const char *pem;
        int err, alert;
    } cases[] = { { fixture_foreign, TLS13_E_UNKNOWN_CA, TLS13_ALERT_unknown_ca },
                  { fixture_expired, TLS13_E_CERT_EXPIRED, TLS13_ALERT_certificate_expired },
                  { fixture_future, TLS13_E_CERT_EXPIRED, TLS13_ALERT_certificate_expired },
                  { fixture_server_only, TLS13_E_UNSUPPORTED_CERT, TLS13_ALERT_unsupported_certificate } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        CHECK_INT(attempt(ctx, cases[i].pem), -cases[i].err);
        CHECK_INT(p.alert, cases[i].alert);
    }
    tls13_ctx_unref(ctx);
}

/* A key that may not sign: our own loader refuses it for a server, so its message is put together here. */
static void key_usage_is_respected(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    struct credential *c = load(fixture_client), *none;
    CHECK_INT(cred_load(&none, fixture_no_sign, strlen(fixture_no_sign), NULL, 0, NULL, NULL), -TLS13_E_CERT_USAGE);
    struct pem pem = { fixture_no_sign, fixture_no_sign + strlen(fixture_no_sign) };
    char label[64];
    uint8_t *der;
    size_t n;
    CHECK_INT(pem_next(&pem, label, &der, &n), 1);
    CHECK(n + 13 <= c->message_len + 64);
    uint8_t *message = malloc(n + 13);
    struct wr w = wr_of(message, n + 13);
    wr_u8(&w, MSG_CERTIFICATE);
    wr_u24(&w, (uint32_t)n + 9);
    wr_u8(&w, 0);
    wr_u24(&w, (uint32_t)n + 5);
    wr_u24(&w, (uint32_t)n);
    wr_bytes(&w, der, n);
    wr_u16(&w, 0);
    CHECK(!w.bad);
    free(der);
    free(c->message);
    c->message = message;
    c->message_len = w.len;
    peer_fresh(&p, ctx);
    CHECK(!peer_handshake(&p, c));
    (void)peer_read(&p);
    CHECK_INT(p.last, -TLS13_E_BAD_CERT);
    CHECK_INT(p.alert, TLS13_ALERT_bad_certificate);
    cred_free(c);
    tls13_ctx_unref(ctx);
}

static void revocation(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    CHECK_INT(attempt(ctx, fixture_revoked), 0); /* nobody has said so yet */
    CHECK_INT(tls13_ctx_set_client_crl(ctx, fixture_crl_other, strlen(fixture_crl_other)), -TLS13_E_CRL_PARSE);
    CHECK_INT(tls13_ctx_set_client_crl(ctx, "rubbish", 7), -TLS13_E_CRL_PARSE);
    CHECK_INT(tls13_ctx_set_client_crl(ctx, fixture_crl, strlen(fixture_crl)), 0);
    CHECK_INT(attempt(ctx, fixture_client), 0);
    CHECK_INT(attempt(ctx, fixture_revoked), -TLS13_E_CERT_REVOKED);
    CHECK_INT(p.alert, TLS13_ALERT_certificate_revoked);
    tls13_ctx_unref(ctx);
    ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    CHECK_INT(tls13_ctx_set_client_crl(ctx, fixture_crl_stale, strlen(fixture_crl_stale)), 0);
    CHECK_INT(attempt(ctx, fixture_client), -TLS13_E_CRL_STALE);
    CHECK_INT(p.alert, TLS13_ALERT_certificate_unknown);
    tls13_ctx_unref(ctx);
}

/* Every byte of a list changed: none is taken. */
static void forged_lists(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    struct pem pem = { fixture_crl, fixture_crl + strlen(fixture_crl) };
    char label[64];
    uint8_t *der;
    size_t n;
    CHECK_INT(pem_next(&pem, label, &der, &n), 1);
    for (size_t i = 0; i < n; i++) {
        uint8_t was = der[i];
        der[i] ^= 0x41;
        CHECK(tls13_ctx_set_client_crl(ctx, der, n) < 0);
        der[i] = was;
        CHECK(tls13_ctx_set_client_crl(ctx, der, i) < 0);
    }
    CHECK_INT(tls13_ctx_set_client_crl(ctx, der, n), 0);
    free(der);
    tls13_ctx_unref(ctx);
}

static void allow_list(void)
{
    const struct {
        const char *entry;
        bool allowed;
    } cases[] = { { "dns:client.example", true },
                  { "dns:CLIENT.example", true },
                  { "dns:client.exampl", false },
                  { "dns:other.example", false },
                  { "uri:spiffe://example/client", true },
                  { "uri:spiffe://example/clien", false },
                  { "cn:client one", true },
                  { "cn:client on", false },
                  { "cn:Client one", false },
                  { "cn:revoked", false },
                  { "spki-sha256:0000000000000000000000000000000000000000000000000000000000000000", false } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
        struct tls13_info info;
        CHECK_INT(tls13_ctx_set_client_names(ctx, &cases[i].entry, 1), 0);
        CHECK_INT(attempt(ctx, fixture_client), cases[i].allowed ? 0 : -TLS13_E_ACCESS_DENIED);
        tls13_conn_info(p.conn, &info);
        if (cases[i].allowed)
            CHECK_STR(info.client_name, cases[i].entry);
        else
            CHECK_INT(p.alert, TLS13_ALERT_access_denied);
        tls13_ctx_unref(ctx);
    }
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    struct credential *c = load(fixture_client);
    struct x509 x;
    uint8_t hash[32];
    char entry[80] = "spki-sha256:";
    const char *list[2] = { "dns:nobody", entry };
    CHECK_INT(x509_parse(&x, c->leaf.p, c->leaf.n), 0);
    hash_once(HASH_SHA256, x.spki.p, x.spki.n, hash);
    for (size_t i = 0; i < 32; i++)
        sprintf(entry + 12 + 2 * i, "%02X", hash[i]);
    CHECK_INT(tls13_ctx_set_client_names(ctx, list, 2), 0);
    CHECK_INT(attempt(ctx, fixture_client), 0);
    char longest[260] = "uri:";
    memset(longest + 4, 'x', 251);
    CHECK_INT(tls13_ctx_set_client_names(ctx, (const char *const[]){ longest }, 1), 0);
    longest[255] = 'x';
    const char *const bad[] = { "client.example", "dns:", "spki-sha256:00", "ip:1.2.3.4", longest };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_INT(tls13_ctx_set_client_names(ctx, &bad[i], 1), -TLS13_E_BAD_ARGUMENT);
    cred_free(c);
    tls13_ctx_unref(ctx);
}

static void wrong_proof(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    struct credential *c = load(fixture_client), *r = load(fixture_client_rsa);
    uint8_t msg[20000], rec[20480];
    for (int i = 0; i < 4; i++) {
        peer_fresh(&p, ctx);
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), TLS13_MORE);
        CHECK(peer_read(&p) && p.cert_request);
        size_t n = peer_certificate(&p, c, msg);
        uint8_t *verify = msg + c->message_len;
        if (i == 0)
            verify[20] ^= 1; /* the signature */
        if (i == 1)
            store16(verify + 4, SIG_PSS_RSAE_SHA256); /* a scheme of another key */
        if (i == 2)
            store16(verify + 4, 0x0201); /* one we never offered */
        if (i == 3)
            store24(verify + 1, load24(verify + 1) - 1); /* cut short */
        CHECK(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, msg, i == 3 ? n - 1 : n)) < 0);
        CHECK(peer_read(&p));
        CHECK_INT(p.alert, i == 0 ? TLS13_ALERT_decrypt_error : i == 3 ? TLS13_ALERT_decode_error : TLS13_ALERT_illegal_parameter);
    }
    /* The certificate of one, the signature of another. */
    peer_fresh(&p, ctx);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    size_t n = peer_certificate(&p, r, msg);
    memmove(msg + c->message_len, msg + r->message_len, n - r->message_len);
    memcpy(msg, c->message, c->message_len);
    CHECK(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, msg, n - r->message_len + c->message_len)) < 0);
    cred_free(c);
    cred_free(r);
    tls13_ctx_unref(ctx);
}

/* What may be wrong with an ECDSA signature besides its numbers, and numbers that none has (RFC 3279 2.2.3, FIPS 186-4 6.4). */
enum wrong { LONG_LENGTH, LEADING_ZERO, BYTE_BEHIND, R_ZERO, S_ZERO, S_ORDER, NOTHING, WRONGS };

static size_t wrong_signature(enum wrong what, const uint8_t *good, size_t n, uint8_t out[static 160])
{
    static const uint8_t order[] = { 0x00, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    uint8_t numbers[140];
    struct rd seq = rd_of(good + 2, n - 2);
    struct wr body = wr_of(numbers, sizeof numbers), w = wr_of(out, 160);
    for (int k = 0; k < 2; k++) {
        (void)rd_u8(&seq);
        struct rd number = rd_vec8(&seq);
        struct slice v = rd_rest(&number);
        if (what == (k == 0 ? R_ZERO : S_ZERO))
            v = (struct slice){ order, 1 };
        if (what == S_ORDER && k == 1)
            v = (struct slice){ order, sizeof order };
        wr_u8(&body, 2);
        wr_u8(&body, (unsigned)v.n + (what == LEADING_ZERO));
        if (what == LEADING_ZERO)
            wr_u8(&body, 0);
        wr_bytes(&body, v.p, v.n);
    }
    wr_u8(&w, 0x30);
    if (what == LONG_LENGTH)
        wr_u8(&w, 0x81);
    wr_u8(&w, (unsigned)body.len);
    wr_bytes(&w, numbers, body.len);
    if (what == BYTE_BEHIND)
        wr_u8(&w, 0);
    CHECK(rd_done(&seq) && !body.bad && !w.bad);
    return what == NOTHING ? 0 : w.len;
}

/* BearSSL would take or compute with some of them. */
static void ecdsa_edges(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    struct credential *c = load(fixture_client);
    uint8_t msg[20000], rec[20480], sig[160];
    for (enum wrong what = 0; what < WRONGS; what++) {
        peer_fresh(&p, ctx);
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), TLS13_MORE);
        CHECK(peer_read(&p));
        size_t n = peer_certificate(&p, c, msg);
        uint8_t *verify = msg + c->message_len;
        size_t len = wrong_signature(what, verify + 8, n - c->message_len - 8, sig);
        store24(verify + 1, 4U + (uint32_t)len);
        store16(verify + 6, (unsigned)len);
        memcpy(verify + 8, sig, len);
        CHECK_INT(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, msg, c->message_len + 8 + len)), -TLS13_E_DECRYPT);
        CHECK(peer_read(&p));
        CHECK_INT(p.alert, TLS13_ALERT_decrypt_error);
    }
    cred_free(c);
    tls13_ctx_unref(ctx);
}

static void nothing_may_be_left_out(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE);
    struct credential *c = load(fixture_client);
    uint8_t msg[20000], rec[20480];
    peer_fresh(&p, ctx); /* Finished at once */
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    size_t n = peer_finished(&p, msg);
    CHECK_INT(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, msg, n)), -TLS13_E_UNEXPECTED);
    peer_fresh(&p, ctx); /* Certificate without CertificateVerify */
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    (void)peer_certificate(&p, c, msg);
    n = peer_finished(&p, msg + c->message_len);
    CHECK_INT(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, msg, c->message_len + n)), -TLS13_E_UNEXPECTED);
    cred_free(c);
    tls13_ctx_unref(ctx);
}

static void ticket_carries_the_client(void)
{
    struct tls13_ctx *ctx = auth_ctx(TLS13_CLIENT_AUTH_REQUIRE), *open = test_ctx();
    struct tls13_info info;
    CHECK_INT(attempt(ctx, fixture_client), 0);
    struct peer_ticket t = p.tickets[0];
    peer_fresh(&p, ctx);
    p.opt.ticket = &t;
    CHECK(peer_handshake(&p, NULL));
    CHECK(p.resumed && !p.cert_request);
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.client_name, "dns:client.example");
    CHECK_STR(info.client_cn, "client one");
    peer_fresh(&p, open); /* a ticket from a listener without authentication is nothing here */
    CHECK(peer_handshake(&p, NULL));
    struct peer_ticket anonymous = p.tickets[0];
    peer_fresh(&p, ctx);
    p.opt.ticket = &anonymous;
    CHECK(!peer_handshake(&p, NULL));
    CHECK_INT(p.last, -TLS13_E_CERT_REQUIRED);
    CHECK_INT(tls13_ctx_set_client_crl(ctx, fixture_crl, strlen(fixture_crl)), 0);
    peer_fresh(&p, ctx); /* a new list: judged again */
    p.opt.ticket = &t;
    (void)peer_handshake(&p, NULL);
    CHECK(!p.resumed && p.cert_request);
    tls13_ctx_unref(ctx);
    tls13_ctx_unref(open);
}

static unsigned asked;
static uint8_t asked_hash[64];
static int sign_later(void *arg, struct tls13_conn *conn, uint16_t scheme, const uint8_t *hash, size_t n, uint8_t *sig, size_t *len)
{
    (void)arg;
    (void)conn;
    (void)sig;
    (void)len;
    asked = scheme;
    memcpy(asked_hash, hash, n);
    return TLS13_LATER;
}

static void later_signature(void)
{
    struct credential *c = load(fixture_p256);
    for (int good = 1; good >= 0; good--) {
        struct tls13_ctx *ctx = tls13_ctx_new();
        uint8_t sig[SIG_MAX], msg[64], rec[128];
        CHECK_INT(tls13_ctx_add_signer(ctx, fixture_p256, strlen(fixture_p256), sign_later, NULL), 0);
        peer_fresh(&p, ctx);
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), TLS13_WAIT);
        CHECK_INT(peer_feed(&p, NULL, 0), TLS13_WAIT);
        CHECK_INT(asked, SIG_ECDSA_P256);
        int len = sig_sign(&c->key, sig_by_id(SIG_ECDSA_P256), asked_hash, NULL, sig);
        CHECK(len > 0);
        sig[12] ^= !good;
        tls13_sign_done(p.conn, sig, (size_t)len);
        CHECK_INT(peer_feed(&p, NULL, 0), good ? TLS13_MORE : -TLS13_E_INTERNAL);
        CHECK(peer_read(&p));
        if (good) {
            size_t n = peer_finished(&p, msg);
            CHECK_INT(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, msg, n)), TLS13_MORE);
            CHECK(p.connected);
        } else {
            CHECK_INT(p.alert, TLS13_ALERT_internal_error); /* an unverified signature is never let out */
        }
        tls13_ctx_unref(ctx);
    }
    cred_free(c);
}

int main(void)
{
    RUN(required);
    RUN(authorities_all_or_none);
    RUN(requested);
    RUN(bad_chains);
    RUN(key_usage_is_respected);
    RUN(revocation);
    RUN(forged_lists);
    RUN(allow_list);
    RUN(wrong_proof);
    RUN(ecdsa_edges);
    RUN(nothing_may_be_left_out);
    RUN(ticket_carries_the_client);
    RUN(later_signature);
    if (p.conn != NULL)
        peer_free(&p);
    return DONE();
}
