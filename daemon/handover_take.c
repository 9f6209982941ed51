/* The new master's side of a handover: it takes nothing that it has not looked at. */
#include "clock.h"
#include "handover_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 4096 /* of anything that is counted */

static struct {
    int fd;
    pid_t from;
    bool ready;
    char why[sizeof((struct message *)0)->u.refused];
} channel = { .fd = -1 };

/* --- the channel ------------------------------------------------------------------------------------------------ */

/* One end of a pair that another process of our user has made. */
static bool is_channel(int fd)
{
    int domain = 0, type = 0;
    struct ucred peer = { 0 };
    socklen_t domain_len = sizeof domain, type_len = sizeof type, peer_len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) != 0 || domain != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) != 0 || type != SOCK_SEQPACKET ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) != 0)
        return false;
    channel.from = peer.pid;
    return peer.pid > 0 && peer.pid != getpid() && peer.uid == geteuid();
}

int handover_open(char *why, size_t why_len)
{
    char copy[16];
    char *end;
    const char *text = getenv(HANDOVER_ENV);
    if (text == NULL)
        return 0;
    (void)snprintf(copy, sizeof copy, "%s", text);
    (void)unsetenv(HANDOVER_ENV);
    long fd = strtol(copy, &end, 10);
    if (copy[0] < '0' || copy[0] > '9' || *end != '\0' || fd > INT32_MAX || !is_channel((int)fd)) {
        (void)snprintf(why, why_len,
                       HANDOVER_ENV " is for a running tls13d that starts its successor (SIGUSR2), and names no channel of such a one; "
                                    "unset it");
        return -1;
    }
    channel.fd = (int)fd;
    (void)fcntl(channel.fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

int handover_fd(void)
{
    return channel.fd;
}

pid_t handover_from(void)
{
    return channel.from;
}

/* --- what comes -------------------------------------------------------------------------------------------------- */

/* One that is being received. */
struct taking {
    struct handover *h;
    double until;
    struct message m;
    int fds[HANDOVER_SOCKETS];
    size_t n; /* descriptors that nobody owns yet */
    char *why;
    size_t why_len;
};

static bool no(struct taking *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool no(struct taking *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(t->why, t->why_len, fmt, ap);
    va_end(ap);
    return false;
}

/* Waits for the next message, which must be of this kind and have from `least` to `most` descriptors. */
static bool next(struct taking *t, enum kind kind, size_t least, size_t most)
{
    ssize_t len;
    for (;;) {
        double left = t->until - clock_now();
        struct pollfd p = { .fd = channel.fd, .events = POLLIN };
        if (left <= 0)
            return no(t, "the running tls13d does not hand over its sockets in time");
        (void)poll(&p, 1, (int)(left * 1000) + 1);
        len = wire_take(channel.fd, &t->m, t->fds, &t->n);
        if (len >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    if (len <= 0)
        return no(t, "the running tls13d ended while it handed over its sockets");
    if ((size_t)len >= wire_size(KIND_READY) && t->m.magic == HANDOVER_MAGIC && t->m.version != HANDOVER_VERSION)
        return no(t, "the running tls13d hands over in version %u, which this one (version %d) does not know: restart it instead",
                  t->m.version, HANDOVER_VERSION);
    if (!wire_is(&t->m, len, kind) || t->n < least || t->n > most)
        return no(t, "the running tls13d hands over something else than it should");
    return true;
}

static bool take_bindings(struct taking *t, struct bindings *s, size_t n, enum kind kind)
{
    char reason[256];
    s->at = calloc(n + 1, sizeof *s->at);
    if (s->at == NULL)
        return no(t, "out of memory");
    for (size_t i = 0; i < n; i++) {
        if (!next(t, kind, 1, HANDOVER_SOCKETS))
            return false;
        char *text = t->m.u.bind.text;
        if (memchr(text, '\0', sizeof t->m.u.bind.text) == NULL)
            return no(t, "an address that is handed over has no end");
        if (listen_adopt(&s->at[i], text, t->fds, t->n, reason, sizeof reason) != 0)
            return no(t, "%s", reason);
        s->n++;
        t->n = 0;
    }
    return true;
}

static bool take_inherited(struct taking *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct inherited *d = &t->h->inherited.at[i];
        if (!next(t, KIND_INHERITED, 1, 1))
            return false;
        memcpy(d->name, t->m.u.inherited, sizeof d->name);
        if (memchr(d->name, '\0', sizeof d->name) == NULL)
            return no(t, "a name that is handed over has no end");
        d->fd = t->fds[0];
        t->h->inherited.n++;
        t->n = 0;
    }
    return true;
}

static bool is_address(const struct resolved_addr *a, uint32_t port)
{
    const struct sockaddr_in *in = (const void *)&a->ss;
    const struct sockaddr_in6 *in6 = (const void *)&a->ss;
    if (a->ss.ss_family == AF_INET)
        return a->len == sizeof *in && ntohs(in->sin_port) == port;
    return a->ss.ss_family == AF_INET6 && a->len == sizeof *in6 && ntohs(in6->sin6_port) == port;
}

static bool is_name(const struct name *m)
{
    bool ok = memchr(m->host, '\0', sizeof m->host) != NULL && m->port != 0 && m->port <= UINT16_MAX && m->n <= RESOLVED_MOST;
    for (size_t i = 0; ok && i < m->n; i++)
        ok = is_address(&m->at[i], m->port);
    return ok;
}

static bool take_names(struct taking *t, size_t n)
{
    if (n == 0)
        return true;
    void *at = mmap(NULL, n * sizeof *t->h->names, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return no(t, "out of memory");
    t->h->names = at;
    t->h->n_names = n;
    for (size_t i = 0; i < n; i++) {
        const struct name *m = &t->m.u.name;
        struct resolved *r = &t->h->names[i];
        if (!next(t, KIND_NAME, 0, 0))
            return false;
        if (!is_name(m))
            return no(t, "a backend's address that is handed over is none");
        (void)snprintf(r->host, sizeof r->host, "%s", m->host);
        r->port = (uint16_t)m->port;
        struct resolved known = { .version = 2, .n = m->n };
        memcpy(known.at, m->at, sizeof known.at);
        backend_keep(r, &known);
    }
    return true;
}

static bool take_keys(struct taking *t)
{
    const struct keys *k = &t->m.u.keys;
    if (!next(t, KIND_KEYS, 0, 0))
        return false;
    if (k->n > TICKET_KEYS || k->rotate_in_ms > UINT32_MAX)
        return no(t, "the ticket keys that are handed over are none");
    memcpy(t->h->ring.key, k->key, k->n * sizeof k->key[0]);
    t->h->ring.n = k->n;
    t->h->key_made = k->made;
    t->h->rotate_in = (double)k->rotate_in_ms / 1000;
    return true;
}

static bool take_all(struct taking *t)
{
    if (!next(t, KIND_HELLO, 0, 0))
        return false;
    struct hello hello = t->m.u.hello;
    if (hello.binds > MOST || hello.admin > 1 || hello.inherited > INHERITED_MAX || hello.names > MOST)
        return no(t, "the running tls13d hands over more than there can be");
    t->h->generation = hello.generation;
    return take_bindings(t, &t->h->binds, hello.binds, KIND_BIND) && take_bindings(t, &t->h->admin, hello.admin, KIND_ADMIN) &&
           take_inherited(t, hello.inherited) && take_names(t, hello.names) && take_keys(t);
}

int handover_receive(struct handover *h, double seconds, char *why, size_t why_len)
{
    struct taking t = { .h = h, .until = clock_now() + seconds, .why = why, .why_len = why_len };
    *h = (struct handover){ 0 };
    bool ok = take_all(&t);
    explicit_bzero(&t.m, sizeof t.m);
    if (ok)
        return 0;
    wire_close(t.fds, t.n);
    listen_close(&h->binds, &h->binds);
    listen_close(&h->admin, &h->admin);
    for (size_t i = 0; i < h->inherited.n; i++)
        close(h->inherited.at[i].fd);
    if (h->names != NULL)
        munmap(h->names, h->n_names * sizeof *h->names);
    explicit_bzero(h, sizeof *h);
    return -1;
}

/* --- what we say ------------------------------------------------------------------------------------------------- */

void handover_note(const char *why)
{
    if (channel.fd >= 0 && channel.why[0] == '\0')
        (void)snprintf(channel.why, sizeof channel.why, "%s", why);
}

static void let_go(void)
{
    close(channel.fd);
    channel.fd = -1;
}

void handover_refuse(int code)
{
    char text[32];
    (void)snprintf(text, sizeof text, "it ended with code %d", code);
    if (channel.fd < 0 || channel.ready)
        return;
    handover_say_refused(channel.fd, channel.why[0] != '\0' ? channel.why : text);
    let_go();
}

void handover_ready(void)
{
    struct message m = { .magic = 0 };
    if (channel.fd < 0)
        return;
    channel.ready = true;
    (void)wire_send(channel.fd, &m, KIND_READY, NULL, 0); /* an old master that is gone lets us stand alone, too */
}

bool handover_done(void)
{
    struct message m;
    int fds[HANDOVER_SOCKETS];
    size_t n;
    if (channel.fd < 0)
        return false;
    ssize_t len = wire_take(channel.fd, &m, fds, &n);
    wire_close(fds, n);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    let_go();
    return true;
}
