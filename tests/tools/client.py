#!/usr/bin/env python3
"""A TLS 1.3 client that does what its steps say and tells how it went, one JSON object on standard output.

client.py PORT [OPTIONS] STEP...

The TLS engine (Python's ssl over memory buffers) is apart from the socket, so each end of each layer is ended on its own.

  raw         no handshake: the steps that follow work on the bare socket (first step only)
  send:N      N bytes of plaintext, the reply being taken in meanwhile
  text:STR    STR and a newline, then
  bytes:HEX   bytes as they are on the socket, past TLS
  end         close_notify, the socket stays open
  fin         ends the socket's direction (without close_notify: a truncation)
  rst         resets the connection, ends
  push:N      as send, but takes in nothing until nothing has moved for --stall seconds: both directions fill up
  read:N      takes in until N bytes of plaintext have come
  drain       takes in until the peer's end
  pause:S     does nothing for S seconds, reads nothing
  wait:S      takes in for S seconds

Result: port (its own); handshake ("ok" or the reason), version, suite, alpn, resumed; stalled (after push); in, sha_in, out, sha_out (plaintext); text (the first 200 bytes);
records: the lengths of the first 64 that came; segments: TCP segments with bytes that came after the handshake; end: how the peer's direction ended: "close_notify", "fin" (no close_notify), "reset", "alert NAME", "open"; fin: whether its socket did too;
ms: the time that took.
"""
import argparse
import hashlib
import json
import os
import re
import select
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from backend import stream  # noqa: E402


class Client:
    def __init__(self, args):
        self.args = args
        self.start = time.monotonic()
        self.r = {"handshake": "none", "in": 0, "out": 0, "end": "open", "fin": False, "records": []}
        self.head, self.left = b"", 0
        self.sha_in, self.sha_out = hashlib.sha256(), hashlib.sha256()
        self.text = b""
        self.queue = bytearray.fromhex(args.prefix)
        self.raw = b""
        self.sock = self.connect(args)
        self.sock.setblocking(False)
        self.tls = None
        self.connected = False
        self.wrapped = False
        self.deaf = False

    # -- the socket ---------------------------------------------------------------------------------------------

    def connect(self, args):
        if args.unix:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(10)
            sock.connect("\0" + args.unix[1:] if args.unix.startswith("@") else args.unix)
            return sock
        sock = socket.create_connection((args.host, args.port), timeout=10, source_address=(args.source, 0) if args.source else None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.r["port"] = sock.getsockname()[1]
        return sock

    def pump(self, timeout):
        """Moves bytes between the socket and the buffers once; => whether anything moved."""
        if self.tls:
            self.collect()
        want = [] if self.deaf or self.r["fin"] or self.r["end"] == "reset" else [self.sock]
        readable, writable, _ = select.select(want, [self.sock] if self.queue else [], [], timeout)
        try:
            if readable:
                data = self.sock.recv(262144)
                if not data:
                    self.r["fin"] = True
                elif self.tls:
                    self.measure(data)
                    self.incoming.write(data)
                else:
                    self.raw += data
            if writable:
                n = self.sock.send(self.queue[: self.args.segments or len(self.queue)])
                del self.queue[:n]
        except (ConnectionResetError, BrokenPipeError):
            self.queue.clear()
            if self.r["end"] == "open":
                self.r["end"] = "reset"
        if self.connected:
            self.take()
        return bool(readable or writable)

    def segments(self):
        """Segments with bytes that this socket has received: tcpi_data_segs_in."""
        return 0 if self.args.unix or self.sock.fileno() < 0 else struct.unpack_from("I", self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 152)[0]

    def measure(self, data):
        """Notes the lengths of the records that come, as far as they are of interest."""
        while data and len(self.r["records"]) < 64:
            if self.left:
                n = min(self.left, len(data))
                self.left, data = self.left - n, data[n:]
                continue
            n = min(5 - len(self.head), len(data))
            self.head, data = self.head + data[:n], data[n:]
            if len(self.head) == 5:
                self.left = struct.unpack(">H", self.head[3:])[0]
                self.r["records"].append(self.left)
                self.head = b""

    def collect(self):
        """Takes what the engine wants to send; the ClientHello is cut into small records when that is wanted."""
        data = self.outgoing.read()
        size = self.args.hello_records
        if data and size and not self.wrapped:
            self.wrapped = True
            length = struct.unpack(">H", data[3:5])[0]
            hello, rest = data[5 : 5 + length], data[5 + length :]
            data = b"".join(data[:3] + struct.pack(">H", len(hello[i : i + size])) + hello[i : i + size]
                            for i in range(0, length, size)) + rest
        self.queue += data

    def flush(self):
        if self.tls:
            self.collect()
        while self.queue and self.r["end"] != "reset":
            self.check()
            self.pump(0.5)

    def check(self):
        if time.monotonic() - self.start > self.args.timeout:
            raise TimeoutError("the client waited for %g s" % self.args.timeout)

    # -- TLS ----------------------------------------------------------------------------------------------------

    def handshake(self):
        a = self.args
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if a.tls12:
            ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        else:
            ctx.minimum_version = ssl.TLSVersion.TLSv1_3
        ctx.load_verify_locations(a.ca)
        if a.cert:
            ctx.load_cert_chain(a.cert)
        if a.curve:
            ctx.set_ecdh_curve(a.curve)
        if a.alpn:
            ctx.set_alpn_protocols(a.alpn.split(","))
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = ctx.wrap_bio(self.incoming, self.outgoing, server_hostname=a.sni or None)
        while True:
            self.check()
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                if self.r["end"] == "reset" or self.r["fin"]:
                    self.r["handshake"] = "closed"
                    self.r["end"] = "fin" if self.r["fin"] else "reset"
                    return False
                self.pump(0.5)
            except ssl.SSLError as e:
                self.r["handshake"] = self.r["end"] = self.reason(e)
                self.flush()
                return False
        self.flush()
        self.connected = True
        self.segments_before = self.segments()
        self.r.update(handshake="ok", version=self.tls.version(), suite=self.tls.cipher()[0], alpn=self.tls.selected_alpn_protocol(),
                      resumed=self.tls.session_reused)
        return True

    @staticmethod
    def reason(e):
        """OpenSSL's TLSV1_ALERT_X, SSLV3_ALERT_X, TLSV13_ALERT_X, TLSV1_X and "[SSL] tlsv1 alert x (_ssl.c:1)" as "alert x"."""
        text = re.sub(r"^\[.*?\] | \(_ssl.*", "", e.reason or str(e)).lower().replace(" ", "_")
        alert = re.match(r"(?:tlsv1|tlsv13|sslv3)_(?:alert_)?(.*)", text)
        return "alert " + alert[1] if alert else text

    def take(self):
        """Takes in the plaintext there is."""
        while self.r["end"] in ("open", "reset"):
            try:
                data = self.tls.read(262144)
            except ssl.SSLWantReadError:
                if self.r["fin"] and self.r["end"] == "open":
                    self.r["end"] = "fin"
                return
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                data = b""
            except ssl.SSLError as e:
                self.r["end"] = self.reason(e)
                return
            if not data:
                self.r["end"] = "close_notify"
                return
            self.r["in"] += len(data)
            self.sha_in.update(data)
            self.text += data[: 200 - len(self.text)]

    def send(self, data):
        try:
            size = self.args.chunk or len(data)
            for i in range(0, len(data), size):
                self.tls.write(data[i : i + size])
                self.collect()
                self.r["out"] += len(data[i : i + size])
                self.sha_out.update(data[i : i + size])
                if self.args.chunk:
                    self.flush()
        except ssl.SSLError:
            return False  # the engine is dead; the end says why
        while len(self.queue) > 262144 and self.r["end"] != "reset":
            self.check()
            self.pump(0.5)
        self.pump(0)
        return self.r["end"] != "reset"

    # -- steps --------------------------------------------------------------------------------------------------

    def run(self, steps):
        if steps and steps[0] == "raw":
            steps = steps[1:]
        elif not self.handshake():
            self.linger()
            return
        for step in steps:
            name, _, value = step.partition(":")
            getattr(self, "do_" + name)(value)

    def linger(self):
        """After a failure: how does the socket end?"""
        while not self.r["fin"] and self.r["end"] != "reset":
            before = self.r["end"]
            self.r["end"] = "open"
            self.check()
            self.pump(0.5)
            if self.r["end"] == "reset" and before != "reset":
                self.r["end"] = before
                return
            self.r["end"] = before

    def do_send(self, value):
        for piece in stream(int(value), seed=3):
            if not self.send(piece):
                return
        self.flush()

    def do_push(self, value):
        self.deaf = True
        for piece in stream(int(value), seed=3):
            self.tls.write(piece)
            self.r["out"] += len(piece)
            self.sha_out.update(piece)
        while self.pump(self.args.stall) and self.queue:
            self.check()
        self.r["stalled"] = len(self.queue) > 0
        self.deaf = False
        self.flush()

    def do_text(self, value):
        self.send(value.encode() + b"\n")
        self.flush()

    def do_bytes(self, value):
        self.queue += bytes.fromhex(value)
        self.flush()

    def do_end(self, _):
        try:
            self.tls.unwrap()
        except (ssl.SSLError, OSError):
            pass  # it sent close_notify and now wants to read the peer's, which `drain` does
        self.flush()

    def do_fin(self, _):
        self.flush()
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def do_rst(self, _):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        self.r["end"] = "we reset"

    def do_read(self, value):
        while self.r["in"] < int(value) and self.r["end"] == "open":
            self.check()
            self.pump(0.5)

    def over(self):
        if self.tls:
            return self.r["end"] != "open"
        return self.r["fin"] or self.r["end"] != "open"

    def do_drain(self, _):
        while not self.over():
            self.check()
            self.pump(0.5)
        self.r["ms"] = round((time.monotonic() - self.start) * 1000)
        for _ in range(6):  # the socket's own end follows close_notify at once, when it does
            if self.r["fin"] or self.r["end"] == "reset":
                break
            self.pump(0.05)

    def do_pause(self, value):
        time.sleep(float(value))

    def do_wait(self, value):
        end = time.monotonic() + float(value)
        while (left := end - time.monotonic()) > 0 and not self.over():
            self.pump(left)

    def result(self):
        self.r.setdefault("ms", round((time.monotonic() - self.start) * 1000))
        if self.connected:
            self.r["segments"] = self.segments() - self.segments_before
        self.r.update(sha_in=self.sha_in.hexdigest(), sha_out=self.sha_out.hexdigest(), text=self.text.decode("latin-1"), raw=self.raw.hex())
        return self.r


def options(argv=None):
    """The command line's, or those of argv: whoever imports this sets what it wants and gets the rest at its default."""
    p = argparse.ArgumentParser()
    p.add_argument("port", type=int)
    p.add_argument("--ca")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--source", help="the address to come from")
    p.add_argument("--unix", help="a Unix socket instead, @NAME for an abstract one; PORT is not looked at")
    p.add_argument("--prefix", default="", help="bytes (hex) before the ClientHello, in one send with it")
    p.add_argument("--cert", help="PEM file of a client certificate and its key")
    p.add_argument("--sni", default="localhost")
    p.add_argument("--curve", help="the one group offered")
    p.add_argument("--alpn", help="protocols, with commas")
    p.add_argument("--tls12", action="store_true", help="offer TLS 1.2 at most")
    p.add_argument("--chunk", type=int, default=0, help="plaintext bytes a record")
    p.add_argument("--segments", type=int, default=0, help="bytes a send on the socket")
    p.add_argument("--hello-records", type=int, default=0, help="bytes a record of the first ClientHello")
    p.add_argument("--stall", type=float, default=1)
    p.add_argument("--timeout", type=float, default=50)
    p.add_argument("steps", nargs="*")
    return p.parse_intermixed_args(argv)


def main():
    args = options()
    c = Client(args)
    try:
        c.run(args.steps)
    except TimeoutError as e:
        c.r["end"] = "timeout"
        c.r["error"] = str(e)
    print(json.dumps(c.result()))


if __name__ == "__main__":
    main()
