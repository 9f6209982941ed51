/* What both directions of the pump stand on: reads of the right size, writes, and what is held when a socket does not take them. */
#include "link_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define FEW_HELD 32     /* buffers held by all connections, below which reads may be large */
#define HELD_MAX 278528 /* bytes that may wait for a client that makes us answer and never reads */

_Static_assert(SLAB_MAX >= LINK_RECORDS * LINK_RECORD + TLS13_UPDATE && SLAB_MAX >= TLS13_MAX_HOLD + LINK_RECORD,
               "the scratch, and what a queue holds");

size_t pump_records(const struct link_env *env)
{
    return env->slabs.in_use < FEW_HELD ? LINK_RECORDS : 2;
}

/* --- queues ----------------------------------------------------------------------------------------------------- */

void pump_drop(struct link *l, struct link_queue *q)
{
    if (q->slab != NULL)
        slab_return(&l->env->slabs, q->slab, q->cap);
    *q = (struct link_queue){ 0 };
}

/* No memory for what must be held: the connection cannot go on, and cannot even say so. */
static void out_of_memory(struct link *l)
{
    STATS_ADD(l->env->stats, out_of_memory, 1);
    link_word(l, END_INTERNAL, 0);
    l->client_reset = true;
    pump_drop(l, &l->down);
    relay_client_ended(&l->relay, true);
    relay_client_broken(&l->relay);
}

size_t pump_take_hold(struct link *l)
{
    size_t n = l->up.hold;
    if (n != 0) {
        memcpy(l->env->in, l->up.slab + l->up.off, n);
        pump_drop(l, &l->up);
    }
    l->fresh_hold = false;
    return n;
}

bool pump_keep(struct link *l, const struct iovec *plain, int n, size_t skip, const uint8_t *hold, size_t hold_len)
{
    size_t len = 0;
    for (int i = 0; i < n; i++)
        len += plain[i].iov_len;
    len -= skip;
    if (len + hold_len == 0)
        return true;
    l->up = (struct link_queue){ .hold = (uint32_t)hold_len };
    l->up.slab = slab_lease(&l->env->slabs, len + hold_len, &l->up.cap);
    if (l->up.slab == NULL) {
        l->up = (struct link_queue){ 0 };
        out_of_memory(l);
        return false;
    }
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        size_t k = plain[i].iov_len, miss = skip < k ? skip : k;
        memcpy(l->up.slab + at, (const uint8_t *)plain[i].iov_base + miss, k - miss);
        at += k - miss;
        skip -= miss;
    }
    if (hold_len != 0)
        memcpy(l->up.slab + at, hold, hold_len);
    l->relay.up.len = (uint32_t)len;
    return true;
}

/* Appends to what waits for the client. */
static void keep_down(struct link *l, const uint8_t *p, size_t n)
{
    struct link_queue *q = &l->down;
    size_t len = l->relay.down.len;
    if (q->slab == NULL || q->off + len + n > q->cap) {
        struct link_queue bigger = { 0 };
        bigger.slab = len + n > HELD_MAX ? NULL : slab_lease(&l->env->slabs, len + n, &bigger.cap);
        if (bigger.slab == NULL) {
            out_of_memory(l);
            return;
        }
        if (q->slab != NULL)
            memcpy(bigger.slab, q->slab + q->off, len);
        pump_drop(l, q);
        *q = bigger;
    }
    memcpy(q->slab + q->off + len, p, n);
    l->relay.down.len += (uint32_t)n;
}

/* --- to the client ---------------------------------------------------------------------------------------------- */

/* => bytes taken; a failure is noted as a fact. */
static size_t send_client(struct link *l, const uint8_t *p, size_t n, bool more)
{
    ssize_t k = send(l->client_io.fd, p, n, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (k >= 0)
        return (size_t)k;
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM)
        return 0;
    l->client_reset = true;
    pump_drop(l, &l->down);
    relay_client_broken(&l->relay);
    return 0;
}

void pump_to_client(struct link *l, const uint8_t *p, size_t n, bool more)
{
    if (n == 0 || l->relay.down.eof_out || l->relay.client == LEAVE_GONE)
        return;
    size_t k = l->relay.down.len == 0 ? send_client(l, p, n, more) : 0;
    if (k < n && !l->relay.down.eof_out)
        keep_down(l, p + k, n - k);
    if (k != 0)
        l->active = l->env->wheel.now;
}

void pump_flush_client(struct link *l)
{
    if (l->relay.down.len == 0)
        return;
    size_t k = send_client(l, l->down.slab + l->down.off, l->relay.down.len, false);
    if (k == 0)
        return;
    l->active = l->env->wheel.now;
    l->down.off += (uint32_t)k;
    l->relay.down.len -= (uint32_t)k;
    if (l->relay.down.len == 0)
        pump_drop(l, &l->down);
}

/* --- to the backend --------------------------------------------------------------------------------------------- */

/* The first write goes out at once whatever Nagle's algorithm says; a second one would wait until that is acknowledged. */
static void no_delay(struct link *l)
{
    if (!l->backend_wrote || l->backend_no_delay || l->backend_unix)
        return;
    l->backend_no_delay = true;
    backend_no_delay(l->backend_io.fd);
}

size_t pump_to_backend(struct link *l, const struct iovec *iov, int n)
{
    no_delay(l);
    ssize_t k = n == 1 ? send(l->backend_io.fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL) : writev(l->backend_io.fd, iov, n);
    if (k >= 0) {
        l->backend_wrote = true;
        return (size_t)k;
    }
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM)
        return 0;
    l->backend_reset |= errno != EPIPE;
    relay_backend_broken(&l->relay);
    return 0;
}

void pump_flush_backend(struct link *l)
{
    if (l->relay.up.len == 0)
        return;
    struct iovec iov = { l->up.slab + l->up.off, l->relay.up.len };
    size_t k = pump_to_backend(l, &iov, 1);
    if (k != 0)
        l->active = l->env->wheel.now;
    if (l->relay.up.drop) /* broken: the ciphertext behind is kept, the TLS connection goes on */
        k = iov.iov_len;
    l->up.off += (uint32_t)k;
    l->relay.up.len = (uint32_t)(iov.iov_len - k);
    if (l->relay.up.len == 0 && l->up.hold == 0)
        pump_drop(l, &l->up);
}

/* --- from the client -------------------------------------------------------------------------------------------- */

size_t pump_room(const struct link *l)
{
    size_t want = pump_records(l->env) * LINK_RECORD, hold = l->up.hold;
    return hold + LINK_RECORD <= want ? want - hold : LINK_RECORD;
}

ssize_t pump_recv(struct link *l, size_t *have)
{
    uint8_t *in = l->env->in;
    size_t hold = l->up.hold, room = pump_room(l);
    ssize_t k = recv(l->client_io.fd, in + hold, room, 0);
    l->client_io.left = k < 0 ? errno == EINTR : (size_t)k == room || l->client_end_behind;
    if (k < 0)
        return -errno;
    if (k == 0)
        return 0;
    *have = pump_take_hold(l) + (size_t)k;
    l->got_bytes = true;
    l->active = l->env->wheel.now;
    return k;
}
