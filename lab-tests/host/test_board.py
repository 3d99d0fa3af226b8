#!/usr/bin/env python3
"""The host's side of a serial line to a board, held against boards that are not there:
what they send is cut, flipped, lost, forged or stops, and what they are told as well."""
import argparse
import json
import os
import pty
import random
import re
import select
import tempfile
import threading
import tty
import zlib

from hostcheck import check, over
import board_report
import grade_board
import grade_judge
from siphash import siphash

folder = tempfile.TemporaryDirectory()
ORDER = re.compile(rb"(\w[^\n]*) ([0-9a-f]{8})\n")
BANNER = b"\r\nU-Boot 2023.01\r\nucore-sv on a board\r\n$ "


class Target:
    """A board in a thread, behind a pseudo-terminal.  PLAN: what happens in each run
    of a scenario: "ok", "wrong", "reset", "hang", "old", "forged"."""

    def __init__(self, plan, noise=0.0, seed=1, begin=BANNER, deaf=False):
        self.plan, self.noise, self.random = list(plan), noise, random.Random(seed)
        self.prompt = begin[begin.rfind(b"\n") + 1:] or b"$ "
        self.begin, self.key, self.kept, self.next = begin, None, {}, 0
        self.runner, self.last, self.dead, self.stop = False, 0, deaf, False
        self.ran = []

    def __enter__(self):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()
        os.close(self.master)
        os.close(self.slave)

    def damage(self, data):
        if not self.noise:
            return data
        out = bytearray()
        for byte in data:
            dice = self.random.random()
            if dice >= self.noise:
                out.append(byte)
            elif dice < self.noise / 2:
                out.append(byte ^ 1 << self.random.randrange(8))
        return bytes(out)

    def say(self, data):
        data = self.damage(data)
        while data:
            data = data[os.write(self.master, data):]

    def frame(self, number, text, key=None):
        tag = siphash(key or self.key, ("%d %s" % (number, text)).encode())
        line = b"%d 0 %d scn %s %016x" % (number, number * 7, text.encode(), tag)
        self.say(b"\x1e%s %08x\x1f\n" % (line, zlib.crc32(line)))

    def record(self, text):
        self.kept[self.next] = text
        self.frame(self.next, text)
        self.next += 1

    def reset(self):
        self.runner, self.key = False, None
        self.say(BANNER)

    def order(self, words):
        if words[0] == "key":
            self.key = (int(words[1][:16], 16), int(words[1][16:], 16))
            self.kept, self.next, self.last = {}, 0, 0
            self.record("hello")
        elif self.key is None:
            return
        elif words[0] == "run" and int(words[1]) == self.last:
            self.frame(self.next - 1, self.kept[self.next - 1])
        elif words[0] == "run":
            self.last = int(words[1])
            self.run(words[3])
        elif words[0] == "again" and int(words[1]) in self.kept:
            self.frame(int(words[1]), self.kept[int(words[1])])

    def run(self, name):
        what = self.plan.pop(0) if self.plan else "ok"
        self.ran.append(name)
        with open(os.path.join(folder.name, name), "rb") as f:
            crc = zlib.crc32(f.read())
        self.record("file %08x" % (crc ^ (what == "old")))
        self.record("start " + name)
        self.say(b"scenario %s\r\n" % name.encode())
        self.record("step 0 ok anon=1")
        if what == "reset":
            return self.reset()
        if what == "hang":
            self.dead = True
            return None
        if what == "forged":
            self.frame(self.next, "end 0 0 0 0", (1, 2))
        self.record("end %d 0 0 0" % (what == "wrong"))
        return self.record("over %d" % self.last)

    def loop(self):
        self.say(self.begin)
        typed = b""
        while not self.stop:
            if not select.select([self.master], [], [], 0.05)[0]:
                continue
            typed += self.damage(os.read(self.master, 4096))
            if self.dead:
                continue
            if not self.runner and b"scenario line\r" in typed:
                self.runner, typed = True, b""
                self.say(b"scenario: takes orders on this line\r\n")
            elif not self.runner and b"boot\r" in typed:
                typed = b""
                self.say(BANNER)
            elif not self.runner and b"\r" in typed:
                typed = b""
                self.say(b"sh: what?\r\n" + self.prompt)
            while self.runner and b"\n" in typed:
                line, _, typed = typed.partition(b"\n")
                m = ORDER.match(line + b"\n")
                if m and int(m[2], 16) == zlib.crc32(m[1]):
                    words = m[1].decode().split()
                    if words == ["quit"]:
                        self.runner, self.key = False, None
                        self.say(b"\r\n$ ")
                    else:
                        self.order(words)


class Case:
    """As much of grade.Case as is needed: one step is expected."""

    def __init__(self, name):
        self.name, self.path = name, os.path.join(folder.name, name)
        self.verdict, self.notes, self.story = None, [], None
        with open(self.path, "w") as f:
            f.write("the text of " + name)

    def infra(self, *why):
        self.verdict = grade_judge.Verdict("INFRA", list(why), None, None, None)

    def judge(self, story):
        want = grade_judge.Step("ok", {"anon": 1}, None)
        want.loose = ()
        self.story = story
        self.verdict = grade_judge.judge([(0, want)], story)


def session(plan, n=3, silence=2, reset=None, **more):
    """Run N scenarios; returns the words, the target and the numbers."""
    cases = [Case("s%d" % i) for i in range(n)]
    arg = argparse.Namespace(board=None, baud=115200, reset=reset, seed=1,
                             silence=silence, out=os.path.join(folder.name, "out"))
    with Target(plan, **more) as target:
        arg.board = target.path
        numbers = grade_board.run_all(cases, arg)
    return [c.verdict.word for c in cases], target, numbers


def plain():
    words, target, numbers = session([])
    check("three_pass", words, ["PASS"] * 3)
    check("nothing_was_repeated", (numbers["damaged"], numbers["sent_again"],
                                   numbers["restarts"]), (0, 0, 0))
    check("each_ran_once", target.ran, ["s0", "s1", "s2"])
    check("a_failure", session(["ok", "wrong"])[0], ["PASS", "FAIL", "PASS"])
    check("a_forged_record_is_nothing", session(["forged"])[0], ["PASS"] * 3)
    check("another_text_on_the_card", session(["ok", "old"])[0], ["PASS", "INFRA", "PASS"])


def ends():
    words, target, numbers = session(["ok", "reset"])
    check("a_reset_is_no_crash", words, ["PASS"] * 3)
    check("it_ran_again", (target.ran, numbers["restarts"]),
          (["s0", "s1", "s1", "s2"], 1))
    check("two_resets_are_a_crash", session(["reset", "reset"])[0],
          ["CRASH", "PASS", "PASS"])
    check("a_hang_blocks", session(["ok", "hang"])[0], ["PASS", "HANG", "BLOCKED"])


def places():
    check("at_uboot", session([], begin=b"\r\nStarFive # ")[0], ["PASS"] * 3)
    check("silent_at_first", session([], begin=b"", silence=8)[0], ["PASS"] * 3)
    try:
        session([], begin=b"", n=1, silence=1, deaf=True)
        said = "nothing"
    except OSError as e:
        said = str(e).split(": ", 1)[1]
    check("nobody_there", said, "no answer for 1 s; is it on, and at its shell?")
    try:
        session([], begin=b"\r\nlogin: ", n=1, silence=1)
        said = "nothing"
    except OSError as e:
        said = str(e).split(": ", 1)[1]
    check("somebody_else", said, "it answers, but is neither at a shell nor at U-Boot")
    with tempfile.NamedTemporaryFile() as f:
        try:
            grade_board.open_line(f.name)
            said = "nothing"
        except OSError as e:
            said = str(e)
    check("no_terminal", said, "%s is no terminal" % f.name)


def noise(rounds):
    """Whatever is lost or flipped: the same verdicts."""
    total, bad = 0, []
    for seed in range(rounds):
        rng = random.Random(seed)
        plan = ["wrong" if rng.random() < 0.3 else "ok" for _ in range(4)]
        words, _, numbers = session(plan, n=4, silence=20, noise=0.004, seed=seed)
        total += numbers["damaged"] + numbers["asked_again"]
        if words != ["FAIL" if p == "wrong" else "PASS" for p in plan]:
            bad.append((seed, plan, words))
    check("noise_changes_no_verdict", bad, [])
    check("there_was_noise", total > rounds, True)


def frames():
    """Frames that come in pieces, and marks that begin nothing."""
    line = grade_board.Line(-1)
    body = b"7 0 1 scn hello 0123456789abcdef"
    frame = b"\x1e%s %08x\x1f\n" % (body, zlib.crc32(body))
    got = []
    for byte in b"text" + frame + b"\x1e and " + frame + b"more\x1e":
        got += line.take(bytes([byte]))
    check("frames_in_pieces", [str(r) for r in got], ["scn hello 0123456789abcdef"] * 2)
    check("text_beside_them", line.text.replace(b"\n", b"").startswith(b"text"), True)
    line.take(b"x" * 500)
    check("a_mark_alone_ends", b"x" * 500 in line.text, True)


def report():
    """What is given away has nothing in it that nobody asked for."""
    secrets = ("gretel.example.org", "VF7110B1-2253-D008E000-60000112",
               "6c:cf:39:00:4a:5b", "192.168.7.9", "hans")
    console = ("\r\nU-Boot SPL 2021.10 (Oct 31 2022, %s)\r\nSerial: %s\r\n"
               "U-Boot 2021.10 (hans@%s)\r\nOpenSBI v1.0\r\neth0: %s\r\n"
               "ucore-sv on StarFive VisionFive V2\r\n"
               "  4 harts (1 skipped), memory: 4096 MiB, 4000 MiB free\r\n"
               "  boot hart 3, A/D bits: trap, scheduler rr\r\n"
               "  Sv39, 0 ASID bits, image at 0x40200000, SBI 0.3, tlb rfence\r\n"
               "my name is hans %s\r\n" % (secrets[0], secrets[1], secrets[0], secrets[2],
                                          secrets[3]))
    results = {"seed": 1, "line": {"frames": 9, "host": "hans"}, "scenarios": [
        {"name": "lab4/x", "lab": 4, "where": "board", "verdict": "PASS"},
        {"name": "/home/hans/y.scn", "lab": 4, "where": "board", "verdict": "FAIL"},
        {"name": "lab5/z", "lab": 5, "where": "", "verdict": "PASS"}]}
    b = board_report.bundle(results, console, "2025-01-31")
    text = json.dumps(b) + board_report.row(b)
    check("report_tells_no_names", [s for s in secrets if s in text], [])
    check("report_facts", b["machine"], {
        "spl": "2021.10", "u_boot": "2021.10", "opensbi": "1.0",
        "model": "StarFive VisionFive V2", "harts": "4 harts (1 skipped), memory: 4096 MiB",
        "boot_hart": "3", "ad_bits": "trap", "paging": "Sv39, 0 ASID bits", "sbi": "0.3",
        "flush": "rfence"})
    check("report_labs", (b["labs"], b["not_passed"]), (
        {"lab4": {"passed": 1, "scenarios": 2}}, [{"name": "another", "verdict": "FAIL"}]))


def main():
    grade_board.ASK, grade_board.PATIENCE = 0.1, 0.4
    frames()
    plain()
    ends()
    places()
    report()
    noise(3 if os.environ.get("FAST") else 12)
    over()


if __name__ == "__main__":
    main()
