/* What the tests of the accelerated P-256 share: its order, and scalars of every kind. */
#ifndef P256_TESTS_H
#define P256_TESTS_H

#include "chance.h"
#include "unit.h"

static const uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };

/* A scalar in 1..n-1 of a kind that the turn picks: random, short, near n, dense, a single bit. */
static void scalar(uint8_t k[32], long turn)
{
    static const uint8_t zero[32];
    do {
        random_fill(k, 32);
        switch (turn % 5) {
        case 1:
            memset(k, 0, random64() % 32);
            break;
        case 2:
            memcpy(k, order, 32);
            k[31] = (uint8_t)(k[31] - 1 - random64() % 0x50);
            break;
        case 3:
            memset(k, random64() & 1 ? 0xff : 0x7f, 32);
            k[3] = 0xfe;
            for (int i = 0; i < 3; i++)
                k[4 + random64() % 28] = (uint8_t)random64();
            break;
        case 4:
            memset(k, 0, 32);
            k[random64() % 32] = (uint8_t)(1 << (random64() & 7));
            break;
        default:
            break;
        }
    } while (memcmp(k, order, 32) >= 0 || memcmp(k, zero, 32) == 0);
}

#endif
