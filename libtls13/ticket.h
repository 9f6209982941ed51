/* Stateless tickets (RFC 8446 4.6.1): sealed with a ring of keys, the first of which seals; the others only open. */
#ifndef TLS13_TICKET_H
#define TLS13_TICKET_H

#include "bytes.h"
#include "limits.h"
#include "suite.h"
#include "tls13.h"

#define TICKET_PROFILE 32
/* Key name, nonce, body, tag: 16 + 12 + (1 + 2 + 8 + 8 + 4 + 1 + 48 + 32 + 8 + 32 + 1 + 255 + 1 + 64) + 16 at most. */
#define TICKET_MAX 512

struct ticket_ring {
    uint8_t keys[LIMIT_TICKET_KEYS][TLS13_TICKET_KEY];
    size_t n;
};

/* What a ticket carries: all that a resumed connection may rely on. */
struct ticket {
    uint16_t suite;
    int64_t created_ms; /* the full handshake, however often renewed since */
    int64_t issued_ms;  /* this ticket */
    uint32_t age_add;
    uint8_t psk[MAX_HASH];
    uint8_t psk_len;
    uint8_t profile[TICKET_PROFILE]; /* the policy it was given under */
    int64_t client_until;            /* how long its certificate's verification holds, seconds; 0: no client certificate */
    uint8_t client_spki[32];         /* SHA-256 of its SubjectPublicKeyInfo */
    char client_name[256];           /* "" or its verified name */
    char client_cn[65];              /* "" or its commonName */
};

/* Seals t under the ring's first key with the nonce's 12 random bytes; => the ticket's length at out, 0 when the ring is empty. */
size_t ticket_seal(const struct ticket_ring *ring, const struct ticket *t, const uint8_t nonce[static 12], uint8_t out[static TICKET_MAX]);
/*
 * Opens a ticket with whichever key it names.  => true; false for anything that is not a whole ticket of ours (t is wiped then).
 * The caller wipes t.
 */
bool ticket_open(const struct ticket_ring *ring, const uint8_t *ticket, size_t len, struct ticket *t);
/*
 * Age rules (4.2.11.1, 4.6.1): within `lifetime` seconds of both the full handshake and its issue by our clock, and the client's own
 * figure, (obfuscated - age_add) mod 2^32 ms, within seven days.
 */
bool ticket_fresh(const struct ticket *t, int64_t now_ms, uint32_t lifetime, uint32_t obfuscated_age);

#endif
