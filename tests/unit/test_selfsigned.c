/* Throwaway certificates: libcrypto must read, verify and match what we made. */
#include "pki_load.h"

#include <openssl/x509v3.h>
#include <time.h>

#include "credential.h"

static char pem[70000];

static X509 *read_certificate(void)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    CHECK(x != NULL);
    return x;
}

static void test_verifies(void)
{
    static const char *const names[] = { "Dev.Example", "*.dev.example", "localhost", "127.0.0.1", "::1" };
    int n = tls13_self_signed(names, 5, 30, pem, sizeof pem);
    CHECK_INT(n, strlen(pem));
    X509 *x = read_certificate();
    EVP_PKEY *key = pki_openssl_key(strstr(pem, "-----BEGIN PRIVATE KEY-----"));
    CHECK_INT(X509_check_private_key(x, key), 1);
    CHECK_INT(X509_verify(x, key), 1);
    CHECK_INT(X509_get_version(x), 2);
    CHECK_INT(X509_check_host(x, "dev.example", 0, 0, NULL), 1);
    CHECK_INT(X509_check_host(x, "any.dev.example", 0, 0, NULL), 1);
    CHECK_INT(X509_check_host(x, "localhost", 0, 0, NULL), 1);
    CHECK_INT(X509_check_host(x, "other.example", 0, 0, NULL), 0);
    CHECK_INT(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
    CHECK_INT(X509_check_ip_asc(x, "::1", 0), 1);
    CHECK_INT(X509_check_ip_asc(x, "127.0.0.2", 0), 0);
    CHECK_INT(X509_check_ca(x), 0);
    CHECK_INT(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
    CHECK_INT(X509_get_extended_key_usage(x), XKU_SSL_SERVER);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    CHECK(X509_STORE_add_cert(store, x) == 1 && X509_STORE_CTX_init(ctx, store, x, NULL) == 1);
    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
    int ok = X509_verify_cert(ctx);
    if (ok != 1)
        printf("# %s\n", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    CHECK_INT(ok, 1);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    EVP_PKEY_free(key);
    X509_free(x);
}

static void test_loads(void)
{
    static const char *const names[] = { "a.example", "*.b.example", "192.0.2.1" };
    struct credential *c;
    int n = tls13_self_signed(names, 3, 1, pem, sizeof pem);
    CHECK(n > 0);
    CHECK_INT(cred_load(&c, pem, (size_t)n, NULL, 0, NULL, NULL), 0);
    CHECK_INT(c->n_names, 2);
    CHECK_STR(c->names[0], "a.example");
    CHECK_STR(c->names[1], "*.b.example");
    CHECK_INT(c->n_chain_sigs, 0);
    int64_t now = time(NULL);
    CHECK(c->info.not_before <= now && c->info.not_before > now - 60);
    CHECK_INT(c->info.not_after - c->info.not_before, 86400);
    cred_free(c);
}

/* Two are never the same: key and serial number are fresh. */
static void test_fresh(void)
{
    static const char *const names[] = { "localhost" };
    static char first[4096];
    int n = tls13_self_signed(names, 1, 3650, first, sizeof first), m = tls13_self_signed(names, 1, 3650, pem, sizeof pem);
    CHECK(n > 0 && m > 0);
    CHECK(strcmp(strstr(first, "PRIVATE"), strstr(pem, "PRIVATE")) != 0);
    X509 *x = read_certificate();
    CHECK(ASN1_INTEGER_get(X509_get_serialNumber(x)) != 0);
    X509_free(x);
}

static void test_many_and_long_names(void)
{
    static char text[200][64];
    const char *names[200];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(text[i], sizeof text[i], "host-number-%u.some-department.example", i);
        names[i] = text[i];
    }
    CHECK(tls13_self_signed(names, 200, 1, pem, sizeof pem) > 0);
    X509_free(read_certificate());
    char longest[254];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 63; i < 253; i += 64)
        longest[i] = '.';
    longest[253] = '\0';
    names[0] = longest;
    CHECK(tls13_self_signed(names, 1, 1, pem, sizeof pem) > 0);
    X509 *x = read_certificate();
    CHECK_INT(X509_check_host(x, longest, 0, 0, NULL), 1);
    X509_free(x);
}

static void test_refused(void)
{
    static const char *const wrong[] = { "", "a b", "a..b", "a.", "*", "*.", "*.*.a", "a.*", "a\nb", "[::1]", "caf\xc3\xa9" };
    for (size_t i = 0; i < COUNT(wrong); i++)
        CHECK_INT(tls13_self_signed(&wrong[i], 1, 1, pem, sizeof pem), -TLS13_E_BAD_ARGUMENT);
    static const char *const names[] = { "a" };
    CHECK_INT(tls13_self_signed(names, 0, 1, pem, sizeof pem), -TLS13_E_BAD_ARGUMENT);
    CHECK_INT(tls13_self_signed(names, 1, 0, pem, sizeof pem), -TLS13_E_BAD_ARGUMENT);
    CHECK_INT(tls13_self_signed(names, 1, 3651, pem, sizeof pem), -TLS13_E_BAD_ARGUMENT);
    int n = tls13_self_signed(names, 1, 1, pem, sizeof pem);
    CHECK(n > 100);
    for (size_t cap = 0; cap < (size_t)n - 8; cap += 97) {
        char *exact = malloc(cap + 1);
        CHECK(exact != NULL);
        CHECK_INT(tls13_self_signed(names, 1, 1, exact, cap), -TLS13_E_NO_ROOM);
        free(exact);
    }
}

int main(void)
{
    RUN(test_verifies);
    RUN(test_loads);
    RUN(test_fresh);
    RUN(test_many_and_long_names);
    RUN(test_refused);
    return DONE();
}
