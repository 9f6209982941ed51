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
    uint16_t pss_hash;  /* KEY_RSA_PSS whose parameters bind it to one hash: 256, 384 or 512; 0: free */
};

/* A private key and, where it lies in one allocation, the bytes its slices point to.  key_wipe wipes and frees. */
struct private_key {
    enum key_type type;
    unsigned bits;
    uint8_t *store; /* malloc'ed, store_len bytes: everything below points into it */
    size_t store_len;
    struct slice d;                      /* EC: the scalar, curve length, big-endian */
    struct slice n, e, p, q, dp, dq, iq; /* RSA */
    uint16_t pss_hash;                   /* as in public_key */
    uint8_t point[97];                   /* EC: the public point, computed */
};

/*
 * Reads a DER private key; label is the PEM label ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY").
 * => 0, -TLS13_E_KEY_PARSE, -TLS13_E_KEY_UNSUPPORTED (Ed25519, other curves, RSA under 2048 or over 4096 bits),
 * -TLS13_E_KEY_ENCRYPTED, -TLS13_E_MEMORY.  An EC scalar is in 1 to n - 1 and fits the public point when one is given; for RSA
 * p q = n holds, but only a signature tells whether dp, dq and iq are right (cred_load makes one).
 */
int key_parse(struct private_key *key, const char *label, const uint8_t *der, size_t len);
/* Reads a SubjectPublicKeyInfo; slices point into der.  => 0, -TLS13_E_CERT_PARSE, -TLS13_E_KEY_UNSUPPORTED. */
int key_parse_public(struct public_key *key, const uint8_t *spki, size_t len);
/* The public half; slices point into key. */
struct public_key key_public(const struct private_key *key);
/* True when the private key's public half is this one. */
bool key_matches(const struct private_key *key, const struct public_key *pub);
void key_wipe(struct private_key *key);

/*
 * RSASSA-PSS-params (RFC 8017 A.2.3) as TLS uses them: MGF1 with the same hash, a salt of at most its length.
 * => 256, 384 or 512; 0 for other parameters, and for what cannot be read.
 */
uint16_t key_pss_params(struct slice params);

#endif
