/*
 * inih under MemorySanitizer, as msan_bearssl.c: Debian's library calls back code that is instrumented, with strings that it wrote.  The
 * two functions between them are not instrumented, so that what they hand on counts as written.
 */
#include <ini.h>
#include <sanitizer/msan_interface.h>

int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);
int __real_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);

static ini_reader our_reader;
static ini_handler our_handler;

__attribute__((no_sanitize("memory"))) static char *reader_called(char *line, int n, void *stream)
{
    return our_reader(line, n, stream);
}

__attribute__((no_sanitize("memory"))) static int handler_called(void *user, const char *section, const char *name, const char *value)
{
    __msan_unpoison_string(section);
    if (name != NULL)
        __msan_unpoison_string(name);
    if (value != NULL)
        __msan_unpoison_string(value);
    return our_handler(user, section, name, value);
}

int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user)
{
    our_reader = reader;
    our_handler = handler;
    return __real_ini_parse_stream(reader_called, stream, handler_called, user);
}
