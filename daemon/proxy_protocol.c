#include "options.h"
#include "proxy_protocol.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Section 2.2.  The client's byte of the SSL TLV, and the types. */
enum { CLIENT_SSL = 1, CLIENT_CERT_CONN = 2, CLIENT_CERT_SESS = 4 };
enum {
    TYPE_ALPN = 0x01,
    TYPE_AUTHORITY = 0x02,
    TYPE_CRC32C = 0x03,
    TYPE_UNIQUE_ID = 0x05,
    TYPE_SSL = 0x20,
    TYPE_SSL_VERSION = 0x21,
    TYPE_SSL_CN = 0x22,
    TYPE_SSL_CIPHER = 0x23,
    TYPE_SSL_SIG_ALG = 0x24,
    TYPE_SSL_KEY_ALG = 0x25,
    TYPE_SSL_GROUP = 0x26,
    TYPE_SSL_SIG_SCHEME = 0x27,
    TYPE_SSL_CLIENT_CERT = 0x28
};
enum { FAMILY_UNSPEC = 0x00, FAMILY_TCP4 = 0x11, FAMILY_TCP6 = 0x21, FAMILY_UNIX = 0x31 };

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };
#define V2_HEAD   16
#define V1_MAX    107 /* "PROXY UNKNOWN ffff:..." with its CRLF, section 2.1 */
#define UNIX_PATH 108

uint32_t proxy_crc32c(uint32_t crc, const uint8_t *p, size_t n)
{
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78 & (0 - (crc & 1)));
    }
    return ~crc;
}

const char *proxy_sig_alg(uint16_t scheme)
{
    switch (scheme) {
    case 0x0401:
        return "RSA-SHA256";
    case 0x0501:
        return "RSA-SHA384";
    case 0x0601:
        return "RSA-SHA512";
    case 0x0403:
        return "ecdsa-with-SHA256";
    case 0x0503:
        return "ecdsa-with-SHA384";
    case 0x0603:
        return "ecdsa-with-SHA512";
    default:
        return scheme >= 0x0804 && scheme <= 0x0806 ? "RSASSA-PSS" : "";
    }
}

/* --- out ------------------------------------------------------------------------------------------------------ */

/* A bounded writer with a sticky error; its buffer is at most PROXY_OUT_MAX long. */
_Static_assert(PROXY_OUT_MAX <= UINT16_MAX, "lengths have 16 bits");
struct put {
    uint8_t *out;
    size_t n, cap;
    bool bad;
};

static void put(struct put *w, const void *p, size_t n)
{
    if (w->bad || n > w->cap - w->n) {
        w->bad = true;
        return;
    }
    if (n != 0)
        memcpy(w->out + w->n, p, n);
    w->n += n;
}

static void put_u8(struct put *w, unsigned v)
{
    uint8_t b = (uint8_t)v;
    put(w, &b, 1);
}

static void put_u16(struct put *w, unsigned v)
{
    put_u8(w, v >> 8);
    put_u8(w, v);
}

/* Opens a TLV; tlv_close() fills in its length. */
static size_t tlv_open(struct put *w, unsigned type)
{
    put_u8(w, type);
    put_u16(w, 0);
    return w->n;
}

static void tlv_close(struct put *w, size_t mark)
{
    if (w->bad)
        return;
    w->out[mark - 2] = (uint8_t)((w->n - mark) >> 8);
    w->out[mark - 1] = (uint8_t)(w->n - mark);
}

/* A whole TLV; an empty value leaves it out, one over its cap spoils the header. */
static void tlv(struct put *w, unsigned type, const void *p, size_t n, size_t max)
{
    if (n == 0)
        return;
    w->bad |= n > max;
    size_t mark = tlv_open(w, type);
    put(w, p, n);
    tlv_close(w, mark);
}

static void tlv_text(struct put *w, unsigned type, const char *s)
{
    if (s != NULL)
        tlv(w, type, s, strlen(s), 255);
}

static void tlv_ssl(struct put *w, unsigned tlvs, const struct proxy_facts *f)
{
    size_t mark = tlv_open(w, TYPE_SSL);
    unsigned client = CLIENT_SSL;
    if (f->client_verified)
        client |= CLIENT_CERT_SESS | (f->client_cert != NULL ? CLIENT_CERT_CONN : 0u);
    put_u8(w, client);
    put_u16(w, 0);
    put_u16(w, f->client_verified ? 0 : 1); /* zero: a certificate was shown and verified */
    tlv_text(w, TYPE_SSL_VERSION, "TLSv1.3");
    tlv_text(w, TYPE_SSL_CN, f->client_cn);
    tlv_text(w, TYPE_SSL_CIPHER, f->suite);
    tlv_text(w, TYPE_SSL_SIG_ALG, f->sig_alg);
    tlv_text(w, TYPE_SSL_KEY_ALG, f->key_alg);
    tlv_text(w, TYPE_SSL_GROUP, f->group);
    tlv_text(w, TYPE_SSL_SIG_SCHEME, f->scheme);
    if ((tlvs & TLV_CLIENT_CERT) != 0)
        tlv(w, TYPE_SSL_CLIENT_CERT, f->client_cert, f->client_cert_len, PROXY_CERT_MAX);
    tlv_close(w, mark);
}

/* Both ends as one family: an IPv4 end beside an IPv6 one is mapped. */
static void as_ipv6(struct endpoint *e)
{
    if (e->family != AF_INET)
        return;
    memmove(e->ip + 12, e->ip, 4);
    memset(e->ip, 0, 10);
    memset(e->ip + 10, 0xff, 2);
    e->family = AF_INET6;
}

static bool is_ip(const struct endpoint *e)
{
    return e->family == AF_INET || e->family == AF_INET6;
}

static void v2_addresses(struct put *w, const struct proxy_facts *f, struct endpoint src, struct endpoint dst)
{
    static const uint8_t zero[UNIX_PATH];
    if (src.family == AF_UNIX) {
        put(w, zero, sizeof zero);
        put(w, f->unix_dst != NULL ? (const void *)f->unix_dst->sun_path : zero, UNIX_PATH);
    } else if (is_ip(&src)) {
        size_t n = src.family == AF_INET ? 4 : 16;
        put(w, src.ip, n);
        put(w, dst.ip, n);
        put_u16(w, src.port);
        put_u16(w, dst.port);
    }
}

static size_t write_v2(unsigned tlvs, const struct proxy_facts *f, struct endpoint src, struct endpoint dst, struct put *w)
{
    static const uint8_t no_crc[4];
    put(w, signature, sizeof signature);
    put_u8(w, 0x21); /* version 2, PROXY */
    put_u8(w, src.family == AF_INET    ? FAMILY_TCP4
              : src.family == AF_INET6 ? FAMILY_TCP6
              : src.family == AF_UNIX  ? FAMILY_UNIX
                                       : FAMILY_UNSPEC);
    put_u16(w, 0);
    size_t mark = w->n;
    v2_addresses(w, f, src, dst);
    if ((tlvs & TLV_ALPN) != 0)
        tlv_text(w, TYPE_ALPN, f->alpn);
    if ((tlvs & TLV_AUTHORITY) != 0)
        tlv_text(w, TYPE_AUTHORITY, f->sni);
    if ((tlvs & TLV_UNIQUE_ID) != 0)
        tlv(w, TYPE_UNIQUE_ID, f->unique_id, f->unique_id_len, 128);
    if ((tlvs & (TLV_SSL | TLV_CLIENT_CERT)) != 0)
        tlv_ssl(w, tlvs, f);
    size_t crc_at = w->n + 3;
    if ((tlvs & TLV_CRC32C) != 0)
        tlv(w, TYPE_CRC32C, no_crc, sizeof no_crc, sizeof no_crc);
    tlv_close(w, mark);
    if (w->bad)
        return 0;
    if ((tlvs & TLV_CRC32C) != 0) {
        uint32_t crc = htonl(proxy_crc32c(0, w->out, w->n));
        memcpy(w->out + crc_at, &crc, 4);
    }
    return w->n;
}

static size_t write_v1(struct endpoint src, struct endpoint dst, struct put *w)
{
    char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN], line[V1_MAX + 1];
    int n;
    if (is_ip(&src) && inet_ntop(src.family, src.ip, a, sizeof a) != NULL && inet_ntop(dst.family, dst.ip, b, sizeof b) != NULL)
        n = snprintf(line, sizeof line, "PROXY TCP%c %s %s %u %u\r\n", src.family == AF_INET ? '4' : '6', a, b, src.port, dst.port);
    else
        n = snprintf(line, sizeof line, "PROXY UNKNOWN\r\n");
    if (n < 0 || (size_t)n >= sizeof line)
        return 0;
    put(w, line, (size_t)n);
    return w->bad ? 0 : w->n;
}

size_t proxy_write(int version, unsigned tlvs, const struct proxy_facts *f, uint8_t *out, size_t cap)
{
    struct endpoint src = f->src, dst = f->dst;
    struct put w = { .out = out, .cap = cap < PROXY_OUT_MAX ? cap : PROXY_OUT_MAX };
    if (is_ip(&src) && !is_ip(&dst))
        src.family = AF_UNSPEC;
    if (is_ip(&src) && src.family != dst.family) {
        as_ipv6(&src);
        as_ipv6(&dst);
    }
    return version == PROXY_V1 ? write_v1(src, dst, &w) : write_v2(tlvs, f, src, dst, &w);
}

/* --- in ------------------------------------------------------------------------------------------------------- */

/* A number of 1 to 5 digits up to 65535, no leading zero; ends at `end`.  => false when it is not one. */
static bool read_port(char **at, char end, uint16_t *port)
{
    unsigned v = 0;
    char *p = *at;
    while (*p >= '0' && *p <= '9' && p - *at < 6)
        v = v * 10 + (unsigned)(*p++ - '0');
    if (p == *at || *p != end || v > 65535 || (**at == '0' && p - *at > 1))
        return false;
    *port = (uint16_t)v;
    *at = p + 1;
    return true;
}

static bool read_ip(char **at, int family, uint8_t *ip)
{
    char *end = strchr(*at, ' ');
    if (end == NULL)
        return false;
    *end = '\0';
    bool ok = inet_pton(family, *at, ip) == 1;
    *at = end + 1;
    return ok;
}

static int read_v1(const uint8_t *p, size_t n, struct endpoint *src, struct endpoint *dst)
{
    char line[V1_MAX + 1];
    size_t len = n < V1_MAX ? n : V1_MAX;
    const uint8_t *lf = memchr(p, '\n', len);
    if (lf == NULL)
        return len == V1_MAX ? -1 : 0;
    len = (size_t)(lf - p) + 1;
    memcpy(line, p, len);
    line[len] = '\0';
    if (len < 15 || line[len - 2] != '\r' || memchr(line, '\0', len) != NULL)
        return -1;
    line[len - 2] = '\n';
    if (strncmp(line, "PROXY UNKNOWN", 13) == 0 && (line[13] == ' ' || line[13] == '\n'))
        return (int)len;
    if (strncmp(line, "PROXY TCP4 ", 11) != 0 && strncmp(line, "PROXY TCP6 ", 11) != 0)
        return -1;
    int family = line[9] == '4' ? AF_INET : AF_INET6;
    char *at = line + 11;
    if (!read_ip(&at, family, src->ip) || !read_ip(&at, family, dst->ip) || !read_port(&at, ' ', &src->port) ||
        !read_port(&at, '\n', &dst->port) || *at != '\n')
        return -1;
    src->family = dst->family = (uint8_t)family;
    return (int)len;
}

/* The TLVs fill the rest exactly, and a checksum among them is right (section 2.2.3). */
static bool tlvs_ok(const uint8_t *head, size_t len, size_t at)
{
    static const uint8_t zero[4];
    while (at < len) {
        if (len - at < 3)
            return false;
        size_t n = (size_t)head[at + 1] << 8 | head[at + 2], value = at + 3;
        if (n > len - value)
            return false;
        if (head[at] == TYPE_CRC32C) {
            uint32_t want;
            if (n != 4)
                return false;
            memcpy(&want, head + value, 4);
            uint32_t crc = proxy_crc32c(0, head, value);
            crc = proxy_crc32c(crc, zero, 4);
            if (proxy_crc32c(crc, head + value + 4, len - value - 4) != ntohl(want))
                return false;
        }
        at = value + n;
    }
    return true;
}

static void read_v2_ip(const uint8_t *p, int family, struct endpoint *src, struct endpoint *dst)
{
    size_t n = family == AF_INET ? 4 : 16;
    memcpy(src->ip, p, n);
    memcpy(dst->ip, p + n, n);
    src->port = (uint16_t)(p[2 * n] << 8 | p[2 * n + 1]);
    dst->port = (uint16_t)(p[2 * n + 2] << 8 | p[2 * n + 3]);
    src->family = dst->family = (uint8_t)family;
}

static int read_v2(const uint8_t *p, size_t n, struct endpoint *src, struct endpoint *dst)
{
    if (n < V2_HEAD)
        return n > 12 && p[12] != 0x20 && p[12] != 0x21 ? -1 : 0;
    size_t len = V2_HEAD + ((size_t)p[14] << 8 | p[15]);
    if ((p[12] != 0x20 && p[12] != 0x21) || len > PROXY_IN_MAX)
        return -1;
    if (n < len)
        return 0;
    size_t addresses;
    switch (p[13]) {
    case FAMILY_UNSPEC:
        addresses = 0;
        break;
    case FAMILY_TCP4:
        addresses = 12;
        break;
    case FAMILY_TCP6:
        addresses = 36;
        break;
    case FAMILY_UNIX:
        addresses = 2 * UNIX_PATH;
        break;
    default:
        /* LOCAL: the family is to be ignored, and so is the rest. */
        return p[12] == 0x20 ? (int)len : -1;
    }
    /* Where nothing is known of the addresses' length, the TLVs' start is not known either. */
    if (p[13] == FAMILY_UNSPEC || p[12] == 0x20)
        return (int)len;
    if (len < V2_HEAD + addresses || !tlvs_ok(p, len, V2_HEAD + addresses))
        return -1;
    if (p[13] == FAMILY_TCP4 || p[13] == FAMILY_TCP6)
        read_v2_ip(p + V2_HEAD, p[13] == FAMILY_TCP4 ? AF_INET : AF_INET6, src, dst);
    return (int)len;
}

int proxy_read(const uint8_t *p, size_t n, struct endpoint *src, struct endpoint *dst)
{
    *src = *dst = (struct endpoint){ .family = AF_UNSPEC };
    size_t a = n < sizeof signature ? n : sizeof signature, b = n < 6 ? n : 6;
    if (n == 0)
        return 0;
    int r = -1;
    if (memcmp(p, signature, a) == 0)
        r = a < sizeof signature ? 0 : read_v2(p, n, src, dst);
    else if (memcmp(p, "PROXY ", b) == 0)
        r = b < 6 ? 0 : read_v1(p, n, src, dst);
    if (r <= 0)
        *src = *dst = (struct endpoint){ .family = AF_UNSPEC };
    return r;
}
