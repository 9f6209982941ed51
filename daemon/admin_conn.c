/* One connection to the admin process: a request, bounded in size and time, its answer, the next. */
#include "admin_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_SECONDS 5.  /* for a request, from its first byte or from accept */
#define IDLE_SECONDS    30. /* between two requests */
#define LINGER_SECONDS  1.  /* what still comes after a refusal is read and dropped, or the refusal would be lost in a reset */
#define LINGER_BYTES    65536

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

void conn_free(struct conn *c)
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

bool conn_rests(const struct conn *c)
{
    char byte;
    return c->phase == READING && !c->fresh && c->len == 0 && recv(c->io.fd, &byte, 1, MSG_PEEK) <= 0;
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
    c->fresh = false;
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
    if (!c->keep || c->server->ending) {
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

/* --- the first and the one too many --------------------------------------------------------------------------------- */

static void make_room(struct server *s)
{
    struct conn *c = s->ring.next;
    while (c != &s->ring && c->phase != READING)
        c = c->next;
    conn_free(c != &s->ring ? c : s->ring.next);
}

void conn_start(struct server *s, int fd)
{
    if (s->conns == CONNS_MAX)
        make_room(s);
    struct conn *c = malloc(sizeof *c);
    if (c == NULL) {
        close(fd);
        return;
    }
    memset(c, 0, offsetof(struct conn, request));
    c->server = s;
    c->fresh = true;
    ev_io_init(&c->io, conn_event, fd, EV_READ);
    ev_timer_init(&c->timer, conn_late, 0., 0.);
    c->io.data = c->timer.data = c;
    join_list(c);
    s->conns++;
    await(c, EV_READ, REQUEST_SECONDS);
}
