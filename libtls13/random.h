/* Random bytes straight from getrandom(2): safe over fork, no state of our own. */
#ifndef TLS13_RANDOM_H
#define TLS13_RANDOM_H

#include <stddef.h>

/* => 0, or -TLS13_E_RANDOM (a kernel without getrandom).  Waits for the kernel's pool at early boot. */
int random_bytes(void *out, size_t n) __attribute__((warn_unused_result));

#endif
