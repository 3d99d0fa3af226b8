/* t_oom.c: memory is exhausted, and one process ends: who, and that the others do
 * not notice: row 98 of the memory plan. */
#include "lib/vmfile.h"

#define MIB   (1ul << 20)
#define PROBE (64 * PAGE)

static char *
map_much(size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

static void
set_adj(const char *text)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (long)strlen(text));
    close(fd);
}

/* Touch page after page of far more than there is. */
static void
eat(void)
{
    char *p = map_much(64ul << 30);

    for (size_t at = 0;; at += PAGE)
        p[at] = 1;
}

/* Start a child that runs FN; when it is ready, it writes a byte to FD 3. */
static pid_t
start(void (*fn)(int fd), int *ready)
{
    int fds[2];
    pid_t pid;

    CHECK(pipe(fds) == 0);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        fn(fds[1]);
        _exit(0);
    }
    close(fds[1]);
    *ready = fds[0];
    return pid;
}

static void
wait_ready(int fd)
{
    char c;

    CHECK(read(fd, &c, 1) == 1);
    close(fd);
}

static int
status_of(pid_t pid)
{
    int status = -1;

    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}

static void
eats(int fd)
{
    CHECK(write(fd, "", 1) == 1);
    eat();
}

/* Who eats all is killed, and the memory is there again. */
UTEST(row_98_who_eats_all_ends)
{
    unsigned char *mine = (unsigned char *)map_much(PROBE);
    int ready, status;

    memset(mine, 7, PROBE);
    for (unsigned i = 0; i < 3; i++) {
        pid_t pid = start(eats, &ready);

        wait_ready(ready);
        status = status_of(pid);
        CHECK((status & 127) == SIGKILL);
    }
    for (size_t i = 0; i < PROBE; i += PAGE)
        CHECK(mine[i] == 7 && mine[i + PAGE - 1] == 7);
    munmap(mine, PROBE);
}

/* --- a hog, and others who work --- */

#define BYSTANDERS 3

static volatile int *over; /* shared: the hog has ended */

/* Writes and looks at what it has, until the hog is gone. */
static void
works(int fd)
{
    unsigned char *p = (unsigned char *)map_much(PROBE);
    unsigned char n = 0;

    CHECK(write(fd, "", 1) == 1);
    do {
        n++;
        for (size_t at = 0; at < PROBE; at += PAGE)
            p[at] = n;
        for (size_t at = 0; at < PROBE; at += PAGE)
            CHECK(p[at] == n);
        sched_yield();
    } while (!*over);
    _exit(7);
}

UTEST(row_98_a_hog_and_three_bystanders)
{
    uint64_t killed = stat_all("oomk");
    pid_t pid[BYSTANDERS], hog;
    int ready;

    over = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
    CHECK(over != MAP_FAILED);
    for (unsigned i = 0; i < BYSTANDERS; i++) {
        pid[i] = start(works, &ready);
        wait_ready(ready);
    }
    hog = start(eats, &ready);
    wait_ready(ready);
    CHECK(status_of(hog) == SIGKILL && stat_all("oomk") == killed + 1);
    *over = 1;
    for (unsigned i = 0; i < BYSTANDERS; i++)
        CHECK(status_of(pid[i]) == 7 << 8);
    CHECK(stat_all("oomk") == killed + 1);
    CHECK(munmap((void *)over, PAGE) == 0);
}

/* --- who sleeps with much --- */

static size_t
mem_free(void)
{
    char text[512], *at;
    int fd = open("/proc/meminfo", O_RDONLY);
    long n = read(fd, text, sizeof(text) - 1);

    CHECK(n > 0);
    close(fd);
    text[n] = '\0';
    at = strstr(text, "MemFree:");
    CHECK(at != NULL);
    return strtoul(at + 8, NULL, 10) * 1024;
}

static void
touch_all(char *p, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE)
        p[at] = (char)(at / PAGE | 1);
}

static bool
all_there(const char *p, size_t size)
{
    for (size_t at = 0; at < size; at += PAGE) {
        if (p[at] != (char)(at / PAGE | 1))
            return false;
    }
    return true;
}

static char *held;
static size_t held_size;

static void
say_if_there(int signo)
{
    (void)signo;
    _exit(all_there(held, held_size) ? 7 : 8);
}

static void
holds(int fd)
{
    held_size = mem_free() / 10 * 6;
    held = map_much(held_size);
    touch_all(held, held_size);
    signal(SIGUSR1, say_if_there);
    CHECK(write(fd, "", 1) == 1);
    for (;;)
        sleep(100);
}

static void
holds_and_stays(int fd)
{
    set_adj("-1000");
    holds(fd);
}

/* The largest ends, though another one asks last, and though it sleeps. */
UTEST(row_98_the_largest_ends)
{
    int ready;
    pid_t big = start(holds, &ready);
    size_t more;
    char *p;

    wait_ready(ready);
    more = mem_free() + MIB;
    p = map_much(more);
    touch_all(p, more);
    CHECK((status_of(big) & 127) == SIGKILL);
    CHECK(all_there(p, more));
    munmap(p, more);
}

/* --- who waits in the kernel, and cannot be woken --- */

static long cold_file;

/* Has much, and reads from a disk that takes its time. */
static void
holds_and_reads(int fd)
{
    char c;

    held_size = mem_free() / 10 * 6;
    held = map_much(held_size);
    touch_all(held, held_size);
    CHECK(write(fd, "", 1) == 1);
    (void)PREAD(cold_file, &c, 1, 0);
    _exit(9); /* it was not killed */
}

/* A disk is late by MS: is there memory before its reader has ended? */
static bool
memory_before_the_end(unsigned ms)
{
    uint64_t killed = stat_all("oomk");
    int ready, status;
    char knob[32], *p;
    size_t more;
    pid_t big;
    bool early;

    cold();
    snprintf(knob, sizeof(knob), "slow_io=%u", ms);
    set_knob(knob);
    big = start(holds_and_reads, &ready);
    wait_ready(ready);
    more = mem_free() + MIB;
    p = map_much(more);
    touch_all(p, more);
    early = waitpid(big, &status, WNOHANG) == 0;
    set_knob("slow_io=0");
    CHECK(all_there(p, more) && munmap(p, more) == 0);
    if (!early) /* the disk was faster than we */
        return false;
    CHECK(status_of(big) == SIGKILL && stat_all("oomk") == killed + 1);
    return true;
}

/* What it had is there for others before it can end. */
UTEST(row_98_a_blocked_victim_gives_its_memory)
{
    bool seen = false;

    enter_disk("98");
    cold_file = file_of("f", 1, PAGE);
    for (unsigned tries = 0; tries < 8 && !seen; tries++)
        seen = memory_before_the_end(tries < 4 ? 500u << tries : 8000);
    CHECK(seen);
    drop("f", cold_file);
    leave();
}

/* ... unless it may not. */
UTEST(row_98_who_may_not_end_stays)
{
    int ready, ready2;
    pid_t big = start(holds_and_stays, &ready), eater;

    wait_ready(ready);
    eater = start(eats, &ready2);
    wait_ready(ready2);
    CHECK((status_of(eater) & 127) == SIGKILL);
    CHECK(kill(big, SIGUSR1) == 0 && status_of(big) == 7 << 8);
}

UTEST(row_98_scores)
{
    char text[16];
    int fd = open("/proc/self/oom_score_adj", O_RDWR);

    CHECK(read(fd, text, sizeof(text)) == 2 && memcmp(text, "0\n", 2) == 0);
    CHECK(write(fd, "1001", 4) == -1 && errno == EINVAL);
    CHECK(write(fd, "x", 1) == -1 && errno == EINVAL);
    CHECK(write(fd, "-", 1) == -1 && errno == EINVAL);
    CHECK(write(fd, "500", 3) == 3);
    close(fd);
    fd = open("/proc/self/oom_score", O_RDONLY);
    CHECK(read(fd, text, sizeof(text)) == 4 && memcmp(text, "50", 2) == 0);
    close(fd);
}
