/*
 * Counters in memory that all processes share: one block a worker, which it alone writes; readers add the blocks up.  The lists below
 * are the metrics: whoever prints them walks the lists.
 */
#ifndef STATS_H
#define STATS_H

#include "tls13.h"

#include <stddef.h>
#include <stdint.h>

/* Counters: field, name for Prometheus (behind tls13d_), label, help.  Rows of one name stand together. */
#define STATS_COUNTERS(X)                                                                                     \
    X(accepted, "connections_accepted_total", "", "Connections accepted")                                     \
    X(probes, "probes_total", "", "Connections that closed without sending a byte")                           \
    X(refused_ip, "connections_refused_total", "reason=\"per-ip\"", "Connections refused")                    \
    X(refused_proxy, "connections_refused_total", "reason=\"proxy-header\"", "Connections refused")           \
    X(not_tls, "connections_refused_total", "reason=\"not-tls\"", "Connections refused")                      \
    X(out_of_memory, "connections_refused_total", "reason=\"memory\"", "Connections refused")                 \
    X(accept_errors, "accept_errors_total", "", "Times that accept failed for want of descriptors or memory") \
    X(accept_waits, "accept_waits_total", "", "Times that accepting waited for a limit")                      \
    X(handshakes_full, "handshakes_total", "kind=\"full\"", "Handshakes completed")                           \
    X(handshakes_resumed, "handshakes_total", "kind=\"resumed\"", "Handshakes completed")                     \
    X(handshakes_failed, "handshakes_failed_total", "", "Handshakes that failed, probes not counted")         \
    X(hello_retries, "handshakes_retried_total", "", "Completed handshakes that took a HelloRetryRequest")    \
    X(bytes_in, "received_bytes_total", "", "Plain bytes from clients to backends")                           \
    X(bytes_out, "sent_bytes_total", "", "Plain bytes from backends to clients")                              \
    X(backend_connects, "backend_connects_total", "", "Backend connections made")                             \
    X(backend_failures, "backend_failures_total", "", "Backend connections that failed or timed out")

/* Gauges: likewise. */
#define STATS_GAUGES(X)                                                                           \
    X(active, "connections_active", "", "Connections open")                                       \
    X(handshaking, "handshakes_active", "", "Connections that have not finished their handshake") \
    X(buffers, "buffers_leased", "", "Buffers that hold what a socket did not take")              \
    X(memory, "memory_bytes", "", "Bytes mapped for connections and buffers")

/* How a connection ended: enumerator, the word of the log's end=. */
#define STATS_ENDS(X)                         \
    X(CLOSED, "closed")                       \
    X(TRUNCATED, "truncated")                 \
    X(IDLE, "idle")                           \
    X(HANDSHAKE_TIMEOUT, "handshake-timeout") \
    X(CONNECT_FAILED, "connect-failed")       \
    X(REFUSED, "refused")                     \
    X(ALERT, "alert")                         \
    X(SENT, "sent")                           \
    X(RESET, "reset")                         \
    X(DRAIN, "drain")                         \
    X(LIMIT, "limit")                         \
    X(PROXY_HEADER, "proxy-header")           \
    X(HANDSHAKE_CLOSED, "handshake-closed")   \
    X(INTERNAL, "internal")

enum stats_end {
#define STATS_ROW(name, word) END_##name,
    STATS_ENDS(STATS_ROW)
#undef STATS_ROW
        END_COUNT
};
const char *stats_end_word(enum stats_end e);

#define STATS_SUITES 4 /* 0x1301 to 0x1303, anything else */
#define STATS_GROUPS 5 /* X25519MLKEM768, x25519, secp256r1, secp384r1, anything else */
extern const uint16_t stats_suites[STATS_SUITES], stats_groups[STATS_GROUPS]; /* 0: anything else */

/* Histograms of seconds: upper bounds in microseconds, one more bucket for what is longer; not cumulated. */
#define STATS_BUCKETS 12
extern const uint32_t stats_bounds[STATS_BUCKETS];
struct stats_histogram {
    uint64_t bucket[STATS_BUCKETS + 1];
    uint64_t sum_us;
};

/* By listener, and by backend of a listener; which is which is found by name, see stats_listener(). */
#define STATS_LISTENERS 64
struct stats_listener {
    uint64_t accepted, handshakes, failed, bytes_in, bytes_out;
    uint64_t active; /* gauge */
};
#define STATS_BACKENDS 128
struct stats_backend {
    uint64_t connects, failures;
    uint64_t active, failing; /* gauges; failing: 1 when the last connect failed */
};

#define STATS_ERRORS 64 /* more than there are of enum tls13_error */

/* One block.  Everything is 64 bits, so that blocks are added up as arrays. */
struct stats {
#define STATS_ROW(field, name, label, help) uint64_t field;
    STATS_COUNTERS(STATS_ROW)
#undef STATS_ROW
    uint64_t ends[END_COUNT];
    uint64_t alert_sent[256], alert_received[256]; /* by code; only the first few dozen are ever touched */
    uint64_t errors[STATS_ERRORS];                 /* failed handshakes by enum tls13_error */
    uint64_t suites[STATS_SUITES], groups[STATS_GROUPS];
    struct stats_histogram handshake, connect;
    struct stats_listener listener[STATS_LISTENERS];
    struct stats_backend backend[STATS_BACKENDS];
#define STATS_ROW(field, name, label, help) uint64_t field;
    STATS_GAUGES(STATS_ROW)
#undef STATS_ROW
    uint64_t pid;        /* the worker that writes here; 0: nobody */
    uint64_t generation; /* of its configuration */
    uint64_t beat;       /* seconds of CLOCK_MONOTONIC at its last sign of life */
};

/* What the master alone writes. */
struct stats_master {
    uint64_t started; /* seconds since 1970 */
    uint64_t generation, reloads_ok, reloads_failed, worker_restarts, workers;
    uint64_t ticket_key_made;           /* seconds since 1970, of the key that seals; 0: none */
    uint64_t ready;                     /* 1 while connections are accepted */
    uint64_t blocks;                    /* how many of the blocks were ever used */
    char listener[STATS_LISTENERS][64]; /* names, as in struct stats.listener; "": nobody's yet */
    char backend[STATS_BACKENDS][192];  /* LISTENER, a NUL, ADDRESS; as in struct stats.backend */
};

/* The sums of some counters every few seconds, a ring that the admin process writes; the sample of `time` lies at stats_sample_at(). */
#define STATS_SAMPLES        150
#define STATS_SAMPLE_SECONDS 2
struct stats_sample {
    uint64_t time; /* seconds of CLOCK_MONOTONIC; 0: none */
    uint64_t accepted, handshakes, failed, bytes_in, bytes_out, active;
};

#define STATS_BLOCKS 256 /* the first holds what ended workers counted */
struct stats_shared {
    struct stats_master master;
    struct stats_sample sample[STATS_SAMPLES];
    struct stats block[STATS_BLOCKS];
};

/* A new shared mapping, zeroed; NULL: no memory.  It is inherited by fork and never goes. */
struct stats_shared *stats_new(void);
/* => a free block's index, marked as taken; -1: none.  The master's. */
int stats_take(struct stats_shared *s);
/* A worker ended: its counters go to the first block, its gauges vanish, the block is free. */
void stats_retire(struct stats_shared *s, int block);
/* The sum of all blocks, gauges of the living only. */
void stats_sum(const struct stats_shared *s, struct stats *sum);
/* The sum of one gauge or counter, by its offset in struct stats. */
uint64_t stats_sum_one(const struct stats_shared *s, size_t offset);

/*
 * => the index of a listener's or a backend's counters, the same over all generations: a new name takes a free place, and when there is
 * none it shares the last one.  The master asks first, for every name, before workers that ask again are started.
 */
size_t stats_listener(struct stats_shared *s, const char *name);
size_t stats_backend(struct stats_shared *s, const char *listener, const char *address);
/* Where the sample of a time lies. */
static inline size_t stats_sample_at(uint64_t time)
{
    return (time / STATS_SAMPLE_SECONDS) % STATS_SAMPLES;
}

/* The block's owner adds to a field. */
#define STATS_ADD(s, field, n) __atomic_store_n(&(s)->field, (s)->field + (uint64_t)(n), __ATOMIC_RELAXED)
#define STATS_SET(s, field, n) __atomic_store_n(&(s)->field, (uint64_t)(n), __ATOMIC_RELAXED)
void stats_time(struct stats_histogram *h, double seconds);
/* Indexes for suites and groups. */
size_t stats_suite(uint16_t suite);
size_t stats_group(uint16_t group);

#endif
