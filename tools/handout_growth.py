"""How the points of a lab grow while a student solves it: handout_check.py --growth.

Exercises are solved one after the other, in the order of the lab's page, and after each
one the lab is graded.  Whoever does the first exercise should see that it was right: a
line with +0 says that nothing told him so.

    lab 5: 130 points
      5.8    +6     6   2 of 48 scenarios
"""
import sys

# The pages' order, where it is not that of the numbers.
ORDER = {
    3: ("3.6", "3.7"),
    5: ("5.1", "5.3", "5.7", "5.8", "5.5", "5.6", "5.4", "5.9", "5.2"),
    6: ("6.7", "6.8", "6.9", "6.2", "6.1", "6.4", "6.5", "6.6", "6.3"),
    7: ("7.1", "7.2", "7.3", "7.7", "7.8", "7.4", "7.5", "7.6"),
    8: ("8.3",),
    9: ("9.2",),
}


def order(lab):
    names = lab.names()
    first = ORDER.get(lab.number, ())
    return [n for n in first if n in names] + [n for n in names if n not in first]


def grow(lab):
    """Print the table of LAB; how many exercises in it bring nothing."""
    todo, before, flat = order(lab), 0, 0
    while todo:
        done = todo.pop(0)
        lab.leave_undone(*todo)
        lab.build("Image")
        results = lab.grade(lab.number)
        if not results:
            print("lab %d has no scenario" % lab.number)
            return 0
        won = [r for r in results if r["verdict"] == "PASS"]
        score = sum(r["points"] for r in won)
        print("  %-5s %+4d  %4d of %d   %d of %d scenarios" % (
            done, score - before, score, sum(r["points"] for r in results), len(won),
            len(results)))
        sys.stdout.flush()
        flat += score <= before
        before = score
    return flat


def run(labs):
    for lab in labs:
        lab.make()
        lab.build("Image", "rest.img", "scn", "mksfs", "fsck.sfs", "sfs", "bin/init",
                  "bin/scenario")
        print("lab %d" % lab.number)
        flat = grow(lab)
        print("  %d exercises of %d bring no point when they are done" % (
            flat, len(lab.names())))
    return 0
