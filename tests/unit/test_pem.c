/* PEM: what people's files look like, and what broken ones do. */
#include "unit.h"

#include <stdlib.h>

#include "pem.h"
#include "pki.h"
#include "tls13.h"

static char label[64];
static uint8_t *der;
static size_t len;
static struct pem pem;

static int first(const char *text, size_t n)
{
    free(der);
    pem = (struct pem){ text, text + n };
    return pem_next(&pem, label, &der, &len);
}

static int again(void)
{
    free(der);
    return pem_next(&pem, label, &der, &len);
}

/* The object of a text that must hold this one and no other. */
static void check_only(const char *text, const char *want)
{
    CHECK_INT(first(text, strlen(text)), 1);
    CHECK_STR(label, "A");
    CHECK_INT(len, strlen(want));
    CHECK_MEM(der, want, len);
    CHECK_INT(again(), 0);
    CHECK(der == NULL);
}

static void test_forms(void)
{
    check_only("-----BEGIN A-----\nTQ==\n-----END A-----\n", "M");
    check_only("-----BEGIN A-----\nTWE=\n-----END A-----", "Ma"); /* no final newline */
    check_only("-----BEGIN A-----\r\nTWFu\r\n-----END A-----\r\n", "Man");
    check_only("-----BEGIN A-----\rTWFu\r-----END A-----\r", "Man");
    check_only("-----BEGIN A----- \t\n TW\nFu\t\n\n-----END A-----  \n", "Man");
    check_only("\xef\xbb\xbf-----BEGIN A-----\nTWFu\n-----END A-----\n", "Man");
    check_only("Bag Attributes\n  friendlyName: x\n----- \n-----BEGIN A-----\nTWFu\n-----END A-----\nand more\n", "Man");
    check_only("-----BEGIN A-----\nTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFu\n-----END A-----\n",
               "ManManManManManManManManManManManManManManManManMan");
}

static void test_nothing(void)
{
    CHECK_INT(first("", 0), 0);
    CHECK_INT(first("hello\nworld", 11), 0);
    CHECK_INT(first("--BEGIN A-----\nTQ==\n", 20), 0);
}

static void test_broken(void)
{
    static const char *const wrong[] = {
        "-----BEGIN A-----\nTQ==\n",                    /* no END */
        "-----BEGIN A-----",                            /* nothing */
        "-----BEGIN A----\nTQ==\n-----END A-----\n",    /* a broken BEGIN */
        "-----BEGIN A-----\nTQ==\n-----END B-----\n",   /* another's END */
        "-----BEGIN A-----\nTQ==\n-----END A----\n",    /* a broken END */
        "-----BEGIN A-----\nTQ==\n-----BEGIN A-----\n", /* a second BEGIN */
        "TQ==\n-----END A-----\n",                      /* a lone END */
        "-----BEGIN A-----\nTQ=\n-----END A-----\n",    /* padding */
        "-----BEGIN A-----\nTQ\n-----END A-----\n",
        "-----BEGIN A-----\nTQ===\n-----END A-----\n",
        "-----BEGIN A-----\nTWFu====\n-----END A-----\n",
        "-----BEGIN A-----\nTWFu=\n-----END A-----\n",
        "-----BEGIN A-----\nT===\n-----END A-----\n",
        "-----BEGIN A-----\n=TQ=\n-----END A-----\n",
        "-----BEGIN A-----\nTQ==TQ==\n-----END A-----\n",
        "-----BEGIN A-----\nTR==\n-----END A-----\n", /* bits left over */
        "-----BEGIN A-----\nTWF=\n-----END A-----\n",
        "-----BEGIN A-----\nTW!u\n-----END A-----\n", /* outside the alphabet */
        "-----BEGIN A-----\nTW-_\n-----END A-----\n",
        "-----BEGIN A-----\nTW\xc3\xa4u\n-----END A-----\n",
        "-----BEGIN A-----\n-----END A-----\n", /* empty */
        "-----BEGIN A-----\nComment: x\n\nTQ==\n-----END A-----\n",
        "-----BEGIN 0123456789012345678901234567890123456789012345678901234567890123-----\nTQ==\n",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int err = first(wrong[i], strlen(wrong[i]));
        if (err != -TLS13_E_PEM)
            printf("# %zu: %s", i, wrong[i]);
        CHECK_INT(err, -TLS13_E_PEM);
        CHECK(der == NULL && len == 0);
    }
    CHECK_INT(first("-----BEGIN A-----\nTQ==\0\n-----END A-----\n", 39), -TLS13_E_PEM);
}

static void test_encrypted(void)
{
    CHECK_INT(first(PEM_P256_ENCRYPTED_OLD, sizeof PEM_P256_ENCRYPTED_OLD - 1), -TLS13_E_KEY_ENCRYPTED);
    CHECK_INT(first(PEM_P256_ENCRYPTED, sizeof PEM_P256_ENCRYPTED - 1), 1);
    CHECK_STR(label, "ENCRYPTED PRIVATE KEY");
}

static void test_many(void)
{
    static const char text[] = PEM_P256_SEC1 "\n\n" CRT_P256 "subject=x\n" CRT_INTER;
    CHECK_INT(first(text, sizeof text - 1), 1);
    CHECK_STR(label, "EC PARAMETERS");
    CHECK_INT(again(), 1);
    CHECK_STR(label, "EC PRIVATE KEY");
    CHECK_INT(again(), 1);
    CHECK_STR(label, "CERTIFICATE");
    CHECK_INT(again(), 1);
    CHECK_STR(label, "CERTIFICATE");
    CHECK_INT(again(), 0);
    CHECK_INT(again(), 0);
}

/* Dashes inside a line end nothing: what lies behind them must still have room. */
static void test_dashes_inside(void)
{
    static const char text[] = "-----BEGIN A-----\nTWFu-----TWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFuTWFu\n-----END A-----\n";
    CHECK_INT(first(text, sizeof text - 1), -TLS13_E_PEM);
}

/* Cut anywhere, an object is either not there or broken; only the last line's end may be missing. */
static void test_cut(void)
{
    static const char text[] = CRT_P256;
    for (size_t n = 0; n < sizeof text - 2; n++) {
        char *copy = malloc(n + 1); /* its own allocation: a read past it shows */
        CHECK(copy != NULL);
        memcpy(copy, text, n);
        CHECK_INT(first(copy, n), n < 12 ? 0 : -TLS13_E_PEM);
        free(copy);
    }
}

/* No flip may read or write out of bounds, and none leaves the object as it was. */
static void test_flipped(void)
{
    static char text[] = PEM_P256;
    CHECK_INT(first(text, sizeof text - 1), 1);
    CHECK(len <= 256);
    uint8_t want[256];
    size_t want_len = len;
    memcpy(want, der, len);
    for (size_t bit = 0; bit < 8 * (sizeof text - 1); bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        int n = first(text, sizeof text - 1);
        /* A newline of the body that becomes blank or another line's end is no damage, nor is the last one. */
        bool space = (text[bit / 8] ^ 1 << bit % 8) == '\n';
        CHECK(n <= 0 || space || strcmp(label, "PRIVATE KEY") != 0 || len != want_len || memcmp(want, der, len) != 0);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
}

static void test_write(void)
{
    uint8_t data[200];
    char out[400];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 167 + 13);
    for (size_t n = 1; n <= sizeof data; n++) {
        size_t chars = pem_write(out, sizeof out, "A", data, n);
        CHECK(chars != 0 && strlen(out) == chars);
        CHECK_INT(first(out, chars), 1);
        CHECK_INT(len, n);
        CHECK_MEM(der, data, n);
        CHECK_INT(pem_write(out, chars, "A", data, n), 0);
        CHECK_INT(pem_write(out, chars + 1, "A", data, n), chars);
    }
    /* As openssl writes it. */
    static const char text[] = PEM_P256;
    CHECK_INT(first(text, sizeof text - 1), 1);
    CHECK_INT(pem_write(out, sizeof out, label, der, len), sizeof text - 1);
    CHECK_STR(out, text);
}

int main(void)
{
    RUN(test_forms);
    RUN(test_nothing);
    RUN(test_broken);
    RUN(test_encrypted);
    RUN(test_many);
    RUN(test_dashes_inside);
    RUN(test_cut);
    RUN(test_flipped);
    RUN(test_write);
    free(der);
    return DONE();
}
