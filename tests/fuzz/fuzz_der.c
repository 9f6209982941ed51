/* DER: the reader, certificates, revocation lists, public keys, ECDSA signatures. */
#include "fuzz.h"

#include "crl.h"
#include "der.h"

static void walk(struct rd *r, int depth)
{
    while (der_peek(r) != 0 && !r->bad) {
        const uint8_t *before = r->p;
        uint8_t tag;
        struct slice whole;
        struct rd c = der_any(r, &tag, &whole);
        PROMISE(r->bad || (whole.p == before && r->p == before + whole.n && rd_left(&c) < whole.n));
        if ((tag & 0x20) != 0 && depth < 20)
            walk(&c, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_of(data, size);
    walk(&r, 0);
    struct x509 x;
    if (x509_parse(&x, data, size) == 0) {
        size_t at = 0;
        struct slice name;
        char host[256];
        PROMISE(inside(x.spki, data, size) && inside(x.issuer, data, size) && inside(x.cn, data, size));
        while (x509_san_next(&x, SAN_DNS, &at, &name)) {
            PROMISE(inside(name, data, size));
            (void)x509_host_lower(name.p, name.n, host);
        }
    }
    struct crl c;
    if (crl_parse(&c, data, size) == 0) {
        PROMISE(c.n_serials == 0 || crl_holds(&c, c.serials[0]));
        crl_free(&c);
    }
    struct public_key key;
    (void)key_parse_public(&key, data, size);
    (void)der_ecdsa_sig_ok(data, size, 32);
    return 0;
}
