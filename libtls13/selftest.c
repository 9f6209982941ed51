/* Known answers of every primitive in use, through the very functions that connections call: a wrong build must not serve. */
#include "aead.h"
#include "bytes.h"
#include "cpu.h"
#include "curve.h"
#include "kdf.h"
#include "keccak.h"
#include "kex.h"
#include "mlkem.h"
#include "sign.h"
#include "suite.h"
#include "tls13.h"
#include "x25519.h"
#include "x86/rsa.h"
#include "x86/x25519_x2.h"
#include "x86/x25519_x8.h"

#include <pthread.h>

/* Hex digits of this file only, without blanks; => the number of bytes. */
static size_t hex(uint8_t *out, const char *s)
{
    size_t n = strlen(s) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned hi = (unsigned char)s[2 * i], lo = (unsigned char)s[2 * i + 1];
        out[i] = (uint8_t)((hi <= '9' ? hi - '0' : hi - 'a' + 10) << 4 | (lo <= '9' ? lo - '0' : lo - 'a' + 10));
    }
    return n;
}

static bool same(const uint8_t *got, const char *want)
{
    uint8_t bytes[1 + 2 * 48];
    return ct_equal(got, bytes, hex(bytes, want));
}

/* --- hashes and the key schedule -------------------------------------------------------------------------- */

/* FIPS 180-4, "abc" (NIST's example values); 200 times 'a' is more than one block of each. */
static bool hashes(void)
{
    uint8_t out[64], long_text[200];
    memset(long_text, 'a', sizeof long_text);
    (void)hash_once(HASH_SHA256, "abc", 3, out);
    bool ok = same(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    (void)hash_once(HASH_SHA384, "abc", 3, out);
    ok &= same(out, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    (void)hash_once(HASH_SHA512, "abc", 3, out);
    ok &= same(out, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    (void)hash_once(HASH_SHA256, long_text, sizeof long_text, out);
    ok &= same(out, "c2a908d98f5df987ade41b5fce213067efbcc21ef2240212a41e54b5e7c28ae5");
    (void)hash_once(HASH_SHA384, long_text, sizeof long_text, out);
    ok &= same(out, "0691b6e978614b67d60557b2a2cddd53406508522efa21c624dbbfa8ab6e726d5c586b489c7c09f24109a64c10211d48");
    (void)hash_once(HASH_SHA512, long_text, sizeof long_text, out);
    return ok && same(out, "4b11459c33f52a22ee8236782714c150a3b2c60994e9acee17fe68947a3e6789f31e7668394592da7bef827cddca88c4"
                           "e6f86e4df7ed1ae6cba71f3e98faee9f");
}

/* RFC 8448 3: from no PSK and its X25519 secret to the server's handshake traffic key and Finished key's MAC; RFC 4231 4.3. */
static bool schedule(void)
{
    uint8_t in[32], out[MAX_HASH], key[16];
    struct key_schedule ks;
    ks_early(&ks, suite_by_id(TLS_AES_128_GCM_SHA256), NULL, 0);
    ks_handshake(&ks, in, hex(in, "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"));
    (void)hex(in, "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
    ks_derive(&ks, "s hs traffic", in, out);
    bool ok = same(out, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
    kdf_expand_label(HASH_SHA256, out, "key", NULL, 0, key, sizeof key);
    ok &= same(key, "3fce516009c21727d0f2e4e86ee403bc");
    ks_master(&ks);
    ok &= same(ks.secret, "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
    (void)hmac(HASH_SHA384, (const uint8_t *)"Jefe", 4, "what do ya want ", 16, "for nothing?", 12, out);
    return ok && same(out, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
}

/* --- AEADs ------------------------------------------------------------------------------------------------ */

/* Seals, compares the tag, opens again, and sees a flipped bit refused. */
static bool aead(uint16_t suite, const char *key, const char *nonce, const char *aad, const void *plain, size_t len, const char *tag)
{
    uint8_t key_bytes[32], iv[AEAD_NONCE], ad[32], buf[128 + AEAD_TAG];
    struct aead a;
    size_t ad_len = hex(ad, aad);
    (void)hex(key_bytes, key);
    (void)hex(iv, nonce);
    memcpy(buf, plain, len);
    aead_init(&a, suite_by_id(suite), key_bytes);
    aead_seal(&a, iv, ad, ad_len, buf, len);
    bool ok = same(buf + len, tag);
    ok &= aead_open(&a, iv, ad, ad_len, buf, len) == 0 && memcmp(buf, plain, len) == 0;
    aead_seal(&a, iv, ad, ad_len, buf, len);
    buf[len - 1] ^= 1;
    ok &= aead_open(&a, iv, ad, ad_len, buf, len) == -TLS13_E_BAD_MAC;
    aead_wipe(&a);
    return ok;
}

/* A record's worth, for the loops that short messages do not reach: 1,999 bytes 0, 1, 2, ...; the tags are OpenSSL 3.0's. */
static bool aead_long(uint16_t suite, const char *tag)
{
    uint8_t count[32], buf[1999 + AEAD_TAG];
    struct aead a;
    for (size_t i = 0; i < sizeof buf; i++)
        buf[i] = (uint8_t)i;
    memcpy(count, buf, sizeof count); /* key, nonce and the five bytes of header alike */
    aead_init(&a, suite_by_id(suite), count);
    aead_seal(&a, count, count, 5, buf, 1999);
    bool ok = same(buf + 1999, tag) && aead_open(&a, count, count, 5, buf, 1999) == 0;
    for (size_t i = 0; i < 1999; i++)
        ok &= buf[i] == (uint8_t)i;
    aead_wipe(&a);
    return ok;
}

/* The GCM specification's (McGrew, Viega, 2005) test cases 4 and 16; RFC 8439 2.8.2. */
static bool aeads(void)
{
    static const char key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", iv[] = "cafebabefacedbaddecaf888";
    static const char aad[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    static const char sunscreen[] = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
                                    "sunscreen would be it.";
    uint8_t p[60];
    (void)hex(p, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
                 "ba637b39");
    return aead(TLS_AES_128_GCM_SHA256, key + 32, iv, aad, p, sizeof p, "5bc94fbc3221a5db94fae95ae7121a47") &&
           aead(TLS_AES_256_GCM_SHA384, key, iv, aad, p, sizeof p, "76fc6ece0f4e1768cddf8853bb2d551b") &&
           aead(TLS_CHACHA20_POLY1305_SHA256, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
                "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7", sunscreen, strlen(sunscreen), "1ae10b594f09e26a7e902ecbd0600691") &&
           aead_long(TLS_AES_128_GCM_SHA256, "cb1951d04bb9e7872e7d02aaab237c07") &&
           aead_long(TLS_AES_256_GCM_SHA384, "83e9d1750a19c03961ea270b20319b37") &&
           aead_long(TLS_CHACHA20_POLY1305_SHA256, "feec4e751c8b5723f672889f60449c16");
}

/* --- key exchange ----------------------------------------------------------------------------------------- */

static bool ecdh(uint16_t group, const char *client, const char *scalar, const char *server, const char *secret)
{
    uint8_t share[97], random[48], ours[97], shared[48];
    struct kex_job job = { .group = kex_by_id(group), .client = share, .random = random, .server = ours, .secret = shared };
    struct kex_job *jobs = &job;
    (void)hex(share, client);
    (void)hex(random, scalar);
    kex_run(&jobs, 1);
    return job.err == 0 && same(ours, server) && same(shared, secret);
}

/* RFC 5903 8.2.  One multiplication only: mulgen is mul with the generator, and at level portable each takes 2 ms. */
static bool p384(void)
{
    uint8_t point[97], k[48], x[48];
    (void)hex(point, "04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
                     "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c");
    (void)hex(k, "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc");
    return nist_mul(&curve_p384, x, point, k) &&
           same(x, "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746");
}

/* RFC 7748 6.1 (Bob's step); RFC 5903 8.1 (the responder's). */
static bool curves(void)
{
    return ecdh(GROUP_X25519, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
                "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
                "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
                "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742") &&
           ecdh(GROUP_SECP256R1,
                "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
                "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
                "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
                "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
                "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de") &&
           p384();
}

/* Round 0 of tests/vectors/mlkem768.h: SHA3-256 of key and ciphertext, and the secret from both sides. */
static bool mlkem(void)
{
    uint8_t seed[96], ek[MLKEM_EK], dk[MLKEM_DK], ct[MLKEM_CT], ss[MLKEM_SS], digest[32];
    static const char secret[] = "f42337d36029df44921c6c9b6012d5bd83f8483e2d7fa65efa82cfe49aeb53a1";
    shake256(seed, sizeof seed, "mlkem768 0", 10);
    mlkem_keygen(ek, dk, seed, seed + 32);
    sha3_256(digest, ek, sizeof ek);
    bool ok = same(digest, "0b3148ae34b8330c921f6ffd6aba2e1009fa60d4cd848c54aba980db53df79f2");
    ok &= mlkem_encaps(ct, ss, ek, seed + 64) == 0 && same(ss, secret);
    sha3_256(digest, ct, sizeof ct);
    ok &= same(digest, "67877892cd5a8c4f849ee763de6dc7f7fdaa553a9d463bfacbe1c39760cf56e9");
    mlkem_decaps(ss, ct, dk);
    return ok && same(ss, secret);
}

/* --- what the functions above may not have run ------------------------------------------------------------ */

/* The lanes that one key exchange leaves idle, the path of one multiplication alone, RSA in the sizes that have their own code. */
static bool accelerated(void)
{
    bool ok = true;
#ifdef HAVE_X25519_SCALAR
    ok &= x25519_scalar_selftest() == 0;
#endif
#ifdef __x86_64__
    if (cpu_has(X25519_X2_NEEDS))
        ok &= x25519_x2_selftest() == 0;
    if (cpu_has(X25519_X8_NEEDS))
        ok &= x25519_x8_selftest() == 0;
    if (cpu_has(RSA_NEEDS))
        ok &= rsa_ifma_selftest() == 0;
#endif
    return ok;
}

/* --- once a process --------------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int result;

static void run(void)
{
    bool ok = hashes() && schedule() && aeads() && curves() && mlkem() && sig_selftest() == 0 && accelerated();
    result = ok ? 0 : -TLS13_E_SELFTEST;
}

int tls13_selftest(void)
{
    (void)pthread_once(&once, run);
    return result;
}
