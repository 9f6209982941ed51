/* X.509 certificates, RFC 5280 4.1: read straight down; what we do not need is stepped over but must still be DER. */
#include "x509.h"

#include "der.h"
#include "tls13.h"

/* --- signature algorithms ----------------------------------------------------------------------------------- */

static const uint8_t oid_pkcs1[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01 }; /* 1.2.840.113549.1.1: then one arc */
static const uint8_t oid_ecdsa_sha1[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01 };  /* 1.2.840.10045.4.1 */
static const uint8_t oid_ecdsa_sha2[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03 };  /* 1.2.840.10045.4.3: then one arc */
static const uint8_t oid_edwards[] = { 0x2b, 0x65 };                                   /* 1.3.101: then one arc */

/* RSA under PKCS #1 (RFC 8017 A.2): the last arc names the hash, or PSS with parameters. */
static uint16_t rsa_code(uint8_t arc, struct slice params)
{
    switch (arc) {
    case 5:
        return 0x0201;
    case 10: {
        uint16_t hash = key_pss_params(params);
        return hash == 256 ? 0x0804 : hash == 384 ? 0x0805 : hash == 512 ? 0x0806 : 0;
    }
    case 11:
        return 0x0401;
    case 12:
        return 0x0501;
    case 13:
        return 0x0601;
    default:
        return 0;
    }
}

uint16_t x509_sig_code(struct rd *alg)
{
    struct slice oid = der_oid(alg);
    struct slice params = rd_rest(alg);
    if (der_peek(alg) != 0)
        der_skip(alg);
    if (!rd_done(alg)) {
        alg->bad = true;
        return 0;
    }
    if (der_oid_is(oid, oid_ecdsa_sha1, sizeof oid_ecdsa_sha1))
        return 0x0203;
    struct slice arcs = { oid.p, oid.n - 1 };
    uint8_t last = oid.p[oid.n - 1];
    if (der_oid_is(arcs, oid_pkcs1, sizeof oid_pkcs1))
        return rsa_code(last, params);
    if (der_oid_is(arcs, oid_ecdsa_sha2, sizeof oid_ecdsa_sha2)) /* RFC 5758 3.2 */
        return last == 2 ? 0x0403 : last == 3 ? 0x0503 : last == 4 ? 0x0603 : 0;
    if (der_oid_is(arcs, oid_edwards, sizeof oid_edwards)) /* RFC 8410 3 */
        return last == 112 ? 0x0807 : last == 113 ? 0x0808 : 0;
    return 0;
}

/* --- names -------------------------------------------------------------------------------------------------- */

/* The last commonName of a Name's contents (RFC 5280 4.1.2.4). */
static struct slice common_name(struct rd *name)
{
    static const uint8_t oid_cn[] = { 0x55, 0x04, 0x03 }; /* 2.5.4.3 */
    struct slice cn = { name->end, 0 };
    while (der_peek(name) != 0) {
        struct rd set = der_open(name, DER_SET);
        while (der_peek(&set) != 0) {
            struct rd pair = der_open(&set, DER_SEQUENCE);
            struct slice oid = der_oid(&pair);
            uint8_t tag;
            struct rd value = der_any(&pair, &tag, NULL);
            if (!rd_done(&pair))
                set.bad = true;
            else if (der_oid_is(oid, oid_cn, sizeof oid_cn))
                cn = rd_rest(&value);
        }
        if (!rd_done(&set))
            name->bad = true;
    }
    return cn;
}

bool x509_san_next(const struct x509 *x, int kind, size_t *at, struct slice *name)
{
    struct rd r = rd_of(x->san.p, x->san.n);
    (void)rd_bytes(&r, *at);
    while (der_peek(&r) != 0) {
        uint8_t tag;
        struct rd value = der_any(&r, &tag, NULL);
        *at = (size_t)(r.p - x->san.p);
        if (!r.bad && tag == DER_CONTEXT_PRIM(kind)) {
            *name = rd_rest(&value);
            return true;
        }
    }
    return false;
}

bool x509_host_lower(const uint8_t *host, size_t len, char out[static 256])
{
    if (len < 1 || len > 255 || host[len - 1] == '.')
        return false;
    bool empty = true; /* the present label */
    for (size_t i = 0; i < len; i++) {
        uint8_t c = host[i];
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c + 'a' - 'A');
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (c == '.' && !empty)))
            return false;
        empty = c == '.';
        out[i] = (char)c;
    }
    out[len] = '\0';
    return true;
}

/* --- extensions --------------------------------------------------------------------------------------------- */

static bool boolean(struct rd *r)
{
    struct rd c = der_open(r, DER_BOOLEAN);
    uint8_t v = rd_u8(&c);
    if (!rd_done(&c) || (v != 0 && v != 0xff)) /* X.690 11.1 */
        r->bad = true;
    return v != 0;
}

/* RFC 5280 4.2.1.9 */
static bool basic_constraints(struct x509 *x, struct rd *v)
{
    struct rd seq = der_open(v, DER_SEQUENCE);
    x->has_basic_constraints = true;
    if (der_peek(&seq) == DER_BOOLEAN)
        x->is_ca = boolean(&seq);
    if (der_peek(&seq) == DER_INTEGER)
        (void)der_small(&seq);
    return rd_done(&seq);
}

/* RFC 5280 4.2.1.3: a BIT STRING that names its bits from the top. */
static bool key_usage(struct x509 *x, struct rd *v)
{
    struct rd bits = der_open(v, DER_BIT_STRING);
    uint8_t unused = rd_u8(&bits);
    size_t left = rd_left(&bits);
    if (bits.bad || unused > 7 || (left == 0 && unused != 0))
        return false;
    x->has_key_usage = true;
    uint8_t first = left != 0 ? rd_u8(&bits) : 0;
    x->digital_signature = (first & 0x80) != 0;
    x->cert_sign = (first & 0x04) != 0;
    return true;
}

/* RFC 5280 4.2.1.10: that they are there is all we know of them. */
static bool name_constraints(struct x509 *x, struct rd *v)
{
    x->has_name_constraints = true;
    (void)der_open(v, DER_SEQUENCE);
    return !v->bad;
}

/* RFC 5280 4.2.1.12: what the key may be used for; only TLS client authentication is of interest. */
static bool ext_key_usage(struct x509 *x, struct rd *v)
{
    static const uint8_t client_auth[] = { 0x2b, 6, 1, 5, 5, 7, 3, 2 }, any[] = { 0x55, 0x1d, 0x25, 0 };
    struct rd list = der_open(v, DER_SEQUENCE);
    x->has_ext_key_usage = true;
    while (der_peek(&list) != 0) {
        struct slice oid = der_oid(&list);
        if (der_oid_is(oid, client_auth, sizeof client_auth) || der_oid_is(oid, any, sizeof any))
            x->client_auth = true;
    }
    return rd_done(&list);
}

/* RFC 5280 4.2.1.6 */
static bool subject_alt_name(struct x509 *x, struct rd *v)
{
    struct rd names = der_open(v, DER_SEQUENCE);
    x->san = rd_rest(&names);
    while (der_peek(&names) != 0)
        der_skip(&names);
    return rd_done(&names);
}

/* The contents of Extensions, RFC 5280 4.2. */
static bool extensions(struct x509 *x, struct rd *list)
{
    static const struct {
        uint8_t arc; /* 2.5.29.arc */
        bool (*read)(struct x509 *x, struct rd *v);
    } known[] = {
        { 15, key_usage }, { 17, subject_alt_name }, { 19, basic_constraints }, { 30, name_constraints }, { 37, ext_key_usage },
    };
    unsigned seen = 0;
    while (der_peek(list) != 0) {
        struct rd ext = der_open(list, DER_SEQUENCE);
        struct slice oid = der_oid(&ext);
        if (der_peek(&ext) == DER_BOOLEAN)
            (void)boolean(&ext);
        struct rd value = der_open(&ext, DER_OCTET_STRING);
        if (!rd_done(&ext))
            return false;
        for (unsigned i = 0; i < COUNT(known); i++) {
            if (!der_oid_is(oid, (const uint8_t[]){ 0x55, 0x1d, known[i].arc }, 3))
                continue;
            /* RFC 5280 4.2: at most one of a kind. */
            if ((seen >> i & 1) != 0 || !known[i].read(x, &value) || !rd_done(&value))
                return false;
            seen |= 1U << i;
        }
    }
    return rd_done(list);
}

/* --- certificates ------------------------------------------------------------------------------------------- */

/* The next element, a SEQUENCE, with its header; its contents go to *contents. */
static struct slice whole_sequence(struct rd *r, struct rd *contents)
{
    struct slice whole;
    uint8_t tag;
    *contents = der_any(r, &tag, &whole);
    if (tag != DER_SEQUENCE)
        r->bad = true;
    return whole;
}

/* RFC 5280 4.1.2, from the contents of TBSCertificate; *alg is its own copy of the signature's AlgorithmIdentifier. */
static bool tbs_certificate(struct x509 *x, struct rd *tbs, struct slice *alg)
{
    struct rd c, v;
    uint32_t version = 0;
    if (der_peek(tbs) == DER_CONTEXT(0)) {
        v = der_open(tbs, DER_CONTEXT(0));
        version = der_small(&v);
        if (!rd_done(&v))
            return false;
    }
    x->v3 = version == 2;
    c = der_open(tbs, DER_INTEGER); /* negative serials are wrong (4.1.2.2), and old ones are about */
    x->serial = rd_rest(&c);
    *alg = whole_sequence(tbs, &c);
    x->issuer = whole_sequence(tbs, &c);
    v = der_open(tbs, DER_SEQUENCE);
    x->not_before = der_time(&v);
    x->not_after = der_time(&v);
    x->subject = whole_sequence(tbs, &c);
    x->cn = common_name(&c);
    bool ok = rd_done(&v) && rd_done(&c) && version <= 2 && x->serial.n != 0;
    x->spki = whole_sequence(tbs, &c);
    for (unsigned id = 1; id <= 2; id++) /* issuerUniqueID, subjectUniqueID */
        if (der_peek(tbs) == DER_CONTEXT_PRIM(id))
            der_skip(tbs);
    if (ok && der_peek(tbs) == DER_CONTEXT(3)) {
        v = der_open(tbs, DER_CONTEXT(3));
        c = der_open(&v, DER_SEQUENCE);
        ok = rd_done(&v) && version == 2 && extensions(x, &c);
    }
    return ok && rd_done(tbs);
}

int x509_parse(struct x509 *x, const uint8_t *der, size_t len)
{
    memset(x, 0, sizeof *x);
    x->san = (struct slice){ der, 0 };
    struct rd r = rd_of(der, len), c;
    struct rd cert = der_open(&r, DER_SEQUENCE);
    struct rd tbs = der_open(&cert, DER_SEQUENCE);
    struct slice inner = { NULL, 0 };
    if (!tbs_certificate(x, &tbs, &inner))
        return -TLS13_E_CERT_PARSE;
    struct slice alg = whole_sequence(&cert, &c);
    x->sig = x509_sig_code(&c);
    struct slice sig = der_bits(&cert);
    if (c.bad || !rd_done(&cert) || !rd_done(&r) || sig.n == 0)
        return -TLS13_E_CERT_PARSE;
    if (!slice_equal(alg, inner)) /* RFC 5280 4.1.1.2 */
        return -TLS13_E_CERT_PARSE;
    int err = key_parse_public(&x->key, x->spki.p, x->spki.n);
    x->key_supported = err == 0;
    return err == -TLS13_E_KEY_UNSUPPORTED ? 0 : err;
}
