#!/usr/bin/env python3
"""Draw faults against frames: "make belady".

    make belady                                 Belady's string, 1 to 6 frames
    make belady TRACE="1 2 3 1 4" FRAMES=2-5    another one
    make belady TRACE=local:7 FRAMES=2-10       200 accesses from a seed; also zipf:7

FIFO, clock and LRU are measured on the kernel of this tree: a process makes the accesses
in a quota of so many frames, and each page that comes from swap is a fault.  OPT looks
ahead, which no kernel can; it is worked out (tools/faultmodel).  Words of a trace are
pages: "a" or "ra" reads it, "wa" writes it.  The picture is in build/belady.svg, too.
Exit status: 0 measured, 1 the kernel did not do all accesses, 2 wrong arguments.
"""
import argparse
import os
import subprocess
import sys
import types

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import grade  # noqa: E402
import grade_batch  # noqa: E402
import grade_handout  # noqa: E402
import grade_machine  # noqa: E402
import qemu  # noqa: E402
from faultmodel import policies, traces  # noqa: E402

MEASURED = ("fifo", "clock", "lru")
MARKS = {"fifo": "F", "clock": "C", "lru": "L", "opt": "O"}
COLORS = {"fifo": "#c0392b", "clock": "#2471a3", "lru": "#1e8449", "opt": "#7f8c8d"}
REFS, PAGES = 200, 12       # of a trace from a seed
MOST_REFS, MOST_PAGES = 380, 32
ROWS = 16                   # of the picture as text


def accesses_of(text):
    """[(number of the page, write)]"""
    kind, _, seed = text.partition(":")
    if kind in ("local", "zipf") and seed.isdigit():
        some = getattr(traces, kind)(int(seed), REFS, PAGES)
    else:
        some = traces.script(text)
    numbers = {}
    out = [traces.Access(numbers.setdefault(a.page, len(numbers)), a.write) for a in some]
    if not 0 < len(out) <= MOST_REFS or len(numbers) > MOST_PAGES:
        raise traces.Bad("a trace has 1 to %d accesses to at most %d pages"
                         % (MOST_REFS, MOST_PAGES))
    return out


def frames_of(text):
    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit() or \
            not 0 < int(first) <= int(last or first) <= MOST_PAGES:
        raise traces.Bad("FRAMES is a number or a range like 2-6, at most %d" % MOST_PAGES)
    return list(range(int(first), int(last or first) + 1))


def scenario(trace, policy, frames):
    pages = 1 + max(a.page for a in trace)
    lines = ["title %s, %d frames" % (policy, frames), "lab 6 points 1 group 18",
             "boot swapspace=ram:16M", "hint none", "map A %dp anon private rw" % pages,
             "write A = pat(1)", "quota A 0 fifo", "quota A %d %s" % (frames, policy)]
    for a in trace:
        lines.append("%s A[%d]%s" % ("store" if a.write else "load", a.page,
                                     " = 1" if a.write else ""))
        if policy == "lru":
            lines.append("tick")
    return "\n".join(lines) + "\n"


def faults_of(case):
    """Of the accesses; None: not all were made."""
    wanted = [i for i, s in enumerate(case.scn["steps"]) if s["op"] in ("load", "store")]
    steps = case.story.steps if case.story else {}
    if any(i not in steps for i in wanted):
        return None
    return sum(steps[i].count.get("swpin", 0) for i in wanted)


def measure(trace, frames, arg):
    """{policy: [faults by frames]}"""
    folder, files = os.path.join(arg.build, "belady"), []
    os.makedirs(folder, exist_ok=True)
    for policy in MEASURED:
        for n in frames:
            name = "%s_%d" % (policy, n)
            path = os.path.join(folder, name + ".scn")
            with open(path, "w") as f:
                f.write(scenario(trace, policy, n))
            files.append((name, path))
    cases = grade.load(files, 1, arg.build)
    handout = grade_handout.Handout(arg.build)
    for c in cases:
        c.place(handout, True)
    plain = argparse.ArgumentParser()
    grade_machine.options(plain)
    grade_batch.run_all(cases, plain.parse_args([], types.SimpleNamespace(
        build=arg.build, jobs=2, seed=1, look=False, silence=grade.SILENCE,
        deaths=grade_batch.DEATHS)))
    by = {c.name: faults_of(c) for c in cases}
    out = {p: [by["%s_%d" % (p, n)] for n in frames] for p in MEASURED}
    out["opt"] = [policies.simulate("opt", n, trace).faults for n in frames]
    return out


def table(frames, result):
    print("%-8s" % "frames" + "".join("%6d" % n for n in frames))
    for policy, values in result.items():
        print("%-8s" % policy + "".join("%6s" % ("-" if v is None else v) for v in values))
    for policy, v in result.items():
        for n in range(1, len(frames)):
            if None not in v[n - 1:n + 1] and v[n] > v[n - 1]:
                print("%s: %d frames fault %d times, %d frames %d times: Belady's anomaly"
                      % (policy, frames[n - 1], v[n - 1], frames[n], v[n]))


def text_plot(frames, result):
    """A letter for each policy; "*" where several meet."""
    most = max(v for values in result.values() for v in values if v is not None)
    rows = min(ROWS, most + 1)
    grid = [[" "] * (6 * len(frames)) for _ in range(rows)]
    for policy, values in result.items():
        for n, v in enumerate(values):
            if v is not None:
                row = grid[rows - 1 - v * (rows - 1) // max(most, 1)]
                row[6 * n + 3] = "*" if row[6 * n + 3] != " " else MARKS[policy]
    for i, row in enumerate(grid):
        print("%6d |%s" % ((rows - 1 - i) * most // max(rows - 1, 1), "".join(row).rstrip()))
    print("faults +" + "-" * (6 * len(frames)))
    print(" " * 8 + "".join("%4d  " % n for n in frames) + " frames")
    print("F fifo, C clock, L lru, O opt, * several")


def svg(path, frames, result):
    most = max(v for values in result.values() for v in values if v is not None)
    wide, high = 480, 320

    def x(n):
        return 50 + n * (wide - 130) / max(len(frames) - 1, 1)

    def y(v):
        return high - 40 - v * (high - 70) / max(most, 1)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" font-size="12">' % (wide, high),
           '<rect width="100%" height="100%" fill="white"/>']
    for n, f in enumerate(frames):
        out.append('<text x="%.0f" y="%d" text-anchor="middle">%d</text>'
                   % (x(n), high - 22, f))
    for v in sorted({0, most // 2, most}):
        out.append('<text x="40" y="%.0f" text-anchor="end">%d</text>' % (y(v) + 4, v))
    out.append('<text x="%d" y="%d" text-anchor="middle">frames</text>'
               % (wide // 2 - 40, high - 6))
    out.append('<text x="8" y="16">faults</text>')
    for k, (policy, values) in enumerate(result.items()):
        points = [(x(n), y(v)) for n, v in enumerate(values) if v is not None]
        out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
            COLORS[policy], " ".join("%.1f,%.1f" % p for p in points)))
        out += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (p + (COLORS[policy],))
                for p in points]
        out.append('<text x="%d" y="%d" fill="%s">%s</text>' % (
            wide - 60, 30 + 16 * k, COLORS[policy], policy))
    with open(path, "w") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build")
    ap.add_argument("--trace", default=traces.BELADY, help="words, local:SEED or zipf:SEED")
    ap.add_argument("--frames", default="1-6", help="a number, or a range like 2-6")
    arg = ap.parse_args()
    trace, frames = accesses_of(arg.trace), frames_of(arg.frames)
    qemu.stop_on_term()
    result = measure(trace, frames, arg)
    table(frames, result)
    if any(v is not None for p in MEASURED for v in result[p]):
        text_plot(frames, result)
        path = os.path.join(arg.build, "belady.svg")
        svg(path, frames, result)
        print(path)
    return 1 if any(None in values for values in result.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (traces.Bad, OSError, subprocess.CalledProcessError) as e:
        print("belady: %s" % e, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
