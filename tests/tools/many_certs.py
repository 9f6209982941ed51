#!/usr/bin/env python3
"""many_certs.py DIR FROM TO VERSION: certificates for host0000.example.test and so on in DIR/hostNNNN.pem, each with its key.

One certificate is made by openssl and the others are it with another name and serial number: quick, and their signatures are not
looked at by the server that presents them.  VERSION (0 to 99) is in the serial number, so that a replaced one is told from the old."""
import base64
import os
import subprocess
import sys
import tempfile

where, first, last, version = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
SERIAL = bytes.fromhex("5a5a5a5a5a5a")


def pem(kind, der):
    return "-----BEGIN %s-----\n%s-----END %s-----\n" % (kind, base64.encodebytes(der).decode(), kind)


with tempfile.TemporaryDirectory() as t:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", t + "/key",
                    "-out", t + "/cert", "-days", "30", "-subj", "/CN=host9999.example.test", "-set_serial", "0x" + SERIAL.hex(),
                    "-addext", "subjectAltName=DNS:host9999.example.test"], check=True, stderr=subprocess.DEVNULL)
    key = open(t + "/key").read()
    text = open(t + "/cert").read().split("-----")[2]
model = base64.b64decode(text)
assert model.count(b"host9999") == 3 and model.count(SERIAL) == 1
for n in range(first, last):
    der = model.replace(b"host9999", b"host%04d" % n).replace(SERIAL, bytes.fromhex("5a%02d5a%04d5a" % (version, n)))
    tmp = "%s/.host%04d" % (where, n)
    with open(os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(pem("CERTIFICATE", der) + key)
    os.rename(tmp, "%s/host%04d.pem" % (where, n))
