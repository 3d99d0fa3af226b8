"""Which pages the kernel chose to go, held against tools/faultmodel.

The test vm_row_71_victims_of_seeded_traces records what it did, in pieces:

    victims POLICY FRAMES KIND SEED REFS PAGES FAULTS WRITES LETTERS

The accesses follow from KIND, SEED, REFS and PAGES, on both sides apart; so nothing
here, nor there, was taken from a run.
"""
import string

from faultmodel import policies, traces

WANTED = 20     # traces, of each policy
REFS = 256      # accesses, of each trace


def collect(records):
    """{(policy, frames, kind, seed, refs, pages, faults, writes): victims}"""
    told = {}
    for r in records:
        if r.id == "victims" and len(r.args) >= 8:
            key = (r.args[0], int(r.args[1]), r.args[2]) + tuple(
                int(n) for n in r.args[3:8])
            told.setdefault(key, []).extend(
                string.ascii_lowercase.index(c) for c in "".join(r.args[8:]))
    return told


def trace_of(kind, seed, refs, pages):
    if kind == "zipf":
        return traces.zipf(seed, refs, pages)
    return traces.local(seed, refs, pages)


def complaints(records):
    """What is wrong with the records of one row; None: it has none."""
    told, wrong, traces_of = collect(records), [], {}
    if not told:
        return None
    for key, victims in told.items():
        policy, frames, kind, seed, refs, pages, faults, writes = key
        r = policies.simulate(policy, frames, trace_of(kind, seed, refs, pages))
        what = "%s, %d frames, %s trace of seed %d" % key[:4]
        if victims != r.victims:
            first = [a != b for a, b in zip(victims, r.victims)].index(True) \
                if victims[:len(r.victims)] != r.victims[:len(victims)] else -1
            wrong.append("%s: %d victims, the model has %d; they part at number %d"
                         % (what, len(victims), len(r.victims), first))
        elif (faults, writes) != (r.faults, r.writes):
            wrong.append("%s: %d faults, %d writes; the model has %d, %d"
                         % (what, faults, writes, r.faults, r.writes))
        if refs >= REFS:
            traces_of.setdefault(policy, set()).add((kind, seed))
    for policy in sorted(set(policies.POLICIES) - {"opt"}):
        n = len(traces_of.get(policy, ()))
        if n < WANTED:
            wrong.append("%s: %d traces of %d accesses, want %d" % (policy, n, REFS, WANTED))
    return wrong
