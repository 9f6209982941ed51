/* AES-GCM on 128-bit vectors. */
#include "gcm.h"

#if defined(__x86_64__)
#define W 128
#include "gcm.inc.h"
#endif
