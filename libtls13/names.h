/* Server names to credentials (RFC 6066 3, RFC 6125 6.4): exact name first, then the wildcard of one label. */
#ifndef TLS13_NAMES_H
#define TLS13_NAMES_H

#include "bytes.h"

struct names; /* opaque; a hash map built while the context is built */

struct names *names_new(void); /* NULL: no memory */
void names_free(struct names *n);
/* Adds credential `index` (up to 65535) under a lower-case name ("example.org", "*.example.org").  => 0, -TLS13_E_MEMORY, _BAD_ARGUMENT. */
int names_add(struct names *n, const char *name, unsigned index);
/*
 * The credentials for a lower-case host name: those of the exact name, else those of its wildcard ("*." + all after the first dot).
 * => how many; *list points to their indexes in the order added, until the next names_add.
 */
size_t names_find(const struct names *n, const char *host, size_t len, const uint16_t **list);

/*
 * Checks and normalises a HostName of the server_name extension (RFC 6066 3): 1 to 255 bytes, letters, digits, '-', '_' and '.', no
 * empty label, no trailing dot, not an IPv4 or IPv6 literal; copies it in lower case with a NUL.  => 0 or -TLS13_E_ILLEGAL, with
 * out empty unless an IPv4 literal is all that is wrong.
 */
int names_normalise(const uint8_t *host, size_t len, char out[static 256]);

#endif
