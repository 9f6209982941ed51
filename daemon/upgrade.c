#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the new process -------------------------------------------------------------------------------------------- */

static void close_from(int first)
{
    struct rlimit r;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, 0) == 0)
        return;
#endif
    int most = getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < 1 << 20 ? (int)r.rlim_cur : 1 << 20;
    for (int fd = first; fd < most; fd++)
        close(fd);
}

/*
 * Nothing but the three standard streams and the channel goes along, whatever we were started with.  Signals stay blocked over execve:
 * those that come early wait until the new master takes them.
 */
static void become(const char *program, char **argv, int fd)
{
    char text[16], why[512];
    (void)snprintf(text, sizeof text, "%d", HANDOVER_FD);
    if (fd == HANDOVER_FD)
        (void)fcntl(fd, F_SETFD, 0);
    else if (dup2(fd, HANDOVER_FD) < 0)
        _exit(127);
    close_from(HANDOVER_FD + 1);
    if (setenv(HANDOVER_ENV, text, 1) == 0)
        (void)execv(program, argv);
    (void)snprintf(why, sizeof why, "%.400s cannot be executed: %s", program, strerror(errno));
    handover_say_refused(HANDOVER_FD, why);
    _exit(127);
}

/*
 * The new process's parent as long as it starts: ends as that has ended.  It is killed once the new one serves, which so becomes a child
 * of the service manager before that is told of it.  (systemd does not wait for the end of a main process that is not its child: to
 * stop such a service it kills it at once.)
 */
static void stand_in(const char *program, char **argv, int fd, int tell, pid_t master)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        become(program, argv, fd);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)!write(tell, &pid, sizeof pid);
    close_from(0);
    if (pid < 0 || getppid() != master)
        _exit(127);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFSIGNALED(status))
        _exit(WEXITSTATUS(status));
    sigset_t none;
    sigemptyset(&none);
    (void)signal(WTERMSIG(status), SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)kill(getpid(), WTERMSIG(status));
    _exit(127);
}

/* => false with u->why set. */
static bool no(struct upgrade *u, const char *what)
{
    (void)snprintf(u->why, sizeof u->why, "%s: %s", what, strerror(errno));
    return false;
}

/* Starts both.  => whether they run; they have the descriptor fd. */
static bool start(struct upgrade *u, const char *program, char **argv, int fd)
{
    int fds[2];
    pid_t master = getpid();
    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    u->parent = fork();
    if (u->parent == 0)
        stand_in(program, argv, fd, fds[1], master);
    close(fds[1]);
    bool ok = u->parent > 0 && read(fds[0], &u->pid, sizeof u->pid) == (ssize_t)sizeof u->pid && u->pid > 0;
    close(fds[0]);
    return ok;
}

bool upgrade_start(struct upgrade *u, const char *program, char **argv, double now)
{
    int fds[2];
    u->fd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
        return no(u, "no channel to a new process");
    if (!start(u, program, argv, fds[1])) {
        (void)no(u, "no new process");
        u->pid = u->parent = 0;
        close(fds[0]);
        close(fds[1]);
        return false;
    }
    close(fds[1]);
    u->fd = fds[0];
    u->next = 0;
    u->until = now + UPGRADE_SECONDS;
    u->why[0] = '\0';
    return true;
}

/* --- its end ---------------------------------------------------------------------------------------------------- */

static void forget(struct upgrade *u)
{
    if (u->fd >= 0)
        close(u->fd);
    u->fd = -1;
    explicit_bzero(&u->handover, sizeof u->handover);
}

void upgrade_cancel(struct upgrade *u)
{
    if (u->pid > 0)
        (void)kill(u->pid, SIGKILL);
    u->pid = u->parent = 0;
    forget(u);
}

static enum upgrade_state failed(struct upgrade *u, const char *why)
{
    (void)snprintf(u->why, sizeof u->why, "%s", why);
    upgrade_cancel(u);
    return UPGRADE_FAILED;
}

bool upgrade_adopted(struct upgrade *u)
{
    int status = 0;
    (void)kill(u->parent, SIGKILL);
    while (waitpid(u->parent, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        u->parent = 0;
        return true;
    }
    (void)upgrade_ended(u, u->parent, status); /* it had ended before: so had the new master */
    return false;
}

void upgrade_release(struct upgrade *u)
{
    forget(u);
    u->pid = 0;
}

/* --- while it starts --------------------------------------------------------------------------------------------- */

static bool all_sent(const struct upgrade *u)
{
    return u->next == SIZE_MAX;
}

short upgrade_events(const struct upgrade *u)
{
    return (short)(POLLIN | (all_sent(u) ? 0 : POLLOUT));
}

/* => UPGRADE_WAITS when it has said nothing, or closed the channel, so that its end will say more. */
static enum upgrade_state answer(struct upgrade *u)
{
    char why[600];
    if (u->fd < 0)
        return UPGRADE_WAITS;
    switch (handover_answer(u->fd, why, sizeof why)) {
    case HANDOVER_READY:
        return UPGRADE_READY;
    case HANDOVER_REFUSED:
        return failed(u, why);
    case HANDOVER_NONSENSE:
        return failed(u, "it answers what this one does not understand");
    case HANDOVER_CLOSED:
        close(u->fd);
        u->fd = -1;
        return UPGRADE_WAITS;
    case HANDOVER_NOTHING:
        break;
    }
    return UPGRADE_WAITS;
}

enum upgrade_state upgrade_step(struct upgrade *u, double now)
{
    if (u->pid == 0)
        return UPGRADE_NONE;
    if (u->fd >= 0 && !all_sent(u)) {
        int r = handover_send(u->fd, &u->handover, &u->next);
        if (r != 0) /* when it cannot be sent, the other side says why, or has ended */
            u->next = SIZE_MAX;
        if (r > 0)
            explicit_bzero(&u->handover.ring, sizeof u->handover.ring);
    }
    enum upgrade_state s = answer(u);
    return s == UPGRADE_WAITS && now >= u->until ? failed(u, "it was not ready in time") : s;
}

enum upgrade_state upgrade_ended(struct upgrade *u, pid_t pid, int status)
{
    char why[128];
    if (u->pid == 0 || pid != u->parent)
        return UPGRADE_NONE;
    u->pid = 0; /* its stand-in ends after it */
    if (answer(u) == UPGRADE_FAILED)
        return UPGRADE_FAILED;
    if (WIFSIGNALED(status))
        (void)snprintf(why, sizeof why, "it was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        (void)snprintf(why, sizeof why, "it ended with code %d before it was ready", WEXITSTATUS(status));
    return failed(u, why);
}
