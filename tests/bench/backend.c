/*
 * The benchmark's plaintext backend: answers the requests of wire.h on 127.0.0.1:PORT or a Unix socket, with as few system calls as
 * may be.
 *     backend PORT|PATH
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

struct peer {
    int fd;
    char request[REQUEST];
    size_t have;        /* of the request */
    uint64_t send, get; /* bytes of the present transfer that are left */
    uint64_t at;        /* place in the stream */
    bool wrong, writing;
};

static uint8_t in[CHUNK];

static void watch(int ep, struct peer *p, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = p };
    epoll_ctl(ep, EPOLL_CTL_MOD, p->fd, &ev);
}

/* => false: the connection is over. */
static bool push(int ep, struct peer *p)
{
    while (p->send != 0) {
        size_t n = p->send < CHUNK ? (size_t)p->send : CHUNK;
        ssize_t k = send(p->fd, pattern_at(p->at), n, MSG_NOSIGNAL);
        if (k < 0 && errno == EAGAIN) {
            if (!p->writing)
                watch(ep, p, EPOLLOUT);
            p->writing = true;
            return true;
        }
        if (k <= 0)
            return false;
        p->send -= (uint64_t)k;
        p->at += (uint64_t)k;
    }
    if (p->writing)
        watch(ep, p, EPOLLIN);
    p->writing = false;
    return true;
}

/* Takes n bytes that came; => false: the connection is over. */
static bool take(int ep, struct peer *p, const uint8_t *data, size_t n)
{
    while (n != 0) {
        if (p->get != 0) {
            size_t m = p->get < n ? (size_t)p->get : n;
            p->wrong |= memcmp(data, pattern_at(p->at), m) != 0;
            p->get -= m;
            p->at += m;
            data += m;
            n -= m;
            if (p->get == 0 && (p->wrong || send(p->fd, "k", 1, MSG_NOSIGNAL) != 1))
                return false;
            continue;
        }
        size_t m = REQUEST - p->have < n ? REQUEST - p->have : n;
        memcpy(p->request + p->have, data, m);
        p->have += m;
        data += m;
        n -= m;
        if (p->have < REQUEST)
            continue;
        p->have = 0;
        p->at = 0;
        uint64_t count = strtoull(p->request + 1, NULL, 10);
        if (p->request[0] == 'R')
            p->send = count;
        else if (p->request[0] == 'U')
            p->get = count;
        else
            return false;
        if (!push(ep, p))
            return false;
    }
    return true;
}

static bool serve(int ep, struct peer *p, uint32_t events)
{
    if ((events & EPOLLOUT) != 0 && !push(ep, p))
        return false;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
        return true;
    for (;;) {
        ssize_t k = recv(p->fd, in, sizeof in, 0);
        if (k < 0)
            return errno == EAGAIN;
        if (k == 0 || !take(ep, p, in, (size_t)k))
            return false;
        if ((size_t)k < sizeof in)
            return true;
    }
}

static int listen_on(const char *where)
{
    int fd, on = 1;
    if (where[0] == '/') {
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        snprintf(un.sun_path, sizeof un.sun_path, "%s", where);
        unlink(where);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof un) == 0 && listen(fd, 16384) == 0)
            return fd;
    } else {
        struct sockaddr_in sa = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(where)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(fd, 16384) == 0)
            return fd;
    }
    perror(where);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: backend PORT|PATH\n");
        return 2;
    }
    pattern_make();
    int lfd = listen_on(argv[1]), ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL }, got[256];
    epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &ev);
    for (;;) {
        int n = epoll_wait(ep, got, 256, -1);
        for (int i = 0; i < n; i++) {
            struct peer *p = got[i].data.ptr;
            if (p != NULL) {
                if (!serve(ep, p, got[i].events)) {
                    close(p->fd);
                    free(p);
                }
                continue;
            }
            int fd;
            while ((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                p = calloc(1, sizeof *p);
                if (p == NULL)
                    return 1;
                p->fd = fd;
                ev = (struct epoll_event){ .events = EPOLLIN, .data.ptr = p };
                epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
            }
        }
    }
}
