/* kthread.c: a thread structure from kmalloc and a stack from kstack, both
 * given back by whoever runs after the thread's last switch. */
#include "mm/kthread.h"

#include "mm/kmalloc.h"
#include "mm/kstack.h"
#include <errno.h>

static unsigned count; /* [a] */

static void
kthread_dead(struct thread *t)
{
    kstack_free(t->kstack);
    kfree(t);
    atomic_add(&count, -1u);
}

int
kthread_run(const char *name, void (*entry)(void *), void *arg)
{
    struct thread *t = kzalloc(sizeof(*t));
    uintptr_t stack;

    if (t == NULL)
        return -ENOMEM;
    stack = kstack_alloc();
    if (stack == 0) {
        kfree(t);
        return -ENOMEM;
    }
    thread_init(t, name, stack, entry, arg);
    t->on_dead = kthread_dead;
    atomic_add(&count, 1u);
    thread_start(t);
    return 0;
}

int
kthread_serve(const char *name, void (*entry)(void *), void *arg)
{
    int err = kthread_run(name, entry, arg);

    if (err == 0)
        atomic_add(&count, -1u);
    return err;
}

unsigned
kthread_count(void)
{
    return atomic_load(&count);
}
