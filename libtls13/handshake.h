/* A connection and the scratch of its handshake: what the files of rank 4 work on. */
#ifndef TLS13_HANDSHAKE_H
#define TLS13_HANDSHAKE_H

#include "choose.h"
#include "client_hello.h"
#include "codes.h"
#include "context.h"
#include "deframe.h"
#include "kdf.h"
#include "kex.h"
#include "record.h"
#include "transcript.h"

/* What we read next (RFC 8446 A.2). */
enum state { ST_HELLO, ST_HELLO_AGAIN, ST_CERTIFICATE, ST_VERIFY, ST_FINISHED, ST_APP, STATES };

/* What tls13_recv() does next, before it reads on. */
enum step { STEP_READ, STEP_TELL_HELLO, STEP_RETRY, STEP_COMPUTE, STEP_SIGN, STEP_FLIGHT, STEP_CONNECTED };

/* Keys that protect what we read: rows of the rule table name one of them. */
enum epoch { EPOCH_PLAIN, EPOCH_HANDSHAKE, EPOCH_APP };

/* The server's first messages, built by tls13_compute() and sent by the next tls13_recv(). */
struct flight {
    uint8_t hello[128 + KEX_MAX_SERVER]; /* ServerHello */
    size_t hello_len;
    uint8_t extensions[300]; /* EncryptedExtensions */
    size_t extensions_len;
    uint8_t verify_hash[SIG_MAX_HASH]; /* what CertificateVerify signs (4.4.3) */
    size_t verify_hash_len;
    uint8_t sig[SIG_MAX];
    size_t sig_len;
};

/* The verified client, from its Certificate to tls13_conn_release_hs(). */
struct client_id {
    uint8_t leaf[LIMIT_LEAF];
    size_t leaf_len;
};

#define HS_RANDOM (32 + KEX_MAX_RANDOM + SIG_MAX_HASH)

/*
 * Scratch of one handshake.  Until the server's flight is out the first half of the union is in use, then the second.
 */
struct handshake {
    struct transcript transcript;
    struct key_schedule ks;
    struct choice choice;
    uint8_t client_random[32];
    uint8_t session_id[32];
    uint8_t session_id_len;
    bool early_data;     /* the first ClientHello offered 0-RTT */
    bool early_skipping; /* its records may still come */
    bool ccs_sent;
    bool psk_modes_dhe; /* the client can use tickets (4.2.9) */
    bool tickets_sent;
    bool client_cert;         /* it sent a certificate that verified */
    uint32_t early_left;      /* bytes of ciphertext that may still be skipped */
    int16_t err;              /* TLS13_E_* of what tls13_compute() or a sign function could not do */
    uint8_t hello_digest[32]; /* of what the second ClientHello may not change (4.1.2) */
    char sni[256];
    char client_name[260];
    char client_cn[65];
    uint8_t client_spki[32];
    int64_t client_until;
    uint8_t secret_client[MAX_HASH]; /* handshake traffic secrets, for Finished */
    uint8_t secret_server[MAX_HASH];
    uint8_t app_client[MAX_HASH];   /* client_application_traffic_secret_0, until its Finished */
    uint8_t finished[4 + MAX_HASH]; /* the client's message as it must be; zero until the transcript before it is whole */
    uint8_t psk[MAX_HASH];          /* of the ticket accepted */
    uint16_t psk_index;             /* its place among the identities */
    int64_t created_ms;             /* of the full handshake behind it */
    union {
        struct {
            uint8_t share[KEX_MAX_CLIENT]; /* the client's */
            uint8_t random[HS_RANDOM];     /* ServerHello.random, key exchange, PSS salt */
            struct flight flight;
        };
        struct client_id client;
    };
};

struct tls13_conn {
    struct direction in, out;
    uint8_t exporter[MAX_HASH]; /* exporter_master_secret (7.5) */
    struct tls13_ctx *ctx;
    struct handshake *hs; /* NULL once released */
    const struct suite *suite;
    const char *alpn; /* chosen; lives in ctx */
    uint16_t held;    /* joined handshake bytes in front of the next input */
    uint16_t group, scheme;
    int32_t credential; /* index, -1 before the choice */
    int16_t alert;      /* received, -1 none */
    uint8_t state, step, epoch;
    uint8_t err;                           /* TLS13_E_* once dead */
    uint8_t ccs, empty, updates, warnings; /* nuisances so far (limits.h) */
    bool resumed : 1, retried : 1, connected : 1, early_offered : 1;
    bool peer_closed : 1, we_closed : 1, owe_update : 1, first_protected : 1;
};

/* A row of the rule table: the message that may come in a state, under which keys, how long, and who takes it. */
struct rule {
    uint8_t state, msg, epoch;
    bool ends_record; /* the message must end its record: the keys change behind it (5.1) */
    bool fixed;       /* max is the message's own length, not a limit of ours: longer is malformed (6.2, decode_error) */
    uint16_t max;     /* bytes, header included */
    int (*take)(struct tls13_conn *conn, struct slice msg);
};
/* => NULL: unexpected_message. */
const struct rule *rule_find(unsigned state, uint8_t msg);
/* The table itself, for the test that generates the state x message matrix. */
extern const struct rule rules[];
extern const size_t n_rules;

/*
 * What follows are the handshake's functions, one block a file.  All => 0 or -TLS13_E_*, after which the connection is dead.
 */

/* hello.c: a ClientHello, first or second, up to the choice. */
int take_hello(struct tls13_conn *conn, struct slice msg) __attribute__((warn_unused_result));

/*
 * psk.c: looks for a ticket of ours among the identities (4.2.11) and verifies its binder, with the transcript as it stands before
 * this ClientHello.  Sets conn->resumed and hs->psk; none that suits is no error.
 */
int psk_choose(struct tls13_conn *conn, const struct client_hello *ch) __attribute__((warn_unused_result));

/* keylog.c: one line of an NSS key log, when the context wants one. */
void keylog(const struct tls13_conn *conn, const char *label, const uint8_t *secret);

/* flight.c: HelloRetryRequest; the server's flight in three steps: before the key exchange, after it, and onto the wire. */
int flight_retry(struct tls13_conn *conn, struct tls13_io *io) __attribute__((warn_unused_result));
int flight_prepare(struct tls13_conn *conn, struct kex_job *job) __attribute__((warn_unused_result));
/* => bytes that it takes of hs->random, which the caller fills before. */
size_t flight_random(const struct tls13_conn *conn);
int flight_finish(struct tls13_conn *conn, const uint8_t *shared) __attribute__((warn_unused_result)); /* 0 or TLS13_LATER */
int flight_signed(struct tls13_conn *conn, const uint8_t *sig, size_t len) __attribute__((warn_unused_result));
int flight_write(struct tls13_conn *conn, struct tls13_io *io) __attribute__((warn_unused_result));
/* Hash over what a CertificateVerify signs (4.4.3): padding, context string, transcript hash.  => its length. */
size_t verify_hash(const struct handshake *hs, enum hash_id hash, bool server, uint8_t out[static SIG_MAX_HASH]);

/* client_auth.c: the client's Certificate and CertificateVerify (4.4.2, 4.4.3). */
int take_certificate(struct tls13_conn *conn, struct slice msg) __attribute__((warn_unused_result));
int take_verify(struct tls13_conn *conn, struct slice msg) __attribute__((warn_unused_result));

/*
 * post.c: the client's Finished, tickets, KeyUpdate both ways (4.4.4, 4.6).  expect_finished() computes what the client's Finished must
 * be and takes it into the transcript, as soon as that holds all messages before it.
 */
void expect_finished(struct tls13_conn *conn);
int take_finished(struct tls13_conn *conn, struct slice msg) __attribute__((warn_unused_result));
int post_tickets(struct tls13_conn *conn, struct tls13_io *io) __attribute__((warn_unused_result));
int take_key_update(struct tls13_conn *conn, struct slice msg) __attribute__((warn_unused_result));
/* Writes a KeyUpdate record under the old key and moves to the next one; rec has room for TLS13_UPDATE.  => its length. */
size_t post_update(struct tls13_conn *conn, bool request, uint8_t *rec);

/*
 * stream.c: handshake messages one behind the other into as few records as they fit, at io->out.
 */
struct stream {
    struct tls13_conn *conn;
    struct tls13_io *io;
    size_t n;  /* plain bytes in the record that is open at io->out_len */
    bool full; /* the output did not fit */
};
void stream_add(struct stream *s, const void *data, size_t n);
/* Seals the last record.  => 0, or -TLS13_E_NO_ROOM. */
int stream_end(struct stream *s) __attribute__((warn_unused_result));

#endif
