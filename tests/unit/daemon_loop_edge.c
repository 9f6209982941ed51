/* The loop's edge-triggered sockets: what is told once, what is told again, and TCP's urgent data. */
#include "loop_end.h"

#include <netinet/in.h>

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

/* A write that was not taken may have left nothing that would be told of at an edge. */
static void who_waits_to_write_is_told_each_round(void)
{
    struct end e;
    open_edge(&e, EPOLLIN | EPOLLOUT);
    for (int i = 1; i <= 3; i++) {
        go(1);
        CHECK_INT(e.calls, i);
        CHECK_INT(e.got, EPOLLOUT);
    }
    CHECK_INT(shutdown(e.peer, SHUT_WR), 0);
    go(1);
    CHECK_INT(e.got, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    CHECK(loop_watch(&l, &e.io, 0)); /* behind the end, too */
    CHECK_INT(waiting(), 0);
    close_end(&e);
}

static void forgotten_with_something_left(void)
{
    struct end e;
    open_edge(&e, EPOLLIN);
    e.io.left = true;
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    loop_forget(&l, &e.io);
    go(0);
    CHECK_INT(e.calls, 0);
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    e.io.left = true;
    CHECK(loop_watch(&l, &e.io, EPOLLIN));
    go(0);
    CHECK_INT(e.calls, 1);
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

int main(void)
{
    if (!loop_init(&l))
        return 1;
    RUN(an_edge_is_told_once);
    RUN(what_is_left_behind_an_edge_is_told_again);
    RUN(who_left_something_may_go);
    RUN(many_have_something_left);
    RUN(what_comes_while_it_is_not_wanted_is_told_later);
    RUN(who_waits_to_write_is_told_each_round);
    RUN(forgotten_with_something_left);
    RUN(behind_the_end_the_kernel_need_not_know);
    RUN(a_hang_up_behind_an_edge_stays_watched);
    RUN(behind_urgent_data_an_end_is_told_as_loose);
    RUN(urgent_data_alone_does_not_spin);
    RUN(a_reset_is_no_end_in_order);
    return DONE();
}
