/* The client of peer.h: what it reads of the server, and the keys that come of it. */
#ifndef PEER_READ_H
#define PEER_READ_H

#include "peer_state.h"

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

#endif
