/* Poly1305 on eight lanes of AVX-512 IFMA, as chapoly512 uses it. */
#include "x86_tests.h"

#if defined(__x86_64__)
#define W 512
#include "bytes.h"
#include "x86/simd.h"

/* Only these functions may use what this CPU may lack. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx512vbmi2"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx512vbmi2")
#endif
typedef __m512i vec;
#include "x86/poly1305.inc.h"
#include "poly1305_cases.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

int main(void)
{
    const uint32_t needs = CPU_AVX2 | CPU_BMI2 | CPU_AVX512 | CPU_IFMA | CPU_VBMI2;
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
