/* HMAC (RFC 2104), HKDF (RFC 5869) and the key schedule (RFC 8446 7.1). */
#include "kdf.h"

#include "bytes.h"
#include "hash_impl.h"

#include <stdlib.h>

#define MAX_OUT   64 /* bytes of SHA-512's output */
#define MAX_BLOCK 128

size_t hash_once(enum hash_id hash, const void *data, size_t len, uint8_t *out)
{
    const br_hash_class *class = hash_class(hash);
    br_hash_compat_context c;
    class->init(&c.vtable);
    class->update(&c.vtable, data, len);
    class->out(&c.vtable, out);
    WIPE(c);
    return hash_size(class);
}

/* --- HMAC ------------------------------------------------------------------------------------------------- */

static size_t block_size(const br_hash_class *class)
{
    return (size_t)1 << ((class->desc >> BR_HASHDESC_LBLEN_OFF) & BR_HASHDESC_LBLEN_MASK);
}

/* The hash's state behind one block. */
static void take_block(const br_hash_class *class, const uint8_t *block, uint8_t *state)
{
    br_hash_compat_context c;
    class->init(&c.vtable);
    class->update(&c.vtable, block, block_size(class));
    (void)class->state(&c.vtable, state);
    WIPE(c);
}

void hmac_key(struct hmac_key *k, enum hash_id hash, const uint8_t *key, size_t key_len)
{
    const br_hash_class *class = hash_class(hash);
    size_t block = block_size(class);
    uint8_t pad[MAX_BLOCK] = { 0 };
    k->hash = (uint8_t)hash;
    if (key_len > block)
        (void)hash_once(hash, key, key_len, pad);
    else if (key_len > 0)
        memcpy(pad, key, key_len);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    take_block(class, pad, k->inner);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    take_block(class, pad, k->outer);
    WIPE(pad);
}

static void mac_begin(br_hash_compat_context *c, const struct hmac_key *k)
{
    const br_hash_class *class = hash_class((enum hash_id)k->hash);
    c->vtable = class;
    class->set_state(&c->vtable, k->inner, block_size(class));
}

static void mac_add(br_hash_compat_context *c, const void *data, size_t len)
{
    if (len > 0)
        c->vtable->update(&c->vtable, data, len);
}

/* Ends the message and wipes c. */
static size_t mac_end(br_hash_compat_context *c, const struct hmac_key *k, uint8_t *out)
{
    const br_hash_class *class = c->vtable;
    uint8_t inner[MAX_OUT];
    class->out(&c->vtable, inner);
    class->set_state(&c->vtable, k->outer, block_size(class));
    class->update(&c->vtable, inner, hash_size(class));
    class->out(&c->vtable, out);
    WIPE(inner);
    WIPE(*c);
    return hash_size(class);
}

size_t hmac_with(const struct hmac_key *k, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out)
{
    br_hash_compat_context c;
    mac_begin(&c, k);
    mac_add(&c, a, a_len);
    mac_add(&c, b, b_len);
    return mac_end(&c, k, out);
}

size_t hmac(enum hash_id hash, const uint8_t *key, size_t key_len, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out)
{
    struct hmac_key k;
    hmac_key(&k, hash, key, key_len);
    size_t n = hmac_with(&k, a, a_len, b, b_len, out);
    WIPE(k);
    return n;
}

/* --- HKDF ------------------------------------------------------------------------------------------------- */

void kdf_extract(enum hash_id hash, const uint8_t *salt, size_t salt_len, const uint8_t *ikm, size_t ikm_len, uint8_t *out)
{
    (void)hmac(hash, salt, salt_len, ikm, ikm_len, NULL, 0, out);
}

static void expand_with(const struct hmac_key *k, const void *info, size_t info_len, uint8_t *out, size_t out_len)
{
    br_hash_compat_context c;
    uint8_t t[MAX_OUT];
    size_t t_len = 0;
    for (uint8_t i = 1; out_len > 0; i++) {
        mac_begin(&c, k);
        mac_add(&c, t, t_len);
        mac_add(&c, info, info_len);
        mac_add(&c, &i, 1);
        t_len = mac_end(&c, k, t);
        size_t n = out_len < t_len ? out_len : t_len;
        memcpy(out, t, n);
        out += n;
        out_len -= n;
    }
    WIPE(t);
}

void kdf_expand(enum hash_id hash, const uint8_t *prk, size_t prk_len, const void *info, size_t info_len, uint8_t *out, size_t out_len)
{
    struct hmac_key k;
    hmac_key(&k, hash, prk, prk_len);
    expand_with(&k, info, info_len, out, out_len);
    WIPE(k);
}

static size_t hash_len(enum hash_id hash)
{
    return hash_size(hash_class(hash));
}

void kdf_label_with(const struct hmac_key *secret, const char *label, const void *context, size_t context_len, uint8_t *out, size_t out_len)
{
    uint8_t info[2 + 1 + 255 + 1 + 255]; /* HkdfLabel, 7.1 */
    struct wr w = wr_of(info, sizeof info);
    wr_u16(&w, (unsigned)out_len);
    size_t mark = wr_open(&w, 1);
    wr_bytes(&w, "tls13 ", 6);
    wr_bytes(&w, label, strlen(label));
    wr_close(&w, mark, 1);
    mark = wr_open(&w, 1);
    wr_bytes(&w, context, context_len);
    wr_close(&w, mark, 1);
    if (w.bad || out_len > 255 * hash_len((enum hash_id)secret->hash))
        abort(); /* the caller broke the contract: no key is better than a wrong one */
    expand_with(secret, info, w.len, out, out_len);
}

void kdf_expand_label(enum hash_id hash, const uint8_t *secret, const char *label, const void *context, size_t context_len, uint8_t *out,
                      size_t out_len)
{
    struct hmac_key k;
    hmac_key(&k, hash, secret, hash_len(hash));
    kdf_label_with(&k, label, context, context_len, out, out_len);
    WIPE(k);
}

void kdf_derive(enum hash_id hash, const uint8_t *secret, const char *label, const uint8_t *transcript_hash, uint8_t *out)
{
    kdf_expand_label(hash, secret, label, transcript_hash, hash_len(hash), out, hash_len(hash));
}

void kdf_finished(enum hash_id hash, const uint8_t *base_key, const uint8_t *transcript_hash, uint8_t *out)
{
    uint8_t key[MAX_OUT];
    size_t n = hash_len(hash);
    kdf_expand_label(hash, base_key, "finished", NULL, 0, key, n);
    (void)hmac(hash, key, n, transcript_hash, n, NULL, 0, out);
    WIPE(key);
}

/* --- key schedule ----------------------------------------------------------------------------------------- */

static const uint8_t zeros[MAX_HASH];

/* What no secret goes into: the hash of nothing, the Early Secret without a PSK and what is derived of it for the next stage. */
struct fixed {
    uint8_t nothing[MAX_HASH], early[MAX_HASH], derived[MAX_HASH];
};
static const struct fixed fixed_sha256 = {
    { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
      0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55 },
    { 0x33, 0xad, 0x0a, 0x1c, 0x60, 0x7e, 0xc0, 0x3b, 0x09, 0xe6, 0xcd, 0x98, 0x93, 0x68, 0x0c, 0xe2,
      0x10, 0xad, 0xf3, 0x00, 0xaa, 0x1f, 0x26, 0x60, 0xe1, 0xb2, 0x2e, 0x10, 0xf1, 0x70, 0xf9, 0x2a },
    { 0x6f, 0x26, 0x15, 0xa1, 0x08, 0xc7, 0x02, 0xc5, 0x67, 0x8f, 0x54, 0xfc, 0x9d, 0xba, 0xb6, 0x97,
      0x16, 0xc0, 0x76, 0x18, 0x9c, 0x48, 0x25, 0x0c, 0xeb, 0xea, 0xc3, 0x57, 0x6c, 0x36, 0x11, 0xba },
};
static const struct fixed fixed_sha384 = {
    { 0x38, 0xb0, 0x60, 0xa7, 0x51, 0xac, 0x96, 0x38, 0x4c, 0xd9, 0x32, 0x7e, 0xb1, 0xb1, 0xe3, 0x6a,
      0x21, 0xfd, 0xb7, 0x11, 0x14, 0xbe, 0x07, 0x43, 0x4c, 0x0c, 0xc7, 0xbf, 0x63, 0xf6, 0xe1, 0xda,
      0x27, 0x4e, 0xde, 0xbf, 0xe7, 0x6f, 0x65, 0xfb, 0xd5, 0x1a, 0xd2, 0xf1, 0x48, 0x98, 0xb9, 0x5b },
    { 0x7e, 0xe8, 0x20, 0x6f, 0x55, 0x70, 0x02, 0x3e, 0x6d, 0xc7, 0x51, 0x9e, 0xb1, 0x07, 0x3b, 0xc4,
      0xe7, 0x91, 0xad, 0x37, 0xb5, 0xc3, 0x82, 0xaa, 0x10, 0xba, 0x18, 0xe2, 0x35, 0x7e, 0x71, 0x69,
      0x71, 0xf9, 0x36, 0x2f, 0x2c, 0x2f, 0xe2, 0xa7, 0x6b, 0xfd, 0x78, 0xdf, 0xec, 0x4e, 0xa9, 0xb5 },
    { 0x15, 0x91, 0xda, 0xc5, 0xcb, 0xbf, 0x03, 0x30, 0xa4, 0xa8, 0x4d, 0xe9, 0xc7, 0x53, 0x33, 0x0e,
      0x92, 0xd0, 0x1f, 0x0a, 0x88, 0x21, 0x4b, 0x44, 0x64, 0x97, 0x2f, 0xd6, 0x68, 0x04, 0x9e, 0x93,
      0xe5, 0x2f, 0x2b, 0x16, 0xfa, 0xd9, 0x22, 0xfd, 0xc0, 0x58, 0x44, 0x78, 0x42, 0x8f, 0x28, 0x2b },
};

static const struct fixed *fixed_of(const struct key_schedule *ks)
{
    return ks->hash == HASH_SHA256 ? &fixed_sha256 : &fixed_sha384;
}

/* The next stage's secret out of its salt. */
static void enter(struct key_schedule *ks, const uint8_t *salt, const uint8_t *ikm, size_t ikm_len)
{
    kdf_extract(ks->hash, salt, hash_len(ks->hash), ikm, ikm_len, ks->secret);
    hmac_key(&ks->key, ks->hash, ks->secret, hash_len(ks->hash));
}

void ks_early(struct key_schedule *ks, const struct suite *suite, const uint8_t *psk, size_t psk_len)
{
    ks->hash = suite->hash;
    ks->no_psk = psk == NULL;
    if (psk == NULL)
        memcpy(ks->secret, fixed_of(ks)->early, hash_len(ks->hash));
    else
        enter(ks, zeros, psk, psk_len);
}

/* The arrow down: Derive-Secret(., "derived", "") is the salt of the next stage. */
static void next_stage(struct key_schedule *ks, const uint8_t *ikm, size_t ikm_len)
{
    uint8_t salt[MAX_HASH];
    if (ks->no_psk)
        memcpy(salt, fixed_of(ks)->derived, sizeof salt);
    else
        ks_derive(ks, "derived", NULL, salt);
    ks->no_psk = false;
    enter(ks, salt, ikm, ikm_len);
    WIPE(salt);
}

void ks_handshake(struct key_schedule *ks, const uint8_t *shared, size_t shared_len)
{
    next_stage(ks, shared, shared_len);
}

void ks_master(struct key_schedule *ks)
{
    next_stage(ks, zeros, hash_len(ks->hash));
}

void ks_derive(const struct key_schedule *ks, const char *label, const uint8_t *transcript_hash, uint8_t *out)
{
    const size_t n = hash_len(ks->hash);
    if (transcript_hash == NULL)
        transcript_hash = fixed_of(ks)->nothing;
    if (ks->no_psk) /* nobody derives of a secret that everybody knows, tests aside */
        kdf_derive(ks->hash, ks->secret, label, transcript_hash, out);
    else
        kdf_label_with(&ks->key, label, transcript_hash, n, out, n);
}
