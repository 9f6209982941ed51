/*
 * A scene: both ends of a connection at one moment, to try many continuations from there without a new handshake for each.
 * Everything is plain memory, so that a scene is a copy; the random bytes start over with it.
 */
#ifndef SCENE_H
#define SCENE_H

#include "peer.h"

/* The random bytes of a scene's context. */
static uint64_t scene_seed = 1;
static PEER_UNUSED int scene_random(void *arg, void *out, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        scene_seed = scene_seed * 6364136223846793005ULL + 1442695040888963407ULL;
        ((uint8_t *)out)[i] = (uint8_t)(scene_seed >> 56);
    }
    return 0;
}

/* Of struct peer all that a message changes; its buffers are empty when a scene is made (but for what the server left unread). */
/* clang-format off */
#define SCENE_FIELDS(X) \
    X(last) X(hello) X(connected) X(eof) X(transcript) X(ks) \
    X(suite) X(group) X(in) X(to) X(secret_client) X(secret_server) \
    X(app_client) X(app_server) X(master) X(alert) X(clear_alert) X(ccs) \
    X(key_updates) X(records_in) X(cert_request) X(resumed) X(finished_ok) X(retry) \
    X(retry_group) X(scheme) X(n_out) X(n_data) X(n_app) X(n_messages) \
    X(at_message) X(n_tickets) X(n_held)
/* clang-format on */

struct scene {
    struct tls13_conn conn;
    struct handshake hs;
    uint64_t seed;
#define SCENE_FIELD(name) __typeof__(((struct peer *)NULL)->name) name;
    SCENE_FIELDS(SCENE_FIELD)
#undef SCENE_FIELD
};

static PEER_UNUSED void scene_save(struct scene *s, const struct peer *p)
{
    if (p->n_held != 0)
        abort();
    s->conn = *p->conn;
    memcpy(&s->hs, p->hs, sizeof s->hs);
    s->seed = scene_seed;
#define SCENE_FIELD(name) memcpy(&s->name, &p->name, sizeof s->name);
    SCENE_FIELDS(SCENE_FIELD)
#undef SCENE_FIELD
}

static PEER_UNUSED void scene_restore(struct peer *p, const struct scene *s)
{
    *p->conn = s->conn;
    memcpy(p->hs, &s->hs, sizeof s->hs);
    scene_seed = s->seed;
#define SCENE_FIELD(name) memcpy(&p->name, &s->name, sizeof s->name);
    SCENE_FIELDS(SCENE_FIELD)
#undef SCENE_FIELD
}

#endif
