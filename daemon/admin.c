/* The admin process: a few connections at a time, each with a bound on what it may send and how long it may take. */
#include "admin.h"
#include "log.h"
#include "sandbox.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX       64  /* one more takes the place of the one that has been idle longest */
#define REQUEST_SECONDS 5.  /* for a request, from its first byte or from accept */
#define IDLE_SECONDS    30. /* between two requests */
#define ANSWER_SECONDS  10.
#define LINGER_SECONDS  1. /* what still comes after a refusal is read and dropped, or the refusal would be lost in a reset */
#define LINGER_BYTES    65536
#define PAUSE_SECONDS   1. /* without descriptors */

enum phase { READING, ANSWERING, LINGERING };

struct server;

struct conn {
    ev_io io;
    ev_timer timer;
    struct server *server;
    struct conn *prev, *next; /* in the order of their last request, oldest first */
    enum phase phase;
    bool keep;
    size_t len, off, dropped;
    struct text out;
    char request[HTTP_REQUEST_MAX];
};

struct server {
    struct ev_loop *loop;
    struct admin_view view;
    struct stats_shared *shared;
    struct conn ring; /* head of the list; nothing but its links is used */
    size_t conns;
    ev_io *listeners;
    size_t n_listeners;
    ev_timer second, resume, last;
    ev_signal term, intr, hup, usr1;
    bool ending;
};

/* --- connections -------------------------------------------------------------------------------------------------- */

static void leave_list(struct conn *c)
{
    c->prev->next = c->next;
    c->next->prev = c->prev;
}

static void join_list(struct conn *c)
{
    struct conn *ring = &c->server->ring;
    c->prev = ring->prev;
    c->next = ring;
    ring->prev->next = c;
    ring->prev = c;
}

static void conn_free(struct conn *c)
{
    struct server *s = c->server;
    ev_io_stop(s->loop, &c->io);
    ev_timer_stop(s->loop, &c->timer);
    close(c->io.fd);
    leave_list(c);
    text_free(&c->out);
    free(c);
    s->conns--;
    if (s->ending && s->conns == 0)
        ev_break(s->loop, EVBREAK_ALL);
}

static void await(struct conn *c, int events, double seconds)
{
    struct ev_loop *loop = c->server->loop;
    if (c->io.events != events) {
        ev_io_stop(loop, &c->io);
        ev_io_set(&c->io, c->io.fd, events);
    }
    ev_io_start(loop, &c->io);
    ev_timer_stop(loop, &c->timer);
    ev_timer_set(&c->timer, seconds, 0.);
    ev_timer_start(loop, &c->timer);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void page(struct http_answer *a, char *csp, size_t csp_len)
{
    uint8_t random[16];
    char nonce[2 * sizeof random + 1];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        a->status = 500;
        return;
    }
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(nonce + 2 * i, 3, "%02x", random[i]);
    (void)snprintf(csp, csp_len, "script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; img-src data:", nonce, nonce);
    a->csp = csp;
    a->type = "text/html; charset=utf-8";
    admin_page(&a->body, nonce);
}

static void route(struct server *s, const struct http_request *r, struct http_answer *a, char *csp, size_t csp_len)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    s->view.clock = (uint64_t)t.tv_sec;
    s->view.now = (int64_t)time(NULL);
    if (strcmp(r->path, "/metrics") == 0) {
        a->type = "text/plain; version=0.0.4; charset=utf-8";
        admin_metrics(&a->body, &s->view);
    } else if (strcmp(r->path, "/status") == 0) {
        a->type = "application/json";
        admin_sample(s->shared, s->view.clock);
        admin_json(&a->body, &s->view);
    } else if (strcmp(r->path, "/healthz") == 0) {
        bool ready = admin_ready(&s->view);
        a->status = ready ? 200 : 503;
        text_add(&a->body, "%s\n", ready ? "ok" : "no worker accepts connections");
    } else if (strcmp(r->path, "/") == 0) {
        page(a, csp, csp_len);
    } else {
        a->status = 404;
    }
}

/* status: 200 for a good request, or what http_parse() or a deadline refuses it with. */
static void answer(struct conn *c, int status, const struct http_request *r)
{
    char csp[256];
    struct http_answer a = { .status = status, .type = "text/plain; charset=utf-8" };
    if (status == 200)
        route(c->server, r, &a, csp, sizeof csp);
    if (a.body.failed) {
        text_free(&a.body);
        a.status = 500;
    }
    if (a.body.len == 0)
        text_add(&a.body, "%d\n", a.status);
    c->keep = r->keep && !c->server->ending;
    struct http_request said = { .head = r->head, .keep = c->keep };
    http_write(&c->out, &a, &said);
    text_free(&a.body);
    c->phase = ANSWERING;
    c->off = 0;
    await(c, EV_WRITE, ANSWER_SECONDS);
}

/* Answers the next request, when it is whole. */
static void look(struct conn *c)
{
    struct http_request r;
    size_t used = 0;
    int status = http_parse(c->request, c->len, &r, &used);
    if (status == 0)
        return;
    memmove(c->request, c->request + used, c->len - used);
    c->len -= used;
    leave_list(c);
    join_list(c);
    answer(c, status, &r);
}

/* --- reading and writing ------------------------------------------------------------------------------------------ */

static void read_some(struct conn *c)
{
    bool idle = c->len == 0;
    ssize_t k = recv(c->io.fd, c->request + c->len, sizeof c->request - c->len, 0);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (k <= 0) {
        conn_free(c);
        return;
    }
    c->len += (size_t)k;
    if (idle) /* the time runs from the first byte: a byte a second does not stretch it */
        await(c, EV_READ, REQUEST_SECONDS);
    look(c);
}

static void answered(struct conn *c)
{
    text_free(&c->out);
    if (!c->keep) {
        (void)shutdown(c->io.fd, SHUT_WR);
        c->phase = LINGERING;
        await(c, EV_READ, LINGER_SECONDS);
        return;
    }
    c->phase = READING;
    await(c, EV_READ, c->len != 0 ? REQUEST_SECONDS : IDLE_SECONDS);
    look(c);
}

static void write_some(struct conn *c)
{
    ssize_t k = c->out.failed ? -1 : send(c->io.fd, c->out.at + c->off, c->out.len - c->off, MSG_NOSIGNAL);
    if (k < 0 && !c->out.failed && (errno == EAGAIN || errno == EINTR))
        return;
    if (k < 0) {
        conn_free(c);
        return;
    }
    c->off += (size_t)k;
    if (c->off == c->out.len)
        answered(c);
}

static void drop_some(struct conn *c)
{
    ssize_t k = recv(c->io.fd, c->request, sizeof c->request, 0);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    c->dropped += k > 0 ? (size_t)k : 0;
    if (k <= 0 || c->dropped > LINGER_BYTES)
        conn_free(c);
}

static void conn_event(struct ev_loop *loop, ev_io *io, int events)
{
    struct conn *c = io->data;
    (void)loop;
    (void)events;
    if (c->phase == READING)
        read_some(c);
    else if (c->phase == ANSWERING)
        write_some(c);
    else
        drop_some(c);
}

/* Who began a request is told; who said nothing is not waiting for an answer. */
static void conn_late(struct ev_loop *loop, ev_timer *t, int events)
{
    static const struct http_request none;
    struct conn *c = t->data;
    (void)loop;
    (void)events;
    if (c->phase == READING && c->len != 0)
        answer(c, 408, &none);
    else
        conn_free(c);
}

/* --- accepting ---------------------------------------------------------------------------------------------------- */

static void make_room(struct server *s)
{
    struct conn *c = s->ring.next;
    while (c != &s->ring && c->phase != READING)
        c = c->next;
    conn_free(c != &s->ring ? c : s->ring.next);
}

static void listen_to(struct server *s, bool on)
{
    for (size_t i = 0; i < s->n_listeners; i++) {
        if (on)
            ev_io_start(s->loop, &s->listeners[i]);
        else
            ev_io_stop(s->loop, &s->listeners[i]);
    }
}

static void resume(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)loop;
    (void)events;
    listen_to(t->data, true);
}

static void accept_event(struct ev_loop *loop, ev_io *io, int events)
{
    struct server *s = io->data;
    (void)events;
    int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        listen_to(s, false);
        ev_timer_set(&s->resume, PAUSE_SECONDS, 0.);
        ev_timer_start(loop, &s->resume);
    }
    if (fd < 0)
        return;
    if (s->conns == CONNS_MAX)
        make_room(s);
    struct conn *c = malloc(sizeof *c);
    if (c == NULL) {
        close(fd);
        return;
    }
    memset(c, 0, offsetof(struct conn, request));
    c->server = s;
    ev_io_init(&c->io, conn_event, fd, EV_READ);
    ev_timer_init(&c->timer, conn_late, 0., 0.);
    c->io.data = c->timer.data = c;
    join_list(c);
    s->conns++;
    await(c, EV_READ, REQUEST_SECONDS);
}

/* --- signals ------------------------------------------------------------------------------------------------------ */

static void at_once(struct ev_loop *loop, ev_signal *sig, int events)
{
    (void)sig;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void too_late(struct ev_loop *loop, ev_timer *t, int events)
{
    (void)t;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* Answers that are being written are finished; the sockets go on in the process that comes next. */
static void end(struct ev_loop *loop, ev_signal *sig, int events)
{
    struct server *s = sig->data;
    (void)events;
    s->ending = true;
    listen_to(s, false);
    ev_timer_stop(loop, &s->resume);
    ev_timer_stop(loop, &s->second);
    for (struct conn *c = s->ring.next, *next; next = c->next, c != &s->ring; c = next)
        if (c->phase == READING)
            conn_free(c);
    if (s->conns == 0)
        ev_break(loop, EVBREAK_ALL);
    ev_timer_set(&s->last, ANSWER_SECONDS, 0.);
    ev_timer_start(loop, &s->last);
}

static void reopen(struct ev_loop *loop, ev_signal *sig, int events)
{
    (void)loop;
    (void)sig;
    (void)events;
    if (log_reopen() != 0)
        log_warning("the log file cannot be opened again: %s", strerror(errno));
}

/* SIGHUP is the master's business; a terminal that goes sends it to all. */
static void ignore(struct ev_loop *loop, ev_signal *sig, int events)
{
    (void)loop;
    (void)sig;
    (void)events;
}

static void catch_signal(struct server *s, ev_signal *sig, int signum, void (*cb)(struct ev_loop *, ev_signal *, int))
{
    ev_signal_init(sig, cb, signum);
    sig->data = s;
    ev_signal_start(s->loop, sig);
}

static void each_second(struct ev_loop *loop, ev_timer *t, int events)
{
    struct timespec now;
    struct server *s = t->data;
    (void)loop;
    (void)events;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    admin_sample(s->shared, (uint64_t)now.tv_sec);
}

/* --- the process -------------------------------------------------------------------------------------------------- */

/* Keys are of no use here; the workers' sockets must not stay open in a process that does not accept from them. */
static void forget(const struct admin_job *job)
{
    struct world *w = job->world;
    for (size_t i = 0; i < w->conf->n_listens; i++) {
        tls13_ctx_unref(w->ctx[i]);
        w->ctx[i] = NULL;
    }
    (void)munmap(job->ring, sizeof *job->ring);
    listen_close(&w->binds, &w->binds);
    if (w->keylog >= 0)
        close(w->keylog);
    w->keylog = -1;
}

static bool build(struct server *s, const struct admin_job *job)
{
    const struct bindings *b = &job->world->admin;
    s->shared = job->shared;
    s->ring.prev = s->ring.next = &s->ring;
    s->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    s->listeners = calloc(b->n + 1, sizeof *s->listeners);
    if (s->loop == NULL || s->listeners == NULL || !admin_view_build(&s->view, job->world, job->shared))
        return false;
    s->view.master = job->master;
    for (size_t i = 0; i < b->n; i++) {
        ev_io *io = &s->listeners[s->n_listeners++];
        ev_io_init(io, accept_event, b->at[i].fds[0], EV_READ);
        io->data = s;
    }
    ev_timer_init(&s->second, each_second, 0., 1.);
    ev_timer_init(&s->resume, resume, 0., 0.);
    ev_timer_init(&s->last, too_late, 0., 0.);
    s->second.data = s->resume.data = s;
    return true;
}

int admin_run(const struct admin_job *job)
{
    static struct server s;
    sigset_t none;
    (void)signal(SIGPIPE, SIG_IGN);
    bool built = build(&s, job);
    forget(job);
    if (!built) {
        log_error("the admin process cannot start: out of memory");
        return 4;
    }
    if (process_become(&job->world->identity) != 0) {
        log_error("the admin process cannot become %s: %s", job->world->identity.name, strerror(errno));
        return 3;
    }
    sandbox_process();
    catch_signal(&s, &s.term, SIGTERM, end);
    catch_signal(&s, &s.intr, SIGINT, at_once);
    catch_signal(&s, &s.usr1, SIGUSR1, reopen);
    catch_signal(&s, &s.hup, SIGHUP, ignore);
    ev_timer_start(s.loop, &s.second);
    listen_to(&s, true);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != job->master)
        return 0;
    (void)!sandbox_enter(job->world->conf, SANDBOX_ADMIN, false); /* the workers have told what the kernel refuses */
    ev_run(s.loop, 0);
    return 0;
}
