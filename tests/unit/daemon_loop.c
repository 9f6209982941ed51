#include "loop_end.h"

#include <time.h>

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
