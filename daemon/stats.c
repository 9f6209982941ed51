#include "stats.h"

#include <string.h>
#include <sys/mman.h>

const uint16_t stats_suites[STATS_SUITES] = { 0x1301, 0x1302, 0x1303, 0 };
const uint16_t stats_groups[STATS_GROUPS] = { 0x11ec, 0x001d, 0x0017, 0x0018, 0 };
const uint32_t stats_bounds[STATS_BUCKETS] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 2500000, 10000000 };

/* Counters come first in a block, gauges and the owner's marks after them. */
#define COUNTED (offsetof(struct stats, active) / sizeof(uint64_t))
#define SUMMED  (offsetof(struct stats, pid) / sizeof(uint64_t))

const char *stats_end_word(enum stats_end e)
{
    static const char *const word[END_COUNT] = {
#define STATS_ROW(name, text) text,
        STATS_ENDS(STATS_ROW)
#undef STATS_ROW
    };
    return word[e];
}

struct stats_shared *stats_new(void)
{
    void *p = mmap(NULL, sizeof(struct stats_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Blocks beyond were never touched and have no memory behind them. */
static size_t used(const struct stats_shared *s)
{
    return __atomic_load_n(&s->master.blocks, __ATOMIC_RELAXED);
}

int stats_take(struct stats_shared *s)
{
    for (int i = 1; i < STATS_BLOCKS; i++) {
        if (__atomic_load_n(&s->block[i].pid, __ATOMIC_RELAXED) == 0) {
            __atomic_store_n(&s->block[i].pid, 1, __ATOMIC_RELAXED);
            if (s->master.blocks < (uint64_t)i + 1)
                __atomic_store_n(&s->master.blocks, (uint64_t)i + 1, __ATOMIC_RELAXED);
            return i;
        }
    }
    return -1;
}

static void add(uint64_t *to, const uint64_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t v = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
        if (v != 0)
            __atomic_store_n(&to[i], to[i] + v, __ATOMIC_RELAXED);
    }
}

void stats_retire(struct stats_shared *s, int block)
{
    struct stats *b = &s->block[block];
    for (size_t i = 0; i < STATS_LISTENERS; i++)
        b->listener[i].active = 0;
    for (size_t i = 0; i < STATS_BACKENDS; i++)
        b->backend[i].active = b->backend[i].failing = 0;
    add((uint64_t *)&s->block[0], (const uint64_t *)b, COUNTED);
    memset(b, 0, sizeof *b);
}

void stats_sum(const struct stats_shared *s, struct stats *sum)
{
    memset(sum, 0, sizeof *sum);
    for (size_t i = 0; i < used(s); i++)
        if (i == 0 || __atomic_load_n(&s->block[i].pid, __ATOMIC_RELAXED) != 0)
            add((uint64_t *)sum, (const uint64_t *)&s->block[i], SUMMED);
}

uint64_t stats_sum_one(const struct stats_shared *s, size_t offset)
{
    uint64_t v = 0;
    for (size_t i = 0; i < used(s); i++) {
        const uint64_t *field = (const uint64_t *)&s->block[i] + offset / sizeof(uint64_t);
        if (i == 0 || __atomic_load_n(&s->block[i].pid, __ATOMIC_RELAXED) != 0)
            v += __atomic_load_n(field, __ATOMIC_RELAXED);
    }
    return v;
}

/* => the place whose name is the key, else the first empty one, taken; the last when all are taken. */
static size_t place_of(char *names, size_t places, size_t size, const char *key)
{
    size_t i = 0;
    for (; i < places - 1 && names[i * size] != '\0'; i++)
        if (memcmp(names + i * size, key, size) == 0)
            return i;
    if (i < places - 1)
        memcpy(names + i * size, key, size);
    return i;
}

size_t stats_listener(struct stats_shared *s, const char *name)
{
    char key[sizeof s->master.listener[0]] = "";
    (void)strncpy(key, name, sizeof key - 1);
    return place_of(s->master.listener[0], STATS_LISTENERS, sizeof key, key);
}

size_t stats_backend(struct stats_shared *s, const char *listener, const char *address)
{
    char key[sizeof s->master.backend[0]] = "";
    (void)strncpy(key, listener, sizeof s->master.listener[0] - 1);
    size_t n = strlen(key) + 1;
    (void)strncpy(key + n, address, sizeof key - n - 1);
    return place_of(s->master.backend[0], STATS_BACKENDS, sizeof key, key);
}

void stats_time(struct stats_histogram *h, double seconds)
{
    uint64_t us = seconds > 0 ? (uint64_t)(seconds * 1e6) : 0;
    size_t i = 0;
    while (i < STATS_BUCKETS && us > stats_bounds[i])
        i++;
    STATS_ADD(h, bucket[i], 1);
    STATS_ADD(h, sum_us, us);
}

static size_t index_of(const uint16_t *list, size_t n, uint16_t v)
{
    size_t i = 0;
    while (i < n - 1 && list[i] != v)
        i++;
    return i;
}

size_t stats_suite(uint16_t suite)
{
    return index_of(stats_suites, STATS_SUITES, suite);
}

size_t stats_group(uint16_t group)
{
    return index_of(stats_groups, STATS_GROUPS, group);
}
