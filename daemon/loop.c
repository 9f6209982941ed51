#include "clock.h"
#include "loop.h"

#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool loop_init(struct loop *l)
{
    l->alarms = NULL;
    l->at = l->n = l->n_again = 0;
    l->now = clock_now();
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    return l->epoll >= 0;
}

/* --- descriptors ------------------------------------------------------------------------------------------------ */

/*
 * Behind an edge a read must reach the end of what is there, and one that stops before urgent data does not.  Nor does each write that
 * was not taken leave a full buffer, whose emptying would be told of: the kernel may have had no memory (send(2), ENOBUFS).
 */
static bool is_edge(const struct watch *w)
{
    return w->edge && !w->urgent && (w->wanted & EPOLLOUT) == 0;
}

static bool tell(struct loop *l, int what, struct watch *w)
{
    struct epoll_event e = { .events = w->wanted | (is_edge(w) ? EPOLLET : 0u), .data.ptr = w };
    if ((w->wanted & EPOLLIN) != 0)
        e.events |= EPOLLRDHUP | (w->urgent ? 0u : EPOLLPRI);
    return epoll_ctl(l->epoll, what, w->fd, &e) == 0;
}

/* In the next round, without the kernel; => false: no room. */
static bool serve_again(struct loop *l, struct watch *w)
{
    if (!w->again && l->n_again == LOOP_BATCH)
        return false;
    if (!w->again)
        l->again[l->n_again++] = w;
    w->again = true;
    return true;
}

/* Must the kernel hear of what is wanted now, and was not before, or the other way round? */
static bool must_tell(struct loop *l, struct watch *w, unsigned before)
{
    bool anew = (w->wanted & ~before) != 0, was_level = (before & ~w->wanted & EPOLLOUT) != 0;
    if (anew || was_level || !is_edge(w))
        return w->wanted != before;
    if (w->left && (w->wanted & EPOLLIN) != 0)
        return !serve_again(l, w);
    return w->wanted != before && !w->ended; /* behind the end no bytes will come that would wake us */
}

bool loop_watch(struct loop *l, struct watch *w, unsigned events)
{
    unsigned before = w->wanted;
    w->wanted = (uint8_t)events;
    if (!must_tell(l, w, before))
        return true;
    w->left = false;
    if (w->in_set)
        return tell(l, EPOLL_CTL_MOD, w);
    w->in_set = tell(l, EPOLL_CTL_ADD, w);
    if (!w->in_set)
        w->wanted = 0;
    return w->in_set;
}

/* Its owner may be gone when its turn in the batch comes. */
static void strike(struct loop *l, struct watch *w)
{
    w->left = w->again = w->ended = w->urgent = false;
    for (int i = l->at; i < l->n; i++)
        if (l->batch[i].data.ptr == w)
            l->batch[i].data.ptr = NULL;
    for (int i = 0; i < l->n_again; i++)
        if (l->again[i] == w)
            l->again[i] = NULL;
}

static void out_of_set(struct loop *l, struct watch *w)
{
    w->wanted = 0;
    if (w->in_set)
        (void)tell(l, EPOLL_CTL_DEL, w);
    w->in_set = false;
}

void loop_forget(struct loop *l, struct watch *w)
{
    out_of_set(l, w);
    strike(l, w);
}

void loop_close(struct loop *l, struct watch *w)
{
    strike(l, w);
    close(w->fd);
    w->fd = -1;
    w->wanted = 0;
    w->in_set = false; /* the kernel takes out what has no descriptor any more */
}

/* It would be told of in each round, until something is read behind it. */
static void urgent(struct loop *l, struct watch *w)
{
    w->urgent = true;
    (void)tell(l, EPOLL_CTL_MOD, w);
}

/* An error and a hang-up are told unasked: each who wants anything will meet it there. */
static void serve(struct loop *l, struct watch *w, unsigned events)
{
    bool over = (events & (EPOLLERR | EPOLLHUP)) != 0;
    unsigned wanted = over ? w->wanted : events & w->wanted;
    if ((events & EPOLLPRI) != 0)
        urgent(l, w);
    w->ended |= (events & EPOLLRDHUP) != 0;
    if ((wanted & EPOLLIN) != 0 && (events & EPOLLRDHUP) != 0)
        wanted |= EPOLLRDHUP | (w->urgent ? EPOLLERR : events & EPOLLERR);
    if (wanted != 0)
        w->event(w, wanted);
    else if (over && !is_edge(w))
        out_of_set(l, w); /* it would be told in each round */
}

/* --- alarms ----------------------------------------------------------------------------------------------------- */

void loop_silence(struct loop *l, struct alarm *a)
{
    struct alarm **p = &l->alarms;
    if (!a->set)
        return;
    while (*p != a)
        p = &(*p)->next;
    *p = a->next;
    a->set = false;
}

static void insert(struct loop *l, struct alarm *a)
{
    struct alarm **p = &l->alarms;
    while (*p != NULL && (*p)->at <= a->at)
        p = &(*p)->next;
    a->next = *p;
    *p = a;
    a->set = true;
}

void loop_alarm(struct loop *l, struct alarm *a, double after, double every)
{
    loop_silence(l, a);
    a->at = l->now + after;
    a->every = every;
    insert(l, a);
}

/* Each that is due, once: one that is late does not make up for what it has missed. */
static void ring(struct loop *l)
{
    struct alarm *a;
    while ((a = l->alarms) != NULL && a->at <= l->now) {
        loop_silence(l, a);
        if (a->every > 0) {
            a->at = a->at + a->every > l->now ? a->at + a->every : l->now + a->every;
            insert(l, a);
        }
        a->event(a);
    }
}

/* Milliseconds to the first alarm, more rather than less, so that the loop does not spin before it. */
static int patience(const struct loop *l)
{
    if (l->alarms == NULL)
        return -1;
    double left = l->alarms->at - l->now;
    return left <= 0 ? 0 : left < 1e6 ? (int)(left * 1000) + 1 : 1000000000;
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

int loop_signals(const sigset_t *set)
{
    int fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd >= 0)
        (void)sigprocmask(SIG_SETMASK, set, NULL);
    return fd;
}

int loop_signal(int fd)
{
    struct signalfd_siginfo s;
    return read(fd, &s, sizeof s) == (ssize_t)sizeof s ? (int)s.ssi_signo : 0;
}

/* --- rounds ----------------------------------------------------------------------------------------------------- */

/* Who has something left once more has its turn in the next round. */
static void serve_left(struct loop *l)
{
    int n = l->n_again;
    for (int i = 0; i < n; i++) {
        struct watch *w = l->again[i];
        l->again[i] = NULL;
        if (w == NULL)
            continue;
        w->again = false;
        if (w->left && (w->wanted & EPOLLIN) != 0)
            serve(l, w, EPOLLIN);
    }
    l->n_again -= n;
    memmove(l->again, l->again + n, (size_t)l->n_again * sizeof(*l->again));
}

void loop_round(struct loop *l)
{
    int n = epoll_wait(l->epoll, l->batch, LOOP_BATCH, l->n_again != 0 ? 0 : patience(l));
    l->at = 0;
    l->n = n > 0 ? n : 0;
    l->now = clock_now();
    ring(l);
    while (l->at < l->n) {
        struct epoll_event e = l->batch[l->at++];
        if (e.data.ptr != NULL)
            serve(l, e.data.ptr, e.events);
    }
    serve_left(l);
}
