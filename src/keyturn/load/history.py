"""When each ciphertext came into git: the log of the manifests, read from its newest commit back.

One `git log` answers for all files, and is left as soon as the last question is answered. A ciphertext
is known by its text, which SOPS never writes twice: so a file that was renamed or laid out anew keeps
its day. A commit brings a ciphertext in where it adds it more often than it takes it away.
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

from keyturn.core.resource import EMPTY
from keyturn.load.git_environment import COMMAND, git_environment

SILENCE: Final = 10.0
"""Seconds without a word of git after which a history is too long."""

MOST: Final = 1 << 28
"""Bytes after which it is, too: the log of some hundred thousand manifests."""

_LOG: Final = (
    "log", "--format=tformat:%x00%ct %P", "-p", "-c", "-U0", "--inter-hunk-context=0", "--text",
    "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", "--no-follow", "--no-notes",
    "--no-decorate", "--no-show-signature", "--no-relative", "--submodule=short", "--ignore-submodules",
    "-O/dev/null", "HEAD", "--",
)  # fmt: skip
_EVERYWHERE: Final = (":(glob)**/*.yaml", ":(glob)**/*.yml")
_CIPHER: Final = re.compile(rb"ENC\[AES256_GCM,[^\]\s]*\]")
_MARK: Final = b"ENC[AES256_GCM,"
_PIECE: Final = 1 << 16
_LONGEST: Final = 1 << 21
_TIMEOUT: Final = 60.0
_LAST: Final = datetime.max.replace(tzinfo=UTC).timestamp()


class History(Struct, frozen=True):
    """The days on which ciphertexts came into git, in UTC, by the SHA-256 of their text as hex.

    ``days`` has none for what is not known: because there is no repository, because the history is
    ``shallow``, or because it could not be read, of which ``lost`` is the cause in words.
    """

    days: Mapping[str, date] = field(default_factory=lambda: EMPTY)
    shallow: bool = False
    lost: str = ""


class Question(Struct, frozen=True, kw_only=True):
    """The ciphertexts of each file below ``root``, by their digests; what is not committed is of ``today``.

    ``folders`` are those of the manifests. What was moved is found anew where it lay below the same
    folder of the root: to look into a few whole folders takes git a fifth of the time that it takes
    to match every name.

    ``horizon`` is a day before which few of them should be: what is older is looked up in the newest
    commit first, so that what nobody has committed is not searched for down to the oldest one.
    """

    root: Path
    folders: tuple[str, ...]
    ciphers: Mapping[str, frozenset[str]]
    today: date
    horizon: date


def history(question: Question, environment: Mapping[str, str], most: int = MOST) -> History:
    """Return when each ciphertext came into the history of HEAD; nothing is raised.

    The environment lends PATH, HOME and git's own; ``most`` bytes are read of the log.
    """
    walk = _Walk(question, git_environment(environment))
    try:
        return walk.through(most)
    except (OSError, subprocess.TimeoutExpired):
        return History(lost="git could not be run")


class _Walk:
    def __init__(self, question: Question, environment: Mapping[str, str]) -> None:
        self._question = question
        self._environment = environment
        self._left = set().union(*question.ciphers.values())
        self._days: dict[str, date] = {}
        self._first: set[str] = set()
        self._net: Counter[str] = Counter()
        self._day = question.today
        self._parents = 1
        self._pruned = False

    def through(self, most: int) -> History:
        root = self._question.root.absolute()
        if not self._left or not any((folder / ".git").exists() for folder in (root, *root.parents)):
            return History()
        with self._log() as log:
            told = _Told(log, most)
            for line in told:
                self._take(line)
                if not self._left:
                    return self._found()
            self._settle()
            if not told.ended:
                return self._found("git's history is too long to be read")
            if log.wait(_TIMEOUT):
                return self._unread()
        self._uncommitted(self._left)
        return self._found()

    @contextmanager
    def _log(self) -> "Iterator[subprocess.Popen[bytes]]":
        log = subprocess.Popen(  # noqa: S603
            [*COMMAND, *_LOG, *_paths(self._question.folders)],
            cwd=self._question.root,
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

    def _take(self, line: bytes) -> None:
        if line.startswith(b"\0"):
            self._settle()
            seconds, *parents = line[1:].split()
            self._day = datetime.fromtimestamp(min(int(seconds), _LAST), UTC).date()
            self._parents = len(parents)
            if self._left and not self._pruned and self._day < self._question.horizon:
                self._prune()
        elif _MARK in line:
            # A merge has a column for each parent: what it brings in stands in none of them.
            sides = set(line[: max(self._parents, 1)])
            if sides in ({0x2B}, {0x2D}):
                step = 1 if sides == {0x2B} else -1
                for digest in _digests(line):
                    self._net[digest] += step

    def _settle(self) -> None:
        for digest, count in self._net.items():
            if count > 0 and digest in self._left:
                self._left.remove(digest)
                self._days[digest] = self._day
                if not self._parents:
                    self._first.add(digest)
        self._net.clear()

    def _prune(self) -> None:
        self._pruned = True
        files = (file for file, ciphers in self._question.ciphers.items() if ciphers & self._left)
        wanted = "".join(f"HEAD:./{file}\n" for file in files if "\n" not in file)
        newest = self._run("cat-file", "--batch", stdin=os.fsencode(wanted)).stdout
        self._uncommitted(self._left.difference(_digests(newest)))

    def _uncommitted(self, digests: Iterable[str]) -> None:
        for digest in tuple(digests):
            self._left.discard(digest)
            self._days[digest] = self._question.today

    def _found(self, lost: str = "") -> History:
        # What a commit without parents holds may be older, where parents were cut away.
        asked = self._run("rev-parse", "--is-shallow-repository") if self._first else None
        if asked is None or asked.stdout.strip() != b"true":
            return History(self._days, lost=lost)
        known = {digest: day for digest, day in self._days.items() if digest not in self._first}
        return History(known, shallow=True, lost=lost)

    def _unread(self) -> History:
        if self._run("rev-parse", "--git-dir").returncode:
            return History(lost="git does not read the repository here")
        if self._run("rev-parse", "--verify", "--quiet", "HEAD").returncode:
            self._uncommitted(self._left)
            return History(self._days)
        return self._found("git could not read all of the history")

    def _run(self, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(  # noqa: S603
            [*COMMAND, *arguments],
            cwd=self._question.root,
            env=self._environment,
            input=stdin,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )


def _paths(folders: tuple[str, ...]) -> tuple[str, ...]:
    tops = sorted({PurePosixPath(folder).parts[:1] for folder in folders})
    return tuple(f":(literal){top}" for (top,) in tops) if all(tops) else _EVERYWHERE


def _digests(text: bytes) -> Iterator[str]:
    return (hashlib.sha256(cipher).hexdigest() for cipher in _CIPHER.findall(text))


class _Told:
    def __init__(self, log: "subprocess.Popen[bytes]", most: int) -> None:
        self._handle = log.stdout.fileno() if log.stdout else -1
        self._most = most
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        while self._most > 0 and select.select([self._handle], [], [], SILENCE)[0]:
            piece = os.read(self._handle, _PIECE)
            if not piece:
                self.ended = True
                break
            self._most -= len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > _LONGEST:
                # No manifest has such a line; its first column keeps what follows from being anything else.
                rest = rest[:1]
        if self.ended and rest:
            yield rest
