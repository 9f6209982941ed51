/* Values that RFC 8446 has a server refuse, through the whole engine: shares, binders, identities, certificates. */
#include "unit.h"

#include "edit.h"
#include "weak.h"

static struct peer p;
static struct tls13_ctx *ctx;
static struct hello_parts h;

static void fresh(void)
{
    peer_fresh(&p, ctx);
}

static void dead(int err)
{
    CHECK_INT(p.last, -err);
    CHECK(peer_read(&p));
    CHECK_INT(p.alert, tls13_err_alert(err));
}

/* --- shares ------------------------------------------------------------------------------------------------------- */

/* A hello with one share of a group, its key given. */
static void share(uint16_t group, const uint8_t *key, size_t n, int err)
{
    uint8_t body[6 + KEX_MAX_CLIENT + 2];
    fresh();
    p.opt.groups[0] = p.opt.share[0] = group;
    p.opt.n_groups = 1;
    peer_hello(&p);
    peer_split(&p, &h);
    store16(body, (unsigned)n + 4);
    store16(body + 2, group);
    store16(body + 4, (unsigned)n);
    memcpy(body + 6, key, n);
    hello_set(&h, EXT_KEY_SHARE, body, n + 6);
    peer_send_parts(&p, &h);
    if (err == 0) {
        CHECK_INT(p.last, TLS13_MORE);
        return;
    }
    dead(err);
    CHECK(p.clear_alert);
}

/* A good share of a group. */
static void good_share(uint16_t group, uint8_t key[static KEX_MAX_CLIENT])
{
    uint8_t seed[KEX_MAX_RANDOM];
    struct kex_client k;
    test_random(NULL, seed, sizeof seed);
    CHECK_INT(kex_client_share(&k, kex_by_id(group), seed, key), 0);
}

static void lengths_of_shares(void)
{
    static const uint16_t groups[] = { GROUP_X25519MLKEM768, GROUP_X25519, GROUP_SECP256R1, GROUP_SECP384R1 };
    for (size_t i = 0; i < COUNT(groups); i++) {
        uint8_t key[KEX_MAX_CLIENT + 1] = { 0 };
        size_t n = kex_by_id(groups[i])->client_len;
        good_share(groups[i], key);
        share(groups[i], key, n, 0);
        share(groups[i], key, n - 1, TLS13_E_ILLEGAL);
        share(groups[i], key, n + 1, TLS13_E_ILLEGAL);
        share(groups[i], key, 1, TLS13_E_ILLEGAL);
    }
}

static void points(void)
{
    static const uint16_t groups[] = { GROUP_SECP256R1, GROUP_SECP384R1 };
    for (size_t i = 0; i < COUNT(groups); i++) {
        uint8_t key[KEX_MAX_CLIENT];
        size_t n = kex_by_id(groups[i])->client_len;
        good_share(groups[i], key);
        key[n - 1] ^= 1; /* off the curve */
        share(groups[i], key, n, TLS13_E_ILLEGAL);
        key[n - 1] ^= 1;
        for (unsigned form = 0; form < 8; form++) { /* compressed and hybrid forms, the point at infinity */
            key[0] = (uint8_t)form;
            share(groups[i], key, n, form == 4 ? 0 : TLS13_E_ILLEGAL);
            if (form == 2 || form == 3)
                share(groups[i], key, n / 2 + 1, TLS13_E_ILLEGAL);
        }
        share(groups[i], (const uint8_t *)"\0", 1, TLS13_E_ILLEGAL);
        key[0] = 4;
        memset(key + 1, 0, n - 1);
        share(groups[i], key, n, TLS13_E_ILLEGAL);
        memset(key + 1, 0xff, n - 1); /* coordinates past the prime */
        share(groups[i], key, n, TLS13_E_ILLEGAL);
    }
}

/* Points of small order: the result is all zero (7.4.2); RFC 7748's curve has these and their non-canonical forms. */
static void small_order(void)
{
    static const char *const list[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    uint8_t key[KEX_MAX_CLIENT], hybrid[KEX_MAX_CLIENT];
    good_share(GROUP_X25519MLKEM768, hybrid);
    for (size_t i = 0; i < COUNT(list); i++) {
        CHECK_INT(unhex(key, sizeof key, list[i]), 32);
        share(GROUP_X25519, key, 32, TLS13_E_ILLEGAL);
        memcpy(hybrid + KEX_MAX_CLIENT - 32, key, 32);
        share(GROUP_X25519MLKEM768, hybrid, KEX_MAX_CLIENT, TLS13_E_ILLEGAL);
    }
}

static void encapsulation_keys(void)
{
    uint8_t key[KEX_MAX_CLIENT];
    static const size_t at[] = { 0, 3, 384, 1149 };
    for (size_t i = 0; i < COUNT(at); i++) {
        good_share(GROUP_X25519MLKEM768, key);
        key[at[i]] = 0xff; /* a coefficient of 0xfff: not below q (FIPS 203 7.2) */
        key[at[i] + 1] |= 0x0f;
        share(GROUP_X25519MLKEM768, key, sizeof key, TLS13_E_ILLEGAL);
    }
}

/* --- the second hello ------------------------------------------------------------------------------------------------ */

/* After a HelloRetryRequest for P-256: the second hello's parts, before a change. */
static void retried(void)
{
    fresh();
    p.opt.groups[0] = GROUP_SECP256R1;
    p.opt.groups[1] = p.opt.share[0] = 0x2a2a;
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p) && p.retry);
    p.opt.share[0] = GROUP_SECP256R1;
    peer_hello(&p);
    peer_split(&p, &h);
}

static void second_hello(void)
{
    retried();
    CHECK_INT(peer_send_parts(&p, &h), TLS13_MORE);
    for (int i = 0; i < 10; i++) {
        retried();
        switch (i) {
        case 0:
            hello_set(&h, EXT_EARLY_DATA, "", 0);
            break;
        case 1:
            hello_set(&h, EXT_COOKIE, "\0\1c", 3);
            break;
        case 2:
            h.session.n = 31;
            break;
        case 3:
            h.version = 0x0304;
            break;
        case 4:
            hello_set(&h, 0x5555, "new", 3);
            break;
        case 5:
            hello_drop(&h, EXT_SERVER_NAME);
            break;
        case 6:
            hello_set(&h, EXT_SUPPORTED_GROUPS, "\0\2\0\27", 4);
            break;
        case 7:
            hello_set(&h, EXT_KEY_SHARE, "\0\0", 2); /* would need a second HelloRetryRequest */
            break;
        case 8:
            hello_set(&h, EXT_SIGNATURE_ALGORITHMS, "\0\2\4\3", 4);
            break;
        default:
            h.suites.n += 2;
            store16(h.suites.b + h.suites.n - 2, TLS_AES_256_GCM_SHA384);
        }
        peer_send_parts(&p, &h);
        dead(TLS13_E_ILLEGAL);
        CHECK(p.clear_alert);
    }
    retried(); /* what it may add: padding, */
    hello_set(&h, EXT_PADDING, "\0\0\0", 3);
    CHECK_INT(peer_send_parts(&p, &h), TLS13_MORE);
    retried(); /* and a hello of TLS 1.2 is none */
    hello_set(&h, EXT_SUPPORTED_VERSIONS, "\2\3\3", 3);
    peer_send_parts(&p, &h);
    dead(TLS13_E_VERSION);
}

/* --- PSKs -------------------------------------------------------------------------------------------------------------- */

static struct peer_ticket ticket;
static void get_ticket(uint16_t suite)
{
    fresh();
    p.opt.suites[0] = suite;
    CHECK(peer_handshake(&p, NULL));
    ticket = p.tickets[0];
}

/* pre_shared_key with other identities in front of and behind ours; binders of theirs that mean nothing. */
static void many_identities(size_t before, size_t behind, bool taken)
{
    static const uint8_t other_binder[33] = { 32, 1 };
    uint8_t body[8192], hash[MAX_HASH], key[MAX_HASH];
    fresh();
    peer_hello(&p);
    peer_split(&p, &h);
    struct wr w = wr_of(body, sizeof body);
    size_t ids = wr_open(&w, 2);
    for (size_t i = 0; i < before + 1 + behind; i++) {
        bool ours = i == before;
        size_t n = ours ? ticket.id_len : 200;
        wr_u16(&w, (unsigned)n);
        uint8_t *id = wr_room(&w, n);
        if (ours)
            memcpy(id, ticket.id, n);
        else
            memset(id, (int)i, n);
        wr_u32(&w, ours ? ticket.age_add : 0);
    }
    wr_close(&w, ids, 2);
    size_t binders_at = w.len, list = wr_open(&w, 2), our_binder = 0;
    for (size_t i = 0; i < before + 1 + behind; i++) {
        if (i == before)
            our_binder = w.len + 1;
        wr_bytes(&w, other_binder, sizeof other_binder);
    }
    wr_close(&w, list, 2);
    CHECK(!w.bad);
    hello_set(&h, EXT_PRE_SHARED_KEY, body, w.len);
    p.hello_len = hello_join(&h, p.hello_msg, sizeof p.hello_msg);
    /* 4.2.11.2 */
    const struct suite *suite = suite_by_id(ticket.suite);
    size_t partial = p.hello_len - w.len + binders_at;
    struct key_schedule ks;
    hash_once(HASH_SHA256, p.hello_msg, partial, hash);
    ks_early(&ks, suite, ticket.psk, suite->hash_len);
    ks_derive(&ks, "res binder", NULL, key);
    kdf_finished(HASH_SHA256, key, hash, p.hello_msg + p.hello_len - w.len + our_binder);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(p.conn->resumed == taken);
    if (taken)
        CHECK_INT(((struct handshake *)p.hs)->psk_index, before);
}

static void identities(void)
{
    get_ticket(TLS_AES_128_GCM_SHA256);
    many_identities(0, 0, true);
    many_identities(0, 3, true); /* only the chosen one's binder counts (4.2.11.2) */
    many_identities(3, 0, true);
    many_identities(LIMIT_IDENTITIES - 1, 5, true);
    many_identities(LIMIT_IDENTITIES, 0, false); /* past those we look at: a full handshake */
}

static void psk_of_another_hash(void)
{
    static const struct {
        uint16_t first, then;
        bool resumed;
    } cases[] = { { TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256, true },
                  { TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256, true },
                  { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, false },
                  { TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256, false } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        get_ticket(cases[i].first);
        fresh();
        p.opt.suites[0] = cases[i].then;
        p.opt.ticket = &ticket;
        CHECK(peer_handshake(&p, NULL));
        CHECK_INT(p.resumed, cases[i].resumed);
    }
}

static void psk_alone_is_not_taken(void)
{
    get_ticket(TLS_AES_128_GCM_SHA256);
    fresh();
    p.opt.ticket = &ticket;
    p.opt.no_modes = true;
    p.opt.extra = (const uint8_t *)"\0\55\0\2\1\0"; /* psk_ke */
    p.opt.extra_len = 6;
    CHECK(peer_handshake(&p, NULL)); /* a full one, with a key share */
    CHECK(!p.resumed);
    CHECK_INT(p.n_tickets, 0);
}

/* 4.2.11.1: the age is modulo 2^32 and says nothing but the lifetime here. */
static void ages(void)
{
    static const struct {
        uint32_t age;
        bool resumed;
    } cases[] = { { 0, true }, { 1, true }, { 604800000, true }, { 604800001, false }, { 0x80000000, false }, { 0xffffffff, false } };
    get_ticket(TLS_AES_128_GCM_SHA256);
    for (size_t i = 0; i < COUNT(cases); i++) {
        fresh();
        p.opt.ticket = &ticket;
        p.opt.age_ms = cases[i].age;
        CHECK(peer_handshake(&p, NULL));
        CHECK_INT(p.resumed, cases[i].resumed);
    }
}

/* --- a client's certificate ------------------------------------------------------------------------------------------------ */

/* Sends a Certificate message (body given) to a server that asks for one. */
static void certificate(const void *body, size_t n, int err)
{
    uint8_t msg[20000];
    fresh();
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p) && p.cert_request);
    msg[0] = MSG_CERTIFICATE;
    store24(msg + 1, (uint32_t)n);
    memcpy(msg + 4, body, n);
    for (size_t at = 0; at < n + 4; at += 16000)
        peer_send(&p, CT_HANDSHAKE, msg + at, n + 4 - at < 16000 ? n + 4 - at : 16000);
    dead(err);
    CHECK(!p.clear_alert);
}

/* A CertificateEntry list of `count` times this certificate, with these extensions behind each. */
static size_t entries(uint8_t *body, struct slice der, unsigned count, const void *exts, size_t n_exts)
{
    struct wr w = wr_of(body, 19000);
    wr_u8(&w, 0);
    size_t list = wr_open(&w, 3);
    for (unsigned i = 0; i < count; i++) {
        wr_u24(&w, (uint32_t)der.n);
        wr_bytes(&w, der.p, der.n);
        wr_u16(&w, (unsigned)n_exts);
        wr_bytes(&w, exts, n_exts);
    }
    wr_close(&w, list, 3);
    CHECK(!w.bad);
    return w.len;
}

static struct tls13_ctx *auth(const char *ca)
{
    struct tls13_ctx *c = test_ctx();
    CHECK_INT(tls13_ctx_set_client_ca(c, ca, strlen(ca)), 0);
    CHECK_INT(tls13_ctx_set_client_auth(c, TLS13_CLIENT_AUTH_REQUIRE), 0);
    return c;
}

static void certificate_messages(void)
{
    struct tls13_ctx *plain = ctx;
    struct credential *c;
    uint8_t body[20000];
    CHECK_INT(cred_load(&c, fixture_client, strlen(fixture_client), NULL, 0, NULL, NULL), 0);
    ctx = auth(fixture_ca);
    certificate("", 0, TLS13_E_DECODE);
    certificate("\0\0\0", 3, TLS13_E_DECODE);
    certificate("\0\0\0\1\0", 5, TLS13_E_DECODE);
    certificate("\0\0\0\5\0\0\0\0\0", 9, TLS13_E_DECODE);     /* a certificate of no length */
    certificate("\0\0\0\6\0\0\1x\0\0", 10, TLS13_E_BAD_CERT); /* and one that is none */
    certificate("\0\0\0\5\0\0\1x\0", 9, TLS13_E_DECODE);
    certificate("\1x\0\0\0", 5, TLS13_E_ILLEGAL); /* a context, which our request had not */
    certificate("\0\0\0\0", 4, TLS13_E_CERT_REQUIRED);
    certificate("\0\0\0\0x", 5, TLS13_E_DECODE);
    certificate(body, entries(body, c->leaf, 1, "\0\5\0\1x", 5), TLS13_E_UNSUPPORTED_EXTENSION); /* not asked for */
    certificate(body, entries(body, c->leaf, 1, "\0\5\0\2x", 5), TLS13_E_DECODE);
    certificate(body, entries(body, c->leaf, 1, "\0", 1), TLS13_E_DECODE);
    certificate(body, entries(body, c->leaf, LIMIT_CHAIN + 1, NULL, 0), TLS13_E_BAD_CERT);
    memset(body, 0, sizeof body);
    certificate(body, LIMIT_CERTIFICATE - 4 + 1, TLS13_E_TOO_LONG);
    cred_free(c);
    tls13_ctx_unref(ctx);
    ctx = plain;
}

/* 4.4.2.4: a chain that rests on MD5 or SHA-1 is bad_certificate. */
static void weak_signatures(void)
{
    static const struct {
        const char *pem;
        int err;
    } cases[] = { { weak_sha256, 0 }, { weak_md5, TLS13_E_BAD_CERT }, { weak_sha1, TLS13_E_BAD_CERT } };
    struct tls13_ctx *plain = ctx;
    ctx = auth(weak_ca);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct credential *c;
        CHECK_INT(cred_load(&c, cases[i].pem, strlen(cases[i].pem), NULL, 0, NULL, NULL), 0);
        fresh();
        bool ok = peer_handshake(&p, c);
        cred_free(c);
        CHECK_INT(ok, cases[i].err == 0);
        if (!ok)
            dead(cases[i].err);
    }
    tls13_ctx_unref(ctx);
    ctx = plain;
}

/* Behind an empty Certificate comes Finished, no CertificateVerify (trap 50). */
static void no_proof_without_certificate(void)
{
    struct tls13_ctx *plain = ctx;
    uint8_t msg[8];
    ctx = auth(fixture_ca);
    CHECK_INT(tls13_ctx_set_client_auth(ctx, TLS13_CLIENT_AUTH_REQUEST), 0);
    fresh();
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK(peer_read(&p));
    CHECK_INT(peer_send(&p, CT_HANDSHAKE, msg, peer_certificate(&p, NULL, msg)), TLS13_MORE);
    CHECK_INT(p.conn->state, ST_FINISHED);
    peer_send(&p, CT_HANDSHAKE, "\17\0\0\10\4\3\0\4abcd", 12);
    dead(TLS13_E_UNEXPECTED);
    tls13_ctx_unref(ctx);
    ctx = plain;
}

int main(void)
{
    ctx = test_ctx();
    RUN(lengths_of_shares);
    RUN(points);
    RUN(small_order);
    RUN(encapsulation_keys);
    RUN(second_hello);
    RUN(identities);
    RUN(psk_of_another_hash);
    RUN(psk_alone_is_not_taken);
    RUN(ages);
    RUN(certificate_messages);
    RUN(weak_signatures);
    RUN(no_proof_without_certificate);
    peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
