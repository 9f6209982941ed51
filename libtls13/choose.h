/* What we answer a ClientHello: version, suite, group, credential, scheme, application protocol.  Pure: no input, no output. */
#ifndef TLS13_CHOOSE_H
#define TLS13_CHOOSE_H

#include "client_hello.h"
#include "context.h"

struct choice {
    const struct suite *suite;
    const struct kex_group *group;
    struct slice share;              /* the client's, into the message; p NULL: HelloRetryRequest is needed */
    int credential;                  /* index */
    const struct sig_scheme *scheme; /* NULL: it cannot sign for this client, and only a PSK will do */
    bool named;                      /* the server name found the credential */
    const char *alpn;                /* NULL: none */
    bool psk_dhe;                    /* the client takes psk_dhe_ke (4.2.9) */
    int err;                         /* when scheme is NULL: what ends a handshake without a PSK */
};

/*
 * Chooses for ch under ctx's policy; sni is the normalised server name, "" when none was sent.
 * => 0, or -TLS13_E_VERSION, _ILLEGAL, _MISSING_EXTENSION, _NO_COMMON, _UNKNOWN_NAME, _NO_ALPN, _NO_CREDENTIAL.
 */
int choose(const struct tls13_ctx *ctx, const struct client_hello *ch, const char *sni, struct choice *c)
    __attribute__((warn_unused_result));

#endif
