/* ECDSA: FIPS 186-5 6.4 with the nonces of RFC 6979 3.2; SEC 1 4.1.4 for verification.  For nist_p256.c and nist_p384.c. */
#include "kdf.h"

static uint64_t in_order_mask(const num a)
{
    return below_mask(a, order.v) & ~zero_mask(a);
}

/* The hash, as long as the order, as a number modulo it. */
static void load_hash(num z, const uint8_t *hash)
{
    num_load(z, hash);
    reduce_once(z, z, 0, order.v);
}

/* 1 / a modulo the order, so that mul_mod with it divides by a. */
static void order_invert(num r, const num a)
{
    num t;
    mul_mod(t, a, order.r2, &order);
    invert_mod(r, t, &order);
    WIPE(t);
}

/*
 * All ones when the x of a point, not at infinity, is r modulo n, else 0.  n < p < 2 n, so x is r, or r + n where that is below p;
 * compared without inverting Z.
 */
static uint64_t x_matches_mask(const struct point *p, const num r)
{
    num zz, t, n, gap;
    fmul(zz, p->z, p->z);
    fmul(t, r, field.r2);
    fmul(t, t, zz);
    fsub(t, p->x, t); /* (x - r) Z^2 */
    fmul(n, order.v, field.r2);
    fmul(n, n, zz);
    fsub(n, t, n); /* (x - r - n) Z^2 */
    (void)num_sub(gap, field.v, order.v);
    return zero_mask(t) | (zero_mask(n) & below_mask(r, gap));
}

/* --- sign --------------------------------------------------------------------------------------------------- */

/* RFC 6979 3.2, d to g: K = HMAC(K, V || round || d || hash modulo n), V = HMAC(K, V). */
static void seed_round(uint8_t K[BYTES], uint8_t V[BYTES], uint8_t round, const uint8_t seed[2 * BYTES])
{
    uint8_t message[BYTES + 1 + 2 * BYTES];
    memcpy(message, V, BYTES);
    message[BYTES] = round;
    memcpy(message + BYTES + 1, seed, 2 * (size_t)BYTES);
    hmac(HASH, K, BYTES, message, sizeof message, NULL, 0, K);
    hmac(HASH, K, BYTES, V, BYTES, NULL, 0, V);
    WIPE(message);
}

/* RFC 6979 3.2, h: the hash is as long as the order; what is out of range is passed over. */
static void rfc6979_nonce(uint8_t k[BYTES], const uint8_t *d, const num z)
{
    uint8_t K[BYTES] = { 0 }, V[BYTES + 1], seed[2 * BYTES];
    num candidate;
    memcpy(seed, d, BYTES);
    num_store(seed + BYTES, z);
    memset(V, 1, BYTES);
    V[BYTES] = 0;
    seed_round(K, V, 0, seed);
    seed_round(K, V, 1, seed);
    for (;;) {
        hmac(HASH, K, BYTES, V, BYTES, NULL, 0, V);
        num_load(candidate, V);
        if (in_order_mask(candidate))
            break; /* tells of a number that is thrown away, once in 2^32 on P-256 */
        hmac(HASH, K, BYTES, V, BYTES + 1, NULL, 0, K);
        hmac(HASH, K, BYTES, V, BYTES, NULL, 0, V);
    }
    memcpy(k, V, BYTES);
    WIPE(K);
    WIPE(V);
    WIPE(seed);
    WIPE(candidate);
}

/* r = x of k G modulo n; s = (z + r d) / k. */
static void sign_with(num r, num s, const num d, const num z, const num k)
{
    struct point p;
    num x, t;
    point_mul_base(&p, k);
    point_affine(x, NULL, &p);
    reduce_once(r, x, 0, order.v);
    mul_plain(s, r, d, &order);
    add_mod(s, s, z, &order);
    order_invert(t, k);
    mul_mod(s, s, t, &order);
    WIPE(p);
    WIPE(t);
}

/* All ones when ECDSA's equation holds: s k = z + r d, and r is the x of (n - k) G (x86/p256_ecdsa.c).  Constant-time. */
static uint64_t check_own_mask(const num r, const num s, const num d, const num z, const num k)
{
    struct point p;
    num left, right, minus_k;
    mul_plain(left, s, k, &order);
    mul_plain(right, r, d, &order);
    add_mod(right, right, z, &order);
    for (int i = 0; i < LIMBS; i++)
        left[i] ^= right[i];
    (void)num_sub(minus_k, order.v, k);
    point_mul_base(&p, minus_k);
    uint64_t ok = zero_mask(left) & in_order_mask(r) & in_order_mask(s) & in_order_mask(k) & ~zero_mask(p.z) & on_curve_mask(&p) &
                  x_matches_mask(&p, r);
    WIPE(p);
    WIPE(left);
    WIPE(right);
    WIPE(minus_k);
    return ok;
}

bool NIST(sign_nonce)(uint8_t *rs, const uint8_t *d, const uint8_t *hash, const uint8_t *k)
{
    num secret, z, nonce, r, s;
    num_load(secret, d);
    num_load(nonce, k);
    load_hash(z, hash);
    uint64_t in_range = in_order_mask(secret);
    sign_with(r, s, secret, z, nonce);
    num_store(rs, r);
    num_store(rs + BYTES, s);
    num_load(secret, d); /* all anew */
    num_load(nonce, k);
    load_hash(z, hash);
    num_load(r, rs);
    num_load(s, rs + BYTES);
    uint64_t ok = in_range & check_own_mask(r, s, secret, z, nonce);
    for (int i = 0; i < 2 * BYTES; i++)
        rs[i] &= (uint8_t)ok;
    WIPE(secret);
    WIPE(nonce);
    return ok != 0;
}

#define PAIRS 8

/* Is xy = d G?  What a multiplication told is remembered as the hash of both numbers (x86/p256_ecdsa.c). */
static bool is_pair(const uint8_t *d, const uint8_t *xy)
{
    static __thread uint8_t known[PAIRS][32];
    uint8_t both[3 * BYTES], hash[32], want[2 * BYTES];
    memcpy(both, d, BYTES);
    memcpy(both + BYTES, xy, 2 * (size_t)BYTES);
    (void)hash_once(HASH_SHA256, both, sizeof both, hash);
    WIPE(both);
    uint8_t *place = known[xy[2 * BYTES - 1] % PAIRS];
    if (ct_equal(place, hash, 32))
        return true;
    NIST(mulgen)(want, d);
    if (!ct_equal(want, xy, sizeof want))
        return false;
    memcpy(place, hash, 32);
    return true;
}

bool NIST(sign)(uint8_t *rs, const uint8_t *d, const uint8_t *xy, const uint8_t *hash)
{
    uint8_t k[BYTES];
    num z;
    load_hash(z, hash);
    rfc6979_nonce(k, d, z);
    bool ok = NIST(sign_nonce)(rs, d, hash, k) && is_pair(d, xy);
    WIPE(k);
    if (!ok)
        explicit_bzero(rs, 2 * (size_t)BYTES);
    return ok;
}

/* --- verify ------------------------------------------------------------------------------------------------- */

bool NIST(verify)(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs)
{
    struct point q, sum;
    num r, s, z, w;
    num_load(r, rs);
    num_load(s, rs + BYTES);
    if (!in_order_mask(r) || !in_order_mask(s) || !point_load(&q, xy))
        return false;
    load_hash(z, hash);
    order_invert(w, s);
    mul_mod(z, z, w, &order);
    mul_mod(w, r, w, &order);
    point_mul_two_vartime(&sum, z, &q, w);
    return !zero_mask(sum.z) && x_matches_mask(&sum, r) != 0;
}
