#include "clock.h"
#include "json.h"
#include "status.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SECONDS 5
#define ANSWER_MAX     (16u << 20)

enum { REACHED, UNREACHED };

/* --- where the daemon is ------------------------------------------------------------------------------------------ */

/* The endpoint that the configuration names, malloc'ed; NULL after having said why there is none. */
static char *configured(const struct invocation *inv)
{
    struct problems p = { 0 };
    struct invocation file = { .command = CMD_PRINT_CONFIG, .config_file = inv->config_file, .cwd = inv->cwd };
    struct config *c = config_load(&file, &p);
    char *admin = c != NULL && c->admin != NULL ? strdup(c->admin) : NULL;
    for (size_t i = 0; c == NULL && i < p.n; i++)
        (void)fprintf(stderr, "%s\n", p.text[i]);
    if (c == NULL)
        (void)fprintf(stderr, "tls13d: status: give the endpoint with --admin ADDR\n");
    else if (admin == NULL)
        (void)fprintf(stderr, "tls13d: status: %s sets no admin endpoint; add admin = unix:/run/tls13d/admin.sock to its [daemon]\n",
                      c->file);
    problems_free(&p);
    config_free(c);
    return admin;
}

/* => the address, resolved when it is a name; false after having said why not. */
static bool find(const char *admin, struct addr *a)
{
    char why[256], port[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *res = NULL;
    if (!addr_parse(a, admin, true, why, sizeof why)) {
        (void)fprintf(stderr, "tls13d: status: --admin %s: %s\n", admin, why);
        return false;
    }
    if (a->kind == ADDR_SYSTEMD) {
        (void)fprintf(stderr, "tls13d: status: --admin %s: is neither unix:PATH nor HOST:PORT\n", admin);
        return false;
    }
    if (a->kind != ADDR_NAME)
        return true;
    (void)snprintf(port, sizeof port, "%u", a->port);
    int err = getaddrinfo(a->host, port, &hints, &res);
    if (err != 0) {
        (void)fprintf(stderr, "tls13d: status: %s cannot be resolved: %s\n", a->host, gai_strerror(err));
        return false;
    }
    a->len = res->ai_addrlen;
    memcpy(&a->u, res->ai_addr, res->ai_addrlen);
    freeaddrinfo(res);
    return true;
}

/* --- the request -------------------------------------------------------------------------------------------------- */

static int dial(const struct addr *a)
{
    struct timeval limit = { .tv_sec = ANSWER_SECONDS };
    int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* holds for connect too */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, &a->u.sa, a->len) == 0)
        return fd;
    int err = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
    close(fd);
    errno = err;
    return -1;
}

/* Reads to the end, within the time for all of it.  => false with errno set. */
static bool read_all(int fd, struct text *out)
{
    char buf[16384];
    double until = clock_now() + ANSWER_SECONDS;
    for (;;) {
        ssize_t k = recv(fd, buf, sizeof buf, 0);
        if (k == 0)
            return true;
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            errno = errno == EAGAIN ? ETIMEDOUT : errno;
            return false;
        }
        text_put(out, buf, (size_t)k);
        if (out->len > ANSWER_MAX || out->failed || clock_now() > until) {
            errno = clock_now() > until ? ETIMEDOUT : EMSGSIZE;
            return false;
        }
    }
}

/* => the body of a good answer inside the text, NULL when it is none. */
static const char *body_of(const struct text *t, size_t *len)
{
    const char *end = t->len != 0 ? memmem(t->at, t->len, "\r\n\r\n", 4) : NULL;
    const char *length = end != NULL ? memmem(t->at, (size_t)(end - t->at), "\r\nContent-Length: ", 18) : NULL;
    if (length == NULL || t->len < 13 || memcmp(t->at, "HTTP/1.1 200 ", 13) != 0)
        return NULL;
    *len = t->len - (size_t)(end + 4 - t->at);
    return strtoull(length + 18, NULL, 10) == *len ? end + 4 : NULL;
}

/* Asks for /status.  => the body in *answer, NULL after having said why there is none. */
static const char *ask(const char *admin, const struct addr *a, struct text *answer, size_t *len)
{
    static const char request[] = "GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    int fd = dial(a);
    answer->len = 0;
    if (fd < 0) {
        (void)fprintf(stderr, "tls13d: status: %s cannot be reached: %s; is the daemon running?\n", admin, strerror(errno));
        return NULL;
    }
    bool ok = send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1 && read_all(fd, answer);
    int err = errno;
    close(fd);
    const char *body = ok ? body_of(answer, len) : NULL;
    if (!ok)
        (void)fprintf(stderr, "tls13d: status: no answer from %s: %s\n", admin, strerror(err));
    else if (body == NULL)
        (void)fprintf(stderr, "tls13d: status: what answers at %s is no tls13d\n", admin);
    return body;
}

/* --- the output --------------------------------------------------------------------------------------------------- */

static bool wants_colours(void)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

/* Over what was there: each line is cleared behind its end, and so is what is below the last. */
static void redraw(const struct text *t)
{
    const char *at = t->at, *end = t->at + t->len;
    (void)fputs("\033[H", stdout);
    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at)), *stop = lf != NULL ? lf : end;
        (void)fwrite(at, 1, (size_t)(stop - at), stdout);
        (void)fputs("\033[K\n", stdout);
        at = stop + 1;
    }
    (void)fputs("\033[J", stdout);
}

/* => the exit code of this answer. */
static int show(const struct invocation *inv, const struct status_text *now, const struct status_text *previous, const char *admin)
{
    struct text table = { 0 };
    struct json j;
    bool again = inv->watch && !inv->json && isatty(STDOUT_FILENO);
    if (!json_parse(&j, now->at, now->len) || !status_table(&table, now, previous, wants_colours())) {
        (void)fprintf(stderr, "tls13d: status: what answers at %s is no tls13d\n", admin);
        return UNREACHED;
    }
    int code = json_true(&j, json_member(&j, 0, "ready")) ? REACHED : UNREACHED;
    json_free(&j);
    if (inv->json)
        (void)fwrite(now->at, 1, now->len, stdout);
    else if (again)
        redraw(&table);
    else
        (void)fwrite(table.at, 1, table.len, stdout);
    if (inv->watch && !inv->json && !again)
        (void)fputs("\n", stdout);
    text_free(&table);
    (void)fflush(stdout);
    return code;
}

/* Two answers take turns, so that rates can be told. */
static int ask_and_show(const struct invocation *inv, const char *admin, const struct addr *a)
{
    struct text answer[2] = { { 0 }, { 0 } };
    struct status_text now = { 0 }, previous = { 0 };
    int code;
    for (unsigned turn = 0;; turn ^= 1) {
        size_t len = 0;
        now.at = ask(admin, a, &answer[turn], &len);
        now.len = len;
        now.when = clock_now();
        code = now.at != NULL ? show(inv, &now, &previous, admin) : UNREACHED;
        previous = now;
        if (!inv->watch || ferror(stdout))
            break;
        (void)sleep(1);
    }
    text_free(&answer[0]);
    text_free(&answer[1]);
    return code;
}

int status_run(const struct invocation *inv)
{
    struct addr a;
    char *admin = inv->admin != NULL ? strdup(inv->admin) : configured(inv);
    int code = admin != NULL && find(admin, &a) ? ask_and_show(inv, admin, &a) : UNREACHED;
    free(admin);
    return code;
}
