/*
 * The state machine as one table: what is not in it is unexpected_message.
 *
 * The states follow each other by the handlers: HELLO [HELLO_AGAIN] [CERTIFICATE [VERIFY]] FINISHED APP (RFC 8446 A.2).
 */
#include "handshake.h"

const struct rule rules[] = {
    /* state, message, keys, ends its record, of fixed length, at most, handler */
    { ST_HELLO, MSG_CLIENT_HELLO, EPOCH_PLAIN, true, false, LIMIT_HELLO, take_hello },
    { ST_HELLO_AGAIN, MSG_CLIENT_HELLO, EPOCH_PLAIN, true, false, LIMIT_HELLO, take_hello },
    { ST_CERTIFICATE, MSG_CERTIFICATE, EPOCH_HANDSHAKE, false, false, LIMIT_CERTIFICATE, take_certificate },
    { ST_VERIFY, MSG_CERTIFICATE_VERIFY, EPOCH_HANDSHAKE, false, false, LIMIT_VERIFY, take_verify },
    { ST_FINISHED, MSG_FINISHED, EPOCH_HANDSHAKE, true, true, 4 + MAX_HASH, take_finished },
    { ST_APP, MSG_KEY_UPDATE, EPOCH_APP, true, true, 5, take_key_update },
};
const size_t n_rules = COUNT(rules);

const struct rule *rule_find(unsigned state, uint8_t msg)
{
    for (size_t i = 0; i < n_rules; i++)
        if (rules[i].state == state && rules[i].msg == msg)
            return &rules[i];
    return NULL;
}
