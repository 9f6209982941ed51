/*
 * The configuration: one table of rows {section, name, type, bounds, default, help} that parses the INI file and the command line,
 * checks, prints --help and --print-config, and is compared with conf/tls13d.ini and the man page by a test.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "addr.h"
#include "log.h"

/* A list of strings, each with the file and line it came from. */
struct str_list {
    char **at;
    size_t n;
};

/* Where a value was set, for messages: file NULL is the command line (line -1) or a default (line 0).  The config owns the file's name. */
struct origin {
    const char *file;
    int line;
};

enum { WORKERS_MOST = 64 }; /* a reload needs a place among the counters for each of the new and the old ones */

enum on_off { OFF, ON };
enum truncation { TRUNCATION_RESET, TRUNCATION_CLOSE };
enum proxy_version { PROXY_OFF, PROXY_V1, PROXY_V2 };
enum { TLV_ALPN = 1, TLV_AUTHORITY = 2, TLV_SSL = 4, TLV_UNIQUE_ID = 8, TLV_CRC32C = 16, TLV_CLIENT_CERT = 32 };

struct cert_conf {
    char *certificate; /* a file or a directory, absolute */
    char *private_key; /* a file, absolute; NULL: in the certificate's file */
    struct origin origin;
    struct origin key_origin; /* of the private-key line; as zeroed when there is none */
};

struct route_conf {
    enum { ROUTE_SNI, ROUTE_ALPN } by;
    char *pattern; /* lower case; "*.example.org" matches one label */
    struct addr backend;
    struct origin origin;
};

/* One [listen NAME]. Times are seconds. */
struct listen_conf {
    char *name;
    struct origin origin;
    struct addr *binds; /* n_binds */
    size_t n_binds;
    struct addr *backends;
    size_t n_backends;
    struct cert_conf *certs;
    size_t n_certs;
    char *default_certificate; /* "first", a name, a file's name, or (with a slash) an absolute file */
    int sni_strict;
    struct str_list alpn;
    struct route_conf *routes;
    size_t n_routes;
    uint16_t *suites, *groups; /* IANA codes; n 0: the library's order */
    size_t n_suites, n_groups;
    int client_auth;              /* enum tls13_client_auth */
    char *client_ca, *client_crl; /* files, absolute; NULL: none */
    struct str_list client_names;
    int proxy_protocol; /* enum proxy_version */
    unsigned proxy_tlvs;
    int accept_proxy;
    struct cidr *accept_proxy_from;
    size_t n_accept_proxy_from;
    double handshake_timeout, connect_timeout, idle_timeout, half_close_timeout;
    long long backlog;
    int truncation;
    long long tickets;
    struct origin *bind_origins; /* of each of binds */
    struct origin *origins;      /* of each key, by row of the table; see listen_origin() */
};

struct config {
    unsigned owners;    /* besides the first */
    long long workers;  /* 0: auto */
    char *user, *group; /* never NULL; "auto", "" */
    long long max_connections, max_connections_per_ip, handshakes_per_second;
    double drain_timeout;
    char *log;
    int log_format, log_level, log_connections;
    char *admin; /* NULL: off */
    int sandbox;
    char *ticket_keys; /* "auto" or a file, absolute */
    double ticket_lifetime;
    char *keylog; /* a file, absolute; NULL: off */
    int watch;
    struct listen_conf *listens;
    size_t n_listens;
    char *file;                        /* the main file, absolute; NULL: command line only */
    int self_signed;                   /* --self-signed was given */
    struct str_list self_signed_names; /* "localhost" unless given */
    int strict;                        /* --test: an expired certificate refuses the configuration; else it is a warning */
    struct str_list files;             /* every configuration file that was read, absolute */
    struct origin *origins;            /* of each key of [daemon], by row of the table */
};

/* What a process of ours ends with; tls13d(8), EXIT STATUS. */
enum exit_code {
    EXIT_FINE,
    EXIT_REFUSED, /* the configuration, a certificate */
    EXIT_USAGE,
    EXIT_RIGHTS, /* no socket, or privileges that could not be dropped */
    EXIT_INTERNAL
};

/* What main is to do, out of the command line. */
enum command { CMD_RUN, CMD_TEST, CMD_PRINT_CONFIG, CMD_STATUS, CMD_VERSION, CMD_HELP };
struct invocation {
    enum command command;
    const char *config_file; /* NULL: none given */
    bool json, watch;        /* status */
    const char *admin;       /* status --admin */
    int argc;                /* the whole command line, kept for reload: flags override the file each time */
    char **argv;
    const char *cwd; /* where the program was started: relative paths of the command line stand there; NULL: where it is now */
};

/* Reads the command line.  => 0; EXIT_USAGE after having said on standard error what is wrong. */
int options_args(struct invocation *inv, int argc, char **argv);

/* Problems found while loading: each printed as FILE:LINE: KEY: what and what to do. */
struct problems {
    char **text; /* n of them, malloc'ed */
    size_t n;
    size_t warnings; /* how many of them start with "warning: " and do not refuse the configuration */
};
void problem_add(struct problems *p, struct origin o, const char *key, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void problem_warn(struct problems *p, struct origin o, const char *key, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* => the i-th one without its "warning: ", NULL when it is no warning. */
const char *problem_warning(const struct problems *p, size_t i);
void problems_free(struct problems *p);

/* Loads file and flags.  => a new config, or NULL when there are problems that refuse it. */
struct config *config_load(const struct invocation *inv, struct problems *p);
/* => c, which has one more owner now: config_free() is to be called once more. */
struct config *config_keep(struct config *c);
void config_free(struct config *c);
/* Where a key of [daemon] was set: its line, else the main file. */
struct origin config_origin(const struct config *c, const char *key);
/* Where a listener's key was set: the key's line, else the listener's own. */
struct origin listen_origin(const struct listen_conf *l, const char *key);
/* --print-config and --help, to standard output. */
void config_print(const struct config *c);
void options_help(void);

#endif
