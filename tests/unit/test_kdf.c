/* HMAC (RFC 4231), HKDF (RFC 5869), the key schedule and Finished (all of RFC 8448's figures), and OpenSSL for what those leave out. */
#include "bytes.h"
#include "kdf.h"
#include "tls13.h"
#include "transcript.h"
#include "unit.h"

#include "../vectors/rfc8448.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

static const enum hash_id ids[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };

static const EVP_MD *md(enum hash_id id)
{
    return id == HASH_SHA256 ? EVP_sha256() : id == HASH_SHA384 ? EVP_sha384() : EVP_sha512();
}

/* --- hash and HMAC ---------------------------------------------------------------------------------------- */

static void hashes_of_nothing(void)
{
    uint8_t got[64], want[64];
    unsigned n;
    for (size_t i = 0; i < COUNT(ids); i++) {
        CHECK(EVP_Digest("", 0, want, &n, md(ids[i]), NULL) == 1);
        CHECK_INT(hash_once(ids[i], NULL, 0, got), n);
        CHECK_MEM(got, want, n);
    }
}

static void hmac_of_rfc4231(void)
{
    static const struct {
        const char *key, *data, *sha256, *sha384;
    } cases[] = {
        /* 4.2 */
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
          "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6" },
        /* 4.3 */
        { "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
          "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t key[32], data[64], got[64], want[64];
        size_t key_len = unhex(key, sizeof key, cases[i].key), n = unhex(data, sizeof data, cases[i].data);
        unhex(want, sizeof want, cases[i].sha256);
        CHECK_INT(hmac(HASH_SHA256, key, key_len, data, n, NULL, 0, got), 32);
        CHECK_MEM(got, want, 32);
        unhex(want, sizeof want, cases[i].sha384);
        CHECK_INT(hmac(HASH_SHA384, key, key_len, NULL, 0, data, n, got), 48);
        CHECK_MEM(got, want, 48);
    }
}

/* Keys of every length up to beyond two blocks (longer than a block: hashed first), in two pieces. */
static void hmac_like_openssl(void)
{
    uint8_t key[300], data[300], got[64], want[64];
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)(i * 5 + 1);
        data[i] = (uint8_t)(i * 3 + 2);
    }
    for (size_t h = 0; h < COUNT(ids); h++)
        for (size_t n = 0; n < sizeof key; n++) {
            unsigned len;
            size_t cut = n / 3;
            CHECK(HMAC(md(ids[h]), key, (int)n, data, n, want, &len) != NULL);
            CHECK_INT(hmac(ids[h], key, n, data, cut, data + cut, n - cut, got), len);
            CHECK_MEM(got, want, len);
        }
}

/* --- HKDF ------------------------------------------------------------------------------------------------- */

static void hkdf_of_rfc5869(void)
{
    static const struct {
        const char *ikm, *salt, *info, *prk, *okm;
    } cases[] = {
        /* A.1 */
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
          "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
        /* A.2 */
        { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
          "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
          "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
          "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
          "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
          "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
          "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
          "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
          "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
        /* A.3 */
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "", "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t ikm[80], salt[80], info[80], prk[32], okm[82], got[82];
        size_t ikm_len = unhex(ikm, sizeof ikm, cases[i].ikm), salt_len = unhex(salt, sizeof salt, cases[i].salt);
        size_t info_len = unhex(info, sizeof info, cases[i].info), okm_len = unhex(okm, sizeof okm, cases[i].okm);
        unhex(prk, sizeof prk, cases[i].prk);
        kdf_extract(HASH_SHA256, salt, salt_len, ikm, ikm_len, got);
        CHECK_MEM(got, prk, 32);
        kdf_expand(HASH_SHA256, prk, 32, info, info_len, got, okm_len);
        CHECK_MEM(got, okm, okm_len);
    }
}

/* Every hash, lengths around each block's end and the longest there is. */
static void expand_like_openssl(void)
{
    static uint8_t got[255 * 64], want[255 * 64];
    uint8_t prk[64], info[40];
    memset(prk, 7, sizeof prk);
    memset(info, 9, sizeof info);
    for (size_t h = 0; h < COUNT(ids); h++) {
        size_t n = (size_t)EVP_MD_get_size(md(ids[h]));
        const size_t lens[] = { 1, 16, n - 1, n, n + 1, 2 * n - 1, 2 * n, 2 * n + 1, 255 * n - 1, 255 * n };
        for (size_t i = 0; i < COUNT(lens); i++) {
            size_t len = lens[i];
            EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
            CHECK(c != NULL && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_CTX_set_hkdf_mode(c, EVP_PKEY_HKDEF_MODE_EXPAND_ONLY) == 1 &&
                  EVP_PKEY_CTX_set_hkdf_md(c, md(ids[h])) == 1 && EVP_PKEY_CTX_set1_hkdf_key(c, prk, (int)n) == 1 &&
                  EVP_PKEY_CTX_add1_hkdf_info(c, info, sizeof info) == 1 && EVP_PKEY_derive(c, want, &len) == 1);
            EVP_PKEY_CTX_free(c);
            memset(got, 0xee, sizeof got);
            kdf_expand(ids[h], prk, n, info, sizeof info, got, lens[i]);
            CHECK_MEM(got, want, lens[i]);
            for (size_t j = lens[i]; j < sizeof got; j++)
                CHECK_INT(got[j], 0xee);
        }
    }
}

/* --- RFC 8448 --------------------------------------------------------------------------------------------- */

static void every_extract_of_rfc8448(void)
{
    static const uint8_t zeros[32];
    for (size_t i = 0; i < COUNT(rfc8448_extract); i++) {
        uint8_t salt[32], ikm[32], want[32], got[32];
        size_t salt_len = unhex(salt, sizeof salt, rfc8448_extract[i].salt);
        CHECK_INT(unhex(ikm, sizeof ikm, rfc8448_extract[i].ikm), 32);
        CHECK_INT(unhex(want, sizeof want, rfc8448_extract[i].secret), 32);
        kdf_extract(HASH_SHA256, salt_len == 0 ? zeros : salt, 32, ikm, 32, got);
        CHECK_MEM(got, want, 32);
        kdf_extract(HASH_SHA256, salt, salt_len, ikm, 32, got); /* no salt is zeros, RFC 5869 2.2 */
        CHECK_MEM(got, want, 32);
    }
}

static void every_derive_of_rfc8448(void)
{
    int keys = 0, ivs = 0, others = 0;
    for (size_t i = 0; i < COUNT(rfc8448_derive); i++) {
        uint8_t prk[32], context[32], want[32], got[32];
        size_t context_len = unhex(context, sizeof context, rfc8448_derive[i].context);
        size_t len = unhex(want, sizeof want, rfc8448_derive[i].out);
        const char *label = rfc8448_derive[i].label;
        CHECK_INT(unhex(prk, sizeof prk, rfc8448_derive[i].prk), 32);
        kdf_expand_label(HASH_SHA256, prk, label, context, context_len, got, len);
        CHECK_MEM(got, want, len);
        keys += strcmp(label, "key") == 0;
        ivs += strcmp(label, "iv") == 0;
        others += len == 32;
    }
    CHECK(keys >= 16 && keys == ivs && others >= 28);
}

static const char *find(int section, const char *label)
{
    for (size_t i = 0; i < COUNT(rfc8448_derive); i++)
        if (rfc8448_derive[i].section == section && strcmp(rfc8448_derive[i].label, label) == 0)
            return rfc8448_derive[i].out;
    return "";
}

static void check_secret(const struct key_schedule *ks, int section, const char *label, const struct transcript *t, uint8_t out[32])
{
    uint8_t hash[MAX_HASH], want[32];
    CHECK_INT(unhex(want, sizeof want, find(section, label)), 32);
    transcript_hash(t, hash);
    ks_derive(ks, label, hash, out);
    CHECK_MEM(out, want, 32);
}

/* A message's body is the MAC under base over what came before it. */
static void check_finished(const uint8_t base[32], const struct transcript *t, const uint8_t *message, size_t len)
{
    uint8_t hash[MAX_HASH], mac[MAX_HASH];
    CHECK_INT(len, 36);
    transcript_hash(t, hash);
    kdf_finished(HASH_SHA256, base, hash, mac);
    CHECK_MEM(mac, message + 4, 32);
}

/* Walks one trace with the schedule in stages, as a connection does. */
static void walk(int section)
{
    uint8_t m[600], psk[32], shared[32], client[32], server[32], other[32];
    const uint8_t *key = NULL;
    struct key_schedule ks;
    struct transcript t;
    int n_extract = 0, n_finished = 0, n_hello = 0;
    transcript_init(&t, HASH_SHA256);
    for (size_t i = 0; i < COUNT(rfc8448_extract); i++) {
        if (rfc8448_extract[i].section != section)
            continue;
        if (n_extract++ == 0)
            unhex(psk, sizeof psk, rfc8448_extract[i].ikm);
        else if (n_extract == 2)
            unhex(shared, sizeof shared, rfc8448_extract[i].ikm);
    }
    for (size_t i = 0; i < COUNT(rfc8448_message); i++) {
        const char *name = rfc8448_message[i].name;
        if (rfc8448_message[i].section != section || strcmp(name, "NewSessionTicket") == 0)
            continue;
        size_t len = unhex(m, sizeof m, rfc8448_message[i].bytes);
        bool hello = strcmp(name, "ServerHello") == 0, finished = strcmp(name, "Finished") == 0;
        bool retry = hello && section == 5 && n_hello++ == 0;
        if (retry)
            transcript_retry(&t);
        if (finished)
            check_finished(n_finished == 0 ? server : client, &t, m, len);
        transcript_add(&t, m, len);
        if (hello && !retry) {
            key = section == 4 ? psk : NULL;
            ks_early(&ks, suite_by_id(TLS_AES_128_GCM_SHA256), key, 32);
            ks_handshake(&ks, shared, 32);
            check_secret(&ks, section, "c hs traffic", &t, client);
            check_secret(&ks, section, "s hs traffic", &t, server);
            ks_master(&ks);
        }
        if (finished && n_finished++ == 0) {
            check_secret(&ks, section, "c ap traffic", &t, other);
            check_secret(&ks, section, "s ap traffic", &t, other);
            check_secret(&ks, section, "exp master", &t, other);
        } else if (finished) {
            check_secret(&ks, section, "res master", &t, other);
        }
    }
    CHECK(n_finished == 2 && n_extract == 3);
}

static void trace_of_section_3(void)
{
    walk(3);
}

static void trace_of_section_4_resumed(void)
{
    walk(4);
}

static void trace_of_section_5_retried(void)
{
    walk(5);
}

static void trace_of_section_6_client_certificate(void)
{
    walk(6);
}

/* The binder of section 4: the early secret of the PSK, "res binder" over nothing, Finished's MAC. */
static void binder_of_rfc8448(void)
{
    uint8_t psk[32], hash[32], base[32], want[32], mac[MAX_HASH];
    struct key_schedule ks;
    unhex(psk, sizeof psk, find(3, "resumption"));
    ks_early(&ks, suite_by_id(TLS_AES_128_GCM_SHA256), psk, 32);
    ks_derive(&ks, "res binder", NULL, base);
    unhex(want, sizeof want, rfc8448_binder_prk);
    CHECK_MEM(base, want, 32);
    unhex(hash, sizeof hash, rfc8448_binder_hash);
    kdf_finished(HASH_SHA256, base, hash, mac);
    unhex(want, sizeof want, rfc8448_binder);
    CHECK_MEM(mac, want, 32);
}

/* With SHA-384 against HKDF of OpenSSL, step by step: RFC 8448 has no such trace. */
static void openssl_label(const uint8_t *secret, const char *label, const uint8_t *context, size_t context_len, uint8_t *out, size_t len)
{
    uint8_t info[600];
    struct wr w = wr_of(info, sizeof info);
    wr_u16(&w, (unsigned)len);
    wr_u8(&w, (unsigned)strlen(label) + 6);
    wr_bytes(&w, "tls13 ", 6);
    wr_bytes(&w, label, strlen(label));
    wr_u8(&w, (unsigned)context_len);
    wr_bytes(&w, context, context_len);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    CHECK(c != NULL && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_CTX_set_hkdf_mode(c, EVP_PKEY_HKDEF_MODE_EXPAND_ONLY) == 1 &&
          EVP_PKEY_CTX_set_hkdf_md(c, EVP_sha384()) == 1 && EVP_PKEY_CTX_set1_hkdf_key(c, secret, 48) == 1 &&
          EVP_PKEY_CTX_add1_hkdf_info(c, info, (int)w.len) == 1 && EVP_PKEY_derive(c, out, &len) == 1);
    EVP_PKEY_CTX_free(c);
}

static void schedule_with_sha384(void)
{
    uint8_t shared[64], zeros[48] = { 0 }, secret[48], salt[48], nothing[48], got[48];
    struct key_schedule ks;
    unsigned n;
    memset(shared, 0x42, sizeof shared);
    CHECK(EVP_Digest("", 0, nothing, &n, EVP_sha384(), NULL) == 1);
    CHECK(HMAC(EVP_sha384(), zeros, 48, zeros, 48, secret, &n) != NULL);
    ks_early(&ks, suite_by_id(TLS_AES_256_GCM_SHA384), NULL, 0);
    CHECK_MEM(ks.secret, secret, 48);
    openssl_label(secret, "derived", nothing, 48, salt, 48);
    CHECK(HMAC(EVP_sha384(), salt, 48, shared, sizeof shared, secret, &n) != NULL);
    ks_handshake(&ks, shared, sizeof shared);
    CHECK_MEM(ks.secret, secret, 48);
    openssl_label(secret, "s hs traffic", shared, 48, salt, 48);
    ks_derive(&ks, "s hs traffic", shared, got);
    CHECK_MEM(got, salt, 48);
    openssl_label(secret, "derived", nothing, 48, salt, 48);
    CHECK(HMAC(EVP_sha384(), salt, 48, zeros, 48, secret, &n) != NULL);
    ks_master(&ks);
    CHECK_MEM(ks.secret, secret, 48);
}

static void longest_label_and_context(void)
{
    char label[250];
    uint8_t secret[48], context[255], got[96], want[96];
    memset(label, 'L', 249);
    label[249] = '\0';
    memset(secret, 1, sizeof secret);
    memset(context, 2, sizeof context);
    openssl_label(secret, label, context, sizeof context, want, sizeof want);
    kdf_expand_label(HASH_SHA384, secret, label, context, sizeof context, got, sizeof got);
    CHECK_MEM(got, want, sizeof want);
}

/* --- suites ----------------------------------------------------------------------------------------------- */

static void suites_by_name_and_id(void)
{
    static const uint16_t suites[] = { 0x1301, 0x1302, 0x1303 };
    for (size_t i = 0; i < COUNT(suites); i++) {
        const struct suite *s = suite_by_id(suites[i]);
        CHECK(s != NULL && s->id == suites[i] && s->limit <= UINT64_C(1) << 36);
        CHECK_INT(s->hash_len, EVP_MD_get_size(md(s->hash)));
        CHECK_INT(tls13_suite_by_name(tls13_suite_name(suites[i])), suites[i]);
    }
    CHECK_STR(tls13_suite_name(0x1301), "TLS_AES_128_GCM_SHA256");
    CHECK_STR(tls13_suite_name(0), "");
    CHECK_STR(tls13_suite_name(0x1304), "unknown");
    CHECK_INT(tls13_suite_by_name("tls_chacha20_poly1305_sha256"), 0x1303);
    CHECK_INT(tls13_suite_by_name("TLS_AES_128_GCM_SHA25"), 0);
    CHECK_INT(tls13_suite_by_name("TLS_AES_128_GCM_SHA2566"), 0);
    CHECK_INT(tls13_suite_by_name(""), 0);
    CHECK(suite_by_id(0) == NULL && suite_by_id(0x0a0a) == NULL);
    CHECK(suite_by_id(0x1301)->limit == UINT64_C(1) << 24 && suite_by_id(0x1302)->limit == UINT64_C(1) << 24);
}

int main(void)
{
    RUN(hashes_of_nothing);
    RUN(hmac_of_rfc4231);
    RUN(hmac_like_openssl);
    RUN(hkdf_of_rfc5869);
    RUN(expand_like_openssl);
    RUN(every_extract_of_rfc8448);
    RUN(every_derive_of_rfc8448);
    RUN(trace_of_section_3);
    RUN(trace_of_section_4_resumed);
    RUN(trace_of_section_5_retried);
    RUN(trace_of_section_6_client_certificate);
    RUN(binder_of_rfc8448);
    RUN(schedule_with_sha384);
    RUN(longest_label_and_context);
    RUN(suites_by_name_and_id);
    return DONE();
}
