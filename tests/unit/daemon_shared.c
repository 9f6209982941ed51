/* What processes share: counters, connections by address, ticket keys. */
#include "per_ip.h"
#include "stats.h"
#include "tickets.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct endpoint v4(uint32_t n)
{
    struct endpoint e = { .family = AF_INET };
    memcpy(e.ip, &n, 4);
    return e;
}

static void addresses_are_counted_over_all_workers(void)
{
    struct per_ip l;
    CHECK(per_ip_init(&l, 4, 100));
    struct endpoint a = v4(1), b = v4(2), c = { .ip = { 0x20, 1, 0xd, 0xb8 }, .family = AF_INET6 }, d = c;
    CHECK_INT(per_ip_add(&l, 1, &a), 1);
    CHECK_INT(per_ip_add(&l, 2, &a), 2);
    CHECK_INT(per_ip_add(&l, 1, &b), 1);
    d.ip[15] = 7; /* the same /64 */
    CHECK_INT(per_ip_add(&l, 1, &c), 1);
    CHECK_INT(per_ip_add(&l, 1, &d), 2);
    d.ip[7] = 7; /* another */
    CHECK_INT(per_ip_add(&l, 1, &d), 1);
    per_ip_remove(&l, 1, &a);
    CHECK_INT(per_ip_add(&l, 3, &a), 2);
    per_ip_clear(&l, 2);
    CHECK_INT(per_ip_add(&l, 3, &a), 2);
    per_ip_free(&l);
}

/* Random connections against plain counts; the table stays as small as what is in it. */
static void addresses_model(void)
{
    static uint32_t count[200];
    struct per_ip l;
    uint64_t s = 7;
    CHECK(per_ip_init(&l, 1, 100));
    size_t open = 0;
    for (int i = 0; i < 200000; i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        uint32_t who = (uint32_t)(s >> 33) % 200;
        struct endpoint e = v4(who);
        if ((s >> 60) % 2 == 0 && open < 100) {
            CHECK_INT(per_ip_add(&l, 0, &e), ++count[who]);
            open++;
        } else if (count[who] != 0) {
            per_ip_remove(&l, 0, &e);
            count[who]--;
            open--;
        }
    }
    for (uint32_t who = 0; who < 200; who++) {
        struct endpoint e = v4(who);
        while (count[who]-- != 0)
            per_ip_remove(&l, 0, &e);
    }
    for (size_t i = 0; i < l.slots; i++)
        CHECK_INT(l.at[i].count, 0);
    per_ip_free(&l);
}

static void the_dead_keep_their_counts(void)
{
    struct stats_shared *s = stats_new();
    static struct stats sum;
    CHECK(s != NULL);
    s->master.blocks = 1;
    int a = stats_take(s), b = stats_take(s);
    CHECK(a > 0 && b > 0 && a != b);
    STATS_ADD(&s->block[a], accepted, 5);
    STATS_ADD(&s->block[b], accepted, 7);
    STATS_SET(&s->block[a], active, 3);
    STATS_SET(&s->block[b], active, 4);
    CHECK_INT(stats_sum_one(s, offsetof(struct stats, active)), 7);
    stats_retire(s, a);
    stats_sum(s, &sum);
    CHECK_INT(sum.accepted, 12);
    CHECK_INT(sum.active, 4);
    CHECK_INT(stats_take(s), a);
    munmap(s, sizeof *s);
}

static void histogram(void)
{
    static struct stats_histogram h;
    stats_time(&h, 0);
    stats_time(&h, 0.0005);
    stats_time(&h, 0.000501);
    stats_time(&h, 1000);
    CHECK_INT(h.bucket[0], 2);
    CHECK_INT(h.bucket[1], 1);
    CHECK_INT(h.bucket[STATS_BUCKETS], 1);
    CHECK_INT(stats_suite(0x1303), 2);
    CHECK_INT(stats_suite(0x1304), STATS_SUITES - 1);
    CHECK_INT(stats_group(0x11ec), 0);
}

static void ticket_keys_rotate(void)
{
    struct ticket_ring *r = tickets_new();
    uint8_t first[TLS13_TICKET_KEY];
    CHECK(r != NULL && tickets_rotate(r, 3));
    CHECK_INT(r->n, 1);
    CHECK_INT(r->version, 2);
    memcpy(first, r->key[0], sizeof first);
    CHECK(tickets_rotate(r, 3) && tickets_rotate(r, 3));
    CHECK_INT(r->n, 3);
    CHECK_MEM(r->key[2], first, sizeof first);
    CHECK(tickets_rotate(r, 3));
    CHECK_INT(r->n, 3);
    CHECK(memcmp(r->key[2], first, sizeof first) != 0);
    munmap(r, sizeof *r);
}

static void ticket_keys_from_a_file(void)
{
    static const uint8_t keys[10 * TLS13_TICKET_KEY] = { 1, 2, 3 };
    static const size_t bad[] = { 0, 1, 47, 49, 9 * 48, 10 * 48 };
    char path[] = "/tmp/tls13d-keys-XXXXXX", why[512];
    struct ticket_ring *r = tickets_new();
    int fd = mkstemp(path);
    CHECK(r != NULL && fd >= 0);
    CHECK_INT(pwrite(fd, keys, 96, 0), 96);
    CHECK_INT(tickets_load(r, path, why, sizeof why), 0);
    CHECK_INT(r->n, 2);
    uint32_t version = r->version;
    CHECK_INT(tickets_load(r, path, why, sizeof why), 0);
    CHECK_INT(r->version, version); /* unchanged */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_INT(ftruncate(fd, 0), 0);
        CHECK_INT(pwrite(fd, keys, bad[i], 0), bad[i]);
        CHECK_INT(tickets_load(r, path, why, sizeof why), -1);
        CHECK_INT(r->version, version);
    }
    close(fd);
    unlink(path);
    CHECK_INT(tickets_load(r, path, why, sizeof why), -1);
    munmap(r, sizeof *r);
}

int main(void)
{
    RUN(addresses_are_counted_over_all_workers);
    RUN(addresses_model);
    RUN(the_dead_keep_their_counts);
    RUN(histogram);
    RUN(ticket_keys_rotate);
    RUN(ticket_keys_from_a_file);
    return DONE();
}
