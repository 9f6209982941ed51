/* Which implementation of each hash: a table, best first. */
#include "hash_impl.h"

#include "bytes.h"
#include "cpu.h"
#include "x86/sha256_ni.h"
#include "x86/sha512_bmi2.h"

struct choice {
    const br_hash_class *class;
    uint32_t needs; /* enum cpu_feature */
};

#if defined(__x86_64__)
#define BEFORE(class, needs) { class, needs },
#else
#define BEFORE(class, needs)
#endif

static const struct choice choices[3][3] = {
    [HASH_SHA256] = { BEFORE(&sha256_ni_class, CPU_SSE41 | CPU_SHA){ &br_sha256_vtable, 0 } },
    [HASH_SHA384] = { BEFORE(&sha384_bmi2_class, CPU_AVX2 | CPU_BMI2){ &br_sha384_vtable, 0 } },
    [HASH_SHA512] = { BEFORE(&sha512_bmi2_class, CPU_AVX2 | CPU_BMI2){ &br_sha512_vtable, 0 } },
};

const br_hash_class *hash_class_at(enum hash_id hash, size_t i)
{
    for (const struct choice *c = choices[hash]; c->class != NULL; c++)
        if (cpu_has(c->needs) && i-- == 0)
            return c->class;
    return NULL;
}

const br_hash_class *hash_class(enum hash_id hash)
{
    return hash_class_at(hash, 0);
}
