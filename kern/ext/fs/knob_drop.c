/* knob_drop.c: adds the knob drop_clean to ext/mm/knob.c; a first reader may skip
 * it.
 *
 * Every file that is in memory drops its clean pages.  Inodes are looked at in
 * heaps, because pages are dropped without the lock of the table; who is opened
 * or forgotten meanwhile may be left out. */
#include "ext/mm/knob.h"
#include "fs/icache.h"

#define HEAP 64

/* Objects of S, from the SKIP-th inode on; *SKIP moves behind them. */
static unsigned
collect(struct super *s, size_t *skip, struct vm_object **objs)
{
    size_t at = 0;
    unsigned n = 0;

    spin_lock(&inode_lock);
    list_for_each_entry (i, &s->inodes, struct inode, of_super) {
        if (at++ < *skip)
            continue;
        ++*skip;
        if (i->object != NULL && i->object->ops->page_out != NULL &&
            object_try_get(i->object))
            objs[n++] = i->object;
        if (n == HEAP)
            break;
    }
    spin_unlock(&inode_lock);
    return n;
}

static const char *
drop_clean(const char *text)
{
    struct vm_object *objs[HEAP];

    (void)text;
    for (struct super *s = super_next(NULL); s != NULL; s = super_next(s)) {
        size_t skip = 0;
        unsigned n;

        while ((n = collect(s, &skip, objs)) > 0) {
            while (n > 0) {
                (void)object_drop_clean(objs[--n]);
                object_put(objs[n]);
            }
        }
    }
    return NULL;
}

static const struct knob drop_knob = {
    .name = "drop_clean",
    .help = "throw the clean pages of all files out of memory",
    .set = drop_clean,
};
TABLE_ADD(knob, drop_knob);
