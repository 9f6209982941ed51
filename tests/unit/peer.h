/*
 * A TLS 1.3 client for tests, made of the library's own lower rooms, that can also do everything wrong; and a server's connection
 * on the other end of two byte strings.  No sockets, no clock, no randomness but the test's.
 */
#ifndef PEER_H
#define PEER_H

#include <stdlib.h>

#include "extension.h"
#include "handshake.h"

#include "fixtures.h"

#define PEER_UNUSED __attribute__((unused))

/* What a ClientHello says; peer_options() gives the plain case. */
struct hello_options {
    uint16_t suites[8];
    size_t n_suites;
    uint16_t groups[8];
    size_t n_groups;
    uint16_t share[4]; /* groups with a share */
    size_t n_shares;
    uint16_t sigs[8];
    size_t n_sigs;
    const char *sni;  /* NULL: none */
    const char *alpn; /* one protocol, NULL: none */
    bool session_id, early_data;
    bool no_versions, no_groups, no_shares, no_sigs, no_modes; /* leave the extension out */
    uint16_t version;
    /* extra extensions, whole, in front of pre_shared_key */
    const uint8_t *extra;
    size_t extra_len;
    /* a ticket from an earlier connection: NULL none */
    const struct peer_ticket *ticket;
    uint32_t age_ms;
    bool bad_binder;
};

struct peer_ticket {
    uint8_t id[TICKET_MAX];
    uint8_t nonce[255];
    size_t id_len, nonce_len;
    uint8_t psk[MAX_HASH];
    uint32_t age_add, lifetime;
    uint16_t suite;
};

struct peer {
    /* the server */
    struct tls13_ctx *ctx;
    struct tls13_conn *conn;
    void *hs;
    uint8_t held[TLS13_MAX_HOLD + 65536];
    size_t n_held;
    uint8_t out[1 << 17]; /* what the server sent and the client has not read */
    size_t n_out;
    uint8_t data[1 << 17]; /* plaintext the server received */
    size_t n_data;
    int last; /* the last event or error of the server */
    bool hello, connected, eof;
    unsigned waits;
    /* the client */
    struct hello_options opt;
    struct transcript transcript;
    struct key_schedule ks;
    const struct suite *suite;
    const struct kex_group *group;
    struct kex_client kex[4];
    struct direction in, to; /* what it reads and writes with */
    uint8_t secret_client[MAX_HASH], secret_server[MAX_HASH], app_client[MAX_HASH], app_server[MAX_HASH], master[MAX_HASH];
    uint8_t hello_msg[20000];
    size_t hello_len;
    uint8_t random[32];
    int alert;        /* the server's, -1 */
    bool clear_alert; /* it came in the clear */
    unsigned ccs, key_updates, records_in;
    bool cert_request, resumed, finished_ok, retry;
    uint16_t retry_group, scheme;
    struct slice leaf;
    uint8_t messages[1 << 17]; /* the server's encrypted handshake messages, joined */
    size_t n_messages, at_message;
    uint8_t app[1 << 17]; /* application data the client received */
    size_t n_app;
    struct peer_ticket tickets[8];
    size_t n_tickets;
};

static PEER_UNUSED struct hello_options peer_options(void)
{
    return (struct hello_options){ .suites = { TLS_AES_128_GCM_SHA256 },
                                   .n_suites = 1,
                                   .groups = { GROUP_X25519, GROUP_SECP256R1 },
                                   .n_groups = 2,
                                   .share = { GROUP_X25519 },
                                   .n_shares = 1,
                                   .sigs = { SIG_ECDSA_P256, SIG_ECDSA_P384, SIG_PSS_RSAE_SHA256 },
                                   .n_sigs = 3,
                                   .sni = "localhost",
                                   .version = 0x0304,
                                   .session_id = true };
}

/* Pseudo-random bytes, the same in every run. */
static PEER_UNUSED int test_random(void *arg, void *out, size_t n)
{
    static uint64_t state = 88172645463325252ULL;
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((uint8_t *)out)[i] = (uint8_t)(state >> 24);
    }
    return 0;
}

static int64_t test_now_ms = 1800000000000; /* January 2027 */
static PEER_UNUSED int64_t test_clock(void *arg)
{
    (void)arg;
    return test_now_ms;
}

static const uint8_t test_ring[2 * TLS13_TICKET_KEY] = { 1, 2, 3, 4, [48] = 9, 8, 7 };

/* A context with the fixtures' ECDSA credential, deterministic. */
static PEER_UNUSED struct tls13_ctx *test_ctx(void)
{
    struct tls13_ctx *ctx = tls13_ctx_new();
    if (ctx == NULL || tls13_ctx_add_pem(ctx, fixture_p256, strlen(fixture_p256), NULL, 0) != 0 ||
        tls13_ctx_set_clock(ctx, test_clock, NULL) < 0 || tls13_ctx_set_random(ctx, test_random, NULL) < 0 ||
        tls13_ctx_set_ticket_keys(ctx, test_ring, 1) < 0)
        abort();
    return ctx;
}

static PEER_UNUSED void peer_init(struct peer *p, struct tls13_ctx *ctx)
{
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    p->conn = calloc(1, tls13_conn_size());
    p->hs = calloc(1, tls13_hs_size());
    p->alert = -1;
    p->opt = peer_options();
    tls13_conn_init(p->conn, ctx, p->hs);
}

static PEER_UNUSED void peer_free(struct peer *p)
{
    tls13_conn_wipe(p->conn);
    free(p->conn);
    free(p->hs);
}

/* --- the server's end --------------------------------------------------------------------------------------- */

/* Gives bytes to the server and runs it until it wants more or is dead; => the last event or error. */
static PEER_UNUSED int peer_feed(struct peer *p, const void *bytes, size_t n)
{
    if (p->n_held + n > sizeof p->held)
        abort();
    if (n != 0)
        memcpy(p->held + p->n_held, bytes, n);
    p->n_held += n;
    struct tls13_io io = { .in = p->held, .in_len = p->n_held, .out = p->out, .out_cap = sizeof p->out, .out_len = p->n_out };
    for (;;) {
        p->last = tls13_recv(p->conn, &io);
        if (p->last == TLS13_HELLO)
            p->hello = true;
        if (p->last == TLS13_COMPUTE)
            tls13_compute(&p->conn, 1);
        if (p->last == TLS13_CONNECTED)
            p->connected = true;
        if (p->last == TLS13_EOF)
            p->eof = true;
        if (p->last == TLS13_DATA) {
            if (p->n_data + io.data_len <= sizeof p->data)
                memcpy(p->data + p->n_data, io.data, io.data_len);
            p->n_data += io.data_len;
        }
        if (p->last == TLS13_MORE || p->last == TLS13_WAIT || p->last < 0)
            break;
    }
    memmove(p->held, io.in, io.in_len);
    p->n_held = io.in_len;
    p->n_out = io.out_len;
    return p->last;
}

/* --- ClientHello -------------------------------------------------------------------------------------------- */

static void peer_codes(struct wr *w, unsigned ext, size_t bytes, const uint16_t *codes, size_t n)
{
    wr_u16(w, ext);
    size_t e = wr_open(w, 2), l = wr_open(w, bytes);
    for (size_t i = 0; i < n; i++)
        wr_u16(w, codes[i]);
    wr_close(w, l, bytes);
    wr_close(w, e, 2);
}

/* Every share is a step of its own client key pair, kept in p->kex. */
static void peer_shares(struct peer *p, struct wr *w)
{
    const struct hello_options *o = &p->opt;
    wr_u16(w, EXT_KEY_SHARE);
    size_t e = wr_open(w, 2), l = wr_open(w, 2);
    for (size_t i = 0; i < o->n_shares; i++) {
        uint8_t seed[KEX_MAX_RANDOM], share[KEX_MAX_CLIENT];
        const struct kex_group *g = kex_by_id(o->share[i]);
        wr_u16(w, o->share[i]);
        if (g == NULL) { /* a group we do not know: any bytes */
            wr_u16(w, 3);
            wr_bytes(w, "abc", 3);
            continue;
        }
        test_random(NULL, seed, sizeof seed);
        if (kex_client_share(&p->kex[i], g, seed, share) < 0)
            abort();
        wr_u16(w, g->client_len);
        wr_bytes(w, share, g->client_len);
    }
    wr_close(w, l, 2);
    wr_close(w, e, 2);
}

static void peer_psk(struct peer *p, struct wr *w, size_t body)
{
    const struct peer_ticket *t = p->opt.ticket;
    const struct suite *suite = suite_by_id(t->suite);
    uint8_t hash[MAX_HASH], key[MAX_HASH], binder[MAX_HASH];
    wr_u16(w, EXT_PRE_SHARED_KEY);
    size_t e = wr_open(w, 2), l = wr_open(w, 2);
    wr_u16(w, (unsigned)t->id_len);
    wr_bytes(w, t->id, t->id_len);
    wr_u32(w, p->opt.age_ms + t->age_add);
    wr_close(w, l, 2);
    size_t binders_at = w->len;
    wr_u16(w, 1U + suite->hash_len);
    wr_u8(w, suite->hash_len);
    uint8_t *room = wr_room(w, suite->hash_len);
    wr_close(w, e, 2);
    /* The lengths around are final before the binder is made (RFC 8446 4.2.11.2). */
    store16(w->p + p->hello_len, (unsigned)(w->len - p->hello_len - 2));
    store24(w->p + body - 3, (uint32_t)(w->len - body));
    struct transcript tr = p->transcript;
    if (!p->retry)
        transcript_init(&tr, (enum hash_id)suite->hash);
    transcript_add(&tr, w->p, binders_at);
    transcript_hash(&tr, hash);
    struct key_schedule ks;
    ks_early(&ks, suite, t->psk, suite->hash_len);
    ks_derive(&ks, "res binder", NULL, key);
    kdf_finished((enum hash_id)suite->hash, key, hash, binder);
    if (p->opt.bad_binder)
        binder[0] ^= 1;
    memcpy(room, binder, suite->hash_len);
}

/* Builds p->hello_msg out of p->opt (a second one after HelloRetryRequest keeps random and session id). */
static PEER_UNUSED void peer_hello(struct peer *p)
{
    const struct hello_options *o = &p->opt;
    struct wr w = wr_of(p->hello_msg, sizeof p->hello_msg);
    if (!p->retry)
        test_random(NULL, p->random, sizeof p->random);
    wr_u8(&w, MSG_CLIENT_HELLO);
    size_t body = wr_open(&w, 3);
    wr_u16(&w, 0x0303);
    wr_bytes(&w, p->random, 32);
    wr_u8(&w, o->session_id ? 32 : 0);
    if (o->session_id)
        wr_bytes(&w, p->random, 32);
    size_t l = wr_open(&w, 2);
    for (size_t i = 0; i < o->n_suites; i++)
        wr_u16(&w, o->suites[i]);
    wr_close(&w, l, 2);
    wr_u16(&w, 0x0100);
    size_t exts = wr_open(&w, 2);
    p->hello_len = exts - 2;
    if (o->sni != NULL) {
        wr_u16(&w, EXT_SERVER_NAME);
        size_t e = wr_open(&w, 2), list = wr_open(&w, 2);
        wr_u8(&w, 0);
        size_t n = wr_open(&w, 2);
        wr_bytes(&w, o->sni, strlen(o->sni));
        wr_close(&w, n, 2);
        wr_close(&w, list, 2);
        wr_close(&w, e, 2);
    }
    if (!o->no_versions)
        peer_codes(&w, EXT_SUPPORTED_VERSIONS, 1, &o->version, 1);
    if (!o->no_groups)
        peer_codes(&w, EXT_SUPPORTED_GROUPS, 2, o->groups, o->n_groups);
    if (!o->no_sigs)
        peer_codes(&w, EXT_SIGNATURE_ALGORITHMS, 2, o->sigs, o->n_sigs);
    if (!o->no_shares)
        peer_shares(p, &w);
    if (!o->no_modes)
        wr_bytes(&w, "\0\55\0\2\1\1", 6);
    if (o->alpn != NULL) {
        wr_u16(&w, EXT_ALPN);
        size_t e = wr_open(&w, 2), list = wr_open(&w, 2), n = wr_open(&w, 1);
        wr_bytes(&w, o->alpn, strlen(o->alpn));
        wr_close(&w, n, 1);
        wr_close(&w, list, 2);
        wr_close(&w, e, 2);
    }
    if (o->early_data)
        wr_bytes(&w, "\0\52\0\0", 4);
    wr_bytes(&w, o->extra, o->extra_len);
    if (o->ticket != NULL)
        peer_psk(p, &w, body);
    wr_close(&w, exts, 2);
    wr_close(&w, body, 3);
    if (w.bad)
        abort();
    p->hello_len = w.len;
}

/* Frames a handshake message in plaintext records of at most `part` bytes; => the length at out. */
static PEER_UNUSED size_t peer_frame(uint8_t *out, const uint8_t *msg, size_t n, size_t part)
{
    size_t len = 0;
    while (n != 0) {
        size_t m = n < part ? n : part;
        out[len] = CT_HANDSHAKE;
        out[len + 1] = 3;
        out[len + 2] = 1;
        store16(out + len + 3, (unsigned)m);
        memcpy(out + len + 5, msg, m);
        len += 5 + m;
        msg += m;
        n -= m;
    }
    return len;
}

/* Sends p->hello_msg as it is; => the server's last event. */
static PEER_UNUSED int peer_send_hello(struct peer *p)
{
    uint8_t rec[sizeof p->hello_msg + 64];
    return peer_feed(p, rec, peer_frame(rec, p->hello_msg, p->hello_len, TLS13_MAX_PLAIN));
}

/* --- reading the server ------------------------------------------------------------------------------------- */

/* ServerHello or HelloRetryRequest; => false when it is not well-formed. */
static PEER_UNUSED bool peer_server_hello(struct peer *p, const uint8_t *msg, size_t n)
{
    static const uint8_t retry[4] = { 0xcf, 0x21, 0xad, 0x74 };
    struct rd r = rd_of(msg + 4, n - 4);
    if (rd_u16(&r) != 0x0303)
        return false;
    const uint8_t *random = rd_bytes(&r, 32);
    struct rd session = rd_vec8(&r);
    p->suite = suite_by_id(rd_u16(&r));
    (void)rd_u8(&r);
    struct rd exts = rd_vec16(&r);
    if (!rd_done(&r) || p->suite == NULL || rd_left(&session) != (p->opt.session_id ? 32U : 0U))
        return false;
    bool is_retry = memcmp(random, retry, 4) == 0, version = false;
    struct slice share = { NULL, 0 };
    uint16_t group = 0;
    p->resumed = false;
    while (rd_left(&exts) != 0) {
        uint16_t id = rd_u16(&exts);
        struct rd e = rd_vec16(&exts);
        if (id == EXT_SUPPORTED_VERSIONS)
            version = rd_u16(&e) == 0x0304;
        if (id == EXT_PRE_SHARED_KEY)
            p->resumed = rd_u16(&e) == 0;
        if (id == EXT_KEY_SHARE) {
            group = rd_u16(&e);
            if (!is_retry) {
                struct rd key = rd_vec16(&e);
                share = rd_rest(&key);
            }
        }
        if (exts.bad || e.bad)
            return false;
    }
    if (is_retry) {
        transcript_init(&p->transcript, (enum hash_id)p->suite->hash);
        transcript_add(&p->transcript, p->hello_msg, p->hello_len);
        transcript_retry(&p->transcript);
        transcript_add(&p->transcript, msg, n);
        p->retry = true;
        p->retry_group = group;
        return version;
    }
    p->group = kex_by_id(group);
    uint8_t secret[KEX_MAX_SECRET], hash[MAX_HASH];
    size_t i = 0;
    while (i < p->opt.n_shares && p->opt.share[i] != group)
        i++;
    if (!version || p->group == NULL || i == p->opt.n_shares || share.n != p->group->server_len ||
        kex_client_secret(&p->kex[i], share.p, secret) < 0)
        return false;
    if (!p->retry)
        transcript_init(&p->transcript, (enum hash_id)p->suite->hash);
    transcript_add(&p->transcript, p->hello_msg, p->hello_len);
    transcript_add(&p->transcript, msg, n);
    transcript_hash(&p->transcript, hash);
    ks_early(&p->ks, p->suite, p->resumed ? p->opt.ticket->psk : NULL, p->suite->hash_len);
    ks_handshake(&p->ks, secret, p->group->secret_len);
    ks_derive(&p->ks, "c hs traffic", hash, p->secret_client);
    ks_derive(&p->ks, "s hs traffic", hash, p->secret_server);
    rec_start(&p->in, p->suite, p->secret_server);
    return true;
}

/* A ticket may come in front of our Finished, on which its PSK depends (4.6.1). */
static PEER_UNUSED void peer_ticket_psks(struct peer *p)
{
    for (size_t i = 0; i < p->n_tickets; i++) {
        struct peer_ticket *t = &p->tickets[i];
        kdf_expand_label((enum hash_id)p->suite->hash, p->master, "resumption", t->nonce, t->nonce_len, t->psk, p->suite->hash_len);
    }
}

static PEER_UNUSED void peer_ticket_in(struct peer *p, struct slice msg)
{
    struct rd r = rd_of(msg.p + 4, msg.n - 4);
    struct peer_ticket *t = &p->tickets[p->n_tickets++];
    t->lifetime = rd_u32(&r);
    t->age_add = rd_u32(&r);
    struct rd nonce = rd_vec8(&r), id = rd_vec16(&r);
    t->id_len = rd_left(&id);
    memcpy(t->id, id.p, t->id_len);
    t->suite = p->suite->id;
    t->nonce_len = rd_left(&nonce);
    memcpy(t->nonce, nonce.p, t->nonce_len);
    peer_ticket_psks(p);
}

/* One message of the server's encrypted flight or after it; => false when it is wrong. */
static PEER_UNUSED bool peer_message(struct peer *p, struct slice msg)
{
    uint8_t hash[MAX_HASH], want[MAX_HASH];
    switch (msg.p[0]) {
    case MSG_CERTIFICATE_REQUEST:
        p->cert_request = true;
        break;
    case MSG_CERTIFICATE_VERIFY:
        p->scheme = load16(msg.p + 4);
        break;
    case MSG_FINISHED:
        transcript_hash(&p->transcript, hash);
        kdf_finished((enum hash_id)p->suite->hash, p->secret_server, hash, want);
        p->finished_ok = msg.n == 4U + p->suite->hash_len && memcmp(want, msg.p + 4, p->suite->hash_len) == 0;
        transcript_add(&p->transcript, msg.p, msg.n);
        transcript_hash(&p->transcript, hash);
        ks_master(&p->ks);
        ks_derive(&p->ks, "c ap traffic", hash, p->app_client);
        ks_derive(&p->ks, "s ap traffic", hash, p->app_server);
        rec_start(&p->in, p->suite, p->app_server);
        rec_start(&p->to, p->suite, p->secret_client);
        return p->finished_ok;
    case MSG_NEW_SESSION_TICKET:
        peer_ticket_in(p, msg);
        return true;
    case MSG_KEY_UPDATE:
        p->key_updates++;
        rec_update(&p->in, p->suite);
        return msg.n == 5;
    default:
        break;
    }
    transcript_add(&p->transcript, msg.p, msg.n);
    return true;
}

/* Reads all that the server has sent; => false when something is not as it should be. */
static PEER_UNUSED bool peer_read(struct peer *p)
{
    size_t at = 0;
    bool ok = true;
    while (ok && p->n_out - at >= 5) {
        uint8_t *rec = p->out + at, type = rec[0];
        size_t n = load16(rec + 3);
        ok = p->n_out - at >= 5 + n;
        if (!ok)
            break;
        at += 5 + n;
        p->records_in++;
        uint8_t *body = rec + 5;
        if (type == CT_CCS) {
            p->ccs++;
            continue;
        }
        bool clear = type != CT_DATA;
        if (!clear && rec_open(&p->in, rec, n, &type, &n) < 0)
            return false;
        if (type == CT_ALERT) {
            p->alert = body[1];
            p->clear_alert = clear;
        } else if (type == CT_DATA) {
            memcpy(p->app + p->n_app, body, n);
            p->n_app += n;
        } else if (clear) {
            ok = peer_server_hello(p, body, n);
        } else {
            memcpy(p->messages + p->n_messages, body, n);
            p->n_messages += n;
            while (ok && p->n_messages - p->at_message >= 4) {
                struct slice msg = { p->messages + p->at_message, 4 + load24(p->messages + p->at_message + 1) };
                if (p->n_messages - p->at_message < msg.n)
                    break;
                p->at_message += msg.n;
                ok = peer_message(p, msg);
            }
        }
    }
    p->n_out = 0;
    return ok;
}

/* --- writing to the server ---------------------------------------------------------------------------------- */

/* Seals one record for the server with the client's present keys; => its length at rec. */
static PEER_UNUSED size_t peer_seal(struct peer *p, uint8_t *rec, uint8_t type, const void *data, size_t n)
{
    if (n != 0)
        memmove(rec + 5, data, n);
    return rec_seal(&p->to, rec, n, type);
}

static PEER_UNUSED int peer_send(struct peer *p, uint8_t type, const void *data, size_t n)
{
    uint8_t rec[TLS13_MAX_RECORD + 64];
    return peer_feed(p, rec, peer_seal(p, rec, type, data, n));
}

/* The client's Finished over the transcript as it stands; => its length at msg. */
static PEER_UNUSED size_t peer_finished(struct peer *p, uint8_t msg[static 4 + MAX_HASH])
{
    uint8_t hash[MAX_HASH];
    msg[0] = MSG_FINISHED;
    store24(msg + 1, p->suite->hash_len);
    transcript_hash(&p->transcript, hash);
    kdf_finished((enum hash_id)p->suite->hash, p->secret_client, hash, msg + 4);
    return 4U + p->suite->hash_len;
}

/* Behind Finished: resumption secret, application keys. */
static PEER_UNUSED void peer_switch(struct peer *p, const uint8_t *finished, size_t n)
{
    uint8_t hash[MAX_HASH];
    transcript_add(&p->transcript, finished, n);
    transcript_hash(&p->transcript, hash);
    ks_derive(&p->ks, "res master", hash, p->master);
    peer_ticket_psks(p);
    rec_start(&p->to, p->suite, p->app_client);
}

/* Certificate and CertificateVerify for a credential; chain NULL: an empty Certificate.  => the length at out. */
static PEER_UNUSED size_t peer_certificate(struct peer *p, const struct credential *cred, uint8_t *out)
{
    if (cred == NULL) {
        memcpy(out, "\13\0\0\4\0\0\0\0", 8);
        transcript_add(&p->transcript, out, 8);
        return 8;
    }
    static const char text[] = "TLS 1.3, client CertificateVerify";
    uint8_t content[64 + sizeof text + MAX_HASH], hash[SIG_MAX_HASH], sig[SIG_MAX], salt[64] = { 5 };
    memcpy(out, cred->message, cred->message_len);
    transcript_add(&p->transcript, out, cred->message_len);
    const struct sig_scheme *s = sig_by_id(cred->schemes[0]);
    memset(content, 0x20, 64);
    memcpy(content + 64, text, sizeof text);
    size_t n = transcript_hash(&p->transcript, content + 64 + sizeof text);
    hash_once((enum hash_id)s->hash, content, 64 + sizeof text + n, hash);
    int len = sig_sign(&cred->key, s, hash, salt, sig);
    if (len < 0)
        abort();
    uint8_t *v = out + cred->message_len;
    v[0] = MSG_CERTIFICATE_VERIFY;
    store24(v + 1, 4U + (uint32_t)len);
    store16(v + 4, s->id);
    store16(v + 6, (unsigned)len);
    memcpy(v + 8, sig, (size_t)len);
    transcript_add(&p->transcript, v, 8U + (size_t)len);
    return cred->message_len + 8U + (size_t)len;
}

/* The whole client side with p->opt, through a HelloRetryRequest when one comes; cred: its certificate.  => true when connected. */
static PEER_UNUSED bool peer_handshake(struct peer *p, const struct credential *cred)
{
    uint8_t msg[20000];
    peer_hello(p);
    peer_send_hello(p);
    if (!peer_read(p) || p->last < 0)
        return false;
    if (p->retry) {
        p->opt.share[0] = p->retry_group;
        p->opt.n_shares = 1;
        p->opt.early_data = false;
        peer_hello(p);
        peer_send_hello(p);
        if (!peer_read(p) || p->last < 0)
            return false;
    }
    if (!p->finished_ok)
        return false;
    size_t n = p->cert_request ? peer_certificate(p, cred, msg) : 0;
    size_t fin = peer_finished(p, msg + n);
    uint8_t rec[20480];
    size_t len = peer_seal(p, rec, CT_HANDSHAKE, msg, n + fin);
    peer_switch(p, msg + n, fin);
    peer_feed(p, rec, len);
    return peer_read(p) && p->connected;
}

#endif
