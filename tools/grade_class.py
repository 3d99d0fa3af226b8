#!/usr/bin/env python3
"""Grade what a whole class handed in: "make grade-class DIR=submissions LAB=4".

    DIR=folder   one folder or archive (.tar.gz, .tar.xz, .zip) for each student
    LAB=4        the lab whose hand-out they solved
    OUT=folder   where results go (default: build/class/lab4)
    JOBS=2       students at a time          SEED=7  other numbers, for all the same

A hand-out of the lab is cut and built.  Of a submission only sources in kern/ and libs/ are
taken and put into it: what grades (tools, scenarios, programs, the parts of the kernel that
watch, later labs) is ours whatever was handed in.  What was not taken is said.  The hand-out
may be newer than theirs: their answers are put into it (tools/transplant.py).
OUT has class.csv, class.json, class.html, and a folder for each student, with the report
that "make grade" makes.  Who is graded is not graded again by the same command, as long
as submission, lab, seed and our sources are the same: Ctrl-C, and go on later.
Exit status: 0 all were graded; 1 some could not be (no sources, no kernel, too slow); 2 it
could not be done.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import class_page  # noqa: E402
import exercises  # noqa: E402
import grade_terminal  # noqa: E402
import handout  # noqa: E402
import qemu  # noqa: E402
import submissions  # noqa: E402
import transplant  # noqa: E402
from grade_export import save  # noqa: E402
from handout_check import clean_env  # noqa: E402

# Parts of the kernel that watch the rest; exercises among them are the student's.
OURS = ("kern/ext/", "kern/debug/")
IMAGES = ("Image", "kernel.elf", "rest.img", "rest.elf")
TARGETS = ("Image", "rest.img", "scn", "mksfs", "fsck.sfs", "sfs", "bin/init",
           "bin/scenario")
FINAL = ("graded", "no kernel", "no sources")    # the same each time


class Stopped(Exception):
    pass


class Children:
    """Programs that run, each a group of its own, so that all can be ended."""

    def __init__(self):
        self.lock, self.running, self.stopping = threading.Lock(), set(), False

    def run(self, argv, folder, seconds):
        """(exit status or None: too slow, what it printed)."""
        with self.lock:
            if self.stopping:
                raise Stopped
            p = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 universal_newlines=True, errors="replace",
                                 env=clean_env(), start_new_session=True)
            self.running.add(p)
        try:
            return p.communicate(timeout=seconds)[0:1] + (p.returncode,)
        except subprocess.TimeoutExpired:
            self.end(p)
            return p.communicate()[0], None
        finally:
            with self.lock:
                self.running.discard(p)

    def end(self, p):
        """The grader ends its machines when it is told to end."""
        for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            try:
                os.killpg(p.pid, number)
                p.wait(seconds)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass

    def stop(self):
        with self.lock:
            self.stopping = True
            some = list(self.running)
        for p in some:
            self.end(p)


class Workbench:
    """A hand-out, built, into which one submission after the other is put."""

    def __init__(self, base, tree):
        self.base, self.tree = base, tree
        if os.path.isdir(tree):
            shutil.rmtree(tree)
        shutil.copytree(base.tree, tree, symlinks=True)

    def put(self, files):
        """Make the sources those of the hand-out, with FILES over them."""
        want = dict(self.base.files)
        want.update(files)
        for name in set(sources(self.tree)) - set(want):
            os.unlink(os.path.join(self.tree, name))
        for name, text in want.items():
            path = os.path.join(self.tree, name)
            if not os.path.exists(path) or submissions.open_read(path) != text:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as f:
                    f.write(text)
        for image in IMAGES:        # a file that is gone makes nothing newer
            path = os.path.join(self.tree, "build", image)
            if os.path.exists(path):
                os.unlink(path)


def sources(tree):
    out = []
    for top in submissions.FOLDERS:
        for here, _, files in os.walk(os.path.join(tree, top)):
            out += [os.path.relpath(os.path.join(here, f), tree) for f in files
                    if f.endswith(submissions.SOURCE)]
    return out


class Base:
    """The hand-out as it is given out."""

    def __init__(self, arg):
        self.arg, self.tree = arg, os.path.join(arg.out, "base")
        shutil.rmtree(self.tree, ignore_errors=True)
        os.makedirs(arg.out, exist_ok=True)
        cut = handout.options(["--lab", str(arg.lab), "--build", arg.build, "--cross",
                               arg.cross, self.tree])
        cut.leave = [arg.dir, arg.out]
        self.manifest = handout.make(cut)
        self.files = {name: submissions.open_read(os.path.join(self.tree, name))
                      for name in sources(self.tree)}
        self.theirs = {p for p, some in exercises.in_tree()
                       if some[0][0].lab <= arg.lab}
        self.digest = self.hash()

    def hash(self):
        """Of all that says how a submission is graded."""
        h = hashlib.sha256()
        for here, folders, files in os.walk(self.tree):
            folders.sort()
            for f in sorted(files):
                path = os.path.join(here, f)
                h.update(os.path.relpath(path, self.tree).encode() + b"\0" +
                         handout.digest(path).encode())
        return h.hexdigest()

    def build(self, children):
        text, status = children.run(self.make(), self.tree, None)
        if status != 0:
            raise OSError("the hand-out does not build:\n" + text[-2000:])

    def make(self):
        return ["make", "-s", "CROSS=" + self.arg.cross, "NO_INSTALL=1", "B=build"] + [
            "build/" + t for t in TARGETS]

    def take(self, files, manifest):
        """(what of FILES is put in, what is said about the rest)."""
        old = transplant.Old(files, manifest)
        taken, notes = {}, []
        if old.was is None:
            notes.append("its hand-out has no list of what was given out: only exercises "
                         "and new files are taken")
        for name in old.changed():
            there = name in self.files
            if files[name] == self.files.get(name) or (
                    old.was is None and there and name not in self.theirs):
                continue
            if name not in self.theirs and name.startswith(OURS):
                notes.append("%s is ours: not taken" % name)
            elif name in self.manifest["objects"]:
                notes.append("%s is of a later lab: not taken" % name)
            else:
                taken[name], more, _ = old.into(name, self.files.get(name))
                notes += more
                if name not in self.theirs:
                    notes.append("%s: %s" % (name, "changed" if there else "new"))
        mine = {e["file"] for e in self.manifest["exercises"].values()}
        notes += ["%s is not there: as in the hand-out" % m for m in sorted(mine)
                  if m not in files]
        return taken, notes


class Student:
    def __init__(self, name, path, arg):
        self.name, self.path, self.arg = name, path, arg
        self.folder = os.path.join(arg.out, "students", name)
        self.files = self.manifest = self.result = None

    def key(self, base):
        """What the result depends on."""
        h = hashlib.sha256(("%s %d %d\n" % (base.digest, self.arg.lab,
                                            self.arg.seed)).encode())
        h.update(json.dumps(self.manifest, sort_keys=True).encode())
        for name, text in sorted(self.files.items()):
            h.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
        return h.hexdigest()

    def known(self, base):
        """The result of an earlier run, if it is still true."""
        try:
            self.files, self.manifest = submissions.read(self.path)
        except submissions.Bad as e:
            self.result = self.no("no sources", str(e))
            return True
        try:
            with open(os.path.join(self.folder, "result.json"), encoding="utf-8") as f:
                old = json.load(f)
        except (OSError, ValueError):
            return False
        if old.get("key") != self.key(base) or old["status"] not in FINAL:
            return False
        self.result = old
        return True

    def no(self, status, why, notes=()):
        return {"name": self.name, "status": status, "why": why, "notes": list(notes),
                "score": 0, "points": 0, "bonus": 0, "scenarios": {}, "begin": None}

    def grade(self, base, bench, children):
        """Build and run it; the result is kept when all of it is there."""
        taken, notes = base.take(self.files, self.manifest)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        bench.put(taken)
        text, status = children.run(base.make(), bench.tree, self.arg.seconds)
        save(os.path.join(self.folder, "build.txt"), text)
        if status != 0:
            return self.no("no kernel" if status else "too slow", first_error(text), notes)
        out = os.path.abspath(os.path.join(self.folder, "grade"))
        text, status = children.run(
            [sys.executable, "tools/grade.py", "--lab", str(self.arg.lab), "--seed",
             str(self.arg.seed), "--jobs", "1", "--out", out], bench.tree, self.arg.seconds)
        save(os.path.join(self.folder, "grade.txt"), text)
        if status is None:
            return self.no("too slow", "more than %d s" % self.arg.seconds, notes)
        if status not in (0, 1) or not os.path.exists(os.path.join(out, "results.json")):
            return self.no("grader", text.strip().splitlines()[-1] if text.strip() else
                           "exit status %d" % status, notes)
        return self.points(os.path.join(out, "results.json"), notes)

    def points(self, path, notes):
        with open(path, encoding="utf-8") as f:
            r = json.load(f)
        out = self.no("graded", "", notes)
        out.update(score=r["score"], points=r["points"], bonus=r["bonus"][0],
                   begin=r["begin"],
                   scenarios={s["name"]: [s["verdict"], s["score"], s["points"], s["title"]]
                              for s in r["scenarios"]})
        return out

    def work(self, base, bench, children):
        start = time.monotonic()
        self.result = self.grade(base, bench, children)
        self.result.update(key=self.key(base), seconds=round(time.monotonic() - start, 1))
        save(os.path.join(self.folder, "result.json"), json.dumps(self.result, indent=1))


def first_error(text):
    lines = [s for s in text.splitlines() if "error" in s or "undefined" in s]
    return (lines or text.strip().splitlines() or ["make failed"])[0]


def brief(r):
    if r["status"] != "graded":
        return "%s: %s" % (r["status"], r["why"])
    more = " and %d of bonus" % r["bonus"] if r["bonus"] else ""
    begin = "; begins with " + r["begin"]["name"] if r["begin"] else ""
    return "%d of %d%s%s" % (r["score"], r["points"], more, begin)


class Class:
    def __init__(self, arg):
        self.arg, self.children, self.print_lock = arg, Children(), threading.Lock()
        self.students = [Student(n, p, arg) for n, p in submissions.find(arg.dir)]
        if not self.students:
            raise OSError("%s: no folder and no archive is in it" % arg.dir)
        self.benches = []

    def said(self, s):
        with self.print_lock:
            self.progress.clear()
            print("%-24s %s" % (s.name, brief(s.result)))
            self.progress.add()

    def one(self, s):
        with self.print_lock:
            bench = self.benches.pop()
        try:
            s.work(self.base, bench, self.children)
        finally:
            with self.print_lock:
                self.benches.append(bench)
        self.said(s)

    def run(self):
        print("grade-class: %d submissions; the hand-out of lab %d is made" % (
            len(self.students), self.arg.lab))
        sys.stdout.flush()
        self.base = Base(self.arg)
        todo = [s for s in self.students if not s.known(self.base)]
        kept = len(self.students) - len(todo)
        if kept:
            print("grade-class: %d need no work, %d are left" % (kept, len(todo)))
        if todo:
            self.base.build(self.children)
            jobs = min(self.arg.jobs, len(todo))
            self.benches = [Workbench(self.base, os.path.join(self.arg.out, "bench%d" % i))
                            for i in range(jobs)]
            self.progress = Bar(len(todo))
            self.all_of(todo, jobs)
            self.progress.clear()
        self.write()

    def all_of(self, todo, jobs):
        pool = concurrent.futures.ThreadPoolExecutor(jobs)
        some = [pool.submit(self.one, s) for s in todo]
        try:
            for f in concurrent.futures.as_completed(some):
                f.result()
        except BaseException:
            for f in some:
                f.cancel()
            self.children.stop()
            raise
        finally:
            pool.shutdown(wait=True)

    def write(self):
        results = [s.result for s in self.students if s.result]
        save(os.path.join(self.arg.out, "class.json"), json.dumps(
            {"lab": self.arg.lab, "seed": self.arg.seed, "students": results}, indent=1))
        save(os.path.join(self.arg.out, "class.csv"), class_page.csv_of(results))
        save(os.path.join(self.arg.out, "class.html"),
             class_page.page(results, self.arg.lab, self.arg.seed))

    def clean(self):
        for name in os.listdir(self.arg.out):
            if name == "base" or name.startswith("bench"):
                shutil.rmtree(os.path.join(self.arg.out, name), ignore_errors=True)


class Bar(grade_terminal.Progress):
    """Each student has a line, so only a terminal has a bar."""

    def add(self, n=1):
        self.done += n
        if grade_terminal.on_terminal():
            self.bar()
        sys.stdout.flush()


class Options(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, "grade-class: %s\n" % message.replace("argument --", "", 1))


def options():
    ap = Options(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--dir", required=True, help="what was handed in")
    ap.add_argument("--lab", type=int, required=True)
    ap.add_argument("--out", help="where results go (default: BUILD/class/labN)")
    ap.add_argument("--build", default="build", help="where the reference was built")
    ap.add_argument("--cross", default="riscv64-linux-gnu-", help="prefix of the tools")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--jobs", type=int, default=2, help="students at a time")
    ap.add_argument("--seconds", type=int, default=600, help="for one of them, at most")
    arg = ap.parse_args()
    arg.jobs = max(1, arg.jobs)
    if not os.path.isdir(arg.dir):
        ap.error("%s is no folder" % arg.dir)
    arg.out = os.path.abspath(arg.out or os.path.join(arg.build, "class",
                                                      "lab%d" % arg.lab))
    if (arg.out + os.sep).startswith(os.path.abspath(arg.dir) + os.sep):
        ap.error("OUT is in DIR: results would be graded")
    return arg


def main():
    arg = options()
    qemu.stop_on_term()
    c = Class(arg)
    try:
        c.run()
    except (KeyboardInterrupt, SystemExit):
        if any(s.result for s in c.students):
            c.write()
        raise
    finally:
        if os.path.isdir(arg.out):
            c.clean()
    bad = [s for s in c.students if s.result["status"] != "graded"]
    print("grade-class: %d graded, %d not; %s" % (
        len(c.students) - len(bad), len(bad), os.path.join(arg.out, "class.html")))
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, handout.Bad, subprocess.CalledProcessError) as e:
        print("grade-class: %s" % e, file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, Stopped):
        print("\ngrade-class: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
