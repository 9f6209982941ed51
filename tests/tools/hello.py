#!/usr/bin/env python3
"""Prints a whole ClientHello for TLS 1.3 (x25519, one suite) as hex, its record header included, and takes a ServerHello apart.

hello.py NAME-HEX       the bytes of server_name as they are on the wire ("": an empty name)
hello.py --pad N        a hello of N bytes, with padding
hello.py --server HEX   of what came back: the random and the key share, hex, a line
"""
import sys


def vector(n, data):
    return len(data).to_bytes(n, "big") + data


def extension(kind, data):
    return kind.to_bytes(2, "big") + vector(2, data)


def hello(name, pad=0):
    share = b"\5" + bytes(30) + b"\1"
    extensions = (extension(0, vector(2, b"\0" + vector(2, name))) + extension(43, vector(1, b"\3\4")) + extension(10, vector(2, b"\0\x1d"))
                  + extension(13, vector(2, b"\4\3")) + extension(51, vector(2, b"\0\x1d" + vector(2, share))))
    if pad:
        extensions += extension(21, bytes(pad))
    body = b"\3\3" + bytes(32) + b"\0" + vector(2, b"\x13\1") + b"\1\0" + vector(2, extensions)
    return b"\x16\3\1" + vector(2, b"\1" + vector(3, body))


def server(data):
    assert data[0] == 0x16 and data[5] == 2, "no ServerHello"
    random, at = data[11:43], 43
    at += 1 + data[at] + 3
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    at += 2
    while at < end:
        kind, n = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == 51:
            print(random.hex(), data[at + 8 : at + 4 + n].hex())
        at += 4 + n


if sys.argv[1] == "--server":
    server(bytes.fromhex(sys.argv[2]))
elif sys.argv[1] == "--pad":
    print(hello(b"localhost", int(sys.argv[2]) - len(hello(b"localhost")) + 1).hex())
else:
    print(hello(bytes.fromhex(sys.argv[1])).hex())
