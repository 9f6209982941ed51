/* A ClientHello, first or second, up to the choice (RFC 8446 4.1.2, 4.1.4). */
#include "handshake.h"

/* Copies what outlives the message: the caller may move its buffer before the work is done. */
static void keep(struct tls13_conn *conn, const struct client_hello *ch)
{
    struct handshake *hs = conn->hs;
    memcpy(hs->client_random, ch->random.p, sizeof hs->client_random);
    hs->session_id_len = (uint8_t)ch->session_id.n;
    memcpy(hs->session_id, ch->session_id.p, ch->session_id.n);
    if (hs->choice.share.p != NULL)
        memcpy(hs->share, hs->choice.share.p, hs->choice.share.n);
    conn->suite = hs->choice.suite;
    conn->alpn = hs->choice.alpn;
    conn->group = hs->choice.group->id;
    conn->credential = hs->choice.credential;
}

/* 4.1.2: the second ClientHello is the first one but for the share that was asked for and the PSKs. */
static int check_again(const struct handshake *hs, const struct tls13_conn *conn, const struct client_hello *ch, uint16_t group)
{
    uint8_t digest[32];
    ch_digest(ch, digest);
    if (memcmp(digest, hs->hello_digest, sizeof digest) != 0)
        return -TLS13_E_ILLEGAL;
    if (ch->early_data) /* 4.2.10 */
        return -TLS13_E_ILLEGAL;
    if (hs->choice.suite != conn->suite) /* 4.1.4: the suite stays */
        return -TLS13_E_ILLEGAL;
    /* 4.1.4, 4.2.8: exactly the share that was asked for */
    if (hs->choice.share.p == NULL || hs->choice.group->id != group || hs->choice.share.n + 4 != ch->shares.n)
        return -TLS13_E_ILLEGAL;
    return 0;
}

static int first_hello(struct tls13_conn *conn, const struct client_hello *ch)
{
    struct handshake *hs = conn->hs;
    transcript_init(&hs->transcript, hs->choice.suite->hash);
    hs->early_data = hs->early_skipping = ch->early_data;
    hs->early_left = LIMIT_EARLY;
    conn->early_offered = ch->early_data;
    if (hs->choice.share.p == NULL) {
        keep(conn, ch);
        ch_digest(ch, hs->hello_digest);
        transcript_add(&hs->transcript, ch->whole.p, ch->whole.n);
        transcript_retry(&hs->transcript);
        conn->retried = true;
        conn->step = STEP_TELL_HELLO;
        return 0;
    }
    return 1;
}

int take_hello(struct tls13_conn *conn, struct slice msg)
{
    struct handshake *hs = conn->hs;
    struct client_hello ch;
    bool again = conn->state == ST_HELLO_AGAIN;
    uint16_t group = conn->group;
    int err = ch_parse(&ch, msg.p, msg.n);
    if (err < 0)
        return err;
    if (ch.server_name.p != NULL && (err = names_normalise(ch.server_name.p, ch.server_name.n, hs->sni)) < 0)
        return err;
    if ((err = choose(conn->ctx, &ch, hs->sni, &hs->choice)) < 0)
        return err;
    if (ch.cookie) /* we send none, and a client sends back only what it was given (4.2.2) */
        return -TLS13_E_ILLEGAL;
    if (again) {
        if ((err = check_again(hs, conn, &ch, group)) < 0)
            return err;
    } else if ((err = first_hello(conn, &ch)) <= 0) {
        return err;
    }
    keep(conn, &ch);
    if ((err = psk_choose(conn, &ch)) < 0)
        return err;
    if (!conn->resumed && hs->choice.scheme == NULL)
        return hs->choice.err;
    transcript_add(&hs->transcript, msg.p, msg.n);
    conn->scheme = conn->resumed ? 0 : hs->choice.scheme->id;
    hs->choice.share = (struct slice){ hs->share, hs->choice.share.n };
    if (again)
        hs->early_skipping = false; /* 4.2.10: the skipping ends with the second ClientHello */
    conn->step = again ? STEP_COMPUTE : STEP_TELL_HELLO;
    return 0;
}
