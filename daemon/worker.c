#include "door.h"
#include "link.h"
#include "log.h"
#include "proxy_protocol.h"
#include "sandbox.h"
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define TICK        (1. / WHEEL_TICKS_PER_SECOND) /* seconds */
#define QUIET_TICKS 20                            /* without any connection, after which the wheel stands still */

struct worker {
    struct loop loop;
    struct link_env env;
    const struct worker_job *job;
    struct place *places;
    struct door door;
    struct alarm tick, second, drain;
    struct watch signals;
    struct timespec t0; /* of the wheel */
    uint32_t quiet;     /* ticks without a connection */
    bool draining, over;
};

/* --- the clock -------------------------------------------------------------------------------------------------- */

/* Brings the wheel to the present and looks at every link whose time has come. */
static void turn_wheel(void *arg)
{
    struct worker *w = arg;
    struct timespec t;
    struct wheel_node *n;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    int64_t ms = (int64_t)(t.tv_sec - w->t0.tv_sec) * 1000 + (t.tv_nsec - w->t0.tv_nsec) / 1000000;
    uint32_t now = (uint32_t)(ms / (1000 / WHEEL_TICKS_PER_SECOND)) + 1;
    while ((n = wheel_expired(&w->env.wheel, now)) != NULL)
        link_due(LOOP_OWNER(n, struct link, timer));
}

static void tick(struct alarm *a)
{
    struct worker *w = LOOP_OWNER(a, struct worker, tick);
    turn_wheel(w);
    w->quiet = w->env.wheel.n != 0 ? 0 : w->quiet + 1;
    if (w->quiet > QUIET_TICKS)
        loop_silence(&w->loop, a);
}

static void give_back(struct worker *w)
{
    pool_trim(&w->env.links);
    pool_trim(&w->env.hs);
    slabs_trim(&w->env.slabs);
}

static void each_second(struct alarm *a)
{
    struct worker *w = LOOP_OWNER(a, struct worker, second);
    struct link_env *e = &w->env;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    give_back(w);
    log_fold_tell(w->loop.now);
    STATS_SET(e->stats, beat, now.tv_sec);
    STATS_SET(e->stats, buffers, e->slabs.in_use);
    STATS_SET(e->stats, memory, pool_bytes(&e->links) + pool_bytes(&e->hs) + slabs_bytes(&e->slabs));
}

/* --- the end of a round ----------------------------------------------------------------------------------------- */

static void end_of_round(struct worker *w)
{
    link_compute(&w->env);
    if (w->env.wheel.n != 0 && !w->tick.set) {
        w->quiet = 0;
        loop_alarm(&w->loop, &w->tick, TICK, TICK);
    }
    door_round(&w->door);
    w->over |= w->draining && w->env.active == 0;
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

/* Every link is in the wheel. */
static void cut_all(struct worker *w)
{
    struct wheel_node *n;
    link_compute(&w->env);
    while ((n = wheel_any(&w->env.wheel)) != NULL)
        link_cut(LOOP_OWNER(n, struct link, timer), END_DRAIN);
}

static void drained(struct alarm *a)
{
    struct worker *w = LOOP_OWNER(a, struct worker, drain);
    if (w->env.active != 0)
        log_warning("drain-timeout: %zu connections are cut", w->env.active);
    cut_all(w);
    w->over = true;
}

/* Serves what waits already, closes the listening sockets and lets the connections come to their ends. */
static void drain(struct worker *w)
{
    if (w->draining)
        return;
    door_close(&w->door);
    w->draining = true;
    loop_alarm(&w->loop, &w->drain, w->job->world->conf->drain_timeout, 0);
}

static void reopen(void)
{
    if (log_reopen() != 0)
        log_warning("the log file cannot be opened again: %s", strerror(errno));
}

/* SIGHUP is the master's business; a terminal that goes sends it to all. */
static void signal_event(struct watch *s, unsigned events)
{
    struct worker *w = LOOP_OWNER(s, struct worker, signals);
    int signum;
    (void)events;
    while ((signum = loop_signal(s->fd)) != 0) {
        if (signum == SIGTERM)
            drain(w);
        else if (signum == SIGINT)
            w->over = true;
        else if (signum == SIGUSR1)
            reopen();
    }
}

static bool catch_signals(struct worker *w)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGHUP);
    w->signals = (struct watch){ .event = signal_event, .fd = loop_signals(&set) };
    return w->signals.fd >= 0 && loop_watch(&w->loop, &w->signals, EPOLLIN);
}

/* --- set-up ----------------------------------------------------------------------------------------------------- */

static bool build_places(struct worker *w)
{
    const struct world *world = w->job->world;
    w->places = calloc(world->conf->n_listens + 1, sizeof *w->places);
    if (w->places == NULL)
        return false;
    for (size_t i = 0; i < world->conf->n_listens; i++) {
        const struct listen_conf *c = &world->conf->listens[i];
        struct place *p = &w->places[i];
        p->conf = c;
        p->ctx = world->ctx[i];
        p->index = stats_listener(w->job->shared, c->name);
        p->handshake_ticks = wheel_ticks(c->handshake_timeout);
        p->connect_ticks = wheel_ticks(c->connect_timeout);
        p->idle_ticks = wheel_ticks(c->idle_timeout);
        p->half_close_ticks = wheel_ticks(c->half_close_timeout);
        if (routes_init(&p->routes, c, world->names + world->first_name[i]) != 0)
            return false;
        for (size_t j = 0; j < c->n_routes + c->n_backends; j++) {
            struct backend *b = j < c->n_routes ? p->routes.route[j].at : &p->routes.rest.at[j - c->n_routes];
            b->index = stats_backend(w->job->shared, c->name, b->text);
        }
    }
    return true;
}

/* mmap: what is never touched is no memory. */
static uint8_t *scratch(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool build_env(struct worker *w)
{
    const struct worker_job *job = w->job;
    struct link_env *e = &w->env;
    e->loop = &w->loop;
    wheel_init(&e->wheel);
    pool_init(&e->links, sizeof(struct link) + tls13_conn_size());
    pool_init(&e->hs, tls13_hs_size());
    slabs_init(&e->slabs);
    enum { RECORDS = LINK_RECORDS * (TLS13_HEAD + TLS13_MAX_PLAIN + TLS13_TAIL) + TLS13_UPDATE + LINK_WORDS };
    _Static_assert(PROXY_OUT_MAX <= RECORDS, "a PROXY header is written there, too");
    e->out_cap = RECORDS;
    for (size_t i = 0; i < job->world->conf->n_listens; i++)
        if (tls13_ctx_max_flight(job->world->ctx[i]) > e->out_cap)
            e->out_cap = tls13_ctx_max_flight(job->world->ctx[i]);
    e->in = scratch(SLAB_MAX);
    e->out = scratch(e->out_cap);
    e->stats = &job->shared->block[job->block];
    e->per_ip = job->per_ip->at != NULL && job->world->conf->max_connections_per_ip > 0 ? job->per_ip : NULL;
    e->per_ip_table = (size_t)job->block;
    e->max_per_ip = (uint32_t)job->world->conf->max_connections_per_ip;
    e->log_connections = job->world->conf->log_connections == ON;
    return loop_init(&w->loop) && e->in != NULL && e->out != NULL && tls13_conn_size() <= TLS13_CONN_SIZE &&
           getrandom(&e->unique[0], sizeof e->unique[0], 0) == sizeof e->unique[0];
}

/* => false: no memory, or no descriptor. */
static bool start_watching(struct worker *w)
{
    w->tick.event = tick;
    w->second.event = each_second;
    w->drain.event = drained;
    loop_alarm(&w->loop, &w->second, 0, 1);
    return catch_signals(w) && door_open(&w->door);
}

/* A worker outlives its master only to finish what it has begun. */
static void follow_master(const struct worker_job *job)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != job->master)
        (void)raise(SIGTERM);
}

int worker_run(const struct worker_job *job)
{
    static struct worker w;
    w.job = job;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &w.t0);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGUSR2, SIG_IGN); /* the master's business: who sends it to all means no harm */
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    if (!build_env(&w) || !build_places(&w) || !door_build(&w.door, &w.env, job, w.places)) {
        log_error("worker %zu cannot start: out of memory", job->index);
        return EXIT_INTERNAL;
    }
    if (process_become(&job->world->identity) != 0) {
        log_error("cannot become %s: %s", job->world->identity.name, strerror(errno));
        return EXIT_RIGHTS;
    }
    sandbox_process(); /* a change of user has undone part of it; keys do not go into core dumps */
    STATS_SET(w.env.stats, generation, job->world->generation);
    STATS_SET(w.env.stats, pid, getpid());
    w.door.clock = turn_wheel;
    w.door.clock_arg = &w;
    if (!start_watching(&w)) {
        log_error("worker %zu cannot start: %s", job->index, strerror(errno));
        return EXIT_INTERNAL;
    }
    follow_master(job);
    (void)!sandbox_enter(job->world->conf, SANDBOX_WORKER, job->index == 0);
    if (job->ready_fd >= 0) {
        (void)!write(job->ready_fd, "+", 1);
        close(job->ready_fd);
    }
    while (!w.over) {
        loop_round(&w.loop);
        end_of_round(&w);
    }
    log_fold_tell(w.loop.now + 1);
    return EXIT_FINE;
}
