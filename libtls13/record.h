/* Record protection (RFC 8446 5.2, 5.3, 5.4): two independent directions, each with its key, sequence and limit. */
#ifndef TLS13_RECORD_H
#define TLS13_RECORD_H

#include "aead.h"
#include "bytes.h"
#include "limits.h"
#include "tls13.h"

enum content_type { CT_CCS = 20, CT_ALERT = 21, CT_HANDSHAKE = 22, CT_DATA = 23 };

/* One direction's protection. */
struct direction {
    struct aead aead;
    uint64_t seq; /* of the next record under this key */
    uint8_t iv[AEAD_NONCE];
    uint8_t secret[MAX_HASH]; /* the traffic secret that key and iv come from */
    bool on;                  /* false: plaintext */
};

/* Starts a direction on a traffic secret (hash length): key, iv, sequence 0 (5.3, 7.3). */
void rec_start(struct direction *d, const struct suite *suite, const uint8_t *secret);
/* Moves to the next generation of the traffic secret (7.2). */
void rec_update(struct direction *d, const struct suite *suite);
void rec_wipe(struct direction *d);

/*
 * Opens one record in place.  rec holds a 5-byte header and body_len bytes of ciphertext (checked against 5.2 by the caller); on success
 * *len bytes of plaintext start at rec + 5 and *type is the inner content type.  When the tag is wrong the body is zeroed and the sequence
 * stays, since 0-RTT that is skipped does not count.
 *
 * => 0, -TLS13_E_BAD_MAC, -TLS13_E_OVERFLOW, -TLS13_E_UNEXPECTED (padding only).  RFC 8446 5.2, 5.4.
 * Time depends on lengths only, padding aside, which is public once the tag is right.
 */
int rec_open(struct direction *d, uint8_t *rec, size_t body_len, uint8_t *type, size_t *len) __attribute__((warn_unused_result));
/*
 * Seals n plain bytes at rec + 5 as a record of this type; in the clear when the direction is not on.  rec has room for
 * 5 + n + 17.  => the record's length.
 */
size_t rec_seal(struct direction *d, uint8_t *rec, size_t n, uint8_t type);

#endif
