/* Revocation lists. */
#include "crl.h"

#include <stdlib.h>

#include "der.h"
#include "hash_impl.h"
#include "kdf.h"
#include "key_bearssl.h"
#include "tls13.h"

static struct slice trim(struct slice serial)
{
    while (serial.n > 1 && serial.p[0] == 0) {
        serial.p++;
        serial.n--;
    }
    return serial;
}

static int compare(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return memcmp(x->p, y->p, x->n);
}

/*
 * Extensions of a list or an entry: one that is critical changes what the list means (delta, indirect, limited to some certificates),
 * and we know none (RFC 5280 5.2, 5.3).
 */
static bool only_harmless(struct rd *list)
{
    while (der_peek(list) != 0) {
        struct rd ext = der_open(list, DER_SEQUENCE);
        (void)der_oid(&ext);
        if (der_peek(&ext) == DER_BOOLEAN) {
            struct rd critical = der_open(&ext, DER_BOOLEAN);
            if (rd_u8(&critical) != 0)
                return false;
        }
        (void)der_open(&ext, DER_OCTET_STRING);
        if (!rd_done(&ext))
            return false;
    }
    return rd_done(list);
}

/* revokedCertificates: SEQUENCE of { serial, date, extensions }. */
static int read_entries(struct crl *c, struct rd *list)
{
    size_t cap = 0;
    while (der_peek(list) != 0) {
        struct rd entry = der_open(list, DER_SEQUENCE);
        struct rd serial = der_open(&entry, DER_INTEGER);
        (void)der_time(&entry);
        if (der_peek(&entry) == DER_SEQUENCE) {
            struct rd exts = der_open(&entry, DER_SEQUENCE);
            if (!only_harmless(&exts))
                return -TLS13_E_CRL_PARSE;
        }
        if (!rd_done(&entry) || rd_left(&serial) == 0)
            return -TLS13_E_CRL_PARSE;
        if (c->n_serials == cap) {
            cap = cap == 0 ? 64 : 2 * cap;
            struct slice *more = realloc(c->serials, cap * sizeof *more);
            if (more == NULL)
                return -TLS13_E_MEMORY;
            c->serials = more;
        }
        c->serials[c->n_serials++] = trim(rd_rest(&serial));
    }
    if (c->n_serials != 0)
        qsort(c->serials, c->n_serials, sizeof *c->serials, compare);
    return list->bad ? -TLS13_E_CRL_PARSE : 0;
}

static bool is_time(uint8_t tag)
{
    return tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME;
}

/* TBSCertList (5.1.2). */
static int read_tbs(struct crl *c, struct rd *tbs)
{
    uint8_t tag;
    if (der_peek(tbs) == DER_INTEGER && der_small(tbs) != 1) /* v2, when it is there */
        return -TLS13_E_CRL_PARSE;
    (void)der_open(tbs, DER_SEQUENCE);
    (void)der_any(tbs, &tag, &c->issuer);
    c->this_update = der_time(tbs);
    c->next_update = is_time(der_peek(tbs)) ? der_time(tbs) : INT64_MAX;
    if (tbs->bad || tag != DER_SEQUENCE)
        return -TLS13_E_CRL_PARSE;
    if (der_peek(tbs) == DER_SEQUENCE) {
        struct rd list = der_open(tbs, DER_SEQUENCE);
        int err = read_entries(c, &list);
        if (err < 0)
            return err;
    }
    if (der_peek(tbs) == DER_CONTEXT(0)) {
        struct rd outer = der_open(tbs, DER_CONTEXT(0)), exts = der_open(&outer, DER_SEQUENCE);
        if (!only_harmless(&exts) || !rd_done(&outer))
            return -TLS13_E_CRL_PARSE;
    }
    return rd_done(tbs) ? 0 : -TLS13_E_CRL_PARSE;
}

int crl_parse(struct crl *c, const uint8_t *der, size_t len)
{
    uint8_t tag;
    memset(c, 0, sizeof *c);
    c->der = malloc(len + 1);
    if (c->der == NULL)
        return -TLS13_E_MEMORY;
    memcpy(c->der, der, len);
    c->der_len = len;
    struct rd r = rd_of(c->der, len), list = der_open(&r, DER_SEQUENCE);
    struct rd tbs = der_any(&list, &tag, &c->tbs), alg = der_open(&list, DER_SEQUENCE);
    c->scheme = x509_sig_code(&alg);
    c->sig = der_bits(&list);
    int err = tag != DER_SEQUENCE || !rd_done(&list) || !rd_done(&r) || alg.bad ? -TLS13_E_CRL_PARSE : read_tbs(c, &tbs);
    if (err < 0)
        crl_free(c);
    return err;
}

void crl_free(struct crl *c)
{
    free(c->der);
    free(c->serials);
    memset(c, 0, sizeof *c);
}

/* --- signature -------------------------------------------------------------------------------------------- */

static bool verify_rsa(const struct crl *c, const struct public_key *key, enum hash_id hash, const uint8_t *digest, size_t n)
{
    static const unsigned char *const oids[] = { BR_HASH_OID_SHA256, BR_HASH_OID_SHA384, BR_HASH_OID_SHA512 };
    uint8_t signed_digest[64];
    br_rsa_public_key pk = bearssl_rsa(key);
    return br_rsa_pkcs1_vrfy_get_default()(c->sig.p, c->sig.n, oids[hash], n, &pk, signed_digest) == 1 &&
           memcmp(signed_digest, digest, n) == 0;
}

static bool verify_ecdsa(const struct crl *c, const struct public_key *key, const uint8_t *digest, size_t n)
{
    size_t width = key->type == KEY_P256 ? 32 : 48;
    br_ec_public_key pk = bearssl_ec(key);
    return der_ecdsa_sig_ok(c->sig.p, c->sig.n, width) && br_ecdsa_i31_vrfy_asn1(&br_ec_all_m31, digest, n, &pk, c->sig.p, c->sig.n) == 1;
}

int crl_verify(const struct crl *c, const struct public_key *issuer)
{
    static const struct {
        uint16_t scheme;
        uint8_t hash;
        bool rsa;
    } known[] = { { 0x0401, HASH_SHA256, true },  { 0x0501, HASH_SHA384, true },  { 0x0601, HASH_SHA512, true },
                  { 0x0403, HASH_SHA256, false }, { 0x0503, HASH_SHA384, false }, { 0x0603, HASH_SHA512, false } };
    uint8_t digest[64];
    for (size_t i = 0; i < COUNT(known); i++) {
        if (known[i].scheme != c->scheme)
            continue;
        size_t n = hash_once((enum hash_id)known[i].hash, c->tbs.p, c->tbs.n, digest);
        bool rsa = issuer->type == KEY_RSA, ec = issuer->type == KEY_P256 || issuer->type == KEY_P384;
        bool ok =
            known[i].rsa ? rsa && verify_rsa(c, issuer, (enum hash_id)known[i].hash, digest, n) : ec && verify_ecdsa(c, issuer, digest, n);
        return ok ? 0 : -TLS13_E_CRL_PARSE;
    }
    return -TLS13_E_CRL_PARSE;
}

bool crl_holds(const struct crl *c, struct slice serial)
{
    struct slice key = trim(serial);
    return c->n_serials != 0 && bsearch(&key, c->serials, c->n_serials, sizeof *c->serials, compare) != NULL;
}
