#!/usr/bin/env python3
"""reaper.py FILE COMMAND...: runs it as init would, so that a process whose parent has ended is taken in here.

Writes "started PID" to FILE, then "PID STATUS" of each process that ends (a signal as 128 + its number); ends after the last one."""
import ctypes
import os
import sys

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
with open(sys.argv[1], "a", buffering=1) as f:
    child = os.fork()
    if child == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    f.write("started %d\n" % child)
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            break
        code = os.waitstatus_to_exitcode(status)
        f.write("%d %d\n" % (pid, code if code >= 0 else 128 - code))
