/* The master's worlds: built, put in force with their ticket keys, reloaded. */
#include "clock.h"
#include "log.h"
#include "master_parts.h"
#include "notify.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* --- tickets ---------------------------------------------------------------------------------------------------- */

/* Old keys open for a whole lifetime: with a new one every half, three are enough. */
void master_rotate_keys(struct master *m)
{
    double half = m->world->conf->ticket_lifetime / 2;
    if (!tickets_rotate(m->commons.ring, 3))
        log_error("no new ticket key: %s", strerror(errno));
    else
        m->commons.shared->master.ticket_key_made = (uint64_t)time(NULL);
    m->rotate_at = clock_now() + (half > 60 ? half : 60);
}

/* => 0; -1 with a problem: the file is no good. */
static int load_keys(struct ticket_ring *ring, const struct config *c, struct problems *p)
{
    char why[512];
    if (strcmp(c->ticket_keys, "auto") == 0 || tickets_load(ring, c->ticket_keys, why, sizeof why) == 0)
        return 0;
    problem_add(p, config_origin(c, "ticket-keys"), "ticket-keys", "%s", why);
    return -1;
}

static void keys_in_force(struct master *m)
{
    bool automatic = strcmp(m->world->conf->ticket_keys, "auto") == 0;
    if (!automatic) {
        m->rotate_at = -1;
        m->commons.shared->master.ticket_key_made = (uint64_t)time(NULL);
    } else if (m->rotate_at <= 0) {
        master_rotate_keys(m);
    }
}

/* --- a world in force ------------------------------------------------------------------------------------------- */

static void tell(const struct problems *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const char *warning = problem_warning(p, i);
        if (warning != NULL) {
            log_warning("%s", warning);
            continue;
        }
        log_error("%s", p->text[i]);
        handover_note(p->text[i]);
    }
}

/* => 0; -1 with a problem: the log cannot be written there. */
static int try_log(const struct config *c, struct problems *p)
{
    if (log_try(c->log) == 0)
        return 0;
    problem_add(p, config_origin(c, "log"), "log", "%s cannot be opened: %s", c->log, strerror(errno));
    return -1;
}

/* Places among the counters for whatever is named, so that all workers find the same. */
static void name_counters(struct stats_shared *s, const struct config *c)
{
    char text[ADDR_TEXT];
    for (size_t i = 0; i < c->n_listens; i++) {
        const struct listen_conf *l = &c->listens[i];
        (void)stats_listener(s, l->name);
        for (size_t j = 0; j < l->n_routes; j++)
            (void)stats_backend(s, l->name, addr_text(&l->routes[j].backend, text, sizeof text));
        for (size_t j = 0; j < l->n_backends; j++)
            (void)stats_backend(s, l->name, addr_text(&l->backends[j], text, sizeof text));
    }
}

struct world *master_prepare(struct master *m, struct config *c, struct crew *crew, int *code)
{
    struct problems p = { 0 };
    struct world *old = m->world, *w = world_build(c, old, &m->commons.inherited, &p, code);
    if (w != NULL && (try_log(w->conf, &p) != 0 || load_keys(m->commons.ring, w->conf, &p) != 0)) {
        *code = EXIT_REFUSED;
        world_free(w, old);
        w = NULL;
    }
    tell(&p);
    problems_free(&p);
    if (w == NULL)
        return NULL;
    w->generation = m->generation + 1;
    struct per_ip *l = &m->commons.per_ip;
    if (w->conf->max_connections_per_ip > 0 && l->at == NULL && !per_ip_init(l, STATS_BLOCKS, w->max_connections))
        log_error("no memory for max-connections-per-ip: it is off");
    name_counters(m->commons.shared, w->conf);
    crew_first_look(w, old, &m->commons);
    m->world = w;
    keys_in_force(m); /* the first workers find a key */
    m->world = old;
    *code = crew_start(crew, w, old, &m->commons);
    if (*code != 0) {
        handover_note("its workers do not start; its log says why");
        world_free(w, old);
        return NULL;
    }
    return w;
}

void master_in_force(struct master *m, struct world *w)
{
    struct stats_master *s = &m->commons.shared->master;
    m->world = w;
    m->generation = w->generation;
    s->generation = w->generation;
    s->workers = w->workers;
    keys_in_force(m);
    s->ready = 1;
}

void master_say_ready(const struct master *m, const char *how)
{
    notify_send("READY=1\nSTATUS=%s: generation %llu, %zu workers, %zu listening addresses", how, (unsigned long long)m->generation,
                m->world->workers, m->world->binds.n);
}

/* --- reload ----------------------------------------------------------------------------------------------------- */

static void say_kept(struct master *m)
{
    m->commons.shared->master.reloads_failed++;
    log_error("reload: nothing was changed, the old configuration stays in force");
    master_say_ready(m, "reload failed, the old configuration is in force");
}

/* c: the configuration to take; NULL: that of the files. */
static void reload(struct master *m, struct config *c)
{
    struct problems p = { 0 };
    struct crew crew = { 0 };
    int code;
    m->beat_at = 0;
    (void)master_beat(m, clock_now()); /* the next may have to wait until the new workers are there */
    notify_reloading();
    if (c == NULL)
        c = config_load(m->inv, &p);
    tell(&p);
    problems_free(&p);
    if (c != NULL)
        watch_files(&m->commons.watch, c, clock_now());
    struct world *old = m->world, *w = c != NULL ? master_prepare(m, c, &crew, &code) : NULL;
    if (w == NULL) {
        if (c != NULL)
            watch_again(&m->commons.watch, old->conf, clock_now());
        say_kept(m);
        return;
    }
    crew_retire(&crew, &m->crew);
    m->crew = crew;
    master_in_force(m, w);
    const struct config *n = w->conf;
    if (log_open(n->log, (enum log_format)n->log_format, (enum log_level)n->log_level) != 0)
        log_error("log: %s cannot be opened: %s; the old one stays", n->log, strerror(errno));
    world_free(old, w);
    m->commons.shared->master.reloads_ok++;
    master_say_ready(m, "serving");
    log_info("reloaded: generation %llu, %zu workers", (unsigned long long)m->generation, w->workers);
}

void master_reload(struct master *m)
{
    reload(m, NULL);
}

void master_renew(struct master *m)
{
    reload(m, config_keep(m->world->conf));
}
