/* Records and messages in place. */
#include "deframe.h"

#include "codes.h"

enum { MSG_HEAD = 4 }; /* bytes: type, length (4) */

/*
 * In the clear only a ClientHello, an alert or a change_cipher_spec can come.  Looks at what is there of a handshake record that is not
 * whole, so that nobody holds memory for a message that we will not take.
 */
static int peek_hello(const struct input *i, size_t body_len)
{
    uint8_t head[MSG_HEAD];
    size_t n = 0;
    for (const uint8_t *p = i->msg; n < sizeof head && p < i->msg_end; p++)
        head[n++] = *p;
    for (const uint8_t *p = i->raw + TLS13_HEAD; n < sizeof head && p < i->end && p < i->raw + TLS13_HEAD + body_len; p++)
        head[n++] = *p;
    if (n > 0 && head[0] != MSG_CLIENT_HELLO)
        return -TLS13_E_UNEXPECTED;
    if (n < sizeof head)
        return 0;
    size_t total = MSG_HEAD + load24(head + 1);
    if (total > LIMIT_HELLO)
        return -TLS13_E_TOO_LONG;
    if ((size_t)(i->msg_end - i->msg) + body_len > total) /* 5.1: the ClientHello ends its record */
        return -TLS13_E_UNEXPECTED;
    return 0;
}

int input_record(const struct input *i, bool plain, struct rec_view *rec)
{
    size_t left = (size_t)(i->end - i->raw);
    if (left == 0)
        return 0;
    rec->at = i->raw;
    rec->type = i->raw[0];
    if (rec->type < CT_CCS || rec->type > CT_DATA)
        return plain ? -TLS13_E_NOT_TLS : -TLS13_E_UNEXPECTED; /* section 5: unexpected_message for unknown types */
    if (left < TLS13_HEAD)
        return 0;
    rec->len = load16(i->raw + 3); /* bytes 1 and 2 are ignored for all purposes (5.1) */
    if (rec->len > (rec->type == CT_DATA ? TLS13_MAX_PLAIN + 256 : TLS13_MAX_PLAIN))
        return -TLS13_E_OVERFLOW;
    if (rec->len == 0)
        return -TLS13_E_UNEXPECTED; /* 5.1: no zero-length fragments of anything; a protected record has a tag */
    if (plain && rec->type == CT_HANDSHAKE) {
        int err = peek_hello(i, rec->len);
        if (err < 0)
            return err;
    }
    return left - TLS13_HEAD >= rec->len;
}

void input_skip(struct input *i, const struct rec_view *rec)
{
    i->raw = rec->at + TLS13_HEAD + rec->len;
}

void input_join(struct input *i, const struct rec_view *rec, uint8_t *data, size_t n)
{
    if (!input_partial(i)) {
        i->msg = data;
    } else {
        memmove(i->msg_end, data, n);
        data = i->msg_end;
    }
    i->msg_end = data + n;
    input_skip(i, rec);
}

int input_message(struct input *i, size_t cap, struct slice *msg)
{
    size_t n = (size_t)(i->msg_end - i->msg);
    if (n < MSG_HEAD)
        return 0;
    size_t total = MSG_HEAD + load24(i->msg + 1);
    if (total > cap)
        return -TLS13_E_TOO_LONG;
    if (n < total)
        return 0;
    *msg = (struct slice){ i->msg, total };
    return 1;
}

void input_take(struct input *i, struct slice msg)
{
    i->msg += msg.n;
}

struct slice input_rest(struct input *i, size_t *held)
{
    size_t left = (size_t)(i->end - i->raw);
    *held = (size_t)(i->msg_end - i->msg);
    if (*held == 0)
        return (struct slice){ i->raw, left };
    if (i->raw != i->msg_end)
        memmove(i->msg_end, i->raw, left);
    return (struct slice){ i->msg, *held + left };
}
