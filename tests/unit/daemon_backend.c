/* The choice of a backend: routes, least connections, avoidance; connecting without blocking. */
#include "resolve.h"
#include "unit.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct addr addr(const char *text)
{
    struct addr a;
    char why[256];
    CHECK(addr_parse(&a, text, false, why, sizeof why));
    return a;
}

static void first_route_that_matches(void)
{
    char wild[] = "*.example.org", exact[] = "a.example.org", h2[] = "h2";
    struct route_conf rules[3] = { { .by = ROUTE_SNI, .pattern = wild },
                                   { .by = ROUTE_SNI, .pattern = exact },
                                   { .by = ROUTE_ALPN, .pattern = h2 } };
    struct addr own = addr("127.0.0.1:1");
    struct listen_conf l = { .routes = rules, .n_routes = 3, .backends = &own, .n_backends = 1 };
    struct routes r;
    for (size_t i = 0; i < 3; i++)
        rules[i].backend = own;
    CHECK_INT(routes_init(&r, &l, NULL), 0);
    CHECK(routes_find(&r, "a.example.org", "h2") == &r.route[0]);
    CHECK(routes_find(&r, "a.b.example.org", "") == &r.rest);
    CHECK(routes_find(&r, "example.org", "") == &r.rest);
    CHECK(routes_find(&r, ".example.org", "") == &r.rest);
    CHECK(routes_find(&r, "other", "h2") == &r.route[2]);
    CHECK(routes_find(&r, "", "") == &r.rest);
    CHECK(routes_find(&r, "", "http/1.1") == &r.rest);
    rules[0].pattern = exact;
    CHECK(routes_find(&r, "a.example.org", "") == &r.route[0]);
    routes_free(&r);
}

static void least_connections_and_turns(void)
{
    struct backend b[3] = { { .active = 2 }, { .active = 1 }, { .active = 1 } };
    struct backends s = { .at = b, .n = 3 };
    struct backend *one = backend_pick(&s, 10), *two = backend_pick(&s, 10), *three = backend_pick(&s, 10);
    CHECK(one != &b[0] && two != &b[0] && three != &b[0]);
    CHECK(one != two || two != three);
    b[1].active = b[2].active = 5;
    CHECK(backend_pick(&s, 10) == &b[0]);
}

static void failing_ones_are_avoided_for_a_while(void)
{
    struct backend b[2] = { { .active = 0 }, { .active = 9 } };
    struct backends s = { .at = b, .n = 2 };
    backend_failed(&b[0], 100);
    CHECK(backend_pick(&s, 100.5) == &b[1]);
    CHECK(backend_pick(&s, 101.5) == &b[0]);
    for (int i = 0; i < 20; i++)
        backend_failed(&b[0], 200);
    CHECK(b[0].avoid_until == 230);
    /* When all fail, somebody is asked all the same: who comes back first. */
    backend_failed(&b[1], 200);
    CHECK(backend_pick(&s, 200.5) == &b[1]);
    backend_worked(&b[0]);
    CHECK(backend_pick(&s, 200.5) == &b[0]);
    CHECK_INT(b[0].failures, 0);
}

static void connects(void)
{
    struct addr a = addr("127.0.0.1:1");
    a.u.in.sin_port = 0;
    int fd, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(s, &a.u.sa, a.len), 0);
    CHECK_INT(listen(s, 4), 0);
    CHECK_INT(getsockname(s, &a.u.sa, &a.len), 0);
    struct backend b = { .addr = &a };
    CHECK_INT(backend_connect(&b, false, &fd), 0); /* loopback answers at once */
    CHECK_INT(backend_connected(fd), 0);
    close(fd);
    close(s);
    CHECK_INT(backend_connect(&b, false, &fd), -1);
    CHECK_INT(errno, ECONNREFUSED);
    CHECK_INT(fd, -1);
    struct addr u = addr("unix:/nonexistent/socket");
    b.addr = &u;
    CHECK_INT(backend_connect(&b, false, &fd), -1);
    CHECK_INT(errno, ENOENT);
    CHECK(backend_is_unix(&b));
}

static void names(void)
{
    struct addr a = addr("localhost:1");
    struct resolved r = { .host = "localhost", .port = 1 }, none = { .host = "no..such.host", .port = 1 };
    struct resolved other = { 0 }, nothing = { 0 }, third = { 0 };
    struct backend b = { .addr = &a, .resolved = &r };
    int fd;
    CHECK_INT(a.kind, ADDR_NAME);
    CHECK_INT(backend_connect(&b, false, &fd), -1); /* never resolved */
    CHECK_INT(errno, EHOSTUNREACH);
    CHECK_INT(backend_resolve(&r), 0);
    CHECK_INT(r.version, 2);
    CHECK_INT(backend_resolve(&r), 0);
    CHECK_INT(r.version, 2); /* nothing new */
    CHECK(backend_resolve(&none) != 0);
    CHECK_INT(none.version, 0);
    (void)strcpy(r.host, none.host);
    CHECK(backend_resolve(&r) != 0);
    CHECK_INT(r.version, 2); /* the last address stays */
    CHECK_INT(backend_connect(&b, false, &fd), -1);
    CHECK_INT(errno, ECONNREFUSED);
    /* Another world's knowledge. */
    backend_keep(&other, &nothing);
    CHECK_INT(other.version, 0);
    backend_keep(&other, &r);
    CHECK_INT(other.version, 2);
    CHECK_INT(other.n, r.n);
    /* A writer was killed half-way: nobody reads that, and the next one mends it. */
    r.version = 3;
    backend_keep(&third, &r);
    CHECK_INT(third.version, 0);
    (void)strcpy(r.host, "localhost");
    CHECK_INT(backend_resolve(&r), 0);
    CHECK_INT(r.version, 4);
    backend_keep(&third, &r);
    CHECK_INT(third.version, 2);
}

/* A name with two addresses, of which only the second is served. */
static void addresses_of_a_name_take_turns(void)
{
    struct addr a = addr("name:1"), dead = addr("127.0.0.1:1"), live = addr("127.0.0.1:1");
    live.u.in.sin_port = 0;
    int fd, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(s, &live.u.sa, live.len), 0);
    CHECK_INT(listen(s, 4), 0);
    CHECK_INT(getsockname(s, &live.u.sa, &live.len), 0);
    struct resolved r = { .version = 2, .n = 2 };
    r.at[0].len = r.at[1].len = dead.len;
    memcpy(&r.at[0].ss, &dead.u, sizeof dead.u);
    memcpy(&r.at[1].ss, &live.u, sizeof live.u);
    struct backend b = { .addr = &a, .resolved = &r };
    struct backends set = { .at = &b, .n = 1 };
    CHECK_INT(backends_tries(&set), 2);
    CHECK_INT(backend_connect(&b, false, &fd), -1);
    backend_failed(&b, 1);
    CHECK(backend_pick(&set, 1) == &b);
    CHECK_INT(backend_connect(&b, false, &fd), 0);
    backend_worked(&b); /* and it stays with the one that works */
    close(fd);
    CHECK_INT(backend_connect(&b, false, &fd), 0);
    close(fd);
    close(s);
}

/* Shared by the processes that look up. */
static struct resolved *shared(size_t n)
{
    struct resolved *at = mmap(NULL, n * sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    for (size_t i = 0; i < n; i++) {
        (void)strcpy(at[i].host, i % 2 == 0 ? "localhost" : "no..such.host");
        at[i].port = (uint16_t)(i + 1);
    }
    return at;
}

static void names_side_by_side(void)
{
    enum { N = 40 };
    struct resolved *r = shared(N), *next = shared(N);
    resolve_names(r, N, true, 20);
    for (size_t i = 0; i < N; i++) {
        CHECK_INT(r[i].version, i % 2 == 0 ? 2 : 0);
        CHECK_INT(r[i].failing, i % 2);
    }
    CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_INT(errno, ECHILD);
    /* What is known is not asked for; a reload starts with it, whatever the place in the new configuration. */
    (void)strcpy(next[0].host, "no..such.host");
    (void)strcpy(next[1].host, "localhost");
    next[1].port = 39;
    resolve_inherit(next, N, r, N);
    CHECK_INT(next[0].version, 0);
    CHECK_INT(next[1].version, 2);
    CHECK_MEM(next[1].at, r[38].at, sizeof r[38].at);
    CHECK_INT(next[2].version, 2);
    (void)munmap(r, N * sizeof *r);
    (void)munmap(next, N * sizeof *next);
}

int main(void)
{
    RUN(first_route_that_matches);
    RUN(least_connections_and_turns);
    RUN(failing_ones_are_avoided_for_a_while);
    RUN(connects);
    RUN(names);
    RUN(addresses_of_a_name_take_turns);
    RUN(names_side_by_side);
    return DONE();
}
