/* One generation's world: a configuration and all that was built from it.  Built whole or not at all, by the master. */
#ifndef WORLD_H
#define WORLD_H

#include "handover.h"
#include "options.h"
#include "process.h"
#include "tls13.h"

struct world {
    struct config *conf;
    struct tls13_ctx **ctx; /* of each listener */
    struct bindings binds;
    struct bindings admin;  /* the admin process alone accepts from it; empty when it is off */
    struct resolved *names; /* of backends that are host names, shared; NULL when there are none */
    size_t *first_name;     /* of each listener, in names */
    size_t n_names;
    struct identity identity;
    size_t workers;
    size_t max_connections; /* what the descriptors allow */
    int keylog;             /* a descriptor, or -1 */
    uint64_t generation;
};

/*
 * Builds a world of conf, which it owns from now on; sockets of old (may be NULL) are kept, and the addresses of names.  Problems go to p.
 *
 * => the world, or NULL: conf is freed, old is as before.  *code is the exit code that says why: EXIT_REFUSED, or EXIT_RIGHTS (no socket).
 */
struct world *world_build(struct config *conf, const struct world *old, const struct inheritance *in, struct problems *p, int *code);
/*
 * A world of which only what another master has handed over is there: sockets, and addresses of names; they are its own from now on.
 * NULL: no memory.
 */
struct world *world_handed(struct handover *h);
/* Frees it; files of Unix sockets that kept (may be NULL) does not have are unlinked. */
void world_free(struct world *w, const struct world *kept);

#endif
