"""How objects go and come back: retire, restore, replace, forget."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from msgspec.structs import replace

from keyturn.api.errors import Absent, ServiceError
from keyturn.core.address import Address
from keyturn.core.change import Action, Change
from keyturn.core.outcome import Ending
from keyturn.core.protect import NEXT
from keyturn.core.resource import Known, Live
from keyturn.engine.aside import move_aside
from keyturn.engine.desk import Desk, Stale
from keyturn.engine.entry import doubtful
from keyturn.engine.work import Written, create, read, reread, update
from keyturn.kinds import KINDS
from keyturn.ledger.clock import stamp
from keyturn.ledger.event import Finished

RETIRING = "-retiring-"
"""What stands between the name and a random tail of an object that another one replaces."""


def retire(change: Change, desk: Desk) -> Written:
    """Soft-delete an object that nothing uses any more; the ledger keeps a tombstone."""
    kind, known = KINDS[change.address.kind], _known(change)
    now = reread(change, kind, desk)
    _refuse_used(now, desk)
    intent = desk.intend(change, "retire", object=now.id)
    service = desk.run.service
    desk.send_write(intent, lambda: _gone(lambda: service.retire(kind.collection, now.id, idempotent=True)))
    if _still_there(now, desk):
        raise Stale("the service answered yes, and the object is still there")
    tombstone = replace(known, retired_at=stamp(desk.run.clock.now()), protect=False)
    desk.finish(intent, tombstone)
    return Written(tombstone)


def _known(change: Change) -> Known:
    if change.known is None:
        message = f"{change.action.value} of what is not in the ledger"
        raise ValueError(message)
    return change.known


def _gone(send: Callable[[], None]) -> None:
    try:
        send()
    except Absent:
        return


def _refuse_used(now: Live, desk: Desk) -> None:
    if now.address.kind != "credential":
        return
    users = sorted(str(each.address) for each in _users(now, desk) if now.id in each.fields.values())
    if users:
        raise Stale(f"it is used by {', '.join(users)}")


def _users(now: Live, desk: Desk) -> Iterator[Live]:
    # A list may lag behind what this very run has written, in both directions: each one is asked.
    kind = KINDS["connection"]
    listed = map(kind.decode, desk.run.service.records(kind.collection).records)
    ids = {each.id for each in listed if now.id in each.fields.values()}
    ours = [known for known in list(desk.entries.values()) if known.address.kind == kind.name]
    ids |= {known.id for known in ours if now.id in known.observed.values() and not known.retired_at}
    for identity in sorted(ids):
        with suppress(Absent):
            yield read(kind, identity, desk)


def _still_there(now: Live, desk: Desk) -> bool:
    try:
        return read(KINDS[now.address.kind], now.id, desk).status != "deleted"
    except Absent:
        return False


def restore(change: Change, desk: Desk) -> Written:
    """Bring an object back from the trash and write it in full at once.

    What comes back holds the secret and the host of the day on which it went.
    """
    kind = KINDS[change.address.kind]
    now = reread(change, kind, desk)
    intent = desk.intend(change, "restore", object=now.id)
    if now.status == "deleted":
        desk.send_write(intent, lambda: desk.run.service.restore(now.id, idempotent=True))
    back = read(kind, now.id, desk)
    if back.status == "deleted":
        raise Stale("the service answered yes, and the object is still in the trash")
    if change.known:
        # Until it is written, nothing of its content is certain.
        desk.finish(intent, replace(doubtful(change.known), retired_at=""))
    return update(replace(change, live=back), desk)


def replace_object(change: Change, desk: Desk) -> Written:
    """Give the name to a new object, after the old one was moved aside under a name of its own.

    Connections are repointed by changes of their own; then the old one is retired, by this apply
    or, if it is cut off, by the next: the ledger holds it as an entry without a manifest.
    """
    kind, known = KINDS[change.address.kind], _known(change)
    now = reread(change, kind, desk)
    aside = Address(change.address.kind, f"{change.address.name}{RETIRING}{desk.run.fresh()[:6]}")
    moved = move_aside(change, now, aside, desk)
    desk.finish(
        moved.intent,
        replace(known, address=aside, updated_at=moved.live.updated_at, protect=False),
        (known.address,),
    )
    done = create(replace(change, known=None, live=None), desk)
    return replace(done, warnings=(*moved.warnings, *done.warnings))


def forget(change: Change, desk: Desk) -> Written:
    """Let the ledger's entry go; nothing is sent."""
    known = _known(change)
    desk.journal.append(_quiet(change, gone=(known.address,)))
    return Written(known)


def _quiet(change: Change, gone: tuple[Address, ...]) -> Finished:
    return Finished(
        intent="", address=change.address, action=change.action.value, ending=Ending.DONE, gone=gone
    )


def tails(entries: Iterable[Known], desk: Desk) -> tuple[Change, ...]:
    """Return the retirements of objects that were moved aside, or never came to take over."""
    left = sorted(
        (each for each in entries if _aside(each.address.name) and not each.retired_at),
        key=lambda each: each.address,
    )
    return tuple(
        Change(
            action=Action.RETIRE,
            address=known.address,
            known=known,
            live=live,
            why="another object has its name",
        )
        for known in left
        if (live := _seen(known, desk))
    )


def _aside(name: str) -> bool:
    return RETIRING in name or NEXT in name


def _seen(known: Known, desk: Desk) -> Live | None:
    try:
        return read(KINDS[known.address.kind], known.id, desk)
    except (ServiceError, Stale):
        return None
