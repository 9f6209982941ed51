/* Keys: every form that generators write, and damage of every kind. */
#include "pki_load.h"

#include <openssl/x509.h>

#include "tls13.h"

static const struct {
    const char *pem;
    enum key_type type;
    unsigned bits, pair; /* forms of the same key have the same pair */
} good[] = {
    { PEM_RSA2048, KEY_RSA, 2048, 1 },    { PEM_RSA3072, KEY_RSA, 3072, 2 },       { PEM_RSA4096, KEY_RSA, 4096, 3 },
    { PEM_RSA2049, KEY_RSA, 2049, 4 },    { PEM_RSA2048_PKCS1, KEY_RSA, 2048, 1 }, { PEM_PSS, KEY_RSA_PSS, 2048, 5 },
    { PEM_PSS384, KEY_RSA_PSS, 2048, 6 }, { PEM_P256, KEY_P256, 256, 7 },          { PEM_P384, KEY_P384, 384, 8 },
    { PEM_P256_SEC1, KEY_P256, 256, 9 },  { PEM_P384_SEC1, KEY_P384, 384, 8 },
};

/* The SubjectPublicKeyInfo that libcrypto makes of a key; free() it. */
static uint8_t *spki_of(const char *pem, size_t *len)
{
    EVP_PKEY *key = pki_openssl_key(pem);
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    EVP_PKEY_free(key);
    CHECK(n > 0);
    uint8_t *exact = malloc((size_t)n);
    CHECK(exact != NULL);
    memcpy(exact, der, (size_t)n);
    OPENSSL_free(der);
    *len = (size_t)n;
    return exact;
}

static void test_good_keys_match_their_public_half(void)
{
    for (size_t i = 0; i < COUNT(good); i++) {
        struct private_key key;
        struct public_key pub;
        CHECK_INT(pki_key(&key, good[i].pem), 0);
        CHECK_INT(key.type, good[i].type);
        CHECK_INT(key.bits, good[i].bits);
        size_t len;
        uint8_t *spki = spki_of(good[i].pem, &len);
        CHECK_INT(key_parse_public(&pub, spki, len), 0);
        CHECK_INT(pub.type, good[i].type);
        CHECK_INT(pub.bits, good[i].bits);
        CHECK_INT(pub.pss_hash, strcmp(good[i].pem, PEM_PSS384) == 0 ? 384 : 0);
        CHECK_INT(key.pss_hash, pub.pss_hash);
        CHECK(key_matches(&key, &pub));
        for (size_t k = 0; k < COUNT(good); k++) {
            struct private_key other;
            CHECK_INT(pki_key(&other, good[k].pem), 0);
            CHECK_INT(key_matches(&other, &pub), good[i].pair == good[k].pair);
            key_wipe(&other);
        }
        free(spki);
        key_wipe(&key);
        CHECK(key.type == KEY_NONE && key.store == NULL);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *pem;
        int err;
    } bad[] = {
        { PEM_RSA1024, TLS13_E_KEY_UNSUPPORTED },         { PEM_P521, TLS13_E_KEY_UNSUPPORTED },
        { PEM_ED25519, TLS13_E_KEY_UNSUPPORTED },         { PEM_P256_EXPLICIT, TLS13_E_KEY_UNSUPPORTED },
        { PEM_P256_COMPRESSED, TLS13_E_KEY_UNSUPPORTED }, { PEM_P256_ENCRYPTED, TLS13_E_KEY_ENCRYPTED },
    };
    struct private_key key;
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK_INT(pki_key(&key, bad[i].pem), -bad[i].err);
        CHECK(key.store == NULL && key.type == KEY_NONE);
    }
    CHECK_INT(key_parse(&key, "OPENSSH PRIVATE KEY", (const uint8_t *)"x", 1), -TLS13_E_KEY_UNSUPPORTED);
    CHECK_INT(key_parse(&key, "PRIVATE KEY", (const uint8_t *)"", 0), -TLS13_E_KEY_PARSE);
    CHECK_INT(key_parse(&key, "EC PRIVATE KEY", (const uint8_t *)"\x30\x00", 2), -TLS13_E_KEY_PARSE);
    CHECK_INT(key_parse(&key, "RSA PRIVATE KEY", (const uint8_t *)"\x30\x00", 2), -TLS13_E_KEY_PARSE);
    static const char *const spki[] = { PEM_RSA1024, PEM_P521, PEM_ED25519, PEM_P256_COMPRESSED, PEM_P256_EXPLICIT };
    for (size_t i = 0; i < COUNT(spki); i++) {
        size_t len;
        uint8_t *der = spki_of(spki[i], &len);
        struct public_key pub;
        CHECK_INT(key_parse_public(&pub, der, len), -TLS13_E_KEY_UNSUPPORTED);
        CHECK_INT(pub.type, KEY_NONE);
        free(der);
    }
}

/* SEC1 with a scalar of our choice. */
static int sec1(const char *curve, const char *scalar, size_t n)
{
    uint8_t der[128] = { 0x30, 0, 2, 1, 1, 4, (uint8_t)n };
    struct private_key key;
    size_t at = 7 + unhex(der + 7, n, scalar);
    at += unhex(der + at, sizeof der - at, curve);
    der[1] = (uint8_t)(at - 2);
    int err = key_parse(&key, "EC PRIVATE KEY", der, at);
    if (err == 0)
        CHECK(key.d.n == key.bits / 8);
    key_wipe(&key);
    return err;
}

#define P256 "a00a 0608 2a8648ce3d030107"
#define P384 "a007 0605 2b81040022"

/* 1 to n - 1: the orders are those of SEC 2. */
static void test_scalar_range(void)
{
    CHECK_INT(sec1(P256, "00", 1), -TLS13_E_KEY_PARSE);
    CHECK_INT(sec1(P256, "01", 1), 0);
    CHECK_INT(sec1(P256, "0000 01", 3), 0);
    CHECK_INT(sec1(P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", 32), 0);
    CHECK_INT(sec1(P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 32), -TLS13_E_KEY_PARSE);
    CHECK_INT(sec1(P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552", 32), -TLS13_E_KEY_PARSE);
    CHECK_INT(sec1(P256, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 32), -TLS13_E_KEY_PARSE);
    CHECK_INT(sec1(P256, "000000000000000000000000000000000000000000000000000000000000000000", 33), -TLS13_E_KEY_PARSE);
    CHECK_INT(sec1(P256, "", 0), -TLS13_E_KEY_PARSE);
    static const char order384[] = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    char less[sizeof order384];
    memcpy(less, order384, sizeof less);
    less[95] = '2';
    CHECK_INT(sec1(P384, order384, 48), -TLS13_E_KEY_PARSE);
    CHECK_INT(sec1(P384, less, 48), 0);
    CHECK_INT(sec1("", "01", 1), -TLS13_E_KEY_PARSE); /* no curve */
}

/* Where the flip of a bit must be noticed by the parser: everywhere but in what it does not read (d, attributes). */
static void damage(const char *pem, bool all_bits)
{
    char label[64];
    size_t len;
    uint8_t *der = pki_der(pem, strstr(pem, "EC PARAMETERS") != NULL ? 1 : 0, label, &len);
    struct private_key key, intact;
    CHECK_INT(key_parse(&intact, label, der, len), 0);
    struct public_key pub = key_public(&intact);
    for (size_t cut = 0; cut < len; cut += all_bits ? 1 : 7) {
        uint8_t *copy = malloc(cut + 1);
        CHECK(copy != NULL);
        memcpy(copy, der, cut);
        CHECK_INT(key_parse(&key, label, copy, cut), -TLS13_E_KEY_PARSE);
        free(copy);
    }
    uint8_t *longer = malloc(len + 1);
    CHECK(longer != NULL);
    memcpy(longer, der, len);
    longer[len] = 0;
    CHECK_INT(key_parse(&key, label, longer, len + 1), -TLS13_E_KEY_PARSE);
    free(longer);
    for (size_t bit = 0; bit < 8 * len; bit += all_bits ? 1 : 13) {
        der[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int err = key_parse(&key, label, der, len);
        /* The parser cannot tell that e, d or a CRT part is another (cred_load does), nor that a version is; the rest it must. */
        if (err == 0 && key.n.n != 0)
            CHECK(key.n.n == pub.n.n && memcmp(key.n.p, pub.n.p, pub.n.n) == 0);
        else if (err == 0)
            CHECK(key_matches(&key, &pub));
        key_wipe(&key);
        der[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    key_wipe(&intact);
    free(der);
}

static void test_damage_ec(void)
{
    damage(PEM_P256, true);
    damage(PEM_P256_SEC1, true);
    damage(PEM_P384_SEC1, false);
}

static void test_damage_rsa(void)
{
    damage(PEM_RSA2048, false);
    damage(PEM_RSA2048_PKCS1, false);
    damage(PEM_PSS384, false);
}

static void test_damage_public(void)
{
    static const char *const pem[] = { PEM_P256, PEM_P384, PEM_RSA2048, PEM_PSS384 };
    for (size_t i = 0; i < COUNT(pem); i++) {
        struct public_key pub;
        struct private_key key;
        size_t len;
        uint8_t *der = spki_of(pem[i], &len);
        CHECK_INT(pki_key(&key, pem[i]), 0);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *copy = malloc(cut + 1);
            CHECK(copy != NULL);
            memcpy(copy, der, cut);
            CHECK_INT(key_parse_public(&pub, copy, cut), -TLS13_E_CERT_PARSE);
            free(copy);
        }
        for (size_t bit = 0; bit < 8 * len; bit++) {
            der[bit / 8] ^= (uint8_t)(1 << bit % 8);
            bool salt = key.pss_hash != 0 && bit >= 16 && der[bit / 8 - 2] == 2 && der[bit / 8 - 1] == 1; /* a shorter one is as good */
            if (key_parse_public(&pub, der, len) == 0 && !salt) {
                CHECK(!key_matches(&key, &pub) || pub.type != key.type || pub.pss_hash != key.pss_hash);
            }
            der[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        key_wipe(&key);
        free(der);
    }
}

/* RSASSA-PSS-params by hand: RFC 8017 A.2.3. */
static void test_pss_params(void)
{
#define HASH(n)  "a00f 300d 0609 60864801650304020" n " 0500"
#define MGF(n)   "a11c 301a 06092a864886f70d010108 300d 0609 60864801650304020" n " 0500"
#define SALT(n)  "a203 0201" n
#define TRAIL(n) "a303 0201" n
    static const struct {
        const char *hex;
        uint16_t hash;
    } rows[] = {
        { "3034" HASH("1") MGF("1") SALT("20"), 256 },
        { "3034" HASH("2") MGF("2") SALT("30"), 384 },
        { "3034" HASH("3") MGF("3") SALT("40"), 512 },
        { "302f" HASH("1") MGF("1"), 256 },
        { "3034" HASH("1") MGF("1") SALT("14"), 256 },
        { "3034" HASH("1") MGF("1") TRAIL("01"), 256 },
        { "3034" HASH("1") MGF("1") TRAIL("02"), 0 },
        { "3034" HASH("1") MGF("1") SALT("21"), 0 },
        { "3034" HASH("1") MGF("2") SALT("20"), 0 },
        { "3034" HASH("4") MGF("4") SALT("1c"), 0 },
        { "3000", 0 },
        { "3011" HASH("1"), 0 },
        { "301e" MGF("1"), 0 },
        { "3034" HASH("1") MGF("1") SALT("20") "00", 0 },
        { "3039" HASH("1") MGF("1") SALT("20") SALT("20"), 0 },
        { "0500", 0 },
        { "", 0 },
    };
    uint8_t buf[128];
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = unhex(buf, sizeof buf, rows[i].hex);
        CHECK_INT(key_pss_params((struct slice){ buf, n }), rows[i].hash);
    }
}

int main(void)
{
    RUN(test_good_keys_match_their_public_half);
    RUN(test_refused);
    RUN(test_scalar_range);
    RUN(test_damage_ec);
    RUN(test_damage_rsa);
    RUN(test_damage_public);
    RUN(test_pss_params);
    return DONE();
}
