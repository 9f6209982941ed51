/*
 * tls13_ktls_info() against linux/tls.h: its values fill the kernel's structs, and records that OpenSSL seals and opens by those structs,
 * as the kernel would, are the engine's records.
 */
#include <linux/tls.h>
#include <openssl/evp.h>

#include "unit.h"

#include "peer.h"

static struct peer p; /* big: not on the stack */
static const uint16_t suites[] = { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256 };

static void connect_with(struct tls13_ctx *ctx, uint16_t suite)
{
    peer_fresh(&p, ctx);
    p.opt.suites[0] = suite;
    CHECK(peer_handshake(&p, NULL));
}

/* --- the kernel's side -------------------------------------------------------------------------------------- */

union kernel_info {
    struct tls_crypto_info info;
    struct tls12_crypto_info_aes_gcm_128 gcm128;
    struct tls12_crypto_info_aes_gcm_256 gcm256;
    struct tls12_crypto_info_chacha20_poly1305 chacha;
};

/* What setsockopt(TLS_TX) would be given: salt and iv are the two halves of the nonce's mask. */
#define FILL(s, number)                                                    \
    do {                                                                   \
        CHECK_INT(k->key_len, sizeof(s).key);                              \
        CHECK_INT(sizeof(s).salt + sizeof(s).iv, sizeof k->iv);            \
        CHECK_INT(sizeof(s).rec_seq, sizeof k->seq);                       \
        (s).info.version = TLS_1_3_VERSION;                                \
        (s).info.cipher_type = number;                                     \
        memcpy((s).key, k->key, sizeof(s).key);                            \
        memcpy((s).salt, k->iv, sizeof(s).salt);                           \
        memcpy((s).iv, k->iv + sizeof k->iv - sizeof(s).iv, sizeof(s).iv); \
        memcpy((s).rec_seq, k->seq, sizeof(s).rec_seq);                    \
    } while (0)

static void kernel_fill(union kernel_info *u, const struct tls13_ktls *k)
{
    memset(u, 0, sizeof *u);
    if (k->suite == TLS_AES_128_GCM_SHA256)
        FILL(u->gcm128, TLS_CIPHER_AES_GCM_128);
    else if (k->suite == TLS_AES_256_GCM_SHA384)
        FILL(u->gcm256, TLS_CIPHER_AES_GCM_256);
    else
        FILL(u->chacha, TLS_CIPHER_CHACHA20_POLY1305);
}

/* The kernel's nonce: salt and iv in a row, the sequence XORed into the last eight bytes; and the sequence goes on. */
static const EVP_CIPHER *kernel_step(union kernel_info *u, uint8_t nonce[static 12], const uint8_t **key)
{
    const EVP_CIPHER *cipher;
    uint8_t *seq;
    if (u->info.cipher_type == TLS_CIPHER_AES_GCM_128) {
        memcpy(nonce, u->gcm128.salt, sizeof u->gcm128.salt);
        memcpy(nonce + sizeof u->gcm128.salt, u->gcm128.iv, sizeof u->gcm128.iv);
        seq = u->gcm128.rec_seq;
        *key = u->gcm128.key;
        cipher = EVP_aes_128_gcm();
    } else if (u->info.cipher_type == TLS_CIPHER_AES_GCM_256) {
        memcpy(nonce, u->gcm256.salt, sizeof u->gcm256.salt);
        memcpy(nonce + sizeof u->gcm256.salt, u->gcm256.iv, sizeof u->gcm256.iv);
        seq = u->gcm256.rec_seq;
        *key = u->gcm256.key;
        cipher = EVP_aes_256_gcm();
    } else {
        memcpy(nonce, u->chacha.iv, sizeof u->chacha.iv);
        seq = u->chacha.rec_seq;
        *key = u->chacha.key;
        cipher = EVP_chacha20_poly1305();
    }
    for (size_t i = 0; i < 8; i++)
        nonce[4 + i] ^= seq[i];
    for (size_t i = 8; i-- > 0 && ++seq[i] == 0;) {
    }
    return cipher;
}

/* => the record's length at rec, application data. */
static size_t kernel_seal(union kernel_info *u, uint8_t *rec, const void *plain, size_t n)
{
    uint8_t nonce[12];
    static const uint8_t inner = CT_DATA;
    const uint8_t *key;
    const EVP_CIPHER *cipher = kernel_step(u, nonce, &key);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0, out = 0;
    memcpy(rec, "\27\3\3", 3);
    store16(rec + 3, (unsigned)(n + TLS13_TAIL));
    int ok = EVP_EncryptInit_ex(c, cipher, NULL, key, nonce) && EVP_EncryptUpdate(c, NULL, &len, rec, 5) &&
             EVP_EncryptUpdate(c, rec + 5, &len, plain, (int)n) && EVP_EncryptUpdate(c, rec + 5 + n, &out, &inner, 1) &&
             EVP_EncryptFinal_ex(c, rec + 5 + n + 1, &out) && EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, rec + 5 + n + 1);
    EVP_CIPHER_CTX_free(c);
    return ok ? 5 + n + TLS13_TAIL : 0;
}

/* Opens one whole record into plain; => the plaintext's length, -1 when it does not open.  *type is the inner content type. */
static int kernel_open(union kernel_info *u, const uint8_t *rec, uint8_t *plain, uint8_t *type)
{
    uint8_t nonce[12], tag[16];
    const uint8_t *key;
    const EVP_CIPHER *cipher = kernel_step(u, nonce, &key);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = load16(rec + 3) - 16, len = 0, out = 0;
    memcpy(tag, rec + 5 + n, 16);
    int ok = EVP_DecryptInit_ex(c, cipher, NULL, key, nonce) && EVP_DecryptUpdate(c, NULL, &len, rec, 5) &&
             EVP_DecryptUpdate(c, plain, &len, rec + 5, n) && EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, tag) &&
             EVP_DecryptFinal_ex(c, plain + len, &out);
    EVP_CIPHER_CTX_free(c);
    *type = plain[n - 1];
    return ok ? n - 1 : -1;
}

/* --- the tests ---------------------------------------------------------------------------------------------- */

/* Records by the kernel's keys, three each way, in step with the engine. */
static void both_ways(void)
{
    struct tls13_ktls in, out;
    union kernel_info rx, tx;
    uint8_t rec[200], plain[200], type;
    CHECK_INT(tls13_ktls_info(p.conn, &in, &out), 0);
    CHECK_INT(in.suite, p.suite->id);
    CHECK_INT(out.suite, p.suite->id);
    kernel_fill(&rx, &in); /* what the kernel would receive with is what a client's records are sealed with, and so on */
    kernel_fill(&tx, &out);
    for (size_t i = 0; i < 3; i++) {
        p.n_data = 0;
        CHECK_INT(peer_feed(&p, rec, kernel_seal(&rx, rec, "question", 5 + i)), TLS13_MORE);
        CHECK_INT(p.n_data, 5 + i);
        CHECK_MEM(p.data, "question", 5 + i);
        memcpy(rec + TLS13_HEAD, "answer", 6);
        CHECK_INT(tls13_seal(p.conn, rec, 6), TLS13_HEAD + 6 + TLS13_TAIL);
        CHECK_INT(kernel_open(&tx, rec, plain, &type), 6);
        CHECK_INT(type, CT_DATA);
        CHECK_MEM(plain, "answer", 6);
    }
}

static void from_the_first_record(void)
{
    for (size_t i = 0; i < COUNT(suites); i++) {
        struct tls13_ctx *ctx = test_ctx();
        struct tls13_ktls in, out;
        CHECK_INT(tls13_ctx_set_tickets(ctx, 0, 3600), 0);
        connect_with(ctx, suites[i]);
        CHECK_INT(tls13_ktls_info(p.conn, &in, &out), 0);
        CHECK_MEM(in.seq, "\0\0\0\0\0\0\0", 8);
        CHECK_MEM(out.seq, "\0\0\0\0\0\0\0", 8);
        both_ways();
        tls13_ctx_unref(ctx);
    }
}

/* Tickets went out under the same keys, and data: the sequences are not zero. */
static void in_the_middle(void)
{
    for (size_t i = 0; i < COUNT(suites); i++) {
        struct tls13_ctx *ctx = test_ctx();
        struct tls13_ktls in, out;
        connect_with(ctx, suites[i]);
        for (size_t j = 0; j < 300; j++)
            CHECK_INT(peer_send(&p, CT_DATA, "x", 1), TLS13_MORE);
        CHECK_INT(tls13_ktls_info(p.conn, &in, &out), 0);
        CHECK_MEM(in.seq, "\0\0\0\0\0\0\1\54", 8); /* big-endian: 300 */
        CHECK(load16(out.seq + 6) != 0);
        both_ways();
        both_ways();
        tls13_ctx_unref(ctx);
    }
}

static void after_key_updates(void)
{
    for (size_t i = 0; i < COUNT(suites); i++) {
        struct tls13_ctx *ctx = test_ctx();
        struct tls13_ktls in, out, in2, out2;
        uint8_t rec[64];
        connect_with(ctx, suites[i]);
        both_ways();
        CHECK_INT(tls13_ktls_info(p.conn, &in, &out), 0);
        /* The client's: only what we receive with is new. */
        p.to.seq = p.conn->in.seq; /* the kernel's records count */
        CHECK_INT(peer_send(&p, CT_HANDSHAKE, "\30\0\0\1\0", 5), TLS13_MORE);
        CHECK_INT(tls13_ktls_info(p.conn, &in2, &out2), 0);
        CHECK(memcmp(in.key, in2.key, in.key_len) != 0 && memcmp(in.iv, in2.iv, sizeof in.iv) != 0);
        CHECK_MEM(in2.seq, "\0\0\0\0\0\0\0", 8);
        CHECK_MEM(&out, &out2, sizeof out);
        both_ways();
        /* Ours: what we send with. */
        CHECK(tls13_update_keys(p.conn, false, rec, sizeof rec) > 0);
        CHECK_INT(tls13_ktls_info(p.conn, &in, &out), 0);
        CHECK(memcmp(out.key, out2.key, out.key_len) != 0);
        CHECK_MEM(out.seq, "\0\0\0\0\0\0\0", 8);
        both_ways();
        tls13_ctx_unref(ctx);
    }
}

static void wrong_keys_do_not_open(void)
{
    struct tls13_ctx *ctx = test_ctx();
    struct tls13_ktls in, out;
    union kernel_info tx;
    uint8_t rec[64], plain[64], type;
    connect_with(ctx, TLS_AES_128_GCM_SHA256);
    CHECK_INT(tls13_ktls_info(p.conn, &in, &out), 0);
    in.seq[7] ^= 1;
    kernel_fill(&tx, &in);
    size_t n = kernel_seal(&tx, rec, "x", 1);
    CHECK_INT(kernel_open(&tx, rec, plain, &type), -1);
    CHECK_INT(peer_feed(&p, rec, n), -TLS13_E_BAD_MAC);
    tls13_ctx_unref(ctx);
}

static void not_before_and_not_after(void)
{
    struct tls13_ctx *ctx = test_ctx();
    struct tls13_ktls in, out;
    uint8_t rec[64];
    peer_fresh(&p, ctx);
    CHECK_INT(tls13_ktls_info(p.conn, &in, &out), -TLS13_E_CLOSED);
    peer_hello(&p);
    CHECK_INT(peer_send_hello(&p), TLS13_MORE);
    CHECK_INT(tls13_ktls_info(p.conn, &in, &out), -TLS13_E_CLOSED); /* the client's Finished has not come */
    connect_with(ctx, TLS_AES_128_GCM_SHA256);
    CHECK(tls13_abort(p.conn, TLS13_ALERT_internal_error, rec, sizeof rec) > 0);
    CHECK_INT(tls13_ktls_info(p.conn, &in, &out), -TLS13_E_CLOSED);
    tls13_ctx_unref(ctx);
}

int main(void)
{
    RUN(from_the_first_record);
    RUN(in_the_middle);
    RUN(after_key_updates);
    RUN(wrong_keys_do_not_open);
    RUN(not_before_and_not_after);
    if (p.conn != NULL)
        peer_free(&p);
    return DONE();
}
