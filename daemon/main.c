/* From the command line to a running daemon, or to an exit code. */
#include "certs.h"
#include "handover.h"
#include "log.h"
#include "master.h"
#include "options.h"
#include "status.h"
#include "tickets.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Errors go to standard error as they are; a daemon's warnings go where its log does. */
static void tell(const struct problems *p, bool to_log)
{
    for (size_t i = 0; i < p->n; i++) {
        const char *warning = problem_warning(p, i);
        if (warning == NULL)
            handover_note(p->text[i]);
        if (warning != NULL && to_log)
            log_warning("%s", warning);
        else
            (void)fprintf(stderr, "%s\n", p->text[i]);
    }
}

static void check_certificates(const struct config *c, struct problems *p)
{
    for (size_t i = 0; i < c->n_listens; i++)
        tls13_ctx_unref(certs_build(c, &c->listens[i], p));
}

static bool refused(const struct problems *p)
{
    return p->n > p->warnings;
}

static void check_ticket_keys(const struct config *c, struct problems *p)
{
    struct ticket_ring ring = { 0 };
    char why[512];
    if (strcmp(c->ticket_keys, "auto") != 0 && tickets_load(&ring, c->ticket_keys, why, sizeof why) != 0)
        problem_add(p, config_origin(c, "ticket-keys"), "ticket-keys", "%s", why);
    explicit_bzero(&ring, sizeof ring);
}

static int test(struct config *c, struct problems *p)
{
    if (c != NULL) {
        check_certificates(c, p);
        check_ticket_keys(c, p);
    }
    tell(p, false);
    config_free(c);
    if (refused(p))
        return EXIT_REFUSED;
    printf("tls13d: the configuration is good\n");
    return EXIT_FINE;
}

static int print_config(struct config *c, const struct problems *p)
{
    tell(p, false);
    if (c == NULL)
        return EXIT_REFUSED;
    config_print(c);
    config_free(c);
    return EXIT_FINE;
}

/* Warnings about certificates come again from whoever builds the contexts that are used; here they only may refuse the start. */
static int run(struct config *c, const struct invocation *inv, struct problems *p)
{
    struct problems of_certs = { 0 };
    if (c == NULL) {
        tell(p, false);
        return EXIT_REFUSED;
    }
    check_certificates(c, &of_certs);
    bool bad = refused(&of_certs);
    if (bad)
        tell(&of_certs, false);
    problems_free(&of_certs);
    if (!bad && log_open(c->log, (enum log_format)c->log_format, (enum log_level)c->log_level) < 0) {
        char why[512];
        (void)snprintf(why, sizeof why, "log: cannot open %.400s: %s", c->log, strerror(errno));
        (void)fprintf(stderr, "tls13d: %s\n", why);
        handover_note(why);
        bad = true;
    }
    if (bad) {
        config_free(c);
        return EXIT_REFUSED;
    }
    tell(p, true);
    return master_run(c, inv);
}

/* What is for a running daemon waits until there is one. */
static void hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGXFSZ, SIG_IGN); /* a log as long as a file may be loses lines, and nobody dies of it */
}

/*
 * Whoever starts a program with one of descriptors 0 to 2 closed has a socket take its number, and log lines go to a client.
 * => false when nothing can be put there.
 */
static bool hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number is fd.  Without a /dev the root directory does as well: it cannot be written to. */
        if (open("/dev/null", O_RDWR | O_NOCTTY) < 0 && open("/", O_RDONLY | O_DIRECTORY) < 0)
            return false;
    }
    return true;
}

static int start(const struct invocation *inv)
{
    char why[512];
    struct problems p = { 0 };
    if (!hold_standard_descriptors())
        return EXIT_INTERNAL;
    hold_signals();
    if (handover_open(why, sizeof why) != 0) {
        (void)fprintf(stderr, "tls13d: %s\n", why);
        return EXIT_INTERNAL;
    }
    struct config *c = config_load(inv, &p);
    int code = run(c, inv, &p);
    problems_free(&p);
    if (code != EXIT_FINE)
        handover_refuse(code);
    return code;
}

static int load_and(const struct invocation *inv)
{
    struct problems p = { 0 };
    struct config *c = config_load(inv, &p);
    int code = inv->command == CMD_TEST ? test(c, &p) : print_config(c, &p);
    problems_free(&p);
    return code;
}

int main(int argc, char **argv)
{
    struct invocation inv;
    int code = options_args(&inv, argc, argv);
    if (code != EXIT_FINE)
        return code;
    switch (inv.command) {
    case CMD_HELP:
        options_help();
        break;
    case CMD_VERSION:
        printf("tls13d %s\n", TLS13_VERSION);
        break;
    case CMD_STATUS:
        code = status_run(&inv);
        break;
    case CMD_RUN:
        code = start(&inv);
        break;
    case CMD_TEST:
    case CMD_PRINT_CONFIG:
        code = load_and(&inv);
        break;
    }
    /* What was asked for has not been told when it could not be written. */
    return (fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_FINE ? EXIT_INTERNAL : code;
}
