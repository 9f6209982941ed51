/*
 * Common ground of the fuzz targets: each is one LLVMFuzzerTestOneInput over one layer, deterministic (the clock and the random bytes
 * are the test's own), and aborts when a promise of that layer's header is broken.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdlib.h>

#include "../unit/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROMISE(cond) \
    do {              \
        if (!(cond))  \
            abort();  \
    } while (0)

/* True when p..p+n lies inside the input. */
static PEER_UNUSED int inside(struct slice s, const uint8_t *data, size_t size)
{
    return s.n == 0 || (s.p >= data && s.n <= size && s.p + s.n <= data + size);
}

#endif
