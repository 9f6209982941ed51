/* What the files of the link share among themselves: link_pump.c, link_up.c, link_down.c (bytes), link_header.c
 * (PROXY headers), link_open.c (until the relay), link.c (steps, deadlines, end), link_start.c (start and events). */
#ifndef LINK_PARTS_H
#define LINK_PARTS_H

#include "link.h"

#define LINK_RECORD (TLS13_HEAD + TLS13_MAX_PLAIN + TLS13_TAIL)
#define LINK_ROUNDS 4 /* reads in one event, so that one busy connection does not starve the others */

/* --- link_pump.c ------------------------------------------------------------------------------------------------ */

/*
 * Whole records one read may bring.  Large calls cost less a byte; but what a stalled sink does not take is held, so that only a few
 * connections may hold that much, the others two records each way.
 */
size_t pump_records(const struct link_env *env);
/* Bytes one read from the client may bring: its whole records end where a read ends, so that nothing of them is left to be held. */
size_t pump_room(const struct link *l);
/* Receives behind what is held; have: the bytes that now lie at env->in.  => bytes received, 0: FIN, -errno. */
ssize_t pump_recv(struct link *l, size_t *have);
/* Brings held ciphertext to env->in and gives its slab back; => its length. */
size_t pump_take_hold(struct link *l);
/* Keeps plain bytes for the backend and ciphertext behind them, both from elsewhere than the slab.  The queue must be empty. */
bool pump_keep(struct link *l, const struct iovec *plain, int n, size_t skip, const uint8_t *hold, size_t hold_len);
/*
 * Sends to the client or queues; failures become facts.  more: bytes or the FIN follow within this event, and may share the last segment
 * (send(2), MSG_MORE).
 */
void pump_to_client(struct link *l, const uint8_t *p, size_t n, bool more);
/*
 * => bytes taken.  A failure is a fact: EPIPE says that the backend closed, after a FIN of its own that is still to be read; any other
 * error is a reset, which a later read may not tell again.
 */
size_t pump_to_backend(struct link *l, const struct iovec *iov, int n);
/* Writes what is queued. */
void pump_flush_client(struct link *l);
void pump_flush_backend(struct link *l);
/* Gives a queue's slab back. */
void pump_drop(struct link *l, struct link_queue *q);

/* --- link_up.c, link_down.c --------------------------------------------------------------------------------------- */

/* Bytes from one side to the other, until there are no more or they are not taken. */
void pump_client(struct link *l);
void pump_backend(struct link *l);

/* --- link_header.c ---------------------------------------------------------------------------------------------- */

/* Before the first byte: may this client come at all?  => false: the link is refused. */
bool header_admit(struct link *l, const struct sockaddr *peer);
/* => bytes of env->in that a PROXY header took, 0: keep what there is and wait, -1: the link is refused. */
int header_read(struct link *l, size_t have);
/* Writes the backend's PROXY header to env->out; => its length, 0: none is wanted, -1: it cannot be built. */
ssize_t header_write(struct link *l, const struct tls13_info *info);

/* --- link_open.c ------------------------------------------------------------------------------------------------ */

/* The client's socket is readable, before the handshake has ended. */
void open_read(struct link *l);
/* A parked handshake goes on. */
void open_resume(struct link *l);
/* The backend's socket is writable: it is connected, or not. */
void open_backend_event(struct link *l);
/* This backend did not answer in time, or refused. */
void open_backend_failed(struct link *l, int err); /* 0: it took too long */

/* --- link.c ------------------------------------------------------------------------------------------------------ */

/* Notes how it ends; the first word stays. */
void link_word(struct link *l, enum stats_end end, int alert);
/* After an error of tls13_recv(), whose last words were sent. */
void link_tls_error(struct link *l, int err);
/* Takes the steps that the facts ask for, then watches for what they ask for.  The link may be gone afterwards. */
void link_settle(struct link *l);
/* Ends it: log line, sockets, memory. */
void link_free(struct link *l);
void link_close_backend(struct link *l, bool reset);
/* What the client's socket is watched for: what the facts say, less what must wait until the relay begins. */
int link_client_mask(const struct link *l);

/* --- link_start.c ------------------------------------------------------------------------------------------------ */

void link_backend_event(struct watch *w, unsigned events);

#endif
