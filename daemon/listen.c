#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- systemd -------------------------------------------------------------------------------------------------- */

/* sd_listen_fds(3): descriptors from 3 on, LISTEN_PID must be us, names separated by colons. */
void listen_inherit(struct inheritance *in)
{
    in->n = 0;
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    long n = pid != NULL && fds != NULL && strtol(pid, NULL, 10) == (long)getpid() ? strtol(fds, NULL, 10) : 0;
    for (long i = 0; i < n && i < INHERITED_MAX; i++) {
        struct inherited *d = &in->at[in->n++];
        size_t len = names != NULL ? strcspn(names, ":") : 0;
        d->fd = 3 + (int)i;
        (void)fcntl(d->fd, F_SETFD, FD_CLOEXEC);
        (void)snprintf(d->name, sizeof d->name, "%.*s", (int)(len != 0 ? len : 7), len != 0 ? names : "unknown");
        if (names != NULL)
            names += names[len] == ':' ? len + 1 : len;
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
}

/* --- one socket ------------------------------------------------------------------------------------------------ */

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

/*
 * Options of a TCP listener; connections inherit them.  DEFER_ACCEPT: the ClientHello is there at accept; a client that stays silent
 * is handed over at the next retransmission of the SYN-ACK, a second later.
 */
static void tcp_options(int fd)
{
    (void)set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    (void)set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
}

static bool is_tcp(const struct addr *a)
{
    return a->u.sa.sa_family == AF_INET || a->u.sa.sa_family == AF_INET6;
}

/* => "[::]" speaks IPv4 too, unless the same configuration binds that port on IPv4 by itself. */
static bool dual_stack(const struct addr *a, const struct config *c)
{
    if (a->u.sa.sa_family != AF_INET6 || memcmp(&a->u.in6.sin6_addr, &in6addr_any, sizeof in6addr_any) != 0)
        return false;
    for (size_t i = 0; i < c->n_listens; i++) {
        for (size_t j = 0; j < c->listens[i].n_binds; j++) {
            const struct addr *o = &c->listens[i].binds[j];
            if (o->kind == ADDR_IP && o->u.sa.sa_family == AF_INET && o->u.in.sin_port == a->u.in6.sin6_port)
                return false;
        }
    }
    return true;
}

/*
 * A TCP socket, bound and listening.  The first of an address is bound without SO_REUSEPORT, which it gets afterwards: so a second
 * daemon on the same port is refused, though all of ours share it.  => the descriptor or -1 with errno set.
 */
static int tcp_socket(const struct addr *a, bool dual, bool first, int backlog)
{
    int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    bool ok = set(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0;
    if (a->u.sa.sa_family == AF_INET6)
        ok = ok && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual) == 0;
    if (!first)
        ok = ok && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) == 0;
    ok = ok && bind(fd, &a->u.sa, a->len) == 0;
    if (first)
        ok = ok && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) == 0;
    tcp_options(fd);
    if (ok && listen(fd, backlog) == 0)
        return fd;
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

/* A socket's file that nobody listens on any more is in the way.  => false when somebody does, or it is no socket. */
static bool stale_removed(const struct addr *a)
{
    struct stat st;
    if (lstat(a->u.un.sun_path, &st) != 0)
        return true;
    int fd = S_ISSOCK(st.st_mode) ? socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return false;
    bool dead = connect(fd, &a->u.sa, a->len) != 0 && errno == ECONNREFUSED;
    close(fd);
    return dead && unlink(a->u.un.sun_path) == 0;
}

static int unix_socket(const struct addr *a, int backlog)
{
    bool file = a->u.un.sun_path[0] != '\0';
    if (file && !stale_removed(a)) {
        errno = EADDRINUSE;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, &a->u.sa, a->len) == 0) {
        if (listen(fd, backlog) == 0)
            return fd;
        if (file)
            (void)unlink(a->u.un.sun_path);
    }
    int err = errno;
    close(fd);
    errno = err;
    return -1;
}

/* --- one binding ----------------------------------------------------------------------------------------------- */

/* Takes fd, closing it when there is no room for it; => false with errno set, also for fd < 0. */
static bool add_fd(struct binding *b, int fd)
{
    int *fds = fd < 0 ? NULL : realloc(b->fds, (b->n + 1) * sizeof *fds);
    if (fds == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    b->fds = fds;
    b->fds[b->n++] = fd;
    return true;
}

/* => false with a sentence in why. */
static bool resolve(struct addr *a, char *why, size_t why_len)
{
    char port[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *res = NULL;
    (void)snprintf(port, sizeof port, "%u", a->port);
    int err = getaddrinfo(a->host, port, &hints, &res);
    if (err != 0) {
        (void)snprintf(why, why_len, "%s cannot be resolved: %s", a->host, gai_strerror(err));
        return false;
    }
    a->len = res->ai_addrlen;
    memcpy(&a->u, res->ai_addr, res->ai_addrlen);
    freeaddrinfo(res);
    return true;
}

static bool open_systemd(struct binding *b, const struct inheritance *in, char *why, size_t why_len)
{
    for (size_t i = 0; i < in->n; i++) {
        int accepting = 0;
        socklen_t len = sizeof accepting;
        if (strcmp(in->at[i].name, b->addr.host) != 0)
            continue;
        if (getsockopt(in->at[i].fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &len) != 0 || !accepting) {
            (void)snprintf(why, why_len, "systemd:%s is not a listening stream socket", b->addr.host);
            return false;
        }
        /* A duplicate, so that a binding that goes can close it and one that comes back finds it again. */
        int fd = fcntl(in->at[i].fd, F_DUPFD_CLOEXEC, 3);
        if (!add_fd(b, fd)) {
            (void)snprintf(why, why_len, "systemd:%s: %s", b->addr.host, strerror(errno));
            return false;
        }
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        b->bound.len = sizeof b->bound.u;
        if (getsockname(fd, &b->bound.u.sa, &b->bound.len) == 0 && is_tcp(&b->bound))
            tcp_options(fd);
    }
    if (b->n == 0)
        (void)snprintf(why, why_len,
                       "there is no inherited descriptor of that name (LISTEN_FDNAMES); set FileDescriptorName= in the socket unit");
    return b->n != 0;
}

/* Opens what a binding lacks: at first everything, later sockets for more workers. */
static bool open_binding(struct binding *b, const struct inheritance *in, const struct config *c, size_t workers, char *why, size_t why_len)
{
    if (b->addr.kind == ADDR_SYSTEMD)
        return b->n != 0 || open_systemd(b, in, why, why_len);
    if (b->addr.kind == ADDR_NAME && b->addr.len == 0 && !resolve(&b->addr, why, why_len))
        return false;
    if (b->n == 0)
        b->bound = b->addr;
    bool tcp = is_tcp(&b->addr);
    while (b->n < (tcp ? workers : 1)) {
        int backlog = (int)c->listens[b->listen].backlog;
        int fd = tcp ? tcp_socket(&b->bound, dual_stack(&b->addr, c), b->n == 0, backlog) : unix_socket(&b->addr, backlog);
        if (!add_fd(b, fd)) {
            int err = errno;
            bool low = err == EACCES && tcp && b->addr.port != 0 && b->addr.port < 1024;
            (void)snprintf(why, why_len, "%s%s", strerror(err),
                           low ? "; a port below 1024 wants root, CAP_NET_BIND_SERVICE, or a socket of systemd (systemd:NAME)" : "");
            return false;
        }
        b->file = !tcp && b->addr.u.un.sun_path[0] != '\0';
        if (tcp) /* port 0 is one port for all workers */
            (void)getsockname(fd, &b->bound.u.sa, &b->bound.len);
    }
    return true;
}

/* --- sockets of another process -------------------------------------------------------------------------------- */

/* Whether a socket's own address is the one that was asked for; port 0 asks for any. */
static bool is_bound_to(const struct addr *bound, const struct addr *a)
{
    const struct sockaddr_in *in = &a->u.in, *own = &bound->u.in;
    const struct sockaddr_in6 *in6 = &a->u.in6, *own6 = &bound->u.in6;
    if (bound->u.sa.sa_family != a->u.sa.sa_family)
        return false;
    switch (a->u.sa.sa_family) {
    case AF_INET:
        return own->sin_addr.s_addr == in->sin_addr.s_addr && (in->sin_port == 0 || own->sin_port == in->sin_port);
    case AF_INET6:
        return memcmp(&own6->sin6_addr, &in6->sin6_addr, sizeof in6->sin6_addr) == 0 && own6->sin6_scope_id == in6->sin6_scope_id &&
               (in6->sin6_port == 0 || own6->sin6_port == in6->sin6_port);
    default:
        return bound->len == a->len && memcmp(&bound->u, &a->u, a->len) == 0;
    }
}

/* Asks the socket itself what it is.  => false: no listening stream socket of TCP or the Unix kind. */
static bool look_at(int fd, struct addr *bound)
{
    int type = 0, accepting = 0;
    socklen_t type_len = sizeof type, accepting_len = sizeof accepting;
    *bound = (struct addr){ .len = sizeof bound->u };
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &accepting_len) == 0 && accepting != 0 &&
           getsockname(fd, &bound->u.sa, &bound->len) == 0 && (is_tcp(bound) || bound->u.sa.sa_family == AF_UNIX);
}

/* A host name was resolved when the socket was bound, so the socket knows the address; the port stays as configured. */
static void name_from(struct addr *a, const struct addr *bound)
{
    a->u = bound->u;
    a->len = bound->len;
    if (bound->u.sa.sa_family == AF_INET)
        a->u.in.sin_port = htons(a->port);
    else
        a->u.in6.sin6_port = htons(a->port);
}

int listen_adopt(struct binding *b, const char *text, const int *fds, size_t n, char *why, size_t why_len)
{
    char reason[256];
    *b = (struct binding){ 0 };
    bool ok = addr_parse(&b->addr, text, true, reason, sizeof reason) && n != 0;
    for (size_t i = 0; ok && i < n; i++) {
        struct addr bound;
        ok = look_at(fds[i], &bound);
        if (ok && b->addr.kind == ADDR_NAME && b->addr.len == 0 && (ok = is_tcp(&bound)))
            name_from(&b->addr, &bound);
        if (ok && b->addr.kind != ADDR_SYSTEMD)
            ok = is_bound_to(&bound, &b->addr) && (i == 0 || is_bound_to(&bound, &b->bound)) && (i == 0 || is_tcp(&bound));
        if (i == 0)
            b->bound = b->addr;
        b->bound.u = bound.u;
        b->bound.len = bound.len;
    }
    b->fds = ok ? malloc(n * sizeof *b->fds) : NULL;
    if (b->fds == NULL) {
        (void)snprintf(why, why_len, "the sockets handed over for \"%.100s\" are not such that listen there", text);
        return -1;
    }
    memcpy(b->fds, fds, n * sizeof *b->fds);
    b->n = n;
    b->file = b->addr.kind == ADDR_UNIX && b->addr.u.un.sun_path[0] != '\0';
    return 0;
}

/* --- a set ----------------------------------------------------------------------------------------------------- */

static bool same_addr(const struct addr *a, const struct addr *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == ADDR_NAME || a->kind == ADDR_SYSTEMD)
        return strcmp(a->host, b->host) == 0 && a->port == b->port;
    return a->len == b->len && memcmp(&a->u, &b->u, a->len) == 0;
}

static const struct binding *find(const struct bindings *s, const struct addr *a)
{
    for (size_t i = 0; s != NULL && i < s->n; i++)
        if (same_addr(&s->at[i].addr, a))
            return &s->at[i];
    return NULL;
}

/* The same sockets under descriptors of our own; listening again sets a changed backlog.  => false with errno set. */
static bool take_over(struct binding *b, const struct binding *old, int backlog)
{
    b->fresh = old == NULL;
    for (size_t i = 0; old != NULL && i < old->n; i++) {
        if (!add_fd(b, fcntl(old->fds[i], F_DUPFD_CLOEXEC, 3)))
            return false;
        (void)listen(old->fds[i], backlog);
    }
    if (old != NULL) {
        b->addr = old->addr;
        b->bound = old->bound;
        b->file = old->file;
    }
    return true;
}

void listen_close(struct bindings *gone, const struct bindings *kept)
{
    for (size_t i = 0; i < gone->n; i++) {
        struct binding *b = &gone->at[i];
        for (size_t j = 0; j < b->n; j++)
            close(b->fds[j]);
        if (b->file && b->n != 0 && find(kept, &b->addr) == NULL)
            (void)unlink(b->addr.u.un.sun_path);
        free(b->fds);
    }
    free(gone->at);
    *gone = (struct bindings){ 0 };
}

int listen_open(struct bindings *b, const struct bindings *old, const struct inheritance *in, const struct config *c, size_t workers,
                char *why, size_t why_len)
{
    char reason[1024], text[ADDR_TEXT];
    size_t n = 0;
    for (size_t i = 0; i < c->n_listens; i++)
        n += c->listens[i].n_binds;
    *b = (struct bindings){ .at = calloc(n + 1, sizeof *b->at) };
    if (b->at == NULL) {
        (void)snprintf(why, why_len, "out of memory");
        return -1;
    }
    for (size_t i = 0; i < c->n_listens; i++) {
        const struct listen_conf *l = &c->listens[i];
        for (size_t j = 0; j < l->n_binds; j++) {
            struct binding *x = &b->at[b->n++];
            x->addr = l->binds[j];
            x->listen = i;
            bool took = take_over(x, find(old, &x->addr), (int)l->backlog);
            if (!took)
                (void)snprintf(reason, sizeof reason, "%s", strerror(errno));
            if (took && open_binding(x, in, c, workers, reason, sizeof reason))
                continue;
            (void)snprintf(why, why_len, "listener %s: cannot listen on %s: %s", l->name, addr_text(&l->binds[j], text, sizeof text),
                           reason);
            listen_close(b, old);
            return -1 - (int)i;
        }
    }
    return 0;
}

void listen_keep(struct bindings *b, size_t index, size_t workers)
{
    for (size_t i = 0; i < b->n; i++) {
        struct binding *x = &b->at[i];
        if (!is_tcp(&x->bound) || x->n == 1)
            continue;
        size_t kept = 0;
        for (size_t j = 0; j < x->n; j++) {
            if (j % workers == index)
                x->fds[kept++] = x->fds[j];
            else
                close(x->fds[j]);
        }
        x->n = kept;
    }
}
