/* choose(): what is offered, what is configured, what comes out; a table, and no connection anywhere. */
#include "unit.h"

#include "choose.h"
#include "extension.h"

#include "fixtures.h"

#define CODES(...)     \
    {                  \
        __VA_ARGS__, 0 \
    }                                   /* ends at 0 */
enum { NONE = 0xffff, EMPTY = 0xfffe }; /* in a row: the extension is not there, or its list is empty */

/* Every context's credentials, by index. */
enum { ECDSA, RSA, SECOND, P384 };

struct row {
    const char *what;
    /* offered; nothing said: the plain case below */
    uint16_t suites[6], groups[6], shares[6], sigs[6], sigs_cert[4], versions[5];
    const char *sni, *alpn, *modes;
    bool psk, early, no_modes;
    /* configured */
    uint16_t our_suites[3], our_groups[4];
    bool strict;
    uint16_t chain; /* what the ECDSA leaf is signed with, where not by ECDSA */
    unsigned fallback;
    /* expected */
    int err;
    uint16_t suite, group, scheme;
    bool retry;
    int credential;
    const char *protocol;
};

static const struct row rows[] = {
    { .what = "the plain case" },
    /* --- version */
    { .what = "1.3 among others", .versions = CODES(0x0303, 0x0304) },
    { .what = "1.3 behind GREASE", .versions = CODES(0x3a3a, 0x0304, 0x0303) },
    { .what = "no 1.3", .versions = CODES(0x0303, 0x0302), .err = TLS13_E_VERSION },
    { .what = "a draft", .versions = CODES(0x7f1c), .err = TLS13_E_VERSION },
    { .what = "no list of versions", .versions = CODES(NONE), .err = TLS13_E_VERSION },
    /* --- suite */
    { .what = "our order",
      .suites = CODES(TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256),
      .suite = TLS_AES_128_GCM_SHA256 },
    { .what = "ChaCha20 first",
      .suites = CODES(TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256),
      .suite = TLS_CHACHA20_POLY1305_SHA256 },
    { .what = "ChaCha20 first behind GREASE",
      .suites = CODES(0x2a2a, TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256),
      .suite = TLS_CHACHA20_POLY1305_SHA256 },
    { .what = "ChaCha20 second", .suites = CODES(TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256), .suite = TLS_AES_256_GCM_SHA384 },
    { .what = "ChaCha20 first, against an order that was set",
      .suites = CODES(TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256),
      .our_suites = { TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256 },
      .suite = TLS_AES_128_GCM_SHA256 },
    { .what = "an order that was set",
      .suites = CODES(TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384),
      .our_suites = { TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256 },
      .suite = TLS_AES_256_GCM_SHA384 },
    { .what = "a suite that was left out",
      .suites = CODES(TLS_AES_128_GCM_SHA256),
      .our_suites = { TLS_AES_256_GCM_SHA384 },
      .err = TLS13_E_NO_COMMON },
    { .what = "no suite in common", .suites = CODES(0x1304, 0xc02b), .err = TLS13_E_NO_COMMON },
    /* --- group */
    { .what = "hybrid first", .shares = CODES(GROUP_X25519, GROUP_X25519MLKEM768), .group = GROUP_X25519MLKEM768 },
    { .what = "a share sent before a better group", .shares = CODES(GROUP_SECP384R1), .group = GROUP_SECP384R1 },
    { .what = "no share", .shares = CODES(EMPTY), .group = GROUP_X25519MLKEM768, .retry = true },
    { .what = "a share of an unknown group",
      .groups = CODES(0x2a2a, GROUP_SECP256R1),
      .shares = CODES(0x2a2a),
      .group = GROUP_SECP256R1,
      .retry = true },
    { .what = "a group of ours without a share",
      .groups = CODES(GROUP_SECP384R1),
      .shares = CODES(EMPTY),
      .group = GROUP_SECP384R1,
      .retry = true },
    { .what = "groups that were set",
      .our_groups = { GROUP_SECP256R1, GROUP_X25519 },
      .shares = CODES(GROUP_X25519, GROUP_SECP256R1),
      .group = GROUP_SECP256R1 },
    { .what = "a share of a group that was left out",
      .our_groups = { GROUP_SECP256R1 },
      .shares = CODES(GROUP_X25519),
      .group = GROUP_SECP256R1,
      .retry = true },
    { .what = "no group in common", .groups = CODES(0x0019, 0x0100), .shares = CODES(0x0019), .err = TLS13_E_NO_COMMON },
    { .what = "a share for a group that is not listed",
      .groups = CODES(GROUP_SECP256R1),
      .shares = CODES(GROUP_X25519),
      .err = TLS13_E_ILLEGAL },
    { .what = "two shares for a group", .shares = CODES(GROUP_X25519, GROUP_X25519), .err = TLS13_E_ILLEGAL },
    { .what = "groups without shares", .shares = CODES(NONE), .err = TLS13_E_MISSING_EXTENSION },
    { .what = "shares without groups", .groups = CODES(NONE), .err = TLS13_E_MISSING_EXTENSION },
    { .what = "neither", .groups = CODES(NONE), .shares = CODES(NONE), .err = TLS13_E_MISSING_EXTENSION },
    /* --- credential and scheme */
    { .what = "ECDSA before RSA", .sigs = CODES(SIG_PSS_RSAE_SHA256, SIG_ECDSA_P256), .credential = ECDSA, .scheme = SIG_ECDSA_P256 },
    { .what = "RSA for who has no ECDSA", .sigs = CODES(SIG_PSS_RSAE_SHA256), .credential = RSA, .scheme = SIG_PSS_RSAE_SHA256 },
    { .what = "a longer hash", .sigs = CODES(SIG_PSS_RSAE_SHA512, SIG_PSS_RSAE_SHA384), .credential = RSA, .scheme = SIG_PSS_RSAE_SHA384 },
    { .what = "ECDSA is bound to its curve", .sni = "second.example", .sigs = CODES(SIG_ECDSA_P384, 0x0603), .err = TLS13_E_NO_COMMON },
    { .what = "PKCS #1 is for certificates", .sigs = CODES(0x0401, 0x0501, 0x0201), .err = TLS13_E_NO_COMMON },
    { .what = "rsa_pss_pss wants another key", .sigs = CODES(SIG_PSS_PSS_SHA256), .err = TLS13_E_NO_COMMON },
    { .what = "SHA-1", .sigs = CODES(0x0203, 0x0201), .err = TLS13_E_NO_COMMON },
    { .what = "no list of schemes", .sigs = CODES(NONE), .err = TLS13_E_MISSING_EXTENSION },
    { .what = "no list of schemes, but a PSK", .sigs = CODES(NONE), .psk = true, .scheme = NONE },
    { .what = "no scheme in common, but a PSK", .sigs = CODES(0x0201), .psk = true, .scheme = NONE },
    { .what = "no scheme in common, a PSK without psk_dhe_ke",
      .sigs = CODES(0x0201),
      .psk = true,
      .modes = "\0",
      .err = TLS13_E_NO_COMMON },
    { .what = "a PSK without modes", .psk = true, .no_modes = true, .err = TLS13_E_MISSING_EXTENSION },
    { .what = "no chain suits: the best there is", .sigs_cert = CODES(0x0401), .credential = ECDSA },
    { .what = "chains that suit", .sigs_cert = CODES(0x0403), .credential = ECDSA },
    { .what = "a chain that suits before ECDSA",
      .chain = 0x0401,
      .sigs = CODES(0x0403, 0x0804),
      .sigs_cert = CODES(0x0403),
      .credential = RSA,
      .scheme = SIG_PSS_RSAE_SHA256 },
    { .what = "without schemes for certificates those for signatures count",
      .chain = 0x0401,
      .sigs = CODES(0x0403, 0x0804),
      .credential = RSA,
      .scheme = SIG_PSS_RSAE_SHA256 },
    { .what = "both chains suit: ECDSA",
      .chain = 0x0401,
      .sigs = CODES(0x0403, 0x0804),
      .sigs_cert = CODES(0x0401, 0x0403),
      .credential = ECDSA },
    { .what = "who can sign comes before whose chain suits",
      .chain = 0x0401,
      .sigs = CODES(0x0403),
      .sigs_cert = CODES(0x0403),
      .credential = ECDSA },
    { .what = "schemes for certificates do not choose the signature",
      .sigs = CODES(SIG_PSS_RSAE_SHA256, 0x0403),
      .sigs_cert = CODES(0x0403, 0x0804),
      .credential = ECDSA },
    /* --- name */
    { .what = "another name", .sni = "second.example", .credential = SECOND },
    { .what = "an unknown name", .sni = "nobody.example", .credential = ECDSA },
    { .what = "an unknown name, strict", .sni = "nobody.example", .strict = true, .err = TLS13_E_UNKNOWN_NAME },
    { .what = "no name, strict", .sni = "", .strict = true, .err = TLS13_E_UNKNOWN_NAME },
    { .what = "a known name, strict", .strict = true },
    { .what = "no name", .sni = "", .credential = ECDSA },
    { .what = "no name, RSA only: a fellow of the default",
      .sni = "",
      .sigs = CODES(SIG_PSS_RSAE_SHA256),
      .credential = RSA,
      .scheme = SIG_PSS_RSAE_SHA256 },
    { .what = "another default", .sni = "", .fallback = SECOND, .credential = SECOND },
    { .what = "a wildcard", .sni = "www.example.org", .credential = ECDSA },
    { .what = "a wildcard is one label", .sni = "a.b.example.org", .strict = true, .err = TLS13_E_UNKNOWN_NAME },
    { .what = "a P-384 key of the same name", .sigs = CODES(SIG_ECDSA_P384), .credential = P384, .scheme = SIG_ECDSA_P384 },
    /* --- protocol */
    { .what = "a protocol", .alpn = "\10http/1.1", .protocol = "http/1.1" },
    { .what = "our order of protocols", .alpn = "\10http/1.1\2h2", .protocol = "h2" },
    { .what = "no protocol in common", .alpn = "\1x\3h2c", .err = TLS13_E_NO_ALPN },
    { .what = "part of a name", .alpn = "\1h", .err = TLS13_E_NO_ALPN },
    /* --- early data */
    { .what = "early data without a PSK", .early = true, .err = TLS13_E_ILLEGAL },
    { .what = "early data with one", .early = true, .psk = true },
};

/* --- from a row to a ClientHello --------------------------------------------------------------------------------------- */

static uint8_t room[16384];
static size_t used;

static struct slice keep(const void *bytes, size_t n)
{
    uint8_t *at = room + used;
    if (n != 0)
        memcpy(at, bytes, n);
    used += n;
    return (struct slice){ at, n };
}

static struct slice codes(const uint16_t *list, const uint16_t *plain)
{
    uint8_t out[32];
    size_t n = 0;
    if (list[0] == 0)
        list = plain;
    if (list[0] == NONE)
        return (struct slice){ NULL, 0 };
    for (; list[n] != 0; n++)
        store16(out + 2 * n, list[n]);
    return keep(out, 2 * n);
}

static struct slice shares_of(const struct row *r)
{
    static const uint16_t plain[] = CODES(GROUP_X25519);
    static const uint8_t zero[KEX_MAX_CLIENT];
    const uint16_t *list = r->shares[0] != 0 ? r->shares : plain;
    struct slice s = { room + used, 0 };
    if (list[0] == NONE)
        return (struct slice){ NULL, 0 };
    if (list[0] == EMPTY)
        return s;
    for (; *list != 0; list++) {
        const struct kex_group *g = kex_by_id(*list);
        size_t n = g != NULL ? g->client_len : 5;
        uint8_t head[4];
        store16(head, *list);
        store16(head + 2, (unsigned)n);
        (void)keep(head, 4);
        (void)keep(zero, n);
    }
    s.n = (size_t)(room + used - s.p);
    return s;
}

static struct client_hello hello_of(const struct row *r)
{
    static const uint16_t versions[] = CODES(0x0304), suites[] = CODES(TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384),
                          groups[] = CODES(GROUP_X25519MLKEM768, GROUP_X25519, GROUP_SECP256R1, GROUP_SECP384R1),
                          sigs[] = CODES(SIG_ECDSA_P256, SIG_PSS_RSAE_SHA256), none[] = CODES(NONE);
    struct client_hello ch = { .legacy_version = 0x0303, .early_data = r->early };
    used = 0;
    ch.versions = codes(r->versions, versions);
    ch.suites = codes(r->suites, suites);
    ch.compression = keep("", 1);
    ch.groups = codes(r->groups, groups);
    ch.shares = shares_of(r);
    ch.sigs = codes(r->sigs, sigs);
    ch.sigs_cert = codes(r->sigs_cert, none);
    if (r->modes == NULL)
        ch.psk_modes = keep("\1", 1);
    else
        ch.psk_modes = keep(r->modes, 1);
    if (r->no_modes)
        ch.psk_modes = (struct slice){ NULL, 0 };
    if (r->alpn != NULL)
        ch.alpn = keep(r->alpn, strlen(r->alpn));
    if (r->psk)
        ch.identities = keep("\0\1x\0\0\0\0", 7);
    return ch;
}

static struct tls13_ctx *ctx_of(const struct row *r)
{
    static const char *const pems[] = { fixture_p256, fixture_rsa, fixture_second, fixture_p384 };
    static const char *const protocols[] = { "h2", "http/1.1" };
    struct tls13_ctx *ctx = tls13_ctx_new();
    size_t n = 0;
    for (size_t i = 0; i < COUNT(pems); i++)
        CHECK_INT(tls13_ctx_add_pem(ctx, pems[i], strlen(pems[i]), NULL, 0), i);
    if (r->chain != 0)
        ctx->creds[ECDSA]->chain_sigs[0] = r->chain;
    CHECK_INT(tls13_ctx_set_default(ctx, (int)r->fallback), 0);
    CHECK_INT(tls13_ctx_set_sni_strict(ctx, r->strict), 0);
    CHECK_INT(tls13_ctx_set_alpn(ctx, protocols, 2), 0);
    while (n < COUNT(r->our_suites) && r->our_suites[n] != 0)
        n++;
    CHECK_INT(tls13_ctx_set_suites(ctx, r->our_suites, n), 0);
    for (n = 0; n < COUNT(r->our_groups) && r->our_groups[n] != 0;)
        n++;
    CHECK_INT(tls13_ctx_set_groups(ctx, r->our_groups, n), 0);
    return ctx;
}

static void one(const struct row *r)
{
    struct tls13_ctx *ctx = ctx_of(r);
    struct client_hello ch = hello_of(r);
    struct choice c, again;
    int err = choose(ctx, &ch, r->sni != NULL ? r->sni : "localhost", &c);
    CHECK_INT(err, -r->err);
    if (err == 0) {
        CHECK_INT(c.suite->id, r->suite != 0 ? r->suite : TLS_AES_128_GCM_SHA256);
        CHECK_INT(c.group->id, r->group != 0 ? r->group : GROUP_X25519);
        CHECK_INT(c.share.p == NULL, r->retry);
        if (r->scheme != NONE) {
            CHECK_INT(c.credential, r->credential);
            CHECK_INT(c.scheme->id, r->scheme != 0 ? r->scheme : SIG_ECDSA_P256);
        } else {
            CHECK(c.scheme == NULL && c.err < 0);
        }
        if (r->protocol != NULL)
            CHECK_STR(c.alpn, r->protocol);
        else
            CHECK(c.alpn == NULL);
        CHECK_INT(choose(ctx, &ch, r->sni != NULL ? r->sni : "localhost", &again), 0); /* pure */
        CHECK(again.suite == c.suite && again.group == c.group && again.scheme == c.scheme && again.credential == c.credential);
    }
    tls13_ctx_unref(ctx);
}

static void every_row(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        printf("# %s\n", rows[i].what); /* the last one before a failure */
        one(&rows[i]);
    }
}

static void no_credential(void)
{
    struct tls13_ctx *ctx = tls13_ctx_new();
    struct client_hello ch = hello_of(&rows[0]);
    struct choice c;
    CHECK_INT(choose(ctx, &ch, "", &c), -TLS13_E_NO_CREDENTIAL);
    tls13_ctx_unref(ctx);
}

int main(void)
{
    RUN(every_row);
    RUN(no_credential);
    return DONE();
}
