#include "wheel.h"
#include "unit.h"

#define N 2000

struct entry {
    struct wheel_node node;
    uint32_t at; /* 0: not in */
};

static struct wheel w;
static struct entry e[N];

static uint32_t rnd(void)
{
    static uint64_t s = 88172645463325252u;
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return (uint32_t)(s >> 16);
}

static void comes_up_at_its_tick(void)
{
    struct wheel_node n = { 0 };
    wheel_init(&w);
    wheel_add(&w, &n, 5);
    CHECK(wheel_expired(&w, 4) == NULL);
    CHECK(wheel_expired(&w, 5) == &n);
    CHECK(wheel_expired(&w, 5) == NULL);
    CHECK_INT(w.n, 0);
}

static void gone_by_comes_up_at_the_next(void)
{
    struct wheel_node n = { 0 };
    wheel_init(&w);
    CHECK(wheel_expired(&w, 100) == NULL);
    wheel_add(&w, &n, 7);
    CHECK(wheel_expired(&w, 100) == NULL);
    CHECK(wheel_expired(&w, 101) == &n);
}

static void beyond_the_reach_and_after_a_sleep(void)
{
    struct wheel_node a = { 0 }, b = { 0 };
    wheel_init(&w);
    wheel_add(&w, &a, 36000);
    wheel_add(&w, &b, 50000);
    for (uint32_t t = 1; t < 36000; t++)
        CHECK(wheel_expired(&w, t) == NULL);
    CHECK(wheel_expired(&w, 36000) == &a);
    CHECK(wheel_expired(&w, 1000000) == &b);
    CHECK(wheel_expired(&w, 1000000) == NULL);
}

static void moved_and_taken_out(void)
{
    struct wheel_node a = { 0 };
    wheel_init(&w);
    wheel_del(&w, &a);
    wheel_add(&w, &a, 9);
    wheel_add(&w, &a, 20);
    CHECK_INT(w.n, 1);
    CHECK(wheel_expired(&w, 19) == NULL);
    wheel_del(&w, &a);
    CHECK(wheel_expired(&w, 30) == NULL);
    CHECK_INT(w.n, 0);
}

/* Random adds, moves, removals and jumps of time, against the entries' own notes. */
static void model(void)
{
    uint32_t now = 0;
    size_t in = 0;
    wheel_init(&w);
    memset(e, 0, sizeof e);
    for (int round = 0; round < 20000; round++) {
        struct entry *x = &e[rnd() % N];
        in -= x->at != 0;
        if (rnd() % 4 == 0) {
            wheel_del(&w, &x->node);
            x->at = 0;
        } else {
            x->at = now + 1 + rnd() % (rnd() % 8 == 0 ? 5000 : 300);
            wheel_add(&w, &x->node, x->at);
            in++;
        }
        if (rnd() % 3 != 0)
            continue;
        now += rnd() % 50 == 0 ? rnd() % 4000 : rnd() % 4;
        struct wheel_node *n;
        while ((n = wheel_expired(&w, now)) != NULL) {
            struct entry *y = (struct entry *)(void *)n;
            CHECK(y->at != 0 && y->at <= now);
            y->at = 0;
            in--;
        }
        CHECK_INT(w.n, in);
        for (int i = 0; i < N; i++)
            CHECK(e[i].at == 0 || e[i].at > now);
    }
}

static void any_takes_all_and_no_time(void)
{
    struct wheel_node a = { 0 }, b = { 0 }, c = { 0 };
    wheel_init(&w);
    CHECK(wheel_any(&w) == NULL);
    CHECK(wheel_expired(&w, 7) == NULL);
    wheel_add(&w, &a, 8);
    wheel_add(&w, &b, 300);
    wheel_add(&w, &c, 1000000);
    CHECK(wheel_any(&w) != NULL && wheel_any(&w) != NULL && wheel_any(&w) != NULL);
    CHECK(wheel_any(&w) == NULL && a.next == NULL && b.next == NULL && c.next == NULL);
    CHECK_INT(w.n, 0);
    CHECK_INT(w.now, 7);
}

static void seconds(void)
{
    CHECK_INT(wheel_ticks(10), 100);
    CHECK_INT(wheel_ticks(0.01), 1);
    CHECK_INT(wheel_ticks(0), 1);
    CHECK_INT(wheel_ticks(0.25), 3);
    CHECK_INT(wheel_ticks(1e12), 2000000000);
}

int main(void)
{
    RUN(comes_up_at_its_tick);
    RUN(gone_by_comes_up_at_the_next);
    RUN(beyond_the_reach_and_after_a_sleep);
    RUN(moved_and_taken_out);
    RUN(any_takes_all_and_no_time);
    RUN(model);
    RUN(seconds);
    return DONE();
}
