/* One connection's start, and the loop's events. */
#include "link_parts.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64 /* handshakes in one tls13_compute() */

static void client_event(struct watch *w, unsigned events)
{
    struct link *l = LOOP_OWNER(w, struct link, client_io);
    l->client_io.left |= (events & EPOLLIN) != 0;
    if (l->parked)
        return;
    l->client_end_behind |= (events & EPOLLRDHUP) != 0;
    l->client_end_loose |= l->client_unix || (events & EPOLLERR) != 0;
    if ((events & EPOLLOUT) != 0)
        pump_flush_client(l);
    if ((events & EPOLLIN) != 0 && (link_client_mask(l) & RELAY_READ) != 0) {
        if (l->phase <= LINK_HANDSHAKE && l->relay.client == LEAVE_NOT)
            open_read(l);
        else
            pump_client(l);
    }
    link_settle(l);
}

void link_backend_event(struct watch *w, unsigned events)
{
    struct link *l = LOOP_OWNER(w, struct link, backend_io);
    l->backend_end_behind |= (events & EPOLLRDHUP) != 0;
    l->backend_end_loose |= l->backend_unix || (events & EPOLLERR) != 0;
    if (l->phase == LINK_CONNECT) {
        open_backend_event(l);
        link_settle(l);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        pump_flush_backend(l);
        if (l->fresh_hold && l->relay.up.len == 0)
            pump_client(l);
    }
    if ((events & EPOLLIN) != 0)
        pump_backend(l);
    link_settle(l);
}

void link_start(struct link_env *env, struct place *place, const struct addr *bound, int fd, const struct sockaddr *peer)
{
    struct link *l = pool_get(&env->links);
    struct stats *s = env->stats;
    STATS_ADD(s, accepted, 1);
    STATS_ADD(&s->listener[place->index], accepted, 1);
    if (l == NULL) {
        STATS_ADD(s, out_of_memory, 1);
        close(fd);
        return;
    }
    memset(l, 0, sizeof *l);
    l->env = env;
    l->place = place;
    l->bound = bound;
    l->client_unix = peer->sa_family == AF_UNIX;
    l->client_io = (struct watch){ .event = client_event, .fd = fd, .edge = !l->client_unix };
    l->backend_io.fd = -1;
    l->relay.backend = LEAVE_GONE; /* until it is connected */
    l->phase = place->conf->accept_proxy == ON ? LINK_HEADER : LINK_HANDSHAKE;
    l->started = env->loop->now;
    l->handshake_ms = UINT32_MAX;
    l->names = l->names_in;
    endpoint_from(&l->client, peer);
    l->active = env->wheel.now;
    l->phase_due = env->wheel.now + place->handshake_ticks;
    env->active++;
    STATS_SET(s, active, env->active);
    STATS_ADD(s, handshaking, 1);
    STATS_ADD(&s->listener[place->index], active, 1);
    wheel_add(&env->wheel, &l->timer, l->phase_due);
    if (header_admit(l, peer))
        open_read(l);
    link_settle(l);
}

void link_compute(struct link_env *env)
{
    while (env->n_parked != 0) {
        struct link *batch[BATCH];
        struct tls13_conn *conns[BATCH];
        size_t n = env->n_parked < BATCH ? env->n_parked : BATCH;
        memcpy(batch, env->parked, n * sizeof batch[0]);
        env->n_parked -= n;
        memmove(env->parked, env->parked + n, env->n_parked * sizeof env->parked[0]);
        for (size_t i = 0; i < n; i++)
            conns[i] = link_tls(batch[i]);
        tls13_compute(conns, n);
        for (size_t i = 0; i < n; i++) {
            open_resume(batch[i]);
            link_settle(batch[i]);
        }
    }
}
