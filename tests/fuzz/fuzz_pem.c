/* PEM text, credentials, authorities and revocation lists out of it. */
#include "fuzz.h"

#include "pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pem pem = { (const char *)data, (const char *)data + size };
    char label[64];
    uint8_t *der;
    size_t n;
    while (pem_next(&pem, label, &der, &n) > 0) {
        PROMISE(n <= size && strlen(label) < sizeof label);
        free(der);
    }
    struct credential *c;
    if (cred_load(&c, (const char *)data, size, NULL, 0, NULL, NULL) == 0)
        cred_free(c);
    struct trust *t = trust_new();
    PROMISE(t != NULL);
    (void)trust_add_ca(t, fixture_ca, strlen(fixture_ca));
    (void)trust_add_ca(t, (const char *)data, size);
    (void)trust_add_crl(t, data, size);
    trust_free(t);
    return 0;
}
