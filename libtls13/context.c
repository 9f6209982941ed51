/* The context: building it, sharing it, and the bytes a ticket is bound to. */
#include "context.h"

#include <stdlib.h>
#include <time.h>

#include "codes.h"
#include "kdf.h"
#include "random.h"
#include "transcript.h"

static int64_t real_clock(void *arg)
{
    struct timespec t;
    (void)arg;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int real_random(void *arg, void *out, size_t n)
{
    (void)arg;
    return random_bytes(out, n);
}

int64_t ctx_now_ms(const struct tls13_ctx *ctx)
{
    return ctx->clock(ctx->clock_arg);
}

int ctx_random(const struct tls13_ctx *ctx, void *out, size_t n)
{
    return ctx->random(ctx->random_arg, out, n) < 0 ? -TLS13_E_RANDOM : 0;
}

struct tls13_ctx *tls13_ctx_new(void)
{
    if (tls13_selftest() < 0)
        return NULL;
    struct tls13_ctx *ctx = calloc(1, sizeof *ctx);
    if (ctx == NULL)
        return NULL;
    ctx->refs = 1;
    ctx->clock = real_clock;
    ctx->random = real_random;
    ctx->tickets = 2;
    ctx->ticket_lifetime = 86400;
    ctx->names = names_new();
    if (ctx->names == NULL || tls13_ctx_set_suites(ctx, NULL, 0) < 0 || tls13_ctx_set_groups(ctx, NULL, 0) < 0 ||
        tls13_ctx_set_ticket_scope(ctx, "", 0) < 0) {
        tls13_ctx_unref(ctx);
        return NULL;
    }
    return ctx;
}

struct tls13_ctx *tls13_ctx_ref(struct tls13_ctx *ctx)
{
    ctx->refs++;
    return ctx;
}

static void free_strings(char **s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(s[i]);
    free(s);
}

void tls13_ctx_unref(struct tls13_ctx *ctx)
{
    if (ctx == NULL || --ctx->refs != 0)
        return;
    for (size_t i = 0; i < ctx->n_creds; i++)
        cred_free(ctx->creds[i]);
    free(ctx->creds);
    names_free(ctx->names);
    trust_free(ctx->trust);
    free_strings(ctx->alpn, ctx->n_alpn);
    free_strings(ctx->client_names, ctx->n_client_names);
    free(ctx->cert_request);
    explicit_bzero(ctx, sizeof *ctx);
    free(ctx);
}

/* --- credentials ------------------------------------------------------------------------------------------ */

static int add(struct tls13_ctx *ctx, const void *chain, size_t chain_len, const void *key, size_t key_len, tls13_sign_fn *sign, void *arg)
{
    struct credential *c;
    if (ctx->n_creds == UINT16_MAX)
        return -TLS13_E_BAD_ARGUMENT;
    int err = cred_load(&c, chain, chain_len, key, key_len, sign, arg);
    if (err < 0)
        return err;
    struct credential **more = realloc(ctx->creds, (ctx->n_creds + 1) * sizeof *more);
    if (more == NULL) {
        cred_free(c);
        return -TLS13_E_MEMORY;
    }
    ctx->creds = more;
    ctx->creds[ctx->n_creds++] = c;
    for (size_t i = 0; i < c->n_names; i++)
        if (names_add(ctx->names, c->names[i], (unsigned)ctx->n_creds - 1) < 0)
            return -TLS13_E_MEMORY;
    return (int)ctx->n_creds - 1;
}

int tls13_ctx_add_pem(struct tls13_ctx *ctx, const void *chain_pem, size_t chain_len, const void *key_pem, size_t key_len)
{
    return add(ctx, chain_pem, chain_len, key_pem, key_len, NULL, NULL);
}

int tls13_ctx_add_signer(struct tls13_ctx *ctx, const void *chain_pem, size_t chain_len, tls13_sign_fn *sign, void *arg)
{
    return sign == NULL ? -TLS13_E_BAD_ARGUMENT : add(ctx, chain_pem, chain_len, NULL, 0, sign, arg);
}

int tls13_ctx_cert_info(const struct tls13_ctx *ctx, int index, struct tls13_cert_info *info)
{
    if (index < 0 || (size_t)index >= ctx->n_creds)
        return -TLS13_E_BAD_ARGUMENT;
    *info = ctx->creds[index]->info;
    return 0;
}

int tls13_ctx_set_default(struct tls13_ctx *ctx, int index)
{
    if (index < 0 || (size_t)index >= ctx->n_creds)
        return -TLS13_E_BAD_ARGUMENT;
    ctx->default_cred = (unsigned)index;
    return 0;
}

int tls13_ctx_set_sni_strict(struct tls13_ctx *ctx, bool on)
{
    ctx->sni_strict = on;
    return 0;
}

/* --- protocol choices ------------------------------------------------------------------------------------- */

static int copy_strings(char ***to, size_t *count, const char *const *from, size_t n)
{
    char **copy = calloc(n + 1, sizeof *copy);
    if (copy == NULL)
        return -TLS13_E_MEMORY;
    for (size_t i = 0; i < n; i++)
        if ((copy[i] = strdup(from[i])) == NULL) {
            free_strings(copy, i);
            return -TLS13_E_MEMORY;
        }
    free_strings(*to, *count);
    *to = copy;
    *count = n;
    return 0;
}

int tls13_ctx_set_alpn(struct tls13_ctx *ctx, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (names[i][0] == '\0' || strlen(names[i]) > 255) /* RFC 7301 3.1 */
            return -TLS13_E_BAD_ARGUMENT;
    return copy_strings(&ctx->alpn, &ctx->n_alpn, names, n);
}

int tls13_ctx_set_suites(struct tls13_ctx *ctx, const uint16_t *ids, size_t n)
{
    static const uint16_t all[] = { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 };
    bool own_order = n != 0;
    if (n == 0) {
        ids = all;
        n = COUNT(all);
    }
    if (n > COUNT(ctx->suites))
        return -TLS13_E_BAD_ARGUMENT;
    for (size_t i = 0; i < n; i++) /* all of them first: a list that is refused leaves the old one whole */
        if (suite_by_id(ids[i]) == NULL)
            return -TLS13_E_BAD_ARGUMENT;
    for (size_t i = 0; i < n; i++)
        ctx->suites[i] = suite_by_id(ids[i]);
    ctx->n_suites = n;
    ctx->own_order = own_order;
    return 0;
}

int tls13_ctx_set_groups(struct tls13_ctx *ctx, const uint16_t *ids, size_t n)
{
    static const uint16_t all[] = { GROUP_X25519MLKEM768, GROUP_X25519, GROUP_SECP256R1, GROUP_SECP384R1 };
    if (n == 0) {
        ids = all;
        n = COUNT(all);
    }
    if (n > COUNT(ctx->groups))
        return -TLS13_E_BAD_ARGUMENT;
    for (size_t i = 0; i < n; i++)
        if (kex_by_id(ids[i]) == NULL)
            return -TLS13_E_BAD_ARGUMENT;
    for (size_t i = 0; i < n; i++)
        ctx->groups[i] = kex_by_id(ids[i]);
    ctx->n_groups = n;
    return 0;
}

/* --- client certificates ---------------------------------------------------------------------------------- */

/* Bytes of the authorities' names in a list of 4.2.4. */
static size_t names_len(const struct tls13_ctx *ctx)
{
    size_t n = 0;
    for (size_t i = 0; ctx->trust != NULL && i < trust_count(ctx->trust); i++)
        n += 2 + trust_name(ctx->trust, i).n;
    return n;
}

/*
 * CertificateRequest (RFC 8446 4.3.2): empty context, our signature_algorithms, and the authorities' names (4.2.4) when they fit 16 KiB:
 * all or none, since a client chooses by them, and has nothing to choose when its own is the one that is left out.  Built when
 * authentication or authorities change, sent as it is.
 */
static int build_request(struct tls13_ctx *ctx)
{
    free(ctx->cert_request);
    ctx->cert_request = NULL;
    ctx->cert_request_len = 0;
    if (ctx->client_auth == TLS13_CLIENT_AUTH_NONE)
        return 0;
    const size_t cap = 20480, most_names = 16000;
    uint8_t *buf = malloc(cap);
    if (buf == NULL)
        return -TLS13_E_MEMORY;
    struct wr w = wr_of(buf, cap);
    wr_u8(&w, MSG_CERTIFICATE_REQUEST);
    size_t body = wr_open(&w, 3);
    wr_u8(&w, 0);
    size_t exts = wr_open(&w, 2);
    wr_u16(&w, EXT_SIGNATURE_ALGORITHMS);
    size_t ext = wr_open(&w, 2), list = wr_open(&w, 2);
    size_t n;
    const struct sig_scheme *schemes = sig_schemes(&n);
    for (size_t i = 0; i < n; i++)
        wr_u16(&w, schemes[i].id);
    wr_close(&w, list, 2);
    wr_close(&w, ext, 2);
    if (names_len(ctx) != 0 && names_len(ctx) <= most_names) {
        wr_u16(&w, EXT_CERTIFICATE_AUTHORITIES);
        ext = wr_open(&w, 2);
        list = wr_open(&w, 2);
        for (size_t i = 0; i < trust_count(ctx->trust); i++) {
            struct slice name = trust_name(ctx->trust, i);
            wr_u16(&w, (unsigned)name.n);
            wr_bytes(&w, name.p, name.n);
        }
        wr_close(&w, list, 2);
        wr_close(&w, ext, 2);
    }
    wr_close(&w, exts, 2);
    wr_close(&w, body, 3);
    if (w.bad) {
        free(buf);
        return -TLS13_E_INTERNAL;
    }
    ctx->cert_request = buf;
    ctx->cert_request_len = w.len;
    return 0;
}

static void hash_more(struct transcript *t, const void *data, size_t n)
{
    uint8_t len[8];
    store64(len, n); /* lengths in front, so that no two policies read the same */
    transcript_add(t, len, sizeof len);
    transcript_add(t, data, n);
}

/* Sums up what every ticket of this context is bound to. */
static int build_policy(struct tls13_ctx *ctx)
{
    struct transcript t;
    uint8_t mode = (uint8_t)ctx->client_auth, digest[32] = { 0 }, out[MAX_HASH];
    transcript_init(&t, HASH_SHA256);
    hash_more(&t, ctx->scope, sizeof ctx->scope);
    hash_more(&t, &mode, 1);
    if (ctx->trust != NULL)
        trust_digest(ctx->trust, digest);
    hash_more(&t, digest, sizeof digest);
    for (size_t i = 0; i < ctx->n_client_names; i++)
        hash_more(&t, ctx->client_names[i], strlen(ctx->client_names[i]));
    transcript_hash(&t, out);
    memcpy(ctx->policy, out, sizeof ctx->policy);
    return build_request(ctx);
}

int tls13_ctx_set_client_auth(struct tls13_ctx *ctx, enum tls13_client_auth mode)
{
    if ((unsigned)mode > TLS13_CLIENT_AUTH_REQUIRE)
        return -TLS13_E_BAD_ARGUMENT;
    ctx->client_auth = mode;
    return build_policy(ctx);
}

static int need_trust(struct tls13_ctx *ctx)
{
    if (ctx->trust == NULL)
        ctx->trust = trust_new();
    return ctx->trust == NULL ? -TLS13_E_MEMORY : 0;
}

int tls13_ctx_set_client_ca(struct tls13_ctx *ctx, const void *pem, size_t len)
{
    int err = need_trust(ctx);
    if (err == 0)
        err = trust_add_ca(ctx->trust, pem, len);
    if (err < 0)
        return err;
    return err == 0 ? -TLS13_E_PEM : build_policy(ctx);
}

int tls13_ctx_set_client_crl(struct tls13_ctx *ctx, const void *crl, size_t len)
{
    int err = need_trust(ctx);
    if (err == 0)
        err = trust_add_crl(ctx->trust, crl, len);
    if (err < 0)
        return err;
    return err == 0 ? -TLS13_E_CRL_PARSE : build_policy(ctx);
}

int tls13_ctx_set_client_names(struct tls13_ctx *ctx, const char *const *names, size_t n)
{
    static const char *const kinds[] = { "dns:", "uri:", "cn:", "spki-sha256:" };
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < COUNT(kinds) && strncmp(names[i], kinds[k], strlen(kinds[k])) != 0)
            k++;
        if (k == COUNT(kinds) || strlen(names[i]) == strlen(kinds[k]) || strlen(names[i]) > 255 ||
            (k == 3 && strlen(names[i]) != strlen(kinds[k]) + 64))
            return -TLS13_E_BAD_ARGUMENT;
    }
    int err = copy_strings(&ctx->client_names, &ctx->n_client_names, names, n);
    return err < 0 ? err : build_policy(ctx);
}

/* --- tickets ---------------------------------------------------------------------------------------------- */

int tls13_ctx_set_tickets(struct tls13_ctx *ctx, unsigned count, uint32_t lifetime)
{
    if (count > LIMIT_TICKETS || lifetime > LIMIT_LIFETIME)
        return -TLS13_E_BAD_ARGUMENT;
    ctx->tickets = count;
    ctx->ticket_lifetime = lifetime;
    return 0;
}

int tls13_ctx_set_ticket_keys(struct tls13_ctx *ctx, const uint8_t *keys, size_t n)
{
    if (n > LIMIT_TICKET_KEYS)
        return -TLS13_E_BAD_ARGUMENT;
    WIPE(ctx->ring);
    if (n != 0)
        memcpy(ctx->ring.keys, keys, n * TLS13_TICKET_KEY);
    ctx->ring.n = n;
    return 0;
}

int tls13_ctx_set_ticket_scope(struct tls13_ctx *ctx, const void *scope, size_t len)
{
    hash_once(HASH_SHA256, scope, len, ctx->scope);
    return build_policy(ctx);
}

void ctx_profile(const struct tls13_ctx *ctx, const char *sni, const struct credential *cred, const char *alpn,
                 uint8_t out[static TICKET_PROFILE])
{
    struct transcript t;
    uint8_t hash[MAX_HASH];
    transcript_init(&t, HASH_SHA256);
    hash_more(&t, ctx->policy, sizeof ctx->policy);
    hash_more(&t, sni, strlen(sni));
    hash_more(&t, cred != NULL ? cred->info.sha256 : (const uint8_t *)"", cred != NULL ? sizeof cred->info.sha256 : 0);
    hash_more(&t, alpn != NULL ? alpn : "", alpn != NULL ? strlen(alpn) : 0);
    transcript_hash(&t, hash);
    memcpy(out, hash, TICKET_PROFILE);
}

/* --- hooks ------------------------------------------------------------------------------------------------ */

int tls13_ctx_set_keylog(struct tls13_ctx *ctx, tls13_keylog_fn *fn, void *arg)
{
    ctx->keylog = fn;
    ctx->keylog_arg = arg;
    return 0;
}

int tls13_ctx_set_clock(struct tls13_ctx *ctx, tls13_clock_fn *fn, void *arg)
{
    ctx->clock = fn != NULL ? fn : real_clock;
    ctx->clock_arg = arg;
    return 0;
}

int tls13_ctx_set_random(struct tls13_ctx *ctx, tls13_random_fn *fn, void *arg)
{
    ctx->random = fn != NULL ? fn : real_random;
    ctx->random_arg = arg;
    return 0;
}

int tls13_ctx_set_key_limit(struct tls13_ctx *ctx, uint64_t records)
{
    ctx->key_limit = records;
    return 0;
}

size_t tls13_ctx_max_flight(const struct tls13_ctx *ctx)
{
    size_t cert = 0;
    for (size_t i = 0; i < ctx->n_creds; i++)
        if (ctx->creds[i]->message_len > cert)
            cert = ctx->creds[i]->message_len;
    /* ServerHello with the hybrid share, CCS, EncryptedExtensions with the longest ALPN, CertificateVerify, Finished: under 3 KiB. */
    size_t bytes = 3072 + cert + ctx->cert_request_len + LIMIT_TICKETS * (TICKET_MAX + 64);
    return bytes + bytes / TLS13_MAX_PLAIN * (TLS13_HEAD + TLS13_TAIL);
}
