/* Errors: the table behind tls13.h's TLS13_E_* codes. */
#ifndef TLS13_ERROR_H
#define TLS13_ERROR_H

#include "tls13.h"

/* => the alert (RFC 8446 6) that tells the peer of an error; err may have either sign. */
int err_alert(int err);

#endif
