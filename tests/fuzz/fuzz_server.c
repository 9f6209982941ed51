/*
 * The whole server in the clear and behind: the input is cut into pieces as its bytes say and fed.  The handshake keys are unknown to
 * the fuzzer, so nothing may ever be connected.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls13_ctx *ctx;
    static struct peer p;
    if (ctx == NULL)
        ctx = test_ctx();
    peer_init(&p, ctx);
    while (size > 1) {
        size_t n = 1U + data[0] * 8U;
        data++;
        size--;
        n = n < size ? n : size;
        if (peer_feed(&p, data, n) < 0)
            break;
        PROMISE(p.n_held <= TLS13_MAX_HOLD);
        PROMISE(p.n_out < sizeof p.out / 2);
        data += n;
        size -= n;
    }
    PROMISE(!p.connected && p.n_data == 0);
    peer_free(&p);
    return 0;
}
