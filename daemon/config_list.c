/* Values that are lists: addresses, certificates, routes, suites, names. */
#include "config.h"
#include "tls13.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- addresses ----------------------------------------------------------------------------------------------- */

static bool parse_addr(const struct setter *s, const struct row *row, const char *value, bool for_bind, struct addr *a)
{
    char why[256], *text = option_addr(s->base, value);
    bool good = addr_parse(a, text, for_bind, why, sizeof why);
    if (!good)
        problem_add(s->p, s->origin, row->name, "%s", why);
    free(text);
    return good;
}

static bool add_bind(const struct setter *s, const struct row *row, const char *value)
{
    struct addr a;
    struct listen_conf *l = s->l;
    if (!parse_addr(s, row, value, true, &a))
        return false;
    l->binds = mem_grow(l->binds, l->n_binds + 1, sizeof *l->binds);
    l->bind_origins = mem_grow(l->bind_origins, l->n_binds + 1, sizeof *l->bind_origins);
    l->bind_origins[l->n_binds] = s->origin;
    l->binds[l->n_binds++] = a;
    return true;
}

static bool add_backend(const struct setter *s, const struct row *row, const char *value)
{
    struct addr a;
    struct listen_conf *l = s->l;
    if (!parse_addr(s, row, value, false, &a))
        return false;
    l->backends = mem_grow(l->backends, l->n_backends + 1, sizeof *l->backends);
    l->backends[l->n_backends++] = a;
    return true;
}

/* --- certificates -------------------------------------------------------------------------------------------- */

static bool add_cert(const struct setter *s, const char *value)
{
    struct listen_conf *l = s->l;
    l->certs = mem_grow(l->certs, l->n_certs + 1, sizeof *l->certs);
    l->certs[l->n_certs++] = (struct cert_conf){ .certificate = option_path(s->base, value), .origin = s->origin };
    return true;
}

static bool set_key(const struct setter *s, const struct row *row, const char *value)
{
    struct listen_conf *l = s->l;
    struct cert_conf *c = l->n_certs > 0 ? &l->certs[l->n_certs - 1] : NULL;
    if (s->origin.line == 0)
        return true;
    /* A flag belongs to the certificate flag before it, never to a line of the file. */
    if (c == NULL || (s->origin.file == NULL && c->origin.file != NULL)) {
        problem_add(s->p, s->origin, row->name, "stands before any certificate; it belongs to the certificate above it");
        return false;
    }
    if (c->key_origin.line != 0) {
        problem_add(s->p, s->origin, row->name, "the certificate above, %.256s, has its key already", c->certificate);
        return false;
    }
    c->key_origin = s->origin;
    c->private_key = value[0] != '\0' ? option_path(s->base, value) : NULL;
    return true;
}

/* --- routes -------------------------------------------------------------------------------------------------- */

/* Checks the pattern of a server name: labels, the first of which may be a star; => what is wrong, or NULL. */
static const char *host_pattern(char *p)
{
    size_t label = 0, n = strlen(p);
    if (n == 0 || n > 253)
        return "a server name has 1 to 253 bytes";
    if (strncmp(p, "*.", 2) == 0)
        p += 2;
    for (; *p != '\0'; p++) {
        if (*p == '*')
            return "a star stands for the whole first label only, as *.example.org";
        if (*p != '.' && !isalnum((unsigned char)*p) && *p != '-' && *p != '_')
            return "a server name has letters, digits, '-', '_' and '.' only";
        if (*p == '.' ? label == 0 : ++label > 63)
            return "a label of a server name has 1 to 63 bytes";
        label = *p == '.' ? 0 : label;
        *p = (char)tolower((unsigned char)*p);
    }
    return label == 0 ? "a server name does not end with a dot" : NULL;
}

static bool add_route(const struct setter *s, const struct row *row, const char *value)
{
    struct route_conf r = { .origin = s->origin };
    struct listen_conf *l = s->l;
    const char *wrong = NULL;
    if (value[0] == '\0')
        return true;
    bool sni = strncmp(value, "sni:", 4) == 0;
    size_t head = sni ? 4 : 5;
    size_t len = strcspn(value, " \t");
    const char *address = value + len + strspn(value + len, " \t");
    if ((!sni && strncmp(value, "alpn:", 5) != 0) || *address == '\0') {
        problem_add(s->p, s->origin, row->name, "\"%.64s\" is not sni:NAME ADDRESS or alpn:NAME ADDRESS", value);
        return false;
    }
    r.by = sni ? ROUTE_SNI : ROUTE_ALPN;
    r.pattern = mem_text(value + head, len - head);
    if (sni)
        wrong = host_pattern(r.pattern);
    else if (len - head == 0 || len - head > 255)
        wrong = "an application protocol has 1 to 255 bytes";
    if (wrong != NULL)
        problem_add(s->p, s->origin, row->name, "%s", wrong);
    if (wrong != NULL || !parse_addr(s, row, address, false, &r.backend)) {
        free(r.pattern);
        return false;
    }
    l->routes = mem_grow(l->routes, l->n_routes + 1, sizeof *l->routes);
    l->routes[l->n_routes++] = r;
    return true;
}

/* --- lists with commas --------------------------------------------------------------------------------------- */

static bool wrong_item(const struct setter *s, const struct row *row, const char *item, const char *what)
{
    problem_add(s->p, s->origin, row->name, "\"%.100s\" %s", item, what);
    return false;
}

static bool add_alpn(const struct setter *s, const struct row *row, const char *item)
{
    struct str_list *list = &s->l->alpn;
    if (strlen(item) > 255)
        return wrong_item(s, row, item, "is longer than the 255 bytes of an application protocol");
    if (strchr(item, ' ') != NULL) /* allowed, but as a rule one that no client has, so all would be refused */
        problem_warn(s->p, s->origin, row->name, "\"%.100s\" is one protocol; commas stand between more, as in h2, http/1.1", item);
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->at[i], item) == 0)
            return wrong_item(s, row, item, "is there twice");
    list_add(list, item, strlen(item));
    return true;
}

static bool add_name(const struct setter *s, const struct row *row, const char *item)
{
    const char *colon = strchr(item, ':');
    if (colon == NULL || option_word("dns|uri|cn|spki-sha256", item, (size_t)(colon - item)) < 0 || colon[1] == '\0')
        return wrong_item(s, row, item, "is not dns:NAME, uri:URI, cn:NAME or spki-sha256:HEX");
    if (item[0] == 's' && (strlen(colon + 1) != 64 || strspn(colon + 1, "0123456789abcdefABCDEF") != 64))
        return wrong_item(s, row, item, "does not have the 64 hex digits of a SHA-256 hash");
    list_add(&s->l->client_names, item, strlen(item));
    return true;
}

static bool add_code(const struct setter *s, const struct row *row, const char *item, uint16_t code, uint16_t **codes, size_t *n)
{
    if (code == 0)
        return wrong_item(s, row, item,
                          row->type == T_SUITES
                              ? "is not one of TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256"
                              : "is not one of X25519MLKEM768, x25519, secp256r1, secp384r1");
    for (size_t i = 0; i < *n; i++)
        if ((*codes)[i] == code)
            return wrong_item(s, row, item, "is there twice");
    *codes = mem_grow(*codes, *n + 1, sizeof **codes);
    (*codes)[(*n)++] = code;
    return true;
}

static bool add_tlv(const struct setter *s, const struct row *row, const char *item)
{
    int i = option_word(row->words, item, strlen(item));
    if (i < 0)
        return wrong_item(s, row, item, "is not one of alpn, authority, ssl, unique-id, crc32c, client-cert");
    s->l->proxy_tlvs |= 1U << i; /* the words are in the order of the TLV_ bits */
    return true;
}

static bool add_cidr(const struct setter *s, const struct row *row, const char *item)
{
    struct listen_conf *l = s->l;
    struct cidr c;
    char why[256];
    if (!cidr_parse(&c, item, why, sizeof why)) {
        problem_add(s->p, s->origin, row->name, "%s", why);
        return false;
    }
    l->accept_proxy_from = mem_grow(l->accept_proxy_from, l->n_accept_proxy_from + 1, sizeof c);
    l->accept_proxy_from[l->n_accept_proxy_from++] = c;
    return true;
}

static bool add_item(const struct setter *s, const struct row *row, const char *item)
{
    struct listen_conf *l = s->l;
    switch (row->type) {
    case T_ALPN:
        return add_alpn(s, row, item);
    case T_NAMES:
        return add_name(s, row, item);
    case T_SUITES:
        return add_code(s, row, item, tls13_suite_by_name(item), &l->suites, &l->n_suites);
    case T_GROUPS:
        return add_code(s, row, item, tls13_group_by_name(item), &l->groups, &l->n_groups);
    case T_TLVS:
        return add_tlv(s, row, item);
    default:
        return add_cidr(s, row, item);
    }
}

static bool add_items(const struct setter *s, const struct row *row, const char *value)
{
    const char *p = value;
    bool good = true;
    while (*p != '\0') {
        p += strspn(p, " \t");
        size_t len = strcspn(p, ","), n = len;
        while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
            n--;
        if (n == 0) {
            problem_add(s->p, s->origin, row->name, "there is nothing between two commas, or behind the last one");
            return false;
        }
        char *item = mem_text(p, n);
        /* Behind the blank that printing puts in front of it, it would begin a comment. */
        bool comment = item[0] == ';' || item[0] == '#';
        good = (comment ? wrong_item(s, row, item, "begins like a comment") : add_item(s, row, item)) && good;
        free(item);
        p += len;
        if (p[0] == ',' && p[1] == '\0') {
            problem_add(s->p, s->origin, row->name, "there is nothing between two commas, or behind the last one");
            return false;
        }
        p += p[0] == ',';
    }
    return good;
}

bool option_set_list(const struct setter *s, const struct row *row, const char *value)
{
    switch (row->type) {
    case T_BIND:
        return add_bind(s, row, value);
    case T_BACKEND:
        return add_backend(s, row, value);
    case T_CERT:
        return add_cert(s, value);
    case T_KEY:
        return set_key(s, row, value);
    case T_ROUTE:
        return add_route(s, row, value);
    default:
        return add_items(s, row, value);
    }
}

/* --- clearing ------------------------------------------------------------------------------------------------ */

static void clear_certs(struct listen_conf *l)
{
    for (size_t i = 0; i < l->n_certs; i++) {
        free(l->certs[i].certificate);
        free(l->certs[i].private_key);
    }
    free(l->certs);
    l->certs = NULL;
    l->n_certs = 0;
}

static void clear_routes(struct listen_conf *l)
{
    for (size_t i = 0; i < l->n_routes; i++)
        free(l->routes[i].pattern);
    free(l->routes);
    l->routes = NULL;
    l->n_routes = 0;
}

#define CLEAR(list, n)  \
    do {                \
        free(l->list);  \
        l->list = NULL; \
        l->n = 0;       \
    } while (0)

void option_clear(struct config *c, struct listen_conf *l, const struct row *row)
{
    char **text = (char **)(void *)((row->section == IN_DAEMON ? (char *)c : (char *)l) + row->offset);
    switch (row->type) {
    case T_TEXT:
    case T_PATH:
    case T_ADMIN:
    case T_DEFAULT_CERT:
        free(*text);
        *text = NULL;
        break;
    case T_BIND:
        CLEAR(bind_origins, n_binds);
        CLEAR(binds, n_binds);
        break;
    case T_BACKEND:
        CLEAR(backends, n_backends);
        break;
    case T_CERT:
        clear_certs(l);
        break;
    case T_ROUTE:
        clear_routes(l);
        break;
    case T_ALPN:
        list_free(&l->alpn);
        break;
    case T_NAMES:
        list_free(&l->client_names);
        break;
    case T_SUITES:
        CLEAR(suites, n_suites);
        break;
    case T_GROUPS:
        CLEAR(groups, n_groups);
        break;
    case T_TLVS:
        l->proxy_tlvs = 0;
        break;
    case T_CIDRS:
        CLEAR(accept_proxy_from, n_accept_proxy_from);
        break;
    case T_INT:
    case T_TIME:
    case T_WORD:
    case T_KEY:
        break;
    }
}
