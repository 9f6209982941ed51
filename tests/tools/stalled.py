#!/usr/bin/env python3
"""Clients that ask and then read nothing: stalled.py PORT CA N.  Says "ready" when they stand, ends with its standard input."""
import socket
import ssl
import sys


def main():
    port, ca, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    ctx = ssl.create_default_context(cafile=ca)
    held = []
    for _ in range(n):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        s.connect(("127.0.0.1", port))
        held.append(ctx.wrap_socket(s, server_hostname="localhost"))
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
