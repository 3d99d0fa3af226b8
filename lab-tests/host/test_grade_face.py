#!/usr/bin/env python3
"""What grading shows: the files it writes, and how it behaves on a terminal.

QEMU is a small program here that says what a kernel would that cannot read the
scenarios, or sleeps; so this needs no kernel.  The page is looked at by Chromium, if
there is one, 360 and 1280 pixels wide."""
import fcntl
import html
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import xml.etree.ElementTree

from hostcheck import check, over, TOOLS, TOP
import grade_export

holder = tempfile.TemporaryDirectory()
FOLDER = holder.name
FAKE = r"""#!%s
import os, re, sys, time
sys.path.insert(0, %r)
sys.dont_write_bytecode = True
from siphash import siphash
if os.environ.get("FAKE") == "sleep":
    open(os.path.join(%r, "pid%%d" %% os.getpid()), "w").close()
    time.sleep(1000)
words = sys.argv
key = re.search("scnkey=(.{16})(.{16})", words[words.index("-append") + 1])
key = int(key[1], 16), int(key[2], 16)
events = next(w for w in words if w.startswith("file,id=ev,path=")).split("path=")[1]
names = open(words[words.index("-initrd") + 1][:-6] + "list").read().split("\n")[1:-1]
said = [s for n in names for s in ("start " + n, "unreadable")] + ["done %%d" %% len(names)]
with open(events, "w") as f:
    for n, s in enumerate(said):
        f.write("%%d 0 %%d scn %%s %%016x\n" %% (n, n, s, siphash(
            key, ("%%d %%s" %% (n, s)).encode())))
print("console")
""" % (sys.executable, TOOLS, FOLDER)


# ---- the files ----

def one(name, verdict, **more):
    it = {"name": name, "title": "A title with <&\"", "lab": 4, "group": 1, "verdict": verdict,
          "score": 3 if verdict == "PASS" else 0, "points": 3, "step": None, "line": None,
          "steps": 2, "why": [], "hints": [], "differences": [], "timeline": [], "frames": [],
          "events": [], "notes": [], "source": [], "replay": None}
    it.update(more)
    return it


WORD = "wide" * 60
RESULTS = {
    "seed": 7, "score": 3, "points": 6, "infra": 1, "bonus": [0, 2],
    "begin": {"name": "lab4/b", "hint": "look <there>"},
    "labs": [{"lab": "4", "title": "Areas & faults", "bonus": False,
              "scenarios": 3, "passed": 1, "score": 3, "points": 6}],
    "scenarios": [
        one("lab4/a", "PASS"),
        one("lab4/b", "FAIL", step=1, line=2, why=["line 2: store", "a\x01b"],
            hints=["look <there>"], notes=[WORD], events=["step 1 ok " + WORD],
            differences=[{"what": "cow", "expected": "1", "got": WORD}],
            timeline=[{"line": 2, "text": "store A[0] = 1", "here": True, "areas":
                       [{"who": "C:A", "cells": "WaRb.-zp" + "Wc" * 30}]}],
            frames=["frame a  A[0]"], source=["title t", "store A[0] = 1   " + WORD]),
        one("lab4/c", "INFRA", why=["it was not run"])]}


def files():
    out = os.path.join(FOLDER, "out")
    grade_export.export(RESULTS, out)
    with open(os.path.join(out, "results.json")) as f:
        check("json_is_all", json.load(f), RESULTS)
    suite = xml.etree.ElementTree.parse(os.path.join(out, "junit.xml")).getroot()
    check("junit_counts", (suite.get("tests"), suite.get("failures"), suite.get("errors")),
          ("3", "1", "1"))
    check("junit_says_why", "look <there>" in suite.find("testcase/failure").text)
    with open(os.path.join(out, "gradescope.json")) as f:
        scope = json.load(f)
    check("gradescope_sum", scope["score"], sum(t.get("score", 0) for t in scope["tests"]))
    check("gradescope_ours_costs_nothing", ["score" in t for t in scope["tests"]],
          [True, True, False])
    with open(os.path.join(out, "report.html"), encoding="utf-8") as f:
        page = f.read()
    check("page_is_offline", re.findall(r"https?:|<script|<link|<img|url\(", page), [])
    check("page_escapes", "look &lt;there&gt;" in page and "<there>" not in page)
    again = os.path.join(FOLDER, "again")
    subprocess.run([sys.executable, os.path.join(TOOLS, "grade_export.py"),
                    os.path.join(out, "results.json"), again], check=True)
    check("made_again_from_the_truth", open(os.path.join(again, "report.html")).read(), page)
    return page


def look(page):
    """Nothing may reach over the edge of the page, and it can be printed."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("SKIP page_at_widths: there is no chromium")
        return
    base = [browser, "--headless", "--no-sandbox", "--disable-gpu",
            "--user-data-dir=" + os.path.join(FOLDER, "chromium")]
    # A window has a least width, a frame has not.
    frames = "".join('<iframe style="width:%dpx;height:900px;border:0" srcdoc="%s"></iframe>'
                     % (w, html.escape(page)) for w in (360, 1280))
    script = ("<script>onload=()=>{document.title=[...document.querySelectorAll('iframe')]"
              ".map(f=>[f.contentDocument.documentElement.scrollWidth,f.clientWidth])"
              ".map(([is,may])=>is<=may?'fits':is+' of '+may).join(' ')}</script>")
    path = os.path.join(FOLDER, "frames.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write("<!doctype html><title>none</title>" + frames + script)
    done = subprocess.run(base + ["--dump-dom", "file://" + path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, universal_newlines=True)
    title = re.search("<title>(.*?)</title>", done.stdout)
    check("page_at_widths", title and title[1], "fits fits")
    pdf = os.path.join(FOLDER, "page.pdf")
    subprocess.run(base + ["--print-to-pdf=" + pdf, "file://" +
                           os.path.join(FOLDER, "out", "report.html")],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    check("page_prints", os.path.exists(pdf) and open(pdf, "rb").read(5) == b"%PDF-")


# ---- the terminal ----

def make_build():
    build = os.path.join(FOLDER, "build")
    os.makedirs(os.path.join(build, "bin"))
    here = os.path.join(TOP, "lab-tests", "scenario")
    subprocess.run(["gcc", "-std=gnu11", "-o", os.path.join(build, "scn")] +
                   [os.path.join(here, f) for f in sorted(os.listdir(here))
                    if f.endswith(".c")], check=True)
    for f in ("Image", "bin/init", "bin/scenario"):
        open(os.path.join(build, f), "w").close()
    with open(os.path.join(FOLDER, "qemu"), "w") as f:
        f.write(FAKE)
    os.chmod(f.name, 0o755)
    return build


def environment(**more):
    env = dict(os.environ, QEMU=os.path.join(FOLDER, "qemu"), TERM="xterm")
    for name in ("NO_COLOR", "COLUMNS", "LINES", "FAKE"):
        env.pop(name, None)
    env.update(more)
    return env


def command(build, *more):
    return [sys.executable, os.path.join(TOOLS, "grade.py"), "--build", build, "--lab", "4",
            *more]


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, argv, columns=80, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # what ignores these may have started us
            for sig in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
                signal.signal(sig, signal.SIG_DFL)
            os.execve(argv[0], argv, environment(**env))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.text = b""

    def read(self, until=None, seconds=120):
        """Until UNTIL() or the end.  Returns whether it was UNTIL."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until and until():
                return True
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    more = os.read(self.fd, 65536)
                except OSError:
                    break
                if not more:
                    break
                self.text += more
        return False

    def end(self):
        self.read()
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)


def plain(argv, **env):
    return subprocess.run(argv, env=environment(**env), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)


def terminal(build):
    t = Terminal(command(build))
    check("status_of_failures", t.end(), 1)
    check("bar", re.search(rb"\r\[#+\.*\] \d+/\d+", t.text) is not None)
    check("colours", b"\x1b[31m" in t.text)
    t = Terminal(command(build), NO_COLOR="1")
    t.end()
    check("no_color", (b"\x1b[3" in t.text, b"\r[" in t.text), (False, True))
    t = Terminal(command(build), TERM="dumb")
    t.end()
    check("dumb", re.search(rb"\x1b|\r\[", t.text), None)
    t = Terminal(command(build), columns=40)
    t.end()
    bars = re.findall(rb"\r(\[[#.]*\] \d+/\d+)", t.text)
    check("forty_columns_bar", bars != [] and max(map(len, bars)) < 40)
    heads = [s for s in re.sub(rb"\x1b\[\d*m", b"", t.text).split(b"\r\n")
             if s.startswith(b"FAIL ")]
    check("forty_columns_lines", heads != [] and max(map(len, heads)) <= 40)
    done = plain(command(build))
    check("no_terminal", (re.search("\x1b|\r", done.stdout),
                          "... " in done.stdout), (None, True))
    check("help", "Exit status" in plain(command(build, "--help")).stdout)


def sleepers():
    """The machines that are still there."""
    out = []
    for f in os.listdir(FOLDER):
        if f.startswith("pid"):
            try:
                os.kill(int(f[3:]), 0)
                out.append(f)
            except ProcessLookupError:
                pass
    return out


def stopping(build):
    for name, end in (("ctrl_c", None), ("sigterm", signal.SIGTERM), ("hang_up", signal.SIGHUP)):
        for f in os.listdir(FOLDER):
            if f.startswith("pid"):
                os.unlink(os.path.join(FOLDER, f))
        t = Terminal(command(build, "--jobs", "3"), FAKE="sleep")
        check(name + "_all_run", t.read(lambda: len(sleepers()) == 3))
        if end is None:
            os.write(t.fd, b"\x03")
        else:
            os.kill(t.pid, end)
        check(name + "_status", t.end(), 130 if end is None else 128 + end)
        check(name + "_leaves_nothing", sleepers(), [])
    check("says_stopped", b"Traceback" not in t.text)


def trouble(build):
    out = os.path.join(FOLDER, "full")
    os.makedirs(out)
    os.symlink("/dev/full", os.path.join(out, "results.json.new"))
    done = plain(command(build, "--out", out))
    check("full_disk", (done.returncode, done.stdout.strip().splitlines()[-1]),
          (2, "grade: cannot write %s/results.json: No space left on device" % out))
    done = plain(command(build), QEMU="/nowhere/qemu")
    check("no_qemu", (done.returncode, done.stdout.strip()), (
        2, "grade: there is no /nowhere/qemu: make doctor says what to install"))
    done = plain(command(os.path.join(FOLDER, "nothing")))
    check("no_build", done.returncode, 2)
    check("no_build_says", "Traceback" not in done.stdout and "scn" in done.stdout)
    done = plain(command(build, "lab4/nowhere"))
    check("no_scenario", (done.returncode, done.stdout), (
        2, "grade: no scenario is called lab4/nowhere\n"))


look(files())
where = make_build()
terminal(where)
stopping(where)
trouble(where)
over()
