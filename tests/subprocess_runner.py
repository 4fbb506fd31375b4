"""Runs the command line in a subprocess and samples its child processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

import canary

_PERIOD = 0.002
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    stdout: str
    stderr: str


class ProcessSampler(threading.Thread):
    """Reads argv and environment of a process and its descendants repeatedly."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.argv: set[bytes] = set()
        self.environ: set[bytes] = set()

    def run(self) -> None:
        """Sample until stopped; a child that lives shorter than the period may be missed."""
        while not self._over.wait(_PERIOD):
            self._look(self._pid, top=True)

    def stop(self) -> None:
        """Stop, and wait for the last sample."""
        self._over.set()
        self.join()

    def _look(self, pid: int, *, top: bool) -> None:
        with suppress(OSError):
            self.argv.add((_PROC / f"{pid}/cmdline").read_bytes())
            if not top:
                self.environ.add((_PROC / f"{pid}/environ").read_bytes())
            for task in (_PROC / f"{pid}/task").iterdir():
                for child in (task / "children").read_text().split():
                    self._look(int(child), top=False)


def find_program(name: str) -> str:
    """Return the path of a console script of the test environment."""
    return str(Path(sys.executable).parent / name)


def _record_samples(name: str, sampler: ProcessSampler) -> None:
    recorder = canary.current()
    for line in sampler.argv:
        recorder.record(f"argv of {name} or a child of it", line)
    for block in sampler.environ:
        pairs = (os.fsdecode(entry).partition("=") for entry in block.split(b"\0") if entry)
        recorder.environment(f"environment of a child of {name}", {key: value for key, _, value in pairs})


def run_command(
    argv: list[str], *, cwd: Path, env: Mapping[str, str], stdin: str = "", timeout: float = 120
) -> CommandResult:
    """Run a command; its output and its children's argv and environment are searched."""
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        sampler = ProcessSampler(process.pid)
        sampler.start()
        try:
            stdout, stderr = process.communicate(stdin, timeout)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            sampler.stop()
            _record_samples(Path(argv[0]).name, sampler)
    for channel, text in (("stdout", stdout), ("stderr", stderr)):
        canary.current().record(f"{channel} of {Path(argv[0]).name}", text)
    return CommandResult(process.returncode, stdout, stderr)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., CommandResult]:
    """Return a function that runs ``keyturn`` with arguments, by default in ``tmp_path``.

    ``env`` is added to the guarded environment; ``stdin`` is text; ``command`` another program.
    """

    def run(
        *args: object,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        command: str = "keyturn",
    ) -> CommandResult:
        words = [str(arg) for arg in args]
        return run_command([find_program(command), *words], cwd=cwd or tmp_path, env=env or {}, stdin=stdin)

    return run
