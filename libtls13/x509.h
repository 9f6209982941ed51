/* What we read of an X.509 certificate (RFC 5280): leaf key, names, validity; and whether a chain is in order. */
#ifndef TLS13_X509_H
#define TLS13_X509_H

#include "bytes.h"
#include "key.h"

/* All slices point into the DER the caller keeps. */
struct x509 {
    struct slice serial, issuer, subject; /* issuer and subject: whole Name elements, header included */
    struct slice spki;                    /* whole SubjectPublicKeyInfo */
    struct slice san;                     /* contents of GeneralNames, or empty */
    struct slice cn;                      /* last commonName of the subject, raw string bytes, or empty */
    int64_t not_before, not_after;        /* seconds since 1970 */
    bool v3;                              /* version 3, which has extensions */
    bool has_basic_constraints;
    bool is_ca; /* what basicConstraints say */
    bool has_key_usage;
    bool digital_signature; /* keyUsage bit 0, when has_key_usage */
    bool cert_sign;         /* and bit 5 */
    bool has_name_constraints;
    bool has_ext_key_usage;
    bool client_auth; /* extKeyUsage names clientAuth or any, when has_ext_key_usage */
    struct public_key key;
    bool key_supported; /* false: key.type is KEY_NONE */
    uint16_t sig;       /* what it is signed with, as a SignatureScheme code (RFC 8446 4.2.3); PSS as the rsae code; 0: another */
};

/* => 0 or -TLS13_E_CERT_PARSE.  Signatures are not checked here. */
int x509_parse(struct x509 *x, const uint8_t *der, size_t len);

/* The SignatureScheme code of an AlgorithmIdentifier's contents, as in x509.sig; 0 for another.  alg is bad when it is malformed. */
uint16_t x509_sig_code(struct rd *alg);

enum { SAN_DNS = 2, SAN_URI = 6, SAN_IP = 7 };
/* Walks x->san: => true and the next name of the wanted kind (raw bytes; may hold anything, NUL included).  *at starts at 0. */
bool x509_san_next(const struct x509 *x, int kind, size_t *at, struct slice *name);

/*
 * Copies a host name in lower case with a NUL: 1 to 255 letters, digits, '-', '_' and '.', no empty label, no trailing dot.
 * => false when it is not one; out is undefined then.
 */
bool x509_host_lower(const uint8_t *host, size_t len, char out[static 256]);

#endif
