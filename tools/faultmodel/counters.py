"""What a step of a scenario reports: counters, a result, pages; and how people say it."""
import os
import re

PAGE = 4096
R, W, X = 1, 2, 4
SEGV, BUS, MAPERR, ACCERR, ADRERR = 11, 7, 1, 2, 2
ENOENT, ENOMEM, EACCES, EFAULT, EBUSY = 2, 12, 13, 14, 16
EEXIST, EINVAL, ENOSPC, ENOSYS = 17, 22, 28, 38
COUNTERS = ("flt min maj spur retry zero anon cow reuse fread fcow fshared mkwrite around "
            "segv sigbus oom swpin swpout rmapun wb steal pswpin").split()


class Unknown(Exception):
    """The model has no rule for this."""


class Signal(Exception):
    def __init__(self, number, code, address):
        self.number, self.code, self.address = number, code, address


class Killed(Exception):
    """There is no memory for this process, and it ends."""


class Expected:
    """What one step must report: RESULT, COUNT (not 0), AREAS (or None: the process has
    ended; SEAMS more are right, too), CELLS {(process, area): text} of what is different;
    LOOSE: counters that may have any value."""

    def __init__(self):
        self.result, self.count, self.areas, self.cells = "ok", {}, None, {}
        self.seams, self.loose = 0, ()


def error_names():
    """{12: "ENOMEM"}: the kernel's own, whatever those of this computer are."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(top, "libs", "errno.h"), encoding="utf-8") as f:
        return {int(n): name for name, n in re.findall(r"#define (E\w+) +(\d+)", f.read())}


ERRORS = error_names()


def say(result):
    """A result as people say it."""
    word, *rest = result.split(":")
    if word == "signal":
        number, code = int(rest[0]), int(rest[1])
        name = {SEGV: "SIGSEGV", BUS: "SIGBUS", 4: "SIGILL", 5: "SIGTRAP"}.get(number, rest[0])
        why = {(SEGV, 1): "MAPERR", (SEGV, 2): "ACCERR", (BUS, 2): "ADRERR",
               (BUS, 1): "ADRALN", (4, 1): "ILLOPC", (5, 1): "BRKPT"}.get(
            (number, code), rest[1])
        sign = "+" if int(rest[2], 16) < 1 << 30 else ""
        return "%s %s at %s0x%s" % (name, why, sign, rest[2])
    if word == "value":
        return "value %s" % int(rest[0], 16) if int(rest[0], 16) < 65536 else \
            "contents with checksum %s" % rest[0]
    if word == "least":
        return "at least %d" % int(rest[0], 16)
    if word == "error":
        name = ERRORS.get(int(rest[0]))
        return "error %s (%s)" % (name, rest[0]) if name else "error " + rest[0]
    if word == "killed":
        return "killed by " + {SEGV: "SIGSEGV", BUS: "SIGBUS", 9: "SIGKILL"}.get(
            int(rest[0]), "signal " + rest[0])
    return " ".join([word] + rest)
