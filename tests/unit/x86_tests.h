/* What the tests of the accelerated primitives share: guarded memory, lengths to try, cases that a CPU may lack. */
#ifndef X86_TESTS_H
#define X86_TESTS_H

#include "chance.h"
#include "unit.h"

#include "cpu.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

/* RUN when the CPU has all the features, SKIP otherwise. */
#define RUN_IF_CPU(features, test)                                                             \
    do {                                                                                       \
        if (cpu_has(features))                                                                 \
            RUN(test);                                                                         \
        else                                                                                   \
            printf("ok %d - %s # SKIP this CPU or TLS13_CPU lacks it\n", ++unit_count, #test); \
    } while (0)

#define MAX_DATA 17000
#define CANARY   0x5a

/* Memory of `size` bytes (whole pages) between two pages that must not be touched: a read one byte outside ends the test program. */
struct guarded {
    uint8_t *start, *end;
};

static inline struct guarded guard(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (size + page - 1) / page * page;
    uint8_t *p = mmap(NULL, body + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p, page, PROT_NONE) != 0 || mprotect(p + page + body, page, PROT_NONE) != 0) {
        perror("mmap");
        exit(1);
    }
    return (struct guarded){ p + page, p + page + body };
}

/* The last n bytes in front of the forbidden page. */
static inline uint8_t *guarded_tail(const struct guarded *g, size_t n)
{
    return g->end - n;
}

/* Canaries in front of n bytes at the tail; => still there? */
static inline void canary_set(const struct guarded *g, size_t n)
{
    memset(g->start, CANARY, (size_t)(g->end - g->start) - n);
}

static inline bool canary_whole(const struct guarded *g, size_t n)
{
    for (const uint8_t *p = g->start; p < g->end - n; p++)
        if (*p != CANARY)
            return false;
    return true;
}

/* The i-th length to try: all from 0 to 1500, then lengths around those where the ways part, then by chance up to MAX_DATA. */
#define LENGTHS 1801
static inline size_t length_at(size_t i)
{
    static const size_t edges[] = { 1536, 2048, 4096, 8192, 16384, 16401 };
    if (i <= 1500)
        return i;
    if (i - 1501 < 5 * sizeof edges / sizeof edges[0])
        return edges[(i - 1501) / 5] + (i - 1501) % 5 - 2;
    return random64() % (MAX_DATA + 1);
}

#endif
