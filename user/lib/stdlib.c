/* stdlib.c: numbers, sorting, and memory.
 *
 * malloc: blocks with a head of 16 bytes, in one list by address from sbrk();
 * a free block joins its free successor when it is looked at.  Large ones have
 * a mapping of their own. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <util.h>

#define LARGE (128ul << 10)
#define USED  1ul
#define MAPED 2ul
#define FLAGS 15ul

struct block {
    size_t size; /* with head, a multiple of 16; flags in the low bits */
    size_t pad;
};

static char *heap, *heap_top;

static size_t
size_of(const struct block *b)
{
    return b->size & ~FLAGS;
}

static struct block *
next_of(struct block *b)
{
    return (struct block *)((char *)b + size_of(b));
}

static struct block *
grow(size_t size)
{
    size_t n = size < 65536 ? 65536 : (size + 4095) & ~4095ul;
    char *p = sbrk((intptr_t)n);
    struct block *b = (struct block *)p;

    if (p == (char *)-1)
        return NULL;
    if (heap == NULL)
        heap = p;
    heap_top = p + n;
    b->size = n;
    return b;
}

/* The first free block of SIZE bytes, with what follows it joined. */
static struct block *
find(size_t size)
{
    for (char *p = heap; p != NULL && p < heap_top;) {
        struct block *b = (struct block *)p, *next;

        while (!(b->size & USED) && (char *)(next = next_of(b)) < heap_top &&
               !(next->size & USED))
            b->size += next->size;
        if (!(b->size & USED) && b->size >= size)
            return b;
        p += size_of(b);
    }
    return grow(size);
}

static void *
map_large(size_t size)
{
    struct block *b;

    size = (size + 4095) & ~4095ul;
    b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    if (b == MAP_FAILED)
        return NULL;
    b->size = size | USED | MAPED;
    return b + 1;
}

void *
malloc(size_t n)
{
    size_t size = (n + sizeof(struct block) + 15) & ~15ul;
    struct block *b;

    if (n > (size_t)1 << 46) {
        errno = ENOMEM;
        return NULL;
    }
    if (size >= LARGE)
        return map_large(size);
    b = find(size);
    if (b == NULL)
        return NULL;
    if (b->size - size >= 64) {
        struct block *rest = (struct block *)((char *)b + size);

        rest->size = b->size - size;
        b->size = size;
    }
    b->size |= USED;
    return b + 1;
}

void
free(void *p)
{
    struct block *b = (struct block *)p - 1;

    if (p == NULL)
        return;
    if (b->size & MAPED)
        munmap(b, size_of(b));
    else
        b->size &= ~USED;
}

void *
calloc(size_t n, size_t size)
{
    void *p = size != 0 && n > (size_t)-1 / size ? NULL : malloc(n * size);

    if (p != NULL)
        memset(p, 0, n * size);
    return p;
}

void *
realloc(void *p, size_t size)
{
    size_t old =
        p == NULL ? 0 : size_of((struct block *)p - 1) - sizeof(struct block);
    void *q;

    if (p != NULL && size <= old)
        return p;
    q = malloc(size);
    if (q != NULL && p != NULL) {
        memcpy(q, p, old);
        free(p);
    }
    return q;
}

void
abort(void)
{
    raise(SIGABRT);
    _exit(127);
}

unsigned long
strtoul(const char *s, char **end, int base)
{
    unsigned long v = 0;
    bool minus;

    while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        s++;
    minus = *s == '-';
    s += *s == '-' || *s == '+';
    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 32) == 'x') {
        s += 2;
        base = 16;
    } else if (base == 0) {
        base = *s == '0' ? 8 : 10;
    }
    for (;; s++) {
        int c = *s | 32;
        int d = *s >= '0' && *s <= '9' ? *s - '0'
                : c >= 'a' && c <= 'z' ? c - 'a' + 10
                                       : 99;

        if (d >= base)
            break;
        v = v * (unsigned)base + (unsigned)d;
    }
    if (end != NULL)
        *end = (char *)s;
    return minus ? -v : v;
}

long
strtol(const char *s, char **end, int base)
{
    return (long)strtoul(s, end, base);
}

int
atoi(const char *s)
{
    return (int)strtol(s, NULL, 10);
}

static void
exchange(char *a, char *b, size_t n)
{
    for (; n > 0; n--, a++, b++) {
        char c = *a;

        *a = *b;
        *b = c;
    }
}

/* Heap sort: no worst case, no memory. */
void
qsort(void *base, size_t n, size_t size,
      int (*compare)(const void *, const void *))
{
    char *a = base;
    size_t start = n / 2, end = n;

    while (end > 1) {
        size_t root, child;

        if (start > 0)
            start--;
        else
            exchange(a, a + --end * size, size);
        for (root = start; (child = 2 * root + 1) < end; root = child) {
            if (child + 1 < end &&
                compare(a + child * size, a + (child + 1) * size) < 0)
                child++;
            if (compare(a + root * size, a + child * size) >= 0)
                break;
            exchange(a + root * size, a + child * size, size);
        }
    }
}
