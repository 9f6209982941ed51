/* A bounded reader of strict DER: whatever is not the one encoding X.690 10 allows makes the reader bad. */
#include "der.h"

static struct rd nothing(struct rd *r)
{
    r->bad = true;
    r->p = r->end;
    return (struct rd){ .p = r->end, .end = r->end, .bad = true };
}

uint8_t der_peek(const struct rd *r)
{
    return !r->bad && r->p != r->end ? r->p[0] : 0;
}

struct rd der_any(struct rd *r, uint8_t *tag, struct slice *whole)
{
    const uint8_t *start = r->p;
    uint8_t t = rd_u8(r);
    size_t n = rd_u8(r);
    *tag = t;
    if (whole != NULL)
        *whole = (struct slice){ r->end, 0 };
    /* X.690 8.1.2.4: numbers above 30 take more bytes; nothing we read has one.  0 is end-of-contents, which DER never has. */
    if (t == 0 || (t & 0x1f) == 0x1f)
        return nothing(r);
    if (n >= 0x80) {
        /* X.690 10.1: definite, and as short as can be.  Three bytes of length are more than any object here has. */
        size_t bytes = n - 0x80;
        if (bytes < 1 || bytes > 3)
            return nothing(r);
        n = 0;
        for (size_t i = 0; i < bytes; i++)
            n = n << 8 | rd_u8(r);
        if (n < 0x80 || n >> (8 * (bytes - 1)) == 0)
            return nothing(r);
    }
    struct rd contents = rd_sub(r, n);
    if (contents.bad)
        return nothing(r);
    if (whole != NULL)
        *whole = (struct slice){ start, (size_t)(r->p - start) };
    return contents;
}

struct rd der_open(struct rd *r, uint8_t tag)
{
    if (der_peek(r) != tag)
        return nothing(r);
    return der_any(r, &tag, NULL);
}

void der_skip(struct rd *r)
{
    uint8_t tag;
    (void)der_any(r, &tag, NULL);
}

struct slice der_uint(struct rd *r)
{
    struct slice v = { r->end, 0 };
    struct rd c = der_open(r, DER_INTEGER);
    size_t n = rd_left(&c);
    /* X.690 8.3.2: the first nine bits are neither all zero nor all one.  The sign bit: negative. */
    if (n == 0 || c.p[0] >= 0x80 || (n > 1 && c.p[0] == 0 && c.p[1] < 0x80)) {
        (void)nothing(r);
        return v;
    }
    if (n > 1 && c.p[0] == 0)
        (void)rd_u8(&c);
    return rd_rest(&c);
}

uint32_t der_small(struct rd *r)
{
    struct slice v = der_uint(r);
    uint32_t n = 0;
    for (size_t i = 0; i < v.n && i < 4; i++)
        n = n << 8 | v.p[i];
    if (v.n > 4 || n > INT32_MAX) {
        (void)nothing(r);
        return 0;
    }
    return n;
}

struct slice der_bits(struct rd *r)
{
    struct slice v = { r->end, 0 };
    struct rd c = der_open(r, DER_BIT_STRING);
    if (rd_u8(&c) != 0 || c.bad) {
        (void)nothing(r);
        return v;
    }
    return rd_rest(&c);
}

bool der_oid_is(struct slice oid, const uint8_t *want, size_t n)
{
    return oid.n == n && memcmp(oid.p, want, n) == 0;
}

struct slice der_oid(struct rd *r)
{
    struct rd c = der_open(r, DER_OID);
    size_t n = rd_left(&c);
    bool ok = n != 0 && c.p[n - 1] < 0x80;
    /* X.690 8.19.2: no arc starts with the padding byte 0x80. */
    for (size_t i = 0; ok && i < n; i++)
        ok = c.p[i] != 0x80 || (i > 0 && c.p[i - 1] >= 0x80);
    if (!ok) {
        c = nothing(r);
    }
    return rd_rest(&c);
}

/* --- time --------------------------------------------------------------------------------------------------- */

/* Two decimal digits; bad when they are not. */
static int two_digits(struct rd *c)
{
    unsigned hi = (unsigned)rd_u8(c) - '0', lo = (unsigned)rd_u8(c) - '0';
    if (hi > 9 || lo > 9) {
        c->bad = true;
        return 0;
    }
    return (int)(10 * hi + lo);
}

/* Days from 1970-01-01 to a day of the Gregorian calendar: years run from March, so that the leap day is the last one. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

int64_t der_time(struct rd *r)
{
    uint8_t tag = 0;
    struct rd c = der_any(r, &tag, NULL);
    int year = two_digits(&c);
    if (tag == DER_UTC_TIME)
        year += year < 50 ? 2000 : 1900; /* RFC 5280 4.1.2.5.1 */
    else if (tag == DER_GENERALIZED_TIME)
        year = 100 * year + two_digits(&c);
    else
        c.bad = true;
    int month = two_digits(&c), day = two_digits(&c);
    int hour = two_digits(&c), minute = two_digits(&c), second = two_digits(&c);
    /* RFC 5280 4.1.2.5: seconds are there, no fraction, and the zone is Z. */
    if (rd_u8(&c) != 'Z' || !rd_done(&c) || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59) {
        (void)nothing(r);
        return 0;
    }
    return days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/* --- signatures --------------------------------------------------------------------------------------------- */

bool der_ecdsa_sig_ok(const uint8_t *sig, size_t len, size_t n)
{
    struct rd r = rd_of(sig, len);
    struct rd seq = der_open(&r, DER_SEQUENCE);
    struct slice v[2];
    for (size_t i = 0; i < 2; i++) {
        v[i] = der_uint(&seq);
        if (seq.bad || v[i].n > n || (v[i].n == 1 && v[i].p[0] == 0))
            return false;
    }
    return rd_done(&seq) && rd_done(&r);
}
