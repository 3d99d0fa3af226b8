/* t_procfs.c: /proc; docs/abi.md has the formats. */
#include "lib/utest.h"

static char text[32768];

/* The whole of a file; its length. */
static ssize_t
slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = 0, r = 1;

    if (fd < 0)
        return -errno;
    while (r > 0) {
        r = read(fd, text + n, sizeof(text) - 1 - (size_t)n);
        n += r > 0 ? r : 0;
    }
    text[n] = 0;
    close(fd);
    return r < 0 ? -errno : n;
}

static const char *
find(const char *what)
{
    size_t n = strlen(what);

    for (const char *p = text; *p != 0; p++) {
        if (strncmp(p, what, n) == 0 && (p == text || p[-1] == '\n'))
            return p + n;
    }
    return NULL;
}

UTEST(proc_files_of_the_system)
{
    static const char *const names[] = {
        "meminfo", "vmstat",       "uptime",      "stat",
        "loadavg", "cpuinfo",      "mounts",      "filesystems",
        "version", "ucore/mmstat", "ucore/knobs", "ucore/fail"};
    char path[64];

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "/proc/%s", names[i]);
        CHECK(slurp(path) > 0);
    }
    CHECK(slurp("/proc/meminfo") > 0 && find("MemFree:") != NULL);
    CHECK(slurp("/proc/nothing") == -ENOENT);
    CHECK(slurp("/proc/99999/stat") == -ENOENT);
    CHECK(slurp("/proc/01/stat") == -ENOENT);
}

UTEST(proc_self_is_me)
{
    char want[64];

    CHECK(slurp("/proc/self/stat") > 0);
    snprintf(want, sizeof(want), "%d (", getpid());
    CHECK(find(want) == text + strlen(want));
    CHECK(slurp("/proc/self/status") > 0 && find("Threads:\t1") != NULL);
    CHECK(slurp("/proc/self/cmdline") > 0);
    CHECK(strcmp(text, "/bin/t_procfs") == 0);
    CHECK(syscall(78, -100l, "/proc/self/exe", text, 100l) == 13);
    CHECK(memcmp(text, "/bin/t_procfs", 13) == 0);
}

UTEST(proc_statm_counts_pages)
{
    unsigned long was[6], is[6];
    char *p = NULL;

    for (unsigned round = 0; round < 2; round++) {
        unsigned long *n = round == 0 ? was : is;
        char *at;

        CHECK(slurp("/proc/self/statm") > 0);
        n[0] = strtoul(text, &at, 10);
        for (unsigned i = 1; i < 6; i++)
            n[i] = strtoul(at, &at, 10);
        CHECK(n[0] >= n[1] && n[1] > n[2] && n[3] > 0 && n[4] == 0);
        if (round == 0) {
            p = pages(100, PROT_READ | PROT_WRITE);
            memset(p, 1, 60 * PAGE);
        }
    }
    CHECK(is[0] == was[0] + 100 && is[1] >= was[1] + 60);
    CHECK(is[1] <= was[1] + 64 && is[2] <= was[2] + 4);
    CHECK(is[3] == was[3] && is[5] == was[5] + 100);
    CHECK(munmap(p, 100 * PAGE) == 0);
}

/* Ticks in the program and in the kernel; then those of children. */
static void
ticks(long t[4])
{
    CHECK(syscall(153, t) > 0);
}

/* Until a program had ten ticks more, a hundred thousand turns at a time. */
static int
burn(void *arg)
{
    volatile unsigned turns = 0;
    long from[4], t[4];

    ticks(from);
    do {
        for (unsigned i = 0; i < 100000; i++)
            turns++;
        ticks(t);
    } while (t[0] - from[0] < 10);
    return t[1] - from[1] > (t[0] - from[0]) / 2;
}

/* The same for the kernel, which makes long texts. */
static int
ask_much(void *arg)
{
    long from[4], t[4];

    ticks(from);
    do {
        for (unsigned i = 0; i < 10; i++)
            CHECK(slurp("/proc/self/smaps") > 0);
        ticks(t);
    } while (t[1] - from[1] < 10);
    return t[0] - from[0] > (t[1] - from[1]) / 2;
}

UTEST(times_of_program_and_kernel_are_told_apart)
{
    long from[4], t[4], machine[2][4];
    char *at;

    for (unsigned i = 0; i < 2; i++) {
        if (i == 1) {
            ticks(from);
            CHECK(run_child(burn, NULL) == 0);
            ticks(t);
            CHECK(t[2] - from[2] >= 10 && t[3] - from[3] <= t[2] - from[2]);
            CHECK(run_child(ask_much, NULL) == 0);
            ticks(from);
            CHECK(from[3] - t[3] >= 10 && from[2] - t[2] <= from[3] - t[3]);
        }
        CHECK(slurp("/proc/stat") > 0 && (at = (char *)find("cpu ")) != NULL);
        for (unsigned n = 0; n < 4; n++)
            machine[i][n] = (long)strtoul(at, &at, 10);
    }
    /* What the two had, they had although they are gone. */
    CHECK(machine[1][0] - machine[0][0] >= 10 && machine[0][1] == 0);
    CHECK(machine[1][2] - machine[0][2] >= 10);
}

UTEST(proc_stat_says_when_a_process_began)
{
    unsigned long began[2];

    for (unsigned i = 0; i < 2; i++) {
        int fds[2];
        char *at = text;
        pid_t pid;

        CHECK(pipe(fds) == 0);
        if ((pid = fork()) == 0) {
            close(fds[1]);
            _exit((int)read(fds[0], text, 1));
        }
        snprintf(text, sizeof(text), "/proc/%d/stat", pid);
        CHECK(slurp(strcpy(text + 100, text)) > 0);
        at = strchr(text, ')') + 3;
        for (unsigned n = 0; n < 19; n++)
            began[i] = strtoul(at, &at, 10);
        close(fds[0]);
        close(fds[1]);
        CHECK(waitpid(pid, NULL, 0) == pid);
        if (i == 0) {
            CHECK(slurp("/proc/uptime") > 0);
            CHECK(burn(NULL) == 0);
        }
    }
    CHECK(began[0] > 0 && began[1] >= began[0] + 8);
}

UTEST(proc_maps_shows_areas)
{
    char want[64];
    char *p = pages(3, PROT_READ | PROT_WRITE);

    CHECK(slurp("/proc/self/maps") > 0);
    snprintf(want, sizeof(want), "%08lx-%08lx rw-p", (unsigned long)p,
             (unsigned long)p + 3 * PAGE);
    CHECK(find(want) != NULL);
    CHECK(strstr(text, "[stack]") != NULL);
    CHECK(strstr(text, "/bin/t_procfs") != NULL);
}

/* A mapped file is named, also when it is gone; an area that nothing names has
 * none. */
UTEST(proc_maps_names_files)
{
    int fd = open("/dev/shm/named", O_CREAT | O_RDWR, 0600);
    const char *at;
    char want[64];
    void *p;

    CHECK(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
    p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED && mmap(p, PAGE, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_FIXED, fd, PAGE) == p);
    close(fd);
    CHECK(slurp("/proc/self/maps") > 0);
    snprintf(want, sizeof(want),
             "%08lx-%08lx rw-s 00001000 00:", (unsigned long)p,
             (unsigned long)p + PAGE);
    at = find(want);
    CHECK(at != NULL);
    at = strstr(at, "     /dev/shm/named\n");
    CHECK(at != NULL && strstr(at + 1, "     /dev/shm/named\n") != NULL);
    CHECK(unlink("/dev/shm/named") == 0);
    CHECK(slurp("/proc/self/maps") > 0 && strstr(text, "(deleted)") != NULL);
    CHECK(strstr(text, "/dev/shm/named") == NULL);
}

/* More areas than are read at once: each is there, once and in order. */
UTEST(proc_maps_of_many_areas)
{
    char *p = pages(200, PROT_READ);
    unsigned long start, last = 0;
    int seen = 0;

    for (int i = 0; i < 200; i += 2)
        CHECK(mprotect(p + i * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(slurp("/proc/self/maps") > 0);
    for (const char *at = text; *at != 0; at = strchr(at, '\n') + 1) {
        start = strtoul(at, NULL, 16);
        CHECK(start > last || last == 0);
        last = start;
        seen +=
            start >= (unsigned long)p && start < (unsigned long)p + 200 * PAGE;
    }
    CHECK(seen == 200);
}

UTEST(proc_mounts_of_a_process)
{
    CHECK(slurp("/proc/self/mounts") > 0 &&
          strstr(text, " /proc proc ") != NULL);
    CHECK(slurp("/proc/self/mountinfo") > 0);
    CHECK(strstr(text, " / / rw - ") != NULL ||
          strstr(text, " / / ro - ") != NULL);
    CHECK(strstr(text, " / /proc rw - proc ") != NULL);
}

static uint64_t
value(const char *name)
{
    char line[32];
    const char *p;

    snprintf(line, sizeof(line), "%s ", name);
    CHECK(slurp("/proc/self/mmstat") > 0);
    p = find(line);
    CHECK(p != NULL);
    return (uint64_t)atoi(p);
}

UTEST(proc_mmstat_counts_faults)
{
    uint64_t before;
    char *p = pages(8, RW);

    CHECK(slurp("/proc/self/mmstat") > 0); /* touches all it needs */
    before = value("anon");
    for (int i = 0; i < 8; i++)
        p[i * PAGE] = 1;
    CHECK(value("anon") - before == 8);
}

UTEST(proc_pginfo_by_page_number)
{
    char *p = pages(4, RW);
    uint64_t rec[4][8];
    int fd = open("/proc/self/pginfo", O_RDONLY);
    off_t at = (off_t)((unsigned long)p / PAGE * 64);

    CHECK(fd >= 0);
    p[PAGE] = 1;
    CHECK(pread(fd, rec, sizeof(rec), at) == sizeof(rec));
    for (unsigned i = 0; i < 4; i++) {
        CHECK(rec[i][0] == (unsigned long)p + i * PAGE);
        CHECK((rec[i][3] & 1) == (i == 1)); /* present */
    }
    CHECK(pread(fd, rec, 64, at + 1) == -1 && errno == EINVAL);
    CHECK(pread(fd, rec, 64, 1l << 60) == 0);
    CHECK(pread(fd, rec, 63, at) == -1 && errno == EINVAL);
    close(fd);
}

UTEST(proc_knobs_can_be_turned)
{
    int fd = open("/proc/ucore/knobs", O_RDWR);

    CHECK(slurp("/proc/ucore/knobs") > 0 && find("fault_around=16") != NULL);
    CHECK(write(fd, "fault_around=4\nfork_eager=3\n", 28) == 28);
    CHECK(slurp("/proc/ucore/knobs") > 0 && find("fault_around=4\n") != NULL &&
          find("fork_eager=3\n") != NULL);
    CHECK(write(fd, "fault_around=16\nfork_eager=32\n", 30) == 30);
    CHECK(write(fd, "fault_around=0\n", 15) == -1 && errno == EINVAL);
    CHECK(write(fd, "no_such=1\n", 10) == -1 && errno == ENOENT);
    close(fd);
}

UTEST(proc_fail_lets_calls_fail)
{
    int fd = open("/proc/ucore/fail", O_WRONLY);

    CHECK(write(fd, "area 1\n", 7) == 7);
    CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
          MAP_FAILED);
    CHECK(errno == ENOMEM);
    CHECK(write(fd, "area 0\n", 7) == 7);
    CHECK(write(fd, "nowhere 1\n", 10) == -1 && errno == EINVAL);
    close(fd);
}

UTEST(proc_mmcheck_has_no_complaint)
{
    CHECK(slurp("/proc/ucore/mmcheck") == 2 && strcmp(text, "0\n") == 0);
}

static int
short_life(void *arg)
{
    (void)arg;
    *(volatile char *)pages(1, RW) = 1;
    return 0;
}

/* Look at processes while they begin and end. */
UTEST(proc_looks_while_others_end)
{
    static const char *const names[] = {"stat",    "status", "maps",
                                        "cmdline", "mmstat", "pginfo"};
    char path[64];
    int status, seen = 0;

    for (int round = 0; round < 100; round++) {
        pid_t pid = child(short_life, NULL);

        for (int i = 0; i < 6; i++) {
            snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[i]);
            seen += slurp(path) > 0;
        }
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
        CHECK(slurp(path) == -ENOENT);
    }
    CHECK(seen > 0);
}

UTEST(proc_fd_names_open_files)
{
    int fd = open("/bin/t_procfs", O_RDONLY), end[2];
    char path[64];
    long n;

    CHECK(fd >= 0 && pipe(end) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(syscall(78, -100l, path, text, 100l) == 13);
    CHECK(memcmp(text, "/bin/t_procfs", 13) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", end[0]);
    n = syscall(78, -100l, path, text, 100l);
    CHECK(n > 7 && memcmp(text, "pipe:[", 6) == 0);
    close(end[0]);
    CHECK(syscall(78, -100l, path, text, 100l) == -1 && errno == ENOENT);
}
