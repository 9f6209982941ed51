/* What the tests of the loop share: one end of a socket pair that is watched, and rounds. */
#ifndef LOOP_END_H
#define LOOP_END_H

#include "loop.h"
#include "unit.h"

#include <sys/socket.h>
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

#endif
