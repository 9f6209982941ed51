"""One program under measurement: started by targets/NAME.sh, watched through /proc."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Wrong(Exception):
    """A figure could not be had, or what it was taken from was not right."""


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
    """Of processes, threads that have ended included: each one's CPU clock (clock_getcpuclockid(3)), user and system."""
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


def cpu_set(cpus):
    """"0" or "0-1"; a machine with one CPU measures too."""
    have = os.cpu_count() or 1
    return cpus if have > 1 else "0"


class Target:
    """With start=False: only the command's surroundings are made."""

    def __init__(self, name, args, pem, backend, workers=1):
        self.name, self.port, self.args, self.workers = name, free_port(), args, workers
        self.path = os.path.join(HERE, "targets", name + ".sh")
        with open(self.path) as f:
            self.plain = "# PLAIN" in f.read()
        self.dir = tempfile.mkdtemp(prefix=f"{name}-", dir=args.dir)
        self.env = dict(os.environ, PORT=str(self.port), BACKEND=str(backend), PEM=pem, DIR=self.dir, TLS13D=args.tls13d, BENCH=args.bin,
                        WORKERS=str(workers), WRAP="")
        self.proc = None

    def start(self):
        """=> False: it is not installed."""
        with open(os.path.join(self.dir, "err"), "w") as err:
            alone = "1" if self.args.together else "0"
            cpus = cpu_set(alone if self.workers == 1 else "0-1")
            self.proc = subprocess.Popen(["taskset", "-c", cpus, "sh", self.path], env=self.env, stdin=subprocess.DEVNULL, stdout=err,
                                         stderr=err)
        for _ in range(600):
            if self.proc.poll() == 77:
                return False
            if self.proc.poll() is not None:
                raise Wrong(f"{self.name} ended by itself: {self.complaint()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                time.sleep(0.05)
        raise Wrong(f"{self.name} does not listen: {self.complaint()}")

    def complaint(self):
        with open(os.path.join(self.dir, "err"), errors="replace") as f:
            return f.read()[-500:].strip()

    def pids(self):
        return descendants(self.proc.pid)

    def stop(self):
        if self.proc is None or self.proc.poll() is not None:
            return
        pids = self.pids()
        self.proc.send_signal(signal.SIGINT if self.name == "tls13d" else signal.SIGTERM)
        try:
            self.proc.wait(5)
        except subprocess.TimeoutExpired:
            for p in pids:
                try:
                    os.kill(p, signal.SIGKILL)
                except OSError:
                    pass
            self.proc.wait()

    def start_ms(self, client):
        """From fork to the first byte of a reply, with nothing but the program itself between the two."""
        env = dict(self.env, WRAP=" ".join(client + ["--"]))
        p = subprocess.run(["sh", self.path], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        if p.returncode == 77:
            return None
        try:
            return float(p.stdout.split()[-1])
        except (IndexError, ValueError):
            raise Wrong(f"{self.name} start: {p.stderr[-500:].strip()}") from None

    def size_kib(self):
        """The program and every library that is mapped in any of its processes, as they are without symbols."""
        files = set()
        for p in self.pids():
            with open(f"/proc/{p}/maps") as f:
                for line in f:
                    part = line.split(maxsplit=5)
                    if len(part) == 6 and "x" in part[1] and part[5].startswith("/"):
                        files.add(part[5].strip())
        total = 0
        for path in files:
            copy = os.path.join(self.dir, "stripped")
            if shutil.which("strip") is None or subprocess.run(["strip", "-o", copy, path], stderr=subprocess.DEVNULL, check=False).returncode:
                copy = path
            total += os.path.getsize(copy)
        return total / 1024


class Client:
    """The load program, obeying one line at a time."""

    def __init__(self, target, args, ca, options):
        self.target = target
        self.proc = subprocess.Popen(["taskset", "-c", cpu_set("1")] + self.command(target, args, ca, options), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def command(target, args, ca, options):
        return [os.path.join(args.bin, "load"), str(target.port), "ca=" + ca, "reply=1024"] + options + (["plain=1"] if target.plain else [])

    def do(self, *words):
        """=> units, p50, p99 (us)"""
        try:
            self.proc.stdin.write(" ".join(map(str, words)) + "\n")
            self.proc.stdin.flush()
            got = self.proc.stdout.readline().split()
        except BrokenPipeError:
            got = []
        if len(got) != 4 or got[0] != "done":
            raise Wrong(f"{self.target.name}: {' '.join(map(str, words))}: {self.proc.communicate()[1].strip() or 'the client gave up'}")
        return int(got[1]), float(got[2]), float(got[3])

    def end(self):
        self.proc.stdin.close()
        self.proc.wait()
        self.proc.stdout.close()
        self.proc.stderr.close()
