#include "text.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for n more bytes and a NUL that vsnprintf may write behind them. */
static bool grow(struct text *t, size_t n)
{
    if (t->failed || t->cap - t->len > n)
        return !t->failed;
    size_t cap = t->cap != 0 ? t->cap : 4096;
    while (cap - t->len <= n)
        cap *= 2;
    char *at = realloc(t->at, cap);
    if (at == NULL) {
        t->failed = true;
        return false;
    }
    t->at = at;
    t->cap = cap;
    return true;
}

void text_put(struct text *t, const void *bytes, size_t n)
{
    if (n == 0 || !grow(t, n))
        return;
    memcpy(t->at + t->len, bytes, n);
    t->len += n;
}

void text_add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    if (!grow(t, 256))
        return;
    va_start(ap, fmt);
    int n = vsnprintf(t->at + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n >= t->cap - t->len) {
        if (!grow(t, (size_t)n))
            return;
        va_start(ap, fmt);
        n = vsnprintf(t->at + t->len, t->cap - t->len, fmt, ap);
        va_end(ap);
    }
    t->len += n > 0 ? (size_t)n : 0;
}

/* One character of a value; => how many bytes of it were taken, 0 at its end. */
static size_t put_char(struct text *t, const char *p, bool json)
{
    uint32_t code;
    size_t n = utf8_take(p, 4, &code); /* the NUL at the end belongs to none */
    unsigned char c = (unsigned char)*p;
    if (c == '\0')
        return 0;
    if (n == 0) {
        text_put(t, "\xef\xbf\xbd", 3);
        return 1;
    }
    if (c == '"' || c == '\\')
        text_add(t, "\\%c", c);
    else if (c == '\n')
        text_put(t, "\\n", 2);
    else if (json && (c < 0x20 || c == 0x7f))
        text_add(t, "\\u%04x", c);
    else
        text_put(t, p, n);
    return n;
}

void text_label(struct text *t, const char *value)
{
    for (size_t n; (n = put_char(t, value, false)) != 0;)
        value += n;
}

void text_json(struct text *t, const char *value)
{
    text_put(t, "\"", 1);
    for (size_t n; (n = put_char(t, value, true)) != 0;)
        value += n;
    text_put(t, "\"", 1);
}

void text_free(struct text *t)
{
    free(t->at);
    *t = (struct text){ 0 };
}
