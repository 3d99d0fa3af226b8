"""What a kernel printed while scenarios ran: the panic that belongs to a step, and what
is worth showing of the rest.

    firmware's lines | scenario lab2/join      a section per scenario, within it
                     |   panic: ...            a report per panic that was caught
                     | scenario lab2/split
"""
import re

FIRMWARE = re.compile(r"^(OpenSBI|Platform|Firmware|Runtime SBI|Domain\d+|Boot HART) ")
FRAME = re.compile(r"^\s+#\d+\s+0x[0-9a-f]+ (\w+)\+")
RUNNER = re.compile(r"^(scn_.*|.*_step|do_step|do_look|do_dump|table_step|boot_reached)$")
LOCKS = re.compile(r'panic: (lock order: ".*" taken while ".*" is held)')
MOST = 12           # lines of a console
DEEP = 8            # functions of a backtrace


def own_lines(text):
    """The lines of the kernel, without those of the firmware before it."""
    lines = text.rstrip().splitlines()
    last = max((n for n, s in enumerate(lines) if FIRMWARE.match(s)), default=-1)
    return lines[last + 1:]


def tail(text):
    """The end of what the kernel printed; from its last panic on, if that is near."""
    lines = own_lines(text)
    at = max((n for n, s in enumerate(lines) if s.startswith("panic: ")), default=len(lines))
    if at < len(lines) - MOST:
        return lines[at:at + MOST]
    return lines[-MOST:] or ["(nothing by the kernel)"]


def section(text, name):
    """What was printed while scenario NAME ran."""
    lines, out = text.splitlines(), []
    at = lines.index("scenario " + name) if "scenario " + name in lines else len(lines)
    for line in lines[at + 1:]:
        if line.startswith("scenario "):
            break
        out.append(line)
    return out


def panics(lines):
    """Two lines of each: what it said, and the functions it was in."""
    out = []
    for n, line in enumerate(lines):
        if not line.startswith("panic: "):
            continue
        names = []
        for s in lines[n + 1:]:
            frame = FRAME.match(s)
            if s.startswith("panic: ") or (frame and RUNNER.match(frame[1])):
                break
            names += [frame[1]] if frame else []
        out.append([line] + (["  in " + ", called by ".join(names[:DEEP])] if names else []))
    return out


def lock_order(panic):
    """What a PANIC says of two locks that were taken the wrong way round; "": it does not."""
    m = LOCKS.match(panic[0]) if panic else None
    return m[1] + "".join("," + s[1:] for s in panic[1:]) if m else ""


def of_step(verdict, story, text):
    """The panic that VERDICT is about, or nothing."""
    got = verdict.got.result if verdict.got else ""
    every = panics(section(text, story.name)) if verdict.word != "PASS" else []
    if got in ("panic", "broken"):
        if got == verdict.expected.result:
            return []
        before = sum(s.result == "panic" for n, s in story.steps.items() if n < verdict.step)
        return every[before] if before < len(every) else []
    return every[-1] if every and verdict.word == "CRASH" else []
