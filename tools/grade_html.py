"""Results of grading as one page of HTML that needs nothing else: no network, no script.

The table of labs, then a line per scenario; one that failed opens to its first
difference, hints, the timeline with a colour for each frame, the last events, and its
text.  A phone (360 px) shows all of it: what is wide scrolls in its own box."""
import re
from html import escape

STYLE = """
:root { --back: #fff; --text: #1d2329; --soft: #5b6672; --line: #d8dee4; --box: #f5f7f9;
  --good: #1a7f37; --bad: #b3261e; --odd: #8250a8; --mark: #fff3c4; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --back: #14181c; --text: #e4e8ec;
  --soft: #9aa5b1; --line: #333b44; --box: #1d2329; --good: #4ac26b; --bad: #ff7b72;
  --odd: #c297e8; --mark: #4a3f12 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 68rem; background: var(--back);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; margin: .2rem 0 } h2 { font-size: 1.15rem; margin: 1.6rem 0 .4rem }
h3 { font-size: .95rem; margin: 1rem 0 .3rem; color: var(--soft); font-weight: 600 }
p { margin: .4rem 0 } .soft { color: var(--soft) }
.begin { border-left: .3rem solid var(--bad); background: var(--box); padding: .5rem .8rem;
  margin: 1rem 0 }
.wide { overflow-x: auto } table { border-collapse: collapse }
th, td { padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: normal } td.n, th.n { text-align: right }
.bar { display: block; width: 100%; min-width: 1.5rem; height: .6rem; margin-top: .45rem;
  background: var(--line) } .bar i { display: block; height: 100%; background: var(--good) }
details { border-bottom: 1px solid var(--line) }
summary { padding: .35rem 0; cursor: pointer } .open > summary { font-weight: 600 }
.inside { padding: 0 0 1rem .9rem; border-left: 2px solid var(--line); margin-bottom: .6rem }
.v { display: inline-block; min-width: 4.2rem; font-weight: 700 } .PASS { color: var(--good) }
.FAIL, .CRASH, .HANG { color: var(--bad) } .INFRA, .BLOCKED, .TODO { color: var(--odd) }
.row { padding: .35rem 0; border-bottom: 1px solid var(--line) }
pre, .mono { font: .82rem/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace }
pre { margin: 0; padding: .6rem; background: var(--box); overflow-x: auto;
  overflow-wrap: normal } mark { background: var(--mark); color: inherit; display: block }
.hint { background: var(--mark); padding: .4rem .7rem; margin: .4rem 0 }
.cell { display: inline-block; min-width: 1.5em; text-align: center; border-radius: .2rem;
  margin-right: 1px; background: var(--box) }
.time td { white-space: nowrap } .time .at td { background: var(--mark) }
@media print { details > * { display: block } body { max-width: none } }
"""
# Eight pairs that are told apart without colour vision, too: letters stay beside them.
FRAMES = ("#0b6bcb", "#b35900", "#1a7f37", "#8250a8", "#b3261e", "#00707a", "#7a5c00",
          "#5b6672")
CELL = re.compile(r"[RWfF]\S|\S")


def cells(text):
    """The pages of an area, the same colour for the same frame."""
    out = []
    for sign in CELL.findall(text):
        style = ""
        if len(sign) == 2:
            n = ord(sign[1]) % len(FRAMES)
            style = ' style="background:%s;color:#fff"' % FRAMES[n]
        out.append('<span class="cell"%s>%s</span>' % (style, escape(sign)))
    return "".join(out)


def timeline(rows):
    out = ['<div class="wide"><table class="time mono">']
    for r in rows:
        areas = "<br>".join("%s %s" % (escape(a["who"]), cells(a["cells"])) for a in r["areas"])
        out.append('<tr%s><td class="n">%d</td><td>%s</td><td>%s</td></tr>' % (
            ' class="at"' if r["here"] else "", r["line"], escape(r["text"]), areas))
    return "".join(out + ["</table></div>"])


def differences(some):
    rows = "".join("<tr><td>%s</td><td>%s</td><td>%s</td></tr>" % tuple(
        escape(str(d[k])) for k in ("what", "expected", "got")) for d in some)
    return ('<div class="wide"><table class="mono"><tr><th></th><th>expected</th><th>got</th>'
            "</tr>%s</table></div>" % rows)


def source(s):
    lines = []
    for n, text in enumerate(s["source"], 1):
        line = "%3d  %s" % (n, escape(text))
        lines.append("<mark>%s</mark>" % line if n == s["line"] else line + "\n")
    return "<pre>%s</pre>" % "".join(lines)


def failed(s):
    """All about one that did not pass."""
    out = ["<p class=mono>%s</p>" % escape(w) for w in s["why"][:1]]
    out += ['<p class="hint">%s</p>' % escape(h) for h in s["hints"]]
    if s["differences"]:
        out += ["<h3>The first difference</h3>", differences(s["differences"])]
    elif s["why"][1:]:
        out.append("<pre>%s</pre>" % escape("\n".join(s["why"][1:])))
    if s["timeline"]:
        out += ["<h3>Pages after each step</h3>", timeline(s["timeline"])]
    if s["frames"]:
        out += ["<h3>Who has which frame</h3>", "<pre>%s</pre>" % escape("\n".join(s["frames"]))]
    if s["notes"]:
        out += ["<h3>The console</h3>", "<pre>%s</pre>" % escape("\n".join(s["notes"]))]
    if s["events"]:
        out += ["<h3>The last events</h3>", "<pre>%s</pre>" % escape("\n".join(s["events"]))]
    if s["source"]:
        out += ["<h3>The scenario</h3>", source(s)]
    return "".join(out)


def scenario(s, is_open):
    head = '<span class="v %s">%s</span> %s <span class="soft">%d/%d</span> %s' % (
        s["verdict"], s["verdict"], escape(s["name"]), s["score"], s["points"],
        escape(s["title"]))
    if s["verdict"] == "PASS":
        return '<div class="row">%s</div>' % head
    return ('<details class="open"%s id="%s"><summary>%s</summary><div class="inside">%s</div>'
            "</details>") % (
        " open" if is_open else "", escape(s["name"]), head, failed(s))


def labs(results):
    out = ['<div class="wide"><table><tr><th>lab</th><th class="n">scenarios</th>'
           '<th class="n">passed</th><th class="n">points</th><th></th></tr>']
    for lab in results["labs"]:
        share = 100 * lab["score"] // max(lab["points"], 1)
        cells = [("", escape(lab["lab"] + " " + lab["title"])), ("n", lab["scenarios"]),
                 ("n", lab["passed"]), ("n", "%d/%d" % (lab["score"], lab["points"])),
                 ("", '<span class="bar"><i style="width:%d%%"></i></span>' % share)]
        out.append("<tr>%s</tr>" % "".join('<td class="%s">%s</td>' % c for c in cells))
    return "".join(out + ["</table></div>"])


def page(results):
    begin, bonus = results["begin"], results["bonus"]
    more = " and %d of %d more" % tuple(bonus) if bonus[1] else ""
    out = ['<!doctype html><html lang="en"><head><meta charset="utf-8">'
           '<meta name="viewport" content="width=device-width, initial-scale=1">'
           "<title>%d of %d points</title><style>%s</style></head><body>" % (
               results["score"], results["points"], STYLE),
           "<h1>%d of %d points%s</h1><p class=soft>seed %s; %d scenarios</p>" % (
               results["score"], results["points"], more, escape(str(results["seed"])),
               len(results["scenarios"])), labs(results)]
    if begin:
        out.append('<div class="begin">Begin with <a href="#%s">%s</a>. %s</div>' % (
            escape(begin["name"]), escape(begin["name"]), escape(begin["hint"])))
    order = sorted((s for s in results["scenarios"] if s["verdict"] != "PASS"),
                   key=lambda s: not begin or s["name"] != begin["name"])
    if order:
        out.append("<h2>What did not pass</h2>")
        out += [scenario(s, bool(begin) and s["name"] == begin["name"]) for s in order]
        out.append('<p class="soft mono">- no area &nbsp; . nothing yet &nbsp; z zero page '
                   "&nbsp; W writable &nbsp; R read only &nbsp; p private, no entry &nbsp; "
                   "f F of a file &nbsp; the same letter is the same frame</p>")
    passed = [s for s in results["scenarios"] if s["verdict"] == "PASS"]
    if passed:
        out.append("<h2>What passed</h2>")
        out += [scenario(s, False) for s in passed]
    return "".join(out + ["</body></html>\n"])
