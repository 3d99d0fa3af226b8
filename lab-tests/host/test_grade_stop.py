#!/usr/bin/env python3
"""When grading ends early: kernels that say nothing at all, and somebody who stops it."""
import argparse
import contextlib
import io
import os
import signal
import threading

from hostcheck import check, over
import grade_batch
import grade_judge
import qemu


class Case:
    def __init__(self, name, harts=1):
        self.name, self.image, self.scn = name, "Image", {"harts": harts, "hints": []}
        self.verdict, self.notes, self.panic, self.story = None, [], [], None
        self.expected, self.path, self.where_it_is = [], name, []

    @staticmethod
    def kernel():
        return False

    @staticmethod
    def lab():
        return 4

    def judge(self, story):
        self.story = story
        self.verdict = grade_judge.Verdict("PASS", [], None, None, None)


ARG = argparse.Namespace(build="build", deaths=3, jobs=2)


def silent(hows, some):
    """HOWS: how each batch's machine ended, one case each.  [words], boots."""
    mute, boots = grade_batch.Mute(), []
    for n, case in enumerate(some):
        batch = grade_batch.Batch(n, [case], ARG, mute)

        def boot(skip, _, n=n, case=case):
            boots.append(n)
            channel, result = grade_judge.Channel((1, 2)), qemu.Result()
            if hows[n] == "ran":
                for line in ("start " + case.name, "end 0 0 0 0 0", "done 1"):
                    channel.line(line)
            result.how = "exit" if hows[n] == "ran" else hows[n]
            return channel, result.finish()
        batch.initrd, batch.boot = lambda: None, boot
        batch.look_at_disk = lambda case: None
        batch.run()
    return [c.verdict.word for c in some], len(boots)


def unbegun():
    """A kernel that runs no step is told what its lab needs, not what a scenario shows."""
    import grade_hints
    case = Case("c")
    case.scn["hints"] = [{"text": "about this scenario"}, {"text": "[hang] this, too"}]
    case.scn["steps"], case.scn["areas"] = [], []
    grade_batch.Batch.stop([case], "HANG", "the machine ended before the first step", None)
    check("no_scenario_knows", [h[:29] for h in grade_hints.hints(case)],
          ["No program gets far enough to"])
    case.panic = ["panic: assertion failed: mm->map_count == 0", "  in mm_free"]
    check("the_panic_does", "map_count" in grade_hints.hints(case)[0], True)


def mute():
    check("three_hangs_are_enough", silent(["hang"] * 6, [Case("c%d" % n) for n in range(6)]),
          (["HANG"] * 3 + ["BLOCKED"] * 3, 3))
    check("crashes_are_cheap", silent(["exit"] * 5, [Case("c%d" % n) for n in range(5)]),
          (["CRASH"] * 5, 5))
    check("only_in_a_row", silent(["hang", "hang", "ran", "hang", "hang"],
                                  [Case("c%d" % n) for n in range(5)]),
          (["HANG", "HANG", "PASS", "HANG", "HANG"], 5))
    check("other_harts_are_tried", silent(["hang"] * 3 + ["ran"],
                                          [Case("c%d" % n, 1 + n // 3) for n in range(4)]),
          (["HANG"] * 3 + ["PASS"], 4))


class Fake:
    """A batch that is done at once, or when it is stopped."""

    def __init__(self, case, end):
        self.case, self.end = case, end

    def run(self):
        if self.case.name == "quick":
            self.case.judge(None)
        else:
            self.end.wait(20)
        return [self.case]


def stopped(number):
    """What run_all() raises and prints when signal NUMBER comes, more than once."""
    end, some, said = threading.Event(), [Case("quick"), Case("long")], io.StringIO()
    was = grade_batch.batches, qemu.stop_all
    grade_batch.batches = lambda cases, arg: [Fake(c, end) for c in cases]
    qemu.stop_all = end.set

    def strike():
        for _ in range(100):
            if some[0].verdict is not None:
                break
            end.wait(0.05)
        for _ in range(20):
            os.kill(os.getpid(), number)
            end.wait(0.001)
    killer = threading.Thread(target=strike)
    try:
        with contextlib.redirect_stdout(said):
            # What comes when it has left is not this test's matter.
            old = signal.signal(number, lambda *_: None)
            killer.start()
            grade_batch.run_all(some, ARG)
        raised = None
    except (SystemExit, KeyboardInterrupt) as e:
        raised = getattr(e, "code", "interrupt")
    finally:
        killer.join()
        signal.signal(number, old)
        grade_batch.batches, qemu.stop_all = was
    return raised, [s for s in said.getvalue().splitlines() if s.startswith("stopped")]


def signals():
    line = ["stopped: 1 of 2 scenarios were run, 1 passed"]
    for _ in range(5):
        check("sigterm", stopped(signal.SIGTERM), (143, line))
        check("ctrl_c", stopped(signal.SIGINT), ("interrupt", line))
    check("handlers_are_back", signal.getsignal(signal.SIGTERM), signal.SIG_DFL)


unbegun()
mute()
signals()
over()
