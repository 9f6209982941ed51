/* The hash functions behind BearSSL's class type, chosen once for this CPU. */
#ifndef TLS13_HASH_IMPL_H
#define TLS13_HASH_IMPL_H

#include "suite.h"

#include <bearssl.h>

/* A context of any of these classes fits in a br_hash_compat_context. */
const br_hash_class *hash_class(enum hash_id hash);

/* All implementations that this CPU can run, best first: => the i-th, NULL past the end.  hash_class takes the 0th. */
const br_hash_class *hash_class_at(enum hash_id hash, size_t i);

/* Bytes of the hash's output. */
static inline size_t hash_size(const br_hash_class *c)
{
    return (c->desc >> BR_HASHDESC_OUT_OFF) & BR_HASHDESC_OUT_MASK;
}

#endif
