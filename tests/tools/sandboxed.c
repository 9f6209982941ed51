/*
 * sandboxed worker|admin LOG FILE PORT   enters that sandbox as the daemon would, with one TCP backend at PORT, then tries what must
 *                                        not and what must work: a line "NAME: ok" or "NAME: errno's name" each
 * sandboxed refuse COMMAND...            runs it on a kernel that knows neither seccomp nor Landlock, as it seems
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void told(const char *name, long result)
{
    char line[128];
    int n = snprintf(line, sizeof line, "%s: %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno));
    (void)!write(STDOUT_FILENO, line, (size_t)n);
    if (result > 2)
        close((int)result);
}

static void try_connect(const char *name, const char *port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    told(name, s < 0 ? -1 : connect(s, (struct sockaddr *)&to, sizeof to));
}

static int tries(char **argv)
{
    char *nothing[] = { NULL };
    struct addr backend = { .kind = ADDR_IP, .port = (uint16_t)strtoul(argv[4], NULL, 10) };
    struct listen_conf l = { .backends = &backend, .n_backends = 1 };
    struct config c = { .log = argv[2], .sandbox = ON, .listens = &l, .n_listens = 1 };
    pid_t parent = getppid();
    sandbox_process();
    if (sandbox_enter(&c, strcmp(argv[1], "admin") == 0 ? SANDBOX_ADMIN : SANDBOX_WORKER, true) != 0)
        return 1;
    told("log", open(argv[2], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    told("read-log", open(argv[2], O_RDONLY | O_CLOEXEC));
    told("read-file", open(argv[3], O_RDONLY | O_CLOEXEC));
    told("write-file", open(argv[3], O_WRONLY | O_CLOEXEC));
    told("stream", socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    told("datagram", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    told("packet", socket(AF_PACKET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    try_connect("backend", argv[4]);
    try_connect("elsewhere", "9");
    told("signal", kill(parent, 0));
    told("code", mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    told("fork", syscall(SYS_fork));
    told("trace", syscall(SYS_ptrace, 0, 0, 0, 0));
    told("execve", execve("/bin/true", nothing, nothing));
    return 0;
}

static int refuse(char **command)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
    static const int calls[] = { 444, 445, 446 }; /* Landlock's */
    int err = f != NULL ? 0 : -1;
    for (size_t i = 0; err == 0 && i < sizeof calls / sizeof calls[0]; i++)
        err = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), calls[i], 0);
    if (err == 0)
        err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(seccomp), 0);
    if (err == 0)
        err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0));
    if (err == 0 && seccomp_load(f) == 0)
        (void)execvp(command[0], command);
    perror("sandboxed");
    return 1;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "refuse") == 0)
        return refuse(argv + 2);
    if (argc == 5)
        return tries(argv);
    (void)fprintf(stderr, "usage: sandboxed worker|admin LOG FILE PORT | sandboxed refuse COMMAND...\n");
    return 2;
}
