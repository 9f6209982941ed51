/*
 * The benchmark's client: TLS 1.3 through OpenSSL (or plain TCP), non-blocking, many connections at once, everything checked: version,
 * suite, group, resumption, every byte.
 *
 *     load PORT METRIC COUNT CONCURRENT [key=value...]
 *
 * METRIC: full (handshake, one request, close), resumed (the same with the last ticket), request (COUNT requests over CONCURRENT kept
 * connections), down and up (COUNT bytes over each of CONCURRENT connections), idle (COUNT connections held).
 * Keys: ca=FILE, suite=NAME, group=NAME, name=SNI, plain=1, reply=BYTES.
 *
 * Prints "ready" when its connections stand (request, down, up, idle) and waits for a line on standard input; then "done UNITS", and waits
 * for the next line before it closes what it held.  So whoever measures takes the time between two lines.  Exit status 0: all was right.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

static struct {
    uint16_t port;
    const char *metric, *ca, *suite, *group, *name;
    uint64_t count, reply;
    int concurrent;
    bool plain;
} opt = { .suite = "TLS_AES_128_GCM_SHA256", .group = "X25519", .name = "localhost", .reply = 1 };

enum phase { CONNECT, HANDSHAKE, IDLE, SEND, RECEIVE, CLOSING };

struct conn {
    int fd;
    SSL *ssl;
    enum phase phase;
    char request[REQUEST];
    size_t sent;       /* of the request */
    uint64_t up, down; /* bytes left in each direction */
    uint64_t at_up, at_down;
    uint32_t watched;
    bool resume; /* it offered a ticket */
};

static SSL_CTX *ctx;
static SSL_SESSION *session; /* the last ticket */
static int ep;
static uint64_t finished, started;
static bool measuring; /* a connection that ends is followed by the next */
static uint8_t in[CHUNK];

static void die(const char *what)
{
    fprintf(stderr, "load %s: %s\n", opt.metric, what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = s;
    return 1;
}

static void make_ctx(void)
{
    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 || SSL_CTX_set_ciphersuites(ctx, opt.suite) != 1 ||
        SSL_CTX_set1_groups_list(ctx, opt.group) != 1 || SSL_CTX_load_verify_locations(ctx, opt.ca, NULL) != 1)
        die("set-up");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static bool resuming(void)
{
    return strcmp(opt.metric, "resumed") == 0 && session != NULL;
}

static void check(struct conn *c)
{
    if (opt.plain)
        return;
    if (SSL_version(c->ssl) != TLS1_3_VERSION || strcmp(SSL_CIPHER_standard_name(SSL_get_current_cipher(c->ssl)), opt.suite) != 0)
        die("another version or suite was agreed");
    if (SSL_get_verify_result(c->ssl) != X509_V_OK)
        die("the certificate does not verify");
    if (SSL_session_reused(c->ssl) != (c->resume ? 1 : 0))
        die(c->resume ? "not resumed" : "resumed");
    EVP_PKEY *key = NULL;
    if (SSL_get_peer_tmp_key(c->ssl, &key) != 1)
        die("no key exchange");
    int want = strcmp(opt.group, "X25519") == 0 ? EVP_PKEY_X25519 : EVP_PKEY_EC;
    if (EVP_PKEY_get_base_id(key) != want)
        die("another group was agreed");
    EVP_PKEY_free(key);
}

static void watch(struct conn *c, uint32_t events)
{
    if (c->watched == events)
        return;
    struct epoll_event ev = { .events = events, .data.ptr = c };
    epoll_ctl(ep, c->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->fd, &ev);
    c->watched = events;
}

static void begin(struct conn *c)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(opt.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int on = 1;
    memset(c, 0, sizeof *c);
    started++;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die(strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&sa, sizeof sa) < 0 && errno != EINPROGRESS)
        die(strerror(errno));
    if (!opt.plain) {
        c->ssl = SSL_new(ctx);
        if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set_tlsext_host_name(c->ssl, opt.name) != 1 ||
            SSL_set1_host(c->ssl, opt.name) != 1)
            die("SSL");
        if (resuming()) { /* a copy: connections at the same time would share what they change */
            SSL_SESSION *copy = SSL_SESSION_dup(session);
            if (copy == NULL || SSL_set_session(c->ssl, copy) != 1)
                die("session");
            SSL_SESSION_free(copy);
            c->resume = true;
        }
        SSL_set_connect_state(c->ssl);
    }
    c->phase = CONNECT;
    watch(c, EPOLLOUT);
}

/* => bytes, 0: not now, with the socket watched for what is missing; an error or an end ends the program. */
static size_t io_result(struct conn *c, long k, uint32_t plain_wants)
{
    if (k > 0)
        return (size_t)k;
    if (opt.plain) {
        if (k < 0 && errno == EAGAIN) {
            watch(c, plain_wants);
            return 0;
        }
        die(k == 0 ? "the connection ended early" : strerror(errno));
    }
    int err = SSL_get_error(c->ssl, (int)k);
    if (err == SSL_ERROR_WANT_READ)
        watch(c, EPOLLIN);
    else if (err == SSL_ERROR_WANT_WRITE)
        watch(c, EPOLLOUT);
    else
        die("the connection ended early");
    return 0;
}

static size_t put(struct conn *c, const void *p, size_t n)
{
    return io_result(c, opt.plain ? send(c->fd, p, n, MSG_NOSIGNAL) : SSL_write(c->ssl, p, (int)n), EPOLLOUT);
}

static size_t get(struct conn *c, void *p, size_t n)
{
    return io_result(c, opt.plain ? recv(c->fd, p, n, 0) : SSL_read(c->ssl, p, (int)n), EPOLLIN);
}

static void ask(struct conn *c, char what, uint64_t n)
{
    request_make(c->request, what, n);
    c->sent = 0;
    c->up = what == 'U' ? n : 0;
    c->down = what == 'U' ? 1 : n;
    c->at_up = c->at_down = 0;
    c->phase = SEND;
}

static bool send_all(struct conn *c)
{
    size_t k;
    while (c->sent < REQUEST) {
        if ((k = put(c, c->request + c->sent, REQUEST - c->sent)) == 0)
            return false;
        c->sent += k;
    }
    while (c->up != 0) {
        if ((k = put(c, pattern_at(c->at_up), c->up < 65536 ? (size_t)c->up : 65536)) == 0)
            return false;
        c->up -= k;
        c->at_up += k;
    }
    c->phase = RECEIVE;
    return true;
}

static bool receive_all(struct conn *c)
{
    while (c->down != 0) {
        size_t k = get(c, in, c->down < CHUNK ? (size_t)c->down : CHUNK);
        if (k == 0)
            return false;
        if (c->request[0] == 'U' ? in[0] != 'k' : memcmp(in, pattern_at(c->at_down), k) != 0)
            die("wrong bytes");
        c->down -= k;
        c->at_down += k;
    }
    return true;
}

static void end(struct conn *c)
{
    if (c->ssl != NULL) {
        SSL_shutdown(c->ssl); /* close_notify */
        SSL_free(c->ssl);
    } else {
        shutdown(c->fd, SHUT_WR);
    }
    close(c->fd);
    c->fd = -1;
    c->watched = 0;
}

static bool is(const char *metric)
{
    return strcmp(opt.metric, metric) == 0;
}

/* Goes on with a connection until it waits. */
static void drive(struct conn *c, uint64_t standing_goal, uint64_t *standing)
{
    for (;;) {
        switch (c->phase) {
        case CONNECT:
            c->phase = HANDSHAKE;
            break;
        case HANDSHAKE:
            if (!opt.plain && io_result(c, SSL_do_handshake(c->ssl), EPOLLOUT) == 0)
                return;
            check(c);
            ask(c, 'R', is("request") || is("down") || is("up") || is("idle") ? 1 : opt.reply);
            break;
        case SEND:
            if (!send_all(c))
                return;
            break;
        case RECEIVE:
            if (!receive_all(c))
                return;
            if (is("full") || is("resumed")) {
                finished++;
                end(c);
                if (measuring && started < opt.count)
                    begin(c);
                return;
            }
            if (*standing < standing_goal) {
                ++*standing;
                c->phase = IDLE;
                watch(c, EPOLLIN);
                return;
            }
            finished++;
            if (is("request") && started < opt.count) {
                started++;
                ask(c, 'R', opt.reply);
                break;
            }
            c->phase = IDLE;
            watch(c, EPOLLIN);
            return;
        default:
            return;
        }
    }
}

static void wait_line(void)
{
    char c;
    while (read(0, &c, 1) == 1 && c != '\n')
        ;
}

/*
 * Runs until `finish` units are done or, when that is 0, until `until` connections stand; `goal` of them are to stand in all before
 * anything counts as a unit.
 */
static void loop(uint64_t *standing, uint64_t goal, uint64_t until, uint64_t finish)
{
    struct epoll_event got[256];
    while (finish != 0 ? finished < finish : *standing < until) {
        int n = epoll_wait(ep, got, 256, 30000);
        if (n <= 0)
            die("nothing happened for 30 s");
        for (int i = 0; i < n; i++) {
            struct conn *c = got[i].data.ptr;
            if (c->phase != IDLE)
                drive(c, goal, standing);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: load PORT METRIC COUNT CONCURRENT [key=value...]\n");
        return 2;
    }
    opt.port = (uint16_t)atoi(argv[1]);
    opt.metric = argv[2];
    opt.count = strtoull(argv[3], NULL, 10);
    opt.concurrent = atoi(argv[4]);
    for (int i = 5; i < argc; i++) {
        const char *v = strchr(argv[i], '=');
        v = v != NULL ? v + 1 : "";
        if (strncmp(argv[i], "ca=", 3) == 0)
            opt.ca = v;
        if (strncmp(argv[i], "suite=", 6) == 0)
            opt.suite = v;
        if (strncmp(argv[i], "group=", 6) == 0)
            opt.group = v;
        if (strncmp(argv[i], "name=", 5) == 0)
            opt.name = v;
        if (strncmp(argv[i], "plain=", 6) == 0)
            opt.plain = v[0] == '1';
        if (strncmp(argv[i], "reply=", 6) == 0)
            opt.reply = strtoull(v, NULL, 10);
    }
    pattern_make();
    if (!opt.plain)
        make_ctx();
    ep = epoll_create1(EPOLL_CLOEXEC);
    bool held = is("request") || is("down") || is("up") || is("idle");
    uint64_t n = is("idle") ? opt.count : (uint64_t)opt.concurrent, standing = 0;
    struct conn *all = calloc(n, sizeof *all);
    if (all == NULL)
        die("no memory");
    if (is("resumed") && !opt.plain) { /* the first ticket, before anybody measures */
        begin(&all[0]);
        loop(&standing, 0, 0, 1);
        finished = 0;
        if (session == NULL)
            die("no ticket came");
    }
    if (held) {
        for (uint64_t i = 0; i < n; i++) {
            begin(&all[i]);
            if (i % 32 == 31) /* no more than the backlog takes at once */
                loop(&standing, n, i - 15, 0);
        }
        loop(&standing, n, n, 0);
    }
    puts("ready");
    fflush(stdout);
    wait_line();
    started = finished = 0;
    measuring = true;
    if (!held)
        for (uint64_t i = 0; i < n && started < opt.count; i++)
            begin(&all[i]);
    if (held && !is("idle"))
        for (uint64_t i = 0; i < n; i++) {
            if (is("request"))
                started++;
            ask(&all[i], is("up") ? 'U' : 'R', is("request") ? opt.reply : opt.count);
            drive(&all[i], n, &standing);
        }
    uint64_t finish = is("idle") ? 0 : held && !is("request") ? n : opt.count;
    if (finish != 0)
        loop(&standing, held ? n : 0, 0, finish);
    printf("done %llu\n", (unsigned long long)(is("down") || is("up") ? opt.count * n : is("idle") ? n : finished));
    fflush(stdout);
    wait_line();
    for (uint64_t i = 0; held && i < n; i++)
        end(&all[i]);
    return 0;
}
