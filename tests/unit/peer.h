/*
 * A TLS 1.3 client for tests, made of the library's own lower rooms, that can also do everything wrong; and a server's connection
 * on the other end of two byte strings.  No sockets, no clock, no randomness but the test's.
 */
#ifndef PEER_H
#define PEER_H

#include "peer_hello.h"
#include "peer_read.h"

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

/* Data both ways over a connection that is made.  => whether it has arrived. */
static PEER_UNUSED bool peer_echo(struct peer *p)
{
    uint8_t rec[TLS13_HEAD + 5 + TLS13_TAIL + TLS13_UPDATE];
    p->n_data = p->n_app = 0;
    if (peer_send(p, CT_DATA, "question", 8) != TLS13_MORE || p->n_data != 8 || memcmp(p->data, "question", 8) != 0)
        return false;
    memcpy(rec + TLS13_HEAD, "reply", 5);
    p->n_out = tls13_seal(p->conn, rec, 5);
    memcpy(p->out, rec, p->n_out);
    return p->n_out == TLS13_HEAD + 5 + TLS13_TAIL && peer_read(p) && p->n_app == 5 && memcmp(p->app, "reply", 5) == 0;
}

#endif
