/* getrandom(2), without user-space state: nothing to leak over fork or into a snapshot. */
#include "random.h"

#include "tls13.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

int random_bytes(void *out, size_t n)
{
    unsigned char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -TLS13_E_RANDOM;
        p += got;
        n -= (size_t)got;
    }
    return 0;
}
