#include "pool.h"

#include <stdbool.h>
#include <sys/mman.h>

/* A block is aligned to its size, so that a cell's address leads to its head. */
struct pool_block {
    struct pool_block *next, *prev; /* in pool->open */
    void *free;                     /* cells given back, linked through their first bytes */
    uint32_t used;                  /* cells leased */
    uint32_t fresh;                 /* cells from this one on were never leased: their pages are untouched */
    uint32_t cells;
};

#define BLOCK_HEAD 64
_Static_assert(sizeof(struct pool_block) <= BLOCK_HEAD, "the head of a block");

void pool_init(struct pool *p, size_t cell)
{
    size_t block = 128 * 1024;
    while (block < 15 * cell)
        block *= 2;
    *p = (struct pool){ .cell = (cell + 15) & ~(size_t)15, .block = block };
}

/* mmap aligns to pages only: twice the size holds an aligned block, the rest goes back. */
static struct pool_block *block_map(const struct pool *p)
{
    uint8_t *at = mmap(NULL, 2 * p->block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    size_t skip = (p->block - ((uintptr_t)at & (p->block - 1))) & (p->block - 1);
    if (skip != 0)
        munmap(at, skip);
    munmap(at + skip + p->block, p->block - skip);
    struct pool_block *b = (struct pool_block *)(void *)(at + skip);
    b->cells = (uint32_t)((p->block - BLOCK_HEAD) / p->cell);
    return b;
}

static void open_push(struct pool *p, struct pool_block *b)
{
    b->prev = NULL;
    b->next = p->open;
    if (p->open != NULL)
        p->open->prev = b;
    p->open = b;
}

static void open_remove(struct pool *p, struct pool_block *b)
{
    if (b->prev != NULL)
        b->prev->next = b->next;
    else
        p->open = b->next;
    if (b->next != NULL)
        b->next->prev = b->prev;
}

void *pool_get(struct pool *p)
{
    struct pool_block *b = p->open;
    if (b == NULL) {
        if ((b = p->spare) != NULL) {
            p->spare = NULL;
            p->spare_used = true;
        } else if ((b = block_map(p)) != NULL) {
            p->blocks++;
        } else {
            return NULL;
        }
        open_push(p, b);
    }
    void *cell = b->free;
    if (cell != NULL)
        b->free = *(void **)cell;
    else
        cell = (uint8_t *)b + BLOCK_HEAD + p->cell * b->fresh++;
    if (++b->used == b->cells)
        open_remove(p, b);
    p->in_use++;
    return cell;
}

static void block_unmap(struct pool *p, struct pool_block *b)
{
    munmap(b, p->block);
    p->blocks--;
}

void pool_put(struct pool *p, void *cell)
{
    struct pool_block *b = (struct pool_block *)((uintptr_t)cell & ~(uintptr_t)(p->block - 1));
    if (b->used-- == b->cells)
        open_push(p, b);
    *(void **)cell = b->free;
    b->free = cell;
    p->in_use--;
    if (b->used != 0)
        return;
    open_remove(p, b);
    if (p->spare == NULL)
        p->spare = b;
    else
        block_unmap(p, b);
}

void pool_trim(struct pool *p)
{
    if (p->spare != NULL && !p->spare_used) {
        block_unmap(p, p->spare);
        p->spare = NULL;
    }
    p->spare_used = false;
}

size_t pool_bytes(const struct pool *p)
{
    return p->blocks * p->block;
}

/* --- slabs -------------------------------------------------------------------------------------------------- */

/* The third is a record and its message's rest, the fourth two records: the usual leftovers. */
static const uint32_t class_size[SLAB_CLASSES] = { 2048, 8192, 17408, 34816, 69632, SLAB_MAX };

void slabs_init(struct slabs *s)
{
    for (size_t i = 0; i < SLAB_CLASSES; i++)
        pool_init(&s->by_class[i], class_size[i]);
    s->in_use = 0;
}

uint8_t *slab_lease(struct slabs *s, size_t n, uint32_t *cap)
{
    uint8_t *slab = NULL;
    size_t i = 0;
    while (i < SLAB_CLASSES && class_size[i] < n)
        i++;
    if (i < SLAB_CLASSES) {
        *cap = class_size[i];
        slab = pool_get(&s->by_class[i]);
    } else if (n <= UINT32_MAX) {
        *cap = (uint32_t)n;
        slab = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        slab = slab == MAP_FAILED ? NULL : slab;
    }
    s->in_use += slab != NULL;
    return slab;
}

void slab_return(struct slabs *s, uint8_t *slab, uint32_t cap)
{
    s->in_use--;
    for (size_t i = 0; i < SLAB_CLASSES; i++) {
        if (class_size[i] == cap) {
            pool_put(&s->by_class[i], slab);
            return;
        }
    }
    munmap(slab, cap);
}

void slabs_trim(struct slabs *s)
{
    for (size_t i = 0; i < SLAB_CLASSES; i++)
        pool_trim(&s->by_class[i]);
}

size_t slabs_bytes(const struct slabs *s)
{
    size_t n = 0;
    for (size_t i = 0; i < SLAB_CLASSES; i++)
        n += pool_bytes(&s->by_class[i]);
    return n;
}
