#include "certs.h"
#include "log.h"
#include "resolve.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPARE_FDS 64 /* log, loop, signals and the like */

struct world *world_handed(struct handover *h)
{
    struct world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->keylog = -1;
    w->binds = h->binds;
    w->admin = h->admin;
    w->names = h->names;
    w->n_names = h->n_names;
    h->binds = h->admin = (struct bindings){ 0 };
    h->names = NULL;
    h->n_names = 0;
    return w;
}

void world_free(struct world *w, const struct world *kept)
{
    if (w == NULL)
        return;
    listen_close(&w->binds, kept != NULL ? &kept->binds : NULL);
    listen_close(&w->admin, kept != NULL ? &kept->admin : NULL);
    for (size_t i = 0; w->ctx != NULL && i < w->conf->n_listens; i++)
        tls13_ctx_unref(w->ctx[i]);
    if (w->names != NULL)
        munmap(w->names, w->n_names * sizeof *w->names);
    if (w->keylog >= 0)
        close(w->keylog);
    free(w->ctx);
    free(w->first_name);
    config_free(w->conf);
    free(w);
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static bool share_names(struct world *w)
{
    for (size_t i = 0; i < w->conf->n_listens; i++) {
        w->first_name[i] = w->n_names;
        w->n_names += routes_names(&w->conf->listens[i]);
    }
    if (w->n_names == 0)
        return true;
    void *at = mmap(NULL, w->n_names * sizeof *w->names, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        w->n_names = 0;
        return false;
    }
    w->names = at;
    for (size_t i = 0; i < w->conf->n_listens; i++) {
        const struct listen_conf *l = &w->conf->listens[i];
        for (size_t j = 0; j < routes_names(l); j++) {
            const struct addr *a = routes_name(l, j);
            struct resolved *r = &w->names[w->first_name[i] + j];
            (void)snprintf(r->listener, sizeof r->listener, "%.63s", l->name);
            (void)snprintf(r->host, sizeof r->host, "%s", a->host);
            r->port = a->port;
        }
    }
    return true;
}

/* --- TLS -------------------------------------------------------------------------------------------------------- */

/* One write a line, so that workers' lines do not mix. */
static void keylog_line(void *arg, const char *line)
{
    char buf[512];
    size_t n = strnlen(line, sizeof buf - 1);
    memcpy(buf, line, n);
    buf[n++] = '\n';
    (void)!write(*(const int *)arg, buf, n);
    explicit_bzero(buf, sizeof buf);
}

static bool build_contexts(struct world *w, struct problems *p)
{
    bool ok = true;
    for (size_t i = 0; i < w->conf->n_listens; i++) {
        w->ctx[i] = certs_build(w->conf, &w->conf->listens[i], p);
        ok &= w->ctx[i] != NULL;
        if (w->ctx[i] != NULL && w->keylog >= 0)
            (void)!tls13_ctx_set_keylog(w->ctx[i], keylog_line, &w->keylog);
    }
    return ok;
}

static bool open_keylog(struct world *w, struct problems *p)
{
    const char *file = w->conf->keylog;
    if (file == NULL || file[0] == '\0')
        return true;
    w->keylog = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->keylog < 0) {
        problem_add(p, config_origin(w->conf, "keylog"), "keylog", "%s cannot be opened: %s", file, strerror(errno));
        return false;
    }
    log_warning("KEYLOG: the secrets of every connection are written to %s; for debugging only", file);
    return true;
}

/* The admin endpoint is a listener of its own, beside those of the configuration. */
static int open_admin(struct world *w, const struct world *old, char *why, size_t why_len)
{
    struct addr a;
    char name[] = "admin";
    struct listen_conf l = { .name = name, .binds = &a, .n_binds = 1, .backlog = 128 };
    struct config c = { .listens = &l, .n_listens = 1 };
    if (w->conf->admin == NULL)
        return 0;
    if (!addr_parse(&a, w->conf->admin, true, why, why_len))
        return -1;
    return listen_open(&w->admin, old != NULL ? &old->admin : NULL, NULL, &c, 1, why, why_len);
}

/* --- the limits ------------------------------------------------------------------------------------------------- */

/* Two descriptors a connection, and one worker may come to have them all. */
static void fit_descriptors(struct world *w)
{
    size_t sockets = SPARE_FDS, max = (size_t)w->conf->max_connections;
    for (size_t i = 0; i < w->binds.n; i++)
        sockets += w->binds.at[i].n;
    size_t limit = process_descriptors(2 * max + sockets);
    w->max_connections = max;
    if (limit >= 2 * max + sockets)
        return;
    w->max_connections = limit > sockets + 2 ? (limit - sockets) / 2 : 1;
    log_warning("max-connections is %zu instead of %zu: the limit of open files (%zu) cannot be raised; set LimitNOFILE= or ulimit -n",
                w->max_connections, max, limit);
}

struct world *world_build(struct config *conf, const struct world *old, const struct inheritance *in, struct problems *p, int *code)
{
    char why[1024];
    struct world *w = calloc(1, sizeof *w);
    *code = EXIT_REFUSED;
    if (w == NULL) {
        config_free(conf);
        return NULL;
    }
    w->conf = conf;
    w->keylog = -1;
    w->ctx = calloc(conf->n_listens + 1, sizeof(struct tls13_ctx *));
    w->first_name = calloc(conf->n_listens + 1, sizeof *w->first_name);
    w->workers = conf->workers != 0 ? (size_t)conf->workers : process_cpus();
    w->workers = w->workers < WORKERS_MOST ? w->workers : WORKERS_MOST;
    bool ok = w->ctx != NULL && w->first_name != NULL && share_names(w) && open_keylog(w, p) && build_contexts(w, p);
    if (ok && process_identity(&w->identity, conf, why, sizeof why) != 0) {
        problem_add(p, config_origin(conf, "user"), "user", "%s", why);
        ok = false;
    }
    int bound = ok ? listen_open(&w->binds, old != NULL ? &old->binds : NULL, in, conf, w->workers, why, sizeof why) : 0;
    if (bound < 0) {
        *code = EXIT_RIGHTS;
        problem_add(p, listen_origin(&conf->listens[-1 - bound], "bind"), "bind", "%s", why);
        ok = false;
    }
    if (ok && open_admin(w, old, why, sizeof why) != 0) {
        *code = EXIT_RIGHTS;
        problem_add(p, config_origin(conf, "admin"), "admin", "%s", why);
        ok = false;
    }
    if (!ok) {
        world_free(w, old);
        return NULL;
    }
    fit_descriptors(w);
    if (old != NULL) /* the last good addresses outlive a reload */
        resolve_inherit(w->names, w->n_names, old->names, old->n_names);
    return w;
}
