#!/usr/bin/env python3
"""The one place that runs QEMU.

As a command: boot a kernel, on the terminal (--interactive) or under watch,
and say how it ended.  As a module: Machine describes a run, run() does it and
returns a Result with the console text and the event records.

Records (docs/design/boot.md) are lines "SEQ HART TIME ID ARGS..." on a virtio
console, or on the serial line in frames: \\x1e LINE CHECKSUM \\x1f.

A run has no time limit.  It is called a hang when neither the console nor the
records have grown for --silence seconds of this computer's time, or, if PATIENCE is
given, when the process used or slept so much of it meanwhile (qemu_meter.py).
"""
import argparse
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import zlib

import gdbstub
import qemu_meter

SILENCE = 300
DEBUGGERS = ("gdb-multiarch", "riscv64-unknown-elf-gdb")
CALLS, MOST = 4, 4      # of each that sleeps, and how many
OVER = b"\nIt is now safe to power off."     # by a kernel that cannot
FRAME = re.compile(rb"\x1e([^\x1e\x1f]*)\x1f\r?\n?")


class Machine:
    """What to run.  Fields that are None are left to QEMU."""

    def __init__(self, **fields):
        self.qemu = os.environ.get("QEMU") or "qemu-system-riscv64"
        self.data = None        # folder of firmware files (-L)
        self.bios = None        # firmware, if not QEMU's own
        self.machine = "virt"
        self.cpu = None
        self.smp = 1
        self.mem = "128M"
        self.kernel = None
        self.append = ""
        self.initrd = None
        self.dtb = None
        self.disk = None        # boot this disk through U-Boot
        self.loader = None      # ... this one, if not the installed one
        self.disks = []         # further disks: paths, or (path, options of the
                                # drive, options of the device); vda is the first
        self.recorded = None    # one disk more, and a file for all that is written to it
        self.legacy = False     # old virtio devices
        self.mode = "mttcg"     # or "icount": counted, repeatable, one hart
        self.elf = None         # with symbols: if it hangs, it is said where
        self.look = None        # who talks to the debugger's stub in path until release()
        self.extra = []
        for name, value in fields.items():
            if not hasattr(self, name):
                raise AttributeError(name)
            setattr(self, name, value)

    def has_virtio(self):
        return self.machine.split(",")[0] == "virt"

    def command(self, console, events):
        """The arguments; CONSOLE is a list of them, EVENTS a file or None."""
        a = [self.qemu]
        if self.data:
            a += ["-L", self.data]
        a += ["-machine", self.machine, "-smp", str(self.smp), "-m", self.mem]
        if self.cpu:
            a += ["-cpu", self.cpu]
        if self.mode == "icount":
            # The clock of an idle machine jumps to what it waits for; with
            # disks of this computer it waits for them, too.
            a += ["-icount", "shift=0,sleep=" + ("on" if self.disks or self.recorded else "off"),
                  "-seed", "1",
                  "-rtc", "base=2024-01-01,clock=vm"]
        else:
            a += ["-accel", "tcg,thread=multi"]
        a += console + ["-no-reboot", "-nic", "none"]
        if self.has_virtio() and not self.legacy:
            a += ["-global", "virtio-mmio.force-legacy=false"]
        if self.disk:
            a += ["-bios", self.bios or "default", "-kernel", self.loader or uboot(),
                  "-drive", "file=%s,format=raw,if=none,id=d0" % self.disk,
                  "-device", "virtio-blk-device,drive=d0"]
        else:
            if self.bios:
                a += ["-bios", self.bios]
            if self.kernel:
                a += ["-kernel", self.kernel]
            if self.append:
                a += ["-append", self.append]
            if self.initrd:
                a += ["-initrd", self.initrd]
        for i, disk in enumerate(self.disks):
            path, drive, device = (disk, "", "") if isinstance(disk, str) else disk
            a += ["-drive", "file=%s,format=raw,if=none,id=disk%d%s"
                  % (path, i, drive and "," + drive),
                  "-device", "virtio-blk-device,bus=virtio-mmio-bus.%d,drive=disk%d%s"
                  % (i, i, device and "," + device)]
        if self.recorded:
            a += recording(*self.recorded)
        if self.dtb:
            a += ["-dtb", self.dtb]
        if self.has_virtio() and events:
            a += ["-device", "virtio-serial-device,max_ports=1",
                  "-chardev", "file,id=ev,path=" + events,
                  "-device", "virtconsole,chardev=ev"]
        return a + self.extra


def recording(disk, log):
    """Arguments: the disk DISK, and all that is written to it is in LOG, too."""
    return ["-blockdev", "driver=blklogwrites,node-name=log,"
            "file.driver=file,file.filename=%s,"
            "log.driver=file,log.filename=%s" % (disk, log),
            "-device", "virtio-blk-device,drive=log"]


def debug_stub(path):
    """Arguments: QEMU listens there for a debugger."""
    return ["-chardev", "socket,path=%s,server=on,wait=off,id=gdb0" % path,
            "-gdb", "chardev:gdb0"]


def uboot():
    folder = "/usr/lib/u-boot/qemu-riscv64_smode"
    for name in ("uboot.elf", "u-boot.bin"):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    return os.path.join(folder, "uboot.elf")


class Record:
    def __init__(self, seq, hart, when, ident, args):
        self.seq, self.hart, self.time = seq, hart, when
        self.id, self.args = ident, args

    @staticmethod
    def parse(line):
        words = line.split()
        if len(words) < 4 or not all(w.isdigit() for w in words[:3]):
            return None
        return Record(int(words[0]), int(words[1]), int(words[2]), words[3],
                      words[4:])

    def __str__(self):
        return " ".join([self.id] + self.args)


def unframe(console):
    """Split console bytes into (text without frames, lines, broken frames)."""
    lines, broken = [], []

    def take(match):
        body = match.group(1).decode("utf-8", "replace").strip()
        text, _, check = body.rpartition(" ")
        text = text.strip()
        if check.lower() == "%08x" % zlib.crc32(text.encode()):
            lines.append(text)
        else:
            broken.append(body)
        return b""
    return FRAME.sub(take, console), lines, broken


class Result:
    """How a run ended.

    how: "exit" (QEMU ended by itself), "until" (what we waited for came, or the machine
         cannot switch itself off and said so),
         "hang" (silence) or "infra" (QEMU itself failed; see note)."""

    def __init__(self):
        self.how, self.status, self.note = None, None, ""
        self.console, self.events, self.errors = b"", b"", b""
        self.seconds = 0.0
        self.untyped = []       # what was left to type
        self.where = []         # of a hang: a line for each hart, and what sleeps

    def finish(self):
        """Parse the raw bytes."""
        raw, framed, broken = unframe(self.console)
        self.text = raw.decode("utf-8", "replace").replace("\r", "")
        lines = self.events.decode("utf-8", "replace").splitlines() + framed
        records, self.damage = [], ["damaged record: " + b for b in broken]
        for line in lines:
            record = Record.parse(line)
            if record:
                records.append(record)
            elif line.strip():
                self.damage.append("not a record: " + line)
        records.sort(key=lambda r: r.seq)
        for a, b in zip(records, records[1:]):
            if b.seq != a.seq + 1:
                self.damage.append("records %d to %d are missing"
                                   % (a.seq + 1, b.seq - 1)
                                   if b.seq > a.seq else
                                   "two records have number %d" % a.seq)
        self.records = records
        return self

    def exit_code(self):
        """The code the kernel ended with; None: it never said.

        On virt QEMU's own status says it, elsewhere the last record."""
        for r in reversed(self.records):
            if r.id == "exit" and r.args and re.match(r"-?\d+$", r.args[0]):
                return int(r.args[0])
        if self.how == "exit" and self.status:
            return self.status
        return None


running = set()         # the QEMU processes of this program
running_lock = threading.Lock()
stopping = False


def stop_all():
    """End every QEMU that run() started, and let no other start."""
    global stopping
    with running_lock:
        stopping = True
        for process in running:
            kill(process)


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


class Watch:
    """One QEMU process, its console and its records, until it ends."""

    def __init__(self, machine, log, until, typing, silence, patience=None):
        self.m, self.log, self.events_path = machine, log, log + ".events"
        self.until = re.compile(until.encode()) if until else None
        self.typing = list(typing or [])
        self.silence, self.patience = silence, patience
        self.typed_at = 0
        self.result = Result()

    def spawn(self):
        console = ["-display", "none", "-monitor", "none",
                   "-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con"]
        argv = self.m.command(console, self.events_path)
        self.debug = None       # where a debugger is listened for
        if self.m.look is not None:
            self.debug = self.m.look.path
        elif self.m.elf and len(self.log) < 90:         # a socket's name is short
            self.debug = self.log + ".gdb"
            argv += debug_stub(self.debug)
        with running_lock:
            if stopping:
                raise OSError("stopped")
            process = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       start_new_session=True)
            running.add(process)
        return process

    def read_events(self):
        try:
            with open(self.events_path, "rb") as f:
                f.seek(len(self.result.events))
                more = f.read()
        except OSError:
            return False
        self.result.events += more
        return bool(more)

    def type_next(self, qemu):
        """Type the next text once what it waits for has been printed; a number
        instead of a text: the user thinks for so many seconds."""
        while self.typing:
            pattern, text = self.typing[0]
            m = re.compile(pattern.encode()).search(self.result.console,
                                                    self.typed_at)
            if not m:
                return
            self.typing.pop(0)
            if not isinstance(text, str):
                time.sleep(text)
                continue
            self.typed_at = m.end()
            qemu.stdin.write(text.encode())
            qemu.stdin.flush()

    def ended(self):
        """Has the guest said that it is over?"""
        r = self.result
        if self.until and not self.typing and (
                self.until.search(whole_lines(r.events)) or
                self.until.search(whole_lines(r.console))):
            return "until"
        if not self.m.has_virtio() and b" exit " in unframed_tail(r.console) or \
                OVER in r.console[-400:]:
            return "until"
        return None

    def loop(self, qemu):
        r, last, meter = self.result, time.monotonic(), qemu_meter.Meter(qemu.pid)
        pipes = {qemu.stdout: "console", qemu.stderr: "errors"}
        while pipes:
            ready, _, _ = select.select(list(pipes), [], [], 0.1)
            grown = self.read_events()
            for pipe in ready:
                data = os.read(pipe.fileno(), 65536)
                if not data:
                    pipes.pop(pipe)
                    continue
                setattr(r, pipes[pipe], getattr(r, pipes[pipe]) + data)
                grown = True
            now = time.monotonic()
            if grown:
                last = now
                meter.begin()
                self.type_next(qemu)
            r.how = self.ended()
            if r.how:
                return
            stuck = self.patience and meter.stuck(self.patience())
            if stuck and (self.read_events() or select.select(list(pipes), [], [], 0)[0]):
                continue        # it said something while we were not let run
            if stuck or now - last > self.silence:
                r.how = "hang"
                r.note = stuck or "no output for %d s" % self.silence
                if self.debug and self.m.elf:
                    self.look_around()
                return
        r.status = qemu.wait()
        self.read_events()
        r.how = "exit"
        if r.status < 0:
            r.how, r.note = "infra", "QEMU was ended by signal %d" % -r.status
        elif r.status and not r.console:
            lines = r.errors.decode("utf-8", "replace").strip().splitlines()
            r.how, r.note = "infra", lines[-1] if lines else "QEMU failed"

    def look_around(self):
        """Write down where every hart is and, with a debugger, every thread."""
        r = self.result
        if self.m.look is not None:
            self.m.look.release()
        r.where = gdbstub.where(self.debug, self.m.elf)
        threads = self.ask_debugger()
        with open(self.log + ".hang", "w", encoding="utf-8") as f:
            f.write("\n".join(r.where) + "\n\n" + threads)
        if all(s.endswith("is idle") for s in r.where):
            r.where += sleepers(threads)
        r.note += "; where it is: %s.hang" % self.log

    def ask_debugger(self):
        debugger = next((d for d in DEBUGGERS if shutil.which(d)), None)
        if debugger is None:
            return ""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gdb_threads.py")
        try:
            done = subprocess.run(
                [debugger, "-nx", "-q", "-batch", "-ex", "source " + script, "-ex",
                 "target remote " + self.debug, "-ex", "threads", self.m.elf],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=60)
            return done.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            return "QEMU does not answer its debugger\n"

    def run(self):
        start = time.monotonic()
        for path in (self.events_path, self.log + ".gdb", self.log + ".hang"):
            if os.path.exists(path):
                os.unlink(path)
        try:
            qemu = self.spawn()
        except OSError as e:
            self.result.how, self.result.note = "infra", str(e)
            return self.result.finish()
        try:
            self.loop(qemu)
        except BrokenPipeError:
            self.result.how, self.result.note = "infra", "QEMU went away"
        finally:
            with running_lock:
                running.discard(qemu)
                if qemu.poll() is None:
                    kill(qemu)
            qemu.wait()
            for pipe in (qemu.stdin, qemu.stdout, qemu.stderr):
                try:
                    pipe.close()
                except OSError:
                    pass
            if os.path.exists(self.log + ".gdb"):
                os.unlink(self.log + ".gdb")
        self.result.seconds = time.monotonic() - start
        self.result.untyped = self.typing
        return self.result.finish()


def sleepers(threads):
    """Lines for the processes that do not run, of what gdb_threads.py said."""
    out = {}
    for name, state, calls in re.findall(
            r"^thread \d+ (\S*), (blocked|ready).*\n((?:  #.*\n)+)", threads, re.M):
        calls = [m for m in re.findall(r"^  #\d+ +(\S+) (?:.*/)?((?:kern|libs)/\S+)", calls, re.M)
                 if m[0] != "?"]
        if any(f == "thread_begin" for f, _ in calls):
            continue        # a thread of the kernel
        some = [c for c in calls if not c[1].startswith("kern/schedule/")][:CALLS]
        line = "%s %s in %s" % (
            name or "a process", "sleeps" if state == "blocked" else "is ready and not run,",
            ", called by ".join("%s (%s)" % c for c in some))
        out[line] = out.get(line, 0) + 1
    return [line + ("; %d of them" % n if n > 1 else "") for line, n in out.items()][:MOST]


def whole_lines(data):
    return data[:data.rfind(b"\n") + 1]


def unframed_tail(console):
    """The records in the last part of the console, for a cheap look."""
    return b"\n".join(FRAME.findall(console[-400:]))


def run(machine, log, until=None, typing=None, silence=SILENCE, patience=None):
    """Run MACHINE.  LOG.console and LOG.events keep what it said.

    UNTIL ends the run when it matches the console or the records; TYPING is a
    list of (pattern to wait for, text to type); PATIENCE() is what
    qemu_meter.Meter.stuck() wants: how long it may run or sleep and say nothing."""
    os.makedirs(os.path.dirname(log) or ".", exist_ok=True)
    result = Watch(machine, log, until, typing, silence, patience).run()
    with open(log + ".console", "wb") as f:
        f.write(result.console)
    return result


def stop_on_term():
    """Let SIGTERM, and a terminal that goes away, run the finally clauses, which end
    QEMU."""
    def leave(number, _):
        sys.exit(128 + number)
    signal.signal(signal.SIGTERM, leave)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:   # nohup
        signal.signal(signal.SIGHUP, leave)


def interactive(machine, arg):
    """Become QEMU, on this terminal."""
    os.makedirs(arg.out, exist_ok=True)
    if arg.gdb:
        if os.path.exists(arg.gdb):
            os.unlink(arg.gdb)
        machine.extra += debug_stub(arg.gdb) + ["-S"]
    argv = machine.command(["-nographic"], os.path.join(arg.out, "events.log"))
    print("  QEMU   " + " ".join(shlex.quote(a) for a in argv))
    if arg.gdb:
        print("\nIn another terminal:\n\n  gdb-multiarch -ex 'target remote %s' %s\n"
              "\nAddresses are those of the running kernel once paging is on; to stop"
              " there:\n  (gdb) hbreak %s\n  (gdb) continue\n"
              "Where is everybody?\n  (gdb) source tools/gdb_threads.py\n  (gdb) threads"
              % (os.path.abspath(arg.gdb), arg.elf, getattr(arg, "stop", "kern_init")))
    print("\nCtrl-A X leaves QEMU.\n")
    sys.stdout.flush()
    try:
        os.execvp(argv[0], argv)
    except OSError as e:
        sys.exit("qemu: %s: %s" % (argv[0], e.strerror))


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--machine", default="virt")
    ap.add_argument("--smp", default="1")
    ap.add_argument("--mem", default="128M")
    ap.add_argument("--cpu")
    ap.add_argument("--kernel", default="build/Image")
    ap.add_argument("--append", default="")
    ap.add_argument("--initrd")
    ap.add_argument("--dtb")
    ap.add_argument("--bios")
    ap.add_argument("--data", help="folder of firmware files (QEMU's -L)")
    ap.add_argument("--disk", help="boot this disk through U-Boot instead")
    ap.add_argument("--hd", action="append", default=[], dest="disks",
                    metavar="FILE", help="a disk; the first one is vda")
    ap.add_argument("--mode", choices=("mttcg", "icount"), default="mttcg")
    ap.add_argument("--out", default="build", help="folder for logs")
    ap.add_argument("--until", help="stop when this has been printed")
    ap.add_argument("--silence", type=int, default=SILENCE)
    ap.add_argument("--interactive", action="store_true")
    ap.add_argument("--gdb", metavar="SOCKET", help="wait for a debugger there")
    ap.add_argument("--elf", default="build/kernel.elf", help="for the hint of --gdb")
    arg = ap.parse_args()
    names = "machine smp mem cpu kernel append initrd dtb bios data disk disks mode"
    machine = Machine(**{n: getattr(arg, n) for n in names.split()})
    if arg.interactive:
        interactive(machine, arg)
    stop_on_term()
    r = run(machine, os.path.join(arg.out, "run"), arg.until, None, arg.silence)
    sys.stdout.write(r.text)
    for record in r.records:
        print("%d %d %d %s" % (record.seq, record.hart, record.time, record))
    for d in r.damage:
        print(d)
    print("ended: %s, status %s, code %s, %.1f s %s"
          % (r.how, r.status, r.exit_code(), r.seconds, r.note))
    return {"infra": 3, "hang": 2, "until": 0}.get(r.how, 1 if r.exit_code() else 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
