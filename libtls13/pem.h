/* PEM (RFC 7468): objects out of text that may have CRLF, no final newline, and anything between the objects. */
#ifndef TLS13_PEM_H
#define TLS13_PEM_H

#include "bytes.h"

/* Walks text; p moves on. */
struct pem {
    const char *p, *end;
};
/*
 * Finds the next object: its label ("CERTIFICATE") goes to label, its bytes to a malloc'ed *der that the caller wipes and frees.
 * => 1, 0 when there is no further object, -TLS13_E_PEM (begun but broken: bad base64, no END line, END of another label; an END line
 * that nothing began), -TLS13_E_KEY_ENCRYPTED (RFC 1421 headers "Proc-Type: 4,ENCRYPTED"), -TLS13_E_MEMORY.
 */
int pem_next(struct pem *pem, char label[static 64], uint8_t **der, size_t *len);
/*
 * Writes one object as text with LF lines of 64, and a NUL behind it.  => the text's length, 0 when cap is too small.
 * Time depends on lengths only.
 */
size_t pem_write(char *out, size_t cap, const char *label, const uint8_t *der, size_t len);

#endif
