/* The client's certificate: chain, allow-list, and the proof that it holds the key (RFC 8446 4.4.2, 4.4.3). */
#include "handshake.h"

#include <stdio.h>
#include <strings.h>

/* Reads CertificateEntry after CertificateEntry into chain; => how many, or an error. */
static int read_chain(struct slice msg, struct slice chain[static LIMIT_CHAIN])
{
    struct rd r = rd_of(msg.p + 4, msg.n - 4);
    struct rd context = rd_vec8(&r), list = rd_vec24(&r);
    if (!rd_done(&r))
        return -TLS13_E_DECODE;
    if (rd_left(&context) != 0) /* 4.4.2: empty, as in our CertificateRequest */
        return -TLS13_E_ILLEGAL;
    int n = 0;
    while (rd_left(&list) != 0) {
        struct rd cert = rd_vec24(&list), exts = rd_vec16(&list);
        if (list.bad || rd_left(&cert) == 0)
            return -TLS13_E_DECODE;
        if (rd_left(&exts) != 0) {
            (void)rd_u16(&exts);
            (void)rd_vec16(&exts);
            return exts.bad ? -TLS13_E_DECODE : -TLS13_E_UNSUPPORTED_EXTENSION; /* we asked for none (4.2) */
        }
        if (n == LIMIT_CHAIN)
            return -TLS13_E_BAD_CERT;
        chain[n++] = rd_rest(&cert);
    }
    return n;
}

/* A name out of a certificate is shown only when it is plain text: no NUL, no control (traps of haproxy); blanks in a commonName alone. */
static bool plain(struct slice name, bool blanks)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < (blanks ? 0x20 : 0x21) || name.p[i] >= 0x7f)
            return false;
    return name.n != 0;
}

static bool set_name(struct handshake *hs, const char *kind, struct slice name)
{
    char text[sizeof hs->client_name + 8];
    if (!plain(name, kind[0] == 'c') || (size_t)snprintf(text, sizeof text, "%s%.*s", kind, (int)name.n, (const char *)name.p) > 255)
        return false;
    memcpy(hs->client_name, text, strlen(text) + 1);
    return true;
}

/* The commonName as it stands, for those who route by it: no control characters, no more than X.520 allows. */
static void set_cn(struct handshake *hs, struct slice cn)
{
    size_t n = cn.n < sizeof hs->client_cn ? cn.n : 0;
    for (size_t i = 0; i < n; i++)
        if (cn.p[i] < 0x20 || cn.p[i] == 0x7f)
            n = 0;
    memcpy(hs->client_cn, cn.p, n);
    hs->client_cn[n] = '\0';
}

/* Every byte is compared: what has a NUL in it is no entry's equal. */
static bool same(const char *want, struct slice name, bool fold)
{
    if (strlen(want) != name.n)
        return false;
    return fold ? strncasecmp(want, (const char *)name.p, name.n) == 0 : memcmp(want, name.p, name.n) == 0;
}

static bool spki_is(const struct handshake *hs, const char *hex)
{
    char text[65];
    for (size_t i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", hs->client_spki[i]);
    return strcasecmp(hex, text) == 0;
}

/* Does an entry of the allow-list name this certificate? */
static bool allows(const struct handshake *hs, const struct x509 *x, const char *entry)
{
    const char *want = strchr(entry, ':') + 1;
    struct slice name;
    size_t at = 0;
    switch (entry[0]) {
    case 'd':
        while (x509_san_next(x, SAN_DNS, &at, &name))
            if (same(want, name, true))
                return true;
        return false;
    case 'u':
        while (x509_san_next(x, SAN_URI, &at, &name))
            if (same(want, name, false))
                return true;
        return false;
    case 'c':
        return same(want, x->cn, false);
    default:
        return spki_is(hs, want);
    }
}

/* The name the connection goes by: the entry that allowed it, else its first DNS name, URI or CN. */
static int name_client(const struct tls13_ctx *ctx, struct handshake *hs, const struct x509 *x)
{
    struct slice name;
    size_t at = 0;
    for (size_t i = 0; i < ctx->n_client_names; i++)
        if (allows(hs, x, ctx->client_names[i])) {
            memcpy(hs->client_name, ctx->client_names[i], strlen(ctx->client_names[i]) + 1);
            return 0;
        }
    if (ctx->n_client_names != 0)
        return -TLS13_E_ACCESS_DENIED;
    while (x509_san_next(x, SAN_DNS, &at, &name))
        if (set_name(hs, "dns:", name))
            return 0;
    for (at = 0; x509_san_next(x, SAN_URI, &at, &name);)
        if (set_name(hs, "uri:", name))
            return 0;
    (void)set_name(hs, "cn:", x->cn);
    return 0;
}

static int judge(struct tls13_conn *conn, const struct slice *chain, size_t n)
{
    struct handshake *hs = conn->hs;
    const struct tls13_ctx *ctx = conn->ctx;
    struct x509 leaf;
    if (chain[0].n > LIMIT_LEAF || x509_parse(&leaf, chain[0].p, chain[0].n) < 0)
        return -TLS13_E_BAD_CERT;
    if (!leaf.key_supported)
        return -TLS13_E_UNSUPPORTED_CERT;
    if (leaf.has_key_usage && !leaf.digital_signature) /* 4.4.2.2 */
        return -TLS13_E_BAD_CERT;
    if (ctx->trust == NULL)
        return -TLS13_E_UNKNOWN_CA;
    int err = trust_verify(ctx->trust, chain, n, ctx_now_ms(ctx) / 1000, &hs->client_until);
    if (err < 0)
        return err;
    hash_once(HASH_SHA256, leaf.spki.p, leaf.spki.n, hs->client_spki);
    if ((err = name_client(ctx, hs, &leaf)) < 0)
        return err;
    set_cn(hs, leaf.cn);
    memcpy(hs->client.leaf, chain[0].p, chain[0].n);
    hs->client.leaf_len = chain[0].n;
    return 0;
}

int take_certificate(struct tls13_conn *conn, struct slice msg)
{
    struct slice chain[LIMIT_CHAIN];
    int n = read_chain(msg, chain);
    if (n < 0)
        return n;
    if (n == 0) {
        if (conn->ctx->client_auth == TLS13_CLIENT_AUTH_REQUIRE)
            return -TLS13_E_CERT_REQUIRED; /* 4.4.2.4 */
        conn->state = ST_FINISHED;         /* and no CertificateVerify */
    } else {
        int err = judge(conn, chain, (size_t)n);
        if (err < 0)
            return err;
        conn->state = ST_VERIFY;
    }
    transcript_add(&conn->hs->transcript, msg.p, msg.n);
    return 0;
}

int take_verify(struct tls13_conn *conn, struct slice msg)
{
    struct handshake *hs = conn->hs;
    struct rd r = rd_of(msg.p + 4, msg.n - 4);
    uint16_t id = rd_u16(&r);
    struct rd sig = rd_vec16(&r);
    struct x509 leaf;
    uint8_t hash[SIG_MAX_HASH];
    if (!rd_done(&r))
        return -TLS13_E_DECODE;
    const struct sig_scheme *scheme = sig_by_id(id);
    if (scheme == NULL) /* 4.4.3: one of those we offered */
        return -TLS13_E_ILLEGAL;
    if (x509_parse(&leaf, hs->client.leaf, hs->client.leaf_len) < 0)
        return -TLS13_E_INTERNAL;
    verify_hash(hs, scheme->hash, false, hash);
    int err = sig_verify(&leaf.key, scheme, hash, sig.p, rd_left(&sig));
    if (err < 0)
        return err;
    hs->client_cert = true;
    transcript_add(&hs->transcript, msg.p, msg.n);
    conn->state = ST_FINISHED;
    return 0;
}
