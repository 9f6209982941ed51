/*
 * The traces of RFC 8448: their records through the record layer, their signatures, Finished and transcripts through ours, and their
 * client's records into the engine, which answers byte for byte as the trace's server as far as its choices are the same.
 */
#include "unit.h"

#include "edit.h"

#include "../vectors/rfc8448.h"
#include "../vectors/rfc8448_records.h"

static const char *derived(int section, const char *label)
{
    for (size_t i = 0; i < COUNT(rfc8448_derive); i++)
        if (rfc8448_derive[i].section == section && strcmp(rfc8448_derive[i].label, label) == 0)
            return rfc8448_derive[i].out;
    return NULL;
}

/* A traffic secret of a trace. */
static void secret_of(int section, char who, char keys, uint8_t out[static MAX_HASH])
{
    const char *label = keys == 'e' ? "c e traffic" : keys == 'h' ? "c hs traffic" : "c ap traffic";
    const char *hex = keys == 'h' ? (who == 'c' ? rfc8448_7_c_hs : rfc8448_7_s_hs) : (who == 'c' ? rfc8448_7_c_ap : rfc8448_7_s_ap);
    char name[16];
    snprintf(name, sizeof name, "%c%s", who, label + 1);
    if (section != 7)
        hex = derived(section, name);
    CHECK(hex != NULL);
    CHECK_INT(unhex(out, MAX_HASH, hex), 32);
}

/* The i-th record of a section; => its length. */
static size_t record(int section, size_t i, uint8_t *out, size_t cap)
{
    for (size_t j = 0; j < COUNT(rfc8448_record); j++)
        if (rfc8448_record[j].section == section && i-- == 0)
            return unhex(out, cap, rfc8448_record[j].bytes);
    return 0;
}

/* --- record layer ----------------------------------------------------------------------------------------------------- */

/* All messages of one end that are sent encrypted, joined; those of a HelloRetryRequest handshake's hellos are left out. */
static size_t encrypted_messages(int section, char who, uint8_t *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT(rfc8448_message); i++)
        if (rfc8448_message[i].section == section && rfc8448_message[i].who == who &&
            strcmp(rfc8448_message[i].name + 6, "Hello") != 0) /* ClientHello, ServerHello */
            n += unhex(out + n, cap - n, rfc8448_message[i].bytes);
    return n;
}

static void every_record(void)
{
    const struct suite *suite = suite_by_id(TLS_AES_128_GCM_SHA256);
    unsigned opened = 0;
    for (int section = 3; section <= 7; section++) {
        struct direction d[2] = { { .on = false } };
        char keys[2] = { 'p', 'p' };
        uint8_t joined[2][4096];
        size_t n_joined[2] = { 0, 0 };
        for (size_t i = 0; i < COUNT(rfc8448_record); i++) {
            uint8_t rec[1024], again[1024], secret[MAX_HASH], type;
            if (rfc8448_record[i].section != section || rfc8448_record[i].keys == 'p')
                continue;
            char who = rfc8448_record[i].who;
            int k = who == 's';
            if (keys[k] != rfc8448_record[i].keys) {
                keys[k] = rfc8448_record[i].keys;
                secret_of(section, who, keys[k], secret);
                rec_start(&d[k], suite, secret);
            }
            struct direction seal = d[k];
            size_t len, n = unhex(rec, sizeof rec, rfc8448_record[i].bytes);
            CHECK_INT(load16(rec + 3) + TLS13_HEAD, n);
            memcpy(again, rec, n);
            CHECK_INT(rec_open(&d[k], rec, n - TLS13_HEAD, &type, &len), 0);
            opened++;
            if (type == CT_HANDSHAKE) {
                memcpy(joined[k] + n_joined[k], rec + TLS13_HEAD, len);
                n_joined[k] += len;
            } else if (type == CT_ALERT) {
                CHECK_INT(len, 2);
                CHECK_MEM(rec + TLS13_HEAD, "\1\0", 2);
            } else {
                CHECK_INT(type, CT_DATA);
                for (size_t j = 0; j < len; j++)
                    CHECK_INT(rec[TLS13_HEAD + j], keys[k] == 'e' ? "ABCDEF"[j % 6] : (int)j);
            }
            uint8_t mine[1024];
            memcpy(mine + TLS13_HEAD, rec + TLS13_HEAD, len);
            CHECK_INT(rec_seal(&seal, mine, len, type), n);
            CHECK_MEM(mine, again, n);
        }
        for (int k = 0; k < 2 && section < 7; k++) {
            uint8_t want[4096];
            CHECK_INT(n_joined[k], encrypted_messages(section, k != 0 ? 's' : 'c', want, sizeof want));
            CHECK_MEM(joined[k], want, n_joined[k]);
        }
    }
    CHECK_INT(opened, 27);
}

/* --- signatures, Finished, transcripts --------------------------------------------------------------------------------- */

/* The key in a trace's Certificate message; its RSA keys are of 1024 bits, which our own reader refuses. */
static struct public_key key_in(const uint8_t *msg, size_t n)
{
    static const uint8_t e[] = { 1, 0, 1 }, head[] = { 0x02, 0x81, 0x81, 0x00 };
    struct rd r = rd_of(msg + 5, n - 5), list = rd_vec24(&r), der = rd_vec24(&list);
    struct x509 x;
    CHECK_INT(x509_parse(&x, der.p, rd_left(&der)), 0);
    if (x.key_supported)
        return x.key;
    const uint8_t *at = memmem(x.spki.p, x.spki.n, head, sizeof head);
    CHECK(at != NULL);
    return (struct public_key){ .type = KEY_RSA, .bits = 1024, .n = { at + 4, 128 }, .e = { e, 3 } };
}

static void context_is(int section, const char *label, const struct transcript *t)
{
    uint8_t hash[MAX_HASH], want[MAX_HASH];
    transcript_hash(t, hash);
    for (size_t i = 0; i < COUNT(rfc8448_derive); i++)
        if (rfc8448_derive[i].section == section && strcmp(rfc8448_derive[i].label, label) == 0) {
            CHECK_INT(unhex(want, sizeof want, rfc8448_derive[i].context), 32);
            CHECK_MEM(hash, want, 32);
            return;
        }
    CHECK(false);
}

/* Walks through a trace's messages as an end of it would. */
static void walk(int section)
{
    static struct handshake hs;
    struct public_key key[2] = { { .type = KEY_NONE } };
    uint8_t store[2][1024];
    unsigned verified = 0, finished = 0;
    struct transcript *t = &hs.transcript;
    transcript_init(t, HASH_SHA256);
    for (size_t i = 0; i < COUNT(rfc8448_message); i++) {
        uint8_t msg[1024], hash[SIG_MAX_HASH], secret[MAX_HASH], want[MAX_HASH];
        if (rfc8448_message[i].section != section)
            continue;
        size_t n = unhex(msg, sizeof msg, rfc8448_message[i].bytes);
        char who = rfc8448_message[i].who;
        int k = who == 's';
        CHECK_INT(load24(msg + 1) + 4, n);
        if (msg[0] == MSG_NEW_SESSION_TICKET)
            continue;
        if (msg[0] == MSG_SERVER_HELLO && memcmp(msg + 6, "\xcf\x21\xad\x74", 4) == 0)
            transcript_retry(t);
        if (msg[0] == MSG_CERTIFICATE) {
            memcpy(store[k], msg, n);
            key[k] = key_in(store[k], n);
        }
        if (msg[0] == MSG_CERTIFICATE_VERIFY) {
            const struct sig_scheme *s = sig_by_id(load16(msg + 4));
            CHECK(s != NULL);
            verify_hash(&hs, s->hash, who == 's', hash);
            CHECK_INT(sig_verify(&key[k], s, hash, msg + 8, load16(msg + 6)), 0);
            verify_hash(&hs, s->hash, who != 's', hash); /* the two ends' strings differ */
            CHECK_INT(sig_verify(&key[k], s, hash, msg + 8, load16(msg + 6)), -TLS13_E_DECRYPT);
            verified++;
        }
        if (msg[0] == MSG_FINISHED) {
            secret_of(section, who, 'h', secret);
            transcript_hash(t, hash);
            kdf_finished(HASH_SHA256, secret, hash, want);
            CHECK_MEM(msg + 4, want, 32);
            finished++;
        }
        transcript_add(t, msg, n);
        if (msg[0] == MSG_SERVER_HELLO && memcmp(msg + 6, "\xcf\x21\xad\x74", 4) != 0)
            context_is(section, "c hs traffic", t);
        if (msg[0] == MSG_FINISHED)
            context_is(section, who == 's' ? "c ap traffic" : "res master", t);
    }
    CHECK_INT(finished, 2);
    CHECK_INT(verified, section == 4 ? 0 : section == 6 ? 2 : 1);
}

static void every_message(void)
{
    for (int section = 3; section <= 6; section++)
        walk(section);
}

/* Section 4's binder, over the hello up to the binders as our parser finds them (4.2.11.2). */
static void binder(void)
{
    uint8_t msg[1024], hash[MAX_HASH], want[MAX_HASH], key[MAX_HASH], out[MAX_HASH];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(rfc8448_message) && n == 0; i++)
        if (rfc8448_message[i].section == 4)
            n = unhex(msg, sizeof msg, rfc8448_message[i].bytes);
    struct client_hello ch;
    CHECK_INT(ch_parse(&ch, msg, n), 0);
    CHECK_INT(ch.n_identities, 1);
    CHECK(ch.early_data);
    hash_once(HASH_SHA256, msg, ch.binders_at, hash);
    CHECK_INT(unhex(want, sizeof want, rfc8448_binder_hash), 32);
    CHECK_MEM(hash, want, 32);
    CHECK_INT(unhex(key, sizeof key, rfc8448_binder_prk), 32);
    kdf_finished(HASH_SHA256, key, hash, out);
    CHECK_MEM(out, ch.binders.p + 1, 32);
}

/* --- the engine as the trace's server ------------------------------------------------------------------------------------- */

static struct peer p;
static uint8_t random_bytes[2 * 32];
static char log_text[4096];

/* What the trace's server drew: ServerHello.random, then its X25519 private key. */
static int trace_random(void *arg, void *out, size_t n)
{
    (void)arg;
    memset(out, 0, n);
    memcpy(out, random_bytes, n < sizeof random_bytes ? n : sizeof random_bytes);
    return 0;
}

static void log_line(void *arg, const char *line)
{
    (void)arg;
    strcat(strcat(log_text, line), "\n");
}

static struct tls13_ctx *trace_ctx(int section)
{
    struct tls13_ctx *ctx = tls13_ctx_new();
    uint8_t hello[256];
    CHECK_INT(tls13_ctx_add_pem(ctx, fixture_rsa, strlen(fixture_rsa), NULL, 0), 0);
    CHECK_INT(tls13_ctx_set_random(ctx, trace_random, NULL), 0);
    CHECK_INT(tls13_ctx_set_clock(ctx, test_clock, NULL), 0);
    CHECK_INT(tls13_ctx_set_keylog(ctx, log_line, NULL), 0);
    log_text[0] = '\0';
    CHECK(record(section, 1, hello, sizeof hello) > 64);
    memcpy(random_bytes, hello + TLS13_HEAD + 6, 32);
    for (size_t i = 0; i < COUNT(rfc8448_pair); i++)
        if (rfc8448_pair[i].section == section && rfc8448_pair[i].who == 's')
            CHECK_INT(unhex(random_bytes + 32, 32, rfc8448_pair[i].priv), 32);
    if (section == 7)
        CHECK_INT(unhex(random_bytes + 32, 32, rfc8448_7_private), 32);
    return ctx;
}

static void logged(const char *label, const uint8_t *secret)
{
    uint8_t out[MAX_HASH];
    const char *line = strstr(log_text, label);
    char hex[65] = "";
    CHECK(line != NULL);
    memcpy(hex, line + strlen(label) + 1 + 64 + 1, 64);
    CHECK_INT(unhex(out, sizeof out, hex), 32);
    CHECK_MEM(out, secret, 32);
}

/* The trace's ClientHello in; its ServerHello record (and what stands in the clear behind it) out, and its handshake secrets. */
static void engine_to_flight(int section, struct tls13_ctx *ctx)
{
    uint8_t rec[1024], secret[MAX_HASH];
    peer_fresh(&p, ctx);
    size_t n = record(section, 0, rec, sizeof rec), at = 0;
    CHECK_INT(peer_feed(&p, rec, n), TLS13_MORE);
    for (size_t i = 1; (n = record(section, i, rec, sizeof rec)) != 0 && rec[0] != CT_DATA; i++) {
        CHECK(p.n_out > at + n);
        CHECK_MEM(p.out + at, rec, n);
        at += n;
    }
    CHECK_INT(p.out[at], CT_DATA);
    secret_of(section, 'c', 'h', secret);
    logged("CLIENT_HANDSHAKE_TRAFFIC_SECRET", secret);
    CHECK_MEM(p.conn->in.secret, secret, 32); /* what it reads with from here */
    secret_of(section, 's', 'h', secret);
    logged("SERVER_HANDSHAKE_TRAFFIC_SECRET", secret);
}

/*
 * From EncryptedExtensions on the trace's server says what ours does not (and has a key that ours refuses): its transcript up to its
 * Finished and its application secrets are put in the place of ours, so that the trace's client goes on with us.
 */
static void transplant(int section)
{
    struct handshake *hs = p.hs;
    uint8_t msg[1024], secret[MAX_HASH];
    bool done = false;
    transcript_init(&hs->transcript, HASH_SHA256);
    for (size_t i = 0; i < COUNT(rfc8448_message) && !done; i++) {
        if (rfc8448_message[i].section != section)
            continue;
        size_t n = unhex(msg, sizeof msg, rfc8448_message[i].bytes);
        transcript_add(&hs->transcript, msg, n);
        done = msg[0] == MSG_FINISHED;
    }
    secret_of(section, 'c', 'a', hs->app_client);
    secret_of(section, 's', 'a', secret);
    rec_start(&p.conn->out, p.conn->suite, secret);
    memset(hs->finished, 0, sizeof hs->finished); /* of the transcript that was */
    p.n_out = 0;
}

/* The record of a trace that comes next, into the engine; => the event. */
static int next(int section, size_t i)
{
    uint8_t rec[1024];
    size_t n = record(section, i, rec, sizeof rec);
    CHECK(n != 0);
    return peer_feed(&p, rec, n);
}

static void simple_handshake(void)
{
    struct tls13_ctx *ctx = trace_ctx(3);
    uint8_t rec[1024], mine[1024], want[MAX_HASH];
    struct tls13_info info;
    engine_to_flight(3, ctx);
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.sni, "server");
    CHECK_INT(info.group, GROUP_X25519);
    CHECK_INT(info.scheme, SIG_PSS_RSAE_SHA256);
    transplant(3);
    CHECK_INT(next(3, 3), TLS13_MORE); /* the client's Finished */
    CHECK(p.connected);
    CHECK_MEM(p.conn->in.secret, (secret_of(3, 'c', 'a', want), want), 32);
    CHECK_INT(next(3, 5), TLS13_MORE); /* its data: 0, 1, ... 49 */
    CHECK_INT(p.n_data, 50);
    for (int i = 0; i < 50; i++)
        CHECK_INT(p.data[i], i);
    p.conn->out.seq = 1; /* behind the trace's NewSessionTicket */
    memcpy(mine + TLS13_HEAD, p.data, 50);
    size_t n = record(3, 6, rec, sizeof rec);
    CHECK_INT(tls13_seal(p.conn, mine, 50), n);
    CHECK_MEM(mine, rec, n);
    CHECK_INT(next(3, 7), TLS13_MORE); /* close_notify */
    CHECK(p.eof);
    n = record(3, 8, rec, sizeof rec);
    CHECK_INT(tls13_close(p.conn, mine, sizeof mine), n);
    CHECK_MEM(mine, rec, n);
    tls13_ctx_unref(ctx);
}

/* The same with a session id: echoed, and change_cipher_spec both ways. */
static void compatibility_mode(void)
{
    struct tls13_ctx *ctx = trace_ctx(7);
    engine_to_flight(7, ctx);
    CHECK_INT(next(7, 4), TLS13_MORE); /* the client's change_cipher_spec */
    CHECK_INT(p.conn->ccs, 1);
    CHECK_INT(next(7, 5), -TLS13_E_DECRYPT); /* its Finished is over another flight than ours: opened, and not good */
    tls13_ctx_unref(ctx);
}

/* A server with another flight than the trace's does not take the trace's Finished. */
static void finished_of_another_flight(void)
{
    struct tls13_ctx *ctx = trace_ctx(3);
    engine_to_flight(3, ctx);
    CHECK_INT(next(3, 3), -TLS13_E_DECRYPT);
    CHECK(!p.connected);
    tls13_ctx_unref(ctx);
}

/* The trace's HelloRetryRequest is ours but for its cookie. */
static void hello_retry_request(void)
{
    static const uint16_t p256[] = { GROUP_SECP256R1 };
    struct tls13_ctx *ctx = trace_ctx(5);
    uint8_t trace[512];
    struct hello_parts h;
    CHECK_INT(tls13_ctx_set_groups(ctx, p256, 1), 0);
    peer_fresh(&p, ctx);
    CHECK_INT(next(5, 0), TLS13_MORE);
    size_t n = record(5, 1, trace, sizeof trace);
    static const uint8_t cookie[] = { 0, 44, 0, 116 };
    uint8_t *at = memmem(trace, n, cookie, sizeof cookie);
    CHECK(at != NULL);
    memmove(at, at + 120, (size_t)(trace + n - at) - 120);
    n -= 120;
    store16(trace + 3, (unsigned)n - 5);
    store24(trace + 6, (uint32_t)n - 9);
    store16(trace + 9 + 38, (unsigned)n - 9 - 40);
    CHECK_INT(p.n_out, n);
    CHECK_MEM(p.out, trace, n);
    uint8_t rec[1024], want[MAX_HASH], hash[MAX_HASH];
    CHECK_INT(next(5, 2), -TLS13_E_ILLEGAL); /* its second hello brings that cookie back, which was not ours */
    /* Without it: our transcript is message_hash, HelloRetryRequest, the second hello (4.4.1). */
    peer_fresh(&p, ctx);
    CHECK_INT(next(5, 0), TLS13_MORE);
    struct transcript t;
    n = record(5, 0, rec, sizeof rec);
    transcript_init(&t, HASH_SHA256);
    transcript_add(&t, rec + TLS13_HEAD, n - TLS13_HEAD);
    transcript_retry(&t);
    transcript_add(&t, p.out + TLS13_HEAD, p.n_out - TLS13_HEAD);
    n = record(5, 2, rec, sizeof rec);
    hello_split(&h, rec + TLS13_HEAD, n - TLS13_HEAD);
    hello_drop(&h, EXT_COOKIE);
    p.hello_len = hello_join(&h, p.hello_msg, sizeof p.hello_msg);
    transcript_add(&t, p.hello_msg, p.hello_len);
    p.n_out = 0;
    struct tls13_io io = { .in = rec, .out = p.out, .out_cap = sizeof p.out };
    io.in_len = peer_frame(rec, p.hello_msg, p.hello_len, TLS13_MAX_PLAIN);
    CHECK_INT(tls13_recv(p.conn, &io), TLS13_COMPUTE);
    transcript_hash(&t, want);
    transcript_hash(&((struct handshake *)p.hs)->transcript, hash);
    CHECK_MEM(hash, want, 32);
    tls13_ctx_unref(ctx);
}

/* Section 6: a client that authenticates itself, with an RSA key of 1024 bits, which is where we part. */
static void client_authentication(void)
{
    struct tls13_ctx *ctx = trace_ctx(6);
    CHECK_INT(tls13_ctx_set_client_ca(ctx, fixture_ca, strlen(fixture_ca)), 0);
    CHECK_INT(tls13_ctx_set_client_auth(ctx, TLS13_CLIENT_AUTH_REQUIRE), 0);
    engine_to_flight(6, ctx);
    CHECK_INT(p.conn->state, ST_CERTIFICATE);
    transplant(6);
    CHECK_INT(next(6, 3), -TLS13_E_UNSUPPORTED_CERT);
    CHECK_INT(p.n_out, TLS13_HEAD + 2 + TLS13_TAIL);
    tls13_ctx_unref(ctx);
}

int main(void)
{
    RUN(every_record);
    RUN(every_message);
    RUN(binder);
    RUN(simple_handshake);
    RUN(compatibility_mode);
    RUN(finished_of_another_flight);
    RUN(hello_retry_request);
    RUN(client_authentication);
    peer_free(&p);
    return DONE();
}
