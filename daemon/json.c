#include "json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 16

struct reader {
    struct json *j;
    const char *at, *end;
    size_t cap;
    unsigned depth;
};

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* => the new node's index, SIZE_MAX without memory.  The array may move. */
static size_t new_node(struct reader *r, enum json_type type)
{
    struct json *j = r->j;
    if (j->n == r->cap) {
        size_t cap = r->cap != 0 ? 2 * r->cap : 256;
        struct json_node *more = reallocarray(j->node, cap, sizeof *more);
        if (more == NULL)
            return SIZE_MAX;
        j->node = more;
        r->cap = cap;
    }
    j->node[j->n] = (struct json_node){ .type = type, .at = r->at };
    return j->n++;
}

static void close_node(struct reader *r, size_t i, const char *end)
{
    r->j->node[i].len = (size_t)(end - r->j->node[i].at);
    r->j->node[i].next = r->j->n;
}

static bool is_hex(const char *p)
{
    for (int i = 0; i < 4; i++)
        if (strchr("0123456789abcdefABCDEF", p[i]) == NULL || p[i] == '\0')
            return false;
    return true;
}

static bool take_string(struct reader *r)
{
    if (!take(r, '"'))
        return false;
    size_t i = new_node(r, JSON_STRING);
    if (i == SIZE_MAX)
        return false;
    for (; r->at < r->end && *r->at != '"'; r->at++) {
        if ((unsigned char)*r->at < 0x20)
            return false;
        if (*r->at != '\\')
            continue;
        if (++r->at == r->end || *r->at == '\0' || strchr("\"\\/bfnrtu", *r->at) == NULL)
            return false;
        if (*r->at == 'u' && (r->end - r->at < 5 || !is_hex(r->at + 1)))
            return false;
    }
    close_node(r, i, r->at);
    return take(r, '"');
}

static bool take_digits(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at != from;
}

static bool take_number(struct reader *r)
{
    size_t i = new_node(r, JSON_NUMBER);
    if (i == SIZE_MAX)
        return false;
    if (r->at < r->end && *r->at == '-')
        r->at++;
    bool zero = r->at < r->end && *r->at == '0';
    const char *from = r->at;
    if (!take_digits(r) || (zero && r->at - from > 1))
        return false;
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!take_digits(r))
            return false;
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        if (!take_digits(r))
            return false;
    }
    close_node(r, i, r->at);
    return true;
}

static bool take_word(struct reader *r, const char *word, enum json_type type)
{
    size_t n = strlen(word), i;
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0 || (i = new_node(r, type)) == SIZE_MAX)
        return false;
    r->at += n;
    close_node(r, i, r->at);
    return true;
}

static bool take_value(struct reader *r);

/* What stands between two brackets. */
static bool take_many(struct reader *r, enum json_type type, char close)
{
    size_t i = new_node(r, type);
    if (i == SIZE_MAX || ++r->depth > DEEPEST)
        return false;
    r->at++;
    for (bool first = true; !take(r, close); first = false) {
        if (!first && !take(r, ','))
            return false;
        if (type == JSON_OBJECT && (!take_string(r) || !take(r, ':')))
            return false;
        if (!take_value(r))
            return false;
    }
    r->depth--;
    close_node(r, i, r->at);
    return true;
}

static bool take_value(struct reader *r)
{
    skip_blanks(r);
    switch (r->at < r->end ? *r->at : '\0') {
    case '{':
        return take_many(r, JSON_OBJECT, '}');
    case '[':
        return take_many(r, JSON_ARRAY, ']');
    case '"':
        return take_string(r);
    case 't':
        return take_word(r, "true", JSON_TRUE);
    case 'f':
        return take_word(r, "false", JSON_FALSE);
    case 'n':
        return take_word(r, "null", JSON_NULL);
    default:
        return take_number(r);
    }
}

bool json_parse(struct json *j, const char *text, size_t len)
{
    struct reader r = { .j = j, .at = text, .end = text + len };
    *j = (struct json){ 0 };
    if (take_value(&r)) {
        skip_blanks(&r);
        if (r.at == r.end)
            return true;
    }
    json_free(j);
    return false;
}

void json_free(struct json *j)
{
    free(j->node);
    *j = (struct json){ 0 };
}

size_t json_member(const struct json *j, size_t object, const char *name)
{
    if (object >= j->n || j->node[object].type != JSON_OBJECT)
        return 0;
    for (size_t i = object + 1; i < j->node[object].next; i = j->node[i + 1].next)
        if (j->node[i].len == strlen(name) && memcmp(j->node[i].at, name, j->node[i].len) == 0)
            return i + 1;
    return 0;
}

size_t json_first(const struct json *j, size_t array)
{
    if (array == 0 || array >= j->n || j->node[array].type < JSON_ARRAY || j->node[array].next == array + 1)
        return 0;
    return array + 1;
}

size_t json_next(const struct json *j, size_t array, size_t element)
{
    size_t next = j->node[element].next;
    return next < j->node[array].next ? next : 0;
}

double json_number(const struct json *j, size_t i)
{
    char buf[64];
    if (i == 0 || i >= j->n || j->node[i].type != JSON_NUMBER || j->node[i].len >= sizeof buf)
        return 0;
    memcpy(buf, j->node[i].at, j->node[i].len);
    buf[j->node[i].len] = '\0';
    return strtod(buf, NULL);
}

bool json_true(const struct json *j, size_t i)
{
    return i != 0 && i < j->n && j->node[i].type == JSON_TRUE;
}

/* Escapes of one byte are undone, those of control characters and all \u ones that are not printable ASCII become "?". */
static char unescape(const char **at)
{
    unsigned code = 0;
    switch (*(*at)++) {
    case 'u':
        (void)sscanf(*at, "%4x", &code);
        *at += 4;
        return code >= 0x20 && code < 0x7f ? (char)code : '?';
    case '"':
        return '"';
    case '\\':
        return '\\';
    case '/':
        return '/';
    default:
        return '?';
    }
}

const char *json_string(const struct json *j, size_t i, char *buf, size_t n)
{
    size_t len = 0;
    if (i != 0 && i < j->n && j->node[i].type == JSON_STRING) {
        const char *at = j->node[i].at, *end = at + j->node[i].len;
        while (at < end && len + 1 < n) {
            char c = *at++;
            if (c == '\\')
                c = unescape(&at);
            /* C1 controls in UTF-8 are as dangerous to a terminal as those below the blank. */
            bool control = (unsigned char)c < 0x20 || c == 0x7f || (c == '\xc2' && at < end && (unsigned char)*at < 0xa0);
            at += control && c == '\xc2';
            buf[len++] = control ? '?' : c;
        }
    }
    buf[len] = '\0';
    return buf;
}
