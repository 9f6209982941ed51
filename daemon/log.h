/* Log lines: logfmt or JSON, to standard error, a file or syslog; everything from the network escaped, floods folded. */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

/*
 * Opens the destination: "stderr", "syslog" or a file's path.  => 0, or -1 with errno set (the old destination stays).
 * On standard error under systemd (JOURNAL_STREAM set) each line starts with its <N> priority.
 */
int log_open(const char *destination, enum log_format format, enum log_level level);
/* => 0 when the destination can be opened, -1 with errno set; nothing changes but that a file may be new. */
int log_try(const char *destination);
/* Opens the same file again (SIGUSR1).  => 0 or -1; the old one stays when the new one cannot be opened. */
int log_reopen(void);
bool log_wants(enum log_level level);

/* A message for people: `level=info msg="..."`.  printf-like; everything is escaped as a value. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line of fields, built on the stack: log_begin, log_str..., log_end.  Empty values are written as `key=`. */
struct log_line {
    char text[2048];
    size_t len;
    enum log_level level;
    bool skip;   /* the level is not wanted */
    bool fields; /* there is one already */
};
void log_begin(struct log_line *l, enum log_level level);
void log_str(struct log_line *l, const char *key, const char *value);
void log_mem(struct log_line *l, const char *key, const void *value, size_t len); /* any bytes */
void log_int(struct log_line *l, const char *key, int64_t value);
void log_end(struct log_line *l);

/*
 * Folds floods: true when this line may be written now.  At most one a second for each key; the number left out since is put in
 * *folded (0 when none), for a field folded=N.  now is the loop's time in seconds.  Keys are compared by content.
 */
bool log_fold(const char *key, double now, unsigned *folded);
/* Tells what was left out over a second ago and no line has told since: `msg="more of the same" what=KEY folded=N`. */
void log_fold_tell(double now);

#endif
