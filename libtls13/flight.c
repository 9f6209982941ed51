/* HelloRetryRequest, and the server's flight from ServerHello to Finished (RFC 8446 4.1.3, 4.1.4, 4.3, 4.4). */
#include "handshake.h"

#include "extension.h"

/* SHA-256 of "HelloRetryRequest": the random that makes a ServerHello one (4.1.3). */
static const uint8_t retry_random[32] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                          0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };

/* ServerHello up to its extensions; the block stays open at the mark *exts, the message at *body. */
static void begin_hello(struct wr *w, const struct tls13_conn *conn, const uint8_t *random, size_t *body, size_t *exts)
{
    const struct handshake *hs = conn->hs;
    wr_u8(w, MSG_SERVER_HELLO);
    *body = wr_open(w, 3);
    wr_u16(w, 0x0303);
    wr_bytes(w, random, 32);
    wr_u8(w, hs->session_id_len); /* echoed, whatever it is (4.1.3) */
    wr_bytes(w, hs->session_id, hs->session_id_len);
    wr_u16(w, conn->suite->id);
    wr_u8(w, 0);
    *exts = wr_open(w, 2);
}

static void end_hello(struct wr *w, size_t body, size_t exts)
{
    wr_u16(w, EXT_SUPPORTED_VERSIONS);
    wr_u16(w, 2);
    wr_u16(w, 0x0304);
    wr_close(w, exts, 2);
    wr_close(w, body, 3);
}

/* One change_cipher_spec behind the first of ServerHello and HelloRetryRequest, for a client in compatibility mode (D.4). */
static int write_ccs(struct tls13_conn *conn, struct tls13_io *io)
{
    static const uint8_t ccs[] = { CT_CCS, 3, 3, 0, 1, 1 };
    if (conn->hs->ccs_sent || conn->hs->session_id_len == 0)
        return 0;
    if (io->out_cap - io->out_len < sizeof ccs)
        return -TLS13_E_NO_ROOM;
    memcpy(io->out + io->out_len, ccs, sizeof ccs);
    io->out_len += sizeof ccs;
    conn->hs->ccs_sent = true;
    return 0;
}

int flight_retry(struct tls13_conn *conn, struct tls13_io *io)
{
    uint8_t msg[128];
    size_t body, exts;
    struct wr w = wr_of(msg, sizeof msg);
    begin_hello(&w, conn, retry_random, &body, &exts);
    wr_u16(&w, EXT_KEY_SHARE);
    wr_u16(&w, 2);
    wr_u16(&w, conn->group);
    end_hello(&w, body, exts);
    if (w.bad)
        return -TLS13_E_INTERNAL;
    transcript_add(&conn->hs->transcript, msg, w.len);
    struct stream s = { .conn = conn, .io = io };
    stream_add(&s, msg, w.len);
    int err = stream_end(&s);
    if (err < 0)
        return err;
    conn->state = ST_HELLO_AGAIN;
    return write_ccs(conn, io);
}

/* Of the handshake's random bytes: the PSS salt. */
static const uint8_t *salt(const struct handshake *hs)
{
    return hs->random + 32 + hs->choice.group->random_len;
}

size_t flight_random(const struct tls13_conn *conn)
{
    const struct choice *c = &conn->hs->choice;
    bool salted = !conn->resumed && c->scheme->key != KEY_P256 && c->scheme->key != KEY_P384;
    return 32U + c->group->random_len + (salted ? sig_hash_len(c->scheme) : 0);
}

int flight_prepare(struct tls13_conn *conn, struct kex_job *job)
{
    struct handshake *hs = conn->hs;
    const struct kex_group *group = hs->choice.group;
    size_t body, exts;
    struct wr w = wr_of(hs->flight.hello, sizeof hs->flight.hello);
    begin_hello(&w, conn, hs->random, &body, &exts);
    if (conn->resumed) {
        wr_u16(&w, EXT_PRE_SHARED_KEY);
        wr_u16(&w, 2);
        wr_u16(&w, hs->psk_index);
    }
    wr_u16(&w, EXT_KEY_SHARE);
    wr_u16(&w, 4U + group->server_len);
    wr_u16(&w, group->id);
    wr_u16(&w, group->server_len);
    uint8_t *server = wr_room(&w, group->server_len);
    end_hello(&w, body, exts);
    if (w.bad)
        return -TLS13_E_INTERNAL;
    hs->flight.hello_len = w.len;
    *job = (struct kex_job){ .group = group, .client = hs->share, .random = hs->random + 32, .server = server };
    return 0;
}

/* EncryptedExtensions (4.3.1): always sent; answers only what was asked. */
static int build_extensions(struct tls13_conn *conn)
{
    struct flight *f = &conn->hs->flight;
    struct wr w = wr_of(f->extensions, sizeof f->extensions);
    wr_u8(&w, MSG_ENCRYPTED_EXTENSIONS);
    size_t body = wr_open(&w, 3), exts = wr_open(&w, 2);
    if (conn->hs->choice.named && !conn->resumed) { /* RFC 6066 3: the name was of use */
        wr_u16(&w, EXT_SERVER_NAME);
        wr_u16(&w, 0);
    }
    if (conn->alpn != NULL) { /* RFC 7301 3.1 */
        wr_u16(&w, EXT_ALPN);
        size_t ext = wr_open(&w, 2), list = wr_open(&w, 2), name = wr_open(&w, 1);
        wr_bytes(&w, conn->alpn, strlen(conn->alpn));
        wr_close(&w, name, 1);
        wr_close(&w, list, 2);
        wr_close(&w, ext, 2);
    }
    wr_close(&w, exts, 2);
    wr_close(&w, body, 3);
    f->extensions_len = w.len;
    return w.bad ? -TLS13_E_INTERNAL : 0;
}

size_t verify_hash(const struct handshake *hs, enum hash_id hash, bool server, uint8_t out[static SIG_MAX_HASH])
{
    static const char server_text[] = "TLS 1.3, server CertificateVerify", client_text[] = "TLS 1.3, client CertificateVerify";
    uint8_t content[64 + sizeof server_text + MAX_HASH];
    memset(content, 0x20, 64);
    memcpy(content + 64, server ? server_text : client_text, sizeof server_text); /* with its zero byte */
    size_t n = transcript_hash(&hs->transcript, content + 64 + sizeof server_text);
    return hash_once(hash, content, 64 + sizeof server_text + n, out);
}

/* An outside signer's work is not let out unverified either (C.3). */
static int check_signature(const struct tls13_conn *conn, const uint8_t *sig, size_t len)
{
    const struct handshake *hs = conn->hs;
    const struct credential *cred = conn->ctx->creds[conn->credential];
    struct x509 leaf;
    if (len == 0 || len > SIG_MAX || x509_parse(&leaf, cred->leaf.p, cred->leaf.n) < 0)
        return -TLS13_E_INTERNAL;
    return sig_verify(&leaf.key, hs->choice.scheme, hs->flight.verify_hash, sig, len) < 0 ? -TLS13_E_INTERNAL : 0;
}

int flight_signed(struct tls13_conn *conn, const uint8_t *sig, size_t len)
{
    int err = check_signature(conn, sig, len);
    if (err < 0)
        return err;
    memmove(conn->hs->flight.sig, sig, len);
    conn->hs->flight.sig_len = len;
    return 0;
}

static int sign(struct tls13_conn *conn)
{
    struct handshake *hs = conn->hs;
    struct flight *f = &hs->flight;
    const struct credential *cred = conn->ctx->creds[conn->credential];
    const struct sig_scheme *scheme = hs->choice.scheme;
    f->verify_hash_len = verify_hash(hs, scheme->hash, true, f->verify_hash);
    if (cred->sign != NULL) {
        size_t len = sizeof f->sig;
        int err = cred->sign(cred->sign_arg, conn, scheme->id, f->verify_hash, f->verify_hash_len, f->sig, &len);
        if (err == 0)
            return flight_signed(conn, f->sig, len);
        return err < 0 || err == TLS13_LATER ? err : -TLS13_E_INTERNAL;
    }
    int len = sig_sign(&cred->key, scheme, f->verify_hash, salt(hs), f->sig);
    if (len < 0)
        return len;
    f->sig_len = (size_t)len;
    return 0;
}

int flight_finish(struct tls13_conn *conn, const uint8_t *shared)
{
    struct handshake *hs = conn->hs;
    struct transcript *t = &hs->transcript;
    uint8_t hash[MAX_HASH];
    int err = build_extensions(conn);
    if (err < 0)
        return err;
    transcript_add(t, hs->flight.hello, hs->flight.hello_len);
    transcript_hash(t, hash);
    ks_early(&hs->ks, conn->suite, conn->resumed ? hs->psk : NULL, conn->suite->hash_len);
    ks_handshake(&hs->ks, shared, hs->choice.group->secret_len);
    ks_derive(&hs->ks, "c hs traffic", hash, hs->secret_client);
    ks_derive(&hs->ks, "s hs traffic", hash, hs->secret_server);
    keylog(conn, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", hs->secret_client);
    keylog(conn, "SERVER_HANDSHAKE_TRAFFIC_SECRET", hs->secret_server);
    transcript_add(t, hs->flight.extensions, hs->flight.extensions_len);
    if (conn->resumed)
        return 0;
    const struct tls13_ctx *ctx = conn->ctx;
    const struct credential *cred = ctx->creds[conn->credential];
    transcript_add(t, ctx->cert_request, ctx->cert_request_len);
    transcript_add(t, cred->message, cred->message_len);
    return sign(conn);
}

/* Behind our Finished: the application secrets (7.1), and each direction's next keys. */
static void switch_keys(struct tls13_conn *conn)
{
    struct handshake *hs = conn->hs;
    uint8_t hash[MAX_HASH], server[MAX_HASH];
    transcript_hash(&hs->transcript, hash);
    ks_master(&hs->ks);
    ks_derive(&hs->ks, "c ap traffic", hash, hs->app_client);
    ks_derive(&hs->ks, "s ap traffic", hash, server);
    ks_derive(&hs->ks, "exp master", hash, conn->exporter);
    keylog(conn, "CLIENT_TRAFFIC_SECRET_0", hs->app_client);
    keylog(conn, "SERVER_TRAFFIC_SECRET_0", server);
    keylog(conn, "EXPORTER_SECRET", conn->exporter);
    rec_start(&conn->out, conn->suite, server);
    rec_start(&conn->in, conn->suite, hs->secret_client);
    conn->epoch = EPOCH_HANDSHAKE;
    WIPE(server);
}

static void write_verify(struct stream *s, struct handshake *hs)
{
    uint8_t msg[8 + SIG_MAX];
    struct wr w = wr_of(msg, sizeof msg);
    wr_u8(&w, MSG_CERTIFICATE_VERIFY);
    size_t body = wr_open(&w, 3);
    wr_u16(&w, hs->choice.scheme->id);
    size_t sig = wr_open(&w, 2);
    wr_bytes(&w, hs->flight.sig, hs->flight.sig_len);
    wr_close(&w, sig, 2);
    wr_close(&w, body, 3);
    transcript_add(&hs->transcript, msg, w.len);
    stream_add(s, msg, w.len);
}

static void write_finished(struct stream *s, struct handshake *hs, const struct suite *suite)
{
    uint8_t msg[4 + MAX_HASH], hash[MAX_HASH];
    msg[0] = MSG_FINISHED;
    store24(msg + 1, suite->hash_len);
    transcript_hash(&hs->transcript, hash);
    kdf_finished(suite->hash, hs->secret_server, hash, msg + 4);
    transcript_add(&hs->transcript, msg, 4U + suite->hash_len);
    stream_add(s, msg, 4U + suite->hash_len);
}

int flight_write(struct tls13_conn *conn, struct tls13_io *io)
{
    struct handshake *hs = conn->hs;
    const struct tls13_ctx *ctx = conn->ctx;
    struct stream s = { .conn = conn, .io = io };
    stream_add(&s, hs->flight.hello, hs->flight.hello_len);
    int err = stream_end(&s);
    if (err == 0)
        err = write_ccs(conn, io);
    if (err < 0)
        return err;
    rec_start(&conn->out, conn->suite, hs->secret_server);
    stream_add(&s, hs->flight.extensions, hs->flight.extensions_len);
    if (!conn->resumed) {
        const struct credential *cred = ctx->creds[conn->credential];
        stream_add(&s, ctx->cert_request, ctx->cert_request_len);
        stream_add(&s, cred->message, cred->message_len);
        write_verify(&s, hs);
    }
    write_finished(&s, hs, conn->suite);
    if ((err = stream_end(&s)) < 0)
        return err;
    switch_keys(conn);
    if (!conn->resumed && ctx->client_auth != TLS13_CLIENT_AUTH_NONE) {
        conn->state = ST_CERTIFICATE;
    } else {
        /* 4.6.1: nothing but a Finished that we can compute comes before the tickets, so that they need no send of their own. */
        conn->state = ST_FINISHED;
        expect_finished(conn);
        if ((err = post_tickets(conn, io)) < 0)
            return err;
    }
    size_t from = offsetof(struct handshake, share); /* what comes next reuses it */
    explicit_bzero((uint8_t *)hs + from, sizeof *hs - from);
    return 0;
}
