/* Files that change under us: certificates, keys, authorities, revocation lists, ticket keys. */
#ifndef WATCH_H
#define WATCH_H

#include "options.h"

/* fd is -1 when nothing is watched.  Zeroed but for that it is empty. */
struct file_watch {
    int fd; /* inotify: readable when something happened */
    struct str_list paths;
    uint64_t print;    /* of all contents, when last looked at */
    double due, limit; /* when to look; 0: nothing happened */
    bool blind;        /* a directory is not there: look again soon */
    bool fresh;        /* watch_changed() has just looked, and said so */
};

/*
 * Watches the files of a configuration from now on, none when it says so.  To be called before the files are read: whatever changes
 * afterwards is noticed.
 */
void watch_files(struct file_watch *w, const struct config *c, double now);
/* The same after a configuration was refused, of the one that stays: where their files are the same, changes since then count. */
void watch_again(struct file_watch *w, const struct config *c, double now);
/* Takes in what the kernel has to tell.  Writers are given half a second of quiet before anybody looks. */
void watch_events(struct file_watch *w, double now);
/* => true once after the contents have changed.  *next: seconds until this must be asked again, -1: not before events. */
bool watch_changed(struct file_watch *w, double now, double *next);
void watch_free(struct file_watch *w);

#endif
