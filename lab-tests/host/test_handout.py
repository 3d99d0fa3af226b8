#!/usr/bin/env python3
"""What cuts exercises: whole bodies, stubs become code, and nothing is left half-made."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from hostcheck import check, over, TOP
import course
import exercises
import grade_handout
import handout
import labpages

folder = tempfile.TemporaryDirectory()

GOOD = """static int
answer(int n)
{
    /* LAB 3.2: say how much it is.
     *
     * Ask the oracle. */
    int value = oracle(n) + 1234567890;

    if (value < 0 && value != -987654321)
        return give_up_because_of(value);
    report_to_everybody(value);
    return value + number_of_something_else(n);
    /* STUB: (void)n; */
    /* STUB: return -1; */
    /* END 3.2 */
}
"""
CUT = """static int
answer(int n)
{
    /* LAB 3.2 YOUR CODE: say how much it is.
     *
     * Ask the oracle. */
    (void)n;
    return -1;
}
"""


def bad(text):
    """What is said of a file with wrong markers, without the place of all but the first."""
    try:
        exercises.cut("a.c", text.splitlines(), lambda e: True)
    except exercises.Bad as e:
        return str(e).splitlines()[0]
    return "nothing"


def cutting():
    cut = exercises.cut("a.c", GOOD.splitlines(), lambda e: True)
    check("handout_stub_becomes_code", "\n".join(cut) + "\n", CUT)
    check("handout_not_wanted_stays",
          exercises.cut("a.c", GOOD.splitlines(), lambda e: False), GOOD.splitlines())
    check("handout_both_have_the_same_name",
          [(e.name, e.lab, e.function) for e, _, _ in exercises.regions("a.c", cut)],
          [(e.name, e.lab, e.function)
           for e, _, _ in exercises.regions("a.c", GOOD.splitlines())])
    stub = exercises.regions("a.c", cut)[0][0]
    check("handout_hash_ignores_layout", exercises.body_hash(stub.body),
          exercises.body_hash(["(void)n;    return", " -1;"]))
    done = exercises.regions("a.c", [s.replace("return -1", "return 2") for s in cut])
    check("handout_hash_sees_work",
          exercises.body_hash(done[0][0].body) == exercises.body_hash(stub.body), False)
    check("handout_text_is_not_counted", exercises.text_lines(GOOD.splitlines()), 6)
    check("handout_no_stub", exercises.cut(
        "a.c", ["void", "f(void)", "{", "    /* LAB 1.1: do it. */", "    g();",
                "    /* END 1.1 */", "}"], lambda e: True)[3:],
        ["    /* LAB 1.1 YOUR CODE: do it. */", "}"])


def refusing():
    check("handout_half_a_body", bad(GOOD.replace("    /* LAB", "    int x;\n    /* LAB"))
          [:8], "a.c:5: a")
    check("handout_code_after_end", bad(GOOD.replace("/* END 3.2 */", "/* END 3.2 */\n    g();"))
          [:9], "a.c:15: a")
    check("handout_other_end", bad(GOOD.replace("END 3.2", "END 3.3")),
          "a.c:15: END 3.3 closes LAB 3.2")
    check("handout_no_end", bad(GOOD.replace("    /* END 3.2 */\n", "")),
          "a.c:15: the function ends before END 3.2")
    check("handout_two_labs", bad(GOOD + GOOD.replace("3.2", "4.1")),
          "a.c: exercises of more than one lab: 3, 4")
    check("handout_loose_marker", bad(GOOD.replace("END 3.2 */", "END 3.2*/"))[:9],
          "a.c:15: n")


def tree():
    """A small project with its objects, and where it is."""
    at = tempfile.mkdtemp(dir=folder.name)
    files = {"kern/a.c": GOOD, "kern/b.c": GOOD.replace("3.2", "4.1"),
             "kern/c.c": GOOD.replace("3.2", "2.1").replace("value", "number"),
             "kern/a.h": "int x;\n", "lab-tests/mutants/m.patch": GOOD, "README.md": "hi\n",
             "lab-tests/host/test_x.c": "int y;\n", "build/k/kern/a.c.o": "A",
             "build/k/kern/b.c.o": "B", "bin/xobjcopy": '#!/bin/sh\ncp "$2" "$3"\n'}
    for name, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(at, name)), exist_ok=True)
        with open(os.path.join(at, name), "w") as f:
            f.write(text)
    os.chmod(os.path.join(at, "bin/xobjcopy"), 0o755)
    return at


def run(at, *argv, **env):
    done = subprocess.run(
        [sys.executable, os.path.join(TOP, "tools", "handout.py"), "--cross",
         os.path.join(at, "bin", "x")] + list(argv), cwd=at, universal_newlines=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, **env))
    return done.returncode, done.stdout.strip().splitlines()[-1]


def text(*path):
    with open(os.path.join(*path)) as f:
        return f.read()


def make_says(out):
    """The Makefile in a hand-out, and where it comes from."""
    def make(at, goal):
        done = subprocess.run(["make", "-s", goal], cwd=at, universal_newlines=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={k: v for k, v in os.environ.items() if "MAKE" not in k})
        return done.stdout
    shutil.copy(os.path.join(TOP, "Makefile"), out)
    full, short = make(TOP, "help"), make(out, "help")
    goals = [set(re.findall(r"(?m)^  make ([a-z-]+)", s)) for s in (full, short)]
    check("handout_help_is_shorter", (sorted(goals[1] - goals[0]),
                                      sorted({"grade", "scenario", "qemu", "gdb"} - goals[1]),
                                      "V=1 shows" in short), ([], [], True))
    for goal in sorted(goals[0] - goals[1]):
        said = make(out, goal).splitlines()
        check("handout_has_no_" + goal, (len(said), " is not in a hand-out:" in said[0]),
              (1, True))


def whole_trees():
    at = tree()
    out = os.path.join(at, "out")
    check("handout_made", run(at, "--lab", "3", out)[0], 0)
    check("handout_this_lab_cut", text(out, "kern/a.c"), CUT)
    check("handout_earlier_solved", "oracle" in text(out, "kern/c.c"), True)
    check("handout_later_an_object", (os.path.exists(out + "/kern/b.c"),
                                      text(out, "ref/kern/b.c.o")), (False, "B"))
    check("handout_own_object_apart", text(out, "ref/solved/kern/a.c.o"), "A")
    check("handout_no_mutants", os.path.exists(out + "/lab-tests/mutants"), False)
    check("handout_own_readme", text(out, "README.md").splitlines()[0], "# ucore-sv: lab 3")
    make_says(out)
    m = json.loads(text(out, "ref/manifest.json"))
    check("handout_manifest", (m["lab"], list(m["exercises"]), sorted(m["files"])),
          (3, ["3.2"], ["kern/a.c", "kern/a.h", "kern/c.c"]))
    check("handout_exists", run(at, "--lab", "3", out),
          (2, "handout.py: error: %s exists; name a folder that does not" % out))
    check("handout_no_such_lab", run(at, "--lab", "7", out + "7"),
          (1, "handout: lab 7 has no exercises"))
    grade_handout.TOP, grade_handout.MANIFEST = out, out + "/ref/manifest.json"
    check("handout_untouched", list(grade_handout.Handout("b").undone), ["3.2"])
    check("handout_todo", grade_handout.Handout("b").todo("x", 3),
          ["exercise 3.2 is not done yet: answer() in kern/a.c"])
    check("handout_kernels", [grade_handout.Handout("b").image(n) for n in (2, 3, 4)],
          ["b/rest.img", "b/Image", "b/rest.img"])
    with open(out + "/kern/a.c", "w") as f:
        f.write(CUT.replace("return -1", "return 1"))
    check("handout_touched", list(grade_handout.Handout("b").undone), [])
    check("handout_keeps_the_students",
          (run(at, "--lab", "4", "--keep", out, out + "4")[0],
           text(out + "4", "kern/a.c")), (0, CUT.replace("return -1", "return 1")))
    check("handout_says_what_is_the_students_own",
          sorted(json.loads(text(out + "4", "ref/manifest.json"))["files"]),
          ["kern/a.h", "kern/b.c"])
    with open(out + "/kern/a.c", "w") as f:
        f.write("int x;\n")
    check("handout_keeps_no_other_version",
          run(at, "--lab", "4", "--keep", out, out + "5"),
          (1, "handout: %s/kern/a.c: has the exercises (none), not 3.2: it is of another "
              "version" % out))


def left(at):
    return sorted(f for f in os.listdir(at) if f.startswith("out"))


def accidents():
    at = tree()
    with open(at + "/NOTES.md", "w") as f:
        f.write("An answer in a text:\n\n" + GOOD)
    code, said = run(at, "--lab", "3", at + "/out")
    check("handout_answer_elsewhere", (code, said[:21], left(at)),
          (1, "handout: NOTES.md:9: ", []))
    at = tree()
    os.unlink(at + "/build/k/kern/b.c.o")
    check("handout_not_built", (run(at, "--lab", "3", at + "/out"), left(at)),
          ((1, "handout: build/k/kern/b.c.o is missing: build the reference first"), []))
    at = tree()
    check("handout_disk_full", (small_disk(at)[0], left(at)), (1, []))
    at = tree()
    with open(at + "/bin/xobjcopy", "w") as f:
        f.write("#!/bin/sh\nsleep 30\n")
    p = subprocess.Popen([sys.executable, os.path.join(TOP, "tools", "handout.py"),
                          "--cross", at + "/bin/x", "--lab", "3", at + "/out"], cwd=at,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)
    while not left(at):
        time.sleep(0.01)
    os.killpg(p.pid, signal.SIGTERM)
    check("handout_interrupted", (p.wait() != 0, left(at)), (True, []))


def small_disk(at):
    """A file that may not grow is a full disk to who writes it."""
    with open(at + "/big.txt", "w") as f:
        f.write("x" * 300000)
    return run_limited(at)


def run_limited(at):
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 100; trap "" XFSZ; exec "$@"', "sh", sys.executable,
         os.path.join(TOP, "tools", "handout.py"), "--cross", at + "/bin/x", "--lab", "3",
         at + "/out"], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        universal_newlines=True)
    return done.returncode, done.stdout


def courses():
    check("course_exact", sum(course.share(140, {"s%d" % n: n % 7 for n in range(48)})
                              .values()), 140)
    check("course_weights", course.share(13, {"a": 1, "b": 3, "c": 1}),
          {"a": 3, "b": 7, "c": 3})
    check("course_each_has_one", min(course.share(10, {"a": 1, "b": 100}).values()), 1)
    check("course_more_than_points", sum(course.share(2, {"a": 1, "b": 1, "c": 1})
                                         .values()), 2)
    check("course_head", course.head("title lab 3 points 4\nlab 5   points 6  # lab 7\n"),
          (5, 6))
    for name in course.names():
        plan = course.Course(name)
        check("course_%s_has_1000" % name,
              sum(r.points for r in plan.rows if not r.bonus), 1000)
        check("course_%s_has_all_labs" % name,
              sorted(n for r in plan.rows for n in r.labs), list(range(10)))
        check("course_%s_bonus" % name,
              sum(r.points for r in plan.rows if r.bonus), 150)


def real_tree():
    """Every exercise of this tree can be cut, has a task, and a stub or returns nothing."""
    poor = []
    for path, some in exercises.in_tree(TOP):
        for e, _, _ in some:
            if len(" ".join(e.task)) < 80:
                poor.append(e.name)
    check("handout_every_task_says_something", poor, [])


def translations():
    """An exercise without a translation is found, and one of nothing."""
    os.chdir(TOP)
    every, title = labpages.texts_of("zh"), labpages.exercise_rows(2)[0][-1]
    labpages.texts_of = lambda language: {
        **{k: v for k, v in every.items() if k != title}, "gone": ""}
    mine, _, unused = labpages.untranslated("zh", course.Course())
    check("labpages_not_translated", mine, ["2.1: " + title])
    check("labpages_of_nothing", "gone" in unused, True)


cutting()
refusing()
translations()
whole_trees()
accidents()
courses()
real_tree()
over()
