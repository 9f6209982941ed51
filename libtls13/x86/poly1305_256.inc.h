/*
 * Poly1305 for poly1305.inc.h with W = 256: four blocks side by side on AVX2, and two such groups a turn.  vec, v_load and v_store are the
 * includer's.
 *
 * In here a number is held in five limbs of 26 bits, one in the low half of each 64-bit lane.  A product of limbs i and j with i + j >= 5
 * stands at 2^130 or more, and 2^130 = 5 modulo p.
 *
 * Bounds.  "Carried" means limbs below 2^26 + 2^11; a block adds less than 2^26.  Powers of r are below 2^26 + 1, five times that below
 * 2^29: a product stays below 2^28 2^29 = 2^57, five below 2^60, and the ten of two groups below 2^61.
 */
#define MASK26 (((uint64_t)1 << 26) - 1)

/* Lanes in the order that lanes_add_blocks leaves them: blocks 0 2 1 3. */
struct lanes_power {
    vec r[5], x5[5]; /* x5[0] is not used */
};

INLINE vec lanes_set1(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

/* Five limbs of 26 bits; the last one may be a little more. */
INLINE void to_26(uint64_t out[5], struct elem a)
{
    a.l[2] += a.l[1] >> 44;
    a.l[1] &= MASK44;
    out[0] = a.l[0] & MASK26;
    out[1] = (a.l[0] >> 26 | a.l[1] << 18) & MASK26;
    out[2] = (a.l[1] >> 8) & MASK26;
    out[3] = (a.l[1] >> 34 | a.l[2] << 10) & MASK26;
    out[4] = a.l[2] >> 16;
}

/* h += the four blocks at p. */
INLINE void lanes_add_blocks(vec h[5], const uint8_t *p)
{
    vec x = v_load(p), y = v_load(p + 32), mask = lanes_set1(MASK26);
    vec lo = _mm256_unpacklo_epi64(x, y), hi = _mm256_unpackhi_epi64(x, y);
    vec middle = _mm256_or_si256(_mm256_srli_epi64(lo, 52), _mm256_slli_epi64(hi, 12));
    vec last = _mm256_or_si256(_mm256_srli_epi64(hi, 40), lanes_set1((uint64_t)1 << 24));
    h[0] = _mm256_add_epi64(h[0], _mm256_and_si256(lo, mask));
    h[1] = _mm256_add_epi64(h[1], _mm256_and_si256(_mm256_srli_epi64(lo, 26), mask));
    h[2] = _mm256_add_epi64(h[2], _mm256_and_si256(middle, mask));
    h[3] = _mm256_add_epi64(h[3], _mm256_and_si256(_mm256_srli_epi64(hi, 14), mask));
    h[4] = _mm256_add_epi64(h[4], last);
}

/* d += h k by limbs. */
INLINE void lanes_multiply_add(vec d[5], const vec h[5], const struct lanes_power *k)
{
    UNROLL
    for (int i = 0; i < 5; i++) {
        UNROLL
        for (int j = 0; j < 5; j++) {
            vec f = i <= j ? k->r[j - i] : k->x5[5 + j - i];
            d[j] = _mm256_add_epi64(d[j], _mm256_mul_epu32(h[i], f));
        }
    }
}

INLINE void lanes_carry_one(vec d[5], int from)
{
    vec over = _mm256_srli_epi64(d[from], 26);
    d[from] = _mm256_and_si256(d[from], lanes_set1(MASK26));
    if (from == 4)
        over = _mm256_add_epi64(over, _mm256_slli_epi64(over, 2));
    d[(from + 1) % 5] = _mm256_add_epi64(d[(from + 1) % 5], over);
}

/* Limbs below 2^61 to carried ones: what leaves the topmost is below 2^36, five times that below 2^39. */
INLINE void lanes_carry(vec d[5])
{
    lanes_carry_one(d, 0);
    lanes_carry_one(d, 3);
    lanes_carry_one(d, 1);
    lanes_carry_one(d, 4);
    lanes_carry_one(d, 2);
    lanes_carry_one(d, 0);
    lanes_carry_one(d, 3);
}

INLINE void lanes_multiply(vec h[5], const struct lanes_power *k)
{
    vec d[5];
    for (int i = 0; i < 5; i++)
        d[i] = _mm256_setzero_si256();
    lanes_multiply_add(d, h, k);
    lanes_carry(d);
    for (int i = 0; i < 5; i++)
        h[i] = d[i];
}

/* The power a for the first lane, b for the second, c and d for the others. */
INLINE void lanes_power_of(struct lanes_power *k, struct elem a, struct elem b, struct elem c, struct elem d)
{
    uint64_t l[4][5];
    to_26(l[0], a);
    to_26(l[1], b);
    to_26(l[2], c);
    to_26(l[3], d);
    for (int i = 0; i < 5; i++) {
        k->r[i] = _mm256_setr_epi64x((long long)l[0][i], (long long)l[1][i], (long long)l[2][i], (long long)l[3][i]);
        k->x5[i] = _mm256_add_epi64(k->r[i], _mm256_slli_epi64(k->r[i], 2));
    }
    WIPE(l);
}

/* The lanes' sum, carried: limb i stands at 2^(26 i), and below 2^63. */
INLINE struct elem lanes_sum(const vec h[5])
{
    uint64_t sum[5];
    for (int i = 0; i < 5; i++) {
        uint64_t lane[4];
        v_store(lane, h[i]);
        sum[i] = lane[0] + lane[1] + lane[2] + lane[3];
    }
    struct wide d = { { sum[0] + ((u128)sum[1] << 26), ((u128)sum[2] << 8) + ((u128)sum[3] << 34), (u128)sum[4] << 16 } };
    return wide_carry(d);
}

/* All whole 64 bytes of the n >= 64 at p; => how many bytes that was. */
static size_t poly_many(struct poly1305 *m, const uint8_t *p, size_t n)
{
    struct elem r1 = m->r, r2 = elem_multiply(r1, r1), r3 = elem_multiply(r2, r1), r4 = elem_multiply(r2, r2);
    struct elem r8 = elem_multiply(r4, r4);
    struct lanes_power by4, by8, by_lane;
    vec a[5], b[5], d[5];
    uint64_t start[5];
    const size_t done = n & ~(size_t)63;
    lanes_power_of(&by4, r4, r4, r4, r4);
    lanes_power_of(&by8, r8, r8, r8, r8);
    lanes_power_of(&by_lane, r4, r2, r3, r1);
    to_26(start, m->h);
    for (int i = 0; i < 5; i++)
        a[i] = _mm256_setr_epi64x((long long)start[i], 0, 0, 0);
    lanes_add_blocks(a, p);
    n = done - 64;
    p += 64;
    if (n & 64) {
        lanes_multiply(a, &by4);
        lanes_add_blocks(a, p);
        n -= 64;
        p += 64;
    }
    for (; n != 0; n -= 128, p += 128) { /* a = (a r^4 + first) r^4 + second, with the products side by side */
        for (int i = 0; i < 5; i++)
            b[i] = d[i] = _mm256_setzero_si256();
        lanes_add_blocks(b, p);
        lanes_multiply_add(d, b, &by4);
        lanes_multiply_add(d, a, &by8);
        lanes_carry(d);
        for (int i = 0; i < 5; i++)
            a[i] = d[i];
        lanes_add_blocks(a, p + 64);
    }
    lanes_multiply(a, &by_lane);
    m->h = lanes_sum(a);
    WIPE(r2);
    WIPE(r3);
    WIPE(r4);
    WIPE(r8);
    WIPE(by4);
    WIPE(by8);
    WIPE(by_lane);
    return done;
}
