/* Keys as BearSSL's structs want them: with pointers to bytes that are not const, which it only reads. */
#ifndef TLS13_KEY_BEARSSL_H
#define TLS13_KEY_BEARSSL_H

#include "key.h"

#include <bearssl.h>

static inline unsigned char *bearssl_bytes(struct slice v)
{
    return (unsigned char *)(uintptr_t)v.p;
}

/* Of KEY_P256 or KEY_P384. */
static inline int bearssl_curve(enum key_type type)
{
    return type == KEY_P256 ? BR_EC_secp256r1 : BR_EC_secp384r1;
}

static inline br_ec_public_key bearssl_ec(const struct public_key *key)
{
    return (br_ec_public_key){ .curve = bearssl_curve(key->type), .q = bearssl_bytes(key->point), .qlen = key->point.n };
}

static inline br_rsa_public_key bearssl_rsa(const struct public_key *key)
{
    return (br_rsa_public_key){ .n = bearssl_bytes(key->n), .nlen = key->n.n, .e = bearssl_bytes(key->e), .elen = key->e.n };
}

#endif
