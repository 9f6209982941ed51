/*
 * BearSSL under MemorySanitizer.  Debian's library is not instrumented, so that what it writes would count as never written.  The linker
 * puts these in place of its functions (--wrap, mk/fuzz.mk): each looks at every byte that goes in, as MemorySanitizer would inside, and
 * marks what comes out.  A call that has no wrapper here does not link.
 *
 * Classes and functions that BearSSL calls back are exchanged for its own: instrumented code may not run below code that is not.
 */
#include <bearssl.h>
#include <sanitizer/msan_interface.h>
#include <stddef.h>
#include <stdint.h>

static void came_in(const void *p, size_t n)
{
    if (n != 0)
        __msan_check_mem_is_initialized(p, n);
}

static void went_out(const void *p, size_t n)
{
    __msan_unpoison(p, n);
}

/* A call of BearSSL, whose own memcmp() and the like are not looked at. */
#define INSIDE(call)                                \
    do {                                            \
        __msan_scoped_disable_interceptor_checks(); \
        call;                                       \
        __msan_scoped_enable_interceptor_checks();  \
    } while (0)

/* A function of BearSSL's as the linker knows it from both sides. */
#define WRAP(ret, f, args) \
    ret __wrap_##f args;   \
    ret __real_##f args;   \
    ret __wrap_##f args

/* --- hashes ----------------------------------------------------------------------------------------------- */

extern const br_hash_class __real_br_sha256_vtable, __real_br_sha384_vtable, __real_br_sha512_vtable;

/* BearSSL's own class for one of ours, or for a wrapped one. */
static const br_hash_class *own_class(const br_hash_class *c)
{
    if (c == NULL)
        return NULL;
    switch (c->desc >> BR_HASHDESC_ID_OFF & BR_HASHDESC_ID_MASK) {
    case br_sha256_ID:
        return &__real_br_sha256_vtable;
    case br_sha384_ID:
        return &__real_br_sha384_vtable;
    default:
        return &__real_br_sha512_vtable;
    }
}

static size_t out_size(const br_hash_class *c)
{
    return c->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
}

static size_t state_size(const br_hash_class *c)
{
    return c->desc >> BR_HASHDESC_STATE_OFF & BR_HASHDESC_STATE_MASK;
}

static void hash_init(const br_hash_class **ctx, const br_hash_class *real, const br_hash_class *wrapped)
{
    INSIDE(real->init(ctx));
    went_out(ctx, real->context_size);
    *ctx = wrapped;
}

static void hash_update(const br_hash_class **ctx, const void *data, size_t len)
{
    came_in(ctx, (*ctx)->context_size);
    came_in(data, len);
    INSIDE(own_class(*ctx)->update(ctx, data, len));
    went_out(ctx, (*ctx)->context_size);
}

static void hash_out(const br_hash_class *const *ctx, void *out)
{
    came_in(ctx, (*ctx)->context_size);
    INSIDE(own_class(*ctx)->out(ctx, out));
    went_out(out, out_size(*ctx));
}

static uint64_t hash_state(const br_hash_class *const *ctx, void *out)
{
    uint64_t count;
    INSIDE(count = own_class(*ctx)->state(ctx, out));
    went_out(out, state_size(*ctx));
    return count;
}

static void hash_set_state(const br_hash_class **ctx, const void *state, uint64_t count)
{
    came_in(state, state_size(*ctx));
    INSIDE(own_class(*ctx)->set_state(ctx, state, count));
    went_out(ctx, (*ctx)->context_size);
}

#define HASH_CLASS(name, size, description)             \
    extern const br_hash_class __wrap_##name;           \
    static void name##_init(const br_hash_class **ctx)  \
    {                                                   \
        hash_init(ctx, &__real_##name, &__wrap_##name); \
    }                                                   \
    const br_hash_class __wrap_##name = { size, description, name##_init, hash_update, hash_out, hash_state, hash_set_state }

#define DESCRIPTION(id, out, state, block, length)                                                                              \
    (BR_HASHDESC_ID(id) | BR_HASHDESC_OUT(out) | BR_HASHDESC_STATE(state) | BR_HASHDESC_LBLEN(block) | BR_HASHDESC_MD_PADDING | \
     BR_HASHDESC_MD_PADDING_BE | (length))

HASH_CLASS(br_sha256_vtable, sizeof(br_sha256_context), DESCRIPTION(br_sha256_ID, 32, 32, 6, 0));
HASH_CLASS(br_sha384_vtable, sizeof(br_sha384_context), DESCRIPTION(br_sha384_ID, 48, 64, 7, BR_HASHDESC_MD_PADDING_128));
HASH_CLASS(br_sha512_vtable, sizeof(br_sha512_context), DESCRIPTION(br_sha512_ID, 64, 64, 7, BR_HASHDESC_MD_PADDING_128));

/* --- AEADs ------------------------------------------------------------------------------------------------ */

static void ctr_init(const br_block_ctr_class **ctx, const void *key, size_t len, const br_block_ctr_class *real,
                     const br_block_ctr_class *wrapped)
{
    came_in(key, len);
    INSIDE(real->init(ctx, key, len));
    went_out(ctx, real->context_size);
    *ctx = wrapped;
}

static uint32_t ctr_run(const br_block_ctr_class *const *ctx, const void *iv, uint32_t cc, void *data, size_t len,
                        const br_block_ctr_class *real)
{
    came_in(ctx, real->context_size);
    came_in(iv, 12);
    came_in(data, len);
    INSIDE(cc = real->run(ctx, iv, cc, data, len));
    went_out(data, len);
    return cc;
}

#define CTR_CLASS(name, size)                                                                                             \
    extern const br_block_ctr_class __real_##name, __wrap_##name;                                                         \
    static void name##_init(const br_block_ctr_class **ctx, const void *key, size_t len)                                  \
    {                                                                                                                     \
        ctr_init(ctx, key, len, &__real_##name, &__wrap_##name);                                                          \
    }                                                                                                                     \
    static uint32_t name##_run(const br_block_ctr_class *const *ctx, const void *iv, uint32_t cc, void *data, size_t len) \
    {                                                                                                                     \
        return ctr_run(ctx, iv, cc, data, len, &__real_##name);                                                           \
    }                                                                                                                     \
    const br_block_ctr_class __wrap_##name = { size, 16, 4, name##_init, name##_run }

CTR_CLASS(br_aes_ct64_ctr_vtable, sizeof(br_aes_ct64_ctr_keys));
CTR_CLASS(br_aes_x86ni_ctr_vtable, sizeof(br_aes_x86ni_ctr_keys));

static void ghash(br_ghash f, void *y, const void *h, const void *data, size_t len)
{
    came_in(y, 16);
    came_in(h, 16);
    came_in(data, len);
    INSIDE(f(y, h, data, len));
    went_out(y, 16);
}

WRAP(void, br_ghash_ctmul64, (void *y, const void *h, const void *data, size_t len))
{
    ghash(__real_br_ghash_ctmul64, y, h, data, len);
}

WRAP(void, br_ghash_pclmul, (void *y, const void *h, const void *data, size_t len))
{
    ghash(__real_br_ghash_pclmul, y, h, data, len);
}

/* ChaCha20 is only ever handed to Poly1305, which runs BearSSL's own. */
WRAP(uint32_t, br_chacha20_ct_run, (const void *key, const void *iv, uint32_t cc, void *data, size_t len))
{
    return __real_br_chacha20_ct_run(key, iv, cc, data, len);
}

WRAP(br_chacha20_run, br_chacha20_sse2_get, (void))
{
    return __real_br_chacha20_sse2_get();
}

static void poly1305(br_poly1305_run f, const void *key, const void *iv, void *data, size_t len, const void *aad, size_t aad_len, void *tag,
                     br_chacha20_run chacha, int encrypt)
{
    came_in(key, 32);
    came_in(iv, 12);
    came_in(data, len);
    came_in(aad, aad_len);
    INSIDE(f(key, iv, data, len, aad, aad_len, tag, chacha == __wrap_br_chacha20_ct_run ? __real_br_chacha20_ct_run : chacha, encrypt));
    went_out(data, len);
    went_out(tag, 16);
}

WRAP(void, br_poly1305_ctmul_run,
     (const void *key, const void *iv, void *data, size_t len, const void *aad, size_t aad_len, void *tag, br_chacha20_run chacha,
      int encrypt))
{
    poly1305(__real_br_poly1305_ctmul_run, key, iv, data, len, aad, aad_len, tag, chacha, encrypt);
}

static br_poly1305_run real_ctmulq;

static void ctmulq(const void *key, const void *iv, void *data, size_t len, const void *aad, size_t aad_len, void *tag,
                   br_chacha20_run chacha, int encrypt)
{
    poly1305(real_ctmulq, key, iv, data, len, aad, aad_len, tag, chacha, encrypt);
}

WRAP(br_poly1305_run, br_poly1305_ctmulq_get, (void))
{
    real_ctmulq = __real_br_poly1305_ctmulq_get();
    return real_ctmulq != NULL ? ctmulq : NULL;
}

/* --- curves ----------------------------------------------------------------------------------------------- */

static const unsigned char *ec_order(const br_ec_impl *real, int curve, size_t *len)
{
    const unsigned char *p;
    INSIDE(p = real->order(curve, len));
    went_out(len, sizeof *len);
    return p;
}

static uint32_t ec_mul(const br_ec_impl *real, unsigned char *g, size_t g_len, const unsigned char *x, size_t x_len, int curve)
{
    uint32_t ok;
    came_in(g, g_len);
    came_in(x, x_len);
    INSIDE(ok = real->mul(g, g_len, x, x_len, curve));
    went_out(g, g_len);
    return ok;
}

static size_t ec_mulgen(const br_ec_impl *real, unsigned char *r, const unsigned char *x, size_t x_len, int curve)
{
    size_t n;
    came_in(x, x_len);
    INSIDE(n = real->mulgen(r, x, x_len, curve));
    went_out(r, n);
    return n;
}

#define CURVES(name)                                                                                            \
    extern const br_ec_impl __real_##name, __wrap_##name;                                                       \
    static const unsigned char *name##_order(int curve, size_t *len)                                            \
    {                                                                                                           \
        return ec_order(&__real_##name, curve, len);                                                            \
    }                                                                                                           \
    static uint32_t name##_mul(unsigned char *g, size_t g_len, const unsigned char *x, size_t x_len, int curve) \
    {                                                                                                           \
        return ec_mul(&__real_##name, g, g_len, x, x_len, curve);                                               \
    }                                                                                                           \
    static size_t name##_mulgen(unsigned char *r, const unsigned char *x, size_t x_len, int curve)              \
    {                                                                                                           \
        return ec_mulgen(&__real_##name, r, x, x_len, curve);                                                   \
    }                                                                                                           \
    const br_ec_impl __wrap_##name = { .order = name##_order, .mul = name##_mul, .mulgen = name##_mulgen }

CURVES(br_ec_all_m31);
CURVES(br_ec_c25519_m31);
CURVES(br_ec_p256_m31);
CURVES(br_ec_prime_i31);

/* --- signatures ------------------------------------------------------------------------------------------- */

/* The only curves that we verify and sign with are all of them. */
WRAP(uint32_t, br_ecdsa_i31_vrfy_asn1,
     (const br_ec_impl *impl, const void *hash, size_t hash_len, const br_ec_public_key *pk, const void *sig, size_t sig_len))
{
    uint32_t ok;
    (void)impl;
    came_in(hash, hash_len);
    came_in(pk->q, pk->qlen);
    came_in(sig, sig_len);
    INSIDE(ok = __real_br_ecdsa_i31_vrfy_asn1(&__real_br_ec_all_m31, hash, hash_len, pk, sig, sig_len));
    return ok;
}

WRAP(size_t, br_ecdsa_i31_sign_asn1,
     (const br_ec_impl *impl, const br_hash_class *hf, const void *hash, const br_ec_private_key *sk, void *sig))
{
    size_t n;
    (void)impl;
    came_in(hash, out_size(hf));
    came_in(sk->x, sk->xlen);
    INSIDE(n = __real_br_ecdsa_i31_sign_asn1(&__real_br_ec_all_m31, own_class(hf), hash, sk, sig));
    went_out(sig, n);
    return n;
}

WRAP(size_t, br_ecdsa_raw_to_asn1, (void *sig, size_t len))
{
    came_in(sig, len);
    INSIDE(len = __real_br_ecdsa_raw_to_asn1(sig, len));
    went_out(sig, len);
    return len;
}

static void key_came_in(const br_rsa_public_key *pk)
{
    came_in(pk->n, pk->nlen);
    came_in(pk->e, pk->elen);
}

WRAP(br_rsa_private, br_rsa_private_get_default, (void));
WRAP(br_rsa_public, br_rsa_public_get_default, (void));
WRAP(br_rsa_pkcs1_vrfy, br_rsa_pkcs1_vrfy_get_default, (void));

static uint32_t rsa_private(unsigned char *x, const br_rsa_private_key *sk)
{
    uint32_t ok;
    came_in(x, (sk->n_bitlen + 7) / 8);
    came_in(sk->p, sk->plen);
    came_in(sk->q, sk->qlen);
    came_in(sk->dp, sk->dplen);
    came_in(sk->dq, sk->dqlen);
    came_in(sk->iq, sk->iqlen);
    INSIDE(ok = __real_br_rsa_private_get_default()(x, sk));
    went_out(x, (sk->n_bitlen + 7) / 8);
    return ok;
}

static uint32_t rsa_public(unsigned char *x, size_t len, const br_rsa_public_key *pk)
{
    uint32_t ok;
    came_in(x, len);
    key_came_in(pk);
    INSIDE(ok = __real_br_rsa_public_get_default()(x, len, pk));
    went_out(x, len);
    return ok;
}

static uint32_t rsa_verify(const unsigned char *x, size_t len, const unsigned char *oid, size_t hash_len, const br_rsa_public_key *pk,
                           unsigned char *hash)
{
    uint32_t ok;
    came_in(x, len);
    key_came_in(pk);
    INSIDE(ok = __real_br_rsa_pkcs1_vrfy_get_default()(x, len, oid, hash_len, pk, hash));
    if (ok != 0)
        went_out(hash, hash_len);
    return ok;
}

br_rsa_private __wrap_br_rsa_private_get_default(void)
{
    return rsa_private;
}

br_rsa_public __wrap_br_rsa_public_get_default(void)
{
    return rsa_public;
}

br_rsa_pkcs1_vrfy __wrap_br_rsa_pkcs1_vrfy_get_default(void)
{
    return rsa_verify;
}

/* --- certificate paths ------------------------------------------------------------------------------------ */

static br_x509_class minimal;       /* in front of BearSSL's own */
static const br_x509_class *inside; /* which is this one */

static void start_chain(const br_x509_class **ctx, const char *name)
{
    br_x509_minimal_context *mc = (void *)ctx;
    for (size_t i = 0; i < sizeof mc->mhash.impl / sizeof mc->mhash.impl[0]; i++)
        mc->mhash.impl[i] = own_class(mc->mhash.impl[i]);
    mc->irsa = __real_br_rsa_pkcs1_vrfy_get_default();
    mc->iecdsa = __real_br_ecdsa_i31_vrfy_asn1;
    mc->iec = &__real_br_ec_all_m31;
    INSIDE(inside->start_chain(ctx, name));
}

static void start_cert(const br_x509_class **ctx, uint32_t length)
{
    INSIDE(inside->start_cert(ctx, length));
}

static void append(const br_x509_class **ctx, const unsigned char *buf, size_t len)
{
    came_in(buf, len);
    INSIDE(inside->append(ctx, buf, len));
}

static void end_cert(const br_x509_class **ctx)
{
    INSIDE(inside->end_cert(ctx));
}

static unsigned end_chain(const br_x509_class **ctx)
{
    unsigned code;
    INSIDE(code = inside->end_chain(ctx));
    went_out(ctx, sizeof(br_x509_minimal_context));
    return code;
}

WRAP(void, br_x509_minimal_init,
     (br_x509_minimal_context * mc, const br_hash_class *dn_hash, const br_x509_trust_anchor *anchors, size_t n))
{
    for (size_t i = 0; i < n; i++)
        came_in(anchors[i].dn.data, anchors[i].dn.len);
    INSIDE(__real_br_x509_minimal_init(mc, own_class(dn_hash), anchors, n));
    went_out(mc, sizeof *mc);
    inside = mc->vtable;
    minimal = (br_x509_class){ inside->context_size, start_chain, start_cert, append, end_cert, end_chain, inside->get_pkey };
    mc->vtable = &minimal;
}
