/* The AEADs as a record uses them: 5 bytes of additional data, 12-byte nonce, key set before. */
#include "bench.h"

#include "aead_impl.h"

#include <openssl/evp.h>

static uint8_t key[32], nonce[AEAD_NONCE], aad[5], record[1 << 15];

static const struct aead_suite {
    uint16_t id;
    size_t key_len;
    const char *seal, *both, *set_key;
    const EVP_CIPHER *(*openssl)(void);
} suites[] = {
    { TLS_AES_128_GCM_SHA256, 16, "AES-128-GCM seal", "AES-128-GCM seal, open", "AES-128-GCM key", EVP_aes_128_gcm },
    { TLS_AES_256_GCM_SHA384, 32, "AES-256-GCM seal", "AES-256-GCM seal, open", "AES-256-GCM key", EVP_aes_256_gcm },
    { TLS_CHACHA20_POLY1305_SHA256, 32, "ChaCha20-Poly1305 seal", "ChaCha20-Poly1305 seal, open", "ChaCha20-Poly1305 key",
      EVP_chacha20_poly1305 },
};

static void run_seal(const struct bench *row, long n)
{
    const struct aead_impl *impl = row->arg;
    struct aead a;
    impl->init(&a.key, key, row->arg2);
    for (long i = 0; i < n; i++)
        impl->seal(&a.key, nonce, aad, sizeof aad, record, row->bytes);
}

/* Opening in place wants a sealed record each time: both are measured. */
static void run_both(const struct bench *row, long n)
{
    const struct aead_impl *impl = row->arg;
    struct aead a;
    impl->init(&a.key, key, row->arg2);
    for (long i = 0; i < n; i++) {
        impl->seal(&a.key, nonce, aad, sizeof aad, record, row->bytes);
        MUST(impl->open(&a.key, nonce, aad, sizeof aad, record, row->bytes));
    }
}

static void run_key(const struct bench *row, long n)
{
    const struct aead_impl *impl = row->arg;
    struct aead a;
    for (long i = 0; i < n; i++) {
        impl->init(&a.key, key, row->arg2);
        KEEP(a);
    }
}

static void run_openssl(const struct bench *row, long n)
{
    const struct aead_suite *s = row->arg;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0;
    MUST(c != NULL && EVP_EncryptInit_ex(c, s->openssl(), NULL, key, nonce));
    for (long i = 0; i < n; i++) {
        MUST(EVP_EncryptInit_ex(c, NULL, NULL, NULL, nonce));
        MUST(EVP_EncryptUpdate(c, NULL, &len, aad, sizeof aad));
        MUST(EVP_EncryptUpdate(c, record, &len, record, (int)row->bytes));
        MUST(EVP_EncryptFinal_ex(c, record, &len));
        MUST(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, record + row->bytes));
    }
    EVP_CIPHER_CTX_free(c);
}

static void add_rows(const struct aead_suite *s, const char *what, size_t bytes, void (*run)(const struct bench *, long))
{
    const struct aead_impl *impl;
    for (size_t i = 0; (impl = aead_impl_at(s->id, i)) != NULL; i++)
        bench_add((struct bench){ what, impl->name, bytes, run, impl, s->key_len });
}

void bench_aead(void)
{
    static const size_t sizes[] = { 64, 100, 256, 1024, 1400, 4096, 16384 };
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        const struct aead_suite *s = &suites[i];
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            add_rows(s, s->seal, sizes[j], run_seal);
            bench_add((struct bench){ s->seal, OPENSSL, sizes[j], run_openssl, s, 0 });
            add_rows(s, s->both, sizes[j], run_both);
        }
        add_rows(s, s->set_key, 0, run_key);
    }
}
