/* The client's Finished, tickets and KeyUpdate (RFC 8446 4.4.4, 4.6). */
#include "handshake.h"

void expect_finished(struct tls13_conn *conn)
{
    struct handshake *hs = conn->hs;
    uint8_t hash[MAX_HASH];
    hs->finished[0] = MSG_FINISHED;
    store24(hs->finished + 1, conn->suite->hash_len);
    transcript_hash(&hs->transcript, hash);
    kdf_finished(conn->suite->hash, hs->secret_client, hash, hs->finished + 4);
    transcript_add(&hs->transcript, hs->finished, 4U + conn->suite->hash_len);
}

int take_finished(struct tls13_conn *conn, struct slice msg)
{
    struct handshake *hs = conn->hs;
    size_t n = conn->suite->hash_len;
    if (msg.n != 4 + n)
        return -TLS13_E_DECODE;
    if (hs->finished[0] == 0)
        expect_finished(conn);
    if (!ct_equal(hs->finished + 4, msg.p + 4, n))
        return -TLS13_E_DECRYPT;
    rec_start(&conn->in, conn->suite, hs->app_client);
    conn->epoch = EPOCH_APP;
    conn->state = ST_APP;
    conn->connected = true;
    conn->step = STEP_CONNECTED;
    return 0;
}

/* What a resumed connection will rely on (trap 33). */
static void fill_ticket(const struct tls13_conn *conn, struct ticket *t, int64_t now)
{
    const struct handshake *hs = conn->hs;
    const struct tls13_ctx *ctx = conn->ctx;
    memset(t, 0, sizeof *t);
    t->suite = conn->suite->id;
    t->created_ms = conn->resumed ? hs->created_ms : now;
    t->issued_ms = now;
    t->client_until = hs->client_until;
    memcpy(t->client_spki, hs->client_spki, sizeof t->client_spki);
    memcpy(t->client_name, hs->client_name, strlen(hs->client_name));
    memcpy(t->client_cn, hs->client_cn, sizeof t->client_cn);
    ctx_profile(ctx, hs->sni, ctx->creds[conn->credential], conn->alpn, t->profile);
}

static int write_ticket(struct tls13_conn *conn, struct stream *s, struct ticket *t, const struct hmac_key *master, uint8_t index,
                        uint32_t lifetime)
{
    uint8_t random[16], sealed[TICKET_MAX], msg[TICKET_MAX + 32];
    const struct suite *suite = conn->suite;
    /* Unique to connection and ticket, and unknown to everybody else, without another call to the kernel. */
    kdf_label_with(master, "ticket", &index, 1, random, sizeof random);
    t->age_add = load32(random);
    t->psk_len = suite->hash_len;
    kdf_label_with(master, "resumption", &index, 1, t->psk, t->psk_len); /* 4.6.1: one PSK a nonce */
    size_t n = ticket_seal(&conn->ctx->ring, t, random + 4, sealed);
    struct wr w = wr_of(msg, sizeof msg);
    wr_u8(&w, MSG_NEW_SESSION_TICKET);
    size_t body = wr_open(&w, 3);
    wr_u32(&w, lifetime);
    wr_u32(&w, t->age_add);
    wr_u8(&w, 1);
    wr_u8(&w, index);
    wr_u16(&w, (unsigned)n);
    wr_bytes(&w, sealed, n);
    wr_u16(&w, 0); /* no extensions: 0-RTT is not offered */
    wr_close(&w, body, 3);
    WIPE(random);
    if (n == 0 || w.bad)
        return -TLS13_E_INTERNAL;
    stream_add(s, msg, w.len);
    return 0;
}

int post_tickets(struct tls13_conn *conn, struct tls13_io *io)
{
    struct handshake *hs = conn->hs;
    const struct tls13_ctx *ctx = conn->ctx;
    unsigned count = conn->resumed && ctx->tickets > 1 ? 1 : ctx->tickets;
    if (hs->tickets_sent || count == 0 || ctx->ring.n == 0 || !hs->psk_modes_dhe)
        return 0;
    struct ticket t;
    int64_t now = ctx_now_ms(ctx);
    fill_ticket(conn, &t, now);
    int64_t age = now > t.created_ms ? (now - t.created_ms) / 1000 : 0; /* machines that share keys share no clock */
    int64_t left = ctx->ticket_lifetime - age;                          /* since the full handshake (trap 33) */
    if (t.client_until != 0 && t.client_until - now / 1000 < left)
        left = t.client_until - now / 1000;
    if (left <= 0)
        return 0;
    uint8_t hash[MAX_HASH], master[MAX_HASH];
    transcript_hash(&hs->transcript, hash);
    struct hmac_key key;
    ks_derive(&hs->ks, "res master", hash, master);
    hmac_key(&key, conn->suite->hash, master, conn->suite->hash_len);
    struct stream s = { .conn = conn, .io = io };
    int err = 0;
    for (unsigned i = 0; i < count && err == 0; i++)
        err = write_ticket(conn, &s, &t, &key, (uint8_t)i, (uint32_t)left);
    WIPE(key);
    WIPE(master);
    WIPE(t);
    hs->tickets_sent = true;
    return err < 0 ? err : stream_end(&s);
}

int take_key_update(struct tls13_conn *conn, struct slice msg)
{
    if (msg.n != 5)
        return -TLS13_E_DECODE;
    if (msg.p[4] > 1) /* 4.6.3 */
        return -TLS13_E_ILLEGAL;
    if (++conn->updates > LIMIT_UPDATES)
        return -TLS13_E_TOO_MANY;
    rec_update(&conn->in, conn->suite);
    conn->owe_update |= msg.p[4] == 1;
    return 0;
}

size_t post_update(struct tls13_conn *conn, bool request, uint8_t *rec)
{
    uint8_t *msg = rec + TLS13_HEAD;
    msg[0] = MSG_KEY_UPDATE;
    store24(msg + 1, 1);
    msg[4] = request;
    size_t n = rec_seal(&conn->out, rec, 5, CT_HANDSHAKE);
    rec_update(&conn->out, conn->suite);
    conn->owe_update = false;
    return n;
}
