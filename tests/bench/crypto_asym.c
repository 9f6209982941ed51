/*
 * Key exchange and signatures as a handshake needs them: ML-KEM-768 encapsulation for each CPU level; the server's whole step for each
 * group, one at a time and eight in a batch; signatures, self-check included; beside OpenSSL's.
 */
#include "bench.h"

#include "cpu.h"
#include "kex.h"
#include "mlkem_level.h"
#include "sign.h"

#include "fixtures.h"
#include "credential.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

static uint8_t seed[KEX_MAX_RANDOM] = { 7, 1, 9 };

static void run_encaps(const struct bench *row, long n)
{
    const struct mlkem_level *level = row->arg;
    static uint8_t ek[MLKEM_EK], dk[MLKEM_DK];
    uint8_t ct[MLKEM_CT], ss[MLKEM_SS];
    mlkem_keygen(ek, dk, seed, seed + 32);
    for (long i = 0; i < n; i++) {
        MUST(level->encaps(ct, ss, ek, seed) == 0);
        KEEP(ss);
    }
}

/* n server's steps, arg2 of them a call. */
static void run_kex(const struct bench *row, long n)
{
    const struct kex_group *g = row->arg;
    static struct kex_client client;
    static uint8_t share[KEX_MAX_CLIENT], server[8][KEX_MAX_SERVER], secret[8][KEX_MAX_SECRET];
    struct kex_job jobs[8], *list[8];
    MUST(kex_client_share(&client, g, seed, share) == 0);
    for (size_t i = 0; i < 8; i++) {
        jobs[i] = (struct kex_job){ .group = g, .client = share, .random = seed, .server = server[i], .secret = secret[i] };
        list[i] = &jobs[i];
    }
    for (long i = 0; i < n; i += (long)row->arg2)
        kex_run(list, row->arg2);
    MUST(jobs[0].err == 0);
}

/* An ephemeral key and the shared secret, with OpenSSL. */
static void run_kex_openssl(const struct bench *row, long n)
{
    const char *name = row->arg;
    EVP_PKEY *peer = EVP_PKEY_Q_keygen(NULL, NULL, row->arg2 ? "EC" : name, name);
    MUST(peer != NULL);
    for (long i = 0; i < n; i++) {
        uint8_t out[64];
        size_t len = sizeof out;
        EVP_PKEY *own = EVP_PKEY_Q_keygen(NULL, NULL, row->arg2 ? "EC" : name, name);
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(own, NULL);
        MUST(own != NULL && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, peer) == 1 && EVP_PKEY_derive(c, out, &len) == 1);
        EVP_PKEY_CTX_free(c);
        EVP_PKEY_free(own);
    }
    EVP_PKEY_free(peer);
}

static void run_sign(const struct bench *row, long n)
{
    struct credential *c;
    uint8_t hash[64] = { 5 }, salt[64] = { 6 }, sig[SIG_MAX];
    MUST(cred_load(&c, row->arg, strlen(row->arg), NULL, 0, NULL, NULL) == 0);
    const struct sig_scheme *scheme = sig_by_id(c->schemes[0]);
    for (long i = 0; i < n; i++)
        MUST(sig_sign(&c->key, scheme, hash, salt, sig) > 0);
    cred_free(c);
}

static void run_sign_openssl(const struct bench *row, long n)
{
    uint8_t hash[48] = { 5 }, sig[512];
    BIO *bio = BIO_new_mem_buf(row->arg, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    MUST(c != NULL && EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, row->arg2 == 48 ? EVP_sha384() : EVP_sha256()) == 1);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        MUST(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(c, 32) == 1);
    for (long i = 0; i < n; i++) {
        size_t len = sizeof sig;
        MUST(EVP_PKEY_sign(c, sig, &len, hash, row->arg2) == 1);
    }
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(key);
    BIO_free(bio);
}

void bench_asym(void)
{
    bench_add((struct bench){ .what = "ML-KEM-768 encapsulation", .impl = "portable", .run = run_encaps, .arg = &mlkem_portable });
#if defined(__x86_64__)
    if (cpu_level() >= CPU_LEVEL_AVX2)
        bench_add((struct bench){ .what = "ML-KEM-768 encapsulation", .impl = "avx2", .run = run_encaps, .arg = &mlkem_avx2 });
    if (cpu_level() >= CPU_LEVEL_AVX512)
        bench_add((struct bench){ .what = "ML-KEM-768 encapsulation", .impl = "avx512", .run = run_encaps, .arg = &mlkem_avx512 });
#endif
    static const struct {
        uint16_t id;
        const char *what, *openssl;
        bool ec;
    } groups[] = { { GROUP_X25519, "key exchange x25519", "X25519", false },
                   { GROUP_SECP256R1, "key exchange secp256r1", "P-256", true },
                   { GROUP_SECP384R1, "key exchange secp384r1", "P-384", true },
                   { GROUP_X25519MLKEM768, "key exchange X25519MLKEM768", NULL, false } };
    for (size_t i = 0; i < COUNT(groups); i++) {
        const struct kex_group *g = kex_by_id(groups[i].id);
        bench_add((struct bench){ .what = groups[i].what, .impl = "ours", .run = run_kex, .arg = g, .arg2 = 1 });
        if (!groups[i].ec) /* only X25519 has lanes to share */
            bench_add((struct bench){ .what = groups[i].what, .impl = "ours, of 8", .run = run_kex, .arg = g, .arg2 = 8 });
        if (groups[i].openssl != NULL)
            bench_add((struct bench){
                .what = groups[i].what, .impl = OPENSSL, .run = run_kex_openssl, .arg = groups[i].openssl, .arg2 = groups[i].ec });
    }
    static const struct {
        const char *what, *pem;
        size_t hash;
    } keys[] = { { "sign ECDSA P-256", fixture_p256, 32 },
                 { "sign ECDSA P-384", fixture_p384, 48 },
                 { "sign RSA-2048 PSS", fixture_rsa, 32 } };
    for (size_t i = 0; i < COUNT(keys); i++) {
        bench_add((struct bench){ .what = keys[i].what, .impl = "ours, checked", .run = run_sign, .arg = keys[i].pem });
        bench_add(
            (struct bench){ .what = keys[i].what, .impl = OPENSSL, .run = run_sign_openssl, .arg = keys[i].pem, .arg2 = keys[i].hash });
    }
}
