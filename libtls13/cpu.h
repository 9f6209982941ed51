/*
 * What this CPU and its operating system can do, asked once a process.
 *
 * The environment's TLS13_CPU=portable|aesni|avx2|avx512 (tests and benchmarks) takes a level and all above it away; it never adds.
 */
#ifndef TLS13_CPU_H
#define TLS13_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum cpu_feature {
    /* from level aesni on */
    CPU_SSE41 = 1 << 0, /* SSSE3 and SSE4.1 */
    CPU_AES = 1 << 1,
    CPU_PCLMUL = 1 << 2,
    CPU_SHA = 1 << 3, /* SHA-NI, on some CPUs only */
    /* from level avx2 on */
    CPU_AVX2 = 1 << 4,
    CPU_BMI2 = 1 << 5,    /* BMI1 and BMI2 */
    CPU_ADX = 1 << 6,     /* on some CPUs only */
    CPU_VAES = 1 << 7,    /* on some CPUs only; 256 bits wide at level avx2 */
    CPU_VPCLMUL = 1 << 8, /* as CPU_VAES */
    /* level avx512 */
    CPU_AVX512 = 1 << 9, /* F, DQ, BW, VL */
    CPU_IFMA = 1 << 10,
    CPU_VBMI2 = 1 << 11 /* VBMI and VBMI2 */
};

/* A level has all features named for it and for those below, but for the ones that some CPUs only have. */
enum cpu_level { CPU_LEVEL_PORTABLE, CPU_LEVEL_AESNI, CPU_LEVEL_AVX2, CPU_LEVEL_AVX512 };
enum cpu_level cpu_level(void);

/* True when every feature of the mask may be used: present, saved by the operating system, within the level.  0 is always true. */
bool cpu_has(uint32_t features);

#endif
