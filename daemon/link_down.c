/* Backend to client: read into the places of record bodies, sealed there, sent. */
#include "link_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SMALL_BODY 1400                   /* with its record and TCP/IP headers one segment of 1,500 bytes */
#define SMALL_N    10                     /* such records in one read */
#define SMALL_MAX  (SMALL_N * SMALL_BODY) /* as much as a first congestion window carries; from then on records are whole */

/* Small records at the start and after a pause of a second: the first bytes can be opened when the first segment is there. */
static size_t record_body(struct link *l)
{
    uint32_t now = l->env->wheel.now;
    if (now - l->last_down >= WHEEL_TICKS_PER_SECOND)
        l->small_sent = 0;
    l->last_down = now;
    return l->small_sent < SMALL_MAX ? SMALL_BODY : TLS13_MAX_PLAIN;
}

/* => true when there may be more to read. */
static bool drop_backend(struct link *l)
{
    ssize_t k = recv(l->backend_io.fd, l->env->out, l->env->out_cap, 0);
    if (k > 0)
        relay_backend_lost(&l->relay);
    else if (k == 0)
        relay_backend_ended(&l->relay, l->backend_reset);
    else if (errno != EAGAIN && errno != EINTR)
        relay_backend_ended(&l->relay, true);
    return k > 0;
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

/*
 * One read, sealed in place, one send.  A backend that has ended behind it is not read once more: close_notify goes with its last bytes.
 * (A Unix socket may tell of its end before it tells that this was a reset, and a write may have met the reset first.)  => true when there
 * may be more to read.
 */
static bool seal_and_send(struct link *l)
{
    struct link_env *env = l->env;
    size_t body = record_body(l), n = body == SMALL_BODY ? SMALL_N : pump_records(env);
    ssize_t k = read_bodies(l, body, n);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
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
        return true;
    }
    if (body == SMALL_BODY)
        l->small_sent += (uint32_t)k;
    l->out += (uint64_t)k;
    STATS_ADD(env->stats, bytes_out, k);
    STATS_ADD(&env->stats->listener[l->place->index], bytes_out, k);
    bool all = (size_t)k < n * body, ends = all && l->backend_end_behind && !l->backend_end_loose && !l->backend_reset;
    if (ends && relay_backend_ends(&l->relay))
        len += tls13_close(link_tls(l), env->out + len, env->out_cap - len);
    pump_to_client(l, env->out, len, l->backend_end_behind);
    return !ends && (!all || l->backend_end_behind);
}

void pump_backend(struct link *l)
{
    bool more = true;
    for (int i = 0; i < LINK_ROUNDS && more && (relay_backend_events(&l->relay) & RELAY_READ) != 0; i++) {
        bool drops = l->relay.backend == LEAVE_RESET || l->relay.down.drop;
        more = drops ? drop_backend(l) : seal_and_send(l);
    }
    l->backend_io.left = more;
}
