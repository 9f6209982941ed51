#!/usr/bin/env python3
"""What a TLS proxy costs, beside its peers in the same run.

    bench.py [-r ROUNDS] [-m METRIC|GROUP...] [-t TARGET...] [-j FILE.json] [-q]

All programs are up at once, each pinned to CPU 0, client and backend to CPU 1.  Each round is cut into short slices in which the targets
take turns, so that a slow moment of the machine hits them all.  The client checks version, suite, group, resumption and every byte.
Ratios within one run are the result; a run on a busy machine says how busy it was.  docs/performance.md tells the rest.

Runs itself in a network namespace of its own (with reno) when it may.  Exit status 1: something was wrong, and is named.
"""
import argparse
import datetime
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import budget
import limit
import report
import turns
from metrics import BY_NAME, METRICS, OURS, STEPS, TARGETS
from place import backend_at, certificates, in_namespace
from target import Target, Wrong

# Seconds of one target's turn at scale 1, on a quiet machine: for the progress only.
SECONDS = {"cpu": 1.6, "workers": 1.6, "hold": 11.0, "calls": 0.5, "wall": 0.5, "start": 0.2, "size": 0.1}


def say(args, text):
    if not args.quiet:
        print(text, file=sys.stderr, flush=True)


class Run:
    def __init__(self, args):
        self.args = args
        self.metrics = [BY_NAME[m] for m in args.metric]
        self.left_out = []
        why = turns.calls_countable() if any(m.kind == "calls" for m in self.metrics) else ""
        if why:
            self.left_out = [m.name for m in self.metrics if m.kind == "calls"]
            self.metrics = [m for m in self.metrics if m.kind != "calls"]
            say(args, f"system calls are left out: {why}")
        self.limit = None
        if any(m.limited for m in self.metrics):
            why = limit.why_not()
            if why:
                self.left_out += [m.name for m in self.metrics if m.limited]
                self.metrics = [m for m in self.metrics if not m.limited]
                say(args, f"what is measured under a limit is left out: {why}")
            else:
                self.limit = limit.Limit()
        self.names = list(args.target)
        self.values = {m.name: {} for m in self.metrics}
        self.slices = {m.name: {} for m in self.metrics if m.kind in ("cpu", "workers")}
        self.curves, self.wrong, self.targets = {}, [], {}
        self.disturbance = turns.Disturbance()
        self.began, self.weight_done = time.monotonic(), 0.0
        self.ca, self.pems = certificates(args.dir)
        self.backend, self.budget = None, {}

    def jobs(self):
        """The metrics in turn; all that one climb of connections yields is one job."""
        held = [m for m in self.metrics if m.kind == "hold"]
        first = held[0] if held else None
        return [([m] if m.kind != "hold" else held) for m in self.metrics if m.kind != "hold" or m is first]

    def takes_part(self, name, metric):
        return name in self.names and (metric.only is None or name in metric.only)

    def start_targets(self):
        wanted = {(m.cert, 2 if m.kind == "workers" else 1, n) for m in self.metrics for n in self.names
                  if m.kind not in ("hold", "start") and self.takes_part(n, m)}
        missing = set()
        for cert, workers, name in sorted(wanted):
            if name in missing:
                continue
            t = Target(name, self.args, self.pems[cert], self.backend, workers)
            self.targets[name, cert, workers] = t
            if not t.start():
                missing.add(name)
        for name in sorted(missing):
            say(self.args, f"{name} is not installed: left out")
            self.names.remove(name)

    def attempt(self, name, metric, turn):
        """A turn that goes wrong is named, and its figure is missing; it is not tried again."""
        try:
            return turn()
        except Wrong as e:
            self.wrong.append(f"{metric.name}: {e}")
            print(f"WRONG  {name}: {e}", file=sys.stderr, flush=True)
            return None

    def add(self, metric, name, value):
        if value is not None:
            self.values[metric.name].setdefault(name, []).append(value)

    def under_limit(self, target, metric, turn):
        if not metric.limited:
            return turn()
        with self.limit.on(target.pids()):
            return turn()

    def sliced(self, metric, names, r):
        """The CPU time of a round, in slices in which the targets take turns, another one first each time."""
        sums = {n: [] for n in names}
        for s in range(self.args.slices):
            at = (r * self.args.slices + s) % len(names)
            for name in names[at:] + names[:at]:
                t = self.targets[name, metric.cert, 2 if metric.kind == "workers" else 1]
                got = self.attempt(name, metric, lambda: self.under_limit(t, metric, lambda: turns.cpu(t, metric, self.args, self.ca, self.disturbance)))
                if got is not None:
                    sums[name].append(got)
        for name, got in sums.items():
            if len(got) == self.args.slices:
                self.add(metric, name, sum(g[0] for g in got) * metric.scale / sum(g[1] for g in got))
                self.slices[metric.name].setdefault(name, []).append([round(g[0] * metric.scale / g[1], 4) for g in got])

    def held(self, metrics, name):
        found = self.attempt(name, metrics[0], lambda: turns.hold(name, self.args, self.pems["ec"], self.backend, self.ca))
        for m in metrics if found else []:
            self.add(m, name, found[m.step][m.what])
        for step, figures in (found or {}).items():
            for what in ("full", "kib", "turn"):
                if what in figures:
                    self.curves.setdefault(what, {}).setdefault(name, {}).setdefault(str(step), []).append(round(figures[what], 4))

    def one(self, metric, name):
        args, ca = self.args, self.ca
        if metric.kind == "start":
            return turns.start(name, args, self.pems["ec"], self.backend, ca)
        t = self.targets[name, metric.cert, 1]
        if metric.kind == "size":
            return t.size_kib()
        return self.under_limit(t, metric, lambda: {"calls": turns.calls, "wall": turns.wall}[metric.kind](t, metric, args, ca))

    def job(self, metrics, r):
        metric = metrics[0]
        names = [n for n in self.names if self.takes_part(n, metric)]
        if not names:
            return
        if metric.kind in ("cpu", "workers"):
            self.sliced(metric, names, r)
        else:
            at = r % len(names)
            for name in names[at:] + names[:at]:
                if metric.kind == "hold":
                    self.held(metrics, name)
                else:
                    self.add(metric, name, self.attempt(name, metric, lambda: self.one(metric, name)))
        self.weight_done += self.weight([metrics])
        left = (time.monotonic() - self.began) * (self.weight_all / self.weight_done - 1)
        last = "  ".join(f"{n} {self.values[metric.name][n][-1]:.4g}" for n in names if self.values[metric.name].get(n))
        say(self.args, f"round {r + 1}/{self.args.rounds}, {left / 60:4.1f} min left  {metric.name:13} {last}  {metric.unit}")

    def weight(self, jobs):
        return sum(SECONDS[j[0].kind] * (4 if j[0].limited else 1) * len([n for n in self.names if self.takes_part(n, j[0])]) for j in jobs)

    def rounds(self):
        self.start_targets()
        jobs = self.jobs()
        self.weight_all = max(0.1, self.weight(jobs) * self.args.rounds)
        if self.args.scale == 1:
            say(self.args, f"{len(self.metrics)} metrics, {self.args.rounds} rounds: about {self.weight_all / 60:.0f} minutes on a quiet machine")
        for r in range(self.args.rounds):
            for metrics in jobs:
                self.job(metrics, r)

    def go(self):
        with backend_at(self.args) as self.backend:
            try:
                self.rounds()
            finally:
                for t in self.targets.values():
                    t.stop()
            if self.args.budget:
                self.budget = self.make_budget()

    def make_budget(self):
        """Where our time goes; what cannot be had here is left out."""
        say(self.args, "the budget of our CPU time")
        scale = argparse.Namespace(**{**vars(self.args), "slices": 1, "scale": 2 * self.args.scale})
        found = {}
        engine = subprocess.run([os.path.join(self.args.bin, "engine"), str(max(3, int(400 * min(1, self.args.scale))))],
                                capture_output=True, text=True, check=False)
        if engine.returncode == 0:
            found["engine"] = engine.stdout.rstrip()
        else:
            self.wrong.append("engine: " + engine.stderr.strip()[-200:])
        if shutil.which("perf") is None:
            say(self.args, "perf is not installed: no profile")
        else:
            text = self.attempt(OURS, BY_NAME["full"], lambda: budget.text(budget.default(), scale, self.ca, self.pems, self.backend))
            if text:
                found["profile"] = text
        return found

    def results(self):
        return {
            "made": datetime.date.today().isoformat(),
            "machine": {"cpu": cpu_name(), "cpus": os.cpu_count(), "kernel": platform.release()},
            "versions": {n: version(n, self.args) for n in self.names},
            "rounds": self.args.rounds, "slices": self.args.slices, "scale": self.args.scale,
            "minutes": round((time.monotonic() - self.began) / 60, 1),
            "others_percent": round(self.disturbance.percent(), 1) if self.disturbance.elapsed and not self.args.together else None,
            "together": self.args.together,
            "limit_percent": round(self.limit.percent(), 1) if self.limit and self.limit.periods else None,
            "most": self.args.most,
            "wrong": self.wrong,
            "left_out": self.left_out,
            "metrics": {m: {n: [round(x, 4) for x in v] for n, v in per.items()} for m, per in self.values.items()},
            "slices_of": self.slices,
            "curves": self.curves,
            "budget": self.budget,
        }


def cpu_name():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def version(name, args):
    command = {"tls13d": [args.tls13d, "--version"], "hitch": ["hitch", "--version"], "haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"],
               "stunnel": ["stunnel", "-version"]}.get(name)
    if command is None:
        return ""
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    words = p.stdout.replace("/", " ").split()
    return next((w for w in words if w[0].isdigit() and "." in w), "?")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("-m", "--metric", nargs="+", default=[], metavar="METRIC", help="or a kind: " + " ".join(sorted(SECONDS)))
    parser.add_argument("-t", "--target", nargs="+", default=TARGETS, choices=TARGETS)
    parser.add_argument("-j", "--json")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("--scale", type=float, default=1.0, help="of the amounts of work; below 1 the figures are rough")
    parser.add_argument("--slices", type=int, default=3, help="of a round")
    parser.add_argument("--patience", type=float, default=1.0, help="of the waits before memory is read")
    parser.add_argument("--together", action="store_true", help="the programs on the CPU of client and backend, not on another")
    parser.add_argument("--budget", action="store_true", help="also where our time goes, for docs/performance.md")
    parser.add_argument("--tls13d", default="build/tls13d")
    parser.add_argument("--bin", default="build/bench")
    args = parser.parse_args()
    names = [m.name for m in METRICS if not args.metric or m.name in args.metric or m.kind in args.metric]
    unknown = set(args.metric) - {m.name for m in METRICS} - set(SECONDS)
    if unknown or args.rounds < 1 or args.slices < 1:
        parser.error("no such metric: " + " ".join(sorted(unknown)) + "; there are " + " ".join(m.name for m in METRICS)
                     if unknown else "at least one round and one slice")
    args.metric = names
    args.tls13d, args.bin = os.path.abspath(args.tls13d), os.path.abspath(args.bin)
    return args


def open_files():
    """Raises the limit as far as it goes; => how many connections a proxy can hold, two descriptors each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 100_000 if hard == resource.RLIM_INFINITY else min(hard, 100_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return min(STEPS[-1], (wanted - 200) // 2)


def main():
    args = arguments()
    in_namespace()
    args.most = open_files()
    if args.most < STEPS[-1]:
        say(args, f"{args.most} connections at most: the limit of open files is too low for {STEPS[-1]:,}")
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})  # CPU 0 is for what is measured
    with tempfile.TemporaryDirectory(prefix="tls13d-bench-") as args.dir:
        run = Run(args)
        try:
            run.go()
        except Wrong as e:
            sys.exit(f"bench: {e}")
        except KeyboardInterrupt:
            run.wrong.append("interrupted before the last round was over")
        results = run.results()
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f, indent=None, separators=(", ", ": "))
            f.write("\n")
    print(report.text(results))
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
