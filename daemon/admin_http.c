/* HTTP/1.1 as far as a few pages need it: a request's head in, an answer out.  No bodies are read, nothing is looked up in files. */
#include "admin.h"

#include <string.h>
#include <strings.h>
#include <time.h>

/* --- requests ---------------------------------------------------------------------------------------------------- */

/* A line without its end; lines end with CRLF, a bare LF is taken too (RFC 9112 2.2). */
struct line {
    const char *at;
    size_t len;
};

/* Takes the next line that ends before `end`.  => false when there is none. */
static bool next_line(const char **at, const char *end, struct line *l)
{
    const char *lf = memchr(*at, '\n', (size_t)(end - *at));
    if (lf == NULL)
        return false;
    l->at = *at;
    l->len = (size_t)(lf - *at);
    if (l->len != 0 && l->at[l->len - 1] == '\r')
        l->len--;
    *at = lf + 1;
    return true;
}

/* RFC 9110 5.6.2 */
static bool is_token(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", p[i]) != NULL)
            return false;
    return n != 0;
}

/* The path of a target in origin form, or in absolute form, whose authority is nobody's business (RFC 9112 3.2).  => false: neither. */
static bool take_path(const char *p, size_t n, struct http_request *r)
{
    if (n > 7 && strncasecmp(p, "http://", 7) == 0) {
        const char *slash = memchr(p + 7, '/', n - 7);
        n = slash != NULL ? n - (size_t)(slash - p) : 1;
        p = slash != NULL ? slash : "/";
    }
    if (n == 0 || p[0] != '/')
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 0x7f)
            return false;
    const char *query = memchr(p, '?', n);
    size_t len = query != NULL ? (size_t)(query - p) : n;
    r->path[0] = '\0';
    if (len < sizeof r->path) {
        memcpy(r->path, p, len);
        r->path[len] = '\0';
    }
    return true;
}

/* "GET /metrics HTTP/1.1".  => 200 or the status to refuse it with; *minor is the version's last digit. */
static int take_request_line(const struct line *l, struct http_request *r, int *minor)
{
    const char *end = l->at + l->len, *sp = memchr(l->at, ' ', l->len);
    const char *sp2 = sp != NULL ? memchr(sp + 1, ' ', (size_t)(end - sp - 1)) : NULL;
    if (sp2 == NULL || !is_token(l->at, (size_t)(sp - l->at)) || end - sp2 != 9 || strncmp(sp2 + 1, "HTTP/", 5) != 0 || sp2[7] != '.')
        return 400;
    if (sp2[6] != '1' || sp2[8] < '0' || sp2[8] > '9')
        return 505;
    *minor = sp2[8] - '0';
    r->head = sp - l->at == 4 && memcmp(l->at, "HEAD", 4) == 0;
    if (!r->head && (sp - l->at != 3 || memcmp(l->at, "GET", 3) != 0))
        return 405;
    return take_path(sp + 1, (size_t)(sp2 - sp - 1), r) ? 200 : 400;
}

/* => whether the list of a Connection field has the word (RFC 9110 7.6.1). */
static bool has_word(const char *p, size_t n, const char *word)
{
    size_t len = strlen(word);
    for (const char *end = p + n; p < end;) {
        const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma != NULL ? comma : end;
        while (p < stop && (*p == ' ' || *p == '\t'))
            p++;
        size_t k = (size_t)(stop - p);
        while (k != 0 && (p[k - 1] == ' ' || p[k - 1] == '\t'))
            k--;
        if (k == len && strncasecmp(p, word, len) == 0)
            return true;
        p = stop + 1;
    }
    return false;
}

static bool is_name(const struct line *l, size_t name, const char *want)
{
    return name == strlen(want) && strncasecmp(l->at, want, name) == 0;
}

struct fields {
    unsigned hosts;
    bool close, keep;
};

/* One field.  => 200 or 400.  A body would have to be read to find the next request: who sends one is refused. */
static int take_field(const struct line *l, struct fields *f)
{
    const char *colon = memchr(l->at, ':', l->len);
    if (colon == NULL || !is_token(l->at, (size_t)(colon - l->at)) || memchr(l->at, '\0', l->len) != NULL)
        return 400;
    size_t name = (size_t)(colon - l->at), n = l->len - name - 1;
    const char *value = colon + 1;
    f->hosts += is_name(l, name, "host");
    if (is_name(l, name, "connection")) {
        f->close |= has_word(value, n, "close");
        f->keep |= has_word(value, n, "keep-alive");
    }
    if (is_name(l, name, "transfer-encoding"))
        return 400;
    /* A list of lengths is none (RFC 9110 8.6). */
    if (is_name(l, name, "content-length") && (memchr(value, ',', n) != NULL || !has_word(value, n, "0")))
        return 400;
    return 200;
}

/* => the head's length with the empty line that ends it, 0 when it is not whole. */
static size_t head_length(const char *buf, size_t len)
{
    const char *at = buf;
    struct line l;
    bool begun = false;
    while (next_line(&at, buf + len, &l)) {
        if (l.len == 0 && begun)
            return (size_t)(at - buf);
        begun |= l.len != 0; /* empty lines before a request are skipped (RFC 9112 2.2) */
    }
    return 0;
}

int http_parse(const char *buf, size_t len, struct http_request *r, size_t *used)
{
    size_t head = head_length(buf, len < HTTP_REQUEST_MAX ? len : HTTP_REQUEST_MAX);
    *r = (struct http_request){ .keep = false };
    if (head == 0)
        return len >= HTTP_REQUEST_MAX ? 431 : 0;
    const char *at = buf, *end = buf + head;
    struct line l = { .at = buf };
    struct fields f = { 0 };
    int minor = 0;
    while (next_line(&at, end, &l) && l.len == 0)
        ;
    int status = take_request_line(&l, r, &minor);
    while (status == 200 && next_line(&at, end, &l) && l.len != 0)
        status = take_field(&l, &f);
    if (status == 200 && (f.hosts > 1 || (minor != 0 && f.hosts == 0)))
        status = 400;
    r->keep = status == 200 && !f.close && (minor != 0 || f.keep);
    *used = head;
    return status;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Internal Server Error";
    }
}

void http_write(struct text *out, const struct http_answer *a, const struct http_request *r)
{
    char date[64];
    time_t now = time(NULL);
    struct tm tm;
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    text_add(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: %s\r\n", a->status,
             reason(a->status), date, a->type, a->body.len, r->keep ? "keep-alive" : "close");
    if (a->status == 405)
        text_add(out, "Allow: GET, HEAD\r\n");
    text_add(out,
             "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"
             "Cross-Origin-Resource-Policy: same-origin\r\n"
             "Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'%s%s\r\n\r\n",
             a->csp != NULL ? "; " : "", a->csp != NULL ? a->csp : "");
    if (!r->head)
        text_put(out, a->body.at, a->body.len);
}
