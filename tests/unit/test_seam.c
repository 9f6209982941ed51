/*
 * The signing seam: a sign function whose answer comes 50 ms later, from another thread, while other connections shake hands and pass
 * data.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "unit.h"

#include "peer.h"

enum { SLOW = 3, DELAY_MS = 50 };

/* One signature asked for, and the thread that makes it. */
struct job {
    struct tls13_conn *conn;
    uint16_t scheme;
    uint8_t hash[64], sig[SIG_MAX];
    int sig_len;
    pthread_t thread;
    atomic_bool done;
};

/* What the sign function is given: later is whether it puts off what it is asked. */
struct signer {
    struct credential *cred;
    bool later;
    struct job jobs[SLOW];
    size_t n;
    atomic_size_t turn; /* jobs from this one on may answer */
};

static struct peer slow[SLOW], quick; /* big: not on the stack */
static struct signer signer;

static void *sign_in_thread(void *arg)
{
    struct job *j = arg;
    nanosleep(&(struct timespec){ 0, DELAY_MS * 1000000L }, NULL);
    while (j < &signer.jobs[atomic_load(&signer.turn)])
        nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    j->sig_len = sig_sign(&signer.cred->key, sig_by_id(j->scheme), j->hash, NULL, j->sig);
    atomic_store(&j->done, true);
    return NULL;
}

static int sign(void *arg, struct tls13_conn *conn, uint16_t scheme, const uint8_t *hash, size_t n, uint8_t *sig, size_t *len)
{
    struct signer *s = arg;
    if (!s->later) {
        int k = sig_sign(&s->cred->key, sig_by_id(scheme), hash, NULL, sig);
        *len = k > 0 ? (size_t)k : 0;
        return k > 0 ? 0 : k;
    }
    struct job *j = &s->jobs[s->n];
    j->conn = conn;
    j->scheme = scheme;
    memcpy(j->hash, hash, n);
    atomic_init(&j->done, false);
    s->n++;
    return pthread_create(&j->thread, NULL, sign_in_thread, j) == 0 ? TLS13_LATER : -TLS13_E_INTERNAL;
}

static struct tls13_ctx *seam_ctx(void)
{
    struct tls13_ctx *ctx = tls13_ctx_new();
    memset(&signer, 0, sizeof signer);
    CHECK_INT(cred_load(&signer.cred, fixture_p256, strlen(fixture_p256), NULL, 0, NULL, NULL), 0);
    CHECK(ctx != NULL);
    CHECK_INT(tls13_ctx_add_signer(ctx, fixture_p256, strlen(fixture_p256), sign, &signer), 0);
    return ctx;
}

/* The client's half, once the server's flight has come. */
static void finish(struct peer *p)
{
    uint8_t msg[4 + MAX_HASH], rec[128];
    CHECK(peer_read(p));
    CHECK(p->finished_ok);
    size_t n = peer_finished(p, msg), len = peer_seal(p, rec, CT_HANDSHAKE, msg, n);
    peer_switch(p, msg, n);
    CHECK_INT(peer_feed(p, rec, len), TLS13_MORE);
    CHECK(p->connected);
}

static void others_go_on_meanwhile(void)
{
    struct tls13_ctx *ctx = seam_ctx();
    size_t handshakes = 0, left = SLOW, first = SLOW;
    signer.later = true;
    atomic_store(&signer.turn, SLOW - 1); /* the last asked is the first to answer */
    for (size_t i = 0; i < SLOW; i++) {
        peer_fresh(&slow[i], ctx);
        peer_hello(&slow[i]);
        CHECK_INT(peer_send_hello(&slow[i]), TLS13_WAIT);
    }
    CHECK_INT(signer.n, SLOW);
    signer.later = false;
    while (left != 0) {
        peer_fresh(&quick, ctx);
        CHECK(peer_handshake(&quick, NULL));
        CHECK(peer_echo(&quick));
        if (left == SLOW)
            handshakes++;
        for (size_t i = 0; i < SLOW; i++) {
            struct job *j = &signer.jobs[i];
            if (j->conn == NULL)
                continue;
            if (!atomic_load(&j->done)) {
                CHECK_INT(peer_feed(&slow[i], NULL, 0), TLS13_WAIT); /* asking early changes nothing */
                continue;
            }
            CHECK_INT(pthread_join(j->thread, NULL), 0);
            CHECK(j->sig_len > 0 && j->conn == slow[i].conn);
            tls13_sign_done(j->conn, j->sig, (size_t)j->sig_len);
            CHECK_INT(peer_feed(&slow[i], NULL, 0), TLS13_MORE);
            finish(&slow[i]);
            j->conn = NULL;
            first = first == SLOW ? i : first;
            if (--left != 0)
                atomic_store(&signer.turn, left - 1);
        }
    }
    CHECK(handshakes >= 1);
    CHECK_INT(first, SLOW - 1);
    for (size_t i = 0; i < SLOW; i++)
        CHECK(peer_echo(&slow[i]));
    cred_free(signer.cred);
    tls13_ctx_unref(ctx);
}

/* A client that talks while its signature is outstanding is read afterwards. */
static void input_waits_too(void)
{
    struct tls13_ctx *ctx = seam_ctx();
    struct job *j = &signer.jobs[0];
    signer.later = true;
    peer_fresh(&slow[0], ctx);
    peer_hello(&slow[0]);
    CHECK_INT(peer_send_hello(&slow[0]), TLS13_WAIT);
    CHECK_INT(peer_feed(&slow[0], "\24\3\3\0\1\1", 6), TLS13_WAIT); /* change_cipher_spec of compatibility mode */
    CHECK_INT(slow[0].n_held, 6);
    CHECK_INT(pthread_join(j->thread, NULL), 0);
    tls13_sign_done(j->conn, j->sig, (size_t)j->sig_len);
    CHECK_INT(peer_feed(&slow[0], NULL, 0), TLS13_MORE);
    CHECK_INT(slow[0].n_held, 0);
    finish(&slow[0]);
    CHECK(peer_echo(&slow[0]));
    cred_free(signer.cred);
    tls13_ctx_unref(ctx);
}

/* "It failed", said later, is internal_error; a connection that goes away while its signature is outstanding leaves nothing behind. */
static void failure_and_departure(void)
{
    struct tls13_ctx *ctx = seam_ctx();
    signer.later = true;
    for (size_t i = 0; i < 2; i++) {
        peer_fresh(&slow[i], ctx);
        peer_hello(&slow[i]);
        CHECK_INT(peer_send_hello(&slow[i]), TLS13_WAIT);
        CHECK_INT(pthread_join(signer.jobs[i].thread, NULL), 0);
    }
    tls13_sign_done(slow[0].conn, NULL, 0);
    CHECK_INT(peer_feed(&slow[0], NULL, 0), -TLS13_E_INTERNAL);
    CHECK(peer_read(&slow[0]));
    CHECK_INT(slow[0].alert, TLS13_ALERT_internal_error);
    peer_fresh(&slow[1], ctx); /* wiped while waiting */
    signer.later = false;
    CHECK(peer_handshake(&slow[1], NULL));
    CHECK(peer_echo(&slow[1]));
    cred_free(signer.cred);
    tls13_ctx_unref(ctx);
}

int main(void)
{
    RUN(others_go_on_meanwhile);
    RUN(input_waits_too);
    RUN(failure_and_departure);
    for (size_t i = 0; i < SLOW; i++)
        if (slow[i].conn != NULL)
            peer_free(&slow[i]);
    if (quick.conn != NULL)
        peer_free(&quick);
    return DONE();
}
