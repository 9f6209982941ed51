/* The PROXY protocol, versions 1 and 2 (haproxy's doc/proxy-protocol.txt): headers out to the backend, headers in before TLS. */
#ifndef PROXY_PROTOCOL_H
#define PROXY_PROTOCOL_H

#include "endpoint.h"

#include <stdbool.h>
#include <sys/un.h>

/* The longest header we write: every TLV and a client certificate of PROXY_CERT_MAX bytes. */
#define PROXY_OUT_MAX  6400
#define PROXY_CERT_MAX 4096
/* The longest we take. */
#define PROXY_IN_MAX 8192

/* What a header tells.  Empty strings and NULLs leave their TLV out. */
struct proxy_facts {
    struct endpoint src, dst;           /* AF_UNIX src: a Unix listener; AF_UNSPEC: unknown */
    const struct sockaddr_un *unix_dst; /* the Unix listener's own address, or NULL */
    const char *alpn, *sni;
    const char *suite, *group, *scheme; /* names as in the RFCs */
    const char *key_alg;                /* of our certificate: "EC256", "RSA2048" */
    const char *sig_alg;                /* what it is signed with: "ecdsa-with-SHA256", "RSA-SHA256" */
    const char *client_cn;
    const uint8_t *client_cert; /* DER */
    size_t client_cert_len;
    bool client_verified; /* a client certificate verified, on this connection or on the one that it resumes */
    const uint8_t *unique_id;
    size_t unique_id_len; /* at most 128 */
};

/* What a certificate is signed with (a SignatureScheme code), as OpenSSL and so haproxy name it; "" for others. */
const char *proxy_sig_alg(uint16_t scheme);

/*
 * Writes a header of version 1 or 2; tlvs is a mask of TLV_ALPN ... (options.h) for version 2.
 * => its length; 0 when it cannot be built (a value over its cap, no room): then nothing may be sent to the backend.
 */
size_t proxy_write(int version, unsigned tlvs, const struct proxy_facts *f, uint8_t *out, size_t cap) __attribute__((warn_unused_result));

/*
 * Reads a header of either version from the start of n bytes.  => the bytes it takes; 0: not whole yet; -1: not a header, malformed,
 * or longer than PROXY_IN_MAX.  src and dst are set to what it says; both AF_UNSPEC when it says nothing (LOCAL, UNKNOWN, UNSPEC).
 */
int proxy_read(const uint8_t *p, size_t n, struct endpoint *src, struct endpoint *dst) __attribute__((warn_unused_result));

/* CRC32C (RFC 3720 B.4), of n bytes after those that made crc; start with 0. */
uint32_t proxy_crc32c(uint32_t crc, const uint8_t *p, size_t n);

#endif
