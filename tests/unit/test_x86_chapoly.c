/* ChaCha20-Poly1305 at each vector width against BearSSL, OpenSSL and RFC 8439, between guard pages. */
#include "x86_tests.h"

#if defined(__x86_64__)
#include "x86/chapoly.h"

#include <bearssl.h>
#include <openssl/evp.h>

typedef void crypt_fn(const uint8_t *, const uint8_t *, const uint8_t *, size_t, uint8_t *, size_t, uint8_t *);

struct width {
    crypt_fn *encrypt, *decrypt;
};
static const struct width chapoly256 = { chapoly256_encrypt, chapoly256_decrypt };
static const struct width chapoly512 = { chapoly512_encrypt, chapoly512_decrypt };

#define NEEDS_256 (CPU_AVX2 | CPU_BMI2)
#define NEEDS_512 (NEEDS_256 | CPU_AVX512 | CPU_IFMA | CPU_VBMI2)

static struct guarded data, keys, nonces, aads, tags;
static uint8_t plain[MAX_DATA], want[MAX_DATA], want_tag[16], other[MAX_DATA], other_tag[16];

static void openssl_seal(const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len,
                         uint8_t *tag)
{
    static EVP_CIPHER_CTX *c;
    int n = 0;
    if (c == NULL)
        c = EVP_CIPHER_CTX_new();
    CHECK(EVP_EncryptInit_ex(c, EVP_chacha20_poly1305(), NULL, key, nonce) == 1);
    CHECK(aad_len == 0 || EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_len) == 1);
    CHECK(len == 0 || EVP_EncryptUpdate(c, buf, &n, buf, (int)len) == 1);
    CHECK(EVP_EncryptFinal_ex(c, buf + len, &n) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1);
}

/* plain[len] to want and want_tag and back, between guards; key, nonce and aad lie at the end of a page already. */
static void check_one(const struct width *w, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, size_t len)
{
    uint8_t *buf = guarded_tail(&data, len), *tag = guarded_tail(&tags, 16);
    canary_set(&data, len);
    canary_set(&tags, 16);
    memcpy(buf, plain, len);
    w->encrypt(key, nonce, aad, aad_len, buf, len, tag);
    CHECK_MEM(buf, want, len);
    CHECK_MEM(tag, want_tag, 16);
    memset(tag, 0, 16);
    w->decrypt(key, nonce, aad, aad_len, buf, len, tag);
    CHECK_MEM(buf, plain, len);
    CHECK_MEM(tag, want_tag, 16);
    CHECK(canary_whole(&data, len) && canary_whole(&tags, 16));
    buf = data.start;
    memcpy(buf, plain, len);
    memset(buf + len, CANARY, 64);
    w->encrypt(key, nonce, aad, aad_len, buf, len, tag);
    CHECK_MEM(buf, want, len);
    for (size_t i = 0; i < 64; i++)
        CHECK_INT(buf[len + i], CANARY);
}

static void lengths(const struct width *w)
{
    uint8_t *key = guarded_tail(&keys, 32), *nonce = guarded_tail(&nonces, 12);
    for (size_t i = 0; i < LENGTHS; i++) {
        const size_t len = length_at(i), aad_len = i % 3 ? 5 : i % 2 ? i % 67 : i % 1000;
        uint8_t *aad = guarded_tail(&aads, aad_len);
        random_fill(key, 32);
        random_fill(nonce, 12);
        random_fill(aad, aad_len);
        random_fill(plain, len);
        memcpy(want, plain, len);
        memcpy(other, plain, len);
        br_poly1305_ctmul_run(key, nonce, want, len, aad, aad_len, want_tag, br_chacha20_ct_run, 1);
        openssl_seal(key, nonce, aad, aad_len, other, len, other_tag);
        CHECK_MEM(want, other, len);
        CHECK_MEM(want_tag, other_tag, 16);
        check_one(w, key, nonce, aad, aad_len, len);
    }
}

/* Ciphertext of ones all over: every limb as full as it gets. */
static void full_limbs(const struct width *w)
{
    uint8_t *key = guarded_tail(&keys, 32), *nonce = guarded_tail(&nonces, 12), *aad = guarded_tail(&aads, 5);
    memset(aad, 0xff, 5);
    for (size_t len = 0; len < 4000; len += len < 700 ? 1 : 13) {
        random_fill(key, 32);
        random_fill(nonce, 12);
        memset(plain, 0xff, len);
        br_poly1305_ctmul_run(key, nonce, plain, len, aad, 5, want_tag, br_chacha20_ct_run, 0);
        memset(want, 0xff, len);
        check_one(w, key, nonce, aad, 5, len);
    }
}

/* RFC 8439 2.8.2. */
static void vector(const struct width *w)
{
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen "
                               "would be it.";
    uint8_t key[32], nonce[12], aad[12];
    const size_t len = sizeof text - 1;
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)(0x80 + i);
    (void)unhex(nonce, 12, "070000004041424344454647");
    (void)unhex(aad, 12, "50515253c0c1c2c3c4c5c6c7");
    memcpy(plain, text, len);
    CHECK_INT(unhex(want, sizeof want,
                    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29"
                    "05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116"),
              len);
    (void)unhex(want_tag, 16, "1ae10b594f09e26a7e902ecbd0600691");
    check_one(w, key, nonce, aad, 12, len);
}

#define CASES(name)                     \
    static void name##_vector(void)     \
    {                                   \
        vector(&name);                  \
    }                                   \
    static void name##_lengths(void)    \
    {                                   \
        lengths(&name);                 \
    }                                   \
    static void name##_full_limbs(void) \
    {                                   \
        full_limbs(&name);              \
    }
CASES(chapoly256)
CASES(chapoly512)

int main(void)
{
    data = guard(MAX_DATA + 4096);
    keys = guard(4096);
    nonces = guard(4096);
    aads = guard(4096);
    tags = guard(4096);
    RUN_IF_CPU(NEEDS_256, chapoly256_vector);
    RUN_IF_CPU(NEEDS_256, chapoly256_lengths);
    RUN_IF_CPU(NEEDS_256, chapoly256_full_limbs);
    RUN_IF_CPU(NEEDS_512, chapoly512_vector);
    RUN_IF_CPU(NEEDS_512, chapoly512_lengths);
    RUN_IF_CPU(NEEDS_512, chapoly512_full_limbs);
    return DONE();
}
#else
int main(void)
{
    printf("1..0 # SKIP not x86-64\n");
    return 0;
}
#endif
