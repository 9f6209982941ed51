/* A new process that is to take over (SIGUSR2): one that fails, whatever way, and one that stands alone. */
#include "estate.h"
#include "fds.h"
#include "unit.h"
#include "upgrade.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct handover sent;

/* Steps until something has come of it, at the time now. */
static enum upgrade_state outcome(struct upgrade *u, double now)
{
    enum upgrade_state s;
    while ((s = upgrade_step(u, now)) == UPGRADE_WAITS) {
        int status;
        struct pollfd p = { .fd = u->fd, .events = upgrade_events(u) };
        (void)poll(&p, 1, 20);
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0 && upgrade_ended(u, pid, status) == UPGRADE_FAILED)
            return UPGRADE_FAILED;
    }
    return s;
}

static void fails_as(const char *script, double late, const char *reason)
{
    char sh[] = "sh", c[] = "-c", text[512];
    char *argv[] = { sh, c, text, NULL };
    static struct upgrade u;
    (void)snprintf(text, sizeof text, "%s", script);
    u.handover = sent;
    CHECK(upgrade_start(&u, "/bin/sh", argv, 100));
    pid_t pid = u.pid;
    CHECK_INT(outcome(&u, 100 + late), UPGRADE_FAILED);
    if (strstr(u.why, reason) == NULL)
        printf("# %s: \"%s\"\n", script, u.why);
    CHECK(strstr(u.why, reason) != NULL);
    CHECK_INT(u.pid, 0);
    CHECK_INT(u.fd, -1);
    /* It is gone, or dies now, and its stand-in after it. */
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    CHECK(kill(pid, 0) != 0);
    CHECK_INT(upgrade_step(&u, 1000), UPGRADE_NONE);
}

static void a_new_process_that_fails(void)
{
    int before = count_fds();
    sent = estate();
    fails_as("exit 7", 0, "it ended with code 7 before it was ready");
    fails_as("kill -SEGV $$", 0, "it was killed by signal 11");
    fails_as("exec sleep 100", UPGRADE_SECONDS, "not ready in time");
    fails_as("exec 3>&-; exec sleep 100", UPGRADE_SECONDS, "not ready in time");
    fails_as("echo nonsense >&3; exec sleep 100", 0, "answers what this one does not understand");
    fails_as("printf '\\001' >&3; exec sleep 100", 0, "answers what this one does not understand");
    char none_there[] = "none";
    char *argv[] = { none_there, NULL };
    static struct upgrade u;
    u.handover = sent;
    CHECK(upgrade_start(&u, "/nonexistent/tls13d", argv, 100));
    CHECK_INT(outcome(&u, 100), UPGRADE_FAILED);
    CHECK_STR(u.why, "/nonexistent/tls13d cannot be executed: No such file or directory");
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    estate_close(&sent);
    CHECK_INT(count_fds(), before);
}

/* A new process that is ready is nobody's child but init's once that is asked for, whatever has become of it. */
static void a_new_process_stands_alone(void)
{
    char sh[] = "sh", c[] = "-c", text[] = "printf '\\164\\164\\061\\063\\001\\000\\007\\000' >&3; exec sleep 100";
    char *argv[] = { sh, c, text, NULL };
    static struct upgrade u;
    int before = count_fds();
    sent = estate();
    u.handover = sent;
    CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    CHECK(upgrade_start(&u, "/bin/sh", argv, 100));
    CHECK_INT(outcome(&u, 100), UPGRADE_READY);
    pid_t parent = u.parent, pid = u.pid;
    CHECK(upgrade_adopted(&u));
    CHECK(kill(parent, 0) != 0);
    CHECK_INT(waitpid(pid, NULL, WNOHANG), 0); /* its parent now is who takes in orphans: here this one */
    upgrade_release(&u);
    CHECK_INT(upgrade_step(&u, 1000), UPGRADE_NONE);
    CHECK_INT(kill(pid, SIGKILL), 0);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    /* One that ends as soon as it has said that it is ready is none. */
    (void)strcpy(strstr(text, "exec sleep"), "exit 3");
    CHECK(upgrade_start(&u, "/bin/sh", argv, 100));
    siginfo_t info;
    CHECK_INT(waitid(P_PID, (id_t)u.parent, &info, WEXITED | WNOWAIT), 0);
    CHECK_INT(upgrade_step(&u, 100), UPGRADE_READY);
    CHECK(!upgrade_adopted(&u));
    CHECK_STR(u.why, "it ended with code 3 before it was ready");
    CHECK_INT(upgrade_step(&u, 1000), UPGRADE_NONE);
    CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
    estate_close(&sent);
    CHECK_INT(count_fds(), before);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    estate_addresses();
    RUN(a_new_process_that_fails);
    RUN(a_new_process_stands_alone);
    return DONE();
}
