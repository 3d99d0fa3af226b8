/* sys_signal.c: adds handlers of signals to process/signal.c, and their calls; a
 * first reader may skip it.
 *
 *     stack of the program    | what it was doing |
 *                             | rt_sigframe       |  siginfo, ucontext: registers,
 *     sp, a1, a2 ------------>|                   |  mask
 *
 * The handler returns into a page of the kernel's (RISC-V has no SA_RESTORER),
 * which makes the call rt_sigreturn(); that takes everything from the frame.  The
 * page is mapped when the first handler is set.  Layouts: Linux, riscv
 * (asm/ucontext.h, asm/sigcontext.h, asm/ptrace.h). */
#include "ext/process/signals.h"
#include "mm/kmalloc.h"
#include "mm/mmap.h"
#include "syscall/syscall.h"
#include "syscall/user.h"
#include <signal.h>
#include <string.h>

#define SIG_DFL 0u
#define SIG_IGN 1u

#define SA_SIGINFO   0x00000004ul
#define SA_ONSTACK   0x08000000ul
#define SA_RESTART   0x10000000ul
#define SA_NODEFER   0x40000000ul
#define SA_RESETHAND 0x80000000ul

#define SS_ONSTACK    1u
#define SS_AUTODISARM (1u << 31)
#define MINSIGSTKSZ   2048u

#define TRAMPOLINE 0x3ffffff000ul /* above every stack */

struct siginfo { /* 128 bytes */
    int32_t signo, err, code, pad;
    union {
        uint64_t addr; /* of faults */
        struct {
            uint32_t pid, uid;
            uint64_t value;
        };
    };
    uint64_t rest[12];
};

struct ucontext {
    uint64_t flags, link;
    struct alt_stack stack;
    uint64_t mask, unused[15], align;
    uint64_t regs[32]; /* pc, then x1 to x31 */
    uint64_t f[32];    /* and room for wider registers */
    uint32_t fcsr, reserved[67];
};

struct rt_sigframe {
    struct siginfo info;
    struct ucontext uc;
};
_Static_assert(sizeof(struct siginfo) == 128 &&
                   offsetof(struct ucontext, regs) == 176 &&
                   sizeof(struct rt_sigframe) == 1088,
               "the C libraries know it");

/* --- entering --- */

static bool
on_stack(const struct alt_stack *a, uint64_t sp)
{
    return sp > a->sp && sp - a->sp <= a->size;
}

/* Where the frame goes. */
static uint64_t
frame_place(const struct task *me, uint64_t sp, uint64_t flags)
{
    const struct alt_stack *a = &me->alt_stack;

    if ((flags & SA_ONSTACK) && a->size != 0 && !(a->flags & ALT_STACK_NONE) &&
        !on_stack(a, sp))
        sp = a->sp + a->size;
    return (sp - sizeof(struct rt_sigframe)) & ~15ul;
}

static void
fill_info(struct task *me, int signo, struct siginfo *info)
{
    info->signo = signo;
    if (me->hit.signo == signo) {
        info->code = me->hit.code;
        info->addr = me->hit.addr;
        me->hit.signo = 0;
    } else {
        info->code = me->info.code;
        info->pid = me->info.pid;
        info->uid = me->info.uid;
        info->value = me->info.value;
    }
}

static void
fill_frame(struct task *me, const struct trapframe *tf, struct rt_sigframe *f)
{
    fp_save(me);
    f->uc.stack = me->alt_stack;
    if (me->alt_stack.size == 0)
        f->uc.stack.flags = ALT_STACK_NONE;
    f->uc.mask = me->restore_mask ? me->saved_mask : me->blocked;
    me->restore_mask = false;
    f->uc.regs[0] = tf->sepc;
    memcpy(&f->uc.regs[1], &tf->x[1], 31 * sizeof(uint64_t));
    memcpy(f->uc.f, me->fp.f, sizeof(f->uc.f));
    f->uc.fcsr = me->fp.fcsr;
}

/* Calls that end with EINTR when a handler ran, SA_RESTART or not. */
static bool
never_again(const struct trapframe *tf)
{
    switch (tf->x[X_A7]) {
    case 72:  /* pselect6 */
    case 73:  /* ppoll */
    case 115: /* clock_nanosleep */
    case 133: /* rt_sigsuspend */
    case 137: /* rt_sigtimedwait */
        return true;
    }
    return false;
}

bool
signal_enter(struct trapframe *tf, int signo, enum call_again *again)
{
    struct task *me = current_task();
    struct process *p = me->process;
    struct rt_sigframe *f = kzalloc(sizeof(*f));
    struct sig_action act;
    uint64_t sp, mask;
    bool ok;

    if (f == NULL)
        return false;
    spin_lock(&tree_lock);
    act = p->actions[signo - 1];
    if (act.flags & SA_RESETHAND)
        p->handled &= ~signal_bit(signo);
    spin_unlock(&tree_lock);
    if (*again == CALL_RESTART ||
        (*again == CALL_AGAIN &&
         (!(act.flags & SA_RESTART) || never_again(tf)))) {
        tf->sepc += 4;
        tf->x[X_A0] = (uint64_t)-EINTR;
    }
    *again = NOT_AGAIN;
    fill_info(me, signo, &f->info);
    fill_frame(me, tf, f);
    sp = frame_place(me, tf->x[X_SP], act.flags);
    ok = copy_to_user(sp, f, sizeof(*f)) == 0;
    kfree(f);
    if (!ok)
        return false;
    tf->sepc = act.handler;
    tf->x[X_RA] = TRAMPOLINE;
    tf->x[X_SP] = sp;
    tf->x[X_A0] = (uint64_t)signo;
    tf->x[X_A0 + 1] = sp;
    tf->x[X_A0 + 2] = sp + offsetof(struct rt_sigframe, uc);
    mask = me->blocked | act.mask;
    if (!(act.flags & SA_NODEFER))
        mask |= signal_bit(signo);
    signal_mask(mask);
    return true;
}

/* --- leaving --- */

static long
sys_rt_sigreturn(ARGS)
{
    struct task *me = current_task();
    struct trapframe *tf = task_frame(me);
    struct rt_sigframe *f = kmalloc(sizeof(*f));

    if (f == NULL || copy_from_user(f, tf->x[X_SP], sizeof(*f)) != 0) {
        kfree(f);
        do_exit(SIGSEGV, true);
    }
    tf->sepc = f->uc.regs[0] & ~1ul;
    memcpy(&tf->x[1], &f->uc.regs[1], 31 * sizeof(uint64_t));
    fp_forget(me, tf);
    memcpy(me->fp.f, f->uc.f, sizeof(me->fp.f));
    me->fp.fcsr = f->uc.fcsr & 0xff;
    me->restart.fn = NULL; /* the handler may have waited, too */
    signal_mask(f->uc.mask);
    kfree(f);
    tf->scause = 0; /* where it goes on, no call is made again */
    return (long)tf->x[X_A0];
}
SYSCALL_FRAME(139, rt_sigreturn, "", sys_rt_sigreturn);

/* --- setting --- */

/* li a7, 139; ecall */
static const uint32_t trampoline[] = {0x08b00893, 0x00000073};

/* The page that handlers return to is there.  -ENOMEM */
static long
map_trampoline(struct mm_struct *mm)
{
    long r =
        do_mmap(mm, TRAMPOLINE, PAGE_SIZE, VM_READ | VM_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0);

    if (r == -EEXIST)
        return 0;
    if (r < 0)
        return r;
    if (mm_access(mm, TRAMPOLINE, (void *)trampoline, sizeof(trampoline),
                  true) != 0) {
        do_munmap(mm, TRAMPOLINE, PAGE_SIZE);
        return -ENOMEM;
    }
    mm_sync_code(mm);
    return do_mprotect(mm, TRAMPOLINE, PAGE_SIZE, VM_READ | VM_EXEC);
}

/* The table of handlers is there.  -ENOMEM */
static long
need_actions(struct process *p)
{
    struct sig_action *fresh;

    if (p->actions != NULL)
        return 0;
    fresh = kzalloc(64 * sizeof(*fresh));
    if (fresh == NULL)
        return -ENOMEM;
    spin_lock(&tree_lock);
    if (p->actions == NULL) {
        p->actions = fresh;
        fresh = NULL;
    }
    spin_unlock(&tree_lock);
    kfree(fresh); /* another thread was first */
    return 0;
}

/* CHLD, CONT, URG, WINCH */
static const uint64_t nothing_by_default =
    (1ul << SIGCHLD | 1ul << SIGCONT | 1ul << 23 | 1ul << 28) >> 1;

/* => tree locked */
static void
set_action(struct process *p, int signo, const struct sig_action *new)
{
    uint64_t bit = signal_bit(signo);

    p->ignored = new->handler == SIG_IGN ? p->ignored | bit : p->ignored & ~bit;
    p->handled = new->handler > SIG_IGN ? p->handled | bit : p->handled & ~bit;
    if (p->actions != NULL)
        p->actions[signo - 1] = *new;
    if (new->handler == SIG_IGN ||
        (new->handler == SIG_DFL && (nothing_by_default & bit)))
        signal_forget(p, bit);
}

static void
get_action(const struct process *p, int signo, struct sig_action *old)
{
    uint64_t bit = signal_bit(signo);

    *old = (struct sig_action){.handler = p->ignored & bit ? SIG_IGN : SIG_DFL};
    if (p->handled & bit)
        *old = p->actions[signo - 1];
}

static long
sys_rt_sigaction(ARGS)
{
    struct process *p = current_process();
    struct sig_action new = {0}, old;
    int signo = (int)a0;
    long r = 0;

    if (signo < 1 || signo > 64 || a3 != sizeof(uint64_t))
        return -EINVAL;
    if (a1 != 0 && copy_from_user(&new, a1, sizeof(new)) != 0)
        return -EFAULT;
    if (a1 != 0 && (signo == SIGKILL || signo == SIGSTOP))
        return -EINVAL;
    if (new.handler > SIG_IGN) {
        r = need_actions(p);
        if (r == 0)
            r = map_trampoline(p->mm);
    }
    if (r != 0)
        return r;
    spin_lock(&tree_lock);
    get_action(p, signo, &old);
    if (a1 != 0)
        set_action(p, signo, &new);
    spin_unlock(&tree_lock);
    return a2 != 0 && copy_to_user(a2, &old, sizeof(old)) != 0 ? -EFAULT : 0;
}
SYSCALL(134, rt_sigaction, "dppu", sys_rt_sigaction);

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

static long
sys_rt_sigprocmask(ARGS)
{
    uint64_t old = current_task()->blocked, set = 0;

    if (a3 != sizeof(set))
        return -EINVAL;
    if (a1 != 0) {
        if (copy_from_user(&set, a1, sizeof(set)) != 0)
            return -EFAULT;
        if (a0 > SIG_SETMASK)
            return -EINVAL;
        signal_mask(a0 == SIG_BLOCK     ? old | set
                    : a0 == SIG_UNBLOCK ? old & ~set
                                        : set);
    }
    return a2 != 0 && copy_to_user(a2, &old, sizeof(old)) != 0 ? -EFAULT : 0;
}
SYSCALL(135, rt_sigprocmask, "dppu", sys_rt_sigprocmask);

static long
sys_rt_sigpending(ARGS)
{
    struct task *me = current_task();
    uint64_t set;

    if (a1 > sizeof(set))
        return -EINVAL;
    spin_lock(&tree_lock);
    set = (me->pending | me->process->pending) & me->blocked;
    spin_unlock(&tree_lock);
    return copy_to_user(a0, &set, a1) != 0 ? -EFAULT : 0;
}
SYSCALL(136, rt_sigpending, "pu", sys_rt_sigpending);

/* Sleep with another mask until a signal comes; the old one is in force again
 * when its handler has returned. */
static long
sys_rt_sigsuspend(ARGS)
{
    struct task *me = current_task();
    struct wait_queue wq;
    uint64_t mask;
    int err = 0;

    if (a1 != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, a0, sizeof(mask)) != 0)
        return -EFAULT;
    me->saved_mask = me->blocked;
    me->restore_mask = true;
    signal_mask(mask);
    wait_init(&wq);
    spin_lock(&wq.lock);
    while (err == 0)
        err = wait_sleep_intr(&wq);
    spin_unlock(&wq.lock);
    return err;
}
SYSCALL(133, rt_sigsuspend, "pu", sys_rt_sigsuspend);

static long
sys_sigaltstack(ARGS)
{
    struct task *me = current_task();
    struct alt_stack old = me->alt_stack, new;
    uint64_t sp = task_frame(me)->x[X_SP];
    bool in_use = old.size != 0 && on_stack(&old, sp);

    if (old.size == 0)
        old.flags = ALT_STACK_NONE;
    else if (in_use)
        old.flags |= SS_ONSTACK;
    if (a0 != 0) {
        if (copy_from_user(&new, a0, sizeof(new)) != 0)
            return -EFAULT;
        if (in_use)
            return -EPERM;
        if (new.flags & ~(ALT_STACK_NONE | SS_ONSTACK | SS_AUTODISARM))
            return -EINVAL;
        if (new.flags & ALT_STACK_NONE)
            new = (struct alt_stack){.flags = ALT_STACK_NONE};
        else if (new.size < MINSIGSTKSZ)
            return -ENOMEM;
        new.flags &= ALT_STACK_NONE;
        me->alt_stack = new;
    }
    return a1 != 0 && copy_to_user(a1, &old, sizeof(old)) != 0 ? -EFAULT : 0;
}
SYSCALL(132, sigaltstack, "pp", sys_sigaltstack);

/* A task by its own number alone. */
static long
sys_tkill(ARGS)
{
    int pid = 0;

    if ((int)a0 <= 0)
        return -EINVAL;
    spin_lock(&tree_lock);
    list_for_each_entry (p, &all_processes, struct process, all_link) {
        list_for_each_entry (t, &p->tasks, struct task, link) {
            if (t->tid == (int)a0)
                pid = p->pid;
        }
    }
    spin_unlock(&tree_lock);
    return pid == 0 ? -ESRCH : do_tgkill(pid, (int)a0, (int)a1);
}
SYSCALL(130, tkill, "dd", sys_tkill);
