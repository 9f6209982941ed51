/* A reader of JSON texts (RFC 8259) that are small and whole: what `tls13d status` gets from the admin endpoint. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Values in the order of the text; an object's are name, value, name, value. */
struct json_node {
    enum json_type type;
    const char *at; /* in the text; of a string: behind its quote */
    size_t len;     /* of a string: without quotes, escapes still in it */
    size_t next;    /* the index behind this value and all that is in it */
};
struct json {
    struct json_node *node; /* n of them, malloc'ed; the first is the whole */
    size_t n;
};

/* Reads len bytes, which must live as long as *j.  => false: not JSON, nested too deep, or no memory; nothing is to be freed then. */
bool json_parse(struct json *j, const char *text, size_t len);
void json_free(struct json *j);

/* Indexes of values; 0, which is nobody's member, stands for what is not there, and all calls take it. */
size_t json_member(const struct json *j, size_t object, const char *name);
/* Walks an array: the first element, then the next ones; or an object: a name, its value, the next name. */
size_t json_first(const struct json *j, size_t array);
size_t json_next(const struct json *j, size_t array, size_t element);
/* => 0 when it is no number. */
double json_number(const struct json *j, size_t i);
bool json_true(const struct json *j, size_t i);
/* Writes a string, fit for a terminal: control characters become "?"; => buf, "" when it is no string. */
const char *json_string(const struct json *j, size_t i, char *buf, size_t n);

#endif
