/* t_linux.c: calls and files that programs of other systems' distributions ask for,
 * each with the answers and errors that Linux's manual pages give. */
#include "lib/utest.h"

#define NR_setpriority  140
#define NR_getpriority  141
#define NR_setparam     118
#define NR_setscheduler 119
#define NR_getscheduler 120
#define NR_getparam     121
#define NR_prio_max     125
#define NR_prio_min     126
#define NR_rr_interval  127
#define NR_capget       90
#define NR_capset       91
#define NR_setuid       146
#define NR_setresuid    147
#define NR_getresuid    148
#define NR_setgroups    159
#define NR_prctl        167
#define NR_sysinfo      179

/* A call that must fail with ERROR. */
#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

static char text[16384];

static const char *
slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = 0, r;

    CHECK(fd >= 0);
    while ((r = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
        n += r;
    CHECK(r == 0);
    text[n] = 0;
    close(fd);
    return text;
}

/* What follows NAME at the beginning of a line. */
static const char *
line_of(const char *path, const char *name)
{
    const char *at = slurp(path);

    while (strncmp(at, name, strlen(name)) != 0) {
        at = strchr(at, '\n');
        CHECK(at != NULL);
        at++;
    }
    return at + strlen(name);
}

/* --- scheduling --- */

static int
nice_of_child(void *arg)
{
    return 20 - (int)syscall(NR_getpriority, 0, 0);
}

UTEST(nice_is_kept_and_inherited)
{
    CHECK(syscall(NR_getpriority, 0, 0) == 20);
    CHECK(syscall(NR_setpriority, 0, 0, 5) == 0);
    CHECK(syscall(NR_getpriority, 0, getpid()) == 15);
    CHECK(run_child(nice_of_child, NULL) == 5 << 8);
    for (int nice = -20; nice <= 19; nice++) {
        CHECK(syscall(NR_setpriority, 0, 0, nice) == 0);
        CHECK(syscall(NR_getpriority, 0, 0) == 20 - nice);
    }
    CHECK(syscall(NR_setpriority, 0, 0, 1000) == 0);
    CHECK(syscall(NR_getpriority, 0, 0) == 1);
    CHECK(syscall(NR_setpriority, 1, 0, 3) == 0);
    CHECK(syscall(NR_getpriority, 1, 0) == 17);
    FAILS(syscall(NR_getpriority, 3, 0), EINVAL);
    FAILS(syscall(NR_getpriority, 0, 30000), ESRCH);
    FAILS(syscall(NR_setpriority, 2, 77, 0), ESRCH);
}

UTEST(policies_other_than_the_usual_one_are_refused)
{
    int prio = 0, one = 1;
    long slice[2];

    CHECK(syscall(NR_getscheduler, 0) == 0);
    CHECK(syscall(NR_setscheduler, 0, 0, &prio) == 0);
    FAILS(syscall(NR_setscheduler, 0, 0, &one), EINVAL);
    FAILS(syscall(NR_setscheduler, 0, 1, &one), EPERM);
    FAILS(syscall(NR_setscheduler, 0, 1, &prio), EINVAL);
    FAILS(syscall(NR_setscheduler, 0, 99, &prio), EINVAL);
    FAILS(syscall(NR_setscheduler, 0, 0, 8), EFAULT);
    FAILS(syscall(NR_setscheduler, 30000, 0, &prio), ESRCH);
    CHECK(syscall(NR_getparam, 0, &one) == 0 && one == 0);
    FAILS(syscall(NR_getparam, -1, &one), EINVAL);
    CHECK(syscall(NR_prio_max, 1) == 99 && syscall(NR_prio_min, 2) == 1);
    CHECK(syscall(NR_prio_max, 0) == 0);
    FAILS(syscall(NR_prio_max, 77), EINVAL);
    CHECK(syscall(NR_rr_interval, 0, slice) == 0 && slice[1] > 0);
}

/* --- who it is --- */

UTEST(there_is_one_user_only)
{
    unsigned id[3] = {1, 1, 1}, other = 5;

    CHECK(syscall(NR_getresuid, &id[0], &id[1], &id[2]) == 0);
    CHECK(id[0] == 0 && id[1] == 0 && id[2] == 0);
    CHECK(syscall(NR_setuid, 0) == 0);
    FAILS(syscall(NR_setuid, 1000), EINVAL);
    CHECK(syscall(NR_setresuid, -1, 0, -1) == 0);
    FAILS(syscall(NR_setresuid, -1, 1, -1), EINVAL);
    FAILS(syscall(NR_getresuid, 8, &id[1], &id[2]), EFAULT);
    CHECK(syscall(NR_setgroups, 0, NULL) == 0);
    FAILS(syscall(NR_setgroups, 1, &other), EINVAL);
    FAILS(syscall(NR_setgroups, 65537, &other), EINVAL);
}

UTEST(all_capabilities_are_there)
{
    unsigned head[2] = {0x20080522, 0}, sets[6];

    CHECK(syscall(NR_capget, head, sets) == 0);
    CHECK(sets[0] == ~0u && sets[1] == ~0u && sets[2] == 0);
    CHECK(sets[3] == 0x1ff && sets[4] == 0x1ff);
    CHECK(syscall(NR_capset, head, sets) == 0);
    sets[0] = 0;
    FAILS(syscall(NR_capset, head, sets), EPERM);
    head[1] = 30000;
    FAILS(syscall(NR_capget, head, sets), ESRCH);
    head[1] = (unsigned)-1;
    FAILS(syscall(NR_capget, head, sets), EINVAL);
    head[0] = 0;
    CHECK(syscall(NR_capget, head, NULL) == 0 && head[0] == 0x20080522);
    head[0] = 0;
    FAILS(syscall(NR_capget, head, sets), EINVAL);
    FAILS(syscall(NR_capget, 8, sets), EFAULT);
    CHECK(syscall(NR_prctl, 23, 40) == 1); /* PR_CAPBSET_READ */
    FAILS(syscall(NR_prctl, 23, 41), EINVAL);
}

/* --- files that tell --- */

UTEST(harts_are_listed_in_sysfs)
{
    CHECK(slurp("/sys/devices/system/cpu/online")[0] == '0');
    CHECK(slurp("/sys/devices/system/cpu/possible")[0] == '0');
    CHECK(strchr(slurp("/sys/devices/system/cpu/present"), '\n') != NULL);
}

UTEST(settings_below_proc_sys)
{
    static const char *const names[] = {
        "vm/overcommit_memory", "vm/max_map_count", "vm/swappiness",
        "vm/min_free_kbytes",   "kernel/pid_max",   "kernel/osrelease",
        "kernel/shmmax",        "kernel/hostname",  "fs/nr_open"};
    char path[64];
    int fd;

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "/proc/sys/%s", names[i]);
        CHECK(strlen(slurp(path)) > 1);
    }
    CHECK(atoi(slurp("/proc/sys/vm/max_map_count")) == 65530);
    CHECK(atoi(slurp("/proc/sys/vm/overcommit_memory")) == 1);
    fd = open("/proc/sys/vm/overcommit_memory", O_WRONLY);
    CHECK(fd >= 0 && write(fd, "1\n", 2) == 2);
    FAILS(write(fd, "2\n", 2), EINVAL);
    close(fd);
    fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    CHECK(fd >= 0 && write(fd, "3\n", 2) == 2);
    FAILS(write(fd, "9\n", 2), EINVAL);
    close(fd);
}

UTEST(status_has_linux_lines)
{
    char *p = pages(64, RW);
    const char *at;
    unsigned long anon;

    memset(p, 1, 64 * PAGE);
    anon = strtoul(line_of("/proc/self/status", "RssAnon:"), NULL, 10);
    CHECK(anon >= 256 && anon < 1024);
    memset(p + PAGE, 2, PAGE);
    CHECK(munmap(p, 64 * PAGE) == 0);
    CHECK(strtoul(line_of("/proc/self/status", "RssAnon:"), NULL, 10) <=
          anon - 240);
    CHECK(strncmp(line_of("/proc/self/status", "State:\t"), "R (run", 6) == 0);
    CHECK(atoi(line_of("/proc/self/status", "Pid:\t")) == getpid());
    signal(SIGUSR1, SIG_IGN);
    CHECK(strtoul(line_of("/proc/self/status", "SigIgn:\t"), NULL, 16) ==
          1ul << (SIGUSR1 - 1));
    at = line_of("/proc/self/status", "Cpus_allowed_list:\t");
    CHECK(*at == '0');
    CHECK(strtoul(line_of("/proc/self/status", "VmStk:"), NULL, 10) > 0);
    CHECK(strtoul(line_of("/proc/self/status", "VmPTE:"), NULL, 10) > 0);
}

UTEST(limits_and_names_of_a_process)
{
    int fd;

    CHECK(strncmp(line_of("/proc/self/limits", "Max open files"), "      ",
                  6) == 0);
    CHECK(strcmp(slurp("/proc/self/comm"), "t_linux\n") == 0);
    fd = open("/proc/self/comm", O_WRONLY);
    CHECK(fd >= 0 && write(fd, "other", 5) == 5);
    close(fd);
    CHECK(strcmp(slurp("/proc/self/comm"), "other\n") == 0);
    CHECK(strncmp(line_of("/proc/self/status", "Name:\t"), "other\n", 6) == 0);
    CHECK(syscall(78, -100l, "/proc/self/cwd", text, 100l) >= 1);
    CHECK(text[0] == '/');
    CHECK(syscall(78, -100l, "/proc/self/root", text, 100l) == 1);
}

UTEST(memory_of_a_process_as_a_file)
{
    int fd = open("/proc/self/mem", O_RDWR);
    char *p = pages(2, RW), buf[8];
    off_t at = (off_t)(unsigned long)p;

    strcpy(p + 10, "inside");
    CHECK(fd >= 0 && pread(fd, buf, 7, at + 10) == 7);
    CHECK(strcmp(buf, "inside") == 0);
    CHECK(pwrite(fd, "out", 3, at + 10) == 3 && strcmp(p + 10, "outide") == 0);
    CHECK(munmap(p + PAGE, PAGE) == 0);
    CHECK(pread(fd, buf, 8, at + (off_t)PAGE - 4) == 4);
    FAILS(pread(fd, buf, 8, at + (off_t)PAGE), EIO);
    close(fd);
}

UTEST(load_is_an_average)
{
    struct {
        long uptime;
        unsigned long loads[3], rest[20];
    } s;
    char *at;

    CHECK(syscall(NR_sysinfo, &s) == 0);
    slurp("/proc/loadavg");
    for (unsigned i = 0; i < 3; i++) {
        unsigned long whole = strtoul(i == 0 ? text : at, &at, 10);

        CHECK(*at == '.' && whole <= (s.loads[i] >> 16) + 1);
        strtoul(at + 1, &at, 10);
    }
    CHECK(*at == ' ');
}

/* --- the shell --- */

static int
shell(void *arg)
{
    char *argv[] = {"/bin/sh", "-c", "--", "exit 7", NULL};

    execvp(argv[0], argv);
    return 1;
}

/* As system() and popen() of C libraries call it. */
UTEST(a_shell_takes_its_line_behind_two_dashes)
{
    CHECK(run_child(shell, NULL) == 7 << 8);
}
