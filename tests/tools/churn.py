#!/usr/bin/env python3
"""Many connections that end in every way there is, one after the other: churn.py PORT CA N.

Prints how many were made.  What a client sees is not judged here: the daemon's memory and descriptors are, afterwards.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import Client, options  # noqa: E402

ENDINGS = [
    ["text:hello", "read:6", "end", "drain"],  # as it should be
    ["text:hello", "read:6", "end", "fin", "drain"],
    ["send:100000", "fin", "drain"],  # truncated
    ["text:hello", "rst"],
    ["send:300000", "rst"],  # with bytes under way
    ["text:hello", "bytes:1703030020" + "00" * 32, "drain"],  # a record that does not decrypt
    ["end", "fin", "drain"],  # nothing said
    ["raw", "rst"],  # a probe
    ["raw", "fin", "drain"],
    ["raw", "bytes:474554202f20485454502f312e310d0a0d0a", "drain"],  # plain HTTP
    ["raw", "bytes:1603010200010001fc0303", "fin", "drain"],  # a ClientHello cut short
    ["raw", "bytes:1603010200010001fc0303", "rst"],
    ["raw", "bytes:160301000401000000", "drain"],  # an empty one
    ["raw", "bytes:ffffffffffffffffffff", "drain"],
]


def main():
    port, ca, n = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    done = 0
    for i in range(n):
        steps = ENDINGS[i % len(ENDINGS)]
        variant = i // len(ENDINGS) % 4
        args = ["--ca", ca, "--timeout", "30", str(port)]
        args += ["--curve", "secp384r1"] if variant == 1 else ["--hello-records", "7"] if variant == 2 else []
        args += ["--tls12"] if variant == 3 and i % 5 == 0 else []
        c = Client(options(args))
        c.run(steps)
        if c.r["end"] != "we reset":
            c.sock.close()
        done += 1
    print(done)


if __name__ == "__main__":
    main()
