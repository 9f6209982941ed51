/* Certificates: what we read of them, and that damage is either noticed or harmless. */
#include "pki_load.h"

#include "der.h"
#include "tls13.h"
#include "x509.h"

static uint8_t *der;
static size_t len;
static struct x509 x;

static void parse(const char *pem)
{
    char label[64];
    free(der);
    der = pki_der(pem, 0, label, &len);
    CHECK_INT(x509_parse(&x, der, len), 0);
}

static bool is(struct slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static void test_leaf(void)
{
    parse(CRT_P256);
    CHECK(x.serial.n == 1 && x.serial.p[0] == 77);
    CHECK(is(x.cn, "ignored"));
    CHECK(x.key_supported && x.key.type == KEY_P256);
    CHECK(!x.is_ca && x.has_key_usage && x.digital_signature);
    CHECK_INT(x.sig, 0x0401);
    CHECK(x.not_before > 1600000000 && x.not_after - x.not_before == (int64_t)36500 * 86400);
    CHECK(x.spki.p[0] == DER_SEQUENCE && x.issuer.p[0] == DER_SEQUENCE && x.subject.p[0] == DER_SEQUENCE);
    struct slice name;
    static const char *const want[] = { "WWW.Example.ORG", "*.example.org", "bad name", "example.org." };
    size_t at = 0;
    for (size_t i = 0; i < COUNT(want); i++)
        CHECK(x509_san_next(&x, SAN_DNS, &at, &name) && is(name, want[i]));
    CHECK(!x509_san_next(&x, SAN_DNS, &at, &name));
    at = 0;
    CHECK(x509_san_next(&x, SAN_IP, &at, &name) && name.n == 4 && name.p[0] == 192);
    at = 0;
    CHECK(x509_san_next(&x, SAN_URI, &at, &name) && is(name, "urn:a:b"));
    CHECK(!x509_san_next(&x, SAN_URI, &at, &name));
}

static void test_authorities(void)
{
    parse(CRT_ROOT);
    CHECK(x.is_ca && x.has_key_usage && !x.digital_signature && x.key.type == KEY_P384);
    CHECK_INT(x.sig, 0x0503);
    CHECK(is(x.cn, "Test Root") && x.san.n == 0);
    CHECK(x.issuer.n == x.subject.n && memcmp(x.issuer.p, x.subject.p, x.issuer.n) == 0);
    size_t at = 0;
    struct slice name;
    CHECK(!x509_san_next(&x, SAN_DNS, &at, &name));
    parse(CRT_INTER);
    CHECK(x.is_ca && x.key.type == KEY_RSA && x.key.bits == 2048);
    CHECK_INT(x.sig, 0x0503);
}

static void test_other_keys(void)
{
    parse(CRT_ED25519);
    CHECK(!x.key_supported && x.key.type == KEY_NONE);
    parse(CRT_PSS);
    CHECK(x.key_supported && x.key.type == KEY_RSA_PSS && x.key.pss_hash == 0);
    parse(CRT_PSS384);
    CHECK(x.key_supported && x.key.type == KEY_RSA_PSS && x.key.pss_hash == 384);
    parse(CRT_KEX);
    CHECK(x.has_key_usage && !x.digital_signature);
    CHECK_INT(x.sig, 0x0806);
    parse(CRT_CNONLY);
    CHECK(!x.has_key_usage && x.san.n == 0 && is(x.cn, "CN.Example.org"));
    CHECK_INT(x.sig, 0x0403);
}

static void test_cut_and_longer(void)
{
    static const char *const pem[] = { CRT_P256, CRT_ROOT, CRT_CNONLY, CRT_PSS384, CRT_KEX };
    for (size_t i = 0; i < COUNT(pem); i++) {
        parse(pem[i]);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *copy = malloc(cut + 1);
            CHECK(copy != NULL);
            memcpy(copy, der, cut);
            CHECK_INT(x509_parse(&x, copy, cut), -TLS13_E_CERT_PARSE);
            free(copy);
        }
        uint8_t *longer = calloc(1, len + 1);
        CHECK(longer != NULL);
        memcpy(longer, der, len);
        CHECK_INT(x509_parse(&x, longer, len + 1), -TLS13_E_CERT_PARSE);
        free(longer);
    }
}

/* Whatever a flip makes of it, what comes out lies inside and can be walked. */
static void test_flipped(void)
{
    static const char *const pem[] = { CRT_P256, CRT_ROOT, CRT_PSS384, CRT_KEX };
    unsigned refused = 0;
    for (size_t i = 0; i < COUNT(pem); i++) {
        parse(pem[i]);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            der[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct x509 y;
            if (x509_parse(&y, der, len) < 0) {
                refused++;
            } else {
                const struct slice all[] = { y.serial, y.issuer, y.subject, y.spki, y.san, y.cn, y.key.point, y.key.n, y.key.e };
                for (size_t k = 0; k < COUNT(all); k++)
                    CHECK(all[k].n == 0 || (all[k].p >= der && all[k].p + all[k].n <= der + len));
                size_t at = 0, n = 0;
                struct slice name;
                while (x509_san_next(&y, SAN_DNS, &at, &name))
                    CHECK(++n < 10);
            }
            der[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    CHECK(refused > 1000);
}

/* Replaces bytes of CRT_P256 once, and parses that. */
static int patched(const char *from, const char *to)
{
    uint8_t a[64], b[64];
    size_t n = unhex(a, sizeof a, from);
    CHECK_INT(unhex(b, sizeof b, to), n);
    parse(CRT_P256);
    uint8_t *at = memmem(der, len, a, n);
    CHECK(at != NULL);
    memcpy(at, b, n);
    return x509_parse(&x, der, len);
}

static void test_rules(void)
{
    /* keyUsage named basicConstraints: two of a kind (RFC 5280 4.2), and what is in it does not fit. */
    CHECK_INT(patched("0603551d0f", "0603551d13"), -TLS13_E_CERT_PARSE);
    /* The issuer's key identifier as a second subjectAltName. */
    CHECK_INT(patched("0603551d23", "0603551d11"), -TLS13_E_CERT_PARSE);
    /* extKeyUsage named keyUsage. */
    CHECK_INT(patched("0603551d25", "0603551d0f"), -TLS13_E_CERT_PARSE);
    /* A version without extensions (4.1.2.9), and one that does not exist. */
    CHECK_INT(patched("a003020102", "a003020101"), -TLS13_E_CERT_PARSE);
    CHECK_INT(patched("a003020102", "a003020103"), -TLS13_E_CERT_PARSE);
    /* The inner signature algorithm differs from the outer (4.1.1.2). */
    CHECK_INT(patched("02014d300d06092a864886f70d01010b", "02014d300d06092a864886f70d01010c"), -TLS13_E_CERT_PARSE);
    /* critical neither true nor false. */
    CHECK_INT(patched("0603551d0f0101ff", "0603551d0f010101"), -TLS13_E_CERT_PARSE);
    CHECK_INT(patched("0603551d0f0101ff", "0603551d0f010100"), 0);
    /* keyUsage: eight unused bits; no bit at all. */
    CHECK_INT(patched("03020780", "03020880"), -TLS13_E_CERT_PARSE);
    CHECK_INT(patched("03020780", "03020700"), 0);
    CHECK(x.has_key_usage && !x.digital_signature);
    /* An unknown extension is stepped over. */
    CHECK_INT(patched("0603551d11", "0603551d63"), 0);
    CHECK(x.san.n == 0);
    /* A length inside the subjectAltName that points past it. */
    CHECK_INT(patched("820f5757572e", "827f5757572e"), -TLS13_E_CERT_PARSE);
}

static void test_host_lower(void)
{
    char out[256];
    CHECK(x509_host_lower((const uint8_t *)"A.b-C_9", 7, out));
    CHECK_STR(out, "a.b-c_9");
    CHECK(!x509_host_lower((const uint8_t *)"", 0, out));
    CHECK(!x509_host_lower((const uint8_t *)"a.", 2, out));
    CHECK(!x509_host_lower((const uint8_t *)"*.a", 3, out));
}

int main(void)
{
    RUN(test_leaf);
    RUN(test_authorities);
    RUN(test_other_keys);
    RUN(test_cut_and_longer);
    RUN(test_flipped);
    RUN(test_rules);
    RUN(test_host_lower);
    free(der);
    return DONE();
}
