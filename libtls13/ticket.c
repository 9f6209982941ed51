/* Tickets: seal, open, age. */
#include "ticket.h"

#include "aead.h"

enum { NAME = 16, TICKET_VERSION = 2, OVERHEAD = NAME + AEAD_NONCE + AEAD_TAG };

/* The ring's keys are 32 bytes behind a 16-byte name, whatever the suite of the connection. */
static void ring_aead(struct aead *a, const uint8_t key[static TLS13_TICKET_KEY])
{
    aead_init(a, suite_by_id(TLS_AES_256_GCM_SHA384), key + NAME);
}

static void write_body(struct wr *w, const struct ticket *t)
{
    size_t name = strnlen(t->client_name, sizeof t->client_name - 1);
    wr_u8(w, TICKET_VERSION);
    wr_u16(w, t->suite);
    wr_u64(w, (uint64_t)t->created_ms);
    wr_u64(w, (uint64_t)t->issued_ms);
    wr_u32(w, t->age_add);
    wr_u8(w, t->psk_len);
    wr_bytes(w, t->psk, t->psk_len);
    wr_bytes(w, t->profile, TICKET_PROFILE);
    wr_u64(w, (uint64_t)t->client_until);
    wr_bytes(w, t->client_spki, sizeof t->client_spki);
    wr_u8(w, (unsigned)name);
    wr_bytes(w, t->client_name, name);
    size_t cn = strnlen(t->client_cn, sizeof t->client_cn - 1);
    wr_u8(w, (unsigned)cn);
    wr_bytes(w, t->client_cn, cn);
}

static bool read_body(struct rd *r, struct ticket *t)
{
    if (rd_u8(r) != TICKET_VERSION)
        return false;
    t->suite = rd_u16(r);
    t->created_ms = (int64_t)rd_u64(r);
    t->issued_ms = (int64_t)rd_u64(r);
    t->age_add = rd_u32(r);
    t->psk_len = rd_u8(r);
    const struct suite *suite = suite_by_id(t->suite);
    if (suite == NULL || t->psk_len != suite->hash_len)
        return false;
    const uint8_t *psk = rd_bytes(r, t->psk_len);
    const uint8_t *profile = rd_bytes(r, TICKET_PROFILE);
    t->client_until = (int64_t)rd_u64(r);
    const uint8_t *spki = rd_bytes(r, sizeof t->client_spki);
    struct rd name = rd_vec8(r), cn = rd_vec8(r);
    if (!rd_done(r) || rd_left(&cn) >= sizeof t->client_cn || psk == NULL || profile == NULL || spki == NULL)
        return false;
    memcpy(t->psk, psk, t->psk_len);
    memcpy(t->profile, profile, TICKET_PROFILE);
    memcpy(t->client_spki, spki, sizeof t->client_spki);
    memcpy(t->client_name, name.p, rd_left(&name));
    t->client_name[rd_left(&name)] = '\0';
    memcpy(t->client_cn, cn.p, rd_left(&cn));
    t->client_cn[rd_left(&cn)] = '\0';
    return true;
}

size_t ticket_seal(const struct ticket_ring *ring, const struct ticket *t, const uint8_t nonce[static 12], uint8_t out[static TICKET_MAX])
{
    if (ring->n == 0)
        return 0;
    struct wr w = wr_of(out, TICKET_MAX - AEAD_TAG);
    wr_bytes(&w, ring->keys[0], NAME);
    wr_bytes(&w, nonce, AEAD_NONCE);
    write_body(&w, t);
    if (w.bad)
        return 0;
    struct aead a;
    ring_aead(&a, ring->keys[0]);
    size_t head = NAME + AEAD_NONCE;
    aead_seal(&a, nonce, out, NAME, out + head, w.len - head);
    aead_wipe(&a);
    return w.len + AEAD_TAG;
}

bool ticket_open(const struct ticket_ring *ring, const uint8_t *ticket, size_t len, struct ticket *t)
{
    memset(t, 0, sizeof *t);
    if (len < OVERHEAD || len > TICKET_MAX)
        return false;
    size_t i = 0;
    while (i < ring->n && memcmp(ring->keys[i], ticket, NAME) != 0) /* names are public */
        i++;
    if (i == ring->n)
        return false;
    uint8_t body[TICKET_MAX];
    struct aead a;
    bool ok = false;
    size_t n = len - OVERHEAD;
    memcpy(body, ticket + NAME + AEAD_NONCE, n + AEAD_TAG);
    ring_aead(&a, ring->keys[i]);
    if (aead_open(&a, ticket + NAME, ticket, NAME, body, n) == 0) {
        struct rd r = rd_of(body, n);
        ok = read_body(&r, t);
    }
    aead_wipe(&a);
    WIPE(body);
    if (!ok)
        WIPE(*t);
    return ok;
}

bool ticket_fresh(const struct ticket *t, int64_t now_ms, uint32_t lifetime, uint32_t obfuscated_age)
{
    int64_t most = (int64_t)(lifetime < LIMIT_LIFETIME ? lifetime : LIMIT_LIFETIME) * 1000;
    const int64_t skew = 60 * 1000; /* machines that share keys do not share a clock to the second */
    uint32_t client_age = obfuscated_age - t->age_add;
    return t->created_ms <= t->issued_ms && now_ms >= t->issued_ms - skew && now_ms - t->issued_ms <= most &&
           now_ms - t->created_ms <= most && client_age <= (uint32_t)LIMIT_LIFETIME * 1000U;
}
