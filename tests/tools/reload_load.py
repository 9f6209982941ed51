#!/usr/bin/env python3
"""reload_load.py PORT CA STOP: four threads of TLS clients, a new connection for each echo of 20,000 bytes, until the file STOP is there, or two
minutes have passed.
Prints a line once the first was served, and in the end {"served": N, "failed": N, "why": [...]}."""
import json
import os
import socket
import ssl
import sys
import threading
import time

port, ca, stop = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=ca)
data = os.urandom(20000)
served, why = [0], []
end = time.monotonic() + 120
lock = threading.Lock()


def once():
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as s:
            s.sendall(data)
            got = b""
            while len(got) < len(data):
                part = s.recv(65536)
                if not part:
                    raise OSError("ended after %d bytes" % len(got))
                got += part
            if got != data:
                raise OSError("other bytes came back")


def run():
    while not os.path.exists(stop) and time.monotonic() < end:
        try:
            once()
            with lock:
                served[0] += 1
                if served[0] == 1:
                    print("{}", flush=True)
        except OSError as e:
            with lock:
                why.append(repr(e))


threads = [threading.Thread(target=run) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(json.dumps({"served": served[0], "failed": len(why), "why": why[:5]}), flush=True)
