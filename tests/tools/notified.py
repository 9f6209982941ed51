#!/usr/bin/env python3
"""notified.py SOCKET FILE: a service manager's ear.  Writes each datagram as a line (newlines as blanks), with the time in front.
SOCKET is a path or @NAME.  With --pids behind them each line tells who said it: pid=N."""
import socket
import struct
import sys
import time

name, out, pids = sys.argv[1], sys.argv[2], "--pids" in sys.argv
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0" + name[1:] if name[0] == "@" else name)
if pids:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
with open(out, "w", buffering=1) as f:
    f.write("%.3f listening\n" % time.monotonic())
    while True:
        data, ancillary, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(12))
        who = "pid=%d " % struct.unpack("3i", ancillary[0][2])[0] if pids else ""
        f.write("%.3f %s%s\n" % (time.monotonic(), who, data.decode().replace("\n", " ")))
