/* A ClientHello taken apart, changed and put together again; and what extensions a server's messages hold. */
#ifndef EDIT_H
#define EDIT_H

#include "peer.h"

struct part {
    uint8_t b[8192];
    size_t n;
};

struct hello_parts {
    uint16_t version;
    uint8_t random[32];
    struct part session, suites, compression;
    struct {
        uint16_t id;
        struct part body;
    } ext[200];
    size_t n_ext;
};

static PEER_UNUSED void part_set(struct part *part, const void *bytes, size_t n)
{
    if (n > sizeof part->b)
        abort();
    if (n != 0)
        memcpy(part->b, bytes, n);
    part->n = n;
}

static PEER_UNUSED void part_of(struct part *part, struct rd r)
{
    part_set(part, r.p, rd_left(&r));
}

static PEER_UNUSED void hello_split(struct hello_parts *h, const uint8_t *msg, size_t n)
{
    struct rd r = rd_of(msg + 4, n - 4);
    h->version = rd_u16(&r);
    memcpy(h->random, rd_bytes(&r, 32), 32);
    part_of(&h->session, rd_vec8(&r));
    part_of(&h->suites, rd_vec16(&r));
    part_of(&h->compression, rd_vec8(&r));
    struct rd block = rd_vec16(&r);
    for (h->n_ext = 0; rd_left(&block) != 0; h->n_ext++) {
        h->ext[h->n_ext].id = rd_u16(&block);
        part_of(&h->ext[h->n_ext].body, rd_vec16(&block));
    }
    if (!rd_done(&r) || block.bad)
        abort();
}

static PEER_UNUSED size_t hello_join(const struct hello_parts *h, uint8_t *out, size_t cap)
{
    struct wr w = wr_of(out, cap);
    wr_u8(&w, MSG_CLIENT_HELLO);
    size_t body = wr_open(&w, 3);
    wr_u16(&w, h->version);
    wr_bytes(&w, h->random, 32);
    wr_u8(&w, (unsigned)h->session.n);
    wr_bytes(&w, h->session.b, h->session.n);
    wr_u16(&w, (unsigned)h->suites.n);
    wr_bytes(&w, h->suites.b, h->suites.n);
    wr_u8(&w, (unsigned)h->compression.n);
    wr_bytes(&w, h->compression.b, h->compression.n);
    size_t block = wr_open(&w, 2);
    for (size_t i = 0; i < h->n_ext; i++) {
        wr_u16(&w, h->ext[i].id);
        wr_u16(&w, (unsigned)h->ext[i].body.n);
        wr_bytes(&w, h->ext[i].body.b, h->ext[i].body.n);
    }
    wr_close(&w, block, 2);
    wr_close(&w, body, 3);
    if (w.bad)
        abort();
    return w.len;
}

/* The extension's body, or NULL. */
static PEER_UNUSED struct part *hello_ext(struct hello_parts *h, uint16_t id)
{
    for (size_t i = 0; i < h->n_ext; i++)
        if (h->ext[i].id == id)
            return &h->ext[i].body;
    return NULL;
}

/* Puts an extension in at place `at` (of the list as it is). */
static PEER_UNUSED void hello_insert(struct hello_parts *h, size_t at, uint16_t id, const void *body, size_t n)
{
    if (h->n_ext == COUNT(h->ext) || at > h->n_ext)
        abort();
    memmove(&h->ext[at + 1], &h->ext[at], (h->n_ext - at) * sizeof h->ext[0]);
    h->n_ext++;
    h->ext[at].id = id;
    part_set(&h->ext[at].body, body, n);
}

/* Gives an extension this body, a new one at the end. */
static PEER_UNUSED void hello_set(struct hello_parts *h, uint16_t id, const void *body, size_t n)
{
    struct part *there = hello_ext(h, id);
    if (there != NULL)
        part_set(there, body, n);
    else
        hello_insert(h, h->n_ext, id, body, n);
}

static PEER_UNUSED void hello_drop(struct hello_parts *h, uint16_t id)
{
    size_t k = 0;
    for (size_t i = 0; i < h->n_ext; i++)
        if (h->ext[i].id != id)
            h->ext[k++] = h->ext[i];
    h->n_ext = k;
}

/* The peer's ClientHello as parts, and back as the message that peer_send_hello() sends. */
static PEER_UNUSED void peer_split(struct peer *p, struct hello_parts *h)
{
    hello_split(h, p->hello_msg, p->hello_len);
}

static PEER_UNUSED int peer_send_parts(struct peer *p, const struct hello_parts *h)
{
    p->hello_len = hello_join(h, p->hello_msg, sizeof p->hello_msg);
    return peer_send_hello(p);
}

/* --- the server's messages ------------------------------------------------------------------------------------ */

struct ext_ids {
    uint16_t id[32];
    size_t n;
};

static PEER_UNUSED void ids_add(struct ext_ids *ids, struct rd block)
{
    while (rd_left(&block) != 0) {
        if (ids->n == COUNT(ids->id))
            abort();
        ids->id[ids->n++] = rd_u16(&block);
        (void)rd_vec16(&block);
    }
    if (block.bad)
        abort();
}

static PEER_UNUSED bool ids_have(const struct ext_ids *ids, uint16_t id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->id[i] == id)
            return true;
    return false;
}

/* The extensions of one of a server's messages, header included; those of every CertificateEntry. */
static PEER_UNUSED struct ext_ids ids_of(const uint8_t *msg, size_t n)
{
    struct ext_ids ids = { .n = 0 };
    struct rd r = rd_of(msg + 4, n - 4);
    switch (msg[0]) {
    case MSG_SERVER_HELLO:
        (void)rd_bytes(&r, 34);
        (void)rd_vec8(&r);
        (void)rd_bytes(&r, 3);
        ids_add(&ids, rd_vec16(&r));
        break;
    case MSG_ENCRYPTED_EXTENSIONS:
        ids_add(&ids, rd_vec16(&r));
        break;
    case MSG_CERTIFICATE_REQUEST:
        (void)rd_vec8(&r);
        ids_add(&ids, rd_vec16(&r));
        break;
    case MSG_NEW_SESSION_TICKET:
        (void)rd_bytes(&r, 8);
        (void)rd_vec8(&r);
        (void)rd_vec16(&r);
        ids_add(&ids, rd_vec16(&r));
        break;
    case MSG_CERTIFICATE: {
        (void)rd_vec8(&r);
        struct rd list = rd_vec24(&r);
        while (rd_left(&list) != 0) {
            (void)rd_vec24(&list);
            ids_add(&ids, rd_vec16(&list));
        }
        break;
    }
    default:
        return ids;
    }
    if (!rd_done(&r))
        abort();
    return ids;
}

/* The i-th of the server's encrypted messages so far; p NULL: there are not so many. */
static PEER_UNUSED struct slice peer_sent(const struct peer *p, size_t i)
{
    for (size_t at = 0; at + 4 <= p->n_messages;) {
        size_t n = 4 + load24(p->messages + at + 1);
        if (i-- == 0)
            return (struct slice){ p->messages + at, n };
        at += n;
    }
    return (struct slice){ NULL, 0 };
}

/* The same by type. */
static PEER_UNUSED struct slice peer_sent_type(const struct peer *p, uint8_t type)
{
    for (size_t i = 0;; i++) {
        struct slice m = peer_sent(p, i);
        if (m.p == NULL || m.p[0] == type)
            return m;
    }
}

#endif
