/* SHA-256 and SHA-384 over one message, and HMAC with a fresh key as the key schedule makes many. */
#include "bench.h"

#include "hash_impl.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static uint8_t data[1 << 14];

static void run_hash(const struct bench *row, long n)
{
    const br_hash_class *class = row->arg;
    br_hash_compat_context c;
    uint8_t out[64];
    for (long i = 0; i < n; i++) {
        class->init(&c.vtable);
        class->update(&c.vtable, data, row->bytes);
        class->out(&c.vtable, out);
        KEEP(out);
    }
}

static void run_hmac(const struct bench *row, long n)
{
    br_hmac_key_context k;
    br_hmac_context c;
    uint8_t out[64];
    for (long i = 0; i < n; i++) {
        br_hmac_key_init(&k, row->arg, data, 32);
        br_hmac_init(&c, &k, 0);
        br_hmac_update(&c, data, 50);
        (void)br_hmac_out(&c, out);
        KEEP(out);
    }
}

static void run_hash_openssl(const struct bench *row, long n)
{
    const EVP_MD *md = row->arg2 == HASH_SHA384 ? EVP_sha384() : EVP_sha256();
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    uint8_t out[64];
    MUST(c != NULL);
    for (long i = 0; i < n; i++) {
        MUST(EVP_DigestInit_ex(c, md, NULL));
        MUST(EVP_DigestUpdate(c, data, row->bytes));
        MUST(EVP_DigestFinal_ex(c, out, NULL));
    }
    EVP_MD_CTX_free(c);
}

static void run_hmac_openssl(const struct bench *row, long n)
{
    uint8_t out[64];
    unsigned len = 0;
    (void)row;
    for (long i = 0; i < n; i++)
        MUST(HMAC(EVP_sha256(), data, 32, data, 50, out, &len));
}

void bench_hash(void)
{
    static const size_t sizes[] = { 64, 1024, 16384 };
    static const struct {
        const char *what, *own;
        enum hash_id id;
    } hashes[] = { { "SHA-256", "sha256-ni", HASH_SHA256 }, { "SHA-384", "sha512-bmi2", HASH_SHA384 } };
    const br_hash_class *class;
    for (size_t h = 0; h < sizeof hashes / sizeof hashes[0]; h++)
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            for (size_t i = 0; (class = hash_class_at(hashes[h].id, i)) != NULL; i++) {
                const char *name = hash_class_at(hashes[h].id, i + 1) == NULL ? BEARSSL : hashes[h].own; /* BearSSL's is the last */
                bench_add((struct bench){ hashes[h].what, name, sizes[j], run_hash, class, 0 });
            }
            bench_add((struct bench){ hashes[h].what, OPENSSL, sizes[j], run_hash_openssl, NULL, hashes[h].id });
        }
    for (size_t i = 0; (class = hash_class_at(HASH_SHA256, i)) != NULL; i++)
        bench_add((struct bench){ "HMAC-SHA-256 32+50", class == &br_sha256_vtable ? BEARSSL : "sha256-ni", 0, run_hmac, class, 0 });
    bench_add((struct bench){ "HMAC-SHA-256 32+50", OPENSSL, 0, run_hmac_openssl, NULL, 0 });
}
