#!/usr/bin/env python3
"""many_clients.py ADDRESS CA N M: N TLS connections one after the other, M at a time, each with a full handshake and an orderly end.
ADDRESS is a port of 127.0.0.1, unix:PATH or unix:@NAME."""
import socket
import ssl
import sys
import threading

address, ca, n, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
context = ssl.create_default_context(cafile=ca)


def connect():
    if not address.startswith("unix:"):
        s = socket.create_connection(("127.0.0.1", int(address)), timeout=20)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    path = address[5:]
    s.connect("\0" + path[1:] if path[0] == "@" else path)
    return s


def run(count):
    for _ in range(count):
        with connect() as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as s:
                s.sendall(b"x")
                s.recv(1)


each = [threading.Thread(target=run, args=(n // threads,)) for _ in range(threads)]
for t in each:
    t.start()
for t in each:
    t.join()
