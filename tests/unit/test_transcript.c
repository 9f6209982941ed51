/* The transcript hash against RFC 8448's traces, whole and in pieces, with and without a HelloRetryRequest. */
#include "transcript.h"
#include "bytes.h"
#include "hash_impl.h"
#include "unit.h"

#include "../vectors/rfc8448.h"

#include <openssl/evp.h>

/* Adds the messages of a section up to and with the nth of that name; a second ClientHello makes the first one a message_hash. */
static void add_until(struct transcript *t, int section, const char *name, int nth)
{
    bool hello = false;
    for (size_t i = 0; i < COUNT(rfc8448_message); i++) {
        uint8_t m[600];
        if (rfc8448_message[i].section != section)
            continue;
        size_t n = unhex(m, sizeof m, rfc8448_message[i].bytes);
        if (section == 5 && !hello && strcmp(rfc8448_message[i].name, "ServerHello") == 0) {
            transcript_retry(t);
            hello = true;
        }
        transcript_add(t, m, n);
        if (strcmp(rfc8448_message[i].name, name) == 0 && --nth == 0)
            return;
    }
    CHECK_INT(nth, 0);
}

/* The context that RFC 8448 derives a secret with. */
static const char *context_of(int section, const char *label)
{
    for (size_t i = 0; i < COUNT(rfc8448_derive); i++)
        if (rfc8448_derive[i].section == section && strcmp(rfc8448_derive[i].label, label) == 0)
            return rfc8448_derive[i].context;
    return "";
}

static void check_hash(const struct transcript *t, int section, const char *label)
{
    uint8_t got[MAX_HASH], want[MAX_HASH];
    CHECK_INT(unhex(want, sizeof want, context_of(section, label)), 32);
    CHECK_INT(transcript_hash(t, got), 32);
    CHECK_MEM(got, want, 32);
}

static void traces_of_rfc8448(void)
{
    static const struct {
        const char *message, *label;
        int nth;
    } points[] = { { "ServerHello", "s hs traffic", 1 }, { "Finished", "c ap traffic", 1 }, { "Finished", "res master", 2 } };
    for (int section = 3; section <= 6; section++)
        for (size_t i = 0; i < COUNT(points); i++) {
            bool retried = section == 5 && i == 0; /* its first ServerHello is the HelloRetryRequest */
            struct transcript t;
            transcript_init(&t, HASH_SHA256);
            add_until(&t, section, points[i].message, points[i].nth + retried);
            check_hash(&t, section, points[i].label);
        }
}

static void binder_hash_of_rfc8448(void)
{
    uint8_t hello[600], got[MAX_HASH], want[MAX_HASH];
    struct transcript t;
    for (size_t i = 0; i < COUNT(rfc8448_message); i++) {
        if (rfc8448_message[i].section != 4)
            continue;
        size_t n = unhex(hello, sizeof hello, rfc8448_message[i].bytes);
        transcript_init(&t, HASH_SHA256);
        transcript_add(&t, hello, n - 35); /* the binders list: its length, a binder's length, 32 bytes (4.2.11.2) */
        break;
    }
    unhex(want, sizeof want, rfc8448_binder_hash);
    CHECK_INT(transcript_hash(&t, got), 32);
    CHECK_MEM(got, want, 32);
}

static void a_hash_does_not_end_it(void)
{
    struct transcript t, copy;
    transcript_init(&t, HASH_SHA256);
    uint8_t a[MAX_HASH], b[MAX_HASH];
    transcript_add(&t, "x", 1);
    transcript_hash(&t, a);
    transcript_hash(&t, b);
    CHECK_MEM(a, b, 32);
    memcpy(&copy, &t, sizeof t);
    transcript_add(&t, "y", 1);
    transcript_hash(&t, b);
    CHECK(memcmp(a, b, 32) != 0);
    transcript_hash(&copy, b);
    CHECK_MEM(a, b, 32);
    transcript_add(&copy, "y", 1);
    transcript_hash(&copy, a);
    transcript_hash(&t, b);
    CHECK_MEM(a, b, 32);
}

/* Every length 0..300 in every cut into two pieces, against OpenSSL, by every implementation. */
static void lengths_and_pieces(void)
{
    static const struct {
        enum hash_id id;
        size_t len;
    } hashes[] = { { HASH_SHA256, 32 }, { HASH_SHA384, 48 } };
    uint8_t data[300], want[64], got[64];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    for (size_t h = 0; h < COUNT(hashes); h++)
        for (size_t n = 0; n <= sizeof data; n++) {
            unsigned want_len;
            CHECK(EVP_Digest(data, n, want, &want_len, h == 0 ? EVP_sha256() : EVP_sha384(), NULL) == 1);
            for (size_t cut = 0; cut <= n; cut++) {
                struct transcript t;
                transcript_init(&t, hashes[h].id);
                transcript_add(&t, data, cut);
                transcript_add(&t, data + cut, n - cut);
                CHECK_INT(transcript_hash(&t, got), hashes[h].len);
                CHECK_MEM(got, want, hashes[h].len);
            }
            const br_hash_class *class;
            for (size_t i = 0; h == 0 && (class = hash_class_at(HASH_SHA256, i)) != NULL; i++) {
                br_hash_compat_context c;
                class->init(&c.vtable);
                class->update(&c.vtable, data, n);
                class->out(&c.vtable, got);
                CHECK_MEM(got, want, 32);
            }
        }
}

/* 4.4.1: message_hash || 00 00 Hash.length || Hash(ClientHello1), with the longer hash too. */
static void retry_makes_a_message_hash(void)
{
    uint8_t message[4 + 48] = { 254, 0, 0, 48 }, want[64], got[MAX_HASH];
    struct transcript t;
    unsigned n;
    CHECK(EVP_Digest("hello", 5, message + 4, &n, EVP_sha384(), NULL) == 1);
    CHECK(EVP_Digest(message, sizeof message, want, &n, EVP_sha384(), NULL) == 1);
    transcript_init(&t, HASH_SHA384);
    transcript_add(&t, "hello", 5);
    transcript_retry(&t);
    CHECK_INT(transcript_hash(&t, got), 48);
    CHECK_MEM(got, want, 48);
}

int main(void)
{
    RUN(traces_of_rfc8448);
    RUN(binder_hash_of_rfc8448);
    RUN(a_hash_does_not_end_it);
    RUN(lengths_and_pieces);
    RUN(retry_makes_a_message_hash);
    return DONE();
}
