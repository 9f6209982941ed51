/*
 * TLS 1.3 in three calls: a server that gives back, in capitals, what it is sent, to one client after the other.
 *
 *     echo_server PEM PORT        PEM: certificate chain and private key; PORT on 127.0.0.1, 0 for any free one
 *
 * The socket is the program's own: it accepts, reads and sends; libtls13 sees bytes only, the handshake aside.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls13.h"

/* SIGINT and SIGTERM end the wait for the next client. */
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
    (void)sig;
    stop = 1;
}

/* => the file's bytes, malloc'ed, *len of them; NULL with errno set. */
static char *read_file(const char *path, size_t *len)
{
    enum { MOST = 1 << 20 };
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    char *data = malloc(MOST);
    *len = data != NULL ? fread(data, 1, MOST, f) : 0;
    if (data != NULL && ferror(f)) {
        free(data);
        data = NULL;
    }
    fclose(f);
    return data;
}

/* => a listening socket on 127.0.0.1; -1 with errno set. */
static int listen_on(uint16_t port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    socklen_t len = sizeof(sa);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
        listen(fd, 16) != 0 || getsockname(fd, (struct sockaddr *)&sa, &len) != 0) {
        close(fd);
        return -1;
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(sa.sin_port));
    return fd;
}

/* Encrypts and sends; plain NULL says close_notify.  => 0, -1 when the client is gone. */
static int reply(int fd, struct tls13_agreement *a, const void *plain, size_t len)
{
    size_t n;
    char *records = tls13_encrypt(plain, len, &n, a);
    if (records == NULL)
        return -1;
    size_t sent = 0;
    while (sent < n) {
        ssize_t some = send(fd, records + sent, n - sent, MSG_NOSIGNAL);
        if (some < 0 && errno == EINTR)
            continue;
        if (some <= 0)
            break;
        sent += (size_t)some;
    }
    free(records);
    return sent == n ? 0 : -1;
}

/* One client, until it says close_notify or something is wrong.  => 0 for the clean end. */
static int serve(int fd, struct tls13_agreement *a)
{
    char in[16384];
    size_t have = 0; /* the first round gives nothing in: bytes may have come behind the handshake */
    for (;;) {
        size_t len;
        char *plain = tls13_decrypt(in, have, &len, a);
        have = 0;
        if (plain == NULL)
            return a->err == TLS13_E_CLOSED ? 0 : -1;
        for (size_t i = 0; i < len; i++)
            plain[i] = (char)toupper((unsigned char)plain[i]);
        int err = len != 0 ? reply(fd, a, plain, len) : 0;
        free(plain);
        if (err != 0) {
            a->err = a->err != 0 ? a->err : TLS13_E_IO;
            return -1;
        }
        if (len != 0)
            continue; /* there may be more, or the end, behind it */
        ssize_t n = read(fd, in, sizeof(in));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { /* the end without close_notify: somebody may have cut the line */
            a->err = TLS13_E_IO;
            return -1;
        }
        have = (size_t)n;
    }
}

static void client(int fd, const char *pem, size_t pem_len)
{
    struct tls13_agreement a = { 0 };
    if (tls13_handshake(fd, &a, pem, pem_len) != 0) {
        fprintf(stderr, "handshake: %s (alert %s)\n", tls13_err_text(a.err), a.alert >= 0 ? tls13_alert_name(a.alert) : "none");
        tls13_forget(&a);
        return;
    }
    printf("TLSv1.3 suite=%s group=%s scheme=%s sni=%s\n", tls13_suite_name(a.suite), tls13_group_name(a.group),
           tls13_scheme_name(a.scheme), a.sni);
    if (serve(fd, &a) == 0)
        printf("closed\n");
    else
        fprintf(stderr, "connection: %s\n", tls13_err_text(a.err));
    /* Our own close_notify, or the alert that tells the client what was wrong; it may be gone by now. */
    if (reply(fd, &a, NULL, 0) == 0)
        shutdown(fd, SHUT_WR);
    tls13_forget(&a);
}

int main(int argc, char **argv)
{
    char *end = NULL;
    unsigned long port = argc == 3 ? strtoul(argv[2], &end, 10) : 0;
    if (argc != 3 || *argv[2] == '\0' || *end != '\0' || port > 65535) {
        fprintf(stderr, "usage: echo_server PEM PORT\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    size_t pem_len;
    char *pem = read_file(argv[1], &pem_len);
    if (pem == NULL) {
        fprintf(stderr, "echo_server: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    int listener = listen_on((uint16_t)port);
    if (listener < 0) {
        fprintf(stderr, "echo_server: port %lu: %s\n", port, strerror(errno));
        free(pem);
        return 1;
    }
    struct sigaction sa = { .sa_handler = on_signal }; /* no SA_RESTART: accept() returns */
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    int status = 0;
    while (!stop) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            client(fd, pem, pem_len);
            close(fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            fprintf(stderr, "echo_server: accept: %s\n", strerror(errno));
            status = 1;
            break;
        }
    }
    close(listener);
    free(pem);
    return status;
}
