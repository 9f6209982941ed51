/* Record protection in place. */
#include "record.h"

#include "kdf.h"

void rec_start(struct direction *d, const struct suite *suite, const uint8_t *secret)
{
    struct hmac_key k;
    uint8_t key[32];
    if (secret != d->secret)
        memcpy(d->secret, secret, suite->hash_len);
    hmac_key(&k, suite->hash, d->secret, suite->hash_len);
    kdf_label_with(&k, "key", NULL, 0, key, suite->key_len);
    kdf_label_with(&k, "iv", NULL, 0, d->iv, sizeof d->iv);
    aead_init(&d->aead, suite, key);
    WIPE(k);
    WIPE(key);
    d->seq = 0;
    d->on = true;
}

void rec_update(struct direction *d, const struct suite *suite)
{
    uint8_t next[MAX_HASH];
    kdf_expand_label(suite->hash, d->secret, "traffic upd", NULL, 0, next, suite->hash_len);
    rec_start(d, suite, next);
    WIPE(next);
}

void rec_wipe(struct direction *d)
{
    explicit_bzero(d, sizeof *d);
}

/* The per-record nonce: the sequence, padded in front, xor iv (5.3). */
static void make_nonce(const struct direction *d, uint8_t nonce[static AEAD_NONCE])
{
    uint8_t seq[8];
    store64(seq, d->seq);
    memcpy(nonce, d->iv, AEAD_NONCE);
    for (int i = 0; i < 8; i++)
        nonce[4 + i] ^= seq[i];
}

int rec_open(struct direction *d, uint8_t *rec, size_t body_len, uint8_t *type, size_t *len)
{
    uint8_t nonce[AEAD_NONCE], *body = rec + TLS13_HEAD;
    if (body_len < AEAD_TAG + 1)
        return -TLS13_E_BAD_MAC; /* too short to hold a type and a tag */
    if (d->seq == UINT64_MAX)
        return -TLS13_E_INTERNAL; /* 5.3: must not wrap */
    make_nonce(d, nonce);
    size_t n = body_len - AEAD_TAG;
    int err = aead_open(&d->aead, nonce, rec, TLS13_HEAD, body, n);
    if (err < 0)
        return err;
    d->seq++;
    if (n > TLS13_MAX_PLAIN + 1) /* 5.4: the inner plaintext, padding included */
        return -TLS13_E_OVERFLOW;
    while (n != 0 && body[n - 1] == 0)
        n--;
    if (n == 0)
        return -TLS13_E_UNEXPECTED; /* 5.4: no content type */
    *type = body[n - 1];
    *len = n - 1;
    return 0;
}

size_t rec_seal(struct direction *d, uint8_t *rec, size_t n, uint8_t type)
{
    rec[1] = 3; /* legacy_record_version (5.1) */
    rec[2] = 3;
    if (!d->on) {
        rec[0] = type;
        store16(rec + 3, (unsigned)n);
        return TLS13_HEAD + n;
    }
    uint8_t nonce[AEAD_NONCE];
    make_nonce(d, nonce);
    d->seq++;
    rec[0] = CT_DATA;
    store16(rec + 3, (unsigned)(n + TLS13_TAIL));
    rec[TLS13_HEAD + n] = type;
    aead_seal(&d->aead, nonce, rec, TLS13_HEAD, rec + TLS13_HEAD, n + 1);
    return TLS13_HEAD + n + TLS13_TAIL;
}
