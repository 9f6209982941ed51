/* Certificate revocation lists (RFC 5280 5): parsed, their signature checked against an issuer's key, serial numbers looked up. */
#ifndef TLS13_CRL_H
#define TLS13_CRL_H

#include "bytes.h"
#include "x509.h"

/* Slices point into der, which belongs to the list. */
struct crl {
    uint8_t *der;
    size_t der_len;
    struct slice issuer;              /* whole Name */
    struct slice tbs, sig;            /* what is signed, and the signature */
    uint16_t scheme;                  /* as x509.sig */
    int64_t this_update, next_update; /* seconds since 1970; next_update INT64_MAX: none given */
    struct slice *serials;            /* sorted, without leading zeros */
    size_t n_serials;
};

/* Reads a list; copies der.  => 0, -TLS13_E_CRL_PARSE (malformed, a delta or indirect list, unknown critical extensions), _MEMORY. */
int crl_parse(struct crl *c, const uint8_t *der, size_t len);
void crl_free(struct crl *c);
/* => 0, or -TLS13_E_CRL_PARSE when the key did not sign this list. */
int crl_verify(const struct crl *c, const struct public_key *issuer) __attribute__((warn_unused_result));
bool crl_holds(const struct crl *c, struct slice serial);

#endif
