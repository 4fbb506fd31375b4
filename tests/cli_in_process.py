"""Runs the command line in the process of the test; the canary plugin searches its output."""

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from unittest import mock

import canary
from keyturn.cli.main import main
from subprocess_runner import CommandResult

HOURS = 3600.0
"""Delay of the progress line in seconds: longer than any test."""


class FakeStream(io.TextIOWrapper):
    """A standard stream; ``tty`` says whether it is a terminal."""

    def __init__(self, data: bytes = b"", *, tty: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", write_through=True)
        self._tty = tty

    def isatty(self) -> bool:
        """Whether this is a terminal."""
        return self._tty

    def said(self) -> str:
        """Return what was written."""
        self.flush()
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined]


def run_in_process(
    arguments: Iterable[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str | bytes = "",
    ttys: Iterable[str] = (),
) -> CommandResult:
    """Run ``keyturn`` with arguments in ``cwd``; ``env`` is the whole environment.

    ``ttys`` names the streams that are terminals: stdin, stdout, stderr.
    """
    given = stdin.encode() if isinstance(stdin, str) else stdin
    stdin_, out, err = (
        FakeStream(given if name == "stdin" else b"", tty=name in tuple(ttys))
        for name in ("stdin", "stdout", "stderr")
    )
    code: object = 0
    with (
        mock.patch.dict(os.environ, dict(env), clear=True),
        mock.patch(
            "keyturn.cli.progress.FIRST_DRAW_DELAY", HOURS
        ),  # output must not depend on the speed of the machine
        mock.patch.multiple(sys, stdin=stdin_, stdout=out, stderr=err, argv=["keyturn", *arguments]),
        contextlib.chdir(cwd),
    ):
        try:
            main()
        except SystemExit as leave:
            code = leave.code
    ended = CommandResult(code if isinstance(code, int) else 1, out.said(), err.said())
    for channel, text in (("stdout", ended.stdout), ("stderr", ended.stderr)):
        canary.current().record(f"{channel} of keyturn", text)
    return ended
