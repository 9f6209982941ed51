/* Addresses as the configuration writes them: HOST:PORT, [V6]:PORT, :PORT, unix:PATH, unix:@ABSTRACT, systemd:NAME. */
#ifndef ADDR_H
#define ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

enum addr_kind { ADDR_IP, ADDR_NAME, ADDR_UNIX, ADDR_SYSTEMD };

/* Parsed, not resolved.  Plain memory. */
struct addr {
    enum addr_kind kind;
    char host[256]; /* ADDR_NAME: the host name; ADDR_SYSTEMD: the descriptor's name; else the text of the host */
    uint16_t port;  /* ADDR_IP, ADDR_NAME */
    socklen_t len;  /* of sa; 0 until resolved for ADDR_NAME */
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage ss;
    } u;
};

/* Parses text.  => true; false with a sentence for people in why ("port 70000 is over 65535"). */
bool addr_parse(struct addr *a, const char *text, bool for_bind, char *why, size_t why_len);
/* Writes the address as the configuration would; => buf.  Any sockaddr: "192.0.2.1:80", "[::1]:80", "unix:/run/x", "unix:@x", "unix:". */
const char *addr_text(const struct addr *a, char *buf, size_t n);
const char *addr_sockaddr_text(const struct sockaddr *sa, socklen_t len, char *buf, size_t n);
#define ADDR_TEXT 300 /* room that always suffices */

/* CIDR lists (accept-proxy-from). */
struct cidr {
    int family;
    unsigned bits;
    uint8_t ip[16];
};
bool cidr_parse(struct cidr *c, const char *text, char *why, size_t why_len);
bool cidr_holds(const struct cidr *c, const struct sockaddr *sa);

#endif
