/* HKDF (RFC 5869) over the suite's hash, HKDF-Expand-Label, and the key schedule in stages (RFC 8446 7.1). */
#ifndef TLS13_KDF_H
#define TLS13_KDF_H

#include "suite.h"

/* Hash of len bytes; => the hash's length in bytes.  out has room for it (at most 64). */
size_t hash_once(enum hash_id hash, const void *data, size_t len, uint8_t *out);
/* HMAC (RFC 2104) over two pieces, either of which may be empty; => the hash's length. */
size_t hmac(enum hash_id hash, const uint8_t *key, size_t key_len, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out);
/*
 * A key taken in once for many messages: the states of both hashes behind the padded key (RFC 2104 4).  As secret as the key: the caller
 * wipes it.
 */
struct hmac_key {
    uint8_t hash; /* enum hash_id */
    uint8_t inner[64], outer[64];
};
void hmac_key(struct hmac_key *k, enum hash_id hash, const uint8_t *key, size_t key_len);
/* hmac() under that key. */
size_t hmac_with(const struct hmac_key *k, const void *a, size_t a_len, const void *b, size_t b_len, uint8_t *out);

/* HKDF-Extract: out = HMAC(salt, ikm), hash length. */
void kdf_extract(enum hash_id hash, const uint8_t *salt, size_t salt_len, const uint8_t *ikm, size_t ikm_len, uint8_t *out);
/* HKDF-Expand: out_len <= 255 hash lengths. */
void kdf_expand(enum hash_id hash, const uint8_t *prk, size_t prk_len, const void *info, size_t info_len, uint8_t *out, size_t out_len);
/*
 * HKDF-Expand-Label (7.1): label without the "tls13 " prefix, at most 249 bytes; context at most 255; out_len <= 255 hash lengths.
 * secret has the hash's length.  Ends the process when the caller breaks these bounds.
 */
void kdf_expand_label(enum hash_id hash, const uint8_t *secret, const char *label, const void *context, size_t context_len, uint8_t *out,
                      size_t out_len);
/* The same with the secret taken in. */
void kdf_label_with(const struct hmac_key *secret, const char *label, const void *context, size_t context_len, uint8_t *out,
                    size_t out_len);
/* Derive-Secret (7.1) with the transcript hash already made. */
void kdf_derive(enum hash_id hash, const uint8_t *secret, const char *label, const uint8_t *transcript_hash, uint8_t *out);

/*
 * The running secret of the key schedule: each step overwrites the last.
 *   ks_early -> ks_handshake -> ks_master; ks_derive at each stage for that stage's secrets.
 */
struct key_schedule {
    uint8_t hash;
    bool no_psk; /* the secret is the one of ks_early without a PSK: key is not set */
    uint8_t secret[MAX_HASH];
    struct hmac_key key; /* secret, for ks_derive */
};
/* psk NULL: none (zeros of the hash's length).  7.1. */
void ks_early(struct key_schedule *ks, const struct suite *suite, const uint8_t *psk, size_t psk_len);
void ks_handshake(struct key_schedule *ks, const uint8_t *shared, size_t shared_len);
void ks_master(struct key_schedule *ks);
/* Derive-Secret from the present stage; transcript_hash NULL: the hash of nothing. */
void ks_derive(const struct key_schedule *ks, const char *label, const uint8_t *transcript_hash, uint8_t *out);

/* Finished's verify_data (4.4.4): HMAC under the finished key of base_key; hash length bytes. */
void kdf_finished(enum hash_id hash, const uint8_t *base_key, const uint8_t *transcript_hash, uint8_t *out);

#endif
