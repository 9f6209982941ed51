/* Log lines: where they go, how they are written, and how floods are folded. */
#include "log.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
    VALUE_MAX = 700, /* bytes that one value may take once escaped */
    NUMBER = 24,     /* room that a field needs behind its key: any integer */
    TAIL = 8         /* room kept for the closing quote, brace and newline */
};

enum sink { SINK_STDERR, SINK_JOURNAL, SINK_SYSLOG, SINK_FILE };

static struct {
    enum sink sink;
    int fd;      /* of SINK_FILE, or of standard error: 2, or what standard_error() has made of it */
    bool socket; /* fd is one */
    unsigned long lost;
    char *path;
    enum log_format format;
    enum log_level level;
} out = { .fd = STDERR_FILENO, .level = LOG_LEVEL_INFO };

static const struct {
    const char *name;
    int priority; /* syslog(3), sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = { "error", LOG_ERR },
    [LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
    [LOG_LEVEL_INFO] = { "info", LOG_INFO },
    [LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

/* --- destinations -------------------------------------------------------------------------------------------- */

/* True when standard error is the journal's stream: JOURNAL_STREAM holds its device and inode (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
    unsigned long long dev, ino;
    struct stat st;
    const char *e = getenv("JOURNAL_STREAM");
    return e != NULL && sscanf(e, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* A FIFO that nobody reads is an error and a full one loses lines, so O_NONBLOCK; files know no such thing. */
static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/*
 * Standard error, or when it is a pipe another way into it that does not block, since who reads it may stand still: O_NONBLOCK on
 * descriptor 2 would be there for every program that shares it.  The pipe is made as long as it can be, for bursts.
 */
static int standard_error(void)
{
    struct stat st;
    int fd = fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode) ? open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0)
        (void)fcntl(fd, F_SETPIPE_SZ, 1 << 20);
    return fd >= 0 ? fd : STDERR_FILENO;
}

static bool is_file(const char *destination)
{
    return strcmp(destination, "stderr") != 0 && strcmp(destination, "syslog") != 0;
}

int log_try(const char *destination)
{
    int fd = is_file(destination) ? open_file(destination) : STDERR_FILENO;
    if (fd >= 0 && fd != STDERR_FILENO)
        close(fd);
    return fd < 0 ? -1 : 0;
}

int log_open(const char *destination, enum log_format format, enum log_level level)
{
    enum sink sink = SINK_FILE;
    struct stat st;
    int fd = STDERR_FILENO;
    char *path = NULL;

    if (strcmp(destination, "stderr") == 0) {
        sink = stderr_is_journal() ? SINK_JOURNAL : SINK_STDERR;
        fd = standard_error();
    } else if (!is_file(destination)) {
        sink = SINK_SYSLOG;
    } else {
        if ((path = strdup(destination)) == NULL)
            return -1;
        if ((fd = open_file(path)) < 0) {
            free(path);
            return -1;
        }
    }
    if (out.fd != STDERR_FILENO)
        close(out.fd);
    if (out.sink == SINK_SYSLOG && sink != SINK_SYSLOG)
        closelog();
    if (sink == SINK_SYSLOG) /* at once, before a sandbox forbids to connect */
        openlog("tls13d", LOG_PID | LOG_NDELAY, LOG_DAEMON);
    free(out.path);
    out.sink = sink;
    out.fd = fd;
    out.socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
    out.path = path;
    out.format = format;
    out.level = level;
    return 0;
}

int log_reopen(void)
{
    if (out.sink != SINK_FILE)
        return 0;
    int fd = open_file(out.path);
    if (fd < 0)
        return -1;
    close(out.fd);
    out.fd = fd;
    return 0;
}

bool log_wants(enum log_level level)
{
    return level <= out.level;
}

/* --- one line ------------------------------------------------------------------------------------------------ */

static size_t room(const struct log_line *l)
{
    size_t most = sizeof l->text - TAIL;
    return l->len < most ? most - l->len : 0;
}

/* Appends an atom whole or not at all, so that a full line never ends inside an escape. */
static bool put(struct log_line *l, const char *s, size_t n)
{
    if (room(l) < n)
        return false;
    memcpy(l->text + l->len, s, n);
    l->len += n;
    return true;
}

/* Past the room that put() leaves: what closes a value or the line. */
static void put_tail(struct log_line *l, char c)
{
    if (l->len < sizeof l->text)
        l->text[l->len++] = c;
}

/* One character at p as JSON escapes it (RFC 8259 7), printable ASCII aside; what is no UTF-8 becomes U+FFFD.  => bytes eaten. */
static size_t escape_json(const unsigned char *p, size_t n, char buf[static 16])
{
    uint32_t c = 0xfffd;
    size_t eaten = utf8_take(p, n, &c);
    if (eaten == 0)
        eaten = 1;
    if (c >= 0x10000)
        (void)snprintf(buf, 16, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
    else
        (void)snprintf(buf, 16, "\\u%04x", c);
    return eaten;
}

/* The next character of a value, escaped, in buf; => bytes eaten. */
static size_t escape(enum log_format format, const unsigned char *p, size_t n, char buf[static 16])
{
    if (p[0] == '"' || p[0] == '\\') {
        buf[0] = '\\';
        buf[1] = (char)p[0];
        buf[2] = '\0';
        return 1;
    }
    if (p[0] >= ' ' && p[0] <= '~') {
        buf[0] = (char)p[0];
        buf[1] = '\0';
        return 1;
    }
    if (format == LOG_JSON)
        return escape_json(p, n, buf);
    (void)snprintf(buf, 16, "\\x%02x", p[0]);
    return 1;
}

/* logfmt: a value is bare unless a reader would misread it. */
static bool wants_quotes(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] > '~' || p[i] == '"' || p[i] == '=' || p[i] == '\\')
            return true;
    return false;
}

static bool put_key(struct log_line *l, const char *key)
{
    char text[96];
    int n = out.format == LOG_JSON ? snprintf(text, sizeof text, "%s\"%s\":", l->fields ? "," : "", key)
                                   : snprintf(text, sizeof text, "%s%s=", l->fields ? " " : "", key);
    if (n <= 0 || (size_t)n >= sizeof text || room(l) < (size_t)n + NUMBER)
        return false;
    l->fields = true;
    return put(l, text, (size_t)n);
}

void log_mem(struct log_line *l, const char *key, const void *value, size_t len)
{
    const unsigned char *p = value;
    char atom[16];
    if (l->skip || !put_key(l, key))
        return;
    bool quotes = out.format == LOG_JSON || wants_quotes(p, len);
    if (quotes)
        (void)put(l, "\"", 1);
    size_t start = l->len;
    for (size_t i = 0; i < len;) {
        i += escape(out.format, p + i, len - i, atom);
        size_t n = strlen(atom);
        if (l->len - start + n > VALUE_MAX || !put(l, atom, n)) {
            (void)put(l, "...", 3);
            break;
        }
    }
    if (quotes)
        put_tail(l, '"');
}

void log_str(struct log_line *l, const char *key, const char *value)
{
    log_mem(l, key, value, strlen(value));
}

void log_int(struct log_line *l, const char *key, int64_t value)
{
    char text[NUMBER];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    if (!l->skip && put_key(l, key))
        (void)put(l, text, (size_t)n);
}

static void put_time(struct log_line *l)
{
    struct timespec now;
    struct tm tm;
    char date[32], text[48];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text, sizeof text, "%s.%03ldZ", date, now.tv_nsec / 1000000);
    log_str(l, "time", text);
}

void log_begin(struct log_line *l, enum log_level level)
{
    l->len = 0;
    l->fields = false;
    l->level = level;
    l->skip = !log_wants(level);
    if (l->skip)
        return;
    if (out.sink == SINK_JOURNAL) {
        char priority[8];
        int n = snprintf(priority, sizeof priority, "<%d>", levels[level].priority);
        (void)put(l, priority, (size_t)n);
    }
    if (out.format == LOG_JSON)
        (void)put(l, "{", 1);
    if (out.sink == SINK_STDERR || out.sink == SINK_FILE) /* the journal and syslog stamp lines themselves */
        put_time(l);
    log_str(l, "level", levels[level].name);
}

/* One write a line: lines of several processes do not mix.  A full pipe or disk loses the line, never the daemon. */
static bool write_line(const struct log_line *l)
{
    ssize_t n;
    do
        n = out.socket ? send(out.fd, l->text, l->len, MSG_DONTWAIT | MSG_NOSIGNAL) : write(out.fd, l->text, l->len);
    while (n < 0 && errno == EINTR);
    return n >= 0;
}

void log_end(struct log_line *l)
{
    if (l->skip)
        return;
    if (out.format == LOG_JSON)
        put_tail(l, '}');
    if (out.sink == SINK_SYSLOG) {
        syslog(levels[l->level].priority, "%.*s", (int)l->len, l->text);
        return;
    }
    put_tail(l, '\n');
    if (!write_line(l)) {
        out.lost++;
    } else if (out.lost != 0) {
        unsigned long lost = out.lost;
        out.lost = 0;
        log_warning("the log could not be written: %lu lines are lost", lost);
        out.lost += out.lost != 0 ? lost - 1 : 0; /* and so is this one */
    }
}

/* --- messages ------------------------------------------------------------------------------------------------ */

static void message(enum log_level level, const char *fmt, va_list ap)
{
    struct log_line l;
    char text[1024];
    log_begin(&l, level);
    if (l.skip)
        return;
    (void)vsnprintf(text, sizeof text, fmt, ap);
    log_str(&l, "msg", text);
    log_end(&l);
}

void log_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    message(LOG_LEVEL_ERROR, fmt, ap);
    va_end(ap);
}

void log_warning(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    message(LOG_LEVEL_WARNING, fmt, ap);
    va_end(ap);
}

void log_info(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    message(LOG_LEVEL_INFO, fmt, ap);
    va_end(ap);
}

void log_debug(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    message(LOG_LEVEL_DEBUG, fmt, ap);
    va_end(ap);
}

/* --- folding ------------------------------------------------------------------------------------------------- */

/* Keys may come from clients, so the table is bounded: when all rows are in use, further keys share the last one. */
enum { FOLD_ROWS = 64, FOLD_KEY = 96, FOLD_STALE = 60 /* seconds */ };

static struct fold {
    char key[FOLD_KEY]; /* "": free */
    double last;        /* when a line was written */
    unsigned folded;
} folds[FOLD_ROWS + 1];

static struct fold *fold_row(const char *key, double now)
{
    struct fold *unused = NULL;
    for (size_t i = 0; i < FOLD_ROWS; i++) {
        if (strncmp(folds[i].key, key, FOLD_KEY - 1) == 0)
            return &folds[i];
        /* A row may be given away once its second is over and it has nothing left to tell, or nobody to tell it. */
        double age = now - folds[i].last;
        if (unused == NULL && (folds[i].key[0] == '\0' || (folds[i].folded == 0 && age >= 1) || age >= FOLD_STALE))
            unused = &folds[i];
    }
    if (unused == NULL)
        return &folds[FOLD_ROWS];
    memset(unused, 0, sizeof *unused);
    (void)snprintf(unused->key, sizeof unused->key, "%s", key);
    unused->last = now - 2; /* over a second ago: the first line is written */
    return unused;
}

bool log_fold(const char *key, double now, unsigned *folded)
{
    struct fold *f = fold_row(key, now);
    *folded = 0;
    if (now - f->last < 1 && now >= f->last) {
        f->folded++;
        return false;
    }
    *folded = f->folded;
    f->folded = 0;
    f->last = now;
    return true;
}

void log_fold_tell(double now)
{
    for (size_t i = 0; i <= FOLD_ROWS; i++) {
        struct fold *f = &folds[i];
        struct log_line l;
        if (f->folded == 0 || now - f->last < 1)
            continue;
        log_begin(&l, LOG_LEVEL_INFO);
        log_str(&l, "msg", "more of the same");
        log_str(&l, "what", i < FOLD_ROWS ? f->key : "others");
        log_int(&l, "folded", f->folded);
        log_end(&l);
        f->folded = 0;
        f->last = now;
    }
}
