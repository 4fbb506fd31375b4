"""Limits that a whole plan must keep. The plan refuses by itself; consent names *which* guard."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from keyturn.core.address import Address, Origin
from keyturn.core.change import Action, Change, SecretState
from keyturn.core.counting import counted
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.fields import dotted
from keyturn.core.inputs import Consents, Inputs
from keyturn.core.limits import Limits
from keyturn.core.schedule import Cycle, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a guard looks at.

    ``users`` holds what the service says uses an object: by id, the names of things that are not
    in git. ``room`` is how many more connections the organization may have, None where unknown.
    """

    changes: tuple[Change, ...]
    inputs: Inputs
    consents: Consents
    limits: Limits
    users: Mapping[str, tuple[str, ...]]
    room: int | None = None


def guard(question: Question) -> tuple[Diagnostic, ...]:
    """Return every breach of every limit; errors block an apply, warnings are shown."""
    found = [finding for rule in _RULES for finding in rule(question)]
    return tuple(sorted(found, key=lambda finding: finding.rank))


def _finding(code: str, change: Change, message: str, hint: str) -> Diagnostic:
    origin = change.desired.origin if change.desired else Origin("ledger")
    return Diagnostic(
        code=code,
        severity=Severity.ERROR,
        message=message,
        origin=origin,
        hint=hint,
        address=change.address,
    )


def _exposed(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        names = {name for each in change.exposures for name in (each.address.name, each.through.name)}
        if change.exposures and not names & question.consents.destinations:
            paths = ", ".join(sorted({f"{dotted(each.path)} of {each.through}" for each in change.exposures}))
            owner = change.exposures[0].address
            yield _finding(
                "KT451",
                change,
                f"the secret of {owner} would go where it never went: {paths}",
                f"set a new secret in the same change, or agree with --allow-destination-change {owner.name}",
            )


def _retirements(question: Question) -> Iterator[Diagnostic]:
    retired = [change for change in question.changes if change.action is Action.RETIRE]
    total = sum(not known.retired_at for known in question.inputs.known.values())
    limit = question.limits.retire
    # One alone always passes the share: in a small workspace a single retirement is 50 %.
    over = len(retired) > limit.count or (len(retired) > 1 and len(retired) * 100 > limit.percent * total)
    if over and len(retired) > question.consents.retire:
        yield _finding(
            "KT452",
            retired[0],
            f"{len(retired)} of {counted(total, 'resource')} would be retired; "
            f"the limit is {limit.count} and {limit.percent} %",
            f"if that is meant, agree with --allow-retire {len(retired)}",
        )


def _rotations(question: Question) -> Iterator[Diagnostic]:
    rotated = [change for change in question.changes if change.action is Action.ROTATE]
    total = sum(bool(known.fingerprints) for known in question.inputs.known.values())
    limit = question.limits.rotate
    over = len(rotated) > limit.count and len(rotated) * 100 > limit.percent * total
    if over and len(rotated) > question.consents.rotate:
        yield _finding(
            "KT453",
            rotated[0],
            f"{len(rotated)} of {counted(total, 'credential')} would rotate at once",
            "look whether the fingerprint key changed or files were encrypted anew; "
            f"if it is meant, agree with --allow-rotate {len(rotated)}",
        )


def _renames(question: Question) -> Iterator[Diagnostic]:
    created = [change for change in question.changes if change.action is Action.CREATE and change.desired]
    for retired in (change for change in question.changes if change.action is Action.RETIRE):
        for new in created:
            if _alike(retired, new):
                yield _finding(
                    "KT455",
                    new,
                    f"{retired.address} goes and {new.address} comes with the same content",
                    f"for a rename, write `moved_from: {retired.address.name}` in {new.address}; "
                    "otherwise make the two changes apart",
                )


def _alike(retired: Change, new: Change) -> bool:
    known, desired = retired.known, new.desired
    if known is None or desired is None or known.address.kind != new.address.kind or new.known:
        return False
    return bool(known.applied) and known.type == desired.type and dict(known.applied) == dict(desired.fields)


def _nothing_wanted(question: Question) -> Iterator[Diagnostic]:
    if not question.inputs.desired and question.changes and not question.consents.empty:
        yield _finding(
            "KT456",
            question.changes[0],
            "there is no manifest left, and everything in the ledger would be retired",
            "check the folders under `manifests:`; if it is meant, agree with --allow-empty",
        )


def _adoptions(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        if change.action is Action.ADOPT and not question.consents.adopts(change.address.name):
            yield _finding(
                "KT457",
                change,
                f"{change.address} exists in the workspace and is not in the ledger",
                f"to take it over and write it, agree with --adopt {change.address.name}; "
                "to keep both, choose another name",
            )


def _still_used(question: Question) -> Iterator[Diagnostic]:
    gone = {Action.RETIRE}
    for change in question.changes:
        users = question.users.get(change.live.id, ()) if change.live and change.action in gone else ()
        if users:
            yield _finding(
                "KT458",
                change,
                f"{change.address} is still used by {', '.join(users[:5])}"
                + (f" and {len(users) - 5} more" if len(users) > 5 else ""),  # noqa: PLR2004
                "detach it there first, or bring the manifest back",
            )


def _reuse(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        again = [each for each in change.secrets if each.state is SecretState.REUSED]
        if again and change.address.name not in question.consents.reuse:
            fields = ", ".join(dotted(each.path) for each in again)
            yield _finding(
                "KT459",
                change,
                f"{change.address}: {fields} returns to a value that was in use before",
                f"for a rollback that is meant, agree with --allow-reuse {change.address.name}; "
                "otherwise somebody replayed an old file",
            )


def _resurrections(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        deleted_elsewhere = change.action is Action.RESTORE and change.known and not change.known.retired_at
        if deleted_elsewhere and change.address.name not in question.consents.restore:
            yield _finding(
                "KT469",
                change,
                f"{change.address} was deleted or revoked outside of an apply, and git still wants it",
                "if it must not come back, remove the manifest; "
                f"to bring it back, agree with --allow-restore {change.address.name}",
            )


def _twins(question: Question) -> Iterator[Diagnostic]:
    named = question.inputs.named()
    for change in question.changes:
        twins = named.get(change.address, [])
        others = [live for live in twins if change.known is None or live.id != change.known.id]
        clash = len(twins) > 1 or (change.action in {Action.RESTORE, Action.RENAME} and others)
        if clash and change.action is not Action.FORGET:
            ids = ", ".join(sorted(live.id for live in twins))
            yield _finding(
                "KT461",
                change,
                f"{change.address} is the name of more than one object in the workspace: {ids}",
                "rename or delete the ones that are not ours, then plan again",
            )


def _claims(question: Question) -> Iterator[Diagnostic]:
    claimed: dict[Address, Address] = {}
    for address, desired in sorted(question.inputs.desired.items()):
        if not desired.lifecycle.moved_from or address in question.inputs.known:
            continue
        source = Address(address.kind, desired.lifecycle.moved_from)
        rival = source if source in question.inputs.desired else claimed.get(source)
        if rival:
            yield Diagnostic(
                code="KT462",
                severity=Severity.ERROR,
                message=f"{address} claims to be the renamed {source}, and so does {rival}",
                origin=desired.origin,
                hint="leave moved_from in one manifest, and remove the manifest of the old name",
                address=address,
            )
        claimed[source] = address


def _unopened(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        closed = [each for each in change.secrets if each.state is SecretState.UNKNOWN]
        if closed:
            yield _finding(
                "KT463",
                change,
                f"{change.address}: {', '.join(dotted(each.path) for each in closed)} could not be compared",
                "provide the decryption key, for example in SOPS_AGE_KEY_FILE",
            )


def _suspects(question: Question) -> Iterator[Diagnostic]:
    for change in question.changes:
        doubtful = [each for each in change.secrets if each.state is SecretState.SUSPECT]
        if doubtful:
            fields = ", ".join(dotted(each.path) for each in doubtful)
            yield Diagnostic(
                code="KT464",
                severity=Severity.WARNING,
                message=f"{change.address} was written outside keyturn; {fields} may not be what git says",
                origin=change.desired.origin if change.desired else Origin("ledger"),
                hint=f"write it again with `keyturn apply --reassert {change.address.name}`",
                address=change.address,
            )


def _circles(question: Question) -> Iterator[Diagnostic]:
    changes = {change.address: change for change in question.changes}
    try:
        Schedule({address: change.after for address, change in changes.items()})
    except Cycle as cycle:
        yield _finding(
            "KT468",
            changes[cycle.path[0]],
            f"these changes wait for each other: {cycle}",
            "make them in two steps: first without one of the references",
        )


def _crowded(question: Question) -> Iterator[Diagnostic]:
    made = [
        change
        for change in question.changes
        if change.action is Action.CREATE and change.address.kind == "connection"
    ]
    gone = sum(
        change.action is Action.RETIRE and change.address.kind == "connection" for change in question.changes
    )
    if question.room is not None and len(made) - gone > question.room:
        finding = _finding(
            "KT467",
            made[0],
            f"{counted(len(made), 'connection')} would be created, "
            f"and the organization has room for {question.room}",
            "retire what is unused first, or ask for a higher limit",
        )
        yield replace(finding, severity=Severity.WARNING)


_RULES = (
    _exposed,
    _retirements,
    _rotations,
    _renames,
    _nothing_wanted,
    _adoptions,
    _still_used,
    _reuse,
    _resurrections,
    _twins,
    _claims,
    _unopened,
    _suspects,
    _circles,
    _crowded,
)
