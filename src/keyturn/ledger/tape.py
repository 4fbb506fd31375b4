"""The journal's tape in a folder: one file that is only appended to."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from keyturn.ledger.disk import io_error, sync_directory, open_regular_file, write_durably
from keyturn.ledger.medium import LogLine, PreconditionFailed

JOURNAL_FILE = "journal.jsonl"
"""The name of the journal's file."""


class FileLog:
    """A file of lines; a line's mark is its offset.

    ``make`` makes the folder. A write that fails is taken back, as far as the disk lets it be.
    """

    def __init__(self, path: Path, make: Callable[[], None]) -> None:
        self._path, self._make_directory = path, make
        self._handle = -1
        self._end_offset = 0

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)

    def read(self, mark: int) -> Iterator[LogLine]:
        """Yield lines from the offset ``mark`` on; see ``Tape.read``."""
        handle = open_regular_file(self._path, os.O_RDONLY)
        if handle is None:
            return
        with os.fdopen(handle, "rb") as file:
            file.seek(mark)
            for data in file:
                yield LogLine(mark, data)
                mark += len(data)

    def prepare_append(self, torn: int) -> None:
        """Open the file for appending and cut ``torn`` bytes off its end; see ``Tape.attach``."""
        self._make_directory()
        handle = open_regular_file(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        if handle is None:
            raise io_error(self._path, FileNotFoundError(2, ""))
        self._handle = handle
        self._end_offset = os.fstat(handle).st_size - torn
        if b"\n" in os.pread(handle, torn, self._end_offset):
            raise PreconditionFailed
        try:
            os.ftruncate(handle, self._end_offset)
            os.fsync(handle)
            sync_directory(self._path.parent)
        except OSError as error:
            raise io_error(self._path, error) from None

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        """Append ``lines`` and flush; see ``Tape.append``. ``first`` is of no matter here."""
        del first
        # The lock around the ledger keeps writers apart; this keeps apart those who lost it.
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            found = os.fstat(self._handle)
            if found.st_size != self._end_offset or not found.st_nlink:
                raise PreconditionFailed
            self._write_data(b"".join(lines))
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)
        return self._end_offset - len(lines[-1])

    def _write_data(self, data: bytes) -> None:
        try:
            write_durably(self._handle, data)
        except OSError as error:
            os.ftruncate(self._handle, self._end_offset)
            raise io_error(self._path, error) from None
        self._end_offset += len(data)
