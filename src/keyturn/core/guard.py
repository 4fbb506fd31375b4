"""Limits that a whole plan must keep. The plan refuses by itself; consent names *which* guard."""

from collections.abc import Iterator

from keyturn.core.change import Action, Change, SecretStatus
from keyturn.core.counting import pluralize_or_none
from keyturn.core.diagnostic import Cause, Diagnostic
from keyturn.core.fields import format_path
from keyturn.core.obstacles import BLOCKERS
from keyturn.core.question import GuardContext, guard_violation


def check_guards(question: GuardContext) -> tuple[Diagnostic, ...]:
    """Return every breach of every limit; errors block an apply, warnings are shown."""
    found = [finding for rule in (*_APPROVABLE_GUARDS, *BLOCKERS) for finding in rule(question)]
    return tuple(sorted(found, key=lambda finding: finding.sort_key))


def _check_exposures(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        names = {name for each in change.exposures for name in (each.address.name, each.through.name)}
        if change.exposures and not names & question.approvals.destinations:
            paths = ", ".join(sorted({f"{format_path(each.path)} of {each.through}" for each in change.exposures}))
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
            "there is no manifest left, and everything in the ledger would be retired",
            "check the folders under `manifests:`; if it is meant, agree with --allow-empty",
        )


def _check_adoptions(question: GuardContext) -> Iterator[Diagnostic]:
    for change in question.changes:
        if change.action is Action.ADOPT and not question.approvals.allows_adoption(change.address.name):
            yield guard_violation(
                "KT457",
                change,
                f"{change.address} exists in the workspace and is not in the ledger",
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
