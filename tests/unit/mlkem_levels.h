/* Every ML-KEM level of this machine under one shape, so that each test and tool runs on all of them. */
#ifndef MLKEM_LEVELS_H
#define MLKEM_LEVELS_H

#include <string.h>

#include "bytes.h"
#include "cpu.h"
#include "keccak.h"
#include "mlkem_level.h"

struct kem {
    const char *name;
    const struct mlkem_level *level; /* NULL: what the library chooses */
    void (*keygen)(uint8_t *ek, uint8_t *dk, const uint8_t *d, const uint8_t *z);
    int (*encaps)(uint8_t *ct, uint8_t *ss, const uint8_t *ek, const uint8_t *m);
    void (*decaps)(uint8_t *ss, const uint8_t *ct, const uint8_t *dk);
};

static inline void default_keygen(uint8_t *ek, uint8_t *dk, const uint8_t *d, const uint8_t *z)
{
    mlkem_keygen(ek, dk, d, z);
}

static inline int default_encaps(uint8_t *ct, uint8_t *ss, const uint8_t *ek, const uint8_t *m)
{
    return mlkem_encaps(ct, ss, ek, m);
}

static inline void default_decaps(uint8_t *ss, const uint8_t *ct, const uint8_t *dk)
{
    mlkem_decaps(ss, ct, dk);
}

/* G(d || 3), then the level's keygen: algorithm 13, line 1. */
static inline void level_keygen(const struct mlkem_level *level, uint8_t *ek, uint8_t *dk, const uint8_t *d, const uint8_t *z)
{
    uint8_t seed[33], rho_sigma[64];
    memcpy(seed, d, 32);
    seed[32] = 3;
    sha3_512(rho_sigma, seed, sizeof seed);
    level->keygen(ek, dk, rho_sigma, z);
}

#define LEVEL(name)                                                                                \
    static inline void name##_keygen(uint8_t *ek, uint8_t *dk, const uint8_t *d, const uint8_t *z) \
    {                                                                                              \
        level_keygen(&mlkem_##name, ek, dk, d, z);                                                 \
    }                                                                                              \
    static inline int name##_encaps(uint8_t *ct, uint8_t *ss, const uint8_t *ek, const uint8_t *m) \
    {                                                                                              \
        return mlkem_##name.encaps(ct, ss, ek, m);                                                 \
    }                                                                                              \
    static inline void name##_decaps(uint8_t *ss, const uint8_t *ct, const uint8_t *dk)            \
    {                                                                                              \
        mlkem_##name.decaps(ss, ct, dk);                                                           \
    }

LEVEL(portable)
#if defined(__x86_64__)
LEVEL(avx2)
LEVEL(avx512)
#endif

static const struct kem kems[] = {
    { "default", NULL, default_keygen, default_encaps, default_decaps },
    { "portable", &mlkem_portable, portable_keygen, portable_encaps, portable_decaps },
#if defined(__x86_64__)
    { "avx2", &mlkem_avx2, avx2_keygen, avx2_encaps, avx2_decaps },
    { "avx512", &mlkem_avx512, avx512_keygen, avx512_encaps, avx512_decaps },
#endif
};

static inline bool kem_runs(const struct kem *kem)
{
#if defined(__x86_64__)
    if (kem->level == &mlkem_avx512)
        return cpu_level() >= CPU_LEVEL_AVX512;
    if (kem->level == &mlkem_avx2)
        return cpu_level() >= CPU_LEVEL_AVX2;
#endif
    return true;
}

/* NULL when there is none of that name, or the CPU has not got it. */
static inline const struct kem *kem_by_name(const char *name)
{
    for (size_t i = 0; i < COUNT(kems); i++)
        if (strcmp(kems[i].name, name) == 0 && kem_runs(&kems[i]))
            return &kems[i];
    return NULL;
}

#endif
