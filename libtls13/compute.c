/* The asymmetric work of a round's handshakes together: their random bytes by one call, their key exchanges side by side. */
#include "handshake.h"

enum { BATCH = 8 };

static void settle(struct tls13_conn *conn, int err)
{
    conn->step = err == TLS13_LATER ? STEP_SIGN : STEP_FLIGHT;
    conn->hs->err = (int16_t)(err < 0 ? err : 0);
}

static bool same_source(const struct tls13_ctx *a, const struct tls13_ctx *b)
{
    return a->random == b->random && a->random_arg == b->random_arg;
}

/* What each asks for, in turn; a failure is noted in hs->err. */
static void draw(struct tls13_conn *const *conns, size_t n)
{
    uint8_t bytes[BATCH * HS_RANDOM];
    for (size_t from = 0, to; from < n; from = to) {
        size_t len = 0;
        for (to = from; to < n && same_source(conns[from]->ctx, conns[to]->ctx); to++)
            len += flight_random(conns[to]);
        int err = ctx_random(conns[from]->ctx, bytes, len);
        const uint8_t *p = bytes;
        for (size_t i = from; i < to; i++) {
            struct handshake *hs = conns[i]->hs;
            size_t part = flight_random(conns[i]);
            hs->err = (int16_t)err;
            if (err == 0)
                memcpy(hs->random, p, part);
            p += part;
        }
    }
    WIPE(bytes);
}

/* Up to BATCH handshakes. */
static void compute(struct tls13_conn *const *conns, size_t n)
{
    struct tls13_conn *at[BATCH];
    struct kex_job jobs[BATCH], *list[BATCH];
    uint8_t secrets[BATCH][KEX_MAX_SECRET];
    size_t m = 0;
    draw(conns, n);
    for (size_t i = 0; i < n; i++) {
        int err = conns[i]->hs->err;
        if (err == 0)
            err = flight_prepare(conns[i], &jobs[m]);
        if (err < 0) {
            settle(conns[i], err);
            continue;
        }
        jobs[m].secret = secrets[m];
        list[m] = &jobs[m];
        at[m++] = conns[i];
    }
    kex_run(list, m);
    for (size_t j = 0; j < m; j++)
        settle(at[j], jobs[j].err < 0 ? jobs[j].err : flight_finish(at[j], secrets[j]));
    WIPE(secrets);
}

void tls13_compute(struct tls13_conn *const *conns, size_t n)
{
    struct tls13_conn *at[BATCH];
    size_t i = 0;
    while (i < n) {
        size_t m = 0;
        for (; i < n && m < BATCH; i++)
            if (conns[i]->step == STEP_COMPUTE && conns[i]->err == 0)
                at[m++] = conns[i];
        compute(at, m);
    }
}

void tls13_sign_done(struct tls13_conn *conn, const uint8_t *sig, size_t sig_len)
{
    if (conn->err == 0 && conn->step == STEP_SIGN)
        settle(conn, flight_signed(conn, sig, sig_len));
}
