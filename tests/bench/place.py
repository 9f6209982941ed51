"""Where a benchmark runs: its network, its certificates, its backend."""
import contextlib
import os
import shutil
import subprocess
import sys

from target import cpu_set, free_port


def certificates(where):
    """A CA, an ECDSA and an RSA certificate with keys."""

    def run(*command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    ca, key = where + "/ca.pem", where + "/ca.key"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", ca, "-days",
        "30", "-subj", "/CN=benchmark CA")
    pems = {}
    for kind, options, name in (("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "localhost"), ("rsa", ["rsa:2048"], "rsa.test")):
        base = f"{where}/{kind}"
        run("openssl", "req", "-newkey", *options, "-nodes", "-keyout", base + ".key", "-out", base + ".csr", "-subj", "/CN=" + name)
        with open(base + ".ext", "w") as f:
            f.write(f"subjectAltName=DNS:{name}\n")
        run("openssl", "x509", "-req", "-in", base + ".csr", "-CA", ca, "-CAkey", key, "-CAcreateserial", "-days", "30", "-out",
            base + ".crt", "-extfile", base + ".ext")
        with open(base + ".pem", "w") as out:
            os.chmod(base + ".pem", 0o600)
            for part in (base + ".crt", base + ".key"):
                with open(part) as f:
                    out.write(f.read())
        pems[kind] = base + ".pem"
    return ca, pems


def in_namespace():
    """Re-executes itself in a network namespace of its own, where it may."""
    if os.environ.get("BENCH_NETNS") or os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
        return
    os.environ["BENCH_NETNS"] = "1"
    script = ("ip link set lo up; echo reno >/proc/sys/net/ipv4/tcp_congestion_control 2>/dev/null;"
              " echo '10000 65000' >/proc/sys/net/ipv4/ip_local_port_range; echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse;"
              " [ -e /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing 2>/dev/null; exec \"$@\"")
    if subprocess.run(["unshare", "-m", "-n", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.execvp("unshare", ["unshare", "-m", "-n", "sh", "-c", script, "sh", sys.executable] + sys.argv)


@contextlib.contextmanager
def backend_at(args):
    """The plaintext service; => its port."""
    port = free_port()
    backend = subprocess.Popen(["taskset", "-c", cpu_set("1"), os.path.join(args.bin, "backend"), str(port)])
    try:
        yield port
    finally:
        backend.terminate()
        backend.wait()
