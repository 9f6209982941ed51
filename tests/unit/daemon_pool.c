#include "pool.h"
#include "unit.h"

#define N 3000

static void cells_are_whole_and_apart(void)
{
    static uint8_t *at[N];
    struct pool p;
    pool_init(&p, 1500);
    CHECK_INT(p.cell, 1504);
    for (int i = 0; i < N; i++) {
        at[i] = pool_get(&p);
        CHECK(at[i] != NULL && (uintptr_t)at[i] % 16 == 0);
        memset(at[i], i & 0xff, 1500);
    }
    CHECK_INT(p.in_use, N);
    CHECK(pool_bytes(&p) < N * 1504 * 11 / 10 + p.block);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < 1500; j += 7)
            CHECK(at[i][j] == (i & 0xff));
    for (int i = 0; i < N; i++)
        pool_put(&p, at[(i * 7) % N]);
    CHECK_INT(p.in_use, 0);
    CHECK_INT(p.blocks, 1);
    pool_trim(&p);
    CHECK_INT(p.blocks, 0);
}

/* A spare that is in use again and again stays; one that nobody wants goes. */
static void the_spare(void)
{
    struct pool p;
    pool_init(&p, 64);
    for (int i = 0; i < 5; i++) {
        void *c = pool_get(&p);
        CHECK(c != NULL);
        pool_put(&p, c);
        if (i > 0)
            pool_trim(&p);
        CHECK_INT(p.blocks, 1);
    }
    pool_trim(&p);
    CHECK_INT(p.blocks, 0);
}

static void random_use(void)
{
    static uint32_t *at[N];
    struct pool p;
    uint64_t s = 99;
    pool_init(&p, 6144);
    memset(at, 0, sizeof at);
    for (uint32_t round = 0; round < 30000; round++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        size_t i = (s >> 33) % 500;
        if (at[i] != NULL) {
            CHECK_INT(at[i][0], i);
            CHECK_INT(at[i][1535], i);
            pool_put(&p, at[i]);
            at[i] = NULL;
        } else {
            at[i] = pool_get(&p);
            CHECK(at[i] != NULL);
            at[i][0] = at[i][1535] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < 500; i++)
        if (at[i] != NULL)
            pool_put(&p, at[i]);
    CHECK_INT(p.in_use, 0);
    CHECK_INT(p.blocks, 1);
    pool_trim(&p);
}

static void slab_sizes(void)
{
    static const size_t want[] = { 1, 2048, 2049, 16406, 33029, 65651, SLAB_MAX, SLAB_MAX + 1, 300000 };
    struct slabs s;
    slabs_init(&s);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        uint32_t cap = 0;
        uint8_t *b = slab_lease(&s, want[i], &cap);
        CHECK(b != NULL && cap >= want[i]);
        memset(b, 1, want[i]);
        CHECK_INT(s.in_use, 1);
        slab_return(&s, b, cap);
        CHECK_INT(s.in_use, 0);
    }
    slabs_trim(&s);
    slabs_trim(&s);
    CHECK_INT(slabs_bytes(&s), 0);
}

int main(void)
{
    RUN(cells_are_whole_and_apart);
    RUN(the_spare);
    RUN(random_use);
    RUN(slab_sizes);
    return DONE();
}
