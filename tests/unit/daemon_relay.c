/*
 * The relay's facts, driven through random interleavings against simple models of two sockets: no byte lost, every end passed on as
 * what it was, nothing closed twice, never stuck, never spinning.
 */
#include "relay.h"
#include "unit.h"

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

enum end { END_NONE, END_CLEAN, END_FIN, END_RESET, END_BAD };

/* A peer and the socket to it, as the link sees it. */
struct peer {
    uint32_t plan;     /* bytes it will still send */
    enum end ends;     /* how it ends then */
    bool ended;        /* it has: the end lies behind queued */
    uint32_t queued;   /* bytes it sent that the link has not read */
    uint32_t sent;     /* bytes it sent at all */
    uint32_t unread;   /* bytes the link wrote that the peer has not read: the socket is full at room */
    uint32_t got;      /* bytes it has read */
    bool deaf;         /* it closed: writes to it fail */
    bool seen_end;     /* the link shut its direction down */
    bool seen_reset;   /* the link reset it */
    bool closed;       /* the link closed the socket */
    uint32_t stuck_at; /* it reads nothing more after this many bytes (a model of a dead peer: time-outs end it) */
};

static uint32_t room; /* of each socket: often less than one read brings */

static struct relay r;
static struct peer c, b;
static uint32_t words; /* of down.len, how many at its end are close_notify or alert */
static bool notified, alerted, words_out;
static uint32_t dropped_up, dropped_down;
static bool lenient; /* truncation = close: a FIN alone counts as an end */
static bool broken;  /* a write to the client failed */
static bool cut_off; /* the link closed a socket of its own accord */

static uint32_t send_to(struct peer *p, uint32_t n)
{
    uint32_t left = room - p->unread;
    if (n > left)
        n = left;
    p->unread += n;
    return n;
}

/* What must have been done when there is nothing to do: an end is passed on as soon as the bytes before it are, whatever the other
 * direction does. */
static void nothing_is_owed(void)
{
    bool up_over = r.up.eof_in && r.up.len == 0, down_over = r.down.eof_in && r.down.len == 0;
    bool closing = r.down.eof_in && r.down.eof_out; /* then a close says it */
    if (up_over && !r.up.drop && r.backend == LEAVE_NOT)
        CHECK(!r.up.cut && (b.seen_end || closing));
    if (down_over && !r.down.drop && r.client == LEAVE_NOT)
        CHECK(!r.down.cut && (notified || dropped_down != 0) && (c.seen_end || (r.up.eof_in && r.up.eof_out)));
    /* Who is of no use to the other side any more does not stay. */
    CHECK(!(r.client == LEAVE_NOT && r.down.eof_out && r.up.drop && !r.up.eof_in));
    CHECK(!(r.backend == LEAVE_NOT && r.up.eof_out && r.down.drop && !r.down.eof_in));
    CHECK(!(r.up.eof_out && r.down.eof_out && r.client == LEAVE_NOT && r.backend == LEAVE_NOT));
}

static void steps(void)
{
    for (int i = 0;; i++) {
        CHECK(i < 20);
        switch (relay_next(&r)) {
        case RELAY_WAIT:
            nothing_is_owed();
            return;
        case RELAY_END_BACKEND:
            CHECK(!b.closed && !b.seen_end && r.up.len == 0 && !r.up.cut);
            b.seen_end = true;
            break;
        case RELAY_NOTIFY:
        case RELAY_ALERT:
            CHECK(!notified && !alerted && !r.tls_dead && !c.closed && !broken && r.down.len == 0);
            notified = !r.down.cut;
            alerted = r.down.cut;
            r.down.len += 1;
            words = 1;
            break;
        case RELAY_END_CLIENT:
            CHECK(!c.seen_end && !broken);
            CHECK(!c.closed && r.down.len == 0 && notified);
            c.seen_end = true;
            break;
        case RELAY_LINGER_CLIENT:
            CHECK(r.client == LEAVE_LINGER && !c.closed && r.down.len == 0);
            c.seen_end = true;
            break;
        case RELAY_RESET_CLIENT:
            CHECK(r.client == LEAVE_RESET && !c.closed && r.down.len == 0 && !notified);
            break;
        case RELAY_RESET_BACKEND:
            CHECK(r.backend == LEAVE_RESET && !b.closed && r.up.len == 0);
            break;
        case RELAY_CLOSE:
            CHECK(r.up.len == 0 && r.down.len == 0);
            CHECK(r.client != LEAVE_LINGER && r.client != LEAVE_RESET && r.backend != LEAVE_RESET);
            if (r.client != LEAVE_GONE) {
                CHECK(!c.closed);
                c.closed = true;
                relay_client_gone(&r);
            }
            if (r.backend != LEAVE_GONE) {
                CHECK(!b.closed);
                b.closed = true;
                relay_backend_gone(&r);
            }
            return;
        }
    }
}

/* Writes what is held for a side; => progress. */
static bool flush_client(void)
{
    if (r.down.len == 0)
        return false;
    if (c.deaf) {
        broken = true;
        relay_client_broken(&r);
        return true;
    }
    uint32_t n = send_to(&c, r.down.len);
    r.down.len -= n;
    if (r.down.len == 0 && words != 0)
        words_out = true;
    return n != 0;
}

static bool flush_backend(void)
{
    if (r.up.len == 0)
        return false;
    if (b.deaf) {
        dropped_up += r.up.len;
        relay_backend_broken(&r);
        return true;
    }
    uint32_t n = send_to(&b, r.up.len);
    r.up.len -= n;
    return n != 0;
}

static bool client_reads(void)
{
    uint32_t n = c.queued < 30 ? c.queued : 30;
    c.queued -= n;
    if (r.client == LEAVE_LINGER || r.client == LEAVE_RESET) {
        bool over = n == 0 && c.ended && (r.client == LEAVE_LINGER || !r.up.eof_in);
        if (over && r.client == LEAVE_LINGER) {
            c.closed = true;
            relay_client_gone(&r);
        } else if (over) {
            relay_client_ended(&r, true);
        }
        return n != 0 || over;
    }
    if (n != 0) {
        if (r.up.drop)
            dropped_up += n;
        else
            r.up.len += n;
        flush_backend();
    }
    if (c.queued == 0 && c.ended && !r.up.eof_in) {
        if (c.ends == END_BAD) {
            relay_tls_died(&r);
            if (!r.down.eof_out && !notified) {
                r.down.len += 1;
                words = 1;
                alerted = true;
            }
        } else {
            relay_client_ended(&r, c.ends != END_CLEAN && !(lenient && c.ends == END_FIN));
            if (c.ends == END_RESET) {
                broken = true;
                relay_client_broken(&r);
            }
        }
        return true;
    }
    return n != 0;
}

static bool backend_reads(void)
{
    uint32_t n = b.queued < 30 ? b.queued : 30;
    b.queued -= n;
    bool take = r.backend == LEAVE_NOT && !r.down.drop;
    bool ends = b.queued == 0 && b.ended && b.ends != END_RESET && rnd(2) == 0; /* is seen with the last bytes, or later */
    if (n != 0 && take) {
        CHECK(!notified && !alerted);
        r.down.len += n;
        if (ends && relay_backend_ends(&r)) {
            CHECK(!r.tls_dead && !c.closed && !broken);
            notified = true;
            r.down.len += words = 1;
        }
        flush_client();
    } else if (n != 0) {
        dropped_down += n;
        relay_backend_lost(&r);
    }
    if (n == 0 && b.ended && !r.down.eof_in) {
        relay_backend_ended(&r, b.ends == END_RESET);
        return true;
    }
    return n != 0;
}

/* The loop delivers one event of one socket, when its mask wants it and the socket has it; it must lead to something. */
static bool deliver(void)
{
    int want = relay_client_events(&r), have = (c.queued != 0 || c.ended ? RELAY_READ : 0) | (c.unread < room || c.deaf ? RELAY_WRITE : 0);
    bool any = false;
    if (!c.closed && (want & have) != 0) {
        bool progress = (want & have & RELAY_WRITE) != 0 && flush_client();
        if ((relay_client_events(&r) & have & RELAY_READ) != 0)
            progress |= client_reads();
        CHECK(progress);
        any = true;
        steps();
    }
    want = relay_backend_events(&r);
    have = (b.queued != 0 || b.ended ? RELAY_READ : 0) | (b.unread < room || b.deaf ? RELAY_WRITE : 0);
    if (!b.closed && (want & have) != 0) {
        bool progress = (want & have & RELAY_WRITE) != 0 && flush_backend();
        if ((relay_backend_events(&r) & have & RELAY_READ) != 0)
            progress |= backend_reads();
        CHECK(progress);
        any = true;
        steps();
    }
    return any;
}

/* The wheel's look at the sockets that leave. */
static bool leave(void)
{
    bool any = false;
    if (r.client == LEAVE_RESET && (c.unread == 0 || c.deaf)) {
        CHECK(!c.closed);
        c.closed = c.seen_reset = true;
        relay_client_gone(&r);
        any = true;
    } else if (r.client == LEAVE_LINGER && rnd(4) == 0) {
        c.closed = true;
        relay_client_gone(&r);
        any = true;
    }
    if (r.backend == LEAVE_RESET && (b.unread == 0 || b.deaf)) {
        CHECK(!b.closed);
        b.closed = b.seen_reset = true;
        relay_backend_gone(&r);
        any = true;
    }
    if (any)
        steps();
    return any;
}

static void peer_acts(struct peer *p, bool is_client)
{
    switch (rnd(3)) {
    case 0:
        if (p->plan != 0 && p->queued < 50 && !p->closed) {
            uint32_t n = 1 + rnd(p->plan < 20 ? p->plan : 20);
            p->plan -= n;
            p->queued += n;
            p->sent += n;
        }
        break;
    case 1:
        if (p->plan == 0 && p->ends != END_NONE && !p->ended) {
            p->ended = true;
            /* After a reset writes fail; who closed instead of shutting down takes no more bytes at its FIN either. */
            p->deaf = p->ends == END_RESET || ((!is_client || p->ends == END_CLEAN || p->ends == END_FIN) && rnd(4) == 0);
            if (p->deaf)
                p->unread = 0;
        }
        break;
    default:
        if (p->unread != 0 && p->got < p->stuck_at && (room == 50 || rnd(4) == 0)) {
            uint32_t n = 1 + rnd(p->unread);
            p->unread -= n;
            p->got += n;
        }
    }
}

/* Out of memory, a time-out, a limit: the link closes a socket whatever the relay is at. */
static void link_closes(void)
{
    cut_off = true;
    if (rnd(2) == 0 && !c.closed) {
        c.closed = true;
        relay_client_gone(&r);
    } else if (!b.closed) {
        b.closed = true;
        relay_backend_gone(&r);
    }
    steps();
}

static void judge(uint32_t up_total, uint32_t down_total)
{
    CHECK(c.closed && b.closed);
    /* What is told as an orderly end is one, of all that was sent. */
    if (notified)
        CHECK(b.ended && b.ends == END_CLEAN && dropped_down == 0 && b.queued == 0);
    if (cut_off) {
        CHECK(!notified || b.ended); /* an end that nobody said is not told */
        return;
    }
    bool c_stopped = c.deaf || c.ends == END_BAD, b_stopped = b.deaf;
    b.got += b.unread;
    c.got += c.unread;
    /* The upload arrives whole unless the backend broke it off. */
    if (!b_stopped && c.ended && r.client == LEAVE_GONE && !(b.ended && b.ends == END_RESET) && !alerted) {
        CHECK_INT(b.got + dropped_up + c.queued, up_total);
        if (dropped_up == 0 && c.queued == 0)
            CHECK(b.got == up_total);
    }
    bool cut = c.ends != END_CLEAN && !(lenient && c.ends == END_FIN);
    if (!b_stopped && c.ended && cut && b.ends == END_NONE)
        CHECK(b.seen_reset && !b.seen_end);
    if (!b_stopped && c.ended && !cut && !b.ended)
        CHECK(b.seen_end || (c_stopped && b.seen_reset));
    if (cut)
        CHECK(!b.seen_end);
    /* The download arrives whole, with its close_notify, unless the client broke it off; a reset is never told as a clean end. */
    if (b.ended && b.ends == END_CLEAN && !c_stopped && (c.ends == END_NONE || !cut)) {
        CHECK(notified && words_out && !alerted);
        CHECK_INT(c.got, down_total + 1);
    }
    if (b.ended && b.ends == END_RESET)
        CHECK(!notified);
    if (b.ended && b.ends == END_RESET && c.ends == END_NONE) {
        CHECK(alerted && words_out && c.seen_reset);
        CHECK_INT(c.got, down_total + 1);
    }
    if (c.ends == END_BAD && c.ended && !c.deaf && b.ends == END_NONE)
        CHECK(alerted && words_out && c.seen_end && !c.seen_reset);
}

static void one_run(uint64_t n)
{
    seed = n * 0x9e3779b97f4a7c15u + 1;
    r = (struct relay){ 0 };
    words = dropped_up = dropped_down = 0;
    notified = alerted = words_out = broken = cut_off = false;
    lenient = rnd(4) == 0;
    room = rnd(2) == 0 ? 50 : 1 + rnd(8);
    bool ends_early = rnd(16) == 0;
    c = (struct peer){ .plan = rnd(200), .ends = (enum end)rnd(5), .stuck_at = UINT32_MAX };
    b = (struct peer){ .plan = rnd(200), .ends = (enum end[]){ END_NONE, END_CLEAN, END_RESET }[rnd(3)], .stuck_at = UINT32_MAX };
    if (c.ends == END_NONE && b.ends == END_NONE)
        b.ends = END_CLEAN;
    /* Two ends that only wait for each other's close need one more sentence: the client closes when it has seen the end. */
    uint32_t up_total = c.plan, down_total = b.plan;
    int quiet = 0;
    for (int i = 0; i < 60000 && !(c.closed && b.closed); i++) {
        peer_acts(&c, true);
        peer_acts(&b, false);
        bool any = false;
        if (rnd(2) == 0)
            any |= deliver();
        if (rnd(8) == 0)
            any |= leave();
        if (ends_early && !cut_off && rnd(50) == 0)
            link_closes();
        quiet = any ? 0 : quiet + 1;
        if (quiet > 1000) {
            /* Only a peer that has said all it wants and waits for the other's end may make us wait. */
            if (c.ends == END_NONE && c.plan == 0 && c.seen_end) {
                c.ends = END_CLEAN;
            } else if (b.ends == END_NONE && b.plan == 0 && b.seen_end) {
                b.ends = END_CLEAN;
            } else {
                CHECK((c.plan != 0 && !c.ended) || (b.plan != 0 && !b.ended));
            }
            quiet = 0;
        }
    }
    CHECK(c.closed && b.closed);
    judge(up_total, down_total);
}

static void random_interleavings(void)
{
    static uint64_t run; /* static: it outlives the longjmp of a failing CHECK, which names the run */
    jmp_buf save;
    memcpy(&save, &unit_out, sizeof save);
    if (setjmp(unit_out) != 0) {
        printf("# run %llu: client ends %d, backend ends %d\n", (unsigned long long)run, c.ends, b.ends);
        memcpy(&unit_out, &save, sizeof save);
        longjmp(unit_out, 1);
    }
    for (run = 0; run < 100000; run++)
        one_run(run);
    memcpy(&unit_out, &save, sizeof save);
}

static void masks_follow_the_facts(void)
{
    struct relay q = { 0 };
    CHECK_INT(relay_client_events(&q), RELAY_READ);
    CHECK_INT(relay_backend_events(&q), RELAY_READ);
    q.up.len = 10;
    CHECK_INT(relay_client_events(&q), 0);
    CHECK_INT(relay_backend_events(&q), RELAY_READ | RELAY_WRITE);
    q.down.len = 10;
    CHECK_INT(relay_client_events(&q), RELAY_WRITE);
    CHECK_INT(relay_backend_events(&q), RELAY_WRITE);
    q.up.len = 0;
    relay_client_ended(&q, false);
    CHECK_INT(relay_client_events(&q), RELAY_WRITE);
}

static void client_close_leaves_the_reply_flowing(void)
{
    struct relay q = { 0 };
    q.up.len = 5;
    relay_client_ended(&q, false);
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    q.up.len = 0;
    CHECK_INT(relay_next(&q), RELAY_END_BACKEND);
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    CHECK_INT(relay_backend_events(&q), RELAY_READ);
    relay_backend_ended(&q, false);
    CHECK_INT(relay_next(&q), RELAY_NOTIFY);
    CHECK_INT(relay_next(&q), RELAY_CLOSE);
}

static void backend_end_leaves_the_upload_flowing(void)
{
    struct relay q = { 0 };
    relay_backend_ended(&q, false);
    CHECK_INT(relay_next(&q), RELAY_NOTIFY);
    q.down.len = 24;
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    q.down.len = 0;
    CHECK_INT(relay_next(&q), RELAY_END_CLIENT);
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    CHECK_INT(relay_client_events(&q), RELAY_READ);
    relay_client_ended(&q, false);
    CHECK_INT(relay_next(&q), RELAY_CLOSE);
}

static void close_notify_goes_with_the_last_bytes(void)
{
    struct relay q = { 0 };
    CHECK(relay_backend_ends(&q));
    q.down.len = 24; /* not taken at once */
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    CHECK_INT(relay_backend_events(&q), 0);
    q.down.len = 0;
    CHECK_INT(relay_next(&q), RELAY_END_CLIENT);
    relay_client_ended(&q, false);
    CHECK_INT(relay_next(&q), RELAY_CLOSE);
}

static void no_close_notify_when_bytes_were_lost(void)
{
    struct relay q = { 0 };
    relay_backend_lost(&q);
    CHECK(!relay_backend_ends(&q));
    CHECK(q.down.eof_in && !q.down.cut);
}

static void truncation_delivers_first_then_resets(void)
{
    struct relay q = { 0 };
    q.up.len = 7;
    relay_client_ended(&q, true);
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    q.up.len = 0;
    CHECK_INT(relay_next(&q), RELAY_RESET_BACKEND);
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    relay_backend_gone(&q);
    /* No close_notify: the backend's last bytes were not waited for. */
    CHECK_INT(relay_next(&q), RELAY_LINGER_CLIENT);
    relay_client_gone(&q);
    CHECK_INT(relay_next(&q), RELAY_CLOSE);
}

static void backend_reset_is_an_alert_and_a_reset(void)
{
    struct relay q = { 0 };
    q.down.len = 3;
    q.up.len = 9;
    relay_backend_ended(&q, true);
    CHECK_INT(q.up.len, 0);
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    q.down.len = 0;
    CHECK_INT(relay_next(&q), RELAY_ALERT);
    CHECK_INT(relay_next(&q), RELAY_RESET_CLIENT);
    CHECK_INT(relay_next(&q), RELAY_WAIT);
    relay_client_gone(&q);
    CHECK_INT(relay_next(&q), RELAY_CLOSE);
}

int main(void)
{
    RUN(masks_follow_the_facts);
    RUN(client_close_leaves_the_reply_flowing);
    RUN(backend_end_leaves_the_upload_flowing);
    RUN(close_notify_goes_with_the_last_bytes);
    RUN(no_close_notify_when_bytes_were_lost);
    RUN(truncation_delivers_first_then_resets);
    RUN(backend_reset_is_an_alert_and_a_reset);
    RUN(random_interleavings);
    return DONE();
}
