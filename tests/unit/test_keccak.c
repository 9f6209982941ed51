/* FIPS 202: known answers, and the sponge in pieces of every size. */
#include "bytes.h"
#include "keccak.h"
#include "unit.h"

/* NIST's examples for FIPS 202 (SHA3-256_Msg0, SHA3-512_Msg0, SHAKE128_Msg0, SHAKE256_Msg0) and, for "abc", the NESSIE set. */
static const struct {
    const char *what, *message;
    unsigned rate;
    uint8_t pad;
    const char *digest;
} known[] = {
    { "SHA3-256", "", KECCAK_RATE_256, KECCAK_SHA3, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a" },
    { "SHA3-256", "abc", KECCAK_RATE_256, KECCAK_SHA3, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
    { "SHA3-512", "", KECCAK_RATE_512, KECCAK_SHA3,
      "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26" },
    { "SHA3-512", "abc", KECCAK_RATE_512, KECCAK_SHA3,
      "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0" },
    { "SHAKE128", "", KECCAK_RATE_128, KECCAK_SHAKE, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26" },
    { "SHAKE256", "", KECCAK_RATE_256, KECCAK_SHAKE,
      "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762fd75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be" },
    { "SHAKE128", "abc", KECCAK_RATE_128, KECCAK_SHAKE, "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8" },
    { "SHAKE256", "abc", KECCAK_RATE_256, KECCAK_SHAKE, "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739" },
};

static void known_answers(void)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        struct keccak k;
        uint8_t want[64], got[64];
        size_t n = unhex(want, sizeof want, known[i].digest);
        keccak_init(&k, known[i].rate, known[i].pad);
        keccak_absorb(&k, known[i].message, strlen(known[i].message));
        keccak_finish(&k);
        keccak_squeeze(&k, got, n);
        CHECK_MEM(got, want, n);
    }
}

static void one_call_forms(void)
{
    uint8_t want[64], got[64];
    (void)unhex(want, sizeof want, known[1].digest);
    sha3_256(got, "abc", 3);
    CHECK_MEM(got, want, 32);
    (void)unhex(want, sizeof want, known[3].digest);
    sha3_512(got, "abc", 3);
    CHECK_MEM(got, want, 64);
    (void)unhex(want, sizeof want, known[7].digest);
    shake256(got, 32, "abc", 3);
    CHECK_MEM(got, want, 32);
}

/* NIST's 1600-bit example (SHA3-256_Msg1600, SHAKE256_Msg1600): 200 bytes of a3, longer than one block. */
static void longer_than_a_block(void)
{
    uint8_t message[200], want[32], got[32];
    memset(message, 0xa3, sizeof message);
    (void)unhex(want, sizeof want, "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787");
    sha3_256(got, message, sizeof message);
    CHECK_MEM(got, want, 32);
    (void)unhex(want, sizeof want, "cd8a920ed141aa0407a22d59288652e9d9f1a7ee0c1e7c1ca699424da84a904d");
    shake256(got, sizeof got, message, sizeof message);
    CHECK_MEM(got, want, 32);
}

static void in_pieces(void)
{
    static const unsigned rates[] = { KECCAK_RATE_128, KECCAK_RATE_256, KECCAK_RATE_512 };
    uint8_t message[400], whole[400], parts[400];
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 7 + 3);
    for (size_t r = 0; r < COUNT(rates); r++) {
        struct keccak k;
        keccak_init(&k, rates[r], KECCAK_SHAKE);
        keccak_absorb(&k, message, sizeof message);
        keccak_finish(&k);
        keccak_squeeze(&k, whole, sizeof whole);
        for (size_t step = 1; step < sizeof message; step++) {
            keccak_init(&k, rates[r], KECCAK_SHAKE);
            for (size_t at = 0; at < sizeof message; at += step)
                keccak_absorb(&k, message + at, at + step < sizeof message ? step : sizeof message - at);
            keccak_finish(&k);
            memset(parts, 0, sizeof parts);
            for (size_t at = 0; at < sizeof parts; at += step)
                keccak_squeeze(&k, parts + at, at + step < sizeof parts ? step : sizeof parts - at);
            CHECK_MEM(parts, whole, sizeof whole);
        }
    }
}

/* Every length around a block's end, each length its own digest: the padding's first and last bit meet in one byte at rate - 1. */
static void every_length(void)
{
    uint8_t message[300] = { 0 }, digest[32], chain[32], want[32];
    struct keccak all;
    keccak_init(&all, KECCAK_RATE_256, KECCAK_SHA3);
    for (size_t n = 0; n <= sizeof message; n++) {
        sha3_256(digest, message, n);
        keccak_absorb(&all, digest, sizeof digest);
    }
    keccak_finish(&all);
    keccak_squeeze(&all, chain, sizeof chain);
    /* SHA3-256 over SHA3-256 of 0 to 300 zero bytes, as Python's hashlib gives it. */
    (void)unhex(want, sizeof want, "3b8dde8442de3bdc65d47b2f3263f59a82434792195998d0641b9ce013fb5d86");
    CHECK_MEM(chain, want, 32);
}

int main(void)
{
    RUN(known_answers);
    RUN(one_call_forms);
    RUN(longer_than_a_block);
    RUN(in_pieces);
    RUN(every_length);
    return DONE();
}
