/* ClientHello (RFC 8446 4.1.2) as slices: parsed, not judged. */
#ifndef TLS13_CLIENT_HELLO_H
#define TLS13_CLIENT_HELLO_H

#include "bytes.h"

/* Slices point into the message; one with p == NULL was not sent. */
struct client_hello {
    struct slice whole;      /* the message, header included */
    uint16_t legacy_version; /* supported_versions decides (4.2.1); this one only tells SSL 3.0 (D.5) */
    struct slice random, session_id, suites, compression;
    struct slice server_name; /* the one host_name */
    struct slice groups;      /* NamedGroup list */
    struct slice sigs, sigs_cert;
    struct slice alpn;                /* ProtocolNameList, each name checked to be 1 to 255 bytes */
    struct slice versions;            /* list of two-byte versions */
    struct slice shares;              /* KeyShareEntry list, structure checked */
    struct slice psk_modes;           /* one byte each */
    struct slice identities, binders; /* PskIdentity and PskBinderEntry lists, structure checked */
    size_t n_identities;
    size_t binders_at; /* offset in the message where the binders list begins: its length field (4.2.11.2) */
    bool early_data, cookie;
};

/* => 0, -TLS13_E_DECODE, -TLS13_E_ILLEGAL. */
int ch_parse(struct client_hello *ch, const uint8_t *msg, size_t len) __attribute__((warn_unused_result));
/* True when a list of two-byte codes holds this one. */
bool ch_lists(struct slice list, uint16_t code);
/* SHA-256 over what the second ClientHello must repeat (4.1.2): all but the shares, early_data, cookie, PSKs, padding. */
void ch_digest(const struct client_hello *ch, uint8_t out[static 32]);

#endif
