/* Resumption: which ticket, and its binder (RFC 8446 4.2.11). */
#include "handshake.h"

/* Trap 33: what this ticket was given under must be what holds now, the client's certificate included. */
static bool acceptable(const struct tls13_conn *conn, const struct ticket *t, const uint8_t profile[static TICKET_PROFILE], uint32_t age)
{
    const struct tls13_ctx *ctx = conn->ctx;
    const struct suite *suite = suite_by_id(t->suite);
    int64_t now = ctx_now_ms(ctx);
    if (suite->hash != conn->suite->hash) /* 4.2.11: the PSK's hash is the suite's */
        return false;
    if (!ct_equal(t->profile, profile, TICKET_PROFILE))
        return false;
    if (t->client_until != 0 && now / 1000 > t->client_until)
        return false;
    return ticket_fresh(t, now, ctx->ticket_lifetime, age);
}

/* 4.2.11.2: HMAC over the transcript up to, and not including, the list of binders. */
static int check_binder(const struct tls13_conn *conn, const struct client_hello *ch, const struct ticket *t, struct slice binder)
{
    const struct suite *suite = conn->suite;
    struct transcript partial = conn->hs->transcript;
    struct key_schedule ks;
    uint8_t hash[MAX_HASH], key[MAX_HASH], expected[MAX_HASH];
    transcript_add(&partial, ch->whole.p, ch->binders_at);
    transcript_hash(&partial, hash);
    ks_early(&ks, suite, t->psk, t->psk_len);
    ks_derive(&ks, "res binder", NULL, key);
    kdf_finished(suite->hash, key, hash, expected);
    bool ok = binder.n == suite->hash_len && ct_equal(expected, binder.p, suite->hash_len);
    WIPE(ks);
    WIPE(key);
    WIPE(expected);
    return ok ? 0 : -TLS13_E_DECRYPT;
}

static void resume(struct tls13_conn *conn, const struct ticket *t, unsigned index)
{
    struct handshake *hs = conn->hs;
    conn->resumed = true;
    hs->psk_index = (uint16_t)index;
    memcpy(hs->psk, t->psk, t->psk_len);
    hs->created_ms = t->created_ms;
    hs->client_until = t->client_until;
    memcpy(hs->client_spki, t->client_spki, sizeof hs->client_spki);
    memcpy(hs->client_name, t->client_name, sizeof t->client_name);
    memcpy(hs->client_cn, t->client_cn, sizeof hs->client_cn);
}

int psk_choose(struct tls13_conn *conn, const struct client_hello *ch)
{
    const struct tls13_ctx *ctx = conn->ctx;
    const struct choice *c = &conn->hs->choice;
    conn->hs->psk_modes_dhe = c->psk_dhe;
    if (ch->identities.p == NULL || !c->psk_dhe || ctx->tickets == 0)
        return 0;
    uint8_t profile[TICKET_PROFILE];
    ctx_profile(ctx, conn->hs->sni, ctx->creds[c->credential], c->alpn, profile);
    struct rd ids = rd_of(ch->identities.p, ch->identities.n), binders = rd_of(ch->binders.p, ch->binders.n);
    int err = 0;
    for (unsigned i = 0; i < LIMIT_IDENTITIES && rd_left(&ids) != 0; i++) {
        struct ticket t;
        struct rd id = rd_vec16(&ids);
        uint32_t age = rd_u32(&ids);
        struct rd binder = rd_vec8(&binders);
        if (!ticket_open(&ctx->ring, id.p, rd_left(&id), &t))
            continue;
        bool ok = acceptable(conn, &t, profile, age);
        if (ok && (err = check_binder(conn, ch, &t, rd_rest(&binder))) == 0) /* only the chosen one's binder (4.2.11.2) */
            resume(conn, &t, i);
        WIPE(t);
        if (ok)
            break;
    }
    return err;
}
