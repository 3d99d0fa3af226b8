/* swap.c: see swap.h. */
#include "swap.h"

static char text[16384];

static void
read_text(const char *path)
{
    long fd = OPEN(path, O_RDONLY), n = 0, got;

    CHECK(fd >= 0);
    while ((got = READ(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
        n += got;
    CHECK(got == 0 && CLOSE(fd) == 0);
    text[n] = 0;
}

void
need_swap_disk(void)
{
    struct stat st;

    if (strncmp(utest_dir, "/dev/vd", 7) != 0 || STAT(BIG, &st) != 0)
        utest_skip("no disk to swap to");
}

void
swap_begin(void)
{
    need_swap_disk();
    CHECK(SWAPON(BIG, 0) == 0);
    set_knob("swap_readahead=0");
}

void
swap_end(void)
{
    CHECK(SWAPOFF(BIG) == 0);
    set_knob("swap_readahead=7");
}

bool
is_out(const void *p)
{
    enum { IN_MEMORY = PAGE_PRESENT | 0x2000 };
    struct utest_page page = page_of(p);

    return page.slot != 0 && (page.flags & IN_MEMORY) == 0;
}

void
warm_up(const char *page)
{
    mark_counts();
    CHECK(filled(page, PAGE, 1));
    (void)since("swpin");
}

void
push_out(const char *p, size_t n)
{
    CHECK(syscall(233, p, n * PAGE, 21l) == 0); /* MADV_PAGEOUT */
    for (size_t i = 0; i < n; i++)
        CHECK(is_out(p + i * PAGE));
}

long
swaps_column(const char *name, unsigned n)
{
    const char *p;

    read_text("/proc/swaps");
    p = strstr(text, name);
    if (p == NULL)
        return -1000;
    for (n += 2; n > 0; n--) {
        p += strcspn(p, " \t");
        p += strspn(p, " \t");
    }
    return atoi(p);
}

long
number_in(const char *path, const char *name)
{
    const char *p;

    read_text(path);
    p = strstr(text, name);
    if (p == NULL)
        return -1;
    p += strlen(name);
    return strtol(p + strspn(p, " \t:"), NULL, 10);
}
