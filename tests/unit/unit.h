/* The unit tests' harness: TAP on standard output, one line a RUN.  A failing CHECK names its file and line and ends the case. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf unit_out;
static int unit_count, unit_failed;

#define CHECK(cond)                                                       \
    do {                                                                  \
        if (!(cond)) {                                                    \
            printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
            longjmp(unit_out, 1);                                         \
        }                                                                 \
    } while (0)

#define CHECK_INT(got, want)                                                                  \
    do {                                                                                      \
        long long got_ = (long long)(got), want_ = (long long)(want);                         \
        if (got_ != want_) {                                                                  \
            printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_, want_); \
            longjmp(unit_out, 1);                                                             \
        }                                                                                     \
    } while (0)

#define CHECK_MEM(got, want, n)                                    \
    do {                                                           \
        if (memcmp(got, want, n) != 0) {                           \
            unit_hex(#got, got, n);                                \
            unit_hex("wanted", want, n);                           \
            printf("# %s:%d: bytes differ\n", __FILE__, __LINE__); \
            longjmp(unit_out, 1);                                  \
        }                                                          \
    } while (0)

#define CHECK_STR(got, want)                                                                                        \
    do {                                                                                                            \
        const char *got_ = (got), *want_ = (want);                                                                  \
        if (got_ == NULL || strcmp(got_, want_) != 0) {                                                             \
            printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got, got_ ? got_ : "(null)", want_); \
            longjmp(unit_out, 1);                                                                                   \
        }                                                                                                           \
    } while (0)

#define RUN(test)                                          \
    do {                                                   \
        unit_count++;                                      \
        if (setjmp(unit_out) == 0) {                       \
            test();                                        \
            printf("ok %d - %s\n", unit_count, #test);     \
        } else {                                           \
            unit_failed++;                                 \
            printf("not ok %d - %s\n", unit_count, #test); \
        }                                                  \
        fflush(stdout);                                    \
    } while (0)

/* Ends main: the TAP plan and the exit status. */
#define DONE() (printf("1..%d\n", unit_count), unit_failed != 0)

static inline void unit_hex(const char *name, const void *p, size_t n)
{
    printf("# %s =", name);
    for (size_t i = 0; i < n && i < 256; i++)
        printf(" %02x", ((const uint8_t *)p)[i]);
    printf("\n");
}

/* Reads hex digits, blanks ignored, into out; => the number of bytes.  The buffer holds cap bytes; more ends the test program. */
static inline size_t unhex(uint8_t *out, size_t cap, const char *s)
{
    size_t n = 0;
    int hi = -1;
    for (; *s != '\0'; s++) {
        int d = *s >= '0' && *s <= '9' ? *s - '0' : *s >= 'a' && *s <= 'f' ? *s - 'a' + 10 : *s >= 'A' && *s <= 'F' ? *s - 'A' + 10 : -1;
        if (d < 0)
            continue;
        if (hi < 0) {
            hi = d;
            continue;
        }
        if (n == cap)
            abort();
        out[n++] = (uint8_t)(hi << 4 | d);
        hi = -1;
    }
    return n;
}

#endif
