"""Commit dates of ciphertexts, from one ``git log`` over all manifests.

The log is read from the newest commit until all ciphertexts have a date. SOPS never writes the same
ciphertext twice, so its text identifies it even if the file is renamed or reformatted. A commit
introduces a ciphertext if it adds it more often than it removes it.
"""

import hashlib
import os
import re
import select
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct, field

from keyturn.git.process import build_git_command, build_git_environment, find_work_tree
from keyturn.model.resource import EMPTY

MAX_SILENT_SECONDS: Final = 10.0
"""Seconds without output of git after which the history counts as too long."""

MAX_LOG_BYTES: Final = 1 << 28
"""Bytes of log after which the history counts as too long: several 100,000 manifests."""

_LOG_ARGUMENTS: Final = (
    "log", "--format=tformat:%x00%ct %P", "-p", "-c", "-U0", "--inter-hunk-context=0", "--text",
    "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", "--no-follow", "--no-notes",
    "--no-decorate", "--no-show-signature", "--no-relative", "--submodule=short", "--ignore-submodules",
    "-O/dev/null", "HEAD", "--",
)  # fmt: skip
_ALL_MANIFESTS: Final = (":(glob)**/*.yaml", ":(glob)**/*.yml")
_CIPHERTEXT_PATTERN: Final = re.compile(rb"ENC\[AES256_GCM,[^\]\s]*\]")
_CIPHERTEXT_PREFIX: Final = b"ENC[AES256_GCM,"
_CHUNK_BYTES: Final = 1 << 16
_MAX_LINE_BYTES: Final = 1 << 21
_GIT_TIMEOUT: Final = 60.0
_LAST_TIMESTAMP: Final = datetime.max.replace(tzinfo=UTC).timestamp()


class SecretHistory(Struct, frozen=True):
    """The commit dates (UTC) of ciphertexts by the SHA-256 of their text as hex.

    A ciphertext without a date is unknown: there is no repository, the history is ``shallow``, or
    it could not be read. In the last case, ``error`` is the reason.
    """

    dates: Mapping[str, date] = field(default_factory=lambda: EMPTY)
    shallow: bool = False
    error: str = ""


class HistoryQuery(Struct, frozen=True, kw_only=True):
    """The ciphertext digests of each file below ``root``; uncommitted ciphertexts get the date ``today``.

    ``folders`` are the folders of the manifests. The log covers their top-level folders, where moved
    files are found too: git needs a fifth of the time that matching each name takes.

    Few ciphertexts are older than ``expected_since``. At the first older commit, ciphertexts that HEAD
    does not contain are dated ``today``, so the log is not read to its end for them.
    """

    root: Path
    folders: tuple[str, ...]
    ciphertext_digests: Mapping[str, frozenset[str]]
    today: date
    expected_since: date


def find_secret_dates(
    query: HistoryQuery, environment: Mapping[str, str], max_bytes: int = MAX_LOG_BYTES
) -> SecretHistory:
    """Find the commit that introduced each ciphertext into the history of HEAD; raises nothing.

    At most ``max_bytes`` bytes of the log are read.
    """
    scan = _LogScan(query, build_git_environment(environment))
    try:
        return scan.scan_log(max_bytes)
    except (OSError, subprocess.TimeoutExpired):
        return SecretHistory(error="git could not be run")


class _LogScan:
    def __init__(self, query: HistoryQuery, environment: Mapping[str, str]) -> None:
        self._query = query
        self._environment = environment
        self._command = build_git_command(query.root)
        self._undated = set().union(*query.ciphertext_digests.values())
        self._dates: dict[str, date] = {}
        self._root_digests: set[str] = set()
        self._net_additions: Counter[str] = Counter()
        self._commit_date = query.today
        self._parent_count = 1
        self._skipped_uncommitted = False

    def scan_log(self, max_bytes: int) -> SecretHistory:
        if not self._undated or find_work_tree(self._query.root) is None:
            return SecretHistory()
        with self._open_log() as log:
            lines = _LogLines(log, max_bytes)
            for line in lines:
                self._read_line(line)
                if not self._undated:
                    return self._build_history()
            self._finish_commit()
            if not lines.is_complete:
                return self._build_history("the git history is too long")
            if log.wait(_GIT_TIMEOUT):
                return self._explain_failure()
        self._date_uncommitted(self._undated)
        return self._build_history()

    @contextmanager
    def _open_log(self) -> "Iterator[subprocess.Popen[bytes]]":
        log = subprocess.Popen(  # noqa: S603
            [*self._command, *_LOG_ARGUMENTS, *_build_pathspecs(self._query.folders)],
            cwd=self._query.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with log:
            try:
                yield log
            finally:
                log.kill()

    def _read_line(self, line: bytes) -> None:
        if line.startswith(b"\0"):
            self._finish_commit()
            seconds, *parents = line[1:].split()
            self._commit_date = datetime.fromtimestamp(min(int(seconds), _LAST_TIMESTAMP), UTC).date()
            self._parent_count = len(parents)
            if (
                self._undated
                and not self._skipped_uncommitted
                and self._commit_date < self._query.expected_since
            ):
                self._skip_uncommitted()
        elif _CIPHERTEXT_PREFIX in line:
            # A merge has one column per parent; a line that the merge itself adds has "+" in all of them.
            sides = set(line[: max(self._parent_count, 1)])
            if sides in ({0x2B}, {0x2D}):
                step = 1 if sides == {0x2B} else -1
                for digest in _digest_ciphertexts(line):
                    self._net_additions[digest] += step

    def _finish_commit(self) -> None:
        for digest, count in self._net_additions.items():
            if count > 0 and digest in self._undated:
                self._undated.remove(digest)
                self._dates[digest] = self._commit_date
                if not self._parent_count:
                    self._root_digests.add(digest)
        self._net_additions.clear()

    def _skip_uncommitted(self) -> None:
        self._skipped_uncommitted = True
        files = (file for file, ciphers in self._query.ciphertext_digests.items() if ciphers & self._undated)
        names = "".join(f"HEAD:./{file}\n" for file in files if "\n" not in file)
        newest = self._run_git("cat-file", "--batch", stdin=os.fsencode(names)).stdout
        self._date_uncommitted(self._undated.difference(_digest_ciphertexts(newest)))

    def _date_uncommitted(self, digests: Iterable[str]) -> None:
        for digest in tuple(digests):
            self._undated.discard(digest)
            self._dates[digest] = self._query.today

    def _build_history(self, error: str = "") -> SecretHistory:
        # In a shallow clone, the ciphertexts of a commit without parents may be older than the commit.
        done = self._run_git("rev-parse", "--is-shallow-repository") if self._root_digests else None
        if done is None or done.stdout.strip() != b"true":
            return SecretHistory(self._dates, error=error)
        known = {digest: day for digest, day in self._dates.items() if digest not in self._root_digests}
        return SecretHistory(known, shallow=True, error=error)

    def _explain_failure(self) -> SecretHistory:
        if self._run_git("rev-parse", "--git-dir").returncode:
            return SecretHistory(error="git cannot read this repository")
        if self._run_git("rev-parse", "--verify", "--quiet", "HEAD").returncode:
            self._date_uncommitted(self._undated)
            return SecretHistory(self._dates)
        return self._build_history("git could not read all of the history")

    def _run_git(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(  # noqa: S603
            [*self._command, *arguments],
            cwd=self._query.root,
            env=self._environment,
            input=stdin,
            capture_output=True,
            timeout=_GIT_TIMEOUT,
            check=False,
        )


def _build_pathspecs(folders: tuple[str, ...]) -> tuple[str, ...]:
    tops = sorted({PurePosixPath(folder).parts[:1] for folder in folders})
    return tuple(f":(literal){top}" for (top,) in tops) if all(tops) else _ALL_MANIFESTS


def _digest_ciphertexts(text: bytes) -> Iterator[str]:
    return (hashlib.sha256(cipher).hexdigest() for cipher in _CIPHERTEXT_PATTERN.findall(text))


class _LogLines:
    def __init__(self, log: "subprocess.Popen[bytes]", max_bytes: int) -> None:
        self._handle = log.stdout.fileno() if log.stdout else -1
        self._remaining_bytes = max_bytes
        self.is_complete = False

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        while self._remaining_bytes > 0 and select.select([self._handle], [], [], MAX_SILENT_SECONDS)[0]:
            piece = os.read(self._handle, _CHUNK_BYTES)
            if not piece:
                self.is_complete = True
                break
            self._remaining_bytes -= len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > _MAX_LINE_BYTES:
                # No manifest has a line of this length. Its first column is kept, so its rest is no new line.
                rest = rest[:1]
        if self.is_complete and rest:
            yield rest
