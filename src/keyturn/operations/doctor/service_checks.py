"""The doctor: local checks, then the checks of the state, the API key and the service."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from keyturn.client.client import Client
from keyturn.client.errors import ServiceError, Unauthorized
from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import DiagnosticError, pluralize_or_none
from keyturn.model.results import (
    CheckResult,
    CheckStatus,
    checks_from_diagnostics,
    passed_check,
    skipped_check,
)
from keyturn.operations.doctor import local_checks
from keyturn.operations.doctor.local_checks import is_readable_by_others, warning_check
from keyturn.operations.observe import check_organization
from keyturn.operations.run_context import create_system_clock, open_client
from keyturn.project.ci_events import TRUST_OVERRIDE, find_untrusted_event
from keyturn.project.keys import read_api_key
from keyturn.project.project import Project, Workspace, open_project
from keyturn.project.workspace_key import load_workspace_key
from keyturn.project.workspace_store import open_signed_store
from keyturn.state.journal_record import read_journal_records, verify_chain
from keyturn.state.lock import read_held_lock
from keyturn.state.reader import load_state
from keyturn.state.stores.base import StateStore

MAX_CLOCK_SKEW = 60.0
"""Seconds by which this machine's clock may differ from the service's without a warning."""


class DoctorContext(Struct, frozen=True):
    """Functions that open the service and the state of a workspace; each may raise DiagnosticError."""

    open_service: Callable[[], Client]
    open_store: Callable[[], StateStore]
    clock: RunClock


def check_service(context: DoctorContext, workspace: Workspace) -> Iterator[CheckResult]:
    """Check that the API accepts the key, for the right organization, and that the clocks agree."""
    try:
        client = context.open_service()
        check_organization(client, workspace.organization)
    except DiagnosticError as error:
        yield from checks_from_diagnostics("api", error.diagnostics)
        return
    except Unauthorized as error:
        yield _unauthorized_check(error)
        return
    except ServiceError as error:
        yield from checks_from_diagnostics("api", [error.to_diagnostic()])
        return
    yield passed_check("api", f"{workspace.base_url} accepts the key for {workspace.organization}")
    lists = (("credential", client.list_credentials), ("connection", client.list_connections))
    for kind, list_objects in lists:
        try:
            listed = list_objects()
        except Unauthorized as error:
            yield _unauthorized_check(error)
        except ServiceError as error:
            yield from checks_from_diagnostics("api", [error.to_diagnostic()])
        else:
            yield passed_check("api", f"{pluralize_or_none(len(listed.records), kind)} can be read")
    yield from _check_clock(client, context.clock)


def _unauthorized_check(error: Unauthorized) -> CheckResult:
    is_known_key = error.status == 403  # noqa: PLR2004
    hint = (
        "the key is valid but lacks a scope (connections:read, connections:write, connectors:read), a "
        "resource policy excludes it, or this address is not on the allowlist"
        if is_known_key
        else "the key is unknown, revoked or expired: create a new one in the settings of Planasonix"
    )
    check = checks_from_diagnostics("api", [error.to_diagnostic()])[0]
    return CheckResult(
        topic=check.topic, status=CheckStatus.FAILED, message=check.message, hint=hint, code=check.code
    )


def _check_clock(client: Client, clock: RunClock) -> Iterator[CheckResult]:
    server_date = client.server_date
    if server_date is None:
        return
    skew = clock.now().timestamp() - server_date
    if abs(skew) <= MAX_CLOCK_SKEW:
        yield passed_check("clock", f"within {MAX_CLOCK_SKEW:.0f} seconds of the service's clock")
        return
    direction = "ahead of" if skew > 0 else "behind"
    message = f"this machine's clock is {abs(skew):,.0f} seconds {direction} the service's"
    hint = "synchronize it by NTP: expiries, ages and saved plans depend on it"
    yield warning_check("clock", "KT083", "clock", message, hint)


def check_state(context: DoctorContext, workspace: Workspace) -> Iterator[CheckResult]:
    """Check that the state is readable, its journal is intact, no intent is open, and the lock is free."""
    try:
        store = context.open_store()
        loaded = load_state(store, workspace.name, workspace.organization)
    except DiagnosticError as error:
        yield from checks_from_diagnostics("state", error.diagnostics)
        return
    yield from checks_from_diagnostics("state", loaded.diagnostics)
    entries = pluralize_or_none(len(loaded.state.entries), "entry", "entries")
    yield passed_check("state", f"{entries} in {workspace.state_url}")
    if loaded.state.open_intents:
        writes = pluralize_or_none(len(loaded.state.open_intents), "write")
        message = f"a run was interrupted: {writes} of unknown outcome"
        hint = "run `keyturn apply`: it first checks whether those writes succeeded"
        yield warning_check("state", "KT086", store.location, message, hint)
    yield from _check_journal(store)
    yield from _check_lock(store)


def _check_journal(store: StateStore) -> Iterator[CheckResult]:
    records = tuple(read_journal_records(store.open_log().read(0)))
    position = verify_chain(records)
    if position is None:
        yield passed_check("journal", f"{pluralize_or_none(len(records), 'record')}, hash chain intact")
        return
    message = (
        f"{store.location}: the journal was changed or damaged at record {position + 1} of {len(records)}"
    )
    hint = "restore an intact copy, or move the journal away; `keyturn log --verify` shows the position"
    yield CheckResult(topic="journal", status=CheckStatus.FAILED, message=message, hint=hint, code="KT620")


def _check_lock(store: StateStore) -> Iterator[CheckResult]:
    try:
        held = read_held_lock(store)
    except DiagnosticError as error:
        yield from checks_from_diagnostics("lock", error.diagnostics)
        return
    if held is None:
        yield passed_check("lock", "free")
        return
    message = f"{held.holder.who} on {held.holder.host} has held the lock since {held.since}"
    hint = f"if that run has ended: keyturn unlock {held.holder.id}"
    yield warning_check("lock", "KT610", store.location, message, hint)


def run_doctor(
    folder: Path, workspace: str, environment: Mapping[str, str], *, ask: bool
) -> tuple[CheckResult, ...]:
    """Run all checks for the project around ``folder``; with ``ask``, those of the service too.

    An empty ``workspace`` means all workspaces. Errors of the project, the keys and the service are
    results, not exceptions.
    """
    project, checks = _check_project(folder)
    checks += local_checks.check_sops(environment)
    untrusted = "" if environment.get(TRUST_OVERRIDE) == "1" else find_untrusted_event(environment)
    checks += local_checks.check_decryption_keys(environment, None if untrusted else project)
    checks += local_checks.check_environment(environment)
    if project is None:
        return tuple(checks)
    checks += local_checks.check_hooks(project.root)
    try:
        chosen = [project.find_workspace(workspace)] if workspace else list(project.workspaces.values())
    except DiagnosticError as error:
        return (*checks, *checks_from_diagnostics("project", error.diagnostics))
    for each in chosen:
        checks += _check_workspace(project, each, environment, untrusted or ("" if ask else "--offline"))
    return tuple(checks)


def _check_project(folder: Path) -> tuple[Project | None, list[CheckResult]]:
    try:
        project = open_project(folder)
    except DiagnosticError as error:
        return None, list(checks_from_diagnostics("project", error.diagnostics))
    return project, [passed_check("project", f"{project.root}: {', '.join(project.workspaces)}")]


def _check_workspace(
    project: Project, workspace: Workspace, environment: Mapping[str, str], skip_reason: str
) -> Iterator[CheckResult]:
    trusted = skip_reason in {"", "--offline"}
    yield from local_checks.check_manifests(environment, project, workspace, decrypt=trusted)
    with ExitStack() as opened:
        context = DoctorContext(
            open_service=lambda: opened.enter_context(open_client(project, workspace, environment)),
            open_store=lambda: open_signed_store(
                project, workspace, load_workspace_key(project, workspace, environment), environment
            ),
            clock=create_system_clock(),
        )
        yield from check_state(context, workspace)
        yield from _check_api_key(project.root, workspace, environment)
        if skip_reason:
            yield skipped_check("api", f"no request sent: {skip_reason}")
            return
        yield from check_service(context, workspace)


def _check_api_key(root: Path, workspace: Workspace, environment: Mapping[str, str]) -> Iterator[CheckResult]:
    source = workspace.api_key
    try:
        _, location = read_api_key(root, source, environment)
    except DiagnosticError:
        return
    if source.kind == "env" and environment[source.name] != environment[source.name].strip():
        message = f"{location} has whitespace around the key, which keyturn ignores"
        hint = f'export {source.name}="$(cat FILE)" removes it'
        yield warning_check("api key", "KT082", source.name, message, hint)
    elif source.kind == "file" and is_readable_by_others(root / source.name):
        message = "other users of this machine can read the file of the API key"
        yield warning_check("api key", "KT081", source.name, message, f"chmod 600 {source.name}")
    else:
        yield passed_check("api key", f"in {location}")
