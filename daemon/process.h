/* What a process may use and be: CPUs, descriptors, user. */
#ifndef PROCESS_H
#define PROCESS_H

#include "options.h"

#include <sys/types.h>

/* CPUs that this process may use: by affinity and by its cgroup's quota, at least 1. */
size_t process_cpus(void);

/* Raises the limit of descriptors as far as `want` needs and the hard limit allows.  => the limit in force. */
size_t process_descriptors(size_t want);

/*
 * Where this program was started from, absolute, symbolic links kept: whoever installs a new one there, or moves the link, gets it
 * started by that path.  name is argv[0], cwd where relative names stand (may be NULL).  => false: it is not known.
 */
bool process_program(const char *name, const char *cwd, char *path, size_t n);

/* Whom workers run as. */
struct identity {
    bool change; /* false: as we are */
    uid_t uid;
    gid_t gid;
    char name[64];
};
/* Finds it out by the configuration's user and group.  => 0; -1 with a sentence in why. */
int process_identity(struct identity *id, const struct config *c, char *why, size_t why_len);
/* Becomes it, for good.  => 0 or -1 with errno set. */
int process_become(const struct identity *id);

#endif
