#!/usr/bin/env python3
"""The reference models of tools/faultmodel, held against what others published and
against slow definitions of the same thing."""
import os
import subprocess
import sys

from hostcheck import check, over, TOP
from faultmodel import policies, traces


def faults(policy, frames, text):
    return policies.simulate(policy, frames, traces.script(text)).faults


def published():
    """L. A. Belady, R. A. Nelson, G. S. Shedler, "An anomaly in space-time
    characteristics of certain programs running in a paging machine" (CACM 12, 1969);
    the string of twenty of A. Silberschatz, P. Galvin, G. Gagne, "Operating System
    Concepts", chapter on virtual memory."""
    for policy, three, four in (("fifo", 9, 10), ("lru", 10, 8), ("opt", 7, 6)):
        check("belady_%s_3_frames" % policy, faults(policy, 3, traces.BELADY), three)
        check("belady_%s_4_frames" % policy, faults(policy, 4, traces.BELADY), four)
    twenty = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1"
    for policy, wanted in (("fifo", 15), ("lru", 12), ("opt", 9)):
        check("twenty_references_" + policy, faults(policy, 3, twenty), wanted)


# The plan's table: (script, frames): (faults, writes) of fifo, lru, clock, second,
# enhanced, opt.  It was worked out by another program.
TABLE = {
    (traces.UCORE, 4): ((11, 7), (9, 5), (9, 5), (9, 5), (9, 5), (6, 2)),
    (traces.UCORE, 3): ((10, 7), (12, 9), (10, 7), (10, 7), (10, 7), (8, 5)),
    (traces.UCORE, 5): ((5, 0),) * 6,
    (traces.BELADY, 3): ((9, 0), (10, 0), (9, 0), (9, 0), (9, 0), (7, 0)),
    (traces.BELADY, 4): ((10, 0), (8, 0), (10, 0), (10, 0), (10, 0), (6, 0)),
    (traces.MIXED, 3): ((9, 3), (10, 3), (9, 3), (9, 3), (9, 2), (7, 2)),
    (traces.MIXED, 4): ((10, 3), (8, 2), (10, 3), (10, 3), (8, 0), (6, 1)),
    (traces.LOOP, 4): ((20, 0),) * 5 + ((8, 0),),
}


def table():
    names = ("fifo", "lru", "clock", "second", "enhanced", "opt")
    for n, ((text, frames), row) in enumerate(TABLE.items()):
        for policy, wanted in zip(names, row):
            r = policies.simulate(policy, frames, traces.script(text))
            check("table_%d_%s" % (n, policy), (r.faults, r.writes), wanted)


def slow_lru(frames, accesses):
    """By looking back from each fault; no state is kept but who is there."""
    there, victims = set(), []
    for n, a in enumerate(accesses):
        if a.page in there:
            continue
        if len(there) == frames:
            def last(page):
                return max(i for i in range(n) if accesses[i].page == page)
            victims.append(min(there, key=last))
            there.remove(victims[-1])
        there.add(a.page)
    return victims


def fewest(frames, accesses):
    """The fewest faults possible, by trying every victim."""
    states = {frozenset(): 0}
    for a in accesses:
        new = {}
        for there, cost in states.items():
            after = [there]
            if a.page not in there:
                cost += 1
                left = [there] if len(there) < frames else [there - {p} for p in there]
                after = [s | {a.page} for s in left]
            for s in after:
                new[s] = min(new.get(s, cost), cost)
        states = new
    return min(states.values())


def by_definition():
    for seed in range(1, 21):
        trace = traces.local(seed, 256, 9)
        r = {p: policies.simulate(p, 5, trace) for p in policies.POLICIES}
        check("seed_%d_lru_by_definition" % seed, r["lru"].victims, slow_lru(5, trace))
        check("seed_%d_clock_is_second_chance" % seed, r["clock"].victims,
              r["second"].victims)
        short = trace[:60]
        check("seed_%d_opt_is_the_fewest" % seed,
              policies.simulate("opt", 3, short).faults, fewest(3, short))
        check("seed_%d_none_beats_opt" % seed,
              [p for p in r if r[p].faults < r["opt"].faults], [])
        check("seed_%d_policies_differ" % seed,
              len({tuple(r[p].victims) for p in ("fifo", "lru", "clock", "enhanced")}), 4)


def generators():
    r = traces.Random(1)
    check("xorshift_first_values", [r.next() for _ in range(2)],
          [0x40822041, 0x100041060c011441])
    check("same_seed_same_trace", traces.zipf(5, 300, 50), traces.zipf(5, 300, 50))
    hits = [a.page for a in traces.zipf(3, 20000, 100)]
    check("zipf_is_steep", 1.7 < hits.count(0) / hits.count(1) < 2.3, True)


def command_line():
    def run(*arg):
        p = subprocess.run([sys.executable, os.path.join(TOP, "tools", "faultmodel")] +
                           list(arg), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           universal_newlines=True)
        return p.returncode, p.stdout
    status, text = run("--frames", "3,4", "--policy", "fifo", traces.BELADY)
    check("command_line_counts", (status, [line.split()[3] for line in text.splitlines()]),
          (0, ["9", "10"]))
    status, text = run("--steps", "--policy", "clock", "wa rb")
    check("command_line_steps", (status, "a'A'D" in text and "b'A" in text), (0, True))
    status, text = run("wa r-")
    check("bad_script_says_where", (status, "word 2: 'r-'" in text), (2, True))
    status, text = run("--frames", "0", "a")
    check("bad_frames_are_refused", (status, "at least one frame" in text), (2, True))
    check("help_exits_with_success", run("--help")[0], 0)


def main():
    published()
    table()
    by_definition()
    generators()
    command_line()
    over()


if __name__ == "__main__":
    main()
