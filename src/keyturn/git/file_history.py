"""The committed versions of one file, through renames, read as blobs."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from keyturn.files.discovery import SourceFile
from keyturn.files.text import MAX_FILE_BYTES, hash_content
from keyturn.git.process import build_git_command, build_git_environment, find_work_tree

MAX_VERSIONS: Final = 200
"""The number of commits of a file that are read."""

_LOG_ARGUMENTS: Final = (
    "log", "--follow", "--format=", "--raw", "-z", "--no-abbrev", "--no-color", "--no-ext-diff",
    "--no-show-signature", f"--max-count={MAX_VERSIONS}", "HEAD", "--",
)  # fmt: skip
_TWO_PATH_STATUSES: Final = ("R", "C")
_NO_BLOB: Final = "0" * 40
_GIT_TIMEOUT: Final = 60.0


def read_file_versions(root: Path, relative: str, environment: Mapping[str, str]) -> tuple[SourceFile, ...]:
    """Return the committed versions of a file below ``root``, newest first; raises nothing.

    The result is empty outside of a repository, before the first commit and if git cannot be run. A
    shallow clone has only its own commits.
    """
    if find_work_tree(root) is None:
        return ()
    try:
        log = _run_git(root, environment, (*_LOG_ARGUMENTS, f":(literal){relative}"))
        blobs = tuple(dict.fromkeys(_list_blobs(os.fsdecode(log))))
        answers = _run_git(root, environment, ("cat-file", "--batch"), "\n".join([*blobs, ""]).encode())
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(
        SourceFile(root, relative, hash_content(data), data)
        for data in _split_blobs(answers)
        if len(data) <= MAX_FILE_BYTES
    )


def _list_blobs(log: str) -> Iterator[str]:
    fields = iter(log.split("\0"))
    for field in fields:
        if not field.startswith(":"):
            continue
        _, _, old, new, status = field[1:].split(" ")
        for _ in range(2 if status.startswith(_TWO_PATH_STATUSES) else 1):
            next(fields, "")
        yield from (blob for blob in (new, old) if blob != _NO_BLOB)


def _split_blobs(answers: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(answers):
        end = answers.index(b"\n", start)
        _, kind, *size = answers[start:end].split()
        start = end + 1
        if size:
            length = int(size[0])
            if kind == b"blob":
                yield answers[start : start + length]
            start += length + 1


def _run_git(
    root: Path, environment: Mapping[str, str], arguments: tuple[str, ...], stdin: bytes = b""
) -> bytes:
    done = subprocess.run(  # noqa: S603
        [*build_git_command(root), *arguments],
        cwd=root,
        env=build_git_environment(environment),
        input=stdin,
        capture_output=True,
        timeout=_GIT_TIMEOUT,
        check=True,
    )
    return done.stdout
