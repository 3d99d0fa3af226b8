#!/usr/bin/env python3
"""Does the file system keep its promises when the power of the machine fails?

A guest runs a script of file operations (lab-tests/user/l_fsops.c) on a small disk,
while QEMU records every write and flush.  Then the disk is made as a crash could
have left it (writelog.py): at every flush, and for samples of what lies between.
Each time fsck.sfs replays the journal and must find nothing wrong, and fsmodel.py
judges the files: all that was synced is there, and nothing that does not belong.
With --kill N, QEMU itself is killed at N random moments of a script.
With --rest N, N scripts end without any call that syncs, but with six seconds in
which nobody does anything; then QEMU is killed, and all must be there.

Prints operations x crash images x violations.  Exit status 1 if there is any.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crashimage  # noqa: E402
import fsmodel  # noqa: E402
import qemu  # noqa: E402
import writelog  # noqa: E402
from crashimage import SECTOR, Bad, mark_of  # noqa: E402

LAYOUT = crashimage.Layout(24576)       # 12 MiB
REST = 6000                     # milliseconds until all is on the disk by itself


def make_initrd(arg, path, lines, work):
    script = os.path.join(work, "script")
    with open(script, "w") as f:
        f.write("\n".join(lines) + "\n")
    argv = [sys.executable, os.path.join(os.path.dirname(__file__), "mkinitrd.py"),
            "-o", path, "/bin/l_fsops=" + os.path.join(arg.build, "bin", "l_fsops"),
            "/mnt/script=" + script]
    subprocess.run(argv, check=True)


def machine(arg, work, lines, log=None, **how):
    """A machine that runs LINES on a new disk, which is recorded in LOG."""
    disk, initrd = os.path.join(work, "disk"), os.path.join(work, "initrd")
    crashimage.make_disk(arg.build, disk, LAYOUT)
    make_initrd(arg, initrd, lines, work)
    m = qemu.Machine(**{**dict(
        kernel=os.path.join(arg.build, "Image"), initrd=initrd, mem="64M", smp=arg.smp,
        append="root=archive init=/bin/l_fsops run=/mnt/script,/dev/vda2,/dev/vda1"), **how})
    if log:
        open(log, "wb").close()
        m.recorded = disk, log
    else:
        m.disks = [disk]
    return m, disk


def check(arg, model, mark, fs, work):
    """Complaints about the file system in the file FS."""
    why = crashimage.unsound(arg.build, fs)
    if why:
        return [why]
    tree = os.path.join(work, "out")
    crashimage.extract(arg.build, fs, tree)
    return fsmodel.judge(model, mark, fsmodel.listing(tree))


def record(arg, lines, work):
    """Run LINES; returns (disk before, entries of the log)."""
    log = os.path.join(work, "log")
    m, disk = machine(arg, work, lines, log)
    with open(disk, "rb") as f:
        base = f.read()
    r = qemu.run(m, os.path.join(arg.build, "crashdisk", "run"))
    if r.exit_code() or ", done" not in r.text:
        raise Bad("the guest did not end well (%s %s): %s" % (r.how, r.note,
                                                              r.text.strip()[-300:]))
    return base, writelog.read_log(log)


def crash_all(arg, seed, work):
    """Record one script and judge every image; returns (lines, images, bad)."""
    lines = fsmodel.random_script(seed, arg.operations)
    model, bad, count = fsmodel.Model(lines), [], 0
    base, entries = record(arg, lines, work)
    fs = os.path.join(work, "crash.fs")
    for what, image in writelog.images(entries, base, seed, arg.samples):
        image.write(fs, *LAYOUT.fs)
        mark = mark_of(image.read(LAYOUT.marks[0]))
        for line in check(arg, model, mark, fs, work):
            bad.append("seed %d, %s, mark %d: %s" % (seed, what, mark, line))
        count += 1
    return len(lines), count, bad


def read_at(path, sector, count):
    with open(path, "rb") as f:
        f.seek(sector * SECTOR)
        return f.read(count * SECTOR)


def kill_at(m, disk, mark, delay):
    """Start M and kill it when MARK is on its disk, and a moment later."""
    argv = m.command(["-display", "none", "-monitor", "none", "-serial", "null"], None)
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while p.poll() is None and mark_of(read_at(disk, LAYOUT.marks[0], 1)) < mark:
            time.sleep(0.0005)
        time.sleep(delay)
    finally:
        qemu.kill(p)
        p.wait()


def kill_one(arg, work, lines, delay, mark=None, **how):
    """Kill QEMU DELAY after MARK, or a random one; returns complaints."""
    model, fs = fsmodel.Model(lines), os.path.join(work, "crash.fs")
    m, disk = machine(arg, work, lines, **how)
    kill_at(m, disk, mark or arg.rng.randint(1, max(model.marks)), delay)
    mark = mark_of(read_at(disk, LAYOUT.marks[0], 1))
    with open(fs, "wb") as f:
        f.write(read_at(disk, *LAYOUT.fs))
    return ["mark %d: %s" % (mark, line) for line in check(arg, model, mark, fs, work)]


def kill_some(arg, work):
    """Kill QEMU at random moments; returns (lines, kills, bad)."""
    bad, count = [], 0
    for k in range(arg.kill):
        lines = fsmodel.random_script(arg.seed * 1000 + k, arg.operations)
        for line in kill_one(arg, work, lines, arg.rng.uniform(0, 0.01)):
            bad.append("kill %d, %s" % (k, line))
        count += len(lines)
    return count, arg.kill, bad


def kill_rested(arg, work):
    """Kill QEMU when it had REST milliseconds to itself; returns (lines, kills, bad).

    On one hart whose time is that of its instructions and of its disk, so that it
    does not matter how busy this computer is."""
    bad, count = [], 0
    for k in range(arg.rest):
        lines = fsmodel.resting_script(arg.seed * 1000 + k, arg.operations, REST)
        for line in kill_one(arg, work, lines, 0, mark=1, mode="icount", smp=1):
            bad.append("rest %d, %s" % (k, line))
        count += len(lines)
    return count, arg.rest, bad


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--seed", type=int, default=1, help="of the first script")
    ap.add_argument("--scripts", type=int, default=1)
    ap.add_argument("--operations", type=int, default=80, help="of a script")
    ap.add_argument("--samples", type=int, default=3, help="between two flushes")
    ap.add_argument("--smp", type=int, default=2)
    ap.add_argument("--kill", type=int, default=0, help="kill QEMU so often, too")
    ap.add_argument("--rest", type=int, default=0,
                    help="... and so often after %d ms of nothing" % REST)
    arg = ap.parse_args()
    arg.rng = random.Random(arg.seed)
    qemu.stop_on_term()
    rows, bad = [], []
    with tempfile.TemporaryDirectory(dir=crashimage.scratch(arg.build)) as work:
        for seed in range(arg.seed, arg.seed + arg.scripts):
            rows.append(("script %d" % seed, *crash_all(arg, seed, work)))
        if arg.kill:
            rows.append(("kills", *kill_some(arg, work)))
        if arg.rest:
            rows.append(("rests", *kill_rested(arg, work)))
    print("%-12s %10s %8s %12s" % ("", "operations", "images", "violations"))
    for name, lines, count, found in rows:
        print("%-12s %10d %8d %12d" % (name, lines, count, len(found)))
        bad += found
    print("%-12s %10d %8d %12d" % ("all", sum(r[1] for r in rows),
                                   sum(r[2] for r in rows), len(bad)))
    for line in bad[:20]:
        print("  " + line)
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Bad, OSError, writelog.BadLog) as e:
        sys.exit("crashdisk: %s" % e)
    except KeyboardInterrupt:
        qemu.stop_all()
        sys.exit(130)
