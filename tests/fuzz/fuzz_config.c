/* The configuration file: whatever it holds is either taken or refused with a problem that names it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "options.h"

#define PROMISE(cond) \
    do {              \
        if (!(cond))  \
            abort();  \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) { /* a file without a name, read by its descriptor's */
        fd = memfd_create("fuzz_config", MFD_CLOEXEC);
        PROMISE(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    PROMISE(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    char program[] = "tls13d";
    char *argv[] = { program, NULL };
    struct invocation inv = { .command = CMD_TEST, .config_file = path, .argc = 1, .argv = argv };
    struct problems p = { 0 };
    struct config *c = config_load(&inv, &p);
    PROMISE(c != NULL || p.n > p.warnings); /* a refusal says why */
    PROMISE(c == NULL || p.n == p.warnings);
    config_free(c);
    problems_free(&p);
    return 0;
}
