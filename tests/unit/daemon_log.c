/* log: formats, escapes of anything a network may send, lengths, destinations, folding. */
#include "log.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/tls13d-log-XXXXXX";
static char got[16384];

/* What was written to the file since the last call. */
static const char *written(void)
{
    static off_t at;
    int fd = open(path, O_RDONLY);
    ssize_t n = pread(fd, got, sizeof got - 1, at);
    close(fd);
    got[n > 0 ? n : 0] = '\0';
    at += n > 0 ? n : 0;
    return got;
}

/* The same without its time, whose form is checked on the way. */
static const char *untimed(void)
{
    const char *line = written(), *form = "time=dddd-dd-ddTdd:dd:dd.dddZ ";
    const char *p = line;
    CHECK(line[0] != '\0');
    for (; *form != '\0'; form++, p++)
        CHECK(*form == 'd' ? *p >= '0' && *p <= '9' : *p == *form);
    return p;
}

static void open_as(enum log_format format, enum log_level level)
{
    CHECK_INT(log_open(path, format, level), 0);
    (void)written();
}

static void logfmt_messages_and_fields(void)
{
    struct log_line l;
    open_as(LOG_LOGFMT, LOG_LEVEL_INFO);
    log_info("reload of %d listeners", 3);
    CHECK_STR(untimed(), "level=info msg=\"reload of 3 listeners\"\n");
    log_begin(&l, LOG_LEVEL_WARNING);
    log_str(&l, "listener", "web");
    log_str(&l, "sni", "");
    log_int(&l, "in", INT64_MIN);
    log_str(&l, "odd", "x>");
    log_str(&l, "brace", "{");
    log_int(&l, "out", 0);
    log_end(&l);
    CHECK_STR(untimed(), "level=warning listener=web sni= in=-9223372036854775808 odd=x> brace={ out=0\n");
}

static void levels_are_obeyed(void)
{
    struct log_line l;
    open_as(LOG_LOGFMT, LOG_LEVEL_WARNING);
    CHECK(log_wants(LOG_LEVEL_ERROR) && log_wants(LOG_LEVEL_WARNING) && !log_wants(LOG_LEVEL_INFO));
    log_info("no");
    log_debug("no");
    log_begin(&l, LOG_LEVEL_INFO);
    log_str(&l, "a", "b");
    log_int(&l, "c", 1);
    log_end(&l);
    CHECK_STR(written(), "");
    log_error("yes");
    CHECK_STR(untimed(), "level=error msg=yes\n");
}

static void field(const void *value, size_t n)
{
    struct log_line l;
    log_begin(&l, LOG_LEVEL_ERROR);
    log_mem(&l, "v", value, n);
    log_end(&l);
}

static void logfmt_escapes(void)
{
    open_as(LOG_LOGFMT, LOG_LEVEL_INFO);
    field("a b", 3);
    CHECK_STR(untimed(), "level=error v=\"a b\"\n");
    field("a=b", 3);
    CHECK_STR(untimed(), "level=error v=\"a=b\"\n");
    field("say \"hi\"\\", 9);
    CHECK_STR(untimed(), "level=error v=\"say \\\"hi\\\"\\\\\"\n");
    field("x\nlevel=info\r\n", 14);
    CHECK_STR(untimed(), "level=error v=\"x\\x0alevel=info\\x0d\\x0a\"\n");
    field("\x1b[31m\0\x7f\xff\xc3\xa9", 10);
    CHECK_STR(untimed(), "level=error v=\"\\x1b[31m\\x00\\x7f\\xff\\xc3\\xa9\"\n");
}

static const char *json_value(const void *value, size_t n)
{
    field(value, n);
    const char *v = strstr(written(), "\"level\":\"error\",\"v\":");
    CHECK(v != NULL);
    return v + strlen("\"level\":\"error\",\"v\":");
}

static void json_escapes(void)
{
    open_as(LOG_JSON, LOG_LEVEL_INFO);
    CHECK_STR(json_value("plain text", 10), "\"plain text\"}\n");
    CHECK_STR(json_value("", 0), "\"\"}\n");
    CHECK_STR(json_value("\"\\\n\0\x1b\x7f", 6), "\"\\\"\\\\\\u000a\\u0000\\u001b\\u007f\"}\n");
    CHECK_STR(json_value("\xc3\xa9\xe2\x82\xac", 5), "\"\\u00e9\\u20ac\"}\n");
    CHECK_STR(json_value("\xf0\x9f\x98\x80", 4), "\"\\ud83d\\ude00\"}\n");
    /* RFC 3629 3 and 10: overlong, surrogate, beyond U+10FFFF, cut short, stray. */
    CHECK_STR(json_value("\xc0\xaf", 2), "\"\\ufffd\\ufffd\"}\n");
    CHECK_STR(json_value("\xe0\x80\xaf", 3), "\"\\ufffd\\ufffd\\ufffd\"}\n");
    CHECK_STR(json_value("\xed\xa0\x80", 3), "\"\\ufffd\\ufffd\\ufffd\"}\n");
    CHECK_STR(json_value("\xf4\x90\x80\x80", 4), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"}\n");
    CHECK_STR(json_value("\xe2\x82", 2), "\"\\ufffd\\ufffd\"}\n");
    CHECK_STR(json_value("\x80y", 2), "\"\\ufffdy\"}\n");
}

static void json_lines(void)
{
    struct log_line l;
    open_as(LOG_JSON, LOG_LEVEL_DEBUG);
    log_begin(&l, LOG_LEVEL_DEBUG);
    log_int(&l, "n", -5);
    log_str(&l, "s", "x{");
    log_str(&l, "e", "");
    log_end(&l);
    const char *line = written();
    CHECK_MEM(line, "{\"time\":\"2", 10);
    CHECK_STR(strstr(line, ",\"level\""), ",\"level\":\"debug\",\"n\":-5,\"s\":\"x{\",\"e\":\"\"}\n");
}

/* Whatever the lengths, a line stays one line: it ends with its newline, and every quote and brace is closed. */
static void long_values_are_cut_cleanly(void)
{
    static char big[5001];
    struct log_line l;
    memset(big, '\x01', sizeof big - 1);
    for (int format = LOG_LOGFMT; format <= LOG_JSON; format++) {
        open_as((enum log_format)format, LOG_LEVEL_INFO);
        for (size_t n = 0; n < 420; n += 7) {
            log_begin(&l, LOG_LEVEL_INFO);
            log_mem(&l, "first", big, n);
            for (int i = 0; i < 9; i++)
                log_mem(&l, "next", big, 1 + 40 * (size_t)i);
            log_int(&l, "number", 12345678901234);
            log_str(&l, "end", "closed");
            log_end(&l);
            const char *line = written();
            size_t len = strlen(line), quotes = 0;
            CHECK(len <= sizeof l.text);
            CHECK(strchr(line, '\n') == line + len - 1);
            for (size_t i = 0; i < len; i++)
                quotes += line[i] == '"';
            CHECK(quotes % 2 == 0);
            CHECK(format == LOG_LOGFMT || (line[0] == '{' && line[len - 2] == '}'));
            CHECK(strstr(line, "\\\"") == NULL && strstr(line, "\\x\"") == NULL);
        }
    }
    open_as(LOG_LOGFMT, LOG_LEVEL_INFO);
    field(big, sizeof big - 1);
    CHECK(strstr(untimed(), "\\x01...\"\n") != NULL);
    log_info("%s", big); /* one value never takes the room of all the others */
    CHECK(strlen(untimed()) < 800);
}

static void files_are_opened_again(void)
{
    char moved[64];
    struct stat st;
    (void)snprintf(moved, sizeof moved, "%s.1", path);
    open_as(LOG_LOGFMT, LOG_LEVEL_INFO);
    CHECK_INT(rename(path, moved), 0);
    log_info("old");
    CHECK_INT(stat(path, &st), -1);
    CHECK_INT(log_reopen(), 0);
    log_info("new");
    CHECK_INT(stat(path, &st), 0);
    CHECK(st.st_size > 30 && (st.st_mode & 07) == 0);
    CHECK_INT(rename(moved, path), 0);
    CHECK_INT(log_reopen(), 0);
    /* What cannot be opened leaves the old destination. */
    CHECK_INT(log_open("/nonexistent/x.log", LOG_JSON, LOG_LEVEL_ERROR), -1);
    (void)written();
    log_info("still there");
    CHECK_STR(untimed(), "level=info msg=\"still there\"\n");
}

/* What log_info writes to standard error, which is a pipe for it. */
static const char *to_stderr(const char *journal)
{
    int pipes[2], saved = dup(STDERR_FILENO);
    struct stat st;
    char stream[64];
    CHECK_INT(pipe(pipes), 0);
    dup2(pipes[1], STDERR_FILENO);
    (void)fstat(STDERR_FILENO, &st);
    (void)snprintf(stream, sizeof stream, journal, (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    int err = log_open("stderr", LOG_LOGFMT, LOG_LEVEL_INFO);
    log_warning("hello");
    ssize_t n = read(pipes[0], got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipes[0]);
    close(pipes[1]);
    unsetenv("JOURNAL_STREAM");
    CHECK_INT(err, 0);
    return got;
}

static void the_journal_gets_priorities(void)
{
    CHECK_STR(to_stderr("%llu:%llu"), "<4>level=warning msg=hello\n");
    CHECK_MEM(to_stderr("1%llu:%llu"), "time=", 5); /* somebody else's standard error */
    CHECK_MEM(to_stderr("nonsense"), "time=", 5);
}

static void floods_are_folded(void)
{
    unsigned folded = 77;
    CHECK(log_fold("a", 100.0, &folded));
    CHECK_INT(folded, 0);
    for (int i = 0; i < 5; i++)
        CHECK(!log_fold("a", 100.5, &folded));
    CHECK(log_fold("b", 100.5, &folded));
    CHECK_INT(folded, 0);
    CHECK(log_fold("a", 101.1, &folded));
    CHECK_INT(folded, 5);
    CHECK(!log_fold("a", 101.2, &folded));
    CHECK(log_fold("a", 50.0, &folded)); /* the clock was set back */
    CHECK_INT(folded, 1);
}

/* Keys made up by a client must not grow the table, nor write more than its rows' worth of lines a second. */
static void folding_is_bounded(void)
{
    unsigned folded, lines = 0;
    char key[32];
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(key, sizeof key, "key %d", i);
        lines += log_fold(key, 1000.0 + i * 1e-5, &folded);
    }
    CHECK(lines > 10 && lines <= 66);
    lines = 0;
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(key, sizeof key, "kez %d", i);
        lines += log_fold(key, 1002.0 + i * 1e-5, &folded);
    }
    CHECK(lines > 10 && lines <= 66);
}

static void what_is_left_out_is_told(void)
{
    unsigned folded;
    open_as(LOG_LOGFMT, LOG_LEVEL_INFO);
    log_fold_tell(2000.0); /* of the tests before */
    (void)written();
    CHECK(log_fold("web reset", 3000.0, &folded));
    log_fold_tell(3002.0);
    CHECK_STR(written(), "");
    CHECK(log_fold("web reset", 3003.0, &folded));
    for (int i = 0; i < 7; i++)
        CHECK(!log_fold("web reset", 3003.5, &folded));
    log_fold_tell(3003.9);
    CHECK_STR(written(), "");
    log_fold_tell(3004.1);
    CHECK_STR(untimed(), "level=info msg=\"more of the same\" what=\"web reset\" folded=7\n");
    log_fold_tell(3006.0);
    CHECK_STR(written(), "");
    CHECK(log_fold("web reset", 3006.0, &folded));
    CHECK_INT(folded, 0);
}

int main(void)
{
    close(mkstemp(path));
    RUN(logfmt_messages_and_fields);
    RUN(levels_are_obeyed);
    RUN(logfmt_escapes);
    RUN(json_escapes);
    RUN(json_lines);
    RUN(long_values_are_cut_cleanly);
    RUN(files_are_opened_again);
    RUN(the_journal_gets_priorities);
    RUN(floods_are_folded);
    RUN(folding_is_bounded);
    RUN(what_is_left_out_is_told);
    (void)unlink(path);
    return DONE();
}
