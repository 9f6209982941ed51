/* SHA-256 with the SHA extensions, SHA-384 and SHA-512 with BMI2, as br_hash_class: against published vectors, BearSSL and OpenSSL, in
 * pieces and by state. */
#include "x86_tests.h"

#if defined(__x86_64__)
#include "hash_impl.h"
#include "x86/sha256_ni.h"
#include "x86/sha512_bmi2.h"

#include <bearssl.h>
#include <openssl/sha.h>

static struct guarded data;

/* One function; what it must agree with. */
static const struct under_test {
    const br_hash_class *class, *bearssl;
    unsigned char *(*openssl)(const unsigned char *d, size_t n, unsigned char *md);
    size_t out, block;
    const char *empty, *abc, *two_blocks, *million;
} all[] = {
    { &sha256_ni_class, &br_sha256_vtable, SHA256, 32, 64, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    { &sha384_bmi2_class, &br_sha384_vtable, SHA384, 48, 128,
      "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
      "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039",
      "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985" },
    { &sha512_bmi2_class, &br_sha512_vtable, SHA512, 64, 128,
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
      "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
      "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
      "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
      "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b" },
};
static const struct under_test *u;

static void once(const br_hash_class *class, const void *p, size_t n, uint8_t *out)
{
    br_hash_compat_context c;
    class->init(&c.vtable);
    class->update(&c.vtable, p, n);
    class->out(&c.vtable, out);
}

static void is(const char *want_hex, const void *p, size_t n)
{
    uint8_t want[64], got[64];
    CHECK_INT(unhex(want, sizeof want, want_hex), u->out);
    once(u->class, p, n, got);
    CHECK_MEM(got, want, u->out);
}

/* FIPS 180-4's examples (NIST, "Examples with Intermediate Values": one and two blocks), the empty message and a million a. */
static void vectors(void)
{
    static const char
        text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        longer[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    static uint8_t a[1000000];
    is(u->empty, "", 0);
    is(u->abc, "abc", 3);
    is(u->two_blocks, u->block == 64 ? text : longer, strlen(u->block == 64 ? text : longer));
    memset(a, 'a', sizeof a);
    is(u->million, a, sizeof a);
}

static void lengths(void)
{
    uint8_t got[64], want[64];
    for (size_t i = 0; i < LENGTHS; i++) {
        const size_t n = length_at(i);
        uint8_t *p = guarded_tail(&data, n);
        random_fill(p, n);
        once(u->class, p, n, got);
        (void)u->openssl(p, n, want);
        CHECK_MEM(got, want, u->out);
        once(u->bearssl, p, n, want);
        CHECK_MEM(got, want, u->out);
        once(u->class, memmove(data.start, p, n), n, got);
        CHECK_MEM(got, want, u->out);
    }
}

/* In pieces, looking at the hash between them, and leaving and coming back by state where a block ends. */
static void pieces(void)
{
    for (int t = 0; t < 3000; t++) {
        br_hash_compat_context a, b;
        uint8_t x[64], y[64], *p = guarded_tail(&data, 1500);
        const size_t n = random64() % 1501;
        random_fill(p, n);
        u->class->init(&a.vtable);
        u->bearssl->init(&b.vtable);
        for (size_t at = 0; at < n;) {
            size_t m = random64() % (n - at + 1);
            m = random64() % 2 && m > 2 * u->block ? m % (u->block + 7) : m;
            a.vtable->update(&a.vtable, p + at, m);
            b.vtable->update(&b.vtable, p + at, m);
            at += m;
            if (random64() % 4 == 0) {
                a.vtable->out(&a.vtable, x);
                b.vtable->out(&b.vtable, y);
                CHECK_MEM(x, y, u->out);
            }
            CHECK_INT(a.vtable->state(&a.vtable, x), b.vtable->state(&b.vtable, y));
            CHECK_MEM(x, y, u->block / 2);
            if (at % u->block == 0) {
                br_hash_compat_context z;
                memset(&z, 0x77, sizeof z);
                u->class->init(&z.vtable);
                z.vtable->set_state(&z.vtable, x, at);
                a = z;
            }
        }
        a.vtable->update(&a.vtable, NULL, 0);
        a.vtable->out(&a.vtable, x);
        b.vtable->out(&b.vtable, y);
        CHECK_MEM(x, y, u->out);
    }
}

/* BearSSL reads the class's description; contexts of either class hold the same bytes. */
static void stands_in(void)
{
    br_hmac_key_context ka, kb;
    br_hmac_context ha, hb;
    uint8_t key[200], x[64], y[64];
    CHECK_INT(u->class->desc, u->bearssl->desc);
    CHECK_INT(u->class->context_size, u->bearssl->context_size);
    random_fill(key, sizeof key);
    for (size_t n = 0; n <= sizeof key; n++) { /* keys of more than a block are hashed first */
        br_hmac_key_init(&ka, u->class, key, n);
        br_hmac_key_init(&kb, u->bearssl, key, n);
        br_hmac_init(&ha, &ka, 0);
        br_hmac_init(&hb, &kb, 0);
        br_hmac_update(&ha, key, 200 - n);
        br_hmac_update(&hb, key, 200 - n);
        CHECK_INT(br_hmac_out(&ha, x), u->out);
        CHECK_INT(br_hmac_out(&hb, y), u->out);
        CHECK_MEM(x, y, u->out);
    }
}

static void choice(void)
{
    CHECK(hash_class(HASH_SHA256) == (cpu_has(CPU_SSE41 | CPU_SHA) ? &sha256_ni_class : &br_sha256_vtable));
    CHECK(hash_class(HASH_SHA384) == (cpu_has(CPU_AVX2 | CPU_BMI2) ? &sha384_bmi2_class : &br_sha384_vtable));
    CHECK(hash_class(HASH_SHA512) == (cpu_has(CPU_AVX2 | CPU_BMI2) ? &sha512_bmi2_class : &br_sha512_vtable));
}

static void run_all(const struct under_test *t)
{
    const uint32_t needs = t->block == 64 ? CPU_SSE41 | CPU_SHA : CPU_AVX2 | CPU_BMI2;
    u = t;
    RUN_IF_CPU(needs, vectors);
    RUN_IF_CPU(needs, lengths);
    RUN_IF_CPU(needs, pieces);
    RUN_IF_CPU(needs, stands_in);
}

int main(void)
{
    data = guard(MAX_DATA);
    run_all(&all[0]);
    run_all(&all[1]);
    run_all(&all[2]);
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
