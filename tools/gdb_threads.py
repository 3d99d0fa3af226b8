"""A command for gdb: "threads" says where every hart and every thread is.

    (gdb) source tools/gdb_threads.py
    (gdb) threads               all of them
    (gdb) threads swap          those whose name has that

A thread that does not run has its registers in t->ctx; from there the frame
pointers lead up, as in kern/debug/backtrace.c.  What runs is on a hart, and
there gdb itself knows.  tools/qemu.py runs this by itself when a machine hangs.
"""
import gdb

FRAMES = 24
STATES = ("new", "ready", "running", "blocked", "dead")


def all_threads():
    """Every struct thread, in the order they were made."""
    kind = gdb.lookup_type("struct thread")
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == "all_link")
    head = gdb.lookup_static_symbol("all_threads").value()
    at, seen = head["next"], set()
    while int(at) != int(head.address) and int(at) not in seen:
        seen.add(int(at))
        yield gdb.Value(int(at) - offset).cast(kind.pointer()).dereference()
        at = at["next"]


def place(pc):
    """FUNCTION FILE:LINE of an address."""
    line = gdb.find_pc_line(pc)
    block = gdb.block_for_pc(pc)
    while block is not None and block.function is None:
        block = block.superblock
    name = block.function.name if block is not None else "?"
    return "%s %s:%d" % (name, line.symtab.filename if line.symtab else "?", line.line)


def sleeping(t):
    """The calls a thread that does not run is in, the innermost first."""
    word = gdb.lookup_type("unsigned long").pointer()
    pc, fp = int(t["ctx"]["ra"]), int(t["ctx"]["s"][0])
    bottom = int(t["kstack"])
    top = int(t["tcb"]["kstack_top"])
    for _ in range(FRAMES):
        yield place(pc - 2)
        if fp % 8 or not bottom < fp <= top:
            return
        frame = gdb.Value(fp).cast(word)
        pc, fp = int(frame[-1]), int(frame[-2])
        if fp == 0:     # where the thread began
            return


class Threads(gdb.Command):
    """threads [WORD]: where every hart is, and every thread (whose name has WORD)."""

    def __init__(self):
        super().__init__("threads", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        gdb.execute("thread apply all -s bt %d" % FRAMES)
        for t in all_threads():
            name = t["name"].string()
            if argument not in name:
                continue
            state = int(t["state"])
            print("\nthread %d %s, %s, hart %d" % (
                int(t["tid"]), name,
                STATES[state] if state < len(STATES) else state, int(t["rq_cpu"])))
            if state != STATES.index("running"):
                for n, line in enumerate(sleeping(t)):
                    print("  #%-2d %s" % (n, line))


Threads()
