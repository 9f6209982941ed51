/* The NSS key log format, as Wireshark and curl know it: label, client random, secret. */
#include "handshake.h"

#include <stdio.h>

static size_t hex(char *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sprintf(out + 2 * i, "%02x", p[i]);
    return 2 * n;
}

void keylog(const struct tls13_conn *conn, const char *label, const uint8_t *secret)
{
    char line[64 + 2 * 32 + 2 * MAX_HASH + 4];
    if (conn->ctx->keylog == NULL)
        return;
    size_t n = (size_t)snprintf(line, 64, "%s ", label);
    n += hex(line + n, conn->hs->client_random, 32);
    line[n++] = ' ';
    n += hex(line + n, secret, conn->suite->hash_len);
    line[n] = '\0';
    conn->ctx->keylog(conn->ctx->keylog_arg, line);
    WIPE(line);
}
