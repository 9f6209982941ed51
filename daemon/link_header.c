/* The PROXY header: who may send one, what it says of the client, what the backend is told. */
#include "link_parts.h"
#include "proxy_protocol.h"

#include <string.h>
#include <sys/socket.h>

/* --- PROXY header in -------------------------------------------------------------------------------------------- */

static bool may_send_header(const struct link *l, const struct sockaddr *peer)
{
    const struct listen_conf *c = l->place->conf;
    if (peer->sa_family == AF_UNIX) /* the file's mode says who may */
        return true;
    for (size_t i = 0; i < c->n_accept_proxy_from; i++)
        if (cidr_holds(&c->accept_proxy_from[i], peer))
            return true;
    return false;
}

/* => false when there are too many of that address; the link is refused then. */
static bool count_ip(struct link *l)
{
    struct link_env *env = l->env;
    if (env->per_ip == NULL || (l->client.family != AF_INET && l->client.family != AF_INET6))
        return true;
    l->counted_ip = true;
    if (per_ip_add(env->per_ip, env->per_ip_table, &l->client) <= env->max_per_ip)
        return true;
    STATS_ADD(env->stats, refused_ip, 1);
    link_word(l, END_LIMIT, 0);
    relay_client_gone(&l->relay);
    return false;
}

bool header_admit(struct link *l, const struct sockaddr *peer)
{
    if (l->phase != LINK_HEADER)
        return count_ip(l);
    if (may_send_header(l, peer))
        return true;
    STATS_ADD(l->env->stats, refused_proxy, 1);
    link_word(l, END_REFUSED, 0);
    relay_client_gone(&l->relay);
    return false;
}

int header_read(struct link *l, size_t have)
{
    struct endpoint src, dst;
    int k = proxy_read(l->env->in, have, &src, &dst);
    if (k == 0)
        return 0;
    if (k < 0) {
        STATS_ADD(l->env->stats, refused_proxy, 1);
        link_word(l, END_PROXY_HEADER, 0);
        relay_client_gone(&l->relay);
        return -1;
    }
    if (src.family != AF_UNSPEC) {
        l->client = src;
        l->local = dst;
    }
    l->phase = LINK_HANDSHAKE;
    return count_ip(l) ? k : -1;
}

/* --- PROXY header out ------------------------------------------------------------------------------------------- */

/* "ECDSA P-256" and "RSA 2048" as haproxy writes them: EC256, RSA2048. */
static void of_certificate(const struct link *l, int credential, struct proxy_facts *f, char out[static 16])
{
    struct tls13_cert_info info;
    out[0] = '\0';
    f->key_alg = out;
    if (credential < 0 || tls13_ctx_cert_info(l->place->ctx, credential, &info) < 0)
        return;
    f->sig_alg = proxy_sig_alg(info.signature);
    const char *bits = info.key + strcspn(info.key, "0123456789");
    /* A curve is named P-256: its digits come behind a dash. */
    const char *prefix = strncmp(info.key, "RSA", 3) == 0 ? "RSA" : "EC";
    size_t n = strlen(prefix), m = strspn(bits, "0123456789");
    if (n + m < 16) {
        memcpy(out, prefix, n);
        memcpy(out + n, bits, m);
        out[n + m] = '\0';
    }
}

/* Where the client connected to: an accepted header's word, else the socket's. */
static void local_end(const struct link *l, struct endpoint *e)
{
    struct sockaddr_storage ss = { 0 };
    socklen_t len = sizeof ss;
    *e = l->local;
    if (e->family == AF_UNSPEC && getsockname(l->client_io.fd, (struct sockaddr *)&ss, &len) == 0)
        endpoint_from(e, (struct sockaddr *)&ss);
}

ssize_t header_write(struct link *l, const struct tls13_info *info)
{
    const struct listen_conf *c = l->place->conf;
    char key[16];
    if (c->proxy_protocol == PROXY_OFF)
        return 0;
    struct proxy_facts f = { .src = l->client,
                             .alpn = info->alpn,
                             .sni = info->sni,
                             .suite = tls13_suite_name(info->suite),
                             .group = tls13_group_name(info->group),
                             .scheme = tls13_scheme_name(info->scheme),
                             .client_cert = info->client_cert,
                             .client_cert_len = info->client_cert_len,
                             .unique_id = (const uint8_t *)l->env->unique,
                             .unique_id_len = sizeof l->env->unique };
    of_certificate(l, info->credential, &f, key);
    local_end(l, &f.dst);
    if (l->client.family == AF_UNIX && l->bound->kind == ADDR_UNIX)
        f.unix_dst = &l->bound->u.un;
    f.client_verified = info->client_verified;
    f.client_cn = info->client_cn;
    l->env->unique[1]++;
    size_t n = proxy_write(c->proxy_protocol, c->proxy_tlvs, &f, l->env->out, l->env->out_cap);
    return n != 0 ? (ssize_t)n : -1;
}
