/*
 * Constant time of ML-KEM-768: secrets are marked undefined, so that memcheck reports every branch and every address that depends
 * on one.
 *
 *   valgrind -q --error-exitcode=9 build/tools/ct_mlkem           must end with 0
 *   valgrind -q --error-exitcode=9 build/tools/ct_mlkem leak      must end with 9: a deliberate branch on a secret
 *
 * Run alone it says so and ends with 77.  valgrind (3.19) shows a CPU without AVX-512, so that level cannot run here.
 */
#include "ct.h"
#include "mlkem_levels.h"

static uint8_t ek[MLKEM_EK], dk[MLKEM_DK], ct[MLKEM_CT], ss[MLKEM_SS], again[MLKEM_SS];

static int check_level(const char *name, const struct mlkem_level *level)
{
    uint8_t rho_sigma[64], z[32], m[32];
    for (int i = 0; i < 64; i++)
        rho_sigma[i] = (uint8_t)(i * 37 + 1);
    memset(z, 0x35, sizeof z);
    memset(m, 0xc6, sizeof m);

    SECRET(rho_sigma + 32, 32); /* sigma; rho is public */
    SECRET(z, sizeof z);
    level->keygen(ek, dk, rho_sigma, z);
    PUBLIC(ek, sizeof ek);
    PUBLIC(dk + 1152, MLKEM_EK + 32); /* its copy of ek, and H(ek) */

    SECRET(m, sizeof m);
    if (level->encaps(ct, ss, ek, m) != 0)
        return 1;
    PUBLIC(ct, sizeof ct);
    level->decaps(again, ct, dk);
    PUBLIC(ss, sizeof ss);
    PUBLIC(again, sizeof again);
    if (memcmp(ss, again, sizeof ss) != 0)
        return 1;

    ct[0] ^= 1;
    level->decaps(again, ct, dk);
    PUBLIC(again, sizeof again);
    printf("%s: key generation, encapsulation, decapsulation, rejection done\n", name);
    return memcmp(ss, again, sizeof ss) == 0;
}

int main(int argc, char **argv)
{
    if (!WATCHED()) {
        puts("SKIP: runs under valgrind only (and wants its header when built)");
        return 77;
    }
    for (size_t i = 0; i < COUNT(kems); i++)
        if (kems[i].level != NULL && kem_runs(&kems[i]) && check_level(kems[i].name, kems[i].level) != 0)
            return 1;
    if (argc > 1 && strcmp(argv[1], "leak") == 0) {
        uint8_t secret = (uint8_t)argc;
        SECRET(&secret, 1);
        if (secret & 1)
            puts("(a deliberate leak)");
    }
    return 0;
}
