/*
 * Authorities and revocation lists as they are read: what is no good is refused and changes nothing; each list counts for its issuer.
 * Chains, and what one that is no good may cost.
 */
#include "unit.h"

#include "crl.h"
#include "forge.h"

static struct forge f;
static char text[16384];

/* PEM of der with a label, behind what is there. */
static void more_pem(const char *label, const uint8_t *der, size_t len)
{
    size_t at = strlen(text);
    CHECK(pem_write(text + at, sizeof text - at, label, der, len) != 0);
}

static int add(struct trust *t)
{
    int n = trust_add_ca(t, text, strlen(text));
    text[0] = '\0';
    return n;
}

static void authorities(void)
{
    static const uint8_t p256_oid[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    struct trust *t = trust_new();
    text[0] = '\0';
    forge_chain(&f, 2, false);
    CHECK_INT(add(t), 0);
    more_pem("PRIVATE KEY", f.cert[1].der, 20); /* other objects are passed over, */
    more_pem("X509 CERTIFICATE", f.cert[1].der, f.cert[1].len);
    more_pem("CERTIFICATE", f.cert[0].der, f.cert[0].len);
    CHECK_INT(add(t), 2);
    CHECK_INT(trust_count(t), 2);
    more_pem("CERTIFICATE", f.cert[1].der, f.cert[1].len - 1); /* a certificate that is none is not */
    CHECK_INT(add(t), -TLS13_E_CERT_PARSE);
    strcpy(text, "-----BEGIN CERTIFICATE-----\nMII\n");
    CHECK_INT(add(t), -TLS13_E_PEM);
    uint8_t *oid = memmem(f.cert[1].der, f.cert[1].len, p256_oid, sizeof p256_oid);
    CHECK(oid != NULL);
    oid[7] = 6; /* a curve that nobody has */
    more_pem("CERTIFICATE", f.cert[1].der, f.cert[1].len);
    CHECK_INT(add(t), -TLS13_E_KEY_UNSUPPORTED);
    CHECK_INT(trust_count(t), 2);
    forge_free(&f);
    trust_free(t);
}

static int add_list(struct trust *t, const char *pem)
{
    return trust_add_crl(t, (const uint8_t *)pem, strlen(pem));
}

/* What becomes of the client's good certificate. */
static int judged(const struct trust *t)
{
    struct credential *c;
    int64_t until;
    CHECK_INT(cred_load(&c, fixture_client, strlen(fixture_client), NULL, 0, NULL, NULL), 0);
    int err = trust_verify(t, &c->leaf, 1, test_now_ms / 1000, &until);
    cred_free(c);
    return err;
}

static void lists(void)
{
    struct trust *t = trust_new();
    CHECK_INT(trust_add_ca(t, fixture_ca, strlen(fixture_ca)), 1);
    CHECK_INT(judged(t), 0);
    CHECK_INT(trust_add_crl(t, (const uint8_t *)"0\3\1\1", 4), -TLS13_E_CRL_PARSE);
    CHECK_INT(add_list(t, fixture_client), -TLS13_E_CRL_PARSE);    /* no list */
    CHECK_INT(add_list(t, fixture_crl_other), -TLS13_E_CRL_PARSE); /* of an authority that is not ours */
    CHECK_INT(add_list(t, ""), 0);
    CHECK_INT(judged(t), 0); /* as if there had been none */
    /* Another authority's list is good, and none of this one's: it says nothing of its certificates. */
    CHECK_INT(trust_add_ca(t, fixture_other_ca, strlen(fixture_other_ca)), 1);
    CHECK_INT(add_list(t, fixture_crl_other), 1);
    CHECK_INT(judged(t), -TLS13_E_CRL_STALE);
    CHECK_INT(add_list(t, fixture_crl), 1);
    CHECK_INT(judged(t), 0);
    trust_free(t);
}

/* A chain with something in it that is no certificate, needed or not, and one longer than any is taken. */
static void chains(void)
{
    struct slice chain[LIMIT_CHAIN + 1];
    struct trust *t = trust_new();
    int64_t until;
    text[0] = '\0';
    forge_chain(&f, LIMIT_CHAIN + 2, false);
    more_pem("CERTIFICATE", f.cert[1].der, f.cert[1].len);
    CHECK_INT(add(t), 1);
    for (size_t i = 0; i < COUNT(chain); i++)
        chain[i] = (struct slice){ f.cert[i].der, f.cert[i].len };
    CHECK_INT(trust_verify(t, chain, LIMIT_CHAIN, test_now_ms / 1000, &until), 0);
    CHECK_INT(trust_verify(t, chain, LIMIT_CHAIN + 1, test_now_ms / 1000, &until), -TLS13_E_BAD_CERT);
    for (size_t i = 0; i < LIMIT_CHAIN; i++) {
        chain[i].n--;
        CHECK_INT(trust_verify(t, chain, LIMIT_CHAIN, test_now_ms / 1000, &until), -TLS13_E_BAD_CERT);
        chain[i].n++;
    }
    forge_free(&f);
    trust_free(t);
}

/* What trust_verify() says of the first n of the forged chain. */
static int forged(const struct trust *t, size_t n)
{
    struct slice chain[LIMIT_CHAIN];
    int64_t until;
    for (size_t i = 0; i < n; i++)
        chain[i] = (struct slice){ f.cert[i].der, f.cert[i].len };
    return trust_verify(t, chain, n, test_now_ms / 1000, &until);
}

/* Makes the chain anew with an extension in certificate number i. */
static void with_extension(size_t i, const void *ext, size_t len)
{
    f.cert[i].extra = ext;
    f.cert[i].extra_len = len;
    for (size_t k = 0; k < f.n; k++)
        forge_one(&f, k, k + 1 < f.n ? k + 1 : k, 1);
    f.cert[i].extra_len = 0;
}

/* RFC 5280 4.2.1.12: an authority below ours that may name servers only does not name clients; others may, and those behind the path. */
static void purposes_of_authorities(void)
{
    static const uint8_t servers[] = { 0x30, 19, 6, 3, 0x55, 0x1d, 37, 4, 12, 0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1 },
                         clients[] = { 0x30, 19, 6, 3, 0x55, 0x1d, 37, 4, 12, 0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2 },
                         any[] = { 0x30, 15, 6, 3, 0x55, 0x1d, 37, 4, 8, 0x30, 6, 6, 4, 0x55, 0x1d, 37, 0 };
    struct trust *t = trust_new();
    text[0] = '\0';
    forge_chain(&f, 5, false);
    more_pem("CERTIFICATE", f.cert[3].der, f.cert[3].len);
    CHECK_INT(add(t), 1);
    for (size_t i = 0; i < 4; i++) {
        with_extension(i, servers, sizeof servers);
        CHECK_INT(forged(t, 4), i < 3 ? -TLS13_E_UNSUPPORTED_CERT : 0);
        with_extension(i, clients, sizeof clients);
        CHECK_INT(forged(t, 4), 0);
        with_extension(i, any, sizeof any);
        CHECK_INT(forged(t, 4), 0);
    }
    forge_free(&f);
    trust_free(t);
}

/* RFC 5280 4.2.1.10: constraints that we cannot check are not kept, critical or not; in a leaf they mean nothing. */
static void constraints_on_names(void)
{
    static const uint8_t plain[] = { 0x30, 18, 6, 3, 0x55, 0x1d, 30, 4, 11, 0x30, 9, 0xa0, 7, 0x30, 5, 0x82, 3, 'a', '.', 'b' },
                         critical[] = {
                             0x30, 21, 6, 3, 0x55, 0x1d, 30, 1, 1, 0xff, 4, 11, 0x30, 9, 0xa0, 7, 0x30, 5, 0x82, 3, 'a', '.', 'b'
                         };
    struct trust *t = trust_new();
    text[0] = '\0';
    forge_chain(&f, 4, false);
    more_pem("CERTIFICATE", f.cert[2].der, f.cert[2].len);
    CHECK_INT(add(t), 1);
    with_extension(1, plain, sizeof plain);
    CHECK_INT(forged(t, 2), -TLS13_E_BAD_CERT);
    with_extension(1, critical, sizeof critical);
    CHECK_INT(forged(t, 2), -TLS13_E_BAD_CERT);
    with_extension(0, plain, sizeof plain);
    CHECK_INT(forged(t, 2), 0);
    with_extension(2, plain, sizeof plain); /* behind the path */
    CHECK_INT(forged(t, 3), 0);
    forge_free(&f);
    trust_free(t);
}

/*
 * A self-signed certificate among the authorities that signs none (4.2.1.3, 4.2.1.9: says so, or says nothing in version 3), as a
 * client's own may be, is good for itself alone, to the byte: its owner could give himself every name otherwise.
 */
static void certificates_that_sign_none(void)
{
    static const uint8_t no_ca[] = { 0x30, 12, 6, 3, 0x55, 0x1d, 19, 1, 1, 0xff, 4, 2, 0x30, 0 },
                         signs_data[] = { 0x30, 11, 6, 3, 0x55, 0x1d, 15, 4, 4, 3, 2, 7, 0x80 },
                         is_ca[] = { 0x30, 15, 6, 3, 0x55, 0x1d, 19, 1, 1, 0xff, 4, 5, 0x30, 3, 1, 1, 0xff },
                         signs_certs[] = { 0x30, 11, 6, 3, 0x55, 0x1d, 15, 4, 4, 3, 2, 2, 0x84 };
    const struct {
        const uint8_t *ext;
        size_t len;
        bool signs;
    } cases[] = { { no_ca, sizeof no_ca, false },
                  { signs_data, sizeof signs_data, false },
                  { signs_certs, sizeof signs_certs, true },
                  { is_ca, sizeof is_ca, true },
                  { NULL, 0, false } };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct trust *t = trust_new();
        const int want = cases[i].signs ? 0 : -TLS13_E_UNKNOWN_CA;
        int64_t until;
        text[0] = '\0';
        forge_chain(&f, 3, false);
        f.cert[0].extra = cases[i].ext;
        f.cert[0].extra_len = cases[i].len;
        forge_one(&f, 0, 0, 1);
        more_pem("CERTIFICATE", f.cert[0].der, f.cert[0].len);
        CHECK_INT(add(t), 1);
        const struct slice itself = { f.cert[0].der, f.cert[0].len };
        CHECK_INT(forged(t, 1), 0);
        CHECK_INT(trust_verify(t, &itself, 1, INT64_C(1577836799), &until), -TLS13_E_CERT_EXPIRED); /* a second before 2020 */
        CHECK_INT(trust_verify(t, &itself, 1, INT64_C(2524608001), &until), -TLS13_E_CERT_EXPIRED); /* 2050 */
        forge_one(&f, 2, 0, 1); /* another's certificate by its key, alone and with it */
        const struct slice chain[] = { { f.cert[2].der, f.cert[2].len }, itself };
        CHECK_INT(trust_verify(t, chain, 1, test_now_ms / 1000, &until), want);
        CHECK_INT(trust_verify(t, chain, 2, test_now_ms / 1000, &until), want);
        forge_one(&f, 0, 0, 2); /* its own, made anew by itself */
        CHECK_INT(forged(t, 1), want);
        f.cert[0].extra_len = 0;
        forge_free(&f);
        trust_free(t);
    }
}

/* An extension that is critical changes what a list means (RFC 5280 5.2, 5.3): a list with one that we do not know is not taken. */
enum kind { NONE, HARMLESS, SAYS_FALSE, CRITICAL, MALFORMED };

static void add_extension(struct wr *w, enum kind kind)
{
    static const uint8_t harmless[] = { 0x30, 8, 6, 3, 0x55, 0x1d, 20, 4, 1, 0 },
                         says_false[] = { 0x30, 11, 6, 3, 0x55, 0x1d, 20, 1, 1, 0, 4, 1, 0 };
    static const uint8_t critical[] = { 0x30, 11, 6, 3, 0x55, 0x1d, 27, 1, 1, 0xff, 4, 1, 0 },
                         malformed[] = { 0x30, 9, 6, 3, 0x55, 0x1d, 20, 4, 1, 0, 5 };
    if (kind == HARMLESS)
        forge_element(w, DER_SEQUENCE, harmless, sizeof harmless);
    if (kind == SAYS_FALSE)
        forge_element(w, DER_SEQUENCE, says_false, sizeof says_false);
    if (kind == CRITICAL)
        forge_element(w, DER_SEQUENCE, critical, sizeof critical);
    if (kind == MALFORMED)
        forge_element(w, DER_SEQUENCE, malformed, sizeof malformed);
}

/* A list of certificate number `by` with the serials 2, 0x0102 and 0x010203; => its length. */
static size_t forge_list(size_t by, enum kind in_list, enum kind in_entry, uint8_t out[static 1024])
{
    static const uint8_t serials[3][5] = { { 2, 1, 2 }, { 2, 2, 1, 2 }, { 2, 3, 1, 2, 3 } },
                         ecdsa[] = { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 };
    static const char now[] = "\x17\x0d"
                              "200101000000Z",
                      next[] = "\x17\x0d"
                               "491231000000Z";
    uint8_t entries[512], body[700], tbs[800], one[100], exts[100], hash[SIG_MAX_HASH], sig[SIG_MAX + 1] = { 0 };
    struct wr l = wr_of(entries, sizeof entries), b = wr_of(body, sizeof body), t = wr_of(tbs, sizeof tbs), w = wr_of(out, 1024);
    for (size_t i = 0; i < 3; i++) {
        struct wr e = wr_of(one, sizeof one);
        wr_bytes(&e, serials[i], 3 + i);
        wr_bytes(&e, now, 15);
        if (i == 1)
            add_extension(&e, in_entry);
        forge_element(&l, DER_SEQUENCE, one, e.len);
    }
    wr_bytes(&b, (const uint8_t[]){ DER_INTEGER, 1, 1 }, 3);
    wr_bytes(&b, ecdsa, sizeof ecdsa);
    forge_name(&b, by);
    wr_bytes(&b, now, 15);
    wr_bytes(&b, next, 15);
    forge_element(&b, DER_SEQUENCE, entries, l.len);
    if (in_list != NONE) {
        struct wr e = wr_of(exts, sizeof exts);
        add_extension(&e, in_list);
        forge_element(&b, DER_CONTEXT(0), exts, e.len);
    }
    forge_element(&t, DER_SEQUENCE, body, b.len);
    hash_once(HASH_SHA256, tbs, t.len, hash);
    int n = sig_sign(&f.cert[by].key, sig_by_id(SIG_ECDSA_P256), hash, NULL, sig + 1);
    CHECK(n > 0);
    wr_bytes(&t, ecdsa, sizeof ecdsa);
    forge_element(&t, DER_BIT_STRING, sig, 1U + (size_t)n);
    forge_element(&w, DER_SEQUENCE, tbs, t.len);
    CHECK(!w.bad && !t.bad && !b.bad && !l.bad);
    return w.len;
}

static void extensions_of_lists(void)
{
    static const int taken[] = {
        [NONE] = 1, [HARMLESS] = 1, [SAYS_FALSE] = 1, [CRITICAL] = -TLS13_E_CRL_PARSE, [MALFORMED] = -TLS13_E_CRL_PARSE
    };
    uint8_t list[1024];
    text[0] = '\0';
    forge_chain(&f, 2, false);
    for (int kind = 0; kind <= MALFORMED; kind++)
        for (int entry = 0; entry < 2; entry++) {
            struct trust *t = trust_new();
            more_pem("CERTIFICATE", f.cert[1].der, f.cert[1].len);
            CHECK_INT(add(t), 1);
            size_t n = forge_list(1, entry ? NONE : (enum kind)kind, entry ? (enum kind)kind : NONE, list);
            CHECK_INT(trust_add_crl(t, list, n), taken[kind]);
            trust_free(t);
        }
    /* Serials are the same only when they are as long. */
    static const struct {
        const char *serial;
        size_t n;
        bool there;
    } cases[] = { { "\2", 1, true },    { "\1\2", 2, true },  { "\1\2\3", 3, true },  { "\0\2", 2, true },      { "\1", 1, false },
                  { "\1\3", 2, false }, { "\2\1", 2, false }, { "\1\2\4", 3, false }, { "\1\2\3\4", 4, false }, { "\0", 1, false } };
    struct crl c;
    size_t n = forge_list(1, NONE, NONE, list);
    CHECK_INT(crl_parse(&c, list, n), 0);
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(crl_holds(&c, (struct slice){ (const uint8_t *)cases[i].serial, cases[i].n }), cases[i].there);
    crl_free(&c);
    forge_free(&f);
}

/*
 * Two of ours, one of which the other has signed and then revoked: that its lists are wanted is why it stands there, so that a client need
 * not send it along to be told so.
 */
static void an_authority_of_ours_is_revoked(void)
{
    enum { LEAF, ROOT, BELOW, OTHER };
    uint8_t list[1024];
    int64_t until;
    for (int lists_first = 0; lists_first < 2; lists_first++) {
        struct trust *t = trust_new();
        text[0] = '\0';
        forge_chain(&f, 4, false);
        f.cert[ROOT].serial = 9;
        f.cert[BELOW].serial = 2; /* which is on the list */
        forge_one(&f, ROOT, ROOT, 1);
        forge_one(&f, BELOW, ROOT, 1);
        forge_one(&f, LEAF, BELOW, 1);
        forge_one(&f, OTHER, ROOT, 1);
        const struct slice chain[] = { { f.cert[LEAF].der, f.cert[LEAF].len }, { f.cert[BELOW].der, f.cert[BELOW].len } },
                           other = { f.cert[OTHER].der, f.cert[OTHER].len };
        more_pem("CERTIFICATE", f.cert[ROOT].der, f.cert[ROOT].len);
        CHECK_INT(add(t), 1);
        if (lists_first)
            CHECK_INT(trust_add_crl(t, list, forge_list(ROOT, NONE, NONE, list)), 1);
        more_pem("CERTIFICATE", f.cert[BELOW].der, f.cert[BELOW].len);
        CHECK_INT(add(t), 1);
        CHECK_INT(trust_add_crl(t, list, forge_list(BELOW, NONE, NONE, list)), 1);
        if (!lists_first) {
            CHECK_INT(trust_verify(t, chain, 1, test_now_ms / 1000, &until), 0);
            CHECK_INT(trust_add_crl(t, list, forge_list(ROOT, NONE, NONE, list)), 1);
        }
        CHECK_INT(trust_verify(t, chain, 1, test_now_ms / 1000, &until), -TLS13_E_UNKNOWN_CA);
        CHECK_INT(trust_verify(t, chain, 2, test_now_ms / 1000, &until), -TLS13_E_CERT_REVOKED);
        CHECK_INT(trust_verify(t, &other, 1, test_now_ms / 1000, &until), 0);
        f.cert[ROOT].serial = f.cert[BELOW].serial = 0;
        forge_free(&f);
        trust_free(t);
    }
}

/* A certificate's three parts (RFC 5280 4.1.1), as they are and put together otherwise. */
static void parts_of_a_certificate(void)
{
    static const uint8_t null_parameters[] = { 0x30, 12, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2, 5, 0 };
    static const uint8_t other_hash[] = { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3 };
    uint8_t body[2048], der[2048];
    forge_chain(&f, 1, false);
    for (int what = 0; what < 6; what++) {
        struct wr b = wr_of(body, sizeof body), w = wr_of(der, sizeof der);
        struct rd r = rd_of(f.cert[0].der, f.cert[0].len);
        struct rd cert = der_open(&r, DER_SEQUENCE);
        struct slice tbs, alg, sig;
        uint8_t tag;
        (void)der_any(&cert, &tag, &tbs);
        (void)der_any(&cert, &tag, &alg);
        (void)der_any(&cert, &tag, &sig);
        CHECK(rd_done(&cert));
        if (what == 1)
            alg = (struct slice){ null_parameters, sizeof null_parameters };
        if (what == 2)
            alg = (struct slice){ other_hash, sizeof other_hash };
        if (what == 3)
            sig = (struct slice){ (const uint8_t *)"\3\1\0", 3 }; /* no byte of it */
        wr_bytes(&b, tbs.p, tbs.n);
        wr_bytes(&b, alg.p, alg.n);
        wr_bytes(&b, sig.p, sig.n);
        if (what == 4)
            wr_bytes(&b, "\5\0", 2); /* something behind, inside and out */
        forge_element(&w, DER_SEQUENCE, body, b.len);
        if (what == 5)
            wr_u8(&w, 0);
        struct x509 x;
        CHECK_INT(x509_parse(&x, der, w.len), what == 0 ? 0 : -TLS13_E_CERT_PARSE);
    }
    forge_free(&f);
}

/*
 * A leaf and its issuer, an RSA key with a public exponent of 2040 bits: valid signatures, made by hand.  No authority of ours is behind
 * them.
 */
static const char slow_chain[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICpjCCAY6gAwIBAgIBTTANBgkqhkiG9w0BAQsFADAMMQowCAYDVQQDDAFBMB4XDTIwMDEwMTAwMDAwMFoXDTQ5MDEwMTAwMDAwMFowDzENMAsG\n"
    "A1UEAwwEbGVhZjCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBALi2gDTmgSAA5Xtkna52mx1XpR6YCIhpQMvXJVwnrJR0UbPHp9Vg05R7\n"
    "0mRM70UzEhjO5wnS6gXjfrV4MQkwCSs6ojjS1mm1MZQDD/hM0bRAGs5jbbtViijWkf9NEcXWIGkfbwYQhp/OGm6LSANTtXNWwvJ4QJPiJhFmUAhB\n"
    "pqf8DOD+XBQCHoqa544zL7XdhdI7k/SODtM6aVu7v63HSQnA/CjTtd74Mr+sfNn7dvIp7G/l1GMMBiQvYeI7sqDYnSIf8UBrHcVfxKy7iM1F5r66\n"
    "WWwKOrcfLIXqF9cADwS+P0e8EO2GrErL/ljVT+4VzhcnRo5tGLEaXoA6RBNtJz0CAwEAAaMQMA4wDAYDVR0TAQH/BAIwADANBgkqhkiG9w0BAQsF\n"
    "AAOCAQEANXQvTpN/4heHXdJPk0/jVpXGqu+YrhPFOFMbri+bmC3jMoy5zHhms5tihiKxQfMaJM3AvrJqYglIiZu0J2nuL9G3HnEKpOz5UMSBUYns\n"
    "+BQxOL/BMj8+y8+OFunXYufbJdJu9zuevpxOgySvAz+V8weiOetSa9ZsgC54EaxWeIvB47g3gD95sEGAsNUYKPKWCqrGp6lM5va1HwSWqZEDKzmy\n"
    "zTZkbxbyV1o0WPu5aWzkY/mMJ6V4+YigyBWRg0IiItt7YhIeig64jppWj09EauFP/fHe2FEiEHdpGvWwMiPuzGLHPjdrgK1+2XnaL1+/XcQj+6am\n"
    "KL3zeL5TnhPTUQ==\n"
    "-----END CERTIFICATE-----\n"
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDpTCCAo2gAwIBAgIBTTANBgkqhkiG9w0BAQsFADAMMQowCAYDVQQDDAFBMB4XDTIwMDEwMTAwMDAwMFoXDTQ5MDEwMTAwMDAwMFowDDEKMAgG\n"
    "A1UEAwwBQTCCAiEwDQYJKoZIhvcNAQEBBQADggIOADCCAgkCggEBALx6b+u1U+auTD9PBJld8D1LqHBjEQEAraSzQDsy6edIgSLypIBXbUbKd9Wu\n"
    "rpk+58Kb28C2BmzAw5OJyV5N/RYEuwfBFPg8qnhCiizKQ0apnvDAK1+iK0n249SMj1M47t7hhhkde+BFjs8daUGBCkgCrhuCkxwUk7dUAPFdBeaM\n"
    "PZme0bfhLi5BTfGO+kd3GhI4PDB4kKfAfTBfFVI/L4f9yuHHIWq8VPnY2/CGrFUiVDQ+JTTrg84FtFAuMzPFiOmP/dib0ESsS8xxRfwV6f/aIc7t\n"
    "Rd/4K8dBk7QnxLSZje5lN/jrsl6JBRTKOVHPG1WBhyMiAuZy1ljmxd9lZ/cCggEAAOh3HKhgZ4V+oYYxCq76oORfzgh8JGV6QcrrjDBMvs3Is1b1\n"
    "6K+7gfoDvQTxNn522Mac1fxFJp2pq3Ao2gS3S8hBetDWozCMEUpAoulP/L6o4RAM98VDrtm/H8PiwR+LJIe+I91Ttwoqz+CLVjgIABtMk98eYm1s\n"
    "k6N5oJpDpq4DRMKbcTLLFjjQTGzBnGHQ5nceznHIfooMqZx/CJXfPo/NGAettcfgarMhYcKztgDJhgqetA4JrF0EHEin3gAtKYGhlGYchTpDMBoD\n"
    "R8Kqqlx8bxIfa6DzK2Tmdl6WbTCjDkFwN++JSBBSL4GD7nIjMoRKOsk6HqG5ADJO6ZiX+aMTMBEwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0B\n"
    "AQsFAAOCAQEAueFQK8JotjkJbrWqrKb8ohq02QK8yQjBqRzBR3159SLuv/CMw23DB/AVhK52ltRD+51/yTiA5coa7SqoVETDRmDvqPAV/0rVZhzp\n"
    "I2QQIdjOFjAupcbEHd17utk0MPpUiYbiRYznSNeMGJr7d8ucMiNSJaS4skCibMvb905QMKS5Ylv0jnUakHvjKj07xk2OGimIKyF3GWJ9pP1M9bG3\n"
    "IszlRqxW9GiI6Io2RS0LHnBp9T+1rdaMi6GUq5xSKiUumr4KS8UyKZy9aFEsMNNBaGukucgNOLPqtuNPms9MqXFhnOg4tz8i730uwtHKaZNTgs5e\n"
    "bHqVhMfUvrMqXZS4iA==\n"
    "-----END CERTIFICATE-----\n";

/* Such a key is told by its length, before anything is verified with it: ten of them took 0.3 s. */
static void long_exponents_are_not_computed_with(void)
{
    struct pem pem = { slow_chain, slow_chain + strlen(slow_chain) };
    struct trust *t = trust_new();
    struct slice chain[10];
    uint8_t *der[2];
    char label[64];
    int64_t until;
    CHECK_INT(trust_add_ca(t, fixture_ca, strlen(fixture_ca)), 1);
    for (size_t i = 0; i < 2; i++) {
        size_t n;
        CHECK_INT(pem_next(&pem, label, &der[i], &n), 1);
        chain[i] = (struct slice){ der[i], n };
    }
    for (size_t i = 2; i < COUNT(chain); i++)
        chain[i] = chain[1];
    CHECK_INT(trust_verify(t, chain, 1, test_now_ms / 1000, &until), -TLS13_E_UNKNOWN_CA);
    CHECK_INT(trust_verify(t, chain, COUNT(chain), test_now_ms / 1000, &until), -TLS13_E_UNSUPPORTED_CERT);
    free(der[0]);
    free(der[1]);
    trust_free(t);
}

/*
 * Nine signatures of somebody's own under a tenth that is not the authority's took 40 ms to verify, one after the other from the leaf
 * on.  They are verified from the authority down: what it did not sign costs one verification.
 */
static void chains_are_verified_from_the_authority_down(void)
{
    static char pem[8192];
    struct trust *t = trust_new();
    forge_chain(&f, LIMIT_CHAIN + 1, false);
    size_t n = pem_write(pem, sizeof pem, "CERTIFICATE", f.cert[LIMIT_CHAIN].der, f.cert[LIMIT_CHAIN].len);
    CHECK_INT(trust_add_ca(t, pem, n), 1);
    CHECK_INT(forged(t, LIMIT_CHAIN), 0);
    CHECK_INT(forged(t, LIMIT_CHAIN - 1), -TLS13_E_UNKNOWN_CA);
    f.cert[0].der[f.cert[0].len - 1] ^= 1; /* the leaf's signature */
    CHECK_INT(forged(t, LIMIT_CHAIN), -TLS13_E_BAD_CERT);
    f.cert[4].der[f.cert[4].len - 1] ^= 1; /* one between: found before the leaf's */
    CHECK_INT(forged(t, LIMIT_CHAIN), -TLS13_E_BAD_CERT);
    f.cert[LIMIT_CHAIN - 1].der[f.cert[LIMIT_CHAIN - 1].len - 1] ^= 1; /* the authority's: found before both */
    CHECK_INT(forged(t, LIMIT_CHAIN), -TLS13_E_UNKNOWN_CA);
    forge_free(&f);
    /* Certificates behind the one that the authority signed say nothing, as when a client sends the root too. */
    forge_chain(&f, 3, false);
    n = pem_write(pem, sizeof pem, "CERTIFICATE", f.cert[1].der, f.cert[1].len);
    CHECK_INT(trust_add_ca(t, pem, n), 1);
    CHECK_INT(forged(t, 1), 0);
    f.cert[1].der[f.cert[1].len - 1] ^= 1;
    f.cert[2].der[f.cert[2].len - 1] ^= 1;
    CHECK_INT(forged(t, 3), 0);
    /* An authority of the same name with another key: the chain's own certificate of it leads on. */
    key_wipe(&f.cert[1].key);
    forge_key(&f.cert[1].key, false, 77);
    forge_one(&f, 1, 2, 1);
    forge_one(&f, 0, 1, 1);
    forge_one(&f, 2, 2, 1);
    CHECK_INT(forged(t, 2), -TLS13_E_UNKNOWN_CA);
    n = pem_write(pem, sizeof pem, "CERTIFICATE", f.cert[2].der, f.cert[2].len);
    CHECK_INT(trust_add_ca(t, pem, n), 1);
    CHECK_INT(forged(t, 2), 0);
    forge_free(&f);
    trust_free(t);
}

int main(void)
{
    RUN(authorities);
    RUN(lists);
    RUN(chains);
    RUN(purposes_of_authorities);
    RUN(constraints_on_names);
    RUN(certificates_that_sign_none);
    RUN(extensions_of_lists);
    RUN(an_authority_of_ours_is_revoked);
    RUN(parts_of_a_certificate);
    RUN(long_exponents_are_not_computed_with);
    RUN(chains_are_verified_from_the_authority_down);
    return DONE();
}
