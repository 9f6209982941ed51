#include "handover_wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define OF(member) sizeof((struct message *)0)->u.member
static const size_t body[] = {
    [KIND_HELLO] = OF(hello), [KIND_BIND] = OF(bind), [KIND_ADMIN] = OF(bind), [KIND_INHERITED] = OF(inherited),
    [KIND_NAME] = OF(name),   [KIND_KEYS] = OF(keys), [KIND_READY] = 0,        [KIND_REFUSED] = OF(refused),
};

size_t wire_size(enum kind kind)
{
    return offsetof(struct message, u) + body[kind];
}

union control {
    char buf[CMSG_SPACE(HANDOVER_SOCKETS * sizeof(int))];
    struct cmsghdr align;
};

bool wire_send(int fd, struct message *m, enum kind kind, const int *fds, size_t n)
{
    union control c = { .buf = "" };
    struct iovec v = { m, wire_size(kind) };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
    m->magic = HANDOVER_MAGIC;
    m->version = HANDOVER_VERSION;
    m->kind = (uint16_t)kind;
    if (n > HANDOVER_SOCKETS) {
        errno = E2BIG;
        return false;
    }
    if (n != 0) {
        h.msg_control = c.buf;
        h.msg_controllen = CMSG_SPACE(n * sizeof *fds);
        struct cmsghdr *head = &c.align;
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(n * sizeof *fds);
        memcpy(CMSG_DATA(head), fds, n * sizeof *fds);
    }
    return sendmsg(fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)v.iov_len;
}

ssize_t wire_take(int fd, struct message *m, int *fds, size_t *n)
{
    union control c;
    struct iovec v = { m, sizeof *m };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = sizeof c.buf };
    memset(m, 0, sizeof *m);
    *n = 0;
    ssize_t len = recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (len < 0 && errno == ECONNRESET) /* it closed without having read all of ours: what it had said comes behind that */
        len = recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (len < 0)
        return len;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&h); head != NULL; head = CMSG_NXTHDR(&h, head)) {
        size_t bytes = head->cmsg_len - CMSG_LEN(0);
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < bytes / sizeof(int) && *n < HANDOVER_SOCKETS; i++)
            memcpy(&fds[(*n)++], CMSG_DATA(head) + i * sizeof(int), sizeof(int));
    }
    if ((h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) /* it was longer, or had more descriptors, than any of ours */
        m->magic = 0;
    return len;
}

void wire_close(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

bool wire_is(const struct message *m, ssize_t len, enum kind kind)
{
    return m->magic == HANDOVER_MAGIC && m->version == HANDOVER_VERSION && m->kind == kind && (size_t)len == wire_size(kind);
}
