/* CPU detection: cpuid, and xgetbv for what the operating system saves (Intel SDM volume 1, 13.2 and 14.3). */
#include "cpu.h"

#include "tls13.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = { "portable", "aesni", "avx2", "avx512" };

#define AESNI_NEEDS  (CPU_SSE41 | CPU_AES | CPU_PCLMUL)
#define AVX2_NEEDS   (AESNI_NEEDS | CPU_AVX2 | CPU_BMI2)
#define AVX512_NEEDS (AVX2_NEEDS | CPU_VAES | CPU_VPCLMUL | CPU_AVX512 | CPU_IFMA | CPU_VBMI2)

/* What may be used at each level, needed or not. */
static const uint32_t level_allows[] = {
    0,
    AESNI_NEEDS | CPU_SHA,
    AVX2_NEEDS | CPU_SHA | CPU_ADX | CPU_VAES | CPU_VPCLMUL,
    AVX512_NEEDS | CPU_SHA | CPU_ADX,
};
static const uint32_t level_needs[] = { 0, AESNI_NEEDS, AVX2_NEEDS, AVX512_NEEDS };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t features;
static enum cpu_level level;

#if defined(__x86_64__)
#include <cpuid.h>

#define XCR0_YMM 0x06U /* SSE and AVX state */
#define XCR0_ZMM 0xe6U /* and opmask, upper halves, upper registers */

static uint32_t xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return lo;
}

static bool all(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

static uint32_t detect(void)
{
    unsigned a, b, c, d, b7 = 0, c7 = 0;
    uint32_t f = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    uint32_t c1 = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        b7 = b;
        c7 = c;
    }
    uint32_t os = all(c1, bit_OSXSAVE) ? xcr0() : 0;
    f |= all(c1, bit_SSSE3 | bit_SSE4_1) ? CPU_SSE41 : 0;
    f |= all(c1, bit_AES) ? CPU_AES : 0;
    f |= all(c1, bit_PCLMUL) ? CPU_PCLMUL : 0;
    f |= all(b7, bit_SHA) ? CPU_SHA : 0;
    f |= all(b7, bit_BMI | bit_BMI2) ? CPU_BMI2 : 0;
    f |= all(b7, bit_ADX) ? CPU_ADX : 0;
    if (!all(os, XCR0_YMM) || !all(c1, bit_AVX))
        return f;
    f |= all(b7, bit_AVX2) ? CPU_AVX2 : 0;
    f |= all(c7, bit_VAES) ? CPU_VAES : 0;
    f |= all(c7, bit_VPCLMULQDQ) ? CPU_VPCLMUL : 0;
    if (!all(os, XCR0_ZMM) || !all(b7, bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL))
        return f;
    f |= CPU_AVX512;
    f |= all(b7, bit_AVX512IFMA) ? CPU_IFMA : 0;
    f |= all(c7, bit_AVX512VBMI | bit_AVX512VBMI2) ? CPU_VBMI2 : 0;
    return f;
}
#else
static uint32_t detect(void)
{
    return 0;
}
#endif

static void ask(void)
{
    uint32_t present = detect();
    unsigned top = sizeof level_names / sizeof level_names[0];
    const char *forced = secure_getenv("TLS13_CPU");
    for (unsigned i = 0; forced != NULL && i < top; i++)
        if (strcmp(forced, level_names[i]) == 0)
            top = i + 1;
    unsigned l = top - 1;
    while ((present & level_needs[l]) != level_needs[l])
        l--;
    level = (enum cpu_level)l;
    features = present & level_allows[l];
}

enum cpu_level cpu_level(void)
{
    (void)pthread_once(&once, ask);
    return level;
}

bool cpu_has(uint32_t wanted)
{
    (void)pthread_once(&once, ask);
    return (features & wanted) == wanted;
}

const char *tls13_cpu(void)
{
    return level_names[cpu_level()];
}
