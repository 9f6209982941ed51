/* Tickets: foreign bytes do not open; a ticket's body of any bytes, sealed with the right key, is read within its bounds. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ticket_ring ring = { .n = 1 };
    struct ticket t;
    uint8_t sealed[TICKET_MAX + 64];
    memcpy(ring.keys[0], test_ring, TLS13_TICKET_KEY);
    (void)ticket_open(&ring, data, size, &t);
    size_t body = size < TICKET_MAX - 44 ? size : TICKET_MAX - 44;
    struct aead a;
    static const uint8_t nonce[12] = { 3 };
    memcpy(sealed, test_ring, 16);
    memcpy(sealed + 16, nonce, 12);
    memcpy(sealed + 28, data, body);
    aead_init(&a, suite_by_id(TLS_AES_256_GCM_SHA384), test_ring + 16);
    aead_seal(&a, nonce, sealed, 16, sealed + 28, body);
    if (ticket_open(&ring, sealed, 28 + body + 16, &t)) {
        PROMISE(t.psk_len <= MAX_HASH && strlen(t.client_name) < sizeof t.client_name);
        (void)ticket_fresh(&t, test_now_ms, 86400, 5);
        uint8_t again[TICKET_MAX];
        PROMISE(ticket_seal(&ring, &t, nonce, again) != 0);
    }
    return 0;
}
