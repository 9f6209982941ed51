/* The engine (tls13.h): one connection, fed bytes, giving bytes and events. */
#include "handshake.h"

_Static_assert(sizeof(struct tls13_conn) <= TLS13_CONN_SIZE, "tls13.h promises less");
_Static_assert(sizeof(struct handshake) <= TLS13_HS_SIZE, "tls13.h promises less");

enum { GO_ON = 100 }; /* beside the events: nothing to tell yet, look again */

size_t tls13_conn_size(void)
{
    return sizeof(struct tls13_conn);
}

size_t tls13_hs_size(void)
{
    return sizeof(struct handshake);
}

void tls13_conn_init(struct tls13_conn *conn, struct tls13_ctx *ctx, void *hs)
{
    memset(conn, 0, sizeof *conn);
    memset(hs, 0, sizeof(struct handshake));
    conn->ctx = tls13_ctx_ref(ctx);
    conn->hs = hs;
    conn->alert = -1;
    conn->credential = -1;
}

void *tls13_conn_release_hs(struct tls13_conn *conn)
{
    struct handshake *hs = conn->hs;
    if (hs != NULL)
        explicit_bzero(hs, sizeof *hs);
    if (!conn->connected && conn->err == 0) /* a handshake cannot go on without */
        conn->err = TLS13_E_CLOSED;
    conn->hs = NULL;
    return hs;
}

void tls13_conn_wipe(struct tls13_conn *conn)
{
    struct tls13_ctx *ctx = conn->ctx;
    (void)tls13_conn_release_hs(conn);
    explicit_bzero(conn, sizeof *conn);
    conn->err = TLS13_E_CLOSED;
    tls13_ctx_unref(ctx);
}

static bool can_send(const struct tls13_conn *conn)
{
    return conn->connected && conn->err == 0 && !conn->we_closed;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Section 6: the level is ignored; close_notify ends a direction, user_canceled is no error, all else ends the connection. */
static int take_alert(struct tls13_conn *conn, const uint8_t *body, size_t n)
{
    if (n == 0)
        return -TLS13_E_UNEXPECTED; /* 5.1 */
    if (n != 2)
        return -TLS13_E_DECODE;
    switch (body[1]) {
    case TLS13_ALERT_close_notify:
        conn->peer_closed = true;
        return conn->connected ? TLS13_EOF : -TLS13_E_CLOSED;
    case TLS13_ALERT_user_canceled:
        return ++conn->warnings > LIMIT_WARNINGS ? -TLS13_E_TOO_MANY : GO_ON;
    default:
        conn->alert = body[1];
        return -TLS13_E_ALERT;
    }
}

/* Appendix D.4: one byte 0x01, between the first ClientHello and the client's Finished, never inside a message. */
static int take_ccs(struct tls13_conn *conn, struct input *in, const struct rec_view *rec)
{
    bool fits = conn->state != ST_HELLO && !conn->connected && !input_partial(in) && rec->len == 1 && rec->at[TLS13_HEAD] == 1;
    if (!fits)
        return -TLS13_E_UNEXPECTED;
    if (++conn->ccs > LIMIT_CCS)
        return -TLS13_E_TOO_MANY;
    input_skip(in, rec);
    return GO_ON;
}

/* 4.2.10: 0-RTT that we did not take is passed over, ciphertext bytes counted. */
static bool skip_early(struct tls13_conn *conn, struct input *in, const struct rec_view *rec)
{
    struct handshake *hs = conn->hs;
    size_t n = TLS13_HEAD + rec->len;
    if (hs == NULL || !hs->early_skipping || n > hs->early_left)
        return false;
    hs->early_left -= (uint32_t)n;
    input_skip(in, rec);
    return true;
}

static int take_plain_record(struct tls13_conn *conn, struct input *in, const struct rec_view *rec)
{
    switch (rec->type) {
    case CT_HANDSHAKE:
        input_join(in, rec, rec->at + TLS13_HEAD, rec->len);
        return GO_ON;
    case CT_CCS:
        return take_ccs(conn, in, rec);
    case CT_ALERT:
        if (input_partial(in))
            return -TLS13_E_UNEXPECTED; /* 5.1: nothing between the fragments of a message */
        input_skip(in, rec);
        return take_alert(conn, rec->at + TLS13_HEAD, rec->len);
    default:
        return conn->state == ST_HELLO_AGAIN && !input_partial(in) && skip_early(conn, in, rec) ? GO_ON : -TLS13_E_UNEXPECTED;
    }
}

static int take_data(struct tls13_conn *conn, struct tls13_io *io, uint8_t *data, size_t n)
{
    if (!conn->connected) /* trap 27 */
        return -TLS13_E_UNEXPECTED;
    if (n == 0)
        return ++conn->empty > LIMIT_EMPTY ? -TLS13_E_TOO_MANY : GO_ON;
    conn->empty = conn->updates = 0;
    io->data = data;
    io->data_len = n;
    return TLS13_DATA;
}

static int take_protected_record(struct tls13_conn *conn, struct tls13_io *io, struct input *in, const struct rec_view *rec)
{
    uint8_t type;
    size_t n;
    if (rec->type == CT_CCS)
        return take_ccs(conn, in, rec);
    if (rec->type == CT_ALERT && !conn->first_protected && !conn->connected && !input_partial(in)) {
        input_skip(in, rec); /* a client that failed before it had keys (trap 36) */
        return take_alert(conn, rec->at + TLS13_HEAD, rec->len);
    }
    if (rec->type != CT_DATA)
        return -TLS13_E_UNEXPECTED; /* section 5: everything else is protected now */
    int err = rec_open(&conn->in, rec->at, rec->len, &type, &n);
    if (err == -TLS13_E_BAD_MAC && !conn->first_protected && skip_early(conn, in, rec))
        return GO_ON;
    if (err < 0)
        return err;
    conn->first_protected = true;
    if (type == CT_HANDSHAKE && n != 0) {
        input_join(in, rec, rec->at + TLS13_HEAD, n);
        return GO_ON;
    }
    input_skip(in, rec);
    if (input_partial(in))
        return -TLS13_E_UNEXPECTED; /* 5.1 */
    if (type == CT_DATA)
        return take_data(conn, io, rec->at + TLS13_HEAD, n);
    if (type == CT_ALERT)
        return take_alert(conn, rec->at + TLS13_HEAD, n);
    return -TLS13_E_UNEXPECTED; /* an empty handshake record, CCS, an unknown type */
}

/* The message at the front of the joined bytes against the rule table; GO_ON when it was taken, 0 when it is not whole. */
static int take_message(struct tls13_conn *conn, struct input *in)
{
    struct slice msg;
    const struct rule *rule = rule_find(conn->state, in->msg[0]);
    if (rule == NULL || rule->epoch != conn->epoch)
        return -TLS13_E_UNEXPECTED;
    int err = input_message(in, rule->max, &msg);
    if (err == -TLS13_E_TOO_LONG && rule->fixed)
        return -TLS13_E_DECODE;
    if (err <= 0)
        return err;
    if (rule->ends_record && msg.p + msg.n != in->msg_end)
        return -TLS13_E_UNEXPECTED; /* 5.1: the keys change behind this message */
    err = rule->take(conn, msg);
    input_take(in, msg);
    return err < 0 ? err : GO_ON;
}

/* Takes one message or one record.  => an event, GO_ON, TLS13_MORE, or an error. */
static int read_on(struct tls13_conn *conn, struct tls13_io *io, struct input *in)
{
    struct rec_view rec;
    if (input_partial(in)) {
        int err = take_message(conn, in);
        if (err != 0)
            return err;
    }
    int err = input_record(in, !conn->in.on, &rec);
    if (err <= 0)
        return err;
    return conn->in.on ? take_protected_record(conn, io, in, &rec) : take_plain_record(conn, in, &rec);
}

/*
 * Once there is nothing more to read: the KeyUpdate that the peer asked for, one for all its requests (4.6.3).  Without room now it
 * goes out in front of the next record sealed.
 */
static void answer_update(struct tls13_conn *conn, struct tls13_io *io)
{
    if (conn->owe_update && can_send(conn) && io->out_cap - io->out_len >= TLS13_UPDATE)
        io->out_len += post_update(conn, false, io->out + io->out_len);
}

static int take_step(struct tls13_conn *conn, struct tls13_io *io, struct input *in)
{
    struct handshake *hs = conn->hs;
    int err;
    switch (conn->step) {
    case STEP_READ:
        return read_on(conn, io, in);
    case STEP_TELL_HELLO:
        conn->step = conn->retried ? STEP_RETRY : STEP_COMPUTE;
        return TLS13_HELLO;
    case STEP_RETRY:
        conn->step = STEP_READ;
        err = flight_retry(conn, io);
        return err < 0 ? err : GO_ON;
    case STEP_COMPUTE:
        return TLS13_COMPUTE;
    case STEP_SIGN:
        return TLS13_WAIT;
    case STEP_FLIGHT:
        conn->step = STEP_READ;
        if (hs->err < 0)
            return hs->err;
        err = flight_write(conn, io);
        return err < 0 ? err : GO_ON;
    default: /* STEP_CONNECTED */
        conn->step = STEP_READ;
        err = post_tickets(conn, io);
        return err < 0 ? err : TLS13_CONNECTED;
    }
}

/* Ends the connection: the alert under the present keys (section 6), then nothing more. */
static int die(struct tls13_conn *conn, struct tls13_io *io, int err)
{
    if (err != -TLS13_E_ALERT && err != -TLS13_E_CLOSED) /* the peer's own doing: it knows */
        io->out_len += tls13_abort(conn, tls13_err_alert(err), io->out + io->out_len, io->out_cap - io->out_len);
    conn->err = (uint8_t)-err;
    io->in += io->in_len;
    io->in_len = 0;
    rec_wipe(&conn->in);
    rec_wipe(&conn->out);
    return err;
}

int tls13_recv(struct tls13_conn *conn, struct tls13_io *io)
{
    size_t held;
    int event;
    io->data = NULL;
    io->data_len = 0;
    if (conn->err == 0 && (io->in_len < conn->held || io->out_len > io->out_cap)) /* what was left did not come back, or no such room */
        conn->err = TLS13_E_BAD_ARGUMENT;
    if (conn->err != 0)
        return -conn->err;
    if (conn->peer_closed) { /* 6.1: whatever comes behind it is ignored */
        io->in += io->in_len;
        io->in_len = 0;
        return TLS13_MORE;
    }
    struct input in = input_of(io->in, io->in_len, conn->held);
    do
        event = take_step(conn, io, &in);
    while (event == GO_ON);
    if (event == TLS13_MORE || event == TLS13_EOF)
        answer_update(conn, io);
    if (event < 0)
        return die(conn, io, event);
    struct slice rest = input_rest(&in, &held);
    io->in += rest.p - io->in;
    io->in_len = rest.n;
    conn->held = (uint16_t)held;
    return event;
}

/* --- writing ---------------------------------------------------------------------------------------------- */

/* A KeyUpdate follows the records just sealed: the key has reached its limit (5.5). */
static bool update_due(const struct tls13_conn *conn)
{
    return conn->out.seq >= conn->suite->limit || (conn->ctx->key_limit != 0 && conn->out.seq >= conn->ctx->key_limit);
}

/*
 * 4.6.3: the peer waits for a KeyUpdate, which comes before the next data.  There was no room for it when it was asked for, so that it
 * takes the place of the first record here, and the plaintext (len bytes with the gaps) moves up.  => its length, 0 when none is owed.
 */
static size_t owed_update(struct tls13_conn *conn, uint8_t *buf, size_t len)
{
    if (!conn->owe_update)
        return 0;
    memmove(buf + TLS13_UPDATE, buf, len);
    return post_update(conn, false, buf);
}

size_t tls13_seal(struct tls13_conn *conn, uint8_t *rec, size_t n)
{
    return tls13_seal_bulk(conn, rec, n, n);
}

size_t tls13_seal_bulk(struct tls13_conn *conn, uint8_t *buf, size_t n, size_t body)
{
    if (!can_send(conn) || n == 0 || body == 0 || body > TLS13_MAX_PLAIN)
        return 0;
    size_t gaps = (n - 1) / body * (TLS13_HEAD + TLS13_TAIL);
    size_t first = owed_update(conn, buf, TLS13_HEAD + n + gaps), len = first;
    while (n != 0) {
        size_t part = n < body ? n : body;
        len += rec_seal(&conn->out, buf + len, part, CT_DATA);
        n -= part;
    }
    if (first == 0 && update_due(conn)) /* one of the two a call: there is room for one */
        len += post_update(conn, false, buf + len);
    return len;
}

static size_t write_alert(struct tls13_conn *conn, int alert, uint8_t *out, size_t cap)
{
    if (cap < TLS13_HEAD + 2 + TLS13_TAIL)
        return 0;
    out[TLS13_HEAD] = alert == TLS13_ALERT_close_notify ? 1 : 2; /* warning, fatal: ignored by the peer (section 6) */
    out[TLS13_HEAD + 1] = (uint8_t)alert;
    return rec_seal(&conn->out, out, 2, CT_ALERT);
}

size_t tls13_close(struct tls13_conn *conn, uint8_t *out, size_t cap)
{
    if (conn->err != 0 || conn->we_closed)
        return 0;
    size_t n = write_alert(conn, TLS13_ALERT_close_notify, out, cap);
    conn->we_closed = n != 0;
    if (n != 0 && !conn->connected) /* 6.1: nothing follows, so that the handshake cannot go on */
        conn->err = TLS13_E_CLOSED;
    return n;
}

size_t tls13_abort(struct tls13_conn *conn, int alert, uint8_t *out, size_t cap)
{
    if (conn->err != 0)
        return 0;
    size_t n = conn->we_closed ? 0 : write_alert(conn, alert, out, cap);
    conn->we_closed = true;
    conn->err = TLS13_E_CLOSED;
    return n;
}

size_t tls13_update_keys(struct tls13_conn *conn, bool request, uint8_t *out, size_t cap)
{
    return can_send(conn) && cap >= TLS13_UPDATE ? post_update(conn, request, out) : 0;
}

/* --- asking ----------------------------------------------------------------------------------------------- */

bool tls13_peer_closed(const struct tls13_conn *conn)
{
    return conn->peer_closed;
}

bool tls13_we_closed(const struct tls13_conn *conn)
{
    return conn->we_closed;
}

void tls13_conn_info(const struct tls13_conn *conn, struct tls13_info *info)
{
    const struct handshake *hs = conn->hs;
    memset(info, 0, sizeof *info);
    info->version = conn->suite != NULL ? 0x0304 : 0;
    info->suite = conn->suite != NULL ? conn->suite->id : 0;
    info->group = conn->group;
    info->scheme = conn->scheme;
    info->resumed = conn->resumed;
    info->hello_retry = conn->retried;
    info->connected = conn->connected;
    info->early_data = conn->early_offered;
    info->credential = conn->credential;
    info->alert_received = conn->alert;
    info->alpn = conn->alpn != NULL ? conn->alpn : "";
    info->sni = hs != NULL ? hs->sni : "";
    info->client_verified = hs != NULL && (hs->client_cert || (conn->resumed && hs->client_until != 0));
    info->client_name = info->client_verified ? hs->client_name : "";
    info->client_cn = info->client_verified ? hs->client_cn : "";
    info->client_cert = hs != NULL && hs->client_cert ? hs->client.leaf : NULL;
    info->client_cert_len = info->client_cert != NULL ? hs->client.leaf_len : 0;
    info->records_in = conn->in.seq;
    info->records_out = conn->out.seq;
}

int tls13_export(const struct tls13_conn *conn, const char *label, const void *context, size_t context_len, void *out, size_t out_len)
{
    uint8_t secret[MAX_HASH], hash[SIG_MAX_HASH];
    if (!conn->connected || conn->err != 0)
        return -TLS13_E_CLOSED;
    const struct suite *suite = conn->suite;
    if (strlen(label) > 249 || out_len > 255U * suite->hash_len)
        return -TLS13_E_BAD_ARGUMENT;
    hash_once(suite->hash, "", 0, hash);
    kdf_derive(suite->hash, conn->exporter, label, hash, secret);
    hash_once(suite->hash, context, context_len, hash);
    kdf_expand_label(suite->hash, secret, "exporter", hash, suite->hash_len, out, out_len);
    WIPE(secret);
    return 0;
}
