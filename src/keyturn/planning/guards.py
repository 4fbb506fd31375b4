"""What the limits of a plan look at, and how they answer."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import Action, Change, SecretStatus
from keyturn.model.diagnostic import Cause, Diagnostic, Severity, pluralize_or_none
from keyturn.model.fields import format_path
from keyturn.model.plan import PlanLimits
from keyturn.planning.inputs import Approvals, PlanInputs
from keyturn.planning.scheduling import ChangeSchedule, DependencyCycle


class GuardContext(Struct, frozen=True, kw_only=True):
    """What a guard looks at.

    ``users`` holds what the service says uses an object: by id, the names of things that are not
    in git. ``room`` is how many more connections the organization may have, None where unknown.
    """

    changes: tuple[Change, ...]
    inputs: PlanInputs
    approvals: Approvals
    limits: PlanLimits
    users: Mapping[str, tuple[str, ...]]
    remaining_connections: int | None = None


def guard_violation(
    code: str, change: Change, message: str, hint: str, *, cause: Cause = Cause.OTHER
) -> Diagnostic:
    """Return the error that a change breaks a rule, at its manifest or, without one, at the state."""
    origin = change.desired.origin if change.desired else SourceLocation("state")
    return Diagnostic(
        code=code,
        severity=Severity.ERROR,
        message=message,
        origin=origin,
        hint=hint,
        address=change.address,
        cause=cause,
    )


def _check_duplicate_names(question: GuardContext) -> Iterator[Diagnostic]:
    named = question.inputs.live_by_address()
    for change in question.changes:
        twins = named.get(change.address, [])
        others = [live for live in twins if change.entry is None or live.id != change.entry.id]
        clash = len(twins) > 1 or (change.action in {Action.RESTORE, Action.RENAME} and others)
        if clash and change.action is not Action.FORGET:
            ids = ", ".join(sorted(live.id for live in twins))
            yield guard_violation(
                "KT461",
                change,
                f"{change.address} is the name of more than one object in the workspace: {ids}",
                "rename or delete the ones that are not ours, then plan again",
            )


def _check_rename_claims(question: GuardContext) -> Iterator[Diagnostic]:
    claimed: dict[Address, Address] = {}
    for address, desired in sorted(question.inputs.desired.items()):
        if not desired.lifecycle.moved_from or address in question.inputs.entries:
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


def _check_undecrypted(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        closed = [each for each in change.secrets if each.status is SecretStatus.UNKNOWN]
        if closed:
            yield guard_violation(
                "KT463",
                change,
                f"{change.address}: {', '.join(format_path(each.path) for each in closed)} could not be compared",
                "provide the decryption key, for example in SOPS_AGE_KEY_FILE",
                cause=Cause.NOT_COMPARED,
            )


def _check_suspects(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        doubtful = [each for each in change.secrets if each.status is SecretStatus.SUSPECT]
        if doubtful:
            fields = ", ".join(format_path(each.path) for each in doubtful)
            yield Diagnostic(
                code="KT464",
                severity=Severity.WARNING,
                message=f"{change.address} was written outside keyturn; {fields} may not be what git says",
                origin=change.desired.origin if change.desired else SourceLocation("state"),
                hint=f"write it again with `keyturn apply --reassert {change.address.name}`",
                address=change.address,
            )


def _check_cycles(question: GuardContext) -> Iterator[Diagnostic]:
    changes = {change.address: change for change in question.changes}
    try:
        ChangeSchedule({address: change.depends_on for address, change in changes.items()})
    except DependencyCycle as cycle:
        yield guard_violation(
            "KT468",
            changes[cycle.path[0]],
            f"these changes wait for each other: {cycle}",
            "make them in two steps: first without one of the references",
        )


def _check_connection_quota(question: GuardContext) -> Iterator[Diagnostic]:
    made = [
        change
        for change in question.changes
        if change.action is Action.CREATE and change.address.kind == "connection"
    ]
    gone = sum(
        change.action is Action.RETIRE and change.address.kind == "connection" for change in question.changes
    )
    if question.remaining_connections is not None and len(made) - gone > question.remaining_connections:
        finding = guard_violation(
            "KT467",
            made[0],
            f"{pluralize_or_none(len(made), 'connection')} would be created, "
            f"and the organization has room for {question.remaining_connections}",
            "retire what is unused first, or ask for a higher limit",
        )
        yield replace(finding, severity=Severity.WARNING)


def _check_kept_secrets(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        desired = change.desired
        if desired and desired.kept_secrets and _makes_new_object(change):
            fields = ", ".join(format_path(path) for path in desired.kept_secrets)
            yield guard_violation(
                "KT472",
                change,
                f"{change.address} keeps the live value of {fields}, and a new object has none",
                f"set it in git with `keyturn secret set {change.address.name} {format_path(desired.kept_secrets[0])}`",
            )


def _makes_new_object(change: Change) -> bool:
    if change.action is Action.ROTATE:
        return change.desired is not None and change.desired.lifecycle.strategy == "replace"
    return change.action in {Action.CREATE, Action.REPLACE}


BLOCKERS = (
    _check_duplicate_names,
    _check_rename_claims,
    _check_undecrypted,
    _check_kept_secrets,
    _check_suspects,
    _check_cycles,
    _check_connection_quota,
)
"""The rules, each a question about the whole plan."""


def check_guards(question: GuardContext) -> tuple[Diagnostic, ...]:
    """Return every breach of every limit; errors block an apply, warnings are shown."""
    found = [finding for rule in (*_APPROVABLE_GUARDS, *BLOCKERS) for finding in rule(question)]
    return tuple(sorted(found, key=lambda finding: finding.sort_key))


def _check_exposures(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        names = {name for each in change.exposures for name in (each.address.name, each.through.name)}
        if change.exposures and not names & question.approvals.destinations:
            paths = ", ".join(
                sorted({f"{format_path(each.path)} of {each.through}" for each in change.exposures})
            )
            owner = change.exposures[0].address
            yield guard_violation(
                "KT451",
                change,
                f"the secret of {owner} would go where it never went: {paths}",
                f"set a new secret in the same change, or agree with --allow-destination-change {owner.name}",
                cause=Cause.NEW_DESTINATION,
            )


def _check_retirements(question: GuardContext) -> Iterator[Diagnostic]:
    retired = [change for change in question.changes if change.action is Action.RETIRE]
    total = sum(not known.retired_at for known in question.inputs.entries.values())
    limit = question.limits.retire
    # One alone always passes the share: in a small workspace a single retirement is 50 %.
    over = len(retired) > limit.count or (len(retired) > 1 and len(retired) * 100 > limit.percent * total)
    if over and len(retired) > question.approvals.retire:
        yield guard_violation(
            "KT452",
            retired[0],
            f"{len(retired)} of {pluralize_or_none(total, 'resource')} would be retired; "
            f"the limit is {limit.count} and {limit.percent} %",
            f"if that is meant, agree with --allow-retire {len(retired)}",
        )


def _check_rotations(question: GuardContext) -> Iterator[Diagnostic]:
    rotated = [change for change in question.changes if change.action is Action.ROTATE]
    total = sum(bool(known.fingerprints) for known in question.inputs.entries.values())
    limit = question.limits.rotate
    over = len(rotated) > limit.count and len(rotated) * 100 > limit.percent * total
    if over and len(rotated) > question.approvals.rotate:
        yield guard_violation(
            "KT453",
            rotated[0],
            f"{len(rotated)} of {pluralize_or_none(total, 'credential')} would rotate at once",
            "look whether the fingerprint key changed or files were encrypted anew; "
            f"if it is meant, agree with --allow-rotate {len(rotated)}",
        )


def _check_renames(question: GuardContext) -> Iterator[Diagnostic]:
    created = [change for change in question.changes if change.action is Action.CREATE and change.desired]
    for retired in (change for change in question.changes if change.action is Action.RETIRE):
        for new in created:
            if _has_same_content(retired, new):
                yield guard_violation(
                    "KT455",
                    new,
                    f"{retired.address} goes and {new.address} comes with the same content",
                    f"for a rename, write `moved_from: {retired.address.name}` in {new.address}; "
                    "otherwise make the two changes apart",
                )


def _has_same_content(retired: Change, new: Change) -> bool:
    known, desired = retired.entry, new.desired
    if known is None or desired is None or known.address.kind != new.address.kind or new.entry:
        return False
    return bool(known.applied) and known.type == desired.type and dict(known.applied) == dict(desired.fields)


def _check_empty_manifests(question: GuardContext) -> Iterator[Diagnostic]:
    if not question.inputs.desired and question.changes and not question.approvals.empty:
        yield guard_violation(
            "KT456",
            question.changes[0],
            "there is no manifest left, and everything in the state would be retired",
            "check the folders under `manifests:`; if it is meant, agree with --allow-empty",
        )


def _check_adoptions(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        if change.action is Action.ADOPT and not question.approvals.allows_adoption(change.address.name):
            yield guard_violation(
                "KT457",
                change,
                f"{change.address} exists in the workspace and is not in the state",
                f"to take it over and write it, agree with --adopt {change.address.name}; "
                "to keep both, choose another name",
            )


def _check_users(question: GuardContext) -> Iterator[Diagnostic]:
    gone = {Action.RETIRE}
    for change in question.changes:
        users = question.users.get(change.live.id, ()) if change.live and change.action in gone else ()
        if users:
            yield guard_violation(
                "KT458",
                change,
                f"{change.address} is still used by {', '.join(users[:5])}"
                + (f" and {len(users) - 5} more" if len(users) > 5 else ""),  # noqa: PLR2004
                "detach it there first, or bring the manifest back",
            )


def _check_reuse(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        again = [each for each in change.secrets if each.status is SecretStatus.REUSED]
        if again and change.address.name not in question.approvals.reuse:
            fields = ", ".join(format_path(each.path) for each in again)
            yield guard_violation(
                "KT459",
                change,
                f"{change.address}: {fields} returns to a value that was in use before",
                f"for a rollback that is meant, agree with --allow-reuse {change.address.name}; "
                "otherwise somebody replayed an old file",
            )


def _check_restores(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        deleted_elsewhere = change.action is Action.RESTORE and change.entry and not change.entry.retired_at
        if deleted_elsewhere and change.address.name not in question.approvals.restore:
            yield guard_violation(
                "KT469",
                change,
                f"{change.address} was deleted or revoked outside of an apply, and git still wants it",
                "if it must not come back, remove the manifest; "
                f"to bring it back, agree with --allow-restore {change.address.name}",
            )


_APPROVABLE_GUARDS = (
    _check_exposures,
    _check_retirements,
    _check_rotations,
    _check_renames,
    _check_empty_manifests,
    _check_adoptions,
    _check_users,
    _check_reuse,
    _check_restores,
)
