/*
 * Records out of the caller's buffer, and handshake messages out of records, joined in place: a message that spans records is moved
 * together at the front of the buffer, so that the library itself buffers nothing (RFC 8446 5.1).
 */
#ifndef TLS13_DEFRAME_H
#define TLS13_DEFRAME_H

#include "record.h"

/* The input of one tls13_recv(): [msg, msg_end) is joined handshake data not yet taken, [raw, end) records not yet opened. */
struct input {
    uint8_t *msg, *msg_end;
    uint8_t *raw, *end;
};

/* held: how many bytes in front are joined handshake data from earlier calls. */
static inline struct input input_of(uint8_t *in, size_t len, size_t held)
{
    return (struct input){ .msg = in, .msg_end = in + held, .raw = in + held, .end = in + len };
}

/* True while a handshake message has begun and is not whole: no other kind of record may come (5.1). */
static inline bool input_partial(const struct input *i)
{
    return i->msg != i->msg_end;
}

/* A record as it lies in the buffer. */
struct rec_view {
    uint8_t *at; /* header */
    size_t len;  /* of the body */
    uint8_t type;
};

/*
 * The next record's header and body, when it is whole.  `plain`: the reading direction is not protected yet; then a wrong first
 * byte is told at once (trap 48) and a ClientHello that would be too long is told at its header (trap 42).
 *
 * => 1, 0 (more input is needed), -TLS13_E_NOT_TLS, -TLS13_E_OVERFLOW, -TLS13_E_UNEXPECTED, -TLS13_E_TOO_LONG.
 */
int input_record(const struct input *i, bool plain, struct rec_view *rec) __attribute__((warn_unused_result));
/* Passes over the record at raw. */
void input_skip(struct input *i, const struct rec_view *rec);
/* Joins n > 0 bytes of handshake data at `data`, inside the record at raw, to the message; passes over the record. */
void input_join(struct input *i, const struct rec_view *rec, uint8_t *data, size_t n);
/*
 * The next whole handshake message, header included; cap is the longest total that is taken now.
 * => 1, 0 (not whole yet), -TLS13_E_TOO_LONG.
 */
int input_message(struct input *i, size_t cap, struct slice *msg) __attribute__((warn_unused_result));
/* Takes that message away. */
void input_take(struct input *i, struct slice msg);
/* Closes the gap between joined and raw bytes; => what the caller has to keep, and how much of it is joined. */
struct slice input_rest(struct input *i, size_t *held);

#endif
