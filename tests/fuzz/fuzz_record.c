/* One record under a known key: whatever is sealed opens to itself; whatever is changed does not open. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t suites[] = { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 };
    static uint8_t rec[TLS13_MAX_RECORD + 64], copy[sizeof rec];
    static const uint8_t secret[MAX_HASH] = { 7 };
    struct direction out, in;
    uint8_t type;
    size_t n, len;
    if (size < 4)
        return 0;
    const struct suite *suite = suite_by_id(suites[data[0] % 3]);
    size_t flip = load16(data + 1);
    uint8_t inner = data[3];
    data += 4;
    size -= 4;
    size = size < TLS13_MAX_PLAIN ? size : TLS13_MAX_PLAIN;
    rec_start(&out, suite, secret);
    rec_start(&in, suite, secret);
    memcpy(rec + TLS13_HEAD, data, size);
    len = rec_seal(&out, rec, size, inner);
    memcpy(copy, rec, len);
    copy[flip % len] ^= 1;
    if (flip % len >= 5 || flip % len == 0)
        PROMISE(rec_open(&in, copy, len - TLS13_HEAD, &type, &n) < 0 && in.seq == 0);
    int err = rec_open(&in, rec, len - TLS13_HEAD, &type, &n);
    size_t want = size;
    if (inner == 0) { /* zeros behind the data are padding, and the last byte that is not one is the type */
        while (want != 0 && data[want - 1] == 0)
            want--;
        PROMISE(want != 0 ? err == 0 && type == data[want - 1] && n == want - 1 : err == -TLS13_E_UNEXPECTED);
    } else {
        PROMISE(err == 0 && type == inner && n == size && memcmp(rec + TLS13_HEAD, data, n) == 0);
    }
    return 0;
}
