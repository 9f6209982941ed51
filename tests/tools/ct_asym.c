/* Constant time of what valgrind's CPU can run: see ct_asym.h. */
#include "ct_asym.h"

#include "cpu.h"
#include "curve.h"
#include "nist.h"
#include "x25519.h"
#include "x86/p256.h"

#ifdef HAVE_X25519_SCALAR
static void ct_x25519(void)
{
    uint8_t k[32], u[32], out[32], want[32], copy[32];
    size_t last = 0;
    while (x25519_impl_at(last + 1) != NULL)
        last++;
    ct_fill(k, 32, 37);
    ct_fill(u, 32, 91);
    memcpy(copy, k, 32);
    x25519_impl_at(last)->mul(&want, (const void *)copy, (const void *)u, 1);
    SECRET(k, 32);
    SECRET(u, 32);
    x25519_scalar(out, k, u);
    PUBLIC(out, 32);
    ct_done("x25519", memcmp(out, want, 32) == 0);
}
#endif

#ifdef __x86_64__
static void ct_p256(void)
{
    uint8_t d[32], k[32], hash[32], xy[64], x[32], rs[64], point[65], d_public[32], k_public[32];
    ct_fill(d, 32, 37);
    ct_fill(k, 32, 91);
    ct_fill(hash, 32, 13);
    memcpy(d_public, d, 32);
    memcpy(k_public, k, 32);
    p256_init();
    SECRET(d, 32);
    SECRET(k, 32);
    p256_mulgen(xy, d);
    PUBLIC(xy, 64);
    (void)br_ec_p256_m31.mulgen(point, d_public, 32, BR_EC_secp256r1);
    ct_done("P-256 key", memcmp(xy, point + 1, 64) == 0);
    bool on_curve = p256_mul(x, xy, k);
    PUBLIC(&on_curve, sizeof on_curve);
    PUBLIC(x, 32);
    (void)br_ec_p256_m31.mul(point, 65, k_public, 32, BR_EC_secp256r1);
    ct_done("P-256 ECDH", on_curve && memcmp(x, point + 1, 32) == 0);
    bool ok = p256_ecdsa_sign_nonce(rs, d, hash, k);
    PUBLIC(&ok, sizeof ok);
    PUBLIC(rs, 64);
    ct_done("ECDSA P-256", ok && p256_ecdsa_verify(xy, hash, rs));
}
#endif

#ifdef HAVE_NIST64
static void ct_p384(void)
{
    uint8_t d[48], k[48], hash[48], xy[96], x[48], rs[96], point[97], copy[48];
    ct_fill(d, 48, 37);
    ct_fill(k, 48, 91);
    ct_fill(hash, 48, 13);
    memcpy(copy, d, 48);
    SECRET(d, 48);
    SECRET(k, 48);
    nist64_p384_mulgen(xy, d);
    PUBLIC(xy, 96);
    (void)br_ec_prime_i31.mulgen(point, copy, 48, BR_EC_secp384r1);
    ct_done("P-384 key", memcmp(xy, point + 1, 96) == 0);
    bool on_curve = nist64_p384_mul(x, xy, k);
    PUBLIC(&on_curve, sizeof on_curve);
    PUBLIC(x, 48);
    bool ok = nist64_p384_sign_nonce(rs, d, hash, k);
    PUBLIC(&ok, sizeof ok);
    PUBLIC(rs, 96);
    ct_done("ECDSA P-384", on_curve && ok && nist64_p384_verify(xy, hash, rs));
}
#endif

int main(int argc, char **argv)
{
#ifdef HAVE_X25519_SCALAR
    ct_x25519();
#endif
#ifdef __x86_64__
    if (cpu_has(P256_NEEDS))
        ct_p256();
#endif
#ifdef HAVE_NIST64
    ct_p384();
#endif
    return ct_end(argc, argv);
}
