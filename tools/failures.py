#!/usr/bin/env python3
"""Checks tests/failures.md: every row has a test that is in the tree, or says n/a and why; no row is missing.

A test is written as `SUITE: NAME` between backquotes: a bats suite (daemon.bats, system/x.bats) and a test's name, a unit suite and its
function, or fuzz and a target.  --root DIR: another tree than this one.
"""
import argparse
import pathlib
import re
import sys

import musts

FAILURES = [str(n) for n in range(1, 49)]
HITCH = [f"hitch {n:02}" for n in range(1, 42) if n not in (26, 40)]


def reference(tree, row, text):
    suite, _, name = text.partition(": ")
    if suite == "fuzz":
        if not (tree.root / f"tests/fuzz/fuzz_{name}.c").is_file():
            musts.problem(row, f"no fuzz target {name!r}")
        return
    tree.test(row, suite, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    tree = musts.Tree(parser.parse_args().root)
    musts.source = "tests/failures.md"
    rows = []
    for line in tree.text("tests/failures.md").splitlines():
        cells = [c.strip() for c in line.strip("|").split(" | ")]
        if not line.startswith("| ") or cells[0] in ("#", "case"):
            continue
        if len(cells) != 3:
            musts.problem(cells[0], f"{len(cells)} cells, not 3")
            continue
        rows.append(cells[0])
        tests = re.findall(r"`([^`]+)`", cells[2])
        for text in tests:
            reference(tree, cells[0], text)
        if not tests and not re.match(r"n/a: .{10}", cells[2]):
            musts.problem(cells[0], "neither a test nor n/a and a reason")
    for name in FAILURES + HITCH:
        if rows.count(name) != 1:
            musts.problem(name, f"is there {rows.count(name)} times")
    if musts.problems:
        print("\n".join(musts.problems), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
