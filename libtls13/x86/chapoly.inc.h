/*
 * ChaCha20-Poly1305 for vectors of W bits: included by chapoly_256.c and chapoly_512.c.
 *
 * ChaCha20: a vector holds one row of the state for W / 128 blocks, and a group of four rows is W / 128 blocks; up to BULK groups run
 * side by side.  The first call makes block 0, the Poly1305 key, and with it the first blocks of key stream.
 */
#include "../bytes.h"
#include "simd.h"

/* --- vectors of W bits -------------------------------------------------------------------------------------- */

#define LANES       (W / 128)    /* blocks in a group */
#define GROUP_BYTES (64 * LANES) /* 256, 128 */

#if W == 512
typedef __m512i vec;
#define BULK             6
#define FN(name)         chapoly512_##name
#define v_add32          _mm512_add_epi32
#define v_xor            _mm512_xor_si512
#define v_shuffle32      _mm512_shuffle_epi32
#define v_load(p)        _mm512_loadu_si512(p)
#define v_store(p, a)    _mm512_storeu_si512(p, a)
#define v_spread_at(p)   _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)(p)))
#define v_pick(a, b, im) _mm512_shuffle_i32x4(a, b, im)

/* clang wants the count in plain sight */
INLINE vec v_rotate(vec a, const int n)
{
    return n == 16 ? _mm512_rol_epi32(a, 16) : n == 12 ? _mm512_rol_epi32(a, 12) : n == 8 ? _mm512_rol_epi32(a, 8) : _mm512_rol_epi32(a, 7);
}

INLINE vec v_counters(int first)
{
    return _mm512_set_epi32(0, 0, 0, first + 3, 0, 0, 0, first + 2, 0, 0, 0, first + 1, 0, 0, 0, first);
}

/* Rows of four blocks to the blocks, one after the other. */
INLINE void v_transpose(vec out[4], vec a, vec b, vec c, vec d)
{
    vec p = v_pick(a, b, 0x44), q = v_pick(c, d, 0x44), r = v_pick(a, b, 0xee), s = v_pick(c, d, 0xee);
    out[0] = v_pick(p, q, 0x88);
    out[1] = v_pick(p, q, 0xdd);
    out[2] = v_pick(r, s, 0x88);
    out[3] = v_pick(r, s, 0xdd);
}
#else
typedef __m256i vec;
#define BULK           3
#define FN(name)       chapoly256_##name
#define v_add32        _mm256_add_epi32
#define v_xor          _mm256_xor_si256
#define v_shuffle32    _mm256_shuffle_epi32
#define v_load(p)      _mm256_loadu_si256((const void *)(p))
#define v_store(p, a)  _mm256_storeu_si256((void *)(p), a)
#define v_spread_at(p) _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(p)))

static const uint8_t rotations[2][32] __attribute__((aligned(32))) = {
    { 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13 },
    { 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14 },
};

/* By an instruction that takes the order from memory: compilers would keep it in registers, which are needed. */
INLINE vec v_rotate_bytes(vec a, const uint8_t order[32])
{
    __asm__("vpshufb %1, %0, %0" : "+x"(a) : "m"(*(const __m256i *)(const void *)order));
    return a;
}

INLINE vec v_rotate(vec a, const int n)
{
    if (n == 16)
        return v_rotate_bytes(a, rotations[0]);
    if (n == 8)
        return v_rotate_bytes(a, rotations[1]);
    return _mm256_or_si256(_mm256_slli_epi32(a, n), _mm256_srli_epi32(a, 32 - n));
}

INLINE vec v_counters(int first)
{
    return _mm256_set_epi32(0, 0, 0, first + 1, 0, 0, 0, first);
}

/* Rows of two blocks to the blocks, each in two halves. */
INLINE void v_transpose(vec out[4], vec a, vec b, vec c, vec d)
{
    out[0] = _mm256_permute2x128_si256(a, b, 0x20);
    out[1] = _mm256_permute2x128_si256(c, d, 0x20);
    out[2] = _mm256_permute2x128_si256(a, b, 0x31);
    out[3] = _mm256_permute2x128_si256(c, d, 0x31);
}
#endif

#include "poly1305.inc.h"

/* --- ChaCha20 (RFC 8439 2.3) -------------------------------------------------------------------------------- */

#define EACH_GROUP UNROLL for (int i = 0; i < n; i++)

INLINE void add_xor_rotate(vec *x, vec *y, vec *z, const int n, const int bits)
{
    EACH_GROUP x[i] = v_add32(x[i], y[i]);
    EACH_GROUP z[i] = v_rotate(v_xor(z[i], x[i]), bits);
}

INLINE void quarter_rounds(vec *a, vec *b, vec *c, vec *d, const int n)
{
    add_xor_rotate(a, b, d, n, 16);
    add_xor_rotate(c, d, b, n, 12);
    add_xor_rotate(a, b, d, n, 8);
    add_xor_rotate(c, d, b, n, 7);
}

/* n groups of key stream for the blocks from number s[12] on. */
INLINE void key_stream(vec out[][4], const int n, const uint32_t s[16])
{
    vec a[BULK], b[BULK], c[BULK], d[BULK], d0[BULK];
    EACH_GROUP
    {
        a[i] = v_spread_at(s);
        b[i] = v_spread_at(s + 4);
        c[i] = v_spread_at(s + 8);
        d[i] = d0[i] = v_add32(v_spread_at(s + 12), v_counters(LANES * i));
    }
    for (int round = 0; round < 10; round++) {
        quarter_rounds(a, b, c, d, n);
        EACH_GROUP
        {
            b[i] = v_shuffle32(b[i], 0x39);
            c[i] = v_shuffle32(c[i], 0x4e);
            d[i] = v_shuffle32(d[i], 0x93);
        }
        quarter_rounds(a, b, c, d, n);
        EACH_GROUP
        {
            b[i] = v_shuffle32(b[i], 0x93);
            c[i] = v_shuffle32(c[i], 0x4e);
            d[i] = v_shuffle32(d[i], 0x39);
        }
    }
    EACH_GROUP v_transpose(out[i], v_add32(a[i], v_spread_at(s)), v_add32(b[i], v_spread_at(s + 4)), v_add32(c[i], v_spread_at(s + 8)),
                           v_add32(d[i], d0[i]));
}

INLINE void xor_vec(uint8_t *p, vec key)
{
    v_store(p, v_xor(v_load(p), key));
}

/* p ^= n bytes of key stream that lies in memory. */
INLINE void xor_bytes(uint8_t *p, const uint8_t *key, size_t n)
{
    for (; n >= sizeof(vec); n -= sizeof(vec), p += sizeof(vec), key += sizeof(vec))
        xor_vec(p, v_load(key));
    if (n != 0) {
        uint8_t last[sizeof(vec)] = { 0 };
        memcpy(last, p, n);
        xor_vec(last, v_load(key));
        memcpy(p, last, n);
    }
}

/* Encrypts up to n groups of the len bytes at p; => the bytes done. */
INLINE size_t xor_groups(const int n, uint32_t s[16], uint8_t *p, size_t len)
{
    vec out[BULK][4];
    const size_t whole = (size_t)n * GROUP_BYTES;
    key_stream(out, n, s);
    s[12] += (uint32_t)(LANES * n);
    if (len >= whole) {
        UNROLL
        for (int i = 0; i < 4 * n; i++)
            xor_vec(p + sizeof(vec) * (size_t)i, out[i / 4][i % 4]);
        return whole;
    }
    xor_bytes(p, (const uint8_t *)out, len);
    return len;
}

#if W == 256
/* Eight blocks at a time, a word of all eight in each vector: nothing has to change lanes until the end. */
#define EIGHT (8 * 64)

/* Two quarter-rounds side by side. */
INLINE void two_quarter_rounds(vec *a0, vec *b0, vec *c0, vec *d0, vec *a1, vec *b1, vec *c1, vec *d1)
{
    vec a[2] = { *a0, *a1 }, b[2] = { *b0, *b1 }, c[2] = { *c0, *c1 }, d[2] = { *d0, *d1 };
    quarter_rounds(a, b, c, d, 2);
    *a0 = a[0], *a1 = a[1], *b0 = b[0], *b1 = b[1], *c0 = c[0], *c1 = c[1], *d0 = d[0], *d1 = d[1];
}

/* Eight words of eight blocks to eight times eight words of one block. */
INLINE void transpose_eight(vec x[8])
{
    vec a[8], b[8];
    UNROLL
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi32(x[2 * i], x[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi32(x[2 * i], x[2 * i + 1]);
    }
    UNROLL
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        x[i] = _mm256_permute2x128_si256(b[i], b[4 + i], 0x20);
        x[4 + i] = _mm256_permute2x128_si256(b[i], b[4 + i], 0x31);
    }
}

/* Sixteen words do not leave a register free, so that of the third row two are in memory at a time. */
static void xor_eight(uint32_t s[16], uint8_t *p)
{
    const vec count = v_add32(_mm256_set1_epi32((int)s[12]), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    vec x[16];
    volatile vec away[4];
    for (int i = 0; i < 16; i++)
        x[i] = i == 12 ? count : _mm256_set1_epi32((int)s[i]);
    away[2] = x[10];
    away[3] = x[11];
    for (int round = 0; round < 10; round++) {
        two_quarter_rounds(&x[0], &x[4], &x[8], &x[12], &x[1], &x[5], &x[9], &x[13]);
        away[0] = x[8];
        away[1] = x[9];
        x[10] = away[2];
        x[11] = away[3];
        two_quarter_rounds(&x[2], &x[6], &x[10], &x[14], &x[3], &x[7], &x[11], &x[15]);
        two_quarter_rounds(&x[0], &x[5], &x[10], &x[15], &x[1], &x[6], &x[11], &x[12]);
        away[2] = x[10];
        away[3] = x[11];
        x[8] = away[0];
        x[9] = away[1];
        two_quarter_rounds(&x[2], &x[7], &x[8], &x[13], &x[3], &x[4], &x[9], &x[14]);
    }
    x[10] = away[2];
    x[11] = away[3];
    for (int i = 0; i < 16; i++)
        x[i] = v_add32(x[i], i == 12 ? count : _mm256_set1_epi32((int)s[i]));
    transpose_eight(x);
    transpose_eight(x + 8);
    for (int i = 0; i < 8; i++) {
        xor_vec(p + 64 * i, x[i]);
        xor_vec(p + 64 * i + 32, x[8 + i]);
    }
    s[12] += 8;
}
#endif

/* --- the AEAD (RFC 8439 2.8) -------------------------------------------------------------------------------- */

INLINE void crypt(const bool encrypt, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf,
                  size_t len, uint8_t *tag)
{
    uint32_t s[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    vec first[BULK][4];
    struct poly1305 mac;
    memcpy(s + 4, key, 32);
    memcpy(s + 13, nonce, 12);
    const size_t groups = len <= GROUP_BYTES - 64 ? 1 : len <= 2 * GROUP_BYTES - 64 ? 2 : BULK;
    if (groups == 1)
        key_stream(first, 1, s);
    else if (groups == 2)
        key_stream(first, 2, s);
    else
        key_stream(first, BULK, s);
    s[12] = (uint32_t)(LANES * groups);
    poly_init(&mac, (const uint8_t *)first);
    poly_add(&mac, aad, aad_len);
    if (!encrypt)
        poly_add(&mac, buf, len);

    const size_t ready = GROUP_BYTES * groups - 64;
    size_t n = len < ready ? len : ready, left = len - n;
    uint8_t *p = buf + n;
    xor_bytes(buf, (const uint8_t *)first + 64, n);
    for (; left != 0; left -= n, p += n) {
#if W == 256
        if (left >= EIGHT) {
            xor_eight(s, p);
            n = EIGHT;
            continue;
        }
#endif
        if (BULK > 4 && left > 4 * GROUP_BYTES)
            n = xor_groups(BULK, s, p, left);
        else if (left > 2 * GROUP_BYTES)
            n = xor_groups(BULK < 4 ? BULK : 4, s, p, left);
        else if (left > GROUP_BYTES)
            n = xor_groups(2, s, p, left);
        else
            n = xor_groups(1, s, p, left);
    }
    if (encrypt)
        poly_add(&mac, buf, len);
    poly_add_lengths(&mac, aad_len, len);
    poly_end(&mac, tag);
    explicit_bzero(first, groups * GROUP_BYTES);
    WIPE(s);
    WIPE(mac);
}

CHAPOLY_CRYPT(FN(encrypt))
{
    crypt(true, key, nonce, aad, aad_len, buf, len, tag);
}

CHAPOLY_CRYPT(FN(decrypt))
{
    crypt(false, key, nonce, aad, aad_len, buf, len, tag);
}
