/* Points of P-256 in Jacobian and affine coordinates, all in Montgomery form; constant-time but where a name says vartime. */
#ifndef TLS13_X86_P256_POINT_H
#define TLS13_X86_P256_POINT_H

#include <stdbool.h>

#include "x86/p256_field.h"

struct p256_affine {
    fe x, y;
};

/* x = X / Z^2, y = Y / Z^3; Z = 0 is the point at infinity. */
struct p256_jacobian {
    fe x, y, z;
};

/* r = 2 p; infinity gives infinity.  r may be p. */
void p256_double(struct p256_jacobian *r, const struct p256_jacobian *p);

/* r = p + q, when p is neither q nor -q and neither is infinity; otherwise r is nonsense, which the caller selects away.  r may be p. */
void p256_add(struct p256_jacobian *r, const struct p256_jacobian *p, const struct p256_jacobian *q);
void p256_add_affine(struct p256_jacobian *r, const struct p256_jacobian *p, const struct p256_affine *q);
/* Two such additions, in less time than one after the other. */
void p256_add_affine_pair(struct p256_jacobian r[static 2], const struct p256_jacobian p[static 2], const struct p256_affine q[static 2]);

/* p += q for any p; branches on the values. */
void p256_add_affine_vartime(struct p256_jacobian *p, const struct p256_affine *q);

/* Affine coordinates of n points, none at infinity, for the price of one inversion.  scratch: n elements. */
void p256_to_affine(struct p256_affine *r, const struct p256_jacobian *p, size_t n, fe *scratch);

/* Loads x and y, big-endian; => false when a coordinate is not below p or the point is not on the curve. */
bool p256_load_point(struct p256_affine *r, const uint8_t xy[static 64]);

/* All ones when a point that is not at infinity is on the curve: Y^2 = X^3 - 3 X Z^4 + b Z^6; else 0. */
limb p256_on_curve_mask(const struct p256_jacobian *p);

#endif
