#!/usr/bin/env python3
"""Which panic belongs to which step, what is shown of a console, and what hints make of it."""
import types

from hostcheck import check, over
import grade_console
import grade_hints_kernel
import grade_report
from grade_judge import Step, Story, Verdict


def report(what, *names):
    frames = ["  #%d  0xffffffff80020000 %s+0x10" % (n, f) for n, f in enumerate(names)]
    return "\npanic: %s\n  at kern/mm/pmm.c:1, hart 0 (logical 0)\nbacktrace:\n%s\n" % (
        what, "\n".join(frames))


TEXT = "OpenSBI v1.1\nBoot HART MEDELEG  : 0xf0b509\nscenario lab2/a\n" + \
    report("one", "block_unclaim", "give", "buddy_step", "scn_catch") + \
    report("two", "block_unclaim", "give", "buddy_look") + \
    "scenario lab2/b\n" + report("three", "buddy_put", "free_pages", "kern_init")


def judged(step, word, expected, got, results, name="lab2/a", end=None):
    story = Story(name)
    story.steps = {n: Step(r, {}, None) for n, r in enumerate(results)}
    story.end = end
    v = Verdict(word, [], step, Step(expected, {}, None), got and Step(got, {}, None))
    return grade_console.of_step(v, story, TEXT)


def which():
    first = ["panic: one", "  in block_unclaim, called by give"]
    check("first_panic", judged(0, "FAIL", "ok", "panic", ["panic"]), first)
    check("behind_an_expected_one", judged(1, "FAIL", "ok", "broken", ["panic", "broken"])[0],
          "panic: two")
    check("what_should_be_is_not_told", judged(0, "FAIL", "panic", "panic", ["panic"]), [])
    check("no_panic_no_report", judged(1, "FAIL", "at:0", "none", ["panic", "none"]), [])
    check("of_the_right_scenario", judged(0, "CRASH", "ok", "", [], "lab2/b")[0],
          "panic: three")
    check("passed", judged(0, "PASS", "ok", "panic", ["panic"]), [])


def shown():
    check("no_firmware", grade_console.own_lines(TEXT)[0], "scenario lab2/a")
    check("nothing_printed", grade_console.tail(TEXT.split("scenario")[0]),
          ["(nothing by the kernel)"])
    long = report("much", "f") + "x\n" * 50
    check("the_panic_stays", grade_console.tail(long)[0], "panic: much")
    check("least", grade_console.tail("a\nb\n"), ["a", "b"])


def hint(panic, **more):
    d = types.SimpleNamespace(**{**dict(
        word="FAIL", panic=panic, want="ok", got="broken", op="start", what={}, left="",
        ops=set(), step={}, console="", more=lambda *n: False, less=lambda *n: False), **more})
    return grade_hints_kernel.rule(2, d)[:11]


def hints():
    said = "panic: free_pages: pfn 0x86000 order %d is bad (flags %s, ref %d, users %s)"
    check("head_without_order", hint(said % (3, "0x10", 1, "0")), "block_claim")
    check("head_without_ref", hint(said % (3, "0x3000010", 0, "0")), "block_claim")
    check("head_is_right", hint(said % (3, "0x3000010", 1, "0")), "free_fault:")
    check("owners_bits_are_right", hint(said % (0, "0xc00", 1, "0")), "free_fault:")
    check("never_written", hint(said % (0, "0", 1, "0xa5a5a5a5a5a5a5a5")), "This descri")
    check("tail", hint("panic: free_pages: frame 0x1+1, order 3: flags 0x3000020, users 0"), "block_claim")
    check("counter_only", hint("", op="free", what={"free": (64, 0)}, got="ok"), "buddy.nfree")
    check("fault_by_name", grade_hints_kernel.rule(2, types.SimpleNamespace(
        panic="panic: load page fault in the kernel at 0\n  in buddy_put, called by f"))[:44],
        "The kernel faults in buddy_put(), exercise 2")


def locks():
    """A broken order of locks is told as it is, and looked at first."""
    def case(name, lab, panic):
        return types.SimpleNamespace(name=name, lab=lambda: lab, panic=panic, expected=[1, 2],
                                     verdict=Verdict("CRASH", [], 0, None, None), scn={})
    panic = ['panic: lock order: "zone" taken while "page" is held (ranks held 0x10)',
             "  in give, called by take"]
    said = 'lock order: "zone" taken while "page" is held, in give, called by take'
    check("lock_order", grade_console.lock_order(panic), said)
    check("other_panics", [grade_console.lock_order(p) for p in ([], ["panic: lock"])], ["", ""])
    some = [case("lab2/a", 2, []), case("lab4/b", 4, panic), case("lab1/c", 1, [])]
    check("looked_at_first", [c.name for c in grade_report.failed(some)],
          ["lab4/b", "lab1/c", "lab2/a"])
    check("is_the_hint", grade_report.hint_to_begin(some[1])[:len(said)], said)


which()
locks()
shown()
hints()
over()
