/*
 * The floor: a relay without TLS, one process, epoll, CALL bytes a call.
 *     relay PORT BACKENDPORT CALL
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct pair;
struct side {
    struct pair *pair;
    struct side *other;
    int fd;
    uint8_t *held; /* what the other side has read and we could not write */
    size_t n, at;
    bool ended; /* read to its end */
    uint32_t watched;
};
struct pair {
    struct side s[2];
    bool gone;
};

static int ep;
static size_t call;
static uint8_t *buf;

static void watch(struct side *s)
{
    uint32_t want = (!s->ended && s->other->n == 0 ? EPOLLIN : 0U) | (s->n != 0 ? EPOLLOUT : 0U);
    if (want == s->watched)
        return;
    struct epoll_event ev = { .events = want, .data.ptr = s };
    epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &ev);
    s->watched = want;
}

static bool flush(struct side *s)
{
    while (s->n != 0) {
        ssize_t k = send(s->fd, s->held + s->at, s->n, MSG_NOSIGNAL);
        if (k < 0)
            return errno == EAGAIN;
        s->at += (size_t)k;
        s->n -= (size_t)k;
    }
    free(s->held);
    s->held = NULL;
    if (s->other->ended)
        shutdown(s->fd, SHUT_WR);
    return true;
}

static bool pump(struct side *from)
{
    struct side *to = from->other;
    for (;;) {
        ssize_t k = recv(from->fd, buf, call, 0);
        if (k < 0)
            return errno == EAGAIN;
        if (k == 0) {
            from->ended = true;
            if (to->n == 0)
                shutdown(to->fd, SHUT_WR);
            return true;
        }
        ssize_t w = send(to->fd, buf, (size_t)k, MSG_NOSIGNAL);
        if (w < 0 && errno != EAGAIN)
            return false;
        w = w < 0 ? 0 : w;
        if (w < k) {
            to->n = (size_t)(k - w);
            to->at = 0;
            to->held = malloc(to->n);
            if (to->held == NULL)
                return false;
            memcpy(to->held, buf + w, to->n);
            return true;
        }
        if ((size_t)k < call)
            return true;
    }
}

static int dial(uint16_t port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

static void open_pair(int client, uint16_t port)
{
    struct pair *p = calloc(1, sizeof *p);
    int backend = dial(port);
    if (p == NULL || backend < 0)
        exit(1);
    int fds[2] = { client, backend };
    for (int i = 0; i < 2; i++) {
        p->s[i] = (struct side){ .pair = p, .other = &p->s[1 - i], .fd = fds[i], .watched = EPOLLIN };
        struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &p->s[i] };
        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev);
    }
}

static void serve(struct side *s, uint32_t events)
{
    struct pair *p = s->pair;
    if (p->gone)
        return;
    bool ok = true;
    if ((events & EPOLLOUT) != 0)
        ok = flush(s);
    if (ok && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !s->ended && s->other->n == 0)
        ok = pump(s);
    if (ok && !(s->ended && s->other->ended && s->n == 0 && s->other->n == 0)) {
        watch(s);
        watch(s->other);
        return;
    }
    for (int i = 0; i < 2; i++) {
        close(p->s[i].fd);
        free(p->s[i].held);
    }
    p->gone = true; /* freed at the end of the round */
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: relay PORT BACKENDPORT CALL\n");
        return 2;
    }
    call = (size_t)atoi(argv[3]);
    buf = malloc(call);
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)atoi(argv[1])),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int on = 1, lfd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(lfd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(lfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (buf == NULL || bind(lfd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(lfd, 16384) < 0) {
        perror("relay");
        return 1;
    }
    ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL }, got[256];
    struct pair *dead[256];
    epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &ev);
    for (;;) {
        int n = epoll_wait(ep, got, 256, -1), n_dead = 0, fd;
        for (int i = 0; i < n; i++) {
            struct side *s = got[i].data.ptr;
            if (s == NULL) {
                while ((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
                    open_pair(fd, (uint16_t)atoi(argv[2]));
                continue;
            }
            bool was = s->pair->gone;
            serve(s, got[i].events);
            if (s->pair->gone && !was)
                dead[n_dead++] = s->pair;
        }
        while (n_dead != 0)
            free(dead[--n_dead]);
    }
}
