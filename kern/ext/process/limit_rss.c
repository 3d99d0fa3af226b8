/* limit_rss.c: adds RLIMIT_RSS to process/exec.c and ext/syscall/sys_limits.c: a
 * quota of the whole space; a first reader may skip it.
 *
 * The machine's policy chooses.  Where nobody can go, because there is no swap or it
 * is full, the limit may be exceeded: it is there to share memory, not to end
 * programs.  A few pages are always allowed: one instruction may need several. */
#include "ext/mm/quota.h"
#include "process/impl.h"

#define LEAST 16ul

int
limit_memory(struct mm_struct *mm, uint64_t bytes)
{
    if (bytes == UINT64_MAX && atomic_load(&mm->scope) == NULL)
        return 0;
    return quota_set(
        mm, 0, UINTPTR_MAX,
        bytes == UINT64_MAX ? SIZE_MAX : MAX(bytes / PAGE_SIZE, LEAST), NULL);
}
