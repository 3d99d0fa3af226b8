#!/usr/bin/env python3
"""A machine that hangs says where it is.  The one that hangs here waits for somebody to
type: its harts idle, its threads sleep, and all must be found."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))
sys.dont_write_bytecode = True
import qemu  # noqa: E402

BUILD = os.path.join(TOP, "build")
counts = [0, 0]


def check(name, ok, text=""):
    counts[not ok] += 1
    print("ok " + name if ok else "FAIL %s\n%s" % (name, text))


def main():
    if not any(shutil.which(d) for d in qemu.DEBUGGERS):
        print("no debugger is installed\ntest_hang: 0 passed, 0 failed, 1 skipped")
        return 0
    subprocess.run(["make", "-s", "-C", TOP, "B=build", "build/Image"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "row")
        r = qemu.run(qemu.Machine(kernel=os.path.join(BUILD, "Image"), smp=2,
                                  elf=os.path.join(BUILD, "kernel.elf")), log, silence=4)
        check("it_is_a_hang", r.how == "hang", r.text)
        check("it_says_where_to_look", log + ".hang" in r.note, r.note)
        with open(log + ".hang", encoding="utf-8", errors="replace") as f:
            text = f.read()
        harts = re.findall(r"^#\d.* sched_idle_loop ", text, re.M)
        check("both_harts", len(harts) == 2, text)
        flusher = re.search(r"^thread \d+ flusher, blocked.*\n(  #.*\n)+", text, re.M)
        check("a_thread_that_sleeps", flusher and "kern/mm/flusher.c:" in flusher.group(0)
              and flusher.group(0).rstrip().splitlines()[-1].split()[1] == "thread_begin", text)
        check("nothing_is_left", sorted(os.listdir(folder)) ==
              ["row.console", "row.events", "row.hang"], os.listdir(folder))
    print("test_hang: %d passed, %d failed" % tuple(counts))
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
