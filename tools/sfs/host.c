/* host.c: what the kernel's files stand on, on this computer: one hart, no
 * threads, frames from one piece of memory.  Nobody ever has to wait here. */
#include "debug/panic.h"
#include "fs/inode.h"
#include "mm/failpoint.h"
#include "mm/kmalloc.h"
#include "mm/kthread.h"
#include "mm/object.h"
#include "mm/rmap.h"
#include "schedule/clock.h"
#include "schedule/timeout.h"
#include "shim.h"
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, size)   ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)0)
#endif

#define FIRST_FRAME 0x80000ul

pfn_t memmap_first_pfn = FIRST_FRAME;
uint64_t timebase_hz = 10000000;
bool fail_armed;
bool (*fail_hook)(enum fail_site site);
int64_t host_clock;

/* mount.c wants a table of types. */
static const struct fs_type no_type = {.name = ""};
TABLE_ADD(fs_type, no_type);

static size_t nframes, fresh, used, objects;
static struct list free_frames = LIST_INIT(free_frames);

void
host_start(size_t frames)
{
    nframes = frames;
    fresh = used = 0;
    list_init(&free_frames);
    shim_memory(FIRST_FRAME, FIRST_FRAME + frames, true);
    object_start();
}

size_t
host_frames_used(void)
{
    return used;
}

size_t
host_objects(void)
{
    return objects;
}

int64_t
wall_ns(void)
{
    return host_clock;
}

WEAK size_t
strlcpy(char *to, const char *from, size_t size)
{
    size_t len = strlen(from), n = MIN(len, size - 1);

    memcpy(to, from, n);
    to[n] = 0;
    return len;
}

/* --- memory --- */

struct page *
alloc_pages(unsigned order)
{
    struct page *p;

    assert(order == 0);
    if (fail_now(FAIL_PAGE))
        return NULL;
    if (!list_empty(&free_frames)) {
        p = list_first(&free_frames, struct page, lru);
        list_del(&p->lru);
    } else if (fresh < nframes) {
        p = memmap + fresh++;
    } else {
        return NULL;
    }
    used++;
    memset(p, 0, sizeof(*p));
    p->ref = 1;
    p->policy = SHIM_JUNK;
    ASAN_UNPOISON_MEMORY_REGION(page_to_va(p), PAGE_SIZE);
    return p;
}

/* There is enough: an image tool does not give back what it has read. */
bool
memory_short(void)
{
    return false;
}

size_t
bootmem_total(void)
{
    return SIZE_MAX;
}

void
free_pages(struct page *p, unsigned order)
{
    assert(order == 0 && p->ref == 1 && !(p->flags & PG_BUDDY));
    memset(page_to_va(p), 0xdd, PAGE_SIZE);
    ASAN_POISON_MEMORY_REGION(page_to_va(p), PAGE_SIZE);
    p->flags = PG_BUDDY;
    list_add(&free_frames, &p->lru);
    used--;
}

void
free_page_list(struct page **p, unsigned n)
{
    while (n > 0)
        free_pages(p[--n], 0);
}

void *
kmalloc(size_t size)
{
    void *p = fail_now(FAIL_KMALLOC) ? NULL : malloc(size);

    if (p != NULL)
        objects++;
    return p == NULL ? NULL : memset(p, SHIM_JUNK, size);
}

void *
kzalloc(size_t size)
{
    void *p = kmalloc(size);

    return p == NULL ? NULL : memset(p, 0, size);
}

void
kfree(void *p)
{
    if (p != NULL)
        objects--;
    free(p);
}

/* Nothing is mapped. */

void
page_mkclean(struct page *page)
{
    (void)page;
}

void
pages_mkclean(struct page **pages, unsigned n)
{
    (void)pages, (void)n;
}

/* Nobody walks paths, so no names are remembered. */
void
names_forget(struct super *s)
{
}

/* --- nobody waits --- */

void
sched_sleep(struct spinlock *lock, bool intr)
{
    (void)lock, (void)intr;
    panic("somebody waits, and there is nobody else");
}

void
sched_yield(void)
{
}

bool
sched_wake(struct thread *t)
{
    (void)t;
    return false;
}

int
kthread_run(const char *name, void (*entry)(void *), void *arg)
{
    (void)name, (void)entry, (void)arg;
    return -1;
}

void
timeout_arm(struct timeout *t, uint64_t deadline,
            void (*fire)(struct timeout *t))
{
    (void)t, (void)deadline, (void)fire;
}

bool
timeout_cancel(struct timeout *t)
{
    (void)t;
    return true;
}
