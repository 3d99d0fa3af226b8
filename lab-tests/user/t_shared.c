/* t_shared.c: memory that processes share on purpose: row 88, and pinned pages:
 * row 35. */
#include "lib/utest.h"

static volatile uint64_t *word;

static void *
shared(size_t n)
{
    void *p = mmap(NULL, n, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

static int
answer(void *arg)
{
    while (word[0] != 1)
        sched_yield();
    word[512] = 2;
    while (word[0] != 3)
        sched_yield();
    return 7;
}

UTEST(vm_row_88_writes_are_visible_both_ways)
{
    pid_t pid;
    int status;

    word = shared(2 * PAGE); /* untouched before the fork */
    pid = child(answer, NULL);
    CHECK(word[512] == 0);
    word[0] = 1;
    while (word[512] != 2)
        sched_yield();
    CHECK(page_of((void *)word).frame != page_of((void *)(word + 512)).frame);
    word[0] = 3;
    CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
}

static int
store_there(void *arg)
{
    word[0] = 5;
    return (int)word[1];
}

/* Nobody can name it: a second mapping is another memory, and so is what a
 * process finds at the same address after it has mapped anew. */
UTEST(vm_row_88_others_cannot_attach)
{
    volatile uint64_t *mine = shared(PAGE), *other = shared(PAGE);

    mine[0] = 1;
    CHECK(other[0] == 0);
    word = mine;
    CHECK(run_child(store_there, NULL) == 0);
    CHECK(mine[0] == 5 && other[0] == 0);
}

static int
remap(void *arg)
{
    CHECK(mmap((void *)word, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
               -1, 0) == word);
    CHECK(word[0] == 0);
    word[0] = 9;
    return 0;
}

UTEST(vm_row_88_a_new_mapping_is_another_memory)
{
    word = shared(PAGE);
    word[0] = 4;
    CHECK(run_child(remap, NULL) == 0);
    CHECK(word[0] == 4);
}

static int
grand(void *arg)
{
    return run_child(store_there, NULL) != 0;
}

UTEST(vm_row_88_grandchildren_share)
{
    word = shared(PAGE);
    CHECK(run_child(grand, NULL) == 0);
    CHECK(word[0] == 5);
}

static volatile int *turn;
static char *page;

static int
write_later(void *arg)
{
    while (*turn != 1)
        sched_yield();
    page[0] = 'x';
    *turn = 2;
    while (*turn != 3)
        sched_yield();
    return page[0] != 'x';
}

/* pin_read(): the page is ours alone. */
UTEST(vm_row_35_pinned_page_is_ours)
{
    uint64_t cow, frame;
    long device;
    pid_t pid;
    int status;

    page = pages(1, RW);
    memset(page, 'p', PAGE);
    turn = shared(PAGE);
    *turn = 0;
    pid = child(write_later, NULL);
    cow = stat_of("cow");
    frame = page_of(page).frame;
    device = pin(page, PAGE, false);
    CHECK(device >= 0);
    CHECK(stat_of("cow") - cow == 1);
    CHECK(page_of(page).frame != frame);
    CHECK(!(page_of(page).flags & PAGE_WRITE));
    frame = page_of(page).frame;
    *turn = 1;
    while (*turn != 2)
        sched_yield();
    CHECK(page[0] == 'p' && dma_read(device, 0) == 0x7070707070707070);
    CHECK(page_of(page).frame == frame);
    unpin(device);
    *turn = 3;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}
