/* What a peer may do that is legal but of no use, and how much of it we take; and the sizes that bound memory. */
#ifndef TLS13_LIMITS_H
#define TLS13_LIMITS_H

enum {
    LIMIT_HELLO = 16384,       /* bytes of a ClientHello, its header included; the RFC would allow 2^24 */
    LIMIT_CERTIFICATE = 16384, /* bytes of a client's Certificate message */
    LIMIT_VERIFY = 1024,       /* bytes of a CertificateVerify */
    LIMIT_LEAF = 4096,         /* bytes of a client's own certificate (DER) */
    LIMIT_CHAIN = 10,          /* certificates in a client's chain */
    LIMIT_EXTENSIONS = 128,    /* extensions in one ClientHello */
    LIMIT_SHARES = 16,         /* key shares in one ClientHello: the checks of 4.2.8 take time that grows with their square */
    LIMIT_IDENTITIES = 8,      /* PSK identities that are looked at; the rest is passed over */
    LIMIT_CCS = 2,             /* change_cipher_spec records in a handshake (RFC 8446 D.4 needs one) */
    LIMIT_EMPTY = 32,          /* consecutive empty application_data records */
    LIMIT_UPDATES = 32,        /* KeyUpdates without application data in between */
    LIMIT_WARNINGS = 4,        /* user_canceled alerts */
    LIMIT_EARLY = 65536,       /* ciphertext bytes of 0-RTT that are skipped */
    LIMIT_TICKETS = 8,         /* NewSessionTickets after a handshake */
    LIMIT_TICKET_KEYS = 8,     /* keys of the ring */
    LIMIT_LIFETIME = 604800    /* seconds: a ticket's (RFC 8446 4.6.1) */
};

#endif
