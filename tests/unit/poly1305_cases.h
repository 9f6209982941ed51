/* Poly1305 alone (x86/poly1305.inc.h), with r and s of the test's choice: cases for both of its sources.  Include behind the source. */
#ifndef POLY1305_CASES_H
#define POLY1305_CASES_H

#include "x86_tests.h"

#include <bearssl.h>

static struct guarded data;
static uint8_t poly_key[32];

/* Block 0 of this key stream is poly_key, all else is zeros: so that BearSSL's AEAD computes Poly1305 under a key of our choice. */
static uint32_t fake_chacha20(const void *key, const void *iv, uint32_t counter, void *p, size_t len)
{
    (void)key;
    (void)iv;
    if (counter == 0)
        memcpy(p, poly_key, len < 32 ? len : 32);
    return counter + 1;
}

static void against_bearssl(const uint8_t *p, size_t n)
{
    static uint8_t copy[MAX_DATA];
    uint8_t got[16], want[16];
    struct poly1305 m;
    memcpy(copy, p, n);
    br_poly1305_ctmul_run(poly_key, poly_key, copy, n, NULL, 0, want, fake_chacha20, 0);
    poly_init(&m, poly_key);
    poly_add(&m, p, n);
    poly_add_lengths(&m, 0, n);
    poly_end(&m, got);
    CHECK_MEM(got, want, 16);
}

/* Keys and messages of zeros, of ones, of few ones and of chance. */
static void extremes(void)
{
    static const uint8_t fills[] = { 0x00, 0x01, 0x80, 0xff };
    for (int t = 0; t < 8000; t++) {
        const size_t n = t % 8 ? random64() % 1200 : 16 * (random64() % 75);
        uint8_t *p = guarded_tail(&data, n);
        for (size_t i = 0; i < 32; i += 16) {
            const uint64_t kind = random64() % 6;
            memset(poly_key + i, kind < 4 ? fills[kind] : 0, 16);
            if (kind == 4)
                poly_key[i + random64() % 16] = (uint8_t)random64();
            if (kind == 5)
                random_fill(poly_key + i, 16);
        }
        random_fill(p, n);
        for (size_t i = 0; i < n; i += 16)
            if (random64() % 4 != 0)
                memset(p + i, fills[random64() % 4], n - i < 16 ? n - i : 16);
        against_bearssl(p, n);
    }
}

typedef unsigned __int128 uint128;

/*
 * Blocks whose sum with 2^128 for each and with the block of lengths is p + d modulo p = 2^130 - 5, kept as top 2^128 + low; since
 * 2^130 = 5, that is 5 (top / 4) + (top % 4) 2^128 + low.  => false when chance did not give top % 4 = 3, which the last block needs.
 */
static bool sum_to(uint8_t *p, size_t blocks, int d)
{
    uint128 low = (uint128)(16 * blocks) << 64, block;
    uint64_t top = blocks + 1;
    random_fill(p, 16 * blocks);
    for (size_t i = 0; i + 1 < blocks; i++) {
        if (random64() % 2)
            memset(p + 16 * i, 0xff, 16);
        memcpy(&block, p + 16 * i, 16);
        low += block;
        top += low < block;
    }
    for (uint64_t carry = 0; carry < 2; carry++) {
        const uint128 sum = (uint128)0 - (uint128)5 * (1 + (top + carry) / 4) + (uint128)(__int128)d;
        block = sum - low;
        if ((top + carry) % 4 == 3 && (sum < low) == (carry == 1)) {
            memcpy(p + 16 * (blocks - 1), &block, 16);
            return true;
        }
    }
    return false;
}

/* r = 1: the sum is what is reduced in the end. */
static void around_p(void)
{
    int hits = 0;
    memset(poly_key, 0, 32);
    poly_key[0] = 1;
    for (size_t blocks = 2; blocks < 60; blocks++) {
        for (int d = -8; d <= 8; d++) {
            uint8_t *p = guarded_tail(&data, 16 * blocks);
            for (int tries = 0; tries < 8; tries++) {
                if (!sum_to(p, blocks, d))
                    continue;
                hits++;
                against_bearssl(p, 16 * blocks);
            }
        }
    }
    CHECK(hits > 1000);
}

/* RFC 8439 A.3, test vectors 5 to 11. */
static void rfc8439_a3(void)
{
    static const struct {
        const char *r, *s, *message, *tag;
    } cases[] = {
        { "02", "", "ffffffffffffffffffffffffffffffff", "03" },
        { "02", "ffffffffffffffffffffffffffffffff", "02000000000000000000000000000000", "03" },
        { "01", "", "fffffffffffffffffffffffffffffffff0ffffffffffffffffffffffffffffff11000000000000000000000000000000", "05" },
        { "01", "", "fffffffffffffffffffffffffffffffffbfefefefefefefefefefefefefefefe01010101010101010101010101010101", "00" },
        { "02", "", "fdffffffffffffffffffffffffffffff", "faffffffffffffffffffffffffffffff" },
        { "010000000000000004", "",
          "e33594d7505e43b900000000000000003394d7505e4379cd0100000000000000000000000000000000000000000000000100000000000000000000000000000"
          "0",
          "14000000000000005500000000000000" },
        { "010000000000000004", "", "e33594d7505e43b900000000000000003394d7505e4379cd010000000000000000000000000000000000000000000000",
          "13" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t message[64], want[16] = { 0 }, got[16];
        struct poly1305 m;
        memset(poly_key, 0, 32);
        (void)unhex(poly_key, 16, cases[i].r);
        (void)unhex(poly_key + 16, 16, cases[i].s);
        (void)unhex(want, 16, cases[i].tag);
        const size_t n = unhex(message, 64, cases[i].message);
        poly_init(&m, poly_key);
        poly_add(&m, memcpy(guarded_tail(&data, n), message, n), n);
        poly_end(&m, got);
        CHECK_MEM(got, want, 16);
    }
}

#endif
