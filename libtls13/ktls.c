/* Keys for the kernel, as linux/tls.h wants them. */
#include "handshake.h"

static void take_out(const struct suite *suite, const struct direction *d, struct tls13_ktls *k)
{
    memset(k, 0, sizeof *k);
    k->suite = suite->id;
    k->key_len = suite->key_len;
    kdf_expand_label(suite->hash, d->secret, "key", NULL, 0, k->key, suite->key_len);
    memcpy(k->iv, d->iv, sizeof k->iv);
    store64(k->seq, d->seq);
}

int tls13_ktls_info(const struct tls13_conn *conn, struct tls13_ktls *recv, struct tls13_ktls *send)
{
    if (!conn->connected || conn->err != 0)
        return -TLS13_E_CLOSED;
    take_out(conn->suite, &conn->in, recv);
    take_out(conn->suite, &conn->out, send);
    return 0;
}
