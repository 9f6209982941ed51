/* Whom we believe about clients. */
#include "trust.h"

#include <stdlib.h>

#include "crl.h"
#include "hash_impl.h"
#include "key_bearssl.h"
#include "limits.h"
#include "pem.h"
#include "tls13.h"

struct authority {
    uint8_t *der;
    size_t len;
    struct x509 x;
};

struct trust {
    struct authority *ca;
    br_x509_trust_anchor *anchors; /* those that may sign, pointing into the DER */
    size_t n, n_anchors;
    struct crl *crls;
    size_t n_crls;
};

struct trust *trust_new(void)
{
    return calloc(1, sizeof(struct trust));
}

void trust_free(struct trust *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->ca[i].der);
    for (size_t i = 0; i < t->n_crls; i++)
        crl_free(&t->crls[i]);
    free(t->ca);
    free(t->anchors);
    free(t->crls);
    free(t);
}

size_t trust_count(const struct trust *t)
{
    return t->n;
}

struct slice trust_name(const struct trust *t, size_t i)
{
    return t->ca[i].x.subject;
}

static br_x509_trust_anchor anchor_of(const struct x509 *x)
{
    br_x509_trust_anchor a;
    memset(&a, 0, sizeof a);
    a.dn.data = bearssl_bytes(x->subject);
    a.dn.len = x->subject.n;
    a.flags = BR_X509_TA_CA;
    if (x->key.type == KEY_RSA) {
        a.pkey.key_type = BR_KEYTYPE_RSA;
        a.pkey.key.rsa = bearssl_rsa(&x->key);
    } else {
        a.pkey.key_type = BR_KEYTYPE_EC;
        a.pkey.key.ec = bearssl_ec(&x->key);
    }
    return a;
}

/*
 * RFC 5280 4.2.1.3, 4.2.1.9: it signs no certificates, as a client's own that somebody has put among the authorities.  Then it is good
 * for itself only, or that client could name itself anew.  Version 1 cannot say so; keyUsage alone is taken from those that have no
 * basicConstraints.
 */
static bool signs_none(const struct x509 *x)
{
    if (x->has_basic_constraints && !x->is_ca)
        return true;
    return x->has_key_usage ? !x->cert_sign : x->v3 && !x->is_ca;
}

/* Takes over der. */
static int add_authority(struct trust *t, uint8_t *der, size_t len)
{
    struct authority *ca = realloc(t->ca, (t->n + 1) * sizeof *ca);
    if (ca != NULL)
        t->ca = ca;
    br_x509_trust_anchor *anchors = realloc(t->anchors, (t->n + 1) * sizeof *anchors);
    if (anchors != NULL)
        t->anchors = anchors;
    struct x509 x;
    int err = ca == NULL || anchors == NULL ? -TLS13_E_MEMORY : x509_parse(&x, der, len);
    if (err == 0 && (!x.key_supported || x.key.type == KEY_RSA_PSS)) /* what x509_minimal can verify with */
        err = -TLS13_E_KEY_UNSUPPORTED;
    if (err < 0) {
        free(der);
        return err;
    }
    t->ca[t->n++] = (struct authority){ der, len, x };
    return 0;
}

static int add_authorities(struct trust *t, const char *text, size_t len)
{
    struct pem pem = { text, text + len };
    char label[64];
    uint8_t *der;
    size_t n;
    int count = 0, err;
    while ((err = pem_next(&pem, label, &der, &n)) > 0) {
        if (strcmp(label, "CERTIFICATE") != 0 && strcmp(label, "X509 CERTIFICATE") != 0) {
            explicit_bzero(der, n);
            free(der);
            continue;
        }
        if ((err = add_authority(t, der, n)) < 0)
            return err;
        count++;
    }
    return err < 0 ? err : count;
}

/* --- revocation ------------------------------------------------------------------------------------------- */

static int add_list(struct trust *t, const uint8_t *der, size_t len)
{
    struct crl c, *more = NULL;
    int err = crl_parse(&c, der, len);
    if (err < 0)
        return err;
    err = -TLS13_E_CRL_PARSE; /* until one of the authorities has signed it */
    for (size_t i = 0; i < t->n && err < 0; i++)
        if (slice_equal(t->ca[i].x.subject, c.issuer))
            err = crl_verify(&c, &t->ca[i].x.key);
    if (err == 0 && (more = realloc(t->crls, (t->n_crls + 1) * sizeof *more)) == NULL)
        err = -TLS13_E_MEMORY;
    if (err != 0) {
        crl_free(&c);
        return err;
    }
    t->crls = more;
    t->crls[t->n_crls++] = c;
    return 0;
}

static int add_lists(struct trust *t, const uint8_t *crl, size_t len)
{
    struct pem pem = { (const char *)crl, (const char *)crl + len };
    char label[64];
    uint8_t *der;
    size_t n;
    int count = 0, err;
    if (len != 0 && crl[0] == 0x30) /* DER */
        return (err = add_list(t, crl, len)) < 0 ? err : 1;
    while ((err = pem_next(&pem, label, &der, &n)) > 0) {
        err = strcmp(label, "X509 CRL") == 0 ? add_list(t, der, n) : -TLS13_E_CRL_PARSE;
        free(der);
        if (err < 0)
            return err;
        count++;
    }
    return err < 0 ? err : count;
}

/* => 0 when no list names the certificate.  covered: until when its issuer has a list that is in date, 0 for none. */
static int check_revoked(const struct trust *t, const struct x509 *x, int64_t now, int64_t *covered)
{
    *covered = 0;
    for (size_t i = 0; i < t->n_crls; i++) {
        const struct crl *c = &t->crls[i];
        if (!slice_equal(c->issuer, x->issuer))
            continue;
        if (crl_holds(c, x->serial))
            return -TLS13_E_CERT_REVOKED;
        if (now >= c->this_update && now <= c->next_update && c->next_update > *covered)
            *covered = c->next_update;
    }
    return 0;
}

/* Those that may sign: not who says that he does not, and nobody whom a list of another one names. */
static void choose_anchors(struct trust *t)
{
    int64_t covered;
    t->n_anchors = 0;
    for (size_t i = 0; i < t->n; i++)
        if (!signs_none(&t->ca[i].x) && check_revoked(t, &t->ca[i].x, 0, &covered) == 0)
            t->anchors[t->n_anchors++] = anchor_of(&t->ca[i].x);
}

int trust_add_ca(struct trust *t, const char *text, size_t len)
{
    int n = add_authorities(t, text, len);
    choose_anchors(t); /* after an error, too: some may be in */
    return n;
}

int trust_add_crl(struct trust *t, const uint8_t *crl, size_t len)
{
    int n = add_lists(t, crl, len);
    choose_anchors(t);
    return n;
}

void trust_digest(const struct trust *t, uint8_t out[static 32])
{
    br_hash_compat_context h;
    const br_hash_class *class = hash_class(HASH_SHA256);
    class->init(&h.vtable);
    for (size_t i = 0; i < t->n; i++)
        class->update(&h.vtable, t->ca[i].der, t->ca[i].len);
    for (size_t i = 0; i < t->n_crls; i++)
        class->update(&h.vtable, t->crls[i].der, t->crls[i].der_len);
    class->out(&h.vtable, out);
}

/* --- path ------------------------------------------------------------------------------------------------- */

/* BearSSL's reason as ours. */
static int reason(unsigned code)
{
    switch (code) {
    case 0:
        return 0;
    case BR_ERR_X509_EXPIRED:
        return -TLS13_E_CERT_EXPIRED;
    case BR_ERR_X509_NOT_TRUSTED:
    case BR_ERR_X509_DN_MISMATCH:
    case BR_ERR_X509_NOT_CA:
        return -TLS13_E_UNKNOWN_CA;
    case BR_ERR_X509_WRONG_KEY_TYPE:
    case BR_ERR_X509_UNSUPPORTED:
    case BR_ERR_X509_WEAK_PUBLIC_KEY:
        return -TLS13_E_UNSUPPORTED_CERT;
    default:
        return -TLS13_E_BAD_CERT;
    }
}

static int verify_path(const br_x509_trust_anchor *anchors, size_t n_anchors, const struct slice *chain, size_t n, int64_t now)
{
    br_x509_minimal_context mc;
    const br_hash_class *sha256 = hash_class(HASH_SHA256);
    br_x509_minimal_init(&mc, sha256, anchors, n_anchors);
    br_x509_minimal_set_hash(&mc, br_sha256_ID, sha256);
    br_x509_minimal_set_hash(&mc, br_sha384_ID, &br_sha384_vtable);
    br_x509_minimal_set_hash(&mc, br_sha512_ID, &br_sha512_vtable);
    br_x509_minimal_set_rsa(&mc, br_rsa_pkcs1_vrfy_get_default());
    br_x509_minimal_set_ecdsa(&mc, &br_ec_all_m31, br_ecdsa_i31_vrfy_asn1);
    br_x509_minimal_set_minrsa(&mc, 256);
    /* Days since January 1st, 0 AD, as BearSSL counts them. */
    br_x509_minimal_set_time(&mc, (uint32_t)(now / 86400 + 719528), (uint32_t)(now % 86400));
    mc.vtable->start_chain(&mc.vtable, NULL);
    for (size_t i = 0; i < n; i++) {
        mc.vtable->start_cert(&mc.vtable, (uint32_t)chain[i].n);
        mc.vtable->append(&mc.vtable, chain[i].p, chain[i].n);
        mc.vtable->end_cert(&mc.vtable);
    }
    return reason(mc.vtable->end_chain(&mc.vtable));
}

/* Is a certificate of this issuer signed by one of ours, as far as names tell? */
static bool is_authority(const struct trust *t, struct slice issuer)
{
    for (size_t i = 0; i < t->n; i++)
        if (slice_equal(t->ca[i].x.subject, issuer))
            return true;
    return false;
}

/*
 * Verifies chain[0..top], the last of which one of our authorities is to have signed.  x509_minimal goes from the leaf up, so that whoever
 * signs certificates for himself has each of them verified before it shows that nobody vouches for the last.  Here each certificate is
 * verified first with the key of the one above it, from the authority down; the leaf's is left to the whole path, which says the rest.
 */
static int verify_down(const struct trust *t, const struct slice *chain, const struct x509 *x, size_t top, int64_t now)
{
    int err = top == 0 ? 0 : verify_path(t->anchors, t->n_anchors, chain + top, 1, now);
    for (size_t i = top; err == 0 && i-- > 1;) {
        const struct x509 *issuer = &x[i + 1];
        if (!slice_equal(x[i].issuer, issuer->subject))
            return -TLS13_E_UNKNOWN_CA;
        if (issuer->key.type == KEY_RSA_PSS)
            return -TLS13_E_UNSUPPORTED_CERT;
        br_x509_trust_anchor above = anchor_of(issuer);
        err = verify_path(&above, 1, chain + i, 1, now);
        if (err == -TLS13_E_UNKNOWN_CA) /* the name is right, the signature is not */
            err = -TLS13_E_BAD_CERT;
    }
    return err < 0 ? err : verify_path(t->anchors, t->n_anchors, chain, top + 1, now);
}

/* A self-signed certificate that signs no others and is, byte for byte, among ours. */
static bool is_one_of_ours(const struct trust *t, struct slice leaf)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct authority *ca = &t->ca[i];
        if (signs_none(&ca->x) && slice_equal(ca->x.issuer, ca->x.subject) && slice_equal((struct slice){ ca->der, ca->len }, leaf))
            return true;
    }
    return false;
}

/*
 * Where the path ends tell names, and then signatures: there are authorities that have changed their key.  What is behind says nothing.
 * *path: how many certificates it has.
 */
static int find_path(const struct trust *t, const struct slice *chain, const struct x509 *x, size_t n, int64_t now, size_t *path)
{
    int err = -TLS13_E_UNKNOWN_CA;
    if (n != 0 && is_one_of_ours(t, chain[0])) {
        *path = 1;
        return now >= x[0].not_before && now <= x[0].not_after ? 0 : -TLS13_E_CERT_EXPIRED;
    }
    for (size_t top = 0, tries = 0; top < n && tries < 2 && err == -TLS13_E_UNKNOWN_CA; top++)
        if (is_authority(t, x[top].issuer)) {
            err = verify_down(t, chain, x, top, now);
            *path = top + 1;
            tries++;
        }
    return err;
}

/*
 * RFC 5280 4.2.1.12: not for this purpose.  In an authority below ours it says what its certificates may be for, as all others read it:
 * one that may name servers only does not name clients.
 */
static bool for_clients(const struct x509 *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i].has_ext_key_usage && !x[i].client_auth)
            return false;
    return true;
}

/* RFC 8446 4.4.2.4: a path that would rest on MD5, SHA-1 or something we do not know is bad_certificate. */
static bool weakly_signed(const struct x509 *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x[i].sig == 0 || x[i].sig >> 8 == 2) /* 0x02__: with SHA-1 */
            return true;
    return false;
}

/*
 * Reads the chain into x; => how many certificates in front have keys that we would verify with.  A key out of those bounds costs its owner
 * nothing and us much: an RSA exponent as long as the modulus makes one verification as slow as 150, and x509_minimal would take it.
 * -TLS13_E_BAD_CERT when one is malformed, wherever it is.
 */
static int read_chain(const struct slice *chain, size_t n, struct x509 *x)
{
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        if (x509_parse(&x[i], chain[i].p, chain[i].n) < 0)
            return -TLS13_E_BAD_CERT;
        good += good == i && x[i].key_supported;
    }
    return (int)good;
}

/*
 * RFC 5280 4.2.1.10: an authority below ours that may name some only.  x509_minimal refuses such constraints when they are critical, as
 * they should be, since it cannot tell whether they are kept; so do we when they are not.
 */
static bool names_are_constrained(const struct x509 *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (x[i].has_name_constraints)
            return true;
    return false;
}

int trust_verify(const struct trust *t, const struct slice *chain, size_t n, int64_t now, int64_t *until)
{
    struct x509 x[LIMIT_CHAIN];
    *until = INT64_MAX;
    if (n > LIMIT_CHAIN)
        return -TLS13_E_BAD_CERT;
    int good = read_chain(chain, n, x);
    if (good < 0)
        return good;
    size_t path = 0;
    int err = find_path(t, chain, x, (size_t)good, now, &path);
    if (err == -TLS13_E_UNKNOWN_CA && (size_t)good != n)
        err = -TLS13_E_UNSUPPORTED_CERT;
    if (err == -TLS13_E_UNSUPPORTED_CERT && weakly_signed(x, n))
        return -TLS13_E_BAD_CERT;
    if (err == 0 && !for_clients(x, path))
        return -TLS13_E_UNSUPPORTED_CERT;
    if (err == 0 && names_are_constrained(x, path))
        return -TLS13_E_BAD_CERT;
    for (size_t i = 0; i < n && err == 0; i++) {
        int64_t covered;
        if ((err = check_revoked(t, &x[i], now, &covered)) == 0 && i == 0 && t->n_crls != 0) {
            err = covered == 0 ? -TLS13_E_CRL_STALE : 0;
            *until = covered;
        }
        if (i < (size_t)good && x[i].not_after < *until)
            *until = x[i].not_after;
    }
    return err;
}
