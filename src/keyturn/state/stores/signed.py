"""Store whose state document and journal are signed: unsigned content is refused, other objects are not.

Whoever can write the store can otherwise have an apply purge, overwrite or adopt an object. To delete
the state, or to restore an older state with its journal, remains possible.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property

from keyturn.model.diagnostic import Cause, DiagnosticError, storage_error
from keyturn.state.document import STATE_KEY
from keyturn.state.signatures import is_signed_document, is_signed_record, sign_document, sign_record
from keyturn.state.stores.base import AppendLog, LogLine, StateStore, StoredObject
from keyturn.trust.signing import PublicKey, SigningKey


class SignedStore:
    """A store that verifies with the public key of a workspace, and signs with its private key.

    ``open_signing_key`` is called at the first write. Raises DiagnosticError KT627 for a document or a
    record without a valid signature, unless ``accepts_unsigned``.
    """

    def __init__(
        self,
        store: StateStore,
        workspace: str,
        public_key: PublicKey,
        open_signing_key: Callable[[], SigningKey],
        *,
        accepts_unsigned: bool = False,
    ) -> None:
        self._store, self._workspace, self._public_key = store, workspace, public_key
        self._accepts_unsigned = accepts_unsigned
        self._open_signing_key = open_signing_key

    @property
    def location(self) -> str:
        """The address of the store for messages, without credentials."""
        return self._store.location

    def read(self, key: str) -> StoredObject | None:
        """Return the object, or None."""
        stored = self._store.read(key)
        if key == STATE_KEY and stored is not None and not self._is_signed(stored.data):
            raise self._unsigned_error("state")
        return stored

    def put(self, key: str, data: bytes, expect: str) -> str:
        """Write the object if its etag is ``expect``; return the new etag."""
        if key == STATE_KEY:
            data = sign_document(data, self._signing_key, self._workspace)
        return self._store.put(key, data, expect)

    def delete(self, key: str) -> None:
        """Delete the object; do nothing if there is none."""
        self._store.delete(key)

    def list_keys(self, prefix: str, after: str = "") -> tuple[str, ...]:
        """Return the sorted keys that start with ``prefix`` and sort after ``after``."""
        return self._store.list_keys(prefix, after)

    def current_time(self) -> datetime:
        """Return the time of the clock that sets ``StoredObject.modified``."""
        return self._store.current_time()

    def announce_alive(self, holder: str) -> Callable[[], None]:
        """Mark ``holder`` as alive until the result is called or this process ends."""
        return self._store.announce_alive(holder)

    def is_holder_dead(self, holder: str) -> bool:
        """Tell whether ``holder`` was a process of this machine that is dead; False if unknown."""
        return self._store.is_holder_dead(holder)

    def open_log(self) -> AppendLog:
        """Return the log of the journal."""
        return _SignedLog(self._store.open_log(), self._verify_line, self._sign_line)

    @cached_property
    def _signing_key(self) -> SigningKey:
        return self._open_signing_key()

    def _is_signed(self, document: bytes) -> bool:
        return self._accepts_unsigned or is_signed_document(document, self._public_key, self._workspace)

    def _verify_line(self, line: bytes) -> None:
        if self._accepts_unsigned or not line.endswith(b"\n"):  # The next run removes an incomplete line.
            return
        if not is_signed_record(line, self._public_key, self._workspace):
            raise self._unsigned_error("journal")

    def _sign_line(self, line: bytes) -> bytes:
        return sign_record(line, self._signing_key, self._workspace)

    def _unsigned_error(self, what: str) -> DiagnosticError:
        message = f"the {what} is not signed by the key of workspace {self._workspace}"
        hint = (
            "review who can write there; if it is older than the key of the workspace, "
            "ask a key holder to run `keyturn key sign-state`"
        )
        return storage_error("KT627", self.location, message, hint, cause=Cause.TAMPERING)


class _SignedLog:
    def __init__(
        self, log: AppendLog, verify: Callable[[bytes], None], sign: Callable[[bytes], bytes]
    ) -> None:
        self._log, self._verify, self._sign = log, verify, sign

    def read(self, mark: int) -> Iterator[LogLine]:
        for line in self._log.read(mark):
            self._verify(line.data)
            yield line

    def prepare_append(self, torn: int) -> None:
        self._log.prepare_append(torn)

    def append(self, first: int, lines: Sequence[bytes]) -> int:
        return self._log.append(first, tuple(map(self._sign, lines)))
