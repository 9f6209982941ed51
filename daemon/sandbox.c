#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

void sandbox_process(void)
{
    const struct rlimit none = { 0, 0 };
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!SANITIZED) /* whose leak check traces the process */
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* --- seccomp ---------------------------------------------------------------------------------------------------- */

/* Calls without a look at their arguments. */
static const int calls[] = {
    /* sockets and files that are open */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    /* the log, opened again: Landlock says where; Debian's libc asks newfstatat for fstat */
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(newfstatat),
    /* the loop and the clock */
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    /* the process itself */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
#if SANITIZED /* its reports: stacks, symbols by another program, the leak check's thread */
    SCMP_SYS(sigaltstack),
    SCMP_SYS(mprotect),
    SCMP_SYS(mmap),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(ioctl),
    SCMP_SYS(stat),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(execve),
    SCMP_SYS(wait4),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(ptrace),
    SCMP_SYS(kill),
    SCMP_SYS(tgkill),
    SCMP_SYS(prctl),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(getrlimit),
    SCMP_SYS(prlimit64),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(getdents64),
    SCMP_SYS(pread64),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(rseq),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(nanosleep),
    SCMP_SYS(statx),
#endif
};

/* The admin process's libev: it makes its epoll set anew when a socket that is closed here goes on in another process. */
static const int admin_calls[] = {
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(eventfd2),
};

static int allow(scmp_filter_ctx f, int call, unsigned n, const struct scmp_arg_cmp *args)
{
    int err = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, n, args);
    return err == -EDOM ? 0 : err; /* this architecture has no such call */
}

/* New sockets: streams to backends; the datagram socket of syslog when the connection to it must be made again. */
static int allow_sockets(scmp_filter_ctx f, enum sandbox_role role)
{
    static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
    const int kind_mask = ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    size_t n = role == SANDBOX_WORKER ? sizeof families / sizeof families[0] : 0;
    int err = 0;
    for (size_t i = 0; i < n && err == 0; i++)
        err = allow(f, SCMP_SYS(socket), 2,
                    (struct scmp_arg_cmp[]){ SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0),
                                             SCMP_A1(SCMP_CMP_MASKED_EQ, (unsigned)kind_mask, SOCK_STREAM) });
    if (err != 0)
        return err;
    return allow(f, SCMP_SYS(socket), 2,
                 (struct scmp_arg_cmp[]){ SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0), SCMP_A1(SCMP_CMP_MASKED_EQ, (unsigned)kind_mask, SOCK_DGRAM) });
}

/* Calls of which only some forms are needed: no memory to run code from, no signal but to oneself. */
static int allow_forms(scmp_filter_ctx f, enum sandbox_role role)
{
    struct scmp_arg_cmp no_code[] = { SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) };
    struct scmp_arg_cmp unsent[] = { SCMP_A1(SCMP_CMP_EQ, SIOCOUTQ, 0) };
    struct scmp_arg_cmp self[] = { SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0) };
    int err = allow_sockets(f, role);
    if (SANITIZED) /* they are allowed altogether, and a narrower rule beside that is an error */
        return err;
    if (err == 0)
        err = allow(f, SCMP_SYS(mmap), 1, no_code);
    if (err == 0)
        err = allow(f, SCMP_SYS(mprotect), 1, no_code);
    if (err == 0)
        err = allow(f, SCMP_SYS(ioctl), 1, unsent);
    return err != 0 ? err : allow(f, SCMP_SYS(tgkill), 1, self);
}

/*
 * What is not on the list fails with EPERM instead of killing the process: an intruder gains nothing from it, and a libc that comes to
 * use one more call does not end every connection.  => 0 or a negative errno.
 */
static int enter_seccomp(enum sandbox_role role)
{
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int err = f != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; err == 0 && i < sizeof calls / sizeof calls[0]; i++)
        err = allow(f, calls[i], 0, NULL);
    for (size_t i = 0; err == 0 && role == SANDBOX_ADMIN && i < sizeof admin_calls / sizeof admin_calls[0]; i++)
        err = allow(f, admin_calls[i], 0, NULL);
    if (err == 0)
        err = allow_forms(f, role);
    if (err == 0)
        (void)seccomp_attr_set(f, SCMP_FLTATR_API_SYSRAWRC, 1);
    if (err == 0)
        (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree: data calls pay for few comparisons */
    if (err == 0)
        err = seccomp_load(f);
    if (f != NULL)
        seccomp_release(f);
    return err;
}

/* --- Landlock --------------------------------------------------------------------------------------------------- */

/* The kernel's interface (linux/landlock.h), as of ABI 6; headers of a distribution may be older than its kernel. */
struct ll_ruleset {
    uint64_t fs, net, scoped;
};
struct ll_beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));
struct ll_port {
    uint64_t allowed, port;
};
enum { LL_CREATE = 444, LL_ADD = 445, LL_RESTRICT = 446, LL_VERSION = 1, LL_BENEATH = 1, LL_PORT = 2 };
enum {
    LL_EXECUTE = 1 << 0,
    LL_WRITE_FILE = 1 << 1,
    LL_READ_FILE = 1 << 2,
    LL_READ_DIR = 1 << 3,
    LL_MAKE_REG = 1 << 8,
    LL_FS_1 = (1 << 13) - 1, /* all of ABI 1 */
    LL_REFER = 1 << 13,      /* ABI 2 */
    LL_TRUNCATE = 1 << 14,   /* ABI 3 */
    LL_IOCTL_DEV = 1 << 15,  /* ABI 5 */
    LL_BIND = 1 << 0,        /* ABI 4 */
    LL_CONNECT = 1 << 1,
    LL_ABSTRACT = 1 << 0, /* ABI 6 */
    LL_SIGNAL = 1 << 1
};

/* What lies beneath a directory.  One that is not there needs no rule. */
static int ll_beneath(int set, const char *directory, uint64_t allowed)
{
    struct ll_beneath rule = { .allowed = allowed, .parent = open(directory, O_PATH | O_CLOEXEC) };
    if (rule.parent < 0)
        return 0;
    int r = (int)syscall(LL_ADD, set, LL_BENEATH, &rule, 0);
    int err = errno;
    close(rule.parent);
    errno = err;
    return r;
}

static int ll_log(int set, const struct config *c)
{
    if (c->log[0] != '/')
        return 0;
    char *directory = strdup(c->log);
    if (directory == NULL)
        return -1;
    char *slash = strrchr(directory, '/');
    slash[slash == directory ? 1 : 0] = '\0';
    int r = ll_beneath(set, directory, LL_WRITE_FILE | LL_MAKE_REG);
    free(directory);
    return r;
}

static int ll_backend(int set, const struct addr *a)
{
    if (a->kind != ADDR_IP && a->kind != ADDR_NAME)
        return 0;
    struct ll_port rule = { .allowed = LL_CONNECT, .port = a->port };
    return (int)syscall(LL_ADD, set, LL_PORT, &rule, 0);
}

static bool is_abstract(const struct addr *a)
{
    return a->kind == ADDR_UNIX && a->u.un.sun_path[0] == '\0';
}

/* A worker's backends, by port: their addresses may change. */
static int ll_backends(int set, const struct config *c)
{
    int r = 0;
    for (size_t i = 0; i < c->n_listens && r == 0; i++) {
        const struct listen_conf *l = &c->listens[i];
        for (size_t j = 0; j < l->n_backends && r == 0; j++)
            r = ll_backend(set, &l->backends[j]);
        for (size_t j = 0; j < l->n_routes && r == 0; j++)
            r = ll_backend(set, &l->routes[j].backend);
    }
    return r;
}

/* Whether somebody else's abstract socket must stay in reach. */
static bool any_abstract(const struct config *c)
{
    bool any = false;
    for (size_t i = 0; i < c->n_listens; i++) {
        const struct listen_conf *l = &c->listens[i];
        for (size_t j = 0; j < l->n_backends; j++)
            any |= is_abstract(&l->backends[j]);
        for (size_t j = 0; j < l->n_routes; j++)
            any |= is_abstract(&l->routes[j].backend);
    }
    return any;
}

/* All that an ABI can restrict is restricted; rules then allow. */
static struct ll_ruleset ll_all(int abi, const struct config *c, enum sandbox_role role)
{
    struct ll_ruleset all = { .fs = LL_FS_1 };
    if (abi >= 2)
        all.fs |= LL_REFER;
    if (abi >= 3)
        all.fs |= LL_TRUNCATE;
    if (abi >= 4)
        all.net = LL_BIND | LL_CONNECT;
    if (abi >= 5)
        all.fs |= LL_IOCTL_DEV;
    if (abi >= 6)
        all.scoped = role == SANDBOX_WORKER && any_abstract(c) ? LL_SIGNAL : LL_SIGNAL | LL_ABSTRACT;
    return all;
}

/* => 0 or a negative errno. */
static int enter_landlock(const struct config *c, enum sandbox_role role)
{
    int abi = (int)syscall(LL_CREATE, NULL, (size_t)0, LL_VERSION);
    if (abi < 0)
        return -errno;
    struct ll_ruleset all = ll_all(abi, c, role);
    size_t len = abi >= 6 ? sizeof all : abi >= 4 ? offsetof(struct ll_ruleset, scoped) : offsetof(struct ll_ruleset, net);
    int set = (int)syscall(LL_CREATE, &all, len, 0);
    if (set < 0)
        return -errno;
    bool ok = ll_log(set, c) == 0;
    if (SANITIZED)
        ok = ok && ll_beneath(set, "/", LL_READ_FILE | LL_READ_DIR | LL_EXECUTE) == 0;
    if (all.net != 0 && role == SANDBOX_WORKER)
        ok = ok && ll_backends(set, c) == 0;
    ok = ok && syscall(LL_RESTRICT, set, 0) == 0;
    int err = ok ? 0 : -errno;
    close(set);
    return err;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

int sandbox_enter(const struct config *c, enum sandbox_role role, bool tell)
{
    if (c->sandbox == OFF)
        return 0;
    tzset(); /* syslog(3) wants the zone's file, once */
    int landlock = enter_landlock(c, role), seccomp = enter_seccomp(role);
    if (landlock != 0 && tell)
        log_warning("sandbox: the kernel refuses Landlock (%s): workers could open files that their user may", strerror(-landlock));
    if (seccomp != 0 && tell)
        log_warning("sandbox: the kernel refuses seccomp (%s): workers could make any system call", strerror(-seccomp));
    return landlock != 0 || seccomp != 0 ? -1 : 0;
}
