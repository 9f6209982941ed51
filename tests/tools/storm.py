#!/usr/bin/env python3
"""Random connections through the daemon, both ends here, so that every byte and every end is compared with what it must be.

storm.py --dir DIR [--seed N] [--seconds S] [--only N]

Listens as two backends, TCP and DIR/backend.sock, and writes the TCP one's address to DIR/storm.ready.  Then waits for DIR/storm.go, which
holds the daemon's port; the daemon also listens on DIR/in.sock, sends *.u.test to the Unix backend and PROXY v2 to both (its authority
tells which connection is whose).

Each connection draws, from a number of its own: sizes, pauses, bytes a call and socket buffers of both sides, Unix or TCP each way, who
waits for whom, urgent bytes, and an end: the client's close_notify (then FIN or not), FIN alone, reset or a bad record; the backend's FIN
(in its last segment or not), close or reset.  Prints the seed, each connection that went wrong with its number (--only repeats it) and how
many there were; exit status 1 when one went wrong.
"""
import argparse
import json
import os
import random
import select
import socket
import ssl
import struct
import sys
import time

PERIOD = 999983  # bytes; no multiple of any buffer's size
UP, DOWN = (random.Random(i).randbytes(PERIOD) * 2 for i in (1, 2))
AGAIN = (BlockingIOError, InterruptedError)
READY = select.POLLIN | select.POLLHUP | select.POLLERR
SLOTS = 12  # connections at once
PATIENCE = 20  # seconds a connection may take
SIZES = (0, 1, 2, 1399, 1400, 1401, 13999, 14000, 14001, 16383, 16384, 16385, 131072, 131073)


def part(of, at, n):
    at %= PERIOD
    return of[at : at + min(n, PERIOD)]


def draw_side(r):
    slow = r.random() < 0.35
    return {
        "n": r.choice(SIZES) if r.random() < 0.2 else int(2 ** r.uniform(0, 20 if r.random() < 0.1 else 16)),
        "start": r.choice((0, 0, 0, 0.001, 0.01, 0.1, 0.3)),
        "gap_in": r.choice((0, 0.001, 0.01, 0.05)) if slow else 0,
        "gap_out": r.choice((0, 0.001, 0.01, 0.03)) if slow else 0,
        "most_in": r.choice((100, 1500, 4096, 70000)) if slow else r.choice((4096, 16384, 262144)),
        "most_out": r.choice((1, 50, 1400, 5000)) if slow else r.choice((1400, 5000, 16384, 100000)),
        "receive": r.choice((0, 0, 0, 1, 4096, 20000)),
        "send": r.choice((0, 0, 0, 1, 4096, 20000)),
        "urgent": r.random() < 0.05,
        "late": r.random() < 0.15,
    }


def limit(side, other):
    """No more bytes than both get through in a second or so; the kernel is slow with tiny buffers too."""
    most = 1 << 20
    if side["gap_out"]:
        most = min(most, int(1 / side["gap_out"]) * side["most_out"])
    if other["gap_in"]:
        most = min(most, int(0.5 / other["gap_in"]) * other["most_in"])
    if side["most_out"] < 100:
        most = min(most, 3000)
    if 1 in (side["send"], other["receive"]) or 4096 in (side["send"], other["receive"]):
        most = min(most, 5000)
    side["n"] = min(side["n"], most)


def draw(seed):
    r = random.Random(seed)
    client, backend = draw_side(r), draw_side(r)
    limit(client, backend)
    limit(backend, client)
    client["end"] = r.choice(("notify", "notify", "notify", "notify-fin", "notify-fin", "fin", "fin", "rst", "bad"))
    backend["end"] = r.choice(("fin", "fin", "fin", "fin", "last", "last", "close", "rst"))
    if r.random() < 0.15:  # an answer and its end before the request was read, which ends the while
        client.update(n=r.randrange(20000), start=0, gap_out=0, most_out=16384, late=False)
        backend.update(n=r.randrange(3000), start=0.1, gap_in=0.1, most_in=5000, gap_out=0, most_out=16384, receive=4096, late=False)
    client["unix"], backend["unix"] = r.random() < 0.25, r.random() < 0.3
    backend["late"] &= not client["late"]
    for side in (client, backend):
        side["urgent"] &= not side["unix"]
    return client, backend


class Side:
    """One end of a connection: a socket that is not used more often than its plan says."""

    def __init__(self, plan):
        self.plan = plan
        self.sock = None
        self.got = self.made = 0  # plain bytes that came, that were handed to the socket or its queue
        self.end = None  # how the peer's direction ended
        self.said = False  # our end
        self.broken = self.was_reset = False
        self.wrong = ""
        self.next_in = self.next_out = 0

    def use(self, sock, now):
        self.sock = sock
        sock.setblocking(False)
        for option, key in ((socket.SO_RCVBUF, "receive"), (socket.SO_SNDBUF, "send")):
            if self.plan[key]:
                sock.setsockopt(socket.SOL_SOCKET, option, self.plan[key])
        self.next_out = now + self.plan["start"]

    def open(self):
        return self.sock is not None and self.sock.fileno() >= 0

    def take(self, data, of):
        if part(of, self.got, len(data)) != data:
            self.wrong = self.wrong or f"wrong bytes from {self.got}"
        self.got += len(data)

    def urgent(self):
        """A byte out of band, in the middle of the others: it is no byte of theirs."""
        if self.plan["urgent"] and self.plan["n"] // 3 < self.made < self.plan["n"]:
            self.sock.send(b"!", socket.MSG_OOB)
            self.plan["urgent"] = False

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def failed(self, e):
        self.broken = self.said = True
        self.was_reset |= isinstance(e, ConnectionResetError)

    def wants(self, now):
        """=> the events to poll for, and the moment at which that changes by itself."""
        events, then = 0, []
        for wanted, event, at in ((self.reads(), select.POLLIN, self.next_in), (self.writes(), select.POLLOUT, self.next_out)):
            if wanted and at <= now:
                events |= event
            elif wanted:
                then.append(at)
        return events, min(then, default=now + 1)

    def serve(self, events, now):
        try:
            if events & READY and self.reads() and self.next_in <= now:
                self.next_in = now + self.plan["gap_in"]
                self.read()
        except AGAIN:
            pass
        try:
            if self.open() and events & select.POLLOUT and self.writes() and self.next_out <= now:
                self.next_out = now + self.plan["gap_out"]
                self.write()
        except AGAIN:
            pass
        except OSError as e:
            self.failed(e)
        if self.open() and self.said and not self.reads():
            self.sock.close()

    def show(self):
        return {**self.plan, **{k: getattr(self, k) for k in ("got", "made", "end", "said", "broken", "wrong")}}


class Backend(Side):
    def reads(self):
        return self.end is None

    def writes(self):
        return not self.said and (self.end is not None or not self.plan["late"])

    def read(self):
        try:
            data = self.sock.recv(self.plan["most_in"])
        except OSError as e:
            if isinstance(e, AGAIN):
                raise
            self.end = "reset"
            return
        self.take(data, UP)
        if not data:
            self.end = "reset" if self.was_reset else "eof"  # a send may have been told of the reset

    def write(self):
        n = min(self.plan["most_out"], self.plan["n"] - self.made)
        if n:
            self.made += self.sock.send(part(DOWN, self.made, n), socket.MSG_MORE if self.plan["end"] == "last" else 0)
            self.urgent()
        if self.made == self.plan["n"]:
            self.said = True
            if self.plan["end"] == "rst" and not self.plan["unix"]:
                self.reset()
            elif self.plan["end"] in ("rst", "close"):
                self.sock.close()
            else:
                self.sock.shutdown(socket.SHUT_WR)

    def failed(self, e):
        super().failed(e)
        if self.was_reset and self.end == "eof":
            self.end = "reset"


class Client(Side):
    def __init__(self, plan, ctx, name):
        super().__init__(plan)
        self.queue = bytearray()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.up = self.words = self.over = False
        self.over_at = None

    def reads(self):
        return not self.over

    def writes(self):
        return not self.broken and (len(self.queue) != 0 or (self.may_send() and not self.said))

    def may_send(self):
        return self.up and (self.end is not None or not self.plan["late"])

    def turn(self):
        """Lets the engine do what it can."""
        try:
            if not self.up:
                self.tls.do_handshake()
                self.up = True
            while self.end is None and (data := self.tls.read(262144)):
                self.take(data, DOWN)
            self.end = self.end or "close_notify"
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.end = "close_notify"
        except ssl.SSLError as e:
            self.end = str(e.reason)
        self.queue += self.outgoing.read()

    def read(self):
        try:
            data = self.sock.recv(self.plan["most_in"])
        except OSError as e:
            if isinstance(e, AGAIN):
                raise
            data = b""
            self.was_reset = True
        self.over = not data
        self.incoming.write(data)
        self.turn()
        if self.over:
            self.end = self.end or ("reset" if self.was_reset else "fin")
            self.said |= not self.up

    def last_words(self):
        self.words = True
        if self.plan["end"].startswith("notify"):
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass  # it wants to read the other's
        elif self.plan["end"] == "bad":
            self.outgoing.write(bytes.fromhex("1703030020") + bytes(32))

    def write(self):
        if not self.queue and self.may_send():
            n = min(self.plan["most_out"], self.plan["n"] - self.made)
            try:
                if n:
                    self.tls.write(part(UP, self.made, n))
                    self.made += n
                if self.made == self.plan["n"]:
                    self.last_words()
            except ssl.SSLError:  # an alert has come
                self.said = self.broken = True
            self.queue += self.outgoing.read()
        if self.queue:
            del self.queue[: self.sock.send(self.queue)]
            self.urgent()
        if self.words and not self.queue and not self.said:
            self.said = True
            if self.plan["end"] in ("fin", "notify-fin"):
                self.sock.shutdown(socket.SHUT_WR)
            elif self.plan["end"] == "rst":
                self.reset()


class Pair:
    def __init__(self, seed, where, ctx, now):
        self.seed, self.began = seed, now
        plans = draw(seed)
        self.name = f"c{seed}.{'u' if plans[1]['unix'] else 't'}.test"
        self.client, self.backend = Client(plans[0], ctx, self.name), Backend(plans[1])
        sock = socket.socket(socket.AF_UNIX if plans[0]["unix"] else socket.AF_INET)
        sock.settimeout(10)
        sock.connect(where[plans[0]["unix"]])
        self.client.use(sock, now)
        self.client.next_out = now
        self.client.turn()

    def over(self, now):
        """The backend may learn of a client only when that is gone, or never when it was reset."""
        if self.client.open() or self.backend.open():
            return False
        return self.backend.sock is not None or (self.client.plan["end"] == "rst" and now - self.began > 1)

    def faults(self):
        c, b = self.client, self.backend
        notified = c.words and c.plan["end"].startswith("notify")
        orderly = b.plan["end"] in ("fin", "last")
        ended = b.said and not b.broken and (orderly or b.plan["end"] == "close" or b.plan["unix"])
        whole_up, whole_down = b.got == c.plan["n"], c.got == b.plan["n"]
        yield "client: " + c.wrong, c.wrong
        yield "backend: " + b.wrong, b.wrong
        yield "close_notify for what is no whole reply", c.end == "close_notify" and not (ended and whole_down)
        yield "a plain end for what is no whole upload", b.end == "eof" and not b.plan["unix"] and not (notified and whole_up)
        if orderly and c.plan["end"].startswith("notify"):
            yield "two orderly ends, and not all arrived", (c.end, b.end, whole_down, whole_up) != ("close_notify", "eof", True, True)
        if orderly and c.plan["end"] in ("fin", "bad"):
            yield "bytes before a bad end are lost", not whole_up
        if orderly and c.plan["end"] == "bad":
            yield "no alert", c.end not in ("SSLV3_ALERT_BAD_RECORD_MAC", "close_notify")

    def show(self):
        return json.dumps({"only": self.seed, "client": self.client.show(), "backend": self.backend.show()})


class Waiting:
    """An accepted connection whose PROXY header has not come yet, to be read by its length."""

    def __init__(self, sock):
        sock.setblocking(False)
        self.sock, self.head = sock, b""

    def name(self):
        """=> the authority, None: not yet."""
        size = 16 if len(self.head) < 16 else 16 + struct.unpack(">H", self.head[14:16])[0]
        try:
            self.head += self.sock.recv(size - len(self.head))
        except AGAIN:
            return None
        if len(self.head) < 16 or len(self.head) < 16 + struct.unpack(">H", self.head[14:16])[0]:
            return None
        at = 16 + {0x11: 12, 0x21: 36, 0x31: 216}.get(self.head[13], 0)
        while at < len(self.head):
            kind, n = struct.unpack(">BH", self.head[at : at + 3])
            if kind == 2:
                return self.head[at + 3 : at + 3 + n].decode()
            at += 3 + n
        return ""


class Storm:
    def __init__(self, args, listeners):
        self.args, self.listeners = args, listeners
        with open(os.path.join(args.dir, "storm.go"), encoding="ascii") as f:
            self.where = {False: ("127.0.0.1", int(f.read())), True: os.path.join(args.dir, "in.sock")}
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ctx.check_hostname, self.ctx.verify_mode = False, ssl.CERT_NONE
        self.pairs, self.waiting = {}, {}
        self.made = self.failed = 0

    def accept(self, listener):
        sock = listener.accept()[0]
        self.waiting[sock.fileno()] = Waiting(sock)

    def match(self, w, now):
        name = w.name()
        if name is None:
            return
        del self.waiting[w.sock.fileno()]
        if name in self.pairs:
            self.pairs[name].backend.use(w.sock, now)
        else:
            w.sock.close()  # its client is gone already

    def round(self, now):
        poll, of, then = select.poll(), {}, now + 0.1
        for fd, call in [(x.fileno(), (self.accept, x)) for x in self.listeners] + [(fd, (self.match, w, now)) for fd, w in self.waiting.items()]:
            poll.register(fd, select.POLLIN)
            of[fd] = call
        for pair in self.pairs.values():
            for side in (pair.client, pair.backend):
                if side.open():
                    events, at = side.wants(now)
                    then = min(then, at)
                    poll.register(side.sock.fileno(), events)
                    of[side.sock.fileno()] = side
        for fd, events in poll.poll(max(0, then - now) * 1000):
            if isinstance(of[fd], tuple):
                of[fd][0](*of[fd][1:])
            else:
                of[fd].serve(events, now)

    def judge(self, now):
        for name, pair in list(self.pairs.items()):
            for side in (pair.client, pair.backend):
                if side.open():
                    side.serve(0, now)
            stuck = now - pair.began > PATIENCE
            if not pair.over(now) and not stuck:
                continue
            del self.pairs[name]
            self.made += 1
            faults = [what for what, is_so in pair.faults() if is_so] + (["stuck"] if stuck else [])
            if faults:
                self.failed += 1
                print(f"{'; '.join(faults)}: {pair.show()}", flush=True)
            for side in (pair.client, pair.backend):
                if side.open():
                    side.sock.close()

    def run(self):
        r = random.Random(self.args.seed)
        stop = time.monotonic() + self.args.seconds
        while self.pairs or time.monotonic() < stop:
            now = time.monotonic()
            while len(self.pairs) < SLOTS and now < stop and self.failed < 5 and not (self.args.only is not None and self.pairs):
                pair = Pair(self.args.only if self.args.only is not None else r.getrandbits(40), self.where, self.ctx, now)
                self.pairs[pair.name] = pair
            self.round(now)
            self.judge(time.monotonic())
        print(f"connections: {self.made}, wrong: {self.failed}")
        return self.failed != 0 or self.made == 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--dir", required=True)
    p.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--only", type=int)
    args = p.parse_args()
    print(f"seed: {args.seed}", flush=True)
    unix, tcp = socket.socket(socket.AF_UNIX), socket.socket()
    unix.bind(os.path.join(args.dir, "backend.sock"))
    os.chmod(os.path.join(args.dir, "backend.sock"), 0o777)
    tcp.bind(("127.0.0.1", 0))
    for listener in (unix, tcp):
        listener.listen(64)
    with open(os.path.join(args.dir, "storm.ready.new"), "w", encoding="ascii") as f:
        f.write("127.0.0.1:%d\n" % tcp.getsockname()[1])
    os.rename(os.path.join(args.dir, "storm.ready.new"), os.path.join(args.dir, "storm.ready"))
    while not os.path.exists(os.path.join(args.dir, "storm.go")):
        time.sleep(0.02)
    sys.exit(Storm(args, (unix, tcp)).run())


if __name__ == "__main__":
    main()
