/*
 * ML-KEM's sampling with MLKEM_LANES Keccak states side by side.  The includer has defined the type `lanes`, lanes_load and
 * lanes_store (of one word of every state), the permutation keccak_lanes, and sample_uniform.
 *
 * There are sixteen streams: nine entries of the matrix, row by row, and seven noise polynomials.  An entry takes three blocks, seldom
 * more, a noise polynomial one; how many blocks there are depends on rho only, which is public.
 */
#ifndef TLS13_MLKEM_LANES_H
#define TLS13_MLKEM_LANES_H

#include "mlkem_sample.h"

#define ENTRIES (MLKEM_K * MLKEM_K)
#define STREAMS (ENTRIES + MLKEM_NOISE)

/* The first state of the streams from `first` on, one a lane: word by word. */
static void start_lanes(uint64_t st[25][MLKEM_LANES], int first, bool transposed, const uint8_t *rho, const uint8_t *seed)
{
    memset(st, 0, 25 * sizeof st[0]);
    for (int l = 0; l < MLKEM_LANES; l++) {
        int n = first + l, i = n / MLKEM_K, j = n % MLKEM_K;
        const uint8_t *start = n < ENTRIES ? rho : seed;
        for (int w = 0; w < 4; w++)
            st[w][l] = load64_le(start + 8 * w);
        if (n < ENTRIES) {
            st[4][l] = transposed ? XOF_TAIL(i, j) : XOF_TAIL(j, i);
            st[RATE_END(KECCAK_RATE_128)][l] = LAST_BIT;
        } else {
            st[4][l] = PRF_TAIL(n - ENTRIES);
            st[RATE_END(KECCAK_RATE_256)][l] = LAST_BIT;
        }
    }
}

static void lane_block(uint8_t block[static KECCAK_RATE_128], uint64_t st[25][MLKEM_LANES], int l)
{
    for (int w = 0; w < KECCAK_RATE_128 / 8; w++)
        store64_le(block + 8 * w, st[w][l]);
}

/* A last entry that is still short goes on alone. */
static void finish_entry(int16_t *c, int have, uint64_t st[25][MLKEM_LANES], int l)
{
    uint64_t s[25];
    uint8_t block[KECCAK_RATE_128];
    for (int w = 0; w < 25; w++)
        s[w] = st[w][l];
    while (have < MLKEM_N) {
        keccak_f1(s);
        for (int w = 0; w < KECCAK_RATE_128 / 8; w++)
            store64_le(block + 8 * w, s[w]);
        have = sample_uniform(c, have, block);
    }
}

/* The streams from `first` on to their ends. */
static void run_lanes(uint64_t st[25][MLKEM_LANES], int first, struct poly *entry, struct poly *noise, int noises)
{
    lanes s[25];
    uint8_t block[KECCAK_RATE_128];
    int have[MLKEM_LANES] = { 0 }, open = 0, last = 0;
    for (int w = 0; w < 25; w++)
        s[w] = lanes_load(st[w]);
    for (bool fresh = true; fresh || open > 1; fresh = false) {
        keccak_lanes(s);
        for (int w = 0; w < 25; w++)
            lanes_store(st[w], s[w]);
        open = 0;
        for (int l = 0; l < MLKEM_LANES; l++) {
            int n = first + l;
            if (n < ENTRIES && have[l] < MLKEM_N) {
                lane_block(block, st, l);
                have[l] = sample_uniform(entry[n].c, have[l], block);
                if (have[l] < MLKEM_N) {
                    open++;
                    last = l;
                }
            } else if (fresh && n >= ENTRIES && n - ENTRIES < noises) {
                lane_block(block, st, l);
                sample_noise(&noise[n - ENTRIES], block);
            }
        }
    }
    if (open == 1)
        finish_entry(entry[first + last].c, have[last], st, last);
    WIPE(s);
    WIPE(block);
}

/* The matrix A of rho, or its transpose, and `noises` noise polynomials of the seed, counted from 0. */
static void sample(struct poly a[MLKEM_K][MLKEM_K], bool transposed, struct poly *noise, int noises, const uint8_t rho[static 32],
                   const uint8_t seed[static 32])
{
    uint64_t st[25][MLKEM_LANES] __attribute__((aligned(64)));
    for (int first = 0; first < STREAMS; first += MLKEM_LANES) {
        start_lanes(st, first, transposed, rho, seed);
        run_lanes(st, first, a[0], noise, noises);
    }
    WIPE(st);
}

#endif
