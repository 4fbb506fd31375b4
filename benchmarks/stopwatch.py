"""Runs a command and writes its wall seconds, processor seconds, peak KiB and exit code to a file.

A small process of its own: Linux counts the memory of the parent at a fork in the peak of the child, so a
large parent would hide the peak of a small child.
"""

import os
import sys
import time

_, result, *argv = sys.argv
start = time.perf_counter()
child = os.posix_spawn(argv[0], argv, os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
cpu = usage.ru_utime + usage.ru_stime
with open(result, "w") as file:  # noqa: PTH123  # pathlib would add to the memory of the parent
    file.write(f"{wall} {cpu} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)}")
