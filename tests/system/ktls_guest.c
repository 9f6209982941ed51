/*
 * Inside a kernel that has TLS: for each suite, libtls13 makes the handshake on a socket, hands its keys to the kernel (tls13_ktls_info),
 * and from then on the server only reads and writes plain bytes; OpenSSL at the other end sees a TLS connection.  Prints TAP.
 *
 *   ktls_guest CHAIN-AND-KEY.pem
 *
 * As process 1 of a virtual machine it first loads the modules /modules/NN-NAME.ko and brings up the loopback device, takes /site.pem, and
 * powers off in the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/tls.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tls13.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

enum { ECHO = 300000 };
static const char greeting[] = "from the kernel\n";

static void die(const char *what)
{
    fprintf(stderr, "# %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- the client: OpenSSL ------------------------------------------------------------------------------------------ */

/* Does not speak before it was greeted, so that nothing of it is read together with its Finished. */
static void client(int fd, const char *suite)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx == NULL || SSL_CTX_set_ciphersuites(ctx, suite) != 1 ? NULL : SSL_new(ctx);
    char got[sizeof greeting] = "";
    static unsigned char out[ECHO], in[ECHO];
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
        die("the client's handshake");
    if (SSL_read(ssl, got, sizeof greeting - 1) != sizeof greeting - 1 || strcmp(got, greeting) != 0)
        die("the greeting");
    for (size_t i = 0; i < ECHO; i++)
        out[i] = (unsigned char)(i * 131 + (i >> 8));
    for (size_t at = 0; at < ECHO; at += 20000) {
        if (SSL_write(ssl, out + at, 20000) != 20000)
            die("SSL_write");
        for (size_t have = 0; have < 20000;) {
            int n = SSL_read(ssl, in + at + have, (int)(20000 - have));
            if (n <= 0)
                die("SSL_read");
            have += (size_t)n;
        }
    }
    if (memcmp(in, out, ECHO) != 0)
        die("other bytes came back");
    /* close_notify from the kernel's side, then ours. */
    if (SSL_read(ssl, got, 1) != 0 || (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) == 0)
        die("no close_notify");
    SSL_shutdown(ssl);
    exit(0);
}

/* --- the server: libtls13, then the kernel ------------------------------------------------------------------------- */

static void send_all(int fd, const void *data, size_t n)
{
    for (const char *p = data; n != 0;) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            die("send");
        p += k;
        n -= (size_t)k;
    }
}

static struct tls13_conn *handshake(int fd, struct tls13_ctx *ctx)
{
    static uint8_t in[TLS13_MAX_HOLD];
    size_t cap = tls13_ctx_max_flight(ctx) + 256;
    uint8_t *out = malloc(cap);
    struct tls13_conn *conn = malloc(tls13_conn_size());
    struct tls13_io io = { .in = in };
    tls13_conn_init(conn, ctx, malloc(tls13_hs_size()));
    for (;;) {
        io.out = out;
        io.out_cap = cap;
        io.out_len = 0;
        int event = tls13_recv(conn, &io);
        if (event == TLS13_COMPUTE)
            tls13_compute(&conn, 1);
        send_all(fd, out, io.out_len);
        if (event < 0) {
            fprintf(stderr, "# %s\n", tls13_err_text(-event));
            exit(1);
        }
        if (event == TLS13_CONNECTED) {
            if (io.in_len != 0)
                die("bytes behind the handshake");
            return conn;
        }
        if (event != TLS13_MORE)
            continue;
        memmove(in, io.in, io.in_len);
        io.in = in;
        ssize_t k = recv(fd, in + io.in_len, sizeof in - io.in_len, 0);
        if (k <= 0)
            die("recv");
        io.in_len += (size_t)k;
    }
}

/* linux/tls.h's struct for a cipher, all of it filled from k. */
#define HAND_OVER(type, number)                                                               \
    do {                                                                                      \
        struct type info = { .info = { .version = TLS_1_3_VERSION, .cipher_type = number } }; \
        memcpy(info.key, k->key, sizeof info.key);                                            \
        memcpy(info.salt, k->iv, sizeof info.salt);                                           \
        memcpy(info.iv, k->iv + sizeof info.salt, sizeof info.iv);                            \
        memcpy(info.rec_seq, k->seq, sizeof info.rec_seq);                                    \
        if (setsockopt(fd, SOL_TLS, way, &info, sizeof info) != 0)                            \
            die("setsockopt SOL_TLS");                                                        \
    } while (0)

static void hand_over(int fd, int way, const struct tls13_ktls *k)
{
    if (k->suite == 0x1301)
        HAND_OVER(tls12_crypto_info_aes_gcm_128, TLS_CIPHER_AES_GCM_128);
    else if (k->suite == 0x1302)
        HAND_OVER(tls12_crypto_info_aes_gcm_256, TLS_CIPHER_AES_GCM_256);
    else
        HAND_OVER(tls12_crypto_info_chacha20_poly1305, TLS_CIPHER_CHACHA20_POLY1305);
}

/* One call with the type of the record beside it: sends, or receives into data; => the record's type, or -1. */
static int with_type(int fd, int send_type, unsigned char *data, size_t n)
{
    char control[CMSG_SPACE(1)] = { 0 };
    struct iovec iov = { data, n };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    if (send_type >= 0) {
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_TLS;
        c->cmsg_type = TLS_SET_RECORD_TYPE;
        c->cmsg_len = CMSG_LEN(1);
        *CMSG_DATA(c) = (unsigned char)send_type;
        return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)n ? send_type : -1;
    }
    if (recvmsg(fd, &m, 0) < 0)
        return -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    return c != NULL && c->cmsg_type == TLS_GET_RECORD_TYPE ? *CMSG_DATA(c) : -1;
}

static void server(int fd, struct tls13_ctx *ctx)
{
    struct tls13_conn *conn = handshake(fd, ctx);
    struct tls13_ktls in, out;
    if (tls13_ktls_info(conn, &in, &out) != 0 || setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") != 0)
        die("TCP_ULP");
    hand_over(fd, TLS_TX, &out);
    hand_over(fd, TLS_RX, &in);
    send_all(fd, greeting, sizeof greeting - 1);
    static char data[16384];
    for (size_t left = ECHO; left != 0;) {
        ssize_t k = recv(fd, data, sizeof data, 0);
        if (k <= 0)
            die("recv of plain bytes");
        send_all(fd, data, (size_t)k);
        left -= (size_t)k;
    }
    unsigned char alert[2] = { 1, 0 };
    if (with_type(fd, 21, alert, sizeof alert) != 21)
        die("close_notify by the kernel");
    memset(alert, 0xff, sizeof alert);
    if (with_type(fd, -1, alert, sizeof alert) != 21 || alert[1] != 0)
        die("the client's close_notify");
    exit(0);
}

/* --- both ends ----------------------------------------------------------------------------------------------------- */

static bool ended_well(pid_t pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool both(struct tls13_ctx *ctx, const char *suite)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s;
    if (bind(l, (struct sockaddr *)&at, len) != 0 || listen(l, 1) != 0 || getsockname(l, (struct sockaddr *)&at, &len) != 0 ||
        connect(c, (struct sockaddr *)&at, len) != 0 || (s = accept(l, NULL, NULL)) < 0)
        die("a connection");
    close(l);
    pid_t ends[2];
    if ((ends[0] = fork()) == 0) {
        close(c);
        server(s, ctx);
    }
    if ((ends[1] = fork()) == 0) {
        close(s);
        client(c, suite);
    }
    close(c);
    close(s);
    bool served = ended_well(ends[0]);
    return ended_well(ends[1]) && served;
}

static int suites_all(const char *file)
{
    static char pem[20000];
    FILE *f = fopen(file, "r");
    size_t pem_len = f != NULL ? fread(pem, 1, sizeof pem, f) : 0;
    struct tls13_ctx *ctx = tls13_ctx_new();
    if (pem_len == 0 || ctx == NULL || tls13_ctx_add_pem(ctx, pem, pem_len, NULL, 0) < 0)
        die("the certificate");
    static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" };
    int failed = 0;
    printf("1..3\n");
    for (int i = 0; i < 3; i++) {
        bool good = both(ctx, suites[i]);
        failed += !good;
        printf("%sok %d - %s in the kernel\n", good ? "" : "not ", i + 1, suites[i]);
        fflush(stdout);
    }
    return failed != 0;
}

/* --- process 1 ----------------------------------------------------------------------------------------------------- */

static void machine_begin(void)
{
    glob_t modules;
    if (mkdir("/proc", 0755) != 0 || mount("proc", "/proc", "proc", 0, NULL) != 0)
        die("/proc");
    if (glob("/modules/*.ko", 0, NULL, &modules) != 0)
        die("/modules");
    for (size_t i = 0; i < modules.gl_pathc; i++) {
        int fd = open(modules.gl_pathv[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
            die(modules.gl_pathv[i]);
        close(fd);
    }
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s < 0 || ioctl(s, SIOCSIFFLAGS, &lo) != 0)
        die("lo");
    close(s);
}

/* The kernel's own count of TLS sockets, as TAP's comments. */
static void kernel_counts(void)
{
    char line[128];
    FILE *f = fopen("/proc/net/tls_stat", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        printf("# %s", line);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (getpid() != 1)
        return argc == 2 ? suites_all(argv[1]) : 2;
    pid_t pid = fork();
    if (pid == 0) {
        machine_begin();
        int status = suites_all("/site.pem");
        kernel_counts();
        exit(status);
    }
    printf("# %s\n", ended_well(pid) ? "all well" : "it failed");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    return 1;
}
