#!/usr/bin/env python3
"""An echo server's input cut into every size of chunk: cuts.py PORT CA segments|records.

segments: each send() of the client holds so many bytes, 1 to 40 and sizes around every limit up to a record's.
records: each record of the client holds so many, 1 to 20, the ClientHello's too.
The server gives back capitals.  Prints how many sizes went well; exit status 1 at the first that did not.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import Client, options  # noqa: E402

SEGMENTS = list(range(1, 41)) + [50, 63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, 300, 511, 512, 513, 1000, 1024, 1400, 1460, 2000,
                                 4096, 5000, 8192, 16383, 16384, 16385]
RECORDS = list(range(1, 21))


def main():
    port, ca, what = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    sizes = SEGMENTS if what == "segments" else RECORDS
    for size in sizes:
        args = options([str(port), "--ca", ca, "--timeout", "20"])
        if what == "segments":
            args.segments = size
        else:
            args.chunk = args.hello_records = size
        c = Client(args)
        c.run(["text:the-quick-brown-fox", "send:700", "text:end", "end", "drain"])
        c.sock.close()
        r = c.result()
        if (r["handshake"], r["in"], r["end"], r["text"][:20]) != ("ok", 724, "close_notify", "THE-QUICK-BROWN-FOX\n"):
            print(f"{what} of {size}: {r}")
            sys.exit(1)
    print(len(sizes))


if __name__ == "__main__":
    main()
