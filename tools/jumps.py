#!/usr/bin/env python3
"""What compiled code decides by: each conditional jump and each division, by its source line, against a list of lines that are argued.

    jumps.py [-v] --list tests/jumps.txt OBJECT...

For code that valgrind cannot run: a compiler that makes a branch of a selection puts it where no argued line stands.  A jump counts by the line
of the instruction that sets its flags, or by its own; what guards the stack is left out.  The objects carry debug information (-g).
Exit status 1: there are jumps without an argument, which are listed.  With -v also what was found at argued lines, and argued lines
at which nothing was found.

The list: a line at the margin is an argument, the indented lines below it are source lines as they stand in the file that the last
"== FILE" names.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

JUMP = re.compile(r"^(?:notrack )?(?:j(?!mp)[a-z]+|loop[a-z]*)\b|^(?:notrack )?jmp +\*|^i?div[a-z]*\b")
SETS_FLAGS = re.compile(r"^(?:lock )?(?:cmp|test|sub|add|adc|sbb|dec|inc|and|or|xor|sh[lr]|sa[lr]|bt|neg|v?ptest|kortest|ktest|u?comis|bls|andn|bzhi)[a-z]*\b")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")
SECTION = re.compile(r"^Disassembly of section (.*):$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
LOOK_BACK = 12  # instructions from a jump back to the one that sets its flags; moves stand between them
NO_LINE = "?"


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def instructions(path):
    """=> lists, one a function: its section, its name, and (address, text) of each instruction"""
    section = name = ""
    body = []
    for line in output("objdump", "-d", "--no-show-raw-insn", path).splitlines():
        m = SECTION.match(line) or FUNCTION.match(line)
        if m:
            if body:
                yield section, name, body
            body = []
            if line.startswith("Disassembly"):
                section = m.group(1)
            else:
                name = m.group(1)
            continue
        m = INSTRUCTION.match(line)
        if m:
            body.append((m.group(1), m.group(2)))
    if body:
        yield section, name, body


def guards_stack(body, at):
    """The stack protector's comparison, or the loop that touches each page of a large frame."""
    return any("%fs:0x28" in text or re.match(r"cmp +%r\w+,%rsp$", text) for _, text in body[max(0, at - 3):at])


def flags_of(body, at):
    """The instruction that a jump's condition comes from."""
    for i in range(at - 1, max(-1, at - 1 - LOOK_BACK), -1):
        if SETS_FLAGS.match(body[i][1]):
            return body[i][0]
    return body[at][0]


def found_in(path):
    """
    => (function, instruction, addresses whose lines count, those of the instructions before, which serve when the compiler names no line for
    these) of each jump and division, by section
    """
    per_section = collections.defaultdict(list)
    for section, name, body in instructions(path):
        for at, (address, text) in enumerate(body):
            if JUMP.match(text) and not guards_stack(body, at):
                both = [address] if "div" in text.split()[0] else [flags_of(body, at), address]
                before = [a for a, _ in body[max(0, at - LOOK_BACK):at]][::-1]
                per_section[section].append((name, text, both, before))
    return per_section


def lines_of(path, section, addresses):
    """=> (source file, line number) of each; number 0: the compiler names none"""
    places = []
    for place in output("addr2line", "-e", path, "-j", section, *addresses).splitlines():
        file, _, number = place.split(" (")[0].rpartition(":")
        places.append((file, int(number) if number.isdigit() else 0))
    return places


class Sources:
    def __init__(self):
        self.files = {}

    def line(self, place):
        """=> the file's name from its room on, and the line's text."""
        file, number = place
        if file not in self.files:
            try:
                with open(file) as f:
                    self.files[file] = f.read().splitlines()
            except OSError:
                self.files[file] = []
        text = self.files[file][number - 1].strip() if 0 < number <= len(self.files[file]) else NO_LINE
        whole = os.path.normpath(file)
        return whole.split("/libtls13/")[-1] if "/libtls13/" in whole else os.path.basename(whole), text


def arguments(path):
    """=> {(file, line): argument}"""
    argued, file, argument = {}, "", ""
    with open(path) as f:
        for line in f.read().splitlines():
            if line.startswith("== "):
                file = line[3:].strip()
            elif line.startswith(" "):
                argued[file, line.strip()] = argument
            elif line and not line.startswith("#"):
                argument = line
    return argued


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-v", action="store_true", dest="verbose")
    parser.add_argument("--list", required=True)
    parser.add_argument("object", nargs="+")
    args = parser.parse_args()
    argued, sources = arguments(args.list), Sources()
    used, missing, total = collections.Counter(), [], 0
    for path in args.object:
        for section, jumps in found_in(path).items():
            addresses = [a for _, _, both, before in jumps for a in both + before]
            places = dict(zip(addresses, lines_of(path, section, addresses)))
            for name, text, both, before in jumps:
                total += 1
                at = [sources.line(places[a]) for a in both]
                if all(line == NO_LINE for _, line in at):
                    at = [line for line in (sources.line(places[a]) for a in before) if line[1] != NO_LINE][:1] or at
                known = next((line for line in at if line in argued), None)
                if known:
                    used[known] += 1
                else:
                    missing.append(f"{os.path.basename(path)}: {name}: {' '.join(text.split())}: " + " / ".join(f"{f}: {t}" for f, t in dict.fromkeys(at)))
    for line in missing:
        print(line)
    if args.verbose:
        for (file, text), n in sorted(used.items()):
            print(f"{n:5}  {file}: {text}\n       {argued[file, text]}")
        for file, text in sorted(set(argued) - set(used)):
            print(f"    -  {file}: {text}")
    print(f"{total} jumps and divisions, {len(missing)} without an argument")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
