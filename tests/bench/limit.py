"""A program at its limit: a tenth of a CPU, by the kernel's CPU bandwidth control, as a container's limit is.

So the program is what is short, and not the client: it finds work whenever it runs, a fast one too.  A tenth, since at a fifth the fastest
takes no longer for a handshake than the client on a whole CPU, and waits for it after all.  The limit's periods count as reached when the
kernel had to hold the program back in them.
"""
import contextlib
import os
import time

PERIOD_US, QUOTA_US = 10000, 1000


def read(path):
    with open(path) as f:
        return f.read()


def write(path, content):
    with open(path, "w") as f:
        f.write(str(content))


def mounts():
    """=> (mount point, file system, options) of each control group hierarchy"""
    for entry in read("/proc/mounts").splitlines():
        _, point, kind, options = entry.split()[:4]
        if kind in ("cgroup", "cgroup2"):
            yield point, kind, options.split(",")


def group_of(pid, controller):
    """The path of a process's group; controller "": the one of version 2."""
    for entry in read(f"/proc/{pid}/cgroup").splitlines():
        _, names, path = entry.split(":", 2)
        if controller in names.split(","):
            return path
    return "/"


def hierarchy():
    """=> (mount point, controller) of the one that limits CPU time; OSError: there is none."""
    for point, kind, options in mounts():
        if kind == "cgroup" and "cpu" in options:
            return point, "cpu"
        if kind == "cgroup2" and "cpu" in read(point + "/cgroup.controllers").split():
            if "cpu" not in read(point + "/cgroup.subtree_control").split():
                write(point + "/cgroup.subtree_control", "+cpu")
            return point, ""
    raise OSError("no control group here limits CPU time")


class Limit:
    def __init__(self):
        self.periods = self.reached = 0
        self.point, self.controller = hierarchy()
        self.group = f"{self.point}/tls13d-bench-{os.getpid()}"

    @contextlib.contextmanager
    def on(self, pids):
        """These processes are held to the limit meanwhile, and what they start."""
        back = {p: self.point + group_of(p, self.controller) for p in pids}
        os.mkdir(self.group)
        try:
            if self.controller:
                write(self.group + "/cpu.cfs_period_us", PERIOD_US)
                write(self.group + "/cpu.cfs_quota_us", QUOTA_US)
            else:
                write(self.group + "/cpu.max", f"{QUOTA_US} {PERIOD_US}")
            for p in pids:
                write(self.group + "/cgroup.procs", p)
            before = self.counts()
            yield
            after = self.counts()
            self.periods += after[0] - before[0]
            self.reached += after[1] - before[1]
        finally:
            self.free(back)

    def free(self, back):
        """Each goes back to where it was; to the topmost group what began meanwhile, or came from where this name space does not see."""
        for _ in range(100):  # one that forks or ends just now is there a moment longer
            for p in read(self.group + "/cgroup.procs").split():
                for group in back.get(int(p)), self.point:
                    with contextlib.suppress(OSError):
                        if group:
                            write(group + "/cgroup.procs", p)
                            break
            try:
                os.rmdir(self.group)
                return
            except OSError:
                time.sleep(0.01)
        raise OSError(f"{self.group} cannot be left")

    def counts(self):
        """=> periods in which it ran, and of these the ones in which it was held back"""
        stat = dict(entry.split() for entry in read(self.group + "/cpu.stat").splitlines())
        return int(stat["nr_periods"]), int(stat["nr_throttled"])

    def percent(self):
        return 100 * self.reached / self.periods if self.periods else 0.0


def why_not():
    """=> "" or why programs cannot be held to a limit here."""
    try:
        with Limit().on([]):
            return ""
    except OSError as e:
        return str(e)
