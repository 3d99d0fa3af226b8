/* t_shm.c: segments of shared memory, and shared memory on swap: rows 83, 88 and 100 of
 * the memory plan. */
#include "lib/swap.h"
#include <sys/mman.h>

#define SHMGET(k, n, f) sys(194, k, (long)(n), f, 0, 0)
#define SHMCTL(i, c, p) sys(195, i, c, (long)(p), 0, 0)
#define SHMAT(i, p, f)  sys(196, i, (long)(p), f, 0, 0)
#define SHMDT(p)        sys(197, (long)(p), 0, 0, 0, 0)
#define MEMFD(name)     sys(279, (long)(name), 0, 0, 0, 0)

#define CREAT  01000l
#define EXCL   02000l
#define RDONLY 010000l
#define RND    020000l
#define REMAP  040000l
#define DEST   01000u
#define RMID   0l
#define STAT_  2l
#define LOCK   11l
#define UNLOCK 12l
#define LOCKED 02000u

struct shmid {
    int key;
    unsigned uid, gid, cuid, cgid, mode;
    unsigned short seq, pad;
    uint64_t unused[2], size;
    int64_t atime, dtime, ctime;
    int cpid, lpid;
    uint64_t nattch, unused2[2];
};

static struct shmid
about(long id)
{
    struct shmid d;

    CHECK(SHMCTL(id, STAT_, &d) == 0);
    return d;
}

static char *
attach(long id)
{
    long at = SHMAT(id, NULL, 0);

    CHECK(at > 0);
    return (char *)at;
}

/* --- names --- */

UTEST(shmget_knows_keys)
{
    long id = SHMGET(1234, 3 * PAGE - 5, CREAT | EXCL | 0640), other;
    struct shmid d;

    CHECK(id >= 0);
    CHECK(SHMGET(1234, 0, 0) == id && SHMGET(1234, PAGE, CREAT | 0600) == id);
    CHECK(SHMGET(1234, PAGE, CREAT | EXCL) == -EEXIST);
    CHECK(SHMGET(1234, 3 * PAGE, 0) == -EINVAL);
    CHECK(SHMGET(1235, PAGE, 0) == -ENOENT);
    CHECK(SHMGET(1235, 0, CREAT) == -EINVAL);
    other = SHMGET(0, PAGE, 0600);
    CHECK(other >= 0 && other != id && SHMGET(0, PAGE, 0600) == other + 1);
    d = about(id);
    CHECK(d.key == 1234 && d.size == 3 * PAGE - 5 && d.nattch == 0);
    CHECK(d.mode == 0640 && d.cpid == getpid() && d.lpid == 0);
    CHECK(d.atime == 0 && d.ctime != 0);
    CHECK(SHMCTL(id, RMID, NULL) == 0 && SHMCTL(id, RMID, NULL) == -EINVAL);
    CHECK(SHMGET(1234, 0, 0) == -ENOENT);
    CHECK(SHMCTL(other, RMID, NULL) == 0);
    CHECK(SHMCTL(other + 1, RMID, NULL) == 0);
    CHECK(SHMCTL(other, STAT_, &d) == -EINVAL);
    CHECK(SHMCTL(-1, RMID, NULL) == -EINVAL);
}

UTEST(shmat_says_what_is_wrong)
{
    long id = SHMGET(0, 2 * PAGE, 0600);
    char *p = attach(id), *q = pages(4, RW);

    CHECK(SHMAT(id + 1, NULL, 0) == -EINVAL);
    CHECK(SHMAT(id, q + 1, 0) == -EINVAL);
    CHECK(SHMAT(id, q, 0) == -EINVAL); /* something is there */
    CHECK(SHMAT(id, NULL, REMAP) == -EINVAL);
    CHECK(SHMAT(id, q + 77, REMAP | RND) == (long)q);
    p[0] = 'a';
    CHECK(q[0] == 'a' && about(id).nattch == 2);
    CHECK(SHMDT(q + PAGE) == -EINVAL && SHMDT(q + 1) == -EINVAL);
    CHECK(SHMDT(q) == 0 && SHMDT(q) == -EINVAL && about(id).nattch == 1);
    CHECK(munmap(q + 2 * PAGE, 2 * PAGE) == 0);
    CHECK(SHMDT(p) == 0 && SHMCTL(id, RMID, NULL) == 0);
}

static int
store(void *p)
{
    *(volatile char *)p = 1;
    return 0;
}

UTEST(shmat_for_readers_only)
{
    long id = SHMGET(0, PAGE, 0600);
    char *p = attach(id), *q = (char *)SHMAT(id, NULL, RDONLY);

    p[5] = 'x';
    CHECK(q[5] == 'x');
    dies(store, q + 5, SIGSEGV, SEGV_ACCERR, q + 5);
    CHECK(SHMCTL(id, RMID, NULL) == 0); /* exit detaches */
}

/* What is attached in pieces is detached as a whole. */
UTEST(shmdt_finds_all_pieces)
{
    long id = SHMGET(0, 6 * PAGE, 0600);
    char *p = attach(id);

    CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
    CHECK(munmap(p + 3 * PAGE, PAGE) == 0);
    CHECK(SHMDT(p) == 0 && about(id).nattch == 0);
    CHECK(SHMCTL(id, RMID, NULL) == 0);
}

/* --- row 88 --- */

#define FAR ((char *)0x2000000000ul)

static long the_id;

static int
elsewhere(void *arg)
{
    char *p;

    if (SHMDT(arg) != 0 || SHMAT(the_id, FAR, 0) != (long)FAR)
        return 1;
    p = FAR;
    if (strcmp(p + PAGE, "from the parent") != 0)
        return 2;
    strcpy(p + 2 * PAGE, "from the child");
    return 7;
}

UTEST(vm_row_88_a_segment_at_two_addresses)
{
    long id = SHMGET(88, 3 * PAGE, CREAT | 0600);
    char *p = attach(id);

    the_id = id;
    strcpy(p + PAGE, "from the parent");
    CHECK(p != FAR && run_child(elsewhere, p) == 7 << 8);
    CHECK(strcmp(p + 2 * PAGE, "from the child") == 0);
    CHECK(about(id).nattch == 1 && SHMCTL(id, RMID, NULL) == 0);
    CHECK(SHMGET(88, 0, 0) == -ENOENT);
    /* It is there as long as somebody has it, by its number, too. */
    CHECK(about(id).mode == (DEST | 0600) && about(id).key == 0);
    CHECK(strcmp(attach(id) + PAGE, "from the parent") == 0);
    CHECK(about(id).nattch == 2);
}

UTEST(vm_row_88_a_segment_is_swapped_out_and_back)
{
    uint64_t in;
    long id;
    char *p;

    swap_begin();
    id = SHMGET(0, 16 * PAGE, 0600);
    p = attach(id);
    fill(p, 16 * PAGE, 88);
    push_out(p, 16);
    CHECK(swaps_column(BIG, 1) == 16 * 4);
    CHECK(SHMDT(p) == 0 && about(id).nattch == 0);
    CHECK(swaps_column(BIG, 1) == 16 * 4); /* nobody maps it */
    p = attach(id);
    in = stat_of("swpin");
    CHECK(is_out(p) && filled(p, 16 * PAGE, 88));
    CHECK(stat_of("swpin") - in == 16 && stat_of("maj") >= 16);
    push_out(p, 16);
    CHECK(SHMCTL(id, RMID, NULL) == 0 && SHMDT(p) == 0);
    CHECK(swaps_column(BIG, 1) == 0);
    swap_end();
}

/* Locked, it stays, however short memory is, and whatever it was before. */
UTEST(vm_row_88_a_locked_segment_stays_in_memory)
{
    uint64_t in;
    long id;
    char *p;

    swap_begin();
    CHECK(syscall(230, 1l) == 0); /* mlockall: what else we have */
    id = SHMGET(0, 8 * PAGE, 0600);
    p = attach(id);
    fill(p, 8 * PAGE, 90);
    push_out(p, 4);
    CHECK(SHMCTL(id, LOCK, NULL) == 0 && SHMCTL(id + 1, LOCK, NULL) == -EINVAL);
    CHECK(about(id).mode == (LOCKED | 0600));
    in = stat_of("swpin");
    CHECK(filled(p, 8 * PAGE, 90) && stat_of("swpin") - in == 4);
    CHECK(syscall(233, p, 8 * PAGE, 21l) == 0);
    set_knob("reclaim=1000000");
    for (unsigned i = 0; i < 8; i++)
        CHECK(!is_out(p + i * PAGE));
    CHECK(filled(p, 8 * PAGE, 90) && stat_of("swpin") - in == 4);
    CHECK(SHMCTL(id, UNLOCK, NULL) == 0 && about(id).mode == 0600);
    push_out(p, 8);
    CHECK(filled(p, 8 * PAGE, 90));
    CHECK(SHMCTL(id, RMID, NULL) == 0 && SHMDT(p) == 0);
    swap_end();
}

/* The numbers of segment ID in /proc/sysvipc/shm: key, id, rights, size, 2 processes,
 * maps, 4 owners, 3 times, bytes in memory and on swap.  Returns how many there are. */
static unsigned
ipcs(long id, long n[16])
{
    static char text[4096];
    long fd = OPEN("/proc/sysvipc/shm", O_RDONLY);
    long got = fd < 0 ? -1 : READ(fd, text, sizeof(text) - 1);
    unsigned lines = 0;
    char *p = text;

    CHECK(got > 0 && CLOSE(fd) == 0);
    text[got] = 0;
    CHECK(strstr(text, "       key      shmid perms ") == text);
    while ((p = strchr(p, '\n')) != NULL && *++p != 0) {
        lines++;
        for (unsigned i = 0; i < 16; i++)
            n[i] = strtol(p, &p, i == 2 ? 8 : 10);
        if (n[1] == id)
            break;
    }
    return lines;
}

UTEST(vm_row_88_ipcs_sees_segments)
{
    long id, n[16];
    char *p;

    swap_begin();
    id = SHMGET(77, 8 * PAGE - 3, CREAT | 0640);
    p = attach(id);
    fill(p, 6 * PAGE, 90);
    push_out(p, 2);
    CHECK(ipcs(id, n) == 1 && n[0] == 77 && n[1] == id && n[2] == 0640);
    CHECK(n[3] == 8 * PAGE - 3 && n[4] == getpid() && n[5] == getpid());
    CHECK(n[6] == 1 && n[7] == 0 && n[11] > 0 && n[12] == 0 && n[13] > 0);
    CHECK(n[14] == 4 * PAGE && n[15] == 2 * PAGE);
    CHECK(number_in("/proc/self/smaps_rollup", "Swap") == 8);
    CHECK(number_in("/proc/self/status", "VmSwap") == 0); /* not ours alone */
    CHECK(SHMDT(p) == 0 && ipcs(id, n) == 1 && n[6] == 0 && n[15] == 2 * PAGE);
    CHECK(number_in("/proc/self/smaps_rollup", "Swap") == 0);
    CHECK(SHMCTL(id, RMID, NULL) == 0 && ipcs(id, n) == 0);
    swap_end();
}

/* --- row 83: whoever comes by, by whatever way, finds what was there --- */

static int
reads_and_writes(void *p)
{
    CHECK(filled(p, 8 * PAGE, 83));
    fill(p, 8 * PAGE, 84);
    return 7;
}

UTEST(vm_row_83_fork_of_shared_pages_on_swap)
{
    char *p;

    swap_begin();
    p = mmap(NULL, 8 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    fill(p, 8 * PAGE, 83);
    push_out(p, 8);
    CHECK(run_child(reads_and_writes, p) == 7 << 8);
    CHECK(filled(p, 8 * PAGE, 84) && munmap(p, 8 * PAGE) == 0);
    CHECK(swaps_column(BIG, 1) == 0);
    swap_end();
}

UTEST(vm_row_83_proc_tells_of_shared_pages)
{
    long shmem;
    char *p;

    swap_begin();
    shmem = number_in("/proc/meminfo", "Shmem");
    p = mmap(NULL, 8 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    fill(p, 8 * PAGE, 83);
    CHECK(number_in("/proc/meminfo", "Shmem") == shmem + 32);
    push_out(p, 8);
    CHECK(number_in("/proc/meminfo", "Shmem") == shmem);
    CHECK(number_in("/proc/meminfo", "SwapCached") == 0);
    CHECK(filled(p, 3 * PAGE, 83));
    CHECK(number_in("/proc/meminfo", "Shmem") == shmem + 12);
    CHECK(number_in("/proc/meminfo", "SwapCached") == 12);
    CHECK(number_in("/proc/meminfo", "Dirty") == 0);
    CHECK(munmap(p, 8 * PAGE) == 0);
    swap_end();
}

static long
blocks_of(long fd)
{
    struct stat st;

    CHECK(FSTAT(fd, &st) == 0);
    return (long)st.st_blocks;
}

#define KEEP_AND_PUNCH 3l

UTEST(vm_row_83_a_file_in_memory_is_on_swap)
{
    static char buf[2 * PAGE];
    long fd;
    char *p;

    swap_begin();
    fd = MEMFD("rows");
    CHECK(fd >= 0 && FTRUNCATE(fd, 16 * PAGE) == 0);
    p = mmap(NULL, 16 * PAGE, RW, MAP_SHARED, (int)fd, 0);
    CHECK(p != MAP_FAILED);
    fill(p, 12 * PAGE, 83);
    push_out(p, 12);
    CHECK(blocks_of(fd) == 12 * 8); /* it still has them */
    CHECK(PREAD(fd, buf, 2 * PAGE, 0) == 2 * PAGE);
    CHECK(memcmp(buf, p, 2 * PAGE) == 0);
    CHECK(PREAD(fd, buf, PAGE, 13 * PAGE) == PAGE && buf[7] == 0);
    push_out(p, 2);
    CHECK(PWRITE(fd, "middle", 6, 3 * PAGE + 100) == 6); /* a part */
    CHECK(memcmp(p + 3 * PAGE + 100, "middle", 6) == 0);
    memcpy(p + 3 * PAGE + 100, p + 4 * PAGE + 100, 6);
    CHECK(PWRITE(fd, p, PAGE, 5 * PAGE) == PAGE); /* all of it */
    CHECK(memcmp(p, p + 5 * PAGE, PAGE) == 0);
    CHECK(blocks_of(fd) == 12 * 8);
    CHECK(FALLOCATE(fd, KEEP_AND_PUNCH, 6 * PAGE, 2 * PAGE + 9) == 0);
    CHECK(blocks_of(fd) == 10 * 8 && p[6 * PAGE] == 0 && p[8 * PAGE + 8] == 0);
    CHECK(FTRUNCATE(fd, 9 * PAGE) == 0 && FTRUNCATE(fd, 16 * PAGE) == 0);
    CHECK(p[9 * PAGE] == 0 && p[11 * PAGE] == 0 && blocks_of(fd) == 7 * 8);
    CHECK(CLOSE(fd) == 0 && munmap(p, 16 * PAGE) == 0);
    CHECK(swaps_column(BIG, 1) == 0);
    swap_end();
}

/* --- row 100 --- */

static int
writes_and_goes(void *arg)
{
    fill(attach(the_id), 32 * PAGE, 100);
    return 7;
}

UTEST(vm_row_100_a_segment_outlives_its_maps)
{
    uint64_t before = stat_all("cache_pages");
    long id = SHMGET(100, 32 * PAGE, CREAT | 0600);
    char *p;

    the_id = id;
    CHECK(run_child(writes_and_goes, NULL) == 7 << 8);
    CHECK(about(id).nattch == 0);
    CHECK(stat_all("cache_pages") - before == 32); /* though nobody maps it */
    p = attach(SHMGET(100, 0, 0));
    CHECK(filled(p, 32 * PAGE, 100));
    CHECK(SHMCTL(id, RMID, NULL) == 0);
    CHECK(filled(p, 32 * PAGE, 100));
    CHECK(stat_all("cache_pages") - before == 32 && SHMDT(p) == 0);
    CHECK(stat_all("cache_pages") == before);
    CHECK(SHMAT(id, NULL, 0) == -EINVAL);
}
