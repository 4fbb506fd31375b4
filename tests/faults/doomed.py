"""Keyturn's command line in processes that really die: one fork for each order that comes on stdin.

An order is a line of JSON: ``argv``, ``at`` (the door at which the process kills itself, 0: none), ``tears``
(whether half of the journal's line is written then), ``copies`` (how many processes at once), ``lease`` in
seconds, ``output`` (a file). The answer is a line of JSON: how each process ended, as ``waitstatus``, and the
doors that were passed.
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


class Doors:
    """Counts, and kills the process at one of them."""

    def __init__(self, order):
        self.at, self.tears, self.passed = order["at"], order["tears"], 0
        self.log = os.open(order["output"] + ".doors", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.lock = threading.Lock()

    def next(self, name):
        """Pass a door; tell whether it is the last."""
        with self.lock:
            self.passed += 1
            os.write(self.log, f"{name}\n".encode())
            return self.passed == self.at

    def __call__(self, name):
        """Pass a door, or die."""
        if self.next(name):
            os.kill(os.getpid(), signal.SIGKILL)


def wrap(doors):
    """Put doors before and after what a run does to the world."""
    send, put, append = HttpTransport.send, DirectoryStore.put, FileLog.append

    def sending(self, call, admission):
        doors(call.method)
        reply = send(self, call, admission)
        doors(f"{call.method}, done")
        return reply

    def putting(self, *what):
        doors("put")
        etag = put(self, *what)
        doors("put, done")
        return etag

    def appending(self, first, lines):
        if doors.next("append"):
            if doors.tears:
                data = b"".join(lines)
                directory.write_durably(self._handle, data[: len(data) - len(lines[-1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        mark = append(self, first, lines)
        doors("append, done")
        return mark

    HttpTransport.send, DirectoryStore.put, FileLog.append = sending, putting, appending


def child(order):
    """Be keyturn."""
    handle = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    wrap(Doors(order))
    exclusive_run.LEASE_SECONDS = order["lease"]
    # Lists do not lag here, and the waiting for those that do is walked through on a virtual clock.
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
    """Return the id of a child that carries out an order."""
    pid = os.fork()
    if not pid:
        child(order)
    return pid


for line in sys.stdin:
    wanted = json.loads(line)
    children = [fork(wanted | {"output": f"{wanted['output']}.{n}"}) for n in range(wanted["copies"])]
    print(json.dumps({"pids": children}), flush=True)  # noqa: T201 - this is the answer
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    names = Path(f"{wanted['output']}.0.doors")
    print(json.dumps({"codes": codes, "doors": names.read_text().split("\n")[:-1]}), flush=True)  # noqa: T201
