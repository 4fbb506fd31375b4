"""What stands in the way of a plan whatever anybody agrees to: no consent makes it possible."""

from collections.abc import Iterator

from msgspec.structs import replace

from keyturn.core.address import Address, SourceLocation
from keyturn.core.change import Action, Change, SecretStatus
from keyturn.core.counting import pluralize_or_none
from keyturn.core.diagnostic import Cause, Diagnostic, Severity
from keyturn.core.fields import format_path
from keyturn.core.question import GuardContext, guard_violation
from keyturn.core.schedule import DependencyCycle, ChangeSchedule


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
                origin=change.desired.origin if change.desired else SourceLocation("ledger"),
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


BLOCKERS = (_check_duplicate_names, _check_rename_claims, _check_undecrypted, _check_kept_secrets, _check_suspects, _check_cycles, _check_connection_quota)
"""The rules, each a question about the whole plan."""
