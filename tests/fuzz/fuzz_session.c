/*
 * A client that knows its keys: after a good handshake (and before, by the first byte) every record's type and plaintext are the
 * fuzzer's, sealed with the right keys.  Layer by layer behind the AEAD: Certificate, CertificateVerify, Finished, KeyUpdate, alerts.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls13_ctx *plain, *auth;
    static struct peer p;
    if (plain == NULL) {
        plain = test_ctx();
        auth = test_ctx();
        PROMISE(tls13_ctx_set_client_ca(auth, fixture_ca, strlen(fixture_ca)) == 0);
        PROMISE(tls13_ctx_set_client_auth(auth, TLS13_CLIENT_AUTH_REQUIRE) == 0);
    }
    if (size < 1)
        return 0;
    uint8_t mode = *data++;
    size--;
    peer_init(&p, mode & 1 ? auth : plain);
    if (mode & 2 && !(mode & 1)) {
        PROMISE(peer_handshake(&p, NULL));
    } else {
        peer_hello(&p);
        PROMISE(peer_send_hello(&p) == TLS13_MORE && peer_read(&p) && p.finished_ok);
    }
    while (size >= 3) {
        uint8_t type = data[0];
        size_t n = load16(data + 1) % 4096;
        data += 3;
        size -= 3;
        n = n < size ? n : size;
        int r = peer_send(&p, type, data, n);
        data += n;
        size -= n;
        if (r < 0)
            break;
        PROMISE(p.n_held <= TLS13_MAX_HOLD && p.n_out < sizeof p.out / 2);
        if (p.n_data > sizeof p.data / 2)
            p.n_data = 0;
    }
    PROMISE(!(mode & 1) || !p.connected); /* nobody guesses a signature */
    p.n_out = p.n_out > sizeof p.out ? 0 : p.n_out;
    peer_free(&p);
    return 0;
}
