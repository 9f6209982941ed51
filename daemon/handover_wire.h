/* The messages of a handover, one packet each, of a fixed size by their kind. */
#ifndef HANDOVER_WIRE_H
#define HANDOVER_WIRE_H

#include "handover.h"

#define HANDOVER_MAGIC   0x33317474u /* not a number that comes about by itself */
#define HANDOVER_VERSION 1           /* of all that follows; a master of another version is refused */
#define HANDOVER_SOCKETS 64          /* of one address */
_Static_assert(WORKERS_MOST <= HANDOVER_SOCKETS, "an address has a socket for each worker");

enum kind { KIND_HELLO = 1, KIND_BIND, KIND_ADMIN, KIND_INHERITED, KIND_NAME, KIND_KEYS, KIND_READY, KIND_REFUSED };

/* Both ends are on one machine: numbers are as it has them. */
struct hello {
    uint64_t generation;
    uint32_t binds, admin, inherited, names;
};
struct bind_text {
    char text[ADDR_TEXT];
};
struct name {
    char host[256];
    uint32_t port, n; /* n 0: never resolved */
    struct resolved_addr at[RESOLVED_MOST];
};
struct keys {
    uint64_t made, rotate_in_ms;
    uint32_t n;
    uint8_t key[TICKET_KEYS][TLS13_TICKET_KEY];
};
struct message {
    uint32_t magic;
    uint16_t version, kind;
    union {
        struct hello hello;
        struct bind_text bind; /* KIND_BIND, KIND_ADMIN: with descriptors */
        char inherited[256];   /* with one */
        struct name name;
        struct keys keys;
        char refused[512];
    } u;
};

/* The length of a message of a kind. */
size_t wire_size(enum kind kind);
/* Sends a message of which u is set, with n descriptors, without blocking.  => false with errno set. */
bool wire_send(int fd, struct message *m, enum kind kind, const int *fds, size_t n);
/*
 * Takes a message with its descriptors, *n of them in fds, however wrong it may be, without blocking.  => its length; -1 with errno set,
 * 0 when the other end is closed.
 */
ssize_t wire_take(int fd, struct message *m, int *fds, size_t *n);
/* Whether a message of that length is one of ours, of that kind. */
bool wire_is(const struct message *m, ssize_t len, enum kind kind);
void wire_close(const int *fds, size_t n);

#endif
