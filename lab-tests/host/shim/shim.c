/* shim.c: stand-ins for the floors below the code under test.
 *
 * A host test is one program: its own file, which includes the kernel files it
 * tests, and this one, linked to it.  What the kernel owns is weak here: a
 * test that brings the real spin_lock_slow(), kstat_rows or cprintf() - or a
 * better stand-in - just defines it. */
#include "shim.h"
#include "debug/kstat.h"
#include "debug/panic.h"
#include "debug/printk.h"
#include "debug/trace.h"
#include "sync/lockorder.h"
#include "sync/spinlock.h"
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

/* --- harts --- */

WEAK struct cpu cpus[NCPU_MAX];
WEAK unsigned ncpu = 1;
WEAK void (*cpu_wait_hook)(void);

_Thread_local unsigned long shim_csr_sstatus = SSTATUS_SIE, shim_csr_sie;
_Thread_local unsigned long shim_csr_sip, shim_csr_satp;
static _Thread_local struct tcb shim_own_tcb;
_Thread_local struct tcb *shim_tcb;

void
shim_become_hart(unsigned id)
{
    shim_tcb = &shim_own_tcb;
    shim_own_tcb = (struct tcb){.cpu = &cpus[id]};
    shim_csr_sstatus = SSTATUS_SIE;
}

static void __attribute__((constructor)) shim_start(void)
{
    for (unsigned i = 0; i < NCPU_MAX; i++)
        cpus[i].id = i;
    shim_become_hart(0);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* --- memory --- */

uintptr_t shim_memmap_base;
WEAK uintptr_t dmap_base;
WEAK paddr_t kernel_pa;
WEAK unsigned paging_levels = 3;

#define SHIM_DESCRIPTOR 64 /* bytes of a struct page */

static char *shim_map[2];
static size_t shim_map_size[2];
static pfn_t shim_first;

static char *
shim_remap(int which, size_t size)
{
    if (shim_map[which] != NULL)
        munmap(shim_map[which], shim_map_size[which]);
    shim_map[which] = NULL;
    if (size == 0)
        return NULL;
    shim_map[which] = mmap(NULL, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    shim_map_size[which] = size;
    if (shim_map[which] == MAP_FAILED) {
        perror("shim_memory");
        exit(2);
    }
    return shim_map[which];
}

void
shim_memory(pfn_t first, pfn_t end, bool contents)
{
    size_t descriptors = PAGE_UP((end - first) * SHIM_DESCRIPTOR);
    char *p = shim_remap(0, descriptors);

    memset(p, SHIM_JUNK, descriptors);
    shim_memmap_base = (uintptr_t)p;
    shim_first = first;
    p = shim_remap(1, contents ? (end - first) << PAGE_SHIFT : 0);
    dmap_base = (uintptr_t)p - (first << PAGE_SHIFT);
}

void
shim_unmap_descriptors(pfn_t first, pfn_t end)
{
    char *at =
        (char *)shim_memmap_base + (first - shim_first) * SHIM_DESCRIPTOR;

    if (mprotect(at, (end - first) * SHIM_DESCRIPTOR, PROT_NONE) != 0) {
        perror("shim_unmap_descriptors");
        exit(2);
    }
}

/* --- the end --- */

_Thread_local jmp_buf *shim_panic_jump;
_Thread_local char shim_panic_text[512];

WEAK void
panic_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(shim_panic_text, sizeof(shim_panic_text), fmt, ap);
    va_end(ap);
    if (shim_panic_jump != NULL)
        longjmp(*shim_panic_jump, 1);
    printf("panic at %s:%d: %s\n", file, line, shim_panic_text);
    fflush(stdout);
    abort();
}

WEAK void
boot_refuse(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(shim_panic_text, sizeof(shim_panic_text), fmt, ap);
    va_end(ap);
    if (shim_panic_jump != NULL)
        longjmp(*shim_panic_jump, 2);
    printf("boot: %s\n", shim_panic_text);
    fflush(stdout);
    abort();
}

void
shim_after_panic(void)
{
    shim_tcb->held = 0;
    shim_tcb->irq_depth = 0;
    shim_csr_sstatus |= SSTATUS_SIE;
}

/* --- printing, counting, tracing --- */

bool shim_quiet;
unsigned shim_lines;

WEAK int
vcprintf(const char *fmt, va_list ap)
{
    if (strchr(fmt, '\n') != NULL)
        shim_lines++;
    return shim_quiet ? 0 : vprintf(fmt, ap);
}

WEAK int
cprintf(const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vcprintf(fmt, ap);
    va_end(ap);
    return n;
}

WEAK void
console_write(const char *s, size_t n)
{
    if (!shim_quiet)
        fwrite(s, 1, n, stdout);
}

WEAK struct kstat_row kstat_rows[NCPU_MAX];

WEAK const char *const kstat_names[KSTAT_COUNT] = {
#define X(id, name) [id] = name,
    KSTAT_LIST(X)
#undef X
};

WEAK uint64_t
kstat_read(enum kstat_id id)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < NCPU_MAX; i++)
        sum += atomic_load(&kstat_rows[i].v[id]);
    return sum;
}

WEAK bool trace_enabled;
uint64_t shim_traced[TRACE_COUNT]; /* how often each event was recorded */

WEAK void
trace_record(enum trace_id id, uint64_t a, uint64_t b)
{
    (void)a;
    (void)b;
    atomic_add(&shim_traced[id], 1);
}

WEAK void
trace_dump(unsigned n)
{
    (void)n;
}

/* --- locks --- */

WEAK const char *
lock_rank_name(enum lock_rank rank)
{
    (void)rank;
    return "lock";
}

WEAK void
lock_order_broken(enum lock_rank rank, uint64_t held)
{
    panic("lock of rank %d taken while ranks %#lx are held", (int)rank, held);
}

WEAK void
spin_lock_slow(struct spinlock *lock)
{
    while (atomic_swap_acquire(&lock->locked, 1) != 0)
        cpu_wait();
}

/* --- counting tests --- */

unsigned shim_passed, shim_failed;

void
shim_result(const char *name, bool ok)
{
    if (ok)
        shim_passed++;
    else
        shim_failed++;
    printf("%s %s\n", ok ? "ok" : "FAIL", name);
}

int
shim_summary(const char *program)
{
    printf("%s: %u passed, %u failed\n", program, shim_passed, shim_failed);
    return shim_failed != 0;
}
