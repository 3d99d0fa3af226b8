"""How much a process has done: for telling a machine that hangs from one that waits for
its turn on a busy computer.

    ran      seconds of a processor that its threads had
    queued   seconds that they were ready and had none
    slept    the rest of the time: nobody had anything to do

A machine on counted instructions that says nothing while it runs for PATIENCE seconds
goes round for ever (a scenario says something after a tenth of a second at the latest);
one that sleeps so long has nothing left to wait for.  Both are counted in what the
process got, so another program's load changes neither."""
import os
import time

PATIENCE = 4.0      # seconds


def times(pid):
    """{thread: (ran, queued)} of PID; None where nothing says it."""
    out = {}
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            try:
                with open("/proc/%d/task/%s/schedstat" % (pid, task)) as f:
                    words = f.read().split()
                out[task] = int(words[0]) / 1e9, int(words[1]) / 1e9
            except OSError:
                continue        # a thread that ended
    except (OSError, ValueError, IndexError):
        return None
    return out or None


class Meter:
    """Of one process, since it last said something."""

    def __init__(self, pid):
        self.pid = pid
        self.begin()

    def begin(self):
        self.start, self.first = time.monotonic(), times(self.pid)

    def stuck(self, patience):
        """What it does instead of going on; None: it may still go on.  PATIENCE: how
        long it may run and how long it may sleep, in seconds, each None for any time;
        None: no limit yet."""
        if patience is None:
            self.begin()
            return None
        now = times(self.pid)
        if not self.first or not now:
            return None
        ran = queued = 0
        for task, (r, q) in now.items():
            before = self.first.get(task, (0, 0))
            ran, queued = ran + r - before[0], queued + q - before[1]
        slept = time.monotonic() - self.start - ran - queued
        if patience[0] is not None and ran > patience[0]:
            return "it ran for %.0f s and said nothing" % ran
        if patience[1] is not None and slept > patience[1]:
            return "it slept for %.0f s: nothing will wake it" % slept
        return None
