/* PROXY headers in: never more than was given, never longer than the bound, the same answer with more bytes behind. */
#include "fuzz.h"

#include "proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct endpoint src, dst;
    int whole = proxy_read(data, size, &src, &dst);
    PROMISE(whole <= (int)PROXY_IN_MAX && (whole <= 0 || (size_t)whole <= size));
    for (size_t n = 0; n < size && n < 300; n++) { /* a byte at a time comes to the same */
        int r = proxy_read(data, n, &src, &dst);
        if (r != 0) {
            PROMISE(r == whole);
            break;
        }
        PROMISE(whole <= 0 || n < (size_t)whole);
    }
    return 0;
}
