/* ClientHello: parse, digest, choose. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls13_ctx *ctx;
    static const char *const alpn[] = { "h2", "http/1.1" };
    struct client_hello ch;
    struct choice c;
    char sni[256] = "";
    uint8_t digest[32];
    if (ctx == NULL) {
        ctx = test_ctx();
        PROMISE(tls13_ctx_set_alpn(ctx, alpn, 2) == 0);
    }
    if (ch_parse(&ch, data, size) < 0)
        return 0;
    PROMISE(inside(ch.suites, data, size) && inside(ch.shares, data, size) && inside(ch.alpn, data, size));
    PROMISE(inside(ch.identities, data, size) && inside(ch.binders, data, size) && ch.binders_at <= size);
    ch_digest(&ch, digest);
    if (ch.server_name.p != NULL && names_normalise(ch.server_name.p, ch.server_name.n, sni) < 0)
        return 0;
    int err = choose(ctx, &ch, sni, &c);
    PROMISE(err <= 0);
    if (err == 0) {
        PROMISE(c.suite != NULL && c.group != NULL && (c.share.p == NULL || c.share.n == c.group->client_len));
        PROMISE(c.scheme != NULL || c.err < 0);
    }
    return 0;
}
