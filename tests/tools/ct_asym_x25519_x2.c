/* Constant time of two X25519s at once, emulated: see ct_asym.h. */
#include "ct_asym.h"

#if defined(__x86_64__)
#include "emul_ifma256.h"

#include "curve.h"
#include "x86/x25519_x2.c"

int main(int argc, char **argv)
{
    uint8_t k[2][32], u[2][32], out[2][32], want[2][32], copy[2][32];
    size_t last = 0;
    while (x25519_impl_at(last + 1) != NULL)
        last++;
    ct_fill(k[0], sizeof k, 37);
    ct_fill(u[0], sizeof u, 91);
    memcpy(copy, k, sizeof k);
    x25519_impl_at(last)->mul(want, (const void *)copy, (const void *)u, 2);
    SECRET(k, sizeof k);
    SECRET(u, sizeof u);
    x25519_x2(out, (const void *)k, (const void *)u);
    PUBLIC(out, sizeof out);
    ct_done("two at once", memcmp(out, want, sizeof out) == 0);
    return ct_end(argc, argv);
}
#else
int main(void)
{
    printf("SKIP: not x86-64\n");
    return 77;
}
#endif
