#!/usr/bin/env python3
"""Makes docs/musts.md out of docs/musts.list: RFC 8446's requirements on a server with file and line of their check and their tests, the
traps of the protocol with their tests, every error a peer can cause with the tests that name it, and every limit with its row of the test.

  tools/musts.py            writes docs/musts.md
  tools/musts.py --check    writes nothing; fails when docs/musts.md is not what it would write, the lines of tests aside

Fails when a check's text or a test is not in the tree.  --root DIR: another tree than this one.
"""
import argparse
import pathlib
import re
import sys

TRAPS = 50

problems = []
source = "docs/musts.list"


def problem(where, text):
    problems.append(f"{source}: {where}: {text}")


def sections(path):
    """Section name -> list of its lines, comments and blank lines left out."""
    found, name = {}, None
    for line in path.read_text().splitlines():
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            found[name] = []
        elif line.strip() and not line.startswith("#"):
            found[name].append(line)
    return found


def fields(line, n):
    row = [f.strip() for f in line.split(" | ")]
    if len(row) != n:
        problem(row[0], f"{len(row)} fields, not {n}")
        return None
    return row


class Tree:
    def __init__(self, root):
        self.root = root
        self.texts = {}

    def text(self, name):
        if name not in self.texts:
            path = self.root / name
            self.texts[name] = path.read_text() if path.is_file() else None
        return self.texts[name]

    def check(self, where, anchor):
        """'FILE: text' => file:line of its one occurrence."""
        file, _, wanted = anchor.partition(": ")
        file, wanted = "libtls13/" + file, wanted.replace("\\n", "\n")
        text = self.text(file)
        if text is None:
            problem(where, f"no file {file}")
            return ""
        # A line of the list is stripped of blanks at its ends, and so is the text that is looked for.
        count = text.count(wanted)
        if not wanted or count != 1:
            problem(where, f"{file} has {count} times {wanted!r}")
            return ""
        return f"{file}:{text.count(chr(10), 0, text.index(wanted)) + 1}"

    def test(self, where, suite, name):
        """=> file:line of the test."""
        bats = suite.endswith(".bats")
        file = f"tests/{suite}" if bats else f"tests/unit/{suite}.c"
        begins = f'@test "{name}"' if bats else f"static void {name}(void)\n"
        text = self.text(file)
        if text is None or begins not in text or (not bats and f"RUN({name});" not in text):
            problem(where, f"no test {name!r} in {suite}")
            return ""
        return f"{file}:{text.count(chr(10), 0, text.index(begins)) + 1}"

    def tests(self, where, column):
        """'SUITE: name, name; SUITE: name' => 'file:line name; file:line name'."""
        shown = []
        for group in column.split("; "):
            suite, _, names = group.partition(": ")
            # The name of a bats test may hold a comma: it is one.
            names = [names] if suite.endswith(".bats") else names.split(", ")
            shown += [f"{self.test(where, suite, name)} {name}" for name in names]
        return "; ".join(shown)


def cell(text):
    return text.replace("|", "\\|")


def without_test_lines(text):
    """Lines of tests move too often to be held to them; that the tests are there is looked at all the same."""
    return re.sub(r"(tests/[\w./]+):\d+", r"\1", text)


def musts(tree, lines, out):
    out += ["## Requirements", "", "| id | section | requirement | check | tests |", "|---|---|---|---|---|"]
    seen = set()
    for line in lines:
        row = fields(line, 5)
        if row is None:
            continue
        name, section, text, anchor, tests = row
        if name in seen:
            problem(name, "stands twice")
        seen.add(name)
        out.append(f"| {name} | {section} | {cell(text)} | {tree.check(name, anchor)} | {cell(tree.tests(name, tests))} |")
    out.append("")


def traps(tree, lines, out):
    out += ["## Traps", "", "| # | trap | tests |", "|---|---|---|"]
    numbers = []
    for line in lines:
        row = fields(line, 3)
        if row is None:
            continue
        numbers.append(int(row[0]))
        out.append(f"| {row[0]} | {cell(row[1])} | {cell(tree.tests('trap ' + row[0], row[2]))} |")
    if numbers != list(range(1, TRAPS + 1)):
        problem("traps", f"not 1 to {TRAPS}, each once")
    out.append("")


def errors(tree, lines, out):
    """Every error a peer can cause is named in a unit test, as TLS13_E_NAME."""
    out += ["## Errors that a peer can cause", "", "| error | alert | named in, first of all |", "|---|---|---|"]
    no_peer = set(" ".join(lines).split())
    rows = re.findall(r"^ +X\((\w+), TLS13_ALERT_(\w+), ", tree.text("libtls13/tls13.h"), re.M)
    for name in sorted(no_peer - {n for n, _ in rows}):
        problem("no peer", f"there is no error {name}")
    suites = sorted((tree.root / "tests/unit").glob("test_*.c"))
    for name, alert in rows:
        if name in no_peer:
            continue
        named = next((s.stem for s in suites if re.search(rf"\bTLS13_E_{name}\b", s.read_text())), "")
        if not named:
            problem(name, "no unit test names this error")
        out.append(f"| {name} | {alert} | {named} |")
    out.append("")


def limits(tree, out):
    """Every limit of limits.h is a row of test_limits.c, where it is tried at its value and one past it."""
    out += ["## Limits", "", "| limit | value | what it bounds |", "|---|---|---|"]
    walk = tree.text("tests/unit/test_limits.c") or ""
    rows = re.findall(r"^ +(LIMIT_\w+) = (\d+),? */\* (.*) \*/$", tree.text("libtls13/limits.h"), re.M)
    if len(rows) != tree.text("libtls13/limits.h").count(" = "):
        problem("limits", "a line of limits.h cannot be read")
    for name, value, text in rows:
        if f"ROW({name}, " not in walk:
            problem(name, "has no row in test_limits.c")
        out.append(f"| {name} | {value} | {cell(text)} |")
    out.append("")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    args = parser.parse_args()
    tree = Tree(args.root)
    found = sections(args.root / "docs/musts.list")
    out = [
        "# What RFC 8446 asks of a server",
        "",
        "Made by tools/musts.py of docs/musts.list; change that one.  Sections without a name are RFC 8446's.",
        "",
    ]
    musts(tree, found["musts"], out)
    traps(tree, found["traps"], out)
    errors(tree, found["no peer"], out)
    limits(tree, out)
    text = "\n".join(out).rstrip("\n") + "\n"
    target = args.root / "docs/musts.md"
    if not problems and args.check and (not target.is_file() or without_test_lines(target.read_text()) != without_test_lines(text)):
        problems.append("docs/musts.md is not what docs/musts.list and the sources say now: run tools/musts.py")
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    if not args.check:
        target.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
