/* P-256 in portable C: the constants (SEC 2, 2.4.2); the rest is nist.inc.h. */
#include "nist.h"

#ifdef HAVE_NIST64

#define LIMBS      4
#define HASH       HASH_SHA256
#define NIST(name) nist64_p256_##name

#include "nist_field.inc.h"

static const struct modulus field = {
    { 0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001 },
    { 0x0000000000000003, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x00000004fffffffd },
    0x0000000000000001,
};
static const struct modulus order = {
    { 0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000 },
    { 0x83244c95be79eea2, 0x4699799c49bd6fa6, 0x2845b2392b6bec59, 0x66e12d94f3d95620 },
    0xccd1c8aaee00bc4f,
};
/* In Montgomery form: 1, b, and the generator. */
static const num one = { 0x0000000000000001, 0xffffffff00000000, 0xffffffffffffffff, 0x00000000fffffffe };
static const num curve_b = { 0xd89cdf6229c4bddf, 0xacf005cd78843090, 0xe5a220abf7212ed6, 0xdc30061d04874834 };
static const num generator_x = { 0x79e730d418a9143c, 0x75ba95fc5fedb601, 0x79fb732b77622510, 0x18905f76a53755c6 };
static const num generator_y = { 0xddf25357ce95560a, 0x8b4ab8e4ba19e45c, 0xd2e88688dd21f325, 0x8571ff1825885d85 };

#include "nist_point.inc.h"

#include "nist_ecdsa.inc.h"

#endif
