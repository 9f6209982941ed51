/*
 * What a server must pass over: GREASE (RFC 8701) and unknown values of every class, wherever they stand.  The handshake goes on as if
 * they were not there, and nothing of them comes back.
 */
#include "unit.h"

#include "edit.h"

static struct peer p;
static struct tls13_ctx *ctx, *auth_ctx;
static struct hello_parts h;

/* RFC 8701 2: the sixteen two-byte values, and the eight psk modes. */
static uint16_t grease(unsigned i)
{
    return (uint16_t)(0x0a0a + 0x1010 * i);
}
static const uint8_t grease_mode[] = { 0x0b, 0x2a, 0x49, 0x68, 0x87, 0xa6, 0xc5, 0xe4 };

static void fresh(struct tls13_ctx *c)
{
    peer_fresh(&p, c);
    p.opt.alpn = "h2";
    peer_hello(&p);
    peer_split(&p, &h);
}

/* Puts a two-byte code in a list that has `head` bytes of length in front, at the place `where`: 0 first, 1 in the middle, 2 last. */
static void add_code(struct part *part, size_t head, unsigned where, uint16_t code)
{
    size_t codes = (part->n - head) / 2, at = head + 2 * (where == 0 ? 0 : where == 1 ? codes / 2 : codes);
    memmove(part->b + at + 2, part->b + at, part->n - at);
    store16(part->b + at, code);
    part->n += 2;
    if (head == 1)
        part->b[0] = (uint8_t)(part->n - 1);
    if (head == 2)
        store16(part->b, (unsigned)part->n - 2);
}

/* No extension in any message of the server but those that it has to send or was asked for. */
static bool echoes_nothing(void)
{
    static const uint16_t may[] = { EXT_SERVER_NAME,        EXT_ALPN,      EXT_SIGNATURE_ALGORITHMS, EXT_CERTIFICATE_AUTHORITIES,
                                    EXT_SUPPORTED_VERSIONS, EXT_KEY_SHARE, EXT_PRE_SHARED_KEY };
    for (size_t i = 0;; i++) {
        struct slice m = peer_sent(&p, i);
        if (m.p == NULL)
            return i >= 2;
        struct ext_ids ids = ids_of(m.p, m.n);
        for (size_t j = 0; j < ids.n; j++) {
            size_t k = 0;
            while (k < COUNT(may) && may[k] != ids.id[j])
                k++;
            if (k == COUNT(may)) {
                printf("# message %u has extension %u\n", m.p[0], ids.id[j]);
                return false;
            }
        }
    }
}

/* The ServerHello or HelloRetryRequest at the front of the server's output has nothing but what it needs (4.1.3, 4.1.4). */
static bool hello_is_bare(void)
{
    if (p.n_out < TLS13_HEAD + 4 || p.out[0] != CT_HANDSHAKE)
        return false;
    struct ext_ids ids = ids_of(p.out + TLS13_HEAD, load16(p.out + 3));
    return ids_have(&ids, EXT_SUPPORTED_VERSIONS) && ids_have(&ids, EXT_KEY_SHARE) && ids.n == 2U + ids_have(&ids, EXT_PRE_SHARED_KEY);
}

/* Sends h and ends the handshake as a good client does; it comes out as without the additions. */
static void goes_on(void)
{
    uint8_t msg[64];
    struct tls13_info info;
    CHECK_INT(peer_send_parts(&p, &h), TLS13_MORE);
    CHECK(hello_is_bare());
    CHECK(peer_read(&p));
    CHECK(p.finished_ok && !p.retry);
    CHECK_INT(p.suite->id, TLS_AES_128_GCM_SHA256);
    CHECK_INT(p.group->id, GROUP_X25519);
    CHECK(echoes_nothing());
    size_t n = peer_finished(&p, msg);
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, msg, n), TLS13_MORE);
    CHECK(p.connected);
    peer_switch(&p, msg, n);
    CHECK(peer_read(&p));
    CHECK(echoes_nothing());
    tls13_conn_info(p.conn, &info);
    CHECK_INT(info.scheme, SIG_ECDSA_P256);
    CHECK_STR(info.alpn, "h2");
    CHECK_STR(info.sni, "localhost");
}

/* --- one class a test ----------------------------------------------------------------------------------------------- */

/* A list in an extension (0: the cipher suites), the values given, at each place. */
static void codes(uint16_t ext, size_t head, const uint16_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (unsigned where = 0; where < 3; where++) {
            fresh(ctx);
            struct part *part = ext == 0 ? &h.suites : hello_ext(&h, ext);
            CHECK(part != NULL);
            add_code(part, head, where, values[i]);
            goes_on();
        }
    fresh(ctx); /* and all at once */
    for (size_t i = 0; i < n; i++)
        add_code(ext == 0 ? &h.suites : hello_ext(&h, ext), head, 0, values[i]);
    goes_on();
}

static void all_grease(uint16_t ext, size_t head)
{
    uint16_t values[16];
    for (unsigned i = 0; i < 16; i++)
        values[i] = grease(i);
    codes(ext, head, values, 16);
}

static void suites(void)
{
    /* AES-CCM, the renegotiation and fallback signals, TLS 1.2's, unassigned, both ends of private use */
    static const uint16_t unknown[] = { 0x0000, 0x00ff, 0x1300, 0x1304, 0x1305, 0x5600, 0xc02b, 0xd400, 0xfefe, 0xff00, 0xffff };
    all_grease(0, 0);
    codes(0, 0, unknown, COUNT(unknown));
}

static void groups(void)
{
    /* obsolete ones, secp521r1, x448, ffdhe2048, Kyber drafts, private use for FFDHE and for ECDHE, explicit curves (4.2.7) */
    static const uint16_t unknown[] = { 0x0000, 0x0001, 0x0016, 0x0019, 0x001e, 0x0100, 0x01fc,
                                        0x01ff, 0x6399, 0xfe00, 0xfeff, 0xff01, 0xff02, 0xffff };
    all_grease(EXT_SUPPORTED_GROUPS, 2);
    codes(EXT_SUPPORTED_GROUPS, 2, unknown, COUNT(unknown));
}

static void versions(void)
{
    static const uint16_t unknown[] = { 0x0000, 0x0300, 0x0301, 0x0303, 0x0305, 0x7f1c, 0xfefc, 0xffff };
    all_grease(EXT_SUPPORTED_VERSIONS, 1);
    codes(EXT_SUPPORTED_VERSIONS, 1, unknown, COUNT(unknown));
}

/* PKCS #1 and SHA-1 are for certificates only; the reserved ones of 4.2.3, Ed25519, ML-DSA, private use. */
static const uint16_t unknown_schemes[] = { 0x0000, 0x0201, 0x0202, 0x0203, 0x0204, 0x0303, 0x0401, 0x0402,
                                            0x0502, 0x0602, 0x0603, 0x0807, 0x0904, 0xfdff, 0xfe00, 0xffff };

static void schemes(void)
{
    all_grease(EXT_SIGNATURE_ALGORITHMS, 2);
    codes(EXT_SIGNATURE_ALGORITHMS, 2, unknown_schemes, COUNT(unknown_schemes));
}

static void certificate_schemes(void)
{
    for (unsigned i = 0; i < 16 + COUNT(unknown_schemes); i++)
        for (unsigned where = 0; where < 3; where++) {
            fresh(ctx);
            hello_insert(&h, 2, EXT_SIGNATURE_ALGORITHMS_CERT, "\0\2\4\3", 4);
            add_code(hello_ext(&h, EXT_SIGNATURE_ALGORITHMS_CERT), 2, where, i < 16 ? grease(i) : unknown_schemes[i - 16]);
            goes_on();
        }
}

static void shares(void)
{
    static const uint8_t lengths[] = { 1, 32, 200 };
    for (unsigned i = 0; i < 16; i++)
        for (size_t j = 0; j < COUNT(lengths); j++)
            for (int last = 0; last < 2; last++) {
                fresh(ctx);
                add_code(hello_ext(&h, EXT_SUPPORTED_GROUPS), 2, last ? 2 : 0, grease(i));
                struct part *part = hello_ext(&h, EXT_KEY_SHARE);
                size_t at = last ? part->n : 2, n = 4U + lengths[j];
                memmove(part->b + at + n, part->b + at, part->n - at);
                store16(part->b + at, grease(i));
                store16(part->b + at + 2, lengths[j]);
                memset(part->b + at + 4, 0, lengths[j]);
                part->n += n;
                store16(part->b, (unsigned)part->n - 2);
                goes_on();
            }
}

static void modes(void)
{
    static const uint8_t more[] = { 0, 2, 0x7f, 0xfe, 0xff }; /* psk_ke, unassigned, private use */
    for (size_t i = 0; i < COUNT(grease_mode) + COUNT(more); i++)
        for (int last = 0; last < 2; last++) {
            uint8_t mode = i < COUNT(grease_mode) ? grease_mode[i] : more[i - COUNT(grease_mode)];
            uint8_t body[3] = { 2, last ? 1 : mode, last ? mode : 1 };
            fresh(ctx);
            hello_set(&h, EXT_PSK_MODES, body, sizeof body);
            goes_on();
            CHECK_INT(p.n_tickets, 2); /* psk_dhe_ke was among them */
        }
    for (size_t i = 0; i < COUNT(grease_mode) + COUNT(more); i++) {
        uint8_t body[2] = { 1, i < COUNT(grease_mode) ? grease_mode[i] : more[i - COUNT(grease_mode)] };
        fresh(ctx);
        hello_set(&h, EXT_PSK_MODES, body, sizeof body);
        goes_on();
        CHECK_INT(p.n_tickets, 0); /* and now it was not: no ticket that the client could not use (4.2.9) */
    }
}

static void protocols(void)
{
    for (unsigned i = 0; i < 16; i++)
        for (int last = 0; last < 2; last++) {
            uint8_t body[8] = { 0, 6, 2, 'h', '2', 2, 'h', '2' };
            fresh(ctx);
            store16(body + (last ? 6 : 3), grease(i));
            hello_set(&h, EXT_ALPN, body, sizeof body);
            goes_on();
        }
}

static void extensions(void)
{
    static const uint8_t content[300] = { 1, 2, 3 };
    static const size_t lengths[] = { 0, 1, 300 };
    /* status_request_v2, encrypt_then_mac, extended_master_secret, session_ticket, the two reserved in TLS 1.3's table, connection_id,
       QUIC's parameters, ALPS, ECH, renegotiation_info, both ends of private use */
    static const uint16_t unknown[] = { 17, 22, 23, 35, 40, 46, 54, 57, 17513, 65037, 0xff01, 0xfe00, 0xff00, 0xffff };
    for (unsigned i = 0; i < 16 + COUNT(unknown); i++)
        for (size_t j = 0; j < COUNT(lengths); j++)
            for (int last = 0; last < 2; last++) {
                fresh(ctx);
                hello_insert(&h, last ? h.n_ext : 0, i < 16 ? grease(i) : unknown[i - 16], content, lengths[j]);
                goes_on();
            }
}

/* Extensions that we know and do not take up: nothing is answered. */
static void known_and_not_wanted(void)
{
    static const struct {
        uint16_t id;
        const char *body;
        size_t n;
    } list[] = {
        { 1, "\4", 1 },          /* max_fragment_length */
        { 5, "\1\0\0\0\0", 5 },  /* status_request */
        { 14, "\0\2\0\1\0", 5 }, /* use_srtp */
        { 15, "\1", 1 },         /* heartbeat */
        { 18, "", 0 },           /* signed_certificate_timestamp */
        { 19, "\1\2", 2 },       /* client_certificate_type */
        { 20, "\1\2", 2 },       /* server_certificate_type */
        { 21, "\0\0\0", 3 },     /* padding */
        { 27, "\2\0\2", 3 },     /* compress_certificate */
        { 28, "\100\0", 2 },     /* record_size_limit */
        { 47, "\0\3\0\1x", 5 },  /* certificate_authorities */
        { 49, "", 0 },           /* post_handshake_auth */
    };
    for (size_t i = 0; i < COUNT(list); i++) {
        fresh(ctx);
        hello_insert(&h, 0, list[i].id, list[i].body, list[i].n);
        goes_on();
    }
}

/* As Chromium does: one of each at once, through a HelloRetryRequest and a CertificateRequest too. */
static void all_together(void)
{
    for (int mode = 0; mode < 3; mode++) {
        bool retry = mode == 1;
        fresh(mode == 2 ? auth_ctx : ctx);
        for (int second = 0; second <= retry; second++) {
            if (second) {
                p.opt.share[0] = p.retry_group;
                p.opt.groups[0] = GROUP_X25519;
                peer_hello(&p);
                peer_split(&p, &h);
            }
            add_code(&h.suites, 0, 0, 0x2a2a);
            add_code(hello_ext(&h, EXT_SUPPORTED_GROUPS), 2, 0, 0x3a3a);
            add_code(hello_ext(&h, EXT_SUPPORTED_VERSIONS), 1, 0, 0x4a4a);
            add_code(hello_ext(&h, EXT_SIGNATURE_ALGORITHMS), 2, 0, 0x5a5a);
            hello_insert(&h, 0, 0x6a6a, "", 0);
            hello_insert(&h, h.n_ext, 0x7a7a, "", 1);
            if (retry && !second)
                hello_set(&h, EXT_KEY_SHARE, "\0\5\x3a\x3a\0\1", 7);
            if (!retry || second)
                break;
            CHECK_INT(peer_send_parts(&p, &h), TLS13_MORE);
            CHECK(hello_is_bare());
            CHECK(peer_read(&p));
            CHECK(p.retry);
            CHECK_INT(p.retry_group, GROUP_X25519);
        }
        CHECK_INT(peer_send_parts(&p, &h), TLS13_MORE);
        CHECK(hello_is_bare());
        CHECK(peer_read(&p));
        CHECK(p.finished_ok && echoes_nothing());
        CHECK_INT(p.cert_request, mode == 2);
    }
}

int main(void)
{
    static const char *const list[] = { "h2" };
    ctx = test_ctx();
    auth_ctx = test_ctx();
    if (tls13_ctx_set_alpn(ctx, list, 1) < 0 || tls13_ctx_set_client_ca(auth_ctx, fixture_ca, strlen(fixture_ca)) < 0 ||
        tls13_ctx_set_client_auth(auth_ctx, TLS13_CLIENT_AUTH_REQUEST) < 0)
        abort();
    RUN(suites);
    RUN(groups);
    RUN(versions);
    RUN(schemes);
    RUN(certificate_schemes);
    RUN(shares);
    RUN(modes);
    RUN(protocols);
    RUN(extensions);
    RUN(known_and_not_wanted);
    RUN(all_together);
    peer_free(&p);
    tls13_ctx_unref(ctx);
    tls13_ctx_unref(auth_ctx);
    return DONE();
}
