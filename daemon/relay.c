#include "relay.h"

/* --- masks ---------------------------------------------------------------------------------------------------- */

/*
 * One side's mask: the source of from_me is read while its sink has taken everything (or takes nothing any more); what is held for it
 * in to_me is written.
 */
static int half_events(const struct half *from_me, const struct half *to_me)
{
    bool read = !from_me->eof_in && (from_me->len == 0 || from_me->drop);
    return (read ? RELAY_READ : 0) | (to_me->len != 0 ? RELAY_WRITE : 0);
}

int relay_client_events(const struct relay *r)
{
    switch (r->client) {
    case LEAVE_GONE:
        return 0;
    case LEAVE_LINGER: /* read and dropped: a client that only writes would never come to read our alert */
        return RELAY_READ;
    case LEAVE_RESET:
        return r->up.eof_in ? 0 : RELAY_READ;
    default:
        return half_events(&r->up, &r->down);
    }
}

int relay_backend_events(const struct relay *r)
{
    switch (r->backend) {
    case LEAVE_GONE:
        return 0;
    case LEAVE_RESET: /* read and dropped: a backend that cannot write would never come to read the rest */
        return r->down.eof_in ? 0 : RELAY_READ;
    default:
        return half_events(&r->down, &r->up);
    }
}

/* --- facts ---------------------------------------------------------------------------------------------------- */

void relay_client_ended(struct relay *r, bool cut)
{
    if (r->up.eof_in)
        return;
    r->up.eof_in = true;
    r->up.cut = cut;
}

void relay_backend_ended(struct relay *r, bool cut)
{
    if (r->down.eof_in)
        return;
    r->down.eof_in = true;
    r->down.cut = cut;
    if (cut) {
        r->up.drop = true; /* after a reset nobody reads there */
        r->up.len = 0;
    }
}

bool relay_backend_ends(struct relay *r)
{
    relay_backend_ended(r, false);
    bool notify = !r->said && !r->down.cut;
    r->said |= notify;
    return notify;
}

void relay_backend_lost(struct relay *r)
{
    r->said = true; /* the client must not be told of an orderly end */
}

void relay_client_broken(struct relay *r)
{
    r->down.drop = true;
    r->down.len = 0;
    r->said = true;
    r->down.eof_out = true;
}

void relay_backend_broken(struct relay *r)
{
    r->up.drop = true;
    r->up.len = 0;
}

void relay_tls_died(struct relay *r)
{
    relay_client_ended(r, true);
    r->tls_dead = true;
    r->said = true;
    r->down.drop = true;
}

void relay_client_gone(struct relay *r)
{
    relay_client_ended(r, true);
    relay_client_broken(r);
    r->client = LEAVE_GONE;
}

void relay_backend_gone(struct relay *r)
{
    /* When it did not end by itself, its last bytes are missing: the client must not be told of an orderly end. */
    r->said |= !r->down.eof_in;
    relay_backend_ended(r, false);
    relay_backend_broken(r);
    r->up.eof_out = true;
    r->backend = LEAVE_GONE;
}

/* --- steps ---------------------------------------------------------------------------------------------------- */

/* The upload's end, once all of it was written. */
static enum relay_step up_step(struct relay *r)
{
    if (r->up.eof_out || !r->up.eof_in || r->up.len != 0)
        return RELAY_WAIT;
    r->up.eof_out = true;
    if (r->backend != LEAVE_NOT)
        return RELAY_WAIT;
    if (r->up.drop)
        return RELAY_WAIT;
    if (r->up.cut) {
        r->backend = LEAVE_RESET;
        return RELAY_RESET_BACKEND;
    }
    /* When the other direction is done too, closing says the same in one call. */
    return r->down.eof_in && r->down.eof_out && r->client == LEAVE_NOT ? RELAY_WAIT : RELAY_END_BACKEND;
}

/* The download's end: first the words, then, once they are written, the socket's. */
static enum relay_step down_step(struct relay *r)
{
    if (r->down.eof_out || r->down.len != 0 || !(r->down.eof_in || r->down.drop))
        return RELAY_WAIT;
    if (!r->said) {
        r->said = true;
        return r->down.cut ? RELAY_ALERT : RELAY_NOTIFY;
    }
    r->down.eof_out = true;
    if (r->client != LEAVE_NOT)
        return RELAY_WAIT;
    if (r->down.cut && !r->tls_dead) {
        r->client = LEAVE_RESET;
        return RELAY_RESET_CLIENT;
    }
    if (r->tls_dead || r->up.drop) {
        r->client = LEAVE_LINGER;
        return RELAY_LINGER_CLIENT;
    }
    return r->up.eof_out ? RELAY_WAIT : RELAY_END_CLIENT;
}

enum relay_step relay_next(struct relay *r)
{
    enum relay_step s;
    if ((s = up_step(r)) != RELAY_WAIT || (s = down_step(r)) != RELAY_WAIT)
        return s;

    /* The upload was broken off after the download had ended: nothing the client still sends has a taker. */
    if (r->client == LEAVE_NOT && r->down.eof_out && r->up.drop && !r->up.eof_in) {
        r->client = LEAVE_LINGER;
        return RELAY_LINGER_CLIENT;
    }
    /* Nobody takes what the backend still sends, and all that was for it is written. */
    if (r->backend == LEAVE_NOT && r->up.eof_out && r->down.drop && !r->down.eof_in) {
        r->backend = LEAVE_RESET;
        return RELAY_RESET_BACKEND;
    }
    bool client_leaves = r->client == LEAVE_LINGER || r->client == LEAVE_RESET;
    bool backend_leaves = r->backend == LEAVE_RESET;
    if (client_leaves || backend_leaves)
        return RELAY_WAIT;
    if (r->up.eof_out && r->down.eof_out)
        return RELAY_CLOSE;
    return RELAY_WAIT;
}
