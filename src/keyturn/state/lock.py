"""One writer at a time: a lock record beside the state, taken and renewed by compare-and-swap.

A lock that is free is a record that says so, not a missing one: releasing is then a
compare-and-swap too, which every store has, and the last holder stays known.
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
"""Where the lock stands in a store."""

TAKEOVER_GRACE = timedelta(seconds=30)
"""How long after its end, by the store's clock, a lease is left alone before it is taken over."""


class LockHolder(Struct, frozen=True, kw_only=True):
    """Who holds the lock: ``id`` is random and what ``unlock`` asks for, ``ttl`` in seconds."""

    id: str
    who: str
    host: str
    url: str = ""
    commit: str = ""
    ttl: float = 600.0


class LockRecord(Struct, frozen=True, kw_only=True):
    """The lock as it stands in the store; ``since`` and ``renewed`` are the holder's own time."""

    holder: LockHolder
    since: str
    renewed: str
    renewals: int = 0
    released: bool = False


class LockHeld(DiagnosticError):
    """Raised where somebody else holds the lock; ``record`` says who, KT610 says it to the user."""

    def __init__(self, place: str, record: LockRecord) -> None:
        holder = record.holder
        origin = f" ({holder.url})" if holder.url else ""
        super().__init__(
            Diagnostic(
                code="KT610",
                severity=Severity.ERROR,
                message=f"{holder.who} on {holder.host}{origin} holds the lock since {record.since}",
                origin=SourceLocation(f"{place}/{LOCK_KEY}"),
                hint=f"wait with --lock-timeout; if that run is dead: keyturn unlock {holder.id}",
            )
        )
        self.record = record


class Lease:
    """The lock in our hands, for ``ttl`` seconds from the last time it was taken or renewed.

    Safe to use from several threads.
    """

    def __init__(self, store: StateStore, clock: RunClock) -> None:
        self._store, self._clock = store, clock
        self._mutex = threading.Lock()
        self._record: LockRecord | None = None
        self._etag, self._valid_until = NO_ETAG, float("-inf")
        self._stop_announcement: Callable[[], None] | None = None

    def write_record(self, record: LockRecord, expect: str) -> None:
        """Put ``record`` in the place of the lock with etag ``expect``; raises Moved."""
        self._stop_announcement = self._stop_announcement or self._store.announce_alive(record.holder.id)
        # Counted from before the request: the store may have taken it at any moment since.
        begun = self._clock.monotonic()
        self._etag = self._store.put(LOCK_KEY, _encode_record(record), expect)
        self._record, self._valid_until = record, begun + record.holder.ttl

    def remaining_seconds(self) -> float:
        """Return the seconds for which the lease is still good; renew well before they are over."""
        return self._valid_until - self._clock.monotonic()

    def is_valid(self) -> bool:
        """Tell whether we may write: asked before each request, answered by the monotonic clock."""
        return self.remaining_seconds() > 0

    def renew(self, below: float = float("inf")) -> None:
        """Begin the ttl anew where fewer than ``below`` seconds are left of it.

        Raises Faulty KT611 where the lease ran out or was taken from us.
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
        """Let the lock go; it is no longer valid, whatever comes of it.

        Raises Faulty KT611 where somebody else has it by now.
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
        """Take the sign of life down."""
        if self._stop_announcement:
            self._stop_announcement()
        self._stop_announcement = None

    def _require_record(self) -> LockRecord:
        if self._record is None or not self.is_valid():
            raise _lost_error(self._store)
        return self._record


def acquire_lock(store: StateStore, holder: LockHolder, clock: RunClock) -> Lease:
    """Take the lock.

    Raises Held where somebody else has it, Faulty KT613 where its record is damaged. A lease is
    taken over only when it ended, by the store's own clock, more than ``GRACE`` ago, or when the
    process that held it, on this machine, is surely gone.
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
            continue  # Somebody was faster: whoever it is stands in the record now.
        except DiagnosticError:
            lease.stop_announcing()
            raise
        return lease


def force_unlock(store: StateStore, lock_id: str) -> LockRecord | None:
    """Take the lock away from its holder, whose id must be given; return what it was.

    A damaged record goes by the id that KT613 names, and None is returned. Raises Faulty: KT612
    where nobody holds the lock or another does, KT611 where it moved meanwhile.
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
    """Return who holds the lock, or None; an expired lease counts as held until it is taken over."""
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
    hint = f"make sure that no keyturn is running, then: keyturn unlock {_damaged_id(blob)}"
    return storage_error("KT613", f"{store.location}/{LOCK_KEY}", "the lock's record is damaged", hint)


def _lost_error(store: StateStore) -> DiagnosticError:
    hint = "run `keyturn plan` to see where things stand: nothing more was written"
    return storage_error(
        "KT611", f"{store.location}/{LOCK_KEY}", "the lock is no longer ours: it ran out or was taken", hint
    )


def _not_held_error(store: StateStore) -> DiagnosticError:
    return storage_error("KT612", f"{store.location}/{LOCK_KEY}", "nobody holds the lock", "nothing to do")


def _other_holder_error(store: StateStore, found: LockRecord) -> DiagnosticError:
    holder = found.holder
    message = f"the lock has another id: {holder.who} on {holder.host} holds it since {found.since}"
    return storage_error(
        "KT612", f"{store.location}/{LOCK_KEY}", message, f"if that run is dead: keyturn unlock {holder.id}"
    )
