/* A bounded reader of strict DER (X.690 10): definite minimal lengths, minimal integers, low tag numbers. */
#ifndef TLS13_DER_H
#define TLS13_DER_H

#include "bytes.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8_STRING = 0x0c,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31
};
#define DER_CONTEXT(n)      (0xa0 + (n)) /* constructed, context-specific */
#define DER_CONTEXT_PRIM(n) (0x80 + (n))

/* The next element's tag, 0 at the end; does not move. */
uint8_t der_peek(const struct rd *r);
/* Opens the next element, which must have this tag; => a reader over its contents, bad when it has not. */
struct rd der_open(struct rd *r, uint8_t tag);
/* The next element whatever it is: its tag, contents, and all its bytes with the header (whole may be NULL). */
struct rd der_any(struct rd *r, uint8_t *tag, struct slice *whole);
void der_skip(struct rd *r);
/* A non-negative INTEGER without its sign byte: at least one byte, no leading zero but for the value 0. Negative: bad. */
struct slice der_uint(struct rd *r);
/* A small non-negative INTEGER, up to 2^31 - 1. */
uint32_t der_small(struct rd *r);
/* A BIT STRING of whole bytes. */
struct slice der_bits(struct rd *r);
/* True when the next OBJECT IDENTIFIER has these contents; always moves past it. */
bool der_oid_is(struct slice oid, const uint8_t *want, size_t n);
struct slice der_oid(struct rd *r);
/* UTCTime or GeneralizedTime in the forms of RFC 5280 4.1.2.5; seconds since 1970. */
int64_t der_time(struct rd *r);

/* Strict Ecdsa-Sig-Value (RFC 3279 2.2.3): two positive INTEGERs of at most n bytes and nothing else. */
bool der_ecdsa_sig_ok(const uint8_t *sig, size_t len, size_t n);

#endif
