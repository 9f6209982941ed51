/*
 * The 256-bit intrinsics of AVX-512 IFMA that X25519 uses, on plain 64-bit words: so that the same source runs where the CPU, or
 * valgrind (3.19 knows no AVX-512), has none.  Include in front of the source.
 */
#ifndef EMUL_IFMA256_H
#define EMUL_IFMA256_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

struct emul {
    uint64_t q[4];
};

#define EMUL       static inline __attribute__((always_inline, unused))
#define EMUL_LANES for (int i_ = 0; i_ < 4; i_++)
#define EMUL_LANE(name, args, value)  \
    EMUL struct emul name args {      \
        struct emul r;                \
        EMUL_LANES r.q[i_] = (value); \
        return r;                     \
    }
#define EMUL_LOW52(x) ((x) & (((uint64_t)1 << 52) - 1))
#define EMUL_WIDE     ((unsigned __int128)EMUL_LOW52(b.q[i_]) * EMUL_LOW52(c.q[i_]))
/* A mask bit to a mask word by arithmetic, so that the emulation itself never branches. */
#define EMUL_MASK(m) (0 - ((uint64_t)(m) >> i_ & 1))

EMUL_LANE(emul_set1, (uint64_t x), x)
EMUL_LANE(emul_add, (struct emul a, struct emul b), a.q[i_] + b.q[i_])
EMUL_LANE(emul_sub, (struct emul a, struct emul b), a.q[i_] - b.q[i_])
EMUL_LANE(emul_mullo, (struct emul a, struct emul b), a.q[i_] * b.q[i_])
EMUL_LANE(emul_and, (struct emul a, struct emul b), a.q[i_] & b.q[i_])
EMUL_LANE(emul_xor, (struct emul a, struct emul b), a.q[i_] ^ b.q[i_])
EMUL_LANE(emul_srl, (struct emul a, unsigned n), a.q[i_] >> n)
EMUL_LANE(emul_madlo, (struct emul a, struct emul b, struct emul c), a.q[i_] + EMUL_LOW52((uint64_t)EMUL_WIDE))
EMUL_LANE(emul_madhi, (struct emul a, struct emul b, struct emul c), a.q[i_] + (uint64_t)(EMUL_WIDE >> 52))
EMUL_LANE(emul_blend, (struct emul a, uint8_t m, struct emul b), a.q[i_] ^ ((a.q[i_] ^ b.q[i_]) & EMUL_MASK(m)))
EMUL_LANE(emul_permute_imm, (struct emul a, unsigned imm), a.q[imm >> 2 * i_ & 3])

/* An index may be secret: every element is read. */
EMUL struct emul emul_permute(struct emul index, struct emul a)
{
    struct emul r = { { 0 } };
    for (uint64_t from = 0; from < 4; from++)
        EMUL_LANES
        {
            uint64_t other = (index.q[i_] & 3) ^ from;
            r.q[i_] |= a.q[from] & (((other | (0 - other)) >> 63) - 1);
        }
    return r;
}

EMUL struct emul emul_setr(long long a, long long b, long long c, long long d)
{
    const long long in[4] = { a, b, c, d };
    struct emul r;
    memcpy(&r, in, sizeof r);
    return r;
}

EMUL void emul_store(void *p, struct emul a)
{
    memcpy(p, &a, sizeof a);
}

/* Without optimisation the compilers' headers have some of these as macros. */
#undef _mm256_mask_permutex_epi64
#undef _mm256_mullo_epi64
#undef _mm256_permutex_epi64
#undef _mm256_permutexvar_epi64
#undef _mm256_srli_epi64

#define __m256i                                struct emul
#define VEC_HIDE(v)                            ((void)(v))
#define _mm256_set1_epi64x(x)                  emul_set1((uint64_t)(x))
#define _mm256_setzero_si256()                 emul_set1(0)
#define _mm256_setr_epi64x                     emul_setr
#define _mm256_add_epi64                       emul_add
#define _mm256_sub_epi64                       emul_sub
#define _mm256_mullo_epi64                     emul_mullo
#define _mm256_and_si256                       emul_and
#define _mm256_xor_si256                       emul_xor
#define _mm256_srli_epi64                      emul_srl
#define _mm256_madd52lo_epu64                  emul_madlo
#define _mm256_madd52hi_epu64                  emul_madhi
#define _mm256_mask_mov_epi64                  emul_blend
#define _mm256_mask_sub_epi64(s, m, a, b)      emul_blend(s, m, emul_sub(a, b))
#define _mm256_mask_add_epi64(s, m, a, b)      emul_blend(s, m, emul_add(a, b))
#define _mm256_permutexvar_epi64               emul_permute
#define _mm256_permutex_epi64                  emul_permute_imm
#define _mm256_mask_permutex_epi64(s, m, a, n) emul_blend(s, m, emul_permute_imm(a, n))
#define _mm256_storeu_si256                    emul_store

#endif
