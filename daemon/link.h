/*
 * One connection's life: PROXY header, handshake, connect, relay, end, log line.  A link and its TLS connection lie in one cell of at
 * most LINK_MAX bytes; an idle one holds nothing else.
 */
#ifndef LINK_H
#define LINK_H

#include "backend.h"
#include "endpoint.h"
#include "loop.h"
#include "per_ip.h"
#include "options.h"
#include "pool.h"
#include "relay.h"
#include "stats.h"
#include "tls13.h"
#include "wheel.h"

#define LINK_RECORDS 8  /* whole records in one read, at most */
#define LINK_WORDS   64 /* room for close_notify or an alert, sealed */

/* A listener as one worker serves it. */
struct place {
    const struct listen_conf *conf;
    struct tls13_ctx *ctx;
    struct routes routes;
    size_t index; /* in struct stats.listener */
    uint32_t handshake_ticks, connect_ticks, idle_ticks, half_close_ticks;
};

/* What the links of one worker share. */
struct link_env {
    struct loop *loop;
    struct wheel wheel; /* holds every link; wheel.now is the worker's clock */
    struct pool links, hs;
    struct slabs slabs;
    uint8_t *in, *out; /* scratch; in: SLAB_MAX bytes */
    size_t out_cap;    /* at least LINK_RECORDS records and any context's max_flight */
    struct link **parked;
    size_t n_parked, parked_cap;
    struct stats *stats;
    struct per_ip *per_ip; /* NULL: no limit by address */
    size_t per_ip_table;
    uint32_t max_per_ip;
    bool log_connections;
    size_t active;
    uint64_t unique[2]; /* for PROXY's unique-id: random, and a count */
};

/* One direction's buffer: what waits for the sink (struct half's len bytes), then ciphertext that is no whole record yet. */
struct link_queue {
    uint8_t *slab; /* NULL: nothing is held */
    uint32_t cap, off, hold;
};

enum link_phase {
    LINK_HEADER,    /* a PROXY header is awaited */
    LINK_HANDSHAKE, /* until the client's Finished has verified */
    LINK_CONNECT,   /* the backend is being connected */
    LINK_RELAY
};

struct link {
    _Alignas(16) struct watch client_io;
    struct watch backend_io;
    struct wheel_node timer;
    struct link_env *env;
    struct place *place;
    const struct addr *bound;  /* the listening socket's address */
    struct backends *backends; /* chosen by the routes; NULL before */
    struct backend *backend;   /* NULL: none is being used */
    struct relay relay;
    struct link_queue up, down;
    uint64_t in, out;       /* plain bytes from the client and to it */
    double started;         /* the loop's time at accept, later */
    double connect_started; /* at the connect */
    uint32_t phase_due;     /* tick: the end of a phase that has a fixed one */
    uint32_t active;        /* tick: bytes moved last */
    uint32_t last_down;     /* tick: bytes from the backend last */
    uint32_t small_sent;    /* bytes sent in small records since the last pause */
    uint32_t outq;          /* bytes not acknowledged when a leaving socket was looked at last */
    uint32_t linger_left;   /* bytes that are still read and dropped */
    uint32_t handshake_ms;  /* UINT32_MAX: not finished */
    uint16_t suite, group, scheme;
    uint16_t tries; /* backends tried */
    uint8_t phase;  /* enum link_phase */
    uint8_t end;    /* enum stats_end */
    uint8_t alert;  /* with END_ALERT and END_SENT */
    bool end_known : 1, got_bytes : 1, parked : 1, fresh_hold : 1, aborted : 1, resumed : 1, counted_ip : 1, tls_up : 1;
    bool client_fin : 1, client_reset : 1, backend_reset : 1, early_data : 1, backend_unix : 1, client_unix : 1;
    bool client_end_behind : 1, backend_end_behind : 1; /* its end lies behind what is still to be read */
    bool client_end_loose : 1, backend_end_loose : 1;   /* and a short read need not be the last before it */
    bool backend_wrote : 1, backend_no_delay : 1, backend_keep_alive : 1;
    struct endpoint client, local; /* local is filled in by an accepted PROXY header only */
    char *names;                   /* SNI, then the client certificate's name, each with its NUL: names_in or malloc'ed */
    char names_in[56];
};

#define LINK_MAX 1536
_Static_assert(sizeof(struct link) + TLS13_CONN_SIZE <= LINK_MAX, "an idle connection's memory");
_Static_assert(sizeof(struct link) % 16 == 0, "the TLS connection behind a link is aligned");

static inline struct tls13_conn *link_tls(struct link *l)
{
    return (struct tls13_conn *)(void *)(l + 1);
}

/* Takes over an accepted socket and reads what is there already.  The link ends by itself; fd is closed when there is no memory. */
void link_start(struct link_env *env, struct place *place, const struct addr *bound, int fd, const struct sockaddr *peer);
/* Does the asymmetric work of all parked handshakes and goes on with each. */
void link_compute(struct link_env *env);
/* The wheel has come to it. */
void link_due(struct link *l);
/* Ends it now, with what its state allows to say. */
void link_cut(struct link *l, enum stats_end why);

#endif
