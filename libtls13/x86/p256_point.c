/* P-256's group law.  Formulas: D. J. Bernstein, T. Lange, Explicit-Formulas Database, short Weierstrass curves with a = -3. */
#if defined(__x86_64__)

#include "x86/p256_point.h"

static const fe curve_b = { 0xd89cdf6229c4bddf, 0xacf005cd78843090, 0xe5a220abf7212ed6, 0xdc30061d04874834 }; /* b R mod p */

/* dbl-2001-b */
void p256_double(struct p256_jacobian *r, const struct p256_jacobian *p)
{
    fe delta, gamma, beta, alpha, t, u;
    fe_sqr(delta, p->z);
    fe_sqr(gamma, p->y);
    fe_mul(beta, p->x, gamma);
    fe_sub(t, p->x, delta);
    fe_add(u, p->x, delta);
    fe_mul(alpha, t, u);
    fe_add(t, alpha, alpha);
    fe_add(alpha, alpha, t); /* 3 (X - Z^2) (X + Z^2) */
    fe_add(t, p->y, p->z);
    fe_sqr(t, t);
    fe_sub(t, t, gamma);
    fe_sub(r->z, t, delta); /* 2 Y Z */
    fe_add(beta, beta, beta);
    fe_add(beta, beta, beta); /* 4 beta */
    fe_sqr(t, alpha);
    fe_sub(t, t, beta);
    fe_sub(r->x, t, beta); /* alpha^2 - 8 beta */
    fe_sqr(gamma, gamma);
    fe_add(gamma, gamma, gamma);
    fe_add(gamma, gamma, gamma);
    fe_add(gamma, gamma, gamma);
    fe_sub(t, beta, r->x);
    fe_mul(t, alpha, t);
    fe_sub(r->y, t, gamma); /* alpha (4 beta - X3) - 8 gamma^2 */
}

/* Before a statement: for each of n additions side by side, so that the CPU fills the waits of one with the other. */
#define EACH for (int i = 0; i < n; i++)

/* The second half of an addition: u1, s1 belong to the first point, h = u2 - u1, d = s2 - s1; r->z is done by the caller. */
INLINE void finish_add(struct p256_jacobian *r, const limb *const *u1, const limb *const *s1, fe *h, fe *d, const int n)
{
    fe hh[2], v[2], t[2];
    EACH fe_sqr(hh[i], h[i]);
    EACH fe_mul(v[i], u1[i], hh[i]);
    EACH fe_mul(h[i], h[i], hh[i]);
    EACH fe_mul(hh[i], s1[i], h[i]);
    EACH fe_sqr(t[i], d[i]);
    EACH fe_sub(t[i], t[i], h[i]);
    EACH fe_sub(t[i], t[i], v[i]);
    EACH fe_sub(t[i], t[i], v[i]);
    EACH fe_sub(v[i], v[i], t[i]);
    EACH fe_copy(r[i].x, t[i]); /* d^2 - h^3 - 2 u1 h^2 */
    EACH fe_mul(v[i], v[i], d[i]);
    EACH fe_sub(r[i].y, v[i], hh[i]); /* d (u1 h^2 - X3) - s1 h^3 */
}

void p256_add(struct p256_jacobian *r, const struct p256_jacobian *p, const struct p256_jacobian *q)
{
    fe z1z1, z2z2, u1, s1, h, d;
    const limb *const first_x = u1, *const first_y = s1;
    fe_sqr(z1z1, p->z);
    fe_sqr(z2z2, q->z);
    fe_mul(u1, p->x, z2z2);
    fe_mul(h, q->x, z1z1);
    fe_mul(s1, p->y, q->z);
    fe_mul(s1, s1, z2z2);
    fe_mul(d, q->y, p->z);
    fe_mul(d, d, z1z1);
    fe_sub(h, h, u1);
    fe_sub(d, d, s1);
    fe_mul(r->z, p->z, q->z);
    fe_mul(r->z, r->z, h);
    finish_add(r, &first_x, &first_y, &h, &d, 1);
}

INLINE void add_affine(struct p256_jacobian *r, const struct p256_jacobian *p, const struct p256_affine *q, const int n)
{
    fe zz[2], h[2], d[2];
    const limb *x[2], *y[2];
    EACH fe_sqr(zz[i], p[i].z);
    EACH fe_mul(h[i], q[i].x, zz[i]);
    EACH fe_mul(d[i], p[i].z, zz[i]);
    EACH fe_mul(d[i], d[i], q[i].y);
    EACH fe_sub(h[i], h[i], p[i].x);
    EACH fe_sub(d[i], d[i], p[i].y);
    EACH fe_mul(r[i].z, p[i].z, h[i]);
    EACH x[i] = p[i].x;
    EACH y[i] = p[i].y;
    finish_add(r, x, y, h, d, n);
}

void p256_add_affine(struct p256_jacobian *r, const struct p256_jacobian *p, const struct p256_affine *q)
{
    add_affine(r, p, q, 1);
}

void p256_add_affine_pair(struct p256_jacobian r[static 2], const struct p256_jacobian p[static 2], const struct p256_affine q[static 2])
{
    add_affine(r, p, q, 2);
}

void p256_add_affine_vartime(struct p256_jacobian *p, const struct p256_affine *q)
{
    struct p256_jacobian sum;
    if (fe_zero_mask(p->z)) {
        fe_copy(p->x, q->x);
        fe_copy(p->y, q->y);
        fe_copy(p->z, fe_one);
        return;
    }
    p256_add_affine(&sum, p, q);
    if (!fe_zero_mask(sum.z)) {
        *p = sum;
        return;
    }
    /* Z3 = Z1 h is zero when the two have one x: then q is p or -p. */
    fe y;
    fe_sqr(y, p->z);
    fe_mul(y, y, p->z);
    fe_mul(y, y, q->y);
    fe_sub(y, y, p->y);
    if (fe_zero_mask(y))
        p256_double(p, p);
    else
        *p = (struct p256_jacobian){ .z = { 0 } };
}

void p256_to_affine(struct p256_affine *r, const struct p256_jacobian *p, size_t n, fe *scratch)
{
    fe all, inverse, square;
    fe_copy(all, fe_one);
    for (size_t i = 0; i < n; i++) {
        fe_copy(scratch[i], all); /* the product of the z before this one */
        fe_mul(all, all, p[i].z);
    }
    fe_invert(all, all);
    for (size_t i = n; i-- > 0;) {
        fe_mul(inverse, all, scratch[i]);
        fe_mul(all, all, p[i].z);
        fe_sqr(square, inverse);
        fe_mul(r[i].x, p[i].x, square);
        fe_mul(square, square, inverse);
        fe_mul(r[i].y, p[i].y, square);
    }
}

limb p256_on_curve_mask(const struct p256_jacobian *p)
{
    fe z2, z4, t, right, left;
    fe_sqr(z2, p->z);
    fe_sqr(z4, z2);
    fe_mul(z2, z2, z4);
    fe_mul(z2, z2, curve_b);
    fe_sqr(right, p->x);
    fe_add(t, z4, z4);
    fe_add(t, t, z4);
    fe_sub(right, right, t);
    fe_mul(right, right, p->x);
    fe_add(right, right, z2);
    fe_sqr(left, p->y);
    fe_sub(left, left, right);
    return fe_zero_mask(left);
}

bool p256_load_point(struct p256_affine *r, const uint8_t xy[static 64])
{
    struct p256_jacobian p;
    fe_load(r->x, xy);
    fe_load(r->y, xy + 32);
    limb below = fe_below_mask(r->x, field_p) & fe_below_mask(r->y, field_p);
    fe_to_montgomery(r->x, r->x);
    fe_to_montgomery(r->y, r->y);
    fe_copy(p.x, r->x);
    fe_copy(p.y, r->y);
    fe_copy(p.z, fe_one);
    return (below & p256_on_curve_mask(&p)) != 0;
}

#endif
