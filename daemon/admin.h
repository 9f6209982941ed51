/* The admin process: metrics, status and the status page, out of the shared counters, over HTTP/1.1. */
#ifndef ADMIN_H
#define ADMIN_H

#include "stats.h"
#include "text.h"
#include "tickets.h"
#include "world.h"

#include <sys/types.h>

struct admin_job {
    struct world *world;
    struct stats_shared *shared;
    struct ticket_ring *ring; /* unmapped: no key is needed here */
    pid_t master;
};

/*
 * The whole life of an admin process: forgets every key, drops privileges, answers on world->admin until SIGTERM.
 * => its exit code: EXIT_FINE; EXIT_RIGHTS: privileges could not be dropped; EXIT_INTERNAL.  Never returns to the master's code.
 */
int admin_run(const struct admin_job *job);

/* --- what is told of: the world's names beside the places of their counters -------------------------------------- */

struct admin_listener {
    const char *name;
    char (*binds)[ADDR_TEXT]; /* n_binds */
    size_t n_binds;
    size_t place; /* in struct stats.listener */
};
struct admin_backend {
    const char *listener;
    char address[ADDR_TEXT];
    size_t place; /* in struct stats.backend */
};
struct admin_cert {
    const char *listener;
    int index; /* among the listener's */
    struct tls13_cert_info info;
};
struct admin_view {
    const struct stats_shared *shared;
    struct admin_listener *listeners;
    size_t n_listeners;
    struct admin_backend *backends; /* no place twice */
    size_t n_backends;
    struct admin_cert *certs; /* those that expire first come first */
    size_t n_certs;
    int64_t now;    /* seconds since 1970 */
    uint64_t clock; /* seconds of CLOCK_MONOTONIC, as in struct stats.beat */
    pid_t master;
};

/* Collects it, for as long as the process lives.  => false: no memory. */
bool admin_view_build(struct admin_view *v, const struct world *w, struct stats_shared *shared);
/* How many workers of the configuration in force give signs of life. */
size_t admin_alive(const struct admin_view *v);
/* Whether connections are accepted. */
bool admin_ready(const struct admin_view *v);
/* Days until a certificate expires, negative when it has. */
int64_t admin_days_left(const struct admin_cert *c, int64_t now);
/* Takes the sample of this moment. */
void admin_sample(struct stats_shared *shared, uint64_t clock);

/* --- what is said ------------------------------------------------------------------------------------------------ */

/* Prometheus' text format, version 0.0.4. */
void admin_metrics(struct text *out, const struct admin_view *v);
/* The same and more as a JSON object, for the page and `tls13d status`. */
void admin_json(struct text *out, const struct admin_view *v);
/* The status page, for a Content-Security-Policy that allows this nonce. */
void admin_page(struct text *out, const char *nonce);
extern const char admin_page_source[]; /* page.html; @NONCE@ stands for the nonce */

/* --- HTTP/1.1 (RFC 9112) ----------------------------------------------------------------------------------------- */

#define HTTP_REQUEST_MAX 8192

struct http_request {
    char path[64]; /* without its query; "" when it is longer: there is no such page */
    bool head;     /* HEAD, not GET */
    bool keep;     /* the connection stays open after the answer */
};
/*
 * Reads a request's head from the len bytes at buf.  => 0: it is not whole yet; 200: *r and *used are set; else the status to refuse
 * it with: 400, 405, 431 (it does not fit HTTP_REQUEST_MAX), 505.
 */
int http_parse(const char *buf, size_t len, struct http_request *r, size_t *used);
/* Writes an answer's head and, unless it is one to HEAD, the body. */
struct http_answer {
    int status;
    const char *type, *csp; /* csp NULL: nothing is allowed */
    struct text body;
};
void http_write(struct text *out, const struct http_answer *a, const struct http_request *r);

#endif
