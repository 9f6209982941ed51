/* The rules of a configuration as a whole: what must be set, what contradicts what, what is not there. */
#include "config.h"
#include "tls13.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct origin config_origin(const struct config *c, const char *key)
{
    struct origin o = c->origins[option_find(IN_DAEMON, key) - option_rows];
    return o.line != 0 ? o : (struct origin){ c->file, 0 };
}

/* => true when the key was set, by a line or a flag. */
static bool is_set(const struct listen_conf *l, const char *key)
{
    return l->origins[option_find(IN_LISTEN, key) - option_rows].line != 0;
}

/* --- listeners ----------------------------------------------------------------------------------------------- */

static void check_required(const struct config *c, const struct listen_conf *l, struct problems *p)
{
    for (const struct row *row = option_rows; row < option_rows + n_option_rows; row++) {
        if (row->section != IN_LISTEN || row->def != NULL || is_set(l, row->name) || (row->type == T_CERT && c->self_signed))
            continue;
        problem_add(p, l->origin, row->name, "is not set in [listen %s]; add %s = %s", l->name, row->name, row->example);
    }
}

static bool fixed_port(const struct addr *a)
{
    return (a->kind != ADDR_IP && a->kind != ADDR_NAME) || a->port != 0;
}

static bool same_addr(const struct addr *a, const struct addr *b)
{
    char x[ADDR_TEXT], y[ADDR_TEXT];
    return a->kind == b->kind && strcmp(addr_text(a, x, sizeof x), addr_text(b, y, sizeof y)) == 0;
}

/* Looks for the bind'th address of a listener among those before it. */
static void check_bind(const struct config *c, size_t listener, size_t bind, struct problems *p)
{
    char text[ADDR_TEXT];
    const struct listen_conf *l = &c->listens[listener];
    const struct addr *a = &l->binds[bind];
    for (size_t i = 0; i <= listener; i++)
        for (size_t j = 0; j < (i < listener ? c->listens[i].n_binds : bind); j++)
            if (fixed_port(a) && same_addr(a, &c->listens[i].binds[j])) {
                problem_add(p, l->bind_origins[bind], "bind", "%s is taken by listener %s already; use another address",
                            addr_text(a, text, sizeof text), c->listens[i].name);
                return;
            }
}

static void check_admin(const struct config *c, struct problems *p)
{
    struct addr a;
    char text[ADDR_TEXT], why[256];
    if (c->admin == NULL || !addr_parse(&a, c->admin, true, why, sizeof why) || !fixed_port(&a))
        return;
    for (size_t i = 0; i < c->n_listens; i++)
        for (size_t j = 0; j < c->listens[i].n_binds; j++)
            if (same_addr(&a, &c->listens[i].binds[j]))
                problem_add(p, config_origin(c, "admin"), "admin", "%s is taken by listener %s already; use another address",
                            addr_text(&a, text, sizeof text), c->listens[i].name);
}

static void check_backends(const struct config *c, const struct listen_conf *l, struct problems *p)
{
    char text[ADDR_TEXT];
    for (size_t i = 0; i < l->n_backends; i++)
        for (size_t j = 0; j < c->n_listens; j++)
            for (size_t k = 0; k < c->listens[j].n_binds; k++)
                if (same_addr(&l->backends[i], &c->listens[j].binds[k]))
                    problem_add(p, listen_origin(l, "backend"), "backend", "%s is listener %s of this daemon, which would call itself",
                                addr_text(&l->backends[i], text, sizeof text), c->listens[j].name);
}

static void check_client_auth(const struct listen_conf *l, struct problems *p)
{
    static const char *const helpers[] = { "client-ca", "client-crl", "client-names" };
    if (l->client_auth != TLS13_CLIENT_AUTH_NONE && l->client_ca == NULL)
        problem_add(p, listen_origin(l, "client-auth"), "client-auth",
                    "needs client-ca = FILE with the authorities that sign clients' certificates");
    /* Somebody who names an authority believes that clients are checked. */
    for (size_t i = 0; i < 3 && l->client_auth == TLS13_CLIENT_AUTH_NONE; i++) {
        bool given = i == 0 ? l->client_ca != NULL : i == 1 ? l->client_crl != NULL : l->client_names.n > 0;
        if (given)
            problem_add(p, listen_origin(l, helpers[i]), helpers[i], "has no effect; add client-auth = require (or request)");
    }
}

static void check_routes(const struct listen_conf *l, struct problems *p)
{
    for (size_t i = 0; i < l->n_routes; i++) {
        const struct route_conf *r = &l->routes[i];
        bool known = r->by == ROUTE_SNI;
        for (size_t j = 0; j < l->alpn.n && !known; j++)
            known = strcmp(l->alpn.at[j], r->pattern) == 0;
        if (!known)
            problem_add(p, r->origin, "route", "alpn:%s never matches; add %s to alpn", r->pattern, r->pattern);
        for (size_t j = 0; j < i; j++)
            if (r->by == l->routes[j].by && strcmp(r->pattern, l->routes[j].pattern) == 0)
                problem_add(p, r->origin, "route", "%s has a route above already; the first one wins", r->pattern);
    }
}

static void check_proxy(const struct listen_conf *l, struct problems *p)
{
    if (l->accept_proxy && l->n_accept_proxy_from == 0)
        problem_add(p, listen_origin(l, "accept-proxy-from"), "accept-proxy-from", "is empty: no address may send the header; name some");
}

/* --- the machine --------------------------------------------------------------------------------------------- */

/* A file that is written later stands in a directory that must be there now. */
static void check_directory(const struct config *c, const char *key, const char *file, struct problems *p)
{
    struct stat st;
    if (file == NULL || file[0] != '/')
        return;
    size_t n = (size_t)(strrchr(file, '/') - file);
    char *dir = mem_text(file, n > 0 ? n : 1);
    if (stat(dir, &st) != 0)
        problem_add(p, config_origin(c, key), key, "the directory %s cannot be used: %s", dir, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        problem_add(p, config_origin(c, key), key, "%s is not a directory", dir);
    else if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
        problem_add(p, config_origin(c, key), key, "%s is a directory, not a file", file);
    free(dir);
}

static void check_daemon(const struct config *c, struct problems *p)
{
    check_directory(c, "log", c->log, p);
    check_directory(c, "keylog", c->keylog, p);
    if (c->user[0] == '\0' && geteuid() == 0)
        problem_warn(p, config_origin(c, "user"), "user", "is empty: the workers stay root");
    if (c->user[0] != '\0' && strcmp(c->user, "auto") != 0 && getpwnam(c->user) == NULL)
        problem_add(p, config_origin(c, "user"), "user", "there is no user %s", c->user);
    if (c->group[0] != '\0' && getgrnam(c->group) == NULL)
        problem_add(p, config_origin(c, "group"), "group", "there is no group %s", c->group);
    if (!c->sandbox)
        problem_warn(p, config_origin(c, "sandbox"), "sandbox", "is off: workers run without seccomp and Landlock");
    if (c->keylog != NULL)
        problem_warn(p, config_origin(c, "keylog"), "keylog", "every session's secrets are written to %s; use it for debugging only",
                     c->keylog);
}

/* --test asks for names; a running daemon asks again and again, so that one it cannot resolve yet is only worth a warning. */
static void check_name(const struct addr *a, struct origin o, const char *key, struct problems *p)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
    if (a->kind != ADDR_NAME)
        return;
    int err = getaddrinfo(a->host, NULL, &hints, &list);
    if (err != 0)
        problem_warn(p, o, key, "%s cannot be resolved: %s", a->host, gai_strerror(err));
    else
        freeaddrinfo(list);
}

static void check_names(const struct listen_conf *l, struct problems *p)
{
    for (size_t i = 0; i < l->n_binds; i++)
        check_name(&l->binds[i], l->bind_origins[i], "bind", p);
    for (size_t i = 0; i < l->n_backends; i++)
        check_name(&l->backends[i], listen_origin(l, "backend"), "backend", p);
    for (size_t i = 0; i < l->n_routes; i++)
        check_name(&l->routes[i].backend, l->routes[i].origin, "route", p);
}

void config_check(struct config *c, struct problems *p)
{
    if (c->n_listens == 0 && c->file != NULL)
        problem_add(p, (struct origin){ c->file, 0 }, NULL, "there is no listener; add [listen NAME] with bind, backend and certificate");
    else if (c->n_listens == 0)
        problem_add(p, (struct origin){ NULL, -1 }, NULL, "there is no listener; give --listen ADDR and --backend ADDR, or --config FILE");
    check_daemon(c, p);
    check_admin(c, p);
    for (size_t i = 0; i < c->n_listens; i++) {
        const struct listen_conf *l = &c->listens[i];
        check_required(c, l, p);
        for (size_t j = 0; j < l->n_binds; j++)
            check_bind(c, i, j, p);
        check_backends(c, l, p);
        check_client_auth(l, p);
        check_routes(l, p);
        check_proxy(l, p);
        if (c->strict)
            check_names(l, p);
    }
}
