"""Guards: checks of a whole plan that report violations as diagnostics."""

from collections.abc import Iterator, Mapping
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from keyturn.model.address import Address, SourceLocation
from keyturn.model.change import Action, Change, SecretStatus
from keyturn.model.diagnostic import Cause, Diagnostic, Severity, pluralize
from keyturn.model.fields import FieldPath, format_path, mask_path
from keyturn.model.plan import PlanLimits
from keyturn.planning.destination_approval import find_unapproved_exposures, suggest_destination_approval
from keyturn.planning.inputs import Approvals, PlanInputs
from keyturn.planning.prediction import NO_CREDENTIALS, CredentialIndex
from keyturn.planning.scheduling import ChangeSchedule, DependencyCycle

_LOGIN_FIELDS = frozenset({"user", "username", "user_name"})
_MAX_LISTED_USERS = 5


class GuardContext(Struct, frozen=True, kw_only=True):
    """The inputs of the guards.

    ``users`` maps the id of an object to the names of its users outside git. None in
    ``remaining_connections`` means that the quota of the organization is unknown. ``merges_updates``:
    an update keeps the secrets that it does not contain. ``has_key``: seals approve destinations.
    """

    changes: tuple[Change, ...]
    inputs: PlanInputs
    approvals: Approvals
    limits: PlanLimits
    users: Mapping[str, tuple[str, ...]]
    remaining_connections: int | None = None
    merges_updates: bool = False
    has_key: bool = False


def guard_violation(
    code: str, change: Change, message: str, hint: str, *, cause: Cause = Cause.OTHER
) -> Diagnostic:
    """Return an error about a change, located at its manifest or, without one, at the state."""
    return Diagnostic(
        code=code,
        severity=Severity.ERROR,
        message=message,
        origin=_locate_change(change),
        hint=hint,
        address=change.address,
        cause=cause,
    )


def check_guards(context: GuardContext) -> tuple[Diagnostic, ...]:
    """Return the violations of all guards, sorted; errors prevent an apply, warnings do not."""
    violations = [each for guard in (*_APPROVABLE_GUARDS, *_BLOCKING_GUARDS) for each in guard(context)]
    return tuple(sorted(violations, key=lambda violation: violation.sort_key))


def _join_secrets(change: Change, status: SecretStatus) -> str:
    return ", ".join(mask_path(each.path) for each in change.secrets if each.status is status)


def _locate_change(change: Change) -> SourceLocation:
    return change.desired.origin if change.desired else SourceLocation("state")


def _check_exposures(context: GuardContext) -> Iterator[Diagnostic]:
    unapproved = find_unapproved_exposures(context.changes, context.approvals)
    for change in context.changes:
        for credential, group in groupby(unapproved.get(change.address, ()), lambda each: each.address):
            exposures = tuple(group)
            paths = ", ".join(sorted({f"{format_path(each.path)} of {each.through}" for each in exposures}))
            yield guard_violation(
                "KT451",
                change,
                f"the secret of {credential} would be sent to a new destination: {paths}",
                suggest_destination_approval(change, credential, has_key=context.has_key),
                cause=Cause.NEW_DESTINATION,
            )


def _check_credential_ids(context: GuardContext) -> Iterator[Diagnostic]:
    index = CredentialIndex.from_plan(context.inputs, context.changes) if context.changes else NO_CREDENTIALS
    for change in context.changes:
        for path, leaf in change.desired.fields.items() if change.desired else ():
            credentials = index.find_credentials(leaf) if not isinstance(leaf, Address) else ()
            for credential in sorted(credentials):
                message = f"{format_path(path)} of {change.address} contains the ID of {credential}"
                hint = f"refer to the credential by its name: {{ref: {credential}}}"
                yield replace(guard_violation("KT479", change, message, hint), severity=Severity.WARNING)


def _check_retirements(context: GuardContext) -> Iterator[Diagnostic]:
    retired = [change for change in context.changes if change.action is Action.RETIRE]
    total = sum(not entry.retired_at for entry in context.inputs.entries.values())
    limit = context.limits.retire
    # The percentage does not apply to a single retirement, which may be 50 % of a small workspace.
    is_exceeded = len(retired) > limit.count or (
        len(retired) > 1 and len(retired) * 100 > limit.percent * total
    )
    if is_exceeded and len(retired) > context.approvals.retire:
        yield guard_violation(
            "KT452",
            retired[0],
            f"{len(retired)} of {pluralize(total, 'resource')} would be retired; "
            f"the limit is {limit.count} and {limit.percent} %",
            f"to allow this, pass --allow-retire {len(retired)}",
        )


def _check_rotations(context: GuardContext) -> Iterator[Diagnostic]:
    rotated = [change for change in context.changes if change.action is Action.ROTATE]
    total = sum(bool(entry.fingerprints) for entry in context.inputs.entries.values())
    limit = context.limits.rotate
    is_exceeded = len(rotated) > limit.count and len(rotated) * 100 > limit.percent * total
    if is_exceeded and len(rotated) > context.approvals.rotate:
        yield guard_violation(
            "KT453",
            rotated[0],
            f"{len(rotated)} of {pluralize(total, 'credential')} would be rotated; "
            f"the limit is {limit.count} and {limit.percent} %",
            "check whether the fingerprint key changed or files were encrypted again; "
            f"to allow this, pass --allow-rotate {len(rotated)}",
        )


def _check_renames(context: GuardContext) -> Iterator[Diagnostic]:
    created = [change for change in context.changes if change.action is Action.CREATE and change.desired]
    for retired in (change for change in context.changes if change.action is Action.RETIRE):
        for new in created:
            if _has_same_content(retired, new):
                yield guard_violation(
                    "KT455",
                    new,
                    f"{retired.address} would be retired and {new.address} created with the same content",
                    f"for a rename, write `moved_from: {retired.address.name}` in {new.address}; "
                    "otherwise apply the two changes separately",
                )


def _has_same_content(retired: Change, new: Change) -> bool:
    entry, desired = retired.entry, new.desired
    if entry is None or desired is None or entry.address.kind != new.address.kind or new.entry:
        return False
    return bool(entry.applied) and entry.type == desired.type and dict(entry.applied) == dict(desired.fields)


def _check_empty_manifests(context: GuardContext) -> Iterator[Diagnostic]:
    if not context.inputs.desired and context.changes and not context.approvals.empty:
        yield guard_violation(
            "KT456",
            context.changes[0],
            "no manifests found; every resource in the state would be retired",
            "check the folders under `manifests:`; to allow this, pass --allow-empty",
        )


def _check_adoptions(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        if change.action is Action.ADOPT and not context.approvals.allows_adoption(change.address.name):
            yield guard_violation(
                "KT457",
                change,
                f"{change.address} exists in the workspace, but is not in the state",
                f"to adopt and overwrite it, pass --adopt {change.address.name}; "
                "to keep both, choose another name",
            )


def _check_users(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        users = context.users.get(change.live.id, ()) if change.live else ()
        if users and change.action is Action.RETIRE:
            more = f" and {len(users) - _MAX_LISTED_USERS} more" if len(users) > _MAX_LISTED_USERS else ""
            yield guard_violation(
                "KT458",
                change,
                f"{change.address} is still used by {', '.join(users[:_MAX_LISTED_USERS])}{more}",
                "detach it there first, or restore the manifest",
            )


def _check_reuse(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        fields = _join_secrets(change, SecretStatus.REUSED)
        if fields and change.address.name not in context.approvals.reuse:
            yield guard_violation(
                "KT459",
                change,
                f"{change.address}: {fields} returns to an earlier value",
                f"for an intended rollback, pass --allow-reuse {change.address.name}; "
                "otherwise find out who restored an old file",
            )


def _check_restores(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        is_deleted_outside = change.action is Action.RESTORE and change.entry and not change.entry.retired_at
        if is_deleted_outside and change.address.name not in context.approvals.restore:
            yield guard_violation(
                "KT469",
                change,
                f"{change.address} was deleted or revoked outside an apply, but its manifest exists",
                "to keep it deleted, delete the manifest; "
                f"to restore it, pass --allow-restore {change.address.name}",
            )


def _check_duplicate_names(context: GuardContext) -> Iterator[Diagnostic]:
    live_by_address = context.inputs.live_by_address()
    for change in context.changes:
        namesakes = live_by_address.get(change.address, [])
        others = [live for live in namesakes if change.entry is None or live.id != change.entry.id]
        is_ambiguous = len(namesakes) > 1 or (change.action in {Action.RESTORE, Action.RENAME} and others)
        if is_ambiguous and change.action is not Action.FORGET:
            ids = ", ".join(sorted(live.id for live in namesakes))
            yield guard_violation(
                "KT461",
                change,
                f"{change.address} matches several objects in the workspace: {ids}",
                "rename or delete the unmanaged objects, then plan again",
            )


def _check_rename_claims(context: GuardContext) -> Iterator[Diagnostic]:
    claims: dict[Address, Address] = {}
    for address, desired in sorted(context.inputs.desired.items()):
        if not desired.lifecycle.moved_from or address in context.inputs.entries:
            continue
        source = Address(address.kind, desired.lifecycle.moved_from)
        rival = source if source in context.inputs.desired else claims.get(source)
        if rival:
            yield Diagnostic(
                code="KT462",
                severity=Severity.ERROR,
                message=f"{address} and {rival} are both manifests of the former {source}",
                origin=desired.origin,
                hint="keep moved_from in one manifest, and delete the manifest of the old name",
                address=address,
            )
        claims[source] = address


def _check_undecrypted(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        fields = _join_secrets(change, SecretStatus.UNKNOWN)
        if fields:
            yield guard_violation(
                "KT463",
                change,
                f"{change.address}: {fields} cannot be compared without decryption",
                "provide the decryption key, for example in SOPS_AGE_KEY_FILE",
                cause=Cause.NOT_COMPARED,
            )


def _check_suspects(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        fields = _join_secrets(change, SecretStatus.SUSPECT)
        if fields:
            yield Diagnostic(
                code="KT464",
                severity=Severity.WARNING,
                message=f"{change.address} was written outside keyturn; {fields} may have changed",
                origin=_locate_change(change),
                hint=f"write it again with `keyturn apply --reassert {change.address.name}`",
                address=change.address,
            )


def _check_cycles(context: GuardContext) -> Iterator[Diagnostic]:
    changes = {change.address: change for change in context.changes}
    try:
        ChangeSchedule({address: change.depends_on for address, change in changes.items()})
    except DependencyCycle as cycle:
        yield guard_violation(
            "KT468",
            changes[cycle.path[0]],
            f"these changes depend on each other: {cycle}",
            "apply them in two steps: first without one of the references",
        )


def _check_connection_quota(context: GuardContext) -> Iterator[Diagnostic]:
    created = [
        change
        for change in context.changes
        if change.action is Action.CREATE and change.address.kind == "connection"
    ]
    retired = sum(
        change.action is Action.RETIRE and change.address.kind == "connection" for change in context.changes
    )
    remaining = context.remaining_connections
    if remaining is not None and len(created) - retired > remaining:
        violation = guard_violation(
            "KT467",
            created[0],
            f"{pluralize(len(created), 'connection')} would be created, "
            f"but the quota of the organization allows {remaining} more",
            "retire unused connections first, or ask for a higher quota",
        )
        yield replace(violation, severity=Severity.WARNING)


def _check_kept_secrets(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        desired = change.desired
        if desired and desired.kept_secrets and _creates_object(change):
            paths = [mask_path(path) for path in desired.kept_secrets]
            yield guard_violation(
                "KT472",
                change,
                f"{change.address} becomes a new object, which has no value for `keep: [{', '.join(paths)}]`",
                f"store the value in the manifest with `keyturn secret set {change.address.name} {paths[0]}`",
            )


def _check_masked_settings(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        paths = change.live.secret_like_paths if change.live and _updates_connection(change) else ()
        if paths:
            names = ", ".join(sorted(map(format_path, paths)))
            yield guard_violation(
                "KT476",
                change,
                f"{change.address} has a masked or secret value at {names}, which an update would lose",
                "store the value in a credential, remove it from the connection in Planasonix, "
                "and refer to the credential in the manifest",
            )


def _check_own_logins(context: GuardContext) -> Iterator[Diagnostic]:
    for change in context.changes:
        if not _updates_connection(change) or context.merges_updates:
            continue
        login = _find_own_login(change)
        if login:
            yield guard_violation(
                "KT477",
                change,
                f"{change.address} logs in with {format_path(login)} and no credential, so it has its own "
                "password; an update would erase it",
                "store the password in a credential and refer to it in the manifest, "
                "or set `put: partial` in keyturn.yaml if this deployment merges a PUT",
            )


def _updates_connection(change: Change) -> bool:
    is_update = change.action in {Action.UPDATE, Action.RENAME, Action.ADOPT}
    return is_update and change.address.kind == "connection"


def _find_own_login(change: Change) -> FieldPath | None:
    # The service hides the password: a user name without a credential is the only sign of it.
    live, desired = change.live, change.desired
    if live is None or desired is None or desired.secrets:
        return None
    references = (*live.fields, *desired.fields)
    if any(path[-1].lower().startswith("credential") for path in references):
        return None
    return next((path for path in live.fields if path[-1].lower() in _LOGIN_FIELDS), None)


def _creates_object(change: Change) -> bool:
    if change.action is Action.ROTATE:
        return change.desired is not None and change.desired.lifecycle.strategy == "replace"
    return change.action in {Action.CREATE, Action.REPLACE}


_APPROVABLE_GUARDS = (
    _check_exposures,
    _check_retirements,
    _check_rotations,
    _check_empty_manifests,
    _check_adoptions,
    _check_reuse,
    _check_restores,
)
"""Guards that an approval of the user disables."""

_BLOCKING_GUARDS = (
    _check_renames,
    _check_users,
    _check_duplicate_names,
    _check_rename_claims,
    _check_undecrypted,
    _check_kept_secrets,
    _check_masked_settings,
    _check_own_logins,
    _check_suspects,
    _check_credential_ids,
    _check_cycles,
    _check_connection_quota,
)
"""Guards without an override."""
