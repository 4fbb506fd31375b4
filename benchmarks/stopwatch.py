"""Runs one command and writes what it took to a file: seconds, processor seconds, peak KiB, exit code.

A process of its own, and a small one: Linux counts the memory of whoever starts a program as the
program's own peak, so that a large parent would hide what a small child needs.
"""

import os
import sys
import time

_, result, *argv = sys.argv
begin = time.perf_counter()
child = os.posix_spawn(argv[0], argv, os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - begin
cpu = usage.ru_utime + usage.ru_stime
with open(result, "w") as file:  # noqa: PTH123  # pathlib would be part of the parent
    file.write(f"{wall} {cpu} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)}")
