/* The accelerated AEADs as rows for aead.c's tables (aead_impl.h), best first; each ends in NULL. */
#ifndef TLS13_X86_AEAD_X86_H
#define TLS13_X86_AEAD_X86_H

#include "../aead_impl.h"

extern const struct aead_impl *const x86_aes128_impls[];
extern const struct aead_impl *const x86_aes256_impls[];
extern const struct aead_impl *const x86_chacha_impls[];

#endif
