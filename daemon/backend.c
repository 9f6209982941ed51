#include "backend.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the sets -------------------------------------------------------------------------------------------------- */

static bool is_name(const struct addr *a)
{
    return a->kind == ADDR_NAME;
}

size_t routes_names(const struct listen_conf *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n_routes; i++)
        n += is_name(&l->routes[i].backend);
    for (size_t i = 0; i < l->n_backends; i++)
        n += is_name(&l->backends[i]);
    return n;
}

const struct addr *routes_name(const struct listen_conf *l, size_t index)
{
    for (size_t i = 0; i < l->n_routes; i++)
        if (is_name(&l->routes[i].backend) && index-- == 0)
            return &l->routes[i].backend;
    for (size_t i = 0; i < l->n_backends; i++)
        if (is_name(&l->backends[i]) && index-- == 0)
            return &l->backends[i];
    return NULL;
}

static void backend_init(struct backend *b, const struct addr *a, const struct resolved **names)
{
    *b = (struct backend){ .addr = a, .resolved = is_name(a) ? (*names)++ : NULL };
    (void)addr_text(a, b->text, sizeof b->text);
}

int routes_init(struct routes *r, const struct listen_conf *l, const struct resolved *names)
{
    *r = (struct routes){ .conf = l };
    r->route = calloc(l->n_routes + 1, sizeof *r->route);
    struct backend *all = calloc(l->n_routes + l->n_backends + 1, sizeof *all);
    if (r->route == NULL || all == NULL) {
        free(r->route);
        free(all);
        return -1;
    }
    for (size_t i = 0; i < l->n_routes; i++) {
        r->route[i] = (struct backends){ .at = &all[i], .n = 1 };
        backend_init(&all[i], &l->routes[i].backend, &names);
    }
    r->rest = (struct backends){ .at = all + l->n_routes, .n = l->n_backends };
    for (size_t i = 0; i < l->n_backends; i++)
        backend_init(&r->rest.at[i], &l->backends[i], &names);
    return 0;
}

void routes_free(struct routes *r)
{
    if (r->route != NULL)
        free(r->conf->n_routes != 0 ? r->route[0].at : r->rest.at);
    free(r->route);
    *r = (struct routes){ 0 };
}

/* "*.example.org" matches exactly one label before it. */
static bool name_matches(const char *pattern, const char *name)
{
    if (pattern[0] == '*' && pattern[1] == '.') {
        const char *dot = strchr(name, '.');
        return dot != NULL && dot != name && strcmp(dot, pattern + 1) == 0;
    }
    return name[0] != '\0' && strcmp(pattern, name) == 0;
}

struct backends *routes_find(struct routes *r, const char *sni, const char *alpn)
{
    for (size_t i = 0; i < r->conf->n_routes; i++) {
        const struct route_conf *c = &r->conf->routes[i];
        bool hit = c->by == ROUTE_SNI ? name_matches(c->pattern, sni) : alpn[0] != '\0' && strcmp(c->pattern, alpn) == 0;
        if (hit)
            return &r->route[i];
    }
    return &r->rest;
}

/* --- the choice ------------------------------------------------------------------------------------------------ */

struct backend *backend_pick(struct backends *b, double now)
{
    struct backend *best = NULL;
    for (size_t i = 0; i < b->n; i++) {
        struct backend *x = &b->at[(b->turn + i) % b->n];
        if (best == NULL) {
            best = x;
            continue;
        }
        bool x_ok = x->avoid_until <= now, best_ok = best->avoid_until <= now;
        if (x_ok != best_ok ? x_ok : x_ok ? x->active < best->active : x->avoid_until < best->avoid_until)
            best = x;
    }
    b->turn = b->n != 0 ? (b->turn + 1) % b->n : 0;
    return best;
}

void backend_failed(struct backend *b, double now)
{
    double wait = 1;
    for (unsigned i = 0; i < b->failures && wait < 30; i++)
        wait *= 2;
    b->failures++;
    b->turn++;
    b->avoid_until = now + (wait < 30 ? wait : 30);
}

void backend_worked(struct backend *b)
{
    b->failures = 0;
    b->avoid_until = 0;
}

/* --- connecting ------------------------------------------------------------------------------------------------ */

/* Reads what is published into *copy; => false when there is nothing. */
static bool read_resolved(const struct resolved *r, struct resolved *copy)
{
    for (int i = 0; i < 1000; i++) {
        uint32_t before = __atomic_load_n(&r->version, __ATOMIC_ACQUIRE);
        if ((before & 1) != 0)
            continue;
        memcpy(copy, r, offsetof(struct resolved, listener));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&r->version, __ATOMIC_RELAXED) == before)
            return before != 0 && copy->n != 0 && copy->n <= RESOLVED_MOST;
    }
    return false;
}

/* A writer that was killed left an odd version: the next one ends it. */
static void publish(struct resolved *r, const struct resolved *what)
{
    uint32_t odd = r->version | 1;
    __atomic_store_n(&r->version, odd, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    r->n = what->n;
    memcpy(r->at, what->at, sizeof r->at);
    __atomic_store_n(&r->version, odd + 1, __ATOMIC_RELEASE);
}

static bool has(const struct resolved *r, const struct resolved_addr *a)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->at[i].len == a->len && memcmp(&r->at[i].ss, &a->ss, a->len) == 0)
            return true;
    return false;
}

/* A name server that turns its answers round changes nothing. */
static bool same_addresses(const struct resolved *a, const struct resolved *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < b->n; i++)
        same = has(a, &b->at[i]);
    return same;
}

int backend_resolve(struct resolved *r)
{
    char port[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *res = NULL;
    struct resolved found = { 0 };
    (void)snprintf(port, sizeof port, "%u", r->port);
    int err = getaddrinfo(r->host, port, &hints, &res);
    if (err != 0)
        return err;
    for (const struct addrinfo *i = res; i != NULL && found.n < RESOLVED_MOST; i = i->ai_next) {
        struct resolved_addr one = { .len = i->ai_addrlen };
        memcpy(&one.ss, i->ai_addr, i->ai_addrlen);
        if (!has(&found, &one))
            found.at[found.n++] = one;
    }
    freeaddrinfo(res);
    if (r->version == 0 || (r->version & 1) != 0 || !same_addresses(r, &found))
        publish(r, &found);
    return 0;
}

void backend_keep(struct resolved *to, const struct resolved *from)
{
    struct resolved copy;
    if (read_resolved(from, &copy))
        publish(to, &copy);
}

size_t backends_tries(const struct backends *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct resolved *r = b->at[i].resolved;
        uint32_t addresses = r != NULL ? __atomic_load_n(&r->n, __ATOMIC_RELAXED) : 1;
        n += addresses > 1 ? addresses : 1;
    }
    return n;
}

static bool is_loopback(const struct sockaddr_storage *ss)
{
    if (ss->ss_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)ss)->sin_addr.s_addr) >> 24) == 127;
    return ss->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)ss)->sin6_addr);
}

void backend_no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void backend_keep_alive(int fd)
{
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* Bytes follow as soon as it is connected, so that the handshake's last acknowledgement can go with them (tcp(7), TCP_QUICKACK). */
static void acknowledge_late(int fd)
{
    int off = 0;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
}

int backend_connect(const struct backend *b, bool data, int *fd)
{
    struct sockaddr_storage ss = { 0 };
    struct resolved known;
    socklen_t len = b->addr->len;
    *fd = -1;
    if (b->resolved == NULL) {
        memcpy(&ss, &b->addr->u, sizeof b->addr->u);
    } else if (read_resolved(b->resolved, &known)) {
        const struct resolved_addr *a = &known.at[b->turn % known.n];
        memcpy(&ss, &a->ss, sizeof ss);
        len = a->len;
    } else {
        errno = EHOSTUNREACH;
        return -1;
    }
    int s = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return -1;
    if (data && ss.ss_family != AF_UNIX)
        acknowledge_late(s);
    int r = connect(s, (struct sockaddr *)&ss, len);
    /* On loopback the answer is there already: asking again costs less than a round of the loop. */
    if (r != 0 && errno == EINPROGRESS && is_loopback(&ss))
        r = connect(s, (struct sockaddr *)&ss, len);
    if (r != 0 && errno != EINPROGRESS && errno != EALREADY) {
        int err = errno;
        close(s);
        errno = err;
        return -1;
    }
    *fd = s;
    return r == 0 ? 0 : 1;
}

int backend_connected(int fd)
{
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        return errno;
    return err;
}

bool backend_is_unix(const struct backend *b)
{
    return b->addr->kind == ADDR_UNIX;
}
