/* The answer of /status as aligned columns. */
#include "json.h"
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 8
#define CELL    160

enum colour { PLAIN, BOLD, DIM, GOOD, WARN, BAD };
static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m" };

/* --- cells ------------------------------------------------------------------------------------------------------- */

struct row {
    char cell[COLUMNS][CELL];
    enum colour colour[COLUMNS];
};

/* Rows of one table; all columns but those of `left` (a bit each) are aligned to the right. */
struct grid {
    struct row *rows;
    size_t n, columns;
    unsigned left;
};

/* How many columns a text takes on a terminal, as far as that can be told without tables. */
static size_t width(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static struct row *add_row(struct grid *g)
{
    struct row *more = reallocarray(g->rows, g->n + 1, sizeof *more);
    if (more == NULL)
        return NULL;
    g->rows = more;
    memset(&g->rows[g->n], 0, sizeof *g->rows);
    return &g->rows[g->n++];
}

/* A row of heads, given as "NAME|LISTENER|..."; those that start with "<" are of columns aligned to the left. */
static void heads(struct grid *g, const char *text)
{
    struct row *r = add_row(g);
    g->left = 0;
    for (g->columns = 0; r != NULL && *text != '\0' && g->columns < COLUMNS; g->columns++) {
        size_t n = strcspn(text, "|");
        if (*text == '<') {
            g->left |= 1u << g->columns;
            text++;
            n--;
        }
        (void)snprintf(r->cell[g->columns], CELL, "%.*s", (int)n, text);
        r->colour[g->columns] = DIM;
        text += n + (text[n] == '|');
    }
}

static void print_grid(struct text *out, struct grid *g, bool colours)
{
    size_t most[COLUMNS] = { 0 };
    for (size_t i = 0; i < g->n; i++)
        for (size_t c = 0; c < g->columns; c++)
            if (width(g->rows[i].cell[c]) > most[c])
                most[c] = width(g->rows[i].cell[c]);
    for (size_t i = 0; i < g->n; i++) {
        for (size_t c = 0; c < g->columns; c++) {
            const struct row *r = &g->rows[i];
            bool left = (g->left & 1u << c) != 0, last = c + 1 == g->columns;
            int pad = (int)(most[c] - width(r->cell[c]));
            bool coloured = colours && r->colour[c] != PLAIN && r->cell[c][0] != '\0';
            text_add(out, "%*s%s%s%s%*s%s", left ? 0 : pad, "", coloured ? codes[r->colour[c]] : "", r->cell[c], coloured ? "\033[0m" : "",
                     left && !last ? pad : 0, "", last ? "" : "  ");
        }
        while (out->len != 0 && out->at[out->len - 1] == ' ')
            out->len--;
        text_put(out, "\n", 1);
    }
    free(g->rows);
    *g = (struct grid){ 0 };
}

/* --- figures ----------------------------------------------------------------------------------------------------- */

static const char *figure(char *cell, double v, const char *unit)
{
    static const char prefix[] = " kMGTP";
    size_t i = 0;
    while (v >= 99999.5 && i < sizeof prefix - 2) {
        v /= 1000;
        i++;
    }
    bool whole = v == (double)(long long)v || v >= 100;
    (void)snprintf(cell, CELL, "%.*f%s%.*s%s", whole ? 0 : 1, v, unit[0] != '\0' && unit[0] != '/' ? " " : "", i != 0, prefix + i, unit);
    return cell;
}

static void span(char *cell, double seconds)
{
    if (seconds < 90)
        (void)snprintf(cell, CELL, "%.0f s", seconds);
    else if (seconds < 5400)
        (void)snprintf(cell, CELL, "%.0f min", seconds / 60);
    else if (seconds < 172800)
        (void)snprintf(cell, CELL, "%.0f h", seconds / 3600);
    else
        (void)snprintf(cell, CELL, "%.0f days", seconds / 86400 - 0.5);
}

static void duration(char *cell, double seconds)
{
    if (seconds <= 0)
        (void)snprintf(cell, CELL, "-");
    else if (seconds < 1)
        (void)snprintf(cell, CELL, "%.1f ms", seconds * 1000);
    else
        (void)snprintf(cell, CELL, "%.1f s", seconds);
}

/* --- the parts --------------------------------------------------------------------------------------------------- */

struct view {
    struct json j, old;
    double seconds; /* between old and j; 0: there is no old one */
    bool colours;
    struct text *out;
};

static double member(const struct json *j, size_t object, const char *name)
{
    return json_number(j, json_member(j, object, name));
}

static void daemon_line(struct view *v)
{
    const struct json *j = &v->j;
    char version[64], up[CELL], age[CELL];
    bool ready = json_true(j, json_member(j, 0, "ready"));
    size_t workers = json_member(j, 0, "workers"), reloads = json_member(j, 0, "reloads"),
           key = json_member(j, 0, "ticket_key_age_seconds");
    span(up, member(j, 0, "uptime_seconds"));
    span(age, json_number(j, key));
    text_add(v->out, "tls13d %s  %s%s%s  up %s  pid %.0f  %.0f of %.0f workers",
             json_string(j, json_member(j, 0, "version"), version, sizeof version), v->colours ? codes[ready ? GOOD : BAD] : "",
             ready ? "accepting" : "NOT ACCEPTING", v->colours ? "\033[0m" : "", up, member(j, 0, "pid"), member(j, workers, "alive"),
             member(j, workers, "wanted"));
    if (member(j, workers, "restarts") > 0)
        text_add(v->out, " (%.0f restarted)", member(j, workers, "restarts"));
    text_add(v->out, "  reloads %.0f ok, %.0f refused", member(j, reloads, "ok"), member(j, reloads, "failed"));
    if (j->node[key].type == JSON_NUMBER)
        text_add(v->out, "  ticket key %s old", age);
    text_add(v->out, "\n\n");
}

/* What a counter gained a second: since the previous answer, else as the daemon says. */
static double rate(const struct view *v, const char *counter, const char *second, const char *name)
{
    const struct json *j = &v->j, *o = &v->old;
    size_t now = json_member(j, 0, "counters"), then = json_member(o, 0, "counters");
    if (v->seconds <= 0)
        return member(j, json_member(j, 0, "rates"), name);
    double gained = member(j, now, counter) - member(o, then, counter);
    if (second != NULL)
        gained += member(j, now, second) - member(o, then, second);
    return gained > 0 ? gained / v->seconds : 0;
}

static void add_total(struct view *v, struct grid *g, const char *title, double now, const char *counter, const char *second,
                      const char *name)
{
    struct row *r = add_row(g);
    size_t counters = json_member(&v->j, 0, "counters");
    bool bytes = strncmp(counter, "bytes", 5) == 0;
    if (r == NULL)
        return;
    (void)snprintf(r->cell[0], CELL, "%s", title);
    r->colour[0] = BOLD;
    if (now >= 0)
        (void)figure(r->cell[1], now, "");
    (void)figure(r->cell[2], rate(v, counter, second, name), bytes ? "B/s" : "/s");
    double total = member(&v->j, counters, counter) + (second != NULL ? member(&v->j, counters, second) : 0);
    (void)figure(r->cell[3], total, bytes ? "B" : "");
}

static void totals(struct view *v)
{
    const struct json *j = &v->j;
    struct grid g = { 0 };
    size_t gauges = json_member(j, 0, "gauges"), counters = json_member(j, 0, "counters"), times = json_member(j, 0, "handshake_seconds");
    char half[CELL], most[CELL];
    heads(&g, "<|NOW|RATE|TOTAL|<");
    add_total(v, &g, "connections", member(j, gauges, "active"), "accepted", NULL, "accepted");
    add_total(v, &g, "handshakes", member(j, gauges, "handshaking"), "handshakes_full", "handshakes_resumed", "handshakes");
    duration(half, member(j, times, "p50"));
    duration(most, member(j, times, "p99"));
    if (g.n == 3)
        (void)snprintf(g.rows[2].cell[4], CELL, "%.0f resumed, %.0f retried; half within %.20s, 99%% within %.20s",
                       member(j, counters, "handshakes_resumed"), member(j, counters, "hello_retries"), half, most);
    add_total(v, &g, "failed", -1, "handshakes_failed", NULL, "failed");
    add_total(v, &g, "to backends", -1, "bytes_in", NULL, "bytes_in");
    add_total(v, &g, "to clients", -1, "bytes_out", NULL, "bytes_out");
    print_grid(v->out, &g, v->colours);
}

static void put_string(struct view *v, struct row *r, size_t column, size_t object, const char *name)
{
    (void)json_string(&v->j, json_member(&v->j, object, name), r->cell[column], CELL);
}

static void listeners(struct view *v)
{
    static const char *const counts[] = { "active", "accepted", "handshakes", "failed" };
    const struct json *j = &v->j;
    struct grid g = { 0 };
    size_t list = json_member(j, 0, "listeners");
    heads(&g, "<LISTENER|<LISTENS ON|OPEN|ACCEPTED|HANDSHAKES|FAILED|TO BACKENDS|TO CLIENTS");
    for (size_t i = json_first(j, list); i != 0; i = json_next(j, list, i)) {
        struct row *r = add_row(&g);
        size_t binds = json_member(j, i, "binds"), first = json_first(j, binds), more = 0;
        if (r == NULL)
            break;
        put_string(v, r, 0, i, "name");
        r->colour[0] = BOLD;
        (void)json_string(j, first, r->cell[1], CELL - 24);
        for (size_t k = first; k != 0 && (k = json_next(j, binds, k)) != 0;)
            more++;
        if (more != 0)
            (void)snprintf(r->cell[1] + strlen(r->cell[1]), 24, " +%zu", more);
        for (size_t k = 0; k < 4; k++)
            (void)figure(r->cell[2 + k], member(j, i, counts[k]), "");
        (void)figure(r->cell[6], member(j, i, "bytes_in"), "B");
        (void)figure(r->cell[7], member(j, i, "bytes_out"), "B");
    }
    text_add(v->out, "\n");
    print_grid(v->out, &g, v->colours);
}

static void backends(struct view *v)
{
    const struct json *j = &v->j;
    struct grid g = { 0 };
    size_t list = json_member(j, 0, "backends");
    heads(&g, "<BACKEND|<LISTENER|<STATE|OPEN|CONNECTS|FAILURES");
    for (size_t i = json_first(j, list); i != 0; i = json_next(j, list, i)) {
        struct row *r = add_row(&g);
        if (r == NULL)
            break;
        put_string(v, r, 0, i, "address");
        put_string(v, r, 1, i, "listener");
        put_string(v, r, 2, i, "state");
        r->colour[0] = BOLD;
        r->colour[2] = strcmp(r->cell[2], "failing") == 0 ? BAD : strcmp(r->cell[2], "up") == 0 ? GOOD : DIM;
        (void)figure(r->cell[3], member(j, i, "active"), "");
        (void)figure(r->cell[4], member(j, i, "connects"), "");
        (void)figure(r->cell[5], member(j, i, "failures"), "");
    }
    text_add(v->out, "\n");
    print_grid(v->out, &g, v->colours);
}

static void certificates(struct view *v)
{
    const struct json *j = &v->j;
    struct grid g = { 0 };
    size_t list = json_member(j, 0, "certificates");
    double n = 0;
    heads(&g, "<CERTIFICATE|<LISTENER|<KEY|DAYS LEFT|<SHA-256");
    for (size_t i = json_first(j, list); i != 0; i = json_next(j, list, i), n++) {
        double days = member(j, i, "days_left"), names = member(j, i, "names");
        struct row *r = n < 20 ? add_row(&g) : NULL;
        if (r == NULL)
            break;
        put_string(v, r, 0, i, "name");
        size_t len = strlen(r->cell[0]);
        if (names > 1 && len < CELL - 16)
            (void)snprintf(r->cell[0] + len, 16, " +%.0f", names - 1);
        put_string(v, r, 1, i, "listener");
        put_string(v, r, 2, i, "key");
        (void)snprintf(r->cell[3], CELL, days < 0 ? "expired" : "%.0f", days);
        (void)json_string(j, json_member(j, i, "sha256"), r->cell[4], 17);
        r->colour[0] = BOLD;
        r->colour[3] = days < 7 ? BAD : days < 21 ? WARN : GOOD;
        r->colour[4] = DIM;
    }
    text_add(v->out, "\n");
    print_grid(v->out, &g, v->colours);
    if (member(j, 0, "certificates_total") > n)
        text_add(v->out, "and %.0f more that expire later\n", member(j, 0, "certificates_total") - n);
}

/* One class of an object of counts, a row each. */
static void add_classes(struct view *v, struct grid *g, const char *title, const char *object)
{
    const struct json *j = &v->j;
    size_t list = json_member(j, 0, object), texts = json_member(j, 0, "error_texts");
    for (size_t i = json_first(j, list); i != 0; i = json_next(j, list, i)) {
        char name[CELL];
        (void)json_string(j, i, name, sizeof name);
        i = json_next(j, list, i);
        struct row *r = strcmp(name, "closed") != 0 ? add_row(g) : NULL;
        if (r == NULL)
            continue;
        (void)snprintf(r->cell[0], CELL, "%s", title);
        (void)snprintf(r->cell[1], CELL, "%s", name);
        (void)figure(r->cell[2], json_number(j, i), "");
        if (strcmp(object, "errors") == 0)
            put_string(v, r, 3, texts, name);
    }
}

static void errors(struct view *v)
{
    struct grid g = { 0 };
    heads(&g, "<ERRORS|<|COUNT|<");
    add_classes(v, &g, "handshake", "errors");
    add_classes(v, &g, "alert sent", "alerts_sent");
    add_classes(v, &g, "alert received", "alerts_received");
    add_classes(v, &g, "connection end", "ends");
    text_add(v->out, "\n");
    if (g.n > 1)
        print_grid(v->out, &g, v->colours);
    else
        text_add(v->out, "no errors\n");
    free(g.rows);
}

bool status_table(struct text *out, const struct status_text *now, const struct status_text *previous, bool colours)
{
    struct view v = { .colours = colours, .out = out };
    if (!json_parse(&v.j, now->at, now->len))
        return false;
    if (previous != NULL && previous->at != NULL && json_parse(&v.old, previous->at, previous->len))
        v.seconds = now->when - previous->when;
    daemon_line(&v);
    totals(&v);
    listeners(&v);
    backends(&v);
    certificates(&v);
    errors(&v);
    json_free(&v.j);
    json_free(&v.old);
    return true;
}
