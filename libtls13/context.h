/* What many connections share: credentials, policy, ticket keys.  Counted; not changed once in use (the ticket ring aside). */
#ifndef TLS13_CONTEXT_H
#define TLS13_CONTEXT_H

#include "credential.h"
#include "kex.h"
#include "names.h"
#include "ticket.h"
#include "trust.h"

struct tls13_ctx {
    unsigned refs;

    struct credential **creds;
    size_t n_creds;
    struct names *names;
    unsigned default_cred;
    bool sni_strict;

    char **alpn; /* server order; no longer than 255 bytes each */
    size_t n_alpn;

    const struct suite *suites[3];
    size_t n_suites;
    bool own_order; /* suites were set: their order is not bent to the client's */
    const struct kex_group *groups[4];
    size_t n_groups;

    enum tls13_client_auth client_auth;
    struct trust *trust; /* authorities and revocation lists, NULL: none */
    char **client_names; /* allow-list as written */
    size_t n_client_names;
    uint8_t *cert_request; /* the whole CertificateRequest message, NULL unless client_auth */
    size_t cert_request_len;

    unsigned tickets;
    uint32_t ticket_lifetime; /* seconds */
    struct ticket_ring ring;
    uint8_t policy[32]; /* SHA-256 over what a ticket is bound to: scope, client authentication, authorities, lists */
    uint8_t scope[32];  /* SHA-256 of the caller's scope */

    uint64_t key_limit; /* 0: the suite's */
    tls13_keylog_fn *keylog;
    void *keylog_arg;
    tls13_clock_fn *clock;
    void *clock_arg;
    tls13_random_fn *random;
    void *random_arg;
};

int64_t ctx_now_ms(const struct tls13_ctx *ctx);
int ctx_random(const struct tls13_ctx *ctx, void *out, size_t n) __attribute__((warn_unused_result));
/*
 * The profile of a ticket (trap 33): SHA-256 over policy, server name, credential and application protocol, so that no ticket carries a
 * client past a policy it did not meet.  cred NULL or alpn NULL: none.
 */
void ctx_profile(const struct tls13_ctx *ctx, const char *sni, const struct credential *cred, const char *alpn,
                 uint8_t out[static TICKET_PROFILE]);

#endif
