/* What the files of the link share among themselves: link_pump.c (bytes), link_open.c (until the
 * relay), link.c (steps, deadlines, end), link_start.c (start and events). */
#ifndef LINK_PARTS_H
#define LINK_PARTS_H

#include "link.h"

/* --- link_pump.c ------------------------------------------------------------------------------------------------ */

/* Receives behind what is held; n: the bytes that now lie at env->in.  => bytes received, 0: FIN, -errno. */
ssize_t pump_recv(struct link *l, size_t *n);
/* Brings held ciphertext to env->in and gives its slab back; => its length. */
size_t pump_take_hold(struct link *l);
/* Keeps plain bytes for the backend and ciphertext behind them, both from elsewhere than the slab.  The queue must be empty. */
bool pump_keep(struct link *l, const struct iovec *plain, int n, size_t skip, const uint8_t *hold, size_t hold_len);
/* Sends to the client or queues; failures become facts. */
void pump_to_client(struct link *l, const uint8_t *p, size_t n);
/* Writes what is queued. */
void pump_flush_client(struct link *l);
void pump_flush_backend(struct link *l);
/* Bytes from one side to the other, until there are no more or they are not taken. */
void pump_client(struct link *l);
void pump_backend(struct link *l);
/* Gives a queue's slab back. */
void pump_drop(struct link *l, struct link_queue *q);

/* --- link_open.c ------------------------------------------------------------------------------------------------ */

/* Before the first byte: may this client come at all?  => false: the link is refused. */
bool open_admit(struct link *l, const struct sockaddr *peer);
/* The client's socket is readable, before the handshake has ended. */
void open_read(struct link *l);
/* A parked handshake goes on. */
void open_resume(struct link *l);
/* The backend's socket is writable: it is connected, or not. */
void open_backend_event(struct link *l);
/* This backend did not answer in time, or refused. */
void open_backend_failed(struct link *l);

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

void link_backend_event(struct ev_loop *loop, ev_io *w, int events);

#endif
