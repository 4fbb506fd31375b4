"""How one change is made: re-read, intend, write, read back, test, record."""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.api.errors import Absent, Conflict, ServiceError
from keyturn.api.records import Record
from keyturn.core.address import Address, Origin
from keyturn.core.change import ABSENT, Change, SecretState
from keyturn.core.fields import Fields, dotted, same
from keyturn.core.outcome import Ending
from keyturn.core.resource import Desired, Known, Live
from keyturn.engine.desk import Desk, Stale
from keyturn.engine.entry import Stamp, entry
from keyturn.engine.recover import claimable
from keyturn.kinds import KINDS, Kind
from keyturn.ledger.clock import stamp
from keyturn.ledger.event import Intent

LOOKS = (0.0, 2.0, 4.0, 8.0)
"""Seconds before each look for what a lost create may have made: lists may lag behind by their sum."""

ANOTHER = "the service answered with another object"

_SECOND = len("2026-01-01T00:00:00")


class Written(Struct, frozen=True):
    """The entry that a write led to, and what is worth saying of it."""

    entry: Known
    warnings: tuple[str, ...] = ()


def create(change: Change, desk: Desk) -> Written:
    """Make a new object; one whose answer was lost is looked for before it is made again."""
    desired, kind = _desired(change), KINDS[change.address.kind]
    body = kind.encode(desired, desk.ids)
    intent = desk.intend(change, "create", expect=desired.address.name)
    identity, answer = _create_once(intent, kind, body, desk)
    if not desk.claim(identity):
        # What was there before was not made now, whatever the answer says: it may be anybody's.
        raise Stale(ANOTHER)
    if answer is None:
        # It was found, not answered for: whether the secrets arrived whole is not known.
        service = desk.run.service
        desk.send_write(intent, lambda: service.update(kind.collection, identity, body, idempotent=True))
    back = read(kind, identity, desk)
    refuse_edited(desired, answer, back)
    done = record(change, as_written(answer, back), desk)
    desk.ids[change.address] = identity
    desk.finish(intent, done.entry)
    return done


def _create_once(
    intent: Intent, kind: Kind, body: Mapping[str, object], desk: Desk
) -> tuple[str, Record | None]:
    found: tuple[Live, ...] = ()

    def is_unapplied() -> bool:
        nonlocal found
        try:
            found = look(intent, kind, desk)
        except ServiceError:
            return False
        return not found

    try:
        made = desk.run.service.create(kind.collection, body, is_unapplied=is_unapplied)
    except ServiceError as error:
        if isinstance(error, Conflict) and error.may_be_applied:
            # An earlier attempt probably took the name.
            is_unapplied()
        if len(found) == 1:
            return found[0].id, None
        desk.drop(intent, Ending.UNSURE if error.may_be_applied else Ending.FAILED, error.where)
        raise
    return made.id, made


def look(intent: Intent, kind: Kind, desk: Desk) -> tuple[Live, ...]:
    """Return the objects that a create may have made: look, wait a grace, look again."""
    for pause in LOOKS:
        if pause:
            desk.run.sleep(pause)
        listed = map(kind.decode, desk.run.service.records(kind.collection).records)
        with desk.guard:
            taken = frozenset(desk.taken)
        found = claimable(intent, (each for each in listed if each.status != "deleted"), taken)
        if found:
            return found
    return ()


def update(change: Change, desk: Desk, confirm: Callable[[Intent], None] = lambda _: None) -> Written:
    """Write an object that exists in full; a rename, new fields and new secrets are one request.

    ``confirm`` is asked before the write counts as done, and may raise.
    """
    desired, kind = _desired(change), KINDS[change.address.kind]
    now = reread(change, kind, desk)
    body = body_of(change, now, desk)
    intent = desk.intend(change, "update", object=now.id, expect=desired.address.name)

    def send() -> tuple[Record | None, Live]:
        service = desk.run.service
        answer = desk.send_write(
            intent, lambda: service.update(kind.collection, now.id, body, idempotent=True)
        )
        return answer, read(kind, now.id, desk)

    answer, back = send()
    refuse_unwritten(change, now, back)
    if desired.secrets and back.updated_at == now.updated_at:
        # Whether the secret was taken does not show, and doubt about one means to write it again.
        answer, back = send()
    refuse_edited(desired, answer, back)
    confirm(intent)
    done = record(change, as_written(answer, back), desk)
    if desired.secrets and back.updated_at == now.updated_at:
        done = replace(done, warnings=(*done.warnings, "the service shows no sign that it took the secret"))
    desk.ids[change.address] = now.id
    gone = (change.known.address,) if change.known and change.known.address != change.address else ()
    desk.finish(intent, done.entry, gone)
    return done


def _desired(change: Change) -> Desired:
    if change.desired is None:
        message = f"{change.action.value} without a manifest"
        raise ValueError(message)
    return change.desired


def reread(change: Change, kind: Kind, desk: Desk) -> Live:
    """Return the live object if it is still as the plan saw it; raises Stale."""
    if change.live is None:
        message = f"{change.action.value} without a live object"
        raise ValueError(message)
    try:
        now = read(kind, change.live.id, desk)
    except Absent:
        if change.live.status == "deleted":
            # A service may list what is in the trash and not show it on its own.
            return change.live
        raise Stale("it is gone since the plan was made") from None
    if now.updated_at != change.expected or now.status != change.live.status:
        moved = [
            dotted(path)
            for path in {**change.live.fields, **now.fields}
            if not same(change.live.fields.get(path, ABSENT), now.fields.get(path, ABSENT))
        ]
        told = f": {', '.join(sorted(moved))}" if moved and change.live.detailed else ""
        raise Stale(f"it was edited since the plan was made{told}")
    return now


def read(kind: Kind, identity: str, desk: Desk) -> Live:
    """Return an object as it is now; raises the client's errors, and Stale for another object."""
    back = kind.decode(desk.run.service.fetch(kind.collection, identity))
    if back.id != identity:
        raise Stale(ANOTHER)
    return back


def body_of(change: Change, now: Live, desk: Desk) -> dict[str, object]:
    """Return the full body of an update: what git states, on top of what others own in a connection.

    A field that git dropped is left out. Raises Stale where the live object holds a mask or a
    secret in plain view: what cannot be written back would be lost.
    """
    desired, kind = _desired(change), KINDS[change.address.kind]
    if change.address.kind == "credential":
        return kind.encode(_without_kept(desired, change, desk), desk.ids)
    refuse_masked(now)
    return kind.encode(replace(desired, fields=joined(change, desired, now)), desk.ids)


def refuse_masked(now: Live) -> None:
    """Raise Stale where what is live cannot be written back: a mask, or a secret in plain view."""
    if now.suspicious:
        shown = ", ".join(dotted(path) for path in now.suspicious)
        raise Stale(f"the service shows a mask or a secret at {shown}, which must not be written back")


def joined(change: Change, desired: Desired, now: Live) -> Fields:
    """Return the fields of a connection once the change is made: what git states, and what others own."""
    dropped = {field.path for field in change.fields if field.wanted == ABSENT}
    others = {path: leaf for path, leaf in now.fields.items() if path not in dropped}
    return merge(others, desired.fields)


def as_shown(now: Live) -> Desired:
    """Return a live connection as if a manifest had said it, to be written back; raises Stale."""
    refuse_masked(now)
    return Desired(
        address=now.address,
        type=now.type,
        fields=now.fields,
        secrets={},
        ciphers={},
        digest="",
        origin=Origin("workspace"),
    )


def merge(others: Fields, ours: Fields) -> Fields:
    """Return both sets of fields; ours win, and take the place of what stood above or below them."""
    clear = {path: leaf for path, leaf in others.items() if not any(_overlaps(path, own) for own in ours)}
    return {**clear, **ours}


def _overlaps(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _without_kept(desired: Desired, change: Change, desk: Desk) -> Desired:
    if not desired.keep:
        return desired
    if desk.run.workspace.put != "partial":
        kept = ", ".join(dotted(path) for path in desired.keep)
        raise Stale(
            f"{kept} is kept live, so the credential cannot be written in full; set it in git, "
            "or say `put: partial` in keyturn.yaml if this deployment merges what it is sent"
        )
    return desired if change.fields else replace(desired, fields={})


def refuse_unwritten(change: Change, before: Live, back: Live) -> None:
    """Raise Stale where the service said yes and did nothing: no field, no name and no time moved."""
    asked = [
        field for field in change.fields if not same(before.fields.get(field.path, ABSENT), field.wanted)
    ]
    unmoved = all(back.fields.get(field.path) == before.fields.get(field.path) for field in asked)
    # A write that repeats a lost one may well change nothing; one that follows a certain state may not.
    turned = bool(change.known and change.known.digest) and any(
        secret.state in {SecretState.ROTATED, SecretState.REUSED} for secret in change.secrets
    )
    named = before.address != change.address and back.address == before.address
    silent = back.updated_at == before.updated_at and unmoved and bool(asked or turned)
    if named or silent:
        raise Stale("the service answered yes and changed nothing")


def refuse_edited(desired: Desired, answer: Record | None, back: Live) -> None:
    """Raise Stale where an object reads otherwise than the answer to our write showed it."""
    if answer is None or answer.config is None:
        return
    shown = KINDS[desired.address.kind].decode(answer).fields
    moved = [
        dotted(path)
        for path in desired.fields
        if path in shown and path in back.fields and not same(shown[path], back.fields[path])
    ]
    if moved:
        raise Stale(f"somebody edited it while it was written: {', '.join(sorted(moved))}")


def as_written(answer: Record | None, back: Live) -> Live:
    """Return what was read back as of our own write, which the answer to it dates.

    A later time is somebody else's: a secret that was set by hand in between shows nothing but that.
    """
    if answer is None or not answer.updated_at or _at_once(answer.updated_at, back.updated_at):
        return back
    return replace(back, updated_at=answer.updated_at)


def _at_once(one: str, other: str) -> bool:
    # Two places of a service may write a time at two precisions.
    return one == other or (len(one) != len(other) and one[:_SECOND] == other[:_SECOND])


def record(change: Change, back: Live, desk: Desk) -> Written:
    """Return the entry for what was written, with a warning for each field that reads differently."""
    desired = _desired(change)
    when = Stamp(
        now=stamp(desk.run.clock.now()),
        commit=desk.run.author.commit,
        destinations=desk.destinations.get(desired.address, ()),
    )
    made = entry(desired, back, change.known, desk.prints(desired), when)
    return Written(made, tuple(_differences(desired, back, desk)))


def _differences(desired: Desired, back: Live, desk: Desk) -> list[str]:
    if desired.keep:
        return []
    found = []
    for path, leaf in desired.fields.items():
        wanted = desk.ids.get(leaf, "") if isinstance(leaf, Address) else leaf
        if path in back.fields and not same(back.fields[path], wanted):
            found.append(f"the service keeps {dotted(path)} in a form of its own")
    return found
