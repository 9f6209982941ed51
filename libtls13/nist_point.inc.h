/*
 * The group of a curve y^2 = x^3 - 3 x + b over the field, in Jacobian coordinates, all in Montgomery form: for nist_p256.c and
 * nist_p384.c.  Formulas: D. J. Bernstein, T. Lange, Explicit-Formulas Database, short Weierstrass curves with a = -3.
 */

/* x = X / Z^2, y = Y / Z^3; Z = 0 is the point at infinity. */
struct point {
    num x, y, z;
};

static void fmul(num r, const num a, const num b)
{
    mul_mod(r, a, b, &field);
}

static void fadd(num r, const num a, const num b)
{
    add_mod(r, a, b, &field);
}

static void fsub(num r, const num a, const num b)
{
    sub_mod(r, a, b, &field);
}

/* r = 2 p (dbl-2001-b); infinity gives infinity.  r may be p. */
static void point_double(struct point *r, const struct point *p)
{
    num delta, gamma, beta, alpha, t, u;
    fmul(delta, p->z, p->z);
    fmul(gamma, p->y, p->y);
    fmul(beta, p->x, gamma);
    fsub(t, p->x, delta);
    fadd(u, p->x, delta);
    fmul(alpha, t, u);
    fadd(t, alpha, alpha);
    fadd(alpha, alpha, t); /* 3 (X - Z^2) (X + Z^2) */
    fadd(t, p->y, p->z);
    fmul(t, t, t);
    fsub(t, t, gamma);
    fsub(r->z, t, delta); /* 2 Y Z */
    fadd(beta, beta, beta);
    fadd(beta, beta, beta); /* 4 beta */
    fmul(t, alpha, alpha);
    fsub(t, t, beta);
    fsub(r->x, t, beta); /* alpha^2 - 8 beta */
    fmul(gamma, gamma, gamma);
    fadd(gamma, gamma, gamma);
    fadd(gamma, gamma, gamma);
    fadd(gamma, gamma, gamma);
    fsub(t, beta, r->x);
    fmul(t, alpha, t);
    fsub(r->y, t, gamma); /* alpha (4 beta - X3) - 8 gamma^2 */
}

/*
 * r = p + q, when p is neither q nor -q and neither is infinity; otherwise r is nonsense, which the caller selects away, with Z = 0
 * where p is q or -q.  r may be p.
 */
static void point_add(struct point *r, const struct point *p, const struct point *q)
{
    num z1z1, z2z2, u1, s1, h, d, hh, v, t;
    fmul(z1z1, p->z, p->z);
    fmul(z2z2, q->z, q->z);
    fmul(u1, p->x, z2z2);
    fmul(h, q->x, z1z1);
    fmul(s1, p->y, q->z);
    fmul(s1, s1, z2z2);
    fmul(d, q->y, p->z);
    fmul(d, d, z1z1);
    fsub(h, h, u1);
    fsub(d, d, s1);
    fmul(t, p->z, q->z);
    fmul(r->z, t, h);
    fmul(hh, h, h);
    fmul(v, u1, hh);
    fmul(h, h, hh);
    fmul(hh, s1, h);
    fmul(t, d, d);
    fsub(t, t, h);
    fsub(t, t, v);
    fsub(r->x, t, v); /* d^2 - h^3 - 2 u1 h^2 */
    fsub(v, v, r->x);
    fmul(v, v, d);
    fsub(r->y, v, hh); /* d (u1 h^2 - X3) - s1 h^3 */
}

/* Any two points; branches on the values. */
static void point_add_vartime(struct point *r, const struct point *p, const struct point *q)
{
    struct point sum;
    if (zero_mask(p->z)) {
        *r = *q;
        return;
    }
    if (zero_mask(q->z)) {
        *r = *p;
        return;
    }
    point_add(&sum, p, q);
    if (zero_mask(sum.z)) { /* one x: q is p or -p */
        num a, b;
        fmul(a, p->z, p->z);
        fmul(a, a, p->z);
        fmul(a, a, q->y);
        fmul(b, q->z, q->z);
        fmul(b, b, q->z);
        fmul(b, b, p->y);
        fsub(a, a, b);
        if (zero_mask(a))
            point_double(&sum, p);
    }
    *r = sum;
}

/* All ones when a point that is not at infinity is on the curve: Y^2 = X^3 - 3 X Z^4 + b Z^6; else 0. */
static uint64_t on_curve_mask(const struct point *p)
{
    num z2, z4, t, right, left;
    fmul(z2, p->z, p->z);
    fmul(z4, z2, z2);
    fmul(z2, z2, z4);
    fmul(z2, z2, curve_b);
    fmul(right, p->x, p->x);
    fadd(t, z4, z4);
    fadd(t, t, z4);
    fsub(right, right, t);
    fmul(right, right, p->x);
    fadd(right, right, z2);
    fmul(left, p->y, p->y);
    fsub(left, left, right);
    return zero_mask(left);
}

/* => false when a coordinate is not below p or the point is not on the curve. */
static bool point_load(struct point *r, const uint8_t *xy)
{
    num_load(r->x, xy);
    num_load(r->y, xy + BYTES);
    uint64_t below = below_mask(r->x, field.v) & below_mask(r->y, field.v);
    fmul(r->x, r->x, field.r2);
    fmul(r->y, r->y, field.r2);
    num_copy(r->z, one);
    return (below & on_curve_mask(r)) != 0;
}

/* x of a point that is not at infinity, and y unless it is NULL. */
static void point_affine(num x, num y, const struct point *p)
{
    static const num unit = { 1 };
    num inverse, square;
    invert_mod(inverse, p->z, &field);
    fmul(square, inverse, inverse);
    fmul(x, p->x, square);
    fmul(x, x, unit);
    if (y != NULL) {
        fmul(square, square, inverse);
        fmul(y, p->y, square);
        fmul(y, y, unit);
    }
    WIPE(inverse);
    WIPE(square);
}

/* --- multiples ---------------------------------------------------------------------------------------------- */

#define WINDOW_BITS 5
#define WINDOWS     ((64 * LIMBS + WINDOW_BITS) / WINDOW_BITS)
#define ENTRIES     (1 << (WINDOW_BITS - 1))

/*
 * Digit w of k in signed digits: the bits of the window and the highest one of the window below give a digit of -16..16.  => its
 * magnitude; *negative is all ones or 0.  k has a further limb of 0.
 */
static inline uint64_t signed_digit(const uint64_t k[LIMBS + 1], int w, uint64_t *negative)
{
    int at = WINDOW_BITS * w - 1;
    uint64_t v = at < 0 ? k[0] << 1 : k[at >> 6] >> (at & 63);
    if (at >= 0 && (at & 63) != 0)
        v |= k[(at >> 6) + 1] << (64 - (at & 63));
    v &= ((uint64_t)2 << WINDOW_BITS) - 1;
    uint64_t sign = mask_hide(0 - (v >> WINDOW_BITS)), d = (v + 1) >> 1;
    *negative = sign;
    return (d ^ sign) - sign + (sign & ((uint64_t)1 << WINDOW_BITS));
}

/* r = entries[d - 1], every entry read; zeros for d = 0. */
static inline void pick(struct point *r, const struct point *entries, uint64_t d)
{
    memset(r, 0, sizeof *r);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        uint64_t mask = ~mask_nonzero((i + 1) ^ d);
        for (int j = 0; j < LIMBS; j++) {
            r->x[j] |= entries[i].x[j] & mask;
            r->y[j] |= entries[i].y[j] & mask;
            r->z[j] |= entries[i].z[j] & mask;
        }
    }
}

/* entries[i] = (i + 1) p. */
static void small_multiples(struct point entries[ENTRIES], const struct point *p)
{
    entries[0] = *p;
    for (int i = 1; i < ENTRIES; i++) {
        if (i & 1)
            point_double(&entries[i], &entries[i / 2]);
        else
            point_add(&entries[i], &entries[i - 1], p);
    }
}

/*
 * r = k p for 0 <= k < n, in constant time.  The sum so far, a p with 32 a + d the next prefix of k, never meets d p or -d p, unless
 * a = 0 (selected away): 32 a >= 32 > |d| <= 16, and 32 a is at most k + 16 < n + 16, so that it could only be n + d or n - d.  n is
 * 17 modulo 32 on P-256 and 19 on P-384, so that 32 a = n + e with e = 15 or 13; then k = n + e + d is below n only for d < -e, and
 * e p is not a multiple d p or -d p.
 */
static void point_mul(struct point *r, const struct point *p, const num k)
{
    uint64_t bits[LIMBS + 1], negative, infinity = ~(uint64_t)0;
    struct point entries[ENTRIES], q, sum;
    num minus;
    static const num zero;
    num_copy(bits, k);
    bits[LIMBS] = 0;
    small_multiples(entries, p);
    memset(r, 0, sizeof *r);
    for (int w = WINDOWS - 1; w >= 0; w--) {
        for (int i = 0; i < WINDOW_BITS && w != WINDOWS - 1; i++)
            point_double(r, r);
        uint64_t d = signed_digit(bits, w, &negative), nonzero = mask_nonzero(d);
        pick(&q, entries, d);
        fsub(minus, zero, q.y);
        move_if(q.y, minus, negative);
        point_add(&sum, r, &q);
        move_if(sum.x, q.x, infinity);
        move_if(sum.y, q.y, infinity);
        move_if(sum.z, q.z, infinity);
        move_if(r->x, sum.x, nonzero);
        move_if(r->y, sum.y, nonzero);
        move_if(r->z, sum.z, nonzero);
        infinity &= ~nonzero;
    }
    WIPE(bits);
    WIPE(entries);
    WIPE(q);
    WIPE(sum);
}

static const struct point *generator(struct point *g)
{
    num_copy(g->x, generator_x);
    num_copy(g->y, generator_y);
    num_copy(g->z, one);
    return g;
}

static void point_mul_base(struct point *r, const num k)
{
    struct point g;
    point_mul(r, generator(&g), k);
}

/* r += d p, where entries has p's small multiples, for a signed digit. */
static void add_digit_vartime(struct point *r, const struct point *entries, uint64_t d, uint64_t negative)
{
    static const num zero;
    struct point q;
    if (d == 0)
        return;
    q = entries[d - 1];
    if (negative)
        fsub(q.y, zero, q.y);
    point_add_vartime(r, r, &q);
}

/* r = k G + m p, with one set of doublings; branches on the scalars.  r may be p. */
static void point_mul_two_vartime(struct point *r, const num k, const struct point *p, const num m)
{
    uint64_t of_g[LIMBS + 1], of_p[LIMBS + 1], negative;
    struct point g, multiple[2][ENTRIES];
    num_copy(of_g, k);
    num_copy(of_p, m);
    of_g[LIMBS] = of_p[LIMBS] = 0;
    small_multiples(multiple[0], generator(&g));
    small_multiples(multiple[1], p);
    memset(r, 0, sizeof *r);
    for (int w = WINDOWS - 1; w >= 0; w--) {
        for (int i = 0; i < WINDOW_BITS; i++)
            point_double(r, r);
        uint64_t d = signed_digit(of_g, w, &negative);
        add_digit_vartime(r, multiple[0], d, negative);
        d = signed_digit(of_p, w, &negative);
        add_digit_vartime(r, multiple[1], d, negative);
    }
}

void NIST(mulgen)(uint8_t *xy, const uint8_t *k)
{
    struct point r;
    num scalar, x, y;
    num_load(scalar, k);
    point_mul_base(&r, scalar);
    point_affine(x, y, &r);
    num_store(xy, x);
    num_store(xy + BYTES, y);
    WIPE(r); /* the Z coordinate tells of the scalar */
    WIPE(scalar);
}

bool NIST(mul)(uint8_t *x, const uint8_t *xy, const uint8_t *k)
{
    struct point p;
    num scalar, affine;
    if (!point_load(&p, xy)) { /* the point is public */
        memset(x, 0, BYTES);
        return false;
    }
    num_load(scalar, k);
    point_mul(&p, &p, scalar);
    point_affine(affine, NULL, &p);
    num_store(x, affine);
    WIPE(p);
    WIPE(scalar);
    WIPE(affine);
    return true;
}
