/*
 * Modular inverse by division steps: D. J. Bernstein, B.-Y. Yang, "Fast constant-time gcd computation and modular inversion", 2019,
 * in the variant that starts with delta = 1/2, for which 590 steps suffice for 256-bit moduli (P. Wuille, 2021).
 *
 * f and g (at first m and a) shrink to +-1 and 0, while d and e keep d a = f and e a = g modulo m.  Ten batches of 59 steps: the steps
 * of a batch look at the low 62 bits of f and g only and gather in a 2 x 2 matrix with entries of at most 2^59, which is then applied
 * to the whole numbers and divided by 2^59.  Numbers are five signed limbs of 62 bits; all but the topmost are in 0..2^62-1.
 */
#if defined(__x86_64__)

#include "x86/modinv.h"

#include "bytes.h"

#define STEPS     59
#define BATCHES   10
#define MASK62    (((uint64_t)1 << 62) - 1)
#define STEP_MASK (((uint64_t)1 << STEPS) - 1)

struct signed62 {
    int64_t v[5];
};

/* 2^59 times the change that a batch of steps makes: f' = (u f + v g) / 2^59, g' = (q f + r g) / 2^59. */
struct matrix {
    int64_t u, v, q, r;
};

/* One batch over the low 64 bits of f and g; => the new zeta = -(delta + 1/2). */
static int64_t divsteps(struct matrix *t, int64_t zeta, uint64_t f, uint64_t g)
{
    uint64_t u = 1, v = 0, q = 0, r = 1;
    for (int i = 0; i < STEPS; i++) {
        uint64_t positive = mask_hide((uint64_t)(zeta >> 63)); /* delta > 0 */
        uint64_t odd = mask_hide(0 - (g & 1));
        /* g is made even: minus f when delta > 0 (f and g then change places), plus f otherwise. */
        g += ((f ^ positive) - positive) & odd;
        q += ((u ^ positive) - positive) & odd;
        r += ((v ^ positive) - positive) & odd;
        uint64_t swap = positive & odd;
        zeta = (zeta ^ (int64_t)swap) - 1;
        f += g & swap;
        u += q & swap;
        v += r & swap;
        g >>= 1;
        u <<= 1;
        v <<= 1;
    }
    *t = (struct matrix){ (int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r };
    return zeta;
}

/* r = (x a + y b + k m) / 2^59, which is exact.  |x| + |y| <= 2^59 and |k| < 2^60 keep each column below 2^123. */
static inline void combine(struct signed62 *r, const struct signed62 *a, int64_t x, const struct signed62 *b, int64_t y, const int64_t m[5],
                           int64_t k)
{
    i128 c = (i128)x * a->v[0] + (i128)y * b->v[0] + (i128)k * m[0];
    uint64_t low = (uint64_t)c & MASK62;
    c >>= 62;
    for (int i = 1; i < 5; i++) {
        c += (i128)x * a->v[i] + (i128)y * b->v[i] + (i128)k * m[i];
        uint64_t next = (uint64_t)c & MASK62;
        c >>= 62;
        r->v[i - 1] = (int64_t)((low >> STEPS | next << (62 - STEPS)) & MASK62);
        low = next;
    }
    r->v[4] = (int64_t)(low >> STEPS) + (int64_t)((uint64_t)c << (62 - STEPS));
}

/* How many times m makes x d + y e divisible by 2^59 and keeps the quotient in (-2m, m), as d and e are. */
static inline int64_t multiple(const struct signed62 *d, int64_t x, const struct signed62 *e, int64_t y, const struct modinv_modulus *m)
{
    int64_t k = (x & (d->v[4] >> 63)) + (y & (e->v[4] >> 63)); /* as if negative ones had m added */
    uint64_t low = (uint64_t)x * (uint64_t)d->v[0] + (uint64_t)y * (uint64_t)e->v[0];
    return k - (int64_t)((m->inverse62 * low + (uint64_t)k) & STEP_MASK);
}

static inline void add_if(struct signed62 *d, const int64_t m[5], int64_t mask)
{
    for (int i = 0; i < 5; i++)
        d->v[i] += m[i] & mask;
}

/* Carries signed limbs up, so that all but the topmost are in 0..2^62-1. */
static inline void carry_up(struct signed62 *d)
{
    for (int i = 0; i < 4; i++) {
        d->v[i + 1] += d->v[i] >> 62;
        d->v[i] &= (int64_t)MASK62;
    }
}

void modinv256(unsigned long long r[static 4], const unsigned long long a[static 4], const struct modinv_modulus *m)
{
    struct signed62 f, g, d = { { 0 } }, e = { { 1 } };
    struct matrix t;
    int64_t zeta = -1;
    memcpy(f.v, m->m, sizeof f.v);
    g.v[0] = (int64_t)(a[0] & MASK62);
    g.v[1] = (int64_t)((a[0] >> 62 | a[1] << 2) & MASK62);
    g.v[2] = (int64_t)((a[1] >> 60 | a[2] << 4) & MASK62);
    g.v[3] = (int64_t)((a[2] >> 58 | a[3] << 6) & MASK62);
    g.v[4] = (int64_t)(a[3] >> 56);
    for (int i = 0; i < BATCHES; i++) {
        struct signed62 d0 = d, f0 = f;
        zeta = divsteps(&t, zeta, (uint64_t)f.v[0] | (uint64_t)f.v[1] << 62, (uint64_t)g.v[0] | (uint64_t)g.v[1] << 62);
        int64_t kd = multiple(&d, t.u, &e, t.v, m), ke = multiple(&d, t.q, &e, t.r, m);
        combine(&d, &d0, t.u, &e, t.v, m->m, kd);
        combine(&e, &d0, t.q, &e, t.r, m->m, ke);
        combine(&f, &f0, t.u, &g, t.v, m->m, 0);
        combine(&g, &f0, t.q, &g, t.r, m->m, 0);
    }
    /* f is 1 or -1, so f d is the inverse: from (-2m, m) into (-m, m), negated, into 0..m-1. */
    int64_t negative = (int64_t)mask_hide((uint64_t)(f.v[4] >> 63));
    add_if(&d, m->m, (int64_t)mask_hide((uint64_t)(d.v[4] >> 63)));
    for (int i = 0; i < 5; i++)
        d.v[i] = (d.v[i] ^ negative) - negative;
    carry_up(&d);
    add_if(&d, m->m, (int64_t)mask_hide((uint64_t)(d.v[4] >> 63)));
    carry_up(&d);
    r[0] = (uint64_t)d.v[0] | (uint64_t)d.v[1] << 62;
    r[1] = (uint64_t)d.v[1] >> 2 | (uint64_t)d.v[2] << 60;
    r[2] = (uint64_t)d.v[2] >> 4 | (uint64_t)d.v[3] << 58;
    r[3] = (uint64_t)d.v[3] >> 6 | (uint64_t)d.v[4] << 56;
    WIPE(f);
    WIPE(g);
    WIPE(d);
    WIPE(e);
    WIPE(t);
}

#endif
