/* What fuzz_primitives.c and primitives_nist.c share: an input that never ends, and the primitives that the latter compares. */
#ifndef PRIMITIVES_H
#define PRIMITIVES_H

#include "fuzz.h"

struct feed {
    const uint8_t *p, *end;
};

/* The next bytes; behind the end, a pattern. */
static inline void bytes(struct feed *in, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in->p < in->end ? *in->p++ : (uint8_t)(i * 167 + n);
}

static inline uint8_t byte(struct feed *in)
{
    uint8_t b;
    bytes(in, &b, 1);
    return b;
}

static inline unsigned word(struct feed *in)
{
    unsigned high = byte(in);
    return high << 8 | byte(in);
}

void primitives_ecdh(struct feed *in);
void primitives_ecdsa(struct feed *in);
void primitives_rsa(struct feed *in);

#endif
