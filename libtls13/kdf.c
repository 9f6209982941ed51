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

/* A key taken in: both hashes stand behind the padded key.  A copy starts a message; the copy is secret as the key is. */
struct mac {
    br_hash_compat_context inner, outer;
};

static void mac_key(struct mac *m, enum hash_id hash, const uint8_t *key, size_t key_len)
{
    const br_hash_class *class = hash_class(hash);
    size_t block = (size_t)1 << ((class->desc >> BR_HASHDESC_LBLEN_OFF) & BR_HASHDESC_LBLEN_MASK);
    uint8_t pad[MAX_BLOCK] = { 0 };
    if (key_len > block)
        (void)hash_once(hash, key, key_len, pad);
    else if (key_len > 0)
        memcpy(pad, key, key_len);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    class->init(&m->inner.vtable);
    class->update(&m->inner.vtable, pad, block);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    class->init(&m->outer.vtable);
    class->update(&m->outer.vtable, pad, block);
    WIPE(pad);
}

static void mac_add(struct mac *m, const void *data, size_t len)
{
    if (len > 0)
        m->inner.vtable->update(&m->inner.vtable, data, len);
}

/* Ends the message and wipes m. */
static size_t mac_end(struct mac *m, uint8_t *out)
{
    const br_hash_class *class = m->inner.vtable;
    uint8_t inner[MAX_OUT];
    class->out(&m->inner.vtable, inner);
    class->update(&m->outer.vtable, inner, hash_size(class));
    class->out(&m->outer.vtable, out);
    WIPE(inner);
    WIPE(*m);
    return hash_size(class);
}

size_t hmac(enum hash_id hash, const uint8_t *key, size_t key_len, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out)
{
    struct mac m;
    mac_key(&m, hash, key, key_len);
    mac_add(&m, a, a_len);
    mac_add(&m, b, b_len);
    return mac_end(&m, out);
}

/* --- HKDF ------------------------------------------------------------------------------------------------- */

void kdf_extract(enum hash_id hash, const uint8_t *salt, size_t salt_len, const uint8_t *ikm, size_t ikm_len, uint8_t *out)
{
    (void)hmac(hash, salt, salt_len, ikm, ikm_len, NULL, 0, out);
}

void kdf_expand(enum hash_id hash, const uint8_t *prk, size_t prk_len, const void *info, size_t info_len, uint8_t *out, size_t out_len)
{
    struct mac key, m;
    uint8_t t[MAX_OUT];
    size_t t_len = 0;
    mac_key(&key, hash, prk, prk_len);
    for (uint8_t i = 1; out_len > 0; i++) {
        m = key;
        mac_add(&m, t, t_len);
        mac_add(&m, info, info_len);
        mac_add(&m, &i, 1);
        t_len = mac_end(&m, t);
        size_t n = out_len < t_len ? out_len : t_len;
        memcpy(out, t, n);
        out += n;
        out_len -= n;
    }
    WIPE(key);
    WIPE(t);
}

static size_t hash_len(enum hash_id hash)
{
    return hash_size(hash_class(hash));
}

void kdf_expand_label(enum hash_id hash, const uint8_t *secret, const char *label, const void *context, size_t context_len, uint8_t *out,
                      size_t out_len)
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
    if (w.bad || out_len > 255 * hash_len(hash))
        abort(); /* the caller broke the contract: no key is better than a wrong one */
    kdf_expand(hash, secret, hash_len(hash), info, w.len, out, out_len);
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

void ks_early(struct key_schedule *ks, const struct suite *suite, const uint8_t *psk, size_t psk_len)
{
    ks->hash = suite->hash;
    size_t n = hash_len(ks->hash);
    if (psk == NULL)
        kdf_extract(ks->hash, zeros, n, zeros, n, ks->secret);
    else
        kdf_extract(ks->hash, zeros, n, psk, psk_len, ks->secret);
}

/* The arrow down: Derive-Secret(., "derived", "") is the salt of the next stage. */
static void next_stage(struct key_schedule *ks, const uint8_t *ikm, size_t ikm_len)
{
    uint8_t salt[MAX_HASH];
    ks_derive(ks, "derived", NULL, salt);
    kdf_extract(ks->hash, salt, hash_len(ks->hash), ikm, ikm_len, ks->secret);
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
    uint8_t nothing[MAX_OUT];
    if (transcript_hash == NULL) {
        (void)hash_once(ks->hash, NULL, 0, nothing);
        transcript_hash = nothing;
    }
    kdf_derive(ks->hash, ks->secret, label, transcript_hash, out);
}
