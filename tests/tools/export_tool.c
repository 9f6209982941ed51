/*
 * export_tool PEM LABEL LENGTH: one TLS 1.3 connection on a free port of 127.0.0.1, which it prints; once the handshake is done it prints
 * the exporter's LENGTH bytes for LABEL in hex (RFC 8446 7.5), and keeps the connection until the client ends it.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls13.h"

enum { MOST = 1024, ROOM = 65536 };

static void quit(const char *what)
{
    fprintf(stderr, "export_tool: %s\n", what);
    exit(1);
}

static int accept_one(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, 1) != 0 || getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        quit("cannot listen");
    printf("listening on 127.0.0.1:%d\n", ntohs(sa.sin_port));
    int client = accept(fd, NULL, NULL);
    close(fd);
    if (client < 0)
        quit("nobody came");
    return client;
}

static void print_exporter(const struct tls13_conn *conn, const char *label, size_t n)
{
    uint8_t out[MOST];
    int err = tls13_export(conn, label, NULL, 0, out, n);
    if (err < 0)
        quit(tls13_err_text(err));
    printf("exporter ");
    for (size_t i = 0; i < n; i++)
        printf("%02X", out[i]);
    printf("\n");
}

/* Runs the connection to its end. */
static void serve(int fd, struct tls13_conn *conn, const char *label, size_t length)
{
    static uint8_t in[TLS13_MAX_HOLD], out[ROOM];
    struct tls13_io io = { .in = in, .out = out, .out_cap = sizeof out };
    for (;;) {
        int event = tls13_recv(conn, &io);
        if (io.out_len != 0 && send(fd, out, io.out_len, MSG_NOSIGNAL) != (ssize_t)io.out_len)
            quit("cannot send");
        io.out_len = 0;
        if (event < 0)
            quit(tls13_err_text(event));
        if (event == TLS13_COMPUTE)
            tls13_compute(&conn, 1);
        if (event == TLS13_CONNECTED)
            print_exporter(conn, label, length);
        if (event == TLS13_EOF)
            return;
        if (event != TLS13_MORE)
            continue;
        memmove(in, io.in, io.in_len);
        io.in = in;
        ssize_t n = read(fd, in + io.in_len, sizeof in - io.in_len);
        if (n <= 0)
            return;
        io.in_len += (size_t)n;
    }
}

int main(int argc, char **argv)
{
    static char pem[1 << 16];
    size_t length = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (argc != 4 || length == 0 || length > MOST) {
        fprintf(stderr, "usage: export_tool PEM LABEL LENGTH\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    FILE *f = fopen(argv[1], "rb");
    size_t n = f != NULL ? fread(pem, 1, sizeof pem, f) : 0;
    struct tls13_ctx *ctx = tls13_ctx_new();
    struct tls13_conn *conn = calloc(1, tls13_conn_size());
    void *hs = calloc(1, tls13_hs_size());
    if (ctx == NULL || conn == NULL || hs == NULL || tls13_ctx_add_pem(ctx, pem, n, NULL, 0) < 0)
        quit("cannot take the certificate");
    explicit_bzero(pem, sizeof pem);
    int fd = accept_one();
    tls13_conn_init(conn, ctx, hs);
    serve(fd, conn, argv[2], length);
    close(fd);
    tls13_conn_wipe(conn);
    free(conn);
    free(hs);
    tls13_ctx_unref(ctx);
    if (f != NULL)
        fclose(f);
    return 0;
}
