/* Until the relay: the handshake and the backend's connect. */
#include "link_parts.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* --- the ends of what did not become a relay -------------------------------------------------------------------- */

/* Says a fatal alert and leaves; the client gets to read it. */
static void refuse_with(struct link *l, enum stats_end word, int alert)
{
    uint8_t buf[LINK_WORDS];
    link_word(l, word, alert);
    if (l->tls_up) {
        STATS_ADD(l->env->stats, alert_sent[alert & 255], 1);
        pump_to_client(l, buf, tls13_abort(link_tls(l), alert, buf, sizeof buf), true); /* behind it comes the FIN */
    }
    relay_backend_gone(&l->relay);
    relay_tls_died(&l->relay);
}

static void no_memory(struct link *l)
{
    STATS_ADD(l->env->stats, out_of_memory, 1);
    refuse_with(l, END_INTERNAL, TLS13_ALERT_internal_error);
}

/* --- handshake -------------------------------------------------------------------------------------------------- */

/* The handshake's memory is lent when its first byte is there. */
static bool tls_begin(struct link *l)
{
    if (l->tls_up)
        return true;
    void *hs = pool_get(&l->env->hs);
    if (hs == NULL) {
        no_memory(l);
        return false;
    }
    tls13_conn_init(link_tls(l), l->place->ctx, hs);
    l->tls_up = true;
    return true;
}

static bool park(struct link *l)
{
    struct link_env *env = l->env;
    if (env->n_parked == env->parked_cap) {
        size_t cap = env->parked_cap != 0 ? 2 * env->parked_cap : 64;
        struct link **p = realloc(env->parked, cap * sizeof(*p));
        if (p == NULL)
            return false;
        env->parked = p;
        env->parked_cap = cap;
    }
    env->parked[env->n_parked++] = l;
    l->parked = true;
    return true;
}

static void keep_names(struct link *l, const struct tls13_info *info)
{
    size_t a = strlen(info->sni) + 1, b = strlen(info->client_name) + 1;
    char *to = l->names_in;
    if (a + b > sizeof l->names_in && (to = malloc(a + b)) == NULL)
        return; /* the log line does without */
    memcpy(to, info->sni, a);
    memcpy(to + a, info->client_name, b);
    l->names = to;
}

static void note_agreement(struct link *l, const struct tls13_info *info)
{
    struct stats *s = l->env->stats;
    double took = l->env->loop->now - l->started;
    l->suite = info->suite;
    l->group = info->group;
    l->scheme = info->scheme;
    l->resumed = info->resumed;
    l->early_data = info->early_data;
    l->handshake_ms = took > 0 ? (uint32_t)(took * 1000) : 0;
    keep_names(l, info);
    if (info->resumed)
        STATS_ADD(s, handshakes_resumed, 1);
    else
        STATS_ADD(s, handshakes_full, 1);
    STATS_ADD(s, hello_retries, info->hello_retry);
    STATS_ADD(s, suites[stats_suite(info->suite)], 1);
    STATS_ADD(s, groups[stats_group(info->group)], 1);
    STATS_ADD(&s->listener[l->place->index], handshakes, 1);
    STATS_SET(s, handshaking, s->handshaking - 1);
    stats_time(&s->handshake, took);
}

/* --- the backend ------------------------------------------------------------------------------------------------ */

/* A backend that changes between good and bad more often than once a second is folded. */
static void say_backend(const struct link *l, const struct backend *b, enum log_level level, const char *what)
{
    struct log_line line;
    char key[128];
    unsigned folded = 0;
    (void)snprintf(key, sizeof key, "%s %.32s %.40s", level == LOG_LEVEL_INFO ? "backend again" : "backend fails", l->place->conf->name,
                   b->text);
    if (!log_wants(level) || (level != LOG_LEVEL_DEBUG && !log_fold(key, l->env->loop->now, &folded)))
        return;
    log_begin(&line, level);
    log_str(&line, "msg", level == LOG_LEVEL_INFO ? "backend answers again" : "backend fails");
    log_str(&line, "listener", l->place->conf->name);
    log_str(&line, "backend", b->text);
    if (what != NULL)
        log_str(&line, "why", what);
    if (folded != 0)
        log_int(&line, "folded", folded);
    log_end(&line);
}

static void relay_begins(struct link *l)
{
    struct stats_backend *of_it = &l->env->stats->backend[l->backend->index];
    if (l->backend->failures != 0)
        say_backend(l, l->backend, LOG_LEVEL_INFO, NULL);
    backend_worked(l->backend);
    STATS_ADD(l->env->stats, backend_connects, 1);
    STATS_ADD(of_it, connects, 1);
    STATS_SET(of_it, failing, 0);
    stats_time(&l->env->stats->connect, l->env->loop->now - l->connect_started);
    l->phase = LINK_RELAY;
    l->relay.backend = LEAVE_NOT;
    l->active = l->env->wheel.now;
    l->last_down = l->active - WHEEL_TICKS_PER_SECOND;
    /* The PROXY header first and by itself; then what the client sent behind its Finished. */
    pump_flush_backend(l);
    if (l->fresh_hold && l->relay.up.len == 0)
        pump_client(l);
}

/* Our own want of descriptors or memory is not the backend's fault. */
static bool is_ours(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* err: 0 for a time-out. */
static void count_failure(struct link *l, struct backend *b, int err)
{
    struct stats *s = l->env->stats;
    const char *why = err != 0 ? strerror(err) : "no answer in time";
    say_backend(l, b, b->failures == 0 && !is_ours(err) ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, why);
    if (!is_ours(err))
        backend_failed(b, l->env->loop->now);
    STATS_ADD(s, backend_failures, 1);
    STATS_ADD(&s->backend[b->index], failures, 1);
    STATS_SET(&s->backend[b->index], failing, 1);
}

static void connect_next(struct link *l)
{
    struct link_env *env = l->env;
    double now = env->loop->now;
    while (l->tries < backends_tries(l->backends)) {
        struct backend *b = backend_pick(l->backends, now);
        int fd, r = backend_connect(b, l->up.slab != NULL, &fd);
        l->tries++;
        l->connect_started = now;
        if (r < 0) {
            count_failure(l, b, errno);
            continue;
        }
        b->active++;
        STATS_ADD(&env->stats->backend[b->index], active, 1);
        l->backend = b;
        l->backend_unix = backend_is_unix(b);
        l->backend_io = (struct watch){ .event = link_backend_event, .fd = fd, .edge = !l->backend_unix };
        l->phase_due = env->wheel.now + l->place->connect_ticks;
        if (r == 0)
            relay_begins(l);
        return;
    }
    refuse_with(l, END_CONNECT_FAILED, TLS13_ALERT_internal_error);
}

void open_backend_failed(struct link *l, int err)
{
    count_failure(l, l->backend, err);
    link_close_backend(l, false);
    connect_next(l);
}

void open_backend_event(struct link *l)
{
    int err = backend_connected(l->backend_io.fd);
    if (err == 0)
        relay_begins(l);
    else
        open_backend_failed(l, err);
}

/*
 * When the client's Finished came by itself and nothing goes out that acknowledges it: a client with Nagle's algorithm on waits for that
 * before it sends its request (tcp(7), TCP_QUICKACK).
 */
static void acknowledge(const struct link *l, const struct tls13_io *io)
{
    int on = 1;
    if (io->in_len == 0 && io->out_len == 0 && !l->client_unix)
        (void)setsockopt(l->client_io.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* The client's Finished has verified: only now is the backend bothered. */
static void connected(struct link *l, const struct tls13_io *io)
{
    struct tls13_info info;
    acknowledge(l, io);
    tls13_conn_info(link_tls(l), &info);
    note_agreement(l, &info);
    l->backends = routes_find(&l->place->routes, info.sni, info.alpn);
    ssize_t header = header_write(l, &info);
    pool_put(&l->env->hs, tls13_conn_release_hs(link_tls(l)));
    l->phase = LINK_CONNECT;
    if (header < 0) {
        refuse_with(l, END_INTERNAL, TLS13_ALERT_internal_error);
        return;
    }
    struct iovec iov = { l->env->out, (size_t)header };
    if (!pump_keep(l, &iov, 1, 0, io->in, io->in_len))
        return;
    l->fresh_hold = l->up.hold != 0;
    connect_next(l);
}

/* --- the handshake's steps -------------------------------------------------------------------------------------- */

/* Goes on with what lies at env->in. */
static void handshake(struct link *l, size_t at, size_t have)
{
    struct link_env *env = l->env;
    struct tls13_io io = { .in = env->in + at, .in_len = have, .out = env->out, .out_cap = env->out_cap };
    int ev;
    do
        ev = tls13_recv(link_tls(l), &io);
    while (ev == TLS13_HELLO);
    pump_to_client(l, env->out, io.out_len, false);
    if (ev == TLS13_CONNECTED) {
        connected(l, &io);
        return;
    }
    if (ev < 0) {
        link_tls_error(l, ev);
        return;
    }
    if (!pump_keep(l, NULL, 0, 0, io.in, io.in_len))
        return;
    if (ev == TLS13_COMPUTE && !park(l))
        no_memory(l);
    l->fresh_hold = ev != TLS13_MORE;
}

void open_resume(struct link *l)
{
    l->parked = false;
    handshake(l, 0, pump_take_hold(l));
}

/* The client went away before it had finished. */
static void client_left(struct link *l, ssize_t err)
{
    if (err < 0) {
        l->client_reset = true;
        link_word(l, END_RESET, 0);
    } else {
        l->client_fin = true;
        link_word(l, END_HANDSHAKE_CLOSED, 0);
    }
    relay_client_gone(&l->relay);
}

void open_read(struct link *l)
{
    size_t have = 0, at = 0;
    ssize_t k = pump_recv(l, &have);
    if (k == -EAGAIN || k == -EINTR)
        return;
    if (k <= 0) {
        client_left(l, k);
        return;
    }
    if (l->phase == LINK_HEADER) {
        int header = header_read(l, have);
        if (header < 0 || (header == 0 && !pump_keep(l, NULL, 0, 0, l->env->in, have)))
            return;
        at = (size_t)header;
        if (header == 0 || at == have)
            return;
    }
    if (tls_begin(l))
        handshake(l, at, have - at);
}
