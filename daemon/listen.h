/* Listening sockets: opened once by the master, inherited by every generation of workers. */
#ifndef LISTEN_H
#define LISTEN_H

#include "options.h"

/*
 * One `bind` line.  A TCP address has a socket for each worker (SO_REUSEPORT), so that the kernel spreads connections; the others
 * have one that all workers share.
 */
struct binding {
    struct addr addr;  /* as configured; resolved when it has a host name */
    struct addr bound; /* what the socket says: the port when 0 was asked for, systemd's address */
    size_t listen;     /* index of its listener in the configuration */
    int *fds;          /* n of them; owned */
    size_t n;
    bool fresh; /* opened for this configuration, not taken over */
    bool file;  /* a Unix socket's file is ours: unlinked when the binding goes */
};

struct bindings {
    struct binding *at;
    size_t n;
};

/* Descriptors handed over by systemd (LISTEN_FDS), by name.  To be read once, before any other use of the environment. */
struct inherited {
    int fd;
    char name[256]; /* "" once it was taken by nobody of that name */
};
#define INHERITED_MAX 64
struct inheritance {
    struct inherited at[INHERITED_MAX];
    size_t n;
};
void listen_inherit(struct inheritance *in);

/*
 * Opens what a configuration binds, for so many workers.  An address that old (may be NULL) has too is the same socket, over
 * descriptors of its own: no connection that waits there is lost, and either set can be closed without the other.
 *
 * => 0; -1 - i with a sentence in why when it is listener i that cannot be had: everything opened here is closed again, old is as before.
 */
int listen_open(struct bindings *b, const struct bindings *old, const struct inheritance *in, const struct config *c, size_t workers,
                char *why, size_t why_len);
/* Closes gone's descriptors; unlinks its Unix sockets' files that kept (may be NULL) does not have. */
void listen_close(struct bindings *gone, const struct bindings *kept);

/*
 * A binding over n sockets that another process had opened for the address `text` and handed over, after a look at each of them; it
 * owns them then.  => 0; -1 with a sentence in why: they still are the caller's.
 */
int listen_adopt(struct binding *b, const char *text, const int *fds, size_t n, char *why, size_t why_len);

/*
 * In a worker: keeps the sockets that worker `index` of `workers` serves, closes the others' descriptors (a socket that somebody keeps
 * open without accepting would go on drawing connections).
 */
void listen_keep(struct bindings *b, size_t index, size_t workers);

#endif
