#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hybrid.h"

struct options opt = { .suite = "TLS_AES_128_GCM_SHA256", .group = "X25519", .name = "localhost", .reply = 1 };

enum phase { HANDSHAKE, IDLE, SEND, RECEIVE };

struct conn {
    int fd;
    SSL *ssl;
    enum phase phase;
    char request[REQUEST];
    size_t sent;       /* of the request */
    uint64_t up, down; /* bytes left in each direction */
    uint64_t at_up, at_down;
    int64_t began; /* ns */
    uint32_t watched;
    bool resume; /* it offered a ticket */
};

static SSL_CTX *ctx;
static SSL_SESSION *session; /* the last ticket */
static int ep;
static uint8_t in[CHUNK];
static struct conn **standing; /* each of its own, since more may be added while events point at them */
static uint64_t n_standing, cap_standing;
/* The present command. */
static enum mode mode;
static uint64_t first, goal, started, finished, turn; /* units first to goal - 1 */
static uint32_t *took;                                /* us * 10, one a unit */
static uint64_t cap_took;

noreturn void die(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *grown(void *p, size_t bytes)
{
    p = realloc(p, bytes);
    if (p == NULL)
        die("no memory");
    return p;
}

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = s;
    return 1;
}

void client_init(void)
{
    pattern_make();
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (opt.plain)
        return;
    if (strcmp(opt.group, HYBRID_NAME) == 0 && !hybrid_load())
        die("the hybrid group cannot be added to OpenSSL");
    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 || SSL_CTX_set_ciphersuites(ctx, opt.suite) != 1 ||
        SSL_CTX_set1_groups_list(ctx, opt.group) != 1 || SSL_CTX_load_verify_locations(ctx, opt.ca, NULL) != 1)
        die("set-up");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

/* What was agreed is what the figure says it is. */
static void check(const struct conn *c)
{
    if (opt.plain)
        return;
    if (SSL_version(c->ssl) != TLS1_3_VERSION || strcmp(SSL_CIPHER_standard_name(SSL_get_current_cipher(c->ssl)), opt.suite) != 0)
        die("another version or suite was agreed");
    if (SSL_get_verify_result(c->ssl) != X509_V_OK)
        die("the certificate does not verify");
    if (SSL_session_reused(c->ssl) != (c->resume ? 1 : 0))
        die(c->resume ? "not resumed" : "resumed");
    long want = strcmp(opt.group, "X25519") == 0      ? NID_X25519
                : strcmp(opt.group, "P-256") == 0     ? NID_X9_62_prime256v1
                : strcmp(opt.group, HYBRID_NAME) == 0 ? (TLSEXT_nid_unknown | HYBRID_ID)
                                                      : -1;
    if (SSL_get_negotiated_group(c->ssl) != want)
        die("another group was agreed");
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
    c->began = now_ns();
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
        if (mode == RESUMED && session != NULL) { /* a copy: connections at the same time would share what they change */
            SSL_SESSION *copy = SSL_SESSION_dup(session);
            if (copy == NULL || SSL_set_session(c->ssl, copy) != 1)
                die("session");
            SSL_SESSION_free(copy);
            c->resume = true;
        }
        SSL_set_connect_state(c->ssl);
    }
    c->phase = HANDSHAKE;
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
    free(c);
}

static void start_request(struct conn *c)
{
    started++;
    c->began = now_ns();
    ask(c, 'R', opt.reply);
}

static void start_fresh(void)
{
    struct conn *c = grown(NULL, sizeof *c);
    begin(c);
    if (mode == OPEN)
        standing[started - 1] = c;
}

/* The next of all standing connections that is not at work; one always is, since no more are at work than there are. */
static struct conn *next_idle(void)
{
    struct conn *c;
    do
        c = standing[turn++ % n_standing];
    while (c->phase != IDLE);
    return c;
}

/* The connection has what it asked for.  => the connection that has something to send now, or NULL. */
static struct conn *unit_done(struct conn *c)
{
    if (finished < cap_took)
        took[finished] = (uint32_t)((now_ns() - c->began) / 100);
    finished++;
    if (mode == FULL || mode == RESUMED) {
        end(c);
        if (started < goal)
            start_fresh();
        return NULL;
    }
    if (mode == REQUEST_SAME && started < goal) {
        start_request(c);
        return c;
    }
    c->phase = IDLE;
    watch(c, EPOLLIN);
    if (mode == OPEN && started < goal)
        start_fresh();
    if (mode == REQUEST_TURN && started < goal) {
        c = next_idle();
        start_request(c);
        return c;
    }
    return NULL;
}

/* Goes on with a connection until it waits. */
static void drive(struct conn *c)
{
    while (c != NULL) {
        switch (c->phase) {
        case HANDSHAKE:
            if (!opt.plain && io_result(c, SSL_do_handshake(c->ssl), EPOLLOUT) == 0)
                return;
            check(c);
            ask(c, 'R', mode == OPEN ? 1 : opt.reply);
            break;
        case SEND:
            if (!send_all(c))
                return;
            break;
        case RECEIVE:
            if (!receive_all(c))
                return;
            c = unit_done(c);
            break;
        case IDLE: /* tickets may come; bytes may not */
            if (get(c, in, sizeof in) != 0)
                die("bytes that nobody asked for");
            return;
        }
    }
}

static void loop(void)
{
    struct epoll_event got[256];
    while (finished < goal) {
        int n = epoll_wait(ep, got, 256, 30000);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            die("nothing happened for 30 s");
        for (int i = 0; i < n; i++)
            drive(got[i].data.ptr);
    }
}

static void command(enum mode m, uint64_t from, uint64_t to)
{
    mode = m;
    first = started = finished = from;
    goal = to;
    if (cap_took < to) {
        cap_took = to;
        took = grown(took, cap_took * sizeof *took);
    }
}

void client_open(uint64_t n)
{
    if (n > cap_standing) {
        cap_standing = n;
        standing = grown(standing, n * sizeof(struct conn *));
    }
    command(OPEN, n_standing, n);
    while (started < goal && started - n_standing < 32) /* no more than any backlog takes at once */
        start_fresh();
    loop();
    n_standing = n;
}

void client_short(enum mode m, uint64_t n, uint64_t at_once)
{
    if (m == RESUMED && session == NULL && !opt.plain)
        die("no ticket came");
    command(m, 0, n);
    while (started < goal && started < at_once)
        start_fresh();
    loop();
}

void client_requests(enum mode m, uint64_t n, uint64_t at_once)
{
    if (at_once > n_standing)
        die("more requests at once than connections");
    command(m, 0, n);
    for (uint64_t i = 0; i < at_once && started < goal; i++) {
        struct conn *c = m == REQUEST_TURN ? next_idle() : standing[i];
        start_request(c);
        drive(c);
    }
    loop();
}

void client_bulk(char way, uint64_t n, uint64_t over)
{
    if (over > n_standing)
        die("more transfers than connections");
    command(BULK, 0, over);
    for (uint64_t i = 0; i < over; i++) {
        standing[i]->began = now_ns();
        ask(standing[i], way, n);
        drive(standing[i]);
    }
    loop();
}

void client_close(void)
{
    for (uint64_t i = 0; i < n_standing; i++)
        end(standing[i]);
    n_standing = 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

double client_latency(unsigned p)
{
    uint64_t n = finished - first;
    if (n == 0)
        return 0;
    qsort(took + first, n, sizeof *took, compare);
    return took[first + (n - 1) * p / 1000] / 10.0;
}
