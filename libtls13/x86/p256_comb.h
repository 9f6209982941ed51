/* Multiples of P-256's generator out of a table, for p256.c and p256_ecdsa.c. */
#ifndef TLS13_X86_P256_COMB_H
#define TLS13_X86_P256_COMB_H

#include "x86/p256_point.h"

#define COMB_BITS    6
#define COMB_WINDOWS ((256 + COMB_BITS) / COMB_BITS)
#define COMB_ENTRIES (1 << (COMB_BITS - 1))

/* comb[w][i] = (i + 1) 2^(6 w) G.  Filled by p256_init. */
extern struct p256_affine p256_comb[COMB_WINDOWS][COMB_ENTRIES];

/* r = k G in constant time, for 0 < k < n; for k = 0 infinity. */
void p256_mul_base(struct p256_jacobian *r, const fe k);
/* Two multiples, in less time than one after the other. */
void p256_mul_base_pair(struct p256_jacobian r[static 2], const fe k[static 2]);

/*
 * Digit w of k in signed digits of `bits` bits: the bits of the window and the highest one of the window below give a digit of
 * -2^(bits-1)..2^(bits-1).  => its magnitude; *negative is all ones or 0.  k has a fifth limb of 0.
 */
INLINE limb signed_digit(const limb k[5], int w, int bits, limb *negative)
{
    int at = bits * w - 1;
    limb v = at < 0 ? k[0] << 1 : k[at >> 6] >> (at & 63);
    if (at >= 0 && (at & 63) != 0)
        v |= k[(at >> 6) + 1] << (64 - (at & 63));
    v &= ((limb)2 << bits) - 1;
    limb sign = mask_hide(0 - (v >> bits)), d = (v + 1) >> 1;
    *negative = sign;
    return (d ^ sign) - sign + (sign & ((limb)1 << bits));
}

#endif
