/* HTTP as the admin process speaks it: requests of any kind, answers and their guards, the page. */
#include "admin.h"
#include "unit.h"
#include "written.h"

#include <string.h>

#define HOST "Host: x\r\n"

static int parse(const char *text, struct http_request *r)
{
    size_t used = 0, len = strlen(text);
    int status = http_parse(text, len, r, &used);
    CHECK(used <= len);
    return status;
}

static void good_requests(void)
{
    static const struct {
        const char *text, *path;
        bool head, keep;
    } cases[] = {
        { "GET /metrics HTTP/1.1\r\n" HOST "\r\n", "/metrics", false, true },
        { "HEAD / HTTP/1.1\r\n" HOST "\r\n", "/", true, true },
        { "GET /status?x=1&y HTTP/1.1\r\n" HOST "\r\n", "/status", false, true },
        { "GET http://a.example:1/healthz HTTP/1.1\r\n" HOST "\r\n", "/healthz", false, true },
        { "GET http://a.example HTTP/1.1\r\n" HOST "\r\n", "/", false, true },
        { "GET / HTTP/1.1\r\n" HOST "Connection: foo , CLOSE\r\n\r\n", "/", false, false },
        { "GET / HTTP/1.0\r\n\r\n", "/", false, false },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "/", false, true },
        { "GET / HTTP/1.1\n"
          "host:x\n\n",
          "/", false, true },
        { "\r\n\r\nGET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "/", false, true },
        { "GET /../../etc/passwd HTTP/1.1\r\n" HOST "\r\n", "/../../etc/passwd", false, true },
        { "GET /%2e%2e/x HTTP/1.1\r\n" HOST "\r\n", "/%2e%2e/x", false, true },
        { "GET /0123456789012345678901234567890123456789012345678901234567890123456789 HTTP/1.1\r\n" HOST "\r\n", "", false, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request r;
        printf("# %zu\n", i);
        CHECK_INT(parse(cases[i].text, &r), 200);
        CHECK_STR(r.path, cases[i].path);
        CHECK_INT(r.head, cases[i].head);
        CHECK_INT(r.keep, cases[i].keep);
        /* Cut anywhere it is not whole. */
        for (size_t n = 0; n < strlen(cases[i].text); n++) {
            size_t used;
            CHECK_INT(http_parse(cases[i].text, n, &r, &used), 0);
        }
    }
}

static void bad_requests(void)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
        { "POST / HTTP/1.1\r\n" HOST "\r\n", 405 },
        { "get / HTTP/1.1\r\n" HOST "\r\n", 405 },
        { "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405 },
        { "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
        { "GET / HTTP/1.x\r\n" HOST "\r\n", 505 },
        { "GET / HTTX/1.1\r\n" HOST "\r\n", 400 },
        { "GET /\r\n\r\n", 400 },
        { "GET metrics HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /a\xff HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "G@T / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST " folded: x\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "Content-Length: 5, 0\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400 },
        { "\x16\x03\x01\x02 \r\n\r\n", 400 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request r;
        printf("# %zu\n", i);
        CHECK_INT(parse(cases[i].text, &r), cases[i].status);
        CHECK(!r.keep);
    }
}

static void requests_are_bounded(void)
{
    static char big[HTTP_REQUEST_MAX + 100];
    struct http_request r;
    size_t used;
    memset(big, 'a', sizeof big);
    memcpy(big, "GET / HTTP/1.1\r\nHost: x\r\nX: ", 28);
    CHECK_INT(http_parse(big, HTTP_REQUEST_MAX - 1, &r, &used), 0);
    CHECK_INT(http_parse(big, HTTP_REQUEST_MAX, &r, &used), 431);
    memcpy(big + HTTP_REQUEST_MAX - 2, "\r\n\r\n", 4); /* its end lies behind the bound */
    CHECK_INT(http_parse(big, sizeof big, &r, &used), 431);
    memcpy(big + HTTP_REQUEST_MAX - 4, "\r\n\r\n", 4);
    CHECK_INT(http_parse(big, sizeof big, &r, &used), 200);
    CHECK_INT(used, HTTP_REQUEST_MAX);
}

static void the_second_of_two_requests_is_left(void)
{
    static const char two[] = "GET /a HTTP/1.1\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST "\r\n";
    struct http_request r;
    size_t used = 0, more = 0;
    CHECK_INT(http_parse(two, sizeof two - 1, &r, &used), 200);
    CHECK_STR(r.path, "/a");
    CHECK_INT(http_parse(two + used, sizeof two - 1 - used, &r, &more), 200);
    CHECK_STR(r.path, "/b");
    CHECK_INT(used + more, sizeof two - 1);
}

static void answers_have_their_length_and_their_guards(void)
{
    struct http_answer a = { .status = 405, .type = "text/plain" };
    struct http_request r = { .keep = false };
    clear();
    text_add(&a.body, "12345");
    http_write(&out, &a, &r);
    CHECK(strncmp(written(), "HTTP/1.1 405 Method Not Allowed\r\n", 33) == 0);
    CHECK(has("\r\nContent-Length: 5\r\n") && has("\r\nAllow: GET, HEAD\r\n") && has("\r\nConnection: close\r\n"));
    CHECK(has("\r\nX-Content-Type-Options: nosniff\r\n") && has("\r\nContent-Security-Policy: default-src 'none';"));
    CHECK(has("\r\n\r\n12345"));
    clear();
    r.head = r.keep = true;
    http_write(&out, &a, &r);
    CHECK(has("\r\nContent-Length: 5\r\n") && has("\r\nConnection: keep-alive\r\n") && !has("12345"));
    text_free(&a.body);
    clear();
}

static void the_page_carries_its_nonce(void)
{
    clear();
    admin_page(&out, "0123abcd");
    CHECK(has("<style nonce=\"0123abcd\">") && has("<script nonce=\"0123abcd\">") && !has("@NONCE@"));
    CHECK(!has("innerHTML") && !has("document.write") && !has("style=\""));
    clear();
}

int main(void)
{
    RUN(good_requests);
    RUN(bad_requests);
    RUN(requests_are_bounded);
    RUN(the_second_of_two_requests_is_left);
    RUN(answers_have_their_length_and_their_guards);
    RUN(the_page_carries_its_nonce);
    return DONE();
}
