/*
 * Each message of a good client's side of the handshake, of every shape, spoilt: cut at every byte, a byte more, each bit flipped,
 * replayed.  Nothing of it may crash, hang, be taken for the whole, or fail without an alert.
 */
#include "unit.h"

#include "scene.h"

/* A client's message, with both ends as they stood before it. */
struct sent {
    struct scene before;
    bool clear; /* sent without keys */
    uint8_t type;
    uint8_t msg[4096];
    size_t n;
};

static struct peer p;
static struct sent steps[8];
static size_t n_steps;
static struct peer_ticket ticket;
/*
 * Sanitizers make all of it some eight times slower, and look for something else: under them it is every so many bits, from the seventh
 * byte on.
 */
static size_t stride;
#if defined(__SANITIZE_ADDRESS__) || !defined(__x86_64__) /* the latter under qemu */
enum { EVERY_BIT = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
enum { EVERY_BIT = 0 };
#else
enum { EVERY_BIT = 1 };
#endif
#else
enum { EVERY_BIT = 1 };
#endif

/* --- recording -------------------------------------------------------------------------------------------------- */

static size_t record_of(bool clear, const uint8_t *msg, size_t n, uint8_t *rec)
{
    return clear ? peer_frame(rec, msg, n, TLS13_MAX_PLAIN) : peer_seal(&p, rec, CT_HANDSHAKE, msg, n);
}

static void step_begin(const uint8_t *msg, size_t n, bool clear)
{
    struct sent *s = &steps[n_steps++];
    CHECK(n_steps <= COUNT(steps) && n <= sizeof s->msg);
    scene_save(&s->before, &p);
    s->clear = clear;
    s->type = msg[0];
    memcpy(s->msg, msg, n);
    s->n = n;
}

/* Keeps the message as a step and sends it. */
static void step(const uint8_t *msg, size_t n, bool clear)
{
    uint8_t rec[8192];
    step_begin(msg, n, clear);
    CHECK_INT(peer_feed(&p, rec, record_of(clear, msg, n, rec)), TLS13_MORE);
}

struct shape {
    const char *client; /* its certificate, NULL none */
    uint16_t group;
    bool retry, psk;
};

static struct tls13_ctx *shape_ctx(const struct shape *sh)
{
    struct tls13_ctx *ctx = test_ctx();
    CHECK_INT(tls13_ctx_set_random(ctx, scene_random, NULL), 0);
    if (sh->client != NULL) {
        CHECK_INT(tls13_ctx_set_client_ca(ctx, fixture_ca, strlen(fixture_ca)), 0);
        CHECK_INT(tls13_ctx_set_client_auth(ctx, TLS13_CLIENT_AUTH_REQUIRE), 0);
    }
    return ctx;
}

static void start(struct tls13_ctx *ctx, const struct shape *sh)
{
    peer_fresh(&p, ctx);
    p.opt.groups[0] = p.opt.share[0] = sh->group;
    p.opt.n_groups = 1;
    if (sh->retry) {
        p.opt.groups[1] = p.opt.share[0] = 0x2a2a;
        p.opt.n_groups = 2;
    }
    if (sh->psk)
        p.opt.ticket = &ticket;
}

static void record_shape(struct tls13_ctx *ctx, const struct shape *sh)
{
    uint8_t msg[8192];
    n_steps = 0;
    if (sh->psk) {
        struct shape first = { .group = sh->group };
        start(ctx, &first);
        CHECK(peer_handshake(&p, NULL));
        ticket = p.tickets[0];
    }
    start(ctx, sh);
    peer_hello(&p);
    step(p.hello_msg, p.hello_len, true);
    CHECK(peer_read(&p));
    CHECK_INT(p.retry, sh->retry);
    if (sh->retry) {
        p.opt.share[0] = p.retry_group;
        peer_hello(&p);
        step(p.hello_msg, p.hello_len, true);
        CHECK(peer_read(&p));
    }
    CHECK_INT(p.resumed, sh->psk);
    CHECK_INT(p.cert_request, sh->client != NULL);
    if (sh->client != NULL) {
        struct credential *c;
        CHECK_INT(cred_load(&c, sh->client, strlen(sh->client), NULL, 0, NULL, NULL), 0);
        size_t n = peer_certificate(&p, c, msg), m = c->message_len;
        cred_free(c);
        step(msg, m, false);
        step(msg + m, n - m, false);
    }
    size_t n = peer_finished(&p, msg);
    step(msg, n, false);
    CHECK(p.connected);
    peer_switch(&p, msg, n);
    CHECK(peer_read(&p));
    step((const uint8_t *)"\30\0\0\1\0", 5, false);
}

/* --- what came of it ------------------------------------------------------------------------------------------------ */

static struct direction out_keys; /* the server's, before the last feed */

static int feed(const uint8_t *bytes, size_t n)
{
    p.n_out = 0; /* read or not: only what comes now counts */
    out_keys = p.conn->out;
    return peer_feed(&p, bytes, n);
}

/* The alert that ends the server's output, -1 none; it came under the keys in force. */
static int alert_sent(void)
{
    int alert = -1;
    for (size_t at = 0; at < p.n_out;) {
        uint8_t *rec = p.out + at, type = rec[0];
        size_t n = load16(rec + 3), plain = n;
        at += TLS13_HEAD + n;
        alert = -1;
        if (type == CT_CCS)
            continue;
        if (out_keys.on != (type == CT_DATA) || (out_keys.on && rec_open(&out_keys, rec, n, &type, &plain) < 0))
            return -2;
        if (type == CT_ALERT)
            alert = rec[TLS13_HEAD + 1];
    }
    return alert;
}

/* After a feed: an error has its alert and leaves the connection dead. */
static bool died_well(void)
{
    int err = p.last;
    bool ok = err < 0 && alert_sent() == tls13_err_alert(err) && p.conn->err == -err;
    return ok && feed((const uint8_t *)"\27", 1) == err && p.n_out == 0;
}

/*
 * A spoilt message was taken without an error.  What the good client would send next, under the keys that the server wants: it must
 * notice, by the transcript, before it is connected.
 */
static bool notices_later(size_t i)
{
    uint8_t rec[8192];
    bool done = p.connected;
    while (!done && p.last >= 0 && ++i < n_steps) {
        const struct sent *s = &steps[i];
        if (s->type == MSG_KEY_UPDATE)
            break;
        p.to = p.conn->in; /* the server's own reading keys: transcripts differ, keys do not help */
        feed(rec, record_of(!p.to.on, s->msg, s->n, rec));
        done = p.connected;
    }
    return !done && died_well();
}

/* Rubbish until the server has had enough: it must not wait for ever. */
static bool ends(void)
{
    static const uint8_t zeros[TLS13_MAX_PLAIN];
    uint8_t rec[TLS13_MAX_RECORD + 64];
    for (int i = 0; i < 4 && p.last >= 0; i++) {
        p.to = p.conn->in;
        feed(rec, record_of(!p.to.on, zeros, 8192, rec));
    }
    return died_well();
}

/* at: the byte that was spoilt. */
static bool judged(size_t i, size_t at)
{
    /* What proves something is judged as it comes: a signature, a binder (but for a hello that is asked for once more). */
    bool binder = p.opt.ticket != NULL && steps[i].clear && !steps[i + 1].clear && at >= steps[i].n - 32;
    if (p.last < 0)
        return died_well();
    if (p.last != TLS13_MORE)
        return false;
    bool waits = p.n_held != 0 || p.conn->state == steps[i].before.conn.state;
    if (waits && steps[i].type != MSG_KEY_UPDATE)
        return !p.connected && ends();
    return !binder && steps[i].type != MSG_CERTIFICATE_VERIFY && notices_later(i);
}

/* Sends what is given in place of step i. */
static int instead(size_t i, const uint8_t *msg, size_t n)
{
    static uint8_t rec[8192];
    scene_restore(&p, &steps[i].before);
    return feed(rec, record_of(steps[i].clear, msg, n, rec));
}

#define SAY(ok, ...)                                                   \
    do {                                                               \
        bool ok_ = (ok);                                               \
        if (!ok_) {                                                    \
            printf("# message %u, ", steps[i].type);                   \
            printf(__VA_ARGS__);                                       \
            printf(": %s\n", tls13_err_name(p.last < 0 ? p.last : 0)); \
        }                                                              \
        CHECK(ok_);                                                    \
    } while (0)

/* --- the five ways --------------------------------------------------------------------------------------------------- */

/* The control: unspoilt, every step leads on to the end. */
static void unspoilt(size_t i)
{
    CHECK_INT(instead(i, steps[i].msg, steps[i].n), TLS13_MORE);
    for (size_t j = i + 1; j < n_steps; j++) {
        uint8_t rec[8192];
        p.to = p.conn->in;
        CHECK_INT(feed(rec, record_of(steps[j].clear, steps[j].msg, steps[j].n, rec)), TLS13_MORE);
    }
    CHECK(p.connected);
}

/* Where a ClientHello may end by its syntax: behind the compression methods, as a hello without extensions. */
static size_t bare_end(const struct sent *s)
{
    struct rd r = rd_of(s->msg, s->n);
    if (s->type != MSG_CLIENT_HELLO)
        return 0;
    (void)rd_bytes(&r, 4 + 2 + 32);
    (void)rd_vec8(&r);
    (void)rd_vec16(&r);
    (void)rd_vec8(&r);
    return (size_t)(r.p - s->msg);
}

static void cut(size_t i)
{
    const struct sent *s = &steps[i];
    uint8_t msg[4096];
    for (size_t n = 1; n < s->n; n++) {
        instead(i, s->msg, n); /* the rest never comes */
        SAY(p.last == TLS13_MORE && p.conn->state == s->before.conn.state && p.n_out == 0, "first %zu bytes", n);
        if (n < 4)
            continue;
        memcpy(msg, s->msg, n);
        store24(msg + 1, (uint32_t)n - 4); /* the header says so too */
        instead(i, msg, n);
        int want = n == bare_end(s) ? TLS13_E_VERSION : TLS13_E_DECODE;
        SAY(p.last == -want && died_well(), "cut to %zu bytes", n);
    }
}

static void one_more(size_t i)
{
    const struct sent *s = &steps[i];
    uint8_t msg[4096];
    memcpy(msg, s->msg, s->n);
    msg[s->n] = 0;
    instead(i, msg, s->n + 1); /* behind the message: another one begins, or the key change is inside the record */
    SAY(p.last == -TLS13_E_UNEXPECTED && died_well(), "a byte behind");
    store24(msg + 1, (uint32_t)(s->n - 4 + 1));
    instead(i, msg, s->n + 1);
    SAY(p.last == -TLS13_E_DECODE && died_well(), "a byte more");
}

static void flipped(size_t i)
{
    const struct sent *s = &steps[i];
    uint8_t msg[4096];
    memcpy(msg, s->msg, s->n);
    for (size_t bit = 0; bit < 8 * s->n; bit += EVERY_BIT || bit < 56 ? 1 : stride) {
        msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        instead(i, msg, s->n);
        bool legal = s->type == MSG_KEY_UPDATE && memcmp(msg, "\30\0\0\1\1", 5) == 0; /* update_requested */
        SAY(legal ? p.last == TLS13_MORE && p.n_out != 0 : judged(i, bit / 8), "bit %zu", bit);
        msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* The record around a protected message. */
static void record_flipped(size_t i)
{
    const struct sent *s = &steps[i];
    uint8_t rec[8192];
    if (s->clear)
        return;
    scene_restore(&p, &s->before);
    size_t n = record_of(false, s->msg, s->n, rec);
    for (size_t bit = 0; bit < 8 * n; bit += bit < 40 ? 1 : 5) {
        scene_restore(&p, &s->before);
        uint8_t spoilt[8192];
        memcpy(spoilt, rec, n);
        spoilt[bit / 8] ^= (uint8_t)(1 << bit % 8);
        feed(spoilt, n);
        if (p.last == TLS13_MORE && p.n_held != 0) { /* a longer length: the rest is awaited */
            static const uint8_t zeros[TLS13_MAX_RECORD];
            feed(zeros, sizeof zeros);
        }
        SAY(died_well() && p.connected == (s->type == MSG_KEY_UPDATE), "record's bit %zu", bit);
    }
    for (size_t m = TLS13_HEAD + 1; m < n; m++) {
        scene_restore(&p, &s->before);
        uint8_t spoilt[8192];
        memcpy(spoilt, rec, m);
        store16(spoilt + 3, (unsigned)(m - TLS13_HEAD));
        feed(spoilt, m);
        SAY(p.last == -TLS13_E_BAD_MAC && died_well(), "record cut to %zu", m);
    }
}

static void replayed(size_t i)
{
    const struct sent *s = &steps[i];
    uint8_t rec[8192], again[8192];
    scene_restore(&p, &s->before);
    size_t n = record_of(s->clear, s->msg, s->n, rec);
    memcpy(again, rec, n);
    CHECK_INT(feed(rec, n), TLS13_MORE);
    feed(again, n); /* the same record */
    int want = !s->clear ? TLS13_E_BAD_MAC : p.conn->state == ST_HELLO_AGAIN ? TLS13_E_ILLEGAL : TLS13_E_UNEXPECTED;
    SAY(p.last == -want && died_well(), "its record again");
    if (s->clear || s->type == MSG_KEY_UPDATE)
        return;
    instead(i, s->msg, s->n); /* the same message under the keys that hold now */
    p.to = p.conn->in;
    feed(rec, record_of(false, s->msg, s->n, rec));
    SAY(p.last == -TLS13_E_UNEXPECTED && died_well(), "again");
}

static void spoil(const struct shape *sh)
{
    struct tls13_ctx *ctx = shape_ctx(sh);
    record_shape(ctx, sh);
    for (size_t i = 0; i < n_steps; i++) {
        unspoilt(i);
        cut(i);
        one_more(i);
        flipped(i);
        record_flipped(i);
        replayed(i);
    }
    tls13_ctx_unref(ctx);
}

/* --- the shapes --------------------------------------------------------------------------------------------------------- */

static void one_round_trip(void)
{
    stride = 5;
    spoil(&(struct shape){ .group = GROUP_X25519 });
}

static void hello_retry(void)
{
    stride = 5;
    spoil(&(struct shape){ .group = GROUP_X25519, .retry = true });
}

static void resumed(void)
{
    stride = 5;
    spoil(&(struct shape){ .group = GROUP_X25519, .psk = true });
}

static void resumed_after_retry(void)
{
    stride = 15;
    spoil(&(struct shape){ .group = GROUP_X25519, .psk = true, .retry = true });
}

static void client_ecdsa(void)
{
    stride = 15;
    spoil(&(struct shape){ .group = GROUP_X25519, .client = fixture_client });
}

static void client_rsa(void)
{
    stride = 25;
    spoil(&(struct shape){ .group = GROUP_X25519, .client = fixture_client_rsa });
}

static void hybrid(void)
{
    stride = 55;
    spoil(&(struct shape){ .group = GROUP_X25519MLKEM768 });
}

int main(void)
{
    RUN(one_round_trip);
    RUN(hello_retry);
    RUN(resumed);
    RUN(resumed_after_retry);
    RUN(client_ecdsa);
    RUN(client_rsa);
    RUN(hybrid);
    peer_free(&p);
    return DONE();
}
