"""The emulator in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sample_repository import API_KEY, ORGANIZATION

from planasonix_emulator.testing.control_client import ControlClient

_TOKEN = "benchmark"  # noqa: S105  # token of the control API of a local process


class RunningEmulator(ControlClient):
    """Control client of a running emulator, with the ID of its process."""

    def __init__(self, base_url: str, pid: int) -> None:
        super().__init__(base_url, _TOKEN)
        self.pid = pid


def find_script(name: str) -> str:
    """Return the path of a console script in the folder of the interpreter."""
    return str(Path(sys.executable).parent / name)


@contextmanager
def start_emulator(latency_ms: float = 0) -> Iterator[RunningEmulator]:
    """Run an emulator on a free port that delays each response by ``latency_ms``; stop it at the end."""
    argv = [find_script("planasonix-emulator"), "--key", API_KEY, "--organization", ORGANIZATION]
    process = subprocess.Popen(
        [*argv, "--control", _TOKEN, "--latency-ms", str(latency_ms)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout or ():
            if line.startswith("listening on "):
                with closing(RunningEmulator(line.split()[-1], process.pid)) as emulator:
                    yield emulator
                break
    finally:
        process.terminate()
        process.communicate()
