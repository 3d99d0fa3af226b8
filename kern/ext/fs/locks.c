/* locks.c: adds flock() and record locks to fs/files.c; a first reader may skip
 * it.
 *
 * An inode has a list of ranges.  A new range of an owner cuts what the owner had
 * there, perhaps one into two:
 *
 *     had   [rrrrrrrrrrrrrrr]
 *     new        [ww]
 *     has   [rrr][ww][rrrrrr]
 *
 * so it needs at most two new pieces, which are allocated before anything is
 * looked at.  Who must wait sleeps on one queue, and looks again when any lock
 * anywhere goes: there are few of them.  Circles of waiters are not looked for;
 * a signal ends the wait. */
#include "ext/fs/locks.h"

#include "mm/kmalloc.h"
#include <errno.h>

/* The lock of the queue guards the lists of all inodes. */
static struct wait_queue queue = {.lock = SPINLOCK_INIT(RANK_WAIT),
                                  .sleepers = LIST_INIT(queue.sleepers)};

static bool
overlap(const struct range_lock *a, const struct range_lock *b)
{
    return a->whole == b->whole && a->start <= b->end && b->start <= a->end;
}

/* What keeps WANT from being had, or NULL.  => queue locked */
static struct range_lock *
in_the_way(struct inode *i, const struct range_lock *want)
{
    if (want->type == LOCK_NONE)
        return NULL;
    list_for_each_entry (l, &i->locks, struct range_lock, link) {
        if (l->owner != want->owner && overlap(l, want) &&
            (l->type == LOCK_WRITE || want->type == LOCK_WRITE))
            return l;
    }
    return NULL;
}

/* Take [start, end] of WANT out of L, which overlaps it.  SPARE is used, and set
 * to NULL, if a piece is left on both sides.  True: nothing is left of L. */
static bool
cut(struct range_lock *l, const struct range_lock *want,
    struct range_lock **spare)
{
    bool left = l->start<want->start, right = l->end> want->end;

    if (left && right) {
        **spare = *l;
        (*spare)->start = want->end + 1;
        list_add(&l->link, &(*spare)->link);
        *spare = NULL;
    }
    if (left)
        l->end = want->start - 1;
    else if (right)
        l->start = want->end + 1;
    return !left && !right;
}

/* => queue locked; what is left over goes to GONE, to be freed */
static void
apply(struct inode *i, const struct range_lock *want,
      struct range_lock *piece[2], struct list *gone)
{
    list_for_each_safe (n, &i->locks) {
        struct range_lock *l = list_entry(n, struct range_lock, link);

        if (l->owner == want->owner && overlap(l, want) &&
            cut(l, want, &piece[0])) {
            list_del(&l->link);
            list_add(gone, &l->link);
        }
    }
    if (want->type != LOCK_NONE) {
        *piece[1] = *want;
        list_add_tail(&i->locks, &piece[1]->link);
        piece[1] = NULL;
    }
    wait_wake_all(&queue);
}

static void
free_all(struct list *gone)
{
    list_for_each_safe (n, gone)
        kfree(list_entry(n, struct range_lock, link));
}

int
range_lock(struct inode *i, const struct range_lock *want, bool wait)
{
    struct range_lock *piece[2] = {kmalloc(sizeof(*want)),
                                   kmalloc(sizeof(*want))};
    struct list gone = LIST_INIT(gone);
    int err = piece[0] == NULL || piece[1] == NULL ? -ENOMEM : 0;

    spin_lock(&queue.lock);
    while (err == 0 && in_the_way(i, want) != NULL)
        err = wait ? wait_sleep_intr(&queue) : -EAGAIN;
    if (err == 0)
        apply(i, want, piece, &gone);
    spin_unlock(&queue.lock);
    free_all(&gone);
    kfree(piece[0]);
    kfree(piece[1]);
    return err;
}

void
range_lock_test(struct inode *i, struct range_lock *ask)
{
    struct range_lock *l;

    spin_lock(&queue.lock);
    l = in_the_way(i, ask);
    if (l != NULL)
        *ask = *l;
    else
        ask->type = LOCK_NONE;
    spin_unlock(&queue.lock);
}

void
locks_drop(struct inode *i, const void *owner)
{
    struct list gone = LIST_INIT(gone);

    spin_lock(&queue.lock);
    list_for_each_safe (n, &i->locks) {
        struct range_lock *l = list_entry(n, struct range_lock, link);

        if (l->owner == owner) {
            list_del(n);
            list_add(&gone, n);
        }
    }
    wait_wake_all(&queue);
    spin_unlock(&queue.lock);
    free_all(&gone);
}
