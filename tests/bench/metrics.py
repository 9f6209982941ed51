"""What is measured, in which unit, with which goal.  Work amounts are those of --scale 1."""
from dataclasses import dataclass, field, replace

OURS, FLOOR = "tls13d", "relay"
TARGETS = ["tls13d", "hitch", "haproxy", "nginx", "stunnel", "relay"]
CHACHA = ["suite=TLS_CHACHA20_POLY1305_SHA256"]
STEPS = [100, 300, 1000, 2000, 4000, 9000]  # standing connections, one after the other


@dataclass
class Metric:
    name: str
    group: str  # the chart's and the table's
    title: str
    unit: str
    kind: str  # cpu, calls, wall, hold, start, size, workers: how target.py and turns.py measure it
    goal: float = None  # at most; None: shown only
    of: str = "peer"  # times what the goal is: the best peer, "" for the unit itself, or another metric of ours
    load: str = ""  # the client's command: what is measured
    count: int = 0
    at_once: int = 1
    per: float = 1  # units in what the figure is given per
    scale: float = 1  # from ns, or whatever the kind yields
    options: list = field(default_factory=list)  # the client's
    cert: str = "ec"
    only: list = None  # targets; None: all
    step: int = 0  # hold: the number of standing connections it is about
    what: str = ""  # hold: which of its figures
    limited: bool = False  # the program is held to a tenth of a CPU (limit.py)


def cpu(name, group, title, goal, load, count, at_once, kind="cpu", of="peer", **more):
    bulk = load in ("down", "up")
    return Metric(name, group, title, "ms/GB" if bulk else "us", kind, goal, of, load, count, at_once, 1, 1e3 if bulk else 1e-3, **more)


def calls(name, title, goal, load, count, at_once, **more):
    per = 1e6 if load in ("down", "up") else 1
    return Metric(name, "System calls", title, "calls", "calls", goal, "", load, count, at_once, per, **more)


def hold(name, group, title, unit, what, step, goal=None, of="", **more):
    return Metric(name, group, title, unit, "hold", goal, of, step=step, what=what, **more)


HS, BULK, REQ, MEM, WALL = "Handshake, CPU", "Bulk data, CPU", "Request, CPU", "Memory", "Latency, one at a time"
LIMIT = "At its limit, a tenth of a CPU"
ALONE = [
    cpu("full", HS, "full, P-256 certificate, x25519", 0.33, "full", 1200, 16),
    cpu("resumed", HS, "resumed, psk_dhe_ke", 0.38, "resumed", 1200, 16),
    cpu("rsa", HS, "full, RSA-2048 certificate", 0.60, "full", 750, 16, options=["name=rsa.test"], cert="rsa"),
    cpu("p256", HS, "full, P-256 key share", 0.40, "full", 1200, 16, options=["group=P-256"]),
    cpu("hybrid", HS, "full, X25519MLKEM768", None, "full", 750, 16, options=["group=X25519MLKEM768"], only=[OURS]),
    cpu("down", BULK, "download, AES-128-GCM", 0.40, "down", 300_000_000, 2),
    cpu("up", BULK, "upload, AES-128-GCM", 0.42, "up", 300_000_000, 2),
    cpu("down-chacha", BULK, "download, ChaCha20-Poly1305", 0.60, "down", 225_000_000, 2, options=CHACHA),
    cpu("up-chacha", BULK, "upload, ChaCha20-Poly1305", 0.60, "up", 225_000_000, 2, options=CHACHA),
    cpu("request", REQ, "100 B up, 1 KiB down, 32 connections", 0.80, "request", 30000, 32),
]
OTHERS = [
    hold("idle-2000", MEM, "idle connection, 2,000 of them", "KiB", "kib", 2000, 1.5),
    hold("idle-9000", MEM, "idle connection, 9,000 of them", "KiB", "kib", 9000, 1.5),
    hold("kept", MEM, "not given back after all have closed", "%", "kept", 9000, 1),
    calls("calls-full", "a connection with a full handshake", 20, "full", 256, 16),
    calls("calls-request", "a request", 4.2, "request", 3000, 32),
    calls("calls-down", "a MB down", 40, "down", 30_000_000, 2),
    calls("calls-up", "a MB up", 40, "up", 30_000_000, 2),
    Metric("wall-full", WALL, "connect to first reply", "us", "wall", 1.0, "peer", "full", 300),
    hold("p50-few", WALL, "request to reply, 99 idle beside", "us", "p50", 100, 1.0, "peer"),
    hold("p50-many", WALL, "request to reply, 8,999 idle beside", "us", "p50", 9000, 1.1, "p50-few"),
    hold("p99-few", WALL, "99th percentile, 99 idle beside", "us", "p99", 100, None, "peer"),
    hold("p99-many", WALL, "99th percentile, 8,999 idle beside", "us", "p99", 9000, 1.25, "p99-few"),
    Metric("start", "The program", "start to first byte", "ms", "start", 8, ""),
    Metric("size", "The program", "binary and shared libraries, stripped", "KiB", "size", 3000, ""),
    cpu("full-2", "Two workers, CPU", "full handshake", 1.1, "full", 1200, 16, only=[OURS], kind="workers", of="full"),
    cpu("down-2", "Two workers, CPU", "download, AES-128-GCM", 1.1, "down", 300_000_000, 2, only=[OURS], kind="workers", of="down"),
    cpu("request-2", "Two workers, CPU", "request", 1.1, "request", 30000, 32, only=[OURS], kind="workers", of="request"),
]


def at_limit(name, count, at_once=0):
    m = next(m for m in ALONE + OTHERS if m.name == name)
    title = "calls, " + m.title if m.kind == "calls" else m.title
    return replace(m, name=name + "-limit", group=LIMIT, title=title, count=count, at_once=at_once or m.at_once, limited=True)


LIMITED = [
    at_limit("full", 270, 64),
    at_limit("resumed", 270, 64),
    at_limit("rsa", 180, 64),
    at_limit("p256", 240, 64),
    at_limit("down", 60_000_000),
    at_limit("up", 60_000_000),
    at_limit("down-chacha", 45_000_000),
    at_limit("up-chacha", 45_000_000),
    at_limit("request", 4500),
    at_limit("calls-full", 270, 64),
    at_limit("calls-request", 3000),
    at_limit("calls-down", 20_000_000),
    at_limit("calls-up", 20_000_000),
]
METRICS = ALONE + LIMITED + OTHERS
# Over the number of standing connections, for the chart: what, title, unit.
CURVES = [("turn", "request, CPU us, over all connections in turn"), ("full", "one more connection, CPU us"), ("kib", "memory, KiB a connection")]
BY_NAME = {m.name: m for m in METRICS}
