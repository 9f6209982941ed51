/* The accelerated AEADs behind aead_impl.h: tags in place and compared. */
#include "aead_x86.h"

#if defined(__x86_64__)
#include "../bytes.h"
#include "chapoly.h"
#include "gcm.h"

_Static_assert(sizeof(struct gcm_key) <= sizeof(((struct aead *)0)->key), "struct aead has room for a GCM key");

#define SEAL(name) static void name(const void *ctx, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len)
#define OPEN(name) static bool name(const void *ctx, const uint8_t *nonce, const uint8_t *aad, size_t aad_len, uint8_t *buf, size_t len)

/* NAME_seal and NAME_open over NAME_encrypt and NAME_decrypt. */
#define SEAL_AND_OPEN(name)                                            \
    SEAL(name##_seal)                                                  \
    {                                                                  \
        name##_encrypt(ctx, nonce, aad, aad_len, buf, len, buf + len); \
    }                                                                  \
    OPEN(name##_open)                                                  \
    {                                                                  \
        uint8_t tag[AEAD_TAG];                                         \
        name##_decrypt(ctx, nonce, aad, aad_len, buf, len, tag);       \
        bool ok = ct_equal(tag, buf + len, AEAD_TAG);                  \
        WIPE(tag);                                                     \
        return ok;                                                     \
    }

#define GCM(width)                                                              \
    static void gcm##width##_key(void *ctx, const uint8_t *key, size_t key_len) \
    {                                                                           \
        gcm##width##_init(ctx, key, key_len);                                   \
    }                                                                           \
    SEAL_AND_OPEN(gcm##width##_aes128)                                          \
    SEAL_AND_OPEN(gcm##width##_aes256)

GCM(128)
GCM(256)
GCM(512)
SEAL_AND_OPEN(chapoly256)
SEAL_AND_OPEN(chapoly512)

static void chapoly_key(void *ctx, const uint8_t *key, size_t key_len)
{
    memcpy(ctx, key, key_len);
}

#define GCM128_NEEDS     (CPU_SSE41 | CPU_AES | CPU_PCLMUL)
#define GCM256_NEEDS     (GCM128_NEEDS | CPU_AVX2 | CPU_VAES | CPU_VPCLMUL)
#define GCM512_NEEDS     (GCM256_NEEDS | CPU_BMI2 | CPU_AVX512)
#define CHAPOLY256_NEEDS (CPU_AVX2 | CPU_BMI2)
#define CHAPOLY512_NEEDS (CHAPOLY256_NEEDS | CPU_AVX512 | CPU_IFMA | CPU_VBMI2)

static const struct aead_impl aes128_512 = { "gcm512", GCM512_NEEDS, gcm512_key, gcm512_aes128_seal, gcm512_aes128_open };
static const struct aead_impl aes128_256 = { "gcm256", GCM256_NEEDS, gcm256_key, gcm256_aes128_seal, gcm256_aes128_open };
static const struct aead_impl aes128_128 = { "gcm128", GCM128_NEEDS, gcm128_key, gcm128_aes128_seal, gcm128_aes128_open };
static const struct aead_impl aes256_512 = { "gcm512", GCM512_NEEDS, gcm512_key, gcm512_aes256_seal, gcm512_aes256_open };
static const struct aead_impl aes256_256 = { "gcm256", GCM256_NEEDS, gcm256_key, gcm256_aes256_seal, gcm256_aes256_open };
static const struct aead_impl aes256_128 = { "gcm128", GCM128_NEEDS, gcm128_key, gcm128_aes256_seal, gcm128_aes256_open };
static const struct aead_impl chacha_512 = { "chapoly512", CHAPOLY512_NEEDS, chapoly_key, chapoly512_seal, chapoly512_open };
static const struct aead_impl chacha_256 = { "chapoly256", CHAPOLY256_NEEDS, chapoly_key, chapoly256_seal, chapoly256_open };

const struct aead_impl *const x86_aes128_impls[] = { &aes128_512, &aes128_256, &aes128_128, NULL };
const struct aead_impl *const x86_aes256_impls[] = { &aes256_512, &aes256_256, &aes256_128, NULL };
const struct aead_impl *const x86_chacha_impls[] = { &chacha_512, &chacha_256, NULL };
#else
const struct aead_impl *const x86_aes128_impls[] = { NULL };
const struct aead_impl *const x86_aes256_impls[] = { NULL };
const struct aead_impl *const x86_chacha_impls[] = { NULL };
#endif
