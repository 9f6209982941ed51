/* Extensions (RFC 8446 4.2): which messages each may stand in, and who reads it there. */
#ifndef TLS13_EXTENSION_H
#define TLS13_EXTENSION_H

#include "client_hello.h"
#include "codes.h"

/* The messages' column of the table in 4.2. */
enum { IN_CH = 1, IN_SH = 2, IN_EE = 4, IN_CT = 8, IN_CR = 16, IN_NST = 32, IN_HRR = 64 };

struct extension {
    uint16_t id;
    uint8_t where; /* IN_* */
    /* Reads it out of a ClientHello; NULL: known, and of no interest there.  => 0 or -TLS13_E_*. */
    int (*client_hello)(struct client_hello *ch, struct rd *body);
};

/* => NULL for one that we do not know: ignored (4.1.2, 9.3). */
const struct extension *ext_find(uint16_t id);
/*
 * Walks a ClientHello's extension block: duplicates and known ones in the wrong message are -TLS13_E_ILLEGAL, pre_shared_key not last
 * too (4.2, 4.2.11).  => 0, -TLS13_E_DECODE, -TLS13_E_ILLEGAL.
 */
int ext_client_hello(struct client_hello *ch, struct rd *block) __attribute__((warn_unused_result));

#endif
