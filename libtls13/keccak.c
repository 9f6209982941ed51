/* FIPS 202 for the rest of the library: the sponge of keccak_f.h, compiled for any CPU. */
#include "keccak.h"

#include "bytes.h"
#include "keccak_f.h"

void keccak_init(struct keccak *k, unsigned rate, uint8_t pad)
{
    sponge_init(k, rate, pad);
}

void keccak_absorb(struct keccak *k, const void *data, size_t n)
{
    sponge_absorb(k, data, n);
}

void keccak_finish(struct keccak *k)
{
    sponge_finish(k);
}

void keccak_squeeze(struct keccak *k, void *out, size_t n)
{
    sponge_squeeze(k, out, n);
}

static void hash(void *out, size_t out_len, unsigned rate, uint8_t pad, const void *data, size_t n)
{
    struct keccak k;
    sponge_init(&k, rate, pad);
    sponge_absorb(&k, data, n);
    sponge_finish(&k);
    sponge_squeeze(&k, out, out_len);
    WIPE(k);
}

void sha3_256(uint8_t out[static 32], const void *data, size_t n)
{
    hash(out, 32, KECCAK_RATE_256, KECCAK_SHA3, data, n);
}

void sha3_512(uint8_t out[static 64], const void *data, size_t n)
{
    hash(out, 64, KECCAK_RATE_512, KECCAK_SHA3, data, n);
}

void shake256(void *out, size_t out_len, const void *data, size_t n)
{
    hash(out, out_len, KECCAK_RATE_256, KECCAK_SHAKE, data, n);
}
