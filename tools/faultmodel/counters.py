"""What a step of a scenario reports: counters, a result, pages; and how people say it."""
PAGE = 4096
R, W, X = 1, 2, 4
SEGV, BUS, MAPERR, ACCERR, ADRERR = 11, 7, 1, 2, 2
ENOENT, ENOMEM, EACCES, EFAULT, EBUSY = 2, 12, 13, 14, 16
EEXIST, EINVAL, ENOSYS = 17, 22, 38
COUNTERS = ("flt min maj spur retry zero anon cow reuse fread fcow fshared mkwrite around "
            "segv sigbus oom swpin swpout rmapun wb").split()


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
        names = {1: "EPERM", 2: "ENOENT", 16: "EBUSY", 17: "EEXIST", 9: "EBADF", 11: "EAGAIN", 12: "ENOMEM", 13: "EACCES",
                 14: "EFAULT", 22: "EINVAL", 38: "ENOSYS"}
        return "error %s" % names.get(int(rest[0]), rest[0])
    if word == "killed":
        return "killed by " + {SEGV: "SIGSEGV", BUS: "SIGBUS", 9: "SIGKILL"}.get(
            int(rest[0]), "signal " + rest[0])
    return " ".join([word] + rest)
