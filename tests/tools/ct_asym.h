/*
 * Constant time of the asymmetric primitives: private keys, nonces and what is decrypted are marked undefined, so that memcheck reports
 * every branch and every address that depends on one.  Results are compared with BearSSL's.
 *
 *   valgrind -q --error-exitcode=9 build/tools/ct_asym          must end with 0
 *   valgrind -q --error-exitcode=9 build/tools/ct_asym leak     must end with 9: a deliberate branch on a secret
 *
 * ct_asym runs what valgrind's CPU has; ct_asym_x25519 and ct_asym_rsa the AVX-512 sources by emul_ifma.h.  Run alone, each only compares
 * results, says SKIP and ends with 77.
 */
#ifndef CT_ASYM_H
#define CT_ASYM_H

#include "ct.h"

#include <bearssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The same bytes in every run. */
static inline void ct_fill(uint8_t *p, size_t n, unsigned factor)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * factor + i / 31 + 7);
}

static void ct_done(const char *name, bool good)
{
    printf("%s: %s\n", name, good ? "done" : "comes out wrong");
    ct_failed |= !good;
}

#endif
