/*
 * Writes the seeds of the fuzz targets below DIRECTORY/TARGET/: hellos of every shape, client flights, and the fixtures' keys and
 * certificates.
 *     make_corpus tests/fuzz/corpus
 */
#include <stdio.h>
#include <sys/stat.h>

#include "../unit/peer.h"
#include "pem.h"

static const char *top;

static void put(const char *target, const char *name, const void *data, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", top, target);
    (void)mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", top, target, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, n, f) != n || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

/* A hello as a message, and as records in the pieces that fuzz_server reads. */
static void put_hello(struct peer *p, const char *name)
{
    uint8_t rec[40000], cut[40000];
    size_t n = 0;
    peer_hello(p);
    put("client_hello", name, p->hello_msg, p->hello_len);
    size_t len = peer_frame(rec, p->hello_msg, p->hello_len, 500);
    put("deframe", name, rec, len);
    for (size_t at = 0; at < len;) {
        size_t part = len - at < 2041 ? len - at : 2041;
        cut[n++] = 255;
        memcpy(cut + n, rec + at, part);
        n += part;
        at += part;
    }
    put("server", name, cut, n);
}

static void hellos(void)
{
    static struct peer p;
    struct tls13_ctx *ctx = test_ctx();
    peer_init(&p, ctx);
    put_hello(&p, "plain");
    p.opt.alpn = "h2";
    p.opt.suites[1] = TLS_AES_256_GCM_SHA384;
    p.opt.n_suites = 2;
    put_hello(&p, "alpn");
    p.opt.share[0] = p.opt.groups[0] = GROUP_X25519MLKEM768;
    put_hello(&p, "hybrid");
    p.opt.share[0] = p.opt.groups[1] = 0x2a2a;
    put_hello(&p, "retry");
    peer_free(&p);
    peer_init(&p, ctx);
    if (!peer_handshake(&p, NULL))
        abort();
    struct peer_ticket t = p.tickets[0];
    put("ticket", "issued", t.id, t.id_len);
    peer_free(&p);
    peer_init(&p, ctx);
    p.opt.ticket = &t;
    p.opt.early_data = true;
    put_hello(&p, "psk");
    peer_free(&p);
    tls13_ctx_unref(ctx);
}

/* Records of a client that knows its keys, in fuzz_session's form: mode, then type, length, plaintext. */
static void sessions(void)
{
    uint8_t buf[8192], msg[8192];
    struct wr w = wr_of(buf, sizeof buf);
    struct credential *c;
    if (cred_load(&c, fixture_client, strlen(fixture_client), NULL, 0, NULL, NULL) < 0)
        abort();
    wr_u8(&w, 1);
    wr_u8(&w, CT_HANDSHAKE);
    wr_u16(&w, (unsigned)c->message_len);
    wr_bytes(&w, c->message, c->message_len);
    memset(msg, 1, 80);
    memcpy(msg, "\17\0\0\112\4\3\0\106\60\104", 10);
    wr_u8(&w, CT_HANDSHAKE);
    wr_u16(&w, 78);
    wr_bytes(&w, msg, 78);
    put("session", "certificate", buf, w.len);
    cred_free(c);
    static const char app[] = "\2\27\0\5hello\26\0\5\30\0\0\1\1\26\0\5\30\0\0\1\0\27\0\0\25\0\2\1\132\25\0\2\1\0";
    put("session", "application", app, sizeof app - 1);
    put("session", "finished", "\0\26\0\4\24\0\0\40", 8);
}

static void fixtures(void)
{
    static const struct {
        const char *name, *text;
    } all[] = { { "p256", fixture_p256 },     { "p384", fixture_p384 }, { "rsa", fixture_rsa },
                { "client", fixture_client }, { "ca", fixture_ca },     { "crl", fixture_crl } };
    for (size_t i = 0; i < COUNT(all); i++) {
        struct pem pem = { all[i].text, all[i].text + strlen(all[i].text) };
        char label[64];
        uint8_t *der, key[4096] = { 0 };
        size_t n;
        put("pem", all[i].name, all[i].text, strlen(all[i].text));
        while (pem_next(&pem, label, &der, &n) == 1) {
            if (strcmp(label, "PRIVATE KEY") == 0 && n < sizeof key) {
                memcpy(key + 1, der, n);
                put("key", all[i].name, key, n + 1);
            } else {
                put("der", all[i].name, der, n);
            }
            free(der);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_corpus DIRECTORY\n");
        return 2;
    }
    top = argv[1];
    hellos();
    sessions();
    fixtures();
    static const char v1[] = "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n";
    static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\1\2\3\4\5\6\7\x8\0\x5\0\6";
    put("proxy", "v1", v1, sizeof v1 - 1);
    put("proxy", "v2", v2, sizeof v2 - 1);
    put("record", "one", "\0\50\0\27hello, world", 16);
    return 0;
}
