/* Characters in UTF-8 (RFC 3629). */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * => the length of the sequence that text begins with, in its shortest form and no surrogate, and its character in *code; 0 when it is
 * none or does not fit n bytes, which are at least one.  No byte behind the first wrong one is looked at.
 */
size_t utf8_take(const void *text, size_t n, uint32_t *code);

#endif
