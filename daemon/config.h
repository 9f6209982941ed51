/* What the files of the configuration share: the table of keys, and setting one key from text. */
#ifndef CONFIG_H
#define CONFIG_H

#include "options.h"

enum section { IN_DAEMON, IN_LISTEN };

enum option_type {
    T_INT,     /* long long; words: one that stands for 0 */
    T_TIME,    /* double, seconds */
    T_WORD,    /* int: the index in words */
    T_TEXT,    /* char *; never NULL */
    T_PATH,    /* char *: absolute, or one of words; empty: NULL */
    T_ADMIN,   /* char *: an address to listen on; empty: NULL */
    T_BIND,    /* listen_conf's lists */
    T_BACKEND, /* ... */
    T_CERT,
    T_KEY,
    T_DEFAULT_CERT,
    T_ROUTE,
    T_ALPN,
    T_NAMES,
    T_SUITES,
    T_GROUPS,
    T_TLVS,
    T_CIDRS
};

enum { MAY_BE_EMPTY = 1, REPEATS = 2 };

/*
 * A key.  All keys can change on reload: a reload builds a whole new config and starts new workers from it, so there is no column
 * for that.
 */
struct row {
    enum section section;
    const char *name;
    enum option_type type;
    unsigned flags;
    size_t offset;       /* of the value in struct config or struct listen_conf; unused by the lists */
    const char *words;   /* "off|on", as the type says */
    double min, max;     /* of numbers and times */
    const char *def;     /* as written; NULL: the key must be set */
    const char *example; /* of the value, where the default shows too little */
    const char *help;    /* a line */
};

enum { OPTION_ROWS_MOST = 64 };
extern const struct row option_rows[];
extern const size_t n_option_rows;

/* => NULL when there is no such key. */
const struct row *option_find(enum section section, const char *name);
/* Letters to change, add, leave out or swap with their neighbour to get from a to b; and how many of them a slip may have. */
unsigned option_distance(const char *a, const char *b);
unsigned option_nearness(const char *name);
/* => the key (of any section) that was probably meant, or NULL. */
const char *option_nearest(enum section section, const char *name);
/* The section a key belongs to, as "[daemon]"; NULL: to none. */
const char *option_section(const char *name);

/* Where a value goes and where it comes from. */
struct setter {
    struct config *c;
    struct listen_conf *l; /* for keys of [listen] */
    struct problems *p;
    struct origin origin;
    const char *base; /* relative paths stand here, an absolute directory */
};

/* Sets a key from text and checks its own bounds; problems go to s->p and leave the old value.  A default gives way to it. */
void option_set(const struct setter *s, const struct row *row, const char *value);
/* Sets every key of the section to its default; the target is zeroed but for its origins. */
void option_defaults(const struct setter *s, enum section section);
/* Reads a time such as "1500ms"; => false when it is none. */
bool option_time(const char *text, double *seconds);
/* Writes a time in the largest unit that holds it whole; => buf. */
const char *option_time_text(double seconds, char *buf, size_t n);
/* Writes value, relative to base unless absolute already; => malloc'ed. */
char *option_path(const char *base, const char *value);
/* An address as its value has it, but the path of a Unix socket absolute; => malloc'ed. */
char *option_addr(const char *base, const char *value);
/* Sets a key of one of the list types, T_BIND and below; => false after a problem. */
bool option_set_list(const struct setter *s, const struct row *row, const char *value);
/* => the index of the len bytes at word in "a|b|c", or -1. */
int option_word(const char *words, const char *word, size_t len);
/* Frees what a row holds and zeroes it; T_KEY holds nothing of its own. */
void option_clear(struct config *c, struct listen_conf *l, const struct row *row);

/* Reads a file, and what it includes, into c; path is absolute. */
void config_read(struct config *c, struct problems *p, const char *path);
/* A new, defaulted listener of the configuration, named so. */
struct listen_conf *config_add_listener(struct config *c, struct problems *p, const char *name, struct origin origin);
/* The whole configuration's own rules: what must be set, what contradicts what. */
void config_check(struct config *c, struct problems *p);

/* One argument of the command line. */
struct flag {
    char name[64];         /* without its dashes */
    const char *value;     /* NULL: none */
    const struct row *row; /* the key it sets, or NULL */
};
/* Takes the next argument, *at moves on; => 1, 0 at the end, -1 when it is wrong (why says how). */
int flag_next(const struct invocation *inv, int *at, struct flag *f, char *why, size_t why_len);

/* Memory of the configuration; when there is none, a line is written and the process ends with EXIT_INTERNAL. */
void *mem_grow(void *p, size_t n, size_t size);
char *mem_text(const char *text, size_t len);
void list_add(struct str_list *list, const char *text, size_t len);
void list_free(struct str_list *list);

#endif
