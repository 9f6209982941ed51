#!/usr/bin/env python3
"""Who may include whom: includes.py RANKS, from the top of the tree.  Prints each offence; exit status 1 when there is one.

RANKS has a line a room: `lib|daemon RANK FILE...`; the files of one line may include each other, and everything in lines before, when its
rank is not higher.  The daemon sees tls13.h of the library and nothing else; bearssl.h is named in the library's rank 1 only.
"""
import fnmatch
import os
import re
import sys

TREES = {"lib": "libtls13", "daemon": "daemon"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<(bearssl[^>]*)>)', re.M)


def read_ranks(path):
    rooms = []
    with open(path, encoding="ascii") as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                rooms.append((words[0], int(words[1]), words[2:]))
    return rooms


def find(rooms, tree, name):
    for at, (room_tree, rank, patterns) in enumerate(rooms):
        if room_tree == tree and any(fnmatch.fnmatch(name, p) for p in patterns):
            return at, rank
    return None


def judge(rooms, tree, name, text):
    """The offences of one file, as sentences."""
    me = find(rooms, tree, name)
    if me is None:
        yield f"{name} has no rank"
        return
    for quoted, bearssl in INCLUDE.findall(text):
        if bearssl or quoted.startswith("bearssl"):
            if (tree, me[1]) != ("lib", 1):
                yield f"{name} names bearssl.h, which is for the library's rank 1"
            continue
        other = os.path.normpath(os.path.join(os.path.dirname(name), quoted)) if quoted.startswith(".") else quoted
        if tree == "daemon" and find(rooms, "daemon", other) is None:
            if other != "tls13.h":
                yield f"{name} includes {other}, of the library"
            continue
        there = find(rooms, tree, other) or find(rooms, tree, os.path.join(os.path.dirname(name), other))
        if there is None:
            yield f"{name} includes {other}, which has no rank"
        elif there[1] > me[1]:
            yield f"{name} includes {other}, of a higher rank"
        elif there[0] > me[0]:
            yield f"{name} includes {other}, which comes later"


def main():
    rooms = read_ranks(sys.argv[1])
    offences = []
    for tree, top in TREES.items():
        for where, dirs, files in os.walk(top):
            dirs[:] = [d for d in dirs if d != "examples"]
            for file in sorted(files):
                if file.endswith((".c", ".h")):
                    path = os.path.join(where, file)
                    with open(path, encoding="utf-8") as f:
                        offences += judge(rooms, tree, os.path.relpath(path, top), f.read())
    print("\n".join(offences), end="\n" if offences else "")
    sys.exit(bool(offences))


if __name__ == "__main__":
    main()
