/* Signatures: known answers, both ways against libcrypto, and nothing but the one right encoding verifies. */
#include "pki_load.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "sign.h"
#include "tls13.h"

static const char *const keys[] = { PEM_P256, PEM_P384, PEM_RSA2048, PEM_RSA2049, PEM_RSA3072, PEM_RSA4096, PEM_PSS, PEM_PSS384 };

static const EVP_MD *md_of(const struct sig_scheme *s)
{
    return s->hash == HASH_SHA256 ? EVP_sha256() : s->hash == HASH_SHA384 ? EVP_sha384() : EVP_sha512();
}

/* libcrypto's context for the scheme: salt as long as the hash (RFC 8446 4.2.3). */
static EVP_PKEY_CTX *context(EVP_PKEY *key, const struct sig_scheme *s, bool sign)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    CHECK(c != NULL && (sign ? EVP_PKEY_sign_init(c) : EVP_PKEY_verify_init(c)) == 1);
    if (s->key == KEY_RSA || s->key == KEY_RSA_PSS)
        CHECK(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1);
    CHECK(EVP_PKEY_CTX_set_signature_md(c, md_of(s)) == 1);
    if (s->key == KEY_RSA || s->key == KEY_RSA_PSS)
        CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1);
    return c;
}

static void test_selftest(void)
{
    CHECK_INT(sig_selftest(), 0);
}

static void test_schemes(void)
{
    size_t n;
    const struct sig_scheme *all = sig_schemes(&n);
    CHECK_INT(n, 8);
    for (size_t i = 0; i < n; i++) {
        CHECK(sig_by_id(all[i].id) == &all[i]);
        CHECK_STR(tls13_scheme_name(all[i].id), all[i].name);
    }
    CHECK_STR(tls13_scheme_name(0x0403), "ecdsa_secp256r1_sha256");
    CHECK_STR(tls13_scheme_name(0), "");
    CHECK_STR(tls13_scheme_name(0x0401), "unknown");
    static const uint16_t not_ours[] = { 0, 0x0401, 0x0201, 0x0203, 0x0603, 0x0807, 0x0a0a };
    for (size_t i = 0; i < COUNT(not_ours); i++)
        CHECK(sig_by_id(not_ours[i]) == NULL);
}

/* One signature of ours that libcrypto takes and one of libcrypto's that we take; damage to either is refused by us. */
static void both_ways(const struct private_key *key, EVP_PKEY *other, const struct sig_scheme *s, uint8_t seed)
{
    uint8_t hash[SIG_MAX_HASH], salt[SIG_MAX_HASH], ours[SIG_MAX], theirs[SIG_MAX];
    size_t h = sig_hash_len(s), len = sizeof theirs;
    for (size_t i = 0; i < sizeof hash; i++) {
        hash[i] = (uint8_t)(seed * 31 + i * 7);
        salt[i] = (uint8_t)(seed * 17 + i * 5);
    }
    struct public_key pub = key_public(key);
    int n = sig_sign(key, s, hash, salt, ours);
    CHECK(n > 0);
    EVP_PKEY_CTX *c = context(other, s, false);
    CHECK_INT(EVP_PKEY_verify(c, ours, (size_t)n, hash, h), 1);
    EVP_PKEY_CTX_free(c);
    CHECK_INT(sig_verify(&pub, s, hash, ours, (size_t)n), 0);
    c = context(other, s, true);
    CHECK_INT(EVP_PKEY_sign(c, theirs, &len, hash, h), 1);
    EVP_PKEY_CTX_free(c);
    CHECK_INT(sig_verify(&pub, s, hash, theirs, len), 0);
    hash[h - 1] ^= 1;
    CHECK_INT(sig_verify(&pub, s, hash, theirs, len), -TLS13_E_DECRYPT);
    hash[h - 1] ^= 1;
    theirs[len / 2] ^= 1;
    CHECK_INT(sig_verify(&pub, s, hash, theirs, len), -TLS13_E_DECRYPT);
}

static void test_differential(void)
{
    unsigned done = 0;
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct private_key key;
        CHECK_INT(pki_key(&key, keys[i]), 0);
        EVP_PKEY *other = pki_openssl_key(keys[i]);
        struct public_key pub = key_public(&key);
        size_t n;
        const struct sig_scheme *all = sig_schemes(&n);
        for (size_t k = 0; k < n; k++) {
            uint8_t hash[SIG_MAX_HASH] = { 0 }, sig[SIG_MAX];
            if (!sig_fits(&pub, &all[k])) {
                CHECK_INT(sig_sign(&key, &all[k], hash, hash, sig), -TLS13_E_BAD_ARGUMENT);
                CHECK_INT(sig_verify(&pub, &all[k], hash, sig, 72), -TLS13_E_ILLEGAL);
                continue;
            }
            for (uint8_t seed = 0; seed < (key.bits < 1024 ? 16 : 3); seed++)
                both_ways(&key, other, &all[k], seed);
            done++;
        }
        EVP_PKEY_free(other);
        key_wipe(&key);
    }
    CHECK_INT(done, 2 + 4 * 3 + 3 + 1);
}

/* RFC 8446 4.2.3: which key goes with which scheme. */
static void test_fits(void)
{
    struct public_key pub = { .type = KEY_RSA_PSS, .bits = 2048, .pss_hash = 384 };
    CHECK(sig_fits(&pub, sig_by_id(SIG_PSS_PSS_SHA384)));
    CHECK(!sig_fits(&pub, sig_by_id(SIG_PSS_PSS_SHA256)));
    CHECK(!sig_fits(&pub, sig_by_id(SIG_PSS_RSAE_SHA384)));
    pub = (struct public_key){ .type = KEY_P256 };
    CHECK(!sig_fits(&pub, sig_by_id(SIG_ECDSA_P384)));
    pub = (struct public_key){ .type = KEY_RSA };
    CHECK(!sig_fits(&pub, sig_by_id(SIG_PSS_PSS_SHA256)));
}

/* Every bit of a signature, every shorter length, and one byte more: none verifies. */
static void damage(const char *pem, uint16_t id, size_t step)
{
    struct private_key key;
    uint8_t hash[SIG_MAX_HASH] = { 1, 2, 3 }, sig[SIG_MAX + 1] = { 0 };
    const struct sig_scheme *s = sig_by_id(id);
    CHECK_INT(pki_key(&key, pem), 0);
    struct public_key pub = key_public(&key);
    int n = sig_sign(&key, s, hash, hash, sig);
    CHECK(n > 0);
    for (size_t bit = 0; bit < 8 * (size_t)n; bit += step) {
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK_INT(sig_verify(&pub, s, hash, sig, (size_t)n), -TLS13_E_DECRYPT);
        sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < (size_t)n; cut++) {
        uint8_t *copy = malloc(cut + 1);
        CHECK(copy != NULL);
        memcpy(copy, sig, cut);
        CHECK_INT(sig_verify(&pub, s, hash, copy, cut), -TLS13_E_DECRYPT);
        free(copy);
    }
    CHECK_INT(sig_verify(&pub, s, hash, sig, (size_t)n + 1), -TLS13_E_DECRYPT);
    CHECK_INT(sig_verify(&pub, s, hash, sig, (size_t)n), 0);
    key_wipe(&key);
}

static void test_damage(void)
{
    damage(PEM_P256, SIG_ECDSA_P256, 1);
    damage(PEM_P384, SIG_ECDSA_P384, 5);
    damage(PEM_RSA2048, SIG_PSS_RSAE_SHA256, 1);
    damage(PEM_RSA2049, SIG_PSS_RSAE_SHA512, 5);
    damage(PEM_PSS384, SIG_PSS_PSS_SHA384, 5);
}

/* A valid r, s in encodings that are not DER, after Wycheproof's ecdsa_secp256r1 sets: all refused. */
static void test_ecdsa_encodings(void)
{
    struct private_key key;
    uint8_t hash[SIG_MAX_HASH] = { 0 }, sig[SIG_MAX];
    const struct sig_scheme *s = sig_by_id(SIG_ECDSA_P256);
    CHECK_INT(pki_key(&key, PEM_P256), 0);
    struct public_key pub = key_public(&key);
    int n;
    /* A signature with both numbers 33 bytes long, so that the offsets below are known. */
    do {
        hash[0]++;
        n = sig_sign(&key, s, hash, NULL, sig);
    } while (n != 72);
    CHECK_INT(sig_verify(&pub, s, hash, sig, 72), 0);
    const uint8_t *r = sig + 4, *v = sig + 39; /* 33 bytes each, a zero first */
    static const struct {
        const char *head, *r, *mid, *tail;
        size_t skip_r, skip_s;
        const char *what;
    } rows[] = {
        { "30 46 02 21", "", "02 21", "", 0, 0, NULL }, /* as it should be: verifies */
        { "30 81 46 02 21", "", "02 21", "", 0, 0, "long form of the length" },
        { "30 82 00 46 02 21", "", "02 21", "", 0, 0, "length with a leading zero" },
        { "30 47 02 81 21", "", "02 21", "", 0, 0, "long form of r's length" },
        { "30 47 02 21", "", "02 81 21", "", 0, 0, "long form of s's length" },
        { "30 47 02 22", "00", "02 21", "", 0, 0, "zero in front of r" },
        { "30 47 02 21", "", "02 22 00", "", 0, 0, "zero in front of s" },
        { "30 45 02 20", "", "02 21", "", 1, 0, "r without its sign byte" },
        { "30 45 02 21", "", "02 20", "", 0, 1, "s without its sign byte" },
        { "30 80 02 21", "", "02 21", "00 00", 0, 0, "indefinite length" },
        { "30 46 02 21", "", "02 21", "00", 0, 0, "trailing byte" },
        { "30 48 02 21", "", "02 21", "05 00", 0, 0, "trailing NULL inside" },
        { "30 46 02 21", "", "02 21", "05 00", 0, 0, "trailing NULL outside" },
        { "31 46 02 21", "", "02 21", "", 0, 0, "a SET" },
        { "30 46 03 21", "", "02 21", "", 0, 0, "r a BIT STRING" },
        { "30 4a 30 48 02 21", "", "02 21", "", 0, 0, "wrapped twice" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t out[128];
        size_t at = unhex(out, sizeof out, rows[i].head);
        at += unhex(out + at, sizeof out - at, rows[i].r);
        memcpy(out + at, r + rows[i].skip_r, 33 - rows[i].skip_r);
        at += 33 - rows[i].skip_r;
        at += unhex(out + at, sizeof out - at, rows[i].mid);
        memcpy(out + at, v + rows[i].skip_s, 33 - rows[i].skip_s);
        at += 33 - rows[i].skip_s;
        at += unhex(out + at, sizeof out - at, rows[i].tail);
        int err = sig_verify(&pub, s, hash, out, at);
        if ((err == 0) != (rows[i].what == NULL))
            printf("# %s\n", rows[i].what != NULL ? rows[i].what : "the right form");
        CHECK_INT(err, rows[i].what == NULL ? 0 : -TLS13_E_DECRYPT);
    }
    key_wipe(&key);
}

#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" /* P-256's n, SEC 2 */

/* Values that verify for no message: r or s 0, n, 1; RFC 6979 has r, s in 1 to n - 1. */
static void test_ecdsa_edges(void)
{
    static const char *const wrong[] = {
        "3006 020100 020100",
        "3006 020101 020100",
        "3006 020100 020101",
        "3006 020101 020101",
        "3046 022100" ORDER "022100" ORDER,
        "3026 022100" ORDER "020101",
        "3026 020101 022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552",
        "3006 0201ff 020101",
        "3000",
        "0500",
        "",
    };
    struct private_key key;
    uint8_t hash[SIG_MAX_HASH] = { 1 }, sig[128];
    CHECK_INT(pki_key(&key, PEM_P256), 0);
    struct public_key pub = key_public(&key);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        size_t n = unhex(sig, sizeof sig, wrong[i]);
        CHECK_INT(sig_verify(&pub, sig_by_id(SIG_ECDSA_P256), hash, sig, n), -TLS13_E_DECRYPT);
    }
    /* A point that is not on the curve verifies nothing. */
    uint8_t good[SIG_MAX];
    int n = sig_sign(&key, sig_by_id(SIG_ECDSA_P256), hash, NULL, good);
    CHECK(n > 0);
    key.point[64] ^= 1;
    CHECK_INT(sig_verify(&pub, sig_by_id(SIG_ECDSA_P256), hash, good, (size_t)n), -TLS13_E_DECRYPT);
    key_wipe(&key);
}

/* RFC 8446 C.3: a fault in the private operation must not leave the house. */
static void test_faults_are_kept_in(void)
{
    static const uint8_t zeros[SIG_MAX];
    struct private_key key;
    uint8_t hash[SIG_MAX_HASH] = { 9 }, sig[SIG_MAX];
    struct slice *parts[] = { &key.dp, &key.dq, &key.iq, &key.p, &key.q };
    for (size_t i = 0; i < COUNT(parts); i++) {
        CHECK_INT(pki_key(&key, PEM_RSA2048), 0);
        key.store[(size_t)(parts[i]->p - key.store) + parts[i]->n / 2] ^= 4;
        memset(sig, 0xff, sizeof sig);
        CHECK_INT(sig_sign(&key, sig_by_id(SIG_PSS_RSAE_SHA256), hash, hash, sig), -TLS13_E_INTERNAL);
        CHECK_MEM(sig, zeros, sizeof sig);
        key_wipe(&key);
    }
    CHECK_INT(pki_key(&key, PEM_P256), 0);
    key.point[10] ^= 1; /* the scalar is another than the point's */
    CHECK_INT(sig_sign(&key, sig_by_id(SIG_ECDSA_P256), hash, NULL, sig), -TLS13_E_INTERNAL);
    CHECK_MEM(sig, zeros, sizeof sig);
    key_wipe(&key);
}

/* A salt of another length is another scheme (RFC 8446 4.2.3); so is PKCS #1 v1.5. */
static void test_other_rsa_forms(void)
{
    struct private_key key;
    CHECK_INT(pki_key(&key, PEM_RSA2048), 0);
    EVP_PKEY *other = pki_openssl_key(PEM_RSA2048);
    struct public_key pub = key_public(&key);
    const struct sig_scheme *s = sig_by_id(SIG_PSS_RSAE_SHA256);
    uint8_t hash[32] = { 5 }, sig[SIG_MAX];
    static const int salts[] = { 0, 20, 31, 33, RSA_PSS_SALTLEN_MAX };
    for (size_t i = 0; i <= COUNT(salts); i++) {
        size_t len = sizeof sig;
        EVP_PKEY_CTX *c = context(other, s, true);
        if (i < COUNT(salts))
            CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(c, salts[i]) == 1);
        else
            CHECK(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1);
        CHECK_INT(EVP_PKEY_sign(c, sig, &len, hash, 32), 1);
        EVP_PKEY_CTX_free(c);
        CHECK_INT(sig_verify(&pub, s, hash, sig, len), -TLS13_E_DECRYPT);
    }
    memcpy(sig, pub.n.p, 256); /* not below n */
    CHECK_INT(sig_verify(&pub, s, hash, sig, 256), -TLS13_E_DECRYPT);
    memset(sig, 0, 256);
    CHECK_INT(sig_verify(&pub, s, hash, sig, 256), -TLS13_E_DECRYPT);
    EVP_PKEY_free(other);
    key_wipe(&key);
}

int main(void)
{
    RUN(test_selftest);
    RUN(test_schemes);
    RUN(test_differential);
    RUN(test_fits);
    RUN(test_damage);
    RUN(test_ecdsa_encodings);
    RUN(test_ecdsa_edges);
    RUN(test_faults_are_kept_in);
    RUN(test_other_rsa_forms);
    return DONE();
}
