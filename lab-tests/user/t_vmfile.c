/* t_vmfile.c: rows 41 to 48, 54 and M4 to M12 of the memory plan with files on a
 * disk: what a fault on a mapped file does, and what it counts as. */
#include "lib/vmfile.h"

#define R PROT_READ

UTEST(vm_row_41_a_warm_file_is_mapped_around)
{
    long fd;

    enter_disk("41");
    fd = file_of("f", 64, PAGE);
    map_at(AT, fd, 64, R, MAP_PRIVATE);
    mark_counts();
    look(AT);
    CHECK(since("flt") == 1 && since("around") == 15);
    CHECK(since("fread") == 1 && since("maj") == 0 && since("min") == 1);
    CHECK(filled(AT, 16 * PAGE, 0) == false && filled(AT + PAGE, PAGE, 1));
    CHECK(!(page_of(AT).flags & PAGE_WRITE));
    CHECK(munmap(AT, 64 * PAGE) == 0);
    drop("f", fd);
    leave();
}

static int
reads_warm(void *arg)
{
    quiet();
    map_at(AT, (long)arg, 4, R, MAP_PRIVATE);
    mark_counts();
    look(AT);
    CHECK(since("maj") == 0 && since("min") == 1 && since("flt") == 1);
    return 0;
}

UTEST(vm_row_42_the_first_reader_is_major)
{
    uint64_t reads;
    long fd;

    enter_disk("42");
    fd = file_of("f", 4, PAGE);
    cold();
    map_at(AT, fd, 4, R, MAP_PRIVATE);
    reads = disk_count(READS);
    mark_counts();
    look(AT);
    CHECK(since("maj") == 1 && since("min") == 0);
    CHECK(filled(AT, PAGE, 0));
    CHECK(disk_count(READS) >= reads + 1);
    CHECK(run_child(reads_warm, (void *)fd) == 0);
    CHECK(munmap(AT, 4 * PAGE) == 0);
    drop("f", fd);
    leave();
}

/* What is mapped after a look at page I, of 40 pages 3 before a table's end. */
static void
window(long fd, unsigned i, unsigned end)
{
    char *base = AT - 3 * PAGE;
    uintptr_t first = (uintptr_t)(base + i * PAGE) & ~(16 * PAGE - 1);
    unsigned mapped = 0;

    map_at(base, fd, 40, RW, MAP_PRIVATE);
    mark_counts();
    look(base + i * PAGE);
    for (unsigned k = 0; k < 40; k++) {
        uintptr_t va = (uintptr_t)(base + k * PAGE);
        bool in = va >= first && va < first + 16 * PAGE && k < end;

        CHECK(present((char *)va) == in);
        mapped += in;
    }
    CHECK(since("around") == mapped - 1);
    CHECK(munmap(base, 40 * PAGE) == 0);
}

UTEST(vm_row_43_around_ends_with_area_table_and_file)
{
    long fd, small;

    enter_disk("43");
    fd = file_of("f", 40, PAGE);
    small = file_of("g", 5, 100);
    for (unsigned i = 0; i < 40; i++)
        window(fd, i, 40);
    for (unsigned i = 0; i < 5; i++)
        window(small, i, 5);
    drop("f", fd);
    drop("g", small);
    leave();
}

UTEST(vm_row_43_a_private_page_stays)
{
    long fd;

    enter_disk("43p");
    fd = file_of("f", 16, PAGE);
    map_at(AT, fd, 16, RW, MAP_PRIVATE);
    put(AT + 5 * PAGE, 'p');
    mark_counts();
    look(AT + 6 * PAGE);
    CHECK(since("around") == 14 && look(AT + 5 * PAGE) == 'p');
    CHECK(since("flt") == 1);
    CHECK(munmap(AT, 16 * PAGE) == 0);
    drop("f", fd);
    leave();
}

static void
private_write(const char *folder, bool read_first)
{
    char *other = AT + 16 * PAGE, old;
    uint64_t dirty;
    long fd;

    enter_disk(folder);
    fd = file_of("f", 1, PAGE);
    map_at(AT, fd, 1, RW, MAP_PRIVATE);
    map_at(other, fd, 1, R, MAP_SHARED);
    old = look(other);
    CHECK(page_of(other).mapcount == 1);
    dirty = stat_all("dirty_pages");
    mark_counts();
    if (read_first) {
        CHECK(look(AT) == old && page_of(other).mapcount == 2);
    }
    put(AT, (char)(old + 1));
    CHECK(since("flt") == (read_first ? 2 : 1) && since("fcow") == 1);
    CHECK(since("fread") == (read_first ? 1 : 0));
    CHECK(page_of(AT).flags & PAGE_ANON);
    CHECK(page_of(other).mapcount == 1 && look(other) == old);
    CHECK(stat_all("dirty_pages") == dirty);
    CHECK(munmap(AT, PAGE) == 0 && munmap(other, PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_44_private_write_of_a_file)
{
    private_write("44", false);
}

UTEST(vm_row_45_private_write_after_a_read_of_a_file)
{
    private_write("45", true);
}

UTEST(vm_row_46_what_is_stored_comes_back_from_the_disk)
{
    char c;
    long fd;

    enter_disk("46");
    fd = file_of("f", 2, PAGE);
    map_at(AT, fd, 2, RW, MAP_SHARED);
    look(AT);
    CHECK(!(page_of(AT).flags & PAGE_WRITE));
    mark_counts();
    put(AT, 'n');
    CHECK(since("mkwrite") == 1 && since("flt") - since("retry") == 1);
    cold();
    CHECK(!present(AT));
    mark_counts();
    CHECK(look(AT) == 'n' && since("maj") == 1);
    cold();
    CHECK(PREAD(fd, &c, 1, 0) == 1 && c == 'n');
    CHECK(munmap(AT, 2 * PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_47_a_shared_store_makes_a_page_dirty)
{
    uint64_t dirty;
    long fd;

    enter_disk("47");
    fd = file_of("f", 1, PAGE);
    map_at(AT, fd, 1, RW, MAP_SHARED);
    dirty = stat_all("dirty_pages");
    mark_counts();
    put(AT, 'd');
    CHECK(since("flt") - since("retry") == 1 && since("fshared") == 1);
    CHECK(since("mkwrite") == 1 && since("maj") == 0);
    CHECK(stat_all("dirty_pages") == dirty + 1);
    CHECK(munmap(AT, PAGE) == 0);
    CHECK(stat_all("dirty_pages") == dirty + 1);
    CHECK(fsync((int)fd) == 0 && stat_all("dirty_pages") == dirty);
    drop("f", fd);
    leave();
}

UTEST(vm_row_48_after_write_back_a_store_faults)
{
    uint64_t wb;
    long fd;

    enter_disk("48");
    fd = file_of("f", 1, PAGE);
    map_at(AT, fd, 1, RW, MAP_SHARED);
    put(AT, 1);
    CHECK(page_of(AT).flags & PAGE_WRITE);
    wb = stat_all("wb");
    set_knob("flush_now=1");
    CHECK(stat_all("wb") == wb + 1);
    CHECK(present(AT) && !(page_of(AT).flags & PAGE_WRITE));
    mark_counts();
    put(AT, 2);
    CHECK(since("mkwrite") == 1 && since("flt") - since("retry") == 1);
    for (unsigned i = 0; i < 1000; i++)
        put(AT + i, 3);
    CHECK(since("mkwrite") == 1 && since("flt") - since("retry") == 1);
    CHECK(munmap(AT, PAGE) == 0);
    drop("f", fd);
    leave();
}

static int
stores(void *p)
{
    put(p, 1);
    return 0;
}

UTEST(vm_row_54_a_store_to_read_only_shared)
{
    uint64_t wb;
    long fd, ro;

    enter_disk("54");
    fd = file_of("f", 1, PAGE);
    ro = OPEN("f", O_RDONLY);
    CHECK(mmap(AT, PAGE, RW, MAP_SHARED, (int)ro, 0) == MAP_FAILED);
    CHECK(errno == EACCES);
    map_at(AT, ro, 1, R | PROT_EXEC, MAP_SHARED);
    dies(stores, AT, SIGSEGV, SEGV_ACCERR, AT);
    look(AT);
    dies(stores, AT, SIGSEGV, SEGV_ACCERR, AT);
    wb = stat_all("wb");
    set_knob("flush_now=1");
    CHECK(filled(AT, PAGE, 0) && stat_all("wb") == wb);
    CHECK(munmap(AT, PAGE) == 0 && CLOSE(ro) == 0);
    drop("f", fd);
    leave();
}

/* --- the table of sources: what a page is made of, and where it goes --- */

UTEST(vm_row_M4_private_file_read)
{
    long fd;

    enter_disk("M4");
    fd = file_of("f", 1, PAGE);
    cold();
    map_at(AT, fd, 1, RW, MAP_PRIVATE);
    mark_counts();
    look(AT);
    CHECK(since("fread") == 1 && since("fcow") == 0 && since("maj") == 1);
    CHECK(filled(AT, PAGE, 0) && (page_of(AT).flags & PAGE_OBJECT));
    CHECK(munmap(AT, PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_M7_private_file_write)
{
    char first;
    long fd;

    enter_disk("M7");
    fd = file_of("f", 1, PAGE);
    cold();
    map_at(AT, fd, 1, RW, MAP_PRIVATE);
    mark_counts();
    put(AT + 1, 'x');
    CHECK(since("fcow") == 1 && since("maj") == 1 && since("mkwrite") == 0);
    CHECK(page_of(AT).flags & PAGE_ANON);
    cold(); /* it is not the file's any more */
    mark_counts();
    CHECK(look(AT + 1) == 'x' && since("flt") == 0);
    CHECK(PREAD(fd, &first, 1, 1) == 1 && first != 'x');
    CHECK(munmap(AT, PAGE) == 0);
    drop("f", fd);
    leave();
}

/* A program of two instructions: li a0, 42; ret. */
static const uint32_t returns_42[] = {0x02a00513, 0x00008067};

static int
runs_it(void *arg)
{
    quiet();
    map_at(AT, (long)arg, 1, R | PROT_EXEC, MAP_SHARED);
    mark_counts();
    CHECK(((int (*)(void))AT)() == 42);
    CHECK(since("fread") == 1 && since("flt") - since("retry") == 1);
    return 0;
}

UTEST(vm_row_M8_shared_text_is_fetched_from_the_file)
{
    uint64_t cached;
    long fd;

    enter_disk("M8");
    fd = OPEN("f", O_CREAT | O_EXCL | O_RDWR);
    CHECK(WRITE(fd, returns_42, 8) == 8 && fsync((int)fd) == 0);
    cold();
    cached = stat_all("cache_pages");
    CHECK(run_child(runs_it, (void *)fd) == 0);
    CHECK(run_child(runs_it, (void *)fd) == 0);
    CHECK(stat_all("cache_pages") == cached + 1); /* one for both */
    drop("f", fd);
    leave();
}

UTEST(vm_row_M10_shared_text_is_not_written)
{
    long fd;

    enter_disk("M10");
    fd = file_of("f", 1, PAGE);
    map_at(AT, fd, 1, R | PROT_EXEC, MAP_SHARED);
    look(AT);
    dies(stores, AT, SIGSEGV, SEGV_ACCERR, AT);
    CHECK(filled(AT, PAGE, 0) && !(page_of(AT).flags & PAGE_WRITE));
    CHECK(munmap(AT, PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_M11_shared_pages_come_from_the_file_again)
{
    uint64_t wb, reads;
    long fd;

    enter_disk("M11");
    fd = file_of("f", 2, PAGE);
    map_at(AT, fd, 2, RW, MAP_SHARED);
    look(AT);
    put(AT + PAGE, 'w');
    wb = stat_all("wb");
    cold();
    CHECK(stat_all("wb") == wb + 1); /* only the dirty one */
    reads = disk_count(READS);
    mark_counts();
    CHECK(filled(AT, PAGE, 0) && look(AT + PAGE) == 'w');
    CHECK(since("maj") >= 1 && since("swpout") == 0);
    CHECK(disk_count(READS) > reads);
    CHECK(munmap(AT, 2 * PAGE) == 0);
    drop("f", fd);
    leave();
}

UTEST(vm_row_M12_shared_write_of_a_cold_page)
{
    long fd;

    enter_disk("M12");
    fd = file_of("f", 1, PAGE);
    cold();
    map_at(AT, fd, 1, RW, MAP_SHARED);
    mark_counts();
    put(AT, 'm');
    CHECK(since("mkwrite") == 1 && since("maj") == 1 && since("fcow") == 0);
    CHECK(munmap(AT, PAGE) == 0);
    drop("f", fd);
    leave();
}
