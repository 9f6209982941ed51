/*
 * Bytes: bounded reader and writer cursors with a sticky error, big-endian loads and stores, constant-time comparison, wiping.
 *
 * A parser reads straight down and asks once at the end; a writer writes straight down and asks once at the end.
 */
#ifndef TLS13_BYTES_H
#define TLS13_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns. */
struct slice {
    const uint8_t *p;
    size_t n;
};

/* For what is public: time depends on the bytes. */
static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Overwrites a secret so that the compiler cannot leave it out, and without a call where it is small. */
#define WIPE(object) wipe_inline(&(object), sizeof(object))
static inline void wipe_inline(void *p, size_t n)
{
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory"); /* somebody may still look */
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* True when a and b hold the same n bytes.  Time depends on n only. */
static inline bool ct_equal(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint32_t diff = 0;
    for (size_t i = 0; i < n; i++)
        diff |= (uint32_t)(x[i] ^ y[i]);
    return ((diff - 1) >> 31) != 0;
}

/* --- big-endian integers ---------------------------------------------------------------------------------- */

static inline uint16_t load16(const uint8_t p[static 2])
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load24(const uint8_t p[static 3])
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t load32(const uint8_t p[static 4])
{
    return (uint32_t)p[0] << 24 | load24(p + 1);
}

static inline uint64_t load64(const uint8_t p[static 8])
{
    return (uint64_t)load32(p) << 32 | load32(p + 4);
}

static inline void store16(uint8_t p[static 2], unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void store24(uint8_t p[static 3], uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    store16(p + 1, v & 0xffff);
}

static inline void store32(uint8_t p[static 4], uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    store24(p + 1, v);
}

static inline void store64(uint8_t p[static 8], uint64_t v)
{
    store32(p, (uint32_t)(v >> 32));
    store32(p + 4, (uint32_t)v);
}

/* --- reader ----------------------------------------------------------------------------------------------- */

/* Reads from p up to end.  Past the end everything reads as zero or empty and bad stays set. */
struct rd {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct rd rd_of(const void *p, size_t n)
{
    const uint8_t *start = p;
    return (struct rd){ .p = start, .end = n != 0 ? start + n : start, .bad = false };
}

static inline size_t rd_left(const struct rd *r)
{
    return (size_t)(r->end - r->p);
}

/* The next n bytes, or NULL (and bad) when fewer are left.  n = 0 gives the place where the reader stands. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
    if (r->bad || rd_left(r) < n) {
        r->bad = true;
        r->p = r->end;
        return NULL;
    }
    const uint8_t *p = r->p;
    if (n != 0) /* C has no NULL + 0 */
        r->p += n;
    return p;
}

static inline uint8_t rd_u8(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 1);
    return p ? p[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 2);
    return p ? load16(p) : 0;
}

static inline uint32_t rd_u24(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 3);
    return p ? load24(p) : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 4);
    return p ? load32(p) : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
    const uint8_t *p = rd_bytes(r, 8);
    return p ? load64(p) : 0;
}

/* A child reader over the next n bytes; when they are not there both are bad and the child is empty. */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);
    if (r->bad)
        return (struct rd){ .p = r->end, .end = r->end, .bad = true };
    return rd_of(p, n);
}

/* A vector with a length in front of 1, 2 or 3 bytes (RFC 8446 3.4). */
static inline struct rd rd_vec8(struct rd *r)
{
    return rd_sub(r, rd_u8(r));
}

static inline struct rd rd_vec16(struct rd *r)
{
    return rd_sub(r, rd_u16(r));
}

static inline struct rd rd_vec24(struct rd *r)
{
    return rd_sub(r, rd_u24(r));
}

/* What is left of a reader, as a slice. */
static inline struct slice rd_rest(const struct rd *r)
{
    return (struct slice){ r->p, rd_left(r) };
}

/* True when all was there and all was eaten. */
static inline bool rd_done(const struct rd *r)
{
    return !r->bad && r->p == r->end;
}

/* --- writer ----------------------------------------------------------------------------------------------- */

/* Writes into p up to cap bytes; len is how far it came.  Overflow writes nothing more and bad stays set. */
struct wr {
    uint8_t *p;
    size_t len, cap;
    bool bad;
};

static inline struct wr wr_of(void *p, size_t cap)
{
    return (struct wr){ .p = p, .len = 0, .cap = cap, .bad = false };
}

/* Room for n bytes that the caller fills in, or NULL. */
static inline uint8_t *wr_room(struct wr *w, size_t n)
{
    if (w->bad || w->cap - w->len < n) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->p + w->len;
    w->len += n;
    return p;
}

static inline void wr_bytes(struct wr *w, const void *src, size_t n)
{
    uint8_t *p = wr_room(w, n);
    if (p != NULL && n != 0)
        memcpy(p, src, n);
}

static inline void wr_u8(struct wr *w, unsigned v)
{
    uint8_t *p = wr_room(w, 1);
    if (p != NULL)
        p[0] = (uint8_t)v;
}

static inline void wr_u16(struct wr *w, unsigned v)
{
    uint8_t *p = wr_room(w, 2);
    if (p != NULL)
        store16(p, v);
}

static inline void wr_u24(struct wr *w, uint32_t v)
{
    uint8_t *p = wr_room(w, 3);
    if (p != NULL)
        store24(p, v);
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
    uint8_t *p = wr_room(w, 4);
    if (p != NULL)
        store32(p, v);
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
    uint8_t *p = wr_room(w, 8);
    if (p != NULL)
        store64(p, v);
}

/* Opens a vector whose length takes `bytes` (1, 2 or 3) bytes; => the mark that wr_close wants. */
static inline size_t wr_open(struct wr *w, size_t bytes)
{
    (void)wr_room(w, bytes);
    return w->len;
}

/* Closes the vector: writes its length in front.  Too long a vector for its length field is an overflow. */
static inline void wr_close(struct wr *w, size_t mark, size_t bytes)
{
    if (w->bad)
        return;
    size_t n = w->len - mark;
    if (n >> (8 * bytes) != 0) {
        w->bad = true;
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        w->p[mark - 1 - i] = (uint8_t)(n >> (8 * i));
}

#endif
