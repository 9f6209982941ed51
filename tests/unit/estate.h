/* What an old master has to hand over: listening sockets of each kind, inherited ones, keys and names. */
#ifndef ESTATE_H
#define ESTATE_H

#include "handover.h"
#include "unit.h"

#include <unistd.h>

static char why[2048];

static struct bindings open_all(const char *const *texts, size_t n, size_t workers)
{
    static struct addr at[8];
    static char name[] = "t";
    static const struct inheritance none;
    struct listen_conf l = { .name = name, .binds = at, .n_binds = n, .backlog = 16 };
    struct config c = { .listens = &l, .n_listens = 1 };
    struct bindings b;
    for (size_t i = 0; i < n; i++)
        CHECK(addr_parse(&at[i], texts[i], true, why, sizeof why));
    CHECK_INT(listen_open(&b, NULL, &none, &c, workers, why, sizeof why), 0);
    return b;
}

/* Of this process: the plain build's tests run beside the sanitizers'. */
static char path[64], abstract[64];

static void estate_addresses(void)
{
    (void)snprintf(path, sizeof path, "unix:/tmp/tls13d-unit-%d", (int)getpid());
    (void)snprintf(abstract, sizeof abstract, "unix:@tls13d-unit-%d", (int)getpid());
}

static struct handover estate(void)
{
    static struct resolved names[2] = { { .host = "db.example", .port = 5432 }, { .host = "new.example", .port = 1 } };
    const char *const binds[] = { "127.0.0.1:0", "[::1]:0", "localhost:0", path, abstract };
    static const char *const admin[] = { "127.0.0.1:0" };
    struct handover h = { .generation = 41, .names = names, .n_names = 2, .key_made = 1234, .rotate_in = 4321.5 };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(5432), .sin_addr.s_addr = htonl(0xc0000201) };
    h.binds = open_all(binds, 5, 3);
    h.admin = open_all(admin, 1, 1);
    h.inherited.n = 2;
    for (int i = 0; i < 2; i++) {
        h.inherited.at[i].fd = dup(h.binds.at[0].fds[i]);
        (void)snprintf(h.inherited.at[i].name, sizeof h.inherited.at[i].name, "name%d", i);
    }
    h.ring.n = 2;
    memset(h.ring.key[0], 'a', sizeof h.ring.key[0]);
    memset(h.ring.key[1], 'b', sizeof h.ring.key[1]);
    names[0].version = 2;
    names[0].n = 1;
    names[0].at[0].len = sizeof in;
    memcpy(&names[0].at[0].ss, &in, sizeof in);
    return h;
}

static void estate_close(struct handover *h)
{
    listen_close(&h->binds, NULL);
    listen_close(&h->admin, NULL);
    for (size_t i = 0; i < h->inherited.n; i++)
        close(h->inherited.at[i].fd);
}

#endif
