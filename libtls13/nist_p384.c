/* P-384 in portable C: the constants (SEC 2, 2.5.1); the rest is nist.inc.h. */
#include "nist.h"

#ifdef HAVE_NIST64

#define LIMBS      6
#define HASH       HASH_SHA384
#define NIST(name) nist64_p384_##name

#include "nist_field.inc.h"

static const struct modulus field = {
    { 0x00000000ffffffff, 0xffffffff00000000, 0xfffffffffffffffe, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff },
    { 0xfffffffe00000001, 0x0000000200000000, 0xfffffffe00000000, 0x0000000200000000, 0x0000000000000001, 0x0000000000000000 },
    0x0000000100000001,
};
static const struct modulus order = {
    { 0xecec196accc52973, 0x581a0db248b0a77a, 0xc7634d81f4372ddf, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff },
    { 0x2d319b2419b409a9, 0xff3d81e5df1aa419, 0xbc3e483afcb82947, 0xd40d49174aab1cc5, 0x3fb05b7a28266895, 0x0c84ee012b39bf21 },
    0x6ed46089e88fdc45,
};
/* In Montgomery form: 1, b, and the generator. */
static const num one = { 0xffffffff00000001, 0x00000000ffffffff, 0x0000000000000001,
                         0x0000000000000000, 0x0000000000000000, 0x0000000000000000 };
static const num curve_b = { 0x081188719d412dcc, 0xf729add87a4c32ec, 0x77f2209b1920022e,
                             0xe3374bee94938ae2, 0xb62b21f41f022094, 0xcd08114b604fbff9 };
static const num generator_x = { 0x3dd0756649c0b528, 0x20e378e2a0d6ce38, 0x879c3afc541b4d6e,
                                 0x6454868459a30eff, 0x812ff723614ede2b, 0x4d3aadc2299e1513 };
static const num generator_y = { 0x23043dad4b03a4fe, 0xa1bfa8bf7bb4a9ac, 0x8bade7562e83b050,
                                 0xc6c3521968f4ffd9, 0xdd8002263969a840, 0x2b78abc25a15c5e9 };

#include "nist_point.inc.h"

#include "nist_ecdsa.inc.h"

#endif
