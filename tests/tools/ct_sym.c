/* Constant time of what valgrind's CPU can run: see ct_sym.h. */
#include "ct_sym.h"

#include "cpu.h"
#include "hash_impl.h"

static void ct_hmac(enum hash_id hash, const char *name)
{
    br_hmac_key_context k;
    br_hmac_context c;
    uint8_t out[64];
    ct_fill();
    for (size_t i = 0; hash_class_at(hash, i) != NULL; i++) {
        SECRET(ct_key, 32);
        SECRET(ct_text, sizeof ct_text);
        br_hmac_key_init(&k, hash_class_at(hash, i), ct_key, 32);
        br_hmac_init(&c, &k, 0);
        br_hmac_update(&c, ct_text, sizeof ct_text);
        (void)br_hmac_out(&c, out);
        PUBLIC(out, sizeof out);
    }
    printf("%s: done\n", name);
}

#if defined(__x86_64__)
#include "x86/chapoly.h"
#include "x86/gcm.h"

CT_GCM(gcm128)
CT_CHAPOLY(chapoly256)

int main(int argc, char **argv)
{
    if (cpu_has(CPU_SSE41 | CPU_AES | CPU_PCLMUL))
        ct_gcm128();
    if (cpu_has(CPU_AVX2 | CPU_BMI2))
        ct_chapoly256();
    ct_hmac(HASH_SHA256, "SHA-256");
    ct_hmac(HASH_SHA384, "SHA-384");
    return ct_end(argc, argv);
}
#else
int main(int argc, char **argv)
{
    ct_hmac(HASH_SHA256, "SHA-256");
    ct_hmac(HASH_SHA384, "SHA-384");
    return ct_end(argc, argv);
}
#endif
