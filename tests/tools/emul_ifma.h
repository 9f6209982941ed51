/*
 * The AVX-512 intrinsics that the asymmetric primitives use, on plain 64-bit words: so that the same sources run where the CPU, or
 * valgrind (3.19 knows no AVX-512), has none.  Include in front of the source.
 */
#ifndef EMUL_IFMA_H
#define EMUL_IFMA_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

struct emul {
    uint64_t q[8];
};

#define EMUL       static inline __attribute__((always_inline, unused))
#define EMUL_LANES for (int i_ = 0; i_ < 8; i_++)
#define EMUL_LANE(name, args, value)  \
    EMUL struct emul name args {      \
        struct emul r;                \
        EMUL_LANES r.q[i_] = (value); \
        return r;                     \
    }
#define EMUL_LOW52(x) ((x) & (((uint64_t)1 << 52) - 1))
#define EMUL_WIDE     ((unsigned __int128)EMUL_LOW52(b.q[i_]) * EMUL_LOW52(c.q[i_]))
#define EMUL_BIT(m)   ((uint64_t)(m) >> i_ & 1)

EMUL_LANE(emul_set1, (uint64_t x), x)
EMUL_LANE(emul_add, (struct emul a, struct emul b), a.q[i_] + b.q[i_])
EMUL_LANE(emul_sub, (struct emul a, struct emul b), a.q[i_] - b.q[i_])
EMUL_LANE(emul_mullo, (struct emul a, struct emul b), a.q[i_] * b.q[i_])
EMUL_LANE(emul_and, (struct emul a, struct emul b), a.q[i_] & b.q[i_])
EMUL_LANE(emul_or, (struct emul a, struct emul b), a.q[i_] | b.q[i_])
EMUL_LANE(emul_srl, (struct emul a, unsigned n), a.q[i_] >> n)
EMUL_LANE(emul_sll, (struct emul a, unsigned n), a.q[i_] << n)
EMUL_LANE(emul_shrd, (struct emul a, struct emul b, unsigned n), a.q[i_] >> n | b.q[i_] << (64 - n))
EMUL_LANE(emul_madlo, (struct emul a, struct emul b, struct emul c), a.q[i_] + EMUL_LOW52((uint64_t)EMUL_WIDE))
EMUL_LANE(emul_madhi, (struct emul a, struct emul b, struct emul c), a.q[i_] + (uint64_t)(EMUL_WIDE >> 52))
/* A mask bit to a mask word by arithmetic, so that the emulation itself never branches. */
EMUL_LANE(emul_blend, (struct emul a, uint8_t m, struct emul b), a.q[i_] ^ ((a.q[i_] ^ b.q[i_]) & (0 - EMUL_BIT(m))))
EMUL_LANE(emul_zero_out, (uint8_t m, struct emul a), a.q[i_] & (0 - EMUL_BIT(m)))
EMUL_LANE(emul_permute, (struct emul index, struct emul a), a.q[index.q[i_] & 7])
EMUL_LANE(emul_permute4, (struct emul a, unsigned imm), a.q[(i_ & 4) + (int)(imm >> 2 * (i_ & 3) & 3)])
EMUL_LANE(emul_align, (struct emul a, struct emul b, unsigned n), i_ + (int)n < 8 ? b.q[i_ + (int)n] : a.q[i_ + (int)n - 8])
EMUL_LANE(emul_first, (struct emul a), a.q[0])

EMUL struct emul emul_setr(long long a, long long b, long long c, long long d, long long e, long long f, long long g, long long h)
{
    const long long in[8] = { a, b, c, d, e, f, g, h };
    struct emul r;
    memcpy(&r, in, sizeof r);
    return r;
}

EMUL uint8_t emul_nonzero(struct emul a)
{
    unsigned m = 0;
    EMUL_LANES m |= (unsigned)((a.q[i_] | (0 - a.q[i_])) >> 63) << i_;
    return (uint8_t)m;
}

EMUL uint8_t emul_equal(struct emul a, struct emul b)
{
    EMUL_LANES a.q[i_] ^= b.q[i_];
    return (uint8_t)~emul_nonzero(a);
}

EMUL struct emul emul_load(const void *p)
{
    struct emul r;
    memcpy(&r, p, sizeof r);
    return r;
}

EMUL void emul_store(void *p, struct emul a)
{
    memcpy(p, &a, sizeof a);
}

EMUL struct emul emul_gather(struct emul index, const uint8_t *p)
{
    struct emul r;
    EMUL_LANES memcpy(&r.q[i_], p + 8 * index.q[i_], 8);
    return r;
}

EMUL void emul_scatter(uint8_t *p, struct emul index, struct emul a)
{
    EMUL_LANES memcpy(p + 8 * index.q[i_], &a.q[i_], 8);
}

/* macros already in the compilers' headers */
#undef _mm512_alignr_epi64
#undef _mm512_i64gather_epi64
#undef _mm512_i64scatter_epi64
#undef _mm512_maskz_alignr_epi64
#undef _mm512_maskz_permutex_epi64
#undef _mm512_permutex_epi64
#undef _mm512_shrdi_epi64
#undef _mm512_setr_epi64
#undef _mm512_cmpeq_epi64_mask

#define __m512i  struct emul
#define __mmask8 uint8_t
/* Without optimisation the compiler's own header has some of these as macros too. */
#undef _mm512_add_epi64
#undef _mm512_and_si512
#undef _mm512_broadcastq_epi64
#undef _mm512_castsi512_si128
#undef _mm512_cmpeq_epi64_mask
#undef _mm512_i64gather_epi64
#undef _mm512_i64scatter_epi64
#undef _mm512_load_si512
#undef _mm512_loadu_si512
#undef _mm512_madd52hi_epu64
#undef _mm512_madd52lo_epu64
#undef _mm512_mask_mov_epi64
#undef _mm512_maskz_alignr_epi64
#undef _mm512_maskz_permutex_epi64
#undef _mm512_maskz_permutexvar_epi64
#undef _mm512_maskz_srli_epi64
#undef _mm512_mullo_epi64
#undef _mm512_or_si512
#undef _mm512_permutex_epi64
#undef _mm512_permutexvar_epi64
#undef _mm512_set1_epi64
#undef _mm512_setr_epi64
#undef _mm512_setzero_si512
#undef _mm512_shrdi_epi64
#undef _mm512_sll_epi64
#undef _mm512_slli_epi64
#undef _mm512_srli_epi64
#undef _mm512_store_si512
#undef _mm512_storeu_si512
#undef _mm512_sub_epi64
#undef _mm512_test_epi64_mask
#define _mm512_set1_epi64(x)                    emul_set1((uint64_t)(x))
#define _mm512_setzero_si512()                  emul_set1(0)
#define _mm512_setr_epi64                       emul_setr
#define _mm512_add_epi64                        emul_add
#define _mm512_sub_epi64                        emul_sub
#define _mm512_mullo_epi64                      emul_mullo
#define _mm512_and_si512                        emul_and
#define _mm512_or_si512                         emul_or
#define _mm512_srli_epi64                       emul_srl
#define _mm512_slli_epi64                       emul_sll
#define _mm512_sll_epi64(a, n)                  emul_sll(a, (unsigned)_mm_cvtsi128_si32(n))
#define _mm512_shrdi_epi64                      emul_shrd
#define _mm512_madd52lo_epu64                   emul_madlo
#define _mm512_madd52hi_epu64                   emul_madhi
#define _mm512_mask_mov_epi64                   emul_blend
#define _mm512_maskz_srli_epi64(m, a, n)        emul_zero_out(m, emul_srl(a, n))
#define _mm512_permutexvar_epi64                emul_permute
#define _mm512_maskz_permutexvar_epi64(m, i, a) emul_zero_out(m, emul_permute(i, a))
#define _mm512_permutex_epi64                   emul_permute4
#define _mm512_maskz_permutex_epi64(m, a, n)    emul_zero_out(m, emul_permute4(a, n))
#define _mm512_maskz_alignr_epi64(m, a, b, n)   emul_zero_out(m, emul_align(a, b, n))
#define _mm512_castsi512_si128
#define _mm512_broadcastq_epi64                 emul_first
#define _mm512_test_epi64_mask(a, b)            emul_nonzero(emul_and(a, b))
#define _mm512_cmpeq_epi64_mask                 emul_equal
#define _mm512_i64gather_epi64(i, p, scale)     emul_gather(i, p)
#define _mm512_i64scatter_epi64(p, i, a, scale) emul_scatter(p, i, a)
#define _mm512_load_si512                       emul_load
#define _mm512_loadu_si512                      emul_load
#define _mm512_store_si512                      emul_store
#define _mm512_storeu_si512                     emul_store

#endif
