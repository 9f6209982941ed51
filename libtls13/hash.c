/* Which implementation of each hash: a table, best first. */
#include "hash_impl.h"

#include "bytes.h"
#include "cpu.h"
#include "x86/sha256_ni.h"

struct choice {
    const br_hash_class *class;
    uint32_t needs; /* enum cpu_feature */
};

static const struct choice sha256[] = {
#if defined(__x86_64__)
    { &sha256_ni_class, CPU_SSE41 | CPU_SHA },
#endif
    { &br_sha256_vtable, 0 },
};

const br_hash_class *sha256_class_at(size_t i)
{
    for (size_t j = 0; j < COUNT(sha256); j++)
        if (cpu_has(sha256[j].needs) && i-- == 0)
            return sha256[j].class;
    return NULL;
}

const br_hash_class *hash_class(enum hash_id hash)
{
    switch (hash) {
    case HASH_SHA384:
        return &br_sha384_vtable;
    case HASH_SHA512:
        return &br_sha512_vtable;
    case HASH_SHA256:
        break;
    }
    return sha256_class_at(0);
}
