#!/usr/bin/env python3
"""Takes a PROXY header of version 1 or 2 apart, as haproxy's doc/proxy-protocol.txt has it, apart from the daemon's own code.

proxy_header.py HEX    the header and what follows it => JSON: version, command, family, src, dst (ADDRESS:PORT, or a path), length (of the
                       header), tlvs (type as hex => value as hex; those inside 0x20 beside them), ssl (client, verify), rest (hex)

Fails on anything that the text does not allow, a wrong checksum or a TLV that is there twice too.
"""
import ipaddress
import json
import sys

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
FAMILIES = {0x00: "UNSPEC", 0x11: "TCP4", 0x21: "TCP6", 0x31: "UNIX"}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def version1(data):
    line, crlf, rest = data.partition(b"\r\n")
    assert crlf and len(line) <= 105, "no line"
    words = line.decode("ascii").split(" ")
    head = {"version": 1, "command": "PROXY", "family": words[1], "length": len(line) + 2, "tlvs": {}, "rest": rest.hex()}
    if words[1] != "UNKNOWN":
        assert len(words) == 6
        a, b = ipaddress.ip_address(words[2]), ipaddress.ip_address(words[3])
        assert a.version == b.version == int(words[1][3])
        head.update(src=f"{a}:{int(words[4])}", dst=f"{b}:{int(words[5])}")
    return head


def tlvs(data, whole, at, found):
    """The TLVs of data, which stands at `at` of the whole header."""
    i = 0
    while i < len(data):
        assert i + 3 <= len(data), "a TLV is cut short"
        kind, n = data[i], int.from_bytes(data[i + 1 : i + 3], "big")
        value = data[i + 3 : i + 3 + n]
        assert len(value) == n, "a TLV is longer than what holds it"
        assert f"{kind:02x}" not in found, "a TLV twice"
        found[f"{kind:02x}"] = value.hex()
        if kind == 0x03:
            zeroed = whole[: at + i + 3] + b"\0\0\0\0" + whole[at + i + 7 :]
            assert crc32c(zeroed) == int.from_bytes(value, "big"), "the checksum is wrong"
        if kind == 0x20:
            tlvs(value[5:], whole, at + i + 8, found)
        i += 3 + n


def version2(data):
    assert data[12] >> 4 == 2 and data[12] & 15 in (0, 1), "version and command"
    length = 16 + int.from_bytes(data[14:16], "big")
    whole, rest = data[:length], data[length:]
    assert len(whole) == length, "the header is not whole"
    head = {"version": 2, "command": "PROXY" if data[12] & 15 else "LOCAL", "family": FAMILIES[data[13]], "length": length, "tlvs": {},
            "rest": rest.hex()}
    at = 16
    if data[13] in (0x11, 0x21):
        n = 4 if data[13] == 0x11 else 16
        a, b = (ipaddress.ip_address(whole[16 + i * n : 16 + (i + 1) * n]) for i in (0, 1))
        at = 16 + 2 * n + 4
        head.update(src=f"{a}:{int.from_bytes(whole[at - 4:at - 2], 'big')}", dst=f"{b}:{int.from_bytes(whole[at - 2:at], 'big')}")
    elif data[13] == 0x31:
        at = 16 + 216
        head.update(src=whole[16:124].rstrip(b"\0").decode(), dst=whole[124:232].rstrip(b"\0").decode())
    tlvs(whole[at:], whole, at, head["tlvs"])
    if "20" in head["tlvs"]:
        value = bytes.fromhex(head["tlvs"]["20"])
        head["ssl"] = {"client": value[0], "verify": int.from_bytes(value[1:5], "big")}
    return head


data = bytes.fromhex(sys.argv[1])
print(json.dumps(version2(data) if data.startswith(SIGNATURE) else version1(data)))
