/* uaccess.c: the range is checked here, the rest is arch/riscv/uaccess.S and
 * the fault it takes (trap/copy.c; hand-outs of labs 0 to 3: in ref/). */
#include "mm/uaccess.h"

#include "mm/vmm.h"
#include <errno.h>
#include <string.h>

static bool
in_user_half(uintptr_t addr, size_t n)
{
    return current_thread()->mm != NULL && n <= user_end() &&
           addr <= user_end() - n;
}

/* Is it what uaccess_lend() said?  Never asked for what lies in the user's half. */
static bool
is_lent(uintptr_t addr, size_t n)
{
    const struct thread *t = current_thread();

    return addr >= t->lent && n <= t->lent_end - t->lent &&
           addr <= t->lent_end - n;
}

/* The rare ends of those below, called last, so that they need no frame. */
static NOINLINE size_t
copy_lent(void *to, const void *from, size_t n, uintptr_t addr)
{
    if (!is_lent(addr, n))
        return n;
    memcpy(to, from, n);
    return 0;
}

static NOINLINE size_t
clear_lent(uintptr_t to, size_t n)
{
    if (!is_lent(to, n))
        return n;
    memset((void *)to, 0, n);
    return 0;
}

size_t
copy_from_user_part(void *to, uintptr_t from, size_t n)
{
    return in_user_half(from, n) ? user_copy(to, (const void *)from, n)
                                 : copy_lent(to, (const void *)from, n, from);
}

size_t
copy_from_user(void *to, uintptr_t from, size_t n)
{
    size_t left = in_user_half(from, n)
                      ? user_copy(to, (const void *)from, n)
                      : copy_lent(to, (const void *)from, n, from);

    if (left != 0)
        memset((char *)to + n - left, 0, left);
    return left;
}

size_t
copy_to_user(uintptr_t to, const void *from, size_t n)
{
    return in_user_half(to, n) ? user_copy((void *)to, from, n)
                               : copy_lent((void *)to, from, n, to);
}

size_t
clear_user(uintptr_t to, size_t n)
{
    return in_user_half(to, n) ? user_zero((void *)to, n) : clear_lent(to, n);
}

long
strncpy_from_user(char *to, uintptr_t from, size_t n)
{
    size_t most;
    long len;

    if (!in_user_half(from, 1))
        return -EFAULT;
    most = MIN(n, user_end() - from);
    len = user_string(to, (const char *)from, most);
    return len < 0 || (len == (long)most && most < n) ? -EFAULT : len;
}
