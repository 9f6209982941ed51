/* The admin process: a few connections at a time, each with a bound on what it may send and how long it may take. */
#include "admin_parts.h"
#include "log.h"
#include "sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_SECONDS 1. /* without descriptors */

/* --- accepting ---------------------------------------------------------------------------------------------------- */

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
    conn_start(s, fd);
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

/* What was asked, or is about to be, is answered; the sockets go on in the process that comes next. */
static void end(struct ev_loop *loop, ev_signal *sig, int events)
{
    struct server *s = sig->data;
    (void)events;
    s->ending = true;
    listen_to(s, false);
    ev_timer_stop(loop, &s->resume);
    ev_timer_stop(loop, &s->second);
    for (struct conn *c = s->ring.next, *next; next = c->next, c != &s->ring; c = next)
        if (conn_rests(c))
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
    (void)signal(SIGUSR2, SIG_IGN); /* the master's business: who sends it to all means no harm */
    bool built = build(&s, job);
    forget(job);
    if (!built) {
        log_error("the admin process cannot start: out of memory");
        return EXIT_INTERNAL;
    }
    if (process_become(&job->world->identity) != 0) {
        log_error("the admin process cannot become %s: %s", job->world->identity.name, strerror(errno));
        return EXIT_RIGHTS;
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
        return EXIT_FINE;
    (void)!sandbox_enter(job->world->conf, SANDBOX_ADMIN, false); /* the workers have told what the kernel refuses */
    ev_run(s.loop, 0);
    return EXIT_FINE;
}
