/* Credentials: everything that a handshake needs of a certificate and its key, read, checked and laid out once. */
#include "credential.h"

#include <stdio.h>
#include <stdlib.h>

#include "codes.h"
#include "kdf.h"
#include "pem.h"

#define MESSAGE_MAX (1U << 17)

/* What is read while a credential is built: the chain's DER, and what x509_parse made of it. */
struct chain {
    struct {
        uint8_t *der;
        size_t len;
        struct x509 x;
    } cert[CRED_MAX_CHAIN];
    size_t n;
};

/* --- reading ------------------------------------------------------------------------------------------------ */

/* Takes over der when it is a certificate of the chain; => 1 then, 0 when it is something else, or -TLS13_E_*. */
static int chain_add(struct chain *chain, const char *label, uint8_t *der, size_t len)
{
    if (strcmp(label, "TRUSTED CERTIFICATE") == 0)
        return -TLS13_E_CERT_TRUSTED;
    if (strcmp(label, "CERTIFICATE") != 0 && strcmp(label, "X509 CERTIFICATE") != 0)
        return 0;
    if (chain->n == CRED_MAX_CHAIN)
        return -TLS13_E_CERT_MANY;
    chain->cert[chain->n].der = der;
    chain->cert[chain->n++].len = len;
    return 1;
}

static bool is_key_label(const char *label)
{
    size_t n = strlen(label);
    return n >= 11 && strcmp(label + n - 11, "PRIVATE KEY") == 0;
}

/*
 * Reads the objects of a PEM text: certificates to chain and the first private key to key, either of which may be NULL (not wanted).
 * Parameters, requests and the like are stepped over.
 */
static int read_pem(const char *text, size_t text_len, struct chain *chain, struct private_key *key)
{
    struct pem pem = { text, text + text_len };
    char label[64];
    uint8_t *der;
    size_t len;
    int err;
    while ((err = pem_next(&pem, label, &der, &len)) > 0) {
        err = 0;
        if (chain != NULL)
            err = chain_add(chain, label, der, len);
        if (err > 0)
            continue;
        if (err == 0 && key != NULL && key->type == KEY_NONE && is_key_label(label))
            err = key_parse(key, label, der, len);
        explicit_bzero(der, len);
        free(der);
        if (err < 0)
            return err;
    }
    return err;
}

/* Parses the chain and checks its order: RFC 8446 4.4.2. */
static int check_chain(struct chain *chain)
{
    if (chain->n == 0)
        return -TLS13_E_PEM;
    for (size_t i = 0; i < chain->n; i++) {
        int err = x509_parse(&chain->cert[i].x, chain->cert[i].der, chain->cert[i].len);
        if (err < 0)
            return err;
        if (i != 0 && !slice_equal(chain->cert[i - 1].x.issuer, chain->cert[i].x.subject))
            return -TLS13_E_CERT_ORDER;
    }
    const struct x509 *leaf = &chain->cert[0].x;
    if (!leaf->key_supported)
        return -TLS13_E_KEY_UNSUPPORTED;
    return leaf->has_key_usage && !leaf->digital_signature ? -TLS13_E_CERT_USAGE : 0; /* RFC 8446 4.4.2.2 */
}

/* --- laying out --------------------------------------------------------------------------------------------- */

/* The Certificate message, RFC 8446 4.4.2: no context, and no extension beside any certificate. */
static int build_message(struct credential *c, const struct chain *chain)
{
    size_t total = 4 + 1 + 3;
    for (size_t i = 0; i < chain->n; i++)
        total += 3 + chain->cert[i].len + 2;
    if (total > MESSAGE_MAX)
        return -TLS13_E_CERT_MANY;
    c->message = malloc(total);
    if (c->message == NULL)
        return -TLS13_E_MEMORY;
    struct wr w = wr_of(c->message, total);
    wr_u8(&w, MSG_CERTIFICATE);
    size_t message = wr_open(&w, 3);
    wr_u8(&w, 0);
    size_t list = wr_open(&w, 3);
    for (size_t i = 0; i < chain->n; i++) {
        size_t cert = wr_open(&w, 3);
        wr_bytes(&w, chain->cert[i].der, chain->cert[i].len);
        wr_close(&w, cert, 3);
        wr_u16(&w, 0);
    }
    wr_close(&w, list, 3);
    wr_close(&w, message, 3);
    c->message_len = w.len;
    c->leaf = (struct slice){ c->message + 4 + 1 + 3 + 3, chain->cert[0].len };
    return w.bad || w.len != total ? -TLS13_E_INTERNAL : 0;
}

/* The codes of the chain's signatures; a self-signed certificate's does not count (RFC 8446 4.2.3). */
static int list_chain_sigs(struct credential *c, const struct chain *chain)
{
    c->chain_sigs = calloc(chain->n, sizeof *c->chain_sigs);
    if (c->chain_sigs == NULL)
        return -TLS13_E_MEMORY;
    for (size_t i = 0; i < chain->n; i++) {
        const struct x509 *x = &chain->cert[i].x;
        if (slice_equal(x->issuer, x->subject))
            continue;
        uint16_t sig = x->sig;
        /* What PSS signature it is depends on the issuer's key; when that is not here, a plain RSA key is by far the likelier. */
        bool pss = sig >= SIG_PSS_RSAE_SHA256 && sig <= SIG_PSS_RSAE_SHA512;
        if (pss && i + 1 < chain->n && chain->cert[i + 1].x.key.type == KEY_RSA_PSS)
            sig = (uint16_t)(sig + SIG_PSS_PSS_SHA256 - SIG_PSS_RSAE_SHA256);
        c->chain_sigs[c->n_chain_sigs++] = sig;
    }
    return 0;
}

/* A dNSName (RFC 5280 4.2.1.6, RFC 6125 6.4.3) in the form that names.h wants; false when nobody can ask for it. */
static bool dns_name(struct slice raw, char out[static 256])
{
    size_t skip = raw.n >= 2 && raw.p[0] == '*' && raw.p[1] == '.' ? 2 : 0;
    if (raw.n > skip && raw.p[raw.n - 1] == '.')
        raw.n--;
    char host[256];
    if (raw.n > 255 || !x509_host_lower(raw.p + skip, raw.n - skip, host))
        return false;
    memcpy(out, "*.", skip);
    memcpy(out + skip, host, raw.n - skip + 1);
    return true;
}

static int list_names(struct credential *c, const struct x509 *leaf)
{
    size_t at = 0, room = 1;
    struct slice raw;
    while (x509_san_next(leaf, SAN_DNS, &at, &raw))
        room++;
    c->names = calloc(room, sizeof *c->names);
    if (c->names == NULL)
        return -TLS13_E_MEMORY;
    at = 0;
    while (x509_san_next(leaf, SAN_DNS, &at, &raw))
        if (dns_name(raw, c->names[c->n_names]))
            c->n_names++;
    if (leaf->san.n == 0 && dns_name(leaf->cn, c->names[0])) /* RFC 6125 6.4.4: the last resort */
        c->n_names = 1;
    return 0;
}

/* Copies text for logs: what is not printable ASCII shows as '?'. */
static void printable(char out[static 256], struct slice raw)
{
    size_t n = raw.n < 255 ? raw.n : 255;
    for (size_t i = 0; i < n; i++)
        out[i] = raw.p[i] >= 0x20 && raw.p[i] <= 0x7e ? (char)raw.p[i] : '?';
    out[n] = '\0';
}

static void fill_info(struct credential *c, const struct chain *chain)
{
    const struct x509 *leaf = &chain->cert[0].x;
    struct tls13_cert_info *info = &c->info;
    if (c->n_names != 0)
        memcpy(info->name, c->names[0], sizeof info->name);
    else
        printable(info->name, leaf->cn);
    static const char *const kind[] = {
        [KEY_NONE] = "", [KEY_P256] = "ECDSA P-", [KEY_P384] = "ECDSA P-", [KEY_RSA] = "RSA ", [KEY_RSA_PSS] = "RSA-PSS "
    };
    snprintf(info->key, sizeof info->key, "%s%u", kind[leaf->key.type], leaf->key.bits & 0xffff);
    info->not_before = leaf->not_before;
    info->not_after = leaf->not_after;
    info->names = c->n_names;
    info->chain = chain->n;
    info->signature = leaf->sig;
    hash_once(HASH_SHA256, c->leaf.p, c->leaf.n, info->sha256);
}

static void list_schemes(struct credential *c, const struct public_key *key)
{
    size_t n;
    const struct sig_scheme *all = sig_schemes(&n);
    for (size_t i = 0; i < n && c->n_schemes < COUNT(c->schemes); i++)
        if (sig_fits(key, &all[i]))
            c->schemes[c->n_schemes++] = all[i].id;
}

/* --- the key ------------------------------------------------------------------------------------------------ */

/* The key is the leaf's, and what it signs verifies: wrong CRT parts (RFC 8017 3.2) show here rather than in a handshake. */
static int check_key(struct credential *c, const struct public_key *leaf)
{
    static const uint8_t hash[SIG_MAX_HASH] = { 1 }, salt[SIG_MAX_HASH]; /* BearSSL's ECDSA does not take a hash of 0 */
    uint8_t sig[SIG_MAX];
    if (c->key.type == KEY_NONE)
        return -TLS13_E_KEY_MISSING;
    if (!key_matches(&c->key, leaf))
        return -TLS13_E_KEY_MISMATCH;
    /* An RSA key's file may call it plain RSA or PSS: the certificate decides what it may sign. */
    c->key.type = leaf->type;
    c->key.pss_hash = leaf->pss_hash;
    int n = sig_sign(&c->key, sig_by_id(c->schemes[0]), hash, salt, sig);
    WIPE(sig);
    return n < 0 ? -TLS13_E_KEY_PARSE : 0;
}

int cred_load(struct credential **out, const char *chain_pem, size_t chain_len, const char *key_pem, size_t key_len, tls13_sign_fn *sign,
              void *arg)
{
    *out = NULL;
    struct credential *c = calloc(1, sizeof *c);
    struct chain *chain = calloc(1, sizeof *chain);
    int err = -TLS13_E_MEMORY;
    if (c == NULL || chain == NULL)
        goto out;
    c->sign = sign;
    c->sign_arg = arg;
    bool key_in_chain = sign == NULL && key_pem == NULL;
    err = read_pem(chain_pem, chain_len, chain, key_in_chain ? &c->key : NULL);
    if (err == 0 && sign == NULL && key_pem != NULL)
        err = read_pem(key_pem, key_len, NULL, &c->key);
    if (err < 0 || (err = check_chain(chain)) < 0)
        goto out;
    const struct x509 *leaf = &chain->cert[0].x;
    c->type = leaf->key.type;
    list_schemes(c, &leaf->key);
    if (sign == NULL && (err = check_key(c, &leaf->key)) < 0)
        goto out;
    if ((err = build_message(c, chain)) < 0 || (err = list_chain_sigs(c, chain)) < 0 || (err = list_names(c, leaf)) < 0)
        goto out;
    fill_info(c, chain);
    *out = c;
    c = NULL;
out:
    for (size_t i = 0; chain != NULL && i < chain->n; i++)
        free(chain->cert[i].der);
    free(chain);
    cred_free(c);
    return err;
}

void cred_free(struct credential *c)
{
    if (c == NULL)
        return;
    key_wipe(&c->key);
    free(c->message);
    free(c->chain_sigs);
    free(c->names);
    free(c);
}
