/* ChaCha20-Poly1305 on 256-bit vectors. */
#include "chapoly.h"

#if defined(__x86_64__)
#define W 256
#include "chapoly.inc.h"
#endif
