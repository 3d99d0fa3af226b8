/* ublob.c: a kernel thread becomes a user program, see ublob.h. */
#include "ublob.h"
#include "ktest.h"
#include "mm/mmap.h"
#include "mm/space.h"
#include "mm/uaccess.h"
#include "schedule/sched.h"
#include <string.h>

extern char ublob_begin[], ublob_end[];
extern const uint32_t ublob_table[UBLOB_KINDS];

#define CODE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

static bool
is_mapped(struct mm_struct *mm)
{
    struct vma_struct *v;
    bool yes;

    gate_enter(&mm->gate);
    v = find_vma(mm, UBLOB_CODE);
    yes = v != NULL && v->vm_start <= UBLOB_CODE;
    gate_leave(&mm->gate);
    return yes;
}

bool
ublob_map(struct mm_struct *mm)
{
    size_t size = (size_t)(ublob_end - ublob_begin);

    if (is_mapped(mm))
        return true;
    return do_mmap(mm, UBLOB_CODE, PAGE_SIZE, VM_READ | VM_WRITE, CODE_FLAGS,
                   NULL, 0) == (long)UBLOB_CODE &&
           mm_access(mm, UBLOB_CODE, ublob_begin, size, true) == 0 &&
           do_mprotect(mm, UBLOB_CODE, PAGE_SIZE, VM_READ | VM_EXEC) == 0 &&
           mm_populate(mm, UBLOB_CODE, UBLOB_CODE + PAGE_SIZE) == 0;
}

/* The program's thread ends here, with its stack empty but for this. */
static NORETURN void
end(struct urun *r, const struct trapframe *tf)
{
    struct mm_struct *mm = r->mm;

    r->pc = tf->sepc;
    memcpy(r->x, tf->x, sizeof(r->x));
    r->result = tf->x[X_A0];
    mm_use(NULL);
    mm_put_user(mm);
    sem_up(&r->done);
    thread_exit();
}

static void
trapped(struct trapframe *tf, const struct user_trap *why)
{
    struct urun *r = current_thread()->arg;

    if (why->signo == 0 && tf->x[X_A7] == 1) {
        tf->x[X_A0] = r->call(r);
        tf->sepc += 4;
        return;
    }
    r->signo = why->signo;
    r->code = why->code;
    r->addr = why->addr;
    end(r, tf);
}

static void
become_user(void *arg)
{
    struct urun *r = arg;
    struct trapframe tf = {.sstatus = SSTATUS_SPIE};

    if (r->hart != UBLOB_ANY_HART)
        CHECK(sched_set_affinity(1ul << r->hart) == 0);
    current_thread()->user_trap = trapped;
    mm_use(r->mm);
    tf.sepc = UBLOB_CODE + ublob_table[r->what];
    for (unsigned i = 0; i < 3; i++)
        tf.x[X_A0 + i] = r->a[i];
    trap_enter_user(&tf);
}

void
ublob_start(struct urun *r, struct mm_struct *mm, unsigned hart,
            enum ublob what, uintptr_t a0, uintptr_t a1, uintptr_t a2)
{
    bool started;

    r->mm = mm;
    r->hart = hart;
    r->what = what;
    r->a[0] = a0;
    r->a[1] = a1;
    r->a[2] = a2;
    r->signo = -1;
    sem_init(&r->done, 0);
    mm_get_user(mm);
    started = ublob_map(mm) && kthread_run("user", become_user, r) == 0;
    CHECK(started);
    if (!started) {
        mm_put_user(mm);
        sem_up(&r->done);
    }
}

void
ublob_wait(struct urun *r)
{
    sem_down(&r->done);
}

void
ublob_run(struct urun *r, struct mm_struct *mm, unsigned hart, enum ublob what,
          uintptr_t a0, uintptr_t a1, uintptr_t a2)
{
    ublob_start(r, mm, hart, what, a0, a1, a2);
    ublob_wait(r);
}

bool
ublob_function(struct mm_struct *mm, uintptr_t at, unsigned n)
{
    uint32_t code[2] = {0x00000513 | n << 20, 0x00008067}; /* li a0, n; ret */

    return mm_access(mm, at, code, sizeof(code), true) == 0;
}
