/* The DER reader: what X.690 10 allows, and above all what it does not. */
#include "unit.h"

#include "der.h"

static uint8_t buf[70000];
static size_t len;

static struct rd hex(const char *s)
{
    len = unhex(buf, sizeof buf, s);
    return rd_of(buf, len);
}

static void test_elements(void)
{
    struct rd r = hex("30 03 02 01 05  05 00");
    CHECK_INT(der_peek(&r), DER_SEQUENCE);
    struct rd seq = der_open(&r, DER_SEQUENCE);
    CHECK_INT(der_small(&seq), 5);
    CHECK(rd_done(&seq) && !rd_done(&r));
    struct slice whole;
    uint8_t tag;
    struct rd c = der_any(&r, &tag, &whole);
    CHECK(tag == DER_NULL && rd_done(&c) && whole.n == 2 && whole.p == buf + 5 && rd_done(&r));
    CHECK_INT(der_peek(&r), 0);
    der_skip(&r);
    CHECK(r.bad);
}

static void test_wrong_tag_is_bad(void)
{
    struct rd r = hex("02 01 05");
    struct rd c = der_open(&r, DER_SEQUENCE);
    CHECK(r.bad && c.bad && rd_left(&c) == 0);
    CHECK_INT(der_peek(&r), 0);
}

/* Lengths of every form: X.690 8.1.3 and 10.1. */
static void test_lengths(void)
{
    static const size_t sizes[] = { 0, 1, 127, 128, 255, 256, 65535, 65536 };
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t n = sizes[i], head = 2;
        memset(buf, 0, sizeof buf);
        buf[0] = DER_OCTET_STRING;
        if (n < 0x80) {
            buf[1] = (uint8_t)n;
        } else {
            size_t bytes = n < 0x100 ? 1 : n < 0x10000 ? 2 : 3;
            buf[1] = (uint8_t)(0x80 + bytes);
            for (size_t k = 0; k < bytes; k++)
                buf[2 + k] = (uint8_t)(n >> (8 * (bytes - 1 - k)));
            head += bytes;
        }
        struct rd r = rd_of(buf, head + n), c = der_open(&r, DER_OCTET_STRING);
        CHECK(rd_done(&r) && rd_left(&c) == n);
        for (size_t cut = 0; cut < head + n; cut += cut < 8 ? 1 : 997) {
            r = rd_of(buf, cut);
            c = der_open(&r, DER_OCTET_STRING);
            CHECK(r.bad && c.bad);
        }
    }
    static const char *const wrong[] = { "04 80 00 00",
                                         "04 81 7f",
                                         "04 82 00 80",
                                         "04 83 00 01 00",
                                         "04 84 00 00 00 01 00",
                                         "04 ff",
                                         "1f 01 00",
                                         "3f 81 00 00",
                                         "00 00",
                                         "04 81",
                                         "04",
                                         "04 82 01",
                                         "04 81 05 0102030405",
                                         "04 88 ffffffffffffffff" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct rd r = hex(wrong[i]);
        der_skip(&r);
        if (!r.bad)
            printf("# %s\n", wrong[i]);
        CHECK(r.bad && r.p == r.end);
    }
}

static void test_integers(void)
{
    struct rd r = hex("02 01 00  02 01 7f  02 02 00 80  02 04 7fffffff  02 09 00 ffffffffffffffff");
    CHECK_INT(der_small(&r), 0);
    CHECK_INT(der_small(&r), 127);
    CHECK_INT(der_small(&r), 128);
    CHECK_INT(der_small(&r), INT32_MAX);
    struct slice v = der_uint(&r);
    CHECK(v.n == 8 && v.p[0] == 0xff && rd_done(&r));
    r = hex("02 01 00");
    v = der_uint(&r);
    CHECK(v.n == 1 && v.p[0] == 0);
    static const char *const wrong[] = { "02 00", "02 01 80", "02 02 00 7f", "02 02 ff ff", "02 02 00 00", "03 01 00", "02 02 00" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        r = hex(wrong[i]);
        v = der_uint(&r);
        CHECK(r.bad && v.n == 0);
    }
    r = hex("02 05 00 80000000");
    CHECK_INT(der_small(&r), 0);
    CHECK(r.bad);
    r = hex("02 05 01 00000000");
    CHECK_INT(der_small(&r), 0);
    CHECK(r.bad);
}

static void test_bits_and_oids(void)
{
    struct rd r = hex("03 03 00 ab cd");
    struct slice v = der_bits(&r);
    CHECK(rd_done(&r) && v.n == 2 && v.p[0] == 0xab);
    r = hex("03 02 01 fe");
    (void)der_bits(&r);
    CHECK(r.bad);
    r = hex("03 00");
    (void)der_bits(&r);
    CHECK(r.bad);
    r = hex("06 03 55 04 03");
    v = der_oid(&r);
    CHECK(rd_done(&r) && der_oid_is(v, (const uint8_t[]){ 0x55, 4, 3 }, 3) && !der_oid_is(v, (const uint8_t[]){ 0x55, 4, 4 }, 3));
    static const char *const wrong[] = { "06 00", "06 02 55 84", "06 03 55 80 01", "06 02 80 01", "05 00" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        r = hex(wrong[i]);
        v = der_oid(&r);
        CHECK(r.bad && v.n == 0);
    }
    r = hex("06 04 2a 81 80 01");
    v = der_oid(&r);
    CHECK(rd_done(&r) && v.n == 4);
}

static int64_t time_of(uint8_t tag, const char *text, bool *ok)
{
    buf[0] = tag;
    buf[1] = (uint8_t)strlen(text);
    memcpy(buf + 2, text, strlen(text));
    struct rd r = rd_of(buf, 2 + strlen(text));
    int64_t t = der_time(&r);
    *ok = rd_done(&r);
    return t;
}

/* Values by date -u +%s. */
static void test_times(void)
{
    bool ok;
    CHECK_INT(time_of(DER_UTC_TIME, "700101000000Z", &ok), 0);
    CHECK(ok);
    CHECK_INT(time_of(DER_UTC_TIME, "240229235959Z", &ok), 1709251199);
    CHECK_INT(time_of(DER_UTC_TIME, "491231235959Z", &ok), 2524607999);
    CHECK_INT(time_of(DER_UTC_TIME, "500101000000Z", &ok), -631152000);
    CHECK_INT(time_of(DER_GENERALIZED_TIME, "20500101000000Z", &ok), 2524608000);
    CHECK_INT(time_of(DER_GENERALIZED_TIME, "99991231235959Z", &ok), 253402300799);
    CHECK_INT(time_of(DER_GENERALIZED_TIME, "20000301000000Z", &ok), 951868800);
    CHECK(ok);
    static const char *const utc[] = { "7001010000Z",   "700101000000",  "700101000000+0000", "701301000000Z", "700001000000Z",
                                       "700100000000Z", "700132000000Z", "700229000000Z",     "700101240000Z", "700101006000Z",
                                       "700101000060Z", "70010100000aZ", "700101000000Zz",    "-00101000000Z", "" };
    for (size_t i = 0; i < COUNT(utc); i++) {
        CHECK_INT(time_of(DER_UTC_TIME, utc[i], &ok), 0);
        CHECK(!ok);
    }
    static const char *const general[] = { "19000229000000Z", "21000229000000Z", "20240101000000.5Z", "700101000000Z", "20240101000000" };
    for (size_t i = 0; i < COUNT(general); i++) {
        CHECK_INT(time_of(DER_GENERALIZED_TIME, general[i], &ok), 0);
        CHECK(!ok);
    }
    CHECK_INT(time_of(DER_INTEGER, "700101000000Z", &ok), 0);
    CHECK(!ok);
}

static bool sig_ok(const char *s, size_t n)
{
    len = unhex(buf, sizeof buf, s);
    return der_ecdsa_sig_ok(buf, len, n);
}

/* Encodings as Wycheproof's ECDSA sets try them. */
static void test_ecdsa_signatures(void)
{
    CHECK(sig_ok("30 06 020101 020102", 1));
    CHECK(sig_ok("30 08 020200ff 02020080", 1));
    CHECK(!sig_ok("30 08 02020100 02020080", 1)); /* r too long */
    CHECK(!sig_ok("30 06 020100 020102", 32));    /* r = 0 */
    CHECK(!sig_ok("30 06 020101 020100", 32));    /* s = 0 */
    CHECK(!sig_ok("30 06 020181 020102", 32));    /* negative */
    CHECK(!sig_ok("30 07 02020001 020102", 32));  /* leading zero */
    CHECK(!sig_ok("30 8106 020101 020102", 32));  /* long length */
    CHECK(!sig_ok("30 820006 020101 020102", 32));
    CHECK(!sig_ok("30 80 020101 020102 0000", 32)); /* indefinite */
    CHECK(!sig_ok("30 07 02810101 020102", 32));
    CHECK(!sig_ok("30 06 020101 020102 00", 32)); /* trailing, outside and inside */
    CHECK(!sig_ok("30 07 020101 020102 00", 32));
    CHECK(!sig_ok("30 09 020101 020102 020103", 32));
    CHECK(!sig_ok("30 08 020101 020102 0500", 32));
    CHECK(!sig_ok("30 03 020101", 32));
    CHECK(!sig_ok("30 00", 32));
    CHECK(!sig_ok("31 06 020101 020102", 32));
    CHECK(!sig_ok("30 06 030101 020102", 32));
    CHECK(!sig_ok("30 05 0200 020102", 32));
    CHECK(!sig_ok("", 32));
}

int main(void)
{
    RUN(test_elements);
    RUN(test_wrong_tag_is_bad);
    RUN(test_lengths);
    RUN(test_integers);
    RUN(test_bits_and_oids);
    RUN(test_times);
    RUN(test_ecdsa_signatures);
    return DONE();
}
