/* What the accelerated primitives share: forced inlining and full unrolling, spelled for both compilers. */
#ifndef TLS13_X86_SIMD_H
#define TLS13_X86_SIMD_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* Before a for loop of a constant number of turns: none is left. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* Hides from the optimiser what a vector holds. */
#ifndef VEC_HIDE
#define VEC_HIDE(v) __asm__("" : "+v"(v))
#endif

#endif
