/* Signatures (RFC 8446 4.2.3): the scheme table, EMSA-PSS (RFC 8017 9.1), sign then self-verify, verify. */
#ifndef TLS13_SIGN_H
#define TLS13_SIGN_H

#include "key.h"
#include "suite.h"

enum {
    SIG_ECDSA_P256 = 0x0403,
    SIG_ECDSA_P384 = 0x0503,
    SIG_PSS_RSAE_SHA256 = 0x0804,
    SIG_PSS_RSAE_SHA384 = 0x0805,
    SIG_PSS_RSAE_SHA512 = 0x0806,
    SIG_PSS_PSS_SHA256 = 0x0809,
    SIG_PSS_PSS_SHA384 = 0x080a,
    SIG_PSS_PSS_SHA512 = 0x080b
};

#define SIG_MAX      512 /* bytes of the longest signature (RSA 4096) */
#define SIG_MAX_HASH 64

struct sig_scheme {
    uint16_t id;
    uint8_t key;  /* enum key_type it needs */
    uint8_t hash; /* enum hash_id */
    const char *name;
};
/* All schemes in our order of preference; *n is set. */
const struct sig_scheme *sig_schemes(size_t *n);
/* => NULL when not one of ours. */
const struct sig_scheme *sig_by_id(uint16_t id);

/* May this key sign with this scheme?  A PSS key's own parameters may leave it one hash only (RFC 4055 3.1). */
bool sig_fits(const struct public_key *key, const struct sig_scheme *scheme);

/* A hash's length in bytes: 32, 48, 64. */
size_t sig_hash_len(const struct sig_scheme *scheme);

/*
 * Signs a hash made with the scheme's hash, and verifies the result before it is given out (RFC 8446 C.3; RSA-CRT faults).
 * salt: hash-length random bytes for PSS, unused (may be NULL) for ECDSA.  sig has room for SIG_MAX.
 * => the signature's length, -TLS13_E_BAD_ARGUMENT (scheme and key do not fit), -TLS13_E_INTERNAL (the check failed).
 */
int sig_sign(const struct private_key *key, const struct sig_scheme *scheme, const uint8_t *hash, const uint8_t *salt, uint8_t *sig);
/* Verifies; ECDSA in strict DER only.  => 0, -TLS13_E_DECRYPT, -TLS13_E_ILLEGAL (scheme does not fit the key). */
int sig_verify(const struct public_key *key, const struct sig_scheme *scheme, const uint8_t *hash, const uint8_t *sig, size_t len)
    __attribute__((warn_unused_result));

/* Known answers: RFC 6979 A.2.5 and A.2.6, and the CertificateVerify of RFC 8448 3.  => 0 or -TLS13_E_SELFTEST. */
int sig_selftest(void) __attribute__((warn_unused_result));

#endif
