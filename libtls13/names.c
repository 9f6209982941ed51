/* Server names: an open-addressing map from name to the list of credentials that carry it. */
#include "names.h"

#include <stdlib.h>

#include "tls13.h"
#include "x509.h"

struct entry {
    char *name;
    uint32_t hash;
    uint32_t n, cap; /* indexes in list, and room for */
    uint16_t *list;
};

/* slots hold 1 + a place in entries, 0 when free; a power of two of them, at most half in use. */
struct names {
    struct entry *entries;
    uint32_t *slots;
    size_t n, n_slots; /* entries has room for half of n_slots */
};

#define FIRST_SLOTS 16

/* FNV-1a.  Names in the map are the operator's own, so nobody outside can make it degenerate. */
static uint32_t hash_of(const char *s, size_t len)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)s[i]) * 16777619U;
    return h;
}

struct names *names_new(void)
{
    return calloc(1, sizeof(struct names));
}

void names_free(struct names *n)
{
    if (n == NULL)
        return;
    for (size_t i = 0; i < n->n; i++) {
        free(n->entries[i].name);
        free(n->entries[i].list);
    }
    free(n->entries);
    free(n->slots);
    free(n);
}

/* The name's slot, or the free one where it would go; n_slots is not 0. */
static uint32_t *slot_of(const struct names *n, const char *name, size_t len, uint32_t hash)
{
    for (size_t i = hash & (n->n_slots - 1);; i = (i + 1) & (n->n_slots - 1)) {
        if (n->slots[i] == 0)
            return &n->slots[i];
        const struct entry *e = &n->entries[n->slots[i] - 1];
        if (e->hash == hash && strlen(e->name) == len && memcmp(e->name, name, len) == 0)
            return &n->slots[i];
    }
}

/* Doubles the map; on failure it is as it was. */
static int grow(struct names *n)
{
    size_t n_slots = n->n_slots != 0 ? 2 * n->n_slots : FIRST_SLOTS;
    struct entry *entries = realloc(n->entries, n_slots / 2 * sizeof *entries);
    if (entries == NULL)
        return -TLS13_E_MEMORY;
    n->entries = entries;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL)
        return -TLS13_E_MEMORY;
    free(n->slots);
    n->slots = slots;
    n->n_slots = n_slots;
    for (size_t i = 0; i < n->n; i++)
        *slot_of(n, entries[i].name, strlen(entries[i].name), entries[i].hash) = (uint32_t)i + 1;
    return 0;
}

static int append(struct entry *e, uint16_t index)
{
    if (e->n != 0 && e->list[e->n - 1] == index) /* the certificate has the name twice */
        return 0;
    if (e->n == e->cap) {
        uint32_t cap = e->cap != 0 ? 2 * e->cap : 2;
        uint16_t *list = realloc(e->list, cap * sizeof *list);
        if (list == NULL)
            return -TLS13_E_MEMORY;
        e->list = list;
        e->cap = cap;
    }
    e->list[e->n++] = index;
    return 0;
}

int names_add(struct names *n, const char *name, unsigned index)
{
    if (index > UINT16_MAX)
        return -TLS13_E_BAD_ARGUMENT;
    if (n->n == n->n_slots / 2) {
        int err = grow(n);
        if (err < 0)
            return err;
    }
    size_t len = strlen(name);
    uint32_t hash = hash_of(name, len), *slot = slot_of(n, name, len, hash);
    if (*slot != 0)
        return append(&n->entries[*slot - 1], (uint16_t)index);
    struct entry e = { .name = strdup(name), .hash = hash };
    if (e.name == NULL || append(&e, (uint16_t)index) < 0) {
        free(e.name);
        return -TLS13_E_MEMORY;
    }
    n->entries[n->n++] = e;
    *slot = (uint32_t)n->n;
    return 0;
}

static size_t find(const struct names *n, const char *name, size_t len, const uint16_t **list)
{
    uint32_t slot = n->n_slots != 0 ? *slot_of(n, name, len, hash_of(name, len)) : 0;
    if (slot == 0)
        return 0;
    *list = n->entries[slot - 1].list;
    return n->entries[slot - 1].n;
}

size_t names_find(const struct names *n, const char *host, size_t len, const uint16_t **list)
{
    *list = NULL;
    size_t found = find(n, host, len, list);
    const char *dot = memchr(host, '.', len);
    if (found != 0 || dot == NULL || dot == host)
        return found;
    /* RFC 6125 6.4.3: the wildcard is the whole left-most label, and stands for one label. */
    char wild[257];
    size_t rest = len - (size_t)(dot - host);
    if (rest >= sizeof wild)
        return 0;
    wild[0] = '*';
    memcpy(wild + 1, dot, rest);
    return find(n, wild, rest + 1, list);
}

/* Four numbers of one to three digits: an address in dotted form, or at least no host name. */
static bool looks_like_ipv4(const char *s)
{
    unsigned dots = 0, digits = 0;
    for (; *s != '\0'; s++) {
        if (*s == '.') {
            dots++;
            digits = 0;
        } else if (*s < '0' || *s > '9' || ++digits > 3) {
            return false;
        }
    }
    return dots == 3;
}

int names_normalise(const uint8_t *host, size_t len, char out[static 256])
{
    /* IPv6 literals have colons, which no host name has. */
    if (x509_host_lower(host, len, out))
        return looks_like_ipv4(out) ? -TLS13_E_ILLEGAL : 0;
    out[0] = '\0'; /* not the good beginning of a bad name: whoever logs it would name a host that was not asked for */
    return -TLS13_E_ILLEGAL;
}
