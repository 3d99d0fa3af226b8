/* procfs.h: files whose contents are made when they are read; adds /proc to
 * fs/root.h, a first reader may skip it.
 *
 *     PROC_FILE(uptime, .name = "uptime", .show = show); */
#ifndef KERN_EXT_FS_PROCFS_H
#define KERN_EXT_FS_PROCFS_H

#include "fs/inode.h"
#include <util.h>

/* A text that grows; without memory it ends early and err says so. */
struct proc_text {
    char *buf;
    size_t n, room;
    int err;
};
void proc_print(struct proc_text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void proc_add(struct proc_text *t, const void *bytes, size_t n);

/* /proc, ucore/, sysvipc/, PID/; /sys */
enum proc_where { PROC_ROOT, PROC_UCORE, PROC_SYSVIPC, PROC_PID, PROC_SYS };

/* PID: of the folder the file is in; 0 elsewhere.  All: 0 (READ: a count) or a
 * negative errno; => may sleep, no lock but that of the open file. */
struct proc_file {
    const char *name; /* may begin with folders, but not in PID/ */
    enum proc_where where;
    uint32_t mode; /* 0: of show() and read() 0444, with store() 0644 */
    /* Either the whole text, which a reader keeps until it reads from the
     * beginning again; written a line at a time ... */
    int (*show)(struct proc_text *t, int pid);
    int (*store)(int pid, const char *line);
    /* ... or bytes at POS, or a symbolic link, or a folder. */
    long (*read)(int pid, void *buf, size_t n, uint64_t pos);
    long (*write)(int pid, const void *buf, size_t n, uint64_t pos);
    int (*link)(int pid, char *buf, size_t size);
    const struct inode_ops *folder;
};
TABLE_DECLARE(proc_file, struct proc_file);

#define PROC_FILE(id, ...)                                        \
    static const struct proc_file proc_file_##id = {__VA_ARGS__}; \
    TABLE_ADD(proc_file, proc_file_##id)

/* The process of I, which lies in a process's folder. */
int proc_pid_of(const struct inode *i);
/* A new inode for something in the folder of PID; NUMBER tells them apart and
 * HOST is its host.  NULL: no memory. */
struct inode *proc_inode(int pid, unsigned number, uint32_t mode,
                         const struct inode_ops *ops, const void *host,
                         struct inode *parent);
/* Its ops->release. */
void proc_release(struct inode *i);

/* The lowest number of a process above AFTER; 0: none (WEAK).  */
int proc_next_pid(int after);

#endif
