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

double master_beat(struct master *m, double now)
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
            master_rotate_keys(m);
        next = m->rotate_at - now;
    }
    double look = -1;
    if (m->upgrade.pid == 0 && watch_changed(&m->commons.watch, now, &look)) {
        log_info("files have changed");
        master_renew(m);
    }
    next = sooner(sooner(next, look), master_beat(m, now));
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
    struct world *handed = m->world, *w = master_prepare(m, c, &m->crew, code);
    if (w == NULL) {
        log_error("not started");
        watch_free(&m->commons.watch);
        world_free(handed, handed);
        m->world = NULL;
        return NULL;
    }
    master_in_force(m, w);
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
