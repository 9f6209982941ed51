#include "notify.h"

#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct {
    struct sockaddr_un to;
    socklen_t len; /* 0: nobody listens */
    double watchdog;
    bool mute;
} manager;

static double read_watchdog(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
        return 0;
    char *end;
    double seconds = (double)strtoull(usec, &end, 10) / 1e6;
    return end != usec && *end == '\0' ? seconds / 2 : 0;
}

/* A path, or "@name" for an abstract socket; other kinds (vsock) are for virtual machines as a whole. */
static void read_socket(const char *name)
{
    size_t n = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof manager.to.sun_path) {
        log_warning("NOTIFY_SOCKET is no address of a Unix socket: %s", name);
        return;
    }
    manager.to.sun_family = AF_UNIX;
    memcpy(manager.to.sun_path, name, n);
    if (name[0] == '@')
        manager.to.sun_path[0] = '\0';
    manager.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

void notify_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (name != NULL)
        read_socket(name);
    manager.watchdog = manager.len != 0 ? read_watchdog() : 0;
    if (manager.watchdog <= 0)
        (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void notify_mute(bool mute)
{
    manager.mute = mute;
}

/* A socket of its own each time: nothing is left open for workers to inherit. */
void notify_send(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    if (manager.len == 0 || manager.mute)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    size_t len = n < (int)sizeof text ? (size_t)n : sizeof text - 1;
    if (fd < 0 || sendto(fd, text, len, MSG_NOSIGNAL, (struct sockaddr *)&manager.to, manager.len) < 0)
        log_warning("the service manager cannot be told: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
}

void notify_reloading(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    notify_send("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
}

double notify_watchdog(void)
{
    return manager.mute ? 0 : manager.watchdog;
}
