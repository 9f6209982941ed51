/* ECDSA on P-256: FIPS 186-5 6.4 with the nonces of RFC 6979 3.2; SEC 1 4.1.4 for verification. */
#if defined(__x86_64__)

#include "x86/p256.h"

#include "bytes.h"
#include "kdf.h"
#include "x86/p256_comb.h"

/* --- modulo the order n ------------------------------------------------------------------------------------- */

/* r = a b / 2^256 modulo n. */
static void order_mul(fe r, const fe a, const fe b)
{
    const limb minus_inverse = 0xccd1c8aaee00bc4f; /* -1/n modulo 2^64 */
    limb t[6] = { 0 };
    UNROLL
    for (int i = 0; i < 4; i++) {
        mul_row(t, a, b[i]);
        limb m = t[0] * minus_inverse, high, low, carry = 0;
        UNROLL
        for (int j = 0; j < 4; j++) {
            low = _mulx_u64(order_n[j], m, &high);
            high += _addcarry_u64(0, low, carry, &low);
            high += _addcarry_u64(0, t[j], low, &t[j]);
            carry = high;
        }
        unsigned char c = _addcarry_u64(0, t[4], carry, &t[4]);
        (void)_addcarry_u64(c, t[5], 0, &t[5]);
        for (int j = 0; j < 5; j++)
            t[j] = t[j + 1];
    }
    reduce_once(r, t, t[4], order_n);
}

/* 2^256 / a modulo n, so that order_mul with it divides by a. */
static void order_invert(fe r, const fe a)
{
    static const struct modinv_modulus n = {
        { 0x33b9cac2fc632551, 0x339beab69c5e7a13, 0x3ffffffffffffffb, 0x3fffffc00000003f, 0x00000000000000ff }, 0x332e375511ff43b1
    };
    modinv256(r, a, &n);
    order_mul(r, r, order_r2);
}

/* r = a b modulo n. */
static void order_mul_plain(fe r, const fe a, const fe b)
{
    fe t;
    order_mul(t, a, order_r2);
    order_mul(r, t, b);
    WIPE(t);
}

static limb in_order_mask(const fe a)
{
    return fe_below_mask(a, order_n) & ~fe_zero_mask(a);
}

/* The hash as a number modulo n (it is below 2 n). */
static void load_hash(fe z, const uint8_t hash[static 32])
{
    fe_load(z, hash);
    reduce_once(z, z, 0, order_n);
}

/*
 * All ones when the x of a point, not at infinity, is r modulo n, else 0.  x < p < 2 n, so x is r, or r + n where that is below p;
 * compared without inverting Z.
 */
static limb x_matches_mask(const struct p256_jacobian *p, const fe r)
{
    static const fe p_minus_n = { 0x0c46353d039cdaae, 0x4319055358e8617b, 0, 0 };
    fe zz, t, n;
    fe_sqr(zz, p->z);
    fe_to_montgomery(t, r);
    fe_mul(t, t, zz);
    fe_sub(t, p->x, t); /* (x - r) Z^2 */
    fe_to_montgomery(n, order_n);
    fe_mul(n, n, zz);
    fe_sub(n, t, n); /* (x - r - n) Z^2 */
    return fe_zero_mask(t) | (fe_zero_mask(n) & fe_below_mask(r, p_minus_n));
}

/* --- sign --------------------------------------------------------------------------------------------------- */

/* K = HMAC(K, V || round || seed), V = HMAC(K, V). */
static void next_key(struct hmac_key *K, uint8_t V[static 32], uint8_t round, const uint8_t *seed, size_t seed_len)
{
    uint8_t begin[33], key[32];
    memcpy(begin, V, 32);
    begin[32] = round;
    (void)hmac_with(K, begin, sizeof begin, seed, seed_len, key);
    hmac_key(K, HASH_SHA256, key, sizeof key);
    (void)hmac_with(K, V, 32, NULL, 0, V);
    WIPE(begin);
    WIPE(key);
}

/* RFC 6979 3.2, d to h, of d and the hash modulo n: one block at a time; what is out of range is passed over. */
static void rfc6979_nonce(uint8_t k[static 32], const uint8_t d[static 32], const fe z)
{
    static const uint8_t zeros[32];
    struct hmac_key K;
    uint8_t V[32], seed[64];
    fe candidate;
    memcpy(seed, d, 32);
    fe_store(seed + 32, z);
    memset(V, 1, 32);
    hmac_key(&K, HASH_SHA256, zeros, sizeof zeros);
    next_key(&K, V, 0, seed, sizeof seed);
    next_key(&K, V, 1, seed, sizeof seed);
    for (;;) {
        (void)hmac_with(&K, V, 32, NULL, 0, V);
        fe_load(candidate, V);
        if (in_order_mask(candidate))
            break; /* tells of a number that is thrown away, once in 2^32 */
        next_key(&K, V, 0, NULL, 0);
    }
    memcpy(k, V, 32);
    WIPE(K);
    WIPE(V);
    WIPE(seed);
    WIPE(candidate);
}

/* r = x of k G, the point given, modulo n; s = (z + r d) / k. */
static void sign_with(fe r, fe s, const fe d, const fe z, const fe k, const struct p256_jacobian *point)
{
    fe t;
    fe_invert(t, point->z);
    fe_sqr(t, t);
    fe_mul(t, t, point->x);
    fe_from_montgomery(t, t);
    reduce_once(r, t, 0, order_n);
    order_mul_plain(s, r, d);
    add_mod(s, s, z, order_n);
    order_invert(t, k);
    order_mul(s, s, t);
    WIPE(t);
}

/* n - k, for 0 < k < n. */
static void order_minus(fe r, const fe k)
{
    unsigned char borrow = 0;
    for (int i = 0; i < 4; i++)
        borrow = _subborrow_u64(borrow, order_n[i], k[i], &r[i]);
}

/*
 * All ones when ECDSA's equation holds: (z G + r (d G)) / s is the point whose x is r.  With the nonce at hand that is s k = z + r d and
 * the x of k G; (n - k) G, the point given, has that x too, out of other entries of the table and by other sums than when it was signed.
 * Constant-time.
 */
static limb check_own_mask(const fe r, const fe s, const fe d, const fe z, const fe k, const struct p256_jacobian *point)
{
    fe left, right;
    order_mul_plain(left, s, k);
    order_mul_plain(right, r, d);
    add_mod(right, right, z, order_n);
    for (int i = 0; i < 4; i++)
        left[i] ^= right[i];
    limb ok = fe_zero_mask(left) & in_order_mask(r) & in_order_mask(s) & in_order_mask(k) & ~fe_zero_mask(point->z) &
              p256_on_curve_mask(point) & x_matches_mask(point, r);
    WIPE(left);
    WIPE(right);
    return ok;
}

bool p256_ecdsa_sign_nonce(uint8_t rs[static 64], const uint8_t d[static 32], const uint8_t hash[static 32], const uint8_t k[static 32])
{
    struct p256_jacobian points[2]; /* to sign with, to check with */
    fe secret, z, nonce, nonces[2], r, s;
    p256_init();
    fe_load(secret, d);
    fe_load(nonce, k);
    load_hash(z, hash);
    limb in_range = in_order_mask(secret);
    fe_load(nonces[0], k); /* apart from the nonce that the check's is made of */
    order_minus(nonces[1], nonce);
    p256_mul_base_pair(points, (const fe *)nonces);
    sign_with(r, s, secret, z, nonce, &points[0]);
    fe_store(rs, r);
    fe_store(rs + 32, s);
    fe_load(secret, d); /* all anew */
    fe_load(nonce, k);
    load_hash(z, hash);
    fe_load(r, rs);
    fe_load(s, rs + 32);
    limb ok = in_range & check_own_mask(r, s, secret, z, nonce, &points[1]);
    for (int i = 0; i < 64; i++)
        rs[i] &= (uint8_t)ok;
    WIPE(points); /* their Z coordinates tell of the nonce */
    WIPE(secret);
    WIPE(nonce);
    WIPE(nonces);
    return ok != 0;
}

#define PAIRS 8

/*
 * Is xy = d G?  A multiplication tells, and its answer is remembered as the hash of both numbers: as long as neither changes in
 * memory, every further signature of the thread costs that hash only.
 */
static bool is_pair(const uint8_t d[static 32], const uint8_t xy[static 64])
{
    static __thread uint8_t known[PAIRS][32];
    uint8_t both[96], hash[32], want[64];
    memcpy(both, d, 32);
    memcpy(both + 32, xy, 64);
    (void)hash_once(HASH_SHA256, both, sizeof both, hash);
    WIPE(both);
    uint8_t *place = known[xy[63] % PAIRS];
    if (ct_equal(place, hash, 32))
        return true;
    p256_mulgen(want, d);
    if (!ct_equal(want, xy, 64))
        return false;
    memcpy(place, hash, 32);
    return true;
}

bool p256_ecdsa_sign(uint8_t rs[static 64], const uint8_t d[static 32], const uint8_t xy[static 64], const uint8_t hash[static 32])
{
    uint8_t k[32];
    fe z;
    p256_init();
    load_hash(z, hash);
    rfc6979_nonce(k, d, z);
    bool ok = p256_ecdsa_sign_nonce(rs, d, hash, k) && is_pair(d, xy);
    WIPE(k);
    if (!ok)
        explicit_bzero(rs, 64);
    return ok;
}

/* --- verify ------------------------------------------------------------------------------------------------- */

#define ODD_MULTIPLES 8 /* 1, 3, .. 15 times the public key */

/* The non-adjacent form of width 5: digits 0 or odd, -15..15, of which one in six is not 0.  Variable time. */
static void recode(int8_t digit[static 257], const fe k)
{
    limb v[5] = { k[0], k[1], k[2], k[3], 0 };
    memset(digit, 0, 257);
    for (int i = 0; i < 257;) {
        limb window = v[i >> 6] >> (i & 63);
        if ((i & 63) > 59 && (i >> 6) < 4)
            window |= v[(i >> 6) + 1] << (64 - (i & 63));
        if ((window & 1) == 0) {
            i++;
            continue;
        }
        int d = (int)(window & 31);
        if (d > 16) { /* the digit is d - 32: 32 goes on to the next window */
            d -= 32;
            unsigned char c = 1;
            int at = i + 5;
            c = _addcarry_u64(0, v[at >> 6], (limb)1 << (at & 63), &v[at >> 6]);
            for (int j = (at >> 6) + 1; j < 5; j++)
                c = _addcarry_u64(c, v[j], 0, &v[j]);
        }
        digit[i] = (int8_t)d;
        i += 5;
    }
}

static void add_signed(struct p256_jacobian *r, const struct p256_affine *q, bool negative)
{
    struct p256_affine t = *q;
    if (negative)
        fe_sub(t.y, fe_zero, t.y);
    p256_add_affine_vartime(r, &t);
}

/* r = u Q */
static void mul_public(struct p256_jacobian *r, const struct p256_affine *q, const fe u)
{
    struct p256_jacobian odd[ODD_MULTIPLES], twice;
    struct p256_affine table[ODD_MULTIPLES];
    fe scratch[ODD_MULTIPLES];
    int8_t digit[257];
    odd[0] = (struct p256_jacobian){ { 0 }, { 0 }, { 0 } };
    add_signed(&odd[0], q, false);
    p256_double(&twice, &odd[0]);
    for (int i = 1; i < ODD_MULTIPLES; i++)
        p256_add(&odd[i], &odd[i - 1], &twice);
    p256_to_affine(table, odd, ODD_MULTIPLES, scratch);
    recode(digit, u);
    *r = (struct p256_jacobian){ { 0 }, { 0 }, { 0 } };
    for (int i = 256; i >= 0; i--) {
        if (!fe_zero_mask(r->z))
            p256_double(r, r);
        if (digit[i] != 0)
            add_signed(r, &table[(digit[i] < 0 ? -digit[i] : digit[i]) / 2], digit[i] < 0);
    }
}

/* r += u G */
static void add_public_base(struct p256_jacobian *r, const fe u)
{
    limb bits[5] = { u[0], u[1], u[2], u[3], 0 }, negative;
    for (int w = 0; w < COMB_WINDOWS; w++) {
        limb d = signed_digit(bits, w, COMB_BITS, &negative);
        if (d != 0)
            add_signed(r, &p256_comb[w][d - 1], negative != 0);
    }
}

bool p256_ecdsa_verify(const uint8_t xy[static 64], const uint8_t hash[static 32], const uint8_t rs[static 64])
{
    struct p256_affine q;
    struct p256_jacobian point;
    fe r, s, z, w, u;
    p256_init();
    fe_load(r, rs);
    fe_load(s, rs + 32);
    if (!in_order_mask(r) || !in_order_mask(s) || !p256_load_point(&q, xy))
        return false;
    load_hash(z, hash);
    order_invert(w, s);
    order_mul(u, r, w);
    mul_public(&point, &q, u);
    order_mul(u, z, w);
    add_public_base(&point, u);
    return !fe_zero_mask(point.z) && x_matches_mask(&point, r) != 0;
}

#endif
