#!/usr/bin/env python3
"""A machine that hangs is told from one that must wait for its turn.

Small programs stand in for QEMU: one goes round for ever, one sleeps, one sleeps with
something to say now and then, one has a processor that others keep busy."""
import os
import subprocess
import sys
import tempfile
import time

from hostcheck import check, over
import qemu
import qemu_meter

LIMIT = 0.4
PROGRAMS = {
    "round": "while True: pass",
    "sleeps": "time.sleep(1000)",
    "talks": "[(print(i, flush=True), time.sleep(0.1)) for i in range(12)]",
    "works": "[(print(i, flush=True), sum(range(10**6))) for i in range(20)]",
    "threads": "[threading.Thread(target=sum, args=(range(4*10**5),)).start() or "
               "print(i, flush=True) or time.sleep(0.1) for i in range(10)]",
}


class Fake(qemu.Machine):
    """Runs a program instead of a machine."""

    def __init__(self, text, **fields):
        super().__init__(**fields)
        self.text = text

    def command(self, console, events):
        return [sys.executable, "-c", "import threading, time\nprint('begin', flush=True)\n"
                + self.text]


def ends(name, patience=lambda: (LIMIT, LIMIT), silence=60):
    with tempfile.TemporaryDirectory() as where:
        r = qemu.run(Fake(PROGRAMS[name]), os.path.join(where, "run"), silence=silence,
                     patience=patience)
    return r.how, r.note.split(" for ")[0]


check("one_that_goes_round", ends("round"), ("hang", "it ran"))
check("one_that_sleeps", ends("sleeps"), ("hang", "it slept"))
check("one_that_talks", ends("talks"), ("exit", ""))
check("one_that_works_and_talks", ends("works"), ("exit", ""))
check("threads_that_end", ends("threads"), ("exit", ""))
check("no_limit_now", ends("round", lambda: None, 1), ("hang", "no output"))
check("no_limit_of_work", ends("round", lambda: (None, LIMIT), 1), ("hang", "no output"))
check("none_at_all", ends("sleeps", None, 1), ("hang", "no output"))

# Stopped from outside it neither runs nor waits for a processor: that is sleep.  Ready and
# not let run it is not: the numbers of the kernel say which.
p = subprocess.Popen([sys.executable, "-c", PROGRAMS["round"]])
first = qemu_meter.times(p.pid)
time.sleep(0.3)
later = qemu_meter.times(p.pid)
p.kill()
p.wait()
if first is None:
    print("SKIP what_is_counted: this system does not say who waits for a processor")
else:
    grown = sum(sum(later[t]) - sum(first.get(t, (0, 0))) for t in later)
    check("what_is_counted", grown > 0.1)
check("nobody_there", qemu_meter.times(p.pid), None)
over()
