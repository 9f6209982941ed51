#!/usr/bin/env python3
"""Where our CPU time goes: by system call and by source file, for one unit of work.

    budget.py [METRIC...]       METRIC: those of bench.py that are CPU time; default: full resumed down up request,
                                and full and up at their limit, where there can be one

Samples the daemon with perf(1)'s software clock, and counts its system calls by name in a second run, while the client works as in the benchmark, and gives each sample to the system call that it is
in or to the file that its function stands in.  The shares are of the time that the process's CPU clock gives for a unit.
"""
import argparse
import collections
import contextlib
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap

import limit
import turns
from metrics import BY_NAME, OURS
from place import backend_at, certificates, in_namespace
from target import Target, Wrong, cpu_set

# By name; the rest is what raw_syscalls counts beyond them.  All 350 would take perf long to watch.
CALLS = ("accept4 brk close connect epoll_ctl epoll_pwait epoll_wait fcntl futex getpeername getrandom getsockname getsockopt ioctl madvise mmap "
         "munmap read readv recvfrom recvmsg sendmsg sendto setsockopt shutdown socket write writev").split()
EVENTS = "/sys/kernel/tracing/events/syscalls/sys_enter_"
DEFAULT = ["full", "resumed", "down", "up", "request"]
DEFAULT_LIMITED = ["full-limit", "up-limit"]


def files_of_functions(build):
    """Function name => source file, from the objects; of several, the first."""
    found = {}
    for obj in sorted(glob.glob(build + "/libtls13/**/*.o", recursive=True) + glob.glob(build + "/daemon/*.o")):
        source = os.path.relpath(obj, build)[:-1] + "c"
        for line in subprocess.run(["nm", obj], capture_output=True, text=True, check=True).stdout.splitlines():
            part = line.split()
            if len(part) == 3 and part[1] in "tT":
                found.setdefault(part[2].split(".")[0], source)
    return found


def samples(data):
    """=> each sample's chain, innermost first: (function, object)."""
    text = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"], capture_output=True, text=True, check=True).stdout
    for block in text.split("\n\n"):
        chain = []
        for line in block.splitlines():
            m = re.match(r"\s*[0-9a-f]+\s+(.*?)(?:\+0x[0-9a-f]+)?\s+\((.*)\)$", line)
            if m:
                chain.append((m.group(1), m.group(2)))
        if chain:
            yield chain


def place(chain, files):
    inner, dso = chain[0]
    if dso.startswith("["):
        for name, _ in chain:
            m = re.match(r"__(?:x64|arm64)_sys_(\w+)|do_(readv|writev)$", name)  # the latter are jumped to
            if m:
                return "kernel: " + (m.group(1) or m.group(2))
        return "kernel: interrupts, entry and exit, the scheduler"
    if os.path.basename(dso) == "tls13d":
        return files.get(inner.split(".")[0], "tls13d: " + inner)
    return os.path.basename(dso).split(".so")[0]


class Perf:
    """perf(1) watching a target while turns.cpu() measures, and not before and after it."""

    def __init__(self, target, command):
        control, ack = os.pipe(), os.pipe()
        self.control, self.ack = control[1], ack[0]
        self.proc = subprocess.Popen(["taskset", "-c", cpu_set("1"), "perf"] + command + ["-D", "-1", f"--control=fd:{control[0]},{ack[1]}", "-p",
                                      ",".join(map(str, target.pids()))], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, pass_fds=(control[0], ack[1]))
        os.close(control[0])
        os.close(ack[1])

    def tell(self, word):
        try:
            os.write(self.control, word)
            got = b""
            while b"ack" not in got:  # with a NUL before or behind it
                more = os.read(self.ack, 16)
                if not more:
                    raise Wrong("perf does not watch")
                got += more
        except BrokenPipeError:
            raise Wrong("perf does not watch") from None

    def begin(self):
        self.tell(b"enable\n")

    def end(self, _used):
        self.tell(b"disable\n")

    def stop(self):
        self.proc.send_signal(signal.SIGINT)
        self.proc.wait()
        os.close(self.control)
        os.close(self.ack)


def recorded(command, target, metric, args, ca):
    """=> CPU ns and units of the client's turn, with perf watching."""
    perf = Perf(target, command)
    try:
        return turns.cpu(target, metric, args, ca, perf)
    finally:
        perf.stop()


def calls(target, metric, args, ca):
    out = os.path.join(args.dir, "perf.stat")
    _, units = recorded(["stat", "-x", ",", "-o", out, "-e", ",".join(["raw_syscalls:sys_enter"] + ["syscalls:sys_enter_" + c for c in CALLS if os.path.isdir(EVENTS + c)])], target, metric, args, ca)
    counts, total = collections.Counter(), 0
    with open(out) as f:
        for line in f:
            m = re.match(r"(\d+),,(?:raw_)?syscalls:sys_enter(?:_(\w+))?,", line)
            if m and m.group(2):
                counts[m.group(2)] = int(m.group(1))
            elif m:
                total = int(m.group(1))
    if total == 0:
        raise Wrong("perf counted no system call")
    counts["others"] = total - sum(counts.values())
    per, unit = (1e6, "a MB") if metric.load in ("down", "up") else (1, "a unit")
    names = ", ".join(f"{name} {n * per / units:.2f}" for name, n in counts.most_common() if n * per / units >= 0.01)
    return textwrap.wrap(f"system calls {unit}: {total * per / units:.2f}: {names}", 100, initial_indent="  ", subsequent_indent="    ")


def profile(target, metric, args, ca):
    data = os.path.join(args.dir, "perf.data")
    used, units = recorded(["record", "-q", "-e", "cpu-clock", "-F", "4000", "-g", "-o", data], target, metric, args, ca)
    counts, files = collections.Counter(), files_of_functions(os.path.dirname(args.tls13d))
    for chain in samples(data):
        counts[place(chain, files)] += 1
    total = sum(counts.values())
    if total == 0:
        raise Wrong("perf took no sample")
    unit, small = used * metric.scale / units, 0
    lines = [f"{metric.title}{', at its limit' if metric.limited else ''}: {unit:.1f} {metric.unit}, {total} samples"]
    for where, n in counts.most_common():
        if n / total < 0.005:
            small += n
        else:
            lines.append(f"  {where:52} {unit * n / total:9.2f} {metric.unit}  {100 * n / total:5.1f} %")
    lines.append(f"  {'the rest, less than 0.5 % each':52} {unit * small / total:9.2f} {metric.unit}  {100 * small / total:5.1f} %")
    return lines


def default():
    return DEFAULT + ([] if limit.why_not() else DEFAULT_LIMITED)


def text(names, args, ca, pems, backend):
    """The table for these metrics; a backend listens."""
    parts = []
    for metric in map(BY_NAME.get, names):
        target = Target(OURS, args, pems[metric.cert], backend)
        try:
            target.start()
            with limit.Limit().on(target.pids()) if metric.limited else contextlib.nullcontext():
                parts.append("\n".join(profile(target, metric, args, ca) + calls(target, metric, args, ca)))
        finally:
            target.stop()
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metric", nargs="*")
    parser.add_argument("--scale", type=float, default=3.0)
    parser.add_argument("--tls13d", default="build/tls13d")
    parser.add_argument("--bin", default="build/bench")
    args = parser.parse_args()
    unknown = [m for m in args.metric if m not in BY_NAME or BY_NAME[m].kind != "cpu"]
    if unknown:
        parser.error("not a CPU metric: " + " ".join(unknown))
    args.slices, args.together, args.tls13d, args.bin = 1, False, os.path.abspath(args.tls13d), os.path.abspath(args.bin)
    in_namespace()
    with tempfile.TemporaryDirectory(prefix="tls13d-bench-") as args.dir:
        ca, pems = certificates(args.dir)
        with backend_at(args) as port:
            print(text(args.metric or default(), args, ca, pems, port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
