#include "addr.h"
#include "endpoint.h"

#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

void endpoint_from(struct endpoint *e, const struct sockaddr *sa)
{
    *e = (struct endpoint){ .family = (uint8_t)sa->sa_family };
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        memcpy(e->ip, &in.sin_addr, 4);
        e->port = ntohs(in.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        e->port = ntohs(in6.sin6_port);
        bool v4 = memcmp(&in6.sin6_addr, mapped, sizeof mapped) == 0;
        memcpy(e->ip, in6.sin6_addr.s6_addr + (v4 ? 12 : 0), v4 ? 4 : 16);
        if (v4)
            e->family = AF_INET;
    }
}

/* => the length of what was written to ss (AF_UNIX: a nameless one). */
static socklen_t to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ss)
{
    memset(ss, 0, sizeof *ss);
    ss->ss_family = e->family;
    if (e->family == AF_INET) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(e->port) };
        memcpy(&in.sin_addr, e->ip, 4);
        memcpy(ss, &in, sizeof in);
        return sizeof in;
    }
    if (e->family == AF_INET6) {
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(e->port) };
        memcpy(&in6.sin6_addr, e->ip, 16);
        memcpy(ss, &in6, sizeof in6);
        return sizeof in6;
    }
    return sizeof(sa_family_t);
}

const char *endpoint_text(const struct endpoint *e, char *buf, size_t n)
{
    struct sockaddr_storage ss;
    socklen_t len = to_sockaddr(e, &ss);
    return addr_sockaddr_text((struct sockaddr *)&ss, len, buf, n);
}
