/* A throwaway certificate for development.  DER is written from its end to its front, so that every length is known when it is due. */
#include "tls13.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "der.h"
#include "kdf.h"
#include "key.h"
#include "pem.h"
#include "random.h"
#include "sign.h"
#include "x509.h"

#define MAX_DAYS  3650
#define MAX_NAMES 1000
#define MAX_CN    64 /* RFC 5280 A.1, ub-common-name */
#define SCALAR    32

/* --- writing backwards -------------------------------------------------------------------------------------- */

/* What is written lies at buf + at, up to the end of the buffer; bad when it did not fit. */
struct back {
    uint8_t *buf;
    size_t at;
    bool bad;
};

static void put(struct back *b, const void *src, size_t n)
{
    if (b->bad || n > b->at) {
        b->bad = true;
        return;
    }
    b->at -= n;
    memcpy(b->buf + b->at, src, n);
}

#define PUT(b, ...) put(b, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Puts tag and length in front of all that was written since `at` was `end`. */
static void wrap(struct back *b, uint8_t tag, size_t end)
{
    size_t n = end - b->at;
    if (n < 0x80)
        PUT(b, tag, (uint8_t)n);
    else if (n < 0x100)
        PUT(b, tag, 0x81, (uint8_t)n);
    else if (n < 0x10000)
        PUT(b, tag, 0x82, (uint8_t)(n >> 8), (uint8_t)n);
    else
        b->bad = true;
}

static void element(struct back *b, uint8_t tag, const void *src, size_t n)
{
    size_t end = b->at;
    put(b, src, n);
    wrap(b, tag, end);
}

/* A BIT STRING of whole bytes. */
static void bits(struct back *b, const void *src, size_t n)
{
    size_t end = b->at;
    put(b, src, n);
    PUT(b, 0);
    wrap(b, DER_BIT_STRING, end);
}

/* AlgorithmIdentifier of an EC key on P-256 (RFC 5480 2.1.1). */
static void ec_algorithm(struct back *b)
{
    size_t end = b->at;
    PUT(b, DER_OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);
    PUT(b, DER_OID, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
    wrap(b, DER_SEQUENCE, end);
}

/* ecdsa-with-SHA256 (RFC 5758 3.2): no parameters. */
static void ecdsa_algorithm(struct back *b)
{
    PUT(b, DER_SEQUENCE, 10, DER_OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
}

/* --- names -------------------------------------------------------------------------------------------------- */

/* One GeneralName (RFC 5280 4.2.1.6); false when it is neither an address nor a host name. */
static bool general_name(struct back *b, const char *name)
{
    uint8_t ip[16];
    if (inet_pton(AF_INET, name, ip) == 1) {
        element(b, DER_CONTEXT_PRIM(SAN_IP), ip, 4);
        return true;
    }
    if (inet_pton(AF_INET6, name, ip) == 1) {
        element(b, DER_CONTEXT_PRIM(SAN_IP), ip, 16);
        return true;
    }
    char lower[256];
    size_t skip = strncmp(name, "*.", 2) == 0 ? 2 : 0, len = strlen(name);
    if (len > 253 || !x509_host_lower((const uint8_t *)name + skip, len - skip, lower)) /* RFC 1035 2.3.4 */
        return false;
    size_t end = b->at;
    put(b, lower, len - skip);
    put(b, "*.", skip);
    wrap(b, DER_CONTEXT_PRIM(SAN_DNS), end);
    return true;
}

/* Issuer or subject: one commonName. */
static void distinguished_name(struct back *b, const char *name)
{
    size_t end = b->at;
    const char *cn = strlen(name) <= MAX_CN ? name : "self-signed";
    element(b, DER_UTF8_STRING, cn, strlen(cn));
    PUT(b, DER_OID, 3, 0x55, 0x04, 0x03);
    wrap(b, DER_SEQUENCE, end);
    wrap(b, DER_SET, end);
    wrap(b, DER_SEQUENCE, end);
}

/* --- the certificate ---------------------------------------------------------------------------------------- */

/* RFC 5280 4.2.1: subjectAltName, extKeyUsage (serverAuth), keyUsage (digitalSignature), basicConstraints (no CA). */
static bool extensions(struct back *b, const char *const *names, size_t n)
{
    size_t end = b->at;
    for (size_t i = n; i-- > 0;)
        if (!general_name(b, names[i]))
            return false;
    wrap(b, DER_SEQUENCE, end);
    wrap(b, DER_OCTET_STRING, end);
    PUT(b, DER_OID, 3, 0x55, 0x1d, 17);
    wrap(b, DER_SEQUENCE, end);
    PUT(b, DER_SEQUENCE, 19, DER_OID, 3, 0x55, 0x1d, 37, DER_OCTET_STRING, 12, DER_SEQUENCE, 10, DER_OID, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1);
    PUT(b, DER_SEQUENCE, 14, DER_OID, 3, 0x55, 0x1d, 15, DER_BOOLEAN, 1, 0xff, DER_OCTET_STRING, 4, DER_BIT_STRING, 2, 7, 0x80);
    PUT(b, DER_SEQUENCE, 12, DER_OID, 3, 0x55, 0x1d, 19, DER_BOOLEAN, 1, 0xff, DER_OCTET_STRING, 2, DER_SEQUENCE, 0);
    wrap(b, DER_SEQUENCE, end);
    wrap(b, DER_CONTEXT(3), end);
    return true;
}

/* RFC 5280 4.1.2.5: UTCTime until 2049. */
static void date(struct back *b, time_t when)
{
    struct tm tm;
    char text[32];
    bool utc = gmtime_r(&when, &tm) != NULL && tm.tm_year < 2050 - 1900;
    size_t n = strftime(text, sizeof text, utc ? "%y%m%d%H%M%SZ" : "%Y%m%d%H%M%SZ", &tm);
    element(b, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME, text, n);
}

/* TBSCertificate, RFC 5280 4.1.2. */
static bool tbs_certificate(struct back *b, const struct private_key *key, const uint8_t serial[static 16], const char *const *names,
                            size_t n, unsigned days)
{
    size_t end = b->at;
    time_t now = time(NULL);
    if (!extensions(b, names, n))
        return false;
    size_t mark = b->at;
    bits(b, key->point, 2 * SCALAR + 1);
    ec_algorithm(b);
    wrap(b, DER_SEQUENCE, mark);
    distinguished_name(b, names[0]);
    mark = b->at;
    date(b, now + (time_t)days * 86400);
    date(b, now);
    wrap(b, DER_SEQUENCE, mark);
    distinguished_name(b, names[0]);
    ecdsa_algorithm(b);
    element(b, DER_INTEGER, serial, 16);
    PUT(b, DER_CONTEXT(0), 3, DER_INTEGER, 1, 2);
    wrap(b, DER_SEQUENCE, end);
    return true;
}

/* --- the key ------------------------------------------------------------------------------------------------ */

/* ECPrivateKey (RFC 5915 3), the curve or the point behind the scalar. */
static void ec_private(struct back *b, const uint8_t scalar[static SCALAR], const uint8_t *point)
{
    size_t end = b->at;
    if (point != NULL)
        bits(b, point, 2 * SCALAR + 1);
    else
        PUT(b, DER_OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);
    wrap(b, point != NULL ? DER_CONTEXT(1) : DER_CONTEXT(0), end);
    element(b, DER_OCTET_STRING, scalar, SCALAR);
    PUT(b, DER_INTEGER, 1, 1);
    wrap(b, DER_SEQUENCE, end);
}

/* A fresh key; key_parse computes its point, and refuses the one scalar in 2^32 that is too large: then again. */
static int make_key(struct private_key *key)
{
    uint8_t scalar[SCALAR], der[96];
    int err;
    do {
        err = random_bytes(scalar, sizeof scalar);
        if (err < 0)
            break;
        struct back b = { der, sizeof der, false };
        ec_private(&b, scalar, NULL);
        err = key_parse(key, "EC PRIVATE KEY", der + b.at, sizeof der - b.at);
    } while (err == -TLS13_E_KEY_PARSE);
    WIPE(scalar);
    WIPE(der);
    return err;
}

/* The key as PKCS #8 (RFC 5958 2) text; => its length, 0 when it does not fit. */
static size_t write_key(const struct private_key *key, char *pem, size_t cap)
{
    uint8_t der[160];
    struct back b = { der, sizeof der, false };
    ec_private(&b, key->d.p, key->point);
    wrap(&b, DER_OCTET_STRING, sizeof der);
    ec_algorithm(&b);
    PUT(&b, DER_INTEGER, 1, 0);
    wrap(&b, DER_SEQUENCE, sizeof der);
    size_t n = b.bad ? 0 : pem_write(pem, cap, "PRIVATE KEY", der + b.at, sizeof der - b.at);
    WIPE(der);
    return n;
}

/* --- both --------------------------------------------------------------------------------------------------- */

/* Makes the certificate in room bytes at buf, used twice: TBSCertificate in its first half, the whole in the second. */
static int write_certificate(const struct private_key *key, const char *const *names, size_t n, unsigned days, uint8_t *buf, size_t room,
                             char *pem, size_t cap)
{
    uint8_t serial[16], hash[SIG_MAX_HASH], sig[SIG_MAX];
    int err = random_bytes(serial, sizeof serial);
    if (err < 0)
        return err;
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* RFC 5280 4.1.2.2: positive; and sixteen bytes in DER */
    struct back tbs = { buf, room / 2, false };
    if (!tbs_certificate(&tbs, key, serial, names, n, days))
        return -TLS13_E_BAD_ARGUMENT;
    if (tbs.bad)
        return -TLS13_E_NO_ROOM;
    size_t tbs_len = room / 2 - tbs.at;
    hash_once(HASH_SHA256, buf + tbs.at, tbs_len, hash);
    int sig_len = sig_sign(key, sig_by_id(SIG_ECDSA_P256), hash, NULL, sig);
    if (sig_len < 0)
        return sig_len;
    struct back cert = { buf + room / 2, room / 2, false };
    bits(&cert, sig, (size_t)sig_len);
    ecdsa_algorithm(&cert);
    put(&cert, buf + tbs.at, tbs_len);
    wrap(&cert, DER_SEQUENCE, room / 2);
    size_t len = cert.bad ? 0 : pem_write(pem, cap, "CERTIFICATE", cert.buf + cert.at, room / 2 - cert.at);
    return len != 0 ? (int)len : -TLS13_E_NO_ROOM;
}

int tls13_self_signed(const char *const *names, size_t n, unsigned days, char *pem, size_t cap)
{
    if (n < 1 || n > MAX_NAMES || days < 1 || days > MAX_DAYS)
        return -TLS13_E_BAD_ARGUMENT;
    size_t room = 1024; /* everything but the names takes about half of it */
    for (size_t i = 0; i < n; i++)
        room += strlen(names[i]) + 20;
    uint8_t *buf = malloc(2 * room);
    if (buf == NULL)
        return -TLS13_E_MEMORY;
    struct private_key key;
    int err = make_key(&key);
    if (err == 0)
        err = write_certificate(&key, names, n, days, buf, 2 * room, pem, cap);
    if (err > 0) {
        size_t len = write_key(&key, pem + err, cap - (size_t)err);
        err = len != 0 ? err + (int)len : -TLS13_E_NO_ROOM;
    }
    key_wipe(&key);
    free(buf);
    return err;
}
