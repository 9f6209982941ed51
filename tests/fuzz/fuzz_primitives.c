/*
 * Every implementation of a primitive that this CPU can run, beside OpenSSL's and each other: the first byte chooses the primitive, the
 * rest is keys, lengths and data.  Buffers are as long as they must be, so that AddressSanitizer sees the byte beyond.
 */
#include "primitives.h"

#include "aead_impl.h"
#include "curve_openssl.h"
#include "hash_impl.h"
#include "mlkem_levels.h"
#include "tls13.h"

#include <openssl/evp.h>

/* --- AEADs -------------------------------------------------------------------------------------------------- */

static const struct {
    uint16_t suite;
    size_t key_len;
    const EVP_CIPHER *(*cipher)(void);
} aeads[] = { { TLS_AES_128_GCM_SHA256, 16, EVP_aes_128_gcm },
              { TLS_AES_256_GCM_SHA384, 32, EVP_aes_256_gcm },
              { TLS_CHACHA20_POLY1305_SHA256, 32, EVP_chacha20_poly1305 } };

static void openssl_seal(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
                         const uint8_t *plain, size_t len, uint8_t *sealed)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0;
    PROMISE(EVP_EncryptInit_ex(c, cipher, NULL, key, nonce) == 1);
    PROMISE(EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_len) == 1);
    PROMISE(len == 0 || EVP_EncryptUpdate(c, sealed, &n, plain, (int)len) == 1);
    PROMISE(EVP_EncryptFinal_ex(c, sealed + len, &n) == 1);
    PROMISE(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, sealed + len) == 1);
    EVP_CIPHER_CTX_free(c);
}

static void seal_and_open(const struct aead_impl *impl, const uint8_t *key, size_t key_len, const uint8_t *nonce, const uint8_t *aad,
                          size_t aad_len, const uint8_t *plain, const uint8_t *sealed, size_t len, size_t shift, size_t flip)
{
    struct aead a;
    uint8_t *room = malloc(shift + len + AEAD_TAG), *p = room + shift;
    memset(room, 0x5a, shift);
    impl->init(&a.key, key, key_len);
    memcpy(p, plain, len);
    impl->seal(&a.key, nonce, aad, aad_len, p, len);
    PROMISE(memcmp(p, sealed, len + AEAD_TAG) == 0);
    PROMISE(impl->open(&a.key, nonce, aad, aad_len, p, len));
    PROMISE(memcmp(p, plain, len) == 0);
    memcpy(p, sealed, len + AEAD_TAG);
    p[flip / 8 % (len + AEAD_TAG)] ^= (uint8_t)(1 << flip % 8);
    PROMISE(!impl->open(&a.key, nonce, aad, aad_len, p, len));
    for (size_t i = 0; i < shift; i++)
        PROMISE(room[i] == 0x5a);
    free(room);
}

static void aead(struct feed *in)
{
    size_t which = byte(in) % COUNT(aeads), shift = byte(in) % 64, aad_len = byte(in) % 40, flip = word(in), len = word(in) % 17001;
    uint8_t key[32], nonce[AEAD_NONCE];
    bytes(in, key, sizeof key);
    bytes(in, nonce, sizeof nonce);
    uint8_t *aad = malloc(aad_len + 1), *plain = malloc(len + 1), *sealed = malloc(len + AEAD_TAG);
    bytes(in, aad, aad_len);
    bytes(in, plain, len);
    openssl_seal(aeads[which].cipher(), key, nonce, aad, aad_len, plain, len, sealed);
    const struct aead_impl *impl;
    for (size_t i = 0; (impl = aead_impl_at(aeads[which].suite, i)) != NULL; i++)
        seal_and_open(impl, key, aeads[which].key_len, nonce, aad, aad_len, plain, sealed, len, shift, flip);
    free(aad);
    free(plain);
    free(sealed);
}

/* --- hashes --------------------------------------------------------------------------------------------------- */

static void hash(struct feed *in)
{
    static const enum hash_id ids[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
    size_t which = byte(in) % COUNT(ids), piece = 1 + word(in) % 300, len = word(in) % 5000;
    uint8_t *data = malloc(len + 1), want[64], got[64];
    bytes(in, data, len);
    const EVP_MD *md[] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
    PROMISE(EVP_Digest(data, len, want, NULL, md[which], NULL) == 1);
    const br_hash_class *c;
    for (size_t i = 0; (c = hash_class_at(ids[which], i)) != NULL; i++) {
        br_hash_compat_context ctx;
        c->init(&ctx.vtable);
        for (size_t at = 0; at < len; at += piece)
            c->update(&ctx.vtable, data + at, len - at < piece ? len - at : piece);
        c->out(&ctx.vtable, got);
        PROMISE(memcmp(got, want, hash_size(c)) == 0);
    }
    free(data);
}

/* --- X25519 --------------------------------------------------------------------------------------------------- */

/* Little-endian: the points of small order and their other names (RFC 7748 7), and numbers about p. */
static const uint8_t odd_u[][32] = {
    { 0 },
    { 1 },
    { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
      0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
    { 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
      0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
};

static void pick_u(struct feed *in, uint8_t u[32])
{
    uint8_t how = byte(in);
    if (how < 2 * COUNT(odd_u)) {
        memcpy(u, odd_u[how / 2], 32);
        u[31] |= (uint8_t)(how % 2 << 7);
    } else if (how < 64) { /* p - 8 .. p + 47, past 2^255 at the end */
        memset(u, 0xff, 32);
        u[0] = (uint8_t)(0xed - 16 + how);
        u[31] = 0x7f;
    } else {
        bytes(in, u, 32);
    }
}

static void x25519(struct feed *in)
{
    uint8_t k[X25519_LANES][32], u[X25519_LANES][32], want[X25519_LANES][32], got[X25519_LANES][32];
    size_t n = 1 + byte(in) % X25519_LANES;
    for (size_t i = 0; i < n; i++) {
        bytes(in, k[i], 32);
        pick_u(in, u[i]);
        (void)openssl_x25519(want[i], k[i], u[i]);
    }
    const struct x25519_impl *impl;
    for (size_t i = 0; (impl = x25519_impl_at(i)) != NULL; i++) {
        memset(got, 0x5a, sizeof got);
        impl->mul(got, (const uint8_t(*)[32])k, (const uint8_t(*)[32])u, n);
        PROMISE(memcmp(got, want, 32 * n) == 0);
        for (size_t j = 32 * n; j < sizeof got; j++)
            PROMISE(((const uint8_t *)got)[j] == 0x5a);
    }
}

/* --- ML-KEM ---------------------------------------------------------------------------------------------------- */

/* OpenSSL 3.0 has none: the levels beside each other, over keys and ciphertexts that are right and changed ones. */
static void mlkem(struct feed *in)
{
    uint8_t d[32], z[32], m[32], ek[2][MLKEM_EK], dk[2][MLKEM_DK], ct[2][MLKEM_CT], ss[2][MLKEM_SS];
    bytes(in, d, 32);
    bytes(in, z, 32);
    bytes(in, m, 32);
    size_t key_at = word(in) % MLKEM_EK, ct_at = word(in) % MLKEM_CT;
    uint8_t key_flip = byte(in), ct_flip = byte(in);
    kems[0].keygen(ek[0], dk[0], d, z);
    for (size_t i = 1; i < COUNT(kems); i++) {
        if (!kem_runs(&kems[i]))
            continue;
        kems[i].keygen(ek[1], dk[1], d, z);
        PROMISE(memcmp(ek[0], ek[1], MLKEM_EK) == 0 && memcmp(dk[0], dk[1], MLKEM_DK) == 0);
        for (int changed = 0; changed < 2; changed++) {
            ek[0][key_at] ^= changed ? key_flip : 0;
            memset(ct, 0, sizeof ct);
            memset(ss, 0, sizeof ss);
            int good = kems[0].encaps(ct[0], ss[0], ek[0], m);
            PROMISE(kems[i].encaps(ct[1], ss[1], ek[0], m) == good);
            PROMISE(memcmp(ct[0], ct[1], MLKEM_CT) == 0 && memcmp(ss[0], ss[1], MLKEM_SS) == 0);
            ct[0][ct_at] ^= changed ? ct_flip : 0;
            kems[0].decaps(ss[0], ct[0], dk[0]);
            kems[i].decaps(ss[1], ct[0], dk[0]);
            PROMISE(memcmp(ss[0], ss[1], MLKEM_SS) == 0);
            ek[0][key_at] ^= changed ? key_flip : 0;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const primitives[])(struct feed *) = { aead, hash, x25519, mlkem, primitives_ecdh, primitives_ecdsa, primitives_rsa };
    struct feed in = { data, data + size };
    PROMISE(tls13_selftest() == 0); /* tables are built */
    primitives[byte(&in) % COUNT(primitives)](&in);
    return 0;
}
