/* AES-GCM on 512-bit vectors. */
#include "gcm.h"

#if defined(__x86_64__)
#define W 512
#include "gcm.inc.h"
#endif
