/* What the tests of the configuration share: a directory with t.ini in it, loading it, and the problems that were met. */
#ifndef CONFIG_TEST_H
#define CONFIG_TEST_H

#include "config.h"
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

static char dir[] = "/tmp/tls13d-options-XXXXXX";
static char main_file[64];
static struct problems problems;
static struct config *config;

static void write_bytes(const char *name, const void *text, size_t n)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (f == NULL || fwrite(text, 1, n, f) != n || fclose(f) != 0)
        abort();
}

static void forget(void)
{
    config_free(config);
    config = NULL;
    problems_free(&problems);
}

static void write_file(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* Runs a command line of words; NULL ends it.  => what options_args said, and config is loaded when that was 0. */
static int load(const char *const *words)
{
    static char *argv[40];
    struct invocation inv;
    int argc = 1;
    argv[0] = (char *)(uintptr_t) "tls13d";
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    argv[argc] = NULL;
    forget();
    int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    int code = options_args(&inv, argc, argv);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(null);
    inv.cwd = "/work dir";
    if (code == 0)
        config = config_load(&inv, &problems);
    return code;
}

#define LOAD(...) load((const char *const[]){ __VA_ARGS__, NULL })

static void load_text(const char *text)
{
    write_file("t.ini", text);
    CHECK_INT(LOAD("--config", main_file), 0);
}

/* Problem i without "warning: ", and the file's name when that is the main one. */
static const char *problem(size_t i)
{
    static char text[2048];
    if (i >= problems.n)
        return "";
    const char *p = problems.text[i];
    p += strncmp(p, "warning: ", 9) == 0 ? 9 : 0;
    if (strncmp(p, main_file, strlen(main_file)) == 0)
        p += strlen(main_file) + 1;
    (void)snprintf(text, sizeof text, "%s", p);
    return text;
}

static void show(void)
{
    for (size_t i = 0; i < problems.n; i++)
        printf("# %s\n", problems.text[i]);
}

#define GOOD "[listen a]\nbind = :443\nbackend = 127.0.0.1:80\ncertificate = a.pem\n"

static void test_directory(void)
{
    if (mkdtemp(dir) == NULL)
        abort();
    (void)snprintf(main_file, sizeof main_file, "%s/t.ini", dir);
}

/* Removes it; => what main returns. */
static int test_end(int failed)
{
    char command[128];
    forget();
    (void)snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command) != 0 || failed;
}

#endif
