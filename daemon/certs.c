/* Certificates, keys, authorities and revocation lists: from files into one listener's TLS context. */
#include "certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MOST = 16 << 20, SELF_SIGNED_DAYS = 30, PATH_MOST = 4096 };

/* What building one listener goes through. */
struct build {
    const struct config *c;
    const struct listen_conf *l;
    struct problems *p;
    struct tls13_ctx *ctx;
    int chosen; /* the credential that default-certificate names; -1: not met yet */
    bool bad;
};

/* A file in memory; secrets until told otherwise. */
struct blob {
    char *at;
    size_t len, cap;
    mode_t mode;
};

static void wipe(struct blob *b)
{
    if (b->at != NULL)
        explicit_bzero(b->at, b->cap);
    free(b->at);
    *b = (struct blob){ 0 };
}

__attribute__((format(printf, 4, 5))) static void refuse(struct build *b, struct origin o, const char *key, const char *fmt, ...)
{
    char text[PATH_MOST + 512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    problem_add(b->p, o, key, "%s", text);
    b->bad = true;
}

/* --- files --------------------------------------------------------------------------------------------------- */

/* Doubles the room; what lay there is wiped, which realloc() would not do. */
static bool more_room(struct blob *f)
{
    size_t cap = f->cap != 0 ? 2 * f->cap : 16384;
    char *at = cap <= 2 * FILE_MOST ? malloc(cap) : NULL;
    if (at == NULL)
        return false;
    if (f->len != 0)
        memcpy(at, f->at, f->len);
    struct blob old = *f;
    wipe(&old);
    f->at = at;
    f->cap = cap;
    return true;
}

/* => false with errno set; EFBIG when it is no file of ours. */
static bool read_all(int fd, struct blob *f)
{
    for (;;) {
        if (f->len == f->cap && !more_room(f)) {
            errno = EFBIG;
            return false;
        }
        ssize_t n = read(fd, f->at + f->len, f->cap - f->len);
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
        f->len += n > 0 ? (size_t)n : 0;
    }
}

/* Reads a file; => false after a problem. */
static bool slurp(struct build *b, struct origin o, const char *key, const char *path, struct blob *f)
{
    struct stat st;
    *f = (struct blob){ 0 };
    /* To open a FIFO that nobody writes to would hold up the master; one that somebody does (a shell's <(...)) is read to its end. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool good = fd >= 0 && fcntl(fd, F_SETFL, 0) == 0 && fstat(fd, &st) == 0 && read_all(fd, f);
    int err = errno;
    if (fd >= 0)
        close(fd);
    if (!good) {
        wipe(f);
        refuse(b, o, key, "%s cannot be read: %s", path, strerror(err));
        return false;
    }
    f->mode = st.st_mode;
    return true;
}

static void check_mode(struct build *b, struct origin o, const char *key, const char *path, mode_t mode)
{
    if (S_ISREG(mode) && (mode & S_IRWXO) != 0)
        problem_warn(b->p, o, key, "%s holds a private key and others may %s it; chmod 640 %s", path, mode & S_IWOTH ? "change" : "read",
                     path);
}

/* --- one certificate ----------------------------------------------------------------------------------------- */

static void date(int64_t at, char *buf, size_t n)
{
    struct tm tm;
    time_t t = (time_t)at;
    if (gmtime_r(&t, &tm) == NULL || strftime(buf, n, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)snprintf(buf, n, "a date out of range");
}

/*
 * A certificate outside its time: --test refuses it.  A running daemon goes on with a warning, since one forgotten certificate must
 * not keep all the others from being served after a restart.
 */
static void check_dates(struct build *b, struct origin o, const char *path, int index)
{
    struct tls13_cert_info info;
    char when[64];
    int64_t now = time(NULL);
    if (tls13_ctx_cert_info(b->ctx, index, &info) < 0 || (now >= info.not_before && now <= info.not_after))
        return;
    bool expired = now > info.not_after;
    date(expired ? info.not_after : info.not_before, when, sizeof when);
    const char *what = expired ? "expired at" : "is not valid before";
    const char *act = expired ? "renew it" : "wait, or check the clock";
    if (b->c->strict)
        refuse(b, o, "certificate", "%s %s %s; %s", path, what, when, act);
    else
        problem_warn(b->p, o, "certificate", "%s %s %s; %s", path, what, when, act);
}

/* What to do about an error, behind the library's own text. */
static const char *advice(int err, bool own_key)
{
    switch (-err) {
    case TLS13_E_KEY_MISSING:
        return own_key ? "; name a file that holds one" : "; put it behind the chain, or add private-key = FILE below this line";
    case TLS13_E_KEY_MISMATCH:
        return "; use the key that the certificate was made for, and put the leaf first";
    case TLS13_E_CERT_ORDER:
        return "; sort the file";
    case TLS13_E_PEM:
        return "; it has BEGIN CERTIFICATE and END CERTIFICATE lines when it is whole";
    default:
        return "";
    }
}

/* default-certificate names it: its file's path, that path's last part, or its own name. */
static bool is_default(const struct build *b, const char *path, int index)
{
    struct tls13_cert_info info;
    const char *wanted = b->l->default_certificate, *last = strrchr(path, '/');
    if (strcmp(wanted, path) == 0 || (last != NULL && strcmp(wanted, last + 1) == 0))
        return true;
    return tls13_ctx_cert_info(b->ctx, index, &info) == 0 && info.name[0] != '\0' && strcasecmp(wanted, info.name) == 0;
}

static void added(struct build *b, struct origin o, const char *path, int index)
{
    check_dates(b, o, path, index);
    if (b->chosen < 0 && (strcmp(b->l->default_certificate, "first") == 0 || is_default(b, path, index)))
        b->chosen = index;
}

static void add_files(struct build *b, const struct cert_conf *c, const char *path)
{
    struct blob chain, key = { 0 };
    const char *key_path = c->private_key != NULL ? c->private_key : path;
    struct origin key_origin = c->private_key != NULL ? c->key_origin : c->origin;
    const char *key_name = c->private_key != NULL ? "private-key" : "certificate";
    if (!slurp(b, c->origin, "certificate", path, &chain))
        return;
    if (c->private_key == NULL || slurp(b, key_origin, key_name, key_path, &key)) {
        int index = tls13_ctx_add_pem(b->ctx, chain.at, chain.len, c->private_key != NULL ? key.at : NULL, key.len);
        bool of_key = index < 0 && strncmp(tls13_err_name(index), "KEY_", 4) == 0;
        if (index < 0)
            refuse(b, of_key ? key_origin : c->origin, of_key ? key_name : "certificate", "%s: %s%s", of_key ? key_path : path,
                   tls13_err_text(index), advice(index, c->private_key != NULL));
        else
            added(b, c->origin, path, index);
        const struct blob *holder = c->private_key != NULL ? &key : &chain;
        if (index >= 0 || (of_key && memmem(holder->at, holder->len, "PRIVATE KEY", 11) != NULL))
            check_mode(b, key_origin, key_name, key_path, holder->mode);
    }
    wipe(&chain);
    wipe(&key);
}

/* --- directories --------------------------------------------------------------------------------------------- */

bool certs_takes(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && n > 4 && strcmp(name + n - 4, ".pem") == 0;
}

static int wanted(const struct dirent *e)
{
    return certs_takes(e->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_directory(struct build *b, const struct cert_conf *c)
{
    struct dirent **names;
    if (c->private_key != NULL) {
        refuse(b, c->key_origin, "private-key", "%s is a directory, each of its files holds its own key; remove this line", c->certificate);
        return;
    }
    int n = scandir(c->certificate, &names, wanted, by_name);
    if (n < 0) {
        refuse(b, c->origin, "certificate", "the directory %s cannot be read: %s", c->certificate, strerror(errno));
        return;
    }
    if (n == 0)
        refuse(b, c->origin, "certificate", "there is no *.pem in the directory %s", c->certificate);
    for (int i = 0; i < n; i++) {
        char path[PATH_MOST];
        if (snprintf(path, sizeof path, "%s/%s", c->certificate, names[i]->d_name) < (int)sizeof path)
            add_files(b, c, path);
        else
            refuse(b, c->origin, "certificate", "the path of %s is too long", names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

/* --- the listener -------------------------------------------------------------------------------------------- */

/*
 * Made once in a process's life, so that whoever has told a browser to trust it is not asked again after a reload.  It stays in memory
 * as the keys of files do.
 */
static int self_signed(const struct str_list *names, const char **text)
{
    static char *pem;
    static int len;
    if (pem == NULL) {
        size_t cap = 16384 + names->n * 600;
        pem = malloc(cap);
        len =
            pem == NULL ? -TLS13_E_MEMORY : tls13_self_signed((const char *const *)(void *)names->at, names->n, SELF_SIGNED_DAYS, pem, cap);
    }
    *text = pem;
    return len;
}

static void add_self_signed(struct build *b)
{
    struct origin flag = { NULL, -1 };
    const char *pem;
    int len = self_signed(&b->c->self_signed_names, &pem);
    int index = len < 0 ? len : tls13_ctx_add_pem(b->ctx, pem, (size_t)len, NULL, 0);
    if (index < 0) {
        refuse(b, flag, "self-signed", "cannot make a certificate: %s", tls13_err_text(index));
        return;
    }
    problem_warn(b->p, flag, "self-signed", "THROWAWAY CERTIFICATE: clients cannot verify it; for development only, never in production");
    added(b, flag, "the self-signed certificate", index);
}

static void add_certificates(struct build *b)
{
    struct stat st;
    for (size_t i = 0; i < b->l->n_certs; i++) {
        const struct cert_conf *c = &b->l->certs[i];
        if (stat(c->certificate, &st) == 0 && S_ISDIR(st.st_mode))
            add_directory(b, c);
        else
            add_files(b, c, c->certificate);
    }
    if (b->l->n_certs == 0 && b->c->self_signed)
        add_self_signed(b);
    if (b->chosen < 0 && !b->bad)
        refuse(b, listen_origin(b->l, "default-certificate"), "default-certificate",
               "no certificate of listener %s has the name or file \"%s\"; use one that has, or first", b->l->name,
               b->l->default_certificate);
    else if (b->chosen >= 0 && tls13_ctx_set_default(b->ctx, b->chosen) < 0)
        b->bad = true;
}

/* Says what a setter refused. */
static void set(struct build *b, const char *key, int err)
{
    if (err < 0)
        refuse(b, listen_origin(b->l, key), key, "%s", tls13_err_text(err));
}

static void set_from_file(struct build *b, const char *key, const char *path, int (*setter)(struct tls13_ctx *, const void *, size_t))
{
    struct blob f;
    if (path == NULL || !slurp(b, listen_origin(b->l, key), key, path, &f))
        return;
    int err = setter(b->ctx, f.at, f.len);
    if (err < 0)
        refuse(b, listen_origin(b->l, key), key, "%s: %s", path, tls13_err_text(err));
    wipe(&f);
}

static void set_policy(struct build *b)
{
    const struct listen_conf *l = b->l;
    set(b, "sni-strict", tls13_ctx_set_sni_strict(b->ctx, l->sni_strict == ON));
    set(b, "alpn", tls13_ctx_set_alpn(b->ctx, (const char *const *)(void *)l->alpn.at, l->alpn.n));
    set(b, "cipher-suites", tls13_ctx_set_suites(b->ctx, l->suites, l->n_suites));
    set(b, "groups", tls13_ctx_set_groups(b->ctx, l->groups, l->n_groups));
    set_from_file(b, "client-ca", l->client_ca, tls13_ctx_set_client_ca);
    if (!b->bad) /* a list is held against its authority */
        set_from_file(b, "client-crl", l->client_crl, tls13_ctx_set_client_crl);
    set(b, "client-names", tls13_ctx_set_client_names(b->ctx, (const char *const *)(void *)l->client_names.at, l->client_names.n));
    set(b, "client-auth", tls13_ctx_set_client_auth(b->ctx, (enum tls13_client_auth)l->client_auth));
    set(b, "tickets", tls13_ctx_set_tickets(b->ctx, (unsigned)l->tickets, (uint32_t)b->c->ticket_lifetime));
    set(b, "tickets", tls13_ctx_set_ticket_scope(b->ctx, l->name, strlen(l->name)));
}

struct tls13_ctx *certs_build(const struct config *c, const struct listen_conf *l, struct problems *p)
{
    struct build b = { .c = c, .l = l, .p = p, .ctx = tls13_ctx_new(), .chosen = -1 };
    if (b.ctx == NULL) {
        problem_add(p, l->origin, NULL, "listener %s: no TLS context: out of memory, or a cryptographic self-test failed", l->name);
        return NULL;
    }
    add_certificates(&b);
    set_policy(&b);
    if (!b.bad)
        return b.ctx;
    tls13_ctx_unref(b.ctx);
    return NULL;
}
