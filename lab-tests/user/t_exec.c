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

/* Nor is what only looks like one. */
UTEST(vm_row_89_a_damaged_program_is_ENOEXEC)
{
    static const char head[] = "\177ELF\2\1\1", script[] = "no program";
    static char file[PAGE];
    char *argv[] = {"x", NULL};

    mark = 7;
    for (int i = 0; i < 3; i++) {
        int fd = open("/tmp/bad", O_CREAT | O_EXCL | O_RDWR, 0755);

        memset(file, i == 1 ? 0xff : 0, PAGE);
        memcpy(file, i == 2 ? script : head, 8);
        CHECK(fd >= 0 && write(fd, file, PAGE) == (ssize_t)PAGE);
        CHECK(close(fd) == 0);
        CHECK(execve("/tmp/bad", argv, environ) == -1 && errno == ENOEXEC);
        CHECK(unlink("/tmp/bad") == 0);
    }
    CHECK(mark == 7 && open("/dev/null", O_RDONLY) >= 0);
}

static char tail[3 * PAGE + 123]; /* .bss */

UTEST(vm_row_89_bss_is_zero)
{
    for (unsigned i = 0; i < sizeof(tail); i++)
        CHECK(((volatile char *)tail)[i] == 0);
}

/* What another run of this program, the one that started us, has there. */
static struct utest_page
in_other_run(const void *p)
{
    struct utest_page page;
    char path[40];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/pginfo", getppid());
    fd = open(path, O_RDONLY);
    CHECK(fd >= 0);
    CHECK(pread(fd, &page, sizeof(page),
                (off_t)((uint64_t)p / PAGE * sizeof(page))) == sizeof(page));
    CHECK(close(fd) == 0);
    return page;
}

/* Its frames are the program's, in every process and run. */
UTEST(vm_row_89_text_is_shared)
{
    struct utest_page p = page_of((void *)&ask);

    CHECK(p.flags & PAGE_PRESENT);
    CHECK(!(p.flags & (PAGE_ANON | PAGE_WRITE)));
    CHECK(in_other_run((void *)&ask).flags & PAGE_PRESENT);
    CHECK(in_other_run((void *)&ask).frame == p.frame);
}

/* Both have written to the page of utest_rounds. */
UTEST(vm_row_89_data_is_another_in_each_run)
{
    struct utest_page other = in_other_run(&utest_rounds), ours;

    utest_rounds++;
    ours = page_of(&utest_rounds);
    CHECK((ours.flags & (PAGE_PRESENT | PAGE_ANON)) ==
          (PAGE_PRESENT | PAGE_ANON));
    CHECK(other.frame != ours.frame &&
          in_other_run(&utest_rounds).frame == other.frame);
}

UTEST(vm_row_89_data_is_private)
{
    mark = 2;
    CHECK(page_of((void *)&mark).flags & PAGE_ANON);
}
