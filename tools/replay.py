#!/usr/bin/env python3
"""Run a scenario that failed once more, exactly as it was: "make replay R=bundle".

"make grade" leaves build/grade/replay: the image, the archives of the machines on which
something failed, and per scenario that failed a bundle, NAME.json: seed, command line,
hash of the image, the records.  The folder can be copied elsewhere as a whole.

With one hart QEMU counts instructions, so the same records must come, with the same times
(but where a disk has its own); that is checked.  --gdb stops in front of the step that went wrong, in the process that
will do it, and waits for a debugger.
Exit status: 0 the same came again; 1 something else; 2 it cannot be run.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import crashimage  # noqa: E402
import grade_judge  # noqa: E402
import qemu  # noqa: E402


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


# ---- making bundles ----

def pack(cases, arg):
    """Keep what is needed to run those of CASES again that failed."""
    folder = os.path.join(arg.out, "replay")
    shutil.rmtree(folder, ignore_errors=True)
    some = [c for c in cases if c.machine_run is not None and c.verdict.word != "PASS"]
    if not some:
        return
    os.makedirs(folder)
    files = {f for c in some for f in (c.machine_run.initrd, c.machine_run.kernel,
                                       c.machine_run.dtb) if f}
    hashes = {f: digest(shutil.copy(f, folder)) for f in files}
    for c in some:
        c.bundle = os.path.join(folder, c.name.replace("/", "-") + ".json")
        with open(c.bundle, "w") as f:
            json.dump(bundle(c, arg.seed, hashes[c.machine_run.kernel]), f, indent=1)


def bundle(case, seed, image_hash):
    m = case.machine_run
    v = case.verdict
    return {"scenario": case.name, "number": case.number, "seed": seed, "verdict": v.word,
            "step": v.step, "line": None if v.step is None else case.scn["steps"][v.step]["line"],
            "kernel": case.kernel(), "image": os.path.basename(m.kernel), "sha256": image_hash,
            "initrd": os.path.basename(m.initrd),
            "disks": [os.path.getsize(d) >> 20 for d in m.disks],
            "crash": case.scn.get("disk") if m.recorded else None,
            "smp": m.smp, "mem": m.mem, "mode": m.mode, "append": m.append, "cpu": m.cpu,
            "dtb": m.dtb and os.path.basename(m.dtb),
            "records": case.story.lines, "times": case.story.times,
            "command": m.command(["-nographic"], None)}


# ---- running them again ----

class Bundle:
    def __init__(self, path, build):
        self.mksfs = os.path.join(build, "mksfs")
        with open(path, encoding="utf-8") as f:
            self.it = json.load(f)
        self.folder = os.path.dirname(os.path.abspath(path))

    def file(self, what):
        return os.path.join(self.folder, self.it[what])

    def machine(self, stop=False):
        append = self.it["append"]
        if stop:
            words = append.split(" ")
            words[0] = ",".join(words[0].split(",")[:2]) + ",%d,%d" % (
                self.it["number"], self.it["step"])
            append = " ".join(words)
        return qemu.Machine(disks=self.disks(), kernel=self.file("image"), initrd=self.file("initrd"),
                            smp=self.it["smp"], mem=self.it["mem"], mode=self.it["mode"],
                            cpu=self.it["cpu"], dtb=self.it["dtb"] and self.file("dtb"),
                            append=append)

    def disks(self):
        """As new, for a scenario begins with an empty file system."""
        out = []
        for n, size in enumerate(self.it["disks"]):
            out.append(os.path.join(self.folder, "disk%d" % n))
            subprocess.run([self.mksfs, "-s", "%dM" % size, out[-1]], check=True,
                           stdout=subprocess.DEVNULL)
        if self.it.get("crash"):
            out.append(os.path.join(self.folder, "disk"))
            crashimage.make_disk(os.path.dirname(self.mksfs), out[-1],
                                 crashimage.Layout(self.it["crash"] * 2048))
        return out

    def check(self):
        if digest(self.file("image")) != self.it["sha256"]:
            raise ValueError("%s is not the image that failed" % self.file("image"))

    def key(self):
        word = next(w for w in self.it["append"].split(" ") if w.startswith("scnkey="))
        return int(word[7:23], 16), int(word[23:39], 16)


def run_again(b, out, silence):
    """The Story of the bundle's scenario (or None), and how the machine ended."""
    channel = grade_judge.Channel(b.key())
    result = qemu.run(b.machine(), out, silence=silence)
    for record in result.records:
        channel.take(record)
    stories = [s for s in channel.stories if s.name == b.it["scenario"]]
    return stories[0] if stories else None, result


def compare(it, story):
    """0: the same as IT says."""
    was, now = it["records"], story.lines if story else []
    for n, (a, b) in enumerate(zip(was, now)):
        if a != b:
            print("record %d was  %s" % (n, a))
            print("%s is now %s" % (" " * len("record %d" % n), b))
            return 1
    if len(was) != len(now):
        print("there were %d records, now there are %d" % (len(was), len(now)))
        return 1
    same = it["times"] == story.times
    print("the same %d records came again%s" % (len(was), ", at the same instructions"
                                                if same else ", at other times"))
    return 0 if same or it["mode"] != "icount" or it["disks"] else 1


def debug(b, arg):
    """Become QEMU, stopped, and say what to type."""
    at_step = b.it["step"] is not None and not b.it["kernel"]
    if at_step:
        print("\nIt stops in front of line %d of %s (scenario_stop), in the process that runs it."
              "\nThen, for instance: break do_pgfault, continue."
              % (b.it["line"], b.it["scenario"]))
    else:
        print("\n%s runs %s, so there is no step to stop at (it was %s)."
              "\nBreak in a function of your own, or where the kernel panics:"
              % (b.it["scenario"], "inside the kernel" if b.it["kernel"] else "to its end",
                 b.it["verdict"]))
    arg.stop = "scenario_stop" if at_step else "panic_at"
    arg.out, arg.gdb = b.folder, os.path.join(b.folder, "gdb.sock")
    machine = b.machine(stop=at_step)
    qemu.interactive(machine, arg)


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("bundle", help="build/grade/replay/NAME.json")
    ap.add_argument("--gdb", action="store_true", help="stop at the step, for a debugger")
    ap.add_argument("--build", default="build", help="where mksfs is")
    ap.add_argument("--elf", default="build/kernel.elf", help="the symbols, for --gdb")
    ap.add_argument("--silence", type=int, default=60,
                    help="seconds without a word that make a hang")
    arg = ap.parse_args()
    b = Bundle(arg.bundle, arg.build)
    b.check()
    if arg.gdb:
        debug(b, arg)
    qemu.stop_on_term()
    print("%s, seed %s: it was %s%s" % (
        b.it["scenario"], b.it["seed"], b.it["verdict"],
        "" if b.it["line"] is None else " at line %d" % b.it["line"]))
    story, result = run_again(b, os.path.join(b.folder, "again"), arg.silence)
    if result.how == "infra":
        raise OSError(result.note)
    for line in story.lines[-20:] if story else ():
        print("  " + line)
    return compare(b.it, story)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError, subprocess.CalledProcessError) as e:
        print("replay: %s" % e, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
