/* The counters as Prometheus reads them: counters end in _total, units are seconds and bytes, labels are escaped. */
#include "admin.h"

#include <inttypes.h>
#include <string.h>

static void family(struct text *out, const char *name, const char *type, const char *help)
{
    text_add(out, "# HELP tls13d_%s %s\n# TYPE tls13d_%s %s\n", name, help, name, type);
}

static void single(struct text *out, const char *name, const char *type, const char *help, uint64_t value)
{
    family(out, name, type, help);
    text_add(out, "tls13d_%s %" PRIu64 "\n", name, value);
}

/* One line with one label. */
static void labelled(struct text *out, const char *name, const char *label, const char *of, uint64_t value)
{
    text_add(out, "tls13d_%s{%s=\"", name, label);
    text_label(out, of);
    text_add(out, "\"} %" PRIu64 "\n", value);
}

/* --- the lists of stats.h ---------------------------------------------------------------------------------------- */

struct item {
    const char *name, *label, *help;
    size_t offset;
};

static const struct item counters[] = {
#define STATS_ROW(field, name, label, help) { name, label, help, offsetof(struct stats, field) },
    STATS_COUNTERS(STATS_ROW)
#undef STATS_ROW
};
static const struct item gauges[] = {
#define STATS_ROW(field, name, label, help) { name, label, help, offsetof(struct stats, field) },
    STATS_GAUGES(STATS_ROW)
#undef STATS_ROW
};

static uint64_t value_at(const void *base, size_t offset)
{
    uint64_t value;
    memcpy(&value, (const char *)base + offset, sizeof value);
    return value;
}

static void items(struct text *out, const struct stats *s, const struct item *list, size_t n, const char *type)
{
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(list[i].name, list[i - 1].name) != 0)
            family(out, list[i].name, type, list[i].help);
        text_add(out, list[i].label[0] != '\0' ? "tls13d_%s{%s} %" PRIu64 "\n" : "tls13d_%s%s %" PRIu64 "\n", list[i].name, list[i].label,
                 value_at(s, list[i].offset));
    }
}

static void histogram(struct text *out, const char *name, const char *help, const struct stats_histogram *h)
{
    uint64_t count = 0;
    family(out, name, "histogram", help);
    for (size_t i = 0; i < STATS_BUCKETS; i++) {
        count += h->bucket[i];
        text_add(out, "tls13d_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, stats_bounds[i] / 1e6, count);
    }
    count += h->bucket[STATS_BUCKETS];
    text_add(out, "tls13d_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    text_add(out, "tls13d_%s_sum %.6f\n", name, (double)h->sum_us / 1e6);
    text_add(out, "tls13d_%s_count %" PRIu64 "\n", name, count);
}

/* --- handshakes -------------------------------------------------------------------------------------------------- */

/* Codes that the library has no name for are one line. */
static void alerts(struct text *out, const char *name, const char *help, const uint64_t of[256])
{
    uint64_t unknown = 0;
    family(out, name, "counter", help);
    for (int code = 0; code < 256; code++) {
        const char *alert = tls13_alert_name(code);
        if (strcmp(alert, "unknown_alert") == 0)
            unknown += of[code];
        else
            labelled(out, name, "alert", alert, of[code]);
    }
    labelled(out, name, "alert", "unknown_alert", unknown);
}

/* Errors that belong to the loading of files never end a handshake; they are left out unless one did. */
static void errors(struct text *out, const struct stats *s)
{
    family(out, "handshake_errors_total", "counter", "Handshakes that failed, by the error that ended them");
    for (int e = 1; e < STATS_ERRORS; e++) {
        const char *name = tls13_err_name(e);
        if (s->errors[e] != 0 || (tls13_err_alert(e) != TLS13_ALERT_internal_error && strcmp(name, tls13_err_name(0)) != 0))
            labelled(out, "handshake_errors_total", "error", name, s->errors[e]);
    }
}

static void handshakes(struct text *out, const struct stats *s)
{
    errors(out, s);
    alerts(out, "alerts_sent_total", "Fatal alerts sent to clients", s->alert_sent);
    alerts(out, "alerts_received_total", "Fatal alerts that clients sent", s->alert_received);
    family(out, "handshakes_by_suite_total", "counter", "Handshakes completed, by cipher suite");
    for (size_t i = 0; i < STATS_SUITES; i++)
        labelled(out, "handshakes_by_suite_total", "suite", stats_suites[i] != 0 ? tls13_suite_name(stats_suites[i]) : "other",
                 s->suites[i]);
    family(out, "handshakes_by_group_total", "counter", "Handshakes completed, by key exchange group");
    for (size_t i = 0; i < STATS_GROUPS; i++)
        labelled(out, "handshakes_by_group_total", "group", stats_groups[i] != 0 ? tls13_group_name(stats_groups[i]) : "other",
                 s->groups[i]);
    family(out, "connections_ended_total", "counter", "Connections that ended, probes not counted, by how they did");
    for (int i = 0; i < END_COUNT; i++)
        labelled(out, "connections_ended_total", "end", stats_end_word((enum stats_end)i), s->ends[i]);
    histogram(out, "handshake_seconds", "Time from accept to the end of the handshake", &s->handshake);
    histogram(out, "backend_connect_seconds", "Time to connect to a backend", &s->connect);
}

/* --- by listener, backend, certificate --------------------------------------------------------------------------- */

/* Here the label's column is the type. */
static const struct item of_listener[] = {
    { "listener_connections_accepted_total", "counter", "Connections accepted, by listener", offsetof(struct stats_listener, accepted) },
    { "listener_connections_active", "gauge", "Connections open, by listener", offsetof(struct stats_listener, active) },
    { "listener_handshakes_total", "counter", "Handshakes completed, by listener", offsetof(struct stats_listener, handshakes) },
    { "listener_handshakes_failed_total", "counter", "Handshakes that failed, by listener", offsetof(struct stats_listener, failed) },
    { "listener_received_bytes_total", "counter", "Plain bytes from clients, by listener", offsetof(struct stats_listener, bytes_in) },
    { "listener_sent_bytes_total", "counter", "Plain bytes to clients, by listener", offsetof(struct stats_listener, bytes_out) },
};
static const struct item of_backend[] = {
    { "backend_target_connects_total", "counter", "Connections made, by backend", offsetof(struct stats_backend, connects) },
    { "backend_target_failures_total", "counter", "Connections that failed, by backend", offsetof(struct stats_backend, failures) },
    { "backend_target_active", "gauge", "Connections open, by backend", offsetof(struct stats_backend, active) },
    { "backend_target_failing", "gauge", "Workers whose last connect failed, by backend", offsetof(struct stats_backend, failing) },
};

static void listeners(struct text *out, const struct admin_view *v, const struct stats *s)
{
    for (size_t f = 0; f < sizeof of_listener / sizeof of_listener[0]; f++) {
        const struct item *item = &of_listener[f];
        family(out, item->name, item->label, item->help);
        for (size_t i = 0; i < v->n_listeners; i++)
            labelled(out, item->name, "listener", v->listeners[i].name, value_at(&s->listener[v->listeners[i].place], item->offset));
    }
}

static void backends(struct text *out, const struct admin_view *v, const struct stats *s)
{
    for (size_t f = 0; f < sizeof of_backend / sizeof of_backend[0]; f++) {
        const struct item *item = &of_backend[f];
        family(out, item->name, item->label, item->help);
        for (size_t i = 0; i < v->n_backends; i++) {
            text_add(out, "tls13d_%s{listener=\"", item->name);
            text_label(out, v->backends[i].listener);
            text_add(out, "\",backend=\"");
            text_label(out, v->backends[i].address);
            text_add(out, "\"} %" PRIu64 "\n", value_at(&s->backend[v->backends[i].place], item->offset));
        }
    }
}

/* Two certificates may bear one name (ECDSA and RSA): the index tells them apart. */
static void certificates(struct text *out, const struct admin_view *v)
{
    family(out, "certificate_expiry_timestamp_seconds", "gauge", "When a certificate expires, in seconds since 1970");
    for (size_t i = 0; i < v->n_certs; i++) {
        const struct admin_cert *c = &v->certs[i];
        text_add(out, "tls13d_certificate_expiry_timestamp_seconds{listener=\"");
        text_label(out, c->listener);
        text_add(out, "\",name=\"");
        text_label(out, c->info.name);
        text_add(out, "\",key=\"");
        text_label(out, c->info.key);
        text_add(out, "\",index=\"%d\"} %" PRId64 "\n", c->index, c->info.not_after);
    }
}

/* --- all of it --------------------------------------------------------------------------------------------------- */

static void process(struct text *out, const struct admin_view *v)
{
    const struct stats_master *m = &v->shared->master;
    family(out, "build_info", "gauge", "Always 1; what is running");
    text_add(out, "tls13d_build_info{version=\"%s\",cpu=\"%s\"} 1\n", TLS13_VERSION, tls13_cpu());
    single(out, "start_time_seconds", "gauge", "When the daemon was started, in seconds since 1970", m->started);
    single(out, "ready", "gauge", "1 while connections are accepted", admin_ready(v));
    single(out, "workers", "gauge", "Workers that accept connections", admin_alive(v));
    single(out, "worker_restarts_total", "counter", "Workers that died and were started again", m->worker_restarts);
    single(out, "configuration_generation", "gauge", "How many configurations have been in force", m->generation);
    family(out, "reloads_total", "counter", "Reloads, by result");
    labelled(out, "reloads_total", "result", "ok", m->reloads_ok);
    labelled(out, "reloads_total", "result", "failed", m->reloads_failed);
    if (m->ticket_key_made != 0)
        single(out, "ticket_key_age_seconds", "gauge", "Age of the key that seals tickets",
               v->now > (int64_t)m->ticket_key_made ? (uint64_t)v->now - m->ticket_key_made : 0);
}

void admin_metrics(struct text *out, const struct admin_view *v)
{
    static struct stats sum;
    stats_sum(v->shared, &sum);
    process(out, v);
    items(out, &sum, counters, sizeof counters / sizeof counters[0], "counter");
    items(out, &sum, gauges, sizeof gauges / sizeof gauges[0], "gauge");
    handshakes(out, &sum);
    listeners(out, v, &sum);
    backends(out, v, &sum);
    certificates(out, v);
}
