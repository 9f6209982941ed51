#!/usr/bin/env python3
"""How long a client's Finished that comes alone waits for its acknowledgement: acknowledged.py PORT CA.

A client with Nagle's algorithm on sends nothing more until then.  Prints the shortest of some connections, in milliseconds: a delayed
acknowledgement takes 40 at least, in every one.
"""
import socket
import ssl
import struct
import sys
import time

TCPI_UNACKED = 24  # struct tcp_info, linux/tcp.h


def unacked(sock):
    return struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), TCPI_UNACKED)[0]


def main():
    ctx = ssl.create_default_context(cafile=sys.argv[2])
    shortest = 1e9
    for _ in range(12):
        with ctx.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost") as s:
            start = time.monotonic()
            while unacked(s) != 0:
                time.sleep(0.001)
            shortest = min(shortest, (time.monotonic() - start) * 1000)
    print(round(shortest))


if __name__ == "__main__":
    main()
