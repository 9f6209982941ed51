/* Key exchange: the group table, the server's step for many clients at once, the client's two steps. */
#include "kex.h"

#include "bytes.h"
#include "curve.h"
#include "mlkem.h"
#include "suite.h"
#include "tls13.h"

static const struct kex_group groups[] = {
    { GROUP_X25519MLKEM768, MLKEM_EK + 32, MLKEM_CT + 32, MLKEM_SS + 32, 32 + 32, "X25519MLKEM768" },
    { GROUP_X25519, 32, 32, 32, 32, "x25519" },
    { GROUP_SECP256R1, 65, 65, 32, 32, "secp256r1" },
    { GROUP_SECP384R1, 97, 97, 48, 48, "secp384r1" },
};
_Static_assert(MLKEM_EK + 32 == KEX_MAX_CLIENT && MLKEM_CT + 32 == KEX_MAX_SERVER && MLKEM_SS + 32 == KEX_MAX_SECRET, "kex.h");

const struct kex_group *kex_by_id(uint16_t id)
{
    for (size_t i = 0; i < COUNT(groups); i++)
        if (groups[i].id == id)
            return &groups[i];
    return NULL;
}

const char *tls13_group_name(uint16_t id)
{
    const struct kex_group *g = kex_by_id(id);
    if (id == 0)
        return "";
    return g != NULL ? g->name : "unknown";
}

uint16_t tls13_group_by_name(const char *name)
{
    for (size_t i = 0; i < COUNT(groups); i++)
        if (name_equal(name, groups[i].name))
            return groups[i].id;
    return 0;
}

/* The NIST curve of a group, or NULL. */
static const struct nist_curve *nist_of(const struct kex_group *g)
{
    return g->id == GROUP_SECP256R1 ? &curve_p256 : g->id == GROUP_SECP384R1 ? &curve_p384 : NULL;
}

/* --- the server ------------------------------------------------------------------------------------------- */

/* What ML-KEM puts in front of the X25519 parts: of a client's share, a server's share, the secret and the random bytes. */
struct front {
    size_t client, server, secret, random;
};

static struct front front_of(const struct kex_group *g)
{
    return g->id == GROUP_X25519MLKEM768 ? (struct front){ MLKEM_EK, MLKEM_CT, MLKEM_SS, 32 } : (struct front){ 0 };
}

/* Nothing of a step that failed stays. */
static void job_fail(struct kex_job *j)
{
    explicit_bzero(j->secret, j->group->secret_len);
    explicit_bzero(j->server, j->group->server_len);
    j->err = -TLS13_E_ILLEGAL;
}

static void job_nist(struct kex_job *j, const struct nist_curve *c)
{
    uint8_t k[48];
    nist_scalar(c, k, j->random);
    nist_mulgen(c, j->server, k);
    if (!nist_mul(c, j->secret, j->client, k)) /* RFC 8446 4.2.8.2 */
        job_fail(j);
    WIPE(k);
}

static bool all_zero(const uint8_t *p)
{
    static const uint8_t zero[32];
    return ct_equal(p, zero, sizeof zero);
}

/* The X25519 parts of up to half as many jobs as there are lanes: a public key and a shared secret each. */
static void jobs_x25519(struct kex_job *const *jobs, size_t n)
{
    uint8_t out[X25519_LANES][32], k[X25519_LANES][32], u[X25519_LANES][32];
    for (size_t i = 0; i < n; i++) {
        struct front f = front_of(jobs[i]->group);
        memcpy(k[2 * i], jobs[i]->random + f.random, 32);
        memcpy(k[2 * i + 1], jobs[i]->random + f.random, 32);
        memcpy(u[2 * i], x25519_base, 32);
        memcpy(u[2 * i + 1], jobs[i]->client + f.client, 32);
    }
    x25519_mul(out, k, u, 2 * n);
    for (size_t i = 0; i < n; i++) {
        struct front f = front_of(jobs[i]->group);
        memcpy(jobs[i]->server + f.server, out[2 * i], 32);
        memcpy(jobs[i]->secret + f.secret, out[2 * i + 1], 32);
        if (all_zero(out[2 * i + 1])) /* RFC 8446 7.4.2, RFC 7748 6.1; also of the hybrid's part */
            job_fail(jobs[i]);
    }
    WIPE(out);
    WIPE(k);
}

void kex_run(struct kex_job *const *jobs, size_t n)
{
    struct kex_job *batch[X25519_LANES / 2];
    size_t waiting = 0;
    for (size_t i = 0; i < n; i++) {
        struct kex_job *j = jobs[i];
        const struct nist_curve *c = nist_of(j->group);
        j->err = 0;
        if (c != NULL) {
            job_nist(j, c);
            continue;
        }
        if (j->group->id == GROUP_X25519MLKEM768 && mlkem_encaps(j->server, j->secret, j->client, j->random) < 0) {
            job_fail(j); /* FIPS 203 7.2 */
            continue;
        }
        batch[waiting++] = j;
        if (waiting == COUNT(batch)) {
            jobs_x25519(batch, waiting);
            waiting = 0;
        }
    }
    if (waiting > 0)
        jobs_x25519(batch, waiting);
}

/* --- the client ------------------------------------------------------------------------------------------- */

int kex_client_share(struct kex_client *k, const struct kex_group *g, const uint8_t random[static KEX_MAX_RANDOM], uint8_t *share)
{
    if (g == NULL)
        return -TLS13_E_BAD_ARGUMENT;
    const struct nist_curve *c = nist_of(g);
    k->group = g;
    if (c != NULL) {
        nist_scalar(c, k->priv, random);
        nist_mulgen(c, share, k->priv);
        return 0;
    }
    uint8_t *scalar = k->priv;
    if (g->id == GROUP_X25519MLKEM768) {
        mlkem_keygen(share, k->priv, random, random + 32);
        scalar += MLKEM_DK;
        share += MLKEM_EK;
        random += 64;
    }
    memcpy(scalar, random, 32);
    x25519_mul((void *)share, (const void *)scalar, &x25519_base, 1);
    return 0;
}

int kex_client_secret(const struct kex_client *k, const uint8_t *server, uint8_t *secret)
{
    const struct nist_curve *c = nist_of(k->group);
    const uint8_t *scalar = k->priv;
    uint8_t *x = secret;
    if (c != NULL)
        return nist_mul(c, secret, server, k->priv) ? 0 : -TLS13_E_ILLEGAL;
    if (k->group->id == GROUP_X25519MLKEM768) {
        mlkem_decaps(secret, server, k->priv);
        scalar += MLKEM_DK;
        server += MLKEM_CT;
        x += MLKEM_SS;
    }
    x25519_mul((void *)x, (const void *)scalar, (const void *)server, 1);
    if (!all_zero(x))
        return 0;
    explicit_bzero(secret, k->group->secret_len);
    return -TLS13_E_ILLEGAL;
}
