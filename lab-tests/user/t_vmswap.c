/* t_vmswap.c: files on a disk, mapped, while there is swap: rows 68 to 72 and M3 to M11
 * of the memory plan.  What is the file's goes back to the file, what is ours to swap,
 * and each comes from where it went. */
#include "lib/swap.h"
#include "lib/vmfile.h"

#define R PROT_READ

#define UPTODATE  0x2000u
#define WRITEBACK 0x8000u
#define FLAGS     (UPTODATE | PAGE_DIRTY | WRITEBACK)

/* What may go, goes: not what we had before both_disks(), which is locked. */
static void
reclaim_all(void)
{
    set_knob("reclaim=1000000");
}

/* What is made from now on may go; not what there is. */
static void
lock_ours(void)
{
    CHECK(syscall(230, 1l) == 0);
}

static uint64_t swpout;

/* Into a folder on the disk; and another disk is swap space, where those who only
 * wait for us are already. */
static void
both_disks(const char *name)
{
    need_swap_disk();
    enter_disk(name);
    lock_ours();
    swap_begin();
    reclaim_all();
    swpout = stat_all("swpout");
}

/* How many pages went there since? */
static uint64_t
swapped(void)
{
    return stat_all("swpout") - swpout;
}

static void
done(void)
{
    swap_end();
    leave();
}

/* --- 68 --- */

UTEST(vm_row_68_a_page_of_a_file_three_times)
{
    char *at[3] = {AT, AT + 64 * PAGE, AT + 128 * PAGE};
    long fd;

    both_disks("68");
    fd = file_of("f", 1, PAGE);
    for (unsigned i = 0; i < 3; i++) {
        map_at(at[i], fd, 1, RW, MAP_SHARED);
        put(at[i] + i, (char)(100 + i));
        CHECK(page_of(AT).mapcount == i + 1);
    }
    mark_counts();
    reclaim_all();
    CHECK(since("rmapun") == 3 && swapped() == 0);
    for (unsigned i = 0; i < 3; i++)
        CHECK(!present(at[i]));
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < 3; k++)
            CHECK(look(at[i] + k) == (char)(100 + k));
        CHECK(page_of(AT).mapcount == i + 1);
    }
    for (unsigned i = 0; i < 3; i++)
        CHECK(munmap(at[i], PAGE) == 0);
    drop("f", fd);
    done();
}

/* --- 69: what is stored while pages go out is not lost --- */

#define COUNTED 8u
#define ROUNDS  40u

static char *counted[2]; /* pages of a file, and our own */
static volatile bool enough;
static uint64_t counted_to[4];

/* Counts in words of its own, one in each page.  It looks first: so a page comes from
 * its place clean, and only the hart knows of the store. */
static int
counts_up(void *arg)
{
    size_t me = (size_t)arg;

    for (uint64_t n = 1; !enough; n++) {
        for (unsigned i = 0; i < 2 * COUNTED; i++) {
            char *page = counted[i & 1] + i / 2 * PAGE;
            volatile uint64_t *word = (volatile uint64_t *)page + me;

            CHECK(*word == n - 1);
            *word = n;
        }
        counted_to[me] = n;
        if (n % 16 == 0)
            usleep(1000); /* or the pages are never at rest */
    }
    return 0;
}

static void
all_counted(void)
{
    for (unsigned i = 0; i < 2 * COUNTED; i++) {
        for (unsigned me = 0; me < 4; me++)
            CHECK(((uint64_t *)(counted[i & 1] + i / 2 * PAGE))[me] ==
                  counted_to[me]);
    }
}

UTEST(vm_row_69_no_store_is_lost_while_pages_are_written)
{
    static struct uthread t[4];
    uint64_t wb, out, rounds = 0;
    long fd;

    both_disks("69");
    fd = file_of("f", COUNTED, PAGE);
    counted[0] = map_at(AT, fd, COUNTED, RW, MAP_SHARED);
    memset(counted[0], 0, COUNTED * PAGE);
    counted[1] = pages(COUNTED, RW);
    wb = stat_all("wb");
    out = stat_all("swpout");
    for (size_t i = 0; i < 4; i++)
        thread_start(&t[i], counts_up, (void *)i);
    for (; rounds < ROUNDS || stat_all("wb") == wb || stat_all("swpout") == out;
         rounds++) {
        set_knob("flush_now=1");
        CHECK(syscall(233, counted[1], COUNTED * PAGE, 21l) == 0);
        usleep(10000);
    }
    enough = true;
    for (unsigned i = 0; i < 4; i++)
        thread_join(&t[i]);
    all_counted();
    push_out(counted[1], COUNTED);
    cold();
    for (unsigned i = 0; i < COUNTED; i++)
        CHECK(!present(counted[0] + i * PAGE));
    all_counted();
    CHECK(munmap(AT, COUNTED * PAGE) == 0);
    CHECK(munmap(counted[1], COUNTED * PAGE) == 0);
    drop("f", fd);
    done();
}

/* --- 70: what a page says of itself --- */

static uint32_t
flags_of(const char *p)
{
    return page_of(p).flags & FLAGS;
}

/* The disk is late by MS: is the page seen on its way? */
static bool
seen_on_its_way(unsigned ms)
{
    char knob[32];
    bool seen;

    put(AT, 'd');
    CHECK(flags_of(AT) == (UPTODATE | PAGE_DIRTY));
    snprintf(knob, sizeof(knob), "slow_io=%u", ms);
    set_knob(knob);
    CHECK(msync(AT, PAGE, MS_ASYNC) == 0);
    seen = flags_of(AT) == (UPTODATE | WRITEBACK);
    set_knob("slow_io=0");
    CHECK(msync(AT, PAGE, MS_SYNC) == 0);
    CHECK(flags_of(AT) == UPTODATE);
    return seen;
}

UTEST(vm_row_70_a_page_of_a_file_on_a_disk)
{
    bool seen = false;
    long fd;

    both_disks("70");
    fd = file_of("f", 1, PAGE);
    cold();
    map_at(AT, fd, 1, RW, MAP_SHARED);
    (void)look(AT);
    CHECK(flags_of(AT) == UPTODATE && !(page_of(AT).flags & PAGE_WRITE));
    for (unsigned ms = 200; ms <= 6400 && !seen; ms *= 2)
        seen = seen_on_its_way(ms);
    CHECK(seen && munmap(AT, PAGE) == 0);
    drop("f", fd);
    done();
}

UTEST(vm_row_70_a_private_page)
{
    char *p;

    both_disks("70p");
    p = pages(1, RW);
    put(p, 'a');
    CHECK(flags_of(p) == (UPTODATE | PAGE_DIRTY));
    CHECK((page_of(p).flags & PAGE_ACCESS) && page_of(p).slot == 0);
    CHECK(range_do(RANGE_SWEEP, p, PAGE) == 1);
    CHECK(!(page_of(p).flags & PAGE_ACCESS));
    CHECK(look(p) == 'a' && (page_of(p).flags & PAGE_ACCESS));
    push_out(p, 1);
    CHECK(flags_of(p) == 0 && page_of(p).slot != 0);
    CHECK(look(p) == 'a' && flags_of(p) == UPTODATE);
    put(p, 'b');
    CHECK(flags_of(p) == (UPTODATE | PAGE_DIRTY));
    CHECK(munmap(p, PAGE) == 0);
    done();
}

/* --- 72 --- */

/* A program of two instructions: li a0, 42; ret. */
static const uint32_t returns_42[] = {0x02a00513, 0x00008067};
#define RUNS 8

static long text_fd;
static volatile uint64_t *told; /* shared: whose turn it is, what they saw */
enum { TURN, MAJ };

static void
turn_of(uint64_t n)
{
    while (told[TURN] != n)
        usleep(1000);
}

/* Runs it, and again when its text was thrown out; each in its turn. */
static int
runs_it_twice(void *arg)
{
    uint64_t me = (uint64_t)arg;

    lock_ours();
    map_at(AT, text_fd, 1, R | PROT_EXEC, MAP_PRIVATE);
    turn_of(me);
    CHECK(((int (*)(void))AT)() == 42 && page_of(AT).mapcount == me + 1);
    told[TURN]++;
    turn_of(RUNS + 1 + me);
    CHECK(!present(AT));
    mark_counts();
    CHECK(((int (*)(void))AT)() == 42);
    told[MAJ] += since("maj");
    told[TURN]++;
    return 7;
}

UTEST(vm_row_72_the_text_of_eight_programs_is_dropped)
{
    pid_t pid[RUNS];
    uint64_t steal;
    int status;

    both_disks("72");
    text_fd = OPEN("f", O_CREAT | O_EXCL | O_RDWR);
    CHECK(WRITE(text_fd, returns_42, 8) == 8 && fsync((int)text_fd) == 0);
    told = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(told != MAP_FAILED && mlock((void *)told, PAGE) == 0);
    for (uint64_t i = 0; i < RUNS; i++)
        pid[i] = child(runs_it_twice, (void *)i);
    turn_of(RUNS);
    steal = stat_all("steal");
    reclaim_all();
    CHECK(stat_all("steal") > steal);
    told[TURN]++;
    for (unsigned i = 0; i < RUNS; i++)
        CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 7 << 8);
    /* One waited for the disk, for all. */
    CHECK(told[MAJ] == 1 && swapped() == 0);
    CHECK(munmap((void *)told, PAGE) == 0);
    drop("f", text_fd);
    done();
}

/* --- the table of sources --- */

UTEST(vm_row_M2_M3_our_page_comes_from_swap)
{
    uint64_t reads;
    char *p;

    both_disks("M3");
    p = pages(1, RW);
    mark_counts();
    fill(p, PAGE, 3);
    CHECK(since("anon") == 1 && since("flt") == 1 && page_of(p).slot == 0);
    push_out(p, 1);
    CHECK(swapped() == 1 && page_of(p).slot != 0);
    reads = disk_count(READS);
    CHECK(filled(p, PAGE, 3));
    CHECK(since("swpin") == 1 && since("maj") == 1);
    CHECK(since("flt") - since("retry") == 2);
    CHECK(disk_count(READS) == reads); /* that disk has no swap */
    CHECK(munmap(p, PAGE) == 0);
    done();
}

/* A clean page of "f", seen through a mapping with PROT and FLAGS, is dropped, and
 * read from the disk again. */
static void
comes_from_the_file(const char *name, int prot, int flags)
{
    uint64_t steal, reads;
    long fd;

    both_disks(name);
    fd = file_of("f", 1, PAGE);
    map_at(AT, fd, 1, prot, flags);
    (void)look(AT);
    mark_counts();
    steal = stat_all("steal");
    reclaim_all();
    CHECK(!present(AT) && stat_all("steal") > steal);
    CHECK(since("rmapun") == 1);
    reads = disk_count(READS);
    CHECK(filled(AT, PAGE, 0) && disk_count(READS) == reads + 1);
    CHECK(since("maj") == 1 && since("flt") - since("retry") == 1);
    CHECK(since("fread") == 1);
    CHECK(swapped() == 0 && since("swpin") == 0);
    CHECK(munmap(AT, PAGE) == 0);
    drop("f", fd);
    done();
}

UTEST(vm_row_M5_a_private_mapping_reads_the_file_again)
{
    comes_from_the_file("M5", RW, MAP_PRIVATE);
}

UTEST(vm_row_M9_shared_text_is_read_again)
{
    comes_from_the_file("M9", R | PROT_EXEC, MAP_SHARED);
}

UTEST(vm_row_M6_what_was_written_comes_from_swap)
{
    uint64_t reads;
    char first;
    long fd;

    both_disks("M6");
    fd = file_of("f", 1, PAGE);
    map_at(AT, fd, 1, RW, MAP_PRIVATE);
    mark_counts();
    put(AT, 'w');
    CHECK(since("fcow") == 1 && since("anon") == 0);
    push_out(AT, 1);
    cold(); /* the file's page is not in memory, either */
    CHECK(swapped() == 1);
    reads = disk_count(READS);
    CHECK(look(AT) == 'w' && since("swpin") == 1);
    CHECK(disk_count(READS) == reads);
    CHECK(PREAD(fd, &first, 1, 0) == 1 && first != 'w');
    CHECK(munmap(AT, PAGE) == 0);
    drop("f", fd);
    done();
}

UTEST(vm_row_M11_shared_goes_to_the_file_not_to_swap)
{
    uint64_t wb;
    char first;
    long fd;

    both_disks("M11");
    fd = file_of("f", 2, PAGE);
    map_at(AT, fd, 2, RW, MAP_SHARED);
    (void)look(AT);
    put(AT + PAGE, 's');
    wb = stat_all("wb");
    CHECK(msync(AT, 2 * PAGE, MS_SYNC) == 0);
    CHECK(stat_all("wb") == wb + 1); /* the dirty one */
    mark_counts();
    reclaim_all();
    CHECK(!present(AT) && !present(AT + PAGE) && since("rmapun") == 2);
    CHECK(filled(AT, PAGE, 0) && look(AT + PAGE) == 's');
    CHECK(since("maj") >= 1 && swapped() == 0 && since("swpin") == 0);
    CHECK(PREAD(fd, &first, 1, (long)PAGE) == 1 && first == 's');
    CHECK(munmap(AT, 2 * PAGE) == 0);
    drop("f", fd);
    done();
}
