/* The table of keys, finding a key, and the problems that loading meets. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define D(key, type, flags, field, words, min, max, def, example, help)                                  \
    {                                                                                                    \
        IN_DAEMON, key, type, flags, offsetof(struct config, field), words, min, max, def, example, help \
    }
#define L(key, type, flags, field, words, min, max, def, example, help)                                       \
    {                                                                                                         \
        IN_LISTEN, key, type, flags, offsetof(struct listen_conf, field), words, min, max, def, example, help \
    }

#define DAY 86400.0
#define MS  0.001

/* clang-format off */
const struct row option_rows[] = {
    D("workers", T_INT, 0, workers, "auto", 1, WORKERS_MOST, "auto", NULL,
      "worker processes, 64 at most; auto: the CPUs allowed by affinity and cgroup quota"),
    D("user", T_TEXT, MAY_BE_EMPTY, user, NULL, 0, 0, "auto", NULL,
      "started as root, workers run as this user; auto: tls13d if it exists, else nobody; empty: stay root"),
    D("group", T_TEXT, MAY_BE_EMPTY, group, NULL, 0, 0, "", NULL,
      "and as this group; empty: the user's"),
    D("max-connections", T_INT, 0, max_connections, NULL, 1, 1e7, "10000", NULL,
      "at once, over all workers; two descriptors each"),
    D("max-connections-per-ip", T_INT, 0, max_connections_per_ip, NULL, 0, 1e7, "0", NULL,
      "at once from one address (IPv6: one /64); 0: no limit"),
    D("handshakes-per-second", T_INT, 0, handshakes_per_second, NULL, 0, 1e7, "0", NULL,
      "beyond it clients wait in the kernel's queue; 0: no limit"),
    D("drain-timeout", T_TIME, 0, drain_timeout, NULL, 0, 7 * DAY, "30s", NULL,
      "how long running connections may go on after a stop or reload"),
    D("log", T_PATH, 0, log, "stderr|syslog", 0, 0, "stderr", NULL,
      "stderr, syslog or a file (opened again on SIGUSR1)"),
    D("log-format", T_WORD, 0, log_format, "logfmt|json", 0, 0, "logfmt", NULL,
      "how a line is written"),
    D("log-level", T_WORD, 0, log_level, "error|warning|info|debug", 0, 0, "info", NULL,
      "the least important lines that are written"),
    D("log-connections", T_WORD, 0, log_connections, "off|on", 0, 0, "on", NULL,
      "one line a connection, at its end"),
    D("admin", T_ADMIN, MAY_BE_EMPTY, admin, NULL, 0, 0, "", "unix:/run/tls13d/admin.sock",
      "status page and metrics, on a Unix socket or IP:PORT; empty: off"),
    D("sandbox", T_WORD, 0, sandbox, "off|on", 0, 0, "on", NULL,
      "seccomp, Landlock and no_new_privs in the workers"),
    D("ticket-keys", T_PATH, 0, ticket_keys, "auto", 0, 0, "auto", NULL,
      "auto: in memory, rotated; or a file shared by many machines, watched for change"),
    D("ticket-lifetime", T_TIME, 0, ticket_lifetime, NULL, 1, 7 * DAY, "24h", NULL,
      "how long after a full handshake a client may resume"),
    D("keylog", T_PATH, MAY_BE_EMPTY, keylog, NULL, 0, 0, "", NULL,
      "a file for every session's secrets (NSS format): debugging only; empty: off"),
    D("watch", T_WORD, 0, watch, "off|on", 0, 0, "on", NULL,
      "notice changed certificate, CA, CRL and ticket key files without a signal"),

    L("bind", T_BIND, REPEATS, binds, NULL, 0, 0, NULL, "[::]:443",
      "where to listen: HOST:PORT, [V6]:PORT, :PORT, unix:PATH, unix:@ABSTRACT or systemd:NAME"),
    L("backend", T_BACKEND, REPEATS, backends, NULL, 0, 0, NULL, "127.0.0.1:8080",
      "where plaintext goes: HOST:PORT, unix:PATH or unix:@ABSTRACT; of many, the least busy one"),
    L("certificate", T_CERT, REPEATS, certs, NULL, 0, 0, NULL, "/etc/tls13d/example.pem",
      "PEM file: the chain, leaf first, and the key unless private-key follows; or a directory of *.pem"),
    L("private-key", T_KEY, MAY_BE_EMPTY | REPEATS, certs, NULL, 0, 0, "", NULL,
      "PEM file, for the certificate line above it; empty: in the certificate's file"),
    L("default-certificate", T_DEFAULT_CERT, 0, default_certificate, NULL, 0, 0, "first", NULL,
      "for clients that name no server or an unknown one: first, a certificate's name or its file"),
    L("sni-strict", T_WORD, 0, sni_strict, "off|on", 0, 0, "off", NULL,
      "on: such clients are refused with unrecognized_name"),
    L("alpn", T_ALPN, MAY_BE_EMPTY, alpn, NULL, 0, 0, "", "h2, http/1.1",
      "application protocols in order; a client with none of them is refused; empty: not looked at"),
    L("route", T_ROUTE, MAY_BE_EMPTY | REPEATS, routes, NULL, 0, 0, "", "sni:*.example.org unix:/run/b.sock",
      "sni:NAME or alpn:NAME, and the backend of such clients; the first match wins, else backend"),
    L("cipher-suites", T_SUITES, MAY_BE_EMPTY, suites, NULL, 0, 0, "", "TLS_AES_128_GCM_SHA256",
      "names as in RFC 8446, in order; empty: all three"),
    L("groups", T_GROUPS, MAY_BE_EMPTY, groups, NULL, 0, 0, "", "X25519MLKEM768, x25519",
      "key exchange groups, in order; empty: X25519MLKEM768, x25519, secp256r1, secp384r1"),
    L("client-auth", T_WORD, 0, client_auth, "none|request|require", 0, 0, "none", NULL,
      "whether clients show a certificate"),
    L("client-ca", T_PATH, MAY_BE_EMPTY, client_ca, NULL, 0, 0, "", "/etc/tls13d/clients.pem",
      "PEM file of the authorities that may have signed it"),
    L("client-crl", T_PATH, MAY_BE_EMPTY, client_crl, NULL, 0, 0, "", NULL,
      "revocation lists, PEM or DER"),
    L("client-names", T_NAMES, MAY_BE_EMPTY, client_names, NULL, 0, 0, "", "dns:app.example.org",
      "when set, the certificate carries one of these: dns:, uri:, cn: or spki-sha256:"),
    L("proxy-protocol", T_WORD, 0, proxy_protocol, "off|v1|v2", 0, 0, "off", NULL,
      "the PROXY header sent to the backend"),
    L("proxy-protocol-tlvs", T_TLVS, MAY_BE_EMPTY, proxy_tlvs, "alpn|authority|ssl|unique-id|crc32c|client-cert", 0, 0,
      "alpn, authority, ssl", NULL, "what a v2 header tells: alpn, authority, ssl, unique-id, crc32c, client-cert"),
    L("accept-proxy", T_WORD, 0, accept_proxy, "off|on", 0, 0, "off", NULL,
      "on: a PROXY header (v1 or v2) comes before the ClientHello"),
    L("accept-proxy-from", T_CIDRS, MAY_BE_EMPTY, accept_proxy_from, NULL, 0, 0, "127.0.0.0/8, ::1/128", NULL,
      "the addresses that may send it; others are refused"),
    L("handshake-timeout", T_TIME, 0, handshake_timeout, NULL, MS, DAY, "10s", NULL,
      "from accept to the end of the handshake, a PROXY header included"),
    L("connect-timeout", T_TIME, 0, connect_timeout, NULL, MS, DAY, "5s", NULL,
      "to reach a backend"),
    L("idle-timeout", T_TIME, 0, idle_timeout, NULL, MS, 365 * DAY, "1h", NULL,
      "without a byte either way"),
    L("half-close-timeout", T_TIME, 0, half_close_timeout, NULL, MS, 365 * DAY, "60s", NULL,
      "without a byte once one side has closed"),
    L("backlog", T_INT, 0, backlog, NULL, 1, 1 << 20, "4096", NULL,
      "connections the kernel holds before they are accepted"),
    L("truncation", T_WORD, 0, truncation, "reset|close", 0, 0, "reset", NULL,
      "what a backend sees when a client vanishes without close_notify"),
    L("tickets", T_INT, 0, tickets, NULL, 0, 8, "2", NULL,
      "sent after a full handshake; 0: no resumption"),
};
/* clang-format on */
const size_t n_option_rows = sizeof option_rows / sizeof option_rows[0];
_Static_assert(sizeof option_rows / sizeof option_rows[0] <= OPTION_ROWS_MOST, "there is a mark for each where flags are counted");

/* --- finding a key ------------------------------------------------------------------------------------------- */

const struct row *option_find(enum section section, const char *name)
{
    for (size_t i = 0; i < n_option_rows; i++)
        if (option_rows[i].section == section && strcmp(option_rows[i].name, name) == 0)
            return &option_rows[i];
    return NULL;
}

const char *option_section(const char *name)
{
    return option_find(IN_DAEMON, name) != NULL ? "[daemon]" : option_find(IN_LISTEN, name) != NULL ? "[listen NAME]" : NULL;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned option_distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    unsigned d[MOST + 1][MOST + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > MOST || m > MOST)
        return MOST;
    for (unsigned i = 0; i <= n; i++)
        d[i][0] = i;
    for (unsigned j = 0; j <= m; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

unsigned option_nearness(const char *name)
{
    unsigned n = (unsigned)strlen(name);
    return n < 5 ? 1 : n < 9 ? 2 : n / 3;
}

/* What hitch, stunnel, nginx and haproxy call it. */
static const struct {
    const char *theirs, *ours;
} elsewhere[] = {
    { "frontend", "bind" },
    { "listen", "bind" },
    { "accept", "bind" },
    { "connect", "backend" },
    { "server", "backend" },
    { "proxy_pass", "backend" },
    { "pem-file", "certificate" },
    { "pem-dir", "certificate" },
    { "crt", "certificate" },
    { "cert", "certificate" },
    { "ssl_certificate", "certificate" },
    { "key", "private-key" },
    { "ssl_certificate_key", "private-key" },
    { "ciphers", "cipher-suites" },
    { "ciphersuites", "cipher-suites" },
    { "curves", "groups" },
    { "ecdh-curve", "groups" },
    { "CAfile", "client-ca" },
    { "ca-file", "client-ca" },
    { "CRLfile", "client-crl" },
    { "crl-file", "client-crl" },
    { "client-verify", "client-auth" },
    { "verify", "client-auth" },
    { "alpn-protos", "alpn" },
    { "write-proxy-v1", "proxy-protocol" },
    { "write-proxy-v2", "proxy-protocol" },
    { "send-proxy", "proxy-protocol" },
    { "accept-proxy-protocol", "accept-proxy" },
    { "proxy-proxy", "accept-proxy" },
    { "sni-nomatch-abort", "sni-strict" },
    { "strict-sni", "sni-strict" },
    { "maxconn", "max-connections" },
};

const char *option_nearest(enum section section, const char *name)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (strcasecmp(name, elsewhere[i].theirs) == 0)
            return elsewhere[i].ours;
    const char *best = NULL;
    unsigned best_distance = option_nearness(name) + 1;
    for (size_t i = 0; i < n_option_rows; i++) {
        unsigned d = option_distance(name, option_rows[i].name);
        if (d < best_distance || (d == best_distance && best != NULL && option_rows[i].section == section)) {
            best = option_rows[i].name;
            best_distance = d;
        }
    }
    return best;
}

struct origin listen_origin(const struct listen_conf *l, const char *key)
{
    const struct row *row = option_find(IN_LISTEN, key);
    if (row != NULL && l->origins != NULL && l->origins[row - option_rows].line != 0)
        return l->origins[row - option_rows];
    return l->origin;
}

/* --- problems ------------------------------------------------------------------------------------------------ */

#define WARNING "warning: "
enum { PROBLEMS_MOST = 100 }; /* nobody reads more of them at once */

__attribute__((format(printf, 5, 0))) static void add(struct problems *p, bool warning, struct origin o, const char *key, const char *fmt,
                                                      va_list ap)
{
    char what[1024], where[4200] = "command line";
    if (o.file != NULL && o.line > 0)
        (void)snprintf(where, sizeof where, "%s:%d", o.file, o.line);
    else if (o.file != NULL)
        (void)snprintf(where, sizeof where, "%s", o.file);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    for (char *c = what; *c != '\0'; c++) /* what was read may hold anything; a terminal shall not see it */
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';

    char *text = mem_grow(NULL, strlen(where) + strlen(what) + (key != NULL ? strlen(key) : 0) + 32, 1);
    (void)sprintf(text, "%s%s: %s%s%s", warning ? WARNING : "", where, key != NULL ? key : "", key != NULL ? ": " : "", what);
    bool told = false; /* a flag is set in every listener, its problem is one */
    for (size_t i = 0; i < p->n && !told; i++)
        told = strcmp(p->text[i], text) == 0;
    /* However many warnings there are, an error must be seen to refuse the configuration. */
    if (told || (p->n >= PROBLEMS_MOST && (warning || p->n > p->warnings))) {
        free(text);
        return;
    }
    p->text = mem_grow(p->text, p->n + 1, sizeof *p->text);
    p->text[p->n++] = text;
    p->warnings += warning;
}

void problem_add(struct problems *p, struct origin o, const char *key, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(p, false, o, key, fmt, ap);
    va_end(ap);
}

void problem_warn(struct problems *p, struct origin o, const char *key, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(p, true, o, key, fmt, ap);
    va_end(ap);
}

const char *problem_warning(const struct problems *p, size_t i)
{
    size_t n = sizeof WARNING - 1;
    return strncmp(p->text[i], WARNING, n) == 0 ? p->text[i] + n : NULL;
}

void problems_free(struct problems *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->text[i]);
    free(p->text);
    *p = (struct problems){ 0 };
}

/* --- memory -------------------------------------------------------------------------------------------------- */

void *mem_grow(void *p, size_t n, size_t size)
{
    void *grown = reallocarray(p, n, size);
    if (grown == NULL) {
        (void)!write(STDERR_FILENO, "tls13d: out of memory\n", 22);
        _exit(EXIT_INTERNAL);
    }
    return grown;
}

char *mem_text(const char *text, size_t len)
{
    char *copy = mem_grow(NULL, len + 1, 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void list_add(struct str_list *list, const char *text, size_t len)
{
    list->at = mem_grow(list->at, list->n + 1, sizeof *list->at);
    list->at[list->n++] = mem_text(text, len);
}

void list_free(struct str_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->at[i]);
    free(list->at);
    *list = (struct str_list){ 0 };
}
