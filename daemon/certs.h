/* Files to a tls13_ctx: certificates, keys, client CA, CRL of one listener. */
#ifndef CERTS_H
#define CERTS_H

#include "options.h"
#include "tls13.h"

/*
 * Builds the TLS context of a listener; every problem (unreadable, mismatch, expired, wrong order, loose file mode) is added to p with
 * file, line and key.  => a context with one reference, or NULL when a problem refuses it.
 */
struct tls13_ctx *certs_build(const struct config *c, const struct listen_conf *l, struct problems *p);
/* Whether a file of this name is taken when `certificate` names its directory: *.pem that is not hidden. */
bool certs_takes(const char *name);

#endif
