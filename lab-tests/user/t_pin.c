/* t_pin.c: row 92 of the memory plan, pages that a device works on.  The device
 * is /dev/utest: it knows frames, and no address. */
#include "lib/utest.h"

static uint64_t
load(const void *p)
{
    return *(const volatile uint64_t *)p;
}

static void
store(void *p, uint64_t value)
{
    *(volatile uint64_t *)p = value;
}

UTEST(vm_row_92_pins_are_counted)
{
    uint64_t pins = stat_of("pin"), unpins = stat_of("unpin");
    char *p = pages(3, RW);
    long a, b;

    a = pin(p, 3 * PAGE, true);
    b = pin(p + PAGE + 100, 8, false); /* whole pages */
    CHECK(a >= 0 && b >= 0);
    CHECK(page_of(p).pins == 1 && page_of(p + PAGE).pins == 2);
    CHECK(stat_of("pin") - pins == 4 && stat_of("unpin") == unpins);
    CHECK(stat_of("anon") >= 3 && mmcheck() == 0);
    unpin(a);
    CHECK(page_of(p).pins == 0 && page_of(p + PAGE).pins == 1);
    unpin(b);
    CHECK(page_of(p + PAGE).pins == 0);
    CHECK(stat_of("unpin") - unpins == 4);
}

/* It goes with its area for everybody but the device; the frame comes back when
 * the device is done. */
UTEST(vm_row_92_pinned_memory_is_unmapped)
{
    char *p = pages(2, RW);
    uint64_t frames, anons;
    long device;

    store(p, 5);
    store(p + PAGE, 6);
    CHECK(mlock(p + PAGE, PAGE) == 0);
    device = pin(p, 2 * PAGE, true);
    CHECK(device >= 0);
    anons = stat_all("anon_pages");
    CHECK(munmap(p, 2 * PAGE) == 0);
    CHECK(stat_all("anon_pages") == anons - 2);
    frames = stat_all("free_pages");
    for (uint64_t i = 0; i < 50; i++) { /* nobody else gets them */
        char *other = pages(20, RW);

        for (unsigned k = 0; k < 20; k++)
            store(other + k * PAGE, 99);
        CHECK(munmap(other, 20 * PAGE) == 0);
        CHECK(dma_read(device, 0) == 5 + i && dma_read(device, PAGE) == 6);
        dma_write(device, 0, 6 + i);
    }
    CHECK(pin(p, PAGE, false) == -EFAULT); /* there is nothing now */
    CHECK(mmcheck() == 0);
    unpin(device);
    CHECK(stat_all("free_pages") >= frames + 2);
}

/* --- fork --- */

static char *mine;

static int
sees_the_old(void *arg)
{
    uint64_t cow = stat_of("cow");

    while (*(volatile uint64_t *)arg == 0)
        sched_yield();
    CHECK(load(mine) == 1 && load(mine + PAGE) == 2); /* not the device's */
    store(mine, 50);
    store(mine + PAGE, 51);
    CHECK(load(mine) == 50 && load(mine + PAGE) == 51);
    CHECK(page_of(mine).pins == 0 && stat_of("cow") - cow <= 3);
    return 0;
}

/* A copy of the space gets copies at once, so ours stay the device's. */
UTEST(vm_row_92_pinned_pages_are_copied_by_fork)
{
    uint64_t *go = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t frame[3], cow;
    pid_t pid;
    long device;
    int status;

    *go = 0;
    mine = pages(3, RW);
    for (unsigned i = 0; i < 3; i++)
        store(mine + i * PAGE, i + 1);
    device = pin(mine, 2 * PAGE, true);
    CHECK(device >= 0);
    for (unsigned i = 0; i < 3; i++)
        frame[i] = page_of(mine + i * PAGE).frame;
    pid = child(sees_the_old, go);
    cow = stat_of("cow");
    CHECK(page_of(mine).anon_share == 1 && mmcheck() == 0);
    dma_write(device, 0, 70);
    dma_write(device, PAGE, 71);
    CHECK(load(mine) == 70 && load(mine + PAGE) == 71);
    store(mine, 80);                  /* in place, so the device sees it */
    CHECK(stat_of("cow") - cow <= 2); /* pages of this program's own */
    CHECK(dma_read(device, 0) == 80 && page_of(mine).frame == frame[0]);
    CHECK(page_of(mine + PAGE).frame == frame[1]);
    store(mine + 2 * PAGE, 81); /* was not pinned: shared, then copied */
    CHECK(page_of(mine + 2 * PAGE).frame != frame[2]);
    *go = 1;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(load(mine) == 80 && load(mine + PAGE) == 71);
    unpin(device);
}

static int
nothing(void *arg)
{
    return 0;
}

static int
looks(void *arg)
{
    return load(mine) != 1 || load(mine + PAGE) != 2;
}

/* Without memory for the copies there is no child, and we are as before: every
 * allocation of a fork fails once.  Some it can do without. */
UTEST(vm_row_92_fork_with_pins_fails_whole)
{
    unsigned n, failed = 0;
    uint64_t fails;
    long device;
    int status;

    mine = pages(2, RW);
    store(mine, 1);
    store(mine + PAGE, 2);
    device = pin(mine, 2 * PAGE, true);
    CHECK(device >= 0);
    for (n = 1; n < 500; n++) {
        char knob[40];
        pid_t pid;

        snprintf(knob, sizeof(knob), "fail_alloc=any,%u", n);
        fails = stat_all("alloc_fail");
        set_knob(knob);
        pid = fork();
        if (pid == 0)
            _exit(looks(NULL));
        set_knob("fail_alloc=any,0");
        dma_write(device, 0, 1);
        CHECK(load(mine) == 1 && page_of(mine).pins == 1);
        if (pid < 0) {
            CHECK(errno == ENOMEM || errno == EAGAIN);
            failed++;
            continue;
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(status == 0 || WIFSIGNALED(status)); /* it lacked memory */
        if (stat_all("alloc_fail") == fails)
            break;
    }
    CHECK(failed > 5 && n < 500 && mmcheck() == 0);
    unpin(device);
}

/* --- what can be pinned --- */

UTEST(vm_row_92_what_cannot_be_pinned)
{
    char *p = pages(200, PROT_READ), *none = pages(1, PROT_NONE);
    uint64_t pins = stat_of("pin"), unpins = stat_of("unpin");

    CHECK(pin(p, PAGE, true) == -EFAULT);
    CHECK(pin(none, 8, false) == -EFAULT);
    CHECK(pin(NULL, 8, false) == -EFAULT);
    CHECK(pin((char *)-PAGE, PAGE, false) == -EFAULT);
    CHECK(pin(p, 0, false) == -EINVAL && pin(p, 65 * PAGE, false) == -EINVAL);
    CHECK(pin(p + 1, 64 * PAGE, false) == -EINVAL);
    CHECK(pin(p, ~0ul, false) == -EINVAL);
    CHECK(munmap(p + 3 * PAGE, PAGE) == 0);
    CHECK(pin(p, 5 * PAGE, false) == -EFAULT); /* three had been taken */
    CHECK(page_of(p).pins == 0);
    CHECK(stat_of("pin") - pins == 3 && stat_of("unpin") - unpins == 3);
}

/* A page nobody wrote to, and one of the program's text: ours, and not writable
 * for that. */
UTEST(vm_row_92_reading_pins_own_the_page)
{
    char *p = pages(1, RW);
    const char *text = (const char *)&nothing;
    long a, b;

    CHECK(load(p) == 0); /* the zero page */
    a = pin(p, PAGE, false);
    b = pin(text, 1, false);
    CHECK(a >= 0 && b >= 0);
    CHECK((page_of(p).flags & (PAGE_ANON | PAGE_WRITE)) == PAGE_ANON);
    CHECK(page_of(text).flags & PAGE_ANON);
    store(p, 7);
    CHECK(dma_read(a, 0) == 7 && nothing(NULL) == 0);
    unpin(a);
    unpin(b);
}

static int
writes_and_reads(void *arg)
{
    uint64_t *shared = arg;

    while (*(volatile uint64_t *)shared != 9)
        sched_yield();
    store(shared, 10);
    return 0;
}

/* What is shared stays shared: the device, we, and our child see one page. */
UTEST(vm_row_92_shared_memory_is_pinned_as_it_is)
{
    uint64_t *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long device = pin(p, 2 * PAGE, true);
    pid_t pid;
    int status;

    CHECK(device >= 0);
    pid = child(writes_and_reads, p);
    dma_write(device, 0, 9);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(load(p) == 10 && dma_read(device, 0) == 10);
    CHECK(page_of(p).pins == 1 && mmcheck() == 0);
    CHECK(munmap(p, 2 * PAGE) == 0);
    CHECK(dma_read(device, 0) == 10);
    unpin(device);
}

/* --- at once --- */

static volatile int stop;

static int
forks(void *arg)
{
    while (!stop) {
        int status;
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    }
    return 0;
}

/* One thread pins and has the device write, another one copies the space: what
 * the device writes is seen, each time. */
UTEST(vm_row_92_pin_and_fork_at_once)
{
    static struct uthread t;
    uint64_t rounds = utest_rounds != 0 ? utest_rounds : 200;

    mine = pages(2, RW);
    thread_start(&t, forks, NULL);
    for (uint64_t i = 1; i <= rounds; i++) {
        long device = pin(mine, 2 * PAGE, true);

        CHECK(device >= 0);
        store(mine + PAGE, i);
        dma_write(device, 0, i);
        CHECK(load(mine) == i && dma_read(device, PAGE) == i);
        if (i % 2 == 0)
            sched_yield();
        store(mine + PAGE, i + 1);
        dma_write(device, 8, i);
        CHECK(load(mine + 8) == i && dma_read(device, PAGE) == i + 1);
        unpin(device);
    }
    stop = 1;
    thread_join(&t);
    CHECK(mmcheck() == 0);
}
