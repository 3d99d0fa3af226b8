"""The host looks for itself: page tables, read through QEMU's debug stub.

Everything else that is known of a run the kernel said.  So each machine stops once, at a
step that SEED picks: the process that is about to do it calls scenario_stop() in the
kernel, where a breakpoint waits; QEMU walks the tables that satp points to then, and what
it finds is held against what the kernel reported of this process after the step before."""
import os
import random
import re
import threading
import time

import gdbstub

STOP = "scenario_stop"
PAGE = 4096
LINE = re.compile(r"^([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) ([-rwxugad]+)", re.M)
CELL = re.compile(r"[RWfF]\S|\S")
# Steps of scenarios in which a process is idle whenever it is told to do one.
ALONE = set("map unmap protect advise read write load store fetch file get put truncate "
            "sync close unlink fork exit die expect".split())


class Look:
    """One stop of one machine.  MAP: {page: (frame, rights)}, or None: it did not stop."""

    def __init__(self, number, step, address, path):
        self.number, self.step, self.address, self.path = number, step, address, path
        self.map = self.stub = None
        self.released = False       # somebody else talks to the stub now
        self.thread = threading.Thread(target=self.run, daemon=True)

    def arguments(self):
        """Of QEMU."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        return ["-chardev", "socket,path=%s,server=on,wait=off,id=gdb0" % self.path,
                "-gdb", "chardev:gdb0", "-S"]

    def run(self):
        try:
            stub = self.stub = self.connect()
            stub.ask("Z1,%x,4" % self.address)
            if stub.ask("c").startswith("T"):
                self.map = read_map(stub.monitor("info mem"))
                stub.ask("z1,%x,4" % self.address)
            stub.say("D")
            stub.close()
        except OSError:
            pass        # it ended before: nothing was seen

    def release(self):
        """The machine hangs, and where is asked by somebody else: QEMU talks to one at a
        time, and we may still wait for the breakpoint."""
        self.released = True
        if self.stub is not None:
            self.stub.close()
        self.thread.join(5)

    def connect(self):
        end = time.monotonic() + 30
        while True:
            try:
                return gdbstub.Stub(self.path)
            except OSError:
                if self.released or time.monotonic() > end:
                    raise
                time.sleep(0.02)


def read_map(text):
    """What "info mem" prints, page by page."""
    out = {}
    for va, pa, size, rights in LINE.findall(text):
        va, pa, size = int(va, 16), int(pa, 16), int(size, 16)
        if va < 1 << 63 and "u" in rights:
            for n in range(0, size, PAGE):
                out[va + n] = pa + n, rights
    return out


def choose(cases, arg, number, elf, path):
    """A Look at one of CASES, which share a machine; None: there is nothing to see."""
    some = [c for c in cases if not c.kernel() and len(c.expected) > 1 and
            c.scn["harts"] == 1 and
            all(s["op"] in ALONE for s in c.scn["steps"])]
    address = gdbstub.Symbols(elf).address(STOP) if some and os.path.exists(elf) else None
    if address is None or len(os.path.abspath(path)) > 100:
        return None
    draw = random.Random("%s %d" % (arg.seed, number))
    case = draw.choice(some)
    return Look(case.number, draw.choice(case.expected[1:])[0], address,
                os.path.abspath(path))


def compare(case, look):
    """[text]: where the tables are not as the kernel said."""
    step, out, frames, cells = case.scn["steps"][look.step], [], {}, {}
    who = case.scn["procs"][step["proc"]]
    for i, _ in case.expected:
        if i >= look.step or i not in case.story.steps:
            break
        cells.update(case.story.steps[i].cells)
    for area in case.scn["areas"]:
        for n, cell in enumerate(CELL.findall(cells.get((who, area["name"]), ""))):
            frame, rights = look.map.get(area["base"] + n * PAGE, (None, ""))
            where = "%s[%d] of %s" % (area["name"], n, who)
            if (frame is None) != (cell in "-.ps"):
                out.append("%s: the kernel said %s, the table has %s" % (
                    where, cell, "nothing" if frame is None else "frame %x" % frame))
            elif frame is not None and ("w" in rights) != (cell[0] in "WF"):
                out.append("%s: the kernel said %s, the entry is %s" % (where, cell, rights))
            elif frame is not None and cell[-1] != "?" and \
                    frames.setdefault(cell[1:], frame) != frame:
                out.append("%s: the kernel said %s, but it is another frame" % (where, cell))
    if len(set(frames.values())) != len(frames):
        out.append("one frame has several names")
    return out
