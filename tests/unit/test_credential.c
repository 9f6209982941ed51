/* Credentials: what a file must hold, what comes out of it, and the clear error for each thing that is wrong. */
#include "pki_load.h"

#include <openssl/x509.h>

#include "credential.h"
#include "kdf.h"

static struct credential *c;

static int load(const char *chain, const char *key)
{
    cred_free(c);
    c = NULL;
    return cred_load(&c, chain, strlen(chain), key, key != NULL ? strlen(key) : 0, NULL, NULL);
}

static void check_schemes(const uint16_t *want, size_t n)
{
    CHECK_INT(c->n_schemes, n);
    for (size_t i = 0; i < n; i++)
        CHECK_INT(c->schemes[i], want[i]);
}
#define CHECK_SCHEMES(...) check_schemes((const uint16_t[]){ __VA_ARGS__ }, sizeof((const uint16_t[]){ __VA_ARGS__ }) / 2)

static void test_whole_chain(void)
{
    CHECK_INT(load(CRT_P256 CRT_INTER CRT_ROOT, PEM_P256), 0);
    CHECK_INT(c->type, KEY_P256);
    CHECK_INT(c->key.type, KEY_P256);
    CHECK_SCHEMES(SIG_ECDSA_P256);
    CHECK_INT(c->n_names, 3); /* "bad name" is dropped */
    CHECK_STR(c->names[0], "www.example.org");
    CHECK_STR(c->names[1], "*.example.org");
    CHECK_STR(c->names[2], "example.org");
    CHECK_INT(c->n_chain_sigs, 2); /* the root's own does not count */
    CHECK_INT(c->chain_sigs[0], 0x0401);
    CHECK_INT(c->chain_sigs[1], 0x0503);
    CHECK_STR(c->info.name, "www.example.org");
    CHECK_STR(c->info.key, "ECDSA P-256");
    CHECK_INT(c->info.names, 3);
    CHECK_INT(c->info.chain, 3);
    CHECK_INT(c->info.not_after - c->info.not_before, (int64_t)36500 * 86400);
}

/* RFC 8446 4.4.2, byte by byte. */
static void test_message(void)
{
    CHECK_INT(load(CRT_P256 CRT_INTER, PEM_P256), 0);
    struct rd r = rd_of(c->message, c->message_len);
    CHECK_INT(rd_u8(&r), 11);
    struct rd body = rd_vec24(&r), context = rd_vec8(&body), list = rd_vec24(&body);
    CHECK(rd_done(&r) && rd_done(&body) && rd_done(&context));
    static const char *const pem[] = { CRT_P256, CRT_INTER };
    for (size_t i = 0; i < COUNT(pem); i++) {
        char label[64];
        size_t len;
        uint8_t *der = pki_der(pem[i], 0, label, &len);
        struct rd cert = rd_vec24(&list), ext = rd_vec16(&list);
        CHECK(!list.bad && rd_done(&ext) && rd_left(&cert) == len);
        CHECK_MEM(cert.p, der, len);
        if (i == 0) {
            uint8_t sha[32];
            CHECK(c->leaf.p == cert.p && c->leaf.n == len);
            hash_once(HASH_SHA256, der, len, sha);
            CHECK_MEM(c->info.sha256, sha, 32);
        }
        free(der);
    }
    CHECK(rd_done(&list));
}

static void test_key_kinds(void)
{
    CHECK_INT(load(CRT_P384 CRT_INTER, PEM_P384_SEC1), 0);
    CHECK_SCHEMES(SIG_ECDSA_P384);
    CHECK_STR(c->info.key, "ECDSA P-384");
    CHECK_INT(load(CRT_RSA2048 CRT_INTER, PEM_RSA2048_PKCS1), 0);
    CHECK_SCHEMES(SIG_PSS_RSAE_SHA256, SIG_PSS_RSAE_SHA384, SIG_PSS_RSAE_SHA512);
    CHECK_STR(c->info.key, "RSA 2048");
    CHECK_INT(load(CRT_RSA4096, PEM_RSA4096), 0);
    CHECK_STR(c->info.key, "RSA 4096");
    CHECK_INT(load(CRT_PSS, PEM_PSS), 0);
    CHECK_SCHEMES(SIG_PSS_PSS_SHA256, SIG_PSS_PSS_SHA384, SIG_PSS_PSS_SHA512);
    CHECK_STR(c->info.key, "RSA-PSS 2048");
    CHECK_INT(load(CRT_PSS384, PEM_PSS384), 0);
    CHECK_SCHEMES(SIG_PSS_PSS_SHA384);
}

static void test_forms_of_files(void)
{
    CHECK_INT(load(CRT_P256 CRT_INTER PEM_P256, NULL), 0);          /* all in one */
    CHECK_INT(load(PEM_P256 "text\n" CRT_P256 CRT_INTER, NULL), 0); /* key first */
    CHECK_INT(load(CRT_P256 PEM_P384, PEM_P256), 0);                /* the key that was given counts */
    CHECK_INT(load("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" PEM_P256 CRT_CNONLY, NULL), 0);
    CHECK_INT(c->n_names, 1); /* no SAN: the CN */
    CHECK_STR(c->names[0], "cn.example.org");
    CHECK_STR(c->info.name, "cn.example.org");
    CHECK_INT(c->n_chain_sigs, 0);
}

static void test_refused(void)
{
    CHECK_INT(load("", NULL), -TLS13_E_PEM);
    CHECK_INT(load("hello", NULL), -TLS13_E_PEM);
    CHECK_INT(load(PEM_P256, NULL), -TLS13_E_PEM);
    CHECK_INT(load(CRT_P256, NULL), -TLS13_E_KEY_MISSING);
    CHECK_INT(load(CRT_P256, CRT_P256), -TLS13_E_KEY_MISSING);
    CHECK_INT(load(CRT_P256, ""), -TLS13_E_KEY_MISSING);
    CHECK_INT(load(CRT_P256, PEM_P384), -TLS13_E_KEY_MISMATCH);
    CHECK_INT(load(CRT_P256, PEM_P256_SEC1), -TLS13_E_KEY_MISMATCH);
    CHECK_INT(load(CRT_RSA2048, PEM_RSA3072), -TLS13_E_KEY_MISMATCH);
    CHECK_INT(load(CRT_P256, PEM_P256_ENCRYPTED), -TLS13_E_KEY_ENCRYPTED);
    CHECK_INT(load(CRT_P256, PEM_P256_ENCRYPTED_OLD), -TLS13_E_KEY_ENCRYPTED);
    CHECK_INT(load(CRT_ED25519, PEM_ED25519), -TLS13_E_KEY_UNSUPPORTED);
    CHECK_INT(load(CRT_P256, PEM_P521), -TLS13_E_KEY_UNSUPPORTED);
    CHECK_INT(load(CRT_TRUSTED, PEM_P256), -TLS13_E_CERT_TRUSTED);
    CHECK_INT(load(CRT_KEX CRT_INTER, PEM_P256), -TLS13_E_CERT_USAGE);
    CHECK_INT(load(CRT_INTER CRT_P256, PEM_P256), -TLS13_E_CERT_ORDER);
    CHECK_INT(load(CRT_P256 CRT_ROOT CRT_INTER, PEM_P256), -TLS13_E_CERT_ORDER);
    CHECK_INT(load(CRT_P256 CRT_ROOT, PEM_P256), -TLS13_E_CERT_ORDER);
    CHECK_INT(load("-----BEGIN CERTIFICATE-----\nTWFu\n-----END CERTIFICATE-----\n", PEM_P256), -TLS13_E_CERT_PARSE);
    CHECK_INT(load("-----BEGIN CERTIFICATE-----\nTWF\n-----END CERTIFICATE-----\n", PEM_P256), -TLS13_E_PEM);
    static const char many[] =
        CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY;
    CHECK_INT(load(many, PEM_P256), 0);
    CHECK_INT(load(CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY CRT_CNONLY,
                   PEM_P256),
              -TLS13_E_CERT_MANY);
    CHECK(c == NULL);
}

/* Parts of an RSA key that only a signature shows to be wrong. */
static void test_wrong_crt_parts(void)
{
    char label[64], text[8192];
    size_t len;
    uint8_t *der = pki_der(PEM_RSA2048_PKCS1, 0, label, &len);
    struct private_key key;
    CHECK_INT(key_parse(&key, label, der, len), 0);
    const struct slice parts[] = { key.dp, key.dq, key.iq };
    for (size_t i = 0; i < COUNT(parts); i++) {
        size_t at = (size_t)(parts[i].p - key.store) + parts[i].n / 2;
        der[at] ^= 0x10;
        CHECK(pem_write(text, sizeof text, label, der, len) != 0);
        CHECK_INT(load(CRT_RSA2048, text), -TLS13_E_KEY_PARSE);
        der[at] ^= 0x10;
    }
    CHECK(pem_write(text, sizeof text, label, der, len) != 0);
    CHECK_INT(load(CRT_RSA2048, text), 0);
    key_wipe(&key);
    free(der);
}

static int signer(void *arg, struct tls13_conn *conn, uint16_t scheme, const uint8_t *hash, size_t hash_len, uint8_t *sig, size_t *sig_len)
{
    (void)arg, (void)conn, (void)scheme, (void)hash, (void)hash_len, (void)sig, (void)sig_len;
    return TLS13_LATER;
}

static void test_signer(void)
{
    int mark;
    cred_free(c);
    CHECK_INT(cred_load(&c, CRT_RSA2048, strlen(CRT_RSA2048), NULL, 0, signer, &mark), 0);
    CHECK(c->sign == signer && c->sign_arg == &mark && c->key.type == KEY_NONE && c->type == KEY_RSA);
    CHECK_INT(c->n_schemes, 3);
}

/* Any byte of the file may be another: an error or a credential, never more. */
static void test_damaged_files(void)
{
    static char text[] = CRT_P256 PEM_P256;
    for (size_t i = 0; i < sizeof text - 1; i += 3) {
        char was = text[i];
        text[i] = (char)(was ^ 1 << i % 7);
        (void)load(text, NULL);
        text[i] = was;
    }
    for (size_t n = 0; n < sizeof text - 2; n += 5) {
        char *copy = malloc(n + 1);
        CHECK(copy != NULL);
        memcpy(copy, text, n);
        cred_free(c);
        c = NULL;
        CHECK(cred_load(&c, copy, n, NULL, 0, NULL, NULL) < 0 && c == NULL);
        free(copy);
    }
}

int main(void)
{
    RUN(test_whole_chain);
    RUN(test_message);
    RUN(test_key_kinds);
    RUN(test_forms_of_files);
    RUN(test_refused);
    RUN(test_wrong_crt_parts);
    RUN(test_signer);
    RUN(test_damaged_files);
    cred_free(c);
    return DONE();
}
