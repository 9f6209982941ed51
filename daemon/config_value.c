/* Single values: text to number, time, word, path; and where each may be set. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUE_MOST = 60000 }; /* so that a flag's value has room on a line of a file */

/* --- text to values ------------------------------------------------------------------------------------------ */

int option_word(const char *words, const char *word, size_t len)
{
    int i = 0;
    for (const char *p = words; p != NULL; i++) {
        const char *bar = strchr(p, '|');
        size_t n = bar != NULL ? (size_t)(bar - p) : strlen(p);
        if (n == len && memcmp(p, word, n) == 0)
            return i;
        p = bar != NULL ? bar + 1 : NULL;
    }
    return -1;
}

char *option_path(const char *base, const char *value)
{
    if (value[0] == '/')
        return mem_text(value, strlen(value));
    while (value[0] == '.' && value[1] == '/')
        value += 2;
    size_t n = strlen(base);
    char *path = mem_grow(NULL, n + strlen(value) + 2, 1);
    (void)sprintf(path, "%s%s%s", base, n > 0 && base[n - 1] == '/' ? "" : "/", value);
    return path;
}

char *option_addr(const char *base, const char *value)
{
    if (strncmp(value, "unix:", 5) != 0 || value[5] == '\0' || value[5] == '@')
        return mem_text(value, strlen(value));
    char *path = option_path(base, value + 5);
    size_t n = strlen(path) + 6;
    char *text = mem_grow(NULL, n, 1);
    (void)snprintf(text, n, "unix:%s", path);
    free(path);
    return text;
}

/* Digits at *text, which moves behind them; => false when there are none or too many. */
static bool digits(const char **text, double *number)
{
    size_t n = strspn(*text, "0123456789");
    if (n == 0 || n > 15)
        return false;
    *number = 0;
    for (size_t i = 0; i < n; i++)
        *number = *number * 10 + ((*text)[i] - '0');
    *text += n;
    return true;
}

static const struct {
    const char *name;
    double seconds;
} units[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }, { "ms", 0.001 } };

bool option_time(const char *text, double *seconds)
{
    double number;
    if (!digits(&text, &number))
        return false;
    if (number == 0 && *text == '\0') {
        *seconds = 0;
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(text, units[i].name) == 0) {
            /* Dividing keeps 1500ms at exactly 1.5, which a product with 0.001 would not. */
            *seconds = units[i].seconds < 1 ? number / 1000 : number * units[i].seconds;
            return true;
        }
    return false;
}

const char *option_time_text(double seconds, char *buf, size_t n)
{
    long long ms = (long long)(seconds * 1000 + 0.5);
    for (size_t i = 0; ms > 0 && i < sizeof units / sizeof units[0]; i++) {
        long long unit = (long long)(units[i].seconds * 1000);
        if (ms % unit == 0) {
            (void)snprintf(buf, n, "%lld%s", ms / unit, units[i].name);
            return buf;
        }
    }
    (void)snprintf(buf, n, "0s");
    return buf;
}

static bool set_int(const struct setter *s, const struct row *row, const char *value, long long *out)
{
    static const char suffixes[] = "kMG";
    const char *p = value;
    double number;
    if (row->words != NULL && option_word(row->words, value, strlen(value)) == 0) {
        *out = 0;
        return true;
    }
    bool good = digits(&p, &number);
    for (size_t i = 0; good && i < 3 && *p != '\0'; i++)
        if (p[0] == suffixes[i] && p[1] == '\0') {
            number *= (double[]){ 1e3, 1e6, 1e9 }[i];
            p++;
        }
    if (!good || *p != '\0' || number < row->min || number > row->max) {
        problem_add(s->p, s->origin, row->name, "\"%.64s\" is not a number from %.0f to %.0f%s%s", value, row->min, row->max,
                    row->words != NULL ? " or " : "", row->words != NULL ? row->words : "");
        return false;
    }
    *out = (long long)number;
    return true;
}

static bool set_time(const struct setter *s, const struct row *row, const char *value, double *out)
{
    char low[32], high[32];
    double seconds;
    if (option_time(value, &seconds) && seconds >= row->min && seconds <= row->max) {
        *out = seconds;
        return true;
    }
    if (value[0] != '\0' && strspn(value, "0123456789") == strlen(value) && !option_time(value, &seconds))
        problem_add(s->p, s->origin, row->name, "\"%.64s\" needs a unit: ms, s, m, h or d, as %.64ss", value, value);
    else
        problem_add(s->p, s->origin, row->name, "\"%.64s\" is not a time from %s to %s; write a number and ms, s, m, h or d", value,
                    option_time_text(row->min, low, sizeof low), option_time_text(row->max, high, sizeof high));
    return false;
}

static bool set_word(const struct setter *s, const struct row *row, const char *value, int *out)
{
    int i = option_word(row->words, value, strlen(value));
    if (i < 0) {
        char words[128];
        (void)snprintf(words, sizeof words, "%s", row->words);
        for (char *p = words; *p != '\0'; p++)
            *p = *p == '|' ? '/' : *p;
        problem_add(s->p, s->origin, row->name, "\"%.64s\" is not one of %s", value, words);
        return false;
    }
    *out = i;
    return true;
}

/* The word that was probably meant by what would be a file's name; NULL: none. */
static const char *word_meant(const struct row *row, const char *value)
{
    static const char *const words[] = { "stderr", "syslog", "auto" };
    for (size_t i = 0; row->words != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(words[i], value) == 0 && option_word(row->words, words[i], strlen(words[i])) >= 0)
            return words[i];
    return strcmp(row->name, "log") == 0 && strcasecmp(value, "stdout") == 0 ? "stderr" : NULL;
}

/* A path is kept absolute, so that no later chdir() and no reload can turn it into another one. */
static bool set_path(const struct setter *s, const struct row *row, const char *value, char **out)
{
    const char *meant = NULL;
    if (value[0] == '\0')
        *out = NULL;
    else if (row->words != NULL && option_word(row->words, value, strlen(value)) >= 0)
        *out = mem_text(value, strlen(value));
    else if ((meant = word_meant(row, value)) == NULL)
        *out = option_path(s->base, value);
    else
        problem_add(s->p, s->origin, row->name, "\"%s\" would be a file; write %s, or ./%s for a file", value, meant, value);
    return meant == NULL;
}

static bool set_admin(const struct setter *s, const struct row *row, const char *value, char **out)
{
    char why[256];
    struct addr a;
    if (value[0] == '\0')
        return true;
    char *text = option_addr(s->base, value);
    bool good = addr_parse(&a, text, true, why, sizeof why);
    if (!good)
        problem_add(s->p, s->origin, row->name, "%s", why);
    else if (a.kind != ADDR_IP && a.kind != ADDR_UNIX) {
        problem_add(s->p, s->origin, row->name, "\"%.64s\" is neither unix:PATH nor IP:PORT", value);
        good = false;
    }
    if (!good) {
        free(text);
        return false;
    }
    *out = text;
    return true;
}

/* --- setting a key ------------------------------------------------------------------------------------------- */

/* What would not survive being written to a file and read again, and what somebody meant as a comment or a quotation. */
static bool plain(const struct setter *s, const struct row *row, const char *value)
{
    size_t n = strlen(value);
    const char *wrong = NULL;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
            wrong = "holds a control character; take it out";
    if (n > 0 && (value[0] == '"' || value[0] == '\''))
        wrong = "is quoted; values are written without quotes";
    else if (n > 0 && (value[0] == ';' || strstr(value, " ;") != NULL))
        wrong = "holds a semicolon where a comment would begin";
    else if (n > 0 && (value[0] == ' ' || value[n - 1] == ' '))
        wrong = "begins or ends with a blank";
    else if (strstr(value, " #") != NULL)
        wrong = "holds \" #\"; a comment behind a value begins with \" ;\"";
    else if (n > VALUE_MOST)
        wrong = "is longer than 60000 bytes";
    if (wrong != NULL)
        problem_add(s->p, s->origin, row->name, "\"%.64s\" %s", value, wrong);
    return wrong == NULL;
}

static void *value_at(const struct setter *s, const struct row *row)
{
    return (row->section == IN_DAEMON ? (char *)s->c : (char *)s->l) + row->offset;
}

static bool set_value(const struct setter *s, const struct row *row, const char *value)
{
    void *at = value_at(s, row);
    switch (row->type) {
    case T_INT:
        return set_int(s, row, value, at);
    case T_TIME:
        return set_time(s, row, value, at);
    case T_WORD:
        return set_word(s, row, value, at);
    case T_TEXT:
        *(char **)at = mem_text(value, strlen(value));
        return true;
    case T_PATH:
        return set_path(s, row, value, at);
    case T_ADMIN:
        return set_admin(s, row, value, at);
    case T_DEFAULT_CERT: /* with a slash it can only be a path; without one a name or a file's last part */
        *(char **)at = strchr(value, '/') != NULL ? option_path(s->base, value) : mem_text(value, strlen(value));
        return true;
    default:
        return option_set_list(s, row, value);
    }
}

void option_set(const struct setter *s, const struct row *row, const char *value)
{
    struct origin *o = (row->section == IN_DAEMON ? s->c->origins : s->l->origins) + (row - option_rows);
    if (!(row->flags & REPEATS) && o->line > 0 && s->origin.line > 0) {
        problem_add(s->p, s->origin, row->name, "is set at %s:%d already; keep one of them", o->file, o->line);
        return;
    }
    if (value[0] == '\0' && !(row->flags & MAY_BE_EMPTY)) {
        const char *like = row->def != NULL ? row->def : row->example;
        problem_add(s->p, s->origin, row->name, "must not be empty; give a value (such as %s) or leave the line out", like);
        return;
    }
    if (!plain(s, row, value))
        return;
    bool overrides = o->line == 0 || (o->line > 0 && s->origin.line < 0);
    if (overrides)
        option_clear(s->c, s->l, row);
    if (set_value(s, row, value))
        *o = s->origin;
}

void option_defaults(const struct setter *s, enum section section)
{
    for (size_t i = 0; i < n_option_rows; i++)
        if (option_rows[i].section == section && option_rows[i].def != NULL)
            option_set(s, &option_rows[i], option_rows[i].def);
}
