/* What the admin process tells of: names out of the world, signs of life and samples out of the shared counters. */
#include "admin.h"

#include <stdlib.h>
#include <string.h>

#define SILENT_SECONDS 15 /* a worker without a sign of life for so long serves nobody */
#define DAY            86400

/* --- the parts --------------------------------------------------------------------------------------------------- */

static bool collect_listeners(struct admin_view *v, const struct world *w, struct stats_shared *shared)
{
    v->listeners = calloc(w->conf->n_listens + 1, sizeof *v->listeners);
    if (v->listeners == NULL)
        return false;
    for (size_t i = 0; i < w->conf->n_listens; i++) {
        struct admin_listener *l = &v->listeners[v->n_listeners++];
        *l = (struct admin_listener){ .name = w->conf->listens[i].name, .place = stats_listener(shared, w->conf->listens[i].name) };
        l->binds = calloc(w->binds.n + 1, sizeof *l->binds);
        if (l->binds == NULL)
            return false;
        for (size_t j = 0; j < w->binds.n; j++) {
            const struct binding *b = &w->binds.at[j];
            if (b->listen == i)
                (void)addr_sockaddr_text(&b->bound.u.sa, b->bound.len, l->binds[l->n_binds++], sizeof *l->binds);
        }
    }
    return true;
}

static void add_backend(struct admin_view *v, struct stats_shared *shared, const char *listener, const struct addr *a)
{
    struct admin_backend *b = &v->backends[v->n_backends];
    b->listener = listener;
    b->place = stats_backend(shared, listener, addr_text(a, b->address, sizeof b->address));
    for (size_t i = 0; i < v->n_backends; i++)
        if (v->backends[i].place == b->place)
            return;
    v->n_backends++;
}

static bool collect_backends(struct admin_view *v, const struct world *w, struct stats_shared *shared)
{
    size_t n = 1;
    for (size_t i = 0; i < w->conf->n_listens; i++)
        n += w->conf->listens[i].n_backends + w->conf->listens[i].n_routes;
    v->backends = calloc(n, sizeof *v->backends);
    if (v->backends == NULL)
        return false;
    for (size_t i = 0; i < w->conf->n_listens; i++) {
        const struct listen_conf *l = &w->conf->listens[i];
        for (size_t j = 0; j < l->n_backends; j++)
            add_backend(v, shared, l->name, &l->backends[j]);
        for (size_t j = 0; j < l->n_routes; j++)
            add_backend(v, shared, l->name, &l->routes[j].backend);
    }
    return true;
}

static int by_expiry(const void *a, const void *b)
{
    const struct admin_cert *x = a, *y = b;
    return x->info.not_after < y->info.not_after ? -1 : x->info.not_after > y->info.not_after;
}

static bool collect_certs(struct admin_view *v, const struct world *w)
{
    struct admin_cert c;
    size_t cap = 0;
    for (size_t i = 0; i < w->conf->n_listens; i++) {
        c.listener = w->conf->listens[i].name;
        for (c.index = 0; tls13_ctx_cert_info(w->ctx[i], c.index, &c.info) >= 0; c.index++) {
            if (v->n_certs == cap) {
                cap = cap != 0 ? cap * 2 : 16;
                struct admin_cert *more = reallocarray(v->certs, cap, sizeof *more);
                if (more == NULL)
                    return false;
                v->certs = more;
            }
            v->certs[v->n_certs++] = c;
        }
    }
    if (v->n_certs != 0)
        qsort(v->certs, v->n_certs, sizeof *v->certs, by_expiry);
    return true;
}

bool admin_view_build(struct admin_view *v, const struct world *w, struct stats_shared *shared)
{
    *v = (struct admin_view){ .shared = shared };
    return collect_listeners(v, w, shared) && collect_backends(v, w, shared) && collect_certs(v, w);
}

/* --- signs of life ----------------------------------------------------------------------------------------------- */

/* A block is taken with pid 1 before its worker has started; a beat of 0 is one that has just done so. */
size_t admin_alive(const struct admin_view *v)
{
    uint64_t generation = __atomic_load_n(&v->shared->master.generation, __ATOMIC_RELAXED);
    size_t n = 0;
    for (size_t i = 1; i < STATS_BLOCKS && i < __atomic_load_n(&v->shared->master.blocks, __ATOMIC_RELAXED); i++) {
        const struct stats *b = &v->shared->block[i];
        uint64_t beat = __atomic_load_n(&b->beat, __ATOMIC_RELAXED);
        n += __atomic_load_n(&b->pid, __ATOMIC_RELAXED) > 1 && __atomic_load_n(&b->generation, __ATOMIC_RELAXED) == generation &&
             (beat == 0 || beat + SILENT_SECONDS >= v->clock);
    }
    return n;
}

bool admin_ready(const struct admin_view *v)
{
    return __atomic_load_n(&v->shared->master.ready, __ATOMIC_RELAXED) != 0 && admin_alive(v) != 0;
}

int64_t admin_days_left(const struct admin_cert *c, int64_t now)
{
    int64_t left = c->info.not_after - now;
    return left >= 0 ? left / DAY : -((DAY - 1 - left) / DAY);
}

/* --- samples ----------------------------------------------------------------------------------------------------- */

void admin_sample(struct stats_shared *shared, uint64_t clock)
{
    static struct stats sum;
    struct stats_sample *s = &shared->sample[stats_sample_at(clock)];
    stats_sum(shared, &sum);
    *s = (struct stats_sample){ .time = clock,
                                .accepted = sum.accepted,
                                .handshakes = sum.handshakes_full + sum.handshakes_resumed,
                                .failed = sum.handshakes_failed,
                                .bytes_in = sum.bytes_in,
                                .bytes_out = sum.bytes_out,
                                .active = sum.active };
}
