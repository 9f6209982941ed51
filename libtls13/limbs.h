/*
 * What the big-number code shares: the wide product type, masks that stay masks, and bounds of limbs.
 *
 * Every accelerated primitive writes down how large its limbs may become.  Under -DLIMB_CHECKS those bounds are asserted.
 */
#ifndef TLS13_LIMBS_H
#define TLS13_LIMBS_H

#include <stdint.h>

#ifdef __SIZEOF_INT128__
typedef unsigned __int128 u128;
typedef __int128 i128;
#endif

/*
 * Hides a mask from the optimiser.  gcc 12 turned a select on a secret into a branch where it could see that the mask is
 * all zeros or all ones; behind an empty asm it cannot see that.
 */
static inline uint64_t mask_hide(uint64_t mask)
{
    __asm__("" : "+r"(mask));
    return mask;
}

/* All ones when x is not zero, else 0. */
static inline uint64_t mask_nonzero(uint64_t x)
{
    return mask_hide(0 - ((x | (0 - x)) >> 63));
}

/* b where the mask is all ones, a where it is 0. */
static inline uint64_t mask_select(uint64_t mask, uint64_t a, uint64_t b)
{
    return a ^ ((a ^ b) & mask);
}

#ifdef LIMB_CHECKS
#include <assert.h>
#define LIMB_BELOW(x, bits) assert((uint64_t)(x) >> (bits) == 0)
#else
#define LIMB_BELOW(x, bits) ((void)0)
#endif

#endif
