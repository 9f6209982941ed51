#!/usr/bin/env python3
"""CPU time of a TLS proxy per unit of work, beside its peers in the same run.

    bench.py [-r ROUNDS] [-m METRIC...] [-t TARGET...] [-j FILE.json] [-s FILE.svg] [-q]

Every target is up at once and they take turns, round by round; each is pinned to CPU 0, client and backend to CPU 1.  The figure is the
CPU time (user and system, of all the target's processes, by their CPU clocks) over the measured part only, divided by the
units done.  The client checks version, suite, group, resumption and every byte.  Ratios within one run are the result.

Runs itself in a network namespace of its own (with reno) when it may.  Exit status 1: something was wrong with what was measured.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GIB = 1e9
# name: (title, unit, load's metric, count, connections, extra keys, certificate, scale from ns)
METRICS = {
    "full": ("full handshake, P-256 certificate, x25519", "us", "full", 1500, 16, [], "ec", 1e-3),
    "resumed": ("resumed, psk_dhe_ke", "us", "resumed", 1500, 16, [], "ec", 1e-3),
    "rsa": ("full handshake, RSA-2048 certificate", "us", "full", 800, 16, ["name=rsa.test"], "rsa", 1e-3),
    "p256": ("full handshake, P-256 share", "us", "full", 1500, 16, ["group=P-256"], "ec", 1e-3),
    "down": ("download, AES-128-GCM", "ms/GB", "down", 400_000_000, 2, [], "ec", 1e3),
    "up": ("upload, AES-128-GCM", "ms/GB", "up", 400_000_000, 2, [], "ec", 1e3),
    "down-chacha": ("download, ChaCha20-Poly1305", "ms/GB", "down", 300_000_000, 2, ["suite=TLS_CHACHA20_POLY1305_SHA256"], "ec", 1e3),
    "up-chacha": ("upload, ChaCha20-Poly1305", "ms/GB", "up", 300_000_000, 2, ["suite=TLS_CHACHA20_POLY1305_SHA256"], "ec", 1e3),
    "request": ("100 B request, 1 KiB reply, 32 connections", "us", "request", 30000, 32, ["reply=1024"], "ec", 1e-3),
    "idle": ("idle connection (9,000)", "KiB", "idle", 9000, 32, [], "ec", None),
    "back": ("not given back after close, of idle", "%", "idle", 9000, 32, [], "ec", None),
}


def say(text):
    if not args.quiet:
        print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def descendants(pid):
    found = [pid]
    for p in found:
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{task}/children") as f:
                    found += [int(c) for c in f.read().split()]
        except OSError:
            pass
    return found


def cpu_ns(pids):
    """Of processes, threads that have ended included: each one's CPU clock (clock_getcpuclockid(3))."""
    total = 0
    for p in pids:
        try:
            total += time.clock_gettime_ns(~p << 3 | 2)
        except OSError:
            pass
    return total


def pss_kib(pids):
    total = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total


class Target:
    def __init__(self, name, pem, backend):
        self.name, self.port = name, free_port()
        self.path = os.path.join(HERE, "targets", name + ".sh")
        with open(self.path) as f:
            self.plain = "# PLAIN" in f.read()
        self.dir = tempfile.mkdtemp(prefix=f"{name}-", dir=args.dir)
        self.pem = pem
        env = dict(os.environ, PORT=str(self.port), BACKEND=str(backend), PEM=pem, DIR=self.dir, TLS13D=args.tls13d, BENCH=args.bin)
        self.err = open(os.path.join(self.dir, "err"), "w")
        self.proc = subprocess.Popen(["taskset", "-c", "0", "sh", self.path], env=env, stdin=subprocess.DEVNULL, stdout=self.err,
                                     stderr=self.err)

    def wait_ready(self):
        for _ in range(200):
            if self.proc.poll() == 77:
                return False
            if self.proc.poll() is not None:
                sys.exit(f"{self.name} ended by itself; see {self.dir}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{self.name} does not listen; see {self.dir}")

    def pids(self):
        return descendants(self.proc.pid)

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                for p in self.pids():
                    os.kill(p, signal.SIGKILL)
                self.proc.wait()


def measure(target, metric, ca):
    _, _, load, count, connections, keys, _, scale = METRICS[metric]
    count = max(1, int(count * args.scale)) if load not in ("idle",) else int(count * min(1, args.scale))
    command = ["taskset", "-c", "1", os.path.join(args.bin, "load"), str(target.port), load, str(count), str(connections), "ca=" + ca]
    command += keys + (["plain=1"] if target.plain else [])
    pids = target.pids()
    before = pss_kib(pids) if load == "idle" else 0
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(word):
        got = p.stdout.readline().split()
        if not got or got[0] != word:
            p.wait()
            raise RuntimeError(f"{target.name} {metric}: the client gave up")
        return got

    line("ready")
    if load == "idle":
        time.sleep(0.5)
        held = pss_kib(pids)
        p.stdin.write("\n\n")
        p.stdin.close()
        line("done")
        p.wait()
        time.sleep(1.5)
        after = pss_kib(target.pids())
        if metric == "idle":
            return (held - before) / count
        return 100.0 * max(0, after - before) / max(1, held - before)
    start = cpu_ns(pids)
    p.stdin.write("\n")
    p.stdin.flush()
    units = int(line("done")[1])
    if load in ("full", "resumed"):
        time.sleep(0.1)  # the ends of the last connections
    used = cpu_ns(target.pids()) - start
    p.stdin.write("\n")
    p.stdin.close()
    if p.wait() != 0:
        raise RuntimeError(f"{target.name} {metric}: the client says that something was wrong")
    return used * scale / units


def certificates(where):
    """A CA, an ECDSA and an RSA certificate with keys."""
    run = lambda *c: subprocess.run(c, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ca, key = where + "/ca.pem", where + "/ca.key"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", ca, "-days",
        "30", "-subj", "/CN=benchmark CA")
    pems = {}
    for kind, options, name in (("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "localhost"), ("rsa", ["rsa:2048"], "rsa.test")):
        base = f"{where}/{kind}"
        run("openssl", "req", "-newkey", *options, "-nodes", "-keyout", base + ".key", "-out", base + ".csr", "-subj", "/CN=" + name)
        with open(base + ".ext", "w") as f:
            f.write(f"subjectAltName=DNS:{name}\n")
        run("openssl", "x509", "-req", "-in", base + ".csr", "-CA", ca, "-CAkey", key, "-CAcreateserial", "-days", "30", "-out",
            base + ".crt", "-extfile", base + ".ext")
        with open(base + ".pem", "w") as out:
            os.chmod(base + ".pem", 0o600)
            for part in (base + ".crt", base + ".key"):
                with open(part) as f:
                    out.write(f.read())
        pems[kind] = base + ".pem"
    return ca, pems


def table(results, names):
    rows = [["metric", "unit"] + names]
    for metric, per in results.items():
        row = [METRICS[metric][0], METRICS[metric][1]]
        for n in names:
            v = per.get(n)
            row.append("-" if not v else f"{statistics.median(v):.4g} ({min(v):.4g}-{max(v):.4g})")
        peers = [statistics.median(v) for n, v in per.items() if n not in ("tls13d", "relay") and v]
        ours = per.get("tls13d")
        row.append(f"{statistics.median(ours) / min(peers):.2f}" if ours and peers and min(peers) > 0 else "-")
        rows.append(row)
    rows[0].append("x best peer")
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print("  ".join(c.ljust(width[i]) if i < 2 else c.rjust(width[i]) for i, c in enumerate(r)).rstrip())


def in_namespace():
    """Re-executes itself in a network namespace of its own, where it may."""
    if os.environ.get("BENCH_NETNS") or os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        return
    os.environ["BENCH_NETNS"] = "1"
    script = ("ip link set lo up; echo reno >/proc/sys/net/ipv4/tcp_congestion_control 2>/dev/null;"
              " echo '10000 65000' >/proc/sys/net/ipv4/ip_local_port_range; echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse; exec \"$@\"")
    if subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0:
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", script, "sh", sys.executable] + sys.argv)


def main():
    pems = {}
    backend_port = free_port()
    ca, pems = certificates(args.dir)
    backend = subprocess.Popen(["taskset", "-c", "1", os.path.join(args.bin, "backend"), str(backend_port)])
    targets, results, wrong = {}, {}, False
    try:
        kinds = sorted({METRICS[m][6] for m in args.metric})
        for name in args.target:
            for kind in kinds:
                t = Target(name, pems[kind], backend_port)
                if t.wait_ready():
                    targets[name, kind] = t
                else:
                    say(f"{name} is not installed: left out")
        for r in range(args.rounds):
            for metric in args.metric:
                for name in args.target:
                    t = targets.get((name, METRICS[metric][6]))
                    if t is None:
                        continue
                    try:
                        value = measure(t, metric, ca)
                    except RuntimeError as e:
                        say(str(e))
                        wrong = True
                        continue
                    results.setdefault(metric, {}).setdefault(name, []).append(value)
                    say(f"round {r + 1}/{args.rounds}  {metric:12} {name:10} {value:10.3f} {METRICS[metric][1]}")
    finally:
        for t in targets.values():
            t.stop()
        backend.terminate()
        backend.wait()
    names = [n for n in args.target if any(n in per for per in results.values())]
    table(results, names)
    if args.json:
        with open(args.json, "w") as f:
            json.dump({m: {"title": METRICS[m][0], "unit": METRICS[m][1], "values": per} for m, per in results.items()}, f, indent=1)
            f.write("\n")
    return 1 if wrong else 0


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("-r", "--rounds", type=int, default=5)
parser.add_argument("-m", "--metric", nargs="+", choices=list(METRICS), default=list(METRICS))
parser.add_argument("-t", "--target", nargs="+", default=["tls13d", "hitch", "haproxy", "nginx", "stunnel", "relay"])
parser.add_argument("-j", "--json")
parser.add_argument("-q", "--quiet", action="store_true")
parser.add_argument("--scale", type=float, default=1.0, help="of the amounts of work")
parser.add_argument("--tls13d", default="build/tls13d")
parser.add_argument("--bin", default="build/bench")
args = parser.parse_args()
args.tls13d, args.bin = os.path.abspath(args.tls13d), os.path.abspath(args.bin)
in_namespace()
with tempfile.TemporaryDirectory(prefix="tls13d-bench-") as args.dir:
    sys.exit(main())
