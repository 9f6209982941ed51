/* The configuration in force as a file that reads back to the same, and --help. */
#include "config.h"
#include "tls13.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* --- lists on one line --------------------------------------------------------------------------------------- */

static void item(const char *text, size_t index)
{
    printf("%s %s", index > 0 ? "," : "", text);
}

static void print_tlvs(const char *words, unsigned tlvs)
{
    char word[32];
    size_t printed = 0;
    for (unsigned bit = 1; words != NULL; bit <<= 1) {
        size_t n = strcspn(words, "|");
        (void)snprintf(word, sizeof word, "%.*s", (int)n, words);
        if (tlvs & bit)
            item(word, printed++);
        words = words[n] == '|' ? words + n + 1 : NULL;
    }
}

static void print_list(const struct row *row, const struct listen_conf *l)
{
    char ip[INET6_ADDRSTRLEN], text[64];
    printf("%s =", row->name);
    for (size_t i = 0; row->type == T_ALPN && i < l->alpn.n; i++)
        item(l->alpn.at[i], i);
    for (size_t i = 0; row->type == T_NAMES && i < l->client_names.n; i++)
        item(l->client_names.at[i], i);
    for (size_t i = 0; row->type == T_SUITES && i < l->n_suites; i++)
        item(tls13_suite_name(l->suites[i]), i);
    for (size_t i = 0; row->type == T_GROUPS && i < l->n_groups; i++)
        item(tls13_group_name(l->groups[i]), i);
    for (size_t i = 0; row->type == T_CIDRS && i < l->n_accept_proxy_from; i++) {
        const struct cidr *c = &l->accept_proxy_from[i];
        (void)snprintf(text, sizeof text, "%s/%u", inet_ntop(c->family, c->ip, ip, sizeof ip), c->bits);
        item(text, i);
    }
    if (row->type == T_TLVS)
        print_tlvs(row->words, l->proxy_tlvs);
    printf("\n");
}

/* --- keys with a line each ----------------------------------------------------------------------------------- */

static void print_addrs(const char *key, const struct addr *a, size_t n)
{
    char text[ADDR_TEXT];
    for (size_t i = 0; i < n; i++)
        printf("%s = %s\n", key, addr_text(&a[i], text, sizeof text));
}

static void print_certs(const struct listen_conf *l)
{
    for (size_t i = 0; i < l->n_certs; i++)
        printf("certificate = %s\nprivate-key =%s%s\n", l->certs[i].certificate, l->certs[i].private_key != NULL ? " " : "",
               l->certs[i].private_key != NULL ? l->certs[i].private_key : "");
    if (l->n_certs == 0)
        printf("; certificate: made by --self-signed\n");
}

static void print_routes(const struct listen_conf *l)
{
    char text[ADDR_TEXT];
    for (size_t i = 0; i < l->n_routes; i++)
        printf("route = %s:%s %s\n", l->routes[i].by == ROUTE_SNI ? "sni" : "alpn", l->routes[i].pattern,
               addr_text(&l->routes[i].backend, text, sizeof text));
    if (l->n_routes == 0)
        printf("route =\n");
}

/* --- single values ------------------------------------------------------------------------------------------- */

static void print_time(const struct row *row, double seconds)
{
    double normal;
    char text[32];
    bool as_default = option_time(row->def, &normal) && seconds >= normal && seconds <= normal;
    printf("%s = %s\n", row->name, as_default ? row->def : option_time_text(seconds, text, sizeof text));
}

static void print_word(const struct row *row, int index)
{
    const char *p = row->words;
    for (; index > 0; index--)
        p += strcspn(p, "|") + 1;
    printf("%s = %.*s\n", row->name, (int)strcspn(p, "|"), p);
}

static void print_row(const struct row *row, const void *in)
{
    const void *at = (const char *)in + row->offset;
    const struct listen_conf *l = in;
    const char *text;
    switch (row->type) {
    case T_INT:
        if (row->words != NULL && *(const long long *)at == 0)
            printf("%s = %s\n", row->name, row->words);
        else
            printf("%s = %lld\n", row->name, *(const long long *)at);
        break;
    case T_TIME:
        print_time(row, *(const double *)at);
        break;
    case T_WORD:
        print_word(row, *(const int *)at);
        break;
    case T_TEXT:
    case T_PATH:
    case T_ADMIN:
    case T_DEFAULT_CERT:
        text = *(char *const *)at;
        printf("%s =%s%s\n", row->name, text != NULL && text[0] != '\0' ? " " : "", text != NULL ? text : "");
        break;
    case T_BIND:
        print_addrs(row->name, l->binds, l->n_binds);
        break;
    case T_BACKEND:
        print_addrs(row->name, l->backends, l->n_backends);
        break;
    case T_CERT:
        print_certs(l);
        break;
    case T_KEY: /* printed with its certificate */
        break;
    case T_ROUTE:
        print_routes(l);
        break;
    case T_ALPN:
    case T_NAMES:
    case T_SUITES:
    case T_GROUPS:
    case T_TLVS:
    case T_CIDRS:
        print_list(row, l);
        break;
    }
}

void config_print(const struct config *c)
{
    printf("[daemon]\n");
    for (size_t i = 0; i < n_option_rows; i++)
        if (option_rows[i].section == IN_DAEMON)
            print_row(&option_rows[i], c);
    for (size_t j = 0; j < c->n_listens; j++) {
        printf("\n[listen %s]\n", c->listens[j].name);
        for (size_t i = 0; i < n_option_rows; i++)
            if (option_rows[i].section == IN_LISTEN)
                print_row(&option_rows[i], &c->listens[j]);
    }
}

/* --- help ---------------------------------------------------------------------------------------------------- */

static const char usage[] = "tls13d: puts TLS 1.3 in front of a plaintext service\n"
                            "\n"
                            "  tls13d [--config FILE]                      run in the foreground; FILE is /etc/tls13d/tls13d.ini\n"
                            "  tls13d --listen ADDR --backend ADDR [...]   run without a file\n"
                            "  tls13d --test                               check configuration, certificates and keys; bind nothing\n"
                            "  tls13d --print-config                       write the configuration in force, every key\n"
                            "  tls13d status [--admin ADDR] [--json]       what a running daemon tells; ADDR is that of the\n"
                            "                                              configuration; --watch tells it again each second\n"
                            "  tls13d --version, --help\n"
                            "\n"
                            "  --self-signed[=NAME,...]   a throwaway certificate in memory, for development only\n"
                            "\n"
                            "Exit status: 0 fine; 1 configuration or certificate refused; 2 usage; 3 could not bind or drop\n"
                            "privileges; 4 internal.\n"
                            "\n"
                            "Every key of the file is a flag, as --key VALUE or --key=VALUE.  Flags for keys of [listen] make a\n"
                            "listener named main, or hold in every listener of the file; --listen is another name of --bind.\n"
                            "Times take ms, s, m, h or d; numbers may end in k, M or G (thousands, millions ...).\n";

static void help_row(const struct row *row)
{
    const char *value = row->def != NULL && row->def[0] != '\0' ? row->def : NULL;
    printf("  --%s\n      %s", row->name, row->help);
    if (row->type == T_WORD) {
        printf(": ");
        for (const char *p = row->words; *p != '\0'; p++) {
            if (*p == '|')
                printf(" or ");
            else
                (void)putchar(*p);
        }
    }
    if (value != NULL)
        printf("\n      default: %s\n", value);
    else if (row->example != NULL)
        printf("\n      %s %s\n", row->def == NULL ? "no default, as" : "empty unless set, as", row->example);
    else
        printf("\n      empty unless set\n");
}

void options_help(void)
{
    printf("%s", usage);
    for (size_t i = 0; i < n_option_rows; i++) {
        if (i == 0)
            printf("\n[daemon]\n");
        else if (option_rows[i].section != option_rows[i - 1].section)
            printf("\n[listen NAME]\n");
        help_row(&option_rows[i]);
    }
}
