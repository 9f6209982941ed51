/* The three calls over a socket pair, the test's client at the other end: what is kept between calls, and how each direction ends. */
#include "unit.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

static struct peer p;
static struct tls13_agreement a;
static uint8_t *from_client; /* what came from it behind the handshake and was not given to the server yet */
static size_t n_from_client;

/* --- the client, a process of its own ------------------------------------------------------------------------- */

/* Reads whole records, one at least. */
static void client_reads(int fd)
{
    size_t at = 0;
    while (at == 0 || at != p.n_out) {
        ssize_t n = read(fd, p.out + p.n_out, sizeof p.out - p.n_out);
        if (n <= 0)
            _exit(1);
        p.n_out += (size_t)n;
        while (p.n_out - at >= 5 && p.n_out - at >= 5U + load16(p.out + at + 3))
            at += 5U + load16(p.out + at + 3);
    }
    if (!peer_read(&p))
        _exit(2);
}

/* Shakes hands, sends what the script seals for it in the same call as its Finished, and goes. */
static void client(int fd, size_t (*script)(uint8_t *out))
{
    static uint8_t buf[1 << 21];
    uint8_t fin[4 + MAX_HASH];
    peer_hello(&p);
    size_t len = peer_frame(buf, p.hello_msg, p.hello_len, TLS13_MAX_PLAIN);
    if (write(fd, buf, len) != (ssize_t)len)
        _exit(3);
    while (!p.finished_ok)
        client_reads(fd);
    size_t n = peer_finished(&p, fin);
    len = peer_seal(&p, buf, CT_HANDSHAKE, fin, n);
    peer_switch(&p, fin, n);
    len += script(buf + len);
    for (size_t at = 0; at < len;) {
        ssize_t k = write(fd, buf + at, len - at);
        if (k <= 0)
            _exit(4);
        at += (size_t)k;
    }
    _exit(0);
}

static size_t seal(uint8_t *out, uint8_t type, const void *data, size_t n)
{
    return peer_seal(&p, out, type, data, n);
}

/* --- the server ----------------------------------------------------------------------------------------------- */

/* A handshake with a client that sends this behind it, all of which is here once the client is gone. */
static void shaken(size_t (*script)(uint8_t *out))
{
    static struct tls13_ctx *ctx;
    int fds[2], status = 1;
    static uint8_t rest[1 << 21];
    if (ctx == NULL)
        ctx = test_ctx();
    if (p.conn != NULL)
        peer_free(&p);
    peer_init(&p, ctx);
    tls13_forget(&a);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        client(fds[1], script);
    }
    close(fds[1]);
    int r = tls13_handshake(fds[0], &a, fixture_p256, strlen(fixture_p256));
    from_client = rest;
    n_from_client = 0;
    for (ssize_t n; (n = read(fds[0], rest + n_from_client, sizeof rest - n_from_client)) > 0;)
        n_from_client += (size_t)n;
    close(fds[0]);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(r, 0);
}

/* All that the server makes of what came, the end aside; => the plain bytes, *n of them. */
static uint8_t *plain_of(const void *cipher, size_t len, size_t *n)
{
    uint8_t *plain = tls13_decrypt(cipher, len, n, &a);
    CHECK(plain != NULL);
    return plain;
}

static size_t sealed(const void *plain, size_t len)
{
    size_t n;
    void *records = tls13_encrypt(plain, len, &n, &a);
    CHECK(records != NULL);
    free(records);
    return n;
}

/* --- cases ---------------------------------------------------------------------------------------------------- */

static size_t says_hello(uint8_t *out)
{
    return seal(out, CT_DATA, "hello", 5);
}

/* What came with the client's Finished is had without another read(). */
static void bytes_behind_the_handshake(void)
{
    size_t n, m;
    shaken(says_hello);
    CHECK_INT(a.err, 0);
    CHECK_INT(a.alert, -1);
    CHECK_STR(a.sni, "localhost");
    uint8_t *first = plain_of(NULL, 0, &n), *second = plain_of(from_client, n_from_client, &m);
    CHECK_INT(n + m, 5); /* the handshake may have read it or not */
    CHECK_MEM(n != 0 ? first : second, "hello", 5);
    free(first);
    free(second);
}

/* A record that is not whole gives no bytes, and no bytes encrypted say nothing: only NULL is close_notify. */
static void no_bytes_are_not_the_end(void)
{
    shaken(says_hello);
    CHECK_INT(sealed("", 0), 0);
    CHECK_INT(a.err, 0);
    CHECK_INT(sealed("x", 1), TLS13_HEAD + 1 + TLS13_TAIL);
    CHECK_INT(sealed("", 0), 0);
    CHECK_INT(sealed(NULL, 0), TLS13_HEAD + 2 + TLS13_TAIL);
    size_t n = 1;
    CHECK(tls13_encrypt("", 0, &n, &a) == NULL);
    CHECK(tls13_encrypt("x", 1, &n, &a) == NULL);
    CHECK(tls13_encrypt(NULL, 0, &n, &a) == NULL);
    CHECK_INT(n, 0);
    CHECK_INT(a.err, TLS13_E_CLOSED);
}

static size_t asks_for_keys(uint8_t *out)
{
    size_t n = seal(out, CT_HANDSHAKE, "\30\0\0\1\1", 5);
    rec_update(&p.to, p.suite);
    return n + seal(out + n, CT_DATA, "and on", 6);
}

/* RFC 8446 4.6.3: the answer is due whether or not the server has anything to say. */
static void answers_go_out_alone(void)
{
    size_t n, m;
    shaken(asks_for_keys);
    uint8_t *first = plain_of(NULL, 0, &n), *second = plain_of(from_client, n_from_client, &m);
    CHECK_INT(n + m, 6);
    free(first);
    free(second);
    CHECK_INT(sealed("", 0), TLS13_UPDATE);
    CHECK_INT(sealed("", 0), 0);
    CHECK_INT(sealed("x", 1), TLS13_HEAD + 1 + TLS13_TAIL);
}

static size_t says_much_and_goodbye(uint8_t *out)
{
    static uint8_t body[TLS13_MAX_PLAIN];
    size_t n = 0;
    for (unsigned i = 0; i < 64; i++) {
        memset(body, (int)i, sizeof body);
        n += seal(out + n, CT_DATA, body, sizeof body);
    }
    n += seal(out + n, CT_ALERT, "\1\0", 2);
    return n + seal(out + n, CT_DATA, "what nobody reads", 17);
}

/* Any number of records in one call; the end shows in the call behind the last bytes, whatever that one is given. */
static void many_records_and_the_end(void)
{
    size_t n, m;
    shaken(says_much_and_goodbye);
    uint8_t *first = plain_of(NULL, 0, &n), *second = plain_of(from_client, n_from_client, &m);
    CHECK_INT(n + m, 64 * TLS13_MAX_PLAIN);
    for (size_t i = 0; i < n + m; i++)
        CHECK_INT(i < n ? first[i] : second[i - n], i / TLS13_MAX_PLAIN);
    free(first);
    free(second);
    CHECK_INT(a.err, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(tls13_decrypt("\27\3\3\0\1", 5, &n, &a) == NULL);
        CHECK_INT(n, 0);
        CHECK_INT(a.err, TLS13_E_CLOSED);
        CHECK_INT(a.alert, -1);
    }
    CHECK_INT(sealed("still open", 10), TLS13_HEAD + 10 + TLS13_TAIL); /* 6.1: each direction ends by itself */
    CHECK_INT(sealed(NULL, 0), TLS13_HEAD + 2 + TLS13_TAIL);
}

/* An error shows in tls13_decrypt(); its alert is what tls13_encrypt() gives next, and the last. */
static void an_error_and_its_alert(void)
{
    static const uint8_t bad[5 + 32] = { CT_DATA, 3, 3, 0, 32 };
    size_t n;
    shaken(says_hello);
    uint8_t *plain = plain_of(NULL, 0, &n);
    free(plain);
    plain = plain_of(from_client, n_from_client, &n);
    free(plain);
    CHECK(tls13_decrypt(bad, sizeof bad, &n, &a) == NULL);
    CHECK_INT(a.err, TLS13_E_BAD_MAC);
    CHECK_INT(a.alert, TLS13_ALERT_bad_record_mac);
    CHECK_INT(sealed("lost", 4), TLS13_HEAD + 2 + TLS13_TAIL);
    CHECK(tls13_encrypt("lost", 4, &n, &a) == NULL);
    CHECK(tls13_encrypt(NULL, 0, &n, &a) == NULL);
    CHECK(tls13_decrypt("x", 1, &n, &a) == NULL);
    CHECK_INT(a.err, TLS13_E_BAD_MAC);
}

static void nothing_after_forget(void)
{
    size_t n = 1;
    shaken(says_hello);
    tls13_forget(&a);
    tls13_forget(&a);
    CHECK(a.state == NULL);
    CHECK(tls13_decrypt("x", 1, &n, &a) == NULL);
    CHECK_INT(n, 0);
    CHECK_INT(a.err, TLS13_E_CLOSED);
    CHECK(tls13_encrypt("x", 1, &n, &a) == NULL);
    CHECK_INT(n, 0);
}

int main(void)
{
    RUN(bytes_behind_the_handshake);
    RUN(no_bytes_are_not_the_end);
    RUN(answers_go_out_alone);
    RUN(many_records_and_the_end);
    RUN(an_error_and_its_alert);
    RUN(nothing_after_forget);
    if (p.conn != NULL) {
        struct tls13_ctx *ctx = p.ctx;
        peer_free(&p);
        tls13_ctx_unref(ctx);
    }
    tls13_forget(&a);
    return DONE();
}
