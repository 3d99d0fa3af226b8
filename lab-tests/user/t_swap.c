/* t_swap.c: swap space on a disk and in a file, from user mode: rows 38, 58 and 62 of
 * the memory plan, and what programs see of it. */
#include "lib/swap.h"
#include "lib/vmfile.h"

UTEST(vm_row_58_out_to_a_disk_and_back)
{
    char *p;

    swap_begin();
    p = pages(64, RW);
    fill(p, 64 * PAGE, 58);
    push_out(p, 64);
    CHECK(swaps_column(BIG, 1) >= 64 * 4);
    CHECK(filled(p, 64 * PAGE, 58));
    CHECK(stat_of("swpin") == 64 && stat_of("maj") >= 64);
    CHECK(munmap(p, 64 * PAGE) == 0);
    swap_end();
}

/* One read brings eight; what nobody wanted goes again without a write. */
UTEST(vm_row_58_neighbours_come_along)
{
    uint64_t out, in;
    char *p;

    swap_begin();
    set_knob("swap_readahead=7");
    p = pages(64, RW);
    fill(p, 64 * PAGE, 64);
    push_out(p, 64);
    in = stat_of("swpin");
    out = stat_of("swpout");
    CHECK(filled(p, PAGE, 64));
    CHECK(stat_of("swpin") - in == 8 && stat_of("maj") >= 1);
    in = stat_of("maj");
    CHECK(filled(p, 8 * PAGE, 64) && stat_of("maj") == in);
    for (unsigned i = 8; i < 64; i++)
        CHECK(is_out(p + i * PAGE));
    (void)*(volatile char *)(p + 60 * PAGE); /* the area ends soon */
    CHECK(!is_out(p + 63 * PAGE) && is_out(p + 59 * PAGE));
    push_out(p, 64);
    CHECK(stat_of("swpout") == out);
    CHECK(filled(p, 64 * PAGE, 64) && munmap(p, 64 * PAGE) == 0);
    swap_end();
}

static int go[2];

/* The second reader: the pages are in memory by now. */
static int
reads_and_writes(void *arg)
{
    char c, *p = arg;

    warm_up(p + 64 * PAGE);
    CHECK(READ(go[0], &c, 1) == 1);
    mark_counts();
    CHECK(filled(p, 64 * PAGE, 38));
    CHECK(since("min") == 64 && since("maj") == 0 && since("swpin") == 0);
    fill(p, 64 * PAGE, 39);
    CHECK(since("cow") == 64);
    return filled(p, 64 * PAGE, 39) ? 7 : 8;
}

/* 64 pages are read once for both, and no slot is left. */
UTEST(vm_row_38_fork_of_swapped_pages_on_a_disk)
{
    int status;
    pid_t pid;
    char *p;

    swap_begin();
    p = pages(65, RW);
    fill(p, 64 * PAGE, 38);
    fill(p + 64 * PAGE, PAGE, 1);
    push_out(p, 64);
    CHECK(pipe(go) == 0);
    pid = child(reads_and_writes, p);
    CHECK(swaps_column(BIG, 1) == 64 * 4);
    warm_up(p + 64 * PAGE);
    mark_counts();
    CHECK(filled(p, 64 * PAGE, 38));
    CHECK(since("swpin") == 64 && since("maj") == 64);
    CHECK(WRITE(go[1], "x", 1) == 1 && waitpid(pid, &status, 0) == pid);
    CHECK(status == 7 << 8 && filled(p, 64 * PAGE, 38));
    fill(p, 64 * PAGE, 40);
    CHECK(since("swpin") == 64 && since("cow") == 0);
    CHECK(munmap(p, 65 * PAGE) == 0 && swaps_column(BIG, 1) == 0);
    swap_end();
}

/* A call's buffer is on the disk: one page comes for each. */
UTEST(vm_row_6_calls_bring_swapped_pages)
{
    int to[2];
    char *p;

    swap_begin();
    p = pages(4, RW);
    fill(p, 4 * PAGE, 6);
    push_out(p, 4);
    CHECK(pipe(to) == 0);
    mark_counts();
    CHECK(WRITE(to[1], p + 8, 16) == 16 && since("swpin") == 1);
    CHECK(READ(to[0], p + PAGE + 8, 16) == 16 && since("swpin") == 2);
    CHECK(WRITE(to[1], p + 3 * PAGE - 8, 16) == 16 && since("swpin") == 4);
    CHECK(since("maj") == 4 && memcmp(p + 8, p + PAGE + 8, 16) == 0);
    CHECK(filled(p, PAGE, 6) && munmap(p, 4 * PAGE) == 0);
    swap_end();
}

/* --- what is refused --- */

UTEST(swapon_says_what_is_wrong)
{
    need_swap_disk();
    CHECK(SWAPON("/no/such", 0) == -ENOENT && SWAPON(NULL, 0) == -EFAULT);
    CHECK(SWAPON(BIG, 0x100000) == -EINVAL);
    CHECK(SWAPON("/dev/null", 0) == -EINVAL && SWAPON("/dev", 0) == -EINVAL);
    CHECK(SWAPON("/dev/vdb", 0) == -EINVAL); /* no header there */
    CHECK(SWAPON("/bin/sh", 0) == -EINVAL);
    CHECK(SWAPOFF(BIG) == -EINVAL && SWAPOFF("/no/such") == -ENOENT);
    CHECK(SWAPOFF("ram") == -EINVAL && SWAPOFF(NULL) == -EFAULT);
    CHECK(SWAPON(BIG, 0) == 0 && SWAPON(BIG, 0) == -EBUSY);
    CHECK(SWAPOFF(BIG) == 0 && SWAPOFF(BIG) == -EINVAL);
}

UTEST(a_disk_is_a_file_system_or_swap_space)
{
    need_swap_disk();
    CHECK(MKDIR("/tmp/m", 0755) == 0);
    CHECK(SWAPON(BIG, 0) == 0);
    CHECK(MOUNT(BIG, "/tmp/m", "sfs", 0, 0) == -EBUSY);
    CHECK(SWAPOFF(BIG) == 0);
    CHECK(MOUNT("/dev/vda", "/tmp/m", "sfs", 0, 0) == 0);
    CHECK(SWAPON("/dev/vda", 0) == -EBUSY);
    CHECK(UMOUNT("/tmp/m") == 0 && RMDIR("/tmp/m") == 0);
}

/* --- several --- */

UTEST(the_highest_priority_goes_first)
{
    char *p;

    need_swap_disk();
    CHECK(SWAPON(BIG, 0) == 0 && SWAPON(SMALL, PREFER | 5) == 0);
    CHECK(swaps_column(BIG, 0) == BIG_SLOTS * 4l);
    CHECK(swaps_column(BIG, 2) < 0 && swaps_column(SMALL, 2) == 5);
    p = pages(128, RW);
    fill(p, 128 * PAGE, 1);
    push_out(p, 128);
    CHECK(swaps_column(BIG, 1) == 0 && swaps_column(SMALL, 1) >= 128 * 4);
    CHECK(SWAPOFF(SMALL) == 0 && filled(p, 128 * PAGE, 1));
    CHECK(munmap(p, 128 * PAGE) == 0 && SWAPOFF(BIG) == 0);
}

/* --- a file --- */

/* "swap" is a file of 256 pages with a header, and a hole if that is wanted. */
static long
make_file(bool hole)
{
    static char head[PAGE];
    long fd = OPEN("swap", O_CREAT | O_EXCL | O_RDWR);
    uint32_t words[3] = {1, 255, 0};

    memcpy(head + 1024, words, sizeof(words));
    memcpy(head + PAGE - 10, "SWAPSPACE2", 10);
    CHECK(fd >= 0 && FTRUNCATE(fd, 256 * PAGE) == 0);
    CHECK(FALLOCATE(fd, 0, 0, (hole ? 255 : 256) * PAGE) == 0);
    CHECK(PWRITE(fd, head, PAGE, 0) == (long)PAGE);
    return fd;
}

static int
stores(void *p)
{
    *(volatile char *)p = 1;
    return 0;
}

UTEST(vm_row_58_swap_in_a_file)
{
    char *p, *map, c = 'c', name[32];
    long fd;

    need_swap_disk();
    enter_disk("swapfile");
    fd = make_file(true);
    CHECK(SWAPON("swap", 0) == -EINVAL); /* it has a hole */
    CHECK(CLOSE(fd) == 0 && UNLINK("swap") == 0);
    fd = make_file(false);
    map = map_at(AT, fd, 1, RW, MAP_SHARED);
    CHECK(SWAPON("swap", 0) == 0 && SWAPON("swap", 0) == -EBUSY);
    CHECK(swaps_column("/swap", 0) == 255 * 4);
    /* nobody changes it */
    CHECK(PWRITE(fd, &c, 1, 0) == -ETXTBSY && FTRUNCATE(fd, 0) == -ETXTBSY);
    CHECK(PWRITE(fd, &c, 1, 256 * PAGE) == -ETXTBSY);
    CHECK(FALLOCATE(fd, 0, 0, 300 * PAGE) == -ETXTBSY);
    CHECK(FALLOCATE(fd, 3, PAGE, PAGE) == -ETXTBSY);
    dies(stores, map, SIGBUS, BUS_ADRERR, map);
    CHECK(munmap(map, PAGE) == 0);
    p = pages(64, RW);
    fill(p, 64 * PAGE, 3);
    push_out(p, 64);
    CHECK(swaps_column("/swap", 1) >= 64 * 4);
    /* without a name it lives on, and holds the file system */
    CHECK(UNLINK("swap") == 0 && UMOUNT(files_dir) == -EBUSY);
    CHECK(filled(p, 64 * PAGE, 3));
    CHECK(munmap(p, 64 * PAGE) == 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%ld", fd);
    CHECK(SWAPOFF(name) == 0 && PWRITE(fd, &c, 1, 0) == 1);
    CHECK(CLOSE(fd) == 0);
    leave();
}
