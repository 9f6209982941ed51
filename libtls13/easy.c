/* The three calls: a thin loop over the engine, and the only file of the library that touches a descriptor. */
#include "tls13.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bytes.h"

/* Behind an agreement: the connection, input not yet taken, and bytes that the peer is owed. */
struct easy {
    struct tls13_conn *conn;
    void *hs;
    uint8_t *in; /* TLS13_MAX_HOLD bytes, in_len of which, from in_at on, wait to be taken */
    size_t in_at, in_len;
    uint8_t *owed; /* owed_len of owed_cap bytes */
    size_t owed_len, owed_cap;
    int over; /* TLS13_E_*: the peer's direction has ended, and tls13_decrypt() has yet to say so */
};

enum { ROOM = 256 /* at most this is owed by one tls13_recv() after the handshake */ };

static int fail(struct tls13_agreement *a, int err)
{
    struct easy *e = a->state;
    struct tls13_info info;
    a->err = err < 0 ? -err : err;
    if (a->err == TLS13_E_ALERT && e != NULL && e->conn != NULL) {
        tls13_conn_info(e->conn, &info);
        a->alert = info.alert_received;
    } else if (a->err != TLS13_E_IO && a->err != TLS13_E_CLOSED) {
        a->alert = tls13_err_alert(a->err);
    }
    return -1;
}

static void copy_text(char to[static 256], const char *from)
{
    size_t n = strnlen(from, 255);
    memcpy(to, from, n);
    to[n] = '\0';
}

static void fill(struct tls13_agreement *a)
{
    struct easy *e = a->state;
    struct tls13_info info;
    tls13_conn_info(e->conn, &info);
    a->version = info.version;
    a->suite = info.suite;
    a->group = info.group;
    a->scheme = info.scheme;
    a->resumed = info.resumed;
    copy_text(a->sni, info.sni);
    copy_text(a->alpn, info.alpn);
}

static bool send_all(int fd, const uint8_t *p, size_t n)
{
    while (n != 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

/* Room behind the held input, moved to the front; => its bytes. */
static size_t make_room(struct easy *e, uint8_t **room)
{
    memmove(e->in, e->in + e->in_at, e->in_len);
    e->in_at = 0;
    *room = e->in + e->in_len;
    return TLS13_MAX_HOLD - e->in_len;
}

/* Reads more input behind what is there; => false at the end or on an error. */
static bool receive(int fd, struct easy *e)
{
    uint8_t *room;
    size_t cap = make_room(e, &room);
    ssize_t k;
    do
        k = recv(fd, room, cap, 0);
    while (k < 0 && errno == EINTR);
    if (k <= 0)
        return false;
    e->in_len += (size_t)k;
    return true;
}

static struct easy *new_easy(struct tls13_ctx *ctx)
{
    struct easy *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->conn = malloc(tls13_conn_size());
    e->hs = malloc(tls13_hs_size());
    e->in = malloc(TLS13_MAX_HOLD);
    e->owed_cap = tls13_ctx_max_flight(ctx) + ROOM;
    e->owed = malloc(e->owed_cap);
    if (e->conn == NULL || e->hs == NULL || e->in == NULL || e->owed == NULL) {
        free(e->conn);
        free(e->hs);
        free(e->in);
        free(e->owed);
        free(e);
        return NULL;
    }
    tls13_conn_init(e->conn, ctx, e->hs);
    return e;
}

/* One call of the engine over the held input; keeps what it leaves.  Plain bytes of a TLS13_DATA lie at *data, inside it. */
static int step(struct easy *e, struct slice *data)
{
    struct tls13_io io = { .in = e->in + e->in_at, .in_len = e->in_len, .out = e->owed, .out_cap = e->owed_cap, .out_len = e->owed_len };
    int event = tls13_recv(e->conn, &io);
    e->owed_len = io.out_len;
    e->in_at = (size_t)(io.in - e->in);
    e->in_len = io.in_len;
    *data = (struct slice){ io.data, io.data_len };
    return event;
}

/* Runs the engine until it is connected or has failed. */
static int run(int fd, struct tls13_agreement *a)
{
    struct easy *e = a->state;
    struct slice data;
    for (;;) {
        int event = step(e, &data);
        if (event == TLS13_HELLO)
            continue;
        if (event == TLS13_COMPUTE) {
            tls13_compute((struct tls13_conn *[]){ e->conn }, 1);
            continue;
        }
        bool sent = send_all(fd, e->owed, e->owed_len);
        e->owed_len = 0;
        if (event < 0)
            return fail(a, event);
        if (!sent)
            return fail(a, TLS13_E_IO);
        if (event == TLS13_CONNECTED)
            return 0;
        if (!receive(fd, e))
            return fail(a, TLS13_E_IO);
    }
}

int tls13_handshake(int fd, struct tls13_agreement *a, const void *pem, size_t pem_len)
{
    memset(a, 0, sizeof *a);
    a->alert = -1;
    struct tls13_ctx *ctx = tls13_ctx_new();
    if (ctx == NULL)
        return fail(a, tls13_selftest() < 0 ? TLS13_E_SELFTEST : TLS13_E_MEMORY);
    int err = tls13_ctx_add_pem(ctx, pem, pem_len, NULL, 0);
    if (err >= 0 && (a->state = new_easy(ctx)) == NULL)
        err = -TLS13_E_MEMORY;
    tls13_ctx_unref(ctx);
    if (err < 0) {
        a->err = -err;
        return -1;
    }
    err = run(fd, a);
    if (err < 0) {
        int why = a->err, alert = a->alert;
        tls13_forget(a);
        a->err = why;
        a->alert = alert;
        return -1;
    }
    fill(a);
    struct easy *e = a->state;
    free(tls13_conn_release_hs(e->conn));
    e->hs = NULL;
    return 0;
}

/* True until our own direction has ended, by close_notify or by an error. */
static bool can_write(const struct easy *e)
{
    return !tls13_we_closed(e->conn) && (e->over == 0 || e->over == TLS13_E_CLOSED);
}

void *tls13_encrypt(const void *plain, size_t len, size_t *out_len, struct tls13_agreement *a)
{
    struct easy *e = a->state;
    *out_len = 0;
    if (e == NULL) {
        a->err = a->err != 0 ? a->err : TLS13_E_CLOSED;
        return NULL;
    }
    size_t records = len / TLS13_MAX_PLAIN + 1;
    if (len > SIZE_MAX / 2 || (plain == NULL && len != 0)) {
        a->err = TLS13_E_BAD_ARGUMENT;
        return NULL;
    }
    uint8_t *out = malloc(e->owed_len + len + records * (TLS13_HEAD + TLS13_TAIL + TLS13_UPDATE) + 64);
    if (out == NULL) {
        a->err = TLS13_E_MEMORY;
        return NULL;
    }
    const uint8_t *p = plain;
    size_t n = e->owed_len;
    bool open = can_write(e);
    memcpy(out, e->owed, n);
    e->owed_len = 0;
    if (plain == NULL) /* not where tls13_decrypt() gave no bytes, which an echo hands on */
        n += tls13_close(e->conn, out + n, 64);
    while (len != 0) {
        size_t part = len < TLS13_MAX_PLAIN ? len : TLS13_MAX_PLAIN;
        memcpy(out + n + TLS13_HEAD, p, part);
        size_t sealed = tls13_seal(e->conn, out + n, part);
        if (sealed == 0) /* the direction is closed or dead; what is owed, an alert perhaps, still goes out */
            break;
        n += sealed;
        p += part;
        len -= part;
    }
    if (n == 0 && !open) {
        a->err = a->err != 0 ? a->err : TLS13_E_CLOSED;
        free(out);
        return NULL;
    }
    *out_len = n;
    return out;
}

/* Takes all events of the held input; plain bytes go behind the n at plain.  A direction's end is left in e->over. */
static void take_events(struct easy *e, uint8_t *plain, size_t *n)
{
    struct slice data;
    while (e->over == 0) {
        int event = step(e, &data);
        if (event == TLS13_MORE)
            return;
        if (event == TLS13_DATA) {
            memcpy(plain + *n, data.p, data.n);
            *n += data.n;
        }
        if (event == TLS13_EOF)
            e->over = TLS13_E_CLOSED;
        if (event < 0)
            e->over = -event;
    }
}

void *tls13_decrypt(const void *cipher, size_t len, size_t *out_len, struct tls13_agreement *a)
{
    struct easy *e = a->state;
    const uint8_t *p = cipher;
    size_t n = 0;
    *out_len = 0;
    if (e == NULL) {
        a->err = a->err != 0 ? a->err : TLS13_E_CLOSED;
        return NULL;
    }
    /* Plaintext is shorter than its records; those that wait in the buffer count too. */
    uint8_t *plain = len > SIZE_MAX / 2 ? NULL : malloc(len + e->in_len + 1);
    if (plain == NULL) {
        a->err = TLS13_E_MEMORY;
        return NULL;
    }
    do {
        uint8_t *room;
        size_t cap = make_room(e, &room), part = len < cap ? len : cap;
        if (part != 0) { /* C has no NULL + 0 */
            memcpy(room, p, part);
            p += part;
        }
        e->in_len += part;
        len -= part;
        take_events(e, plain, &n);
    } while (len != 0 && e->over == 0);
    if (n == 0 && e->over != 0) {
        free(plain);
        (void)fail(a, e->over);
        return NULL;
    }
    *out_len = n;
    return plain;
}

void tls13_forget(struct tls13_agreement *a)
{
    struct easy *e = a->state;
    if (e != NULL) {
        tls13_conn_wipe(e->conn);
        explicit_bzero(e->in, TLS13_MAX_HOLD);
        free(e->conn);
        free(e->hs);
        free(e->in);
        free(e->owed);
        free(e);
    }
    explicit_bzero(a, sizeof *a);
    a->alert = -1;
}
