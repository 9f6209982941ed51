#!/usr/bin/env python3
"""Where our CPU time goes: by system call and by source file, for one unit of work.

    profile.py [METRIC...]       METRIC: those of bench.py that are CPU time; default: full resumed down up request

Samples the daemon with perf(1)'s software clock while the client works as in the benchmark, and gives each sample to the system call that it is
in or to the file that its function stands in.  The shares are of the time that the process's CPU clock gives for a unit.
"""
import argparse
import collections
import glob
import os
import re
import subprocess
import sys
import tempfile

import bench
import turns
from metrics import BY_NAME, OURS
from target import Target, cpu_set, free_port

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
            m = re.match(r"__(?:x64|arm64)_sys_(\w+)", name)
            if m:
                return "kernel: " + m.group(1)
        return "kernel: interrupts, entry and exit, the scheduler"
    if os.path.basename(dso) == "tls13d":
        return files.get(inner.split(".")[0], "tls13d: " + inner)
    return os.path.basename(dso).split(".so")[0]


def profile(target, metric, args, ca):
    data = os.path.join(args.dir, "perf.data")
    recorder = subprocess.Popen(["taskset", "-c", cpu_set("1"), "perf", "record", "-q", "-e", "cpu-clock", "-F", "4000", "-g", "-o", data, "-p",
                                 ",".join(map(str, target.pids()))], stderr=subprocess.DEVNULL)
    try:
        used, units = turns.cpu(target, metric, args, ca, turns.Disturbance())
    finally:
        recorder.send_signal(2)
        recorder.wait()
    counts, files = collections.Counter(), files_of_functions(os.path.dirname(args.tls13d))
    for chain in samples(data):
        counts[place(chain, files)] += 1
    total = sum(counts.values())
    if total == 0:
        sys.exit("perf took no sample")
    unit = used * metric.scale / units
    print(f"\n{metric.title}: {unit:.1f} {metric.unit}, {total} samples")
    small = 0
    for where, n in counts.most_common():
        if n / total < 0.005:
            small += n
        else:
            print(f"  {where:52} {unit * n / total:9.2f} {metric.unit}  {100 * n / total:5.1f} %")
    print(f"  {'the rest, less than 0.5 % each':52} {unit * small / total:9.2f} {metric.unit}  {100 * small / total:5.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metric", nargs="*", default=["full", "resumed", "down", "up", "request"])
    parser.add_argument("--scale", type=float, default=3.0)
    parser.add_argument("--tls13d", default="build/tls13d")
    parser.add_argument("--bin", default="build/bench")
    args = parser.parse_args()
    unknown = [m for m in args.metric if m not in BY_NAME or BY_NAME[m].kind != "cpu"]
    if unknown:
        parser.error("not a CPU metric: " + " ".join(unknown))
    args.slices, args.tls13d, args.bin = 1, os.path.abspath(args.tls13d), os.path.abspath(args.bin)
    bench.in_namespace()
    with tempfile.TemporaryDirectory(prefix="tls13d-bench-") as args.dir:
        ca, pems = bench.certificates(args.dir)
        port = free_port()
        backend = subprocess.Popen(["taskset", "-c", cpu_set("1"), os.path.join(args.bin, "backend"), str(port)])
        try:
            for metric in map(BY_NAME.get, args.metric):
                target = Target(OURS, args, pems[metric.cert], port)
                try:
                    target.start()
                    profile(target, metric, args, ca)
                finally:
                    target.stop()
        finally:
            backend.terminate()
            backend.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
