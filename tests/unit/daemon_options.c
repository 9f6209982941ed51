/* options: the table against the contract, values and their bounds, flags, and printing that reads back. */
#include "config_test.h"

/* --- the table ------------------------------------------------------------------------------------------------ */

/* The contract's keys and defaults; "!" where a value must be given. */
static const char *const contract[][2] = {
    { "workers", "auto" },
    { "user", "auto" },
    { "group", "" },
    { "max-connections", "10000" },
    { "max-connections-per-ip", "0" },
    { "handshakes-per-second", "0" },
    { "drain-timeout", "30s" },
    { "log", "stderr" },
    { "log-format", "logfmt" },
    { "log-level", "info" },
    { "log-connections", "on" },
    { "admin", "" },
    { "sandbox", "on" },
    { "ticket-keys", "auto" },
    { "ticket-lifetime", "24h" },
    { "keylog", "" },
    { "watch", "on" },
    { "bind", "!" },
    { "backend", "!" },
    { "certificate", "!" },
    { "private-key", "" },
    { "default-certificate", "first" },
    { "sni-strict", "off" },
    { "alpn", "" },
    { "route", "" },
    { "cipher-suites", "" },
    { "groups", "" },
    { "client-auth", "none" },
    { "client-ca", "" },
    { "client-crl", "" },
    { "client-names", "" },
    { "proxy-protocol", "off" },
    { "proxy-protocol-tlvs", "alpn, authority, ssl" },
    { "accept-proxy", "off" },
    { "accept-proxy-from", "127.0.0.0/8, ::1/128" },
    { "handshake-timeout", "10s" },
    { "connect-timeout", "5s" },
    { "idle-timeout", "1h" },
    { "half-close-timeout", "60s" },
    { "backlog", "4096" },
    { "truncation", "reset" },
    { "tickets", "2" },
};

static void the_table_is_the_contract(void)
{
    CHECK_INT(n_option_rows, sizeof contract / sizeof contract[0]);
    CHECK(n_option_rows <= 64); /* options_args has room for so many */
    for (size_t i = 0; i < n_option_rows; i++) {
        CHECK_STR(option_rows[i].name, contract[i][0]);
        CHECK_STR(option_rows[i].def != NULL ? option_rows[i].def : "!", contract[i][1]);
        CHECK_INT(option_rows[i].section, i < 17 ? IN_DAEMON : IN_LISTEN);
        CHECK(option_rows[i].help[0] != '\0');
    }
}

static void defaults_are_in_force(void)
{
    load_text(GOOD);
    CHECK(config != NULL);
    CHECK_INT(problems.n, 0);
    CHECK_INT(config->workers, 0);
    CHECK_STR(config->user, "auto");
    CHECK_STR(config->group, "");
    CHECK_INT(config->max_connections, 10000);
    CHECK_INT(config->drain_timeout, 30);
    CHECK_STR(config->log, "stderr");
    CHECK_INT(config->log_level, LOG_LEVEL_INFO);
    CHECK_INT(config->log_connections, ON);
    CHECK(config->admin == NULL && config->keylog == NULL);
    CHECK_STR(config->ticket_keys, "auto");
    CHECK_INT(config->ticket_lifetime, 86400);
    CHECK_INT(config->n_listens, 1);
    const struct listen_conf *l = &config->listens[0];
    CHECK_STR(l->name, "a");
    CHECK_INT(l->origin.line, 1);
    CHECK_INT(l->binds[0].port, 443);
    CHECK_INT(l->certs[0].origin.line, 4);
    CHECK(l->certs[0].private_key == NULL);
    CHECK_INT(l->proxy_tlvs, TLV_ALPN | TLV_AUTHORITY | TLV_SSL);
    CHECK_INT(l->n_accept_proxy_from, 2);
    CHECK_INT(l->handshake_timeout, 10);
    CHECK_INT(l->idle_timeout, 3600);
    CHECK_INT(l->tickets, 2);
    CHECK_INT(l->backlog, 4096);
}

static void times(void)
{
    static const struct {
        const char *text;
        double seconds;
    } good[] = { { "0", 0 },  { "0ms", 0 },  { "1ms", 0.001 }, { "1500ms", 1.5 },
                 { "7s", 7 }, { "2m", 120 }, { "3h", 10800 },  { "2d", 172800 } };
    static const char *const wrong[] = { "", "5", "s", "-1s", "1.5s", "1 s", "1S", "1sec", "1s ", "0x1s", "1000000000000000000s" };
    char text[32];
    double seconds;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK(option_time(good[i].text, &seconds));
        CHECK(seconds >= good[i].seconds && seconds <= good[i].seconds);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!option_time(wrong[i], &seconds));
    CHECK_STR(option_time_text(0, text, sizeof text), "0s");
    CHECK_STR(option_time_text(0.001, text, sizeof text), "1ms");
    CHECK_STR(option_time_text(1.001, text, sizeof text), "1001ms");
    CHECK_STR(option_time_text(90, text, sizeof text), "90s");
    CHECK_STR(option_time_text(86400, text, sizeof text), "1d");
}

static void nearest_keys(void)
{
    CHECK_STR(option_nearest(IN_DAEMON, "worker"), "workers");
    CHECK_STR(option_nearest(IN_LISTEN, "cipher-suits"), "cipher-suites");
    CHECK_STR(option_nearest(IN_LISTEN, "bakcend"), "backend");
    CHECK_STR(option_nearest(IN_LISTEN, "idle-timout"), "idle-timeout");
    CHECK_STR(option_nearest(IN_LISTEN, "pem-file"), "certificate");
    CHECK_STR(option_nearest(IN_LISTEN, "cafile"), "client-ca");
    CHECK(option_nearest(IN_LISTEN, "zzzzzz") == NULL);
    CHECK(option_nearest(IN_LISTEN, "") == NULL);
    CHECK(option_nearest(IN_LISTEN, "ab") == NULL);
}

/* --- the command line ----------------------------------------------------------------------------------------- */

static void flags_without_a_file(void)
{
    CHECK_INT(LOAD("--listen", "127.0.0.1:0", "--backend=unix:b.sock", "--backend", "h:1", "--certificate=c.pem", "--private-key", "k.pem",
                   "--workers=2", "--idle-timeout", "5m", "--admin", "unix:adm"),
              0);
    show();
    CHECK(config != NULL);
    CHECK(config->file == NULL);
    CHECK_INT(config->n_listens, 1);
    const struct listen_conf *l = &config->listens[0];
    CHECK_STR(l->name, "main");
    CHECK_INT(l->n_binds, 1);
    CHECK_INT(l->n_backends, 2);
    CHECK_STR(l->certs[0].certificate, "/work dir/c.pem");
    CHECK_STR(l->certs[0].private_key, "/work dir/k.pem");
    CHECK_STR(config->admin, "unix:/work dir/adm");
    CHECK_INT(config->workers, 2);
    CHECK_INT(l->idle_timeout, 300);
    CHECK_INT(l->origin.line, -1);

    CHECK_INT(LOAD("--listen", ":1", "--backend", "h:1"), 0);
    CHECK_STR(problem(0), "command line: certificate: is not set in [listen main]; add certificate = /etc/tls13d/example.pem");
    CHECK_INT(LOAD("--log-level", "debug"), 0);
    CHECK_STR(problem(0), "command line: there is no listener; give --listen ADDR and --backend ADDR, or --config FILE");
    CHECK_INT(LOAD("--listen", ":1", "--backend", "h:1", "--self-signed=a.b,*.c.d"), 0);
    CHECK(config != NULL);
    CHECK_INT(config->self_signed_names.n, 2);
    CHECK_STR(config->self_signed_names.at[1], "*.c.d");
    CHECK_INT(LOAD("--listen", ":1", "--backend", "h:1", "--self-signed"), 0);
    CHECK_STR(config->self_signed_names.at[0], "localhost");
    CHECK_INT(LOAD("--listen", ":1", "--backend", "h:1", "--self-signed=a,,b"), 0);
    CHECK(config == NULL);
    CHECK_INT(LOAD("--test"), 0); /* no flag of a key: the default file */
    CHECK_STR(config != NULL                                                 ? config->file
              : strncmp(problems.text[0], "/etc/tls13d/tls13d.ini", 22) == 0 ? "/etc/tls13d/tls13d.ini"
                                                                             : "",
              "/etc/tls13d/tls13d.ini");
}

static void flags_override_a_file(void)
{
    static const char two[] = "[daemon]\nworkers = 9\n[listen a]\nbind = :1\nbackend = h:1\nbackend = h:2\ncertificate = a.pem\nalpn = h2\n"
                              "[listen b]\nbind = :2\nbackend = h:3\ncertificate = b.pem\ntickets = 1\n";
    load_text(two);
    CHECK(config != NULL);
    CHECK_INT(LOAD("--config", main_file, "--workers", "auto", "--backend", "127.0.0.1:8", "--backend", "127.0.0.1:9", "--tickets=0",
                   "--alpn=", "--test"),
              0);
    show();
    CHECK(config != NULL);
    CHECK_INT(config->strict, 1);
    CHECK_INT(config->workers, 0);
    for (size_t i = 0; i < 2; i++) {
        const struct listen_conf *l = &config->listens[i];
        CHECK_INT(l->n_backends, 2);
        CHECK_INT(l->backends[1].port, 9);
        CHECK_INT(l->tickets, 0);
        CHECK_INT(l->alpn.n, 0);
        CHECK_INT(l->n_certs, 1);
    }
    CHECK_INT(LOAD("--config", main_file, "--tickets=x"), 0);
    CHECK_INT(problems.n, 1); /* one mistake is told once, whatever the number of listeners */
    CHECK_STR(problem(0), "command line: tickets: \"x\" is not a number from 0 to 8");
    CHECK_INT(LOAD("--config", main_file, "--private-key=k"), 0);
    CHECK_STR(problem(0), "command line: private-key: stands before any certificate; it belongs to the certificate above it");
    CHECK_INT(LOAD("--config", main_file, "--log", "a ;b"), 0);
    CHECK_STR(problem(0), "command line: log: \"a ;b\" holds a semicolon where a comment would begin");
    CHECK_INT(LOAD("--config", main_file, "--log", "a\nb"), 0);
    CHECK_STR(problem(0), "command line: log: \"a?b\" holds a control character; take it out");
}

static void usage_is_2(void)
{
    CHECK_INT(LOAD("--bogus"), 2);
    CHECK_INT(LOAD("bogus"), 2);
    CHECK_INT(LOAD("-x"), 2);
    CHECK_INT(LOAD("--"), 2);
    CHECK_INT(LOAD("--workers"), 2);
    CHECK_INT(LOAD("--workers", "--test"), 2);
    CHECK_INT(LOAD("--workers", "1", "--workers", "2"), 2);
    CHECK_INT(LOAD("--config"), 2);
    CHECK_INT(LOAD("--config="), 2);
    CHECK_INT(LOAD("--config", "a", "--config", "b"), 2);
    CHECK_INT(LOAD("--test=1"), 2);
    CHECK_INT(LOAD("--test", "--print-config"), 2);
    CHECK_INT(LOAD("--json"), 2);
    CHECK_INT(LOAD("status", "--workers", "1"), 2);
    CHECK_INT(LOAD("--config", "a", "status"), 2);
}

static struct invocation args(const char *const *words, int n)
{
    static char *argv[10];
    struct invocation inv;
    argv[0] = (char *)(uintptr_t) "tls13d";
    for (int i = 0; i < n; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    CHECK_INT(options_args(&inv, n + 1, argv), 0);
    return inv;
}
#define ARGS(...) args((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void commands(void)
{
    CHECK_INT(ARGS("--test").command, CMD_TEST);
    CHECK_INT(ARGS("--config", "a", "--print-config").command, CMD_PRINT_CONFIG);
    CHECK_INT(ARGS("--version").command, CMD_VERSION);
    CHECK_INT(ARGS("-h").command, CMD_HELP);
    CHECK_INT(ARGS("--help", "--bogus").command, CMD_HELP);
    CHECK_INT(ARGS("--watch", "off").command, CMD_RUN);
    CHECK_STR(ARGS("--config=a b").config_file, "a b");
    struct invocation inv = ARGS("status", "--json", "--watch", "--admin", "unix:/x");
    CHECK_INT(inv.command, CMD_STATUS);
    CHECK(inv.json && inv.watch);
    CHECK_STR(inv.admin, "unix:/x");
}

/* --- printing ------------------------------------------------------------------------------------------------- */

/* What config_print writes. */
static char *printed(void)
{
    static char text[2][65536];
    static int turn;
    char path[128], *to = text[turn = !turn];
    (void)snprintf(path, sizeof path, "%s/printed", dir);
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    config_print(config);
    (void)fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    ssize_t n = pread(fd, to, sizeof text[0] - 1, 0);
    close(fd);
    to[n > 0 ? n : 0] = '\0';
    return to;
}

static void printing_reads_back(void)
{
    static const char text[] =
        "[daemon]\nworkers = 3\nuser =\nmax-connections = 2k\ndrain-timeout = 0\nlog = ./x.log\nlog-format = json\nlog-level = error\n"
        "log-connections = off\nadmin = [::1]:9113\nsandbox = off\nticket-keys = keys\nticket-lifetime = 90m\nkeylog = kl\nwatch = off\n"
        "[listen a]\nbind = :443\nbind = unix:@x y\nbind = systemd:tls\nbind = [fe80::1%lo]:1\nbackend = Host:80\nbackend = unix:b\n"
        "certificate = a.pem\ncertificate = b.pem\nprivate-key = b.key\ndefault-certificate = b.pem\nsni-strict = on\nalpn = h2, x y\n"
        "route = sni:*.A.b\tunix:c\nroute = alpn:h2 [::1]:8\ncipher-suites = tls_aes_256_gcm_sha384, TLS_AES_128_GCM_SHA256\n"
        "groups = X25519, secp384r1\nclient-auth = request\nclient-ca = /ca\nclient-crl = crl\nclient-names = dns:x, uri:spiffe://y\n"
        "proxy-protocol = v2\nproxy-protocol-tlvs = client-cert, alpn\naccept-proxy = on\naccept-proxy-from = 10.0.0.0/8, fd00::/8\n"
        "handshake-timeout = 1500ms\nconnect-timeout = 60s\nidle-timeout = 2d\nhalf-close-timeout = 1m\nbacklog = 1M\ntruncation = close\n"
        "tickets = 0\n[listen b]\nbind = :444\nbackend = h:1\ncertificate = ./c\nproxy-protocol-tlvs =\naccept-proxy-from =\n";
    load_text(text);
    show();
    CHECK(config != NULL);
    char *first = printed();
    for (size_t i = 0; i < n_option_rows; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "\n%s =", option_rows[i].name);
        CHECK(strstr(first, line) != NULL);
    }
    CHECK(strstr(first, "\nuser =\n") != NULL);
    CHECK(strstr(first, "\nmax-connections = 2000\n") != NULL);
    CHECK(strstr(first, "\nbackend = host:80\n") != NULL);
    CHECK(strstr(first, "\nroute = alpn:h2 [::1]:8\n") != NULL);
    CHECK(strstr(first, "\nproxy-protocol-tlvs = alpn, client-cert\n") != NULL);
    CHECK(strstr(first, "\nhandshake-timeout = 1500ms\n") != NULL);
    CHECK(strstr(first, "\nhalf-close-timeout = 60s\n") != NULL);
    load_text(first);
    show();
    CHECK(config != NULL);
    CHECK_STR(printed(), first);
}

int main(void)
{
    test_directory();
    RUN(the_table_is_the_contract);
    RUN(defaults_are_in_force);
    RUN(times);
    RUN(nearest_keys);
    RUN(flags_without_a_file);
    RUN(flags_override_a_file);
    RUN(usage_is_2);
    RUN(commands);
    RUN(printing_reads_back);
    return test_end(DONE());
}
