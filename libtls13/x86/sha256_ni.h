/* SHA-256 (FIPS 180-4) with the SHA extensions and SSE4.1, as a class of BearSSL's: contexts are br_sha256_context. */
#ifndef TLS13_X86_SHA256_NI_H
#define TLS13_X86_SHA256_NI_H

#include <bearssl.h>

extern const br_hash_class sha256_ni_class;

#endif
