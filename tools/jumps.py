#!/usr/bin/env python3
"""What compiled code decides by, by its source line, against a list of lines that are argued: each conditional or indirect jump, indirect call,
division, repeated instruction, and call of a function whose time depends on values (memcmp, the compiler's division of 128 bits).

    jumps.py [-v] --list tests/jumps.txt OBJECT...

For code that valgrind cannot run: a compiler that makes a branch of a selection puts it where no argued line stands.  Of a jump both lines must be
argued, its own and that of the instruction that sets its flags, as far as the compiler names them; what guards the stack is left out.  The
objects carry debug information (-g).
Exit status 1: there are some without an argument, which are listed.  With -v also what was found at argued lines, and argued lines
at which nothing was found.

The list: a line at the margin is an argument, the indented lines below it are source lines as they stand in the file that the last
"== FILE" names; "?: FUNCTION: MNEMONIC" is a jump that the compiler names no line for.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

PREFIX = r"^(?:(?:notrack|bnd|[cdefgs]s|lock|data16|rex[.A-Z]*) )*"
JUMP = re.compile(PREFIX + r"(?:(?:j(?!mp)[a-z]+|loop[a-z]*|i?div[a-z]*|rep[a-z]*)\b|(?:jmp|call)[a-z]* +\*)")
SETS_FLAGS = re.compile(PREFIX + r"(?:cmp|test|sub|add|ad[co]x?|sbb|dec|inc|and|or|xor|sh[lr]|sa[lr]|ro[lr]|rc[lr]|bs[fr]|bt|neg|i?mul(?!x)|popcnt|"
                                 r"[lt]zcnt|xadd|v?ptest|vtestp|k(?:or)?test|v?u?comis|v?pcmp[ei]str|bls|bextr|bzhi|rdrand|rdseed)[a-z]*\b")
ELSEWHERE = re.compile(PREFIX + r"(?:call|jmp|ret|syscall)[a-z]*\b")  # no flags come past it
BY_VALUE = re.compile(r"\sR_X86_64_\w+\s+((?:mem|str|b)\w*cmp|str\w+|memchr|memmem|__u?(?:div|mod|divmod)ti\w*)\b")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(.*)$")
SECTION = re.compile(r"^Disassembly of section (.*):$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
LOOK_BACK = 12  # instructions from a jump back to the one that sets its flags; moves stand between them
NO_LINE = "?"
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def instructions(path):
    """=> lists, one a function: its section, its name, and (address, text) of each instruction"""
    section = name = ""
    body = []
    for line in output("objdump", "-dr", "--no-show-raw-insn", path).splitlines():
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
        m = BY_VALUE.search(line)
        if m and body:
            body[-1] = body[-1][0], f"{body[-1][1].split()[0]} {m.group(1)}"
            continue
        m = INSTRUCTION.match(line)
        if m and "R_X86_64_" not in line:
            body.append((m.group(1), m.group(2)))
    if body:
        yield section, name, body


def flags_from(body, at):
    """=> the index of the instruction that a jump's condition comes from; its own when that is not known"""
    for i in range(at - 1, max(-1, at - 1 - LOOK_BACK), -1):
        if SETS_FLAGS.match(body[i][1]):
            return i
        if ELSEWHERE.match(body[i][1]):
            break
    return at


def guards_stack(body, at):
    """The stack protector's comparison, or the loop that touches each page of a large frame."""
    if not re.match(r"j(?!mp)", body[at][1]):
        return False
    i = flags_from(body, at)
    text, before = body[i][1], body[i - 1][1] if i > 0 else ""
    loaded = re.match(r"mov +%fs:0x28,(%r\w+)$", before)
    return (re.match(r"(?:sub|cmp) +%(?:fs:0x28,%r\w+|r\w+,%rsp)$", text) is not None or
            loaded is not None and re.match(rf"cmp +(?:-?0x[0-9a-f]+)?\(%r[sb]p\),{loaded.group(1)}$", text) is not None)


def decides(text):
    return JUMP.match(text) or BY_VALUE.match(" R_X86_64_PLT32 " + text.split()[-1])


def found_in(path):
    """=> (function, instruction, addresses whose lines count) of each instruction that decides, by section"""
    per_section = collections.defaultdict(list)
    for section, name, body in instructions(path):
        for at, (address, text) in enumerate(body):
            if decides(text) and not guards_stack(body, at):
                conditional = re.match(PREFIX + r"j(?!mp)", text)
                per_section[section].append((name, text, [body[flags_from(body, at)][0], address] if conditional else [address]))
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
        whole = os.path.normpath(file)
        of_ours = "/libtls13/" in whole
        short = whole.split("/libtls13/")[-1] if of_ours else os.path.basename(whole)
        if file not in self.files:
            try:
                # This tree's, wherever a compiler's cache has seen the same text before.
                with open(os.path.join(TOP, "libtls13", short) if of_ours else file) as f:
                    self.files[file] = f.read().splitlines()
            except OSError:
                self.files[file] = []
        text = self.files[file][number - 1].strip() if 0 < number <= len(self.files[file]) else NO_LINE
        return short, NO_LINE if text == "{" else text  # a function's beginning names nothing


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
            addresses = [a for _, _, both in jumps for a in both]
            places = dict(zip(addresses, lines_of(path, section, addresses)))
            for name, text, both in jumps:
                total += 1
                at = [sources.line(places[a]) for a in both]
                named = [line for line in at if line[1] != NO_LINE] or [(at[0][0], f"{NO_LINE}: {name}: {text.split()[0]}")]
                used.update(line for line in dict.fromkeys(named) if line in argued)
                if all(line in argued for line in named):
                    continue
                missing.append(f"{os.path.basename(path)}: {name}: {' '.join(text.split())}: " + " / ".join(f"{f}: {t}" for f, t in dict.fromkeys(named)))
    for line in missing:
        print(line)
    if args.verbose:
        for (file, text), n in sorted(used.items()):
            print(f"{n:5}  {file}: {text}\n       {argued[file, text]}")
        for file, text in sorted(set(argued) - set(used)):
            print(f"    -  {file}: {text}")
    print(f"{total} decisions, {len(missing)} without an argument")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
