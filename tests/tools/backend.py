#!/usr/bin/env python3
"""A plaintext backend that behaves in one given way, on TCP or a Unix socket, a thread a connection.

backend.py tcp|unix:PATH BEHAVIOUR --events FILE --ready FILE

  echo        sends back what it reads; ends when its peer does
  sink        reads to the end, then answers "COUNT SHA256\\n"
  source:N    sends N bytes, ends its direction, reads to the end
  duplex:N    sends N bytes while it reads to the end
  late:N      reads to the end, waits --delay seconds, sends N bytes, ends
  early:N     waits --delay seconds, sends N bytes, ends its direction, waits as long again, reads to the end
  last:N      sends N bytes once it has read something, its end in the last segment of them
  urgent:N    the same --delay seconds after it has read, with an urgent byte, which is not counted, before the second half
  passes:N    the same with a descriptor passed beside the first half instead (Unix sockets), and no end before the peer's
  both:N      ends its direction at once after N bytes, while the peer ends too
  drip        sends 100 bytes each 50 ms, reads nothing
  reset:N     sends N bytes once it has read something, then resets the connection
  torn        sends as much as is taken within half a second once it has read something, then resets the connection
  http        answers each request with a page and closes
  slow        reads 4 KiB every 50 ms, to the end
  silent      accepts, then neither reads nor sends
  deaf        listens with a full queue and never accepts
  flap        accepts and resets at once, every other connection; else echo

When a connection is over, a JSON line about it goes to the events file: n (from 1), in, sha_in, head (the first 6144 bytes, hex), out,
sha_out and end: "eof", "reset" or "error".  The ready file gets the address as tls13d.ini writes it.
"""
import argparse
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time

PAGE = b"<!DOCTYPE html><title>behind</title><p>a page from the backend</p>\n"
HEAD = 6144
lock = threading.Lock()


def stream(n, seed=7):
    """n bytes that never repeat in step with records, in blocks: the block number is mixed into each."""
    block = bytes((i * 131 + (i >> 8) * 17 + seed) & 255 for i in range(65536))
    for at in range(0, n, 65536):
        piece = struct.pack(">Q", at ^ seed) + block[8:]
        yield piece[: min(65536, n - at)]


class Link:
    def __init__(self, sock, n, events):
        self.sock, self.n, self.events = sock, n, events
        self.count_in = self.count_out = 0
        self.sha_in, self.sha_out = hashlib.sha256(), hashlib.sha256()
        self.end = "eof"
        self.head = b""

    def read(self, most=65536):
        data = self.sock.recv(most)
        self.count_in += len(data)
        self.sha_in.update(data)
        self.head += data[: HEAD - len(self.head)]
        return data

    def send(self, data):
        self.sock.sendall(data)
        self.count_out += len(data)
        self.sha_out.update(data)

    def send_stream(self, n):
        for piece in stream(n):
            self.send(piece)

    def drain(self):
        while self.read():
            pass

    def finish(self):
        """Ends our direction; the peer may be gone already."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.end = "we reset"

    def note(self):
        line = json.dumps({"n": self.n, "in": self.count_in, "sha_in": self.sha_in.hexdigest(), "head": self.head.hex(), "out": self.count_out,
                           "sha_out": self.sha_out.hexdigest(), "end": self.end})
        with lock, open(self.events, "a", encoding="ascii") as f:
            f.write(line + "\n")


def echo(link, _n, _args):
    while data := link.read():
        link.send(data)


def sink(link, _n, _args):
    link.drain()
    link.send(b"%d %s\n" % (link.count_in, link.sha_in.hexdigest().encode()))


def source(link, n, _args):
    link.send_stream(n)
    link.finish()
    link.drain()


def duplex(link, n, _args):
    sender = threading.Thread(target=link.send_stream, args=(n,))
    sender.start()
    link.drain()
    sender.join()


def late(link, n, args):
    link.drain()
    time.sleep(args.delay)
    link.send_stream(n)


def passes(link, n, args):
    link.read()
    time.sleep(args.delay)
    data = b"".join(stream(n))
    sent = socket.send_fds(link.sock, [data[: n // 2]], [0])
    link.count_out += sent
    link.sha_out.update(data[:sent])
    link.send(data[sent:])
    link.drain()


def both(link, n, _args):
    link.send_stream(n)
    link.finish()
    link.drain()


def early(link, n, args):
    time.sleep(args.delay)
    link.send_stream(n)
    link.finish()
    time.sleep(args.delay)
    link.drain()


def last(link, n, _args):
    link.read()
    for piece in stream(n):
        while piece:
            k = link.sock.send(piece, socket.MSG_MORE)
            link.count_out += k
            link.sha_out.update(piece[:k])
            piece = piece[k:]
    link.finish()
    link.drain()


def urgent(link, n, args):
    link.read()
    time.sleep(args.delay)
    data = b"".join(stream(n))
    link.send(data[: n // 2])
    link.sock.send(b"!", socket.MSG_OOB)
    link.send(data[n // 2 :])
    link.finish()
    link.drain()


def drip(link, _n, _args):
    while True:
        link.send_stream(100)
        time.sleep(0.05)


def reset(link, n, _args):
    link.read()
    link.send_stream(n)
    time.sleep(0.1)  # so that the bytes before the reset are read first
    link.reset()


def torn(link, _n, _args):
    link.read()
    end = time.monotonic() + 0.5
    while (left := end - time.monotonic()) > 0:
        link.sock.settimeout(left)
        try:
            link.send(bytes(65536))
        except TimeoutError:
            pass
    link.reset()


def http(link, _n, _args):
    head = b""
    while b"\r\n\r\n" not in head:
        data = link.read()
        if not data:
            return
        head += data
    link.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(PAGE) + PAGE)
    link.finish()
    link.drain()


def slow(link, _n, _args):
    while link.read(4096):
        time.sleep(0.05)


def silent(link, _n, _args):
    while True:
        time.sleep(3600)


def flap(link, n, args):
    if link.n % 2:
        link.reset()
        return
    echo(link, n, args)


BEHAVIOURS = {f.__name__: f for f in (echo, sink, source, duplex, late, early, last, urgent, passes, both, drip, reset, torn, http, slow, silent, flap)}


def serve(link, how, n, args):
    try:
        BEHAVIOURS[how](link, n, args)
    except (ConnectionResetError, BrokenPipeError):
        link.end = "reset"
    except OSError as e:
        print(f"connection {link.n}: {e}", file=sys.stderr)
        link.end = "error"
    link.sock.close()
    link.note()


def fill(listener):
    """Connects until the queue takes no more; the sockets are kept."""
    kept = []
    while len(kept) < 64:
        s = socket.socket(listener.family, socket.SOCK_STREAM)
        s.settimeout(0.2)
        try:
            s.connect(listener.getsockname())
        except OSError:
            s.close()
            break
        kept.append(s)
    return kept


def main():
    p = argparse.ArgumentParser()
    p.add_argument("where")
    p.add_argument("how")
    p.add_argument("--events", required=True)
    p.add_argument("--ready", required=True)
    p.add_argument("--at", default="127.0.0.1:0", help="the TCP address; port 0: any")
    p.add_argument("--delay", type=float, default=2.0)
    args = p.parse_args()
    how, _, n = args.how.partition(":")
    deaf = how == "deaf"
    if args.where == "tcp":
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        host, _, port = args.at.rpartition(":")
        listener.bind((host, int(port)))
        address = "%s:%d" % listener.getsockname()
    else:
        path = args.where.partition(":")[2]
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        os.chmod(path, 0o777)
        address = args.where
    listener.listen(0 if deaf else 256)
    kept = fill(listener) if deaf else []
    with open(args.ready + ".new", "w", encoding="ascii") as f:
        f.write(address + "\n")
    os.rename(args.ready + ".new", args.ready)
    count = 0
    while deaf:
        time.sleep(3600)
        del kept[:0]
    while True:
        sock, _ = listener.accept()
        count += 1
        link = Link(sock, count, args.events)
        threading.Thread(target=serve, args=(link, how, int(n or 0), args), daemon=True).start()


if __name__ == "__main__":
    main()
