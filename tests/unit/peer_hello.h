/* The client of peer.h: its ClientHello, by the options in hand. */
#ifndef PEER_HELLO_H
#define PEER_HELLO_H

#include "peer_state.h"

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

#endif
