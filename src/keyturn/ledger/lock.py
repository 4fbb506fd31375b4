"""One writer at a time: a lock record beside the ledger, taken and renewed by compare-and-swap.

A lock that is free is a record that says so, not a missing one: releasing is then a
compare-and-swap too, which every store has, and the last holder stays known.
"""

import hashlib
import json
import threading
from collections.abc import Callable
from datetime import timedelta

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.ledger.clock import Clock, stamp
from keyturn.ledger.faults import fault
from keyturn.ledger.medium import ABSENT, Blob, Moved, Store
from keyturn.ledger.shape import text

KEY = "lock.json"
"""Where the lock stands in a store."""

GRACE = timedelta(seconds=30)
"""How long after its end, by the store's clock, a lease is left alone before it is taken over."""


class Holder(Struct, frozen=True, kw_only=True):
    """Who holds the lock: ``id`` is random and what ``unlock`` asks for, ``ttl`` in seconds."""

    id: str
    who: str
    host: str
    url: str = ""
    commit: str = ""
    ttl: float = 600.0


class LockRecord(Struct, frozen=True, kw_only=True):
    """The lock as it stands in the store; ``since`` and ``renewed`` are the holder's own time."""

    holder: Holder
    since: str
    renewed: str
    renewals: int = 0
    released: bool = False


class Held(Faulty):
    """Raised where somebody else holds the lock; ``record`` says who, KT610 says it to the user."""

    def __init__(self, place: str, record: LockRecord) -> None:
        holder = record.holder
        origin = f" ({holder.url})" if holder.url else ""
        super().__init__(
            Diagnostic(
                code="KT610",
                severity=Severity.ERROR,
                message=f"{holder.who} on {holder.host}{origin} holds the lock since {record.since}",
                origin=Origin(f"{place}/{KEY}"),
                hint=f"wait with --lock-timeout; if that run is dead: keyturn unlock {holder.id}",
            )
        )
        self.record = record


class Lease:
    """The lock in our hands, for ``ttl`` seconds from the last time it was taken or renewed.

    Safe to use from several threads.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._guard = threading.Lock()
        self._record: LockRecord | None = None
        self._etag, self._until = ABSENT, float("-inf")
        self._leave: Callable[[], None] | None = None

    def take(self, record: LockRecord, expect: str) -> None:
        """Put ``record`` in the place of the lock with etag ``expect``; raises Moved."""
        self._leave = self._leave or self._store.attend(record.holder.id)
        # Counted from before the request: the store may have taken it at any moment since.
        begun = self._clock.monotonic()
        self._etag = self._store.put(KEY, _encode(record), expect)
        self._record, self._until = record, begun + record.holder.ttl

    def left(self) -> float:
        """Return the seconds for which the lease is still good; renew well before they are over."""
        return self._until - self._clock.monotonic()

    def valid(self) -> bool:
        """Tell whether we may write: asked before each request, answered by the monotonic clock."""
        return self.left() > 0

    def renew(self, below: float = float("inf")) -> None:
        """Begin the ttl anew where fewer than ``below`` seconds are left of it.

        Raises Faulty KT611 where the lease ran out or was taken from us.
        """
        with self._guard:
            record = self._held()
            if self.left() >= below:
                return
            renewed = stamp(self._clock.now())
            try:
                self.take(replace(record, renewed=renewed, renewals=record.renewals + 1), self._etag)
            except Moved:
                self._until = float("-inf")
                raise _lost(self._store) from None

    def release(self) -> None:
        """Let the lock go; it is no longer valid, whatever comes of it.

        Raises Faulty KT611 where somebody else has it by now.
        """
        with self._guard:
            record, self._until = self._record, float("-inf")
            if record is None:
                return
            try:
                self._store.put(KEY, _encode(replace(record, released=True)), self._etag)
            except Moved:
                raise _lost(self._store) from None
            finally:
                self.leave()

    def leave(self) -> None:
        """Take the sign of life down."""
        if self._leave:
            self._leave()
        self._leave = None

    def _held(self) -> LockRecord:
        if self._record is None or not self.valid():
            raise _lost(self._store)
        return self._record


def acquire(store: Store, holder: Holder, clock: Clock) -> Lease:
    """Take the lock.

    Raises Held where somebody else has it, Faulty KT613 where its record is damaged. A lease is
    taken over only when it ended, by the store's own clock, more than ``GRACE`` ago, or when the
    process that held it, on this machine, is surely gone.
    """
    lease, now = Lease(store, clock), stamp(clock.now())
    while True:
        blob = store.read(KEY)
        found = _decode(store, blob) if blob else None
        if blob and found and not _free(store, blob, found, holder.host):
            lease.leave()
            raise Held(store.place, found)
        try:
            lease.take(LockRecord(holder=holder, since=now, renewed=now), blob.etag if blob else ABSENT)
        except Moved:
            continue  # Somebody was faster: whoever it is stands in the record now.
        except Faulty:
            lease.leave()
            raise
        return lease


def unlock(store: Store, lock_id: str) -> LockRecord | None:
    """Take the lock away from its holder, whose id must be given; return what it was.

    A damaged record goes by the id that KT613 names, and None is returned. Raises Faulty: KT612
    where nobody holds the lock or another does, KT611 where it moved meanwhile.
    """
    blob = store.read(KEY)
    if blob is None:
        raise _not_held(store)
    if lock_id == _damaged_id(blob):
        found = None
        release = LockRecord(holder=Holder(id=lock_id, who="", host=""), since="", renewed="", released=True)
    else:
        found = _decode(store, blob)
        release = replace(found, released=True)
        if found.released:
            raise _not_held(store)
        if found.holder.id != lock_id:
            raise _another(store, found)
    try:
        store.put(KEY, _encode(release), blob.etag)
    except Moved:
        raise _lost(store) from None
    return found


def holder_of(store: Store) -> LockRecord | None:
    """Return who holds the lock, or None; an expired lease counts as held until it is taken over."""
    blob = store.read(KEY)
    found = _decode(store, blob) if blob else None
    return None if found is None or found.released else found


def _free(store: Store, blob: Blob, record: LockRecord, host: str) -> bool:
    if record.released or (record.holder.host == host and store.deserted(record.holder.id)):
        return True
    return store.now() - blob.modified > timedelta(seconds=record.holder.ttl) + GRACE


def _encode(record: LockRecord) -> bytes:
    return json.dumps(to_builtins(record), indent=1).encode() + b"\n"


def _decode(store: Store, blob: Blob) -> LockRecord:
    try:
        tree = json.loads(blob.data)
        holder = {name: text(tree["holder"][name]) for name in ("id", "who", "host", "url", "commit")}
        return LockRecord(
            holder=Holder(**holder, ttl=float(tree["holder"]["ttl"])),
            since=text(tree["since"]),
            renewed=text(tree["renewed"]),
            renewals=int(tree["renewals"]),
            released=tree["released"] is True,
        )
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _damaged(store, blob) from None


def _damaged_id(blob: Blob) -> str:
    return "damaged-" + hashlib.sha256(blob.data).hexdigest()[:12]


def _damaged(store: Store, blob: Blob) -> Faulty:
    hint = f"make sure that no keyturn is running, then: keyturn unlock {_damaged_id(blob)}"
    return fault("KT613", f"{store.place}/{KEY}", "the lock's record is damaged", hint)


def _lost(store: Store) -> Faulty:
    hint = "run `keyturn plan` to see where things stand: nothing more was written"
    return fault("KT611", f"{store.place}/{KEY}", "the lock is no longer ours: it ran out or was taken", hint)


def _not_held(store: Store) -> Faulty:
    return fault("KT612", f"{store.place}/{KEY}", "nobody holds the lock", "nothing to do")


def _another(store: Store, found: LockRecord) -> Faulty:
    holder = found.holder
    message = f"the lock has another id: {holder.who} on {holder.host} holds it since {found.since}"
    return fault("KT612", f"{store.place}/{KEY}", message, f"if that run is dead: keyturn unlock {holder.id}")
