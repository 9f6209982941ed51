/* Addresses and CIDR lists as the configuration writes them. */
#include "addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 253 /* RFC 1035 2.3.4, in text without the final dot */

__attribute__((format(printf, 3, 4))) static bool no(char *why, size_t why_len, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, why_len, fmt, ap);
    va_end(ap);
    return false;
}

/* --- Unix sockets and descriptors from systemd --------------------------------------------------------------- */

static bool parse_unix(struct addr *a, const char *path, char *why, size_t why_len)
{
    size_t n = strlen(path);
    bool abstract = path[0] == '@';
    if (n == 0 || (abstract && n == 1))
        return no(why, why_len, "unix: needs a path behind it, as unix:/run/name.sock or unix:@name");
    if (n >= sizeof a->u.un.sun_path)
        return no(why, why_len, "the path of a Unix socket has at most %zu bytes, this one has %zu", sizeof a->u.un.sun_path - 1, n);
    a->kind = ADDR_UNIX;
    a->u.un.sun_family = AF_UNIX;
    memcpy(a->u.un.sun_path, path, n);
    /* An abstract name is all the bytes behind a NUL, a path ends with one (unix(7)). */
    a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (abstract ? 0 : 1));
    if (abstract)
        a->u.un.sun_path[0] = '\0';
    (void)snprintf(a->host, sizeof a->host, "%s", path);
    return true;
}

static bool parse_systemd(struct addr *a, const char *name, bool for_bind, char *why, size_t why_len)
{
    size_t n = strlen(name);
    if (!for_bind)
        return no(why, why_len, "systemd: hands over listening sockets, it cannot be a backend");
    if (n == 0 || n >= sizeof a->host)
        return no(why, why_len, "systemd: needs the FileDescriptorName= of a socket unit behind it, of 1 to 255 bytes");
    for (size_t i = 0; i < n; i++)
        if (name[i] <= ' ' || name[i] > '~' || name[i] == ':')
            return no(why, why_len, "the name of a descriptor holds no blanks, colons or control characters (systemd.socket(5))");
    a->kind = ADDR_SYSTEMD;
    memcpy(a->host, name, n + 1);
    return true;
}

/* --- host and port ----------------------------------------------------------------------------------------- */

static bool parse_port(struct addr *a, const char *text, bool for_bind, char *why, size_t why_len)
{
    unsigned long port = 0;
    if (*text == '\0')
        return no(why, why_len, "there is no port behind the colon");
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return no(why, why_len, "port %.32s is not a number", text);
        port = port > 65535 ? port : port * 10 + (unsigned long)(*p - '0');
    }
    if (port > 65535)
        return no(why, why_len, "port %.32s is over 65535", text);
    if (port == 0 && !for_bind)
        return no(why, why_len, "port 0 is no port to connect to");
    a->port = (uint16_t)port;
    return true;
}

static void set_v6(struct addr *a, const struct in6_addr *ip, unsigned scope)
{
    a->kind = ADDR_IP;
    a->u.in6.sin6_family = AF_INET6;
    a->u.in6.sin6_addr = *ip;
    a->u.in6.sin6_scope_id = scope;
    a->u.in6.sin6_port = htons(a->port);
    a->len = sizeof a->u.in6;
}

/* text: an IPv6 address without its brackets, maybe with %INTERFACE. */
static bool parse_v6(struct addr *a, const char *text, char *why, size_t why_len)
{
    char ip_text[INET6_ADDRSTRLEN];
    struct in6_addr ip;
    const char *zone = strchr(text, '%');
    size_t n = zone != NULL ? (size_t)(zone - text) : strlen(text);
    unsigned scope = 0;

    if (n >= sizeof ip_text)
        return no(why, why_len, "[%.64s] is not an IPv6 address", text);
    memcpy(ip_text, text, n);
    ip_text[n] = '\0';
    if (inet_pton(AF_INET6, ip_text, &ip) != 1)
        return no(why, why_len, "[%.64s] is not an IPv6 address", text);
    if (zone != NULL && (scope = if_nametoindex(zone + 1)) == 0)
        return no(why, why_len, "there is no network interface %.32s", zone + 1);
    set_v6(a, &ip, scope);
    (void)inet_ntop(AF_INET6, &ip, a->host, sizeof a->host);
    if (zone != NULL) {
        size_t at = strlen(a->host);
        (void)snprintf(a->host + at, sizeof a->host - at, "%.*s", IF_NAMESIZE, zone);
    }
    return true;
}

/* A host name as RFC 1123 2.1 has it, underscores allowed (containers have them); not what looks like a wrong IPv4 address. */
static bool parse_name(struct addr *a, const char *host, size_t n, char *why, size_t why_len)
{
    bool digits = true;
    if (n > HOST_MAX)
        return no(why, why_len, "a host name has at most %d bytes, this one has %zu", HOST_MAX, n);
    for (size_t i = 0, label = 0; i < n; i++) {
        char c = host[i];
        bool dot = c == '.';
        if (!isalnum((unsigned char)c) && c != '-' && c != '_' && !dot)
            return no(why, why_len, "\"%.*s\" is neither an address nor a host name", (int)(n > 64 ? 64 : n), host);
        if (dot ? label == 0 : ++label > 63)
            return no(why, why_len, "a label of a host name has 1 to 63 bytes");
        if (dot)
            label = 0;
        digits = digits && (dot || isdigit((unsigned char)c));
    }
    if (digits)
        return no(why, why_len, "%.*s is not an IPv4 address", (int)(n > 64 ? 64 : n), host);
    a->kind = ADDR_NAME;
    for (size_t i = 0; i < n; i++)
        a->host[i] = (char)tolower((unsigned char)host[i]);
    return true;
}

static bool parse_host(struct addr *a, const char *host, size_t n, char *why, size_t why_len)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr ip;
    if (n < sizeof text) {
        memcpy(text, host, n);
        text[n] = '\0';
        if (inet_pton(AF_INET, text, &ip) == 1) {
            a->kind = ADDR_IP;
            a->u.in.sin_family = AF_INET;
            a->u.in.sin_addr = ip;
            a->u.in.sin_port = htons(a->port);
            a->len = sizeof a->u.in;
            memcpy(a->host, text, n + 1);
            return true;
        }
    }
    return parse_name(a, host, n, why, why_len);
}

/* Why text, with several colons but not in brackets, is no address. */
static bool many_colons(const char *text, char *why, size_t why_len)
{
    if (strpbrk(text, ", \t") != NULL)
        return no(why, why_len, "\"%.64s\" is more than one address; each has a line of its own", text);
    if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text))
        return no(why, why_len, "\"%.64s\" is not HOST:PORT, [V6]:PORT or unix:PATH", text);
    return no(why, why_len, "\"%.64s\": an IPv6 address stands in brackets, as [::1]:443", text);
}

bool addr_parse(struct addr *a, const char *text, bool for_bind, char *why, size_t why_len)
{
    memset(a, 0, sizeof *a);
    if (*text == '\0')
        return no(why, why_len, "an address is needed, as HOST:PORT, [V6]:PORT or unix:PATH");
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(a, text + 5, why, why_len);
    if (strncmp(text, "systemd:", 8) == 0)
        return parse_systemd(a, text + 8, for_bind, why, why_len);

    if (text[0] == '[') {
        char inside[INET6_ADDRSTRLEN + IF_NAMESIZE];
        const char *end = strchr(text, ']');
        if (end == NULL)
            return no(why, why_len, "the bracket is not closed: [V6]:PORT");
        size_t n = (size_t)(end - text) - 1;
        if (end[1] != ':')
            return no(why, why_len, "a port is needed behind the bracket: %.*s:%.5s", (int)(n < 64 ? n + 2 : 64), text,
                      end[1] >= '0' && end[1] <= '9' ? end + 1 : "443");
        if (n >= sizeof inside)
            return no(why, why_len, "what stands in the brackets is not an IPv6 address");
        memcpy(inside, text + 1, n);
        inside[n] = '\0';
        return parse_port(a, end + 2, for_bind, why, why_len) && parse_v6(a, inside, why, why_len);
    }

    if (text[0] == '/')
        return no(why, why_len, "a Unix socket is written as unix:%.64s", text);
    if (strstr(text, "://") != NULL)
        return no(why, why_len, "\"%.64s\": an address has no scheme, only HOST:PORT", text);
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        if (strspn(text, "0123456789") == strlen(text) && for_bind)
            return no(why, why_len, "a port alone is written with a colon: :%.32s", text);
        if (strspn(text, "0123456789") == strlen(text))
            return no(why, why_len, "a port alone needs a host: 127.0.0.1:%.32s", text);
        return no(why, why_len, "a port is needed, as in %.64s:%s", text, for_bind ? "443" : "8080");
    }
    if (strchr(text, ':') != colon)
        return many_colons(text, why, why_len);
    if (!parse_port(a, colon + 1, for_bind, why, why_len))
        return false;
    if (colon != text && !(colon == text + 1 && text[0] == '*'))
        return parse_host(a, text, (size_t)(colon - text), why, why_len);
    if (!for_bind)
        return no(why, why_len, "a backend needs a host: 127.0.0.1%.32s", colon);
    if (colon != text)
        return no(why, why_len, "every address is written without a star: %.32s", colon);
    set_v6(a, &in6addr_any, 0);
    memcpy(a->host, "::", 3);
    return true;
}

/* --- text ---------------------------------------------------------------------------------------------------- */

const char *addr_text(const struct addr *a, char *buf, size_t n)
{
    switch (a->kind) {
    case ADDR_IP:
        (void)snprintf(buf, n, a->u.sa.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", a->host, a->port);
        break;
    case ADDR_NAME:
        (void)snprintf(buf, n, "%s:%u", a->host, a->port);
        break;
    case ADDR_UNIX:
        (void)snprintf(buf, n, "unix:%s", a->host);
        break;
    case ADDR_SYSTEMD:
        (void)snprintf(buf, n, "systemd:%s", a->host);
        break;
    }
    return buf;
}

static void unix_text(const struct sockaddr_un *un, socklen_t len, char *buf, size_t n)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t bytes = len > head ? len - head : 0;
    char path[sizeof un->sun_path + 1];
    if (bytes > sizeof un->sun_path)
        bytes = sizeof un->sun_path;
    memcpy(path, un->sun_path, bytes);
    path[bytes] = '\0';
    /* NULs occur inside abstract names only; they are shown as '@', as ss(8) and /proc/net/unix do. */
    if (bytes > 0 && path[0] == '\0')
        for (size_t i = 0; i < bytes; i++)
            path[i] = path[i] == '\0' ? '@' : path[i];
    (void)snprintf(buf, n, "unix:%s", path);
}

const char *addr_sockaddr_text(const struct sockaddr *sa, socklen_t len, char *buf, size_t n)
{
    char ip[INET6_ADDRSTRLEN], zone[IF_NAMESIZE];
    if (n == 0)
        return buf;
    buf[0] = '\0';
    if (len < sizeof sa->sa_family)
        return buf;
    if (sa->sa_family == AF_UNIX) {
        unix_text((const struct sockaddr_un *)(const void *)sa, len, buf, n);
        return buf;
    }
    if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *in = (const void *)sa;
        (void)inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        (void)snprintf(buf, n, "%s:%u", ip, ntohs(in->sin_port));
    }
    if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *in6 = (const void *)sa;
        /* An IPv4 client of a dual-stack socket is an IPv4 client to everybody who reads the log. */
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            (void)inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, ip, sizeof ip);
            (void)snprintf(buf, n, "%s:%u", ip, ntohs(in6->sin6_port));
            return buf;
        }
        bool scoped = in6->sin6_scope_id != 0 && if_indextoname(in6->sin6_scope_id, zone) != NULL;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof ip);
        (void)snprintf(buf, n, "[%s%s%s]:%u", ip, scoped ? "%" : "", scoped ? zone : "", ntohs(in6->sin6_port));
    }
    return buf;
}

/* --- CIDR ---------------------------------------------------------------------------------------------------- */

bool cidr_parse(struct cidr *c, const char *text, char *why, size_t why_len)
{
    char ip[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);

    memset(c, 0, sizeof *c);
    if (n >= sizeof ip)
        return no(why, why_len, "%.64s is not an address or ADDRESS/BITS", text);
    memcpy(ip, text, n);
    ip[n] = '\0';
    c->family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET;
    if (inet_pton(c->family, ip, c->ip) != 1)
        return no(why, why_len, "%.64s is not an address or ADDRESS/BITS", text);

    unsigned most = c->family == AF_INET6 ? 128 : 32;
    c->bits = most;
    if (slash != NULL) {
        size_t digits = strspn(slash + 1, "0123456789");
        if (digits == 0 || digits > 3 || slash[1 + digits] != '\0' || sscanf(slash + 1, "%u", &c->bits) != 1 || c->bits > most)
            return no(why, why_len, "the prefix of %.64s is a number of bits, 0 to %u", text, most);
    }
    for (unsigned bit = c->bits; bit < most; bit++)
        if (c->ip[bit / 8] >> (7 - bit % 8) & 1)
            return no(why, why_len, "%.64s has bits set behind its prefix of %u; is the prefix meant longer?", text, c->bits);
    return true;
}

bool cidr_holds(const struct cidr *c, const struct sockaddr *sa)
{
    const uint8_t *ip = NULL;
    if (sa->sa_family == AF_INET && c->family == AF_INET)
        ip = (const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr;
    if (sa->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
        if (c->family == AF_INET6)
            ip = v6->s6_addr;
        else if (IN6_IS_ADDR_V4MAPPED(v6))
            ip = v6->s6_addr + 12;
    }
    if (ip == NULL)
        return false;
    unsigned whole = c->bits / 8, rest = c->bits % 8;
    if (memcmp(ip, c->ip, whole) != 0)
        return false;
    return rest == 0 || (ip[whole] ^ c->ip[whole]) >> (8 - rest) == 0;
}
