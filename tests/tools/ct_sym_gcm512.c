/* Constant time of AES-GCM on 512-bit vectors, emulated: see ct_sym.h. */
#include "ct_sym.h"

#if defined(__x86_64__)
#include "cpu.h"
#include "emul512.h"
#include "x86/gcm_512.c"

CT_GCM(gcm512)

int main(int argc, char **argv)
{
    if (!cpu_has(CPU_SSE41 | CPU_AES | CPU_PCLMUL | CPU_AVX2 | CPU_BMI2)) {
        printf("SKIP: this CPU has no AVX2 and AES-NI\n");
        return 77;
    }
    ct_gcm512();
    return ct_end(argc, argv);
}
#else
int main(void)
{
    printf("SKIP: not x86-64\n");
    return 77;
}
#endif
