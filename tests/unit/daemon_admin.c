/* The admin endpoint's texts: metrics and status with names of any kind, and the table that `tls13d status` makes of them. */
#include "admin.h"
#include "json.h"
#include "status.h"
#include "unit.h"
#include "written.h"

#include <string.h>

/* --- helpers ----------------------------------------------------------------------------------------------------- */

static struct stats_shared *shared;
static struct admin_view view;

static const char *label_of(const char *value)
{
    clear();
    text_label(&out, value);
    return written();
}

static const char *json_of(const char *value)
{
    clear();
    text_json(&out, value);
    return written();
}

/* A view over fresh counters: one listener, one backend, one certificate, all of that name. */
static void view_of(const char *name)
{
    static char binds[1][ADDR_TEXT] = { "127.0.0.1:443" };
    static struct admin_listener l;
    static struct admin_backend b;
    static struct admin_cert c;
    clear();
    shared = stats_new();
    CHECK(shared != NULL);
    shared->master.blocks = 1;
    CHECK_INT(stats_take(shared), 1);
    l = (struct admin_listener){ .name = name, .binds = binds, .n_binds = 1, .place = stats_listener(shared, name) };
    b = (struct admin_backend){ .listener = name, .place = stats_backend(shared, name, name) };
    (void)snprintf(b.address, sizeof b.address, "%s", name);
    c = (struct admin_cert){ .listener = name, .index = 0 };
    (void)snprintf(c.info.name, sizeof c.info.name, "%s", name);
    (void)snprintf(c.info.key, sizeof c.info.key, "ECDSA P-256");
    c.info.not_after = 2000000000;
    view = (struct admin_view){ .shared = shared,
                                .listeners = &l,
                                .n_listeners = 1,
                                .backends = &b,
                                .n_backends = 1,
                                .certs = &c,
                                .n_certs = 1,
                                .now = 1999999990,
                                .clock = 1000 };
}

/* --- escapes ----------------------------------------------------------------------------------------------------- */

static void labels_are_escaped(void)
{
    CHECK_STR(label_of("plain"), "plain");
    CHECK_STR(label_of("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    CHECK_STR(label_of("\\\""), "\\\\\\\"");
    CHECK_STR(label_of("tab\there"), "tab\there");
    CHECK_STR(label_of("\xc3\xa9\xf0\x9f\x94\x92"), "\xc3\xa9\xf0\x9f\x94\x92");
    clear();
}

static void what_is_no_utf8_is_replaced(void)
{
#define R "\xef\xbf\xbd"
    CHECK_STR(label_of("\xff"), R);
    CHECK_STR(label_of("a\xc3"), "a" R);
    CHECK_STR(label_of("\xe2\x82"), R R);
    CHECK_STR(label_of("\xc0\xaf"), R R);             /* overlong */
    CHECK_STR(label_of("\xe0\x80\xaf"), R R R);       /* overlong */
    CHECK_STR(label_of("\xed\xa0\x80"), R R R);       /* a surrogate */
    CHECK_STR(label_of("\xf4\x90\x80\x80"), R R R R); /* past U+10FFFF */
    CHECK_STR(label_of("\x80z"), R "z");
    CHECK_STR(label_of("\xc3\""), R "\\\"");
    clear();
}

static void json_strings_are_escaped(void)
{
    CHECK_STR(json_of(""), "\"\"");
    CHECK_STR(json_of("a\"b\\c\nd\te\x01\x7f"), "\"a\\\"b\\\\c\\nd\\u0009e\\u0001\\u007f\"");
    CHECK_STR(json_of("\xff</script>"), "\"" R "</script>\"");
    clear();
}

static void text_grows(void)
{
    char big[9000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    clear();
    for (int i = 0; i < 5; i++)
        text_add(&out, "%s|", big);
    CHECK_INT(out.len, 5 * sizeof big);
    CHECK_INT(strlen(written()), 5 * sizeof big);
    clear();
}

/* --- metrics ----------------------------------------------------------------------------------------------------- */

#define HOSTILE "a\"} 1\n# TYPE x\\"

static void metrics_survive_hostile_names(void)
{
    view_of(HOSTILE);
    admin_metrics(&out, &view);
    CHECK(has("tls13d_listener_connections_active{listener=\"a\\\"} 1\\n# TYPE x\\\\\"} 0\n"));
    CHECK(has("tls13d_backend_target_failing{listener=\"a\\\"} 1\\n# TYPE x\\\\\",backend=\"a\\\"} 1\\n# TYPE x\\\\\"} 0\n"));
    CHECK(has("{listener=\"a\\\"} 1\\n# TYPE x\\\\\",name=\"a\\\"} 1\\n# TYPE x\\\\\",key=\"ECDSA P-256\",index=\"0\"} 2000000000\n"));
    /* Each line is a comment of ours or a metric of ours. */
    for (const char *line = written(); *line != '\0'; line = strchr(line, '\n') + 1)
        CHECK(strncmp(line, "tls13d_", 7) == 0 || strncmp(line, "# HELP tls13d_", 14) == 0 || strncmp(line, "# TYPE tls13d_", 14) == 0);
    clear();
}

static void metrics_tell_the_counters(void)
{
    view_of("web");
    struct stats *s = &shared->block[1];
    s->accepted = 11;
    s->handshakes_resumed = 3;
    s->refused_ip = 2;
    s->alert_received[48] = 5;
    s->alert_sent[200] = 1;
    s->alert_sent[201] = 1;
    s->errors[TLS13_E_VERSION] = 7;
    s->errors[TLS13_E_MEMORY] = 1;
    s->groups[stats_group(0x0017)] = 4;
    s->suites[stats_suite(0x1303)] = 6;
    s->listener[view.listeners[0].place].bytes_in = 99;
    s->backend[view.backends[0].place].failures = 8;
    s->active = 9;
    shared->master.reloads_failed = 13;
    admin_metrics(&out, &view);
    CHECK(has("\ntls13d_connections_accepted_total 11\n"));
    CHECK(has("\ntls13d_handshakes_total{kind=\"resumed\"} 3\n"));
    CHECK(has("\ntls13d_connections_refused_total{reason=\"per-ip\"} 2\n"));
    CHECK(has("\ntls13d_alerts_received_total{alert=\"unknown_ca\"} 5\n"));
    CHECK(has("\ntls13d_alerts_sent_total{alert=\"unknown_alert\"} 2\n"));
    CHECK(has("\ntls13d_handshake_errors_total{error=\"VERSION\"} 7\n"));
    CHECK(has("\ntls13d_handshake_errors_total{error=\"MEMORY\"} 1\n"));
    CHECK(!has("error=\"PEM\"") && !has("error=\"NONE\""));
    CHECK(has("\ntls13d_handshakes_by_group_total{group=\"secp256r1\"} 4\n"));
    CHECK(has("\ntls13d_handshakes_by_suite_total{suite=\"TLS_CHACHA20_POLY1305_SHA256\"} 6\n"));
    CHECK(has("\ntls13d_listener_received_bytes_total{listener=\"web\"} 99\n"));
    CHECK(has("\ntls13d_backend_target_failures_total{listener=\"web\",backend=\"web\"} 8\n"));
    CHECK(has("\ntls13d_connections_active 9\n"));
    CHECK(has("\ntls13d_reloads_total{result=\"failed\"} 13\n"));
    clear();
}

static void histograms_add_up(void)
{
    view_of("web");
    struct stats_histogram *h = &shared->block[1].handshake;
    stats_time(h, 0.0004);
    stats_time(h, 0.0009);
    stats_time(h, 0.001);
    stats_time(h, 60);
    admin_metrics(&out, &view);
    CHECK(has("\ntls13d_handshake_seconds_bucket{le=\"0.0005\"} 1\n"));
    CHECK(has("\ntls13d_handshake_seconds_bucket{le=\"0.001\"} 3\n"));
    CHECK(has("\ntls13d_handshake_seconds_bucket{le=\"10\"} 3\n"));
    CHECK(has("\ntls13d_handshake_seconds_bucket{le=\"+Inf\"} 4\n"));
    CHECK(has("\ntls13d_handshake_seconds_sum 60.002300\n"));
    CHECK(has("\ntls13d_handshake_seconds_count 4\n"));
    clear();
}

/* --- readiness --------------------------------------------------------------------------------------------------- */

static void readiness_is_a_worker_that_accepts(void)
{
    view_of("web");
    struct stats *s = &shared->block[1];
    shared->master.generation = s->generation = 5;
    CHECK(!admin_ready(&view)); /* taken, not started */
    s->pid = 4711;
    CHECK_INT(admin_alive(&view), 1);
    CHECK(!admin_ready(&view));
    shared->master.ready = 1;
    CHECK(admin_ready(&view));
    s->beat = 1000;
    CHECK(admin_ready(&view));
    s->beat = 984; /* no sign of life for 16 s */
    CHECK(!admin_ready(&view));
    s->beat = 1000;
    s->generation = 4; /* one that drains */
    CHECK(!admin_ready(&view));
}

static void days_left_count_whole_days(void)
{
    struct admin_cert c = { .info.not_after = 10 * 86400 };
    CHECK_INT(admin_days_left(&c, 0), 10);
    CHECK_INT(admin_days_left(&c, 1), 9);
    CHECK_INT(admin_days_left(&c, 10 * 86400), 0);
    CHECK_INT(admin_days_left(&c, 10 * 86400 + 1), -1);
    CHECK_INT(admin_days_left(&c, 11 * 86400 + 1), -2);
}

/* --- status ------------------------------------------------------------------------------------------------------ */

static size_t path(const struct json *j, const char *a, const char *b)
{
    return b != NULL ? json_member(j, json_member(j, 0, a), b) : json_member(j, 0, a);
}

static void status_is_json_whatever_the_names(void)
{
    struct json j;
    char name[64];
    view_of("q\"\\\n\x01\xff</script>");
    shared->block[1].accepted = 42;
    shared->block[1].errors[TLS13_E_NOT_TLS] = 2;
    shared->master.ticket_key_made = 1999999900;
    admin_json(&out, &view);
    CHECK(json_parse(&j, out.at, out.len));
    CHECK(json_number(&j, path(&j, "counters", "accepted")) == 42);
    CHECK(json_number(&j, path(&j, "errors", "NOT_TLS")) == 2);
    CHECK(json_number(&j, path(&j, "ticket_key_age_seconds", NULL)) == 90);
    size_t l = json_first(&j, json_member(&j, 0, "listeners"));
    CHECK_STR(json_string(&j, json_member(&j, l, "name"), name, sizeof name), "q\"\\??\xef\xbf\xbd</script>");
    CHECK(json_next(&j, json_member(&j, 0, "listeners"), l) == 0);
    json_free(&j);
    clear();
}

static void history_has_gaps_where_there_is_no_sample(void)
{
    struct json j;
    view_of("web");
    admin_sample(shared, 994);
    shared->block[1].accepted = 6;
    admin_sample(shared, 997);
    shared->block[1].accepted = 26;
    shared->block[1].active = 3;
    admin_sample(shared, 1000);
    admin_json(&out, &view);
    CHECK(json_parse(&j, out.at, out.len));
    size_t list = path(&j, "history", "accepted"), n = 0, i, known = 0;
    double last = -1;
    for (i = json_first(&j, list); i != 0; i = json_next(&j, list, i), n++) {
        known += j.node[i].type == JSON_NUMBER;
        last = j.node[i].type == JSON_NUMBER ? json_number(&j, i) : -1;
    }
    CHECK_INT(n, STATS_SAMPLES - 1);
    CHECK_INT(known, 1); /* 994 and 996 follow each other; 998 is not there */
    CHECK(last == -1);
    list = path(&j, "history", "active");
    for (i = json_first(&j, list); i != 0; i = json_next(&j, list, i))
        last = json_number(&j, i);
    CHECK(last == 3);
    CHECK(json_number(&j, path(&j, "rates", "accepted")) > 4.3 && json_number(&j, path(&j, "rates", "accepted")) < 4.4);
    json_free(&j);
    clear();
}

static void the_table_tells_what_the_answer_does(void)
{
    struct text table = { 0 };
    view_of("web\x1b[31m");
    shared->block[1].accepted = 1234;
    shared->block[1].errors[TLS13_E_VERSION] = 7;
    shared->block[1].pid = 4711;
    shared->master.ready = 1;
    admin_json(&out, &view);
    struct status_text now = { out.at, out.len, 20 }, old = { out.at, out.len, 10 };
    CHECK(status_table(&table, &now, &old, false));
    text_put(&table, "", 1);
    CHECK(strstr(table.at, "accepting") != NULL && strstr(table.at, "1234") != NULL);
    CHECK(strstr(table.at, "VERSION") != NULL && strstr(table.at, "the client does not offer TLS 1.3") != NULL);
    CHECK(strchr(table.at, '\x1b') == NULL);
    CHECK(strstr(table.at, " \n") == NULL);
    text_free(&table);
    now.len--;
    now.len--;
    CHECK(!status_table(&table, &now, NULL, false));
    CHECK(table.at == NULL);
    clear();
}

int main(void)
{
    RUN(labels_are_escaped);
    RUN(what_is_no_utf8_is_replaced);
    RUN(json_strings_are_escaped);
    RUN(text_grows);
    RUN(metrics_survive_hostile_names);
    RUN(metrics_tell_the_counters);
    RUN(histograms_add_up);
    RUN(readiness_is_a_worker_that_accepts);
    RUN(days_left_count_whole_days);
    RUN(status_is_json_whatever_the_names);
    RUN(history_has_gaps_where_there_is_no_sample);
    RUN(the_table_tells_what_the_answer_does);
    return DONE();
}
