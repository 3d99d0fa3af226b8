"""The debugger's side of a connection to QEMU, as little of it as is needed, and what a
machine that says nothing tells through it: in which function and line each hart is.

No debugger is needed for that: the kernel keeps frame pointers (kern/debug/backtrace.c),
its ELF file has the names, and addr2line, which comes with the compiler, the lines."""
import bisect
import re
import shutil
import socket
import struct
import subprocess

PATIENCE = 600      # seconds; the run's own silence ends it earlier
DEEP = 6            # functions of a hart
IDLE = "sched_idle_loop"
ADDR2LINE = ("riscv64-linux-gnu-addr2line", "riscv64-unknown-elf-addr2line", "llvm-addr2line")
SOURCE = re.compile(r"(?:.*/)?((?:kern|libs|lab-tests)/.*:\d+)")


class Symbols:
    """Of an ELF file of 64 bits; nothing is in one that is none."""

    def __init__(self, path):
        self.path, self.names, self.parts = path, {}, []
        with open(path, "rb") as f:
            data = f.read()
        if data[:5] == b"\x7fELF\x02":
            self.read(data)
        self.sorted = sorted((at, name) for name, at in self.names.items()
                             if self.linked(at) is not None)

    def read(self, data):
        heads, at = struct.unpack_from("<QQ", data, 32)
        _, number, size, count = struct.unpack_from("<HHHH", data, 54)
        for i in range(number):
            kind, flags, _, va, pa, _, length, _ = struct.unpack_from(
                "<IIQQQQQQ", data, heads + 56 * i)
            if kind == 1 and flags & 1:     # what is run
                self.parts.append((va, pa, length))
        sections = [struct.unpack_from("<IIQQQQII", data, at + i * size) for i in range(count)]
        for kind, offset, length, link in ((s[1], s[4], s[5], s[6]) for s in sections):
            names = sections[link][4] if kind == 2 else 0
            for i in range(offset, offset + length if kind == 2 else offset, 24):
                word, info, _, _, value, _ = struct.unpack_from("<IBBHQQ", data, i)
                start = names + word
                if info & 15 in (0, 2):     # functions, and labels of assembler
                    self.names[data[start:data.index(b"\0", start)].decode()] = value

    def address(self, name):
        """None: there is no such function."""
        return self.names.get(name)

    def linked(self, pc):
        """The address that PC was linked at, also before paging is on; None: no code of ours."""
        for va, pa, length in self.parts:
            for start in (va, pa):
                if start <= pc < start + length:
                    return pc - start + va
        return None

    def name(self, pc):
        at = self.linked(pc)
        i = bisect.bisect(self.sorted, (at, "\x7f")) if at is not None else 0
        return self.sorted[i - 1][1] if i else None

    def places(self, pcs):
        """"FUNCTION (FILE:LINE)" of each, what was inlined by its own name; without what
        is not known."""
        tool = next((t for t in ADDR2LINE if shutil.which(t)), None)
        found = [self.name(pc) for pc in pcs]
        if tool is None:
            return found
        done = subprocess.run([tool, "-f", "-e", self.path] + ["%x" % self.linked(pc) for pc in pcs],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              universal_newlines=True)
        lines = done.stdout.splitlines()
        for n, (name, line) in enumerate(zip(lines[::2], lines[1::2])):
            m = SOURCE.match(line)
            if m:
                found[n] = "%s (%s)" % (found[n] if name == "??" else name, m[1])
        return found


class Stub:
    def __init__(self, path, patience=PATIENCE):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(patience)
        self.socket.connect(path)
        self.data = b""

    def close(self):
        """Also from another thread: who waits for an answer gets an OSError."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass        # QEMU was faster
        self.socket.close()

    def byte(self):
        if not self.data:
            self.data = self.socket.recv(65536)
            if not self.data:
                raise OSError("QEMU went away")
        one, self.data = self.data[:1], self.data[1:]
        return one

    def hear(self):
        """The next packet."""
        while self.byte() != b"$":
            pass
        body = b""
        while not body.endswith(b"#"):
            body += self.byte()
        self.byte(), self.byte()
        # QEMU reads nothing while it prints, so who answers each line waits for it as it
        # waits for us, once the line is long enough.
        if body[:1] != b"O" or body == b"OK#":
            self.socket.sendall(b"+")
        return body[:-1].decode("ascii", "replace")

    def say(self, text):
        body = text.encode()
        self.socket.sendall(b"$%s#%02x" % (body, sum(body) & 255))

    def ask(self, text):
        self.say(text)
        return self.hear()

    def ask_still(self, text):
        """... and pass over what QEMU says of itself when it stops, as it does for who connects."""
        answer = self.ask(text)
        while answer.startswith("T"):
            answer = self.hear()
        return answer

    def monitor(self, command):
        """What a command of QEMU's monitor prints."""
        out, answer = "", self.ask("qRcmd," + command.encode().hex())
        while answer.startswith("O") and answer != "OK":
            out += bytes.fromhex(answer[1:]).decode("ascii", "replace")
            answer = self.hear()
        return out

    def harts(self):
        """What the stub calls them."""
        out, answer = [], self.ask_still("qfThreadInfo")
        while answer.startswith("m"):
            out += answer[1:].split(",")
            answer = self.ask_still("qsThreadInfo")
        return out

    def words(self, question, count):
        """COUNT words of 64 bits, or None."""
        answer = self.ask_still(question)
        try:
            return struct.unpack_from("<%dQ" % count, bytes.fromhex(answer))
        except (ValueError, struct.error):
            return None     # "E14": there is nothing


def called_by(stub, symbols, pc, ra, fp):
    """[pc]: where the hart is that QEMU looks from, and the calls it is in."""
    out, first = [pc], True
    while len(out) < DEEP and fp % 8 == 0:
        frame = stub.words("m%x,10" % (fp - 16), 2)
        if frame is None:
            break
        older, back = frame
        if first and symbols.linked(back) is None:      # it calls nobody: ra is not saved
            older, back = back, ra
        if symbols.linked(back) is None:
            break
        out.append(back - 2)
        if older <= fp:
            break
        fp, first = older, False
    return out


def hart_is(symbols, pcs):
    if symbols.name(pcs[0]) is None:
        return "in a program, at %#x" % pcs[0] if pcs[0] < 1 << 63 else "at %#x" % pcs[0]
    if IDLE in [symbols.name(pc) for pc in pcs]:
        return "idle"
    return "in " + ", called by ".join(symbols.places(pcs))


def where(path, elf, patience=10):
    """A line for each hart of the machine that listens at PATH; it stands still then."""
    symbols, out = Symbols(elf), []
    try:
        stub = Stub(path, patience)
        for n, hart in enumerate(stub.harts()):
            stub.ask_still("Hg" + hart)
            r = stub.words("g", 33)
            if r is not None:
                out.append("hart %d is %s" % (
                    n, hart_is(symbols, called_by(stub, symbols, r[32], r[1], r[8]))))
        stub.close()
    except OSError as e:
        out.append("QEMU does not say where it is: %s" % e)
    return out
