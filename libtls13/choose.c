/* The choice, one function a question. */
#include "choose.h"

static const uint16_t VERSION_13 = 0x0304, SSL_30 = 0x0300;

/* Server order; under the default order a client that names ChaCha20 first gets it, since it has no AES instructions. */
static const struct suite *choose_suite(const struct tls13_ctx *ctx, struct slice offered)
{
    if (!ctx->own_order)
        for (size_t i = 0; i + 1 < offered.n; i += 2) {
            const struct suite *s = suite_by_id(load16(offered.p + i));
            if (s == NULL)
                continue;
            if (s->id == TLS_CHACHA20_POLY1305_SHA256)
                return s;
            break;
        }
    for (size_t i = 0; i < ctx->n_suites; i++)
        if (ch_lists(offered, ctx->suites[i]->id))
            return ctx->suites[i];
    return NULL;
}

/*
 * A share may only be for a group the client lists, and only one for each (4.2.8).  Known or not, the rule is the same.
 */
static int check_shares(const struct client_hello *ch)
{
    struct rd r = rd_of(ch->shares.p, ch->shares.n);
    while (rd_left(&r) != 0) {
        const uint8_t *here = r.p;
        uint16_t group = rd_u16(&r);
        (void)rd_vec16(&r);
        if (!ch_lists(ch->groups, group))
            return -TLS13_E_ILLEGAL;
        struct rd before = rd_of(ch->shares.p, (size_t)(here - ch->shares.p));
        while (rd_left(&before) != 0) {
            if (rd_u16(&before) == group)
                return -TLS13_E_ILLEGAL;
            (void)rd_vec16(&before);
        }
    }
    return 0;
}

static struct slice find_share(struct slice shares, uint16_t group)
{
    struct rd r = rd_of(shares.p, shares.n);
    while (rd_left(&r) != 0) {
        uint16_t id = rd_u16(&r);
        struct rd key = rd_vec16(&r);
        if (id == group)
            return rd_rest(&key);
    }
    return (struct slice){ NULL, 0 };
}

/* A group with a share first, in server order; else the first in common, by HelloRetryRequest (4.1.4). */
static int choose_group(const struct tls13_ctx *ctx, const struct client_hello *ch, struct choice *c)
{
    for (size_t i = 0; i < ctx->n_groups; i++) {
        c->share = find_share(ch->shares, ctx->groups[i]->id);
        if (c->share.p == NULL)
            continue;
        c->group = ctx->groups[i];
        return c->share.n == c->group->client_len ? 0 : -TLS13_E_ILLEGAL;
    }
    for (size_t i = 0; i < ctx->n_groups; i++)
        if (ch_lists(ch->groups, ctx->groups[i]->id)) {
            c->group = ctx->groups[i];
            return 0;
        }
    return -TLS13_E_NO_COMMON;
}

/* The scheme a credential can sign with for this client, or NULL. */
static const struct sig_scheme *common_scheme(const struct credential *cred, struct slice offered)
{
    for (size_t i = 0; i < cred->n_schemes; i++)
        if (ch_lists(offered, cred->schemes[i]))
            return sig_by_id(cred->schemes[i]);
    return NULL;
}

/* True when every signature in the chain is of an algorithm the client named for certificates (4.2.3). */
static bool chain_suits(const struct credential *cred, const struct client_hello *ch)
{
    struct slice offered = ch->sigs_cert.p != NULL ? ch->sigs_cert : ch->sigs;
    for (size_t i = 0; i < cred->n_chain_sigs; i++)
        if (!ch_lists(offered, cred->chain_sigs[i]))
            return false;
    return true;
}

/* Credentials of the name, or the default one and its fellows of the same name; => how many. */
static size_t candidates(const struct tls13_ctx *ctx, const char *sni, const uint16_t **list, uint16_t *fallback, bool *named)
{
    size_t n = sni[0] != '\0' ? names_find(ctx->names, sni, strlen(sni), list) : 0;
    *named = n != 0;
    if (n != 0 || ctx->sni_strict)
        return n;
    const struct credential *cred = ctx->creds[ctx->default_cred];
    if (cred->n_names != 0) {
        n = names_find(ctx->names, cred->names[0], strlen(cred->names[0]), list);
        for (size_t i = 0; i < n; i++)
            if ((*list)[i] == ctx->default_cred)
                return n;
    }
    *fallback = (uint16_t)ctx->default_cred;
    *list = fallback;
    return 1;
}

/*
 * Among the candidates: one that can sign for this client; a chain that suits before one that does not (4.4.2.2); ECDSA before RSA,
 * since it is cheaper for both ends.
 */
static int choose_credential(const struct tls13_ctx *ctx, const struct client_hello *ch, const char *sni, struct choice *c)
{
    const uint16_t *list = NULL;
    uint16_t fallback;
    int best = -1;
    size_t n = candidates(ctx, sni, &list, &fallback, &c->named);
    if (n == 0)
        return -TLS13_E_UNKNOWN_NAME;
    for (size_t i = 0; i < n; i++) {
        const struct credential *cred = ctx->creds[list[i]];
        const struct sig_scheme *scheme = common_scheme(cred, ch->sigs);
        bool ecdsa = cred->type == KEY_P256 || cred->type == KEY_P384;
        int score = (scheme != NULL ? 4 : 0) + (chain_suits(cred, ch) ? 2 : 0) + (ecdsa ? 1 : 0);
        if (score <= best)
            continue;
        best = score;
        c->credential = list[i];
        c->scheme = scheme;
    }
    if (c->scheme != NULL)
        return 0;
    c->err = ch->sigs.p == NULL ? -TLS13_E_MISSING_EXTENSION : -TLS13_E_NO_COMMON; /* 4.2.3, 9.2 */
    return ch->identities.p != NULL && c->psk_dhe ? 0 : c->err;
}

/* Server order; none in common is fatal (RFC 7301 3.2).  Without a list of our own ALPN is ignored. */
static int choose_alpn(const struct tls13_ctx *ctx, const struct client_hello *ch, struct choice *c)
{
    if (ctx->n_alpn == 0 || ch->alpn.p == NULL)
        return 0;
    for (size_t i = 0; i < ctx->n_alpn; i++) {
        size_t len = strlen(ctx->alpn[i]);
        struct rd r = rd_of(ch->alpn.p, ch->alpn.n);
        while (rd_left(&r) != 0) {
            struct rd name = rd_vec8(&r);
            if (rd_left(&name) == len && memcmp(name.p, ctx->alpn[i], len) == 0) {
                c->alpn = ctx->alpn[i];
                return 0;
            }
        }
    }
    return -TLS13_E_NO_ALPN;
}

int choose(const struct tls13_ctx *ctx, const struct client_hello *ch, const char *sni, struct choice *c)
{
    int err;
    memset(c, 0, sizeof *c);
    if (!ch_lists(ch->versions, VERSION_13))
        return -TLS13_E_VERSION; /* 4.2.1 */
    if (ch->legacy_version <= SSL_30)
        return -TLS13_E_VERSION; /* D.5, whatever supported_versions says */
    if (ch->compression.n != 1 || ch->compression.p[0] != 0)
        return -TLS13_E_ILLEGAL; /* 4.1.2 */
    if ((ch->groups.p == NULL) != (ch->shares.p == NULL) || ch->groups.p == NULL)
        return -TLS13_E_MISSING_EXTENSION; /* 9.2; without (EC)DHE there is nothing we would do */
    if (ch->identities.p != NULL && ch->psk_modes.p == NULL)
        return -TLS13_E_MISSING_EXTENSION; /* 4.2.9 */
    if (ch->early_data && ch->identities.p == NULL)
        return -TLS13_E_ILLEGAL; /* 4.2.10: early data is sent under a PSK */
    if ((c->suite = choose_suite(ctx, ch->suites)) == NULL)
        return -TLS13_E_NO_COMMON;
    if ((err = check_shares(ch)) < 0)
        return err;
    if ((err = choose_group(ctx, ch, c)) < 0)
        return err;
    for (size_t i = 0; i < ch->psk_modes.n; i++)
        c->psk_dhe |= ch->psk_modes.p[i] == 1;
    if (ctx->n_creds == 0)
        return -TLS13_E_NO_CREDENTIAL;
    if ((err = choose_credential(ctx, ch, sni, c)) < 0)
        return err;
    return choose_alpn(ctx, ch, c);
}
