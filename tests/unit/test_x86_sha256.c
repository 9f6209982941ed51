/* SHA-256 with the SHA extensions, as a br_hash_class: against published vectors, BearSSL and OpenSSL, in pieces and by state. */
#include "x86_tests.h"

#if defined(__x86_64__)
#include "hash_impl.h"
#include "x86/sha256_ni.h"

#include <bearssl.h>
#include <openssl/sha.h>

static struct guarded data;

static void once(const void *p, size_t n, uint8_t out[static 32])
{
    br_sha256_context c;
    sha256_ni_class.init(&c.vtable);
    c.vtable->update(&c.vtable, p, n);
    c.vtable->out(&c.vtable, out);
}

/* FIPS 180-4's examples (NIST, "Examples with Intermediate Values": SHA-256 one and two blocks), the empty message and a million a. */
static void vectors(void)
{
    static const struct {
        const char *text, *hash;
    } cases[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    uint8_t want[32], got[32];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)unhex(want, 32, cases[i].hash);
        once(cases[i].text, strlen(cases[i].text), got);
        CHECK_MEM(got, want, 32);
    }
    static uint8_t a[1000000];
    memset(a, 'a', sizeof a);
    (void)unhex(want, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    once(a, sizeof a, got);
    CHECK_MEM(got, want, 32);
}

static void lengths(void)
{
    uint8_t got[32], want[32];
    br_sha256_context c;
    for (size_t i = 0; i < LENGTHS; i++) {
        const size_t n = length_at(i);
        uint8_t *p = guarded_tail(&data, n);
        random_fill(p, n);
        once(p, n, got);
        (void)SHA256(p, n, want);
        CHECK_MEM(got, want, 32);
        br_sha256_init(&c);
        br_sha256_update(&c, p, n);
        br_sha256_out(&c, want);
        CHECK_MEM(got, want, 32);
        once(memmove(data.start, p, n), n, got);
        CHECK_MEM(got, want, 32);
    }
}

/* In pieces, looking at the hash between them, and leaving and coming back by state where a block ends. */
static void pieces(void)
{
    for (int t = 0; t < 3000; t++) {
        br_sha256_context a, b;
        uint8_t x[32], y[32], *p = guarded_tail(&data, 1500);
        const size_t n = random64() % 1501;
        random_fill(p, n);
        sha256_ni_class.init(&a.vtable);
        br_sha256_init(&b);
        for (size_t at = 0; at < n;) {
            size_t m = random64() % (n - at + 1);
            m = random64() % 2 && m > 70 ? m % 71 : m;
            a.vtable->update(&a.vtable, p + at, m);
            br_sha256_update(&b, p + at, m);
            at += m;
            if (random64() % 4 == 0) {
                a.vtable->out(&a.vtable, x);
                br_sha256_out(&b, y);
                CHECK_MEM(x, y, 32);
            }
            CHECK_INT(a.vtable->state(&a.vtable, x), br_sha256_vtable.state(&b.vtable, y));
            CHECK_MEM(x, y, 32);
            if (at % 64 == 0) {
                br_sha256_context z;
                memset(&z, 0x77, sizeof z);
                sha256_ni_class.init(&z.vtable);
                z.vtable->set_state(&z.vtable, x, at);
                a = z;
            }
        }
        a.vtable->update(&a.vtable, NULL, 0);
        a.vtable->out(&a.vtable, x);
        br_sha256_out(&b, y);
        CHECK_MEM(x, y, 32);
    }
}

/* BearSSL reads the class's description; contexts of either class hold the same bytes. */
static void stands_in(void)
{
    br_hmac_key_context ka, kb;
    br_hmac_context ha, hb;
    uint8_t key[200], x[32], y[32];
    CHECK_INT(sha256_ni_class.desc, br_sha256_vtable.desc);
    CHECK_INT(sha256_ni_class.context_size, br_sha256_vtable.context_size);
    random_fill(key, sizeof key);
    for (size_t n = 0; n <= sizeof key; n++) { /* keys of more than a block are hashed first */
        br_hmac_key_init(&ka, &sha256_ni_class, key, n);
        br_hmac_key_init(&kb, &br_sha256_vtable, key, n);
        br_hmac_init(&ha, &ka, 0);
        br_hmac_init(&hb, &kb, 0);
        br_hmac_update(&ha, key, 200 - n);
        br_hmac_update(&hb, key, 200 - n);
        CHECK_INT(br_hmac_out(&ha, x), 32);
        CHECK_INT(br_hmac_out(&hb, y), 32);
        CHECK_MEM(x, y, 32);
    }
}

static void choice(void)
{
    CHECK(hash_class(HASH_SHA256) == (cpu_has(CPU_SSE41 | CPU_SHA) ? &sha256_ni_class : &br_sha256_vtable));
}

int main(void)
{
    data = guard(MAX_DATA);
    const uint32_t needs = CPU_SSE41 | CPU_SHA;
    RUN_IF_CPU(needs, vectors);
    RUN_IF_CPU(needs, lengths);
    RUN_IF_CPU(needs, pieces);
    RUN_IF_CPU(needs, stands_in);
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
