#include "loop.h"
#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct loop l;

/* --- a watched socket ------------------------------------------------------------------------------------------- */

/* One end of a socket pair is watched; the other is the test's. */
struct end {
    struct watch io;
    int peer, calls;
    unsigned got;         /* at the last call */
    struct end *close_it; /* what a call closes */
    struct end *open_it;  /* what it opens then, to be watched for EPOLLIN */
};

static void note(struct watch *w, unsigned events);

static void open_end(struct end *e, unsigned events)
{
    int pair[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    *e = (struct end){ .io = { .event = note, .fd = pair[0] }, .peer = pair[1] };
    CHECK(loop_watch(&l, &e->io, events));
}

static void close_end(struct end *e)
{
    loop_close(&l, &e->io);
    CHECK_INT(e->io.fd, -1);
    close(e->peer);
}

static void note(struct watch *w, unsigned events)
{
    struct end *e = LOOP_OWNER(w, struct end, io);
    e->calls++;
    e->got = events;
    if (e->close_it != NULL && e->close_it->io.fd >= 0) {
        close_end(e->close_it);
        if (e->open_it != NULL)
            open_end(e->open_it, EPOLLIN);
    }
}

static void say(const struct end *e)
{
    CHECK_INT(write(e->peer, "x", 1), 1);
}

static void nothing(struct alarm *a)
{
    (void)a;
}

/* One round that lasts no longer than this many seconds. */
static void go(double most)
{
    struct alarm end = { .event = nothing };
    loop_alarm(&l, &end, most, 0);
    loop_round(&l);
    loop_silence(&l, &end);
}

/* => events that wait in the kernel, which the loop has not taken. */
static int waiting(void)
{
    struct epoll_event e[8];
    return epoll_wait(l.epoll, e, 8, 0);
}

/* --- descriptors ------------------------------------------------------------------------------------------------ */

static void tells_what_is_wanted(void)
{
    struct end e;
    open_end(&e, EPOLLIN);
    go(0);
    CHECK_INT(e.calls, 0);
    say(&e);
    go(1);
    CHECK_INT(e.calls, 1);
    CHECK_INT(e.got, EPOLLIN);
    CHECK(loop_watch(&l, &e.io, EPOLLIN | EPOLLOUT));
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLOUT);
    CHECK(loop_watch(&l, &e.io, EPOLLOUT));
    go(1);
    CHECK_INT(e.got, EPOLLOUT);
    CHECK_INT(e.calls, 3);
    CHECK(loop_watch(&l, &e.io, 0));
    CHECK_INT(waiting(), 0);
    go(0);
    CHECK_INT(e.calls, 3);
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    go(1);
    CHECK_INT(e.calls, 4);
    close_end(&e);
}

static void an_end_behind_the_last_wanted_byte_wakes_nobody(void)
{
    struct end e;
    open_end(&e, EPOLLIN);
    CHECK(loop_watch(&l, &e.io, 0));
    CHECK_INT(shutdown(e.peer, SHUT_WR), 0);
    CHECK_INT(waiting(), 0);
    close_end(&e);
}

static void the_peers_end_is_told_beside_its_last_bytes(void)
{
    struct end e;
    open_end(&e, EPOLLIN);
    say(&e);
    go(1);
    CHECK_INT(e.got, EPOLLIN);
    CHECK_INT(shutdown(e.peer, SHUT_WR), 0);
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLRDHUP);
    CHECK(loop_watch(&l, &e.io, EPOLLOUT));
    go(1);
    CHECK_INT(e.got, EPOLLOUT);
    close_end(&e);
}

static void a_hang_up_is_all_that_is_wanted(void)
{
    struct end e;
    open_end(&e, EPOLLIN);
    close(e.peer);
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLRDHUP);
    CHECK(loop_watch(&l, &e.io, EPOLLIN | EPOLLOUT));
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    loop_close(&l, &e.io);
}

static void a_hang_up_does_not_spin_when_nothing_is_wanted(void)
{
    struct end e;
    open_end(&e, EPOLLIN);
    CHECK(loop_watch(&l, &e.io, 0));
    close(e.peer);
    CHECK_INT(waiting(), 1);
    go(1);
    CHECK_INT(e.calls, 0);
    CHECK_INT(waiting(), 0);
    /* Who wants something again hears of it. */
    CHECK(loop_watch(&l, &e.io, EPOLLOUT));
    go(1);
    CHECK_INT(e.got, EPOLLOUT);
    loop_close(&l, &e.io);
}

/* --- edge-triggered --------------------------------------------------------------------------------------------- */

static void open_edge(struct end *e, unsigned events)
{
    open_end(e, 0);
    e->io.edge = true;
    CHECK(loop_watch(&l, &e->io, events));
}

static void an_edge_is_told_once(void)
{
    struct end e;
    char buf[8];
    open_edge(&e, EPOLLIN);
    say(&e);
    go(1);
    CHECK_INT(e.calls, 1);
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    CHECK_INT(waiting(), 0);
    CHECK_INT(read(e.io.fd, buf, sizeof buf), 1);
    say(&e);
    go(1);
    CHECK_INT(e.calls, 2);
    close_end(&e);
}

static void what_is_left_behind_an_edge_is_told_again(void)
{
    struct end e;
    open_edge(&e, EPOLLIN);
    say(&e);
    go(1);
    e.io.left = true;
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    CHECK_INT(waiting(), 0); /* which the kernel does not know */
    go(1);
    CHECK_INT(e.calls, 2);
    e.io.left = false;
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    go(0);
    CHECK_INT(e.calls, 2);
    /* Nor is it lost when nothing is wanted for a while. */
    e.io.left = true;
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    CHECK(loop_watch(&l, &e.io, 0));
    go(0);
    CHECK_INT(e.calls, 2);
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    go(1);
    CHECK_INT(e.calls, 3);
    close_end(&e);
}

static void who_left_something_may_go(void)
{
    struct end a, b;
    open_edge(&a, EPOLLIN);
    open_edge(&b, EPOLLIN);
    a.io.left = b.io.left = true;
    CHECK(loop_watch(&l, &a.io, EPOLLIN) && loop_watch(&l, &b.io, EPOLLIN));
    b.close_it = &a; /* in its call */
    close_end(&a);
    go(1);
    CHECK_INT(a.calls, 0);
    CHECK_INT(b.calls, 1);
    open_edge(&a, EPOLLIN);
    a.io.left = b.io.left = true;
    CHECK(loop_watch(&l, &b.io, EPOLLIN) && loop_watch(&l, &a.io, EPOLLIN));
    go(1);
    CHECK_INT(a.calls, 0);
    CHECK_INT(b.calls, 2);
    close_end(&b);
}

/* Where there is no room to note them, the kernel is asked. */
static void many_have_something_left(void)
{
    static struct end many[LOOP_BATCH + 40];
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        open_edge(&many[i], EPOLLIN);
        say(&many[i]);
    }
    while (waiting() != 0)
        continue; /* the edges are taken */
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        many[i].io.left = true;
        CHECK(loop_watch(&l, &many[i].io, EPOLLIN));
    }
    for (int i = 0; i < 3; i++)
        go(0);
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        CHECK(many[i].calls >= 1);
        close_end(&many[i]);
    }
}

static void what_comes_while_it_is_not_wanted_is_told_later(void)
{
    struct end e;
    open_edge(&e, EPOLLIN);
    CHECK(loop_watch(&l, &e.io, 0));
    say(&e);
    CHECK_INT(waiting(), 0);
    CHECK(loop_watch(&l, &e.io, EPOLLIN | EPOLLOUT));
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLOUT);
    close_end(&e);
}

static void behind_the_end_the_kernel_need_not_know(void)
{
    struct end e;
    open_edge(&e, EPOLLIN);
    say(&e);
    CHECK_INT(shutdown(e.peer, SHUT_WR), 0);
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLRDHUP);
    int epoll = l.epoll;
    l.epoll = -1; /* every call would fail */
    CHECK(loop_watch(&l, &e.io, 0));
    l.epoll = epoll;
    go(0);
    CHECK_INT(e.calls, 1);
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    go(1);
    CHECK_INT(e.calls, 2);
    close_end(&e);
}

static void a_hang_up_behind_an_edge_stays_watched(void)
{
    struct end e;
    open_edge(&e, EPOLLIN);
    CHECK(loop_watch(&l, &e.io, 0));
    close(e.peer);
    go(1);
    CHECK_INT(e.calls, 0);
    CHECK(e.io.in_set);
    CHECK_INT(waiting(), 0);
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLRDHUP);
    loop_close(&l, &e.io);
}

/* --- urgent data ------------------------------------------------------------------------------------------------ */

static void open_tcp(struct end *e, bool edge)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    int door = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(door, (struct sockaddr *)&sa, len) == 0 && listen(door, 1) == 0 && getsockname(door, (struct sockaddr *)&sa, &len) == 0);
    CHECK_INT(connect(peer, (struct sockaddr *)&sa, len), 0);
    *e = (struct end){ .io = { .event = note, .fd = accept4(door, NULL, NULL, SOCK_NONBLOCK), .edge = edge }, .peer = peer };
    CHECK(loop_watch(&l, &e->io, EPOLLIN));
    close(door);
}

/* A read stops before the urgent byte, so that a short one does not mean that it was the last. */
static void behind_urgent_data_an_end_is_told_as_loose(void)
{
    for (int edge = 0; edge < 2; edge++) {
        struct end e;
        char buf[8];
        open_tcp(&e, edge != 0);
        CHECK_INT(send(e.peer, "ab", 2, 0), 2);
        CHECK_INT(send(e.peer, "!", 1, MSG_OOB), 1);
        CHECK_INT(send(e.peer, "cde", 3, 0), 3);
        CHECK_INT(shutdown(e.peer, SHUT_WR), 0);
        go(1);
        CHECK_INT(e.got, EPOLLIN | EPOLLRDHUP | EPOLLERR);
        CHECK_INT(recv(e.io.fd, buf, sizeof buf, 0), 2);
        CHECK(loop_watch(&l, &e.io, EPOLLIN));
        go(1); /* the rest, edge-triggered as well */
        CHECK_INT(e.calls, 2);
        CHECK_INT(e.got, EPOLLIN | EPOLLRDHUP | EPOLLERR);
        CHECK_INT(recv(e.io.fd, buf, sizeof buf, 0), 3);
        close_end(&e);
    }
}

/* An urgent byte with nothing before or behind it gives nothing to read. */
static void urgent_data_alone_does_not_spin(void)
{
    struct end e;
    open_tcp(&e, false);
    CHECK_INT(send(e.peer, "!", 1, MSG_OOB), 1);
    go(1);
    CHECK_INT(e.calls, 0);
    CHECK_INT(waiting(), 0);
    close_end(&e);
}

static void a_reset_is_no_end_in_order(void)
{
    struct end e;
    struct linger now = { .l_onoff = 1 };
    open_tcp(&e, false);
    CHECK_INT(setsockopt(e.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(e.peer);
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLRDHUP | EPOLLERR);
    loop_close(&l, &e.io);
}

/* --- what goes wrong, and the batch ----------------------------------------------------------------------------- */

static void nothing_wanted_from_the_start_costs_nothing(void)
{
    struct end e;
    open_end(&e, 0);
    CHECK(!e.io.in_set);
    loop_forget(&l, &e.io);
    close_end(&e);
}

static void what_cannot_be_watched_is_said(void)
{
    struct watch w = { .event = note, .fd = 99999 };
    CHECK(!loop_watch(&l, &w, EPOLLIN));
    CHECK(!w.in_set);
}

/* Both are ready; whichever comes first closes the other. */
static void gone_by_an_earlier_event_of_the_batch(void)
{
    struct end a, b;
    open_end(&a, EPOLLIN);
    open_end(&b, EPOLLIN);
    a.close_it = &b;
    b.close_it = &a;
    say(&a);
    say(&b);
    go(1);
    CHECK_INT(a.calls + b.calls, 1);
    close_end(a.io.fd >= 0 ? &a : &b);
}

/* The same descriptor, and even the same place in memory, as what was ready. */
static void a_new_one_does_not_get_an_old_ones_event(void)
{
    struct end a, b;
    open_end(&a, EPOLLIN);
    open_end(&b, EPOLLIN);
    int fd_a = a.io.fd, fd_b = b.io.fd;
    a.close_it = a.open_it = &b;
    b.close_it = b.open_it = &a;
    say(&a);
    say(&b);
    go(1);
    CHECK_INT(a.calls + b.calls, 1);
    struct end *kept = a.calls != 0 ? &a : &b, *fresh = a.calls != 0 ? &b : &a;
    CHECK_INT(fresh->io.fd, fresh == &a ? fd_a : fd_b);
    CHECK_INT(kept->calls, 1);
    kept->close_it = NULL;
    CHECK(loop_watch(&l, &kept->io, 0));
    say(fresh);
    go(1);
    CHECK_INT(fresh->calls, 1);
    close_end(&a);
    close_end(&b);
}

/* An event that an earlier one of the batch has made unwanted. */
static struct end *other_of[2];
static void want_nothing_of_the_other(struct watch *w, unsigned events)
{
    note(w, events);
    CHECK(loop_watch(&l, &other_of[w == &other_of[0]->io]->io, 0));
}

static void not_wanted_any_more_in_the_same_batch(void)
{
    struct end a, b;
    open_end(&a, EPOLLIN);
    open_end(&b, EPOLLIN);
    a.io.event = b.io.event = want_nothing_of_the_other;
    other_of[0] = &a;
    other_of[1] = &b;
    say(&a);
    say(&b);
    go(1);
    CHECK_INT(a.calls + b.calls, 1);
    close_end(&a);
    close_end(&b);
}

/* A listening socket goes on in other processes: closing one descriptor does not take it out. */
static void forgotten_though_it_is_open_elsewhere(void)
{
    struct end e;
    open_end(&e, EPOLLIN);
    int elsewhere = dup(e.io.fd);
    say(&e);
    CHECK_INT(waiting(), 1);
    loop_forget(&l, &e.io);
    CHECK_INT(waiting(), 0);
    close(elsewhere);
    close_end(&e);
}

static void more_than_a_batch(void)
{
    enum { N = LOOP_BATCH + 20 };
    static struct end e[N];
    int calls = 0;
    for (int i = 0; i < N; i++) {
        open_end(&e[i], EPOLLIN);
        say(&e[i]);
    }
    go(1);
    go(1);
    for (int i = 0; i < N; i++) {
        calls += e[i].calls != 0;
        close_end(&e[i]);
    }
    CHECK_INT(calls, N);
}

/* --- alarms ----------------------------------------------------------------------------------------------------- */

static char rung[64];

static void ring(char c)
{
    size_t n = strlen(rung);
    rung[n] = c;
    rung[n + 1] = '\0';
}

static struct alarm once, later, often;

static void ring_once(struct alarm *a)
{
    CHECK(!a->set);
    ring('1');
}

static void ring_later(struct alarm *a)
{
    (void)a;
    ring('2');
}

static void ring_often(struct alarm *a)
{
    CHECK(a->set);
    ring('.');
}

static void alarms_come_in_order_and_repeat(void)
{
    rung[0] = '\0';
    once = (struct alarm){ .event = ring_once };
    later = (struct alarm){ .event = ring_later };
    often = (struct alarm){ .event = ring_often };
    go(0);
    loop_alarm(&l, &later, 0.3, 0);
    loop_alarm(&l, &once, 5, 0);
    loop_alarm(&l, &once, 0.15, 0); /* moved */
    loop_alarm(&l, &often, 0.1, 0.1);
    double began = l.now;
    while (later.set || strlen(rung) < 6) {
        double until = l.alarms->at;
        loop_round(&l);
        CHECK(l.now >= until); /* no round for nothing */
    }
    CHECK(l.now - began >= 0.3);
    CHECK(strncmp(rung, ".1", 2) == 0);
    CHECK(strchr(rung, '2') != NULL);
    CHECK(often.set && !once.set);
    loop_silence(&l, &often);
    CHECK(!often.set && l.alarms == NULL);
}

static void a_late_alarm_does_not_make_up(void)
{
    rung[0] = '\0';
    often = (struct alarm){ .event = ring_often };
    loop_alarm(&l, &often, 0.01, 0.01);
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = 100000000 }, NULL);
    loop_round(&l);
    CHECK_STR(rung, ".");
    CHECK(often.at > l.now);
    loop_silence(&l, &often);
}

static struct end victim;

static void ring_and_close(struct alarm *a)
{
    (void)a;
    close_end(&victim);
}

static void an_alarm_may_close_what_is_ready(void)
{
    struct alarm a = { .event = ring_and_close };
    open_end(&victim, EPOLLIN);
    say(&victim);
    loop_alarm(&l, &a, 0, 0);
    loop_round(&l);
    CHECK_INT(victim.calls, 0);
    CHECK_INT(victim.io.fd, -1);
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

static int signals[4], n_signals;

static void signal_event(struct watch *w, unsigned events)
{
    int s;
    (void)events;
    while ((s = loop_signal(w->fd)) != 0)
        signals[n_signals++] = s;
}

static void a_signal_before_the_first_round_counts(void)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    sigaddset(&both, SIGUSR1);
    CHECK_INT(sigprocmask(SIG_BLOCK, &both, NULL), 0);
    CHECK_INT(raise(SIGTERM), 0);
    struct watch w = { .event = signal_event, .fd = loop_signals(&both) };
    CHECK(w.fd >= 0);
    CHECK(loop_watch(&l, &w, EPOLLIN));
    CHECK_INT(raise(SIGUSR1), 0);
    loop_round(&l);
    CHECK_INT(n_signals, 2);
    CHECK_INT(signals[0] + signals[1], SIGTERM + SIGUSR1);
    CHECK_INT(waiting(), 0);
    CHECK_INT(raise(SIGUSR1), 0);
    loop_round(&l);
    CHECK_INT(n_signals, 3);
    loop_close(&l, &w);
}

int main(void)
{
    if (!loop_init(&l))
        return 1;
    RUN(tells_what_is_wanted);
    RUN(an_end_behind_the_last_wanted_byte_wakes_nobody);
    RUN(the_peers_end_is_told_beside_its_last_bytes);
    RUN(a_hang_up_is_all_that_is_wanted);
    RUN(a_hang_up_does_not_spin_when_nothing_is_wanted);
    RUN(an_edge_is_told_once);
    RUN(what_is_left_behind_an_edge_is_told_again);
    RUN(who_left_something_may_go);
    RUN(many_have_something_left);
    RUN(what_comes_while_it_is_not_wanted_is_told_later);
    RUN(behind_the_end_the_kernel_need_not_know);
    RUN(a_hang_up_behind_an_edge_stays_watched);
    RUN(behind_urgent_data_an_end_is_told_as_loose);
    RUN(urgent_data_alone_does_not_spin);
    RUN(a_reset_is_no_end_in_order);
    RUN(nothing_wanted_from_the_start_costs_nothing);
    RUN(what_cannot_be_watched_is_said);
    RUN(gone_by_an_earlier_event_of_the_batch);
    RUN(a_new_one_does_not_get_an_old_ones_event);
    RUN(not_wanted_any_more_in_the_same_batch);
    RUN(forgotten_though_it_is_open_elsewhere);
    RUN(more_than_a_batch);
    RUN(alarms_come_in_order_and_repeat);
    RUN(a_late_alarm_does_not_make_up);
    RUN(an_alarm_may_close_what_is_ready);
    RUN(a_signal_before_the_first_round_counts);
    close(l.epoll);
    return DONE();
}
