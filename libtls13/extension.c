/* The extension table and its readers. */
#include "extension.h"

#include "limits.h"
#include "tls13.h"

/* A non-empty list of two-byte codes behind a length of `bytes`; anything else is malformed. */
static int read_codes(struct rd *body, size_t bytes, struct slice *out)
{
    struct rd list = bytes == 1 ? rd_vec8(body) : rd_vec16(body);
    *out = rd_rest(&list);
    return list.bad || out->n == 0 || out->n % 2 != 0 ? -TLS13_E_DECODE : 0;
}

/* RFC 6066 3: one host_name; names of other types are passed over. */
static int read_server_name(struct client_hello *ch, struct rd *body)
{
    struct rd list = rd_vec16(body);
    if (list.bad || rd_left(&list) == 0)
        return -TLS13_E_DECODE;
    while (rd_left(&list) != 0) {
        uint8_t type = rd_u8(&list);
        struct rd name = rd_vec16(&list);
        if (list.bad)
            return -TLS13_E_DECODE;
        if (type != 0)
            continue;
        if (ch->server_name.p != NULL) /* one name of a type at most */
            return -TLS13_E_ILLEGAL;
        ch->server_name = rd_rest(&name);
        if (ch->server_name.n == 0)
            return -TLS13_E_DECODE;
    }
    return 0;
}

static int read_groups(struct client_hello *ch, struct rd *body)
{
    return read_codes(body, 2, &ch->groups);
}

static int read_sigs(struct client_hello *ch, struct rd *body)
{
    return read_codes(body, 2, &ch->sigs);
}

static int read_sigs_cert(struct client_hello *ch, struct rd *body)
{
    return read_codes(body, 2, &ch->sigs_cert);
}

static int read_versions(struct client_hello *ch, struct rd *body)
{
    return read_codes(body, 1, &ch->versions);
}

/* RFC 7301 3.1: a non-empty list of non-empty names. */
static int read_alpn(struct client_hello *ch, struct rd *body)
{
    struct rd list = rd_vec16(body);
    ch->alpn = rd_rest(&list);
    if (list.bad || ch->alpn.n == 0)
        return -TLS13_E_DECODE;
    while (rd_left(&list) != 0) {
        struct rd name = rd_vec8(&list);
        if (list.bad || rd_left(&name) == 0)
            return -TLS13_E_DECODE;
    }
    return 0;
}

/* 4.2.8: entries of group and a non-empty key; the list itself may be empty (a client that asks for HelloRetryRequest). */
static int read_shares(struct client_hello *ch, struct rd *body)
{
    struct rd list = rd_vec16(body);
    ch->shares = rd_rest(&list);
    for (size_t n = 0; !list.bad && rd_left(&list) != 0; n++) {
        (void)rd_u16(&list);
        struct rd key = rd_vec16(&list);
        if (list.bad || rd_left(&key) == 0)
            return -TLS13_E_DECODE;
        if (n == LIMIT_SHARES)
            return -TLS13_E_ILLEGAL;
    }
    return list.bad ? -TLS13_E_DECODE : 0;
}

static int read_psk_modes(struct client_hello *ch, struct rd *body)
{
    struct rd list = rd_vec8(body);
    ch->psk_modes = rd_rest(&list);
    return list.bad || ch->psk_modes.n == 0 ? -TLS13_E_DECODE : 0;
}

/* 4.2.11: as many binders (32 to 255 bytes) as identities (1 to 2^16-1 bytes, and the age). */
static int read_psk(struct client_hello *ch, struct rd *body)
{
    struct rd ids = rd_vec16(body);
    ch->identities = rd_rest(&ids);
    ch->binders_at = (size_t)(body->p - ch->whole.p);
    struct rd binders = rd_vec16(body);
    ch->binders = rd_rest(&binders);
    if (ids.bad || binders.bad || ch->identities.n == 0 || ch->binders.n == 0)
        return -TLS13_E_DECODE;
    size_t n_binders = 0;
    for (; rd_left(&ids) != 0; ch->n_identities++) {
        struct rd id = rd_vec16(&ids);
        (void)rd_u32(&ids);
        if (ids.bad || rd_left(&id) == 0)
            return -TLS13_E_DECODE;
    }
    for (; rd_left(&binders) != 0; n_binders++) {
        struct rd binder = rd_vec8(&binders);
        if (binders.bad || rd_left(&binder) < 32)
            return -TLS13_E_DECODE;
    }
    return n_binders != ch->n_identities ? -TLS13_E_ILLEGAL : 0;
}

static int read_early_data(struct client_hello *ch, struct rd *body)
{
    (void)body; /* empty: the caller asks that all was eaten */
    ch->early_data = true;
    return 0;
}

static int read_cookie(struct client_hello *ch, struct rd *body)
{
    struct rd cookie = rd_vec16(body);
    ch->cookie = true;
    return cookie.bad || rd_left(&cookie) == 0 ? -TLS13_E_DECODE : 0;
}

/* The table of 4.2, with what later RFCs added to it.  Those without a reader are known by their place only. */
static const struct extension table[] = {
    { EXT_SERVER_NAME, IN_CH | IN_EE, read_server_name },
    { 1 /* max_fragment_length */, IN_CH | IN_EE, NULL },
    { 5 /* status_request */, IN_CH | IN_CR | IN_CT, NULL },
    { EXT_SUPPORTED_GROUPS, IN_CH | IN_EE, read_groups },
    { EXT_SIGNATURE_ALGORITHMS, IN_CH | IN_CR, read_sigs },
    { 14 /* use_srtp */, IN_CH | IN_EE, NULL },
    { 15 /* heartbeat */, IN_CH | IN_EE, NULL },
    { EXT_ALPN, IN_CH | IN_EE, read_alpn },
    { 18 /* signed_certificate_timestamp */, IN_CH | IN_CR | IN_CT, NULL },
    { 19 /* client_certificate_type */, IN_CH | IN_EE, NULL },
    { 20 /* server_certificate_type */, IN_CH | IN_EE, NULL },
    { EXT_PADDING, IN_CH, NULL },
    { 27 /* compress_certificate, RFC 8879 */, IN_CH | IN_CR, NULL },
    { 28 /* record_size_limit, RFC 8449 */, IN_CH | IN_EE, NULL },
    { EXT_PRE_SHARED_KEY, IN_CH | IN_SH, read_psk },
    { EXT_EARLY_DATA, IN_CH | IN_EE | IN_NST, read_early_data },
    { EXT_SUPPORTED_VERSIONS, IN_CH | IN_SH | IN_HRR, read_versions },
    { EXT_COOKIE, IN_CH | IN_HRR, read_cookie },
    { EXT_PSK_MODES, IN_CH, read_psk_modes },
    { EXT_CERTIFICATE_AUTHORITIES, IN_CH | IN_CR, NULL },
    { 48 /* oid_filters */, IN_CR, NULL },
    { 49 /* post_handshake_auth */, IN_CH, NULL },
    { EXT_SIGNATURE_ALGORITHMS_CERT, IN_CH | IN_CR, read_sigs_cert },
    { EXT_KEY_SHARE, IN_CH | IN_SH | IN_HRR, read_shares },
};

const struct extension *ext_find(uint16_t id)
{
    for (size_t i = 0; i < COUNT(table); i++)
        if (table[i].id == id)
            return &table[i];
    return NULL;
}

int ext_client_hello(struct client_hello *ch, struct rd *block)
{
    uint16_t seen[LIMIT_EXTENSIONS];
    size_t n = 0;
    while (!block->bad && rd_left(block) != 0) {
        uint16_t id = rd_u16(block);
        struct rd body = rd_vec16(block);
        if (block->bad)
            return -TLS13_E_DECODE;
        for (size_t i = 0; i < n; i++)
            if (seen[i] == id) /* 4.2: not more than one of a type */
                return -TLS13_E_ILLEGAL;
        if (n == COUNT(seen))
            return -TLS13_E_ILLEGAL;
        seen[n++] = id;
        if (ch->identities.p != NULL) /* 4.2.11: pre_shared_key is the last */
            return -TLS13_E_ILLEGAL;
        const struct extension *e = ext_find(id);
        if (e == NULL)
            continue;
        if ((e->where & IN_CH) == 0)
            return -TLS13_E_ILLEGAL;
        if (e->client_hello == NULL)
            continue;
        int err = e->client_hello(ch, &body);
        if (err < 0)
            return err;
        if (!rd_done(&body))
            return -TLS13_E_DECODE;
    }
    return block->bad ? -TLS13_E_DECODE : 0;
}
