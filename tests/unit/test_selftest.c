/* The self-test, and the switch that takes CPU levels away: each level in a process of its own, since both are decided once. */
#include "cpu.h"
#include "nist.h"
#include "tls13.h"
#include "unit.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Runs in a child: the level that TLS13_CPU=value gives, or 100 + level when the self-test fails there. */
static int level_with(const char *value)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (value != NULL)
            setenv("TLS13_CPU", value, 1);
        else
            unsetenv("TLS13_CPU");
        static const char *const names[] = { "portable", "aesni", "avx2", "avx512" };
        int level = -1;
        for (int i = 0; i < 4; i++)
            if (strcmp(tls13_cpu(), names[i]) == 0)
                level = i;
        int ok = level == (int)cpu_level() && tls13_selftest() == 0 && tls13_selftest() == 0;
        _exit(ok ? level : 100 + level);
    }
    int status = 0;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_best_level_passes(void)
{
    CHECK(level_with(NULL) <= 3);
}

static void levels_can_be_taken_away(void)
{
    int best = level_with(NULL);
    CHECK_INT(level_with("portable"), 0);
    CHECK_INT(level_with("aesni"), best < 1 ? best : 1);
    CHECK_INT(level_with("avx2"), best < 2 ? best : 2);
    CHECK_INT(level_with("avx512"), best);
}

static void unknown_values_are_ignored(void)
{
    int best = level_with(NULL);
    CHECK_INT(level_with(""), best);
    CHECK_INT(level_with("sse9"), best);
    CHECK_INT(level_with("AVX2"), best);
}

/* In this process: what the compiler's run-time library says of the CPU agrees. */
static void detection_agrees_with_the_compiler(void)
{
    unsetenv("TLS13_CPU");
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (cpu_level() >= CPU_LEVEL_AESNI) {
        CHECK(!!__builtin_cpu_supports("aes") == cpu_has(CPU_AES));
        CHECK(!!__builtin_cpu_supports("pclmul") == cpu_has(CPU_PCLMUL));
    }
    if (cpu_level() >= CPU_LEVEL_AVX2) {
        CHECK(!!__builtin_cpu_supports("avx2") == cpu_has(CPU_AVX2));
        CHECK(!!__builtin_cpu_supports("bmi2") == cpu_has(CPU_BMI2));
    }
    if (cpu_level() >= CPU_LEVEL_AVX512) {
        CHECK(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"));
        CHECK(__builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi2"));
        CHECK(__builtin_cpu_supports("vpclmulqdq"));
    }
    /* A CPU that has all of a level is not put below it. */
    if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"))
        CHECK(cpu_level() >= CPU_LEVEL_AESNI);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("aes"))
        CHECK(cpu_level() >= CPU_LEVEL_AVX2);
#else
    CHECK_INT(cpu_level(), CPU_LEVEL_PORTABLE);
#endif
    CHECK(cpu_has(0));
}

/* Stand before the library's own (the Makefile's --wrap): a build whose ECDSA verification takes nothing. */
static bool deaf;
#define DEAF(name)                                                                 \
    bool __real_##name(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs); \
    bool __wrap_##name(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs); \
    bool __wrap_##name(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs)  \
    {                                                                              \
        return !deaf && __real_##name(xy, hash, rs);                               \
    }
#ifdef __x86_64__
DEAF(p256_ecdsa_verify)
#endif
#ifdef HAVE_NIST64
DEAF(nist64_p256_verify)
DEAF(nist64_p384_verify)
#endif

/* Signing does not need it where signatures are checked from the nonce: the self-test has to ask. */
static void verification_that_takes_nothing_is_seen(void)
{
    static const char *const levels[] = { NULL, "aesni" };
    for (size_t i = 0; i < 2; i++) {
        int level = level_with(levels[i]);
        deaf = true;
        int without = level_with(levels[i]);
        deaf = false;
#ifdef HAVE_NIST64
        if (level > 0)
            CHECK_INT(without, 100 + level);
#else
        (void)level, (void)without;
#endif
    }
}

/* Part of the time to the first byte: a goal of 8 ms in all, held loosely here since tests share the machine. */
static void is_quick(void)
{
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    CHECK_INT(tls13_selftest(), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
    printf("# the self-test took %.2f ms of CPU\n", ms);
    CHECK(ms < 1000);
}

int main(void)
{
    RUN(the_best_level_passes);
    RUN(levels_can_be_taken_away);
    RUN(unknown_values_are_ignored);
    RUN(detection_agrees_with_the_compiler);
    RUN(verification_that_takes_nothing_is_seen);
    RUN(is_quick);
    return DONE();
}
