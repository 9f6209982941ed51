/* Client to backend: opened where it was received, written from there. */
#include "link_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SLICES 32 /* pieces of plaintext in one write; more are moved together */

/* Adds a slice; when there are too many they are moved together, which they can be since each lies behind the last. */
static int add_slice(struct iovec *iov, int n, uint8_t *p, size_t len)
{
    if (n < SLICES) {
        iov[n] = (struct iovec){ p, len };
        return n + 1;
    }
    struct iovec *last = &iov[n - 1];
    memmove((uint8_t *)last->iov_base + last->iov_len, p, len);
    last->iov_len += len;
    return n;
}

/* Opens what lies at env->in and writes it to the backend; what is left of either is kept. */
static void open_and_write(struct link *l, size_t have)
{
    struct link_env *env = l->env;
    struct tls13_io io = { .in = env->in, .in_len = have, .out = env->out, .out_cap = env->out_cap };
    struct iovec iov[SLICES];
    size_t total = 0;
    int n = 0, ev;
    while ((ev = tls13_recv(link_tls(l), &io)) == TLS13_DATA) {
        n = add_slice(iov, n, io.data, io.data_len);
        total += io.data_len;
    }
    pump_to_client(l, env->out, io.out_len, false);
    l->in += total;
    STATS_ADD(env->stats, bytes_in, total);
    STATS_ADD(&env->stats->listener[l->place->index], bytes_in, total);

    if (ev == TLS13_EOF)
        relay_client_ended(&l->relay, false);
    else if (ev < 0)
        link_tls_error(l, ev);
    size_t hold = ev == TLS13_MORE ? io.in_len : 0;
    size_t k = n != 0 && !l->relay.up.drop ? pump_to_backend(l, iov, n) : 0;
    if (l->relay.up.drop) {
        n = 0;
        k = 0;
    }
    (void)pump_keep(l, iov, n, k, io.in, hold);
}

/* The client's socket has ended, or failed: without close_notify that is a truncation. */
static void client_over(struct link *l, ssize_t err)
{
    if (l->up.hold != 0)
        pump_drop(l, &l->up);
    if (err == 0 && !l->client_reset) {
        l->client_fin = true;
        bool cut = l->place->conf->truncation == TRUNCATION_RESET;
        /* Behind our own orderly end it only is a client that does not say goodbye. */
        if (!l->relay.down.eof_out || l->relay.down.cut)
            link_word(l, END_TRUNCATED, 0);
        relay_client_ended(&l->relay, cut);
        return;
    }
    l->client_reset = true;
    link_word(l, END_RESET, 0);
    pump_drop(l, &l->down);
    relay_client_ended(&l->relay, true);
    relay_client_broken(&l->relay);
}

/* A client that leaves, or to whom all is said: read and drop. */
static void drop_client(struct link *l)
{
    ssize_t k = recv(l->client_io.fd, l->env->in, SLAB_MAX, 0);
    l->client_io.left = k > 0 || (k < 0 && errno == EINTR);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (k > 0) {
        bool lingers = l->relay.client == LEAVE_LINGER;
        l->linger_left -= lingers ? ((uint32_t)k < l->linger_left ? (uint32_t)k : l->linger_left) : 0;
        if (!lingers || l->linger_left != 0)
            return;
    }
    if (k == 0 && l->relay.client != LEAVE_LINGER) {
        relay_client_ended(&l->relay, true);
        return;
    }
    loop_close(l->env->loop, &l->client_io);
    pump_drop(l, &l->down);
    relay_client_gone(&l->relay);
}

void pump_client(struct link *l)
{
    for (int i = 0; i < LINK_ROUNDS; i++) {
        if (l->relay.client != LEAVE_NOT || l->aborted) {
            drop_client(l);
            return;
        }
        if (l->fresh_hold) { /* whether there is more, client_io.left says, or the loop will tell */
            open_and_write(l, pump_take_hold(l));
            return;
        }
        size_t have = 0, room = pump_room(l);
        ssize_t k = pump_recv(l, &have);
        if (k == -EAGAIN || k == -EINTR)
            return;
        if (k <= 0) {
            client_over(l, k);
            return;
        }
        open_and_write(l, have);
        bool all = (size_t)k < room;
        l->client_fin |= all && l->client_end_behind && !l->client_end_loose;
        if ((all && !l->client_end_behind) || (relay_client_events(&l->relay) & RELAY_READ) == 0)
            return;
    }
}
