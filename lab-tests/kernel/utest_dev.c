/* utest_dev.c: /dev/utest, the way of the test programs of lab-tests/user to the
 * records and to what only the kernel knows.  Linked into ktest.img only: what
 * other programs print on the console is never taken for a verdict.
 *
 *     UTEST_BEGIN    settle; note free frames and objects
 *     a test, in processes of its own
 *     UTEST_END      settle until they are the same; mmcheck and the allocators
 */
#include "ktest.h"
#include "utest_range.h"

#include "debug/kstat.h"
#include "driver/event.h"
#include "ext/mm/audit.h"
#include "ext/mm/knob.h"
#include "ext/mm/mmcheck.h"
#include "ext/mm/observe.h"
#include "ext/mm/pin.h"
#include "ext/mm/swap_space.h"
#include "fs/devfs.h"
#include "lab-tests/user/lib/utest_abi.h"
#include "mm/failpoint.h"
#include "mm/fault.h"
#include "mm/reclaim.h"
#include "mm/uaccess.h"
#include "process/proc.h"
#include "schedule/timeout.h"
#include "swap_ram.h"
#include "syscall/syscall.h"
#include <errno.h>
#include <string.h>

static size_t frames, objects; /* at UTEST_BEGIN */
static unsigned npassed;

static long
utest_write(struct inode *i, struct file *f, const void *buf, size_t n,
            uint64_t pos)
{
    char text[200], *what;
    size_t len = MIN(n, sizeof(text) - 1);

    memcpy(text, buf, len);
    while (len > 0 && text[len - 1] == '\n')
        len--;
    text[len] = 0;
    event("test", "%s", text);
    what = strchr(text, ' ');
    if (what != NULL && strcmp(what, " begin") != 0)
        cprintf("%s\n", text);
    npassed += what != NULL && strcmp(what, " pass") == 0;
    return (long)n;
}

/* Devices that are in use; nobody takes one off while a test is judged. */
struct in_use {
    unsigned n;
    struct swap_dev *dev[8];
};

static void
note_device(const struct swap_space *s, void *arg)
{
    struct in_use *u = arg;

    if (u->n < ARRAY_LEN(u->dev))
        u->dev[u->n++] = (struct swap_dev *)&s->dev;
}

/* ktest_settle() where there is swap: who else is there has all its pages in memory,
 * and none mapped, however many were out before. */
static size_t
settle(void)
{
    struct in_use u = {0};
    int err = 0;

    if (swap_slots() > 0) {
        (void)reclaim(1ul << 24);
        swap_space_each(note_device, &u);
    }
    while (err == 0 && u.n > 0)
        err = swap_bring_back(u.dev[--u.n]);
    return err == 0 ? ktest_settle() : 0;
}

/* Everything as it was?  Tasks that ended give back their stacks when another
 * thread runs on their hart, so it may take a while. */
static long
compare(void)
{
    size_t now = settle();

    for (unsigned i = 0; i < 100; i++) {
        if (now == frames && kmalloc_in_use() == objects)
            return 0;
        sleep_ms(1);
        now = settle();
    }
    cprintf("utest: frames %lu before, %lu after; objects %lu, %lu\n", frames,
            now, objects, kmalloc_in_use());
    return -EIO;
}

static long
test_end(void)
{
    long r;

    fail_set("any", 0);
    utest_range_reset();
    r = compare();
    if (mmcheck() + pmm_check() + kmalloc_check() != 0 ||
        mmstat_lost_faults(NULL) != 0)
        return -EIO;
    return r;
}

static long
test_stat(uintptr_t arg)
{
    struct utest_stat s;
    struct mm_struct *mm;

    if (copy_from_user(&s, arg, sizeof(s)) != 0)
        return -EFAULT;
    s.name[sizeof(s.name) - 1] = 0;
    mm = s.all ? NULL : current_process()->mm;
    if (s.all && strcmp(s.name, "free_pages") == 0)
        s.value = settle();
    else if (s.all && strcmp(s.name, "alloc_fail") == 0)
        s.value = kstat_read(STAT_ALLOC_FAIL);
    else if (!mmstat_get(mm, s.name, &s.value))
        return -ENOENT;
    return copy_to_user(arg, &s, sizeof(s)) != 0 ? -EFAULT : 0;
}

static long
test_page(uintptr_t arg)
{
    struct pginfo info;
    uint64_t va;

    if (copy_from_user(&va, arg, sizeof(va)) != 0)
        return -EFAULT;
    if (pginfo(current_process()->mm, va, &info) != 0)
        return -EINVAL;
    return copy_to_user(arg, &info, sizeof(info)) != 0 ? -EFAULT : 0;
}

static long
test_knob(uintptr_t arg)
{
    char line[64];

    if (strncpy_from_user(line, arg, sizeof(line)) < 0)
        return -EFAULT;
    line[sizeof(line) - 1] = 0;
    return knob_line(line, NULL, 0);
}

static long
test_cause(uintptr_t arg)
{
    struct utest_cause c;
    struct process *p;

    if (copy_from_user(&c, arg, sizeof(c)) != 0)
        return -EFAULT;
    spin_lock(&tree_lock);
    p = pid_find(c.pid);
    if (p != NULL && p->state == PROC_ZOMBIE) {
        c.signo = p->cause.signo;
        c.code = p->cause.code;
        c.addr = p->cause.addr;
        c.status = p->status;
    } else {
        c.signo = -1;
    }
    spin_unlock(&tree_lock);
    return copy_to_user(arg, &c, sizeof(c)) != 0 ? -EFAULT : 0;
}

/* As a debugger does: a page of MM's own, whatever the area's rights, is written
 * from our side.  => its program does not run */
static long
force(struct mm_struct *mm, uintptr_t addr, uint64_t value)
{
    unsigned result;
    long r = -EFAULT;
    pte_t *pte;

    do
        result = do_pgfault(mm, FAULT_WRITE | FAULT_FORCE, addr);
    while ((result & (VM_FAULT_RETRY | VM_FAULT_ERROR)) == VM_FAULT_RETRY);
    if (result & VM_FAULT_ERROR)
        return r;
    gate_enter(&mm->gate);
    pte = get_pte(mm, addr, false);
    if (pte != NULL && pte_is_leaf(pte_load(pte))) {
        char *page = pa_to_va(pte_pa(pte_load(pte)));

        memcpy(page + (addr & PAGE_MASK), &value, sizeof(value));
        r = 0;
    }
    gate_leave(&mm->gate);
    return r;
}

static long
test_force(uintptr_t arg)
{
    struct utest_force w;
    struct mm_struct *mm = NULL;
    struct process *p;
    long r;

    if (copy_from_user(&w, arg, sizeof(w)) != 0)
        return -EFAULT;
    spin_lock(&tree_lock);
    p = pid_find(w.pid);
    if (p != NULL && p->state == PROC_LIVE && p->mm != NULL) {
        mm = p->mm;
        mm_get(mm);
    }
    spin_unlock(&tree_lock);
    if (mm == NULL)
        return -ESRCH;
    r = force(mm, w.addr, w.value);
    mm_put(mm);
    return r;
}

static long
test_call(uintptr_t arg)
{
    const struct syscall *next = NULL;
    struct utest_call c;

    if (copy_from_user(&c, arg, sizeof(c)) != 0)
        return -EFAULT;
    TABLE_FOR_EACH (syscall, struct syscall, s) {
        if ((*s)->nr >= c.nr && (next == NULL || (*s)->nr < next->nr))
            next = *s;
    }
    if (next == NULL)
        return -ENOENT;
    c.nr = next->nr;
    strlcpy(c.kinds, next->kinds, sizeof(c.kinds));
    strlcpy(c.name, next->name, sizeof(c.name));
    return copy_to_user(arg, &c, sizeof(c)) != 0 ? -EFAULT : 0;
}

/* --- a device that uses the pages of a program --- */

static struct pin *held[UTEST_PINS]; /* [a] what is behind a handle */

static long
test_pin(uintptr_t arg)
{
    struct utest_pin u;
    struct pin *pin, *none = NULL;
    long r;

    if (copy_from_user(&u, arg, sizeof(u)) != 0)
        return -EFAULT;
    r = pin_range(current_process()->mm, u.addr, u.len, u.write != 0, &pin);
    if (r != 0)
        return r;
    for (u.handle = 0; u.handle < UTEST_PINS; u.handle++, none = NULL) {
        if (atomic_cas(&held[u.handle], &none, pin))
            return copy_to_user(arg, &u, sizeof(u)) != 0 ? -EFAULT : 0;
    }
    pin_release(pin);
    return -EBUSY;
}

static long
test_unpin(uintptr_t handle)
{
    struct pin *pin = handle < UTEST_PINS
                          ? atomic_swap(&held[handle], (struct pin *)NULL)
                          : NULL;

    if (pin == NULL)
        return -EBADF;
    pin_release(pin);
    return 0;
}

static long
test_dma(uintptr_t arg)
{
    struct utest_dma d;
    uint64_t *word;
    struct pin *pin;

    if (copy_from_user(&d, arg, sizeof(d)) != 0)
        return -EFAULT;
    pin = d.handle < UTEST_PINS ? atomic_load(&held[d.handle]) : NULL;
    if (pin == NULL || d.offset / PAGE_SIZE >= pin->n || d.offset % 8 != 0)
        return -EBADF;
    word = page_to_va(pin->of[d.offset / PAGE_SIZE].page);
    word += d.offset % PAGE_SIZE / 8;
    if (d.write)
        atomic_store(word, d.value);
    else
        d.value = atomic_load(word);
    return copy_to_user(arg, &d, sizeof(d)) != 0 ? -EFAULT : 0;
}

static struct swap_ram *swap_device; /* [a] */

static long
test_swap(size_t slots)
{
    struct swap_ram *r = atomic_swap(&swap_device, (struct swap_ram *)NULL);

    if (r != NULL)
        swap_ram_off(r);
    if (slots > 0)
        atomic_store(&swap_device, swap_ram_on(slots));
    return 0;
}

static long
test_begin(void)
{
    (void)test_swap(0); /* of a test that failed */
    for (unsigned i = 0; i < UTEST_PINS; i++)
        (void)test_unpin(i); /* of a test that failed */
    utest_range_reset();
    frames = settle();
    objects = kmalloc_in_use();
    return 0;
}

static long
utest_ioctl(struct inode *i, struct file *f, unsigned cmd, uintptr_t arg)
{
    switch (cmd) {
    case UTEST_BEGIN:
        return test_begin();
    case UTEST_END:
        return test_end();
    case UTEST_DONE:
        event("done", "%u %lu", npassed, arg);
        return 0;
    case UTEST_STAT:
        return test_stat(arg);
    case UTEST_PAGE:
        return test_page(arg);
    case UTEST_KNOB:
        return test_knob(arg);
    case UTEST_CAUSE:
        return test_cause(arg);
    case UTEST_PIN:
        return test_pin(arg);
    case UTEST_UNPIN:
        return test_unpin(arg);
    case UTEST_DMA:
        return test_dma(arg);
    case UTEST_FORCE:
        return test_force(arg);
    case UTEST_CHECK:
        return mmcheck();
    case UTEST_SWAP:
        return test_swap(arg);
    case UTEST_CALL:
        return test_call(arg);
    case UTEST_RANGE:
        return utest_range(arg);
    }
    return -ENOTTY;
}

static const struct inode_ops utest_ops = {.write = utest_write,
                                           .ioctl = utest_ioctl};
static const struct device utest = {"utest", 10, 240, &utest_ops};
TABLE_ADD(device, utest);
