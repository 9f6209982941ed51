/*
 * Key exchange (RFC 8446 4.2.8, 7.4): the server's side is one step, from the client's share to our share and the shared secret.
 * Hybrid X25519MLKEM768: draft-ietf-tls-ecdhe-mlkem; the ML-KEM part comes first in shares and secret.
 */
#ifndef TLS13_KEX_H
#define TLS13_KEX_H

#include <stddef.h>
#include <stdint.h>

enum { GROUP_SECP256R1 = 0x0017, GROUP_SECP384R1 = 0x0018, GROUP_X25519 = 0x001d, GROUP_X25519MLKEM768 = 0x11ec };

#define KEX_MAX_CLIENT 1216 /* client share of the hybrid: 1184 + 32 */
#define KEX_MAX_SERVER 1120 /* server share of the hybrid: 1088 + 32 */
#define KEX_MAX_SECRET 64
#define KEX_MAX_RANDOM 96 /* seed bytes a server's step takes */

struct kex_group {
    uint16_t id;
    uint16_t client_len, server_len; /* share lengths in bytes */
    uint16_t secret_len;
    uint16_t random_len; /* random bytes one step consumes */
    const char *name;
};
const struct kex_group *kex_by_id(uint16_t id);

/* One server's step.  The caller fills group, client, random; kex_run fills server, secret, err. */
struct kex_job {
    const struct kex_group *group;
    const uint8_t *client; /* group->client_len bytes (the caller checked the length) */
    const uint8_t *random; /* group->random_len bytes; wiped by the caller */
    uint8_t *server;       /* room for server_len */
    uint8_t *secret;       /* room for secret_len; wiped by the caller */
    int err;               /* 0, or -TLS13_E_ILLEGAL: invalid point, all-zero result, bad encapsulation key */
};
/* Runs n jobs; the X25519 parts of all of them share the lanes that the CPU has.  Constant-time in secrets. */
void kex_run(struct kex_job *const *jobs, size_t n);

/* The client's side, for tests and a client to come: private key from random, public share (client_len). => 0 or -1 (group). */
struct kex_client {
    const struct kex_group *group;
    uint8_t priv[2400 + 64]; /* ML-KEM decapsulation key and/or scalar */
};
int kex_client_share(struct kex_client *k, const struct kex_group *g, const uint8_t random[static KEX_MAX_RANDOM], uint8_t *share);
int kex_client_secret(const struct kex_client *k, const uint8_t *server, uint8_t *secret);

#endif
