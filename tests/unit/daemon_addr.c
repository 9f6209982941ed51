/* addr: every form of an address, every mistake with its sentence, and CIDR lists. */
#include "addr.h"
#include "unit.h"

#include <arpa/inet.h>

static char text[ADDR_TEXT], why[256];

/* What an address reads back as; "" when it is refused. */
static const char *back(const char *from, bool for_bind)
{
    struct addr a;
    return addr_parse(&a, from, for_bind, why, sizeof why) ? addr_text(&a, text, sizeof text) : "";
}

static void forms_of_addresses(void)
{
    static const struct {
        const char *from, *to;
        bool for_bind;
    } good[] = {
        { "127.0.0.1:80", "127.0.0.1:80", false },
        { "127.0.0.1:0", "127.0.0.1:0", true },
        { "[::1]:443", "[::1]:443", false },
        { "[2001:DB8:0::1]:65535", "[2001:db8::1]:65535", false },
        { "[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80", false },
        { "[fe80::1%lo]:80", "[fe80::1%lo]:80", false },
        { ":443", "[::]:443", true },
        { "Example.org:80", "example.org:80", false },
        { "a_b.c-d.:80", "a_b.c-d.:80", false },
        { "unix:/run/x.sock", "unix:/run/x.sock", false },
        { "unix:@abstract name", "unix:@abstract name", true },
        { "systemd:https", "systemd:https", true },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK_STR(back(good[i].from, good[i].for_bind), good[i].to);
}

static void kinds_of_addresses(void)
{
    struct addr a;
    CHECK(addr_parse(&a, ":443", true, why, sizeof why));
    CHECK_INT(a.kind, ADDR_IP);
    CHECK_INT(a.len, sizeof(struct sockaddr_in6));
    CHECK_INT(ntohs(a.u.in6.sin6_port), 443);
    CHECK(addr_parse(&a, "192.0.2.7:81", false, why, sizeof why));
    CHECK_INT(a.len, sizeof(struct sockaddr_in));
    CHECK_INT(ntohl(a.u.in.sin_addr.s_addr), 0xc0000207);
    CHECK(addr_parse(&a, "localhost:82", false, why, sizeof why));
    CHECK_INT(a.kind, ADDR_NAME);
    CHECK_INT(a.len, 0);
    CHECK_INT(a.port, 82);
    CHECK(addr_parse(&a, "unix:@ab", false, why, sizeof why));
    CHECK_INT(a.len, offsetof(struct sockaddr_un, sun_path) + 3);
    CHECK_MEM(a.u.un.sun_path, "\0ab", 3);
    CHECK(addr_parse(&a, "unix:/a", false, why, sizeof why));
    CHECK_INT(a.len, offsetof(struct sockaddr_un, sun_path) + 3);
}

static void wrong_addresses_say_why(void)
{
    static const struct {
        const char *from, *says;
        bool for_bind;
    } wrong[] = {
        { "", "an address is needed", false },
        { "1.2.3.4", "a port is needed, as in 1.2.3.4:8080", false },
        { "1.2.3.4", "a port is needed, as in 1.2.3.4:443", true },
        { "443", "a port alone is written with a colon: :443", true },
        { "/run/x.sock", "a Unix socket is written as unix:/run/x.sock", false },
        { "http://1.2.3.4:80", "\"http://1.2.3.4:80\": an address has no scheme, only HOST:PORT", false },
        { "8080", "a port alone needs a host: 127.0.0.1:8080", false },
        { ":443", "a backend needs a host: 127.0.0.1:443", false },
        { "*:443", "without a star: :443", true },
        { "1.2.3.4:", "no port behind the colon", false },
        { "1.2.3.4:70000", "port 70000 is over 65535", false },
        { "1.2.3.4:99999999999999999999", "is over 65535", false },
        { "1.2.3.4:0", "port 0 is no port to connect to", false },
        { "1.2.3.4:http", "port http is not a number", false },
        { "1.2.3.4:-1", "port -1 is not a number", false },
        { "1.2.3.256:80", "1.2.3.256 is not an IPv4 address", false },
        { "1.2.3:80", "1.2.3 is not an IPv4 address", false },
        { "::1:443", "an IPv6 address stands in brackets", true },
        { "[::1]", "a port is needed behind the bracket", false },
        { "[::1]", "the bracket: [::1]:443", false },
        { "[::1]8443", "a port is needed behind the bracket: [::1]:8443", false },
        { "1.2.3.4:80, [::]:80", "is more than one address; each has a line of its own", true },
        { "1.2.3.4:80 1.2.3.4:81", "is more than one address", false },
        { "tcp:1.2.3.4:80", "\"tcp:1.2.3.4:80\" is not HOST:PORT, [V6]:PORT or unix:PATH", true },
        { "[::1:443", "the bracket is not closed", false },
        { "[::g]:443", "[::g] is not an IPv6 address", false },
        { "[1.2.3.4]:443", "is not an IPv6 address", false },
        { "[fe80::1%nosuchif]:80", "there is no network interface nosuchif", false },
        { "a b:80", "neither an address nor a host name", false },
        { "a..b:80", "a label", false },
        { "unix:", "unix: needs a path", false },
        { "unix:@", "unix: needs a path", false },
        { "systemd:x", "cannot be a backend", false },
        { "systemd:", "systemd: needs the FileDescriptorName=", true },
        { "systemd:a b", "no blanks", true },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_STR(back(wrong[i].from, wrong[i].for_bind), "");
        if (strstr(why, wrong[i].says) == NULL)
            printf("# \"%s\" says \"%s\"\n", wrong[i].from, why);
        CHECK(strstr(why, wrong[i].says) != NULL);
    }
}

static void lengths_at_their_bounds(void)
{
    char long_name[400];
    struct addr a;
    memset(long_name, 'a', sizeof long_name);
    memcpy(long_name, "unix:/", 6);
    long_name[5 + sizeof a.u.un.sun_path - 1] = '\0';
    CHECK(addr_parse(&a, long_name, false, why, sizeof why));
    long_name[5 + sizeof a.u.un.sun_path - 1] = 'a';
    long_name[5 + sizeof a.u.un.sun_path] = '\0';
    CHECK(!addr_parse(&a, long_name, false, why, sizeof why));

    memset(long_name, 'a', sizeof long_name);
    strcpy(long_name + 63, ":80");
    CHECK(addr_parse(&a, long_name, false, why, sizeof why));
    memset(long_name, 'a', sizeof long_name);
    strcpy(long_name + 64, ":80");
    CHECK(!addr_parse(&a, long_name, false, why, sizeof why));

    for (size_t i = 0; i < sizeof long_name; i++)
        long_name[i] = i % 2 ? '.' : 'a';
    strcpy(long_name + 253, ":80");
    CHECK(addr_parse(&a, long_name, false, why, sizeof why));
    long_name[253] = 'a';
    strcpy(long_name + 254, ":80");
    CHECK(!addr_parse(&a, long_name, false, why, sizeof why));
    memset(long_name, '1', 399);
    long_name[0] = '[';
    long_name[399] = '\0';
    strcpy(long_name + 300, "]:80");
    CHECK(!addr_parse(&a, long_name, false, why, sizeof why));
}

static const char *sockaddr(const void *sa, size_t len)
{
    return addr_sockaddr_text(sa, (socklen_t)len, text, sizeof text);
}

static void text_of_any_socket_address(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(81) };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t head = offsetof(struct sockaddr_un, sun_path);
    CHECK_INT(inet_pton(AF_INET, "192.0.2.1", &in.sin_addr), 1);
    CHECK_STR(sockaddr(&in, sizeof in), "192.0.2.1:80");
    CHECK_STR(sockaddr(&in, 1), "");
    CHECK_STR(sockaddr(&in, sizeof in - 9), "");
    CHECK_INT(inet_pton(AF_INET6, "2001:db8::2", &in6.sin6_addr), 1);
    CHECK_STR(sockaddr(&in6, sizeof in6), "[2001:db8::2]:81");
    CHECK_INT(inet_pton(AF_INET6, "::ffff:192.0.2.9", &in6.sin6_addr), 1);
    CHECK_STR(sockaddr(&in6, sizeof in6), "192.0.2.9:81");
    in6.sin6_scope_id = 1;
    CHECK_INT(inet_pton(AF_INET6, "fe80::1", &in6.sin6_addr), 1);
    CHECK_STR(sockaddr(&in6, sizeof in6), "[fe80::1%lo]:81");
    CHECK_STR(sockaddr(&un, head), "unix:");
    memcpy(un.sun_path, "\0a\0b", 4);
    CHECK_STR(sockaddr(&un, head + 4), "unix:@a@b");
    memset(un.sun_path, 'x', sizeof un.sun_path); /* not ended by a NUL: unix(7), BUGS */
    CHECK_INT(strlen(sockaddr(&un, sizeof un)), 5 + sizeof un.sun_path);
    CHECK_STR(addr_sockaddr_text((struct sockaddr *)&in, sizeof in, text, 5), "192.");
}

static bool holds(const char *cidr, const char *ip)
{
    struct cidr c;
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    CHECK(cidr_parse(&c, cidr, why, sizeof why));
    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1)
        return cidr_holds(&c, (struct sockaddr *)&in);
    CHECK_INT(inet_pton(AF_INET6, ip, &in6.sin6_addr), 1);
    return cidr_holds(&c, (struct sockaddr *)&in6);
}

static void cidr_lists(void)
{
    struct sockaddr un = { .sa_family = AF_UNIX };
    struct cidr c;
    CHECK(holds("127.0.0.0/8", "127.255.255.255"));
    CHECK(!holds("127.0.0.0/8", "128.0.0.0"));
    CHECK(holds("10.20.0.0/15", "10.21.255.255"));
    CHECK(!holds("10.20.0.0/15", "10.22.0.0"));
    CHECK(holds("192.0.2.1", "192.0.2.1"));
    CHECK(!holds("192.0.2.1", "192.0.2.0"));
    CHECK(holds("0.0.0.0/0", "255.1.2.3"));
    CHECK(holds("127.0.0.0/8", "::ffff:127.0.0.1")); /* a dual-stack socket's client */
    CHECK(!holds("127.0.0.0/8", "::1"));
    CHECK(holds("::1/128", "::1"));
    CHECK(!holds("::1", "::2"));
    CHECK(holds("2001:db8::/33", "2001:db8:7fff::"));
    CHECK(!holds("2001:db8::/33", "2001:db8:8000::"));
    CHECK(!holds("::/0", "127.0.0.1"));
    CHECK(cidr_parse(&c, "0.0.0.0/0", why, sizeof why) && !cidr_holds(&c, &un));
}

static void wrong_cidrs(void)
{
    static const char *const wrong[] = { "",
                                         "10.0.0.0/33",
                                         "10.0.0.0/",
                                         "10.0.0.0/x",
                                         "10.0.0.0/-1",
                                         "10.0.0.1/8",
                                         "10.0.0/8",
                                         "::1/129",
                                         "::1/64",
                                         "host",
                                         "10.0.0.0/8/8",
                                         "10.0.0.0/ 8",
                                         "10.0.0.0/8 ",
                                         "/8",
                                         "10.0.0.0/99999999999999999999",
                                         "::%lo/128" };
    struct cidr c;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        why[0] = '\0';
        if (cidr_parse(&c, wrong[i], why, sizeof why))
            printf("# taken: %s\n", wrong[i]);
        CHECK(!cidr_parse(&c, wrong[i], why, sizeof why));
        CHECK(why[0] != '\0');
    }
}

int main(void)
{
    RUN(forms_of_addresses);
    RUN(kinds_of_addresses);
    RUN(wrong_addresses_say_why);
    RUN(lengths_at_their_bounds);
    RUN(text_of_any_socket_address);
    RUN(cidr_lists);
    RUN(wrong_cidrs);
    return DONE();
}
