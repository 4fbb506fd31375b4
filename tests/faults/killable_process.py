"""Runs the command line in child processes that can be killed: one fork for each order on stdin.

An order is a line of JSON: ``argv``; ``at``, the crash point at which the process kills itself (0: none);
``tears``, whether half of the journal line is written then; ``copies``, the number of processes;
``lease`` in seconds; ``output``, a file. Two lines of JSON answer: the process IDs, then the exit codes
and the passed crash points.
"""

import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from keyturn.cli import plan_output  # noqa: F401 - imported once here, and not in every child
from keyturn.cli.commands import apply  # noqa: F401 - imported once here, and not in every child
from keyturn.cli.main import main
from keyturn.client.transport import HttpTransport
from keyturn.operations import exclusive_run
from keyturn.operations.apply import session, writes
from keyturn.state.stores import directory
from keyturn.state.stores.directory import DirectoryStore, FileLog


class CrashPoints:
    """Counts crash points and kills the process at one of them."""

    def __init__(self, order):
        self.at, self.torn_append, self.passed = order["at"], order["tears"], 0
        self.log = os.open(order["output"] + ".crash_points", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.lock = threading.Lock()

    def next(self, name):
        """Pass a crash point; return whether it is the last."""
        with self.lock:
            self.passed += 1
            os.write(self.log, f"{name}\n".encode())
            return self.passed == self.at

    def __call__(self, name):
        """Pass a crash point, or kill the process."""
        if self.next(name):
            os.kill(os.getpid(), signal.SIGKILL)


def wrap(crash_points):
    """Add crash points before and after each side effect."""
    send, put, append = HttpTransport.send, DirectoryStore.put, FileLog.append

    def sending(self, call, admission):
        crash_points(call.method)
        reply = send(self, call, admission)
        crash_points(f"{call.method}, done")
        return reply

    def putting(self, *what):
        crash_points("put")
        etag = put(self, *what)
        crash_points("put, done")
        return etag

    def appending(self, first, lines):
        if crash_points.next("append"):
            if crash_points.torn_append:
                data = b"".join(lines)
                directory.write_durably(self._handle, data[: len(data) - len(lines[-1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        mark = append(self, first, lines)
        crash_points("append, done")
        return mark

    HttpTransport.send, DirectoryStore.put, FileLog.append = sending, putting, appending


def child(order):
    """Run keyturn."""
    handle = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    wrap(CrashPoints(order))
    exclusive_run.LEASE_SECONDS = order["lease"]
    # Lists do not lag here; other tests wait on a virtual clock.
    session.LOOKUP_DELAYS = writes.LOOKUP_DELAYS = (0.0, 0.1)
    sys.argv = ["keyturn", *order["argv"]]
    code = 70
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - it ends here, and says so
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


def fork(order):
    """Fork a child for an order and return its process ID."""
    pid = os.fork()
    if not pid:
        child(order)
    return pid


for line in sys.stdin:
    wanted = json.loads(line)
    children = [fork(wanted | {"output": f"{wanted['output']}.{n}"}) for n in range(wanted["copies"])]
    print(json.dumps({"pids": children}), flush=True)  # noqa: T201 - this is the answer
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    names = Path(f"{wanted['output']}.0.crash_points")
    print(json.dumps({"codes": codes, "crash_points": names.read_text().split("\n")[:-1]}), flush=True)  # noqa: T201
