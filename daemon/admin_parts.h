/* What the files of the admin process's server share: admin.c (the process, accepting), admin_conn.c (one connection). */
#ifndef ADMIN_PARTS_H
#define ADMIN_PARTS_H

#include "admin.h"

#include <ev.h>

#define CONNS_MAX      64 /* one more takes the place of the one that has been idle longest */
#define ANSWER_SECONDS 10.

enum phase { READING, ANSWERING, LINGERING };

struct server;

struct conn {
    ev_io io;
    ev_timer timer;
    struct server *server;
    struct conn *prev, *next; /* in the order of their last request, oldest first */
    enum phase phase;
    bool keep;  /* after this answer there may be another */
    bool fresh; /* nothing has been asked yet */
    size_t len, off, dropped;
    struct text out;
    char request[HTTP_REQUEST_MAX];
};

struct server {
    struct ev_loop *loop;
    struct admin_view view;
    struct stats_shared *shared;
    struct conn ring; /* head of the list; nothing but its links is used */
    size_t conns;
    ev_io *listeners;
    size_t n_listeners;
    ev_timer second, resume, last;
    ev_signal term, intr, hup, usr1;
    bool ending;
};

/* Takes over an accepted socket; closed when there is no memory.  One connection too many ends the one idle longest. */
void conn_start(struct server *s, int fd);
/* Closes it; the last one of a server that ends ends its loop. */
void conn_free(struct conn *c);
/* => whether a connection rests between two requests, so that closing it costs nobody an answer. */
bool conn_rests(const struct conn *c);

#endif
