"""Scenarios on other machines than they ask for; what is expected stays the same.

What a machine is to be like is a boot argument, an option of QEMU, or played
(playboard.py).  A typing error must not silently test the plain machine: where the kernel
says something of itself at boot, it must have said it.
"""
import os
import re

import backports
import playboard

ACROSS = 128    # megabytes around 4 GiB, at least
SAYS = {        # boot argument: what the console shows then
    "mmu=sv39": r"\n  Sv39, ", "mmu=sv48": r"\n  Sv48, ", "mmu=sv57": r"\n  Sv57, ",
    "adsim=1": r"\n  A and D by software", "asid=0": r"\n  0 of \d+ ASID bits are used",
    "timer=sbi": r"\n  timer by the firmware",
    "sbi=0.3": r"\n  the firmware plays 0.3: DBCN no, switching off no",
    "sbi=no-dbcn": r"\n  the firmware plays no-dbcn: DBCN no, ",
    "sbi=no-srst": r"\n  the firmware plays no-srst: .* switching off no",
    "uart=none": r"no known uart; the console is the firmware's"}


def options(ap):
    """Of tools/grade.py."""
    ap.add_argument("--boot", default="", help="more boot arguments on all machines")
    ap.add_argument("--harts", type=int, default=1, help="at least so many on all machines")
    ap.add_argument("--memory", type=int, help="megabytes of all machines")
    ap.add_argument("--cpu", help="of all machines: QEMU's -cpu")
    ap.add_argument("--newer", action="store_true",
                    help="a newer QEMU and firmware (backports.py), if they can be had")
    ap.add_argument("--boot-hart", type=int, default=0,
                    help="the hart on which all kernels begin")
    ap.add_argument("--across", action="store_true", help="RAM lies around 4 GiB")


def is_other(arg):
    """Is any of the options there?"""
    return bool(arg.boot or arg.harts > 1 or arg.memory or arg.cpu or arg.newer or
                arg.boot_hart or arg.across)


def elsewhere(cases, arg):
    """Those of CASES that run on the machine asked for.  What a scenario asks for itself it
    gets.  Those that the kernel runs are for one machine, whose numbers they know, and end
    before it says what it is like."""
    if not is_other(arg):
        return cases
    cases = [c for c in cases if not c.kernel()]
    for scn in (c.scn for c in cases if c.verdict is None):
        own = {w.split("=")[0] for w in scn["boot"].split()}
        more = [w for w in arg.boot.split() if w.split("=")[0] not in own]
        scn["boot"] = " ".join(scn["boot"].split() + more)
        scn["harts"] = max(scn["harts"], arg.harts)
        scn["memory"] = arg.memory or scn["memory"]
        if arg.across:
            scn["memory"] = max(scn["memory"], ACROSS)
    return cases


def look_for(arg):
    """The newer QEMU, if it is wanted; raises OSError."""
    if arg.newer:
        try:
            arg.newer = backports.obtain(os.path.join(arg.build, "backports"))
        except backports.Skip as e:
            raise OSError("skipped: %s" % e)


def change(m, arg, work):
    """The qemu.Machine M, as it is to be."""
    m.cpu = arg.cpu or m.cpu
    if arg.newer:
        m.qemu, m.data, m.bios = (arg.newer[n] for n in ("qemu", "data", "bios"))
    if arg.boot_hart:           # one more hart, which is not used if it need not be
        m.append += " harts=%d" % m.smp
        m.smp, m.mode = max(m.smp, arg.boot_hart + 1), "mttcg"
    if arg.across:
        playboard.across(m, work)
    if arg.boot_hart:
        playboard.start_on(m, arg.boot_hart, work)


def doubt(m, arg, text):
    """Why the machine that printed TEXT is not the one that was asked for; None: it is.
    A scenario's own words are its own affair: not every machine has Sv48."""
    says = [SAYS[w] for w in m.append.split() if w in SAYS and w in arg.boot.split()]
    if "sstc=off" in (m.cpu or ""):
        says.append(SAYS["timer=sbi"])
    if m.kernel.endswith(".hop"):
        says.append(r"\n  boot hart [1-9]")
    missing = [s for s in says if not re.search(s, text)]
    return "the machine does not say %r" % missing[0] if missing else None
