/* The AEADs: the standards' vectors, and every implementation this CPU has against OpenSSL at every length that matters. */
#include "aead.h"
#include "aead_impl.h"
#include "bytes.h"
#include "tls13.h"
#include "unit.h"

#include <openssl/evp.h>

#define MAX 17000

static const uint16_t suites[] = { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 };
static const EVP_CIPHER *ciphers[3];
static uint32_t seed = 0x13579bdf;

/* xorshift32: the same bytes every run. */
static uint32_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(rnd() >> 11);
}

/* A key under one implementation, as aead_init makes it under the first. */
static void init_with(struct aead *a, const struct aead_impl *impl, uint16_t suite, const uint8_t *key)
{
    memset(a, 0xa5, sizeof *a); /* init must not lean on zeros */
    a->impl = impl;
    impl->init(&a->key, key, suite_by_id(suite)->key_len);
}

/* --- vectors ---------------------------------------------------------------------------------------------- */

static const struct vector {
    uint16_t suite;
    const char *key, *nonce, *aad, *plain, *cipher; /* cipher with the tag behind it */
} vectors[] = {
    /* The Galois/Counter Mode of Operation (McGrew, Viega; submitted to NIST), appendix B, test cases 1 to 4 and 13 to 16. */
    { 0x1301, "00000000000000000000000000000000", "000000000000000000000000", "", "", "58e2fccefa7e3061367f1d57a4e7455a" },
    { 0x1301, "00000000000000000000000000000000", "000000000000000000000000", "", "00000000000000000000000000000000",
      "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf" },
    { 0x1301, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
      "4d5c2af327cd64a62cf35abd2ba6fab4" },
    { 0x1301, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
      "5bc94fbc3221a5db94fae95ae7121a47" },
    { 0x1302, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "",
      "530f8afbc74536b9a963b4f1c4cb738b" },
    { 0x1302, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
      "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
    { 0x1302, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
      "b094dac5d93471bdec1a502270e3cc6c" },
    { 0x1302, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b" },
    /* RFC 8439 2.8.2. */
    { 0x1303, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
      "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f66666572"
      "20796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069742e",
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6"
      "a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116"
      "1ae10b594f09e26a7e902ecbd0600691" },
    /* RFC 8448 3: the client's application data, "17 03 03 00 43", its first record under those keys; inner type 0x17. */
    { 0x1301, "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9", "1703030043",
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303117",
      "a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63a"
      "eebb21694915e4" },
};

static void vectors_of_the_standards(void)
{
    for (size_t v = 0; v < COUNT(vectors); v++) {
        uint8_t key[32], nonce[12], aad[20], plain[128], cipher[144], buf[144];
        CHECK_INT(unhex(key, sizeof key, vectors[v].key), suite_by_id(vectors[v].suite)->key_len);
        CHECK_INT(unhex(nonce, sizeof nonce, vectors[v].nonce), 12);
        size_t aad_len = unhex(aad, sizeof aad, vectors[v].aad), n = unhex(plain, sizeof plain, vectors[v].plain);
        CHECK_INT(unhex(cipher, sizeof cipher, vectors[v].cipher), n + AEAD_TAG);
        const struct aead_impl *impl;
        for (size_t i = 0; (impl = aead_impl_at(vectors[v].suite, i)) != NULL; i++) {
            struct aead a;
            init_with(&a, impl, vectors[v].suite, key);
            memcpy(buf, plain, n);
            aead_seal(&a, nonce, aad, aad_len, buf, n);
            CHECK_MEM(buf, cipher, n + AEAD_TAG);
            CHECK_INT(aead_open(&a, nonce, aad, aad_len, buf, n), 0);
            CHECK_MEM(buf, plain, n);
        }
    }
}

/* --- against OpenSSL -------------------------------------------------------------------------------------- */

static EVP_CIPHER_CTX *evp;

static void openssl_seal(size_t s, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, const uint8_t *plain,
                         size_t n, uint8_t *out)
{
    int len;
    CHECK(EVP_EncryptInit_ex(evp, ciphers[s], NULL, key, nonce) == 1 && EVP_EncryptUpdate(evp, NULL, &len, aad, (int)aad_len) == 1);
    CHECK(n == 0 || EVP_EncryptUpdate(evp, out, &len, plain, (int)n) == 1);
    CHECK(EVP_EncryptFinal_ex(evp, out + n, &len) == 1 && EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + n) == 1);
}

/* One length, all implementations, in a buffer that ends where the tag does and starts `shift` bytes behind an aligned address. */
static void compare(size_t s, size_t n, size_t aad_len, size_t shift)
{
    static uint8_t plain[MAX], want[MAX + AEAD_TAG];
    uint8_t key[32], nonce[12], aad[64];
    const struct aead_impl *impl;
    fill(key, sizeof key);
    fill(nonce, sizeof nonce);
    fill(aad, sizeof aad);
    fill(plain, n);
    openssl_seal(s, key, nonce, aad, aad_len, plain, n, want);
    for (size_t i = 0; (impl = aead_impl_at(suites[s], i)) != NULL; i++) {
        struct aead a;
        uint8_t *block = malloc(shift + n + AEAD_TAG);
        CHECK(block != NULL);
        uint8_t *buf = block + shift;
        memset(block, 0xee, shift);
        memcpy(buf, plain, n);
        init_with(&a, impl, suites[s], key);
        aead_seal(&a, nonce, aad, aad_len, buf, n);
        int sealed = memcmp(buf, want, n + AEAD_TAG);
        int opened = aead_open(&a, nonce, aad, aad_len, buf, n), same = memcmp(buf, plain, n);
        int tag_kept = memcmp(buf + n, want + n, AEAD_TAG), before = 0;
        for (size_t j = 0; j < shift; j++)
            before |= block[j] ^ 0xee;
        free(block);
        if (sealed != 0 || opened != 0 || same != 0)
            printf("# %s, %zu bytes, %zu of aad, shifted by %zu\n", impl->name, n, aad_len, shift);
        CHECK(sealed == 0);
        CHECK_INT(opened, 0);
        CHECK(same == 0 && tag_kept == 0 && before == 0);
    }
}

static void every_length_to_1500(void)
{
    for (size_t s = 0; s < COUNT(suites); s++)
        for (size_t n = 0; n <= 1500; n++)
            compare(s, n, 5, n % 16);
}

static void random_lengths_to_17000(void)
{
    for (size_t s = 0; s < COUNT(suites); s++)
        for (int i = 0; i < 60; i++)
            compare(s, rnd() % (MAX + 1), rnd() % 65, rnd() % 64);
}

static void lengths_around_a_full_record(void)
{
    static const size_t lens[] = { 4095, 4096, 4097, 8191, 8192, 8193, 16383, 16384, 16385, 16640, 16641 };
    for (size_t s = 0; s < COUNT(suites); s++)
        for (size_t i = 0; i < COUNT(lens); i++)
            compare(s, lens[i], 5, 5);
}

static void every_length_of_aad(void)
{
    for (size_t s = 0; s < COUNT(suites); s++)
        for (size_t aad = 0; aad <= 64; aad++)
            compare(s, 100, aad, 0);
}

/* --- refusals --------------------------------------------------------------------------------------------- */

/* Any bit flipped in ciphertext, tag, aad or nonce: refused, and the plaintext place zeroed. */
static void any_flipped_bit_is_refused(void)
{
    static const size_t lens[] = { 0, 1, 37, 300 };
    for (size_t s = 0; s < COUNT(suites); s++) {
        const struct aead_impl *impl;
        for (size_t i = 0; (impl = aead_impl_at(suites[s], i)) != NULL; i++)
            for (size_t l = 0; l < COUNT(lens); l++) {
                size_t n = lens[l];
                uint8_t key[32], head[12 + 5], sealed[300 + AEAD_TAG], buf[300 + AEAD_TAG], zero[300] = { 0 };
                struct aead a;
                fill(key, sizeof key);
                fill(head, sizeof head);
                fill(sealed, n);
                init_with(&a, impl, suites[s], key);
                aead_seal(&a, head, head + 12, 5, sealed, n);
                for (size_t bit = 0; bit<8 * (n + AEAD_TAG + sizeof head); bit += n> 64 && bit >= 8 && bit < 8 * (n - 8) ? 11 : 1) {
                    uint8_t *at = bit < 8 * (n + AEAD_TAG) ? buf + bit / 8 : head + (bit / 8 - n - AEAD_TAG);
                    memcpy(buf, sealed, n + AEAD_TAG);
                    *at ^= (uint8_t)(1 << bit % 8);
                    CHECK_INT(aead_open(&a, head, head + 12, 5, buf, n), -TLS13_E_BAD_MAC);
                    CHECK_MEM(buf, zero, n);
                    if (at < buf || at >= buf + sizeof buf)
                        *at ^= (uint8_t)(1 << bit % 8);
                }
                memcpy(buf, sealed, n + AEAD_TAG);
                CHECK_INT(aead_open(&a, head, head + 12, 5, buf, n), 0);
            }
    }
}

static void wrong_key_length_of_data_or_aad_is_refused(void)
{
    for (size_t s = 0; s < COUNT(suites); s++) {
        uint8_t key[32] = { 1 }, nonce[12] = { 2 }, aad[6] = { 3 }, buf[64 + AEAD_TAG] = { 4 }, copy[sizeof buf];
        struct aead a, b;
        aead_init(&a, suite_by_id(suites[s]), key);
        aead_seal(&a, nonce, aad, 5, buf, 64);
        memcpy(copy, buf, sizeof buf);
        key[15] ^= 1;
        aead_init(&b, suite_by_id(suites[s]), key);
        CHECK_INT(aead_open(&b, nonce, aad, 5, copy, 64), -TLS13_E_BAD_MAC);
        memcpy(copy, buf, sizeof buf);
        CHECK_INT(aead_open(&a, nonce, aad, 6, copy, 64), -TLS13_E_BAD_MAC);
        memcpy(copy, buf, sizeof buf);
        CHECK_INT(aead_open(&a, nonce, aad, 5, copy, 63), -TLS13_E_BAD_MAC);
        memcpy(copy, buf, sizeof buf);
        CHECK_INT(aead_open(&a, nonce, aad, 5, copy, 64), 0);
    }
}

/* --- the struct ------------------------------------------------------------------------------------------- */

/* A copy works when the original is gone: no pointer into itself; and a wipe leaves nothing. */
static void may_be_copied_and_wiped(void)
{
    for (size_t s = 0; s < COUNT(suites); s++) {
        const struct aead_impl *impl;
        for (size_t i = 0; (impl = aead_impl_at(suites[s], i)) != NULL; i++) {
            static const uint8_t zeros[sizeof(struct aead)];
            uint8_t key[32] = { 7 }, nonce[12] = { 8 }, buf[2000 + AEAD_TAG], want[sizeof buf];
            struct aead a, b;
            memset(buf, 9, sizeof buf);
            memset(want, 9, sizeof want);
            init_with(&a, impl, suites[s], key);
            aead_seal(&a, nonce, key, 5, want, 2000);
            b = a;
            aead_wipe(&a);
            CHECK_MEM(&a, zeros, sizeof a);
            aead_seal(&b, nonce, key, 5, buf, 2000);
            CHECK_MEM(buf, want, sizeof want);
        }
    }
}

static void the_first_implementation_is_used(void)
{
    for (size_t s = 0; s < COUNT(suites); s++) {
        uint8_t key[32] = { 0 };
        struct aead a;
        aead_init(&a, suite_by_id(suites[s]), key);
        CHECK(a.impl == aead_impl_at(suites[s], 0));
        const struct aead_impl *last = NULL, *impl;
        for (size_t i = 0; (impl = aead_impl_at(suites[s], i)) != NULL; i++) {
            printf("# %s: %s\n", tls13_suite_name(suites[s]), impl->name);
            last = impl;
        }
        CHECK(last != NULL && last->needs == 0); /* every CPU has one */
    }
}

int main(void)
{
    evp = EVP_CIPHER_CTX_new();
    ciphers[0] = EVP_aes_128_gcm();
    ciphers[1] = EVP_aes_256_gcm();
    ciphers[2] = EVP_chacha20_poly1305();
    RUN(the_first_implementation_is_used);
    RUN(vectors_of_the_standards);
    RUN(every_length_to_1500);
    RUN(random_lengths_to_17000);
    RUN(lengths_around_a_full_record);
    RUN(every_length_of_aad);
    RUN(any_flipped_bit_is_refused);
    RUN(wrong_key_length_of_data_or_aad_is_refused);
    RUN(may_be_copied_and_wiped);
    EVP_CIPHER_CTX_free(evp);
    return DONE();
}
