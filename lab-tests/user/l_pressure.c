/* l_pressure.c: programs use three times the memory there is, and nothing they know
 * is lost.  rounds=N: thousands of accesses of each process. */
#include "lib/pressure.h"

UTEST(pressure)
{
    pid_t pid[PRESSURE_PROCS];
    uint64_t in = stat_all("swpin"), out = stat_all("swpout");
    unsigned bad = 0;

    pressure_start(pid, PRESSURE_SIZE, utest_rounds);
    for (unsigned i = 0; i < PRESSURE_PROCS; i++) {
        int status = -1;

        CHECK(waitpid(pid[i], &status, 0) == pid[i]);
        bad += status != 0;
    }
    in = stat_all("swpin") - in;
    out = stat_all("swpout") - out;
    dprintf(2, "pressure: %u processes wrong, %lu pages in, %lu out\n", bad, in,
            out);
    CHECK(bad == 0);
    /* It was a pressure. */
    CHECK(in > PRESSURE_SIZE / PAGE && out > PRESSURE_SIZE / PAGE);
}
