#include "clock.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIDE_BY_SIDE 32

static void say_failure(struct resolved *r, const char *why)
{
    if (r->failing)
        return;
    r->failing = true;
    log_warning("listener %s: backend %s:%u cannot be resolved: %s; %s", r->listener, r->host, r->port, why,
                r->version != 0 ? "the last address stays" : "there is none yet, so that connections fail");
}

/* In a process of its own. */
static void look_up(struct resolved *r)
{
    char text[ADDR_TEXT];
    uint32_t before = r->version;
    int err = backend_resolve(r);
    if (err != 0) {
        say_failure(r, gai_strerror(err));
        return;
    }
    if (before != r->version || r->failing)
        log_info("listener %s: backend %s:%u is %s", r->listener, r->host, r->port,
                 addr_sockaddr_text((const struct sockaddr *)&r->at[0].ss, r->at[0].len, text, sizeof text));
    r->failing = false;
}

/* => its pid; of the pipe it keeps the writing end open as long as it lives. */
static pid_t start(struct resolved *r, int reading_end)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    close(reading_end);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        look_up(r);
    _exit(0);
}

/* Waits until all writing ends of a pipe are closed.  => whether they are. */
static bool all_closed(int fd, double until)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    for (;;) {
        double left = until - clock_now();
        int r = poll(&p, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
        if (r > 0 || (r == 0 && left <= 0))
            return r > 0;
        if (r < 0 && errno != EINTR)
            return false;
    }
}

static void some(struct resolved *names, size_t n, bool unknown, double until)
{
    pid_t pid[SIDE_BY_SIDE] = { 0 };
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (!unknown || names[i].version == 0)
            pid[i] = start(&names[i], fds[0]);
    close(fds[1]);
    bool done = all_closed(fds[0], until);
    close(fds[0]);
    for (size_t i = 0; i < n; i++) {
        if (pid[i] <= 0)
            continue;
        int status;
        if (!done)
            (void)kill(pid[i], SIGKILL);
        while (waitpid(pid[i], &status, 0) < 0 && errno == EINTR)
            continue;
        if (WIFSIGNALED(status))
            say_failure(&names[i], "no answer in time");
    }
}

void resolve_names(struct resolved *names, size_t n, bool unknown, double seconds)
{
    for (size_t at = 0; at < n; at += SIDE_BY_SIDE)
        some(names + at, n - at < SIDE_BY_SIDE ? n - at : SIDE_BY_SIDE, unknown, clock_now() + seconds);
}

void resolve_inherit(struct resolved *names, size_t n, const struct resolved *from, size_t n_from)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n_from && names[i].version == 0; j++) {
            if (from[j].port != names[i].port || strcmp(from[j].host, names[i].host) != 0)
                continue;
            backend_keep(&names[i], &from[j]);
            names[i].failing = from[j].failing;
        }
    }
}
