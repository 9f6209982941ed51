/* The old master's side of a handover. */
#include "handover_wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool send_binding(int fd, const struct binding *b, enum kind kind)
{
    struct message m = { .magic = 0 };
    (void)addr_text(&b->addr, m.u.bind.text, sizeof m.u.bind.text);
    return wire_send(fd, &m, kind, b->fds, b->n);
}

static bool send_name(int fd, const struct resolved *r)
{
    struct message m = { .magic = 0 };
    struct resolved copy = { 0 };
    backend_keep(&copy, r);
    (void)snprintf(m.u.name.host, sizeof m.u.name.host, "%s", r->host);
    m.u.name.port = r->port;
    m.u.name.n = copy.n;
    memcpy(m.u.name.at, copy.at, sizeof m.u.name.at);
    return wire_send(fd, &m, KIND_NAME, NULL, 0);
}

static bool send_keys(int fd, const struct handover *h)
{
    struct message m = { .u.keys = { .made = h->key_made, .n = h->ring.n } };
    m.u.keys.rotate_in_ms = h->rotate_in > 0 ? (uint64_t)(h->rotate_in * 1000) : 0;
    memcpy(m.u.keys.key, h->ring.key, sizeof m.u.keys.key);
    bool ok = wire_send(fd, &m, KIND_KEYS, NULL, 0);
    explicit_bzero(&m, sizeof m);
    return ok;
}

/* Message number `at`: the greeting, then all of each kind, the keys last. */
static bool send_at(int fd, const struct handover *h, size_t at)
{
    struct message m = { .u.hello = { h->generation, (uint32_t)h->binds.n, (uint32_t)h->admin.n, (uint32_t)h->inherited.n,
                                      (uint32_t)h->n_names } };
    if (at == 0)
        return wire_send(fd, &m, KIND_HELLO, NULL, 0);
    at--;
    if (at < h->binds.n)
        return send_binding(fd, &h->binds.at[at], KIND_BIND);
    at -= h->binds.n;
    if (at < h->admin.n)
        return send_binding(fd, &h->admin.at[at], KIND_ADMIN);
    at -= h->admin.n;
    if (at < h->inherited.n) {
        (void)snprintf(m.u.inherited, sizeof m.u.inherited, "%s", h->inherited.at[at].name);
        return wire_send(fd, &m, KIND_INHERITED, &h->inherited.at[at].fd, 1);
    }
    at -= h->inherited.n;
    return at < h->n_names ? send_name(fd, &h->names[at]) : send_keys(fd, h);
}

int handover_send(int fd, const struct handover *h, size_t *next)
{
    size_t all = 1 + h->binds.n + h->admin.n + h->inherited.n + h->n_names + 1;
    for (; *next < all; (*next)++)
        if (!send_at(fd, h, *next))
            return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
    return 1;
}

enum handover_answer handover_answer(int fd, char *why, size_t why_len)
{
    struct message m;
    int fds[HANDOVER_SOCKETS];
    size_t n;
    ssize_t len = wire_take(fd, &m, fds, &n);
    wire_close(fds, n);
    if (len < 0)
        return errno == EAGAIN || errno == EINTR ? HANDOVER_NOTHING : HANDOVER_CLOSED;
    if (len == 0)
        return HANDOVER_CLOSED;
    if (wire_is(&m, len, KIND_READY))
        return HANDOVER_READY;
    if (!wire_is(&m, len, KIND_REFUSED))
        return HANDOVER_NONSENSE;
    (void)snprintf(why, why_len, "%.*s", (int)sizeof m.u.refused, m.u.refused);
    return HANDOVER_REFUSED;
}

void handover_say_refused(int fd, const char *why)
{
    struct message m = { .magic = 0 };
    (void)snprintf(m.u.refused, sizeof m.u.refused, "%s", why);
    (void)wire_send(fd, &m, KIND_REFUSED, NULL, 0);
}
