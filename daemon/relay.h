/*
 * What is true of one relayed connection, and what is to be done about it.  Two independent directions; no sockets, no TLS, no clock:
 * the link tells facts (bytes held, an end seen, a socket broken), relay_next() says the next step, the event masks follow from the
 * facts.  A model test drives it through random interleavings.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>
#include <stdint.h>

/* One direction, from its source to its sink. */
struct half {
    uint32_t len;     /* bytes held for the sink */
    bool eof_in : 1;  /* the source has ended, well or badly: it is not read any more */
    bool cut : 1;     /* badly: the sink must not take it for a clean end */
    bool drop : 1;    /* the sink takes nothing any more: what still comes from the source is thrown away */
    bool eof_out : 1; /* the sink was told, or there is nobody to tell */
};

/* How a socket goes that is not simply closed. */
enum relay_leave {
    LEAVE_NOT,
    LEAVE_LINGER, /* our end was sent; read and drop a little, so that the peer can read it, then close */
    LEAVE_RESET,  /* when the peer's kernel has acknowledged all we sent: a reset */
    LEAVE_GONE    /* closed */
};

struct relay {
    struct half up, down;    /* client to backend, backend to client */
    bool tls_dead : 1;       /* nothing more can be sealed or opened */
    bool said : 1;           /* close_notify or an alert was queued (or cannot be): nothing may follow it */
    uint8_t client, backend; /* enum relay_leave */
};

enum { RELAY_READ = 1, RELAY_WRITE = 2 };

/* What each socket is watched for. */
int relay_client_events(const struct relay *r);
int relay_backend_events(const struct relay *r);

/*
 * The facts.  Each may be told in any state; what does not apply any more is ignored.
 */
/* The client's TLS ended with close_notify (cut false), or its socket or its TLS without (cut true). */
void relay_client_ended(struct relay *r, bool cut);
/* The backend's socket ended: FIN, or a reset (cut). */
void relay_backend_ended(struct relay *r, bool cut);
/* It ended in order behind bytes that are about to be queued.  => whether close_notify is to be queued with them, as RELAY_NOTIFY. */
bool relay_backend_ends(struct relay *r);
/* Bytes that the backend sent were thrown away: whatever its end is, the client has not got all of it. */
void relay_backend_lost(struct relay *r);
/* A write failed: that sink is lost, what it was owed is dropped.  Its other direction may still hold bytes to be read. */
void relay_client_broken(struct relay *r);
void relay_backend_broken(struct relay *r);
/* The TLS connection is dead; what it still had to say is held in down.  Counts as relay_client_ended(cut). */
void relay_tls_died(struct relay *r);
/* The socket was closed. */
void relay_client_gone(struct relay *r);
void relay_backend_gone(struct relay *r);

enum relay_step {
    RELAY_WAIT,          /* nothing to do until something happens */
    RELAY_END_BACKEND,   /* shutdown(backend, SHUT_WR) */
    RELAY_NOTIFY,        /* queue close_notify for the client */
    RELAY_ALERT,         /* queue a fatal alert for the client */
    RELAY_END_CLIENT,    /* shutdown(client, SHUT_WR) */
    RELAY_LINGER_CLIENT, /* shutdown(client, SHUT_WR); LEAVE_LINGER began */
    RELAY_RESET_CLIENT,  /* LEAVE_RESET began */
    RELAY_RESET_BACKEND, /* LEAVE_RESET began */
    RELAY_CLOSE          /* close what is open: all is said and done */
};

/* => the next step, already noted as taken; call again until RELAY_WAIT or RELAY_CLOSE. */
enum relay_step relay_next(struct relay *r);

#endif
