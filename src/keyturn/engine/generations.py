"""Two generations side by side: a new credential takes over connection by connection.

The old one stays under a name that says until when; it is retired by the first apply after that
day. Whatever fails on the way, every connection is pointed back to the old one.
"""

from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from keyturn.api.errors import ServiceError
from keyturn.core.address import Address
from keyturn.core.change import ABSENT, Change
from keyturn.core.fields import Leaf, Path, same
from keyturn.core.protect import NEXT, UNTIL
from keyturn.core.resource import Desired, Known, Live
from keyturn.engine.aside import move_aside
from keyturn.engine.desk import Desk, Stale
from keyturn.engine.probe import Trial, Verdict, heirs, run_tests
from keyturn.engine.work import Written, as_shown, as_written, create, read, record, refuse_edited, reread
from keyturn.kinds import KINDS


class Relay(Struct, frozen=True):
    """A hand-over: the change, the old object, its successor's id, and the ids that are in use so far."""

    change: Change
    desired: Desired
    old: Live
    new: str
    former: frozenset[str]


def take_over(change: Change, trials: list[Trial], desk: Desk) -> tuple[Written | None, list[Verdict]]:
    """Let a new credential take over; return what was written, or the verdicts that stopped it.

    A successor that an earlier run left half-way goes on where it was. Where it was stopped,
    nothing uses the new credential and it is retired.
    """
    if change.desired is None:
        message = "a hand-over without a manifest"
        raise ValueError(message)
    old = reread(change, KINDS["credential"], desk)
    left = heirs(change.address, desk)
    name = f"{change.address.name}{NEXT}{desk.run.fresh()[:6]}"
    made = _fit(left, change.desired, desk) or create(_as_new(change, change.desired, name), desk).entry
    former = frozenset({old.id, *(each.id for each in left)} - {made.id})
    relay = Relay(change, change.desired, old, made.id, former)
    verdicts = run_tests(trials, desk, dict.fromkeys(former, relay.new))
    if all(each.passed for each in verdicts):
        verdicts = _repoint(relay, trials, desk)
    if not all(each.passed for each in verdicts):
        _abandon(relay, made, desk)
        return None, verdicts
    return _succeed(relay, made, desk), verdicts


def _fit(left: tuple[Known, ...], desired: Desired, desk: Desk) -> Known | None:
    for heir in left:
        wanted = replace(desired, address=heir.address)
        if heir.applied == desired.fields and heir.fingerprints == desk.prints(wanted):
            return heir
    return None


def _as_new(change: Change, desired: Desired, name: str) -> Change:
    address = Address("credential", name)
    return replace(change, address=address, desired=replace(desired, address=address), known=None, live=None)


def _repoint(relay: Relay, trials: list[Trial], desk: Desk) -> list[Verdict]:
    moved: list[Trial] = []
    for trial in trials:
        if _has_its_own(relay, trial, desk):
            continue
        moved.append(trial)
        try:
            _point(relay, trial, (relay.former, relay.new), desk)
        except (ServiceError, Stale) as error:
            verdict = Verdict(trial.address, passed=False, message=str(error))
        else:
            (verdict,) = run_tests([trial], desk, dict.fromkeys(relay.former, relay.new))
        if not verdict.passed:
            for each in reversed(moved):
                _point(relay, each, (frozenset({relay.new}), relay.old.id), desk)
            return [verdict]
    return []


def _has_its_own(relay: Relay, trial: Trial, desk: Desk) -> bool:
    # A change of its own that waits for us writes all of it, the credential too, and expects it as
    # the plan saw it; so does one that takes it elsewhere, or away. One that is to stay with us and
    # does not wait may be done, and has put back what we take over.
    own, ours = desk.changes.get(trial.id), relay.change.address
    if own is None:
        return False
    return own.desired is None or ours in own.after or ours not in own.desired.fields.values()


def _point(relay: Relay, trial: Trial, ids: tuple[frozenset[str], str], desk: Desk) -> None:
    before, after = ids
    kind = KINDS["connection"]
    now = read(kind, trial.id, desk)
    if not before & set(now.fields.values()):
        return
    known = desk.entries.get(now.id)
    said = known.applied if known else {}

    def kept(path: Path, leaf: Leaf) -> Leaf:
        # As git said it where it is the same: a service may show a number as text.
        return said[path] if same(said.get(path, ABSENT), leaf) else leaf

    fields = {path: after if leaf in before else kept(path, leaf) for path, leaf in now.fields.items()}
    wanted = replace(as_shown(now), fields=fields)
    intent = desk.intend(relay.change, "repoint", object=now.id, expect=now.address.name)
    body = kind.encode(wanted, desk.ids)
    service = desk.run.service
    desk.send_write(intent, lambda: service.update(kind.collection, now.id, body, idempotent=True))
    back = read(kind, now.id, desk)
    if before & set(back.fields.values()):
        raise Stale("the service answered yes and changed nothing")
    desk.finish(intent, _seen(desk.entries.get(now.id), back, after))


def _seen(known: Known | None, back: Live, new: str) -> Known | None:
    if known is None:
        return None
    pointed = {path for path, leaf in back.fields.items() if leaf == new}
    observed = {path: new if path in pointed else leaf for path, leaf in known.observed.items()}
    clean = all(back.fields.get(path) == leaf for path, leaf in observed.items())
    # What somebody else wrote meanwhile is for the next plan to see.
    return replace(known, observed=observed, updated_at=back.updated_at if clean else "")


def _abandon(relay: Relay, made: Known, desk: Desk) -> None:
    intent = desk.intend(relay.change, "retire", object=relay.new)
    service = desk.run.service
    desk.send_write(intent, lambda: service.retire("credentials", relay.new, idempotent=True))
    desk.finish(intent, None, (made.address,))


def _succeed(relay: Relay, made: Known, desk: Desk) -> Written:
    known, aside = relay.change.known, _aside(relay, desk)
    moved = move_aside(relay.change, relay.old, aside, desk)
    kept = replace(known, address=aside, updated_at=moved.live.updated_at, protect=False) if known else None
    desk.finish(moved.intent, kept, (known.address,) if known else ())
    kind, name = KINDS["credential"], relay.desired.address.name
    intent = desk.intend(relay.change, "update", object=relay.new, expect=name)
    body = kind.encode(relay.desired, desk.ids)
    service = desk.run.service
    answer = desk.send_write(
        intent, lambda: service.update(kind.collection, relay.new, body, idempotent=True)
    )
    back = read(kind, relay.new, desk)
    refuse_edited(relay.desired, answer, back)
    if back.address.name != name:
        raise Stale("the service answered yes and kept the name")
    done = record(replace(relay.change, live=back), as_written(answer, back), desk)
    desk.ids[relay.change.address] = relay.new
    desk.finish(intent, done.entry, (made.address,))
    return replace(done, warnings=(*moved.warnings, *done.warnings))


def _aside(relay: Relay, desk: Desk) -> Address:
    until = (desk.run.clock.now() + timedelta(days=relay.desired.lifecycle.grace_days)).date()
    name = f"{relay.change.address.name}{UNTIL}{until.isoformat()}"
    # Of two rotations on one day the first has left a generation of that name.
    taken = any(known.address.name == name for known in list(desk.entries.values()))
    return Address("credential", f"{name}-{desk.run.fresh()[:6]}" if taken else name)
