"""Scenarios on a board, over its serial line: "make grade BOARD=/dev/ttyUSB0".

The line is console and channel at once, loses bytes, and the board may start again at
any time.  So the host gives orders and the board only answers
(user/scenario/line.c): each order has a checksum and may come twice, each record has
a number, a checksum and a tag under this session's key, and what is missing at the
end of a scenario is asked for again, one by one.  A scenario during which the machine
started again is run once more; the second time it is a CRASH.

Clocks decide when to ask again and when to give up (HANG), never what a verdict is.
"""
import os
import re
import secrets
import select
import sys
import termios
import time
import tty
import zlib

import grade_judge
import grade_terminal
import qemu
from siphash import siphash

AT_SHELL = re.compile(rb"(?:^|\n|\r)\$ $")
AT_UBOOT = re.compile(rb"(?:^|\n|\r)(?:=>|[A-Za-z0-9]+ #) $")
STARTS = re.compile(rb"U-Boot (?:SPL )?20\d\d|\nOpenSBI v|ucore-sv on |panic: ")
ASK = 0.4           # seconds without a byte, then the order is given again
PATIENCE = 3.0      # ... while nothing says that somebody waits for us
KEEP = 200000       # bytes of the console that are kept


class Gone(Exception):
    """The line is no more (the adapter was pulled out), or says nothing."""


class Restart(Exception):
    """The machine started again, or left the runner."""


def open_line(path, baud=115200):
    """The terminal PATH, raw: bytes as they are, no flow control, no hang-up."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    if not os.isatty(fd):
        os.close(fd)
        raise OSError("%s is no terminal" % path)
    tty.setraw(fd, termios.TCSANOW)     # what was said already stays
    mode = termios.tcgetattr(fd)
    speed = getattr(termios, "B%d" % baud)
    mode[2] = termios.CS8 | termios.CREAD | termios.CLOCAL
    mode[4] = mode[5] = speed
    termios.tcsetattr(fd, termios.TCSANOW, mode)
    return fd


class Line:
    """Bytes of a serial line: text, and the frames that were among it."""

    def __init__(self, fd, log=None):
        self.fd, self.log = fd, log
        self.text = b""         # without frames
        self.rest = b""         # perhaps the begin of a frame
        self.damaged = self.frames = 0

    def send(self, data):
        while data:
            try:
                data = data[os.write(self.fd, data):]
            except BlockingIOError:
                select.select([], [self.fd], [], 1)
            except OSError as e:
                raise Gone("the line: %s" % e.strerror)

    def receive(self, seconds):
        """Wait so long for bytes; returns the records that were whole, or None if
        nothing came."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return None
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return None
        except OSError as e:
            raise Gone("the line: %s" % e.strerror)
        if not data:
            raise Gone("the line was closed")
        if self.log:
            self.log.write(data)
        return self.take(data)

    def take(self, data):
        data = self.rest + data
        at = data.rfind(b"\x1e")
        self.rest = b""
        if at >= 0 and b"\x1f" not in data[at:] and len(data) - at < 400:
            data, self.rest = data[:at], data[at:]
        text, lines, broken = qemu.unframe(data)
        self.text = (self.text + text)[-KEEP:]
        self.damaged += len(broken)
        self.frames += len(lines)
        return [r for r in map(qemu.Record.parse, lines) if r is not None]


def order(text):
    return b"\n%s %08x\n" % (text.encode(), zlib.crc32(text.encode()))


class Board:
    """A session: from whatever the board is doing to its runner, and one scenario
    after the other."""

    def __init__(self, line, silence, say, reset=None):
        self.line, self.silence, self.say, self.reset = line, silence, say, reset
        self.key, self.base, self.runs = None, 0, 0
        self.asked = self.again = self.starts = 0

    def signed(self, records):
        """{number: text} of those that are of this session."""
        out = {}
        for r in records or ():
            if r.id != "scn" or not r.args:
                continue
            text = " ".join(r.args[:-1])
            if r.args[-1] == "%016x" % siphash(self.key,
                                               ("%d %s" % (r.seq, text)).encode()):
                out[r.seq] = text
        return out

    # -- getting there --

    def knock(self, turn):
        """Do what brings us nearer, as far as the text's end tells where we are."""
        tail = self.line.text[-200:]
        if AT_SHELL.search(tail):
            self.line.send(b"\x15/bin/scenario line\r")
        elif AT_UBOOT.search(tail):
            self.line.send(b"boot\r")
        elif turn % 2 == 1:
            self.line.send(b"\r")       # perhaps for a prompt
        # A runner of an earlier session takes a new key, too.
        self.line.send(order("key %016x%016x" % self.key))

    def connect(self):
        """Until the runner answers under a new key."""
        self.key = (secrets.randbits(64), secrets.randbits(64))
        self.runs, turn = 0, 0
        first = last = knocked = time.monotonic()
        while True:
            records = self.line.receive(ASK)
            if self.signed(records).get(0) == "hello":
                self.base = 1
                return
            now = time.monotonic()
            if records is not None:
                last = now
            if now - last > self.silence:
                raise Gone("no answer for %d s; is it on, and at its shell?" % self.silence)
            if now - first > 5 * self.silence:
                raise Gone("it answers, but is neither at a shell nor at U-Boot")
            # While it boots it must not be disturbed: U-Boot would stop.
            tail = self.line.text[-200:]
            waits = AT_SHELL.search(tail) or AT_UBOOT.search(tail) or \
                b"takes orders" in tail
            if records is None and (waits or now - max(last, knocked) > PATIENCE):
                self.knock(turn)
                turn, knocked = turn + 1, now

    # -- a scenario --

    def run(self, case, seed):
        """The texts of its records, and why there are no more: "over", "restart" or
        "hang"."""
        self.runs += 1
        got, self.line.text = {}, b""
        words = order("run %d %d %s" % (self.runs, seed, case.name))
        over = "over %d" % self.runs
        try:
            last = self.collect(got, words, lambda: next(
                (n for n, t in got.items() if t == over), None))
            for n in range(self.base, last):
                if n not in got:
                    self.again += 1
                    self.collect(got, order("again %d" % n), lambda: got.get(n))
        except Restart:
            return self.texts(got), "restart"
        except Gone as e:
            self.say(str(e))
            return self.texts(got), "hang"
        texts, self.base = self.texts(got), last + 1
        return texts, "over"

    def texts(self, got):
        """In order, up to the first that is missing."""
        out = []
        while self.base + len(out) in got:
            out.append(got[self.base + len(out)])
        return out

    def collect(self, got, words, done):
        """Receive until DONE() says something; give the order WORDS again when it is
        quiet.  What was said before a frame that is still on its way may be the begin
        of another boot."""
        self.line.send(words)
        heard = time.monotonic()
        while True:
            records = self.line.receive(ASK)
            fresh = self.signed(records)
            got.update((n, t) for n, t in fresh.items() if n >= self.base)
            answer = done()
            if answer is not None:
                return answer
            now = time.monotonic()
            if records is not None:
                heard = now
                if STARTS.search(self.line.text):
                    raise Restart()
                continue
            if AT_SHELL.search(self.line.text[-200:]):
                raise Restart()
            if now - heard > self.silence:
                raise Gone("nothing came for %d s" % self.silence)
            self.asked += 1
            self.line.send(words)

    def press_reset(self):
        """The machine hangs: if there is a command that resets it, do that."""
        if self.reset is None or os.system(self.reset) != 0:
            return False
        self.line.text = b""
        return True

    def leave(self):
        self.line.send(order("quit"))


# ---- verdicts ----

def judge(case, texts, how):
    """What came of a scenario that will not be run again."""
    with open(case.path, "rb") as f:
        mine = "file %08x" % zlib.crc32(f.read())
    if texts[:1] and texts[0] != mine:
        case.infra("the card has another version of it, or none; make sdcard, make flash")
        return
    channel = grade_judge.Channel((0, 0))
    for text in texts[1:]:
        if not text.startswith("over "):
            channel.line(text)
    if not channel.stories:
        case.verdict = grade_judge.Verdict(
            "HANG" if how == "hang" else "CRASH",
            ["the machine ended before the first step"], None, None, None)
        return
    case.judge(channel.stories[0])
    if how != "over" and case.verdict.word in ("PASS", "CRASH"):
        case.verdict = case.verdict._replace(word="HANG" if how == "hang" else "CRASH")


def console_notes(board, case):
    text = board.line.text.decode("utf-8", "replace").replace("\r", "")
    case.notes += ["console: " + s for s in text.rstrip().splitlines()[-12:]]


def run_case(board, case, seed):
    """False: the board does not go on."""
    for attempt in (1, 2):
        texts, how = board.run(case, seed)
        if how == "over":
            judge(case, texts, how)
            return True
        board.starts += how == "restart"
        console_notes(board, case)
        last = attempt == 2 or how == "hang"
        if last:
            judge(case, texts, how)
        else:
            case.notes = []
        dead = how == "hang" or b"panic: " in board.line.text
        if dead and not board.press_reset() and how == "hang":
            return False
        board.say("the machine started again within %s" % case.name)
        try:
            board.connect()
        except Gone as e:
            board.say(str(e))
            judge(case, texts, how)
            return False
        if last:
            return True
    return True


def run_all(cases, arg):
    """Run all CASES that have no verdict yet; ARG.board names the line.  Returns the
    session's numbers."""
    progress = grade_terminal.Progress(sum(c.verdict is None for c in cases))

    def say(text):
        print("board: " + text, file=sys.stderr)
    os.makedirs(arg.out, exist_ok=True)
    fd = open_line(arg.board, arg.baud)
    with open(os.path.join(arg.out, "board.console"), "wb", buffering=0) as log:
        board = Board(Line(fd, log), arg.silence, say, arg.reset)
        alive, until = True, getattr(arg, "until", None)
        try:
            board.connect()
            for case in [c for c in cases if c.verdict is None]:
                if until is not None and time.monotonic() > until:
                    raise Gone("it takes too long")
                alive = alive and run_case(board, case, arg.seed)
                if case.verdict is None:
                    case.verdict = grade_judge.Verdict(
                        "BLOCKED", ["the board does not answer any more"], None, None,
                        None)
                progress.add()
            if alive:
                board.leave()
        except Gone as e:
            raise OSError("%s: %s" % (arg.board, e))
        finally:
            os.close(fd)
    numbers = {"frames": board.line.frames, "damaged": board.line.damaged,
               "asked_again": board.asked, "sent_again": board.again,
               "restarts": board.starts}
    say("%(frames)d records, %(damaged)d damaged; %(asked_again)d orders repeated, "
        "%(sent_again)d records sent again, %(restarts)d restarts" % numbers)
    return numbers
