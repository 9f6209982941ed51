/* The command line: what main is to do, and the keys that flags set. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is no key of the table. */
static const struct {
    const char *name;
    bool wants_value;
} switches[] = { { "config", true }, { "test", false }, { "print-config", false }, { "self-signed", false },
                 { "json", false },  { "help", false }, { "version", false } };

/* --listen is what people look for; the key is called bind. */
static const struct row *flag_row(const char *name)
{
    if (strcmp(name, "listen") == 0)
        name = "bind";
    const struct row *row = option_find(IN_DAEMON, name);
    return row != NULL ? row : option_find(IN_LISTEN, name);
}

static int switch_index(const char *name)
{
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (strcmp(switches[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* --watch is a key of [daemon] with a value, and a switch of `status` without one. */
static bool is_switch(const struct invocation *inv, const char *name)
{
    int i = switch_index(name);
    return (i >= 0 && !switches[i].wants_value) || (inv->command == CMD_STATUS && strcmp(name, "watch") == 0);
}

/* => the option that was probably meant, or NULL. */
static const char *nearest(const char *name)
{
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (option_distance(name, switches[i].name) <= option_nearness(name))
            return switches[i].name;
    return option_nearest(IN_LISTEN, name);
}

int flag_next(const struct invocation *inv, int *at, struct flag *f, char *why, size_t why_len)
{
    *f = (struct flag){ .value = NULL };
    if (*at >= inv->argc)
        return 0;
    const char *arg = inv->argv[(*at)++];
    if (strcmp(arg, "-h") == 0)
        arg = "--help";
    if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0') {
        (void)snprintf(why, why_len, "\"%.64s\" is not understood; options begin with two dashes, the one command is status", arg);
        return -1;
    }
    size_t len = strcspn(arg + 2, "=");
    (void)snprintf(f->name, sizeof f->name, "%.*s", (int)(len < sizeof f->name ? len : sizeof f->name - 1), arg + 2);
    const char *name = f->name;
    if (arg[2 + len] == '=')
        f->value = arg + 2 + len + 1;
    f->row = flag_row(name);
    if (f->row == NULL && switch_index(name) < 0) {
        const char *near = nearest(name);
        (void)snprintf(why, why_len, "there is no option --%s%s%s%s", name, near != NULL ? "; did you mean --" : "",
                       near != NULL ? near : "", near != NULL ? "?" : "");
        return -1;
    }
    if (is_switch(inv, name)) {
        if (f->value == NULL || strcmp(name, "self-signed") == 0)
            return 1;
        (void)snprintf(why, why_len, "--%s takes no value", name);
        return -1;
    }
    if (f->value == NULL && *at < inv->argc && strncmp(inv->argv[*at], "--", 2) != 0)
        f->value = inv->argv[(*at)++];
    if (f->value != NULL)
        return 1;
    (void)snprintf(why, why_len, "--%s needs a value", name);
    return -1;
}

__attribute__((format(printf, 1, 2))) static int usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("tls13d: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputs("\ntls13d --help lists the options\n", stderr);
    va_end(ap);
    return EXIT_USAGE;
}

static int set_command(struct invocation *inv, enum command command)
{
    if (inv->command == command || inv->command == CMD_RUN) {
        inv->command = command;
        return 0;
    }
    return usage("only one of status, --test and --print-config can be done at a time");
}

/* Takes one flag that stands for a key; a key that does not repeat is given once. */
static int take_row(const struct invocation *inv, const struct flag *f, bool *seen)
{
    if (inv->command == CMD_STATUS)
        return usage("--%s does not go with status", f->name);
    if (*seen && !(f->row->flags & REPEATS))
        return usage("--%s is given twice", f->name);
    *seen = true;
    return 0;
}

static int take_switch(struct invocation *inv, const struct flag *f)
{
    if (strcmp(f->name, "help") == 0)
        inv->command = CMD_HELP;
    else if (strcmp(f->name, "version") == 0)
        inv->command = CMD_VERSION;
    else if (strcmp(f->name, "test") == 0)
        return set_command(inv, CMD_TEST);
    else if (strcmp(f->name, "print-config") == 0)
        return set_command(inv, CMD_PRINT_CONFIG);
    else if (strcmp(f->name, "json") == 0 && inv->command != CMD_STATUS)
        return usage("--json goes with status only: tls13d status --json");
    else if (strcmp(f->name, "json") == 0)
        inv->json = true;
    else if (strcmp(f->name, "config") == 0) {
        if (inv->config_file != NULL)
            return usage("--config is given twice; other files belong into include = DIR/*.ini");
        if (f->value[0] == '\0')
            return usage("--config needs a file");
        inv->config_file = f->value;
    }
    return 0;
}

int options_args(struct invocation *inv, int argc, char **argv)
{
    static char cwd[4096];
    struct flag f;
    char why[256];
    int more, err = 0;
    bool seen[OPTION_ROWS_MOST] = { false };
    *inv = (struct invocation){ .argc = argc, .argv = argv, .cwd = getcwd(cwd, sizeof cwd) };
    int at = 1;
    if (argc > 1 && strcmp(argv[1], "status") == 0) {
        inv->command = CMD_STATUS;
        at = 2;
    }
    while (err == 0 && (more = flag_next(inv, &at, &f, why, sizeof why)) != 0) {
        if (more < 0)
            return usage("%s", why);
        if (inv->command == CMD_STATUS && strcmp(f.name, "admin") == 0)
            inv->admin = f.value;
        else if (inv->command == CMD_STATUS && strcmp(f.name, "watch") == 0)
            inv->watch = true;
        else if (f.row != NULL)
            err = take_row(inv, &f, &seen[f.row - option_rows]);
        else
            err = take_switch(inv, &f);
        if (inv->command == CMD_HELP || inv->command == CMD_VERSION)
            return 0;
    }
    return err;
}
