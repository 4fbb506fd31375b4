"""The lock of a state: a record in the store, acquired and renewed by compare-and-swap.

A free lock is a record marked as released, so a release is also a compare-and-swap, and the record names
the last holder.
"""

import hashlib
import threading
from collections.abc import Callable
from datetime import timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.clock import RunClock, format_timestamp
from keyturn.model.diagnostic import Diagnostic, DiagnosticError, Severity, storage_error
from keyturn.state.stores.base import NO_ETAG, PreconditionFailed, StateStore, StoredObject

LOCK_KEY = "lock.json"
"""The key of the lock record in a store."""

TAKEOVER_GRACE = timedelta(seconds=30)
"""Time between the end of a lease, by the store's clock, and its takeover."""


class LockHolder(Struct, frozen=True, kw_only=True):
    """The holder of a lock; ``id`` is random and passed to ``keyturn unlock``, ``ttl`` is in seconds."""

    id: str
    who: str
    host: str
    url: str = ""
    commit: str = ""
    ttl: float = 600.0


class LockRecord(Struct, frozen=True, kw_only=True):
    """The stored lock record; ``since`` and ``renewed`` are times of the holder's clock."""

    holder: LockHolder
    since: str
    renewed: str
    renewals: int = 0
    released: bool = False


class LockHeld(DiagnosticError):
    """Another run holds the lock (KT610); ``record`` names its holder."""

    def __init__(self, location: str, record: LockRecord) -> None:
        holder = record.holder
        origin = f" ({holder.url})" if holder.url else ""
        super().__init__(
            Diagnostic(
                code="KT610",
                severity=Severity.ERROR,
                message=f"{holder.who} on {holder.host}{origin} holds the lock (acquired {record.since})",
                origin=SourceLocation(f"{location}/{LOCK_KEY}"),
                hint=f"wait with --lock-timeout; if that run is dead, run `keyturn unlock {holder.id}`",
            )
        )
        self.record = record


class Lease:
    """A held lock; it is valid for ``ttl`` seconds after the last acquisition or renewal.

    Thread-safe.
    """

    def __init__(self, store: StateStore, clock: RunClock) -> None:
        self._store, self._clock = store, clock
        self._mutex = threading.Lock()
        self._record: LockRecord | None = None
        self._etag, self._valid_until = NO_ETAG, float("-inf")
        self._stop_announcement: Callable[[], None] | None = None

    def write_record(self, record: LockRecord, expect: str) -> None:
        """Replace the record with etag ``expect``; raises PreconditionFailed."""
        self._stop_announcement = self._stop_announcement or self._store.announce_alive(record.holder.id)
        # The lease starts before the request, because the store may apply the write at any time after.
        start = self._clock.monotonic()
        self._etag = self._store.put(LOCK_KEY, _encode_record(record), expect)
        self._record, self._valid_until = record, start + record.holder.ttl

    def remaining_seconds(self) -> float:
        """Return the seconds until the lease ends; negative after its end."""
        return self._valid_until - self._clock.monotonic()

    def is_valid(self) -> bool:
        """Tell whether the lease is valid, by the monotonic clock; check before each request."""
        return self.remaining_seconds() > 0

    def renew(self, below: float = float("inf")) -> None:
        """Renew the lease if fewer than ``below`` seconds remain.

        Raises DiagnosticError KT611 if the lease ended or another run took the lock.
        """
        with self._mutex:
            record = self._require_record()
            if self.remaining_seconds() >= below:
                return
            renewed = format_timestamp(self._clock.now())
            try:
                self.write_record(replace(record, renewed=renewed, renewals=record.renewals + 1), self._etag)
            except PreconditionFailed:
                self._valid_until = float("-inf")
                raise _lost_error(self._store) from None

    def release(self) -> None:
        """Release the lock; the lease is invalid afterwards, even if the write fails.

        Raises DiagnosticError KT611 if another run took the lock.
        """
        with self._mutex:
            record, self._valid_until = self._record, float("-inf")
            if record is None:
                return
            try:
                self._store.put(LOCK_KEY, _encode_record(replace(record, released=True)), self._etag)
            except PreconditionFailed:
                raise _lost_error(self._store) from None
            finally:
                self.stop_announcing()

    def stop_announcing(self) -> None:
        """Remove the liveness file of this process, if any."""
        if self._stop_announcement:
            self._stop_announcement()
        self._stop_announcement = None

    def _require_record(self) -> LockRecord:
        if self._record is None or not self.is_valid():
            raise _lost_error(self._store)
        return self._record


def acquire_lock(store: StateStore, holder: LockHolder, clock: RunClock) -> Lease:
    """Acquire the lock.

    Raises LockHeld if another run holds it, DiagnosticError KT613 if its record is damaged. A lease is
    taken over only if it ended, by the store's clock, more than TAKEOVER_GRACE ago, or if its holder was
    a process of this machine that is dead.
    """
    lease, now = Lease(store, clock), format_timestamp(clock.now())
    while True:
        blob = store.read(LOCK_KEY)
        found = _decode_record(store, blob) if blob else None
        if blob and found and not _is_free(store, blob, found, holder.host):
            lease.stop_announcing()
            raise LockHeld(store.location, found)
        try:
            lease.write_record(
                LockRecord(holder=holder, since=now, renewed=now), blob.etag if blob else NO_ETAG
            )
        except PreconditionFailed:
            continue  # Another run was faster; the next read shows its record.
        except DiagnosticError:
            lease.stop_announcing()
            raise
        return lease


def force_unlock(store: StateStore, lock_id: str) -> LockRecord | None:
    """Release the lock of the holder ``lock_id``; return its record, or None for a damaged record.

    The id of a damaged record is part of KT613. Raises DiagnosticError: KT612 if the lock is free or has
    another holder, KT611 if the record changed meanwhile.
    """
    blob = store.read(LOCK_KEY)
    if blob is None:
        raise _not_held_error(store)
    if lock_id == _damaged_id(blob):
        found = None
        release = LockRecord(
            holder=LockHolder(id=lock_id, who="", host=""), since="", renewed="", released=True
        )
    else:
        found = _decode_record(store, blob)
        release = replace(found, released=True)
        if found.released:
            raise _not_held_error(store)
        if found.holder.id != lock_id:
            raise _other_holder_error(store, found)
    try:
        store.put(LOCK_KEY, _encode_record(release), blob.etag)
    except PreconditionFailed:
        raise _lost_error(store) from None
    return found


def read_held_lock(store: StateStore) -> LockRecord | None:
    """Return the record of a held lock, or None; an expired lease counts as held until its takeover."""
    blob = store.read(LOCK_KEY)
    found = _decode_record(store, blob) if blob else None
    return None if found is None or found.released else found


def _is_free(store: StateStore, blob: StoredObject, record: LockRecord, host: str) -> bool:
    if record.released or (record.holder.host == host and store.is_holder_dead(record.holder.id)):
        return True
    return store.current_time() - blob.modified > timedelta(seconds=record.holder.ttl) + TAKEOVER_GRACE


def _encode_record(record: LockRecord) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def _decode_record(store: StateStore, blob: StoredObject) -> LockRecord:
    try:
        return msgspec.json.decode(blob.data, type=LockRecord)
    except (ValueError, RecursionError):
        raise _damaged_error(store, blob) from None


def _damaged_id(blob: StoredObject) -> str:
    return "damaged-" + hashlib.sha256(blob.data).hexdigest()[:12]


def _damaged_error(store: StateStore, blob: StoredObject) -> DiagnosticError:
    hint = f"make sure that no keyturn is running, then run `keyturn unlock {_damaged_id(blob)}`"
    return storage_error("KT613", f"{store.location}/{LOCK_KEY}", "the lock record is damaged", hint)


def _lost_error(store: StateStore) -> DiagnosticError:
    hint = "run `keyturn plan` to see the current state: this run wrote nothing more"
    return storage_error(
        "KT611", f"{store.location}/{LOCK_KEY}", "this run lost the lock: its lease ended or was taken", hint
    )


def _not_held_error(store: StateStore) -> DiagnosticError:
    return storage_error("KT612", f"{store.location}/{LOCK_KEY}", "the lock is free", "nothing to do")


def _other_holder_error(store: StateStore, found: LockRecord) -> DiagnosticError:
    holder = found.holder
    message = f"the lock has another ID: {holder.who} on {holder.host} holds it (acquired {found.since})"
    return storage_error(
        "KT612",
        f"{store.location}/{LOCK_KEY}",
        message,
        f"if that run is dead, run `keyturn unlock {holder.id}`",
    )
