#!/usr/bin/env python3
"""What a benchmark's results look like.

    report.py FILE.json                the table, as text
    report.py FILE.json --publish      docs/bench.json, docs/bench.svg, the tables in README.md and docs/performance.md
    report.py docs/bench.json --check  whether those are what the results give; says which are not

--root DIR: the tree, by default the one that this program lies in.
"""
import argparse
import json
import os
import statistics
import sys
from dataclasses import dataclass

import chart
from metrics import BY_NAME, CURVES, FLOOR, METRICS, OURS, STEPS, TARGETS

NAMES = {"relay": "plain relay", "nginx": "nginx stream"}


def number(x):
    """Three figures, and no more than the eye needs."""
    if x >= 9999.5:
        return f"{x:,.0f}"
    return f"{x:.0f}" if x >= 99.95 else f"{x:.1f}" if x >= 9.995 else f"{x:.2f}"


@dataclass
class Row:
    metric: object
    values: dict  # target: its rounds
    reference: str  # the best peer, or the metric that it is compared with; "": none
    ratios: list  # to the reference, round by round
    met: bool  # None: no goal, or nothing to compare with

    def median(self, name):
        return statistics.median(self.values[name]) if self.values.get(name) else None

    def cell(self, name, spread=True):
        v = self.values.get(name)
        if not v:
            return "-"
        text = number(statistics.median(v))
        return text + (f" ({number(min(v))}-{number(max(v))})" if spread and len(v) > 1 and number(min(v)) != number(max(v)) else "")

    def ratio(self, spread=True):
        if not self.ratios:
            return "-"
        text = f"{statistics.median(self.ratios):.2f}"
        return text + (f" ({min(self.ratios):.2f}-{max(self.ratios):.2f})" if spread and len(self.ratios) > 1 else "")

    def goal(self):
        m = self.metric
        if m.goal is None:
            return "-"
        if m.of == "":
            return f"<= {m.goal:g} {m.unit}"
        return f"<= {m.goal:.2f} x" + ("" if m.of == "peer" else f" {self.against()}")

    def against(self):
        return {"workers": "one worker", "hold": "with 99 idle"}[self.metric.kind] if self.metric.of not in ("", "peer") else "best peer"


def rows(results):
    found = []
    for m in METRICS:
        values = results["metrics"].get(m.name)
        if not values:
            continue
        ours, reference, against = values.get(OURS), "", None
        if m.of in ("", "peer"):
            peers = {n: statistics.median(v) for n, v in values.items() if n not in (OURS, FLOOR) and v}
            if peers:
                reference = min(peers, key=peers.get)
                against = values[reference]
        else:
            reference, against = m.of, results["metrics"].get(m.of, {}).get(OURS)
        ratios, met = [], None
        if ours and against and min(against) > 0:
            if len(ours) == len(against):  # side by side in the same round, so that a slow minute hits both
                ratios = [a / b for a, b in zip(ours, against)]
            else:
                ratios = [statistics.median(ours) / statistics.median(against)]
        if m.goal is not None and m.of == "" and ours:
            met = statistics.median(ours) <= m.goal
        elif m.goal is not None and ratios:
            met = round(statistics.median(ratios), 2) <= m.goal  # as it is shown
        found.append(Row(m, values, reference, ratios, met))
    return found


def columns(results):
    return [n for n in TARGETS if any(n in per for per in results["metrics"].values())]


def grid(lines, left=2):
    width = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(c.ljust(width[i]) if i < left else c.rjust(width[i]) for i, c in enumerate(line)).rstrip() for line in lines)


def said(met):
    return "-" if met is None else "yes" if met else "NO"


def text(results):
    names = columns(results)
    lines = [["", "unit"] + names + ["x best peer", "goal", "met"]]
    group = ""
    for r in rows(results):
        if r.metric.group != group:
            group = r.metric.group
            lines.append([group.upper()] + [""] * (len(lines[0]) - 1))
        lines.append(["  " + r.metric.title, r.metric.unit] + [r.cell(n) for n in names] + [r.ratio(), r.goal(), said(r.met)])
    parts = [grid(lines)]
    for what, title in CURVES:
        per = results["curves"].get(what)
        if per:
            lines = [[title, ""] + [f"{s:,}" for s in STEPS]]
            lines += [["  " + n, ""] + [number(statistics.median(per[n][str(s)])) if str(s) in per[n] else "-" for s in STEPS]
                      for n in names if n in per]
            parts.append(grid(lines))
    return "\n\n".join(parts + [note(results)])


def note(results):
    m, n = results["machine"], results["versions"]
    versions = ", ".join(f"{name} {n[name]}" for name in TARGETS if n.get(name))
    rough = "" if results["scale"] >= 1 else f" The amounts of work were {results['scale']:g} of the usual ones, so that the figures are rough."
    most = results.get("most", STEPS[-1])
    fewer = "" if most >= STEPS[-1] else f" Connections were {most:,} at most, for the limit of open files."
    others = results["others_percent"]
    busy = "" if others is None else f"; other processes took {others:g} % of CPU 0 while something was measured"
    if results.get("together"):
        busy = "; the programs ran on the CPU of client and backend"
    limit = results.get("limit_percent")
    held = "" if limit is None else f"; at their limit the programs were held back in {limit:g} % of its periods"
    wrong = f" What went wrong, and is missing: {'; '.join(' '.join(w.split()) for w in results['wrong'])}." if results["wrong"] else ""
    return (f"{results['made']}, {m['cpu']}, {m['cpus']} CPUs, Linux {m['kernel']}; {versions}. Medians of {results['rounds']} rounds (smallest "
            f"to largest), {results['minutes']:g} minutes{busy}{held}.{rough}{fewer}{wrong}")


def table(lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def grouped(results, width):
    """The rows, each group headed by its name."""
    group = ""
    for r in rows(results):
        if r.metric.group != group:
            group = r.metric.group
            yield None, [f"**{group}**"] + [""] * (width - 1)
        yield r, [r.metric.title]


MET = {"yes": "yes", "NO": "**no**", "-": "-"}


def short_table(results):
    """For the README: ours and the best peer."""
    lines = [["", "tls13d", "best peer", "x best peer", "goal", "met"], ["---", "---:", "---:", "---:", "---", "---"]]
    for r, line in grouped(results, len(lines[0])):
        if r is not None:
            peer = f"{r.cell(r.reference, False)} {r.metric.unit} ({NAMES.get(r.reference, r.reference)})" if r.reference in TARGETS else "-"
            line += [f"{r.cell(OURS, False)} {r.metric.unit}", peer, r.ratio(False), r.goal(), MET[said(r.met)]]
        lines.append(line)
    return table(lines) + "\n" + note(results) + "\n"


def long_table(results):
    """All programs, with the spread."""
    names = columns(results)
    lines = [["", "unit"] + [NAMES.get(n, n) for n in names] + ["x best peer", "goal", "met"]]
    lines.append(["---", "---"] + ["---:"] * (len(names) + 1) + ["---", "---"])
    for r, line in grouped(results, len(lines[0])):
        if r is not None:
            line += [r.metric.unit] + [f"**{r.cell(n)}**" if n == OURS else r.cell(n) for n in names] + [r.ratio(), r.goal(), MET[said(r.met)]]
        lines.append(line)
    return table(lines) + "\n" + note(results) + "\n"


def replaced(old, what, block):
    """The text with what stands between these markers replaced."""
    begin, end = f"<!-- {what}: made by tests/bench/report.py -->\n", f"<!-- end of {what} -->\n"
    if old.count(begin) != 1 or old.count(end) != 1:
        sys.exit(f"the markers of '{what}' are missing")
    return old[: old.index(begin) + len(begin)] + block + old[old.index(end):]


def products(results, root):
    """=> {path: content} of all that is made from the results."""
    readme, docs = os.path.join(root, "README.md"), os.path.join(root, "docs", "performance.md")
    with open(readme) as f:
        first = replaced(f.read(), "benchmark", short_table(results))
    with open(docs) as f:
        second = replaced(f.read(), "benchmark", long_table(results))
    for part, content in results.get("budget", {}).items():
        second = replaced(second, part, "```text\n" + content + "\n```\n")
    return {readme: first, docs: second, os.path.join(root, "docs", "bench.svg"): chart.svg(results, rows(results))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", default=os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")))
    args = parser.parse_args()
    with open(args.json) as f:
        source = f.read()
    results = json.loads(source)
    if args.publish:
        if results.get("together"):
            sys.exit("not published: the programs ran on the CPU of client and backend")
        missing = [m for m in BY_NAME if m not in results.get("left_out", []) and not results["metrics"].get(m, {}).get(OURS)]
        if missing:
            sys.exit("not published: no figure for " + ", ".join(missing))
        made = products(results, args.root)
        made[os.path.join(args.root, "docs", "bench.json")] = source
        for path, content in made.items():
            with open(path, "w") as f:
                f.write(content)
            print("wrote", os.path.relpath(path, args.root))
        return 0
    if args.check:
        stale = []
        for path, content in products(results, args.root).items():
            with open(path) as f:
                if f.read() != content:
                    stale.append(os.path.relpath(path, args.root))
        if stale:
            print("not what the results give (tests/bench/report.py docs/bench.json --publish):", *stale)
        return 1 if stale else 0
    print(text(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
