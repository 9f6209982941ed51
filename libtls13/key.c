/* Private and public keys out of DER.  Lengths may show in the time that this takes, the values of secrets do not. */
#include "key.h"

#include <bearssl.h>
#include <stdlib.h>

#include "curve.h"
#include "der.h"
#include "tls13.h"

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 4096
#define RSA_MAX_E    8 /* bytes of public exponent: nobody needs more, and verification time grows with them */

static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };                  /* 1.2.840.10045.2.1 */
static const uint8_t oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };          /* 1.2.840.10045.3.1.7 */
static const uint8_t oid_p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };                            /* 1.3.132.0.34 */
static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };     /* 1.2.840.113549.1.1.1 */
static const uint8_t oid_rsa_pss[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a }; /* 1.2.840.113549.1.1.10 */
static const uint8_t oid_mgf1[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08 };    /* 1.2.840.113549.1.1.8 */
static const uint8_t oid_sha2[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 };          /* 2.16.840.1.101.3.4.2: then 1, 2, 3 */

/* --- algorithm identifiers ---------------------------------------------------------------------------------- */

/* The SHA-2 hash of an AlgorithmIdentifier: 256, 384, 512; 0 for others.  Parameters: absent or NULL (RFC 4055 2.1). */
static uint16_t sha2_of(struct rd *alg)
{
    static const uint16_t bits[] = { 256, 384, 512 };
    struct slice oid = der_oid(alg);
    if (der_peek(alg) == DER_NULL && rd_left(alg) == 2)
        der_skip(alg);
    if (!rd_done(alg) || oid.n != sizeof oid_sha2 + 1 || memcmp(oid.p, oid_sha2, sizeof oid_sha2) != 0)
        return 0;
    uint8_t last = oid.p[sizeof oid_sha2];
    return last >= 1 && last <= 3 ? bits[last - 1] : 0;
}

uint16_t key_pss_params(struct slice params)
{
    struct rd r = rd_of(params.p, params.n);
    struct rd seq = der_open(&r, DER_SEQUENCE);
    /* The defaults of hash and mask are SHA-1, which TLS 1.3 has no scheme for: both must be there. */
    struct rd tagged = der_open(&seq, DER_CONTEXT(0));
    struct rd alg = der_open(&tagged, DER_SEQUENCE);
    uint16_t hash = sha2_of(&alg);
    bool ok = rd_done(&tagged);

    tagged = der_open(&seq, DER_CONTEXT(1));
    alg = der_open(&tagged, DER_SEQUENCE);
    struct slice oid = der_oid(&alg);
    struct rd mask = der_open(&alg, DER_SEQUENCE);
    ok = ok && der_oid_is(oid, oid_mgf1, sizeof oid_mgf1) && sha2_of(&mask) == hash && rd_done(&alg) && rd_done(&tagged);

    uint32_t salt = 20, trailer = 1;
    if (der_peek(&seq) == DER_CONTEXT(2)) {
        tagged = der_open(&seq, DER_CONTEXT(2));
        salt = der_small(&tagged);
        ok = ok && rd_done(&tagged);
    }
    if (der_peek(&seq) == DER_CONTEXT(3)) {
        tagged = der_open(&seq, DER_CONTEXT(3));
        trailer = der_small(&tagged);
        ok = ok && rd_done(&tagged);
    }
    return ok && rd_done(&seq) && rd_done(&r) && salt <= hash / 8U && trailer == 1 ? hash : 0;
}

/* What an AlgorithmIdentifier says of a key. */
struct algorithm {
    enum key_type type; /* KEY_NONE: not one of ours */
    uint16_t pss_hash;
};

static enum key_type curve_of(struct slice oid)
{
    if (der_oid_is(oid, oid_p256, sizeof oid_p256))
        return KEY_P256;
    return der_oid_is(oid, oid_p384, sizeof oid_p384) ? KEY_P384 : KEY_NONE;
}

/* Reads the contents of an AlgorithmIdentifier (RFC 5280 4.1.1.2); false when they are malformed. */
static bool read_algorithm(struct rd *alg, struct algorithm *a)
{
    *a = (struct algorithm){ .type = KEY_NONE };
    struct slice oid = der_oid(alg);
    uint8_t tag = der_peek(alg);
    struct slice params = rd_rest(alg);
    if (tag != 0)
        der_skip(alg);
    if (!rd_done(alg))
        return false;
    struct rd r = rd_of(params.p, params.n);
    if (der_oid_is(oid, oid_ec, sizeof oid_ec)) {
        if (tag == DER_OID) /* RFC 5480 2.1.1: namedCurve, never explicit parameters */
            a->type = curve_of(der_oid(&r));
        return tag != 0 && !r.bad;
    }
    if (der_oid_is(oid, oid_rsa, sizeof oid_rsa)) {
        a->type = KEY_RSA;
        return tag == 0 || (tag == DER_NULL && params.n == 2); /* RFC 3279 2.3.1 */
    }
    if (der_oid_is(oid, oid_rsa_pss, sizeof oid_rsa_pss)) {
        a->pss_hash = tag != 0 ? key_pss_params(params) : 0;
        a->type = tag == 0 || a->pss_hash != 0 ? KEY_RSA_PSS : KEY_NONE;
    }
    return true;
}

/* --- numbers ------------------------------------------------------------------------------------------------ */

static unsigned bit_length(struct slice v)
{
    unsigned n = (unsigned)v.n * 8;
    for (unsigned top = n != 0 ? v.p[0] : 0x80; top < 0x80 && top != 0; top <<= 1)
        n--;
    return n;
}

static bool is_odd(struct slice v)
{
    return v.n != 0 && (v.p[v.n - 1] & 1) != 0;
}

/* n = p q?  By hand on bytes, since p and q are secret. */
static bool product_is(struct slice p, struct slice q, struct slice n)
{
    uint8_t sum[KEY_RSA_MAX + 2];
    size_t len = p.n + q.n;
    if (len < n.n || len > sizeof sum)
        return false;
    memset(sum, 0, sizeof sum);
    for (size_t i = 0; i < p.n; i++) {
        uint32_t carry = 0;
        for (size_t j = 0; j < q.n; j++) {
            uint8_t *at = &sum[len - 1 - i - j];
            carry += (uint32_t)p.p[p.n - 1 - i] * q.p[q.n - 1 - j] + *at;
            *at = (uint8_t)carry;
            carry >>= 8;
        }
        sum[len - 1 - i - q.n] = (uint8_t)carry;
    }
    uint8_t above = 0;
    for (size_t i = 0; i < len - n.n; i++)
        above |= sum[i];
    bool equal = above == 0 && ct_equal(sum + len - n.n, n.p, n.n);
    WIPE(sum);
    return equal;
}

/* 0 < v < limit, both n bytes? */
static bool in_range(const uint8_t *v, const uint8_t *limit, size_t n)
{
    uint32_t borrow = 0;
    uint8_t any = 0;
    for (size_t i = n; i-- > 0;) {
        borrow = ((uint32_t)v[i] - limit[i] - borrow) >> 31;
        any |= v[i];
    }
    return (borrow & (((uint32_t)any + 0xff) >> 8)) != 0;
}

/* --- private keys ------------------------------------------------------------------------------------------- */

/* RSAPrivateKey, RFC 8017 A.1.2; der lies in key->store. */
static int rsa_private(struct private_key *key, struct slice der)
{
    struct rd r = rd_of(der.p, der.n);
    struct rd seq = der_open(&r, DER_SEQUENCE);
    uint32_t version = der_small(&seq);
    if (!seq.bad && version == 1) /* more than two primes */
        return -TLS13_E_KEY_UNSUPPORTED;
    key->n = der_uint(&seq);
    key->e = der_uint(&seq);
    (void)der_uint(&seq); /* d: the four below do its work */
    key->p = der_uint(&seq);
    key->q = der_uint(&seq);
    key->dp = der_uint(&seq);
    key->dq = der_uint(&seq);
    key->iq = der_uint(&seq);
    if (!rd_done(&seq) || !rd_done(&r) || version != 0)
        return -TLS13_E_KEY_PARSE;
    key->bits = bit_length(key->n);
    if (key->bits < RSA_MIN_BITS || key->bits > RSA_MAX_BITS || key->e.n > RSA_MAX_E)
        return -TLS13_E_KEY_UNSUPPORTED;
    if (!is_odd(key->e) || (key->e.n == 1 && key->e.p[0] < 3) || !is_odd(key->p) || !is_odd(key->q) || !product_is(key->p, key->q, key->n))
        return -TLS13_E_KEY_PARSE;
    /* BearSSL has room for factors of about half the modulus, as every generator makes them, and for CRT parts below those. */
    if (key->p.n > key->n.n / 2 + 4 || key->q.n > key->n.n / 2 + 4)
        return -TLS13_E_KEY_UNSUPPORTED;
    if (key->dp.n > key->p.n || key->iq.n > key->p.n || key->dq.n > key->q.n)
        return -TLS13_E_KEY_PARSE;
    return 0;
}

/* ECPrivateKey, RFC 5915 3; der lies in key->store.  type: the curve that PKCS#8 named, or KEY_NONE. */
static int ec_private(struct private_key *key, enum key_type type, struct slice der)
{
    struct rd r = rd_of(der.p, der.n);
    struct rd seq = der_open(&r, DER_SEQUENCE);
    uint32_t version = der_small(&seq);
    struct rd d = der_open(&seq, DER_OCTET_STRING);
    if (der_peek(&seq) == DER_CONTEXT(0)) {
        struct rd params = der_open(&seq, DER_CONTEXT(0));
        if (der_peek(&params) == DER_SEQUENCE) /* explicit curve parameters */
            return -TLS13_E_KEY_UNSUPPORTED;
        enum key_type named = curve_of(der_oid(&params));
        if (!rd_done(&params))
            return -TLS13_E_KEY_PARSE;
        if (named == KEY_NONE)
            return -TLS13_E_KEY_UNSUPPORTED;
        if (type != KEY_NONE && type != named)
            return -TLS13_E_KEY_PARSE;
        type = named;
    }
    struct slice point = { NULL, 0 };
    if (der_peek(&seq) == DER_CONTEXT(1)) {
        struct rd public = der_open(&seq, DER_CONTEXT(1));
        point = der_bits(&public);
        if (!rd_done(&public))
            return -TLS13_E_KEY_PARSE;
    }
    if (!rd_done(&seq) || !rd_done(&r) || version != 1 || type == KEY_NONE)
        return -TLS13_E_KEY_PARSE;

    const struct nist_curve *curve = type == KEY_P256 ? &curve_p256 : &curve_p384;
    size_t len = curve->len, have = rd_left(&d);
    if (have == 0 || have > len)
        return -TLS13_E_KEY_PARSE;
    /* RFC 5915 wants the full length; writers that drop leading zeros exist.  The store has room behind the DER. */
    uint8_t *scalar = key->store + key->store_len - 48;
    memset(scalar, 0, len);
    memcpy(scalar + len - have, d.p, have);
    if (!in_range(scalar, curve->n, len))
        return -TLS13_E_KEY_PARSE;
    nist_mulgen(curve, key->point, scalar);
    if (point.n == len + 1 && (point.p[0] & 0xfe) == 2) /* compressed */
        return -TLS13_E_KEY_UNSUPPORTED;
    if (point.p != NULL && (point.n != 2 * len + 1 || memcmp(point.p, key->point, point.n) != 0))
        return -TLS13_E_KEY_PARSE;
    key->type = type;
    key->bits = (unsigned)len * 8;
    key->d = (struct slice){ scalar, len };
    return 0;
}

/* OneAsymmetricKey, RFC 5958 2; der lies in key->store. */
static int pkcs8(struct private_key *key, struct slice der)
{
    struct rd r = rd_of(der.p, der.n);
    struct rd seq = der_open(&r, DER_SEQUENCE);
    uint32_t version = der_small(&seq);
    struct rd alg = der_open(&seq, DER_SEQUENCE);
    struct algorithm a;
    if (!read_algorithm(&alg, &a))
        return -TLS13_E_KEY_PARSE;
    struct rd inner = der_open(&seq, DER_OCTET_STRING);
    if (der_peek(&seq) == DER_CONTEXT(0))
        der_skip(&seq); /* attributes */
    if (version == 1 && der_peek(&seq) == DER_CONTEXT_PRIM(1))
        der_skip(&seq); /* the public key: computed (EC) or in the key itself (RSA) */
    if (!rd_done(&seq) || !rd_done(&r) || version > 1)
        return -TLS13_E_KEY_PARSE;
    if (a.type == KEY_NONE)
        return -TLS13_E_KEY_UNSUPPORTED;
    if (a.type == KEY_P256 || a.type == KEY_P384)
        return ec_private(key, a.type, rd_rest(&inner));
    key->type = a.type;
    key->pss_hash = a.pss_hash;
    return rsa_private(key, rd_rest(&inner));
}

int key_parse(struct private_key *key, const char *label, const uint8_t *der, size_t len)
{
    memset(key, 0, sizeof *key);
    if (strcmp(label, "ENCRYPTED PRIVATE KEY") == 0)
        return -TLS13_E_KEY_ENCRYPTED;
    bool is_pkcs8 = strcmp(label, "PRIVATE KEY") == 0, is_ec = strcmp(label, "EC PRIVATE KEY") == 0;
    if (!is_pkcs8 && !is_ec && strcmp(label, "RSA PRIVATE KEY") != 0)
        return -TLS13_E_KEY_UNSUPPORTED;
    key->store_len = len + 48;
    key->store = malloc(key->store_len);
    if (key->store == NULL)
        return -TLS13_E_MEMORY;
    memcpy(key->store, der, len);
    struct slice copy = { key->store, len };
    int err;
    if (is_pkcs8) {
        err = pkcs8(key, copy);
    } else if (is_ec) {
        err = ec_private(key, KEY_NONE, copy);
    } else {
        key->type = KEY_RSA;
        err = rsa_private(key, copy);
    }
    if (err < 0)
        key_wipe(key);
    return err;
}

void key_wipe(struct private_key *key)
{
    if (key->store != NULL)
        explicit_bzero(key->store, key->store_len);
    free(key->store);
    WIPE(*key);
}

/* --- public keys -------------------------------------------------------------------------------------------- */

int key_parse_public(struct public_key *key, const uint8_t *spki, size_t len)
{
    memset(key, 0, sizeof *key);
    struct rd r = rd_of(spki, len);
    struct rd seq = der_open(&r, DER_SEQUENCE);
    struct rd alg = der_open(&seq, DER_SEQUENCE);
    struct algorithm a;
    if (!read_algorithm(&alg, &a))
        return -TLS13_E_CERT_PARSE;
    struct slice bits = der_bits(&seq);
    if (!rd_done(&seq) || !rd_done(&r))
        return -TLS13_E_CERT_PARSE;
    if (a.type == KEY_NONE)
        return -TLS13_E_KEY_UNSUPPORTED;
    if (a.type == KEY_P256 || a.type == KEY_P384) {
        size_t field = a.type == KEY_P256 ? 32 : 48;
        if (bits.n == field + 1 && (bits.p[0] & 0xfe) == 2) /* compressed */
            return -TLS13_E_KEY_UNSUPPORTED;
        if (bits.n != 2 * field + 1 || bits.p[0] != 4) /* RFC 5480 2.2 */
            return -TLS13_E_CERT_PARSE;
        *key = (struct public_key){ .type = a.type, .bits = (unsigned)field * 8, .point = bits };
        return 0;
    }
    r = rd_of(bits.p, bits.n);
    seq = der_open(&r, DER_SEQUENCE);
    struct public_key rsa = { .type = a.type, .pss_hash = a.pss_hash };
    rsa.n = der_uint(&seq);
    rsa.e = der_uint(&seq);
    if (!rd_done(&seq) || !rd_done(&r) || !is_odd(rsa.n) || !is_odd(rsa.e) || (rsa.e.n == 1 && rsa.e.p[0] < 3))
        return -TLS13_E_CERT_PARSE;
    rsa.bits = bit_length(rsa.n);
    if (rsa.bits < RSA_MIN_BITS || rsa.bits > RSA_MAX_BITS || rsa.e.n > RSA_MAX_E)
        return -TLS13_E_KEY_UNSUPPORTED;
    *key = rsa;
    return 0;
}

struct public_key key_public(const struct private_key *key)
{
    struct public_key pub = { .type = key->type, .bits = key->bits, .pss_hash = key->pss_hash };
    if (key->type == KEY_P256 || key->type == KEY_P384) {
        pub.point = (struct slice){ key->point, 2 * key->d.n + 1 };
    } else {
        pub.n = key->n;
        pub.e = key->e;
    }
    return pub;
}

bool key_matches(const struct private_key *key, const struct public_key *pub)
{
    struct public_key own = key_public(key);
    /* A PSS certificate may be issued over a key that its file calls plain RSA: the numbers decide. */
    bool rsa = own.n.n != 0 && pub->n.n != 0;
    return own.type != KEY_NONE && (own.type == pub->type || rsa) && slice_equal(own.point, pub->point) && slice_equal(own.n, pub->n) &&
           slice_equal(own.e, pub->e);
}
