/* The AEADs: BearSSL's primitives put together here (NIST SP 800-38D, RFC 8439), and the choice of the fastest for this CPU. */
#include "aead.h"

#include "aead_impl.h"
#include "bytes.h"
#include "tls13.h"
#include "x86/aead_x86.h"

#include <bearssl.h>

/* --- AES-GCM ---------------------------------------------------------------------------------------------- */

/*
 * GCM is put together here from CTR and GHASH, since br_gcm_context points to its key context and makes H anew for every record.
 * BearSSL's key contexts hold a pointer to their (static) class only.
 */
struct gcm_key {
    br_aes_gen_ctr_keys aes;
    uint8_t h[16];
};
_Static_assert(sizeof(struct gcm_key) <= sizeof(((struct aead *)0)->key), "struct aead has room for BearSSL's keys");

static void gcm_init(struct gcm_key *k, const br_block_ctr_class *ctr, const uint8_t *key, size_t key_len)
{
    static const uint8_t zero[12];
    ctr->init(&k->aes.vtable, key, key_len);
    memset(k->h, 0, sizeof k->h);
    ctr->run(&k->aes.vtable, zero, 0, k->h, sizeof k->h);
}

/* The tag over aad and ciphertext. */
static void gcm_tag(const struct gcm_key *k, br_ghash ghash, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
                    const uint8_t *cipher, size_t len, uint8_t tag[static AEAD_TAG])
{
    uint8_t y[16] = { 0 }, bits[16];
    store64(bits, (uint64_t)aad_len * 8);
    store64(bits + 8, (uint64_t)len * 8);
    ghash(y, k->h, aad, aad_len); /* pads each piece with zeros to a whole block */
    ghash(y, k->h, cipher, len);
    ghash(y, k->h, bits, sizeof bits);
    k->aes.vtable->run(&k->aes.vtable, nonce, 1, y, sizeof y);
    memcpy(tag, y, AEAD_TAG);
    WIPE(y);
}

static void gcm_seal(const struct gcm_key *k, br_ghash ghash, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf,
                     size_t len)
{
    k->aes.vtable->run(&k->aes.vtable, nonce, 2, buf, len);
    gcm_tag(k, ghash, nonce, aad, aad_len, buf, len, buf + len);
}

static bool gcm_open(const struct gcm_key *k, br_ghash ghash, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf,
                     size_t len)
{
    uint8_t tag[AEAD_TAG];
    gcm_tag(k, ghash, nonce, aad, aad_len, buf, len, tag);
    bool ok = ct_equal(tag, buf + len, AEAD_TAG);
    WIPE(tag);
    if (ok)
        k->aes.vtable->run(&k->aes.vtable, nonce, 2, buf, len);
    return ok;
}

static void gcm_ct64_init(void *ctx, const uint8_t *key, size_t key_len)
{
    gcm_init(ctx, &br_aes_ct64_ctr_vtable, key, key_len);
}

static void gcm_ct64_seal(const void *ctx, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf,
                          size_t len)
{
    gcm_seal(ctx, br_ghash_ctmul64, nonce, aad, aad_len, buf, len);
}

static bool gcm_ct64_open(const void *ctx, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf,
                          size_t len)
{
    return gcm_open(ctx, br_ghash_ctmul64, nonce, aad, aad_len, buf, len);
}

static const struct aead_impl gcm_ct64 = { "gcm-ct64", 0, gcm_ct64_init, gcm_ct64_seal, gcm_ct64_open };

#if defined(__x86_64__)
/* BearSSL on this architecture has both; cpu_has() asks the same bits of the CPU as their getters do. */
static void gcm_x86ni_init(void *ctx, const uint8_t *key, size_t key_len)
{
    gcm_init(ctx, &br_aes_x86ni_ctr_vtable, key, key_len);
}

static void gcm_x86ni_seal(const void *ctx, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf,
                           size_t len)
{
    gcm_seal(ctx, br_ghash_pclmul, nonce, aad, aad_len, buf, len);
}

static bool gcm_x86ni_open(const void *ctx, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf,
                           size_t len)
{
    return gcm_open(ctx, br_ghash_pclmul, nonce, aad, aad_len, buf, len);
}

static const struct aead_impl gcm_x86ni = { "gcm-x86ni", CPU_SSE41 | CPU_AES | CPU_PCLMUL, gcm_x86ni_init, gcm_x86ni_seal, gcm_x86ni_open };
#endif

/* --- ChaCha20-Poly1305 ------------------------------------------------------------------------------------ */

static void chacha_init(void *ctx, const uint8_t *key, size_t key_len)
{
    memcpy(ctx, key, key_len);
}

/* SSE2 is part of x86-64 itself, 64-bit multiplication of every 64-bit CPU: BearSSL's getters know what it was built with. */
static void chacha_run(const void *ctx, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len,
                       uint8_t tag[static AEAD_TAG], int encrypt)
{
    br_chacha20_run chacha = br_chacha20_sse2_get();
    br_poly1305_run poly = br_poly1305_ctmulq_get();
    if (chacha == NULL)
        chacha = br_chacha20_ct_run;
    if (poly == NULL)
        poly = br_poly1305_ctmul_run;
    poly(ctx, nonce, buf, len, aad, aad_len, tag, chacha, encrypt);
}

static void chacha_seal(const void *ctx, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf,
                        size_t len)
{
    chacha_run(ctx, nonce, aad, aad_len, buf, len, buf + len, 1);
}

static bool chacha_open(const void *ctx, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf,
                        size_t len)
{
    uint8_t tag[AEAD_TAG];
    chacha_run(ctx, nonce, aad, aad_len, buf, len, tag, 0);
    bool ok = ct_equal(tag, buf + len, AEAD_TAG);
    WIPE(tag);
    return ok;
}

static const struct aead_impl chacha = { "chacha-bearssl", 0, chacha_init, chacha_seal, chacha_open };

/* --- the choice ------------------------------------------------------------------------------------------- */

/* What every CPU can run, best first; x86_*_impls come before.  Each ends in NULL. */
static const struct aead_impl *const gcm_impls[] = {
#if defined(__x86_64__)
    &gcm_x86ni,
#endif
    &gcm_ct64,
    NULL,
};
static const struct aead_impl *const chacha_impls[] = { &chacha, NULL };

/* The *i-th of the list that this CPU can run; or NULL, and *i is less by as many as there are. */
static const struct aead_impl *pick(const struct aead_impl *const *list, size_t *i)
{
    for (; *list != NULL; list++)
        if (cpu_has((*list)->needs) && (*i)-- == 0)
            return *list;
    return NULL;
}

const struct aead_impl *aead_impl_at(uint16_t suite, size_t i)
{
    const bool gcm = suite != TLS_CHACHA20_POLY1305_SHA256;
    const struct aead_impl *found = pick(suite == TLS_AES_128_GCM_SHA256 ? x86_aes128_impls
                                         : gcm                           ? x86_aes256_impls
                                                                         : x86_chacha_impls,
                                         &i);
    return found != NULL ? found : pick(gcm ? gcm_impls : chacha_impls, &i);
}

void aead_init(struct aead *a, const struct suite *suite, const uint8_t *key)
{
    a->impl = aead_impl_at(suite->id, 0);
    a->impl->init(&a->key, key, suite->key_len);
}

void aead_seal(const struct aead *a, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len)
{
    a->impl->seal(&a->key, nonce, aad, aad_len, buf, len);
}

int aead_open(const struct aead *a, const uint8_t nonce[static AEAD_NONCE], const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len)
{
    if (a->impl->open(&a->key, nonce, aad, aad_len, buf, len))
        return 0;
    memset(buf, 0, len); /* RFC 8446 5.2, trap 43: bytes that did not verify are nobody's */
    return -TLS13_E_BAD_MAC;
}

void aead_wipe(struct aead *a)
{
    WIPE(*a);
}
