#!/usr/bin/env python3
"""Crashes of a disk: which there are, what the model allows of each, and what is said of a
log that was doctored."""
import argparse
import os

from hostcheck import check, over
from hostscn import folder, read, walk
import crashimage
import grade_crash
import grade_hints
import writelog
from writelog import FLUSH, SECTOR, Entry

LAYOUT = crashimage.Layout(8192)
BASE = bytes((LAYOUT.marks[0] + LAYOUT.marks[1]) * SECTOR)
HEAD = "disk 4M\ncrash every write\n"


# ---- a disk on paper: block 0 has the length of file f, or nothing; then come its pages

def block(number, data):
    return Entry(LAYOUT.fs[0] + number * 8, 8, 0, data.ljust(4096, b"\0"))


def size(n):
    return block(0, b"\1" + n.to_bytes(4, "little"))


def mark(n):
    data = n.to_bytes(8, "little") + (~n & (1 << 64) - 1).to_bytes(8, "little")
    return Entry(LAYOUT.marks[0], 8, 0, data.ljust(4096, b"\0"))


FLUSHED = Entry(0, 0, FLUSH, b"")


class Look(grade_crash.Look):
    def __init__(self, text, entries):
        world, _ = walk(HEAD + text)
        scn = read(HEAD + text)
        self.case = argparse.Namespace(
            scn=scn, durable=world.durable, name="lab7/paper", crashes=0,
            line_text="line {}".format)
        self.arg = argparse.Namespace(build=folder.name, seed=1)
        self.base, self.layout, self.entries = BASE, LAYOUT, entries

    def files(self, image):
        head = image.read(LAYOUT.fs[0])
        if head[0] != 1:
            return (None, {}) if head[0] == 0 else ("fsck.sfs -y: 4: bad", {})
        n = int.from_bytes(head[1:5], "little")
        return None, {"f": image.read(LAYOUT.fs[0] + 8, 32)[:n]}


def said(text, *entries):
    return Look(text, list(entries)).run()


# ---- which crashes there are

def all_crashes():
    log = [mark(0), FLUSHED, block(1, b"a"), block(2, b"b"), block(3, b"c"), FLUSHED,
           block(1, b"d"), mark(1)]
    ours = lambda e: e.sector < LAYOUT.marks[0]     # noqa: E731
    n, some = writelog.moments(log, ours)
    check("writes_are_counted_without_marks", n, 4)
    check("each_write_is_a_crash", [c.writes for c in some if c.how == "order"],
          [[1], [2], [3], [4]])
    check("one_overtakes", [c.writes for c in some if c.how == "overtook"], [[2], [3]])
    check("one_is_left_out", [c.writes for c in some if c.how == "without"], [[1], [2]])
    check("all_is_lost", [(c.writes, c.after) for c in some if c.how == "lost"],
          [([1, 2, 3], 5), ([4], 8)])

    def letters(crash, image):
        return "".join(chr(image.read(LAYOUT.fs[0] + 8 * b)[0] or 46) for b in (1, 2, 3))
    seen = {}
    for crash, image in writelog.crashes(log, BASE, ours, 1, 100):
        seen.setdefault(crash.how, []).append(letters(crash, image))
    check("in_order", seen["order"], ["a..", "ab.", "abc", "dbc"])
    check("overtaken", seen["overtook"], [".b.", "..c"])
    check("left_out", seen["without"], [".bc", "a.c"])
    check("lost", seen["lost"], ["...", "abc"])
    few = [list(writelog.crashes(log, BASE, ours, s, 5)) for s in (1, 1, 2)]
    check("no_more_than_that", [len(f) for f in few], [5, 5, 5])
    check("by_the_seed", [c.after for c, _ in few[0]], [c.after for c, _ in few[1]])


# ---- what the model allows

os.mkdir(os.path.join(folder.name, "grade"))
TEXT = "file f 100 = 1\nfsync f\nmap S 1p file f shared rw\nstore S[0]+9 = 7\n" \
    "store S[0]+9 = 8\nsync S\nstore S[0]+9 = 9\n"


def rules(done, until, found, text=TEXT):
    return [r for r, _ in walk(HEAD + text)[0].durable.judge(done, until, found)]


def with_byte(n, at=9):
    data = bytearray(b"\1" * 100)
    data[at] = n
    return {"f": bytes(data)}


def model():
    check("nothing_was_promised", [rules(0, 2, {}), rules(0, 2, {"f": b""}),
                                   rules(0, 2, {"f": bytes(64)})], [[], [], []])
    check("old_or_new", [rules(2, 6, with_byte(n)) for n in (1, 7, 8)], [[], [], []])
    check("not_what_comes_later", rules(2, 6, with_byte(9)), ["third"])
    check("what_was_synced_stays", rules(6, 7, with_byte(7)), ["lost"])
    check("and_may_be_changed", [rules(6, 7, with_byte(n)) for n in (8, 9)], [[], []])
    check("its_name_stays", rules(2, 6, {}), ["lost"])
    check("its_size_stays", rules(2, 6, {"f": b"\1" * 50}), ["lost"])
    check("nobody_made_this", rules(2, 6, {**with_byte(1), "x": b""}), ["third"])
    check("zeros_where_it_was_short", rules(
        2, 3, {"f": b"\1" * 100 + bytes(50)}, "file f 100 = 1\nfsync f\ntruncate f 150"), [])
    check("but_nothing_else", rules(
        2, 3, {"f": b"\1" * 100 + b"\5" * 50}, "file f 100 = 1\nfsync f\ntruncate f 150"),
        ["third"])
    check("a_page_is_not_a_file", rules(
        5, 5, {"f": b"\1" * 8192}, "file f 2p = 1\nfsync f\nmap S 2p file f shared rw\n"
        "store S[1] = 7\nsync S[0]"), [])
    check("flush_promises_nothing", rules(2, 2, {}, "file f 1p\nflush"), [])
    check("unmounting_does", [rules(3, 3, {}, "file f 1p\nclose f\nremount"),
                              rules(7, 7, {"f": bytes(4096), "g": bytes(4096)}, "file f 1p\nfsync f\nclose f\n"
                                    "unlink f\nfile g 1p\nclose g\nremount")],
          [["lost"], ["lost"]])
    grown = "file f 1p = 1\nfsync f\nmap A 2p anon private rw\nput A[0] 2p f at 1p"
    check("a_file_grows_bit_by_bit", rules(2, 4, {"f": b"\1" * 4096 + bytes(4096)}, grown), [])
    check("and_is_cut_at_once", rules(2, 3, {"f": b"\1" * 4096}, "file f 2p = 1\nfsync f\n"
                                      "truncate f 100"), ["lost"])


# ---- what is said

def verdicts():
    new, synced = bytes([1] * 9 + [8] + [1] * 90), bytes([1] * 100)
    begun = [mark(0), FLUSHED, block(1, synced), size(100), FLUSHED, mark(2), FLUSHED]
    good = begun + [block(1, new), FLUSHED, mark(6), FLUSHED]
    last = [block(1, new[:9] + b"\x09" + new[10:]), FLUSHED, mark(8)]
    check("a_good_disk", said(TEXT, *good, *last), [])
    early = begun + [mark(6), FLUSHED, block(1, new), FLUSHED]
    got = said(TEXT, *early, *last)
    check("msync_came_back_too_early", [got[0], got[2]],
          ["the power fails at write 3 of 4 (block 1), after line 11",
           "f: byte 9 is 1 again; it was 8, and line 11: sync had made that last"])
    check("and_what_the_disk_has", got[1],
          "  the disk has nothing of what came after the last flush (write 3)")
    check("that_disk_is_kept", os.path.getsize(got[3].rpartition(" ")[2]), 4 << 20)
    torn = begun + [block(1, bytes([1] * 9 + [77] + [1] * 90)), block(1, new), FLUSHED,
                    mark(6), FLUSHED]
    got = said(TEXT, *torn, *last)
    check("a_third_value", got[0::2][:2], [
        "the power fails at write 3 of 5 (block 1), after line 7, before line 11 has come back",
        "f: byte 9 is 77, which it never was since line 7: fsync made it last"])
    got = said(TEXT, *begun, block(0, b"\7"), size(100), *good[7:], *last)
    check("an_unsound_one", got[2:3] + got[-1:], [
        "fsck.sfs -y: 4: bad", "that is one of 2 crashes of 19 that go wrong"])
    check("never_unmounted", said(TEXT, *good), ["the disk was not unmounted"])


def hints():
    check("words_to_ask_for", grade_hints.wrong(
        [{"text": "[durable third fsck] x"}], ()), [])
    for rule, text in (("durable", "a is 1 again; it was 2, and line 3: sync had made that "
                        "last"), ("third", "a is 7, which it never was"), ("fsck", "fsck.sfs")):
        d = grade_hints.Difference.__new__(grade_hints.Difference)
        d.left, d.what, d.word, d.got = text, {}, "FAIL", "ok"
        d.pages = lambda: ("", "")
        check("word_" + rule, d.names(), {rule})


all_crashes()
model()
verdicts()
hints()
over()
