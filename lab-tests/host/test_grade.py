#!/usr/bin/env python3
"""The model of address spaces, held against the plan's rows, and the grader, held
against machines that lie."""
import os

from hostcheck import check, over
from hostscn import folder, read, walk
import grade_judge
import qemu
from faultmodel import (boot, buddy, memory, pagetable, policies, scopes,
                        traces, traps)
from siphash import siphash


def sums(text):
    """All counters of a scenario that are not 0."""
    out = {}
    for _, e in walk(text)[1]:
        for k, v in e.count.items():
            out[k] = out.get(k, 0) + v
    return out


MAP = "map A 16p anon private rw\n"


def rows():
    """Numbers as docs/design/mm.md and the plan have them."""
    check("row_9_sixteen_writes", sums(MAP + "write A = pat(1)"),
          {"flt": 16, "min": 16, "anon": 16})
    check("row_27_reads_share_zeros", sums(MAP + "read A == 0"),
          {"flt": 16, "min": 16, "zero": 16})
    check("row_28_read_then_write", sums(MAP + "load A[0]\nstore A[0] = 1"),
          {"flt": 2, "min": 2, "zero": 1, "anon": 1})
    check("row_31_sole_owner", sums(
        MAP + "write A[0..7] = pat(1)\nfork C\nC: exit 0\nwrite A[0..7] = pat(2)"),
        {"flt": 16, "min": 16, "anon": 8, "reuse": 8})
    check("row_32_copy_then_reuse", sums(
        MAP + "write A[0..9] = pat(1)\nfork C\nC: write A[0..7] = pat(2)\n"
        "write A[0..7] = pat(3)"),
        {"flt": 26, "min": 26, "anon": 10, "cow": 8, "reuse": 8})
    check("row_41_around", sums("file f 32p = pat(1)\nmap F 32p file f private r\nload F[0]"),
          {"flt": 1, "min": 1, "fread": 1, "around": 15})
    check("row_44_private_write", sums("file f 1p\nmap F 1p file f private rw\nstore F[0] = 1"),
          {"flt": 1, "min": 1, "fcow": 1})
    check("row_45_read_then_write",
          sums("file f 1p\nmap F 1p file f private rw\nload F[0]\nstore F[0] = 1"),
          {"flt": 2, "min": 2, "fread": 1, "fcow": 1})
    check("row_51_behind_the_end",
          sums("file f 5000\nmap F 3p file f private r\nload F[1]+4000 == 0\nload F[2]"),
          {"flt": 2, "min": 1, "fread": 1, "around": 1, "sigbus": 1})


# ---- swap ----

OUT = MAP + "write A = pat(1)\nquota A 0 fifo\n"


class Victims(memory.World):
    """Notes which pages left memory, in order."""

    def __init__(self, scn):
        super().__init__(scn)
        self.victims = []

    def step(self, step):
        out = super().step(step)
        self.victims += [(va - 0x40000000) // 4096 for _, va in self.machine.gone]
        return out


def traces_alike():
    """The trace of the parser is that of traces.py, and the scopes of scenarios choose
    what the policies choose by their definition."""
    wrong = []
    for policy in sorted(scopes.POLICIES):
        for seed in range(1, 21):
            frames = 3 + seed % 6
            ticks = "tick" if policy in ("lru", "wsclock") else ""
            scn = read(MAP + "write A = pat(1)\nquota A 0 fifo\nquota A %d %s\n"
                       "trace A[0..11] 160 refs locality 40%% seed %d %s\n"
                       % (frames, policy, seed, ticks))
            scn["boot"] = "swapspace=ram:1M"
            trace = traces.local(seed, 160, 12)
            steps = [traces.Access(s["first"], s["op"] == "store")
                     for s in scn["steps"] if s["op"] in ("load", "store")]
            world = Victims(scn)
            world.walk()
            want = policies.simulate(policy, frames, trace)
            if steps != trace or world.victims[16:] != want.victims or \
                    world.sum["maj"] != want.faults or \
                    world.sum["swpout"] - 16 != want.writes:
                wrong.append((policy, seed))
    check("traces_and_victims", wrong, [])


def swap_rows():
    def of(text, boot="swapspace=ram:1M"):
        scn = read(text)
        scn["boot"] = boot
        world = memory.World(scn)
        world.walk()
        return {k: v for k, v in world.sum.items() if v}, world
    check("row_60_clean_goes_unwritten", of(
        OUT + "quota A 1 fifo\nload A[0]\nload A[1]\nload A[0]\nexpect swpin 3 swpout 16")
        [1].wrong, [])
    got, world = of(MAP + "write A[0..3] = pat(1)\nquota A 0 fifo\nfork C\nC: exit 0\n"
                    "unmap A")
    check("row_62_slots_are_free_again", world.machine.used, 0)
    got, world = of(MAP + "write A[0..1] = pat(1)\nfork C\nquota A 0 fifo\n"
                    "C: store A[0] = 1 -> maj, swpin, cow\nload A[0] -> min\nC: exit 0\n"
                    "unmap A")
    check("row_59_relatives_share_the_slot", (world.wrong, world.machine.used), ([], 0))
    got, world = of(MAP + "fork C\nC: quota A 2 fifo\nC: write A[0..3] = 1\n"
                    "C: die store A[4] -> killed by SIGKILL", "swapspace=ram:8K")
    check("no_room_at_all_ends_it", world.wrong, [])
    got, world = of(OUT + "fail swapread 1\nload A[0] -> SIGBUS ADRERR\nload A[0] -> maj")
    check("row_63_unreadable_once", world.wrong, [])
    got, world = of(MAP + "quota A 2 fifo\nwrite A[0..1] = 1\nfail swapwrite 1\n"
                    "store A[2] = 1 -> evicts A[1]\nload A[0] -> min")
    check("row_63_unwritable_stays", world.wrong, [])
    got, world = of(MAP + "write A[0..3] = 1\nlock A[1] -> reuse\nquota A 2 clock\n"
                    "store A[4] = 1 -> evicts A[3]\nload A[1] -> nothing")
    check("locked_pages_stay", world.wrong, [])
    try:
        of(MAP + "quota A 3 lru\nwrite A[0..4] = 1")
        check("lru_wants_ticks", True, False)
    except memory.Unknown:
        check("lru_wants_ticks", True, True)


def areas_of(text):
    return walk(text)[1][-1][1].areas


def mappings():
    check("split_in_two", areas_of(MAP + "unmap A[3..4]"), 2)
    check("merged_again", areas_of(MAP + "protect A[3] r\nprotect A[3] rw"), 1)
    check("three_by_rights", areas_of(MAP + "protect A[3] r"), 3)
    cells = walk(MAP + "write A[0..1] = 1\nfork C\nC: store A[0] = 2")[1][-1][1].cells
    check("pages_as_text", cells, {("C", "A"): "Wcp" + 14 * "."})


def more():
    """Verbs of steps_more.py and steps_disk.py."""
    stack = "stack S 8p\n"
    check("a_stack_grows_in_one_fault", sums(stack + "store S[7] = 1"),
          {"flt": 1, "min": 1, "anon": 1})
    check("stack_keeps_its_distance", sums(
        stack + "map G 1p anon private r at S\nload S[7]"), {"flt": 1, "segv": 1})
    check("break_by_pages", sums("heap H 4p\nbrk H[1]+1\nload H[1]\nload H[2]"),
          {"flt": 2, "min": 1, "zero": 1, "segv": 1})
    check("pages_move", sums(MAP + "store A[1] = 1\nmap B 2p anon private r\n"
                             "mremap A[0..1] 2p to B\nload B[1] == 1\nload A[1]"),
          {"flt": 2, "min": 1, "anon": 1, "segv": 1})
    check("dirty_pages_are_written_once", sums(
        "disk 16M\nfile f 3p\nfsync f\nmap S 3p file f shared rw\nstore S[1] = 1\n"
        "sync S\nsync S\nfsync f"),
        {"flt": 1, "min": 1, "fshared": 1, "mkwrite": 1, "wb": 4})
    check("one_page_for_two_threads", sums(MAP + "thread T\nrace T add A[0..3]"),
          {"flt": 4, "min": 4, "anon": 4})
    world, _ = walk("disk 16M\nfile f 10 = 7\nfile g 9\nunlink g")
    check("what_the_disk_has", world.disk_files(), {"f": b"\7" * 10})


def claims():
    def wrong(text):
        return len(walk(text)[0].wrong)
    check("a_true_claim", wrong(MAP + "store A[0] = 1 -> anon"), 0)
    check("a_false_claim", wrong(MAP + "store A[0] = 1 -> cow"), 1)
    check("a_false_sum", wrong(MAP + "store A[0] = 1\nexpect anon 2"), 1)
    check("a_false_byte", wrong(MAP + "load A[0] == 1"), 1)
    check("a_false_budget", wrong("budget 3\n" + MAP + "load A[0]"), 1)


# ---- labs 2 and 3 ----

class Said:
    """What a kernel said of a step."""

    def __init__(self, result="ok", raw=()):
        self.result, self.raw = result, [r.split() for r in raw]
        self.cells, self.count = {}, {}


def frames():
    def expect(text, said=()):
        world = buddy.World(read("lab 2\n" + text))
        story = {i: Said(r) for i, r in enumerate(said)} if said else None
        return world.walk(story)[-1][1], world
    ram = "ram 0..7\nstart\n"
    check("lab2_the_lowest", expect(ram + "alloc 0 1")[0].result, "at:0")
    check("lab2_another_may_be", expect(ram + "alloc 0 1", ["ok", "ok", "at:4"])[0].result,
          "at:4")
    check("lab2_odd_may_not", expect(ram + "alloc 0 1", ["ok", "ok", "at:5"])[0].result,
          "at:0")
    e = expect("ram 0..11\nstart\nalloc 0 1", ["ok", "ok", "at:2"])[0]
    check("lab2_only_the_least_order", (e.result, e.cells["kernel", "free"]),
          ("at:8", "0:3,10:1"))
    e = expect(ram + "alloc 0 0\nalloc 1 0\nfree 1\nfree 0")[0]
    check("lab2_joined", (e.cells["kernel", "free"], e.count), ("0:3", {"free": 8, "o3": 1}))
    check("lab2_not_across", expect("ram 4..11\nstart\nalloc 0 3")[0].result, "none")
    check("lab2_a_false_claim", len(expect(ram + "alloc 0 4 -> at")[1].wrong), 1)
    check("lab2_only_the_place", [len(expect("ram 0..7\nstart\npretend %s good" % at)[1].wrong)
                                  for at in ("4 2", "8 0", "2 2")], [1, 0, 0])
    check("lab2_a_right_free", len(expect(ram + "alloc 0 0\nmisfree 0 0")[1].wrong), 1)


def first_labs():
    def expect(lab, text, count=None, cells=None):
        said = Said()
        said.count, said.cells = count or {}, cells or {}
        world = {0: boot, 1: traps}[lab].World(read("lab %d\n%s" % (lab, text)))
        steps = len(world.scn["steps"])
        return world.walk({i: said for i in range(steps)} if cells or count else None)[-1][1]
    check("lab0_ram", expect(0, "memory 64M\nask ram").result, "value:4000000")
    check("lab0_harts", expect(0, "harts 4\nask hartids").result, "value:a")
    check("lab0_chain", expect(0, "chain 0x1b 4 panic").cells["kernel", "calls"], "rgbw")
    check("lab0_the_end", expect(0, "halt panic").result, "ended:1")
    check("lab1_interrupts", expect(1, "timer 7 500").count, {"irq": 7})
    check("lab1_cause", expect(1, "trap store 0x1000").count,
          {"reports": 1, "cause": 15, "stval": 0x1000})
    check("lab1_misaligned", expect(1, "trap amo 5", {"cause": 4}).count["cause"], 4)
    alarms = "alarm 1 300\nalarm 2 200\nalarm 3 200\nalarm 4 100\ncancel 4\nwait"
    key = ("kernel", "fired")
    check("lab1_alarms", expect(1, alarms).cells[key], "2,3,1")
    check("lab1_same_time", expect(1, alarms, cells={key: "3,2,1"}).cells[key], "3,2,1")
    check("lab1_wrong_time", expect(1, alarms, cells={key: "1,3,2"}).cells[key], "3,2,1")
    for status, word in (("1", "PASS"), ("0", "FAIL"), ("hang", "FAIL")):
        channel = grade_judge.Channel(KEY)
        for line in ("start t", "halt 0"):
            channel.line(line)
        channel.stories[0].ended(status)
        check("lab0_ended_" + status, grade_judge.judge(
            boot.World(read("halt panic")).walk(), channel.stories[0]).word, word)


def tables():
    def decoded(*lines):
        said = Said(raw=("frame 1 80000 0", "root 100 8", "2 100 1*1=40401") + lines)
        world = pagetable.World(read("lab 3\nboot mmu=sv39\nenter 0x40000000 1 rw"))
        want = world.walk({0: said})[0][1]
        return said.cells["kernel", "map"], want.cells["kernel", "map"], said.count, want.count
    right = ("1 101 0*1=40801", "0 102 0*1=200000d7")
    check("lab3_right", decoded(*right), ("40000000:rw=1",) * 2 + (
        {"tables": 2}, {"tables": 2, "used": 3}))
    check("lab3_other_frame", decoded(right[0], "0 102 0*1=200004d7")[0],
          "40000000:rw=frame 80001?")
    check("lab3_no_user", decoded(right[0], "0 102 0*1=200000c7")[0], "40000000:rw-noU=1")
    for name, entry, why in (("reserved", 1 << 60 | 0x200000d7, "reserved bits"),
                             ("w_only", 0x200000d5, "W without R"),
                             ("not_valid", 0x200000d6, "not 0, but not valid"),
                             ("pointer", 0x20000001, "a pointer at the last level")):
        check("lab3_" + name, decoded(right[0], "0 102 0*1=%x" % entry)[0],
              "nothing; 40000000: " + why)
    check("lab3_not_aligned", pagetable.what_is_wrong(0x200004d7, 1),
          "a leaf whose frame is not aligned")


# ---- the grader ----

KEY = (0x0706050403020100, 0x0f0e0d0c0b0a0908)


def signed(lines, key=KEY):
    """Records of a machine that says LINES."""
    return [qemu.Record(n, 0, n, "scn", (text + " %016x" % siphash(
        key, ("%d %s" % (n, text)).encode())).split(" ")) for n, text in enumerate(lines)]


def told(expected, scn):
    """What a right kernel would say of a scenario."""
    lines = ["start t"]
    for i, e in expected:
        words = ["step %d %s" % (i, e.result)]
        words += ["%s=%d" % kv for kv in e.count.items()]
        lines.append(" ".join(words + ([] if e.areas is None else ["areas=%d" % e.areas])))
        lines += ["area %d %s %s %s" % (i, p, a, t) for (p, a), t in e.cells.items()]
    return lines + ["end 0 0 0 0 0", "done 1"]


def verdict(records, expected, key=KEY):
    channel = grade_judge.Channel(key)
    for r in records:
        channel.take(r)
    story = channel.stories[0] if channel.stories else None
    return grade_judge.judge(expected, story), channel


STORY = MAP + "store A[0] = 1\nread A[0..1]\nfork C\nC: store A[0] = 2\nC: exit 3\nstore A[0] = 4"


def grader():
    check("siphash_published", siphash(KEY, bytes(range(15))), 0xa129ca6149be45e5)
    world, expected = walk(STORY)
    lines = told(expected, world.scn)
    check("right_kernel_passes", verdict(signed(lines), expected)[0].word, "PASS")
    v, channel = verdict(signed(lines, (1, 2)), expected)
    check("wrong_key_earns_nothing", (v.word, channel.forged), ("INFRA", len(lines)))
    v, channel = verdict([qemu.Record(n, 0, n, "scn", t.split(" "))
                          for n, t in enumerate(["PASS", "start t", "PASS t", "done 1"])],
                         expected)
    check("printing_pass_earns_nothing", (v.word, channel.done), ("INFRA", False))
    # "only": counts and pages do not matter, then what is left over neither.
    plain = [" ".join(w for w in s.split() if "=" not in w) if s.startswith("step") else s
             for s in lines if not s.startswith("area")]
    lost = [s.replace("end 0", "end 7") for s in plain]
    other = [s.replace("exited:3", "exited:4") for s in plain]
    for name, text, words in (("plain", plain, "FAIL PASS PASS"),
                              ("leaks", lost, "FAIL PASS FAIL"),
                              ("result", other, "FAIL FAIL FAIL")):
        channel = grade_judge.Channel(KEY)
        for r in signed(text):
            channel.take(r)
        check("only_" + name, " ".join(grade_judge.judge(
            expected, channel.stories[0], 0, n).word for n in (0, 1, 2)), words)
    swapped = grade_judge.leftovers([-5, -1, 0, 0, 0], 4)
    check("given_back_is_no_leak", (grade_judge.leftovers([-4, -1, 0, 0, 0], 4), len(swapped)),
          ([], 1))
    again = signed(lines[:3])
    check("a_record_counts_once", verdict(again + again, expected)[1].forged, 3)
    for n, line in enumerate(lines):
        if line.startswith(("step", "area")):
            v, _ = verdict(signed(lines[:n] + lines[n + 1:]), expected)
            if v.word == "PASS":
                check("without '%s'" % line, v.word, "FAIL")
    check("silence_is_a_crash", verdict(signed(lines[:3]), expected)[0].word, "CRASH")
    check("only_an_end_is_no_pass",
          verdict(signed(["start t", "end 0 0 0 0 0", "done 1"]), expected)[0].word, "FAIL")
    for bad in ("end 1 0 0 0 0", "end 0 1 0 0 0", "end 0 0 1 0 0", "end 0 0 0 1 0",
                "end 0 0 0 0 1"):
        v, _ = verdict(signed(lines[:-2] + [bad, "done 1"]), expected)
        check("leftovers_" + bad.replace(" ", "_"), v.word, "FAIL")


def auditors():
    """What mmcheck says while processes are there counts, and is told once."""
    world, expected = walk(STORY)
    lines = told(expected, world.scn)
    said = ["complaint space 3: 2 pages locked, counted 5"]
    v, _ = verdict(signed(lines[:-2] + said * 2 + lines[-2:]), expected)
    check("a_complaint", (v.word, v.step, v.detail),
          ("FAIL", None, ["mmcheck: space 3: 2 pages locked, counted 5"]))


def first_difference():
    """The first wrong step is named, with what was expected and what came."""
    world, expected = walk(STORY)
    lines = told(expected, world.scn)
    eager = [s.replace("cow=1", "anon=1") for s in lines]
    v, _ = verdict(signed(eager), expected)
    check("first_difference", (v.word, v.step, v.detail),
          ("FAIL", 4, [("anon", 0, 1), ("cow", 1, 0)]))
    shared = [s.replace("area 4 C A Wb", "area 4 C A Wa") for s in lines]
    v, _ = verdict(signed(shared), expected)
    check("a_wrong_frame_is_seen", (v.word, v.step), ("FAIL", 4))


def host_looks():
    """What the kernel says of pages is held against the tables QEMU reads."""
    import argparse
    import grade
    import grade_look
    path = os.path.join(folder.name, "look.scn")
    with open(path, "w") as f:
        f.write("title t\npoints 1\nhint h\n" + STORY)
    case = grade.Case("look", path, read(STORY))
    case.expect()
    channel = grade_judge.Channel(KEY)
    for text in told(case.expected, case.scn):
        channel.line(text)
    case.story = channel.stories[0]
    text = "".join("%016x %016x %016x %s\n" % row for row in (
        (0x40000000, 0x80001000, 4096, "r--u-ad"), (0x40001000, 0x80002000, 4096, "r--u-a-"),
        (0x50000000, 0x90000000, 8192, "rwxu-ad"),
        (0xffffffff80000000, 0x80200000, 4096, "rwx-gad")))
    seen = grade_look.read_map(text)
    check("look_map", (len(seen), seen[0x50001000][0]), (4, 0x90001000))
    base = case.scn["areas"][0]["base"]
    seen = {va - 0x40000000 + base: e for va, e in seen.items()}
    case.scn["steps"][4]["proc"] = 0    # so it is main that stops: Raz...

    def wrong(change):
        entries = {va: e for va, e in {**seen, **change}.items() if e}
        return len(grade_look.compare(case, argparse.Namespace(step=4, map=entries)))
    check("look_agrees", wrong({}), 0)
    check("look_sees_mapped", wrong({base + 0x2000: (0x80003000, "r--u-a-")}), 1)
    check("look_sees_writable", wrong({base: (0x80001000, "rw-u-ad")}), 1)
    check("look_sees_gone", wrong({base: None}), 1)
    check("look_sees_one_frame_twice", wrong({base: (0x80002000, "r--u-ad")}), 1)


def machines():
    """A batch goes on with what is left when a machine ends, but not for ever."""
    import argparse
    import grade
    import grade_batch
    cases = []
    for n in range(6):
        path = os.path.join(folder.name, "c%d.scn" % n)
        with open(path, "w") as f:
            f.write("title t\npoints 1\nhint h\n" + STORY)
        cases.append(grade.Case("c%d" % n, path, read(STORY)))
        cases[-1].expect()

    def run(ends, how="exit"):
        """ENDS: how many scenarios each machine tells of, and whether whole."""
        batch = grade_batch.Batch(0, cases, argparse.Namespace(build=folder.name, deaths=3))
        for c in cases:
            c.verdict, c.notes = None, []
        left = list(ends)

        def boot(skip, n):
            some, whole = left.pop(0)
            channel, result = grade_judge.Channel(KEY), qemu.Result()
            for _ in range(some):
                lines = told(cases[0].expected, cases[0].scn)[:-1]
                for text in lines:
                    channel.line(text)
            if not whole and some:
                story = channel.stories[-1]
                story.end = None
            channel.done = whole
            result.how = how
            return channel, result.finish()
        batch.initrd, batch.boot = lambda: None, boot
        return [c.verdict.word for c in batch.run()]
    check("all_on_one_machine", run([(6, True)]), ["PASS"] * 6)
    check("the_rest_runs_on", run([(3, False), (3, True)]),
          ["PASS", "PASS", "CRASH", "PASS", "PASS", "PASS"])
    check("three_deaths_block", run([(1, False)] * 6), ["CRASH"] * 3 + ["BLOCKED"] * 3)
    check("no_boot_is_no_infra", run([(0, False)]), ["CRASH"] * 6)
    check("a_hang_is_said", run([(0, False)], "hang"), ["HANG"] * 6)
    check("qemu_fails", run([(0, False)], "infra"), ["INFRA"] * 6)


rows()
frames()
first_labs()
tables()
host_looks()
traces_alike()
swap_rows()
machines()
mappings()
more()
claims()
grader()
auditors()
first_difference()
over()
