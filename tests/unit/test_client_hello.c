/* ClientHellos that are not well-formed, field by field and extension by extension: each with its error and alert. */
#include "unit.h"

#include "edit.h"

static struct peer p;
static struct tls13_ctx *ctx;
static struct hello_parts h;

static void fresh(void)
{
    peer_fresh(&p, ctx);
    peer_hello(&p);
    peer_split(&p, &h);
}

/* Sends h; err 0: it is taken. */
static void sends(int err)
{
    peer_send_parts(&p, &h);
    CHECK_INT(p.last, err == 0 ? TLS13_MORE : -err);
    CHECK(peer_read(&p));
    CHECK_INT(p.alert, err == 0 ? -1 : tls13_err_alert(err));
    if (err != 0)
        CHECK(p.clear_alert);
}

/* --- fields --------------------------------------------------------------------------------------------------- */

static void session_id(void)
{
    static const uint8_t id[40] = { 7 };
    for (size_t n = 0; n <= 40; n++) {
        fresh();
        p.opt.session_id = n == 32;
        part_set(&h.session, id, n);
        peer_send_parts(&p, &h);
        CHECK_INT(p.last, n <= 32 ? TLS13_MORE : -TLS13_E_DECODE);
        if (n > 32)
            continue;
        CHECK_INT(p.out[TLS13_HEAD + 38], n); /* echoed, whatever it is */
        CHECK_MEM(p.out + TLS13_HEAD + 39, id, n);
        /* and a change_cipher_spec behind the ServerHello for a client in compatibility mode only */
        CHECK_INT(p.out[TLS13_HEAD + load16(p.out + 3)], n != 0 ? CT_CCS : CT_DATA);
    }
}

static void suites(void)
{
    static const uint8_t odd[] = { 0x13, 0x01, 0x13 }, unknown[] = { 0x13, 0x04, 0xc0, 0x2b };
    fresh();
    part_set(&h.suites, "", 0);
    sends(TLS13_E_DECODE);
    fresh();
    part_set(&h.suites, odd, sizeof odd);
    sends(TLS13_E_DECODE);
    fresh();
    part_set(&h.suites, unknown, sizeof unknown);
    sends(TLS13_E_NO_COMMON);
}

static void compression(void)
{
    const struct {
        const char *bytes;
        size_t n;
        int err;
    } cases[] = { { "", 0, TLS13_E_DECODE },      { "\0", 1, 0 },
                  { "\1", 1, TLS13_E_ILLEGAL },   { "\0\1", 2, TLS13_E_ILLEGAL },
                  { "\1\0", 2, TLS13_E_ILLEGAL }, { "\0\0", 2, TLS13_E_ILLEGAL } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        fresh();
        part_set(&h.compression, cases[i].bytes, cases[i].n);
        sends(cases[i].err);
    }
}

static void legacy_version(void)
{
    static const uint16_t ignored[] = { 0x0301, 0x0302, 0x0303, 0x0304, 0x0305, 0x03ff, 0x7f1c, 0xfefd, 0xffff };
    for (size_t i = 0; i < COUNT(ignored); i++) {
        fresh();
        h.version = ignored[i];
        sends(0);
        CHECK(p.finished_ok);
    }
    static const uint16_t ssl[] = { 0, 0x0002, 0x0300 }; /* D.5 */
    for (size_t i = 0; i < COUNT(ssl); i++) {
        fresh();
        h.version = ssl[i];
        sends(TLS13_E_VERSION);
    }
}

static void extensions_block(void)
{
    fresh();
    h.n_ext = 0; /* a block, but empty */
    sends(TLS13_E_VERSION);
    fresh();
    size_t n = p.hello_len; /* bytes behind the block */
    p.hello_msg[n] = 0;
    store24(p.hello_msg + 1, (uint32_t)(n - 4 + 1));
    p.hello_len = n + 1;
    CHECK_INT(peer_send_hello(&p), -TLS13_E_DECODE);
    for (int more = 0; more < 2; more++) { /* as many as we take, and one more */
        fresh();
        while (h.n_ext < LIMIT_EXTENSIONS + (size_t)more)
            hello_insert(&h, h.n_ext, (uint16_t)(0x5000 + h.n_ext), "x", 1);
        sends(more ? TLS13_E_ILLEGAL : 0);
    }
}

/* --- extensions ----------------------------------------------------------------------------------------------------- */

#define ROW(id, err, bytes)               \
    {                                     \
        id, err, bytes, sizeof(bytes) - 1 \
    }

struct body {
    uint16_t id;
    int err;
    const char *bytes;
    size_t n;
};

static void bodies(const struct body *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fresh();
        hello_set(&h, list[i].id, list[i].bytes, list[i].n);
        peer_send_parts(&p, &h);
        if (p.last != (list[i].err == 0 ? TLS13_MORE : -list[i].err))
            printf("# extension %u, row %zu: %s\n", list[i].id, i, tls13_err_name(p.last < 0 ? p.last : 0));
        CHECK_INT(p.last, list[i].err == 0 ? TLS13_MORE : -list[i].err);
        CHECK(peer_read(&p));
        CHECK_INT(p.alert, list[i].err == 0 ? -1 : tls13_err_alert(list[i].err));
    }
}

static void lists_of_codes(void)
{
    static const struct body list[] = {
        ROW(EXT_SUPPORTED_GROUPS, TLS13_E_DECODE, ""),
        ROW(EXT_SUPPORTED_GROUPS, TLS13_E_DECODE, "\0"),
        ROW(EXT_SUPPORTED_GROUPS, TLS13_E_DECODE, "\0\0"),
        ROW(EXT_SUPPORTED_GROUPS, TLS13_E_DECODE, "\0\1\35"),
        ROW(EXT_SUPPORTED_GROUPS, TLS13_E_DECODE, "\0\3\0\35\0"),
        ROW(EXT_SUPPORTED_GROUPS, TLS13_E_DECODE, "\0\4\0\35"),
        ROW(EXT_SUPPORTED_GROUPS, TLS13_E_DECODE, "\0\2\0\35\0"),
        ROW(EXT_SUPPORTED_GROUPS, 0, "\0\2\0\35"),
        ROW(EXT_SIGNATURE_ALGORITHMS, TLS13_E_DECODE, ""),
        ROW(EXT_SIGNATURE_ALGORITHMS, TLS13_E_DECODE, "\0\0"),
        ROW(EXT_SIGNATURE_ALGORITHMS, TLS13_E_DECODE, "\0\1\4"),
        ROW(EXT_SIGNATURE_ALGORITHMS, TLS13_E_DECODE, "\0\3\4\3\4"),
        ROW(EXT_SIGNATURE_ALGORITHMS, TLS13_E_DECODE, "\0\4\4\3"),
        ROW(EXT_SIGNATURE_ALGORITHMS, TLS13_E_DECODE, "\0\2\4\3\0"),
        ROW(EXT_SIGNATURE_ALGORITHMS, TLS13_E_NO_COMMON, "\0\2\2\1"),
        ROW(EXT_SIGNATURE_ALGORITHMS, 0, "\0\2\4\3"),
        ROW(EXT_SIGNATURE_ALGORITHMS_CERT, TLS13_E_DECODE, ""),
        ROW(EXT_SIGNATURE_ALGORITHMS_CERT, TLS13_E_DECODE, "\0\0"),
        ROW(EXT_SIGNATURE_ALGORITHMS_CERT, TLS13_E_DECODE, "\0\1\4"),
        ROW(EXT_SIGNATURE_ALGORITHMS_CERT, TLS13_E_DECODE, "\0\2\4\3\0"),
        ROW(EXT_SIGNATURE_ALGORITHMS_CERT, 0, "\0\2\4\3"),
        ROW(EXT_SUPPORTED_VERSIONS, TLS13_E_DECODE, ""),
        ROW(EXT_SUPPORTED_VERSIONS, TLS13_E_DECODE, "\0"),
        ROW(EXT_SUPPORTED_VERSIONS, TLS13_E_DECODE, "\1\3"),
        ROW(EXT_SUPPORTED_VERSIONS, TLS13_E_DECODE, "\3\3\4\3"),
        ROW(EXT_SUPPORTED_VERSIONS, TLS13_E_DECODE, "\4\3\4"),
        ROW(EXT_SUPPORTED_VERSIONS, TLS13_E_DECODE, "\2\3\4\0"),
        ROW(EXT_SUPPORTED_VERSIONS, TLS13_E_VERSION, "\4\3\3\3\2"),
        ROW(EXT_SUPPORTED_VERSIONS, 0, "\4\3\3\3\4"),
        ROW(EXT_PSK_MODES, TLS13_E_DECODE, ""),
        ROW(EXT_PSK_MODES, TLS13_E_DECODE, "\0"),
        ROW(EXT_PSK_MODES, TLS13_E_DECODE, "\2\1"),
        ROW(EXT_PSK_MODES, TLS13_E_DECODE, "\1\1\0"),
        ROW(EXT_PSK_MODES, 0, "\1\0"),
    };
    bodies(list, COUNT(list));
}

static void server_name(void)
{
    static const struct body list[] = {
        ROW(EXT_SERVER_NAME, TLS13_E_DECODE, ""), /* empty is the server's form only */
        ROW(EXT_SERVER_NAME, TLS13_E_DECODE, "\0\0"),
        ROW(EXT_SERVER_NAME, TLS13_E_DECODE, "\0\3\0\0\0"), /* an empty name */
        ROW(EXT_SERVER_NAME, TLS13_E_DECODE, "\0\2\0\0"),
        ROW(EXT_SERVER_NAME, TLS13_E_DECODE, "\0\5\0\0\3ab"),
        ROW(EXT_SERVER_NAME, TLS13_E_DECODE, "\0\4\0\0\1ab"),
        ROW(EXT_SERVER_NAME, TLS13_E_DECODE, "\0\4\0\0\1a\0"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\10\0\0\1a\0\0\1b"), /* two names */
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\10\0\0\1a\0\0\1a"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\6\0\0\3a\0b"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\15\0\0\12localhost\0"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\15\0\0\12localhost."),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\14\0\0\011127.0.0.1"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\6\0\0\3::1"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\7\0\0\4a..b"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\5\0\0\2.a"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\6\0\0\3a b"),
        ROW(EXT_SERVER_NAME, TLS13_E_ILLEGAL, "\0\5\0\0\2\303\266"), /* not in its ASCII form */
        ROW(EXT_SERVER_NAME, 0, "\0\14\0\0\11LocalHost"),
        ROW(EXT_SERVER_NAME, 0, "\0\5\1\0\2??"), /* a name of another type is passed over, */
        ROW(EXT_SERVER_NAME, 0, "\0\21\1\0\2??\0\0\11localhost"),
        ROW(EXT_SERVER_NAME, TLS13_E_DECODE, "\0\5\1\0\3??"), /* whole, though */
    };
    bodies(list, COUNT(list));
    char longest[255 + 5 + 1];
    for (size_t n = 255; n <= 256; n++) {
        store16((uint8_t *)longest, (unsigned)n + 3);
        longest[2] = 0;
        store16((uint8_t *)longest + 3, (unsigned)n);
        memset(longest + 5, 'a', n);
        for (size_t i = 60; i < n - 1; i += 60)
            longest[5 + i] = '.';
        fresh();
        hello_set(&h, EXT_SERVER_NAME, longest, n + 5);
        sends(n == 255 ? 0 : TLS13_E_ILLEGAL);
    }
    struct tls13_info info;
    fresh();
    hello_set(&h, EXT_SERVER_NAME, "\0\14\0\0\11LocalHost", 14);
    sends(0);
    tls13_conn_info(p.conn, &info);
    CHECK_STR(info.sni, "localhost");
}

static void alpn(void)
{
    static const char *const ours[] = { "h2" };
    CHECK_INT(tls13_ctx_set_alpn(ctx, ours, 1), 0);
    static const struct body list[] = {
        ROW(EXT_ALPN, TLS13_E_DECODE, ""),           ROW(EXT_ALPN, TLS13_E_DECODE, "\0\0"),
        ROW(EXT_ALPN, TLS13_E_DECODE, "\0\1\0"), /* a name of no length */
        ROW(EXT_ALPN, TLS13_E_DECODE, "\0\4\2h2\0"), ROW(EXT_ALPN, TLS13_E_DECODE, "\0\4\0\2h2"),
        ROW(EXT_ALPN, TLS13_E_DECODE, "\0\3\3h2"),   ROW(EXT_ALPN, TLS13_E_DECODE, "\0\4\2h2"),
        ROW(EXT_ALPN, TLS13_E_DECODE, "\0\3\2h2\0"), ROW(EXT_ALPN, TLS13_E_NO_ALPN, "\0\2\1h"),
        ROW(EXT_ALPN, TLS13_E_NO_ALPN, "\0\4\3h2c"), ROW(EXT_ALPN, TLS13_E_NO_ALPN, "\0\3\2H2"), /* bytes, no letters */
        ROW(EXT_ALPN, 0, "\0\6\2\x0a\x0a\2h2"),
    };
    bodies(list, COUNT(list));
    uint8_t body[2 + 256 + 3];
    store16(body, 256 + 3);
    body[2] = 255;
    memset(body + 3, 'x', 255);
    memcpy(body + 258, "\2h2", 3);
    fresh();
    hello_set(&h, EXT_ALPN, body, sizeof body);
    sends(0);
    CHECK_STR(p.conn->alpn, "h2");
    CHECK_INT(tls13_ctx_set_alpn(ctx, NULL, 0), 0);
}

static void key_share(void)
{
    static const struct body list[] = {
        ROW(EXT_KEY_SHARE, TLS13_E_DECODE, ""),
        ROW(EXT_KEY_SHARE, TLS13_E_DECODE, "\0"),
        ROW(EXT_KEY_SHARE, TLS13_E_DECODE, "\0\1\0"),
        ROW(EXT_KEY_SHARE, TLS13_E_DECODE, "\0\2\0\35"),
        ROW(EXT_KEY_SHARE, TLS13_E_DECODE, "\0\4\0\35\0\0"), /* no key */
        ROW(EXT_KEY_SHARE, TLS13_E_DECODE, "\0\5\0\35\0\2a"),
        ROW(EXT_KEY_SHARE, TLS13_E_DECODE, "\0\6\0\35\0\2a"),
        ROW(EXT_KEY_SHARE, TLS13_E_DECODE, "\0\0\0"),
        ROW(EXT_KEY_SHARE, TLS13_E_ILLEGAL, "\0\5\0\35\0\1a"),            /* a key of a wrong length */
        ROW(EXT_KEY_SHARE, TLS13_E_ILLEGAL, "\0\5\0\30\0\1a"),            /* of a group that is not listed */
        ROW(EXT_KEY_SHARE, TLS13_E_ILLEGAL, "\0\5\52\52\0\1a"),           /* nor is this one, known or not */
        ROW(EXT_KEY_SHARE, TLS13_E_ILLEGAL, "\0\12\0\27\0\1a\0\27\0\1a"), /* two of one group */
        ROW(EXT_KEY_SHARE, 0, "\0\0"),                                    /* asks for HelloRetryRequest */
    };
    bodies(list, COUNT(list));
    fresh(); /* two of a group that we do not know */
    hello_set(&h, EXT_SUPPORTED_GROUPS, "\0\4\0\35\52\52", 6);
    struct part *shares = hello_ext(&h, EXT_KEY_SHARE);
    memcpy(shares->b + shares->n, "\52\52\0\1a\52\52\0\1a", 10);
    shares->n += 10;
    store16(shares->b, (unsigned)shares->n - 2);
    sends(TLS13_E_ILLEGAL);
}

static void early_data_and_cookie(void)
{
    static const struct body list[] = {
        ROW(EXT_EARLY_DATA, TLS13_E_DECODE, "x"),  ROW(EXT_EARLY_DATA, TLS13_E_DECODE, "\0\0\0\0"), /* NewSessionTicket's form */
        ROW(EXT_EARLY_DATA, TLS13_E_ILLEGAL, ""),                                                   /* without a PSK */
        ROW(EXT_COOKIE, TLS13_E_DECODE, ""),       ROW(EXT_COOKIE, TLS13_E_DECODE, "\0\0"),
        ROW(EXT_COOKIE, TLS13_E_DECODE, "\0\2a"),  ROW(EXT_COOKIE, TLS13_E_DECODE, "\0\1aa"),
        ROW(EXT_COOKIE, TLS13_E_ILLEGAL, "\0\1a"), /* we never gave one */
    };
    bodies(list, COUNT(list));
}

/* --- pre_shared_key --------------------------------------------------------------------------------------------------- */

#define B32 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void pre_shared_key(void)
{
    static const struct body list[] = {
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, ""),
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\0\0\0"),
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\0\0\41\40" B32),             /* no identity */
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\7\0\1i\0\0\0\0\0\0"),        /* no binder */
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\6\0\0\0\0\0\0\0\41\40" B32), /* an identity of no length */
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\6\0\1i\0\0\0\0\41\40" B32),  /* an age cut short */
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\10\0\2i\0\0\0\0\0\41\40" B32),
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\7\0\1i\0\0\0\0\0\40\37bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), /* 31 bytes */
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\7\0\1i\0\0\0\0\0\41\41" B32),
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\7\0\1i\0\0\0\0\0\42\40" B32),
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_DECODE, "\0\7\0\1i\0\0\0\0\0\41\40" B32 "x"),
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_ILLEGAL, "\0\7\0\1i\0\0\0\0\0\102\40" B32 "\40" B32),    /* two binders for one */
        ROW(EXT_PRE_SHARED_KEY, TLS13_E_ILLEGAL, "\0\16\0\1i\0\0\0\0\0\1i\0\0\0\0\0\41\40" B32), /* one for two */
        ROW(EXT_PRE_SHARED_KEY, 0, "\0\7\0\1i\0\0\0\0\0\41\40" B32),                             /* nobody's ticket: no matter */
        ROW(EXT_PRE_SHARED_KEY, 0, "\0\16\0\1i\0\0\0\0\0\1i\0\0\0\0\0\102\40" B32 "\40" B32),
    };
    bodies(list, COUNT(list));
}

static const char someones[] = "\0\7\0\1i\0\0\0\0\0\41\40" B32;

static void pre_shared_key_is_last(void)
{
    fresh();
    size_t n = h.n_ext;
    for (size_t at = 0; at <= n; at++) {
        fresh();
        hello_insert(&h, at, EXT_PRE_SHARED_KEY, someones, sizeof someones - 1);
        sends(at == n ? 0 : TLS13_E_ILLEGAL);
    }
    fresh(); /* an unknown extension behind it is behind it too */
    hello_set(&h, EXT_PRE_SHARED_KEY, someones, sizeof someones - 1);
    hello_insert(&h, h.n_ext, 0x3a3a, "", 0);
    sends(TLS13_E_ILLEGAL);
}

static void pre_shared_key_needs_modes(void)
{
    fresh();
    hello_set(&h, EXT_PRE_SHARED_KEY, someones, sizeof someones - 1);
    hello_drop(&h, EXT_PSK_MODES);
    sends(TLS13_E_MISSING_EXTENSION);
}

/* --- all of them -------------------------------------------------------------------------------------------------------- */

static void no_extension_twice(void)
{
    fresh();
    size_t n = h.n_ext;
    for (size_t i = 0; i < n; i++)
        for (int last = 0; last < 2; last++) {
            fresh();
            struct part body = h.ext[i].body;
            hello_insert(&h, last ? h.n_ext : 0, h.ext[i].id, body.b, body.n);
            sends(TLS13_E_ILLEGAL);
        }
    static const uint16_t others[] = { 0x3a3a, 0x5555, EXT_PADDING, 0xff01, 23 };
    for (size_t i = 0; i < COUNT(others); i++) {
        fresh();
        hello_insert(&h, 0, others[i], "", 0);
        hello_insert(&h, h.n_ext, others[i], "x", 1);
        sends(TLS13_E_ILLEGAL);
    }
}

/* Every extension that the table knows, in a ClientHello: illegal where it has no place there. */
static void none_in_a_wrong_message(void)
{
    unsigned known = 0, wrong = 0;
    for (unsigned id = 0; id < 65536; id++) {
        const struct extension *e = ext_find((uint16_t)id);
        if (e == NULL)
            continue;
        known++;
        if ((e->where & IN_CH) != 0)
            continue;
        wrong++;
        fresh();
        hello_insert(&h, 0, (uint16_t)id, "", 0);
        sends(TLS13_E_ILLEGAL);
    }
    CHECK(known >= 20);
    CHECK(wrong >= 1); /* oid_filters */
}

/* What the list of extensions says must be there, must be there (9.2). */
static void needed_extensions(void)
{
    static const struct {
        uint16_t id;
        int err;
    } cases[] = { { EXT_SUPPORTED_VERSIONS, TLS13_E_VERSION },
                  { EXT_SUPPORTED_GROUPS, TLS13_E_MISSING_EXTENSION },
                  { EXT_KEY_SHARE, TLS13_E_MISSING_EXTENSION },
                  { EXT_SIGNATURE_ALGORITHMS, TLS13_E_MISSING_EXTENSION },
                  { EXT_PSK_MODES, 0 },
                  { EXT_SERVER_NAME, 0 } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        fresh();
        hello_drop(&h, cases[i].id);
        sends(cases[i].err);
    }
    fresh();
    hello_drop(&h, EXT_SUPPORTED_GROUPS);
    hello_drop(&h, EXT_KEY_SHARE);
    sends(TLS13_E_MISSING_EXTENSION);
}

int main(void)
{
    ctx = test_ctx();
    RUN(session_id);
    RUN(suites);
    RUN(compression);
    RUN(legacy_version);
    RUN(extensions_block);
    RUN(lists_of_codes);
    RUN(server_name);
    RUN(alpn);
    RUN(key_share);
    RUN(early_data_and_cookie);
    RUN(pre_shared_key);
    RUN(pre_shared_key_is_last);
    RUN(pre_shared_key_needs_modes);
    RUN(no_extension_twice);
    RUN(none_in_a_wrong_message);
    RUN(needed_extensions);
    peer_free(&p);
    tls13_ctx_unref(ctx);
    return DONE();
}
