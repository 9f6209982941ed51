/* Listening sockets on loopback: opened once, kept over a reload, nothing left of a failure. */
#include "fds.h"
#include "listen.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], why[2048], name[] = "test";
static const struct inheritance none;

static struct addr addr(const char *text)
{
    struct addr a;
    CHECK(addr_parse(&a, text, true, why, sizeof why));
    return a;
}

static struct config config(struct listen_conf *l, struct addr *binds, size_t n)
{
    *l = (struct listen_conf){ .name = name, .binds = binds, .n_binds = n, .backlog = 16 };
    return (struct config){ .listens = l, .n_listens = 1 };
}

static int connects(const struct addr *a)
{
    int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    int r = connect(fd, &a->u.sa, a->len) == 0 ? 0 : -errno;
    close(fd);
    return r;
}

static void one_socket_a_worker(void)
{
    struct listen_conf l;
    struct addr at[2] = { addr("127.0.0.1:0"), addr("[::1]:0") };
    struct config c = config(&l, at, 2);
    struct bindings b, next;
    int before = count_fds();
    CHECK_INT(listen_open(&b, NULL, &none, &c, 3, why, sizeof why), 0);
    CHECK_INT(b.n, 2);
    CHECK_INT(b.at[0].n, 3);
    CHECK(b.at[0].bound.u.in.sin_port != 0);
    CHECK_INT(connects(&b.at[0].bound), 0);
    CHECK_INT(connects(&b.at[1].bound), 0);
    /* A reload for five workers keeps the port and adds two sockets; the old set's end does not end the sockets. */
    CHECK_INT(listen_open(&next, &b, &none, &c, 5, why, sizeof why), 0);
    CHECK_INT(next.at[0].n, 5);
    CHECK(!next.at[0].fresh);
    CHECK_INT(next.at[0].bound.u.in.sin_port, b.at[0].bound.u.in.sin_port);
    listen_close(&b, &next);
    CHECK_INT(connects(&next.at[0].bound), 0);
    listen_keep(&next, 1, 5);
    CHECK_INT(next.at[0].n, 1);
    struct addr was = next.at[0].bound;
    listen_close(&next, NULL);
    CHECK_INT(connects(&was), -ECONNREFUSED);
    CHECK_INT(count_fds(), before);
}

/* Whoever keeps all sockets serves them all: each worker's share together is the whole. */
static void shares_are_disjoint(void)
{
    struct listen_conf l;
    struct addr at[1] = { addr("127.0.0.1:0") };
    struct config c = config(&l, at, 1);
    struct bindings b;
    CHECK_INT(listen_open(&b, NULL, &none, &c, 5, why, sizeof why), 0);
    listen_keep(&b, 0, 2);
    CHECK_INT(b.at[0].n, 3);
    listen_close(&b, NULL);
}

static void a_taken_port_leaves_nothing(void)
{
    struct listen_conf l;
    struct addr at[2] = { addr("127.0.0.1:0"), addr("127.0.0.1:0") };
    struct config c = config(&l, at, 1);
    struct bindings held, b;
    CHECK_INT(listen_open(&held, NULL, &none, &c, 1, why, sizeof why), 0);
    /* Another daemon's, by another set: though it has SO_REUSEPORT and is the same user's. */
    at[1] = held.at[0].bound;
    at[1].kind = ADDR_IP;
    c = config(&l, at, 2);
    int before = count_fds();
    CHECK_INT(listen_open(&b, NULL, &none, &c, 2, why, sizeof why), -1);
    CHECK(strstr(why, "Address already in use") != NULL);
    CHECK_INT(count_fds(), before);
    CHECK(b.at == NULL);
    listen_close(&held, NULL);
}

static void unix_sockets(void)
{
    char path[128], text[160];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/s", dir);
    (void)snprintf(text, sizeof text, "unix:%s", path);
    struct listen_conf l;
    struct addr at[2] = { addr(text), addr("unix:@tls13d-test-listen") };
    (void)snprintf(at[1].u.un.sun_path + 1, 40, "tls13d-test-%d", (int)getpid());
    struct config c = config(&l, at, 2);
    struct bindings b, next, other;
    CHECK_INT(listen_open(&b, NULL, &none, &c, 4, why, sizeof why), 0);
    CHECK_INT(b.at[0].n, 1);
    CHECK_INT(connects(&at[0]), 0);
    CHECK_INT(connects(&at[1]), 0);
    /* Somebody else may not have them. */
    CHECK_INT(listen_open(&other, NULL, &none, &c, 1, why, sizeof why), -1);
    CHECK_INT(connects(&at[0]), 0);
    /* Abstract sockets cannot be bound again: a reload must take them over. */
    CHECK_INT(listen_open(&next, &b, &none, &c, 4, why, sizeof why), 0);
    listen_close(&b, &next);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(connects(&at[1]), 0);
    listen_close(&next, NULL);
    CHECK(stat(path, &st) != 0);
    /* A file that a crash left behind is no obstacle, one that is not a socket is. */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_INT(bind(fd, &at[0].u.sa, at[0].len), 0);
    close(fd);
    c = config(&l, at, 1);
    CHECK_INT(listen_open(&b, NULL, &none, &c, 1, why, sizeof why), 0);
    listen_close(&b, NULL);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    CHECK_INT(listen_open(&b, NULL, &none, &c, 1, why, sizeof why), -1);
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(unlink(path), 0);
}

static void systemd_by_name(void)
{
    struct listen_conf l;
    struct addr at[1] = { addr("systemd:web") };
    struct config c = config(&l, at, 1);
    struct bindings b;
    struct inheritance in = { .n = 3 };
    struct addr any = addr("127.0.0.1:0");
    for (size_t i = 0; i < 3; i++) {
        in.at[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        (void)snprintf(in.at[i].name, sizeof in.at[i].name, "%s", i == 1 ? "other" : "web");
        CHECK_INT(bind(in.at[i].fd, &any.u.sa, any.len), 0);
        if (i < 2)
            CHECK_INT(listen(in.at[i].fd, 4), 0);
    }
    CHECK_INT(listen_open(&b, NULL, &in, &c, 2, why, sizeof why), -1);
    CHECK(strstr(why, "not a listening") != NULL);
    CHECK_INT(listen(in.at[2].fd, 4), 0);
    CHECK_INT(listen_open(&b, NULL, &in, &c, 2, why, sizeof why), 0);
    CHECK_INT(b.at[0].n, 2);
    CHECK(b.at[0].bound.u.in.sin_port != 0);
    listen_close(&b, NULL);
    in.n = 0;
    CHECK_INT(listen_open(&b, NULL, &in, &c, 2, why, sizeof why), -1);
    for (size_t i = 0; i < 3; i++)
        close(in.at[i].fd);
}

int main(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/tls13d-listen-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    RUN(one_socket_a_worker);
    RUN(shares_are_disjoint);
    RUN(a_taken_port_leaves_nothing);
    RUN(unix_sockets);
    RUN(systemd_by_name);
    (void)rmdir(dir);
    return DONE();
}
