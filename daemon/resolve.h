/* Host names of backends, looked up by processes of their own: a resolver that does not answer holds up nobody who serves. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "backend.h"

/*
 * Looks n names up, 32 at a time side by side, when `unknown` those only that have no address yet; who takes longer than `seconds` is
 * given up.  The last good address of a name stays until there is another.  The log is told of changes only.
 */
void resolve_names(struct resolved *names, size_t n, bool unknown, double seconds);
/* A name that `from` knows already starts with that address. */
void resolve_inherit(struct resolved *names, size_t n, const struct resolved *from, size_t n_from);

#endif
