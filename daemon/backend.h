/* Where connections go: backends of a listener and its routes, the choice among them, connecting without blocking. */
#ifndef BACKEND_H
#define BACKEND_H

#include "options.h"

enum { RESOLVED_MOST = 4 }; /* addresses of one name that are tried */

/*
 * Addresses of backends that are host names, in memory that all processes share: processes of resolve.h write, workers read.  An even
 * version is whole; a reader that met a change reads again.
 */
struct resolved {
    uint32_t version; /* 0: never resolved */
    uint32_t n;
    struct resolved_addr {
        socklen_t len;
        struct sockaddr_storage ss;
    } at[RESOLVED_MOST];
    char listener[64], host[256]; /* whose backend it is, and its name */
    uint16_t port;
    bool failing; /* the last look had no answer, and the log has been told */
};

struct backend {
    const struct addr *addr;         /* the configuration's */
    const struct resolved *resolved; /* for a host name; else NULL */
    char text[ADDR_TEXT];            /* for logs */
    size_t index;                    /* of its counters; the owner's */
    unsigned active;                 /* this worker's connections */
    unsigned failures;               /* in a row */
    unsigned turn;                   /* of a name's addresses, the one in use */
    double avoid_until;              /* the loop's time */
};

/* What a listener or one route chooses from. */
struct backends {
    struct backend *at;
    size_t n, turn;
};

/* A listener's routes, in order, and what is left when none matches. */
struct routes {
    const struct listen_conf *conf;
    struct backends *route; /* conf->n_routes, of one backend each */
    struct backends rest;
};

/* Builds a listener's routes; names[] supplies the resolved addresses of host names in the order of routes_name(). */
int routes_init(struct routes *r, const struct listen_conf *l, const struct resolved *names);
void routes_free(struct routes *r);
/* How many of a listener's backends are host names, routes' first; the i-th of them. */
size_t routes_names(const struct listen_conf *l);
const struct addr *routes_name(const struct listen_conf *l, size_t i);

/* => the first route that matches, else the listener's own backends.  sni and alpn are "" when there is none; sni is lower case. */
struct backends *routes_find(struct routes *r, const char *sni, const char *alpn);

/*
 * => the backend with the fewest connections among those that are not avoided; when all are, the one whose time comes first.  Ties
 * take turns.
 */
struct backend *backend_pick(struct backends *b, double now);
/* A connect failed or timed out: avoided for a second, doubling up to 30; or it worked. */
void backend_failed(struct backend *b, double now);
void backend_worked(struct backend *b);

/*
 * Starts to connect; data: what is to be sent is there already.  => 0: connected, 1: in progress (wait until writable, then ask
 * backend_connected()), -1 with errno set.  *fd is the socket, -1 after a failure.
 */
int backend_connect(const struct backend *b, bool data, int *fd);
/* => 0 or the errno that the connect ended with. */
int backend_connected(int fd);
/* TCP_NODELAY and SO_KEEPALIVE, which many a short connection does without. */
void backend_no_delay(int fd);
void backend_keep_alive(int fd);
bool backend_is_unix(const struct backend *b);

/* How often one connection may try: each backend, and each address of a name. */
size_t backends_tries(const struct backends *b);

/*
 * Resolves r's host name (this blocks) and publishes the addresses; a failure keeps what was, and so does another order.  => 0 or
 * getaddrinfo's error.
 */
int backend_resolve(struct resolved *r);
/* Publishes what `from` has, if it has any address. */
void backend_keep(struct resolved *to, const struct resolved *from);

#endif
