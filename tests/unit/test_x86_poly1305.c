/* Poly1305 on 64-bit integers, which chapoly256 uses for all and chapoly512 for short messages. */
#include "x86_tests.h"

#if defined(__x86_64__)
#define W 256
#include "bytes.h"
#include "x86/simd.h"
#include "x86/poly1305.inc.h"

#include "poly1305_cases.h"

int main(void)
{
    data = guard(MAX_DATA);
    RUN(rfc8439_a3);
    RUN(around_p);
    RUN(extremes);
    return DONE();
}
#else
int main(void)
{
    printf("1..0 # SKIP not x86-64\n");
    return 0;
}
#endif
