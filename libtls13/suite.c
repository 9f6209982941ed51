/* The suite table, and names. */
#include "suite.h"

#include "bytes.h"
#include "tls13.h"

/*
 * RFC 8446 5.5: at most 2^24.5 full-size records under one AES-GCM key.  ChaCha20-Poly1305 has no such limit before the sequence
 * number wraps; fresh keys from time to time cost nothing.
 */
static const struct suite suites[] = {
    { TLS_AES_128_GCM_SHA256, HASH_SHA256, 32, 16, UINT64_C(1) << 24, "TLS_AES_128_GCM_SHA256" },
    { TLS_AES_256_GCM_SHA384, HASH_SHA384, 48, 32, UINT64_C(1) << 24, "TLS_AES_256_GCM_SHA384" },
    { TLS_CHACHA20_POLY1305_SHA256, HASH_SHA256, 32, 32, UINT64_C(1) << 36, "TLS_CHACHA20_POLY1305_SHA256" },
};

const struct suite *suite_by_id(uint16_t id)
{
    for (size_t i = 0; i < COUNT(suites); i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

const char *tls13_suite_name(uint16_t id)
{
    const struct suite *s = suite_by_id(id);
    if (id == 0)
        return "";
    return s != NULL ? s->name : "unknown";
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Not strcasecmp: it asks the locale. */
bool name_equal(const char *a, const char *b)
{
    for (; lower(*a) == lower(*b); a++, b++)
        if (*a == '\0')
            return true;
    return false;
}

uint16_t tls13_suite_by_name(const char *name)
{
    for (size_t i = 0; i < COUNT(suites); i++)
        if (name_equal(name, suites[i].name))
            return suites[i].id;
    return 0;
}
