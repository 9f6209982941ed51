/* Authorities and revocation lists as they are read: what is no good is refused and changes nothing; each list counts for its issuer. */
#include "unit.h"

#include "forge.h"

static struct forge f;
static char text[16384];

/* PEM of der with a label, behind what is there. */
static void more_pem(const char *label, const uint8_t *der, size_t len)
{
    size_t at = strlen(text);
    CHECK(pem_write(text + at, sizeof text - at, label, der, len) != 0);
}

static int add(struct trust *t)
{
    int n = trust_add_ca(t, text, strlen(text));
    text[0] = '\0';
    return n;
}

static void authorities(void)
{
    static const uint8_t p256_oid[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    struct trust *t = trust_new();
    text[0] = '\0';
    forge_chain(&f, 2, false);
    CHECK_INT(add(t), 0);
    more_pem("PRIVATE KEY", f.cert[1].der, 20); /* other objects are passed over, */
    more_pem("X509 CERTIFICATE", f.cert[1].der, f.cert[1].len);
    more_pem("CERTIFICATE", f.cert[0].der, f.cert[0].len);
    CHECK_INT(add(t), 2);
    CHECK_INT(trust_count(t), 2);
    more_pem("CERTIFICATE", f.cert[1].der, f.cert[1].len - 1); /* a certificate that is none is not */
    CHECK_INT(add(t), -TLS13_E_CERT_PARSE);
    strcpy(text, "-----BEGIN CERTIFICATE-----\nMII\n");
    CHECK_INT(add(t), -TLS13_E_PEM);
    uint8_t *oid = memmem(f.cert[1].der, f.cert[1].len, p256_oid, sizeof p256_oid);
    CHECK(oid != NULL);
    oid[7] = 6; /* a curve that nobody has */
    more_pem("CERTIFICATE", f.cert[1].der, f.cert[1].len);
    CHECK_INT(add(t), -TLS13_E_KEY_UNSUPPORTED);
    CHECK_INT(trust_count(t), 2);
    forge_free(&f);
    trust_free(t);
}

static int add_list(struct trust *t, const char *pem)
{
    return trust_add_crl(t, (const uint8_t *)pem, strlen(pem));
}

/* What becomes of the client's good certificate. */
static int judged(const struct trust *t)
{
    struct credential *c;
    int64_t until;
    CHECK_INT(cred_load(&c, fixture_client, strlen(fixture_client), NULL, 0, NULL, NULL), 0);
    int err = trust_verify(t, &c->leaf, 1, test_now_ms / 1000, &until);
    cred_free(c);
    return err;
}

static void lists(void)
{
    struct trust *t = trust_new();
    CHECK_INT(trust_add_ca(t, fixture_ca, strlen(fixture_ca)), 1);
    CHECK_INT(judged(t), 0);
    CHECK_INT(trust_add_crl(t, (const uint8_t *)"0\3\1\1", 4), -TLS13_E_CRL_PARSE);
    CHECK_INT(add_list(t, fixture_client), -TLS13_E_CRL_PARSE);    /* no list */
    CHECK_INT(add_list(t, fixture_crl_other), -TLS13_E_CRL_PARSE); /* of an authority that is not ours */
    CHECK_INT(add_list(t, ""), 0);
    CHECK_INT(judged(t), 0); /* as if there had been none */
    /* Another authority's list is good, and none of this one's: it says nothing of its certificates. */
    CHECK_INT(trust_add_ca(t, fixture_other_ca, strlen(fixture_other_ca)), 1);
    CHECK_INT(add_list(t, fixture_crl_other), 1);
    CHECK_INT(judged(t), -TLS13_E_CRL_STALE);
    CHECK_INT(add_list(t, fixture_crl), 1);
    CHECK_INT(judged(t), 0);
    trust_free(t);
}

/* A chain with something in it that is no certificate, needed or not, and one longer than any is taken. */
static void chains(void)
{
    struct slice chain[LIMIT_CHAIN + 1];
    struct trust *t = trust_new();
    int64_t until;
    text[0] = '\0';
    forge_chain(&f, LIMIT_CHAIN + 2, false);
    more_pem("CERTIFICATE", f.cert[1].der, f.cert[1].len);
    CHECK_INT(add(t), 1);
    for (size_t i = 0; i < COUNT(chain); i++)
        chain[i] = (struct slice){ f.cert[i].der, f.cert[i].len };
    CHECK_INT(trust_verify(t, chain, LIMIT_CHAIN, test_now_ms / 1000, &until), 0);
    CHECK_INT(trust_verify(t, chain, LIMIT_CHAIN + 1, test_now_ms / 1000, &until), -TLS13_E_BAD_CERT);
    for (size_t i = 0; i < LIMIT_CHAIN; i++) {
        chain[i].n--;
        CHECK_INT(trust_verify(t, chain, LIMIT_CHAIN, test_now_ms / 1000, &until), -TLS13_E_BAD_CERT);
        chain[i].n++;
    }
    forge_free(&f);
    trust_free(t);
}

int main(void)
{
    RUN(authorities);
    RUN(lists);
    RUN(chains);
    return DONE();
}
