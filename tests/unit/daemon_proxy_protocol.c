/* PROXY headers, byte by byte as haproxy's doc/proxy-protocol.txt has them. */
#include "options.h"
#include "proxy_protocol.h"
#include "unit.h"

#include <arpa/inet.h>

static uint8_t out[PROXY_OUT_MAX + 64], want[PROXY_OUT_MAX + 64];

static struct endpoint ip(const char *text, uint16_t port)
{
    struct endpoint e = { .port = port };
    e.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    if (inet_pton(e.family, text, e.ip) != 1)
        abort();
    return e;
}

static void same(const struct proxy_facts *f, int version, unsigned tlvs, const char *hex)
{
    size_t n = unhex(want, sizeof want, hex), got = proxy_write(version, tlvs, f, out, sizeof out);
    CHECK_INT(got, n);
    CHECK_MEM(out, want, n);
}

static void v1_golden(void)
{
    struct proxy_facts f = { .src = ip("192.0.2.1", 56324), .dst = ip("198.51.100.7", 443) };
    size_t n = proxy_write(PROXY_V1, 0, &f, out, sizeof out);
    out[n] = '\0';
    CHECK_STR((char *)out, "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n");
    f.src = ip("2001:db8::1", 1);
    f.dst = ip("2001:db8::2", 65535);
    n = proxy_write(PROXY_V1, 0, &f, out, sizeof out);
    out[n] = '\0';
    CHECK_STR((char *)out, "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n");
    f.src.family = AF_UNIX;
    n = proxy_write(PROXY_V1, 0, &f, out, sizeof out);
    out[n] = '\0';
    CHECK_STR((char *)out, "PROXY UNKNOWN\r\n");
}

#define SIG "0d0a0d0a000d0a515549540a"

static void v2_golden_addresses(void)
{
    struct proxy_facts f = { .src = ip("192.0.2.1", 0xdc04), .dst = ip("198.51.100.7", 443) };
    same(&f, PROXY_V2, 0, SIG "21 11 000c c0000201 c6336407 dc04 01bb");
    f.src = ip("2001:db8::1", 0xdc04);
    f.dst = ip("2001:db8::2", 443);
    same(&f, PROXY_V2, 0, SIG "21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb");
    /* A mixed pair is written as IPv6. */
    f.src = ip("192.0.2.1", 0xdc04);
    same(&f, PROXY_V2, 0, SIG "21 21 0024 00000000000000000000ffffc0000201 20010db8000000000000000000000002 dc04 01bb");
    f.src.family = f.dst.family = AF_UNSPEC;
    same(&f, PROXY_V2, 0, SIG "21 00 0000");
}

static void v2_golden_unix(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/t" };
    struct proxy_facts f = { .src = { .family = AF_UNIX }, .dst = { .family = AF_UNIX }, .unix_dst = &un };
    size_t n = proxy_write(PROXY_V2, 0, &f, out, sizeof out);
    CHECK_INT(n, 16 + 216);
    unhex(want, sizeof want, SIG "21 31 00d8");
    CHECK_MEM(out, want, 16);
    for (size_t i = 16; i < 16 + 108; i++)
        CHECK_INT(out[i], 0);
    CHECK_MEM(out + 16 + 108, "/run/t\0\0\0\0", 10);
}

static void v2_golden_tlvs(void)
{
    struct proxy_facts f = { .src = ip("192.0.2.1", 0xdc04),
                             .dst = ip("198.51.100.7", 443),
                             .alpn = "h2",
                             .sni = "a.b",
                             .suite = "TLS_X",
                             .group = "x25519",
                             .scheme = "",
                             .sig_alg = proxy_sig_alg(0x0401),
                             .key_alg = "EC256" };
    same(&f, PROXY_V2, TLV_ALPN | TLV_AUTHORITY | TLV_SSL,
         SIG "21 11 004f c0000201 c6336407 dc04 01bb" /* 12 */
             "01 0002 6832"                           /* 5 */
             "02 0003 612e62"                         /* 6 */
             "20 0035 01 00000001"                    /* 3, and 5 of the 53 */
             "21 0007 544c5376312e33"                 /* 10 */
             "23 0005 544c535f58"                     /* 8 */
             "24 000a 5253412d534841323536"           /* 13 */
             "25 0005 4543323536"                     /* 8 */
             "26 0006 783235353139" /* 9 */);
    /* A verified client certificate on this connection: all three bits, verify 0, its name, and the certificate when asked for. */
    static const uint8_t der[3] = { 0x30, 0x01, 0x00 };
    f = (struct proxy_facts){
        .src = f.src, .dst = f.dst, .client_cn = "cl", .client_cert = der, .client_cert_len = 3, .client_verified = true
    };
    same(&f, PROXY_V2, TLV_SSL | TLV_CLIENT_CERT,
         SIG "21 11 0029 c0000201 c6336407 dc04 01bb"
             "20 001a 07 00000000 21 0007 544c5376312e33 22 0002 636c 28 0003 300100");
    /* Resumed: the session had one, this connection did not show it. */
    f.client_cert = NULL;
    f.client_cert_len = 0;
    same(&f, PROXY_V2, TLV_SSL, SIG "21 11 0023 c0000201 c6336407 dc04 01bb 20 0014 05 00000000 21 0007 544c5376312e33 22 0002 636c");
}

static void crc32c(void)
{
    /* RFC 3720 B.4: 32 bytes of zeroes; and the check value of "123456789". */
    static const uint8_t zero[32];
    CHECK_INT(proxy_crc32c(0, zero, 32), 0x8a9136aa);
    CHECK_INT(proxy_crc32c(0, (const uint8_t *)"123456789", 9), 0xe3069283);
    struct proxy_facts f = {
        .src = ip("192.0.2.1", 1), .dst = ip("192.0.2.2", 2), .unique_id = (const uint8_t *)"unique", .unique_id_len = 6
    };
    size_t n = proxy_write(PROXY_V2, TLV_CRC32C | TLV_UNIQUE_ID, &f, out, sizeof out);
    CHECK_INT(n, 28 + 9 + 7);
    struct endpoint a, b;
    CHECK_INT(proxy_read(out, n, &a, &b), n);
    for (size_t i = 16; i < n; i++) {
        out[i] ^= 1;
        CHECK(proxy_read(out, n, &a, &b) == -1 || (i >= 37 && i < 40));
        out[i] ^= 1;
    }
}

static void caps(void)
{
    static uint8_t cert[PROXY_CERT_MAX + 1];
    static char name[257];
    memset(name, 'n', 256);
    struct proxy_facts f = { .src = ip("192.0.2.1", 1), .dst = ip("192.0.2.2", 2), .sni = name };
    CHECK_INT(proxy_write(PROXY_V2, TLV_AUTHORITY, &f, out, sizeof out), 0);
    name[255] = '\0';
    CHECK_INT(proxy_write(PROXY_V2, TLV_AUTHORITY, &f, out, sizeof out), 28 + 258);
    f.client_cert = cert;
    f.client_cert_len = sizeof cert;
    f.client_verified = true;
    CHECK_INT(proxy_write(PROXY_V2, TLV_CLIENT_CERT, &f, out, sizeof out), 0);
    /* Everything at its cap fits and reads back. */
    f.client_cert_len = PROXY_CERT_MAX;
    f.alpn = f.client_cn = f.suite = f.group = f.scheme = f.sig_alg = f.key_alg = name;
    f.unique_id = cert;
    f.unique_id_len = 128;
    struct endpoint a, b;
    size_t n = proxy_write(PROXY_V2, 0xffff, &f, out, sizeof out);
    CHECK(n > PROXY_CERT_MAX && n <= PROXY_OUT_MAX);
    CHECK_INT(proxy_read(out, n, &a, &b), n);
    /* No room: nothing, at every size; the byte behind stays. */
    for (size_t cap = 0; cap < n; cap++) {
        out[cap] = 0xee;
        CHECK_INT(proxy_write(PROXY_V2, 0xffff, &f, out, cap), 0);
        CHECK_INT(out[cap], 0xee);
    }
}

static void names_of_signatures(void)
{
    CHECK_STR(proxy_sig_alg(0x0403), "ecdsa-with-SHA256");
    CHECK_STR(proxy_sig_alg(0x0503), "ecdsa-with-SHA384");
    CHECK_STR(proxy_sig_alg(0x0603), "ecdsa-with-SHA512");
    CHECK_STR(proxy_sig_alg(0x0501), "RSA-SHA384");
    CHECK_STR(proxy_sig_alg(0x0601), "RSA-SHA512");
    CHECK_STR(proxy_sig_alg(0x0805), "RSASSA-PSS");
    CHECK_STR(proxy_sig_alg(0x0807), "");
    CHECK_STR(proxy_sig_alg(0), "");
}

/* Any split, and bytes of the ClientHello fused behind. */
static void reads_in_pieces(void)
{
    static const char *const v1[] = { "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", "PROXY TCP6 2001:db8::1 ::2 1 0\r\n",
                                      "PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:f...f:ffff anything 65535\r\n" };
    struct endpoint a, b;
    for (size_t i = 0; i < 4; i++) {
        size_t n = strlen(v1[i]);
        memcpy(out, v1[i], n);
        memcpy(out + n, "\x16\x03\x01", 3);
        for (size_t k = 0; k < n; k++)
            CHECK_INT(proxy_read(out, k, &a, &b), 0);
        CHECK_INT(proxy_read(out, n, &a, &b), n);
        CHECK_INT(proxy_read(out, n + 3, &a, &b), n);
    }
    memcpy(out, v1[0], strlen(v1[0]));
    CHECK(proxy_read(out, strlen(v1[0]), &a, &b) > 0);
    CHECK(a.family == AF_INET && a.port == 56324 && memcmp(a.ip, "\xc0\x00\x02\x01", 4) == 0);
    CHECK(b.family == AF_INET && b.port == 443 && memcmp(b.ip, "\xc6\x33\x64\x07", 4) == 0);
    static const char *const v2[] = { SIG "21 11 000c c0000201 c6336407 dc04 01bb",
                                      SIG "21 21 0027" /* 36 bytes and a TLV */
                                          "20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb 04 0000",
                                      SIG "20 00 0000", SIG "20 11 0003 ffffff", SIG "21 00 0005 0102030405" };
    for (size_t i = 0; i < 5; i++) {
        size_t n = unhex(out, sizeof out, v2[i]);
        memcpy(out + n, "\x16\x03\x01", 3);
        for (size_t k = 0; k < n; k++)
            CHECK_INT(proxy_read(out, k, &a, &b), 0);
        CHECK_INT(proxy_read(out, n + 3, &a, &b), n);
        CHECK_INT(a.family, i == 0 ? AF_INET : i == 1 ? AF_INET6 : AF_UNSPEC);
    }
}

static void refuses(void)
{
    static const char *const v1[] = { "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n",
                                      "PROXY TCP4 192.0.2.1 198.51.100.7 56324 65536\r\n",
                                      "PROXY TCP4 192.0.2.1 198.51.100.7 056324 443\r\n",
                                      "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n",
                                      "PROXY TCP4 192.0.2.1  198.51.100.7 56324 443\r\n",
                                      "PROXY TCP4 192.0.2.256 198.51.100.7 56324 443\r\n",
                                      "PROXY TCP6 192.0.2.1 198.51.100.7 56324 443\r\n",
                                      "PROXY UDP4 192.0.2.1 198.51.100.7 56324 443\r\n",
                                      "PROXY TCP4 192.0.2.1\r\n",
                                      "PROXY UNKNOWNX\r\n",
                                      "PROXY\r\n\r\n\r\n\r\n\r\n\r\n",
                                      "GET / HTTP/1.1\r\n" };
    static const char *const v2[] = { SIG "31 11 000c c0000201 c6336407 dc04 01bb",            /* version 3 */
                                      SIG "22 11 000c c0000201 c6336407 dc04 01bb",            /* command 2 */
                                      SIG "21 12 000c c0000201 c6336407 dc04 01bb",            /* UDP */
                                      SIG "21 11 000b c0000201 c6336407 dc04 01",              /* addresses cut short */
                                      SIG "21 11 000e c0000201 c6336407 dc04 01bb 0400",       /* stray bytes */
                                      SIG "21 11 0010 c0000201 c6336407 dc04 01bb 04 0002 00", /* a TLV longer than the header */
                                      SIG "21 11 ffff",                                        /* longer than we take */
                                      "160301" };
    struct endpoint a, b;
    for (size_t i = 0; i < sizeof v1 / sizeof v1[0]; i++)
        CHECK_INT(proxy_read((const uint8_t *)v1[i], strlen(v1[i]), &a, &b), -1);
    for (size_t i = 0; i < sizeof v2 / sizeof v2[0]; i++)
        CHECK_INT(proxy_read(out, unhex(out, sizeof out, v2[i]), &a, &b), -1);
    memset(out, 'x', sizeof out);
    memcpy(out, "PROXY UNKNOWN ", 14);
    CHECK_INT(proxy_read(out, 106, &a, &b), 0);
    CHECK_INT(proxy_read(out, 107, &a, &b), -1);
    memcpy(out, "PROXY UNKNOWN \0bc\r\n", 20);
    CHECK_INT(proxy_read(out, 20, &a, &b), -1);
}

int main(void)
{
    RUN(v1_golden);
    RUN(v2_golden_addresses);
    RUN(v2_golden_unix);
    RUN(v2_golden_tlvs);
    RUN(crc32c);
    RUN(caps);
    RUN(names_of_signatures);
    RUN(reads_in_pieces);
    RUN(refuses);
    return DONE();
}
