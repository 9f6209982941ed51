/* Constant time of the RSA private operation, emulated: see ct_asym.h. */
#include "ct_asym.h"

#if defined(__x86_64__)
#include "emul_ifma.h"

#include "x86/rsa_mont.c"
/* after the kernel that it calls */
#include "x86/rsa.c"

/* The self-test's numbers: its answer is checked first.  That the factors have their full length and are odd is not secret. */
int main(int argc, char **argv)
{
    ct_done("RSA-2048, known answers", rsa_ifma_selftest() == 0);
    unsigned char p[128], q[128], dp[128], dq[128], iq[128], x[256], want[256];
    pattern(p, sizeof p, 29, 11);
    pattern(q, sizeof q, 83, 5);
    pattern(dp, sizeof dp, 57, 3);
    pattern(dq, sizeof dq, 101, 7);
    pattern(iq, sizeof iq, 31, 9);
    pattern(x, sizeof x, 13, 1);
    p[0] |= 0x80;
    q[0] |= 0x80;
    iq[0] &= 0x7f;
    p[127] |= 1;
    q[127] |= 1;
    const br_rsa_private_key sk = { 2048, p, 128, q, 128, dp, 128, dq, 128, iq, 128 };
    memcpy(want, x, sizeof want);
    (void)rsa_ifma_private(want, &sk);
    SECRET(p + 1, 126);
    SECRET(q + 1, 126);
    SECRET(dp, sizeof dp);
    SECRET(dq, sizeof dq);
    SECRET(iq, sizeof iq);
    SECRET(x, sizeof x);
    (void)rsa_ifma_private(x, &sk);
    PUBLIC(x, sizeof x);
    ct_done("RSA-2048", memcmp(x, want, sizeof x) == 0);
    return ct_end(argc, argv);
}
#else
int main(void)
{
    printf("SKIP: not x86-64\n");
    return 77;
}
#endif
