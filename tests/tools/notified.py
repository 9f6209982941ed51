#!/usr/bin/env python3
"""notified.py SOCKET FILE: a service manager's ear.  Writes each datagram as a line (newlines as blanks), with the time in front.
SOCKET is a path or @NAME."""
import socket
import sys
import time

name, out = sys.argv[1], sys.argv[2]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0" + name[1:] if name[0] == "@" else name)
with open(out, "w", buffering=1) as f:
    f.write("%.3f listening\n" % time.monotonic())
    while True:
        text = s.recv(4096).decode().replace("\n", " ")
        f.write("%.3f %s\n" % (time.monotonic(), text))
