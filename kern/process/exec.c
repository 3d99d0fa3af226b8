/* exec.c: another program in the same process.
 *
 *     read and check   header, program headers, interpreter     -ENOEXEC ...
 *     build            a new space beside the old one           -ENOMEM, -E2BIG
 *     ------------------------------------------------------------------------
 *     exchange         other tasks leave, spaces change places, files with
 *                      close-on-exec are closed in a table that nobody else
 *                      has, registers start afresh
 *
 * Nothing below the line can fail.  No page of the program is read but those
 * the headers lie in: segments are mapped, faults bring the rest.  The last
 * page of a segment may hold bytes of the file behind its end; where zeros must
 * be it is cleared, which makes it private. */
#include "process/impl.h"

#include "mm/kmalloc.h"
#include "mm/mmap.h"
#include "process/exec.h"
#include <elf64.h>
#include <errno.h>
#include <string.h>

#define PIE_BASE 0x1000000000ul

struct image {
    struct vm_object *obj;
    struct elf_header header;
    struct elf_phdr *ph; /* kmalloc'ed */
    struct elf_program prog;
    uint64_t bias; /* where it lies, minus where it wants to */
};

/* --- read and check --- */

static int
image_read(struct inode *inode, struct image *im)
{
    size_t size;
    const char *wrong;
    long n;

    *im = (struct image){.obj = inode->object};
    if ((inode->mode & S_IFMT) != S_IFREG || !(inode->mode & 0111))
        return -EACCES;
    if (im->obj == NULL)
        return -ENOEXEC;
    n = object_read(im->obj, 0, &im->header, sizeof(im->header));
    if (n < 0)
        return (int)n;
    if (n != sizeof(im->header))
        return -ENOEXEC;
    if (elf_check_header(&im->header, im->obj->size) != NULL)
        return -ENOEXEC;
    size = im->header.phnum * sizeof(struct elf_phdr);
    im->ph = kmalloc(size);
    if (im->ph == NULL)
        return -ENOMEM;
    n = object_read(im->obj, im->header.phoff, im->ph, size);
    if (n < 0)
        return (int)n;
    wrong = elf_describe(&im->header, im->ph, im->obj->size, user_end() / 2,
                         &im->prog);
    return wrong != NULL || (size_t)n != size ? -ENOEXEC : 0;
}

/* The interpreter named in IM, if there is one. */
static int
interp_read(const struct walk *w, const struct image *im, struct image *interp,
            struct inode **inode)
{
    char *name;
    long n;
    int err;

    if (im->prog.interp_size == 0)
        return 0;
    name = kmalloc(im->prog.interp_size);
    if (name == NULL)
        return -ENOMEM;
    n = object_read(im->obj, im->prog.interp, name, im->prog.interp_size);
    err = n != (long)im->prog.interp_size || name[n - 1] != 0 ? -ENOEXEC : 0;
    if (err == 0)
        err = namei(w, name, 0, inode);
    kfree(name);
    if (err == 0)
        err = image_read(*inode, interp);
    if (err == 0 && interp->prog.interp_size != 0)
        err = -ENOEXEC;
    return err;
}

/* --- build --- */

static uint32_t
prot_of(const struct elf_phdr *ph)
{
    return (ph->flags & ELF_PF_R ? VM_READ : 0) |
           (ph->flags & ELF_PF_W ? VM_WRITE : 0) |
           (ph->flags & ELF_PF_X ? VM_EXEC : 0);
}

/* Zeros from the end of the file's part to the end of that page. */
static int
clear_tail(struct mm_struct *mm, uint64_t from, uint64_t to)
{
    static const char zeros[PAGE_SIZE];

    return mm_access(mm, from, (void *)zeros, to - from, true) != 0 ? -ENOMEM
                                                                    : 0;
}

static int
map_segment(struct mm_struct *mm, const struct image *im,
            const struct elf_phdr *ph)
{
    uint64_t at = ph->vaddr + im->bias, lo = PAGE_DOWN(at);
    uint64_t file_end = at + ph->filesz, end = PAGE_UP(at + ph->memsz);
    uint64_t zero_from = ph->filesz == 0 ? lo : PAGE_UP(file_end);
    uint32_t prot = prot_of(ph);
    long r = 0;

    if (ph->filesz > 0)
        r = do_mmap(mm, lo, zero_from - lo, prot,
                    MAP_PRIVATE | MAP_FIXED | MAP_READONLY, im->obj,
                    PAGE_DOWN(ph->offset));
    if (r >= 0 && zero_from < end)
        r = do_mmap(mm, zero_from, end - zero_from, prot,
                    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, NULL, 0);
    if (r >= 0 && ph->filesz > 0 && ph->memsz > ph->filesz &&
        file_end % PAGE_SIZE != 0 && (prot & VM_WRITE))
        r = clear_tail(mm, file_end, MIN(PAGE_UP(file_end), end));
    return r < 0 ? (int)r : 0;
}

static int
map_image(struct mm_struct *mm, struct image *im, uint64_t pie_base)
{
    int err = 0;

    im->bias = im->prog.pie ? pie_base - im->prog.lo : 0;
    for (unsigned i = 0; i < im->header.phnum && err == 0; i++) {
        if (im->ph[i].type == ELF_PT_LOAD && im->ph[i].memsz > 0)
            err = map_segment(mm, im, &im->ph[i]);
    }
    return err == -EINVAL || err == -EEXIST ? -ENOEXEC : err;
}

/* Somewhere the interpreter fits. */
static int
map_interp(struct mm_struct *mm, struct image *interp)
{
    struct vma_struct *next;
    uint64_t base;

    if (interp->obj == NULL)
        return 0;
    mm_write_begin(mm);
    base = vma_find_gap(mm, interp->prog.hi - interp->prog.lo, MMAP_TOP, &next);
    mm_write_end(mm);
    return base == 0 ? -ENOMEM : map_image(mm, interp, base);
}

static int
build(struct mm_struct *mm, struct image *im, struct image *interp,
      const struct exec_args *args, struct start *start)
{
    int err = map_image(mm, im, PIE_BASE);

    if (err == 0)
        err = map_interp(mm, interp);
    if (err != 0)
        return err;
    mm->brk_start = mm->brk = PAGE_UP(im->prog.brk + im->bias);
    start->entry = im->prog.entry + im->bias;
    start->phdrs = im->prog.phdrs == 0 ? 0 : im->prog.phdrs + im->bias;
    start->phnum = im->header.phnum;
    start->base = interp->obj == NULL ? 0 : interp->bias;
    start->exec_stack = im->prog.exec_stack;
    err = exec_stack(mm, args, start);
    if (err == 0 && interp->obj != NULL)
        start->pc = interp->prog.entry + interp->bias;
    else
        start->pc = start->entry;
    return err;
}

/* --- exchange --- */

/* All other tasks of P shall leave.  => tree locked */
static void
kill_others(struct process *p, const struct task *me)
{
    list_for_each_entry (t, &p->tasks, struct task, link) {
        if (t != me) {
            atomic_store(&t->killed, 1);
            thread_interrupt(&t->thread);
        }
    }
}

/* The other tasks of the process leave, and the calling one gets the number of
 * the first.  False: it is to leave, too, because of a signal, exit_group() or
 * the exec of another: whoever locks the tree first stays. */
static bool
be_alone(struct process *p)
{
    struct task *me = current_task();
    int tid = p->pid;
    bool alone;

    spin_lock(&tree_lock);
    if (!me->killed)
        kill_others(p, me);
    while (!me->killed && p->ntasks > 1) {
        spin_lock(&p->wait_children.lock);
        spin_unlock(&tree_lock);
        wait_sleep(&p->wait_children);
        spin_unlock(&p->wait_children.lock);
        spin_lock(&tree_lock);
    }
    alone = !me->killed;
    if (alone) {
        p->execed = true;
        tid = me->tid;
        me->tid = p->pid;
    }
    spin_unlock(&tree_lock);
    if (tid != p->pid)
        number_free(tid);
    return alone;
}

static void
take_name(struct process *p, const char *path)
{
    const char *slash = strrchr(path, '/');

    strlcpy(p->name, slash ? slash + 1 : path, sizeof(p->name));
    strlcpy(current_thread()->name, p->name, sizeof(current_thread()->name));
}

/* => the calling task is alone in its process */
static void
exchange(struct process *p, struct mm_struct *mm, struct files *files,
         const struct exec_args *args, const struct start *start)
{
    struct task *me = current_task();
    struct trapframe *tf = task_frame(me);
    struct mm_struct *old = p->mm;
    struct inode *old_exe = p->exe;
    struct files *old_files = p->files;

    inode_get(args->inode);
    spin_lock(&tree_lock); /* whoever looks on takes references under it */
    p->mm = mm;
    p->exe = args->inode;
    p->stack_start = start->sp;
    p->files = files;
    p->handled = 0;
    me->alt_stack = (struct alt_stack){.flags = ALT_STACK_NONE};
    spin_unlock(&tree_lock);
    mm_use(mm);
    take_name(p, args->filename);
    me->clear_tid = 0;
    fp_forget(me, tf);
    memset(tf->x, 0, sizeof(tf->x));
    tf->x[X_SP] = start->sp;
    tf->sepc = start->pc;
    if (p->timers != NULL)
        timers_drop(p, false);
    keep_counts(p, old);
    vfork_done(p);
    mm_put_user(old);
    if (old_exe != NULL)
        inode_put(old_exe);
    files_put(old_files);
    files_close_exec(files);
}

/* MM, which nobody else uses yet, has P's limits. */
static void
limit_space(struct mm_struct *mm, const struct process *p)
{
    mm->stack_limit = MIN(p->limits[RLIMIT_STACK].cur, STACK_MOST);
    mm->as_limit = p->limits[RLIMIT_AS].cur;
    mm->data_limit = p->limits[RLIMIT_DATA].cur;
}

/* ext/process/limit_rss.c does it. */
WEAK int
limit_memory(struct mm_struct *mm, uint64_t bytes)
{
    return 0;
}

int
load_icode(struct process *p, const struct exec_args *args,
           struct mm_struct **mm, struct start *start)
{
    struct image im, interp = {0};
    struct inode *interp_inode = NULL;
    struct walk w;
    int err = image_read(args->inode, &im);

    *mm = NULL;
    *start = (struct start){0};
    if (err == 0) {
        place_walk(p->fs, &w);
        err = interp_read(&w, &im, &interp, &interp_inode);
        walk_put(&w);
    }
    if (err == 0) {
        *mm = mm_create();
        if (*mm != NULL)
            limit_space(*mm, p);
        err = *mm == NULL ? -ENOMEM
                          : limit_memory(*mm, p->limits[RLIMIT_RSS].cur);
        if (err == 0)
            err = build(*mm, &im, &interp, args, start);
    }
    if (err != 0 && *mm != NULL)
        mm_put_user(*mm);
    kfree(im.ph);
    kfree(interp.ph);
    if (interp_inode != NULL)
        inode_put(interp_inode);
    return err;
}

long
do_execve(const struct exec_args *args)
{
    struct process *p = current_process();
    struct files *files;
    struct mm_struct *mm;
    struct start start;
    int err = load_icode(p, args, &mm, &start);

    if (err != 0)
        return err;
    files = files_unshared(p->files);
    if (files != NULL && be_alone(p)) {
        exchange(p, mm, files, args, &start);
        return 0;
    }
    mm_put_user(mm);
    if (files == NULL)
        return -ENOMEM;
    files_put(files);
    return -EINTR; /* never seen: the task is about to end */
}
