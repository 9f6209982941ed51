/* A credential: chain, key or signer, and the Certificate message (RFC 8446 4.4.2) built once. */
#ifndef TLS13_CREDENTIAL_H
#define TLS13_CREDENTIAL_H

#include "key.h"
#include "sign.h"
#include "tls13.h"
#include "x509.h"

#define CRED_MAX_CHAIN 10

struct credential {
    struct private_key key; /* type KEY_NONE when a sign function holds it */
    tls13_sign_fn *sign;
    void *sign_arg;
    enum key_type type;  /* of the leaf */
    uint16_t schemes[4]; /* it can sign with, by our preference; n_schemes of them */
    size_t n_schemes;
    uint8_t *message;     /* the whole Certificate handshake message with an empty certificate_request_context */
    size_t message_len;   /* at most 2^17 */
    struct slice leaf;    /* DER, into message */
    uint16_t *chain_sigs; /* signature schemes that the chain's certificates (but a self-signed one) are signed with, one each, as */
    size_t n_chain_sigs;  /* signature_algorithms_cert codes (4.2.3): 0x0401 rsa_pkcs1_sha256, 0x0403 ...; an unknown one is 0 */
    char (*names)[256];   /* DNS names, lower case, no trailing dot; wildcards as "*.example.org" */
    size_t n_names;
    struct tls13_cert_info info;
};

/*
 * Reads chain and key (key_pem NULL: out of chain_pem; sign not NULL: no key is read).  Checks that the chain is in order (each
 * issuer name is the next one's subject), that the key is the leaf's and that it signs.  => 0 and a malloc'ed credential in *out, or
 * -TLS13_E_PEM, _CERT_*, _KEY_*, _MEMORY.
 */
int cred_load(struct credential **out, const char *chain_pem, size_t chain_len, const char *key_pem, size_t key_len, tls13_sign_fn *sign,
              void *arg);
void cred_free(struct credential *c); /* wipes; NULL allowed */

#endif
