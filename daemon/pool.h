/*
 * Memory in cells of one size, and slabs in a few sizes, straight from mmap.  A block whose cells are all free goes back to the
 * kernel, one spare aside; the spare goes too when it was not needed between two calls of pool_trim().
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_block;

/* Plain memory, not shared between processes.  Fields are read by tests and metrics only. */
struct pool {
    size_t cell;              /* bytes, a multiple of 16 */
    size_t block;             /* bytes of a block, a power of two */
    struct pool_block *open;  /* blocks that have a free cell */
    struct pool_block *spare; /* one block that is all free, or NULL; not in open */
    size_t in_use, blocks;    /* cells leased, blocks mapped */
    int spare_used;           /* the spare was taken since the last trim */
};

void pool_init(struct pool *p, size_t cell);
/* => a cell aligned to 16, contents undefined; NULL when the kernel has no memory (the pool is as before). */
void *pool_get(struct pool *p) __attribute__((warn_unused_result));
/* Takes a cell of this pool back; secrets in it are the caller's to wipe. */
void pool_put(struct pool *p, void *cell);
/* To be called about once a second: gives a spare block back that nobody needed. */
void pool_trim(struct pool *p);
/* Bytes mapped. */
size_t pool_bytes(const struct pool *p);

/* Slabs: buffers that hold what a socket did not take, in size classes. */
#define SLAB_MAX     135168 /* eight whole records and a few small ones; more is mapped on its own */
#define SLAB_CLASSES 6
struct slabs {
    struct pool by_class[SLAB_CLASSES];
    size_t in_use; /* slabs leased, of any size */
};

void slabs_init(struct slabs *s);
/* => a slab of at least n bytes, its size in *cap; NULL: no memory. */
uint8_t *slab_lease(struct slabs *s, size_t n, uint32_t *cap) __attribute__((warn_unused_result));
/* Takes it back; cap is what slab_lease() said. */
void slab_return(struct slabs *s, uint8_t *slab, uint32_t cap);
void slabs_trim(struct slabs *s);
size_t slabs_bytes(const struct slabs *s);

#endif
