/* Whole handshakes against the engine: every suite, group and key; retry, names, protocols, and what is refused. */
#include "unit.h"

#include "peer.h"

static struct peer p; /* big: not on the stack */

static void every_suite_and_group(void)
{
    static const uint16_t suites[] = { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 };
    static const uint16_t groups[] = { GROUP_X25519MLKEM768, GROUP_X25519, GROUP_SECP256R1, GROUP_SECP384R1 };
    for (size_t i = 0; i < COUNT(suites); i++)
        for (size_t j = 0; j < COUNT(groups); j++) {
            struct tls13_ctx *ctx = test_ctx();
            struct tls13_info info;
            peer_fresh(&p, ctx);
            p.opt.suites[0] = suites[i];
            p.opt.groups[0] = p.opt.share[0] = groups[j];
            p.opt.n_groups = 1;
            CHECK(peer_handshake(&p, NULL));
            tls13_conn_info(p.conn, &info);
            CHECK_INT(info.suite, suites[i]);
            CHECK_INT(info.group, groups[j]);
            CHECK_INT(info.scheme, SIG_ECDSA_P256);
            CHECK_INT(info.version, 0x0304);
            CHECK(!info.resumed && !info.hello_retry && info.connected);
            CHECK_STR(info.sni, "localhost");
            CHECK_INT(p.ccs, 1);
            CHECK_INT(p.n_tickets, 2);
            CHECK(peer_echo(&p));
            tls13_ctx_unref(ctx);
        }
}

static void every_key(void)
{
    const struct {
        const char *pem;
        uint16_t scheme;
    } keys[] = { { fixture_p256, SIG_ECDSA_P256 }, { fixture_p384, SIG_ECDSA_P384 }, { fixture_rsa, SIG_PSS_RSAE_SHA256 } };
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct tls13_ctx *ctx = tls13_ctx_new();
        CHECK_INT(tls13_ctx_add_pem(ctx, keys[i].pem, strlen(keys[i].pem), NULL, 0), 0);
        peer_fresh(&p, ctx);
        CHECK(peer_handshake(&p, NULL));
        CHECK_INT(p.scheme, keys[i].scheme);
        CHECK_INT(p.n_tickets, 0); /* no keys, no tickets */
        CHECK(peer_echo(&p));
        tls13_ctx_unref(ctx);
    }
}

static void client_chooses_among_keys_of_one_name(void)
{
    struct tls13_ctx *ctx = test_ctx();
    CHECK_INT(tls13_ctx_add_pem(ctx, fixture_rsa, strlen(fixture_rsa), NULL, 0), 1);
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL));
    CHECK_INT(p.scheme, SIG_ECDSA_P256);
    peer_fresh(&p, ctx);
    p.opt.sigs[0] = SIG_PSS_RSAE_SHA256;
    p.opt.n_sigs = 1;
    CHECK(peer_handshake(&p, NULL));
    CHECK_INT(p.scheme, SIG_PSS_RSAE_SHA256);
    peer_fresh(&p, ctx);
    p.opt.sni = NULL; /* the default certificate has a fellow of the same name */
    p.opt.sigs[0] = SIG_PSS_RSAE_SHA256;
    p.opt.n_sigs = 1;
    CHECK(peer_handshake(&p, NULL));
    peer_fresh(&p, ctx);
    p.opt.sigs[0] = 0x0807;
    p.opt.n_sigs = 1;
    CHECK(!peer_handshake(&p, NULL));
    CHECK_INT(p.last, -TLS13_E_NO_COMMON);
    CHECK_INT(p.alert, TLS13_ALERT_handshake_failure);
    tls13_ctx_unref(ctx);
}

static void retry(void)
{
    static const uint16_t groups[] = { GROUP_X25519MLKEM768, GROUP_X25519, GROUP_SECP256R1, GROUP_SECP384R1 };
    for (size_t i = 0; i < COUNT(groups); i++)
        for (int with_session = 0; with_session < 2; with_session++) {
            struct tls13_ctx *ctx = test_ctx();
            struct tls13_info info;
            peer_fresh(&p, ctx);
            p.opt.groups[0] = groups[i];
            p.opt.groups[1] = p.opt.share[0] = 0x2a2a; /* GREASE, RFC 8701 */
            p.opt.session_id = with_session != 0;
            CHECK(peer_handshake(&p, NULL));
            CHECK(p.retry);
            CHECK_INT(p.retry_group, groups[i]);
            CHECK_INT(p.ccs, with_session);
            tls13_conn_info(p.conn, &info);
            CHECK(info.hello_retry);
            CHECK_INT(info.group, groups[i]);
            CHECK(peer_echo(&p));
            tls13_ctx_unref(ctx);
        }
}

static void names(void)
{
    struct tls13_ctx *ctx = test_ctx();
    struct tls13_info info;
    CHECK_INT(tls13_ctx_add_pem(ctx, fixture_second, strlen(fixture_second), NULL, 0), 1);
    const struct {
        const char *sni;
        int credential;
    } cases[] = { { "localhost", 0 },     { "second.example", 1 },  { "SECOND.Example", 1 },
                  { "a.example.org", 0 }, { "unknown.example", 0 }, { NULL, 0 } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        peer_fresh(&p, ctx);
        p.opt.sni = cases[i].sni;
        CHECK(peer_handshake(&p, NULL));
        tls13_conn_info(p.conn, &info);
        CHECK_INT(info.credential, cases[i].credential);
    }
    CHECK_INT(tls13_ctx_set_sni_strict(ctx, true), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool known = i < 4;
        peer_fresh(&p, ctx);
        p.opt.sni = cases[i].sni;
        CHECK_INT(peer_handshake(&p, NULL), known);
        if (!known)
            CHECK_INT(p.alert, TLS13_ALERT_unrecognized_name);
    }
    tls13_ctx_unref(ctx);
}

static void protocols(void)
{
    struct tls13_ctx *ctx = test_ctx();
    struct tls13_info info;
    static const char *const list[] = { "h2", "http/1.1" };
    peer_fresh(&p, ctx);
    p.opt.alpn = "anything"; /* ignored without a list */
    CHECK(peer_handshake(&p, NULL));
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.alpn, "");
    CHECK_INT(tls13_ctx_set_alpn(ctx, list, 2), 0);
    peer_fresh(&p, ctx);
    p.opt.alpn = "http/1.1";
    CHECK(peer_handshake(&p, NULL));
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.alpn, "http/1.1");
    peer_fresh(&p, ctx);
    p.opt.alpn = "spdy/3";
    CHECK(!peer_handshake(&p, NULL));
    CHECK_INT(p.alert, TLS13_ALERT_no_application_protocol);
    peer_fresh(&p, ctx);
    CHECK(peer_handshake(&p, NULL)); /* a client without ALPN */
    tls13_ctx_unref(ctx);
}

static void left_out(void)
{
    struct tls13_ctx *ctx = test_ctx();
    for (int i = 0; i < 6; i++) {
        peer_fresh(&p, ctx);
        p.opt.no_versions = i == 0;
        p.opt.no_groups = i == 1;
        p.opt.no_shares = i == 2;
        p.opt.no_sigs = i == 3;
        if (i == 4)
            p.opt.version = 0x0303;
        if (i == 5)
            p.opt.suites[0] = 0x1304;
        CHECK(!peer_handshake(&p, NULL));
        CHECK_INT(p.alert, i == 0 || i == 4 ? TLS13_ALERT_protocol_version
                           : i == 5         ? TLS13_ALERT_handshake_failure
                                            : TLS13_ALERT_missing_extension);
        CHECK(p.clear_alert);
    }
    tls13_ctx_unref(ctx);
}

static void second_hello_is_held_to_the_first(void)
{
    for (int i = 0; i < 6; i++) {
        struct tls13_ctx *ctx = test_ctx();
        peer_fresh(&p, ctx);
        p.opt.groups[0] = GROUP_SECP256R1;
        p.opt.groups[1] = p.opt.share[0] = 0x2a2a;
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), TLS13_MORE);
        CHECK(peer_read(&p) && p.retry);
        p.opt.share[0] = GROUP_SECP256R1;
        switch (i) {
        case 0:
            p.opt.sni = "second.example";
            break;
        case 1:
            p.random[5] ^= 1;
            break;
        case 2: /* still no share that we can use */
            p.opt.share[0] = 0x2a2a;
            break;
        case 3: /* one more than was asked for */
            p.opt.share[1] = 0x2a2a;
            p.opt.n_shares = 2;
            break;
        case 4:
            p.opt.alpn = "new";
            break;
        default:
            p.opt.suites[0] = TLS_AES_256_GCM_SHA384;
        }
        peer_hello(&p);
        CHECK_INT(peer_send_hello(&p), -TLS13_E_ILLEGAL);
        CHECK(peer_read(&p));
        CHECK_INT(p.alert, TLS13_ALERT_illegal_parameter);
        tls13_ctx_unref(ctx);
    }
}

static void byte_by_byte(void)
{
    struct tls13_ctx *ctx = test_ctx();
    uint8_t rec[20480], msg[64];
    peer_fresh(&p, ctx);
    p.opt.groups[0] = p.opt.share[0] = GROUP_X25519MLKEM768;
    peer_hello(&p);
    size_t n = peer_frame(rec, p.hello_msg, p.hello_len, 1); /* records of one byte, */
    for (size_t i = 0; i < n; i++)                           /* a byte at a time */
        CHECK_INT(peer_feed(&p, rec + i, 1), TLS13_MORE);
    CHECK(peer_read(&p) && p.finished_ok);
    n = peer_finished(&p, msg);
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += peer_seal(&p, rec + len, CT_HANDSHAKE, msg + i, 1);
    peer_switch(&p, msg, n);
    for (size_t i = 0; i < len; i++)
        CHECK_INT(peer_feed(&p, rec + i, 1), TLS13_MORE);
    CHECK(p.connected && peer_read(&p));
    CHECK(peer_echo(&p));
    tls13_ctx_unref(ctx);
}

static char log_text[4096];
static void log_line(void *arg, const char *line)
{
    (void)arg;
    strcat(strcat(log_text, line), "\n");
}

static void export_and_keylog(void)
{
    struct tls13_ctx *ctx = test_ctx();
    uint8_t ours[32], secret[MAX_HASH], hash[MAX_HASH], want[32], exp[MAX_HASH];
    log_text[0] = '\0';
    CHECK_INT(tls13_ctx_set_keylog(ctx, log_line, NULL), 0);
    peer_fresh(&p, ctx);
    CHECK_INT(tls13_export(p.conn, "label", "", 0, ours, sizeof ours), -TLS13_E_CLOSED);
    CHECK(peer_handshake(&p, NULL));
    CHECK_INT(tls13_export(p.conn, "EXPORTER-test", "context", 7, ours, sizeof ours), 0);
    /* 7.5 again, from the secret in the log */
    const char *line = strstr(log_text, "EXPORTER_SECRET ");
    CHECK(line != NULL);
    CHECK_INT(unhex(exp, sizeof exp, line + strlen("EXPORTER_SECRET ") + 65), 32);
    hash_once(HASH_SHA256, "", 0, hash);
    kdf_derive(HASH_SHA256, exp, "EXPORTER-test", hash, secret);
    hash_once(HASH_SHA256, "context", 7, hash);
    kdf_expand_label(HASH_SHA256, secret, "exporter", hash, 32, want, 32);
    CHECK_MEM(ours, want, 32);
    CHECK(strstr(log_text, "CLIENT_HANDSHAKE_TRAFFIC_SECRET ") != NULL);
    CHECK(strstr(log_text, "SERVER_HANDSHAKE_TRAFFIC_SECRET ") != NULL);
    CHECK(strstr(log_text, "CLIENT_TRAFFIC_SECRET_0 ") != NULL);
    CHECK(strstr(log_text, "SERVER_TRAFFIC_SECRET_0 ") != NULL);
    tls13_ctx_unref(ctx);
}

int main(void)
{
    RUN(every_suite_and_group);
    RUN(every_key);
    RUN(client_chooses_among_keys_of_one_name);
    RUN(retry);
    RUN(names);
    RUN(protocols);
    RUN(left_out);
    RUN(second_hello_is_held_to_the_first);
    RUN(byte_by_byte);
    RUN(export_and_keylog);
    if (p.conn != NULL)
        peer_free(&p);
    return DONE();
}
