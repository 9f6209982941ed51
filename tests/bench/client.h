/*
 * The benchmark's connections: TLS 1.3 through OpenSSL (or plain TCP), non-blocking, many at once, everything checked: version, suite,
 * group, resumption, every byte.  What is wrong ends the program.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "wire.h"

/* What the whole program does; set once at start. */
struct options {
    uint16_t port;
    const char *ca, *suite, *group, *name;
    uint64_t reply; /* bytes asked for after a handshake and by each request */
    bool plain;
};
extern struct options opt;

/* What is being done at present, by all connections. */
enum mode {
    OPEN,         /* connections that stay */
    FULL,         /* a connection, one request, close */
    RESUMED,      /* the same with the last ticket */
    REQUEST_SAME, /* requests, each connection its next one at once */
    REQUEST_TURN, /* requests over all standing connections in turn */
    BULK          /* one transfer a connection */
};

void client_init(void);
/* Brings the standing connections to n. */
void client_open(uint64_t n);
/* n connections, `at_once` of them at a time, each closed after its reply. */
void client_short(enum mode mode, uint64_t n, uint64_t at_once);
/* n requests over the standing connections, `at_once` of them at a time; REQUEST_SAME uses the first ones only. */
void client_requests(enum mode mode, uint64_t n, uint64_t at_once);
/* n bytes over each of the first `over` standing connections, to the client or from it ('R', 'U'). */
void client_bulk(char way, uint64_t n, uint64_t over);
/* Ends the standing connections. */
void client_close(void);
/* Microseconds of the last command's units, from its beginning to its last byte: the p-th part of 1000. */
double client_latency(unsigned p);
noreturn void die(const char *what);

#endif
