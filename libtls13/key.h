/* Private and public keys: PKCS#8 (RFC 5958), SEC1 (RFC 5915), PKCS#1 (RFC 8017 A.1.2) and SubjectPublicKeyInfo (RFC 5280 4.1.2.7). */
#ifndef TLS13_KEY_H
#define TLS13_KEY_H

#include "bytes.h"

enum key_type { KEY_NONE, KEY_P256, KEY_P384, KEY_RSA, KEY_RSA_PSS /* id-RSASSA-PSS, RFC 8446 4.2.3 */ };

#define KEY_RSA_MAX 512 /* bytes of modulus: 4096 bits */

struct public_key {
    enum key_type type;
    unsigned bits;      /* of the curve or modulus */
    struct slice point; /* EC: 0x04 x y */
    struct slice n, e;  /* RSA: without leading zeros */
};

/* A private key and, where it lies in one allocation, the bytes its slices point to.  key_wipe wipes and frees. */
struct private_key {
    enum key_type type;
    unsigned bits;
    uint8_t *store; /* malloc'ed, store_len bytes: everything below points into it */
    size_t store_len;
    struct slice d;                      /* EC: the scalar, curve length, big-endian */
    struct slice n, e, p, q, dp, dq, iq; /* RSA */
    uint8_t point[97];                   /* EC: the public point, computed */
};

/*
 * Reads a DER private key; label is the PEM label ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY").
 * => 0, -TLS13_E_KEY_PARSE, -TLS13_E_KEY_UNSUPPORTED (Ed25519, other curves, RSA under 2048 or over 4096 bits),
 * -TLS13_E_KEY_ENCRYPTED, -TLS13_E_MEMORY.
 */
int key_parse(struct private_key *key, const char *label, const uint8_t *der, size_t len);
/* Reads a SubjectPublicKeyInfo; slices point into der.  => 0, -TLS13_E_CERT_PARSE, -TLS13_E_KEY_UNSUPPORTED. */
int key_parse_public(struct public_key *key, const uint8_t *spki, size_t len);
/* True when the private key's public half is this one. */
bool key_matches(const struct private_key *key, const struct public_key *pub);
void key_wipe(struct private_key *key);

#endif
