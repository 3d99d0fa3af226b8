/* sync.c: wait until all that was written is on the disks. */
#include <unistd.h>

int
main(void)
{
    sync();
    return 0;
}
