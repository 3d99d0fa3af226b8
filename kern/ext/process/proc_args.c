/* proc_args.c: adds what a process was started with and where it is to /proc/PID
 * (ext/fs/procfs.c): comm, environ, auxv, cwd, root, mem; a first reader may skip it.
 * Linux's formats: proc(5).
 *
 * What exec laid down is found again from the start of the stack:
 *
 *     stack_start -> argc, argv[0] ... NULL, envp[0] ... NULL, (kind, value) ... */
#include "ext/fs/procfs.h"
#include "ext/process/look.h"
#include "mm/kmalloc.h"
#include "process/impl.h"
#include <errno.h>
#include <string.h>

#define STRINGS_MOST 4096u
#define AUX_MOST     64u

/* --- strings --- */

static bool
word_at(struct mm_struct *mm, uintptr_t addr, uint64_t *word)
{
    return mm_access(mm, addr, word, sizeof(*word), false) == 0;
}

/* The string at ADDR with its end, read a piece at a time that ends with its page.
 * False: it has none. */
static bool
add_string(struct proc_text *t, struct mm_struct *mm, uintptr_t addr)
{
    char buf[128];
    size_t total = 0;

    while (total < PATH_MAX * 32ul) {
        size_t n = MIN(sizeof(buf), PAGE_SIZE - (addr & PAGE_MASK)), len;

        if (mm_access(mm, addr, buf, n, false) != 0)
            return false;
        len = strnlen(buf, n);
        proc_add(t, buf, len < n ? len + 1 : n);
        if (len < n)
            return true;
        addr += n;
        total += n;
    }
    return false;
}

/* Where the list behind the one at AT begins. */
static uintptr_t
behind_list(struct mm_struct *mm, uintptr_t at)
{
    uint64_t word = 1;

    while (word != 0 && word_at(mm, at, &word))
        at += sizeof(word);
    return at;
}

static void
add_strings(struct proc_text *t, struct mm_struct *mm, uintptr_t at)
{
    uint64_t string;

    for (unsigned i = 0; i < STRINGS_MOST; i++, at += sizeof(string)) {
        if (!word_at(mm, at, &string) || string == 0 ||
            !add_string(t, mm, string))
            break;
    }
}

static int
show_cmdline(struct proc_text *t, int pid)
{
    struct look l;
    int err = look_at(pid, &l);

    if (err != 0)
        return err;
    if (l.mm != NULL && l.stack_start != 0)
        add_strings(t, l.mm, l.stack_start + sizeof(uint64_t));
    look_end(&l);
    return 0;
}

static int
show_environ(struct proc_text *t, int pid)
{
    struct look l;
    int err = look_at(pid, &l);

    if (err != 0)
        return err;
    if (l.mm != NULL && l.stack_start != 0)
        add_strings(t, l.mm,
                    behind_list(l.mm, l.stack_start + sizeof(uint64_t)));
    look_end(&l);
    return 0;
}

static void
add_auxv(struct proc_text *t, struct mm_struct *mm, uintptr_t at)
{
    uint64_t pair[2] = {1};

    for (unsigned i = 0; i < AUX_MOST && pair[0] != 0; i++) {
        if (mm_access(mm, at, pair, sizeof(pair), false) != 0)
            break;
        proc_add(t, pair, sizeof(pair));
        at += sizeof(pair);
    }
}

static int
show_auxv(struct proc_text *t, int pid)
{
    struct look l;
    int err = look_at(pid, &l);
    uintptr_t at;

    if (err != 0)
        return err;
    if (l.mm != NULL && l.stack_start != 0) {
        at = behind_list(l.mm, l.stack_start + sizeof(uint64_t));
        add_auxv(t, l.mm, behind_list(l.mm, at));
    }
    look_end(&l);
    return 0;
}

/* --- its name --- */

static int
show_comm(struct proc_text *t, int pid)
{
    struct look l;
    int err = look_at(pid, &l);

    if (err != 0)
        return err;
    proc_print(t, "%s\n", l.name);
    look_end(&l);
    return 0;
}

static int
store_comm(int pid, const char *line)
{
    struct process *p;

    spin_lock(&tree_lock);
    p = pid_find(pid);
    if (p != NULL)
        strlcpy(p->name, line, sizeof(p->name));
    spin_unlock(&tree_lock);
    return p == NULL ? -ESRCH : 0;
}

/* --- where it is --- */

static int
link_place(int pid, char *buf, size_t size, bool root)
{
    struct walk w;
    struct look l;
    int n = look_at(pid, &l);

    if (n != 0)
        return n;
    n = -ENOENT;
    if (l.fs != NULL) {
        place_walk(l.fs, &w);
        n = look_path(root ? w.root : w.cwd, buf, size);
        walk_put(&w);
    }
    look_end(&l);
    return n > 0 ? n - 1 : n;
}

static int
link_cwd(int pid, char *buf, size_t size)
{
    return link_place(pid, buf, size, false);
}

static int
link_root(int pid, char *buf, size_t size)
{
    return link_place(pid, buf, size, true);
}

/* --- its memory --- */

/* N bytes at POS, as far as they are there: how many, or -EIO: the first one is
 * not. */
static long
move_memory(int pid, char *buf, size_t n, uint64_t pos, bool write)
{
    struct look l;
    long err = look_at(pid, &l);
    size_t done = 0;

    if (err != 0)
        return err;
    while (l.mm != NULL && done < n) {
        size_t len = MIN(n - done, PAGE_SIZE - (pos & PAGE_MASK));

        if (mm_access(l.mm, pos, buf + done, len, write) != 0)
            break;
        done += len;
        pos += len;
    }
    err = l.mm == NULL ? 0 : -EIO;
    look_end(&l);
    return done > 0 || n == 0 ? (long)done : err;
}

static long
read_mem(int pid, void *buf, size_t n, uint64_t pos)
{
    return move_memory(pid, buf, n, pos, false);
}

static long
write_mem(int pid, const void *buf, size_t n, uint64_t pos)
{
    return move_memory(pid, (void *)buf, n, pos, true);
}

PROC_FILE(pid_cmdline, .name = "cmdline", .where = PROC_PID,
          .show = show_cmdline);
PROC_FILE(pid_environ, .name = "environ", .where = PROC_PID,
          .mode = S_IFREG | 0400, .show = show_environ);
PROC_FILE(pid_auxv, .name = "auxv", .where = PROC_PID, .mode = S_IFREG | 0400,
          .show = show_auxv);
PROC_FILE(pid_comm, .name = "comm", .where = PROC_PID, .show = show_comm,
          .store = store_comm);
PROC_FILE(pid_cwd, .name = "cwd", .where = PROC_PID, .link = link_cwd);
PROC_FILE(pid_root, .name = "root", .where = PROC_PID, .link = link_root);
PROC_FILE(pid_mem, .name = "mem", .where = PROC_PID, .read = read_mem,
          .write = write_mem);
