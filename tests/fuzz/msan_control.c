/*
 * Can MemorySanitizer fail here?  Bytes that nobody wrote go through one of our functions, or into BearSSL; each must be reported.
 * The same with bytes that were written must not be.  One argument: which.
 */
#include <stdio.h>
#include <stdlib.h>

#include "aead.h"
#include "bytes.h"
#include "extension.h"
#include "kdf.h"
#include "kex.h"
#include "suite.h"

int main(int argc, char **argv)
{
    static const uint8_t nonce[AEAD_NONCE];
    const char *what = argc > 1 ? argv[1] : "";
    bool written = argc > 2;
    uint8_t *bytes = malloc(4096), out[64];
    struct aead a;
    if (bytes == NULL)
        return 2;
    if (written)
        memset(bytes, 1, 4096);
    switch (what[0]) {
    case 'p': { /* a parser of ours */
        struct client_hello ch;
        if (ch_parse(&ch, bytes, 100) == 0)
            puts("parsed");
        break;
    }
    case 'h': /* SHA-384, ours or BearSSL's */
        hash_once(HASH_SHA384, bytes, 100, out);
        if (out[0] == 0)
            puts("zero");
        break;
    case 'c': /* what AES-GCM made of it: its own, or BearSSL's at the portable level */
        aead_init(&a, suite_by_id(TLS_AES_128_GCM_SHA256), nonce);
        aead_seal(&a, nonce, nonce, 5, bytes, 100);
        if (bytes[0] == 0)
            puts("zero");
        break;
    case 'e': { /* BearSSL's P-384 */
        struct kex_group const *g = kex_by_id(GROUP_SECP384R1);
        uint8_t share[97], secret[48], server[97];
        struct kex_client client;
        memset(&client, 0, sizeof client);
        if (kex_client_share(&client, g, (const uint8_t[KEX_MAX_RANDOM]){ 3 }, share) < 0)
            return 2;
        struct kex_job job = { .group = g, .client = share, .random = bytes, .server = server, .secret = secret }, *jobs = &job;
        kex_run(&jobs, 1);
        if (job.err < 0 || secret[0] == 0)
            puts("zero");
        break;
    }
    default:
        return 2;
    }
    free(bytes);
    return 0;
}
