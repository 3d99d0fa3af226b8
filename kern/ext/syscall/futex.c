/* futex.c: adds waiting for a word of user memory to process/ and syscall/; a first
 * reader may skip it.  futex(2): Franke, Russell, Kirkwood 2002.
 *
 *     wait: the word is still V?  queue and sleep       one lock for both, so a
 *     wake: take N off the queue of the word            wake cannot fall between
 *
 * A word in shared memory is named by its object and offset, any other by its
 * space and address; the word itself is only looked at. */
#include "process/impl.h"
#include "schedule/clock.h"
#include "schedule/timeout.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

#define FUTEX_WAIT        0u
#define FUTEX_WAKE        1u
#define FUTEX_REQUEUE     3u
#define FUTEX_CMP_REQUEUE 4u
#define FUTEX_WAIT_BITSET 9u
#define FUTEX_WAKE_BITSET 10u
#define FUTEX_PRIVATE     128u
#define FUTEX_REALTIME    256u

#define ANY_BIT 0xffffffffu
#define HASH    256

struct key {
    void *what;            /* a space, or an object */
    uint64_t at;           /* address, or offset in it */
    struct vm_object *obj; /* a reference, or NULL */
};

struct sleeper { /* on its own stack */
    struct list link;
    struct key key;
    uint32_t bits;
    bool woken; /* [lock] */
    struct wait_queue wq;
    struct timeout timeout;
    bool late; /* [wq.lock] */
};

static struct spinlock lock = SPINLOCK_INIT(RANK_PROCESS);
static struct list table[HASH]; /* [lock] first come first; made when used */

static struct list *
bucket(const struct key *k)
{
    uint64_t h = ((uintptr_t)k->what ^ k->at) * 0x9e3779b97f4a7c15ul;
    struct list *b = &table[h >> 56];

    if (b->next == NULL)
        list_init(b);
    return b;
}

/* --- names of words --- */

static int
key_get(uintptr_t addr, bool private, struct key *k)
{
    struct mm_struct *mm = current_process()->mm;
    struct vma_struct *v;

    *k = (struct key){.what = mm, .at = addr};
    if (addr % 4 != 0)
        return -EINVAL;
    if (addr >= user_end())
        return -EFAULT;
    if (private)
        return 0;
    gate_enter(&mm->gate);
    v = find_vma(mm, addr);
    if (v != NULL && v->vm_start <= addr && (v->vm_flags & VM_SHARED) &&
        v->vm_object != NULL) {
        k->what = k->obj = v->vm_object;
        k->at = (vma_object_index(v, addr) << PAGE_SHIFT) | (addr & PAGE_MASK);
        object_get(k->obj);
    }
    gate_leave(&mm->gate);
    return 0;
}

static void
key_put(struct key *k)
{
    if (k->obj != NULL)
        object_put(k->obj);
}

static bool
key_same(const struct key *a, const struct key *b)
{
    return a->what == b->what && a->at == b->at;
}

/* Lock, and the word at ADDR in *VALUE.  -EFAULT: not locked. */
static int
lock_and_load(uintptr_t addr, uint32_t *value)
{
    for (;;) {
        if (copy_from_user(value, addr, sizeof(*value)) != 0)
            return -EFAULT;
        spin_lock(&lock);
        if (copy_from_user(value, addr, sizeof(*value)) == 0)
            return 0;
        spin_unlock(&lock); /* the page went away in between */
    }
}

/* --- wait --- */

static void
too_late(struct timeout *t)
{
    struct sleeper *s = container_of(t, struct sleeper, timeout);

    spin_lock(&s->wq.lock);
    s->late = true;
    wait_wake_all(&s->wq);
    spin_unlock(&s->wq.lock);
}

/* => locked */
static int
sleep_until_woken(struct sleeper *s)
{
    int err = 0;

    while (!s->woken && err == 0) {
        spin_lock(&s->wq.lock);
        spin_unlock(&lock);
        err = s->late ? -ETIMEDOUT : wait_sleep_intr(&s->wq);
        spin_unlock(&s->wq.lock);
        spin_lock(&lock);
    }
    if (s->woken)
        return 0;
    list_del(&s->link);
    return err;
}

/* Until DEADLINE (time_now(); 0: for ever) or a wake of one of BITS. */
static long
futex_wait(uintptr_t addr, bool private, uint32_t value, uint32_t bits,
           uint64_t deadline)
{
    struct sleeper s = {.bits = bits};
    uint32_t now;
    int err = key_get(addr, private, &s.key);

    if (err != 0)
        return err;
    wait_init(&s.wq);
    err = lock_and_load(addr, &now);
    if (err == 0 && now != value) {
        spin_unlock(&lock);
        err = -EAGAIN;
    } else if (err == 0) {
        list_add_tail(bucket(&s.key), &s.link);
        spin_unlock(&lock);
        if (deadline != 0)
            timeout_arm(&s.timeout, deadline, too_late);
        spin_lock(&lock);
        err = sleep_until_woken(&s);
        spin_unlock(&lock);
        if (deadline != 0)
            timeout_cancel(&s.timeout);
    }
    key_put(&s.key);
    return err;
}

/* The time_now() that the timespec at ADDR means; WALL: as a date. */
static long
deadline_of(uintptr_t addr, bool absolute, bool wall, uint64_t *deadline)
{
    struct user_timespec t;
    int64_t ns;

    *deadline = 0;
    if (addr == 0)
        return 0;
    if (copy_from_user(&t, addr, sizeof(t)) != 0)
        return -EFAULT;
    if (t.sec < 0 || t.nsec < 0 || t.nsec >= NS)
        return -EINVAL;
    ns = MIN(t.sec, INT64_MAX / NS / 4) * NS + t.nsec;
    if (!absolute)
        ns += uptime_ns();
    else if (wall)
        ns += uptime_ns() - wall_ns();
    *deadline = ticks_at(ns);
    return 0;
}

/* --- wake --- */

/* => locked */
static void
wake(struct sleeper *s)
{
    list_del(&s->link);
    s->woken = true; /* S is gone once the lock is free */
    spin_lock(&s->wq.lock);
    wait_wake_all(&s->wq);
    spin_unlock(&s->wq.lock);
}

/* => locked */
static long
wake_some(const struct key *k, uint32_t max, uint32_t bits)
{
    uint32_t n = 0;

    list_for_each_safe (l, bucket(k)) {
        struct sleeper *s = list_entry(l, struct sleeper, link);

        if (n < max && key_same(&s->key, k) && (s->bits & bits)) {
            wake(s);
            n++;
        }
    }
    return n;
}

static long
futex_wake(uintptr_t addr, bool private, uint32_t max, uint32_t bits)
{
    struct key k;
    long n = key_get(addr, private, &k);

    if (n != 0)
        return n;
    spin_lock(&lock);
    n = wake_some(&k, max, bits);
    spin_unlock(&lock);
    key_put(&k);
    return n;
}

void
futex_wake_hook(uintptr_t addr)
{
    (void)futex_wake(addr, false, 1, ANY_BIT);
}

/* --- requeue --- */

/* At most MAX sleepers at FROM sleep at TO from now on.  => locked */
static long
move_some(const struct key *from, const struct key *to, uint32_t max)
{
    uint32_t n = 0;

    list_for_each_safe (l, bucket(from)) {
        struct sleeper *s = list_entry(l, struct sleeper, link);

        if (n == max || !key_same(&s->key, from))
            continue;
        list_del(&s->link);
        s->key.what = to->what; /* its reference stays what it was */
        s->key.at = to->at;
        list_add_tail(bucket(to), &s->link);
        n++;
    }
    return n;
}

struct requeue {
    uintptr_t from, to;
    uint32_t wake, move, value;
    bool compare, private;
};

static long
futex_requeue(const struct requeue *r)
{
    struct key from, to;
    uint32_t now = r->value;
    long n = key_get(r->from, r->private, &from);

    if (n != 0)
        return n;
    n = key_get(r->to, r->private, &to);
    if (n == 0) {
        if (r->compare)
            n = lock_and_load(r->from, &now);
        else
            spin_lock(&lock);
        if (n == 0) {
            if (now != r->value) {
                n = -EAGAIN;
            } else {
                n = wake_some(&from, r->wake, ANY_BIT);
                if (!key_same(&from, &to))
                    n += move_some(&from, &to, r->move);
            }
            spin_unlock(&lock);
        }
        key_put(&to);
    }
    key_put(&from);
    return n;
}

/* --- the calls --- */

/* A wait with a limit goes on, after a stop, until the time it first meant. */
static long
wait_on(const struct restart *r)
{
    long err = futex_wait(r->a[0], r->a[1] != 0, (uint32_t)r->a[2],
                          (uint32_t)r->a[3], r->until);

    return err == -EINTR ? -ERESTART : err;
}

static long
wait_until(uintptr_t addr, bool private, uint32_t value, uint32_t bits,
           uint64_t deadline)
{
    struct restart *r = &current_task()->restart;

    if (deadline == 0)
        return futex_wait(addr, private, value, bits, 0);
    *r = (struct restart){
        .fn = wait_on, .until = deadline, .a = {addr, private, value, bits}};
    return wait_on(r);
}

static long
sys_futex(uint64_t addr, uint64_t op, uint64_t value, uint64_t a3, uint64_t to,
          uint64_t bits)
{
    uint32_t what = op & ~(FUTEX_PRIVATE | FUTEX_REALTIME);
    bool private = (op & FUTEX_PRIVATE) != 0;
    uint32_t mask = what == FUTEX_WAIT_BITSET || what == FUTEX_WAKE_BITSET
                        ? (uint32_t)bits
                        : ANY_BIT;
    uint64_t deadline;
    long r;

    if (mask == 0)
        return -EINVAL;
    switch (what) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        r = deadline_of(a3, what == FUTEX_WAIT_BITSET, op & FUTEX_REALTIME,
                        &deadline);
        return r != 0
                   ? r
                   : wait_until(addr, private, (uint32_t)value, mask, deadline);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return futex_wake(addr, private, (uint32_t)value, mask);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(&(struct requeue){
            .from = addr,
            .to = to,
            .wake = (uint32_t)value,
            .move = (uint32_t)a3,
            .value = (uint32_t)bits,
            .compare = what == FUTEX_CMP_REQUEUE,
            .private = private,
        });
    }
    return -ENOSYS;
}
SYSCALL(98, futex, "pxupxx", sys_futex);

/* Only robust mutexes need the list, and nobody walks it yet. */
static long
sys_set_robust_list(uint64_t head, uint64_t size, uint64_t a2, uint64_t a3,
                    uint64_t a4, uint64_t a5)
{
    return size == 24 ? 0 : -EINVAL;
}
SYSCALL(99, set_robust_list, "pu", sys_set_robust_list);
