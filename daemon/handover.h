/*
 * What a running master leaves to the binary that takes its place (SIGUSR2): listening sockets, the ticket keys, what the names of
 * backends are.  It goes over a socket pair, message by message, descriptors beside their addresses; the new master takes nothing
 * unseen.  Keys touch neither a disk nor the environment.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include "backend.h"
#include "listen.h"
#include "tickets.h"

#define HANDOVER_ENV "TLS13D_HANDOVER" /* the descriptor of the new master's end */
#define HANDOVER_FD  3

struct handover {
    uint64_t generation;
    struct bindings binds, admin;
    struct inheritance inherited;
    struct ticket_ring ring; /* n 0: keys come from a file */
    uint64_t key_made;       /* seconds since 1970 */
    double rotate_in;        /* seconds until the next key */
    struct resolved *names;
    size_t n_names;
};

/* --- the old master ---------------------------------------------------------------------------------------------- */

/* Sends from message *next on what the socket takes without blocking.  => 1: all was sent, 0: not yet, -1: it failed (errno). */
int handover_send(int fd, const struct handover *h, size_t *next);

enum handover_answer { HANDOVER_NOTHING, HANDOVER_READY, HANDOVER_REFUSED, HANDOVER_CLOSED, HANDOVER_NONSENSE };
/* Reads without blocking what the new master says; why is set when it refuses. */
enum handover_answer handover_answer(int fd, char *why, size_t why_len);
/* Says no in the name of a program that could not be executed. */
void handover_say_refused(int fd, const char *why);

/* --- the new master ---------------------------------------------------------------------------------------------- */

/*
 * Reads HANDOVER_ENV and takes it out of the environment.  => 0: an old master is there, or nobody; -1 with a sentence in why: what is
 * named is not a channel of another process of our user.
 */
int handover_open(char *why, size_t why_len);
/* The channel while the old master waits for an answer, or has not let go yet; else -1. */
int handover_fd(void);
/* The process at its other end. */
pid_t handover_from(void);
/*
 * Receives everything, within `seconds`.  h owns descriptors and names then.  => 0; -1 with a sentence in why: whatever came is closed
 * again, and nothing is left in h.
 */
int handover_receive(struct handover *h, double seconds, char *why, size_t why_len);
/* The first sentence of these is why handover_refuse() refuses. */
void handover_note(const char *why);
/* We end with this code instead of serving: the old master is told why.  Does nothing without a channel. */
void handover_refuse(int code);
/* We serve. */
void handover_ready(void);
/* => whether the old master has let go, or is gone: from now on we stand alone. */
bool handover_done(void);

#endif
