/* One end of a connection in 20 bytes: what is kept of a client's address while it lives. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
    uint8_t ip[16]; /* AF_INET: the first four */
    uint16_t port;  /* host order */
    uint8_t family; /* AF_INET, AF_INET6, AF_UNIX (no more is known), AF_UNSPEC */
};

/* An IPv4 address mapped into IPv6 becomes the IPv4 one. */
void endpoint_from(struct endpoint *e, const struct sockaddr *sa);
/* "192.0.2.1:80", "[2001:db8::1]:80", "unix:"; => buf, which ADDR_TEXT always suffices for. */
const char *endpoint_text(const struct endpoint *e, char *buf, size_t n);

#endif
