/* Handshake messages into records. */
#include "handshake.h"

void stream_add(struct stream *s, const void *data, size_t n)
{
    struct tls13_io *io = s->io;
    const uint8_t *p = data;
    while (n != 0) {
        if (s->n == TLS13_MAX_PLAIN) {
            io->out_len += rec_seal(&s->conn->out, io->out + io->out_len, s->n, CT_HANDSHAKE);
            s->n = 0;
        }
        size_t room = TLS13_MAX_PLAIN - s->n, part = n < room ? n : room;
        size_t need = io->out_len + TLS13_HEAD + s->n + part + TLS13_TAIL;
        if (s->full || need > io->out_cap) {
            s->full = true;
            return;
        }
        memcpy(io->out + io->out_len + TLS13_HEAD + s->n, p, part);
        s->n += part;
        p += part;
        n -= part;
    }
}

int stream_end(struct stream *s)
{
    struct tls13_io *io = s->io;
    if (s->full)
        return -TLS13_E_NO_ROOM;
    if (s->n != 0)
        io->out_len += rec_seal(&s->conn->out, io->out + io->out_len, s->n, CT_HANDSHAKE);
    s->n = 0;
    return 0;
}
