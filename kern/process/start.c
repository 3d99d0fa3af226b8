/* start.c: the first process.  Its memory is the program's, made as execve()
 * makes it; its files 0, 1 and 2 are the console. */
#include "process/exec.h"
#include "process/impl.h"

#include "mm/kmalloc.h"
#include <errno.h>
#include <string.h>

static void
first_limits(struct process *p)
{
    for (unsigned i = 0; i < RLIM_COUNT; i++)
        p->limits[i] = (struct rlimit64){~0ul, ~0ul};
    p->limits[RLIMIT_STACK].cur = STACK_LIMIT;
    p->limits[RLIMIT_NPROC] = (struct rlimit64){process_limit, process_limit};
    p->limits[RLIMIT_NOFILE] = (struct rlimit64){NOFILE_MAX, NOFILE_MAX};
}

/* Open the console three times over, as far as there is one. */
static void
open_console(struct files *files)
{
    struct walk w = {.root = root_inode, .cwd = root_inode};
    struct inode *tty;
    struct file *f;

    if (namei(&w, "/dev/console", 0, &tty) != 0)
        return;
    if (file_open(tty, O_RDWR, &f) != 0) {
        inode_put(tty);
        return;
    }
    for (int i = 0; i < 3; i++) {
        atomic_add(&f->refs, 1);
        if (fd_install(files, 0, f, false) < 0)
            file_put(f);
    }
    file_put(f);
}

/* The program becomes what the task begins with. */
static int
first_program(struct process *p, struct task *t, struct exec_args *args)
{
    struct walk w = {.root = root_inode, .cwd = root_inode};
    struct start start;
    int err = namei(&w, args->filename, 0, &args->inode);

    if (err != 0)
        return err;
    err = load_icode(p, args, &p->mm, &start);
    if (err == 0) {
        p->exe = args->inode;
        p->stack_start = start.sp;
        strlcpy(p->name, "init", sizeof(p->name));
        t->thread.mm = p->mm;
        task_frame(t)->x[X_SP] = start.sp;
        task_frame(t)->sepc = start.pc;
    } else {
        inode_put(args->inode);
    }
    return err;
}

static struct process *
first_process(int pid)
{
    struct process *p = alloc_proc(pid);

    if (p == NULL)
        return NULL;
    p->pgid = p->sid = pid;
    first_limits(p);
    p->files = files_create();
    p->fs = place_create(root_inode, root_inode, 022);
    if (p->files != NULL && p->fs != NULL)
        return p;
    if (p->files != NULL)
        files_put(p->files);
    if (p->fs != NULL)
        place_put(p->fs);
    kfree(p);
    return NULL;
}

int
proc_start_init(const char *path, char *const *argv, char *const *envp)
{
    struct exec_args args = {.filename = path, .argv = argv, .envp = envp};
    struct trapframe tf = {.sstatus = SSTATUS_SPIE};
    int pid = number_alloc(process_limit), err;
    struct process *p = pid == 0 ? NULL : first_process(pid);
    struct task *t = p == NULL ? NULL : task_create(p, &tf);

    if (t == NULL)
        return -ENOMEM;
    t->tid = pid;
    open_console(p->files);
    err = first_program(p, t, &args);
    if (err != 0)
        return err;
    spin_lock(&tree_lock);
    init_process = p;
    tree_insert(p, NULL);
    task_joins(t);
    spin_unlock(&tree_lock);
    thread_start(&t->thread);
    return pid;
}
