/*
 * Constant time under valgrind: what is marked undefined is a secret, so that memcheck reports every branch and every address that
 * depends on it.
 */
#ifndef CT_H
#define CT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define SECRET(p, n) ((void)VALGRIND_MAKE_MEM_UNDEFINED(p, n))
#define PUBLIC(p, n) ((void)VALGRIND_MAKE_MEM_DEFINED(p, n))
#define WATCHED()    RUNNING_ON_VALGRIND
#else
#define SECRET(p, n) ((void)(p))
#define PUBLIC(p, n) ((void)(p))
#define WATCHED()    0
#endif

static int ct_failed; /* a result was wrong */

/* Ends main; "leak" asks for a deliberate branch on a secret. */
static inline int ct_end(int argc, char **argv)
{
    uint8_t secret[4] = { 1, 2, 3, 4 };
    if (argc > 1 && strcmp(argv[1], "leak") == 0) {
        SECRET(secret, sizeof secret);
        if (((volatile uint8_t *)secret)[3] & 1)
            printf("a deliberate leak\n");
    }
    if (ct_failed)
        return 1;
    if (WATCHED())
        return 0;
    printf("SKIP: not under valgrind, or built without its header\n");
    return 77;
}

#endif
