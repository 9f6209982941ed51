/* What one master hands to the next: it arrives whole, anything else is refused with nothing left of it. */
#include "estate.h"
#include "fds.h"
#include "handover_wire.h"
#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- a new master, in a child --------------------------------------------------------------------------------------- */

static char *said; /* by the child, shared */

/* Runs `take` in a child over the channel, `give` here.  => the child's exit code. */
static int between(void (*give)(int fd), int (*take)(void))
{
    char text[16];
    int fds[2], status;
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        (void)snprintf(text, sizeof text, "%d", fds[1]);
        (void)setenv(HANDOVER_ENV, text, 1);
        _exit(handover_open(said, 512) == 0 && getenv(HANDOVER_ENV) == NULL ? take() : 99);
    }
    close(fds[1]);
    give(fds[0]);
    close(fds[0]);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static struct handover sent;

static bool same_binding(const struct binding *a, const struct binding *b)
{
    bool same = a->n == b->n && a->file == b->file && a->addr.kind == b->addr.kind && a->addr.len == b->addr.len &&
                memcmp(&a->addr.u, &b->addr.u, a->addr.len) == 0 && a->bound.len == b->bound.len &&
                memcmp(&a->bound.u, &b->bound.u, a->bound.len) == 0;
    for (size_t i = 0; same && i < a->n; i++)
        same = (fcntl(a->fds[i], F_GETFD) & FD_CLOEXEC) != 0;
    return same;
}

static int take_whole(void)
{
    struct handover h;
    if (handover_receive(&h, 10, said, 512) != 0)
        return 1;
    if (h.generation != 41 || h.key_made != 1234 || h.rotate_in != 4321.5 || h.binds.n != 5 || h.admin.n != 1)
        return 2;
    for (size_t i = 0; i < 5; i++)
        if (!same_binding(&h.binds.at[i], &sent.binds.at[i]))
            return 10 + (int)i;
    if (!same_binding(&h.admin.at[0], &sent.admin.at[0]) || h.inherited.n != 2 || strcmp(h.inherited.at[1].name, "name1") != 0)
        return 3;
    if (h.ring.n != 2 || memcmp(h.ring.key, sent.ring.key, sizeof h.ring.key) != 0)
        return 4;
    if (h.n_names != 2 || strcmp(h.names[0].host, "db.example") != 0 || h.names[0].version != 2 || h.names[0].n != 1 ||
        memcmp(h.names[0].at, sent.names[0].at, sizeof sent.names[0].at) != 0 || h.names[1].version != 0)
        return 5;
    handover_ready();
    struct pollfd p = { .fd = handover_fd(), .events = POLLIN };
    (void)poll(&p, 1, 10000);
    return handover_done() && handover_fd() == -1 ? 0 : 6;
}

static void give_whole(int fd)
{
    size_t next = 0;
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    while (handover_send(fd, &sent, &next) == 0)
        (void)poll(&p, 1, 1000);
    p.events = POLLIN;
    (void)poll(&p, 1, 10000);
    CHECK_INT(handover_answer(fd, why, sizeof why), HANDOVER_READY);
    CHECK_INT(handover_answer(fd, why, sizeof why), HANDOVER_NOTHING);
}

static void everything_arrives(void)
{
    int before = count_fds();
    sent = estate();
    CHECK_INT(between(give_whole, take_whole), 0);
    estate_close(&sent);
    CHECK_INT(count_fds(), before);
}

/* --- what is wrong -------------------------------------------------------------------------------------------------- */

/* => 0 when it was refused and no descriptor is left of it. */
static int take_wrong(void)
{
    struct handover h;
    int before = count_fds();
    if (handover_receive(&h, 0.3, said, 512) == 0)
        return 1;
    handover_note(said);
    handover_note("a second reason");
    int after = count_fds();
    handover_refuse(1);
    return after == before && handover_fd() == -1 ? 0 : 2;
}

static void hello(int fd, uint32_t binds, uint32_t admin, uint32_t inherited, uint32_t names)
{
    struct message m = { .u.hello = { 1, binds, admin, inherited, names } };
    CHECK(wire_send(fd, &m, KIND_HELLO, NULL, 0));
}

static void give_nothing(int fd)
{
    (void)fd;
}
static void give_silence(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    (void)poll(&p, 1, 5000);
}
static void give_garbage(int fd)
{
    CHECK(write(fd, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
}
static void give_short(int fd)
{
    struct message m = { HANDOVER_MAGIC, HANDOVER_VERSION, KIND_HELLO, { .hello = { 1, 0, 0, 0, 0 } } };
    CHECK(write(fd, &m, wire_size(KIND_HELLO) - 1) > 0);
}
static void give_long(int fd)
{
    struct message m = { HANDOVER_MAGIC, HANDOVER_VERSION, KIND_HELLO, { .hello = { 1, 0, 0, 0, 0 } } };
    CHECK(write(fd, &m, wire_size(KIND_HELLO) + 1) > 0);
}
static void give_longer_than_any(int fd)
{
    static struct message m[2] = { { HANDOVER_MAGIC, HANDOVER_VERSION, KIND_HELLO, { .hello = { 1, 0, 0, 0, 0 } } } };
    CHECK(write(fd, m, sizeof m) > 0);
}
static void give_next_version(int fd)
{
    struct message m = { HANDOVER_MAGIC, HANDOVER_VERSION + 1, KIND_HELLO, { .hello = { 1, 0, 0, 0, 0 } } };
    CHECK(write(fd, &m, sizeof m) > 0);
}
static void give_other_first(int fd)
{
    struct message m = { .u.keys = { .n = 1 } };
    CHECK(wire_send(fd, &m, KIND_KEYS, NULL, 0));
}
static void give_too_many(int fd)
{
    hello(fd, 1000000, 0, 0, 0);
}
static void give_two_admins(int fd)
{
    hello(fd, 0, 2, 0, 0);
}
static void give_inherited_too_many(int fd)
{
    hello(fd, 0, 0, INHERITED_MAX + 1, 0);
}
static void give_hello_with_descriptors(int fd)
{
    struct message m = { .u.hello = { 1, 0, 0, 0, 0 } };
    CHECK(wire_send(fd, &m, KIND_HELLO, (int[]){ 0, 1 }, 2));
}
static void give_half(int fd)
{
    struct message m = { .u.bind.text = "127.0.0.1:0" };
    hello(fd, 2, 0, 0, 0);
    CHECK(wire_send(fd, &m, KIND_BIND, sent.binds.at[0].fds, 3));
}

/* Binds one address with these descriptors. */
static void bind_with(int fd, const char *text, const int *fds, size_t n)
{
    struct message m = { .magic = 0 };
    hello(fd, 1, 0, 0, 0);
    (void)strncpy(m.u.bind.text, text, sizeof m.u.bind.text - 1);
    CHECK(wire_send(fd, &m, KIND_BIND, fds, n));
}
static void give_no_socket(int fd)
{
    bind_with(fd, "127.0.0.1:0", NULL, 0);
}
static void give_file(int fd)
{
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bind_with(fd, "127.0.0.1:0", &file, 1);
    close(file);
}
static void give_unbound(int fd)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind_with(fd, "127.0.0.1:0", &s, 1);
    close(s);
}
static void give_datagram(int fd)
{
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bind_with(fd, "systemd:x", &s, 1);
    close(s);
}
static void give_other_address(int fd)
{
    bind_with(fd, "127.0.0.2:0", sent.binds.at[0].fds, 1);
}
static void give_other_port(int fd)
{
    bind_with(fd, "127.0.0.1:1", sent.binds.at[0].fds, 1);
}
static void give_other_family(int fd)
{
    bind_with(fd, "[::1]:0", sent.binds.at[0].fds, 1);
}
static void give_unix_for_name(int fd)
{
    bind_with(fd, "localhost:1", sent.binds.at[3].fds, 1);
}
static void give_two_addresses(int fd)
{
    int fds[2] = { sent.binds.at[0].fds[0], sent.admin.at[0].fds[0] };
    bind_with(fd, "127.0.0.1:0", fds, 2);
}
static void give_two_for_unix(int fd)
{
    int fds[2] = { sent.binds.at[4].fds[0], sent.binds.at[4].fds[0] };
    bind_with(fd, abstract, fds, 2);
}
static void give_other_unix(int fd)
{
    bind_with(fd, "unix:@tls13d-unit-handover", sent.binds.at[4].fds, 1);
}
static void give_no_address(int fd)
{
    bind_with(fd, "127.0.0.1:99999", sent.binds.at[0].fds, 1);
}
static void give_endless(int fd)
{
    struct message m;
    memset(&m, 'a', sizeof m);
    hello(fd, 1, 0, 0, 0);
    CHECK(wire_send(fd, &m, KIND_BIND, sent.binds.at[0].fds, 1));
}
/* More than any message has: 65 descriptors, and three more in a second control message would be too much to look at. */
static void give_65(int fd)
{
    struct message m = { HANDOVER_MAGIC, HANDOVER_VERSION, KIND_BIND, { .bind.text = "127.0.0.1:0" } };
    static union {
        char buf[CMSG_SPACE(65 * sizeof(int))];
        struct cmsghdr align;
    } c;
    struct iovec v = { &m, wire_size(KIND_BIND) };
    struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = sizeof c.buf };
    struct cmsghdr *head = CMSG_FIRSTHDR(&h);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(65 * sizeof(int));
    for (size_t i = 0; i < 65; i++)
        memcpy(CMSG_DATA(head) + i * sizeof(int), &sent.binds.at[0].fds[0], sizeof(int));
    hello(fd, 1, 0, 0, 0);
    CHECK(sendmsg(fd, &h, 0) > 0);
}
static void give_inherited_two(int fd)
{
    struct message m = { .u.inherited = "x" };
    hello(fd, 0, 0, 1, 0);
    CHECK(wire_send(fd, &m, KIND_INHERITED, sent.binds.at[0].fds, 2));
}
static void give_inherited_endless(int fd)
{
    struct message m;
    memset(&m, 'x', sizeof m);
    hello(fd, 0, 0, 1, 0);
    CHECK(wire_send(fd, &m, KIND_INHERITED, sent.binds.at[0].fds, 1));
}
static void name_with(int fd, uint32_t port, uint32_t n, uint32_t len, int family)
{
    struct message m = { .u.name = { .host = "x", .port = port, .n = n } };
    m.u.name.at[0].len = len;
    m.u.name.at[0].ss.ss_family = (sa_family_t)family;
    hello(fd, 0, 0, 0, 1);
    CHECK(wire_send(fd, &m, KIND_NAME, NULL, 0));
}
static void give_name_port(int fd)
{
    name_with(fd, 70000, 0, 0, AF_INET);
}
static void give_name_length(int fd)
{
    name_with(fd, 1, 1, 5000, AF_INET);
}
static void give_name_family(int fd)
{
    name_with(fd, 1, 1, sizeof(struct sockaddr_un), AF_UNIX);
}
static void give_name_other_port(int fd)
{
    name_with(fd, 1, 1, sizeof(struct sockaddr_in), AF_INET);
}
static void give_name_many(int fd)
{
    name_with(fd, 1, 1000, sizeof(struct sockaddr_in), AF_INET);
}
static void give_keys(int fd, uint32_t n, uint64_t ms)
{
    struct message m = { .u.keys = { .n = n, .rotate_in_ms = ms } };
    hello(fd, 0, 0, 0, 0);
    CHECK(wire_send(fd, &m, KIND_KEYS, NULL, 0));
}
static void give_nine_keys(int fd)
{
    give_keys(fd, TICKET_KEYS + 1, 0);
}
static void give_keys_for_ever(int fd)
{
    give_keys(fd, 1, UINT64_MAX);
}

static void what_is_wrong_is_refused(void)
{
    static const struct {
        void (*give)(int);
        const char *why;
    } cases[] = { { give_nothing, "ended while it handed over" },
                  { give_silence, "not hand over its sockets in time" },
                  { give_garbage, "something else" },
                  { give_short, "something else" },
                  { give_long, "something else" },
                  { give_longer_than_any, "something else" },
                  { give_next_version, "in version 2, which this one (version 1) does not know" },
                  { give_other_first, "something else" },
                  { give_too_many, "more than there can be" },
                  { give_two_admins, "more than there can be" },
                  { give_inherited_too_many, "more than there can be" },
                  { give_hello_with_descriptors, "something else" },
                  { give_half, "ended while it handed over" },
                  { give_no_socket, "something else" },
                  { give_file, "not such that listen there" },
                  { give_unbound, "not such that listen there" },
                  { give_datagram, "not such that listen there" },
                  { give_other_address, "not such that listen there" },
                  { give_other_port, "not such that listen there" },
                  { give_other_family, "not such that listen there" },
                  { give_unix_for_name, "not such that listen there" },
                  { give_two_addresses, "not such that listen there" },
                  { give_two_for_unix, "not such that listen there" },
                  { give_other_unix, "not such that listen there" },
                  { give_no_address, "not such that listen there" },
                  { give_endless, "has no end" },
                  { give_65, "something else" },
                  { give_inherited_two, "something else" },
                  { give_inherited_endless, "has no end" },
                  { give_name_port, "is none" },
                  { give_name_length, "is none" },
                  { give_name_family, "is none" },
                  { give_name_many, "is none" },
                  { give_name_other_port, "is none" },
                  { give_nine_keys, "keys that are handed over are none" },
                  { give_keys_for_ever, "keys that are handed over are none" } };
    int before = count_fds();
    sent = estate();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        said[0] = '\0';
        int code = between(cases[i].give, take_wrong);
        if (code != 0 || strstr(said, cases[i].why) == NULL)
            printf("# case %zu: code %d, \"%s\" instead of \"%s\"\n", i, code, said, cases[i].why);
        CHECK(code == 0 && strstr(said, cases[i].why) != NULL);
    }
    estate_close(&sent);
    CHECK_INT(count_fds(), before);
}

/* A new master that refuses before it has read anything is understood all the same. */
static int take_nothing(void)
{
    struct pollfd p = { .fd = handover_fd(), .events = POLLIN };
    (void)poll(&p, 1, 5000);
    handover_note("no reason");
    handover_refuse(1);
    return 0;
}

static void give_and_listen(int fd)
{
    struct pollfd p = { .fd = fd, .events = 0 };
    hello(fd, 0, 0, 0, 0);
    CHECK_INT(poll(&p, 1, 5000), 1); /* it is gone */
    CHECK_INT(handover_answer(fd, why, sizeof why), HANDOVER_REFUSED);
    CHECK_STR(why, "no reason");
    CHECK_INT(handover_answer(fd, why, sizeof why), HANDOVER_CLOSED);
}

static void a_refusal_is_heard(void)
{
    CHECK_INT(between(give_and_listen, take_nothing), 0);
}

/* Only a socket pair of another process is a channel. */
static void only_a_channel_is_one(void)
{
    char text[16];
    int fds[2], stream[2];
    CHECK_INT(handover_open(why, sizeof why), 0);
    CHECK_INT(handover_fd(), -1);
    CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0); /* ours */
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
    (void)snprintf(text, sizeof text, "%d", fds[0]);
    const char *const wrong[] = { "", "x", "-1", "3x", " 3", "0", "99999999999999999999", "1000000", text };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)setenv(HANDOVER_ENV, wrong[i], 1);
        CHECK_INT(handover_open(why, sizeof why), -1);
        CHECK(strstr(why, HANDOVER_ENV) != NULL);
        CHECK(getenv(HANDOVER_ENV) == NULL);
    }
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(stream[i]);
    }
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    estate_addresses();
    said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (said == MAP_FAILED)
        return 1;
    RUN(everything_arrives);
    RUN(what_is_wrong_is_refused);
    RUN(a_refusal_is_heard);
    RUN(only_a_channel_is_one);
    return DONE();
}
