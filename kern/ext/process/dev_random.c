/* dev_random.c: adds random and urandom to /dev; a first reader may skip it.
 *
 * Both are what getrandom() gives, and never wait: the generator has a seed before
 * the first program runs.  What is written is thrown away. */
#include "fs/devfs.h"

#include "fs/file.h"
#include "process/random.h"

static long
random_read(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    return random_to_user(buf, n);
}

static long
random_write(struct inode *i, struct file *f, uintptr_t buf, size_t n)
{
    return (long)n;
}

static const struct inode_ops random_ops = {.read_user = random_read,
                                            .write_user = random_write};
static const struct device random = {"random", 1, 8, &random_ops};
static const struct device urandom = {"urandom", 1, 9, &random_ops};
TABLE_ADD(device, random);
TABLE_ADD(device, urandom);
