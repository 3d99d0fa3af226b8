"""The results of a class: a table for spreadsheets, and a page of HTML for the teacher.

The page needs nothing else: no network, no script.  First how the points lie and which
scenarios most of the class lost, then a row for each student with a cell for each scenario,
which links to the student's own report."""
import csv
import io
from html import escape

import grade_html

STYLE = """
.s { display: inline-block; width: .55rem; height: 1.1rem; margin-right: 1px;
  vertical-align: middle; background: var(--odd) } .s.P { background: var(--good) }
.s.F { background: var(--bad) } .s.T { background: var(--line) }
td.cells { white-space: nowrap; line-height: 1 } h1 + p { margin-bottom: 1rem }
body { max-width: 90rem }
"""
KIND = {"PASS": "P", "FAIL": "F", "CRASH": "F", "HANG": "F", "TODO": "T"}
MOST = 10       # scenarios that are told to be hard


def cell_text(text):
    """A spreadsheet takes what begins so for a formula: who hands in chooses names."""
    return "'" + text if text.startswith(tuple("=+-@\t\r")) else text


def scenarios(results):
    """Their names, in order, of all who have any."""
    out = {}
    for r in results:
        for name, s in r["scenarios"].items():
            out.setdefault(name, s[3])
    return out


def csv_of(results):
    names = list(scenarios(results))
    out = io.StringIO()
    w = csv.writer(out)
    w.writerow(["name", "status", "score", "points", "bonus", "begin", "why"] + names)
    for r in results:
        begin = r["begin"]["name"] if r["begin"] else ""
        w.writerow([cell_text(r["name"]), r["status"], r["score"], r["points"], r["bonus"],
                    begin, cell_text(r["why"])] +
                   [r["scenarios"].get(n, [""])[0] for n in names])
    return out.getvalue()


def middle(numbers):
    """(lowest, median, highest)"""
    some, half = sorted(numbers), len(numbers) // 2
    return some[0], some[half] if len(some) % 2 else (some[half - 1] + some[half]) / 2, some[-1]


def hard(results):
    """[(how many lost it, name, title)], the most first."""
    lost = {}
    for r in results:
        for name, s in r["scenarios"].items():
            if s[0] != "PASS":
                lost.setdefault(name, [0, s[3]])[0] += 1
    return sorted(((n, name, title) for name, (n, title) in lost.items()),
                  key=lambda x: (-x[0], x[1]))[:MOST]


def summary(results):
    graded = [r for r in results if r["status"] == "graded"]
    if not graded:
        return "<p>Nobody could be graded.</p>"
    low, half, high = middle([r["score"] for r in graded])
    full = sum(r["score"] == r["points"] for r in graded)
    return ("<p>%d of %d graded; %d have all points; lowest %d, median %g, highest %d of "
            "%d.</p>" % (len(graded), len(results), full, low, half, high,
                         max(r["points"] for r in graded)))


def hard_table(results):
    graded = sum(r["status"] == "graded" for r in results)
    rows = "".join('<tr><td class="n">%d of %d</td><td class="mono">%s</td><td>%s</td></tr>' % (
        n, graded, escape(name), escape(title)) for n, name, title in hard(results))
    return rows and ('<h2>What most of them lost</h2><div class="wide"><table>%s</table></div>'
                     % rows)


def cells(r, names):
    out = []
    for name in names:
        s = r["scenarios"].get(name)
        if s:
            out.append('<span class="s %s" title="%s %s %d/%d"></span>' % (
                KIND.get(s[0], ""), escape(name, True), s[0], s[1], s[2]))
    return "".join(out)


def row(r, names):
    link = "students/%s/grade/report.html" % r["name"]
    name = escape(r["name"])
    if r["status"] == "graded":
        name = '<a href="%s">%s</a>' % (escape(link.replace("%", "%25").replace("#", "%23")
                                               .replace("?", "%3f"), True), name)
        points = "%d/%d%s" % (r["score"], r["points"],
                              " +%d" % r["bonus"] if r["bonus"] else "")
        note = r["begin"]["name"] if r["begin"] else ""
    else:
        points, note = escape(r["status"]), r["why"]
    more = "".join('<div class="soft">%s</div>' % escape(n) for n in r["notes"])
    return ('<tr><td>%s</td><td class="n">%s</td><td class="cells">%s</td><td class="mono">%s'
            "%s</td></tr>" % (name, points, cells(r, names), escape(note), more))


def page(results, lab, seed):
    names = list(scenarios(results))
    rows = "".join(row(r, names) for r in results)
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<title>Lab %d: %d submissions</title><style>%s%s</style></head><body>"
            "<h1>Lab %d: %d submissions</h1><p class=soft>seed %d</p>%s%s<h2>Each</h2>"
            '<div class="wide"><table><tr><th>name</th><th class="n">points</th>'
            "<th>scenarios</th><th>begin with</th></tr>%s</table></div></body></html>\n" % (
                lab, len(results), grade_html.STYLE, STYLE, lab, len(results), seed,
                summary(results), hard_table(results), rows))
