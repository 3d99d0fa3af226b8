"""Accesses to pages: scripts as people write them, and random ones from a seed.

A script is a list of words: "a" or "ra" reads page a, "wa" writes it; numbers are
names of pages like letters.  The random ones use the generator of the kernel's tests
(ktest_random: 64-bit xorshift with the shifts 13, 7, 17; G. Marsaglia, "Xorshift
RNGs", Journal of Statistical Software 8, 2003), so that a program in the guest can
make the same trace from the same seed.
"""
import bisect
import collections

Access = collections.namedtuple("Access", "page write")

BELADY = "1 2 3 4 1 2 5 1 2 3 4 5"
UCORE = "wa wb wc wd wc wa wd wb we wb wa wb wc wd we ra wa"
MIXED = "wa rb wc rd ra rb re wa rb rc rd re"
LOOP = " ".join(["a b c d e"] * 4)


class Bad(Exception):
    """What is wrong with a script, and at which word."""


def script(text):
    out = []
    for n, word in enumerate(text.split(), 1):
        write, page = False, word
        if len(word) > 1 and word[0] in "rw":
            write, page = word[0] == "w", word[1:]
        if not page.isalnum():
            raise Bad("word %d: '%s' is not a page, r and a page, or w and a page"
                      % (n, word))
        out.append(Access(page, write))
    return out


class Random:
    MASK = (1 << 64) - 1

    def __init__(self, seed):
        self.state = seed & self.MASK or 1

    def next(self):
        x = self.state
        x ^= x << 13 & self.MASK
        x ^= x >> 7
        x ^= x << 17 & self.MASK
        self.state = x
        return x

    def below(self, n):
        return self.next() % n


def local(seed, refs, pages, locality=40, writes=50):
    """REFS accesses to PAGES pages; LOCALITY % of them repeat one of the last four,
    WRITES % are stores."""
    r, recent, out = Random(seed), [], []
    for _ in range(refs):
        if recent and r.below(100) < locality:
            page = recent[-1 - r.below(min(4, len(recent)))]
        else:
            page = r.below(pages)
        recent.append(page)
        out.append(Access(page, r.below(100) < writes))
    return out


def zipf(seed, refs, pages, writes=30):
    """Page n (from 1) as often as 1/n: a few are hot, most are cold.  In whole
    numbers, so that it is the same everywhere."""
    r, ends, total = Random(seed), [], 0
    for n in range(1, pages + 1):
        total += 1000000 // n
        ends.append(total)
    return [Access(bisect.bisect_right(ends, r.below(total)), r.below(100) < writes)
            for _ in range(refs)]
