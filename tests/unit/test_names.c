/* Names to credentials, and what may stand in a server_name extension. */
#include "unit.h"

#include "names.h"
#include "tls13.h"

static size_t find(const struct names *n, const char *host, const uint16_t **list)
{
    return names_find(n, host, strlen(host), list);
}

/* The one index of a name, -1 for none, -2 for several. */
static int one(const struct names *n, const char *host)
{
    const uint16_t *list;
    size_t found = find(n, host, &list);
    return found == 0 ? -1 : found == 1 ? list[0] : -2;
}

static void test_empty(void)
{
    struct names *n = names_new();
    CHECK(n != NULL);
    CHECK_INT(one(n, "example.org"), -1);
    CHECK_INT(one(n, ""), -1);
    names_free(n);
    names_free(NULL);
}

static void test_exact_before_wildcard(void)
{
    struct names *n = names_new();
    CHECK_INT(names_add(n, "*.example.org", 1), 0);
    CHECK_INT(names_add(n, "www.example.org", 2), 0);
    CHECK_INT(names_add(n, "example.org", 3), 0);
    CHECK_INT(names_add(n, "*.a.example.org", 4), 0);
    CHECK_INT(one(n, "www.example.org"), 2);
    CHECK_INT(one(n, "mail.example.org"), 1);
    CHECK_INT(one(n, "example.org"), 3);
    CHECK_INT(one(n, "b.a.example.org"), 4);
    CHECK_INT(one(n, "a.example.org"), 1);
    CHECK_INT(one(n, "c.b.a.example.org"), -1); /* one label only */
    CHECK_INT(one(n, "x.mail.example.org"), -1);
    CHECK_INT(one(n, "org"), -1);
    CHECK_INT(one(n, ".example.org"), -1);
    CHECK_INT(one(n, "xexample.org"), -1);
    CHECK_INT(one(n, "www.example.orgx"), -1);
    CHECK_INT(one(n, ""), -1);
    const uint16_t *list;
    CHECK_INT(names_find(n, "www.example.orgx", 15, &list), 1); /* the length counts, not a NUL */
    names_free(n);
}

static void test_several_credentials(void)
{
    struct names *n = names_new();
    for (unsigned i = 0; i < 5; i++)
        CHECK_INT(names_add(n, "example.org", 7 * i), 0);
    CHECK_INT(names_add(n, "example.org", 28), 0); /* the same certificate says it twice */
    CHECK_INT(names_add(n, "example.org", 65535), 0);
    CHECK_INT(names_add(n, "example.org", 65536), -TLS13_E_BAD_ARGUMENT);
    const uint16_t *list;
    CHECK_INT(find(n, "example.org", &list), 6);
    for (unsigned i = 0; i < 5; i++)
        CHECK_INT(list[i], 7 * i);
    CHECK_INT(list[5], 65535);
    names_free(n);
}

static void test_ten_thousand(void)
{
    struct names *n = names_new();
    char name[64];
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, i % 10 == 0 ? "*.host%u.example.org" : "host%u.example.org", i);
        CHECK_INT(names_add(n, name, i), 0);
    }
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, i % 10 == 0 ? "any.host%u.example.org" : "host%u.example.org", i);
        CHECK_INT(one(n, name), (int)i);
        snprintf(name, sizeof name, "ghost%u.example.org", i);
        CHECK_INT(one(n, name), -1);
    }
    names_free(n);
}

static void test_longest(void)
{
    struct names *n = names_new();
    char host[256];
    memset(host, 'a', sizeof host);
    host[255] = '\0';
    host[1] = '.';
    CHECK_INT(names_add(n, host, 1), 0);
    CHECK_INT(one(n, host), 1);
    host[0] = '*';
    CHECK_INT(names_add(n, host, 2), 0);
    host[0] = 'b';
    CHECK_INT(one(n, host), 2);
    names_free(n);
}

static int normal(const char *s, char out[static 256])
{
    return names_normalise((const uint8_t *)s, strlen(s), out);
}

static void test_normalise(void)
{
    char out[256], host[300];
    CHECK_INT(normal("WWW.Example-1.ORG", out), 0);
    CHECK_STR(out, "www.example-1.org");
    CHECK_INT(normal("localhost", out), 0);
    CHECK_INT(normal("_a.b", out), 0);
    CHECK_INT(normal("1.2.3.4.example", out), 0);
    CHECK_INT(normal("1.2.3.4.5", out), 0);
    CHECK_INT(normal("1.2.3.1234", out), 0);
    CHECK_INT(normal("1.2.3.a", out), 0);
    CHECK_INT(normal("1.2.3.4-5", out), 0);
    CHECK_INT(normal("3com", out), 0);
    memset(host, 'a', sizeof host);
    CHECK_INT(names_normalise((const uint8_t *)host, 255, out), 0);
    CHECK_INT(strlen(out), 255);
    CHECK_INT(names_normalise((const uint8_t *)host, 256, out), -TLS13_E_ILLEGAL);
    static const char *const wrong[] = { "",
                                         ".",
                                         "a.",
                                         "a..b",
                                         ".a",
                                         "a b",
                                         "a,b",
                                         "a\nb",
                                         "*.a",
                                         "a/b",
                                         "::1",
                                         "2001:db8::1",
                                         "[::1]",
                                         "1.2.3.4",
                                         "127.0.0.1",
                                         "255.255.255.255",
                                         "caf\xc3\xa9",
                                         "a\x7f",
                                         "a\x80z",
                                         "a@b.c",
                                         "a%00" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int err = normal(wrong[i], out);
        if (err == 0)
            printf("# %s\n", wrong[i]);
        CHECK_INT(err, -TLS13_E_ILLEGAL);
        CHECK(out[0] == '\0' || (strcmp(out, wrong[i]) == 0 && wrong[i][0] < '3')); /* IPv4 */
    }
    CHECK_INT(names_normalise((const uint8_t *)"a\0b", 3, out), -TLS13_E_ILLEGAL);
    CHECK_STR(out, "");
    for (unsigned c = 0; c < 256; c++) {
        uint8_t s[3] = { 'x', (uint8_t)c, 'y' };
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        CHECK_INT(names_normalise(s, 3, out), ok ? 0 : -TLS13_E_ILLEGAL);
    }
}

int main(void)
{
    RUN(test_empty);
    RUN(test_exact_before_wildcard);
    RUN(test_several_credentials);
    RUN(test_ten_thousand);
    RUN(test_longest);
    RUN(test_normalise);
    return DONE();
}
