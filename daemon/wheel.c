#include "wheel.h"

static void ring_init(struct wheel_node *head)
{
    head->next = head->prev = head;
}

static void ring_push(struct wheel_node *head, struct wheel_node *n)
{
    n->next = head;
    n->prev = head->prev;
    head->prev->next = n;
    head->prev = n;
}

static void ring_remove(struct wheel_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->next = n->prev = NULL;
}

/* Moves all of from behind what is in to. */
static void ring_splice(struct wheel_node *to, struct wheel_node *from)
{
    if (from->next == from)
        return;
    to->prev->next = from->next;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev = from->prev;
    ring_init(from);
}

void wheel_init(struct wheel *w)
{
    for (size_t i = 0; i < WHEEL_SLOTS; i++)
        ring_init(&w->slot[i]);
    ring_init(&w->due);
    w->now = 0;
    w->n = 0;
}

/* A tick beyond the wheel's reach waits in its last slot and is put in again from there. */
static void place(struct wheel *w, struct wheel_node *n)
{
    uint32_t ahead = n->tick > w->now ? n->tick - w->now : 1;
    if (ahead >= WHEEL_SLOTS)
        ahead = WHEEL_SLOTS - 1;
    ring_push(&w->slot[(w->now + ahead) % WHEEL_SLOTS], n);
}

void wheel_add(struct wheel *w, struct wheel_node *n, uint32_t tick)
{
    wheel_del(w, n);
    n->tick = tick;
    place(w, n);
    w->n++;
}

void wheel_del(struct wheel *w, struct wheel_node *n)
{
    if (n->next == NULL)
        return;
    ring_remove(n);
    w->n--;
}

struct wheel_node *wheel_expired(struct wheel *w, uint32_t now)
{
    /* After a long sleep every slot has gone by; once around is enough. */
    uint32_t steps = now > w->now ? now - w->now : 0;
    for (uint32_t i = 0; i < steps && i < WHEEL_SLOTS; i++)
        ring_splice(&w->due, &w->slot[(w->now + 1 + i) % WHEEL_SLOTS]);
    if (steps != 0)
        w->now = now;
    while (w->due.next != &w->due) {
        struct wheel_node *n = w->due.next;
        ring_remove(n);
        if (n->tick <= w->now) {
            w->n--;
            return n;
        }
        place(w, n);
    }
    return NULL;
}

struct wheel_node *wheel_any(struct wheel *w)
{
    for (size_t i = 0; i < WHEEL_SLOTS && w->n != 0; i++) {
        struct wheel_node *n = w->slot[i].next;
        if (n != &w->slot[i]) {
            wheel_del(w, n);
            return n;
        }
    }
    return NULL;
}

uint32_t wheel_ticks(double seconds)
{
    double t = seconds * WHEEL_TICKS_PER_SECOND;
    if (t >= 2e9)
        return 2000000000;
    uint32_t n = t > 0 ? (uint32_t)t : 0;
    return n < t || n == 0 ? n + 1 : n;
}
