/* ChaCha20-Poly1305 on 512-bit vectors. */
#include "chapoly.h"

#if defined(__x86_64__)
#define W 512
#include "chapoly.inc.h"
#endif
