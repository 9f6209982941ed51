/* The transcript hash: a BearSSL hash context in plain memory, which its `out` leaves unchanged. */
#include "transcript.h"

#include "bytes.h"
#include "codes.h"
#include "hash_impl.h"

_Static_assert(sizeof(br_hash_compat_context) <= sizeof(((struct transcript *)0)->ctx), "a hash context fits");

static br_hash_compat_context *context(struct transcript *t)
{
    return (void *)&t->ctx;
}

void transcript_init(struct transcript *t, enum hash_id hash)
{
    memset(t, 0, sizeof *t);
    t->hash = (uint8_t)hash;
    hash_class(hash)->init(&context(t)->vtable);
}

void transcript_add(struct transcript *t, const void *data, size_t len)
{
    br_hash_compat_context *c = context(t);
    c->vtable->update(&c->vtable, data, len);
}

size_t transcript_hash(const struct transcript *t, uint8_t out[static MAX_HASH])
{
    const br_hash_compat_context *c = (const void *)&t->ctx;
    c->vtable->out(&c->vtable, out);
    return hash_size(c->vtable);
}

void transcript_retry(struct transcript *t)
{
    uint8_t message[4 + MAX_HASH];
    size_t n = transcript_hash(t, message + 4);
    message[0] = MSG_MESSAGE_HASH;
    store24(message + 1, (uint32_t)n);
    transcript_init(t, t->hash);
    transcript_add(t, message, 4 + n);
}
