#include "admin.h"
#include "clock.h"
#include "crew.h"
#include "log.h"
#include "resolve.h"
#include "sandbox.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_SECONDS   20  /* a worker that does not accept by then is broken */
#define SOON            10  /* a death so many seconds after the start counts as a failure in a row */
#define RESOLVE_SECONDS 10  /* between two looks at a name */
#define RESOLVE_MOST    30. /* that one look may take */
#define FIRST_LOOK      5.  /* that the first one may, at names that nobody has found yet */
#define WAIT_MAX        30. /* between a death and the next start */

/* --- starting --------------------------------------------------------------------------------------------------- */

/*
 * In a new process: lets go of what is not its own.  A listening socket of the world that goes would live on in it, and draw
 * connections that nobody accepts.
 */
static void let_go(struct world *old, const struct commons *c)
{
    if (old != NULL) {
        listen_close(&old->binds, &old->binds);
        listen_close(&old->admin, &old->admin);
    }
    for (size_t i = 0; i < c->inherited.n; i++)
        close(c->inherited.at[i].fd);
    if (c->watch.fd >= 0)
        close(c->watch.fd);
    if (c->channel >= 0)
        close(c->channel);
    close(c->signals);
}

/* A reload may have given the log another place, which is the master's own only once all workers are there. */
static void log_as(const struct config *c)
{
    (void)log_open(c->log, (enum log_format)c->log_format, (enum log_level)c->log_level);
}

/* Forks one worker.  => whether it runs; m->block is its own then. */
static bool start_one(struct member *m, struct world *world, struct world *old, struct commons *c, int ready_fd)
{
    m->block = stats_take(c->shared);
    if (m->block < 0) {
        log_error("too many workers still drain: none can be started");
        return false;
    }
    struct worker_job job = { .world = world,
                              .index = m->index,
                              .block = m->block,
                              .shared = c->shared,
                              .per_ip = &c->per_ip,
                              .ring = c->ring,
                              .ready_fd = ready_fd,
                              .master = getpid() };
    pid_t pid = fork();
    if (pid == 0) {
        let_go(old, c);
        listen_close(&world->admin, &world->admin);
        log_as(world->conf);
        _exit(worker_run(&job));
    }
    if (pid < 0) {
        log_error("a worker cannot be started: %s", strerror(errno));
        stats_retire(c->shared, m->block);
        m->block = -1;
        return false;
    }
    m->pid = pid;
    m->started = clock_now();
    return true;
}

/* => 0 when the worker at the other end of fd accepts connections, else its exit code. */
static int wait_ready(int fd, struct member *m, double until)
{
    char byte;
    int status = 0;
    struct pollfd p = { .fd = fd, .events = POLLIN };
    for (;;) {
        double left = until - clock_now();
        int r = poll(&p, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r > 0 && read(fd, &byte, 1) == 1)
            return 0;
        break;
    }
    (void)kill(m->pid, SIGKILL);
    (void)waitpid(m->pid, &status, 0);
    m->pid = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_INTERNAL;
}

static void end_members(struct crew *crew, struct commons *c)
{
    for (size_t i = 0; i < crew->n; i++) {
        struct member *m = &crew->at[i];
        if (m->pid > 0) {
            (void)kill(m->pid, SIGKILL);
            (void)waitpid(m->pid, NULL, 0);
        }
        if (m->block >= 0) {
            per_ip_clear(&c->per_ip, (size_t)m->block);
            stats_retire(c->shared, m->block);
        }
    }
    free(crew->at);
    *crew = (struct crew){ 0 };
}

int crew_start(struct crew *crew, struct world *world, struct world *old, struct commons *c)
{
    struct crew fresh = { .at = calloc(world->workers, sizeof *fresh.at), .n = world->workers };
    int *ready = malloc(world->workers * sizeof *ready);
    int code = fresh.at != NULL && ready != NULL ? EXIT_FINE : EXIT_INTERNAL;
    size_t started = 0;
    if (code != 0)
        fresh.n = 0;
    for (size_t i = 0; i < fresh.n; i++)
        fresh.at[i] = (struct member){ .index = i, .block = -1 };
    for (; code == 0 && started < fresh.n; started++) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) != 0) {
            log_error("a worker cannot be started: %s", strerror(errno));
            code = EXIT_INTERNAL;
            break;
        }
        bool ok = start_one(&fresh.at[started], world, old, c, fds[1]);
        close(fds[1]);
        ready[started] = fds[0];
        code = ok ? EXIT_FINE : EXIT_INTERNAL;
    }
    double until = clock_now() + READY_SECONDS;
    for (size_t i = 0; i < started; i++) {
        int r = code == 0 ? wait_ready(ready[i], &fresh.at[i], until) : 0;
        code = code != 0 ? code : r;
        close(ready[i]);
    }
    free(ready);
    if (code != 0) {
        end_members(&fresh, c);
        return code;
    }
    *crew = fresh;
    return 0;
}

static bool start_admin(struct member *m, struct world *world, struct commons *c)
{
    struct admin_job job = { .world = world, .shared = c->shared, .ring = c->ring, .master = getpid() };
    pid_t pid = fork();
    if (pid == 0) {
        let_go(NULL, c);
        _exit(admin_run(&job));
    }
    if (pid < 0) {
        log_error("the admin process cannot be started: %s", strerror(errno));
        return false;
    }
    m->pid = pid;
    m->started = clock_now();
    return true;
}

/* A world that was handed over has neither. */
static void drop_keys(struct world *w)
{
    for (size_t i = 0; w->ctx != NULL && i < w->conf->n_listens; i++)
        tls13_ctx_unref(w->ctx[i]);
}

/* Who looks names up reads what strangers answer: no key, no socket and no privilege is needed for that. */
static void become_resolver(struct world *world, struct world *old, struct commons *c)
{
    let_go(old, c);
    listen_close(&world->binds, &world->binds);
    listen_close(&world->admin, &world->admin);
    (void)munmap(c->ring, sizeof *c->ring);
    drop_keys(world);
    if (old != NULL)
        drop_keys(old);
    if (process_become(&world->identity) != 0)
        _exit(EXIT_RIGHTS);
    sandbox_process();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void crew_first_look(struct world *world, struct world *old, struct commons *c)
{
    size_t known = 0;
    while (known < world->n_names && world->names[known].version != 0)
        known++;
    if (known == world->n_names)
        return;
    pid_t master = getpid(), pid = fork();
    if (pid == 0) {
        become_resolver(world, old, c);
        if (getppid() == master)
            resolve_names(world->names, world->n_names, true, FIRST_LOOK);
        _exit(EXIT_FINE);
    }
    if (pid < 0)
        log_error("host names cannot be looked up: %s", strerror(errno));
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* Looks names up again and again. */
static void resolver_run(struct world *world, struct commons *c, pid_t master)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    become_resolver(world, NULL, c);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    (void)signal(SIGUSR2, SIG_IGN);
    while (getppid() == master) {
        resolve_names(world->names, world->n_names, false, RESOLVE_MOST);
        (void)sleep(RESOLVE_SECONDS);
    }
    _exit(EXIT_FINE);
}

static bool start_resolver(struct member *m, struct world *world, struct commons *c)
{
    pid_t master = getpid(), pid = fork();
    if (pid == 0)
        resolver_run(world, c, master);
    if (pid < 0) {
        log_error("host names cannot be looked up again: %s", strerror(errno));
        return false;
    }
    m->pid = pid;
    m->started = clock_now();
    return true;
}

void crew_end_admin(struct crew *crew)
{
    if (crew->admin.pid > 0) {
        (void)kill(crew->admin.pid, SIGKILL);
        (void)waitpid(crew->admin.pid, NULL, 0);
    }
    crew->admin.pid = 0;
}

/* --- drains, signals -------------------------------------------------------------------------------------------- */

void crew_retire(struct crew *crew, struct crew *from)
{
    if (from->resolver.pid > 0)
        (void)kill(from->resolver.pid, SIGKILL);
    if (from->admin.pid > 0)
        (void)kill(from->admin.pid, SIGTERM);
    crew->old = from->old;
    crew->n_old = from->n_old;
    struct member *old = realloc(crew->old, (crew->n_old + from->n + 1) * sizeof *old);
    if (old != NULL) {
        crew->old = old;
        for (size_t i = 0; i < from->n; i++)
            if (from->at[i].pid > 0)
                crew->old[crew->n_old++] = from->at[i];
    }
    for (size_t i = 0; i < from->n; i++)
        if (from->at[i].pid > 0)
            (void)kill(from->at[i].pid, SIGTERM);
    free(from->at);
    *from = (struct crew){ 0 };
}

void crew_signal(const struct crew *crew, int signum)
{
    for (size_t i = 0; i < crew->n; i++)
        if (crew->at[i].pid > 0)
            (void)kill(crew->at[i].pid, signum);
    for (size_t i = 0; i < crew->n_old; i++)
        (void)kill(crew->old[i].pid, signum);
    if (crew->resolver.pid > 0 && (signum == SIGTERM || signum == SIGINT || signum == SIGKILL))
        (void)kill(crew->resolver.pid, SIGKILL);
    if (crew->admin.pid > 0 && signum == SIGUSR1)
        (void)kill(crew->admin.pid, signum);
}

size_t crew_living(const struct crew *crew)
{
    size_t n = crew->n_old;
    for (size_t i = 0; i < crew->n; i++)
        n += crew->at[i].pid > 0;
    return n;
}

/* --- the dead --------------------------------------------------------------------------------------------------- */

static void settle_account(struct member *m, struct commons *c)
{
    per_ip_clear(&c->per_ip, (size_t)m->block);
    stats_retire(c->shared, m->block);
    m->block = -1;
    m->pid = 0;
}

static void say_death(const struct member *m, const char *who, int status)
{
    if (WIFSIGNALED(status))
        log_error("%s (pid %d) was killed by signal %d (%s)", who, (int)m->pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        log_error("%s (pid %d) ended by itself with code %d", who, (int)m->pid, WEXITSTATUS(status));
}

static void say_worker_death(const struct member *m, int status)
{
    char who[32];
    (void)snprintf(who, sizeof who, "worker %zu", m->index);
    say_death(m, who, status);
}

/* It is to be started again, at once when it had lived for a while. */
static void comes_back(struct member *m)
{
    double now = clock_now(), wait = 0.1;
    m->pid = 0;
    m->failures = now - m->started < SOON ? m->failures + 1 : 0;
    for (unsigned i = 1; i < m->failures && wait < WAIT_MAX; i++)
        wait *= 2;
    m->start_at = m->failures == 0 ? now : now + (wait < WAIT_MAX ? wait : WAIT_MAX);
}

/* One of the workers in force has ended. */
static void died(struct member *m, int status, bool ending, struct commons *c)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !ending)
        say_worker_death(m, status);
    comes_back(m);
    settle_account(m, c);
    c->shared->master.worker_restarts += !ending;
}

/* One of those that only help; what ended with the crew, or by a signal to the whole group (Ctrl-C), is not missed. */
static void helper_died(struct member *m, const char *who, int status, bool ending)
{
    if (!ending)
        say_death(m, who, status);
    comes_back(m);
}

void crew_bury(struct crew *crew, pid_t pid, int status, struct commons *c)
{
    if (pid == crew->resolver.pid)
        helper_died(&crew->resolver, "the process that looks up host names", status, crew->ending);
    if (pid == crew->admin.pid)
        helper_died(&crew->admin, "the admin process", status, crew->ending && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (size_t i = 0; i < crew->n; i++)
        if (crew->at[i].pid == pid)
            died(&crew->at[i], status, crew->ending, c);
    for (size_t i = 0; i < crew->n_old; i++) {
        if (crew->old[i].pid != pid)
            continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            say_worker_death(&crew->old[i], status);
        settle_account(&crew->old[i], c);
        crew->old[i] = crew->old[--crew->n_old];
        break;
    }
}

/* => seconds until it is to be started, -1: it lives. */
static double start_helper(struct member *m, bool (*start)(struct member *, struct world *, struct commons *), struct world *world,
                           struct commons *c)
{
    double now = clock_now();
    if (m->pid == 0 && m->start_at <= now && !start(m, world, c))
        m->start_at = now + 1;
    return m->pid == 0 ? m->start_at - now : -1;
}

double crew_respawn(struct crew *crew, struct world *world, struct commons *c)
{
    double now = clock_now(), next = -1;
    for (size_t i = 0; i < crew->n; i++) {
        struct member *m = &crew->at[i];
        if (m->pid > 0)
            continue;
        if (m->start_at <= now && !start_one(m, world, NULL, c, -1))
            m->start_at = now + 1;
        if (m->pid <= 0 && (next < 0 || m->start_at - now < next))
            next = m->start_at - now;
    }
    double admin = world->admin.n != 0 ? start_helper(&crew->admin, start_admin, world, c) : -1;
    double resolver = world->n_names != 0 ? start_helper(&crew->resolver, start_resolver, world, c) : -1;
    if (admin >= 0 && (next < 0 || admin < next))
        next = admin;
    return resolver >= 0 && (next < 0 || resolver < next) ? resolver : next;
}
