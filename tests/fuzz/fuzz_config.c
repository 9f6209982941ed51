/*
 * Configuration files: any text is taken or refused with problems, and what is taken reads back from --print-config to the same.
 * The text stands in a file in memory, so nothing is written anywhere; includes are made to point nowhere.
 */
#include "fuzz.h"

#include "options.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file in memory under a stable name, emptied and filled again for each input. */
struct file {
    int fd;
    char path[32];
};

static void fill(struct file *f, const void *text, size_t n)
{
    if (f->path[0] == '\0') {
        f->fd = memfd_create("config", 0);
        (void)snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd);
    }
    PROMISE(f->fd >= 0 && ftruncate(f->fd, 0) == 0 && pwrite(f->fd, text, n, 0) == (ssize_t)n);
}

static struct config *load(const char *path)
{
    static char name[] = "tls13d", flag[] = "--config";
    char file[32], *argv[] = { name, flag, file, NULL };
    struct invocation inv;
    struct problems p = { 0 };
    (void)snprintf(file, sizeof file, "%s", path);
    PROMISE(options_args(&inv, 3, argv) == 0);
    struct config *c = config_load(&inv, &p);
    PROMISE(p.warnings <= p.n && (c == NULL) == (p.n > p.warnings));
    for (size_t i = 0; i < p.n; i++)
        PROMISE(p.text[i][0] != '\0' && strpbrk(p.text[i], "\n\r\x1b") == NULL);
    problems_free(&p);
    return c;
}

/* Long lists take more room when they are printed, in the end more than a line has. */
static int short_lines(const char *text, size_t n)
{
    size_t line = 0;
    for (size_t i = 0; i < n; i++)
        if ((line = text[i] == '\n' ? 0 : line + 1) > 8192)
            return 0;
    return 1;
}

/* config_print() into a file in memory, standard output aside. */
static size_t print(const struct config *c, char *text, size_t cap)
{
    static struct file f;
    fill(&f, "", 0);
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    PROMISE(saved >= 0 && dup2(f.fd, STDOUT_FILENO) >= 0 && lseek(f.fd, 0, SEEK_SET) == 0);
    config_print(c);
    (void)fflush(stdout);
    PROMISE(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    ssize_t n = pread(f.fd, text, cap, 0);
    PROMISE(n > 0 && (size_t)n < cap);
    return (size_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct file f;
    static char in[1 << 17], first[1 << 21], second[1 << 21];
    if (size > sizeof in)
        return 0;
    /* "include" becomes a key that there is none of: what lies on this machine is no part of the test. */
    memcpy(in, data, size);
    for (char *at = in; (at = memmem(at, size - (size_t)(at - in), "include", 7)) != NULL; at++)
        at[2] = 'x';
    fill(&f, in, size);
    struct config *c = load(f.path);
    if (c == NULL)
        return 0;
    size_t n = print(c, first, sizeof first);
    config_free(c);
    fill(&f, first, n);
    c = load(f.path);
    PROMISE(c != NULL || !short_lines(in, size));
    PROMISE(c == NULL || (print(c, second, sizeof second) == n && memcmp(first, second, n) == 0));
    config_free(c);
    return 0;
}
