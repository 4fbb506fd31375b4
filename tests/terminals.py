"""Runs a command on a pseudo-terminal of a given width."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import canary
from subprocess_runner import CommandResult

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOUR = re.compile(r"\x1b\[(?!\?)[0-9;]*m")


def strip_escapes(text: str) -> str:
    """Return text without escape sequences."""
    return _ESCAPE.sub("", text)


def list_colours(text: str) -> set[str]:
    """Return the colours that were switched to, as parameters of SGR; weight and resets are none."""
    found = {part for each in _COLOUR.findall(text) for part in each[2:-1].split(";")}
    return {part for part in found if re.fullmatch(r"3[0-9]|9[0-7]|4[0-9]", part)}


def list_frames(text: str) -> list[str]:
    """Return every line that was written, including overwritten ones."""
    return [line for line in re.split(r"[\r\n]+", strip_escapes(text)) if line.strip()]


def run_on_terminal(
    argv: list[str], *, cwd: Path, env: Mapping[str, str], columns: int, streams: Iterable[str] = ("stderr",)
) -> CommandResult:
    """Run a command with some of stdout and stderr on one terminal; the rest is piped.

    What came to the terminal is in ``stderr`` of the result where stderr is among the streams.
    """
    main, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    seen: list[bytes] = []
    reader = threading.Thread(target=_read, args=(main, seen))
    ends = {name: far if name in tuple(streams) else subprocess.PIPE for name in ("stdout", "stderr")}
    with subprocess.Popen(argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, **ends) as process:
        os.close(far)
        reader.start()
        piped = process.communicate(timeout=120)
    reader.join()
    os.close(main)
    shown = b"".join(seen).decode()
    out, err = (
        shown if name in tuple(streams) else (part or b"").decode()
        for name, part in zip(ends, piped, strict=True)
    )
    for channel, text in (("stdout", out), ("stderr", err)):
        canary.current().record(f"{channel} on a terminal", text)
    return CommandResult(process.returncode, out, err)


def _read(main: int, seen: list[bytes]) -> None:
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other end is closed
            return
        if not part:
            return
        seen.append(part)


def answer_on_terminal(
    argv: list[str], answers: Iterable[str], *, cwd: Path, env: Mapping[str, str]
) -> tuple[int, str]:
    """Run a command on a terminal of its own and answer its prompts; return exit code and output.

    A prompt ends with a colon and a space.
    """
    process, main = pty.fork()
    if not process:
        os.chdir(cwd)
        os.execve(argv[0], argv, dict(env))  # noqa: S606
    pending, shown = list(answers), b""
    while True:
        try:
            part = os.read(main, 1 << 16)
        except OSError:
            break
        shown += part
        if pending and shown.endswith(b": "):
            os.write(main, pending.pop(0).encode() + b"\n")
    os.close(main)
    _, status = os.waitpid(process, 0)
    text = strip_escapes(shown.decode()).replace("\r\n", "\n")
    canary.current().record("a terminal of its own", text)
    return os.waitstatus_to_exitcode(status), text
