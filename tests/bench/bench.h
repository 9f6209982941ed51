/*
 * Micro-benchmarks of the primitives: CPU time of one operation, ours beside BearSSL's and OpenSSL's.
 *
 * A group is an array of rows that ends in one without a name; crypto.c lists the groups, each in a file of its own.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One implementation of one operation. */
struct bench {
    const char *what;                             /* "AES-128-GCM seal": rows of the same name and size stand together */
    const char *impl;                             /* "gcm512", "BearSSL", "OpenSSL" */
    size_t bytes;                                 /* that one operation works on; 0: operations per second are given instead of GB/s */
    void (*run)(const struct bench *row, long n); /* n operations */
    const void *arg;                              /* run's own */
    size_t arg2;
};

/* Adds a row; the table grows. */
void bench_add(struct bench row);

/* Each adds its rows, those that this CPU can run. */
void bench_aead(void);
void bench_hash(void);
void bench_asym(void);
void bench_primitives(void);
void bench_handshake(void);

/* This thread's CPU time in ns; what of it a run does not count, being no part of the operation. */
double bench_cpu_ns(void);
void bench_exclude(double ns);

/* A row's floor, or NULL: it may take `most` times what `reference` takes for the same. */
struct bench_floor {
    const char *what;
    size_t bytes;
    const char *impl, *reference;
    double most;
};
const struct bench_floor *bench_floor(const struct bench *row);

/* What BearSSL and OpenSSL are called in a row, for all. */
#define BEARSSL "BearSSL"
#define OPENSSL "OpenSSL"

/* The compiler believes that the object is read and changed. */
#define KEEP(object) __asm__ volatile("" : "+m"(object))

/* Ends the benchmark when something that cannot fail failed. */
#define MUST(cond)                                                             \
    do {                                                                       \
        if (!(cond)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

#endif
