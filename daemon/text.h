/* Text that grows: what the admin process answers. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Plain memory, zeroed at first.  Once there is no memory `failed` is set and nothing more is added. */
struct text {
    char *at; /* len bytes, malloc'ed; not ended by a NUL */
    size_t len, cap;
    bool failed;
};

void text_put(struct text *t, const void *bytes, size_t n);
void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * A value between the quotes of a Prometheus label: backslash, quote and newline are escaped, what is not UTF-8 becomes U+FFFD.
 * And a whole JSON string, with its quotes (RFC 8259 7).
 */
void text_label(struct text *t, const char *value);
void text_json(struct text *t, const char *value);
void text_free(struct text *t);

#endif
