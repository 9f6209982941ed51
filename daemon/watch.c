#include "watch.h"

#include "certs.h"
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUIET    0.5 /* after the last event */
#define AT_MOST  1.0 /* after the first one, however many follow */
#define BLIND    1.0 /* between two looks while a directory is missing */
#define LINKS    40  /* in one path, as in the kernel */
#define FNV_BASE 0xcbf29ce484222325u
#define FNV_STEP 0x100000001b3u

/* --- what is watched -------------------------------------------------------------------------------------------- */

/* The directory that the first n bytes of path name. */
static void watch_directory(struct file_watch *w, const char *path, size_t n)
{
    char directory[PATH_MAX];
    const uint32_t events =
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
    (void)snprintf(directory, sizeof directory, "%.*s", n != 0 ? (int)n : 1, path);
    if (inotify_add_watch(w->fd, directory, events | IN_ONLYDIR) < 0)
        w->blind = true;
}

/*
 * The directories whose entries decide what a path means: of each symbolic link on the way, and of the file at its end.  A swap of any
 * of them (Kubernetes' ..data, certbot's live/) is an event there.
 */
static void watch_path(struct file_watch *w, const char *path)
{
    char at[PATH_MAX], target[PATH_MAX], next[PATH_MAX];
    size_t start = 0; /* at[start] is the slash before the part that is looked at */
    (void)snprintf(at, sizeof at, "%s", path);
    for (int links = 0; links < LINKS;) {
        size_t end = start + 1 + strcspn(at + start + 1, "/");
        char rest = at[end];
        at[end] = '\0';
        ssize_t n = readlink(at, target, sizeof target - 1);
        at[end] = rest;
        if (n >= 0 || rest == '\0')
            watch_directory(w, at, start);
        if (n < 0 && rest == '\0')
            return;
        if (n < 0) {
            start = end;
            continue;
        }
        target[n] = '\0';
        bool absolute = target[0] == '/';
        int len = snprintf(next, sizeof next, "%.*s%s%s%s", absolute ? 0 : (int)start, at, absolute ? "" : "/", target, at + end);
        if (len < 0 || len >= (int)sizeof next)
            return;
        memcpy(at, next, (size_t)len + 1);
        start = 0;
        links++;
    }
}

/* --- what they hold --------------------------------------------------------------------------------------------- */

/* FNV-1a: whoever may write these files needs no collision to do harm. */
static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const uint8_t *at = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ at[i]) * FNV_STEP;
    return h;
}

static uint64_t print_file(const char *path)
{
    static uint8_t buf[16384];
    uint64_t h = mix(FNV_BASE, path, strlen(path));
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t n = fd < 0 || fstat(fd, &st) != 0 ? -1 : S_ISREG(st.st_mode); /* a pipe gives its bytes just once */
    while (n > 0) {
        n = read(fd, buf, sizeof buf);
        h = n > 0 ? mix(h, buf, (size_t)n) : h;
    }
    /* One that cannot be read differs from an empty one. */
    int err = n < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    explicit_bzero(buf, sizeof buf);
    return mix(h, &err, sizeof err);
}

/*
 * Watches a directory's certificates and adds up what they hold, in whatever order they come.  The way to the directory is watched
 * already: what is no link needs no look of its own.
 */
static uint64_t look_into(struct file_watch *w, const char *directory)
{
    char path[PATH_MAX];
    uint64_t sum = 0;
    DIR *d = opendir(directory);
    watch_directory(w, directory, strlen(directory));
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (!certs_takes(e->d_name) || snprintf(path, sizeof path, "%s/%s", directory, e->d_name) >= (int)sizeof path)
            continue;
        if (e->d_type == DT_LNK || e->d_type == DT_UNKNOWN)
            watch_path(w, path);
        sum += print_file(path);
    }
    if (d != NULL)
        (void)closedir(d);
    return sum;
}

/* Watches anew, since links may lead elsewhere now, and then reads: what changes after that is an event. */
static uint64_t look(struct file_watch *w)
{
    struct stat st;
    uint64_t sum = 0;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) {
        log_warning("files cannot be watched: %s; send SIGHUP when they have changed", strerror(errno));
        return w->print;
    }
    if (w->fd >= 0)
        close(w->fd);
    w->fd = fd;
    w->blind = false;
    for (size_t i = 0; i < w->paths.n; i++) {
        const char *path = w->paths.at[i];
        watch_path(w, path);
        sum += stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? look_into(w, path) : print_file(path);
    }
    return sum;
}

/* --- the interface ---------------------------------------------------------------------------------------------- */

static void add_path(struct file_watch *w, const char *path)
{
    if (path != NULL && path[0] == '/')
        list_add(&w->paths, path, strlen(path));
}

static bool same_list(const struct str_list *a, const struct str_list *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->at[i], b->at[i]) == 0;
    return same;
}

void watch_files(struct file_watch *w, const struct config *c, double now)
{
    struct str_list before = w->paths;
    bool fresh = w->fresh;
    w->paths = (struct str_list){ 0 };
    w->fresh = false;
    for (size_t i = 0; c->watch == ON && i < c->n_listens; i++) {
        const struct listen_conf *l = &c->listens[i];
        for (size_t j = 0; j < l->n_certs; j++) {
            add_path(w, l->certs[j].certificate);
            add_path(w, l->certs[j].private_key);
        }
        add_path(w, l->client_ca);
        add_path(w, l->client_crl);
    }
    if (c->watch == ON)
        add_path(w, c->ticket_keys);
    fresh = fresh && same_list(&w->paths, &before);
    list_free(&before);
    if (w->paths.n == 0) {
        watch_free(w);
        return;
    }
    if (fresh) /* what has happened since that look is an event to come */
        return;
    w->print = look(w);
    w->due = w->blind ? now + BLIND : 0;
    w->limit = w->due;
}

void watch_again(struct file_watch *w, const struct config *c, double now)
{
    w->fresh = true;
    watch_files(w, c, now);
}

void watch_events(struct file_watch *w, double now)
{
    char buf[4096] __attribute__((aligned(8)));
    bool any = false;
    while (w->fd >= 0 && read(w->fd, buf, sizeof buf) > 0)
        any = true;
    if (!any)
        return;
    if (w->due <= 0)
        w->limit = now + AT_MOST;
    w->due = now + QUIET < w->limit ? now + QUIET : w->limit;
}

bool watch_changed(struct file_watch *w, double now, double *next)
{
    uint64_t before = w->print;
    *next = w->due > 0 ? w->due - now : -1;
    if (w->due <= 0 || now < w->due)
        return false;
    w->print = look(w);
    w->due = w->blind ? now + BLIND : 0;
    w->limit = w->due;
    *next = w->due > 0 ? BLIND : -1;
    w->fresh = w->print != before;
    return w->fresh;
}

void watch_free(struct file_watch *w)
{
    list_free(&w->paths);
    if (w->fd >= 0)
        close(w->fd);
    *w = (struct file_watch){ .fd = -1 };
}
