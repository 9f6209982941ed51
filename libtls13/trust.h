/*
 * Client certificates' chain: authorities (PEM), path validation with BearSSL's x509_minimal (RFC 5280 6), and revocation lists (RFC
 * 5280 5).  Names of authorities go into CertificateRequest.
 */
#ifndef TLS13_TRUST_H
#define TLS13_TRUST_H

#include "bytes.h"
#include "x509.h"

struct trust;

struct trust *trust_new(void); /* NULL: no memory */
void trust_free(struct trust *t);
/*
 * Adds the authorities of PEM text; one that by its extensions signs no certificates counts for itself only, if self-signed.
 * => how many, or -TLS13_E_PEM, _CERT_PARSE, _KEY_UNSUPPORTED, _MEMORY.
 */
int trust_add_ca(struct trust *t, const char *text, size_t len);
/*
 * Adds revocation lists (PEM, any number, or one DER), each signed by one of the authorities; an authority that one of them names is
 * none any more.  => how many, or -TLS13_E_CRL_PARSE (malformed, an unknown issuer, a bad signature), -TLS13_E_MEMORY.
 */
int trust_add_crl(struct trust *t, const uint8_t *crl, size_t len);
size_t trust_count(const struct trust *t);
/* The i-th authority's Name element (DER). */
struct slice trust_name(const struct trust *t, size_t i);
/* SHA-256 over authorities and lists, for the ticket profile. */
void trust_digest(const struct trust *t, uint8_t out[static 32]);

/*
 * Validates a chain, leaf first, for a TLS client at time now (seconds since 1970): path to an authority, validity of each, key
 * usage and extended key usage (clientAuth, when there is one, in authorities below ours too), and no certificate of the path on a list
 * of its issuer; when any list is there, the leaf's issuer must have one and it must not be past its nextUpdate.
 *
 * until: the last second at which this judgement still holds, by the dates of the certificates and the leaf's list.
 *
 * => 0, -TLS13_E_BAD_CERT, _UNSUPPORTED_CERT, _UNKNOWN_CA, _CERT_EXPIRED, _CERT_REVOKED, _CRL_STALE.
 */
int trust_verify(const struct trust *t, const struct slice *chain, size_t n, int64_t now, int64_t *until)
    __attribute__((warn_unused_result));

#endif
