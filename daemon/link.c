/* One connection's life: its start, its steps, its deadlines, its end and what the log says of it. */
#include "link_parts.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_BYTES   (256 * 1024)
#define LINGER_SECONDS 2

#define ONE(name, alert, text) +1
_Static_assert(1 TLS13_ERRORS(ONE) <= STATS_ERRORS, "there is a counter for each error");
#undef ONE

/* --- words ------------------------------------------------------------------------------------------------------ */

void link_word(struct link *l, enum stats_end end, int alert)
{
    if (l->end_known)
        return;
    l->end_known = true;
    l->end = (uint8_t)end;
    l->alert = (uint8_t)alert;
}

void link_tls_error(struct link *l, int err)
{
    struct stats *s = l->env->stats;
    if (-err == TLS13_E_NOT_TLS)
        STATS_ADD(s, not_tls, 1);
    if (l->phase < LINK_CONNECT && -err < STATS_ERRORS)
        STATS_ADD(s, errors[-err], 1);
    if (-err == TLS13_E_ALERT) {
        struct tls13_info info;
        tls13_conn_info(link_tls(l), &info);
        link_word(l, END_ALERT, info.alert_received);
        STATS_ADD(s, alert_received[info.alert_received & 255], 1);
    } else {
        int alert = tls13_err_alert(err);
        link_word(l, END_SENT, alert);
        STATS_ADD(s, alert_sent[alert & 255], 1);
    }
    if (l->phase < LINK_RELAY)
        relay_backend_gone(&l->relay);
    relay_tls_died(&l->relay);
}

/* What folds with what: the same failure of the same listener.  Who asks for all there is (debug) gets each. */
static bool may_log(const struct link *l, const char *end, unsigned *folded)
{
    char key[128];
    *folded = 0;
    if (!l->env->log_connections || !log_wants(LOG_LEVEL_INFO))
        return false;
    if (l->handshake_ms != UINT32_MAX || log_wants(LOG_LEVEL_DEBUG))
        return true;
    (void)snprintf(key, sizeof key, "%s %s", l->place->conf->name, end);
    return log_fold(key, l->env->loop->now, folded);
}

static void write_log(struct link *l, const char *end)
{
    struct log_line line;
    struct tls13_info info = { .alpn = "" };
    char buf[ADDR_TEXT];
    unsigned folded;
    if (!may_log(l, end, &folded))
        return;
    bool agreed = l->handshake_ms != UINT32_MAX;
    if (l->tls_up)
        tls13_conn_info(link_tls(l), &info);
    const char *sni = !agreed && l->tls_up ? info.sni : l->names;
    double lasted = l->env->loop->now - l->started;
    log_begin(&line, LOG_LEVEL_INFO);
    log_str(&line, "listener", l->place->conf->name);
    log_str(&line, "client", endpoint_text(&l->client, buf, sizeof buf));
    log_str(&line, "sni", sni);
    log_str(&line, "alpn", agreed ? info.alpn : "");
    log_str(&line, "version", agreed ? "TLSv1.3" : "");
    log_str(&line, "suite", tls13_suite_name(l->suite));
    log_str(&line, "group", tls13_group_name(l->group));
    log_str(&line, "scheme", tls13_scheme_name(l->scheme));
    log_str(&line, "resumed", !agreed ? "" : l->resumed ? "yes" : "no");
    log_str(&line, "client-cert", l->names + strlen(l->names) + 1);
    log_str(&line, "backend", l->backend != NULL ? l->backend->text : "");
    log_int(&line, "in", (int64_t)l->in);
    log_int(&line, "out", (int64_t)l->out);
    if (agreed)
        log_int(&line, "handshake_ms", l->handshake_ms);
    else
        log_str(&line, "handshake_ms", "");
    log_int(&line, "duration_ms", lasted > 0 ? (int64_t)(lasted * 1000) : 0);
    log_str(&line, "end", end);
    if (folded != 0)
        log_int(&line, "folded", folded);
    log_end(&line);
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static void reset_on_close(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void close_client(struct link *l, bool reset)
{
    int fd = l->client_io.fd;
    if (fd < 0)
        return;
    if (reset)
        reset_on_close(fd);
    else if (l->phase == LINK_RELAY && !l->client_fin) /* unread bytes would turn the close into a reset, which drops what we sent */
        (void)recv(fd, l->env->in, SLAB_MAX, MSG_DONTWAIT);
    loop_close(l->env->loop, &l->client_io);
    pump_drop(l, &l->down);
    relay_client_gone(&l->relay);
}

void link_close_backend(struct link *l, bool reset)
{
    int fd = l->backend_io.fd;
    if (fd < 0)
        return;
    if (reset)
        reset_on_close(fd);
    loop_close(l->env->loop, &l->backend_io);
    l->backend->active--;
    STATS_ADD(&l->env->stats->backend[l->backend->index], active, -1);
}

static void close_backend(struct link *l, bool reset)
{
    link_close_backend(l, reset);
    relay_backend_gone(&l->relay);
    if (l->up.slab != NULL && l->up.hold == 0)
        pump_drop(l, &l->up);
}

/* A handshake that came to nothing; a probe, which said nothing at all, is only counted. */
static const char *count_end(struct link *l, char *buf, size_t n)
{
    struct stats *s = l->env->stats;
    const char *word = stats_end_word((enum stats_end)l->end);
    if (l->handshake_ms == UINT32_MAX) {
        STATS_SET(s, handshaking, s->handshaking - 1);
        if (!l->got_bytes && (l->end == END_HANDSHAKE_CLOSED || l->end == END_RESET)) {
            STATS_ADD(s, probes, 1);
            return NULL;
        }
        STATS_ADD(s, handshakes_failed, 1);
        STATS_ADD(&s->listener[l->place->index], failed, 1);
    }
    STATS_ADD(s, ends[l->end], 1);
    if (l->end != END_ALERT && l->end != END_SENT)
        return word;
    (void)snprintf(buf, n, "%s:%s", word, tls13_alert_name(l->alert));
    return buf;
}

void link_free(struct link *l)
{
    struct link_env *env = l->env;
    char buf[64];
    const char *end = count_end(l, buf, sizeof buf);
    if (end != NULL)
        write_log(l, end);
    close_client(l, false);
    link_close_backend(l, false);
    wheel_del(&env->wheel, &l->timer);
    pump_drop(l, &l->up);
    pump_drop(l, &l->down);
    if (l->tls_up) {
        void *hs = tls13_conn_release_hs(link_tls(l));
        if (hs != NULL)
            pool_put(&env->hs, hs);
        tls13_conn_wipe(link_tls(l));
    }
    if (l->counted_ip)
        per_ip_remove(env->per_ip, env->per_ip_table, &l->client);
    if (l->names != l->names_in)
        free(l->names);
    env->active--;
    STATS_SET(env->stats, active, env->active);
    STATS_SET(&env->stats->listener[l->place->index], active, env->stats->listener[l->place->index].active - 1);
    pool_put(&env->links, l);
}

static bool is_open(const struct half *h)
{
    return !h->eof_in && !h->drop;
}

/* In the middle of what is being sent, as far as one can tell: the last of it is not a second old. */
static bool is_moving(const struct link *l, enum stats_end why)
{
    bool recent = l->env->wheel.now - l->active < WHEEL_TICKS_PER_SECOND;
    return why != END_IDLE && recent && (is_open(&l->relay.up) || is_open(&l->relay.down));
}

void link_cut(struct link *l, enum stats_end why)
{
    uint8_t buf[LINK_WORDS];
    const struct relay *r = &l->relay;
    bool orderly = l->phase == LINK_RELAY && r->up.len == 0 && r->down.len == 0 && !r->up.cut && !r->down.cut && !is_moving(l, why);
    link_word(l, why, 0);
    if (orderly && !r->said) {
        pump_to_client(l, buf, tls13_close(link_tls(l), buf, sizeof buf), true);
    } else if (l->phase == LINK_RELAY && !orderly) {
        /* Bytes are missing: neither side may take this for an orderly end. */
        close_client(l, true);
        link_close_backend(l, true);
    }
    link_free(l);
}

/* --- leaving sockets -------------------------------------------------------------------------------------------- */

/* => true when the peer's kernel has acknowledged all, or there is no connection any more that could. */
static bool is_drained(int fd, uint32_t *outq)
{
    int n = 0;
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (ioctl(fd, SIOCOUTQ, &n) != 0 || n == 0)
        return true;
    *outq = (uint32_t)n;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 || info.tcpi_state == TCP_CLOSE;
}

/* Looks at one socket that waits for its acknowledgements; progress counts as activity. */
static bool may_reset(struct link *l, int fd)
{
    uint32_t outq = 0;
    if (is_drained(fd, &outq))
        return true;
    if (outq != l->outq) {
        l->outq = outq;
        l->active = l->env->wheel.now;
    }
    return l->env->wheel.now - l->active > l->place->half_close_ticks;
}

/* => whether something changed. */
static bool leave(struct link *l)
{
    bool any = false;
    if (l->relay.client == LEAVE_RESET && (l->client_unix || may_reset(l, l->client_io.fd))) {
        close_client(l, true);
        any = true;
    } else if (l->relay.client == LEAVE_LINGER && l->phase_due <= l->env->wheel.now) {
        close_client(l, false);
        any = true;
    }
    /* A Unix socket keeps what was written for its reader, and knows no reset. */
    if (l->relay.backend == LEAVE_RESET && (l->backend_unix || may_reset(l, l->backend_io.fd))) {
        close_backend(l, true);
        any = true;
    }
    return any;
}

/* --- steps ------------------------------------------------------------------------------------------------------ */

static void linger(struct link *l)
{
    (void)shutdown(l->client_io.fd, SHUT_WR);
    l->linger_left = LINGER_BYTES;
    l->phase_due = l->env->wheel.now + wheel_ticks(LINGER_SECONDS);
}

/* => false when the link is at its end. */
static bool take_steps(struct link *l)
{
    uint8_t buf[LINK_WORDS];
    for (;;) {
        switch (relay_next(&l->relay)) {
        case RELAY_WAIT:
            if (!leave(l))
                return true;
            break;
        case RELAY_END_BACKEND:
            (void)shutdown(l->backend_io.fd, SHUT_WR);
            break;
        case RELAY_NOTIFY:
            /* The client's FIN or close is the next step, unless that waits for a backend to take its reset. */
            pump_to_client(l, buf, tls13_close(link_tls(l), buf, sizeof buf), l->relay.backend != LEAVE_RESET);
            break;
        case RELAY_ALERT:
            STATS_ADD(l->env->stats, alert_sent[TLS13_ALERT_internal_error], 1);
            pump_to_client(l, buf, tls13_abort(link_tls(l), TLS13_ALERT_internal_error, buf, sizeof buf), false);
            l->aborted = true;
            break;
        case RELAY_END_CLIENT:
            (void)shutdown(l->client_io.fd, SHUT_WR);
            break;
        case RELAY_LINGER_CLIENT:
            linger(l);
            break;
        case RELAY_RESET_CLIENT:
        case RELAY_RESET_BACKEND:
            l->outq = 0;
            break;
        case RELAY_CLOSE:
            return false;
        }
    }
}

/* --- deadlines -------------------------------------------------------------------------------------------------- */

static bool one_side_closed(const struct relay *r)
{
    return r->up.eof_in || r->down.eof_in || r->up.drop || r->down.drop;
}

/* The tick at which this link must be looked at. */
static uint32_t due(const struct link *l)
{
    const struct relay *r = &l->relay;
    if (r->client == LEAVE_RESET || r->backend == LEAVE_RESET)
        return l->env->wheel.now + 1;
    if (r->client == LEAVE_LINGER || l->phase < LINK_RELAY)
        return l->phase_due;
    return l->active + (one_side_closed(r) ? l->place->half_close_ticks : l->place->idle_ticks);
}

/* When the handshake's time would be over; the kernel sends its first probe after two hours (tcp(7), tcp_keepalive_time). */
static void keep_alive(struct link *l)
{
    if (l->backend_keep_alive || l->backend_unix || l->phase != LINK_RELAY || l->backend_io.fd < 0)
        return;
    l->backend_keep_alive = true;
    backend_keep_alive(l->backend_io.fd);
}

void link_due(struct link *l)
{
    uint32_t at = due(l), now = l->env->wheel.now;
    keep_alive(l);
    if (l->parked) /* on the list of link_compute(), which comes first */
        at = now + 1;
    else if (l->relay.client == LEAVE_LINGER || l->relay.client == LEAVE_RESET || l->relay.backend == LEAVE_RESET) {
        link_settle(l);
        return;
    }
    if (at > now) {
        wheel_add(&l->env->wheel, &l->timer, at);
        return;
    }
    if (l->phase == LINK_CONNECT && l->backend_io.fd >= 0) {
        open_backend_failed(l, 0);
        link_settle(l);
        return;
    }
    link_cut(l, l->phase < LINK_CONNECT ? END_HANDSHAKE_TIMEOUT : END_IDLE);
}

/* --- events ----------------------------------------------------------------------------------------------------- */

static bool watch(struct loop *loop, struct watch *w, int mask)
{
    return w->fd < 0 || loop_watch(loop, w, ((mask & RELAY_READ) != 0 ? EPOLLIN : 0u) | ((mask & RELAY_WRITE) != 0 ? EPOLLOUT : 0u));
}

int link_client_mask(const struct link *l)
{
    int mask = relay_client_events(&l->relay);
    /* Until the relay: nothing is read while the asymmetric work or the backend is awaited, or an answer could not be sent. */
    if (l->phase < LINK_RELAY && l->relay.client == LEAVE_NOT &&
        (l->parked || l->fresh_hold || l->phase == LINK_CONNECT || l->relay.down.len != 0))
        mask &= ~RELAY_READ;
    return mask;
}

void link_settle(struct link *l)
{
    struct link_env *env = l->env;
    if (l->parked)
        return;
    if (!take_steps(l)) {
        link_word(l, END_CLOSED, 0);
        link_free(l);
        return;
    }
    if (!watch(env->loop, &l->client_io, link_client_mask(l)) ||
        !watch(env->loop, &l->backend_io, l->phase == LINK_CONNECT ? RELAY_WRITE : relay_backend_events(&l->relay))) {
        STATS_ADD(env->stats, out_of_memory, 1);
        link_cut(l, END_INTERNAL);
        return;
    }
    uint32_t at = due(l);
    if (l->timer.next == NULL || at < l->timer.tick)
        wheel_add(&env->wheel, &l->timer, at);
}
