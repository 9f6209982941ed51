/* Chains of certificates made to measure: any length, any size, each signed by the next one's key. */
#ifndef FORGE_H
#define FORGE_H

#include "credential.h"
#include "der.h"
#include "kdf.h"
#include "peer.h"
#include "pem.h"

enum { FORGE_MOST = 16, FORGE_ROOM = 20000 };

/* cert[0] is the leaf, each is signed by the key of the one behind it, the last by its own. */
struct forge {
    struct {
        struct private_key key;
        uint8_t der[FORGE_ROOM];
        size_t len;
        uint8_t serial;       /* 0: one more than its number */
        const char *ends;     /* UTCTime; NULL: the end of 2049 */
        const uint8_t *extra; /* one more extension, whole */
        size_t extra_len;
    } cert[FORGE_MOST];
    size_t n;
    uint8_t message[FORGE_ROOM];
    struct credential cred; /* for peer_handshake(): all but the last one */
};

static PEER_UNUSED void forge_element(struct wr *w, uint8_t tag, const void *body, size_t n)
{
    wr_u8(w, tag);
    if (n >= 0x80)
        wr_u8(w, n > 0xff ? 0x82 : 0x81);
    if (n > 0xff)
        wr_u16(w, (unsigned)n);
    else
        wr_u8(w, (unsigned)n);
    wr_bytes(w, body, n);
}

/* The key with this number on P-256 or P-384 (RFC 5915 3). */
static PEER_UNUSED void forge_key(struct private_key *key, bool p384, uint8_t number)
{
    static const uint8_t p256_oid[] = { 0xa0, 10, DER_OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    static const uint8_t p384_oid[] = { 0xa0, 7, DER_OID, 5, 0x2b, 0x81, 4, 0, 0x22 };
    uint8_t scalar[48] = { [1] = 7, [20] = number }, body[128], der[160];
    struct wr b = wr_of(body, sizeof body), w = wr_of(der, sizeof der);
    wr_bytes(&b, (const uint8_t[]){ DER_INTEGER, 1, 1 }, 3);
    forge_element(&b, DER_OCTET_STRING, scalar, p384 ? 48 : 32);
    wr_bytes(&b, p384 ? p384_oid : p256_oid, p384 ? sizeof p384_oid : sizeof p256_oid);
    forge_element(&w, DER_SEQUENCE, body, b.len);
    if (key_parse(key, "EC PRIVATE KEY", der, w.len) < 0)
        abort();
}

static PEER_UNUSED void forge_name(struct wr *w, size_t number)
{
    uint8_t rdn[] = { DER_SEQUENCE, 12, DER_SET, 10, DER_SEQUENCE, 8, DER_OID, 3, 0x55, 4, 3, 0x0c, 1, (uint8_t)('a' + number) };
    wr_bytes(w, rdn, sizeof rdn);
}

static PEER_UNUSED void forge_spki(struct wr *w, const struct private_key *key)
{
    static const uint8_t p256[] = { 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    static const uint8_t p384[] = { 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22 };
    bool wide = key->type == KEY_P384;
    size_t n = wide ? 97 : 65;
    uint8_t point[98] = { 0 }, body[160];
    struct wr b = wr_of(body, sizeof body);
    memcpy(point + 1, key->point, n);
    wr_bytes(&b, wide ? p384 : p256, wide ? sizeof p384 : sizeof p256);
    forge_element(&b, DER_BIT_STRING, point, n + 1);
    forge_element(w, DER_SEQUENCE, body, b.len);
}

/* Extensions: basicConstraints of a CA, an extra one, and pad bytes that nobody knows. */
static PEER_UNUSED void forge_extensions(struct wr *w, bool ca, struct slice extra, size_t pad)
{
    static const uint8_t constraints[] = { 0x30, 15, 6, 3, 0x55, 0x1d, 19, 1, 1, 0xff, 4, 5, 0x30, 3, 1, 1, 0xff };
    static const uint8_t unknown[] = { DER_OID, 4, 0x2b, 6, 1, 0x7f }, zero[FORGE_ROOM];
    static uint8_t ext[FORGE_ROOM], list[FORGE_ROOM], seq[FORGE_ROOM];
    struct wr e = wr_of(ext, sizeof ext), l = wr_of(list, sizeof list), s = wr_of(seq, sizeof seq);
    wr_bytes(&e, unknown, sizeof unknown);
    forge_element(&e, DER_OCTET_STRING, zero, pad);
    if (ca)
        wr_bytes(&l, constraints, sizeof constraints);
    wr_bytes(&l, extra.p, extra.n);
    forge_element(&l, DER_SEQUENCE, ext, e.len);
    forge_element(&s, DER_SEQUENCE, list, l.len);
    forge_element(w, DER_CONTEXT(3), seq, s.len);
}

/* The certificate of number i, from 2020 on, by the key of number `by`. */
static PEER_UNUSED void forge_one(struct forge *f, size_t i, size_t by, size_t pad)
{
    static const uint8_t version[] = { DER_CONTEXT(0), 3, DER_INTEGER, 1, 2 },
                         ecdsa[] = { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3 };
    static const char begins[] = "\x30\x1e\x17\x0d"
                                 "200101000000Z"
                                 "\x17\x0d";
    static uint8_t body[FORGE_ROOM], tbs[FORGE_ROOM];
    const struct private_key *key = &f->cert[by].key;
    const struct sig_scheme *scheme = sig_by_id(key->type == KEY_P384 ? SIG_ECDSA_P384 : SIG_ECDSA_P256);
    uint8_t serial = f->cert[i].serial != 0 ? f->cert[i].serial : (uint8_t)(i + 1), hash[SIG_MAX_HASH], sig[SIG_MAX + 1] = { 0 },
            arc = key->type == KEY_P384 ? 3 : 2;
    struct wr b = wr_of(body, sizeof body), t = wr_of(tbs, sizeof tbs), w = wr_of(f->cert[i].der, FORGE_ROOM);
    wr_bytes(&b, version, sizeof version);
    forge_element(&b, DER_INTEGER, &serial, 1);
    wr_bytes(&b, ecdsa, sizeof ecdsa);
    wr_u8(&b, arc);
    forge_name(&b, by);
    wr_bytes(&b, begins, sizeof begins - 1);
    wr_bytes(&b, f->cert[i].ends != NULL ? f->cert[i].ends : "491231000000Z", 13);
    forge_name(&b, i);
    forge_spki(&b, &f->cert[i].key);
    forge_extensions(&b, i != 0, (struct slice){ f->cert[i].extra, f->cert[i].extra_len }, pad);
    forge_element(&t, DER_SEQUENCE, body, b.len);
    hash_once((enum hash_id)scheme->hash, tbs, t.len, hash);
    int n = sig_sign(key, scheme, hash, NULL, sig + 1);
    wr_bytes(&t, ecdsa, sizeof ecdsa);
    wr_u8(&t, arc);
    forge_element(&t, DER_BIT_STRING, sig, 1U + (size_t)(n > 0 ? n : 0));
    forge_element(&w, DER_SEQUENCE, tbs, t.len);
    if (n <= 0 || b.bad || t.bad || w.bad)
        abort();
    f->cert[i].len = w.len;
}

/* Certificate number i with exactly `len` bytes: an ECDSA signature has two lengths in three, so that one tries. */
static PEER_UNUSED void forge_to_length(struct forge *f, size_t i, size_t by, size_t len)
{
    size_t pad = 0;
    for (int tries = 0; tries < 200; tries++) {
        forge_one(f, i, by, pad);
        if (f->cert[i].len == len)
            return;
        pad = f->cert[i].len < len || f->cert[i].len - len <= pad ? pad + len - f->cert[i].len : 0;
    }
    abort();
}

/* A chain of n certificates, the last of which is self-signed; p384: on which curve the keys are. */
static PEER_UNUSED void forge_chain(struct forge *f, size_t n, bool p384)
{
    f->n = n;
    for (size_t i = 0; i < n; i++)
        forge_key(&f->cert[i].key, p384, (uint8_t)i);
    for (size_t i = 0; i < n; i++)
        forge_one(f, i, i + 1 < n ? i + 1 : i, 1);
}

/* The Certificate message of all but the last one. */
static PEER_UNUSED const struct credential *forge_credential(struct forge *f)
{
    struct wr w = wr_of(f->message, sizeof f->message);
    wr_u8(&w, MSG_CERTIFICATE);
    size_t body = wr_open(&w, 3);
    wr_u8(&w, 0);
    size_t list = wr_open(&w, 3);
    for (size_t i = 0; i + 1 < f->n; i++) {
        wr_u24(&w, (uint32_t)f->cert[i].len);
        wr_bytes(&w, f->cert[i].der, f->cert[i].len);
        wr_u16(&w, 0);
    }
    wr_close(&w, list, 3);
    wr_close(&w, body, 3);
    if (w.bad)
        abort();
    f->cred = (struct credential){ .key = f->cert[0].key, .message = f->message, .message_len = w.len };
    f->cred.schemes[0] = f->cred.key.type == KEY_P384 ? SIG_ECDSA_P384 : SIG_ECDSA_P256;
    return &f->cred;
}

/* A context that wants a client certificate under the last one. */
static PEER_UNUSED struct tls13_ctx *forge_ctx(const struct forge *f)
{
    static char pem[2 * FORGE_ROOM];
    struct tls13_ctx *ctx = test_ctx();
    size_t n = pem_write(pem, sizeof pem, "CERTIFICATE", f->cert[f->n - 1].der, f->cert[f->n - 1].len);
    if (n == 0 || tls13_ctx_set_client_ca(ctx, pem, n) < 0 || tls13_ctx_set_client_auth(ctx, TLS13_CLIENT_AUTH_REQUIRE) < 0)
        abort();
    return ctx;
}

static PEER_UNUSED void forge_free(struct forge *f)
{
    for (size_t i = 0; i < f->n; i++)
        key_wipe(&f->cert[i].key);
}

#endif
