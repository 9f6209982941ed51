/*
 * ML-KEM-768 over lines of hex, for comparison with other implementations (tests/interop/mlkem_noble.mjs).
 *
 *   mlkem_tool [portable|avx2|avx512]     without a level: the one that the library chooses
 *   keygen D Z -> EK DK     encaps EK M -> CT SS, or illegal     decaps CT DK -> SS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mlkem_levels.h"

static void print_hex(const uint8_t *p, size_t n, const char *end)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", p[i]);
    fputs(end, stdout);
}

/* Exactly n bytes of hex, or the end of the program. */
static void operand(uint8_t *out, size_t n, const char *hex)
{
    if (hex == NULL || strlen(hex) != 2 * n) {
        fprintf(stderr, "mlkem_tool: wants %zu bytes of hex\n", n);
        exit(2);
    }
    for (size_t i = 0; i < n; i++) {
        unsigned byte = 0;
        (void)sscanf(hex + 2 * i, "%2x", &byte);
        out[i] = (uint8_t)byte;
    }
}

static void answer(const struct kem *kem, char *line)
{
    static uint8_t ek[MLKEM_EK], dk[MLKEM_DK], ct[MLKEM_CT], ss[MLKEM_SS], a[32], b[32];
    const char *verb = strtok(line, " \n"), *x = strtok(NULL, " \n"), *y = strtok(NULL, " \n");
    if (verb != NULL && strcmp(verb, "keygen") == 0) {
        operand(a, 32, x);
        operand(b, 32, y);
        kem->keygen(ek, dk, a, b);
        print_hex(ek, sizeof ek, " ");
        print_hex(dk, sizeof dk, "\n");
    } else if (verb != NULL && strcmp(verb, "encaps") == 0) {
        operand(ek, sizeof ek, x);
        operand(a, 32, y);
        if (kem->encaps(ct, ss, ek, a) < 0) {
            puts("illegal");
            return;
        }
        print_hex(ct, sizeof ct, " ");
        print_hex(ss, sizeof ss, "\n");
    } else if (verb != NULL && strcmp(verb, "decaps") == 0) {
        operand(ct, sizeof ct, x);
        operand(dk, sizeof dk, y);
        kem->decaps(ss, ct, dk);
        print_hex(ss, sizeof ss, "\n");
    } else {
        fprintf(stderr, "mlkem_tool: knows keygen, encaps, decaps\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static char line[2 * (MLKEM_DK + MLKEM_CT) + 64];
    const struct kem *kem = kem_by_name(argc > 1 ? argv[1] : "default");
    if (kem == NULL) {
        fprintf(stderr, "mlkem_tool: this machine has no level %s\n", argv[1]);
        return 77;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        answer(kem, line);
        fflush(stdout);
    }
    return 0;
}
