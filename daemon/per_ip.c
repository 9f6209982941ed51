#include "per_ip.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

bool per_ip_init(struct per_ip *l, size_t tables, size_t max)
{
    *l = (struct per_ip){ .tables = tables, .slots = 64 };
    while (l->slots < 2 * max)
        l->slots *= 2;
    void *at = mmap(NULL, tables * l->slots * sizeof *l->at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED || getrandom(&l->seed, sizeof l->seed, 0) != sizeof l->seed) {
        if (at != MAP_FAILED)
            munmap(at, tables * l->slots * sizeof *l->at);
        return false;
    }
    l->at = at;
    return true;
}

void per_ip_free(struct per_ip *l)
{
    if (l->at != NULL)
        munmap(l->at, l->tables * l->slots * sizeof *l->at);
    *l = (struct per_ip){ 0 };
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

/* Seeded, so that nobody can choose addresses that collide; never 0. */
static uint64_t key_of(const struct per_ip *l, const struct endpoint *e)
{
    uint64_t a = 0;
    memcpy(&a, e->ip, e->family == AF_INET ? 4 : 8);
    uint64_t h = mix(mix(mix(l->seed, a), e->family), l->seed >> 7);
    return h | 1;
}

/* => the slot of a key, or NULL; *free_slot the first one it could take. */
static struct per_ip_slot *find(const struct per_ip *l, size_t table, uint64_t key, struct per_ip_slot **free_slot)
{
    struct per_ip_slot *t = l->at + table * l->slots;
    if (free_slot != NULL)
        *free_slot = NULL;
    for (size_t i = 0; i < l->slots; i++) {
        struct per_ip_slot *s = &t[((key >> 1) + i) & (l->slots - 1)];
        uint64_t k = __atomic_load_n(&s->key, __ATOMIC_RELAXED);
        if (k == key)
            return s;
        bool free = k == 0 || __atomic_load_n(&s->count, __ATOMIC_RELAXED) == 0;
        if (free && free_slot != NULL && *free_slot == NULL)
            *free_slot = s;
        if (k == 0)
            return NULL;
    }
    return NULL;
}

uint32_t per_ip_add(struct per_ip *l, size_t table, const struct endpoint *e)
{
    uint64_t key = key_of(l, e);
    uint32_t sum = 0;
    for (size_t i = 0; i < l->tables; i++) {
        struct per_ip_slot *free_slot, *s = find(l, i, key, &free_slot);
        if (i == table) {
            s = s != NULL ? s : free_slot;
            if (s == NULL)
                continue;
            __atomic_store_n(&s->key, key, __ATOMIC_RELAXED);
            __atomic_store_n(&s->count, s->count + 1, __ATOMIC_RELAXED);
        }
        sum += s != NULL ? __atomic_load_n(&s->count, __ATOMIC_RELAXED) : 0;
    }
    return sum;
}

void per_ip_remove(struct per_ip *l, size_t table, const struct endpoint *e)
{
    struct per_ip_slot *t = l->at + table * l->slots, *s = find(l, table, key_of(l, e), NULL);
    if (s == NULL || s->count == 0)
        return;
    __atomic_store_n(&s->count, s->count - 1, __ATOMIC_RELAXED);
    /* The last of a chain is forgotten, with those before it that were only kept for its sake. */
    size_t i = (size_t)(s - t);
    while (t[i].count == 0 && t[i].key != 0 && t[(i + 1) & (l->slots - 1)].key == 0) {
        __atomic_store_n(&t[i].key, 0, __ATOMIC_RELAXED);
        i = (i - 1) & (l->slots - 1);
    }
}

void per_ip_clear(struct per_ip *l, size_t table)
{
    if (l->at != NULL)
        memset(l->at + table * l->slots, 0, l->slots * sizeof *l->at);
}
