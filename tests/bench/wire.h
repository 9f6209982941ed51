/*
 * What the benchmark's client and backend say to each other: a request of 100 bytes, "R<digits>" (send so many bytes back) or
 * "U<digits>" (so many bytes follow; one byte comes back when all were right), padded with blanks.  Every byte of a bulk transfer is a
 * function of its place, so that both ends can check it.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST = 100, PATTERN = 1 << 20, CHUNK = 1 << 18 };

static uint8_t pattern[PATTERN + CHUNK]; /* repeats with PATTERN */

static inline void pattern_make(void)
{
    uint32_t x = 2463534242;
    for (size_t i = 0; i < PATTERN; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        pattern[i] = (uint8_t)x;
    }
    memcpy(pattern + PATTERN, pattern, CHUNK);
}

/* The n bytes at a place of the stream, n up to CHUNK. */
static inline const uint8_t *pattern_at(uint64_t place)
{
    return pattern + place % PATTERN;
}

static inline void request_make(char out[static REQUEST], char what, uint64_t n)
{
    memset(out, ' ', REQUEST);
    char text[32];
    int len = snprintf(text, sizeof text, "%c%llu", what, (unsigned long long)n);
    memcpy(out, text, (size_t)len);
}

#endif
