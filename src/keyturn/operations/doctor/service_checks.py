"""The whole check-up: one part after the other, each as far as the ones before it allow."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from keyturn.client.client import Client
from keyturn.client.errors import ServiceError, Unauthorized
from keyturn.model.address import SourceLocation
from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import DiagnosticError, pluralize_or_none, warning_diagnostic
from keyturn.model.results import (
    CheckResult,
    CheckStatus,
    checks_from_diagnostics,
    passed_check,
    skipped_check,
)
from keyturn.operations.doctor import local_checks
from keyturn.operations.doctor.local_checks import is_readable_by_others
from keyturn.operations.observe import check_organization
from keyturn.operations.run_context import create_system_clock, open_client
from keyturn.project.ci_events import TRUST_OVERRIDE, untrusted_event
from keyturn.project.keys import read_api_key
from keyturn.project.project import Project, Workspace, open_project
from keyturn.state.journal_record import read_journal_records, verify_chain
from keyturn.state.lock import read_held_lock
from keyturn.state.reader import load_state
from keyturn.state.stores import open_store
from keyturn.state.stores.base import StateStore

MAX_CLOCK_SKEW = 60.0
"""Seconds by which this machine's clock and the service's may differ without a word."""


class DoctorContext(Struct, frozen=True):
    """How the service and the state of a workspace are opened; each may raise Faulty."""

    open_service: Callable[[], Client]
    open_store: Callable[[], StateStore]
    clock: RunClock


def check_service(context: DoctorContext, workspace: Workspace) -> Iterator[CheckResult]:
    """Check the API: reached, let in, the right organization, the same time of day."""
    try:
        client = context.open_service()
        check_organization(client, workspace.organization)
    except DiagnosticError as faulty:
        yield from checks_from_diagnostics("api", faulty.diagnostics)
        return
    except Unauthorized as denied:
        yield _unauthorized_check(denied)
        return
    except ServiceError as error:
        yield from checks_from_diagnostics("api", [error.to_diagnostic()])
        return
    yield passed_check("api", f"{workspace.base_url} lets the key in, to {workspace.organization}")
    for word, ask in (("credential", client.list_credentials), ("connection", client.list_connections)):
        try:
            listed = ask()
        except Unauthorized as denied:
            yield _unauthorized_check(denied)
        except ServiceError as error:
            yield from checks_from_diagnostics("api", [error.to_diagnostic()])
        else:
            yield passed_check("api", f"{pluralize_or_none(len(listed.records), word)} can be read")
    yield from _check_clock(client, context.clock)


def _unauthorized_check(denied: Unauthorized) -> CheckResult:
    known = denied.status == 403  # noqa: PLR2004
    hint = (
        "the key is known: it lacks a scope (connections:read, connections:write, connectors:read), a "
        "resource policy excludes it, or this address is not on the allowlist"
        if known
        else "the key is unknown, revoked or expired: make a new one in Planasonix' settings"
    )
    check = checks_from_diagnostics("api", [denied.to_diagnostic()])[0]
    return CheckResult(
        topic=check.topic, status=CheckStatus.FAILED, message=check.message, hint=hint, code=check.code
    )


def _check_clock(client: Client, clock: RunClock) -> Iterator[CheckResult]:
    told = client.server_date
    if told is None:
        return
    apart = clock.now().timestamp() - told
    if abs(apart) <= MAX_CLOCK_SKEW:
        yield passed_check("clock", f"within {MAX_CLOCK_SKEW:.0f} seconds of the service's")
        return
    word = "ahead of" if apart > 0 else "behind"
    message = f"this machine's clock is {abs(apart):,.0f} seconds {word} the service's"
    hint = "set it by NTP: expiries, ages and saved plans go by it"
    yield from checks_from_diagnostics(
        "clock", [warning_diagnostic("KT083", SourceLocation("clock"), message, hint)]
    )


def check_state(context: DoctorContext, workspace: Workspace) -> Iterator[CheckResult]:
    """Check the state: readable, its journal whole, nothing left open, the lock free."""
    try:
        store = context.open_store()
        reading = load_state(store, workspace.name, workspace.organization)
    except DiagnosticError as faulty:
        yield from checks_from_diagnostics("state", faulty.diagnostics)
        return
    yield from checks_from_diagnostics("state", reading.diagnostics)
    yield passed_check(
        "state",
        f"{pluralize_or_none(len(reading.state.entries), 'entry', 'entries')} in {workspace.state_url}",
    )
    if reading.state.open_intents:
        message = (
            f"a run was cut off: {pluralize_or_none(len(reading.state.open_intents), 'write')} not settled"
        )
        hint = "run `keyturn apply`: it looks what became of them before anything else"
        yield from checks_from_diagnostics(
            "state", [warning_diagnostic("KT086", SourceLocation(store.location), message, hint)]
        )
    yield from _check_journal(store)
    yield from _check_lock(store)


def _check_journal(store: StateStore) -> Iterator[CheckResult]:
    records = tuple(read_journal_records(store.open_log().read(0)))
    where = verify_chain(records)
    if where is None:
        yield passed_check("journal", f"{pluralize_or_none(len(records), 'record')}, chain of hashes whole")
        return
    message = f"{store.location}: the journal was changed or damaged at record {where + 1} of {len(records)}"
    hint = "put an untouched copy back, or move the journal away; `keyturn log --verify` tells the same"
    yield CheckResult(topic="journal", status=CheckStatus.FAILED, message=message, hint=hint, code="KT620")


def _check_lock(store: StateStore) -> Iterator[CheckResult]:
    try:
        held = read_held_lock(store)
    except DiagnosticError as faulty:
        yield from checks_from_diagnostics("lock", faulty.diagnostics)
        return
    if held is None:
        yield passed_check("lock", "free")
        return
    message = f"{held.holder.who} on {held.holder.host} holds the lock since {held.since}"
    hint = f"if that run is dead: keyturn unlock {held.holder.id}"
    yield from checks_from_diagnostics(
        "lock", [warning_diagnostic("KT610", SourceLocation(store.location), message, hint)]
    )


def run_doctor(
    folder: Path, workspace: str, environment: Mapping[str, str], *, ask: bool
) -> tuple[CheckResult, ...]:
    """Return what was found around ``folder``; with ``ask``, the service is asked too.

    ``workspace`` may be empty for all of them. Raises nothing that a project, a key or the service
    can be blamed for: that is what is found.
    """
    project, checks = _check_project(folder)
    checks += local_checks.check_sops(environment)
    stranger = "" if environment.get(TRUST_OVERRIDE) == "1" else untrusted_event(environment)
    checks += local_checks.check_decryption_keys(environment, None if stranger else project)
    checks += local_checks.check_environment(environment)
    if project is None:
        return tuple(checks)
    checks += local_checks.check_hooks(project.root)
    try:
        chosen = [project.find_workspace(workspace)] if workspace else list(project.workspaces.values())
    except DiagnosticError as faulty:
        return (*checks, *checks_from_diagnostics("project", faulty.diagnostics))
    for each in chosen:
        checks += _check_workspace(project, each, environment, stranger or ("" if ask else "--offline"))
    return tuple(checks)


def _check_project(folder: Path) -> tuple[Project | None, list[CheckResult]]:
    try:
        project = open_project(folder)
    except DiagnosticError as faulty:
        return None, list(checks_from_diagnostics("project", faulty.diagnostics))
    return project, [passed_check("project", f"{project.root}: {', '.join(project.workspaces)}")]


def _check_workspace(
    project: Project, workspace: Workspace, environment: Mapping[str, str], silent: str
) -> Iterator[CheckResult]:
    trusted = silent in {"", "--offline"}
    yield from local_checks.check_manifests(environment, project, workspace, decrypt=trusted)
    with ExitStack() as opened:
        doors = DoctorContext(
            open_service=lambda: opened.enter_context(open_client(project, workspace, environment)),
            open_store=lambda: open_store(workspace.state_url, project.root, environment),
            clock=create_system_clock(),
        )
        yield from check_state(doors, workspace)
        yield from _check_api_key(project.root, workspace, environment)
        if silent:
            yield skipped_check("api", f"not asked: {silent}")
            return
        yield from check_service(doors, workspace)


def _check_api_key(root: Path, workspace: Workspace, environment: Mapping[str, str]) -> Iterator[CheckResult]:
    source = workspace.api_key
    try:
        _, where = read_api_key(root, source, environment)
    except DiagnosticError:
        return
    if source.kind == "env" and environment[source.name] != environment[source.name].strip():
        message = f"{where} has blanks or a newline around the key: they are taken off"
        hint = f'export {source.name}="$(cat FILE)" takes them off, too'
        yield from checks_from_diagnostics(
            "api key", [warning_diagnostic("KT082", SourceLocation(source.name), message, hint)]
        )
    elif source.kind == "file" and is_readable_by_others(root / source.name):
        hint = f"chmod 600 {source.name}"
        message = "the API key's file can be read by others on this machine"
        yield from checks_from_diagnostics(
            "api key", [warning_diagnostic("KT081", SourceLocation(source.name), message, hint)]
        )
    else:
        yield passed_check("api key", f"in {where}")
