#include "clock.h"
#include "log.h"
#include "master_parts.h"
#include "notify.h"
#include "process.h"
#include "sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LATE_SECONDS 5 /* workers that are not gone so long after drain-timeout are killed */

/* --- tickets ---------------------------------------------------------------------------------------------------- */

/* Old keys open for a whole lifetime: with a new one every half, three are enough. */
static void rotate_keys(struct master *m)
{
    double half = m->world->conf->ticket_lifetime / 2;
    if (!tickets_rotate(m->commons.ring, 3))
        log_error("no new ticket key: %s", strerror(errno));
    else
        m->commons.shared->master.ticket_key_made = (uint64_t)time(NULL);
    m->rotate_at = clock_now() + (half > 60 ? half : 60);
}

/* => 0; -1 with a problem: the file is no good. */
static int load_keys(struct ticket_ring *ring, const struct config *c, struct problems *p)
{
    char why[512];
    if (strcmp(c->ticket_keys, "auto") == 0 || tickets_load(ring, c->ticket_keys, why, sizeof why) == 0)
        return 0;
    problem_add(p, config_origin(c, "ticket-keys"), "ticket-keys", "%s", why);
    return -1;
}

static void keys_in_force(struct master *m)
{
    bool automatic = strcmp(m->world->conf->ticket_keys, "auto") == 0;
    if (!automatic) {
        m->rotate_at = -1;
        m->commons.shared->master.ticket_key_made = (uint64_t)time(NULL);
    } else if (m->rotate_at <= 0) {
        rotate_keys(m);
    }
}

/* --- a world in force ------------------------------------------------------------------------------------------- */

static void tell(const struct problems *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const char *warning = problem_warning(p, i);
        if (warning != NULL) {
            log_warning("%s", warning);
            continue;
        }
        log_error("%s", p->text[i]);
        handover_note(p->text[i]);
    }
}

/* => 0; -1 with a problem: the log cannot be written there. */
static int try_log(const struct config *c, struct problems *p)
{
    if (log_try(c->log) == 0)
        return 0;
    problem_add(p, config_origin(c, "log"), "log", "%s cannot be opened: %s", c->log, strerror(errno));
    return -1;
}

/* Places among the counters for whatever is named, so that all workers find the same. */
static void name_counters(struct stats_shared *s, const struct config *c)
{
    char text[ADDR_TEXT];
    for (size_t i = 0; i < c->n_listens; i++) {
        const struct listen_conf *l = &c->listens[i];
        (void)stats_listener(s, l->name);
        for (size_t j = 0; j < l->n_routes; j++)
            (void)stats_backend(s, l->name, addr_text(&l->routes[j].backend, text, sizeof text));
        for (size_t j = 0; j < l->n_backends; j++)
            (void)stats_backend(s, l->name, addr_text(&l->backends[j], text, sizeof text));
    }
}

/* Everything that may fail, before anything changes.  => the new world with its workers in *crew, or NULL and the exit code. */
static struct world *prepare(struct master *m, struct config *c, struct crew *crew, int *code)
{
    struct problems p = { 0 };
    struct world *old = m->world, *w = world_build(c, old, &m->commons.inherited, &p, code);
    if (w != NULL && (try_log(w->conf, &p) != 0 || load_keys(m->commons.ring, w->conf, &p) != 0)) {
        *code = EXIT_REFUSED;
        world_free(w, old);
        w = NULL;
    }
    tell(&p);
    problems_free(&p);
    if (w == NULL)
        return NULL;
    w->generation = m->generation + 1;
    struct per_ip *l = &m->commons.per_ip;
    if (w->conf->max_connections_per_ip > 0 && l->at == NULL && !per_ip_init(l, STATS_BLOCKS, w->max_connections))
        log_error("no memory for max-connections-per-ip: it is off");
    name_counters(m->commons.shared, w->conf);
    crew_first_look(w, old, &m->commons);
    m->world = w;
    keys_in_force(m); /* the first workers find a key */
    m->world = old;
    *code = crew_start(crew, w, old, &m->commons);
    if (*code != 0) {
        handover_note("its workers do not start; its log says why");
        world_free(w, old);
        return NULL;
    }
    return w;
}

static void in_force(struct master *m, struct world *w)
{
    struct stats_master *s = &m->commons.shared->master;
    m->world = w;
    m->generation = w->generation;
    s->generation = w->generation;
    s->workers = w->workers;
    keys_in_force(m);
    s->ready = 1;
}

void master_say_ready(const struct master *m, const char *how)
{
    notify_send("READY=1\nSTATUS=%s: generation %llu, %zu workers, %zu listening addresses", how, (unsigned long long)m->generation,
                m->world->workers, m->world->binds.n);
}

/* --- signs of life ------------------------------------------------------------------------------------------------ */

/* Whether somebody serves, and nobody who does has been silent for long. */
static bool workers_answer(const struct master *m, double now)
{
    const double patience = 3 + notify_watchdog(); /* they give a sign each second */
    size_t alive = 0;
    for (size_t i = 0; i < m->crew.n; i++) {
        const struct member *w = &m->crew.at[i];
        if (w->pid <= 0)
            continue;
        double beat = (double)__atomic_load_n(&m->commons.shared->block[w->block].beat, __ATOMIC_RELAXED);
        if (now - (beat > w->started ? beat : w->started) > patience)
            return false;
        alive++;
    }
    return alive != 0;
}

/* => seconds until the next sign of life is due, -1: none is wanted. */
static double beat(struct master *m, double now)
{
    if (notify_watchdog() <= 0)
        return -1;
    if (now >= m->beat_at) {
        if (workers_answer(m, now))
            notify_send("WATCHDOG=1");
        m->beat_at = now + notify_watchdog();
    }
    return m->beat_at - now;
}

/* --- reload ----------------------------------------------------------------------------------------------------- */

static void say_kept(struct master *m)
{
    m->commons.shared->master.reloads_failed++;
    log_error("reload: nothing was changed, the old configuration stays in force");
    master_say_ready(m, "reload failed, the old configuration is in force");
}

/* c: the configuration to take; NULL: that of the files. */
static void reload(struct master *m, struct config *c)
{
    struct problems p = { 0 };
    struct crew crew = { 0 };
    int code;
    m->beat_at = 0;
    (void)beat(m, clock_now()); /* the next may have to wait until the new workers are there */
    notify_reloading();
    if (c == NULL)
        c = config_load(m->inv, &p);
    tell(&p);
    problems_free(&p);
    if (c != NULL)
        watch_files(&m->commons.watch, c, clock_now());
    struct world *old = m->world, *w = c != NULL ? prepare(m, c, &crew, &code) : NULL;
    if (w == NULL) {
        if (c != NULL)
            watch_again(&m->commons.watch, old->conf, clock_now());
        say_kept(m);
        return;
    }
    crew_retire(&crew, &m->crew);
    m->crew = crew;
    in_force(m, w);
    const struct config *n = w->conf;
    if (log_open(n->log, (enum log_format)n->log_format, (enum log_level)n->log_level) != 0)
        log_error("log: %s cannot be opened: %s; the old one stays", n->log, strerror(errno));
    world_free(old, w);
    m->commons.shared->master.reloads_ok++;
    master_say_ready(m, "serving");
    log_info("reloaded: generation %llu, %zu workers", (unsigned long long)m->generation, w->workers);
}

void master_reload(struct master *m)
{
    reload(m, NULL);
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

/* Workers drain; nobody new is let in, and those who wait are refused instead of left hanging. */
void master_drain(struct master *m)
{
    m->crew.ending = true;
    m->kill_at = clock_now() + m->world->conf->drain_timeout + LATE_SECONDS;
    m->commons.shared->master.ready = 0;
    log_info("draining: %zu workers, up to %g s", crew_living(&m->crew), m->world->conf->drain_timeout);
    crew_signal(&m->crew, SIGTERM);
}

/* Sockets' files go with us. */
static void drain(struct master *m)
{
    master_upgrade_cancel(m);
    notify_send("STOPPING=1\nSTATUS=draining");
    master_drain(m);
    listen_close(&m->world->binds, NULL);
}

static void stop(struct master *m)
{
    master_upgrade_cancel(m);
    notify_send("STOPPING=1\nSTATUS=stopping");
    m->crew.ending = true;
    m->kill_at = clock_now() + 1;
    m->commons.shared->master.ready = 0;
    crew_signal(&m->crew, SIGINT);
}

static void reopen(struct master *m)
{
    if (log_reopen() != 0)
        log_warning("the log file cannot be opened again: %s", strerror(errno));
    const struct identity *id = &m->world->identity;
    const char *log = m->world->conf->log;
    if (id->change && log[0] == '/') /* workers open it too */
        (void)!chown(log, id->uid, id->gid);
    crew_signal(&m->crew, SIGUSR1);
}

static void end(struct master *m)
{
    bool again = m->asked_to_end;
    m->asked_to_end = true;
    if (again)
        stop(m);
    else if (m->crew.ending)
        log_warning("draining already, since another has taken this one's place; a second SIGTERM ends it at once");
    else
        drain(m);
}

static void hang_up(struct master *m)
{
    if (m->crew.ending)
        log_warning("no reload while draining");
    else if (m->upgrade.pid != 0)
        log_info("reload: it waits for the end of the upgrade");
    else
        master_reload(m);
    m->reload_due = m->upgrade.pid != 0;
}

static void bury(struct master *m)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        master_upgrade_child(m, pid, status);
        crew_bury(&m->crew, pid, status, &m->commons);
    }
}

static void take_signal(struct master *m, int signum)
{
    switch (signum) {
    case SIGTERM:
        end(m);
        break;
    case SIGINT:
        stop(m);
        break;
    case SIGHUP:
        hang_up(m);
        break;
    case SIGUSR1:
        reopen(m);
        break;
    case SIGUSR2:
        master_upgrade(m);
        break;
    case SIGCHLD:
        bury(m);
        break;
    default:
        break;
    }
}

static int open_signals(void)
{
    static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD };
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        sigaddset(&set, caught[i]);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    /* What the parent ignored (nohup ignores SIGHUP, a shell SIGINT in the background) would never come. */
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        (void)signal(caught[i], SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --- the loop --------------------------------------------------------------------------------------------------- */

static double sooner(double a, double b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* What is due by time.  => seconds until something is again, -1: nothing. */
static double by_the_clock(struct master *m)
{
    double now = clock_now(), next = -1;
    if (m->crew.ending) {
        if (now >= m->kill_at)
            crew_signal(&m->crew, SIGKILL);
        return now >= m->kill_at ? 1 : m->kill_at - now;
    }
    if (m->upgrade.pid != 0) { /* what is handed over stays as it is until that is over */
        next = m->upgrade.until - now;
    } else if (m->rotate_at > 0) {
        if (now >= m->rotate_at)
            rotate_keys(m);
        next = m->rotate_at - now;
    }
    double look = -1;
    if (m->upgrade.pid == 0 && watch_changed(&m->commons.watch, now, &look)) {
        log_info("files have changed");
        reload(m, config_keep(m->world->conf)); /* its file may be half edited: that waits for SIGHUP */
    }
    next = sooner(sooner(next, look), beat(m, now));
    return sooner(next, crew_respawn(&m->crew, m->world, &m->commons));
}

static void loop(struct master *m)
{
    struct signalfd_siginfo info;
    while (!m->crew.ending || crew_living(&m->crew) != 0) {
        double wait = by_the_clock(m);
        struct pollfd p[] = { { .fd = m->commons.signals, .events = POLLIN },
                              { .fd = m->commons.watch.fd, .events = POLLIN },
                              { .fd = m->commons.channel, .events = m->upgrade.pid != 0 ? upgrade_events(&m->upgrade) : POLLIN } };
        (void)poll(p, 3, wait < 0 ? -1 : wait > 3600 ? 3600000 : (int)(wait * 1000) + 1);
        /* All that came meanwhile: reloads asked for twice are one. */
        while (read(m->commons.signals, &info, sizeof info) == (ssize_t)sizeof info)
            take_signal(m, (int)info.ssi_signo);
        watch_events(&m->commons.watch, clock_now());
        if (handover_fd() >= 0)
            master_alone(m);
        master_upgrade_step(m, upgrade_step(&m->upgrade, clock_now()));
    }
}

static bool open_commons(struct commons *c)
{
    listen_inherit(&c->inherited);
    c->shared = stats_new();
    c->ring = tickets_new();
    if (c->shared == NULL || c->ring == NULL)
        return false;
    c->shared->master.started = (uint64_t)time(NULL);
    c->shared->master.blocks = 1; /* the first is nobody's: what the dead have counted */
    return true;
}

/* => the world in force, NULL with the exit code when there is none. */
static struct world *start(struct master *m, struct config *c, int *code)
{
    watch_files(&m->commons.watch, c, clock_now());
    struct world *handed = m->world, *w = prepare(m, c, &m->crew, code);
    if (w == NULL) {
        log_error("not started");
        watch_free(&m->commons.watch);
        world_free(handed, handed);
        m->world = NULL;
        return NULL;
    }
    in_force(m, w);
    world_free(handed, w);
    return w;
}

int master_run(struct config *c, const struct invocation *inv)
{
    struct master m = { .inv = inv, .commons = { .watch.fd = -1, .channel = -1 }, .upgrade.fd = -1 };
    int code = EXIT_INTERNAL;
    sandbox_process();
    notify_open();
    if (!process_program(inv->argv[0], inv->cwd, m.program, sizeof m.program))
        m.program[0] = '\0';
    m.commons.signals = open_signals();
    if (m.commons.signals < 0 || !open_commons(&m.commons)) {
        log_error("cannot start: %s", strerror(errno));
        config_free(c);
        return code;
    }
    if (!master_take_over(&m)) {
        config_free(c);
        return code;
    }
    struct world *w = start(&m, c, &code);
    if (w == NULL)
        return code;
    reopen(&m);
    log_info("ready: tls13d %s, %zu workers, %zu listening addresses, %s", TLS13_VERSION, w->workers, w->binds.n, tls13_cpu());
    handover_ready();
    master_say_ready(&m, "serving");
    loop(&m);
    crew_end_admin(&m.crew);
    log_info("ended");
    watch_free(&m.commons.watch);
    world_free(m.world, NULL);
    free(m.crew.at);
    free(m.crew.old);
    return EXIT_FINE;
}
