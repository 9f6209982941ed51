/*
 * Counts a program's allocations: LD_PRELOAD=allocations.so ALLOCATIONS=FILE PROGRAM.  FILE is shared memory of all its processes, 4,096
 * bytes that must be there: struct counts below.  Who allocated is told as an address less the program's entry point.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLERS 500

struct counts {
    uint64_t heap;    /* malloc, calloc, realloc and the aligned ones */
    uint64_t mapped;  /* mmap and mremap */
    uint64_t callers; /* how many came; the last of them, heap and mapped, lie in caller[] as in a ring */
    int64_t caller[CALLERS];
};
_Static_assert(sizeof(struct counts) <= 4096, "what the test makes");

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t m, size_t n);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static struct counts before_start, *counts = &before_start;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("ALLOCATIONS");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *at = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        counts = at;
    close(fd);
}

static void count(uint64_t *what, const void *caller)
{
    __atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
    uint64_t i = __atomic_fetch_add(&counts->callers, 1, __ATOMIC_RELAXED);
    counts->caller[i % CALLERS] = (int64_t)((uintptr_t)caller - getauxval(AT_ENTRY));
}

#define HEAP()   count(&counts->heap, __builtin_return_address(0))
#define MAPPED() count(&counts->mapped, __builtin_return_address(0))

void *malloc(size_t n)
{
    HEAP();
    return __libc_malloc(n);
}

void *calloc(size_t m, size_t n)
{
    HEAP();
    return __libc_calloc(m, n);
}

void *realloc(void *p, size_t n)
{
    HEAP();
    return __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t m, size_t n)
{
    HEAP();
    if (n != 0 && m > SIZE_MAX / n) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(p, m * n);
}

void *memalign(size_t align, size_t n)
{
    HEAP();
    return __libc_memalign(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    HEAP();
    return __libc_memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    HEAP();
    *out = __libc_memalign(align, n);
    return *out == NULL ? ENOMEM : 0;
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    MAPPED();
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t offset) __attribute__((alias("mmap")));

void *mremap(void *at, size_t old, size_t n, int flags, ...)
{
    MAPPED();
    return (void *)syscall(SYS_mremap, at, old, n, flags & ~MREMAP_FIXED, NULL);
}
