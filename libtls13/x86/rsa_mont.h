/*
 * Montgomery multiplication of RSA-sized numbers with AVX-512 IFMA, made for the latency of one exponentiation.
 *
 * Numbers are limbs of 52 bits in `regs` registers of eight lanes: 5, 8 or 10 for RSA-2048, 3072, 4096.  Either one number fills all
 * lanes (for the public operation) or two numbers, modulo p and modulo q, have four lanes each (for the private one) and are worked on
 * together.  Within its lanes, limb i lies in lane i / regs of register i % regs: so dropping the lowest limb only renames registers,
 * and moves one of them by one lane.
 */
#ifndef TLS13_X86_RSA_MONT_H
#define TLS13_X86_RSA_MONT_H

#include "x86/simd.h"

#define MONT_REGS  10
#define MONT_LIMBS (8 * MONT_REGS)
#define MONT_WORDS 64 /* of 64 bits: 4096 bits */
#define LIMB_MASK  (((uint64_t)1 << 52) - 1)

struct mont_num {
    uint64_t v[MONT_REGS][8] __attribute__((aligned(64)));
};

struct mont {
    struct mont_num n;   /* the modulus, or p in lanes 0-3 and q in lanes 4-7 */
    struct mont_num one; /* R mod n, R = 2^(52 limbs) */
    struct mont_num r2;  /* R^2, < 2 n */
    uint64_t k0[8];      /* -1/n modulo 2^52 */
    unsigned regs;       /* registers of a number */
    unsigned lanes;      /* lanes of a number: 8, or 4 for a pair */
    unsigned limbs;      /* regs * lanes */
    void (*mul)(struct mont_num *r, const struct mont_num *a, const struct mont_num *b, const struct mont *m);
};

/*
 * Sets up for moduli of `bits` bits: 2048, 3072 or 4096 for one number, half of that for a pair.  Each modulus is big-endian of bits / 8
 * bytes, odd, its topmost bit set; second is NULL for one number.  Constant-time in the moduli.
 */
void mont_init(struct mont *m, unsigned bits, const uint8_t *first, const uint8_t *second);

/*
 * r = a b / R modulo n, "almost": a b < R n gives r < 2 n, with limbs below 2^52.  Since R > 2^16 n, that holds for a and b below
 * 2^8 n; and a < R with b < 2 n gives r < 3 n.  r may be a or b.
 */
static inline void mont_mul(struct mont_num *r, const struct mont_num *a, const struct mont_num *b, const struct mont *m)
{
    m->mul(r, a, b, m);
}

/* Out of Montgomery form and below n: r = a / R mod n. */
void mont_leave(struct mont_num *r, const struct mont_num *a, const struct mont *m);

/* r -= n where r >= n, in the number that starts at lane `lane`; r < 2 n. */
void mont_reduce(struct mont_num *r, unsigned lane, const struct mont *m);

/* Limb i of the number that starts at lane `lane`. */
static inline uint64_t *mont_limb(struct mont_num *a, const struct mont *m, unsigned lane, unsigned i)
{
    return &a->v[i % m->regs][lane + i / m->regs];
}

/* Bit `bit` and up of big-endian bytes, 52 of them; zero beyond the bytes. */
uint64_t mont_bits(const uint8_t *b, size_t len, size_t bit);

/* Big-endian bytes of at most 52 limbs bits into the number that starts at lane `lane`. */
void mont_load(struct mont_num *a, const struct mont *m, unsigned lane, const uint8_t *b, size_t len);

/* `count` limbs as len big-endian bytes. */
void mont_store(uint8_t *b, size_t len, const uint64_t *limbs, size_t count);

#endif
