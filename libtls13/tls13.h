/*
 * libtls13: TLS 1.3 (RFC 8446) for a server, in three calls or as an engine that never touches a socket.
 *
 * Thread rules: a context may be used by any number of connections of one thread; connections are independent of each other.
 * Nothing here allocates, blocks, or reads a clock once the context is built, the easy calls aside.
 */
#ifndef TLS13_H
#define TLS13_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TLS13_API   __attribute__((visibility("default")))
#define TLS13_CHECK __attribute__((visibility("default"), warn_unused_result))
#else
#define TLS13_API
#define TLS13_CHECK
#endif

/* --- errors and alerts ------------------------------------------------------------------------------------ */

/* Alert codes, RFC 8446 6 (and 7301, 6066). */
#define TLS13_ALERTS(X)                     \
    X(close_notify, 0)                      \
    X(unexpected_message, 10)               \
    X(bad_record_mac, 20)                   \
    X(record_overflow, 22)                  \
    X(handshake_failure, 40)                \
    X(bad_certificate, 42)                  \
    X(unsupported_certificate, 43)          \
    X(certificate_revoked, 44)              \
    X(certificate_expired, 45)              \
    X(certificate_unknown, 46)              \
    X(illegal_parameter, 47)                \
    X(unknown_ca, 48)                       \
    X(access_denied, 49)                    \
    X(decode_error, 50)                     \
    X(decrypt_error, 51)                    \
    X(protocol_version, 70)                 \
    X(insufficient_security, 71)            \
    X(internal_error, 80)                   \
    X(inappropriate_fallback, 86)           \
    X(user_canceled, 90)                    \
    X(missing_extension, 109)               \
    X(unsupported_extension, 110)           \
    X(unrecognized_name, 112)               \
    X(bad_certificate_status_response, 113) \
    X(unknown_psk_identity, 115)            \
    X(certificate_required, 116)            \
    X(no_application_protocol, 120)

enum tls13_alert {
#define TLS13_ROW(name, code) TLS13_ALERT_##name = code,
    TLS13_ALERTS(TLS13_ROW)
#undef TLS13_ROW
};

/* Errors: name, the alert that goes to the peer, text.  Functions return them negated. */
#define TLS13_ERRORS(X)                                                                                                                   \
    X(UNEXPECTED, TLS13_ALERT_unexpected_message, "a message or record that may not come here")                                           \
    X(BAD_MAC, TLS13_ALERT_bad_record_mac, "a record did not decrypt")                                                                    \
    X(OVERFLOW, TLS13_ALERT_record_overflow, "a record is longer than the protocol allows")                                               \
    X(DECODE, TLS13_ALERT_decode_error, "a message is cut short, too long or malformed")                                                  \
    X(ILLEGAL, TLS13_ALERT_illegal_parameter, "a field has a value that is not allowed here")                                             \
    X(DECRYPT, TLS13_ALERT_decrypt_error, "a signature, binder or Finished did not verify")                                               \
    X(VERSION, TLS13_ALERT_protocol_version, "the client does not offer TLS 1.3")                                                         \
    X(NOT_TLS, TLS13_ALERT_unexpected_message, "the client does not speak TLS")                                                           \
    X(NO_COMMON, TLS13_ALERT_handshake_failure, "no suite, group or signature scheme in common")                                          \
    X(MISSING_EXTENSION, TLS13_ALERT_missing_extension, "a required extension is missing")                                                \
    X(UNSUPPORTED_EXTENSION, TLS13_ALERT_unsupported_extension, "an extension that was not asked for")                                    \
    X(UNKNOWN_NAME, TLS13_ALERT_unrecognized_name, "no certificate for the server name that was asked for")                               \
    X(NO_ALPN, TLS13_ALERT_no_application_protocol, "no application protocol in common")                                                  \
    X(CERT_REQUIRED, TLS13_ALERT_certificate_required, "the client sent no certificate")                                                  \
    X(BAD_CERT, TLS13_ALERT_bad_certificate, "the client's certificate is malformed or not allowed")                                      \
    X(UNSUPPORTED_CERT, TLS13_ALERT_unsupported_certificate, "the client's certificate has a key of an unsupported type")                 \
    X(UNKNOWN_CA, TLS13_ALERT_unknown_ca, "the client's certificate has no chain to a known authority")                                   \
    X(CERT_EXPIRED, TLS13_ALERT_certificate_expired, "the client's certificate is expired or not yet valid")                              \
    X(CERT_REVOKED, TLS13_ALERT_certificate_revoked, "the client's certificate is revoked")                                               \
    X(CRL_STALE, TLS13_ALERT_certificate_unknown, "no revocation list in date for the issuer of the client's certificate")                \
    X(ACCESS_DENIED, TLS13_ALERT_access_denied, "the client's certificate is valid, but its name is not on the list")                     \
    X(TOO_MANY, TLS13_ALERT_unexpected_message, "too many empty records, key updates or the like")                                        \
    X(TOO_LONG, TLS13_ALERT_illegal_parameter, "a handshake message is longer than we take")                                              \
    X(INTERNAL, TLS13_ALERT_internal_error, "internal error")                                                                             \
    X(NO_ROOM, TLS13_ALERT_internal_error, "the output buffer is too small")                                                              \
    X(ALERT, TLS13_ALERT_close_notify, "the peer sent a fatal alert")                                                                     \
    X(CLOSED, TLS13_ALERT_close_notify, "the connection is closed")                                                                       \
    X(MEMORY, TLS13_ALERT_internal_error, "out of memory")                                                                                \
    X(RANDOM, TLS13_ALERT_internal_error, "no random bytes from the kernel")                                                              \
    X(SELFTEST, TLS13_ALERT_internal_error, "a cryptographic self-test failed")                                                           \
    X(PEM, TLS13_ALERT_internal_error, "not a PEM file with the objects that are needed")                                                 \
    X(CERT_PARSE, TLS13_ALERT_internal_error, "a certificate cannot be read")                                                             \
    X(CERT_ORDER, TLS13_ALERT_internal_error, "the certificates are not in order: the leaf comes first, then each one's issuer")          \
    X(CERT_MANY, TLS13_ALERT_internal_error, "the certificate chain is too long")                                                         \
    X(CERT_TRUSTED, TLS13_ALERT_internal_error, "a certificate is in OpenSSL's own TRUSTED form; export it as a plain CERTIFICATE")       \
    X(CERT_USAGE, TLS13_ALERT_internal_error, "the certificate's key usage does not allow digital signatures")                            \
    X(KEY_PARSE, TLS13_ALERT_internal_error, "a private key cannot be read")                                                              \
    X(KEY_ENCRYPTED, TLS13_ALERT_internal_error, "the private key is encrypted; decrypt it first")                                        \
    X(KEY_UNSUPPORTED, TLS13_ALERT_internal_error, "the key is of an unsupported type; use ECDSA P-256 or P-384, or RSA of 2048 to 4096") \
    X(KEY_MISSING, TLS13_ALERT_internal_error, "there is no private key")                                                                 \
    X(KEY_MISMATCH, TLS13_ALERT_internal_error, "the private key does not belong to the certificate")                                     \
    X(NO_CREDENTIAL, TLS13_ALERT_internal_error, "the context has no certificate")                                                        \
    X(CRL_PARSE, TLS13_ALERT_internal_error, "a certificate revocation list cannot be read")                                              \
    X(BAD_ARGUMENT, TLS13_ALERT_internal_error, "an argument is out of its range")                                                        \
    X(IO, TLS13_ALERT_close_notify, "the socket failed or was closed without close_notify")

enum tls13_error {
    TLS13_E_NONE,
#define TLS13_ROW(name, alert, text) TLS13_E_##name,
    TLS13_ERRORS(TLS13_ROW)
#undef TLS13_ROW
};

/* For an error of either sign: "BAD_MAC", a sentence, the alert's code.  Never NULL. */
TLS13_API const char *tls13_err_name(int err);
TLS13_API const char *tls13_err_text(int err);
TLS13_API int tls13_err_alert(int err);
/* "bad_record_mac"; "unknown_alert" for a code that is not in the table. */
TLS13_API const char *tls13_alert_name(int alert);

/* Names as in the RFCs ("TLS_AES_128_GCM_SHA256", "X25519MLKEM768", "ecdsa_secp256r1_sha256"), "" for 0, "unknown" for others. */
TLS13_API const char *tls13_suite_name(uint16_t suite);
TLS13_API const char *tls13_group_name(uint16_t group);
TLS13_API const char *tls13_scheme_name(uint16_t scheme);
/* The other way, names compared without regard to case; 0 when unknown or unsupported. */
TLS13_API uint16_t tls13_suite_by_name(const char *name);
TLS13_API uint16_t tls13_group_by_name(const char *name);

/* Runs the known-answer tests of every primitive in use, once a process; => 0 or -TLS13_E_SELFTEST.  tls13_ctx_new() runs it too. */
TLS13_CHECK int tls13_selftest(void);
/* The accelerated primitives in use: "portable", "aesni", "avx2", "avx512". */
TLS13_API const char *tls13_cpu(void);

/* --- the context: what many connections share -------------------------------------------------------------- */

struct tls13_ctx;
struct tls13_conn;

enum tls13_client_auth { TLS13_CLIENT_AUTH_NONE, TLS13_CLIENT_AUTH_REQUEST, TLS13_CLIENT_AUTH_REQUIRE };

/* A new context with the library's defaults, one reference.  NULL: no memory, or a self-test failed. */
TLS13_CHECK struct tls13_ctx *tls13_ctx_new(void);
/* Contexts are counted; a connection holds one reference from init to wipe.  unref of NULL is allowed. */
TLS13_API struct tls13_ctx *tls13_ctx_ref(struct tls13_ctx *ctx);
TLS13_API void tls13_ctx_unref(struct tls13_ctx *ctx);

/*
 * The setters below belong before the first connection; all copy what they are given and => 0 or -TLS13_E_*.
 */

/*
 * Adds a credential: the chain (leaf first) out of PEM text and its private key out of the same text or another (key_pem NULL: the
 * same).  Its names are the leaf's subjectAltName dNSNames, or its CN when it has none.  The first credential is the default one.
 *
 * => the credential's index from 0, -TLS13_E_PEM, _CERT_*, _KEY_*, _MEMORY.
 */
TLS13_CHECK int tls13_ctx_add_pem(struct tls13_ctx *ctx, const void *chain_pem, size_t chain_len, const void *key_pem, size_t key_len);

/*
 * A private key that lives elsewhere.  sign() is asked for a signature over hash_len bytes already hashed for `scheme`, in the form that
 * RFC 8446 4.2.3 has on the wire: DER for ECDSA; for RSA PSS with salt length = hash length, as long as the modulus.  It either writes
 * at most *sig_len bytes to sig, sets *sig_len and returns 0; or returns TLS13_LATER, and somebody calls tls13_sign_done(conn, ...) after
 * it has returned; or returns -TLS13_E_*.
 */
#define TLS13_LATER 1
typedef int tls13_sign_fn(void *arg, struct tls13_conn *conn, uint16_t scheme, const uint8_t *hash, size_t hash_len, uint8_t *sig,
                          size_t *sig_len);
/* As tls13_ctx_add_pem with such a key; the leaf decides the schemes. */
TLS13_CHECK int tls13_ctx_add_signer(struct tls13_ctx *ctx, const void *chain_pem, size_t chain_len, tls13_sign_fn *sign, void *arg);

/* What a credential says of itself, for logs and metrics; name is the leaf's first DNS name or its CN ("" when none). */
struct tls13_cert_info {
    char name[256];
    char key[16];       /* "ECDSA P-256", "RSA 2048" ... */
    int64_t not_before; /* seconds since 1970, UTC */
    int64_t not_after;
    uint8_t sha256[32]; /* of the leaf's DER */
    size_t names;       /* how many DNS names */
    size_t chain;       /* how many certificates */
    uint16_t signature; /* what the leaf is signed with, a SignatureScheme code; 0: another */
};
TLS13_CHECK int tls13_ctx_cert_info(const struct tls13_ctx *ctx, int index, struct tls13_cert_info *info);

/*
 * Makes a throwaway P-256 key and a self-signed certificate for the names (DNS names and "*." wildcards; IPv4 and IPv6 literals become
 * iPAddress names), valid from now for `days` (1 to 3650), as PEM text: certificate, then key, then a NUL.  For development.
 *
 * => the text's length, -TLS13_E_BAD_ARGUMENT, _NO_ROOM, _RANDOM, _MEMORY.  The caller wipes pem: it holds a key.
 */
TLS13_CHECK int tls13_self_signed(const char *const *names, size_t n, unsigned days, char *pem, size_t cap);

/* Which credential a client gets that names no server, or an unknown one; by index. */
TLS13_CHECK int tls13_ctx_set_default(struct tls13_ctx *ctx, int index);
/* on: such clients get unrecognized_name instead. */
TLS13_CHECK int tls13_ctx_set_sni_strict(struct tls13_ctx *ctx, bool on);
/* Application protocols in server order; none: the client's ALPN is ignored. */
TLS13_CHECK int tls13_ctx_set_alpn(struct tls13_ctx *ctx, const char *const *names, size_t n);
/* IANA codes in server order; only supported ones are taken.  n = 0: the library's order. */
TLS13_CHECK int tls13_ctx_set_suites(struct tls13_ctx *ctx, const uint16_t *ids, size_t n);
TLS13_CHECK int tls13_ctx_set_groups(struct tls13_ctx *ctx, const uint16_t *ids, size_t n);

/*
 * Client certificates (RFC 8446 4.3.2): mode; the authorities as PEM; revocation lists as PEM or one as DER, each signed by an authority
 * that is there already; an allow-list.  Authorities and lists add to those of earlier calls; the allow-list takes the old one's place.
 * After an error some of what was given may be in: build another context.
 */
TLS13_CHECK int tls13_ctx_set_client_auth(struct tls13_ctx *ctx, enum tls13_client_auth mode);
TLS13_CHECK int tls13_ctx_set_client_ca(struct tls13_ctx *ctx, const void *pem, size_t len);
TLS13_CHECK int tls13_ctx_set_client_crl(struct tls13_ctx *ctx, const void *crl, size_t len);
/* "dns:NAME", "uri:URI", "cn:NAME", "spki-sha256:HEX", each of at most 255 bytes; n = 0: any certificate that verifies. */
TLS13_CHECK int tls13_ctx_set_client_names(struct tls13_ctx *ctx, const char *const *names, size_t n);

/* Tickets (RFC 8446 4.6.1): how many after a full handshake (0: no resumption), lifetime in seconds since the full handshake. */
TLS13_CHECK int tls13_ctx_set_tickets(struct tls13_ctx *ctx, unsigned count, uint32_t lifetime);
/*
 * The ticket key ring: n keys of TLS13_TICKET_KEY bytes (16 of name, 32 of key); the first seals, the others only open.  May be
 * called at any time, between connections' calls.  Without keys there are no tickets.
 */
#define TLS13_TICKET_KEY 48
TLS13_CHECK int tls13_ctx_set_ticket_keys(struct tls13_ctx *ctx, const uint8_t *keys, size_t n);
/* Bytes (a listener's name, say) that a ticket is bound to besides what the context itself holds. */
TLS13_CHECK int tls13_ctx_set_ticket_scope(struct tls13_ctx *ctx, const void *scope, size_t len);

/* Called with each line of an NSS key log, without the newline: secrets.  For debugging only. */
typedef void tls13_keylog_fn(void *arg, const char *line);
TLS13_CHECK int tls13_ctx_set_keylog(struct tls13_ctx *ctx, tls13_keylog_fn *fn, void *arg);
/* The clock (ms since 1970) and random source; tests and fuzzing only.  random() => 0 or -TLS13_E_RANDOM. */
typedef int64_t tls13_clock_fn(void *arg);
typedef int tls13_random_fn(void *arg, void *out, size_t n);
TLS13_CHECK int tls13_ctx_set_clock(struct tls13_ctx *ctx, tls13_clock_fn *fn, void *arg);
TLS13_CHECK int tls13_ctx_set_random(struct tls13_ctx *ctx, tls13_random_fn *fn, void *arg);
/* Records under one key before a KeyUpdate is sent (RFC 8446 5.5), when fewer than the suite's own limit; 0: that limit. */
TLS13_CHECK int tls13_ctx_set_key_limit(struct tls13_ctx *ctx, uint64_t records);

/* Bytes of output room that any tls13_recv() of this context may need at most. */
TLS13_API size_t tls13_ctx_max_flight(const struct tls13_ctx *ctx);

/* --- a connection ------------------------------------------------------------------------------------------ */

#define TLS13_HEAD       5                          /* record header before the plaintext */
#define TLS13_TAIL       17                         /* content type and tag after it */
#define TLS13_UPDATE     27                         /* a KeyUpdate record, which a seal may add */
#define TLS13_MAX_PLAIN  16384                      /* plaintext of one record */
#define TLS13_MAX_RECORD (TLS13_HEAD + 16384 + 256) /* RFC 8446 5.2 */
/* Input that the caller must be able to hold for one connection: a partial message and a whole record. */
#define TLS13_MAX_HOLD (16384 + TLS13_MAX_RECORD)

/* Memory for a connection and for its handshake, in bytes; aligned to 16 (conn) as malloc gives. */
#define TLS13_CONN_SIZE 1024
#define TLS13_HS_SIZE   6144
TLS13_API size_t tls13_conn_size(void);
TLS13_API size_t tls13_hs_size(void);

enum tls13_event {
    TLS13_MORE,      /* nothing more to say: give more input */
    TLS13_HELLO,     /* a ClientHello was read: tls13_conn_info() knows SNI, ALPN; go on with tls13_recv(), or refuse */
    TLS13_COMPUTE,   /* tls13_compute() is wanted, then tls13_recv() again */
    TLS13_WAIT,      /* a signature is outstanding: tls13_sign_done(), then tls13_recv() again */
    TLS13_CONNECTED, /* the client's Finished has verified; hs can be handed back */
    TLS13_DATA,      /* io->data holds data_len > 0 plain bytes */
    TLS13_EOF        /* the peer's close_notify; our own direction stays open */
};

/*
 * One call's input and output, the caller's buffers.
 *
 * in/in_len: ciphertext, opened in place.  On return they are what is left: the caller keeps those bytes, unchanged and in order (it
 * may move them), and presents them again with new ones behind.  TLS13_MORE leaves at most TLS13_MAX_HOLD bytes; other events leave
 * what they did not come to.
 * out/out_cap: room for bytes to the peer, out_len of which are in use; a call appends.  They are to be sent whatever the call returns,
 * in their place among what tls13_seal() and the others give.
 */
struct tls13_io {
    uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_cap, out_len;
    uint8_t *data; /* a slice of the input buffer, until the next call */
    size_t data_len;
};

/*
 * Starts a server's connection in tls13_conn_size() bytes at conn with tls13_hs_size() bytes lent at hs; takes a reference of ctx.
 * hs must stay until tls13_conn_release_hs() or tls13_conn_wipe().
 */
TLS13_API void tls13_conn_init(struct tls13_conn *conn, struct tls13_ctx *ctx, void *hs);
/*
 * Wipes what the handshake held and => the memory lent, for the caller to reuse; NULL when already released.  Before TLS13_CONNECTED
 * this ends the connection, in silence.
 */
TLS13_API void *tls13_conn_release_hs(struct tls13_conn *conn);
/* Wipes everything and drops the context; hs, when still lent, is wiped and the caller's again. */
TLS13_API void tls13_conn_wipe(struct tls13_conn *conn);

/*
 * Takes in input until there is one event to tell; see enum tls13_event.  Call it again until it says TLS13_MORE (or TLS13_WAIT).
 *
 * => an event, or -TLS13_E_*: the connection is dead, an alert may lie in io->out.  -TLS13_E_ALERT: tls13_conn_info() has the alert.
 */
TLS13_CHECK int tls13_recv(struct tls13_conn *conn, struct tls13_io *io);
/* The asymmetric work that n connections in TLS13_COMPUTE wait for.  Failures show in each one's next tls13_recv(). */
TLS13_API void tls13_compute(struct tls13_conn *const *conns, size_t n);
/* The signature that a sign function put off; sig_len 0: it failed. */
TLS13_API void tls13_sign_done(struct tls13_conn *conn, const uint8_t *sig, size_t sig_len);

/*
 * Seals in place: n (1 to TLS13_MAX_PLAIN) plain bytes lie at rec + TLS13_HEAD; rec has room for TLS13_HEAD + n + TLS13_TAIL +
 * TLS13_UPDATE bytes.  A KeyUpdate that is owed to the peer goes in front; one follows when this key has reached its limit.
 *
 * => the bytes at rec to send, in size_t's range; 0 when the connection cannot send (not connected, closed, dead).
 */
TLS13_CHECK size_t tls13_seal(struct tls13_conn *conn, uint8_t *rec, size_t n);
/*
 * Seals n plain bytes that lie as bodies of `body` bytes (the last one shorter) at buf + i * (TLS13_HEAD + body + TLS13_TAIL) +
 * TLS13_HEAD: what a scatter read leaves.  buf has room for all records and TLS13_UPDATE bytes more.  => the bytes at buf to send, as
 * tls13_seal().
 */
TLS13_CHECK size_t tls13_seal_bulk(struct tls13_conn *conn, uint8_t *buf, size_t n, size_t body);

/*
 * Each writes one record of at most 64 bytes to out; => its length, 0 when there is nothing to say (already closed, dead).  Before the
 * handshake is over tls13_close() ends it, both ways.
 */
TLS13_CHECK size_t tls13_close(struct tls13_conn *conn, uint8_t *out, size_t cap);                     /* close_notify */
TLS13_CHECK size_t tls13_abort(struct tls13_conn *conn, int alert, uint8_t *out, size_t cap);          /* a fatal alert; ends both ways */
TLS13_CHECK size_t tls13_update_keys(struct tls13_conn *conn, bool request, uint8_t *out, size_t cap); /* KeyUpdate */

/* True once the peer sent close_notify / once we did. */
TLS13_API bool tls13_peer_closed(const struct tls13_conn *conn);
TLS13_API bool tls13_we_closed(const struct tls13_conn *conn);

struct tls13_info {
    uint16_t version, suite, group, scheme; /* 0 until agreed; scheme 0 when resumed; version 0x0304 */
    bool resumed, hello_retry, connected;
    bool early_data;            /* the client offered 0-RTT, which was skipped */
    int credential;             /* its index, -1 before the choice; resumed: the one that the ticket is bound to */
    int alert_received;         /* -1, or the fatal alert */
    const char *alpn;           /* "" or the chosen protocol; lives as long as the context */
    const char *sni;            /* "" or the name, lower case; until hs is released */
    const uint8_t *client_cert; /* DER leaf, until hs is released; NULL: none, or resumed */
    size_t client_cert_len;
    bool client_verified;             /* a client certificate verified, on this connection or on the one that it resumes */
    const char *client_name;          /* "" or the verified client's name: "dns:...", "uri:...", "cn:..."; until hs is released */
    const char *client_cn;            /* "" or its certificate's commonName (64 bytes at most), which may hold blanks; likewise */
    uint64_t records_in, records_out; /* under the present keys */
};
TLS13_API void tls13_conn_info(const struct tls13_conn *conn, struct tls13_info *info);

/* Exported keying material (RFC 8446 7.5) after TLS13_CONNECTED; => 0 or -TLS13_E_*. */
TLS13_CHECK int tls13_export(const struct tls13_conn *conn, const char *label, const void *context, size_t context_len, void *out,
                             size_t out_len);

/*
 * Keys for the kernel (linux/tls.h), taken out after TLS13_CONNECTED, once tls13_recv() says TLS13_MORE and leaves no input; the caller
 * wipes it.
 */
struct tls13_ktls {
    uint16_t suite;
    size_t key_len;
    uint8_t key[32], iv[12], seq[8]; /* iv: salt (4) and iv (8) for GCM */
};
TLS13_CHECK int tls13_ktls_info(const struct tls13_conn *conn, struct tls13_ktls *recv, struct tls13_ktls *send);

/* --- the three calls --------------------------------------------------------------------------------------- */

/* What two ends agreed on; plain data for the caller to read, the rest is the library's.  Zero it or let tls13_handshake() do so. */
struct tls13_agreement {
    uint16_t version, suite, group, scheme;
    bool resumed;
    char sni[256], alpn[256];
    int err;     /* 0, or why it ended: TLS13_E_CLOSED is the clean end (close_notify), TLS13_E_ALERT the peer's alert */
    int alert;   /* the alert sent or received, -1 when none */
    void *state; /* the library's: connection, unread bytes, bytes owed to the peer */
};

/*
 * Runs a server's whole handshake on a connected, blocking socket with the chain and key in pem.  => 0, or -1 with a->err set and the
 * right alert sent.  Bytes that came behind the handshake are kept for the first tls13_decrypt().  How long it waits is the socket's
 * matter: where SO_RCVTIMEO ends a read, a->err is TLS13_E_IO.
 */
TLS13_CHECK int tls13_handshake(int fd, struct tls13_agreement *a, const void *pem, size_t pem_len);
/*
 * => a malloc'ed buffer of whole records for send(), *out_len bytes; free() it.  Answers that the protocol owes the peer (a KeyUpdate,
 * an alert) go in front; len 0 gives them alone, *out_len is 0 when there are none.  plain NULL and len 0: the answers owed, and
 * close_notify: the last bytes of this direction.  NULL: the direction has ended, or there is no memory; a->err says why.
 */
TLS13_CHECK void *tls13_encrypt(const void *plain, size_t len, size_t *out_len, struct tls13_agreement *a);
/*
 * Takes whatever read() returned.  => a malloc'ed buffer of plain bytes, *out_len 0 when no record is whole yet; free() it.  NULL: the
 * connection's other direction is over, a->err says why.
 *
 * Call it with len 0 (cipher may be NULL) before the first read(), since bytes may have come behind the handshake; and after it gave
 * bytes, since the end that came behind them shows in the next call only.  A peer that waits for us sends nothing more to wake read().
 */
TLS13_CHECK void *tls13_decrypt(const void *cipher, size_t len, size_t *out_len, struct tls13_agreement *a);
/* Wipes and frees what the agreement holds; it may be used for another handshake then. */
TLS13_API void tls13_forget(struct tls13_agreement *a);

#ifdef __cplusplus
}
#endif

#endif
