#include "tickets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

struct ticket_ring *tickets_new(void)
{
    void *p = mmap(NULL, sizeof(struct ticket_ring), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, sizeof(struct ticket_ring), MADV_DONTDUMP);
    return p;
}

/* Readers that meet an odd version, or a changed one, read again. */
static void publish(struct ticket_ring *r, const uint8_t (*key)[TLS13_TICKET_KEY], size_t n)
{
    __atomic_store_n(&r->version, r->version + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    explicit_bzero(r->key, sizeof r->key);
    memcpy(r->key, key, n * sizeof r->key[0]);
    r->n = (uint32_t)n;
    __atomic_store_n(&r->version, r->version + 1, __ATOMIC_RELEASE);
}

bool tickets_rotate(struct ticket_ring *r, size_t keep)
{
    uint8_t key[TICKET_KEYS][TLS13_TICKET_KEY];
    bool ok = getrandom(key[0], sizeof key[0], 0) == (ssize_t)sizeof key[0];
    if (ok) {
        size_t old = r->n < keep - 1 ? r->n : keep - 1;
        memcpy(key[1], r->key, old * sizeof key[0]);
        publish(r, (const uint8_t(*)[TLS13_TICKET_KEY])key, old + 1);
    }
    explicit_bzero(key, sizeof key);
    return ok;
}

void tickets_put(struct ticket_ring *r, const struct ticket_ring *from)
{
    publish(r, from->key, from->n <= TICKET_KEYS ? from->n : TICKET_KEYS);
}

int tickets_load(struct ticket_ring *r, const char *path, char *why, size_t why_len)
{
    uint8_t key[TICKET_KEYS + 1][TLS13_TICKET_KEY];
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), ret = -1; /* as a FIFO that nobody writes to wants it */
    ssize_t k = fd < 0 || fcntl(fd, F_SETFL, 0) != 0 ? -1 : 1;
    while (k > 0 && n < sizeof key) {
        k = read(fd, (uint8_t *)key + n, sizeof key - n);
        n += k > 0 ? (size_t)k : 0;
    }
    if (k < 0)
        (void)snprintf(why, why_len, "%s cannot be read: %s", path, strerror(errno));
    else if (n == 0 || n % TLS13_TICKET_KEY != 0 || n > sizeof r->key)
        (void)snprintf(why, why_len, "%s must hold 1 to %d keys of %d bytes; make one with: openssl rand %d", path, TICKET_KEYS,
                       TLS13_TICKET_KEY, TLS13_TICKET_KEY);
    else
        ret = 0;
    if (fd >= 0)
        close(fd);
    n /= TLS13_TICKET_KEY;
    if (ret == 0 && (n != r->n || memcmp(key, r->key, n * sizeof key[0]) != 0))
        publish(r, (const uint8_t(*)[TLS13_TICKET_KEY])key, n);
    explicit_bzero(key, sizeof key);
    return ret;
}

void tickets_apply(const struct ticket_ring *r, uint32_t *seen, struct tls13_ctx *const *ctx, size_t n)
{
    struct ticket_ring copy;
    uint32_t v = __atomic_load_n(&r->version, __ATOMIC_ACQUIRE);
    if (v == *seen || (v & 1) != 0)
        return;
    memcpy(&copy, r, sizeof copy);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&r->version, __ATOMIC_RELAXED) == v && copy.n <= TICKET_KEYS) {
        *seen = v;
        for (size_t i = 0; i < n; i++)
            (void)!tls13_ctx_set_ticket_keys(ctx[i], copy.key[0], copy.n);
    }
    explicit_bzero(&copy, sizeof copy);
}
