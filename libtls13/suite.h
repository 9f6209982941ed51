/* The three cipher suites (RFC 8446 B.4): hash, key length, record limit. */
#ifndef TLS13_SUITE_H
#define TLS13_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TLS_AES_128_GCM_SHA256 = 0x1301, TLS_AES_256_GCM_SHA384 = 0x1302, TLS_CHACHA20_POLY1305_SHA256 = 0x1303 };

enum hash_id { HASH_SHA256, HASH_SHA384, HASH_SHA512 };

#define MAX_HASH 48 /* of a suite; SHA-512 occurs in signatures only */

struct suite {
    uint16_t id;
    uint8_t hash;     /* enum hash_id */
    uint8_t hash_len; /* bytes */
    uint8_t key_len;  /* bytes */
    uint64_t limit;   /* records under one key (RFC 8446 5.5) before we send KeyUpdate */
    const char *name;
};

/* => NULL when the id is not one of ours. */
const struct suite *suite_by_id(uint16_t id);

/* Two names of suites, groups or the like, without regard to ASCII case. */
bool name_equal(const char *a, const char *b);

#endif
