/* PEM (RFC 7468).  Private keys pass through here, so base64 is decoded and encoded without tables or branches on its value. */
#include "pem.h"

#include <stdio.h>
#include <stdlib.h>

#include "tls13.h"

#define LINE 64 /* characters of base64 a line, RFC 7468 2 */

/* --- lines -------------------------------------------------------------------------------------------------- */

struct line {
    const char *p;
    size_t n;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next line without its end (LF, CRLF or CR) and trailing blanks; false at the end of the text. */
static bool next_line(struct pem *pem, struct line *line)
{
    if (pem->p == pem->end)
        return false;
    const char *p = pem->p;
    while (pem->p != pem->end && *pem->p != '\n' && *pem->p != '\r')
        pem->p++;
    line->p = p;
    line->n = (size_t)(pem->p - p);
    if (pem->p != pem->end)
        pem->p++;
    while (line->n != 0 && blank(line->p[line->n - 1]))
        line->n--;
    return true;
}

static bool starts_with(struct line line, const char *s)
{
    size_t n = strlen(s);
    return line.n >= n && memcmp(line.p, s, n) == 0;
}

/* Takes the label out of "-----BEGIN label-----" when line begins with prefix; false when it is not such a line. */
static bool boundary(struct line line, const char *prefix, char label[static 64])
{
    size_t skip = strlen(prefix);
    if (!starts_with(line, prefix) || line.n < skip + 5 || memcmp(line.p + line.n - 5, "-----", 5) != 0)
        return false;
    size_t n = line.n - skip - 5;
    if (n >= 64)
        return false;
    for (size_t i = 0; i < n; i++)
        if (line.p[skip + i] < 0x20 || line.p[skip + i] > 0x7e)
            return false;
    memcpy(label, line.p + skip, n);
    label[n] = '\0';
    return true;
}

/* --- base64 ------------------------------------------------------------------------------------------------- */

/* All ones when lo <= c <= hi (all below 2^16), else 0. */
static uint32_t within(uint32_t c, uint32_t lo, uint32_t hi)
{
    return ~((c - lo) >> 16 | (hi - c) >> 16) & 0xffff;
}

/* 0 to 63, or 0x100 for a character outside the alphabet (RFC 4648 4). */
static uint32_t sextet(uint8_t c)
{
    uint32_t upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
    uint32_t plus = within(c, '+', '+'), slash = within(c, '/', '/');
    uint32_t v = (upper & (c - 'A')) | (lower & (c - 'a' + 26U)) | (digit & (c - '0' + 52U)) | (plus & 62) | (slash & 63);
    return v | (~(upper | lower | digit | plus | slash) & 0x100);
}

static char letter(uint32_t v)
{
    uint32_t c = (within(v, 0, 25) & (v + 'A')) | (within(v, 26, 51) & (v - 26 + 'a')) | (within(v, 52, 61) & (v - 52 + '0')) |
                 (within(v, 62, 62) & '+') | (within(v, 63, 63) & '/');
    return (char)c;
}

struct base64 {
    uint8_t *out;
    size_t len;
    uint32_t bits, wrong; /* wrong: some character was outside the alphabet; looked at once a line */
    unsigned have, pads;  /* sextets in bits; '=' seen */
};

/* Takes in one line; => false when it is not base64. */
static bool base64_line(struct base64 *b, struct line line)
{
    for (size_t i = 0; i < line.n; i++) {
        uint8_t c = (uint8_t)line.p[i];
        if (blank((char)c))
            continue;
        if (c == '=') {
            b->pads++;
            continue;
        }
        if (b->pads != 0)
            return false;
        uint32_t v = sextet(c);
        b->wrong |= v & 0x100;
        b->bits = (b->bits << 6 | (v & 63)) & 0xffffff;
        if (++b->have == 4) {
            store24(b->out + b->len, b->bits);
            b->len += 3;
            b->have = 0;
        }
    }
    return b->wrong == 0;
}

/* RFC 4648 3.2, 3.5: padded to four, and the bits that are left over are zero. */
static bool base64_end(struct base64 *b)
{
    if (b->have + b->pads != (b->have == 0 ? 0 : 4) || b->have == 1)
        return false;
    uint32_t bits = b->bits << (6 * b->pads);
    if (b->have == 2 ? (bits & 0xffff) != 0 : b->have == 3 && (bits & 0xff) != 0)
        return false;
    for (unsigned i = 1; i < b->have; i++)
        b->out[b->len++] = (uint8_t)(bits >> (24 - 8 * i));
    b->bits = 0;
    return true;
}

/* --- objects ------------------------------------------------------------------------------------------------ */

/* How many characters lie before the next line that begins with dashes, which is where body() stops at the latest. */
static size_t body_chars(const struct pem *pem)
{
    const char *p = pem->p;
    while ((p = memmem(p, (size_t)(pem->end - p), "-----", 5)) != NULL && p != pem->p && p[-1] != '\n' && p[-1] != '\r')
        p++;
    return (size_t)((p != NULL ? p : pem->end) - pem->p);
}

/* Reads the object whose BEGIN line was the last one, into b->out. */
static int body(struct pem *pem, const char *label, struct base64 *b)
{
    struct line line;
    while (next_line(pem, &line)) {
        if (starts_with(line, "-----")) {
            char ended[64];
            if (!boundary(line, "-----END ", ended) || strcmp(label, ended) != 0 || !base64_end(b) || b->len == 0)
                return -TLS13_E_PEM;
            return 0;
        }
        if (starts_with(line, "Proc-Type:") && memmem(line.p, line.n, "ENCRYPTED", 9) != NULL)
            return -TLS13_E_KEY_ENCRYPTED; /* RFC 1421 4.6.1.1 */
        if (!base64_line(b, line))
            return -TLS13_E_PEM;
    }
    return -TLS13_E_PEM;
}

int pem_next(struct pem *pem, char label[static 64], uint8_t **der, size_t *len)
{
    struct line line;
    *der = NULL;
    *len = 0;
    while (next_line(pem, &line)) {
        if (starts_with(line, "\xef\xbb\xbf")) /* a byte order mark, as some editors put in front */
            line = (struct line){ line.p + 3, line.n - 3 };
        if (starts_with(line, "-----END "))
            return -TLS13_E_PEM;
        if (!starts_with(line, "-----BEGIN "))
            continue;
        if (!boundary(line, "-----BEGIN ", label))
            return -TLS13_E_PEM;
        size_t cap = body_chars(pem) / 4 * 3 + 4;
        struct base64 b = { .out = malloc(cap) };
        if (b.out == NULL)
            return -TLS13_E_MEMORY;
        int err = body(pem, label, &b);
        if (err < 0) {
            explicit_bzero(b.out, cap);
            free(b.out);
            WIPE(b);
            return err;
        }
        *der = b.out;
        *len = b.len;
        return 1;
    }
    return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------ */

size_t pem_write(char *out, size_t cap, const char *label, const uint8_t *der, size_t len)
{
    size_t chars = (len + 2) / 3 * 4, ends = 2 * strlen(label) + sizeof "-----BEGIN -----\n-----END -----\n" - 1;
    size_t total = ends + chars + (chars + LINE - 1) / LINE;
    if (cap < total + 1)
        return 0;
    size_t at = (size_t)snprintf(out, cap, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)der[i] << 16 | (n > 1 ? (uint32_t)der[i + 1] << 8 : 0) | (n > 2 ? der[i + 2] : 0);
        for (unsigned k = 0; k < 4; k++)
            out[at++] = k <= n ? letter(v >> (18 - 6 * k) & 63) : '=';
        if ((i / 3 + 1) % (LINE / 4) == 0 || i + 3 >= len)
            out[at++] = '\n';
    }
    return at + (size_t)snprintf(out + at, cap - at, "-----END %s-----\n", label);
}
