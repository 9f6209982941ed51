/*
 * Reading configuration files through inih.
 *
 * inih alone would misread some files without a word: an indented line continues the value above it, a line longer than its buffer is
 * two lines, a NUL ends a line, text behind a section's bracket is passed over, a section without keys is not told.  So every line goes
 * through line_reader() first, which counts the lines, refuses all these by name and lets only plain lines through.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MOST = 65536, FILE_MOST = 16 << 20, FILES_MOST = 4096, DEPTH_MOST = 8, NAME_MOST = 32 };

/* What the lines of a file belong to just now. */
enum place { TOP, DAEMON, LISTEN, UNKNOWN };

struct reader {
    struct config *c;
    struct problems *p;
    FILE *f;
    const char *name; /* of the file, absolute; the config owns it */
    char *base;       /* its directory */
    int line;
    size_t bytes;
    enum place place;
    size_t listener; /* LISTEN: its index */
    unsigned depth;  /* of includes */
};

static struct origin here(const struct reader *r)
{
    return (struct origin){ r->name, r->line };
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static void enter_listener(struct reader *r, const char *name)
{
    size_t n = strlen(name);
    r->place = UNKNOWN;
    if (n == 0) {
        problem_add(r->p, here(r), "[listen]", "a listener needs a name, as [listen https]");
        return;
    }
    bool plain = n <= NAME_MOST;
    for (size_t i = 0; i < n; i++)
        plain = plain && (isalnum((unsigned char)name[i]) || name[i] == '-' || name[i] == '_' || name[i] == '.');
    if (!plain) {
        problem_add(r->p, here(r), "[listen]", "\"%.64s\" is no name: 1 to %d letters, digits, '-', '_' and '.' are", name, NAME_MOST);
        return;
    }
    for (size_t i = 0; i < r->c->n_listens; i++)
        if (strcmp(r->c->listens[i].name, name) == 0) {
            struct origin o = r->c->listens[i].origin;
            problem_add(r->p, here(r), "[listen]", "there is a listener %s at %s:%d already; give this one another name", name, o.file,
                        o.line);
            return;
        }
    r->place = LISTEN;
    r->listener = r->c->n_listens;
    (void)config_add_listener(r->c, r->p, name, here(r));
}

/* A line that begins with '[': the section that the following keys belong to. */
static void enter_section(struct reader *r, char *line)
{
    char *end = strchr(line, ']');
    char *rest = end != NULL ? end + 1 + strspn(end + 1, " \t") : line;
    r->place = UNKNOWN;
    if (end == NULL || (*rest != '\0' && *rest != ';' && *rest != '#')) {
        problem_add(r->p, here(r), NULL, "\"%.64s\" is not a section; [daemon] or [listen NAME] stands on a line of its own", line);
        return;
    }
    *end = '\0';
    char *kind = line + 1 + strspn(line + 1, " \t");
    size_t len = strcspn(kind, " \t");
    char *name = kind + len + strspn(kind + len, " \t");
    for (size_t n = strlen(name); n > 0 && (name[n - 1] == ' ' || name[n - 1] == '\t'); n--)
        name[n - 1] = '\0';
    if (len == 6 && strncmp(kind, "daemon", 6) == 0 && *name == '\0')
        r->place = DAEMON;
    else if (len == 6 && strncmp(kind, "listen", 6) == 0)
        enter_listener(r, name);
    else
        problem_add(r->p, here(r), NULL, "there is no section [%.64s]; the sections are [daemon] and [listen NAME]", line + 1);
}

/* One line of the file into line, without its end; => false at the end of the file or when it is refused as a whole. */
static bool get_line(struct reader *r, char *line, size_t size)
{
    size_t n = 0;
    const char *wrong = NULL;
    int ch;
    r->line++;
    while ((ch = getc_unlocked(r->f)) != EOF && ch != '\n') {
        if (++r->bytes > FILE_MOST) {
            problem_add(r->p, (struct origin){ r->name, 0 }, NULL, "is larger than %d MiB, hardly a configuration", FILE_MOST >> 20);
            return false;
        }
        if ((ch < ' ' && ch != '\t' && ch != '\r') || ch == 0x7f)
            wrong = "there is a control character in this line; take it out";
        if (n + 3 < size)
            line[n++] = (char)ch;
        else
            wrong = "this line is longer than 64 KiB; split it";
    }
    if (ch == EOF && ferror(r->f)) {
        problem_add(r->p, (struct origin){ r->name, 0 }, NULL, "cannot be read: %s", strerror(errno));
        return false;
    }
    if (ch == EOF && n == 0 && wrong == NULL)
        return false;
    while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    line[n] = '\0';
    if (wrong == NULL && strchr(line, '\r') != NULL)
        wrong = "there is a carriage return inside this line; write the file with LF or CRLF line ends";
    if (wrong != NULL) {
        problem_add(r->p, here(r), NULL, "%s", wrong);
        line[0] = '\0';
    }
    return true;
}

/* inih's reader: the next line, or an empty one where inih has nothing to do. */
static char *line_reader(char *buf, int size, void *user)
{
    struct reader *r = user;
    if (!get_line(r, buf, (size_t)size))
        return NULL;
    char *text = buf + (r->line == 1 && strncmp(buf, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
    text += strspn(text, " \t");
    size_t key = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (text[0] == '[')
        enter_section(r, text);
    else if (strncmp(text, "-----BEGIN ", 11) == 0) { /* not a line of it is shown: it may be a key */
        problem_add(r->p, here(r), NULL, "this is a PEM file, no configuration; certificate = FILE names one");
        return NULL;
    } else if (text[0] != '\0' && text[0] != ';' && text[0] != '#') {
        if (key > 0 && text[key + strspn(text + key, " \t")] == '=') {
            memmove(buf, text, strlen(text) + 1);
            return buf;
        }
        problem_add(r->p, here(r), NULL, "\"%.40s\" is not KEY = VALUE", text);
    }
    buf[0] = '\0';
    return buf;
}

/* --- keys ---------------------------------------------------------------------------------------------------- */

static void unknown_key(struct reader *r, enum section section, const char *key)
{
    const char *belongs = option_section(key), *near = option_nearest(section, key);
    if (strcmp(key, "include") == 0)
        problem_add(r->p, here(r), key, "stands at the top of a file, before its first section; move it there");
    else if (belongs != NULL)
        problem_add(r->p, here(r), key, "belongs in %s; move it there", belongs);
    else if (near != NULL)
        problem_add(r->p, here(r), key, "there is no such key; did you mean %s?", near);
    else
        problem_add(r->p, here(r), key, "there is no such key; tls13d --help lists them");
}

static void include(struct reader *r, const char *pattern);

/* inih's handler: one key.  The section is r->place, since inih cuts long names. */
static int take_key(void *user, const char *section_name, const char *key, const char *value)
{
    struct reader *r = user;
    (void)section_name;
    if (r->place == UNKNOWN)
        return 1; /* its heading was refused already */
    if (r->place == TOP) {
        if (strcmp(key, "include") == 0)
            include(r, value);
        else
            problem_add(r->p, here(r), key, "stands before any section; put it below [daemon] or [listen NAME]");
        return 1;
    }
    enum section section = r->place == DAEMON ? IN_DAEMON : IN_LISTEN;
    struct setter s = {
        .c = r->c, .l = section == IN_LISTEN ? &r->c->listens[r->listener] : NULL, .p = r->p, .origin = here(r), .base = r->base
    };
    const struct row *row = option_find(section, key);
    if (row == NULL) {
        unknown_key(r, section, key);
        return 1;
    }
    char *text = mem_text(value, strlen(value));
    for (char *tab = text; (tab = strchr(tab, '\t')) != NULL;)
        *tab = ' ';
    option_set(&s, row, text);
    free(text);
    return 1;
}

/* --- files --------------------------------------------------------------------------------------------------- */

/* Opens a file that is one: a directory or a device is refused; a pipe is taken (a shell's <(...)) but for includes. */
static FILE *open_config(struct reader *r, struct origin from, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (r->depth > 0 ? O_NONBLOCK : 0));
    const char *key = r->depth > 0 ? "include" : NULL;
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (r->depth == 0)
            problem_add(r->p, from, NULL, "cannot be opened: %s", strerror(errno));
        else
            problem_add(r->p, from, key, "cannot open %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (S_ISREG(st.st_mode) || (S_ISFIFO(st.st_mode) && r->depth == 0))
        return fdopen(fd, "r");
    problem_add(r->p, from, key, "%s is %s", path,
                S_ISDIR(st.st_mode) ? "a directory; write DIR/*.ini to include its files" : "not a file");
    close(fd);
    return NULL;
}

/* Reads one file, which stands at an absolute path; from says who asks for it. */
static void read_file(struct config *c, struct problems *p, const char *path, unsigned depth, struct origin from)
{
    for (size_t i = 0; i < c->files.n; i++)
        if (strcmp(c->files.at[i], path) == 0) {
            problem_add(p, from, "include", "%s is read already", path);
            return;
        }
    if (c->files.n >= FILES_MOST || depth > DEPTH_MOST) {
        problem_add(p, from, "include", "%s: more than %d files, or %d deep", path, FILES_MOST, DEPTH_MOST);
        return;
    }
    struct reader r = { .c = c, .p = p, .depth = depth };
    r.f = open_config(&r, from, path);
    if (r.f == NULL)
        return;
    list_add(&c->files, path, strlen(path));
    r.name = c->files.at[c->files.n - 1];
    size_t base = (size_t)(strrchr(path, '/') - path);
    r.base = mem_text(path, base > 0 ? base : 1);

    ini_use_stack = false; /* Debian's inih takes these at run time; line_reader() obeys whatever size it is given */
    ini_allow_realloc = false;
    ini_initial_alloc = LINE_MOST;
    size_t before = p->n;
    int line = ini_parse_stream(line_reader, &r, take_key, &r);
    if (line != 0 && p->n == before)
        problem_add(p, (struct origin){ r.name, line > 0 ? line : 0 }, NULL, "cannot be read");
    free(r.base);
    (void)fclose(r.f);
}

static void include(struct reader *r, const char *pattern)
{
    glob_t g;
    struct origin from = here(r);
    if (pattern[0] == '\0') {
        problem_add(r->p, from, "include", "must not be empty; write a file or DIR/*.ini");
        return;
    }
    char *path = option_path(r->base, pattern);
    errno = 0;
    int err = glob(path, GLOB_ERR, NULL, &g);
    /* An empty directory is fine, as conf.d often is; a file that is named outright must be there. */
    if (err == GLOB_NOMATCH && strpbrk(pattern, "*?[") == NULL)
        problem_add(r->p, from, "include", "there is no file %s", path);
    else if (err != 0 && err != GLOB_NOMATCH)
        problem_add(r->p, from, "include", "cannot read %s: %s", path, err == GLOB_ABORTED ? strerror(errno) : "too many files");
    for (size_t i = 0; err == 0 && i < g.gl_pathc; i++)
        read_file(r->c, r->p, g.gl_pathv[i], r->depth + 1, from);
    if (err == 0)
        globfree(&g);
    free(path);
}

void config_read(struct config *c, struct problems *p, const char *path)
{
    read_file(c, p, path, 0, (struct origin){ path, 0 });
}
