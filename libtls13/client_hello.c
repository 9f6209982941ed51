/* ClientHello to slices. */
#include "client_hello.h"

#include "extension.h"
#include "tls13.h"
#include "transcript.h"

enum { HEAD = 4 /* type and length */ };

int ch_parse(struct client_hello *ch, const uint8_t *msg, size_t len)
{
    memset(ch, 0, sizeof *ch);
    ch->whole = (struct slice){ msg, len };
    struct rd r = rd_of(msg, len);
    (void)rd_bytes(&r, HEAD);
    ch->legacy_version = rd_u16(&r);
    ch->random.p = rd_bytes(&r, 32);
    ch->random.n = 32;
    struct rd session = rd_vec8(&r), suites = rd_vec16(&r), compression = rd_vec8(&r);
    ch->session_id = rd_rest(&session);
    ch->suites = rd_rest(&suites);
    ch->compression = rd_rest(&compression);
    if (r.bad || ch->session_id.n > 32 || ch->suites.n == 0 || ch->suites.n % 2 != 0 || ch->compression.n == 0)
        return -TLS13_E_DECODE;
    if (rd_left(&r) == 0) /* a client of before TLS 1.3 may send no extensions; it is told the version */
        return 0;
    struct rd block = rd_vec16(&r);
    if (!rd_done(&r))
        return -TLS13_E_DECODE;
    return ext_client_hello(ch, &block);
}

bool ch_lists(struct slice list, uint16_t code)
{
    for (size_t i = 0; i + 1 < list.n; i += 2)
        if (load16(list.p + i) == code)
            return true;
    return false;
}

/* Extensions that the second ClientHello may add, drop or change (4.1.2). */
static bool may_change(uint16_t id)
{
    return id == EXT_KEY_SHARE || id == EXT_EARLY_DATA || id == EXT_COOKIE || id == EXT_PRE_SHARED_KEY || id == EXT_PADDING;
}

void ch_digest(const struct client_hello *ch, uint8_t out[static 32])
{
    struct transcript t;
    uint8_t hash[MAX_HASH];
    transcript_init(&t, HASH_SHA256);
    struct rd r = rd_of(ch->whole.p, ch->whole.n);
    (void)rd_bytes(&r, HEAD);
    const uint8_t *fixed = r.p; /* version, random, session id, suites, compression */
    (void)rd_bytes(&r, 2 + 32);
    (void)rd_vec8(&r);
    (void)rd_vec16(&r);
    (void)rd_vec8(&r);
    transcript_add(&t, fixed, (size_t)(r.p - fixed));
    struct rd block = rd_vec16(&r);
    while (!block.bad && rd_left(&block) != 0) {
        const uint8_t *at = block.p;
        uint16_t id = rd_u16(&block);
        (void)rd_vec16(&block);
        if (!may_change(id))
            transcript_add(&t, at, (size_t)(block.p - at));
    }
    transcript_hash(&t, hash);
    memcpy(out, hash, 32);
}
