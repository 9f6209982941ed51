/* AES-GCM at each vector width against BearSSL, OpenSSL and published vectors, between guard pages. */
#include "x86_tests.h"

#if defined(__x86_64__)
#include "aead_impl.h"
#include "x86/gcm.h"

#include <bearssl.h>
#include <openssl/evp.h>

typedef void crypt_fn(const struct gcm_key *, const uint8_t *, const uint8_t *, size_t, uint8_t *, size_t, uint8_t *);

struct width {
    void (*init)(struct gcm_key *, const uint8_t *, size_t);
    crypt_fn *encrypt[2], *decrypt[2]; /* AES-128, AES-256 */
};

#define WIDTH(name)                                                                      \
    static const struct width name = { name##_init,                                      \
                                       { name##_aes128_encrypt, name##_aes256_encrypt }, \
                                       { name##_aes128_decrypt, name##_aes256_decrypt } }
WIDTH(gcm128);
WIDTH(gcm256);
WIDTH(gcm512);

static struct guarded data, keys, nonces, aads, tags;
static uint8_t plain[MAX_DATA], want[MAX_DATA], want_tag[16], other[MAX_DATA], other_tag[16];

static void bearssl_seal(const uint8_t *key, size_t key_len, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf,
                         size_t len, uint8_t *tag)
{
    br_aes_ct64_ctr_keys ctr;
    br_gcm_context gcm;
    br_aes_ct64_ctr_init(&ctr, key, key_len);
    br_gcm_init(&gcm, &ctr.vtable, br_ghash_ctmul64);
    br_gcm_reset(&gcm, nonce, 12);
    br_gcm_aad_inject(&gcm, aad, aad_len);
    br_gcm_flip(&gcm);
    br_gcm_run(&gcm, 1, buf, len);
    br_gcm_get_tag(&gcm, tag);
}

static void openssl_seal(const uint8_t *key, size_t key_len, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf,
                         size_t len, uint8_t *tag)
{
    static EVP_CIPHER_CTX *c;
    int n = 0;
    if (c == NULL)
        c = EVP_CIPHER_CTX_new();
    CHECK(EVP_EncryptInit_ex(c, key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), NULL, key, nonce) == 1);
    CHECK(aad_len == 0 || EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_len) == 1);
    CHECK(len == 0 || EVP_EncryptUpdate(c, buf, &n, buf, (int)len) == 1);
    CHECK(EVP_EncryptFinal_ex(c, buf + len, &n) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1);
}

/* Seals plain[len] to want and want_tag in the widths' way, between guards, compares, opens again. */
static void check_one(const struct width *w, const uint8_t *key, size_t key_len, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
                      size_t len)
{
    const int big = key_len == 32;
    struct gcm_key *k = (void *)guarded_tail(&keys, sizeof *k);
    uint8_t *buf = guarded_tail(&data, len), *tag = guarded_tail(&tags, 16);
    w->init(k, memcpy(guarded_tail(&keys, sizeof *k + key_len), key, key_len), key_len);
    canary_set(&data, len);
    canary_set(&tags, 16);
    memcpy(buf, plain, len);
    w->encrypt[big](k, nonce, aad, aad_len, buf, len, tag);
    CHECK_MEM(buf, want, len);
    CHECK_MEM(tag, want_tag, 16);
    memset(tag, 0, 16);
    w->decrypt[big](k, nonce, aad, aad_len, buf, len, tag);
    CHECK_MEM(buf, plain, len);
    CHECK_MEM(tag, want_tag, 16);
    CHECK(canary_whole(&data, len) && canary_whole(&tags, 16));
    buf = data.start; /* and right behind the front guard */
    memcpy(buf, plain, len);
    memset(buf + len, CANARY, 64);
    w->encrypt[big](k, nonce, aad, aad_len, buf, len, tag);
    CHECK_MEM(buf, want, len);
    for (int i = 0; i < 64; i++)
        CHECK_INT(buf[len + (size_t)i], CANARY);
}

static void lengths(const struct width *w)
{
    uint8_t key[32], *nonce = guarded_tail(&nonces, 12);
    for (size_t i = 0; i < LENGTHS; i++) {
        const size_t len = length_at(i), key_len = i % 2 ? 16 : 32, aad_len = i % 3 ? 5 : i / 3 % 67;
        uint8_t *aad = guarded_tail(&aads, aad_len);
        random_fill(key, key_len);
        random_fill(nonce, 12);
        random_fill(aad, aad_len);
        random_fill(plain, len);
        memcpy(want, plain, len);
        memcpy(other, plain, len);
        bearssl_seal(key, key_len, nonce, aad, aad_len, want, len, want_tag);
        openssl_seal(key, key_len, nonce, aad, aad_len, other, len, other_tag);
        CHECK_MEM(want, other, len);
        CHECK_MEM(want_tag, other_tag, 16);
        check_one(w, key, key_len, nonce, aad, aad_len, len);
    }
}

/* The other key length for every length, and long additional data. */
static void lengths_again(const struct width *w)
{
    uint8_t key[32], nonce[12];
    random_fill(key, 32);
    random_fill(nonce, 12);
    for (size_t len = 0; len <= 1500; len++) {
        const size_t key_len = len % 2 ? 32 : 16, aad_len = len % 7 == 0 ? len : 5;
        uint8_t *aad = guarded_tail(&aads, aad_len);
        random_fill(aad, aad_len);
        random_fill(plain, len);
        memcpy(want, plain, len);
        openssl_seal(key, key_len, nonce, aad, aad_len, want, len, want_tag);
        check_one(w, key, key_len, nonce, aad, aad_len, len);
    }
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: those with 12-byte nonces. */
static void vectors(const struct width *w)
{
    static const char zeros[] = "00000000000000000000000000000000", k128[] = "feffe9928665731c6d6a8f9467308308",
                      iv[] = "cafebabefacedbaddecaf888", aad20[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                      text[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
                      c3[] = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                             "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
                      c15[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                              "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
    static const struct {
        const char *key, *iv, *plain, *aad, *cipher, *tag;
        size_t len, key_len;
    } cases[] = {
        /* 1 */ { zeros, zeros, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a", 0, 16 },
        /* 2 */ { zeros, zeros, zeros, "", "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf", 16, 16 },
        /* 3 */ { k128, iv, text, "", c3, "4d5c2af327cd64a62cf35abd2ba6fab4", 64, 16 },
        /* 4 */ { k128, iv, text, aad20, c3, "5bc94fbc3221a5db94fae95ae7121a47", 60, 16 },
        /* 13 */ { zeros, zeros, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b", 0, 32 },
        /* 14 */ { zeros, zeros, zeros, "", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919", 16, 32 },
        /* 15 */ { k128, iv, text, "", c15, "b094dac5d93471bdec1a502270e3cc6c", 64, 32 },
        /* 16 */ { k128, iv, text, aad20, c15, "76fc6ece0f4e1768cddf8853bb2d551b", 60, 32 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t key[32], nonce[16], aad[20];
        (void)unhex(key, 32, cases[i].key);
        memcpy(key + 16, key, 16); /* the 256-bit keys are the 128-bit ones twice */
        (void)unhex(nonce, 16, cases[i].iv);
        const size_t aad_len = unhex(aad, 20, cases[i].aad);
        (void)unhex(plain, 64, cases[i].plain);
        (void)unhex(want, 64, cases[i].cipher);
        (void)unhex(want_tag, 16, cases[i].tag);
        check_one(w, key, cases[i].key_len, nonce, aad, aad_len, cases[i].len);
    }
}

/* A key is plain memory at any address, and copies work. */
static void key_moves(const struct width *w)
{
    static uint8_t place[sizeof(struct gcm_key) + 64];
    struct gcm_key k;
    uint8_t key[16], nonce[12], tag[2][16], buf[2][2000];
    random_fill(key, 16);
    random_fill(nonce, 12);
    w->init(&k, key, 16);
    for (size_t at = 0; at < 64; at += 8) {
        memcpy(place + at, &k, sizeof k);
        memset(buf, 7, sizeof buf);
        w->encrypt[0](&k, nonce, nonce, 5, buf[0], 2000, tag[0]);
        w->encrypt[0]((void *)(place + at), nonce, nonce, 5, buf[1], 2000, tag[1]);
        CHECK_MEM(buf[0], buf[1], 2000);
        CHECK_MEM(tag[0], tag[1], 16);
    }
}

/* All widths make the same key: aead.c may choose another for each message. */
static void same_keys(void)
{
    struct gcm_key a, b;
    uint8_t key[32];
    for (size_t n = 16; n <= 32; n += 16) {
        random_fill(key, n);
        gcm128_init(&a, key, n);
        if (cpu_has(CPU_AVX2 | CPU_VAES | CPU_VPCLMUL)) {
            gcm256_init(&b, key, n);
            CHECK_MEM(&a, &b, sizeof a);
        }
        if (cpu_has(CPU_AVX512 | CPU_VAES | CPU_VPCLMUL)) {
            gcm512_init(&b, key, n);
            CHECK_MEM(&a, &b, sizeof a);
        }
    }
}

#define CASES(name)                    \
    static void name##_vectors(void)   \
    {                                  \
        vectors(&name);                \
    }                                  \
    static void name##_lengths(void)   \
    {                                  \
        lengths(&name);                \
        lengths_again(&name);          \
    }                                  \
    static void name##_key_moves(void) \
    {                                  \
        key_moves(&name);              \
    }
CASES(gcm128)
CASES(gcm256)
CASES(gcm512)

/* Each implementation behind aead_impl.h, those in aead.c too: what one seals every other opens, and none opens what was touched. */
static void implementations(void)
{
    static const struct {
        uint16_t suite;
        size_t key_len;
    } suites[] = { { TLS_AES_128_GCM_SHA256, 16 }, { TLS_AES_256_GCM_SHA384, 32 }, { TLS_CHACHA20_POLY1305_SHA256, 32 } };
    static uint8_t buf[1600], copy[1600];
    const struct aead_impl *seal, *open;
    for (size_t s = 0; s < 3; s++) {
        for (size_t i = 0; (seal = aead_impl_at(suites[s].suite, i)) != NULL; i++) {
            for (size_t j = 0; (open = aead_impl_at(suites[s].suite, j)) != NULL; j++) {
                struct aead a, b;
                uint8_t key[32], nonce[12];
                const size_t len = 100 + random64() % 1400;
                random_fill(key, 32);
                random_fill(nonce, 12);
                random_fill(plain, len);
                memcpy(buf, plain, len);
                seal->init(&a.key, key, suites[s].key_len);
                open->init(&b.key, key, suites[s].key_len);
                seal->seal(&a.key, nonce, plain, 5, buf, len);
                memcpy(copy, buf, len + 16);
                CHECK(open->open(&b.key, nonce, plain, 5, buf, len));
                CHECK_MEM(buf, plain, len);
                for (size_t bit = 0; bit < 8 * (len + 16); bit += 1 + random64() % 97) {
                    memcpy(buf, copy, len + 16);
                    buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
                    CHECK(!open->open(&b.key, nonce, plain, 5, buf, len));
                }
            }
        }
    }
}

/* The level decides: the widest that the CPU has comes first, and nothing accelerated is left at level portable. */
static void choice(void)
{
    const char *const best = aead_impl_at(TLS_AES_128_GCM_SHA256, 0)->name, *const cha =
                                                                                aead_impl_at(TLS_CHACHA20_POLY1305_SHA256, 0)->name;
    switch (cpu_level()) {
    case CPU_LEVEL_AVX512:
        CHECK_STR(best, "gcm512");
        CHECK_STR(cha, "chapoly512");
        break;
    case CPU_LEVEL_AVX2:
        CHECK_STR(best, cpu_has(CPU_VAES | CPU_VPCLMUL) ? "gcm256" : "gcm128");
        CHECK_STR(cha, "chapoly256");
        break;
    case CPU_LEVEL_AESNI:
        CHECK_STR(best, "gcm128");
        CHECK_STR(cha, "chacha-bearssl");
        break;
    case CPU_LEVEL_PORTABLE:
        CHECK_STR(best, "gcm-ct64");
        CHECK_STR(cha, "chacha-bearssl");
        CHECK(aead_impl_at(TLS_AES_256_GCM_SHA384, 1) == NULL);
        break;
    }
}

int main(void)
{
    data = guard(MAX_DATA + 4096);
    keys = guard(4096);
    nonces = guard(4096);
    aads = guard(4096);
    tags = guard(4096);
    const uint32_t base = CPU_SSE41 | CPU_AES | CPU_PCLMUL, wide = base | CPU_AVX2 | CPU_VAES | CPU_VPCLMUL;
    RUN_IF_CPU(base, gcm128_vectors);
    RUN_IF_CPU(base, gcm128_lengths);
    RUN_IF_CPU(base, gcm128_key_moves);
    RUN_IF_CPU(wide, gcm256_vectors);
    RUN_IF_CPU(wide, gcm256_lengths);
    RUN_IF_CPU(wide, gcm256_key_moves);
    RUN_IF_CPU(wide | CPU_AVX512, gcm512_vectors);
    RUN_IF_CPU(wide | CPU_AVX512, gcm512_lengths);
    RUN_IF_CPU(wide | CPU_AVX512, gcm512_key_moves);
    RUN_IF_CPU(base, same_keys);
    RUN(implementations);
    RUN(choice);
    return DONE();
}
#else
int main(void)
{
    printf("1..0 # SKIP not x86-64\n");
    return 0;
}
#endif
