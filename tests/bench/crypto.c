/*
 * crypto [-t MS] [-r REPEATS] [-c] [WORDS ...]: the rows whose name and implementation hold every word.
 *
 * Each row runs REPEATS times (default 9) for about MS milliseconds (default 20) of CPU time; rows of one operation take turns round by
 * round, so that a slow moment of the machine hits them all.  Printed: the smallest and the median time of one operation, its
 * throughput, and how many times the CPU time of OpenSSL's row it takes (1.00 is as fast, less is faster), and whether it is slower than
 * its floor (crypto_floors.c).  -c: comma-separated.
 */
#include "bench.h"

#include "cpu.h"
#include "tls13.h"

#include <time.h>
#include <unistd.h>

#define MAX_ROWS    512
#define MAX_REPEATS 51

static struct bench rows[MAX_ROWS];
static size_t n_rows;

struct result {
    double ns[MAX_REPEATS];
    long n; /* operations a repeat */
};
static struct result results[MAX_ROWS];

void bench_add(struct bench row)
{
    MUST(n_rows < MAX_ROWS);
    rows[n_rows++] = row;
}

double bench_cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double excluded;

void bench_exclude(double ns)
{
    excluded += ns;
}

static double time_run(const struct bench *row, long n)
{
    excluded = 0;
    double start = bench_cpu_ns();
    row->run(row, n);
    return bench_cpu_ns() - start - excluded;
}

/* How many operations take target ns; the first one, which may load or fetch something, does not count. */
static long calibrate(const struct bench *row, double target)
{
    long n = 1;
    (void)time_run(row, n);
    double t = time_run(row, n);
    while (t < target / 4) {
        n *= 2;
        t = time_run(row, n);
    }
    return (long)((double)n * target / t) + 1;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool wanted(const struct bench *row, char **words)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s %zu %s", row->what, row->bytes, row->impl);
    for (; *words != NULL; words++)
        if (strstr(name, *words) == NULL)
            return false;
    return true;
}

static bool same_operation(const struct bench *a, const struct bench *b)
{
    return a->bytes == b->bytes && strcmp(a->what, b->what) == 0;
}

static size_t floors_judged, floors_missed;

/* => what is printed behind a row that has a floor; rows from to to - 1 are its operation's. */
static const char *judge(size_t row, size_t from, size_t to, int repeats, char *text, size_t cap)
{
    const struct bench_floor *f = bench_floor(&rows[row]);
    text[0] = 0;
    for (size_t i = from; f != NULL && i < to; i++) {
        if (strcmp(rows[i].impl, f->reference) != 0)
            continue;
        double took = results[row].ns[repeats / 2] / results[i].ns[repeats / 2];
        floors_judged++;
        floors_missed += took > f->most;
        (void)snprintf(text, cap, took > f->most ? "SLOW: %.2f x %s, the floor is %.2f" : "", took, f->reference, f->most);
    }
    return text;
}

static void print_row(const struct bench *row, const struct result *r, const struct result *peer, const char *floor, int repeats,
                      bool commas)
{
    const double min = r->ns[0], median = r->ns[repeats / 2];
    const double rate = row->bytes != 0 ? (double)row->bytes / median : 1e9 / median;
    const char *unit = row->bytes != 0 ? "GB/s" : "op/s";
    char ratio[32] = "";
    if (peer != NULL)
        (void)snprintf(ratio, sizeof ratio, "%.2f", median / peer->ns[repeats / 2]);
    if (commas)
        printf("%s,%zu,%s,%.1f,%.1f,%.3f,%s,%s,%s\n", row->what, row->bytes, row->impl, min, median, rate, unit, ratio, floor);
    else
        printf("%-33s %7zu  %-14s %11.1f %11.1f %11.*f %s %8s  %s\n", row->what, row->bytes, row->impl, min, median,
               row->bytes != 0 ? 2 : 0, rate, unit, ratio, floor);
}

/* Rows from to to - 1: one operation. */
static void measure(size_t from, size_t to, double target, int repeats, bool commas)
{
    const struct result *peer = NULL;
    char text[96];
    for (size_t i = from; i < to; i++)
        results[i].n = calibrate(&rows[i], target);
    for (int r = 0; r < repeats; r++)
        for (size_t i = from; i < to; i++)
            results[i].ns[r] = time_run(&rows[i], results[i].n) / (double)results[i].n;
    for (size_t i = from; i < to; i++) {
        qsort(results[i].ns, (size_t)repeats, sizeof results[i].ns[0], by_size);
        if (strcmp(rows[i].impl, OPENSSL) == 0)
            peer = &results[i];
    }
    for (size_t i = from; i < to; i++)
        print_row(&rows[i], &results[i], peer, judge(i, from, to, repeats, text, sizeof text), repeats, commas);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    double ms = 20;
    int repeats = 9, opt;
    bool commas = false;
    while ((opt = getopt(argc, argv, "t:r:c")) != -1) {
        if (opt == 't')
            ms = atof(optarg);
        else if (opt == 'r')
            repeats = atoi(optarg);
        else if (opt == 'c')
            commas = true;
        else
            return 2;
    }
    if (ms <= 0 || repeats < 1 || repeats > MAX_REPEATS) {
        fprintf(stderr, "crypto: -t above 0, -r from 1 to %d\n", MAX_REPEATS);
        return 2;
    }
    bench_aead();
    bench_hash();
    bench_asym();
    bench_primitives();
    bench_handshake();

    size_t kept = 0;
    for (size_t i = 0; i < n_rows; i++)
        if (wanted(&rows[i], argv + optind))
            rows[kept++] = rows[i];
    n_rows = kept;
    if (commas)
        printf("operation,bytes,implementation,min_ns,median_ns,rate,unit,of_openssl,floor\n");
    else {
        printf("CPU level %s, compiled by %s\n", tls13_cpu(), __VERSION__);
        printf("%-33s %7s  %-14s %11s %11s %11s %13s\n", "operation", "bytes", "implementation", "min ns", "median ns", "rate",
               "x OpenSSL");
    }
    for (size_t i = 0, j; i < n_rows; i = j) {
        for (j = i + 1; j < n_rows && same_operation(&rows[i], &rows[j]); j++)
            ;
        measure(i, j, ms * 1e6, repeats, commas);
    }
    if (!commas && floors_judged != 0)
        printf("%zu rows have a speed floor, %zu are slower than it\n", floors_judged, floors_missed);
    return 0;
}
