/* AES-GCM on 256-bit vectors. */
#include "gcm.h"

#if defined(__x86_64__)
#define W 256
#include "gcm.inc.h"
#endif
