#!/usr/bin/env python3
"""A flood of clients that never finish a handshake: flood.py PORT COUNT KIND... opens COUNT connections of each kind, prints "up" and holds them
until standard input ends; the daemon may close them before.

  silent    sends nothing
  started   sends all but the last byte of a ClientHello of 16,384 bytes
  garbage   sends 200 bytes that are no TLS
  hello     sends a ClientHello and does not answer the flight
"""
import os
import resource
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def hello(*args):
    return bytes.fromhex(subprocess.check_output([sys.executable, "-S", HERE + "/hello.py", *args], text=True))


SAYS = {"silent": lambda: b"", "started": lambda: hello("--pad", "16384")[:-1], "garbage": lambda: b"\x80" * 200,
        "hello": lambda: hello("6c6f63616c686f7374")}
port, count, kinds = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
texts, kept = [SAYS[kind]() for kind in kinds], []
for i in range(count):
    for text in texts:
        s = socket.create_connection(("127.0.0.1", port), timeout=10)
        try:
            s.sendall(text)
        except OSError:
            pass
        kept.append(s)
print("up", flush=True)
sys.stdin.read()
