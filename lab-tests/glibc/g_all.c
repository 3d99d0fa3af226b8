/* g_all.c: what programs with a foreign C library (glibc) ask of the kernel: a plain
 * POSIX program, linked statically, position-independent and dynamically, by
 * make ktest ROW=glibc.  It runs on any Linux, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int npassed, nfailed;

static void
check(int ok, const char *what, int line)
{
    if (ok) {
        npassed++;
    } else {
        nfailed++;
        printf("glibc: line %d: %s (%s)\n", line, what, strerror(errno));
    }
}
#define CHECK(x) check((x), #x, __LINE__)

/* --- start-up, memory, numbers --- */

static __thread int per_thread = 7;
static int constructed;

__attribute__((constructor)) static void
construct(void)
{
    constructed = 1;
}

static int
by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void
memory(void)
{
    enum { N = 5000 };
    static int v[N];
    char *p[200], *big, text[64];
    FILE *f;

    CHECK(constructed && per_thread == 7);
    for (int i = 0; i < 200; i++) {
        p[i] = malloc((size_t)i * 97 + 1);
        memset(p[i], i, (size_t)i * 97 + 1);
    }
    for (int i = 0; i < 200; i += 2)
        free(p[i]);
    for (int i = 1; i < 200; i += 2) {
        CHECK(p[i][i * 97] == (char)i);
        free(p[i]);
    }
    big = malloc(1 << 20);
    memset(big, 1, 1 << 20);
    big = realloc(big, 8 << 20); /* mremap */
    CHECK(big != NULL && big[(1 << 20) - 1] == 1);
    free(big);
    for (int i = 0; i < N; i++)
        v[i] = (int)((unsigned)i * 7919u % 10007u);
    qsort(v, N, sizeof(v[0]), by_value);
    for (int i = 1; i < N; i++)
        CHECK(v[i - 1] <= v[i]);
    snprintf(text, sizeof(text), "%.3f %g %lld", M_PI, 1e100, 1ll << 60);
    CHECK(strcmp(text, "3.142 1e+100 1152921504606846976") == 0);
    CHECK(strtod("2.5e3", NULL) == 2500.0);
    f = tmpfile();
    if (f != NULL)
        fclose(f);
    f = fopen("/proc/self/maps", "r");
    CHECK(f != NULL);
    if (f != NULL) {
        char *line = NULL;
        size_t room = 0;
        int lines = 0;

        while (getline(&line, &room, f) > 0)
            lines++;
        CHECK(lines > 3);
        free(line);
        fclose(f);
    }
}

/* --- processes --- */

static void
processes(void)
{
    char *argv[] = {"g", "child", "a b", NULL};
    extern char **environ;
    int status, fd[2];
    char text[64] = "";
    FILE *f;
    pid_t pid;

    CHECK(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 33);
    CHECK(pipe(fd) == 0);
    pid = fork();
    if (pid == 0) {
        dup2(fd[1], 1);
        printf("from the child");
        fflush(stdout);
        _exit(4);
    }
    close(fd[1]);
    CHECK(read(fd[0], text, sizeof(text)) == 14);
    CHECK(strcmp(text, "from the child") == 0);
    close(fd[0]);
    CHECK(wait(&status) == pid && WEXITSTATUS(status) == 4);
    pid = fork();
    if (pid == 0)
        abort();
    CHECK(wait(&status) == pid && WTERMSIG(status) == SIGABRT);
    CHECK(system("exit 5") == 5 << 8);
    f = popen("echo piped", "r");
    CHECK(f != NULL && fgets(text, sizeof(text), f) != NULL);
    CHECK(strcmp(text, "piped\n") == 0 && pclose(f) == 0);
}

/* --- threads --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static long sum;
static int turn;

static void *
adds(void *arg)
{
    per_thread = (int)(intptr_t)arg;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        sum++;
        pthread_mutex_unlock(&mutex);
    }
    sem_post(&sem);
    return (void *)(intptr_t)per_thread;
}

static void *
answers(void *arg)
{
    pthread_mutex_lock(&mutex);
    while (turn != 1)
        pthread_cond_wait(&cond, &mutex);
    turn = 2;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static void *
sleeps(void *arg)
{
    for (;;)
        sleep(100);
    return arg;
}

static void
threads(void)
{
    struct timespec soon;
    pthread_t t[8];
    void *r;

    sem_init(&sem, 0, 0);
    for (intptr_t i = 0; i < 8; i++)
        CHECK(pthread_create(&t[i], NULL, adds, (void *)i) == 0);
    for (int i = 0; i < 8; i++)
        sem_wait(&sem);
    for (intptr_t i = 0; i < 8; i++)
        CHECK(pthread_join(t[i], &r) == 0 && r == (void *)i);
    CHECK(sum == 16000 && per_thread == 7);
    CHECK(pthread_create(&t[0], NULL, answers, NULL) == 0);
    pthread_mutex_lock(&mutex);
    turn = 1;
    pthread_cond_broadcast(&cond);
    while (turn != 2)
        pthread_cond_wait(&cond, &mutex);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 5000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    CHECK(pthread_cond_timedwait(&cond, &mutex, &soon) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    CHECK(pthread_join(t[0], NULL) == 0);
    CHECK(pthread_create(&t[0], NULL, sleeps, NULL) == 0);
    CHECK(pthread_cancel(t[0]) == 0);
    CHECK(pthread_join(t[0], &r) == 0 && r == PTHREAD_CANCELED);
}

/* --- signals and time --- */

static volatile sig_atomic_t got, got_value;
static sigjmp_buf env;

static void
on_signal(int signo, siginfo_t *info, void *uc)
{
    got = signo;
    got_value = info->si_value.sival_int;
}

static void
on_segv(int signo)
{
    siglongjmp(env, 1);
}

static void
signals(void)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    struct itimerval it = {.it_value = {.tv_usec = 5000}};
    struct itimerspec its = {.it_value = {.tv_nsec = 5000000}};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct timespec second = {1, 0};
    volatile uintptr_t nowhere = 8;
    sigset_t set, old;
    timer_t timer;
    siginfo_t info;

    CHECK(sigaction(SIGUSR1, &act, NULL) == 0);
    CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 42}) == 0);
    CHECK(got == SIGUSR1 && got_value == 42);
    CHECK(sigaction(SIGALRM, &act, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
    CHECK(nanosleep(&second, NULL) == -1 && errno == EINTR && got == SIGALRM);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    CHECK(timer_create(CLOCK_MONOTONIC, &ev, &timer) == 0);
    CHECK(timer_settime(timer, 0, &its, NULL) == 0);
    CHECK(sigwaitinfo(&set, &info) == SIGUSR2 && info.si_code == SI_TIMER);
    CHECK(timer_delete(timer) == 0);
    signal(SIGSEGV, on_segv);
    if (sigsetjmp(env, 1) == 0) {
        *(volatile int *)nowhere = 1;
        CHECK(0);
    }
    CHECK(raise(SIGUSR1) == 0 && got == SIGUSR1);
}

/* --- the rest --- */

static void
others(void)
{
    struct pollfd p = {.fd = -1};
    struct rlimit l;
    struct utsname u;
    struct rusage usage;
    struct tms tms;
    struct termios t;
    struct timeval tv = {0, 1000};
    cpu_set_t cpus;
    char name[64];
    void *page;

    CHECK(poll(&p, 1, 5) == 0 && select(0, NULL, NULL, NULL, &tv) == 0);
    CHECK(getrlimit(RLIMIT_STACK, &l) == 0 && l.rlim_cur >= 1 << 20);
    CHECK(uname(&u) == 0 && strcmp(u.machine, "riscv64") == 0);
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_minflt > 0);
    CHECK(times(&tms) != (clock_t)-1);
    CHECK(sched_getaffinity(0, sizeof(cpus), &cpus) == 0);
    CHECK(CPU_COUNT(&cpus) >= 1 && sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    CHECK(sysconf(_SC_PAGESIZE) == 4096);
    CHECK(getcwd(name, sizeof(name)) != NULL && name[0] == '/');
    CHECK(tcgetattr(0, &t) == 0 && (t.c_lflag & ICANON));
    CHECK(tcsetattr(0, TCSADRAIN, &t) == 0);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    CHECK(page != MAP_FAILED && munmap(page, 4096) == 0);
    CHECK(time(NULL) >= 0 && clock() >= 0);
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "child") == 0)
        return strcmp(argv[2], "a b") == 0 ? 33 : 1;
    memory();
    processes();
    threads();
    signals();
    others();
    printf("glibc: %d passed, %d failed\n", npassed, nfailed);
    return nfailed != 0;
}
