#!/usr/bin/env python3
"""A variable that a target of make does not know is refused, and those it knows are said.
Only what make reads is run, no recipe."""
import os
import subprocess

from hostcheck import check, over, TOP


def said(*words, **more):
    """The first line about a variable, or "taken"."""
    env = {k: v for k, v in os.environ.items() if "MAKE" not in k}
    done = subprocess.run(["make", "-n"] + list(words), cwd=TOP, universal_newlines=True,
                          env=dict(env, **more), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    wrong = [s.partition("*** ")[2] for s in done.stdout.splitlines() if "no variable" in s]
    return wrong[0] if wrong and done.returncode == 2 else "taken"


for goal, bad in (("grade", "lab"), ("grade", "LABS"), ("grade", "S"), ("scenario", "LAP"),
                  ("handout", "KEPT"), ("sdcard", "SLP"), ("flash", "dev"), ("bench", "ROW"),
                  ("ktest", "T"), ("qemu", "smp"), ("all", "LAB"), ("help", "X")):
    line = said(goal, bad + "=1")
    check("%s_%s" % (goal, bad), line.split(";")[0],
          "make %s: there is no variable %s here" % (goal, bad))
check("they_are_said", said("grade", "lab=2").partition("; there are ")[2][:32],
      "LAB SEED JOBS PROFILE BOARD RESE")
check("two_are_both_said", sorted(said("grade", "A=1", "LAB=2", "Z=").split(";")[0].split()[6:8]),
      ["A", "Z"])
for words in (("grade", "LAB=2", "V=1", "CC=gcc", "B=build"), ("help", "CROSS=x-"),
              ("qemu", "SMP=2", "APPEND=a b=c"), ("help", "CROSS_COMPILE=x-"),
              ("bench", "ROWS=a b", "EXTRA="), ("grade", "bench", "LAB=1", "ROWS=a")):
    check("taken_" + "_".join(words), said(*words), "taken")
check("of_the_make_around", said("help", "CMD=x", MAKELEVEL="1"), "taken")
check("the_environment_is_not_ours", said("help", lab="2"), "taken")
over()
