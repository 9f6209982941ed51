/* A whole configuration: the file, then the flags over it, then the checks; and its end. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/tls13d/tls13d.ini"

static struct config *config_new(struct problems *p)
{
    struct config *c = mem_grow(NULL, 1, sizeof *c);
    memset(c, 0, sizeof *c);
    c->origins = mem_grow(NULL, n_option_rows, sizeof *c->origins);
    memset(c->origins, 0, n_option_rows * sizeof *c->origins);
    struct setter s = { .c = c, .p = p, .base = "/" };
    option_defaults(&s, IN_DAEMON);
    return c;
}

struct listen_conf *config_add_listener(struct config *c, struct problems *p, const char *name, struct origin origin)
{
    c->listens = mem_grow(c->listens, c->n_listens + 1, sizeof *c->listens);
    struct listen_conf *l = &c->listens[c->n_listens++];
    memset(l, 0, sizeof *l);
    l->name = mem_text(name, strlen(name));
    l->origin = origin;
    l->origins = mem_grow(NULL, n_option_rows, sizeof *l->origins);
    memset(l->origins, 0, n_option_rows * sizeof *l->origins);
    struct setter s = { .c = c, .l = l, .p = p, .base = "/" };
    option_defaults(&s, IN_LISTEN);
    return l;
}

struct config *config_keep(struct config *c)
{
    c->owners++;
    return c;
}

void config_free(struct config *c)
{
    if (c == NULL || c->owners-- > 0)
        return;
    for (size_t i = 0; i < n_option_rows; i++) {
        if (option_rows[i].section == IN_DAEMON)
            option_clear(c, NULL, &option_rows[i]);
        for (size_t j = 0; j < c->n_listens && option_rows[i].section == IN_LISTEN; j++)
            option_clear(c, &c->listens[j], &option_rows[i]);
    }
    for (size_t j = 0; j < c->n_listens; j++) {
        free(c->listens[j].name);
        free(c->listens[j].origins);
    }
    free(c->listens);
    list_free(&c->self_signed_names);
    list_free(&c->files);
    free(c->origins);
    free(c->file);
    free(c);
}

/* --self-signed, or --self-signed=NAME,... */
static void self_signed(struct config *c, struct problems *p, const char *value)
{
    c->self_signed = 1;
    for (const char *at = value; at != NULL && *at != '\0';) {
        size_t n = strcspn(at, ",");
        if (n == 0 || n > 253 || strcspn(at, " \t\"';#/") < n)
            problem_add(p, (struct origin){ NULL, -1 }, "self-signed", "\"%.64s\" is not a list of names with commas", value);
        else
            list_add(&c->self_signed_names, at, n);
        at += n;
        at += *at == ',';
    }
}

/* A flag for a key of [listen] holds in every listener; without any there is one named main. */
static void set_flag(struct config *c, struct problems *p, const char *cwd, const struct flag *f)
{
    struct setter s = { .c = c, .p = p, .origin = { NULL, -1 }, .base = cwd };
    if (f->row->section == IN_DAEMON) {
        option_set(&s, f->row, f->value);
        return;
    }
    if (c->n_listens == 0)
        (void)config_add_listener(c, p, "main", s.origin);
    for (size_t i = 0; i < c->n_listens; i++) {
        s.l = &c->listens[i];
        option_set(&s, f->row, f->value);
    }
}

/* => true when the command line sets anything that a file could, so that no file is looked for. */
static bool any_flags(const struct invocation *inv)
{
    struct flag f;
    char why[256];
    int at = 1;
    while (flag_next(inv, &at, &f, why, sizeof why) > 0)
        if (f.row != NULL || strcmp(f.name, "self-signed") == 0)
            return true;
    return false;
}

static void read_main_file(struct config *c, const struct invocation *inv, const char *cwd, struct problems *p)
{
    const char *file = inv->config_file;
    if (file == NULL && any_flags(inv))
        return;
    c->file = option_path(cwd, file != NULL ? file : DEFAULT_FILE);
    if (file == NULL && access(c->file, F_OK) != 0 && errno == ENOENT) {
        problem_add(p, (struct origin){ c->file, 0 }, NULL,
                    "there is no such file; write one, name another with --config FILE, or give --listen, --backend and --certificate");
        return;
    }
    config_read(c, p, c->file);
}

struct config *config_load(const struct invocation *inv, struct problems *p)
{
    struct flag f;
    char why[256];
    int at = 1;
    size_t errors = p->n - p->warnings; /* of others before us */
    char *here = inv->cwd == NULL ? getcwd(NULL, 0) : NULL;
    const char *cwd = inv->cwd != NULL ? inv->cwd : here != NULL ? here : "/";
    struct config *c = config_new(p);

    c->strict = inv->command == CMD_TEST;
    read_main_file(c, inv, cwd, p);
    while (flag_next(inv, &at, &f, why, sizeof why) > 0) {
        if (f.row != NULL)
            set_flag(c, p, cwd, &f);
        else if (strcmp(f.name, "self-signed") == 0)
            self_signed(c, p, f.value);
    }
    if (c->self_signed && c->self_signed_names.n == 0)
        list_add(&c->self_signed_names, "localhost", 9);
    free(here);
    /* What contradicts what can be told only once each value is good. */
    if (p->n - p->warnings == errors)
        config_check(c, p);
    if (p->n - p->warnings == errors)
        return c;
    config_free(c);
    return NULL;
}
