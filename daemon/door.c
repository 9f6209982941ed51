#include "door.h"
#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACCEPTS      64   /* in one event, so that one listener does not starve what is open */
#define LAST_ACCEPTS 4096 /* of what waits when a worker stops to listen */
#define BACKOFF_MIN  0.1
#define BACKOFF_MAX  1.0
#define TELL_AGAIN   60.0 /* seconds between two lines about max-connections */

static bool listen_to(struct door *d, unsigned events)
{
    bool ok = true;
    for (size_t i = 0; i < d->n; i++)
        ok &= loop_watch(d->env->loop, &d->at[i].io, events);
    return ok;
}

static void pause_for(struct door *d, enum door_pause why, double seconds)
{
    if (d->paused != PAUSE_NOT)
        return;
    d->paused = why;
    (void)listen_to(d, 0);
    loop_alarm(d->env->loop, &d->resume, seconds, 0);
    if (why != PAUSE_ERROR)
        STATS_ADD(d->env->stats, accept_waits, 1);
}

static void resume(struct door *d)
{
    d->paused = PAUSE_NOT;
    loop_silence(d->env->loop, &d->resume);
    (void)listen_to(d, EPOLLIN);
}

static void resume_event(struct alarm *a)
{
    resume(LOOP_OWNER(a, struct door, resume));
}

static bool full(const struct door *d)
{
    return stats_sum_one(d->job->shared, offsetof(struct stats, active)) >= d->job->world->max_connections;
}

/* Takes a token of this worker's share; => the seconds until there is one, 0 when it was taken. */
static double take_token(struct door *d)
{
    double share = (double)d->job->world->conf->handshakes_per_second / (double)d->job->world->workers;
    if (share <= 0)
        return 0;
    double now = d->env->loop->now, most = share > 1 ? share : 1, gained = (now - d->tokens_at) * share;
    d->tokens += gained > 0 ? gained : 0;
    d->tokens_at = now;
    if (d->tokens > most)
        d->tokens = most;
    if (d->tokens < 1)
        return (1 - d->tokens) / share;
    d->tokens -= 1;
    return 0;
}

static void say_full(struct door *d)
{
    double now = d->env->loop->now;
    if (d->told_at != 0 && now - d->told_at < TELL_AGAIN)
        return;
    d->told_at = now;
    log_warning("max-connections (%zu) is reached: who comes now waits until a connection ends", d->job->world->max_connections);
}

/* => whether a connection may be accepted now; else accepting pauses. */
static bool may_accept(struct door *d)
{
    if (full(d)) {
        say_full(d);
        pause_for(d, PAUSE_CONNECTIONS, BACKOFF_MIN);
        return false;
    }
    double wait = take_token(d);
    if (wait > 0)
        pause_for(d, PAUSE_RATE, wait);
    return wait <= 0;
}

/* Out of descriptors or memory: the client waits in the kernel, and so do we. */
static void accept_failed(struct door *d, int err)
{
    unsigned folded;
    STATS_ADD(d->env->stats, accept_errors, 1);
    if (log_fold("accept", d->env->loop->now, &folded))
        log_warning("cannot accept connections for now: %s", strerror(err));
    pause_for(d, PAUSE_ERROR, d->backoff);
    d->backoff = d->backoff * 2 < BACKOFF_MAX ? d->backoff * 2 : BACKOFF_MAX;
}

static void new_keys(struct door *d)
{
    tickets_apply(d->job->ring, &d->ring_seen, d->job->world->ctx, d->job->world->conf->n_listens);
}

/* => whether there may be more to accept, now. */
static bool accept_one(struct acceptor *a)
{
    struct door *d = a->door;
    struct sockaddr_storage ss = { 0 };
    socklen_t len = sizeof ss;
    if (!may_accept(d))
        return false;
    int fd = accept4(a->io.fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        d->backoff = BACKOFF_MIN;
        link_start(d->env, a->place, a->bound, fd, (struct sockaddr *)&ss);
        return true;
    }
    int err = errno;
    d->tokens += 1;
    if (err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM) {
        accept_failed(d, err);
        return false;
    }
    /* A client that went away while it waited is no reason to stop. */
    return err == ECONNABORTED || err == EPROTO || err == EPERM;
}

static int accept_some(struct acceptor *a, int most)
{
    struct door *d = a->door;
    int n = 0;
    if (d->env->wheel.n == 0)
        d->clock(d->clock_arg);
    new_keys(d);
    while (n < most && accept_one(a))
        n++;
    return n;
}

static void accept_event(struct watch *w, unsigned events)
{
    struct acceptor *a = LOOP_OWNER(w, struct acceptor, io);
    (void)events;
    /* Who comes one by one costs one call; a crowd is let in by ever more. */
    if (accept_some(a, a->batch) < a->batch)
        a->batch = 1;
    else if (a->batch < ACCEPTS)
        a->batch *= 2;
}

bool door_build(struct door *d, struct link_env *env, const struct worker_job *job, struct place *places)
{
    struct bindings *b = &job->world->binds;
    size_t n = 0;
    *d = (struct door){ .env = env, .job = job, .backoff = BACKOFF_MIN, .tokens = 1 };
    d->resume.event = resume_event;
    listen_keep(b, job->index, job->world->workers);
    for (size_t i = 0; i < b->n; i++)
        n += b->at[i].n;
    d->at = calloc(n + 1, sizeof *d->at);
    if (d->at == NULL)
        return false;
    for (size_t i = 0; i < b->n; i++) {
        for (size_t j = 0; j < b->at[i].n; j++) {
            struct acceptor *a = &d->at[d->n++];
            a->io = (struct watch){ .event = accept_event, .fd = b->at[i].fds[j] };
            a->door = d;
            a->batch = 1;
            a->place = &places[b->at[i].listen];
            a->bound = &b->at[i].bound;
        }
    }
    return true;
}

bool door_open(struct door *d)
{
    new_keys(d);
    return listen_to(d, EPOLLIN);
}

void door_round(struct door *d)
{
    if (d->paused == PAUSE_CONNECTIONS && !full(d))
        resume(d);
}

void door_close(struct door *d)
{
    for (size_t i = 0; i < d->n; i++)
        (void)accept_some(&d->at[i], LAST_ACCEPTS);
    loop_silence(d->env->loop, &d->resume);
    for (size_t i = 0; i < d->n; i++) {
        loop_forget(d->env->loop, &d->at[i].io); /* it goes on in other processes */
        close(d->at[i].io.fd);
    }
    d->n = 0;
    d->paused = PAUSE_NOT;
}
