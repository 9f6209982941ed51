"""One turn of one target at one metric."""
import os
import subprocess
import time

from metrics import STEPS
from syscalls import Count
from target import Client, Target, Wrong, cpu_ns, pss_kib

TICK_NS = 10_000_000  # USER_HZ is 100 everywhere


class Disturbance:
    """How much of CPU 0 others took while something was measured there."""

    def __init__(self):
        self.others = self.elapsed = 0

    @staticmethod
    def busy_ns():
        with open("/proc/stat") as f:
            for line in f:
                if line.startswith("cpu0 "):
                    v = list(map(int, line.split()[1:9]))
                    return (sum(v) - v[3] - v[4]) * TICK_NS  # all but idle and iowait; what a hypervisor took counts
        return 0

    def begin(self):
        self.at = time.monotonic_ns(), self.busy_ns()

    def end(self, used):
        self.elapsed += time.monotonic_ns() - self.at[0]
        self.others += max(0, self.busy_ns() - self.at[1] - used)

    def percent(self):
        return 100 * self.others / self.elapsed if self.elapsed else 0.0


def amount(metric, args, parts=1):
    """Connections and requests at least as many as run at once, bytes at least a few records."""
    least = 100_000 if metric.load in ("down", "up") else metric.at_once * 2
    return max(least, int(metric.count * args.scale / parts))


def settled_cpu(target):
    """The CPU clock once the ends of the last connections have been dealt with."""
    last = cpu_ns(target.pids())
    for _ in range(15):
        time.sleep(0.02)
        now = cpu_ns(target.pids())
        if now == last:
            break
        last = now
    return last


def prepared(client, metric):
    """What comes before the measured part."""
    if metric.load in ("down", "up", "request"):
        client.do("open", metric.at_once)
    elif metric.load == "resumed":
        client.do("full", 1, 1)


def loaded(target, metric, args, ca, measured):
    """Runs `measured(client, words)` between the preparation and the end of a client of its own."""
    client = Client(target, args, ca, metric.options)
    try:
        prepared(client, metric)
        return measured(client)
    finally:
        client.end()


def cpu(target, metric, args, ca, disturbance):
    """=> CPU ns and units"""

    def measured(client):
        settled_cpu(target)
        disturbance.begin()
        start = cpu_ns(target.pids())
        units, _, _ = client.do(metric.load, amount(metric, args, args.slices), metric.at_once)
        used = (settled_cpu(target) if metric.load in ("full", "resumed") else cpu_ns(target.pids())) - start
        disturbance.end(used)
        return used, units

    return loaded(target, metric, args, ca, measured)


def calls(target, metric, args, ca):
    def measured(client):
        settled_cpu(target)
        try:
            count = Count(target.pids())
        except OSError as e:
            raise Wrong(f"system calls cannot be counted: {e}") from None
        try:
            units, _, _ = client.do(metric.load, amount(metric, args), metric.at_once)
            settled_cpu(target)
            return count.read() * metric.per / units
        finally:
            count.close()

    return loaded(target, metric, args, ca, measured)


def wall(target, metric, args, ca):
    return loaded(target, metric, args, ca, lambda client: client.do(metric.load, amount(metric, args), metric.at_once)[1])


def calls_countable():
    """=> "" or why not."""
    try:
        Count([os.getpid()]).close()
        return ""
    except OSError as e:
        return str(e)


def steps(args):
    return [min(args.most, max(64, int(s * min(1, args.scale)))) for s in STEPS]


def hold(name, args, pem, backend, ca):
    """A fresh program with more and more standing connections.  => {step: {what: figure}} or None: not installed."""
    target = Target(name, args, pem, backend)
    try:
        if not target.start():
            return None
        client = Client(target, args, ca, [])
        try:
            return climb(target, client, args)
        finally:
            client.end()
    finally:
        target.stop()


def climb(target, client, args):
    client.do("full", 64, 16)  # what it does once at its first connections
    settled_cpu(target)
    time.sleep(1.2 * args.patience)
    before, at, found = pss_kib(target.pids()), 0, {}
    requests = max(128, int(3000 * min(1, args.scale)))
    for step, n in zip(STEPS, steps(args)):
        figure = found[step] = {}
        start = cpu_ns(target.pids())
        if n > at:
            client.do("open", n)
            figure["full"] = (settled_cpu(target) - start) * 1e-3 / (n - at)
        at = n
        time.sleep((1.2 if step in (2000, 9000) else 0.1) * args.patience)
        figure["kib"] = (pss_kib(target.pids()) - before) / n
        start = cpu_ns(target.pids())
        client.do("turn", requests, 32)
        figure["turn"] = (cpu_ns(target.pids()) - start) * 1e-3 / requests
        _, figure["p50"], figure["p99"] = client.do("request", requests, 1)
    held = max(1, pss_kib(target.pids()) - before)
    client.do("close")
    for _ in range(12):  # whoever gives it back late is given 2.4 s
        time.sleep(0.2 * args.patience)
        kept = 100 * max(0, pss_kib(target.pids()) - before) / held
        if kept < 0.5:
            break
    found[STEPS[-1]]["kept"] = kept
    return found


def start(name, args, pem, backend, ca):
    target = Target(name, args, pem, backend)
    try:
        return target.start_ms(Client.command(target, args, ca, []))
    except subprocess.TimeoutExpired:
        raise Wrong(f"{name} does not start or does not end") from None
