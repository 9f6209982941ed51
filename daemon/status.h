/* tls13d status: what a running daemon's admin endpoint tells, as a table. */
#ifndef STATUS_H
#define STATUS_H

#include "options.h"
#include "text.h"

/*
 * Asks the endpoint of --admin, else of the configuration, and prints to standard output; with --watch again each second.
 * => 0; 1 when the daemon cannot be reached or does not accept connections.
 */
int status_run(const struct invocation *inv);

/* The table of a /status answer.  previous (may be NULL) is an older answer: rates are of the time between them.  => false: no JSON. */
struct status_text {
    const char *at;
    size_t len;
    double when; /* seconds of any clock */
};
bool status_table(struct text *out, const struct status_text *now, const struct status_text *previous, bool colours);

#endif
