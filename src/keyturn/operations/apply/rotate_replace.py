"""Two generations side by side: a new credential takes over connection by connection.

The old one stays under a name that says until when; it is retired by the first apply after that
day. Whatever fails on the way, every connection is pointed back to the old one.
"""

from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from keyturn.client.errors import ServiceError
from keyturn.kinds import KINDS
from keyturn.model.address import Address
from keyturn.model.change import MISSING, Change
from keyturn.model.fields import FieldPath, Leaf, values_equal
from keyturn.model.resource import DesiredResource, LiveObject, StateEntry
from keyturn.operations.apply.connection_probe import (
    ConnectionTest,
    ConnectionTestVerdict,
    run_connection_tests,
    unfinished_successors,
)
from keyturn.operations.apply.context import ApplyContext, StaleObject
from keyturn.operations.apply.lifecycle import rename_away
from keyturn.operations.apply.writes import (
    WriteResult,
    build_write_result,
    create_object,
    desired_from_live,
    read_object,
    reject_concurrent_edit,
    reread_object,
    with_write_time,
)
from keyturn.planning.scope import RETIRES_ON_INFIX, SUCCESSOR_INFIX


class Replacement(Struct, frozen=True):
    """A hand-over: the change, the old object, its successor's id, and the ids that are in use so far."""

    change: Change
    desired: DesiredResource
    old_object: LiveObject
    new_id: str
    former_ids: frozenset[str]


def replace_credential(
    change: Change, connection_tests: list[ConnectionTest], context: ApplyContext
) -> tuple[WriteResult | None, list[ConnectionTestVerdict]]:
    """Let a new credential take over; return what was written, or the verdicts that stopped it.

    A successor that an earlier run left half-way goes on where it was. Where it was stopped,
    nothing uses the new credential and it is retired.
    """
    if change.desired is None:
        message = "a hand-over without a manifest"
        raise ValueError(message)
    old = reread_object(change, KINDS["credential"], context)
    left = unfinished_successors(change.address, context)
    name = f"{change.address.name}{SUCCESSOR_INFIX}{context.run.new_id()[:6]}"
    made = (
        _find_reusable_successor(left, change.desired, context)
        or create_object(_build_create_change(change, change.desired, name), context).entry
    )
    former = frozenset({old.id, *(each.id for each in left)} - {made.id})
    relay = Replacement(change, change.desired, old, made.id, former)
    verdicts = run_connection_tests(connection_tests, context, dict.fromkeys(former, relay.new_id))
    if all(each.passed for each in verdicts):
        verdicts = _repoint_connections(relay, connection_tests, context)
    if not all(each.passed for each in verdicts):
        _abandon_successor(relay, made, context)
        return None, verdicts
    return _promote_successor(relay, made, context), verdicts


def _find_reusable_successor(
    left: tuple[StateEntry, ...], desired: DesiredResource, context: ApplyContext
) -> StateEntry | None:
    for heir in left:
        wanted = replace(desired, address=heir.address)
        if heir.applied == desired.fields and heir.fingerprints == context.fingerprint_secrets(wanted):
            return heir
    return None


def _build_create_change(change: Change, desired: DesiredResource, name: str) -> Change:
    address = Address("credential", name)
    return replace(change, address=address, desired=replace(desired, address=address), entry=None, live=None)


def _repoint_connections(
    replacement: Replacement, connection_tests: list[ConnectionTest], context: ApplyContext
) -> list[ConnectionTestVerdict]:
    moved: list[ConnectionTest] = []
    for trial in connection_tests:
        if _has_own_change(replacement, trial, context):
            continue
        moved.append(trial)
        try:
            _repoint_connection(replacement, trial, (replacement.former_ids, replacement.new_id), context)
        except (ServiceError, StaleObject) as error:
            verdict = ConnectionTestVerdict(trial.address, passed=False, message=str(error))
        else:
            (verdict,) = run_connection_tests(
                [trial], context, dict.fromkeys(replacement.former_ids, replacement.new_id)
            )
        if not verdict.passed:
            for each in reversed(moved):
                _repoint_connection(
                    replacement, each, (frozenset({replacement.new_id}), replacement.old_object.id), context
                )
            return [verdict]
    return []


def _has_own_change(replacement: Replacement, connection_test: ConnectionTest, context: ApplyContext) -> bool:
    # A change of its own that waits for us writes all of it, the credential too, and expects it as
    # the plan saw it; so does one that takes it elsewhere, or away. One that is to stay with us and
    # does not wait may be done, and has put back what we take over.
    own, ours = context.changes.get(connection_test.id), replacement.change.address
    if own is None:
        return False
    return own.desired is None or ours in own.depends_on or ours not in own.desired.fields.values()


def _repoint_connection(
    replacement: Replacement,
    connection_test: ConnectionTest,
    ids: tuple[frozenset[str], str],
    context: ApplyContext,
) -> None:
    before, after = ids
    kind = KINDS["connection"]
    now = read_object(kind, connection_test.id, context)
    if not before & set(now.fields.values()):
        return
    known = context.entries.get(now.id)
    said = known.applied if known else {}

    def keep_applied_leaf(path: FieldPath, leaf: Leaf) -> Leaf:
        # As git said it where it is the same: a service may show a number as text.
        return said[path] if values_equal(said.get(path, MISSING), leaf) else leaf

    fields = {
        path: after if leaf in before else keep_applied_leaf(path, leaf) for path, leaf in now.fields.items()
    }
    wanted = replace(desired_from_live(now), fields=fields)
    intent = context.record_intent(replacement.change, "repoint", object=now.id, expect=now.address.name)
    body = kind.encode(wanted, context.ids)
    service = context.run.service
    context.send_write(intent, lambda: service.update_record(kind.collection, now.id, body, idempotent=True))
    back = read_object(kind, now.id, context)
    if before & set(back.fields.values()):
        raise StaleObject("the service answered yes and changed nothing")
    context.record_success(intent, _build_repointed_entry(context.entries.get(now.id), back, after))


def _build_repointed_entry(entry: StateEntry | None, back: LiveObject, new: str) -> StateEntry | None:
    if entry is None:
        return None
    pointed = {path for path, leaf in back.fields.items() if leaf == new}
    observed = {path: new if path in pointed else leaf for path, leaf in entry.observed.items()}
    clean = all(back.fields.get(path) == leaf for path, leaf in observed.items())
    # What somebody else wrote meanwhile is for the next plan to see.
    return replace(entry, observed=observed, updated_at=back.updated_at if clean else "")


def _abandon_successor(replacement: Replacement, made: StateEntry, context: ApplyContext) -> None:
    intent = context.record_intent(replacement.change, "retire", object=replacement.new_id)
    service = context.run.service
    context.send_write(
        intent, lambda: service.retire_record("credentials", replacement.new_id, idempotent=True)
    )
    context.record_success(intent, None, (made.address,))


def _promote_successor(replacement: Replacement, made: StateEntry, context: ApplyContext) -> WriteResult:
    known, aside = replacement.change.entry, _choose_retired_address(replacement, context)
    moved = rename_away(replacement.change, replacement.old_object, aside, context)
    kept = replace(known, address=aside, updated_at=moved.live.updated_at, protect=False) if known else None
    context.record_success(moved.intent, kept, (known.address,) if known else ())
    kind, name = KINDS["credential"], replacement.desired.address.name
    intent = context.record_intent(replacement.change, "update", object=replacement.new_id, expect=name)
    body = kind.encode(replacement.desired, context.ids)
    service = context.run.service
    answer = context.send_write(
        intent, lambda: service.update_record(kind.collection, replacement.new_id, body, idempotent=True)
    )
    back = read_object(kind, replacement.new_id, context)
    reject_concurrent_edit(replacement.desired, answer, back)
    if back.address.name != name:
        raise StaleObject("the service answered yes and kept the name")
    done = build_write_result(replace(replacement.change, live=back), with_write_time(answer, back), context)
    context.ids[replacement.change.address] = replacement.new_id
    context.record_success(intent, done.entry, (made.address,))
    return replace(done, warnings=(*moved.warnings, *done.warnings))


def _choose_retired_address(replacement: Replacement, context: ApplyContext) -> Address:
    until = (context.run.clock.now() + timedelta(days=replacement.desired.lifecycle.grace_days)).date()
    name = f"{replacement.change.address.name}{RETIRES_ON_INFIX}{until.isoformat()}"
    # Of two rotations on one day the first has left a generation of that name.
    taken = any(known.address.name == name for known in list(context.entries.values()))
    return Address("credential", f"{name}-{context.run.new_id()[:6]}" if taken else name)
