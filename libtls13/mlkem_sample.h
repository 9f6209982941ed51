/*
 * ML-KEM's sampling (FIPS 203 4.2.2): the public matrix from rho by rejection, in variable time, and the noise from a secret seed
 * by the centred binomial distribution, in constant time.  A level with vector lanes brings its own parts of it (x86/mlkem_lanes.h).
 */
#ifndef TLS13_MLKEM_SAMPLE_H
#define TLS13_MLKEM_SAMPLE_H

#include "keccak_f.h"
#include "mlkem_poly.h"

#define MLKEM_NOISE 7 /* polynomials: three of y, three of e1, and e2 */

/* The words that start a state: 32 bytes, then the matrix indices or the counter, each with SHAKE's padding byte after it. */
#define XOF_TAIL(i, j) ((uint64_t)(i) | (uint64_t)(j) << 8 | (uint64_t)KECCAK_SHAKE << 16)
#define PRF_TAIL(n)    ((uint64_t)(n) | (uint64_t)KECCAK_SHAKE << 8)
#define RATE_END(rate) ((rate) / 8 - 1) /* the word that takes the padding's last bit */
#define LAST_BIT       ((uint64_t)1 << 63)

/* SamplePolyCBD with eta = 2 (algorithm 8). */
static void sample_noise(struct poly *p, const uint8_t b[static 128])
{
    for (int i = 0; i < MLKEM_N / 8; i++) {
        uint32_t t = (uint32_t)b[4 * i] | (uint32_t)b[4 * i + 1] << 8 | (uint32_t)b[4 * i + 2] << 16 | (uint32_t)b[4 * i + 3] << 24;
        uint32_t sums = (t & 0x55555555) + (t >> 1 & 0x55555555);
        for (int j = 0; j < 8; j++)
            p->c[8 * i + j] = (int16_t)((int)(sums >> (4 * j) & 3) - (int)(sums >> (4 * j + 2) & 3));
    }
}

#ifndef MLKEM_OWN_UNIFORM
/*
 * SampleNTT's inner loop (algorithm 7): appends the candidates below q of one block to the coefficients; => how many there are now.
 * One candidate in five falls out, at random: each is stored, and the next one overwrites it unless it stays.
 */
static int sample_uniform(int16_t *c, int have, const uint8_t b[static KECCAK_RATE_128])
{
    int16_t kept[KECCAK_RATE_128 / 3 * 2 + 1];
    int n = 0;
    for (int i = 0; i < KECCAK_RATE_128; i += 3) {
        int lo = b[i] | (b[i + 1] & 15) << 8, hi = b[i + 1] >> 4 | b[i + 2] << 4;
        kept[n] = (int16_t)lo;
        n += lo < MLKEM_Q;
        kept[n] = (int16_t)hi;
        n += hi < MLKEM_Q;
    }
    if (n > MLKEM_N - have)
        n = MLKEM_N - have;
    memcpy(c + have, kept, (size_t)n * sizeof kept[0]);
    return have + n;
}
#endif

#ifndef MLKEM_LANES
/* The matrix A of rho, or its transpose, and `noises` noise polynomials of the seed, counted from 0. */
static void sample(struct poly a[MLKEM_K][MLKEM_K], bool transposed, struct poly *noise, int noises, const uint8_t rho[static 32],
                   const uint8_t seed[static 32])
{
    uint64_t s[25];
    uint8_t block[KECCAK_RATE_128];
    for (int i = 0; i < MLKEM_K; i++) {
        for (int j = 0; j < MLKEM_K; j++) {
            memset(s, 0, sizeof s);
            for (int w = 0; w < 4; w++)
                s[w] = load64_le(rho + 8 * w);
            s[4] = transposed ? XOF_TAIL(i, j) : XOF_TAIL(j, i);
            s[RATE_END(KECCAK_RATE_128)] ^= LAST_BIT;
            for (int have = 0; have < MLKEM_N;) {
                keccak_f1(s);
                for (int w = 0; w < KECCAK_RATE_128 / 8; w++)
                    store64_le(block + 8 * w, s[w]);
                have = sample_uniform(a[i][j].c, have, block);
            }
        }
    }
    for (int l = 0; l < noises; l++) {
        memset(s, 0, sizeof s);
        for (int w = 0; w < 4; w++)
            s[w] = load64_le(seed + 8 * w);
        s[4] = PRF_TAIL(l);
        s[RATE_END(KECCAK_RATE_256)] ^= LAST_BIT;
        keccak_f1(s);
        for (int w = 0; w < 16; w++)
            store64_le(block + 8 * w, s[w]);
        sample_noise(&noise[l], block);
    }
    WIPE(s);
    WIPE(block);
}
#endif

#endif
