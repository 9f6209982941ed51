/* /status: the counters, the last minutes, listeners, backends and certificates as one JSON object. */
#include "admin.h"

#include <inttypes.h>
#include <stdio.h>

#define CERTS_TOLD 200 /* those that expire first; /metrics has all */
#define RATE_OVER  3   /* samples */

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* Opens the next member of an object: a comma unless it is the first, its name, a colon. */
static void key(struct text *out, const char *name)
{
    if (out->len != 0 && out->at[out->len - 1] != '{')
        text_put(out, ",", 1);
    text_add(out, "\"%s\":", name);
}

static void number(struct text *out, const char *name, uint64_t value)
{
    key(out, name);
    text_add(out, "%" PRIu64, value);
}

static void string(struct text *out, const char *name, const char *value)
{
    key(out, name);
    text_json(out, value);
}

static void boolean(struct text *out, const char *name, bool value)
{
    key(out, name);
    text_add(out, "%s", value ? "true" : "false");
}

/* Opens the next element of an array. */
static void element(struct text *out, size_t i)
{
    text_add(out, "%s{", i != 0 ? "," : "");
}

static void close_object(struct text *out)
{
    text_put(out, "}", 1);
}

/* --- the daemon -------------------------------------------------------------------------------------------------- */

static void workers(struct text *out, const struct admin_view *v)
{
    const struct stats_shared *s = v->shared;
    size_t n = 0;
    key(out, "workers");
    text_add(out, "{");
    number(out, "wanted", s->master.workers);
    number(out, "alive", admin_alive(v));
    number(out, "restarts", s->master.worker_restarts);
    key(out, "list");
    text_add(out, "[");
    for (size_t i = 1; i < STATS_BLOCKS && i < s->master.blocks; i++) {
        const struct stats *b = &s->block[i];
        if (b->pid <= 1)
            continue;
        element(out, n++);
        number(out, "pid", b->pid);
        number(out, "generation", b->generation);
        number(out, "active", b->active);
        number(out, "accepted", b->accepted);
        close_object(out);
    }
    text_add(out, "]}");
}

static void daemon_itself(struct text *out, const struct admin_view *v)
{
    const struct stats_master *m = &v->shared->master;
    string(out, "version", TLS13_VERSION);
    string(out, "cpu", tls13_cpu());
    number(out, "pid", (uint64_t)v->master);
    number(out, "time", (uint64_t)v->now);
    number(out, "started", m->started);
    number(out, "uptime_seconds", v->now > (int64_t)m->started ? (uint64_t)v->now - m->started : 0);
    boolean(out, "ready", admin_ready(v));
    number(out, "generation", m->generation);
    key(out, "reloads");
    text_add(out, "{");
    number(out, "ok", m->reloads_ok);
    number(out, "failed", m->reloads_failed);
    close_object(out);
    key(out, "ticket_key_age_seconds");
    if (m->ticket_key_made == 0)
        text_add(out, "null");
    else
        text_add(out, "%" PRIu64, v->now > (int64_t)m->ticket_key_made ? (uint64_t)v->now - m->ticket_key_made : 0);
    workers(out, v);
}

/* --- counters ---------------------------------------------------------------------------------------------------- */

/* => the seconds that q of all took at most, by the buckets' bounds with a straight line between them; 0 when there were none. */
static double quantile(const struct stats_histogram *h, double q)
{
    uint64_t count = 0, below = 0;
    for (size_t i = 0; i <= STATS_BUCKETS; i++)
        count += h->bucket[i];
    double rank = q * (double)count;
    for (size_t i = 0; i < STATS_BUCKETS && count != 0; i++) {
        double low = i != 0 ? stats_bounds[i - 1] : 0, high = stats_bounds[i];
        if (h->bucket[i] != 0 && rank <= (double)(below + h->bucket[i]))
            return (low + (high - low) * (rank - (double)below) / (double)h->bucket[i]) / 1e6;
        below += h->bucket[i];
    }
    return count != 0 ? stats_bounds[STATS_BUCKETS - 1] / 1e6 : 0;
}

static void histogram(struct text *out, const char *name, const struct stats_histogram *h)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= STATS_BUCKETS; i++)
        count += h->bucket[i];
    key(out, name);
    text_add(out, "{\"count\":%" PRIu64 ",\"sum\":%.6f,\"p50\":%.6f,\"p90\":%.6f,\"p99\":%.6f}", count, (double)h->sum_us / 1e6,
             quantile(h, 0.5), quantile(h, 0.9), quantile(h, 0.99));
}

/* What is 0 is left out: an object of what there has been. */
static void alerts(struct text *out, const char *name, const uint64_t of[256])
{
    uint64_t unknown = 0;
    key(out, name);
    text_add(out, "{");
    for (int code = 0; code < 256; code++) {
        const char *alert = tls13_alert_name(code);
        if (tls13_alert_name(255) == alert || of[code] == 0)
            unknown += of[code];
        else
            number(out, alert, of[code]);
    }
    if (unknown != 0)
        number(out, "unknown_alert", unknown);
    close_object(out);
}

static void errors(struct text *out, const struct stats *s)
{
    key(out, "errors");
    text_add(out, "{");
    for (int e = 1; e < STATS_ERRORS; e++)
        if (s->errors[e] != 0)
            number(out, tls13_err_name(e), s->errors[e]);
    close_object(out);
    key(out, "error_texts");
    text_add(out, "{");
    for (int e = 1; e < STATS_ERRORS; e++)
        if (s->errors[e] != 0)
            string(out, tls13_err_name(e), tls13_err_text(e));
    close_object(out);
    key(out, "ends");
    text_add(out, "{");
    for (int i = 0; i < END_COUNT; i++)
        if (s->ends[i] != 0)
            number(out, stats_end_word((enum stats_end)i), s->ends[i]);
    close_object(out);
    alerts(out, "alerts_sent", s->alert_sent);
    alerts(out, "alerts_received", s->alert_received);
}

static void counters(struct text *out, const struct stats *s)
{
    key(out, "counters");
    text_add(out, "{");
#define STATS_ROW(field, name, label, help) number(out, #field, s->field);
    STATS_COUNTERS(STATS_ROW)
    close_object(out);
    key(out, "gauges");
    text_add(out, "{");
    STATS_GAUGES(STATS_ROW)
    close_object(out);
#undef STATS_ROW
    key(out, "suites");
    text_add(out, "{");
    for (size_t i = 0; i < STATS_SUITES; i++)
        number(out, stats_suites[i] != 0 ? tls13_suite_name(stats_suites[i]) : "other", s->suites[i]);
    close_object(out);
    key(out, "groups");
    text_add(out, "{");
    for (size_t i = 0; i < STATS_GROUPS; i++)
        number(out, stats_groups[i] != 0 ? tls13_group_name(stats_groups[i]) : "other", s->groups[i]);
    close_object(out);
    histogram(out, "handshake_seconds", &s->handshake);
    histogram(out, "connect_seconds", &s->connect);
    errors(out, s);
}

/* --- the last minutes -------------------------------------------------------------------------------------------- */

/* => the sample taken `back` samples before now, NULL when there was none. */
static const struct stats_sample *sample(const struct admin_view *v, size_t back)
{
    uint64_t ago = (uint64_t)back * STATS_SAMPLE_SECONDS;
    if (ago > v->clock)
        return NULL;
    const struct stats_sample *s = &v->shared->sample[stats_sample_at(v->clock - ago)];
    uint64_t slot = (v->clock - ago) / STATS_SAMPLE_SECONDS;
    return s->time != 0 && s->time / STATS_SAMPLE_SECONDS == slot ? s : NULL;
}

struct field {
    const char *name;
    size_t offset;
};
static const struct field fields[] = {
    { "accepted", offsetof(struct stats_sample, accepted) },   { "handshakes", offsetof(struct stats_sample, handshakes) },
    { "failed", offsetof(struct stats_sample, failed) },       { "bytes_in", offsetof(struct stats_sample, bytes_in) },
    { "bytes_out", offsetof(struct stats_sample, bytes_out) },
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

/* What a counter gained a second between two samples. */
static double gained(const struct stats_sample *from, const struct stats_sample *to, size_t offset)
{
    uint64_t a = *(const uint64_t *)(const void *)((const char *)from + offset);
    uint64_t b = *(const uint64_t *)(const void *)((const char *)to + offset);
    return b > a && to->time > from->time ? (double)(b - a) / (double)(to->time - from->time) : 0;
}

/* Over the last few samples; the present one may not be taken yet. */
static void rates(struct text *out, const struct admin_view *v)
{
    const struct stats_sample *to = sample(v, 0) != NULL ? sample(v, 0) : sample(v, 1), *from = NULL;
    for (size_t back = RATE_OVER + 1; back > 0 && from == NULL; back--)
        from = sample(v, back);
    key(out, "rates");
    text_add(out, "{");
    for (size_t i = 0; i < FIELDS; i++) {
        key(out, fields[i].name);
        text_add(out, "%.2f", from != NULL && to != NULL ? gained(from, to, fields[i].offset) : 0.);
    }
    close_object(out);
}

/* Oldest first; null where no sample was taken. */
static void history(struct text *out, const struct admin_view *v)
{
    key(out, "history");
    text_add(out, "{");
    number(out, "seconds", STATS_SAMPLE_SECONDS);
    for (size_t i = 0; i < FIELDS; i++) {
        key(out, fields[i].name);
        for (size_t back = STATS_SAMPLES - 1; back-- > 0;) {
            const struct stats_sample *from = sample(v, back + 1), *to = sample(v, back);
            text_add(out, back == STATS_SAMPLES - 2 ? "[" : ",");
            if (from != NULL && to != NULL)
                text_add(out, "%.4g", gained(from, to, fields[i].offset));
            else
                text_add(out, "null");
        }
        text_add(out, "]");
    }
    key(out, "active");
    for (size_t back = STATS_SAMPLES - 1; back-- > 0;) {
        const struct stats_sample *s = sample(v, back);
        text_add(out, back == STATS_SAMPLES - 2 ? "[" : ",");
        if (s != NULL)
            text_add(out, "%" PRIu64, s->active);
        else
            text_add(out, "null");
    }
    text_add(out, "]");
    close_object(out);
}

/* --- what there is ----------------------------------------------------------------------------------------------- */

static void listeners(struct text *out, const struct admin_view *v, const struct stats *s)
{
    key(out, "listeners");
    text_add(out, "[");
    for (size_t i = 0; i < v->n_listeners; i++) {
        const struct admin_listener *l = &v->listeners[i];
        const struct stats_listener *c = &s->listener[l->place];
        element(out, i);
        string(out, "name", l->name);
        key(out, "binds");
        text_add(out, "[");
        for (size_t j = 0; j < l->n_binds; j++) {
            text_add(out, "%s", j != 0 ? "," : "");
            text_json(out, l->binds[j]);
        }
        text_add(out, "]");
        number(out, "active", c->active);
        number(out, "accepted", c->accepted);
        number(out, "handshakes", c->handshakes);
        number(out, "failed", c->failed);
        number(out, "bytes_in", c->bytes_in);
        number(out, "bytes_out", c->bytes_out);
        close_object(out);
    }
    text_add(out, "]");
}

static void backends(struct text *out, const struct admin_view *v, const struct stats *s)
{
    key(out, "backends");
    text_add(out, "[");
    for (size_t i = 0; i < v->n_backends; i++) {
        const struct stats_backend *c = &s->backend[v->backends[i].place];
        element(out, i);
        string(out, "listener", v->backends[i].listener);
        string(out, "address", v->backends[i].address);
        string(out, "state", c->failing != 0 ? "failing" : c->connects + c->failures == 0 ? "unused" : "up");
        number(out, "active", c->active);
        number(out, "connects", c->connects);
        number(out, "failures", c->failures);
        close_object(out);
    }
    text_add(out, "]");
}

static void certificates(struct text *out, const struct admin_view *v)
{
    number(out, "certificates_total", v->n_certs);
    key(out, "certificates");
    text_add(out, "[");
    for (size_t i = 0; i < v->n_certs && i < CERTS_TOLD; i++) {
        const struct admin_cert *c = &v->certs[i];
        char hex[65];
        element(out, i);
        string(out, "listener", c->listener);
        string(out, "name", c->info.name);
        string(out, "key", c->info.key);
        number(out, "names", c->info.names);
        key(out, "not_before");
        text_add(out, "%" PRId64, c->info.not_before);
        key(out, "not_after");
        text_add(out, "%" PRId64, c->info.not_after);
        key(out, "days_left");
        text_add(out, "%" PRId64, admin_days_left(c, v->now));
        for (size_t j = 0; j < 32; j++)
            (void)snprintf(hex + 2 * j, 3, "%02x", c->info.sha256[j]);
        string(out, "sha256", hex);
        close_object(out);
    }
    text_add(out, "]");
}

void admin_json(struct text *out, const struct admin_view *v)
{
    static struct stats sum;
    stats_sum(v->shared, &sum);
    text_add(out, "{");
    daemon_itself(out, v);
    rates(out, v);
    counters(out, &sum);
    listeners(out, v, &sum);
    backends(out, v, &sum);
    certificates(out, v);
    history(out, v);
    text_add(out, "}\n");
}
