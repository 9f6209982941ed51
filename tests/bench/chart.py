"""The results as one SVG: every metric on a scale where the best peer is 1, and cost over the number of connections."""
import math
import statistics
from html import escape

from metrics import FLOOR, OURS, STEPS, TARGETS

WIDTH, LEFT, RIGHT, ROW = 900, 306, 690, 22
LOW, HIGH = 0.05, 5.0  # of the best peer
NAMES = {"nginx": "nginx stream", "relay": "plain relay, no TLS"}
STYLE = """
text { font: 12.5px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; fill: #1f2328; }
.bg { fill: #ffffff; } .soft, .soft tspan { fill: #59636e; } .small { font-size: 11px; } .head { font-weight: 600; } .title { font-size: 16px; font-weight: 600; }
.end { text-anchor: end; } .mid { text-anchor: middle; } .line { stroke: #d1d9e0; } .one { stroke: #59636e; } .row { stroke: #eaeef2; }
.goal { fill: #1a7f37; fill-opacity: .16; } .goaledge { stroke: #1a7f37; stroke-width: 2; } .miss { fill: #b35900; font-weight: 600; }
.good { fill: #1a7f37; font-weight: 600; }
.tls13d { fill: #0b63ce; stroke: #0b63ce; } .hitch { fill: #c77700; stroke: #c77700; } .haproxy { fill: #00805a; stroke: #00805a; }
.nginx { fill: #8a4baf; stroke: #8a4baf; } .stunnel { fill: #b3404a; stroke: #b3404a; } .relay { fill: none; stroke: #59636e; stroke-width: 1.5; }
polyline { fill: none !important; stroke-width: 1.8; stroke-linejoin: round; } polyline.tls13d { stroke-width: 3.2; } polyline.relay { stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .bg { fill: #0d1117; } .soft, .soft tspan { fill: #9198a1; } .line { stroke: #3d444d; } .one { stroke: #9198a1; } .row { stroke: #21262d; }
.goal { fill: #3fb950; fill-opacity: .2; } .goaledge { stroke: #3fb950; } .miss { fill: #f0a050; } .good { fill: #56d364; }
.tls13d { fill: #58a6ff; stroke: #58a6ff; } .hitch { fill: #e3a33c; stroke: #e3a33c; } .haproxy { fill: #3fb98c; stroke: #3fb98c; }
.nginx { fill: #c297eb; stroke: #c297eb; } .stunnel { fill: #f2777f; stroke: #f2777f; } .relay { fill: none; stroke: #9198a1; }
}
"""


def number(x):
    return f"{x:,.0f}" if x >= 99.95 else f"{x:.1f}" if x >= 9.995 else f"{x:.2f}"


def text(x, y, content, classes=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{escape(content)}</text>'


def line(x1, y1, x2, y2, classes):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def mark(name, x, y):
    """Each target has a shape of its own, for those who do not see the colours."""
    if name == OURS:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6.5" class="{name}"/>'
    if name == "hitch":
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" class="{name}"/>'
    if name == "haproxy":
        return f'<path d="M{x:.1f} {y - 5.5:.1f}l5 9.5h-10z" class="{name}"/>'
    if name == "nginx":
        return f'<path d="M{x:.1f} {y - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5 -5.5z" class="{name}"/>'
    if name == "stunnel":
        return f'<path d="M{x:.1f} {y + 5.5:.1f}l5 -9.5h-10z" class="{name}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{name}"/>'


def at(ratio):
    ratio = min(max(ratio, LOW), HIGH)
    return LEFT + (RIGHT - LEFT) * math.log(ratio / LOW) / math.log(HIGH / LOW)


def legend(names, y):
    out, x = [], LEFT
    for n in names:
        out += [mark(n, x + 6, y - 4), text(x + 17, y, NAMES.get(n, n))]
        x += 17 + 7.2 * len(NAMES.get(n, n)) + 18
    return out


def dots(rows, y):
    """The comparison.  => elements, the next y"""
    out, top, group = [], y, ""
    for r in rows:
        best = r.median(r.reference)
        if not best or r.metric.of not in ("", "peer"):
            continue
        if r.metric.group != group:
            group = r.metric.group
            y += ROW + 4
            out.append(text(16, y + 4, group, "head"))
        y += ROW
        out += [line(LEFT, y, RIGHT, y, "row"), text(28, y + 4, r.metric.title)]
        if r.metric.goal is not None:
            edge = at(r.metric.goal if r.metric.of == "peer" else r.metric.goal / best)
            out.append(f'<rect x="{LEFT}" y="{y - 8}" width="{edge - LEFT:.1f}" height="16" class="goal"/>')
            out.append(line(edge, y - 8, edge, y + 8, "goaledge"))
        for n in [n for n in TARGETS if n != OURS] + [OURS]:
            v = r.median(n)
            if v is not None and (v / best >= LOW or n == OURS):
                out.append(mark(n, at(v / best), y))
        ours = r.median(OURS)
        if ours is not None:
            out.append(text(RIGHT + 88, y + 4, f"{number(ours)} {r.metric.unit}".strip(), "end " + {True: "good", False: "miss", None: ""}[r.met]))
        out.append(text(WIDTH - 16, y + 4, f"{number(best)} {r.metric.unit}".strip(), "end soft"))
    y += ROW
    axis = []
    for ratio in (0.1, 0.2, 0.5, 1, 2, 5):
        axis += [line(at(ratio), top + 8, at(ratio), y - 6, "one" if ratio == 1 else "line"),
                 text(at(ratio), top + 2, "best peer" if ratio == 1 else f"{ratio:g} x", "mid soft small")]
    axis += [text(RIGHT + 88, top + 2, "tls13d", "end soft small"), text(WIDTH - 16, top + 2, "best peer", "end soft small")]
    return axis + out, y


def ticks(low, high):
    """1, 2, 5 of each power of ten, or 1 and 3 when the scale is long."""
    of_ten = (1, 3) if high / low > 40 else (1, 2, 5)
    return [d * 10.0**p for p in range(-2, 6) for d in of_ten if low <= d * 10.0**p <= high]


def curve(per, title, x0, y0, width, height, floor):
    """One small line chart, both scales logarithmic."""
    medians = {n: {int(s): statistics.median(v) for s, v in per[n].items()} for n in TARGETS if n in per and (floor or n != FLOOR)}
    every = [v for points in medians.values() for v in points.values() if v > 0]
    if not every:
        return []
    out, low, high = [text(x0, y0 - 12, title, "small")], min(every) * 0.8, max(every) * 1.25

    def px(n):
        return x0 + 28 + (width - 42) * math.log(n / STEPS[0]) / math.log(STEPS[-1] / STEPS[0])

    def py(v):
        return y0 + height - height * math.log(max(v, low) / low) / math.log(high / low)

    for v in ticks(low, high):
        out += [line(x0 + 28, py(v), x0 + width, py(v), "line"), text(x0 + 23, py(v) + 4, f"{v:g}", "end soft small")]
    for n in (100, 1000, 9000):
        out.append(text(px(n), y0 + height + 18, f"{n:,}", "mid soft small"))
    for name in sorted(medians, key=lambda n: n == OURS):  # ours on top
        points = medians[name]
        at_steps = sorted(points)
        out.append(f'<polyline points="{" ".join(f"{px(s):.1f},{py(points[s]):.1f}" for s in at_steps)}" class="{name}"/>')
        out.append(mark(name, px(at_steps[-1]), py(points[at_steps[-1]])))
    return out


def svg(results, rows):
    names = [n for n in TARGETS if any(n in r.values for r in rows)]
    out = [text(16, 30, "What a connection costs", "title"),
           text(16, 50, f"tls13d and its peers, one worker each, the same work in turn; farther left is cheaper; a green figure meets its goal", "soft")]
    out += legend(names, 80)
    out += ['<rect x="16" y="69" width="22" height="14" class="goal"/>', line(38, 69, 38, 83, "goaledge"), text(46, 80, "tls13d's goal")]
    body, y = dots(rows, 110)
    out += body
    curves = results["curves"]
    if curves:
        y += 30
        out += [text(16, y, "More connections", "head"), text(150, y, "standing at once, from 100 to 9,000", "soft")]
        y += 42
        third = (WIDTH - 32 - 40) / 3
        shown = (("turn", "a request on each in turn, CPU us", True), ("full", "one more connection, CPU us", True),
                 ("kib", "memory, KiB a connection", False))
        for i, (what, title, floor) in enumerate(shown):
            out += curve(curves.get(what, {}), title, 16 + i * (third + 20), y, third, 150, floor)
        y += 180
    y += 14
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
            f'aria-label="tls13d beside its peers: cost of each kind of work relative to the best peer">\n<style>{STYLE}</style>\n'
            f'<rect width="{WIDTH}" height="{y}" rx="8" class="bg"/>\n' + "\n".join(out) + "\n</svg>\n")
