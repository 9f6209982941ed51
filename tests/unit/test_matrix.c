/*
 * The state x message matrix, made from the rule table: every message type in every state under every kind of key.  What the table
 * does not name is unexpected_message; a record under other keys than the state's is bad_record_mac; each time with the alert under the
 * keys in force.
 */
#include "unit.h"

#include "scene.h"

enum { CLEAR = EPOCH_PLAIN, HANDSHAKE_KEYS = EPOCH_HANDSHAKE, APP_KEYS = EPOCH_APP, KEYS };

static struct peer p;
static struct scene scene;
static struct tls13_ctx *plain_ctx, *auth_ctx;
static struct credential *client;

/* A message for every type, whole and as good as it can be made in this state. */
static uint8_t store[40000];
static struct slice message[256];

static const char *const state_name[STATES] = { "HELLO", "HELLO_AGAIN", "CERTIFICATE", "VERIFY", "FINISHED", "APP" };

/* The keys that the state's rules are read under. */
static unsigned keys_of(unsigned state)
{
    for (size_t i = 0; i < n_rules; i++)
        if (rules[i].state == state)
            return rules[i].epoch;
    return KEYS;
}

static void table_is_sound(void)
{
    for (unsigned state = 0; state < STATES; state++)
        CHECK(keys_of(state) < KEYS);
    for (size_t i = 0; i < n_rules; i++) {
        const struct rule *r = &rules[i];
        CHECK(r->state < STATES && r->max >= 4 && r->take != NULL);
        CHECK_INT(r->epoch, keys_of(r->state)); /* one kind of key a state */
        CHECK(rule_find(r->state, r->msg) == r);
        CHECK_INT(r->epoch == EPOCH_PLAIN, r->msg == MSG_CLIENT_HELLO);
        CHECK_INT(r->epoch == EPOCH_APP, r->state == ST_APP);
        /* 5.1: these come right before a key change */
        CHECK_INT(r->ends_record, r->msg == MSG_CLIENT_HELLO || r->msg == MSG_FINISHED || r->msg == MSG_KEY_UPDATE);
    }
}

/* --- the way to each state -------------------------------------------------------------------------------------- */

static void make_messages(unsigned state)
{
    size_t at = 0;
    for (unsigned type = 0; type < 256; type++) {
        const uint8_t small[5] = { (uint8_t)type, 0, 0, 1, 0 };
        memcpy(store + at, small, sizeof small);
        message[type] = (struct slice){ store + at, sizeof small };
        at += sizeof small;
    }
    message[MSG_CLIENT_HELLO] = (struct slice){ p.hello_msg, p.hello_len };
    struct transcript t = p.transcript;
    uint8_t *out = store + at;
    if (state == ST_CERTIFICATE || state == ST_VERIFY) {
        at += peer_certificate(&p, client, out);
        size_t n = client->message_len;
        message[MSG_CERTIFICATE] = (struct slice){ out, n };
        message[MSG_CERTIFICATE_VERIFY] = (struct slice){ out + n, (size_t)(store + at - out) - n };
    }
    if (p.suite != NULL && state != ST_HELLO_AGAIN)
        message[MSG_FINISHED] = (struct slice){ store + at, peer_finished(&p, store + at) };
    p.transcript = t;
}

static void reach(unsigned state)
{
    bool auth = state == ST_CERTIFICATE || state == ST_VERIFY;
    uint8_t rec[4096];
    if (p.conn != NULL)
        peer_free(&p);
    peer_init(&p, auth ? auth_ctx : plain_ctx);
    if (state == ST_HELLO_AGAIN)
        p.opt.share[0] = p.opt.groups[1] = 0x2a2a;
    peer_hello(&p);
    if (state == ST_APP)
        CHECK(peer_handshake(&p, NULL));
    else if (state != ST_HELLO)
        CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    if (state == ST_HELLO_AGAIN) {
        CHECK(p.retry);
        p.opt.share[0] = p.retry_group;
        peer_hello(&p);
    }
    make_messages(state);
    if (state == ST_VERIFY) {
        struct slice c = message[MSG_CERTIFICATE];
        CHECK_INT(peer_feed(&p, rec, peer_seal(&p, rec, CT_HANDSHAKE, c.p, c.n)), TLS13_MORE);
    }
    CHECK_INT(p.conn->state, state);
    scene_save(&scene, &p);
}

/* --- one field of the matrix --------------------------------------------------------------------------------------- */

/* The message as a record under the given keys; in states that have none yet, under any. */
static size_t record_of(unsigned state, unsigned keys, struct slice msg, uint8_t *rec)
{
    static const uint8_t no_secret[MAX_HASH] = { 1 };
    if (keys == CLEAR)
        return peer_frame(rec, msg.p, msg.n, TLS13_MAX_PLAIN);
    if (keys == keys_of(state))
        return peer_seal(&p, rec, CT_HANDSHAKE, msg.p, msg.n);
    struct direction other = { .on = false };
    bool early = keys_of(state) == CLEAR;
    rec_start(&other, early ? suite_by_id(TLS_AES_128_GCM_SHA256) : p.suite,
              early                    ? no_secret
              : keys == HANDSHAKE_KEYS ? p.secret_client
                                       : p.app_client);
    memcpy(rec + TLS13_HEAD, msg.p, msg.n);
    return rec_seal(&other, rec, msg.n, CT_HANDSHAKE);
}

/* => 0 when it is taken, else TLS13_E_*. */
static int expected(unsigned state, unsigned keys, uint8_t type)
{
    bool known = rule_find(state, type) != NULL;
    if (keys == keys_of(state))
        return known ? 0 : TLS13_E_UNEXPECTED;
    if (keys == CLEAR || keys_of(state) == CLEAR)
        return TLS13_E_UNEXPECTED; /* a record type that may not come now */
    return TLS13_E_BAD_MAC;
}

static bool field(unsigned state, unsigned keys, uint8_t type)
{
    uint8_t rec[20480];
    scene_restore(&p, &scene);
    int err = expected(state, keys, type);
    peer_feed(&p, rec, record_of(state, keys, message[type], rec));
    if (!peer_read(&p))
        return false;
    if (err == 0)
        return p.last == TLS13_MORE && p.alert == -1 && (p.conn->state != state || state == ST_APP);
    bool ok = p.last == -err && p.alert == tls13_err_alert(err) && p.clear_alert == (keys_of(state) == CLEAR);
    /* Dead: it takes nothing more and says nothing more. */
    return ok && peer_feed(&p, rec, 1) == -err && p.n_out == 0 && !(p.connected && state != ST_APP);
}

static void matrix(unsigned state)
{
    unsigned taken = 0, fields = 0;
    reach(state);
    for (unsigned keys = CLEAR; keys < KEYS; keys++)
        for (unsigned type = 0; type < 256; type++, fields++) {
            bool ok = field(state, keys, (uint8_t)type);
            if (!ok)
                printf("# state %s, message %u, keys %u: %s, alert %d%s; expected %s\n", state_name[state], type, keys,
                       tls13_err_name(p.last < 0 ? p.last : 0), p.alert, p.clear_alert ? " in the clear" : "",
                       tls13_err_name(expected(state, keys, (uint8_t)type)));
            CHECK(ok);
            taken += expected(state, keys, (uint8_t)type) == 0;
        }
    CHECK_INT(fields, 3 * 256);
    CHECK_INT(taken, 1); /* so far each state takes one message, under one kind of key */
}

static void in_hello(void)
{
    matrix(ST_HELLO);
}

static void in_hello_again(void)
{
    matrix(ST_HELLO_AGAIN);
}

static void in_certificate(void)
{
    matrix(ST_CERTIFICATE);
}

static void in_verify(void)
{
    matrix(ST_VERIFY);
}

static void in_finished(void)
{
    matrix(ST_FINISHED);
}

static void in_app(void)
{
    matrix(ST_APP);
}

int main(void)
{
    plain_ctx = test_ctx();
    auth_ctx = test_ctx();
    if (tls13_ctx_set_client_ca(auth_ctx, fixture_ca, strlen(fixture_ca)) < 0 ||
        tls13_ctx_set_client_auth(auth_ctx, TLS13_CLIENT_AUTH_REQUIRE) < 0 ||
        cred_load(&client, fixture_client, strlen(fixture_client), NULL, 0, NULL, NULL) < 0)
        abort();
    RUN(table_is_sound);
    RUN(in_hello);
    RUN(in_hello_again);
    RUN(in_certificate);
    RUN(in_verify);
    RUN(in_finished);
    RUN(in_app);
    peer_free(&p);
    cred_free(client);
    tls13_ctx_unref(plain_ctx);
    tls13_ctx_unref(auth_ctx);
    return DONE();
}
