/* Poly1305 on four lanes of AVX2 and on 64-bit integers, as chapoly256 uses it; the latter is chapoly512's for short messages too. */
#include "x86_tests.h"

#if defined(__x86_64__)
#define W 256
#include "bytes.h"
#include "x86/simd.h"

/* Only these functions may use what this CPU may lack. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2")
#endif
typedef __m256i vec;
#define v_load(p)     _mm256_loadu_si256((const void *)(p))
#define v_store(p, a) _mm256_storeu_si256((void *)(p), a)
#include "x86/poly1305.inc.h"
#include "poly1305_cases.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

int main(void)
{
    const uint32_t needs = CPU_AVX2 | CPU_BMI2;
    data = guard(MAX_DATA);
    RUN_IF_CPU(needs, rfc8439_a3);
    RUN_IF_CPU(needs, around_p);
    RUN_IF_CPU(needs, extremes);
    return DONE();
}
#else
int main(void)
{
    printf("1..0 # SKIP not x86-64\n");
    return 0;
}
#endif
