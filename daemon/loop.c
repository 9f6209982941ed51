#include "clock.h"
#include "loop.h"

#include <sys/signalfd.h>
#include <unistd.h>

bool loop_init(struct loop *l)
{
    l->alarms = NULL;
    l->at = l->n = 0;
    l->now = clock_now();
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    return l->epoll >= 0;
}

/* --- descriptors ------------------------------------------------------------------------------------------------ */

static bool tell(struct loop *l, int what, struct watch *w)
{
    struct epoll_event e = { .events = w->wanted | ((w->wanted & EPOLLIN) != 0 ? EPOLLRDHUP : 0u), .data.ptr = w };
    return epoll_ctl(l->epoll, what, w->fd, &e) == 0;
}

bool loop_watch(struct loop *l, struct watch *w, unsigned events)
{
    if (w->wanted == events)
        return true;
    w->wanted = (uint8_t)events;
    if (w->in_set)
        return tell(l, EPOLL_CTL_MOD, w);
    w->in_set = tell(l, EPOLL_CTL_ADD, w);
    if (!w->in_set)
        w->wanted = 0;
    return w->in_set;
}

/* Its owner may be gone when its turn in the batch comes. */
static void strike(struct loop *l, const struct watch *w)
{
    for (int i = l->at; i < l->n; i++)
        if (l->batch[i].data.ptr == w)
            l->batch[i].data.ptr = NULL;
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

/* An error and a hang-up are told unasked: each who wants anything will meet it there. */
static void serve(struct loop *l, struct watch *w, unsigned events)
{
    bool over = (events & (EPOLLERR | EPOLLHUP)) != 0;
    unsigned wanted = over ? w->wanted : events & w->wanted;
    if (wanted != 0)
        w->event(w, (wanted & EPOLLIN) != 0 ? wanted | (events & EPOLLRDHUP) : wanted);
    else if (over)
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

void loop_round(struct loop *l)
{
    int n = epoll_wait(l->epoll, l->batch, LOOP_BATCH, patience(l));
    l->at = 0;
    l->n = n > 0 ? n : 0;
    l->now = clock_now();
    ring(l);
    while (l->at < l->n) {
        struct epoll_event e = l->batch[l->at++];
        if (e.data.ptr != NULL)
            serve(l, e.data.ptr, e.events);
    }
}
