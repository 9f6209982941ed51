#include "hybrid.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <string.h>

#include "../../libtls13/mlkem.h"

/* A function of a dispatch table.  The table's type is one for all of them; OpenSSL casts back by the number. */
#define ENTRY(id, fn)            \
    {                            \
        id, (void (*)(void))(fn) \
    }

enum { X25519 = 32, SHARE = MLKEM_EK + X25519, ANSWER = MLKEM_CT + X25519, SECRET = MLKEM_SS + X25519 };

struct key {
    uint8_t share[SHARE], dk[MLKEM_DK];
    EVP_PKEY *x25519;
};

/* --- keys: made new, and asked for the share ------------------------------------------------------------------- */

static void *key_new(void *provider)
{
    (void)provider;
    return OPENSSL_zalloc(sizeof(struct key));
}

static void key_free(void *arg)
{
    struct key *k = arg;
    if (k == NULL)
        return;
    EVP_PKEY_free(k->x25519);
    OPENSSL_clear_free(k, sizeof *k);
}

static int key_has(const void *key, int what)
{
    (void)what;
    return key != NULL;
}

static void *gen_init(void *provider, int what, const OSSL_PARAM *params)
{
    (void)what;
    (void)params;
    return provider;
}

static int gen_set(void *gen, const OSSL_PARAM *params)
{
    (void)gen;
    (void)params;
    return 1;
}

static const OSSL_PARAM *gen_settable(void *gen, void *provider)
{
    static const OSSL_PARAM list[] = { OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0), OSSL_PARAM_END };
    (void)gen;
    (void)provider;
    return list;
}

static void *gen(void *unused, OSSL_CALLBACK *progress, void *arg)
{
    (void)unused;
    (void)progress;
    (void)arg;
    uint8_t seed[64];
    size_t n = X25519;
    struct key *k = key_new(NULL);
    if (k == NULL || RAND_bytes(seed, sizeof seed) != 1 || (k->x25519 = EVP_PKEY_Q_keygen(NULL, NULL, "X25519")) == NULL ||
        EVP_PKEY_get_raw_public_key(k->x25519, k->share + MLKEM_EK, &n) != 1) {
        key_free(k);
        return NULL;
    }
    mlkem_keygen(k->share, k->dk, seed, seed + 32);
    return k;
}

static void gen_cleanup(void *unused)
{
    (void)unused;
}

static int key_get(void *arg, OSSL_PARAM params[])
{
    const struct key *k = arg;
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
    return p == NULL || OSSL_PARAM_set_octet_string(p, k->share, SHARE);
}

static const OSSL_PARAM *key_gettable(void *provider)
{
    static const OSSL_PARAM list[] = { OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0), OSSL_PARAM_END };
    (void)provider;
    return list;
}

static const OSSL_DISPATCH key_functions[] = { ENTRY(OSSL_FUNC_KEYMGMT_NEW, key_new),
                                               ENTRY(OSSL_FUNC_KEYMGMT_FREE, key_free),
                                               ENTRY(OSSL_FUNC_KEYMGMT_HAS, key_has),
                                               ENTRY(OSSL_FUNC_KEYMGMT_GEN_INIT, gen_init),
                                               ENTRY(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, gen_set),
                                               ENTRY(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, gen_settable),
                                               ENTRY(OSSL_FUNC_KEYMGMT_GEN, gen),
                                               ENTRY(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, gen_cleanup),
                                               ENTRY(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get),
                                               ENTRY(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable),
                                               { 0, NULL } };

/* --- the key encapsulation, whose one half a client needs ------------------------------------------------------- */

struct kem {
    struct key *key;
};

static void *kem_new(void *provider)
{
    (void)provider;
    return OPENSSL_zalloc(sizeof(struct kem));
}

static void kem_free(void *kem)
{
    OPENSSL_free(kem);
}

static int kem_init(void *arg, void *key, const OSSL_PARAM *params)
{
    (void)params;
    ((struct kem *)arg)->key = key;
    return 1;
}

static int kem_open(void *arg, unsigned char *out, size_t *out_len, const unsigned char *in, size_t in_len)
{
    struct key *k = ((struct kem *)arg)->key;
    size_t n = X25519;
    if (out == NULL) {
        *out_len = SECRET;
        return 1;
    }
    if (in_len != ANSWER || *out_len < SECRET)
        return 0;
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, in + MLKEM_CT, X25519);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, k->x25519, NULL);
    int ok = theirs != NULL && c != NULL && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer(c, theirs) == 1 &&
             EVP_PKEY_derive(c, out + MLKEM_SS, &n) == 1;
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(theirs);
    mlkem_decaps(out, in, k->dk);
    *out_len = SECRET;
    return ok;
}

static const OSSL_DISPATCH kem_functions[] = { ENTRY(OSSL_FUNC_KEM_NEWCTX, kem_new),
                                               ENTRY(OSSL_FUNC_KEM_FREECTX, kem_free),
                                               ENTRY(OSSL_FUNC_KEM_DECAPSULATE_INIT, kem_init),
                                               ENTRY(OSSL_FUNC_KEM_DECAPSULATE, kem_open),
                                               { 0, NULL } };

/* --- the provider ------------------------------------------------------------------------------------------------ */

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM keys[] = { { HYBRID_NAME, "provider=hybrid", key_functions, NULL }, { NULL, NULL, NULL, NULL } };
    static const OSSL_ALGORITHM kems[] = { { HYBRID_NAME, "provider=hybrid", kem_functions, NULL }, { NULL, NULL, NULL, NULL } };
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_KEYMGMT ? keys : operation == OSSL_OP_KEM ? kems : NULL;
}

static int capabilities(void *provider, const char *what, OSSL_CALLBACK *tell, void *arg)
{
    static unsigned id = HYBRID_ID, bits = 192, kem = 1;
    static int min_tls = 0x0304, max_tls = 0, no_dtls = -1;
    static char name[] = HYBRID_NAME;
    const OSSL_PARAM group[] = { OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME, name, sizeof name),
                                 OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL, name, sizeof name),
                                 OSSL_PARAM_utf8_string(OSSL_CAPABILITY_TLS_GROUP_ALG, name, sizeof name),
                                 OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_ID, &id),
                                 OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, &bits),
                                 OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, &min_tls),
                                 OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, &max_tls),
                                 OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, &no_dtls),
                                 OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, &no_dtls),
                                 OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_IS_KEM, &kem),
                                 OSSL_PARAM_END };
    (void)provider;
    return strcmp(what, "TLS-GROUP") != 0 || tell(group, arg);
}

static const OSSL_DISPATCH provider_functions[] = { ENTRY(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
                                                    ENTRY(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, capabilities),
                                                    { 0, NULL } };

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider)
{
    static int self;
    (void)handle;
    (void)in;
    *out = provider_functions;
    *provider = &self;
    return 1;
}

bool hybrid_load(void)
{
    return OSSL_PROVIDER_add_builtin(NULL, "hybrid", provider_init) == 1 && OSSL_PROVIDER_load(NULL, "hybrid") != NULL &&
           OSSL_PROVIDER_load(NULL, "default") != NULL;
}
