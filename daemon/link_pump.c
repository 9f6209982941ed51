/* Bytes: received, opened, written; read, sealed, sent; held when a socket does not take them. */
#include "link_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define RECORD     (TLS13_HEAD + TLS13_MAX_PLAIN + TLS13_TAIL)
#define ROUNDS     2                      /* reads in one event, so that one busy connection does not starve the others */
#define FEW_HELD   32                     /* buffers held by all connections, below which reads may be large */
#define HELD_MAX   278528                 /* bytes that may wait for a client that makes us answer and never reads */
#define SLICES     32                     /* pieces of plaintext in one write; more are moved together */
#define SMALL_BODY 1400                   /* with its record and TCP/IP headers one segment of 1,500 bytes */
#define SMALL_N    10                     /* such records in one read */
#define SMALL_MAX  (SMALL_N * SMALL_BODY) /* as much as a first congestion window carries; from then on records are whole */

_Static_assert(SLAB_MAX >= LINK_RECORDS * RECORD + TLS13_UPDATE && SLAB_MAX >= TLS13_MAX_HOLD + RECORD,
               "the scratch, and what a queue holds");

/*
 * Whole records one read may bring.  Large calls cost less a byte; but what a stalled sink does not take is held, so that only a few
 * connections may hold that much, the others two records each way.
 */
static size_t read_records(const struct link_env *env)
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
        if (len != 0)
            memcpy(bigger.slab, q->slab + q->off, len);
        pump_drop(l, q);
        *q = bigger;
    }
    memcpy(q->slab + q->off + len, p, n);
    l->relay.down.len += (uint32_t)n;
}

/* --- to the client ---------------------------------------------------------------------------------------------- */

/* => bytes taken; a failure is noted as a fact. */
static size_t send_client(struct link *l, const uint8_t *p, size_t n)
{
    ssize_t k = send(l->client_io.fd, p, n, MSG_NOSIGNAL);
    if (k >= 0)
        return (size_t)k;
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM)
        return 0;
    l->client_reset = true;
    pump_drop(l, &l->down);
    relay_client_broken(&l->relay);
    return 0;
}

void pump_to_client(struct link *l, const uint8_t *p, size_t n)
{
    if (n == 0 || l->relay.down.eof_out || l->relay.client == LEAVE_GONE)
        return;
    size_t k = l->relay.down.len == 0 ? send_client(l, p, n) : 0;
    if (k < n && !l->relay.down.eof_out)
        keep_down(l, p + k, n - k);
    if (k != 0)
        l->active = l->env->wheel.now;
}

void pump_flush_client(struct link *l)
{
    if (l->relay.down.len == 0)
        return;
    size_t k = send_client(l, l->down.slab + l->down.off, l->relay.down.len);
    if (k == 0)
        return;
    l->active = l->env->wheel.now;
    l->down.off += (uint32_t)k;
    l->relay.down.len -= (uint32_t)k;
    if (l->relay.down.len == 0)
        pump_drop(l, &l->down);
}

/* --- to the backend --------------------------------------------------------------------------------------------- */

/*
 * => bytes taken.  A failure is a fact: EPIPE says that the backend closed, after a FIN of its own that is still to be read; any other
 * error is a reset, which a later read may not tell again.
 */
static size_t write_backend(struct link *l, const struct iovec *iov, int n)
{
    ssize_t k = n == 1 ? send(l->backend_io.fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL) : writev(l->backend_io.fd, iov, n);
    if (k >= 0)
        return (size_t)k;
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
    size_t k = write_backend(l, &iov, 1);
    if (k != 0)
        l->active = l->env->wheel.now;
    if (l->relay.up.drop) /* broken: the ciphertext behind is kept, the TLS connection goes on */
        k = iov.iov_len;
    l->up.off += (uint32_t)k;
    l->relay.up.len = (uint32_t)(iov.iov_len - k);
    if (l->relay.up.len == 0 && l->up.hold == 0)
        pump_drop(l, &l->up);
}

/* --- client to backend ------------------------------------------------------------------------------------------ */

/* Where a client's records are whole ones, they end where a read ends, so that nothing of them is left to be held. */
static size_t read_room(const struct link *l)
{
    size_t want = read_records(l->env) * RECORD, hold = l->up.hold;
    return hold + RECORD <= want ? want - hold : RECORD;
}

ssize_t pump_recv(struct link *l, size_t *have)
{
    uint8_t *in = l->env->in;
    size_t hold = l->up.hold;
    ssize_t k = recv(l->client_io.fd, in + hold, read_room(l), 0);
    if (k < 0)
        return -errno;
    if (k == 0)
        return 0;
    *have = pump_take_hold(l) + (size_t)k;
    l->got_bytes = true;
    l->active = l->env->wheel.now;
    return k;
}

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
    pump_to_client(l, env->out, io.out_len);
    l->in += total;
    STATS_ADD(env->stats, bytes_in, total);
    STATS_ADD(&env->stats->listener[l->place->index], bytes_in, total);

    if (ev == TLS13_EOF)
        relay_client_ended(&l->relay, false);
    else if (ev < 0)
        link_tls_error(l, ev);
    size_t hold = ev == TLS13_MORE ? io.in_len : 0;
    size_t k = n != 0 && !l->relay.up.drop ? write_backend(l, iov, n) : 0;
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
    ev_io_stop(l->env->loop, &l->client_io);
    close(l->client_io.fd);
    l->client_io.fd = -1;
    pump_drop(l, &l->down);
    relay_client_gone(&l->relay);
}

void pump_client(struct link *l)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (l->relay.client != LEAVE_NOT || l->aborted) {
            drop_client(l);
            return;
        }
        if (l->fresh_hold) { /* whether there is more, the loop will tell */
            open_and_write(l, pump_take_hold(l));
            return;
        }
        size_t have = 0, room = read_room(l);
        ssize_t k = pump_recv(l, &have);
        if (k == -EAGAIN || k == -EINTR)
            return;
        if (k <= 0) {
            client_over(l, k);
            return;
        }
        open_and_write(l, have);
        if ((size_t)k < room)
            return;
        if ((relay_client_events(&l->relay) & RELAY_READ) == 0)
            return;
    }
}

/* --- backend to client ------------------------------------------------------------------------------------------ */

/* Small records at the start and after a pause of a second: the first bytes can be opened when the first segment is there. */
static size_t record_body(struct link *l)
{
    uint32_t now = l->env->wheel.now;
    if (now - l->last_down >= WHEEL_TICKS_PER_SECOND)
        l->small_sent = 0;
    l->last_down = now;
    return l->small_sent < SMALL_MAX ? SMALL_BODY : TLS13_MAX_PLAIN;
}

static void drop_backend(struct link *l)
{
    ssize_t k = recv(l->backend_io.fd, l->env->out, l->env->out_cap, 0);
    if (k == 0)
        relay_backend_ended(&l->relay, l->backend_reset);
    else if (k < 0 && errno != EAGAIN && errno != EINTR)
        relay_backend_ended(&l->relay, true);
}

/*
 * Reads up to n record bodies into their places at env->out.  Small ones come in one piece, since mostly it is one, and move apart;
 * large ones by a scatter read.  => what read(2) says.
 */
static ssize_t read_bodies(const struct link *l, size_t body, size_t n)
{
    uint8_t *out = l->env->out + TLS13_HEAD;
    struct iovec iov[LINK_RECORDS];
    size_t step = TLS13_HEAD + body + TLS13_TAIL;
    if (body == TLS13_MAX_PLAIN) {
        for (size_t i = 0; i < n; i++)
            iov[i] = (struct iovec){ out + i * step, body };
        return readv(l->backend_io.fd, iov, (int)n);
    }
    ssize_t k = recv(l->backend_io.fd, out, n * body, 0);
    for (size_t i = k > 0 ? ((size_t)k - 1) / body : 0; i != 0; i--) {
        size_t left = (size_t)k - i * body;
        memmove(out + i * step, out + i * body, left < body ? left : body);
    }
    return k;
}

/* One read, sealed in place, one send.  => true when there may be more to read. */
static bool seal_and_send(struct link *l)
{
    struct link_env *env = l->env;
    size_t body = record_body(l), n = body == SMALL_BODY ? SMALL_N : read_records(env);
    ssize_t k = read_bodies(l, body, n);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (k <= 0) {
        bool reset = k < 0 || l->backend_reset;
        if (reset)
            link_word(l, END_RESET, 0);
        relay_backend_ended(&l->relay, reset);
        return false;
    }
    size_t len = tls13_seal_bulk(link_tls(l), env->out, (size_t)k, body);
    if (len == 0) {
        link_word(l, END_INTERNAL, 0);
        relay_tls_died(&l->relay);
        return false;
    }
    if (body == SMALL_BODY)
        l->small_sent += (uint32_t)k;
    l->out += (uint64_t)k;
    STATS_ADD(env->stats, bytes_out, k);
    STATS_ADD(&env->stats->listener[l->place->index], bytes_out, k);
    pump_to_client(l, env->out, len);
    return (size_t)k == n * body;
}

void pump_backend(struct link *l)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (l->relay.backend == LEAVE_RESET || l->relay.down.drop) {
            drop_backend(l);
            return;
        }
        if (!seal_and_send(l) || (relay_backend_events(&l->relay) & RELAY_READ) == 0)
            return;
    }
}
