/* Signatures: the scheme table, EMSA-PSS, and nothing given out that does not verify. */
#include "sign.h"

#include "cpu.h"
#include "der.h"
#include "hash_impl.h"
#include "kdf.h"
#include "key_bearssl.h"
#include "nist.h"
#include "sign_kat.h"
#include "tls13.h"
#include "x86/p256.h"
#include "x86/rsa.h"

/* --- schemes ------------------------------------------------------------------------------------------------ */

static const struct sig_scheme schemes[] = {
    { SIG_ECDSA_P256, KEY_P256, HASH_SHA256, "ecdsa_secp256r1_sha256" },
    { SIG_ECDSA_P384, KEY_P384, HASH_SHA384, "ecdsa_secp384r1_sha384" },
    { SIG_PSS_RSAE_SHA256, KEY_RSA, HASH_SHA256, "rsa_pss_rsae_sha256" },
    { SIG_PSS_RSAE_SHA384, KEY_RSA, HASH_SHA384, "rsa_pss_rsae_sha384" },
    { SIG_PSS_RSAE_SHA512, KEY_RSA, HASH_SHA512, "rsa_pss_rsae_sha512" },
    { SIG_PSS_PSS_SHA256, KEY_RSA_PSS, HASH_SHA256, "rsa_pss_pss_sha256" },
    { SIG_PSS_PSS_SHA384, KEY_RSA_PSS, HASH_SHA384, "rsa_pss_pss_sha384" },
    { SIG_PSS_PSS_SHA512, KEY_RSA_PSS, HASH_SHA512, "rsa_pss_pss_sha512" },
};

const struct sig_scheme *sig_schemes(size_t *n)
{
    *n = COUNT(schemes);
    return schemes;
}

const struct sig_scheme *sig_by_id(uint16_t id)
{
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (schemes[i].id == id)
            return &schemes[i];
    return NULL;
}

const char *tls13_scheme_name(uint16_t scheme)
{
    const struct sig_scheme *s = sig_by_id(scheme);
    return s != NULL ? s->name : scheme == 0 ? "" : "unknown";
}

static const br_hash_class *class_of(const struct sig_scheme *scheme)
{
    return hash_class((enum hash_id)scheme->hash);
}

size_t sig_hash_len(const struct sig_scheme *scheme)
{
    return hash_size(class_of(scheme));
}

bool sig_fits(const struct public_key *key, const struct sig_scheme *scheme)
{
    return key->type == scheme->key && (key->pss_hash == 0 || key->pss_hash == 8 * sig_hash_len(scheme));
}

/* --- seams: what an accelerated primitive may replace ------------------------------------------------------- */

/* ECDSA of our own, the numbers as long as the curve's. */
struct ecdsa {
    size_t bytes;
    bool (*sign)(uint8_t *rs, const uint8_t *d, const uint8_t *xy, const uint8_t *hash);
    bool (*verify)(const uint8_t *xy, const uint8_t *hash, const uint8_t *rs);
};

/* => NULL: BearSSL's is all there is for this key on this CPU. */
static const struct ecdsa *own_ecdsa(enum key_type type)
{
#ifdef __x86_64__
    static const struct ecdsa p256_avx2 = { 32, p256_ecdsa_sign, p256_ecdsa_verify };
    if (type == KEY_P256 && cpu_has(P256_NEEDS))
        return &p256_avx2;
#endif
#ifdef HAVE_NIST64
    static const struct ecdsa p256 = { 32, nist64_p256_sign, nist64_p256_verify };
    static const struct ecdsa p384 = { 48, nist64_p384_sign, nist64_p384_verify };
    if (cpu_has(NIST64_NEEDS))
        return type == KEY_P256 ? &p256 : type == KEY_P384 ? &p384 : NULL;
#endif
    return NULL;
}

/* => the signature's length, 0 when it did not stand up to its check (x86/p256.h). */
static size_t ecdsa_sign(const struct ecdsa *e, const struct private_key *key, const uint8_t *hash, uint8_t *sig)
{
    return key->d.n == e->bytes && e->sign(sig, key->d.p, key->point + 1, hash) ? br_ecdsa_raw_to_asn1(sig, 2 * e->bytes) : 0;
}

static bool ecdsa_verify(const struct ecdsa *e, const struct public_key *key, const uint8_t *hash, const uint8_t *sig, size_t len)
{
    uint8_t rs[96] = { 0 };
    /* The two numbers of a signature that der_ecdsa_sig_ok took. */
    struct rd r = rd_of(sig, len), seq = der_open(&r, DER_SEQUENCE);
    for (size_t end = e->bytes; end <= 2 * e->bytes; end += e->bytes) {
        struct slice v = der_uint(&seq);
        memcpy(rs + end - v.n, v.p, v.n);
    }
    return key->point.n == 1 + 2 * e->bytes && e->verify(key->point.p + 1, hash, rs);
}

static br_rsa_private rsa_signer(void)
{
#ifdef __x86_64__
    if (cpu_has(RSA_NEEDS))
        return rsa_ifma_private;
#endif
    return br_rsa_private_get_default();
}

static br_rsa_public rsa_verifier(void)
{
#ifdef __x86_64__
    if (cpu_has(RSA_NEEDS))
        return rsa_ifma_public;
#endif
    return br_rsa_public_get_default();
}

/* --- EMSA-PSS ----------------------------------------------------------------------------------------------- */

/* XORs MGF1(seed) over out: RFC 8017 B.2.1.  The seed is a hash. */
static void mgf1_xor(const br_hash_class *hc, uint8_t *out, size_t n, const uint8_t *seed, size_t seed_len)
{
    for (uint32_t counter = 0; n != 0; counter++) {
        br_hash_compat_context hash;
        uint8_t block[SIG_MAX_HASH], count[4];
        store32(count, counter);
        hc->init(&hash.vtable);
        hc->update(&hash.vtable, seed, seed_len);
        hc->update(&hash.vtable, count, sizeof count);
        hc->out(&hash.vtable, block);
        size_t take = n < seed_len ? n : seed_len;
        for (size_t i = 0; i < take; i++)
            out[i] ^= block[i];
        out += take;
        n -= take;
    }
}

/* H = Hash(eight zeros, mHash, salt): RFC 8017 9.1.1 step 5 and 6.  The salt is as long as the hash (RFC 8446 4.2.3). */
static void pss_hash(const br_hash_class *hc, size_t h, const uint8_t *m_hash, const uint8_t *salt, uint8_t *out)
{
    static const uint8_t zeros[8];
    br_hash_compat_context hash;
    hc->init(&hash.vtable);
    hc->update(&hash.vtable, zeros, sizeof zeros);
    hc->update(&hash.vtable, m_hash, h);
    hc->update(&hash.vtable, salt, h);
    hc->out(&hash.vtable, out);
}

/* The encoded message's place in k bytes of a modulus of `bits` bits: emBits = bits - 1, which may leave a zero byte in front. */
static size_t pss_lead(unsigned bits)
{
    return (bits - 1) % 8 == 0 ? 1 : 0;
}

/* The bits of the first byte that lie above emBits. */
static uint8_t pss_top_mask(unsigned bits)
{
    return (uint8_t)(0xffU << (bits - 1) % 8);
}

/* RFC 8017 9.1.1 into k = (bits + 7) / 8 bytes at em; false when the modulus is too short for the hash. */
static bool pss_encode(const struct sig_scheme *scheme, unsigned bits, const uint8_t *m_hash, const uint8_t *salt, uint8_t *em)
{
    const br_hash_class *hc = class_of(scheme);
    size_t h = sig_hash_len(scheme), k = (bits + 7) / 8, lead = pss_lead(bits), len = k - lead;
    if (len < 2 * h + 2)
        return false;
    size_t db = len - h - 1;
    memset(em, 0, k);
    em += lead;
    em[db - h - 1] = 1;
    memcpy(em + db - h, salt, h);
    pss_hash(hc, h, m_hash, salt, em + db);
    mgf1_xor(hc, em, db, em + db, h);
    if (lead == 0)
        em[0] &= (uint8_t)~pss_top_mask(bits);
    em[len - 1] = 0xbc;
    return true;
}

/* RFC 8017 9.1.2 over the k bytes at em, which it unmasks.  Nothing here is secret. */
static bool pss_verify(const struct sig_scheme *scheme, unsigned bits, const uint8_t *m_hash, uint8_t *em)
{
    const br_hash_class *hc = class_of(scheme);
    size_t h = sig_hash_len(scheme), k = (bits + 7) / 8, lead = pss_lead(bits), len = k - lead;
    if (len < 2 * h + 2 || (lead != 0 && em[0] != 0))
        return false;
    size_t db = len - h - 1;
    uint8_t top = lead == 0 ? pss_top_mask(bits) : 0;
    em += lead;
    if (em[len - 1] != 0xbc || (em[0] & top) != 0)
        return false;
    mgf1_xor(hc, em, db, em + db, h);
    em[0] &= (uint8_t)~top;
    uint8_t padding = 0;
    for (size_t i = 0; i < db - h - 1; i++)
        padding |= em[i];
    if (padding != 0 || em[db - h - 1] != 1)
        return false;
    uint8_t want[SIG_MAX_HASH];
    pss_hash(hc, h, m_hash, em + db - h, want);
    return ct_equal(want, em + db, h);
}

/* --- verify ------------------------------------------------------------------------------------------------- */

/* sig^e mod n over sig; false when sig is not below n. */
static bool rsa_public(const struct public_key *key, uint8_t *sig, size_t len)
{
    const br_rsa_public_key pk = bearssl_rsa(key);
    return rsa_verifier()(sig, len, &pk) != 0;
}

int sig_verify(const struct public_key *key, const struct sig_scheme *scheme, const uint8_t *hash, const uint8_t *sig, size_t len)
{
    if (!sig_fits(key, scheme))
        return -TLS13_E_ILLEGAL;
    if (key->type == KEY_P256 || key->type == KEY_P384) {
        /* BearSSL takes some BER: RFC 8446 4.2.3 wants DER. */
        if (!der_ecdsa_sig_ok(sig, len, key->bits / 8))
            return -TLS13_E_DECRYPT;
        const struct ecdsa *e = own_ecdsa(key->type);
        if (e != NULL)
            return ecdsa_verify(e, key, hash, sig, len) ? 0 : -TLS13_E_DECRYPT;
        const br_ec_public_key pk = bearssl_ec(key);
        return br_ecdsa_i31_vrfy_asn1(&br_ec_all_m31, hash, sig_hash_len(scheme), &pk, sig, len) != 0 ? 0 : -TLS13_E_DECRYPT;
    }
    uint8_t em[SIG_MAX];
    if (len != (key->bits + 7) / 8 || len > sizeof em) /* RFC 8017 8.1.2 step 1 */
        return -TLS13_E_DECRYPT;
    memcpy(em, sig, len);
    return rsa_public(key, em, len) && pss_verify(scheme, key->bits, hash, em) ? 0 : -TLS13_E_DECRYPT;
}

/* --- sign --------------------------------------------------------------------------------------------------- */

/* em^d mod n over em by CRT; false when BearSSL refuses the key. */
static bool rsa_private(const struct private_key *key, uint8_t *em)
{
    const br_rsa_private_key sk = { .n_bitlen = key->bits,
                                    .p = bearssl_bytes(key->p),
                                    .plen = key->p.n,
                                    .q = bearssl_bytes(key->q),
                                    .qlen = key->q.n,
                                    .dp = bearssl_bytes(key->dp),
                                    .dplen = key->dp.n,
                                    .dq = bearssl_bytes(key->dq),
                                    .dqlen = key->dq.n,
                                    .iq = bearssl_bytes(key->iq),
                                    .iqlen = key->iq.n };
    return rsa_signer()(em, &sk) != 0;
}

static size_t sign_unchecked(const struct private_key *key, const struct sig_scheme *scheme, const uint8_t *hash, const uint8_t *salt,
                             uint8_t *sig)
{
    if (key->type == KEY_P256 || key->type == KEY_P384) {
        const br_ec_private_key sk = { .curve = bearssl_curve(key->type), .x = bearssl_bytes(key->d), .xlen = key->d.n };
        return br_ecdsa_i31_sign_asn1(&br_ec_all_m31, class_of(scheme), hash, &sk, sig);
    }
    if (!pss_encode(scheme, key->bits, hash, salt, sig) || !rsa_private(key, sig))
        return 0;
    return (key->bits + 7) / 8;
}

int sig_sign(const struct private_key *key, const struct sig_scheme *scheme, const uint8_t *hash, const uint8_t *salt, uint8_t *sig)
{
    struct public_key pub = key_public(key);
    if (!sig_fits(&pub, scheme))
        return -TLS13_E_BAD_ARGUMENT;
    const struct ecdsa *e = own_ecdsa(key->type);
    bool checked = e != NULL; /* within, at half the cost */
    size_t len = checked ? ecdsa_sign(e, key, hash, sig) : sign_unchecked(key, scheme, hash, salt, sig);
    /* RFC 8446 C.3: one faulty RSA-CRT signature gives a factor of the modulus away. */
    if (len == 0 || (!checked && sig_verify(&pub, scheme, hash, sig, len) < 0)) {
        explicit_bzero(sig, SIG_MAX);
        return -TLS13_E_INTERNAL;
    }
    return (int)len;
}

/* --- known answers ------------------------------------------------------------------------------------------ */

#define SLICE(array)         \
    {                        \
        array, sizeof(array) \
    }

/* Signing must give exactly the known signature, and that must verify, but not for another hash. */
static bool known(const struct private_key *key, uint16_t id, const uint8_t *hash, const uint8_t *salt, struct slice want)
{
    uint8_t sig[SIG_MAX], other[SIG_MAX_HASH];
    const struct sig_scheme *scheme = sig_by_id(id);
    struct public_key pub = key_public(key);
    memcpy(other, hash, sig_hash_len(scheme));
    other[sig_hash_len(scheme) - 1] ^= 1;
    return sig_sign(key, scheme, hash, salt, sig) == (int)want.n && memcmp(sig, want.p, want.n) == 0 &&
           sig_verify(&pub, scheme, hash, want.p, want.n) == 0 && sig_verify(&pub, scheme, other, want.p, want.n) == -TLS13_E_DECRYPT;
}

int sig_selftest(void)
{
    static const uint8_t e[] = { 1, 0, 1 };
    struct private_key p256 = { .type = KEY_P256, .bits = 256, .d = SLICE(rfc6979_p256_x) };
    struct private_key p384 = { .type = KEY_P384, .bits = 384, .d = SLICE(rfc6979_p384_x) };
    const struct private_key rsa = { .type = KEY_RSA,
                                     .bits = 1024,
                                     .n = SLICE(rfc8448_n),
                                     .e = SLICE(e),
                                     .p = SLICE(rfc8448_p),
                                     .q = SLICE(rfc8448_q),
                                     .dp = SLICE(rfc8448_dp),
                                     .dq = SLICE(rfc8448_dq),
                                     .iq = SLICE(rfc8448_iq) };
    uint8_t hash[SIG_MAX_HASH];
    memcpy(p256.point, rfc6979_p256_u, sizeof rfc6979_p256_u);
    memcpy(p384.point, rfc6979_p384_u, sizeof rfc6979_p384_u);
    hash_once(HASH_SHA256, "sample", 6, hash);
    bool ok = known(&p256, SIG_ECDSA_P256, hash, NULL, (struct slice)SLICE(rfc6979_p256_sig));
    hash_once(HASH_SHA384, "sample", 6, hash);
    ok = ok && known(&p384, SIG_ECDSA_P384, hash, NULL, (struct slice)SLICE(rfc6979_p384_sig));
    ok = ok && known(&rsa, SIG_PSS_RSAE_SHA256, rfc8448_hash, rfc8448_salt, (struct slice)SLICE(rfc8448_sig));
    return ok ? 0 : -TLS13_E_SELFTEST;
}
