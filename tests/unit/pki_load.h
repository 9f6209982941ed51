/* Objects out of pki.h: for us, and for libcrypto to compare with. */
#ifndef PKI_LOAD_H
#define PKI_LOAD_H

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "key.h"
#include "pem.h"
#include "pki.h"
#include "unit.h"

/* The i-th object of a text, malloc'ed in a block of its own length, so that a read past it shows; ends the case when there is none. */
static inline uint8_t *pki_der(const char *text, unsigned i, char label[static 64], size_t *len)
{
    struct pem pem = { text, text + strlen(text) };
    uint8_t *der;
    int n;
    while ((n = pem_next(&pem, label, &der, len)) == 1 && i-- > 0)
        free(der);
    CHECK_INT(n, 1);
    uint8_t *exact = malloc(*len);
    CHECK(exact != NULL);
    memcpy(exact, der, *len);
    free(der);
    return exact;
}

/* key_parse over the last private key of a text. */
static inline int pki_key(struct private_key *key, const char *text)
{
    char label[64];
    size_t len;
    unsigned i = strstr(text, "BEGIN EC PARAMETERS") != NULL ? 1 : 0;
    uint8_t *der = pki_der(text, i, label, &len);
    int err = key_parse(key, label, der, len);
    free(der);
    return err;
}

static inline EVP_PKEY *pki_openssl_key(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    CHECK(key != NULL);
    return key;
}

#endif
