/* t_exec.c: row 89: another program in the same process. */
#include "lib/utest.h"

static volatile int mark = 1;

/* What is no program is refused, and the old one goes on. */
UTEST(vm_row_89_bad_program_leaves_the_old_one)
{
    static const char *const bad[] = {"/dev/null", "/bin", "/no/such"};
    char *argv[] = {"x", NULL};

    mark = 7;
    for (unsigned i = 0; i < 3; i++) {
        CHECK(execve(bad[i], argv, environ) == -1);
        CHECK(errno == (i == 2 ? ENOENT : EACCES));
    }
    CHECK(mark == 7);
}

static char tail[3 * PAGE + 123]; /* .bss */

UTEST(vm_row_89_bss_is_zero)
{
    for (unsigned i = 0; i < sizeof(tail); i++)
        CHECK(((volatile char *)tail)[i] == 0);
}

/* The frame of the text is the archive's, in every process and run. */
UTEST(vm_row_89_text_is_shared)
{
    struct utest_page p = page_of((void *)&utest_fail);
    uint64_t before = stat_all("cache_pages");

    CHECK(p.flags & PAGE_PRESENT);
    CHECK(!(p.flags & (PAGE_ANON | PAGE_WRITE)));
    CHECK(stat_all("cache_pages") == before);
}

UTEST(vm_row_89_data_is_private)
{
    mark = 2;
    CHECK(page_of((void *)&mark).flags & PAGE_ANON);
}
