"""The emulator as a process of its own, for as long as a benchmark needs it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fleet import KEY, ORGANIZATION

from planasonix_emulator.testing.control_client import ControlClient

_TOKEN = "benchmark"  # noqa: S105  # the control API of a process that ends with this one


class Service(ControlClient):
    """A running emulator and the number of its process."""

    def __init__(self, base_url: str, pid: int) -> None:
        super().__init__(base_url, _TOKEN)
        self.pid = pid


def program(name: str) -> str:
    """Return the path of a console script beside the interpreter."""
    return str(Path(sys.executable).parent / name)


@contextmanager
def emulator(latency: float = 0) -> Iterator[Service]:
    """Start an emulator on a free port, each answer ``latency`` milliseconds late, and end it afterwards."""
    argv = [program("planasonix-emulator"), "--key", KEY, "--organization", ORGANIZATION, "--control", _TOKEN]
    process = subprocess.Popen(
        [*argv, "--latency-ms", str(latency)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout or ():
            if line.startswith("listening on "):
                with closing(Service(line.split()[-1], process.pid)) as service:
                    yield service
                break
    finally:
        process.terminate()
        process.communicate()
