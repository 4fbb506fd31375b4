"""The journal's tape in a folder: one file that is only appended to."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from keyturn.ledger.disk import broken, flush_folder, open_file, write_out
from keyturn.ledger.medium import Line, Moved

JOURNAL = "journal.jsonl"
"""The name of the journal's file."""


class FileTape:
    """A file of lines; a line's mark is its offset.

    ``make`` makes the folder. A write that fails is taken back, as far as the disk lets it be.
    """

    def __init__(self, path: Path, make: Callable[[], None]) -> None:
        self._path, self._make = path, make
        self._handle = -1
        self._end = 0

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)

    def read(self, mark: int) -> Iterator[Line]:
        """Yield lines from the offset ``mark`` on; see ``Tape.read``."""
        handle = open_file(self._path, os.O_RDONLY)
        if handle is None:
            return
        with os.fdopen(handle, "rb") as file:
            file.seek(mark)
            for data in file:
                yield Line(mark, data)
                mark += len(data)

    def attach(self, torn: int) -> None:
        """Open the file for appending and cut ``torn`` bytes off its end; see ``Tape.attach``."""
        self._make()
        handle = open_file(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        if handle is None:
            raise broken(self._path, FileNotFoundError(2, ""))
        self._handle = handle
        self._end = os.fstat(handle).st_size - torn
        if b"\n" in os.pread(handle, torn, self._end):
            raise Moved
        try:
            os.ftruncate(handle, self._end)
            os.fsync(handle)
            flush_folder(self._path.parent)
        except OSError as error:
            raise broken(self._path, error) from None

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """Append ``lines`` and flush; see ``Tape.append``. ``first`` is of no matter here."""
        del first
        # The lock around the ledger keeps writers apart; this keeps apart those who lost it.
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            found = os.fstat(self._handle)
            if found.st_size != self._end or not found.st_nlink:
                raise Moved
            self._write(b"".join(lines))
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)
        return self._end - len(lines[-1])

    def _write(self, data: bytes) -> None:
        try:
            write_out(self._handle, data)
        except OSError as error:
            os.ftruncate(self._handle, self._end)
            raise broken(self._path, error) from None
        self._end += len(data)
