/* X25519MLKEM768 for an OpenSSL that does not have it: a provider inside the program, over libtls13's ML-KEM and OpenSSL's X25519. */
#ifndef HYBRID_H
#define HYBRID_H

#include <stdbool.h>

#define HYBRID_NAME "X25519MLKEM768"
#define HYBRID_ID   0x11ec

/* To be called before SSL_CTX_new().  The client's side only. */
bool hybrid_load(void);

#endif
