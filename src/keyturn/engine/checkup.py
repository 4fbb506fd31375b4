"""The whole check-up: one part after the other, each as far as the ones before it allow."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from keyturn.core.address import SourceLocation
from keyturn.core.diagnostic import DiagnosticError
from keyturn.core.health import CheckResult, checks_from_diagnostics, passed_check, skipped_check
from keyturn.engine import doctor, surveying
from keyturn.engine.starting import create_system_clock, open_client
from keyturn.ledger.store import open_store
from keyturn.load.apikey import read_api_key
from keyturn.load.events import TRUST_OVERRIDE, untrusted_event
from keyturn.load.findings import warning_diagnostic
from keyturn.load.project import Project, Workspace, open_project
from keyturn.load.tools import is_readable_by_others


def run_doctor(folder: Path, workspace: str, environment: Mapping[str, str], *, ask: bool) -> tuple[CheckResult, ...]:
    """Return what was found around ``folder``; with ``ask``, the service is asked too.

    ``workspace`` may be empty for all of them. Raises nothing that a project, a key or the service
    can be blamed for: that is what is found.
    """
    project, checks = _check_project(folder)
    checks += surveying.check_sops(environment)
    stranger = "" if environment.get(TRUST_OVERRIDE) == "1" else untrusted_event(environment)
    checks += surveying.check_decryption_keys(environment, None if stranger else project)
    checks += surveying.check_environment(environment)
    if project is None:
        return tuple(checks)
    checks += surveying.check_hooks(project.root)
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
    yield from surveying.check_manifests(environment, project, workspace, decrypt=trusted)
    with ExitStack() as opened:
        doors = doctor.DoctorContext(
            open_service=lambda: opened.enter_context(open_client(project, workspace, environment)),
            open_store=lambda: open_store(workspace.state_url, project.root, environment),
            clock=create_system_clock(),
        )
        yield from doctor.check_state(doors, workspace)
        yield from _check_api_key(project.root, workspace, environment)
        if silent:
            yield skipped_check("api", f"not asked: {silent}")
            return
        yield from doctor.check_service(doors, workspace)


def _check_api_key(root: Path, workspace: Workspace, environment: Mapping[str, str]) -> Iterator[CheckResult]:
    source = workspace.api_key
    try:
        _, where = read_api_key(root, source, environment)
    except DiagnosticError:
        return
    if source.kind == "env" and environment[source.name] != environment[source.name].strip():
        message = f"{where} has blanks or a newline around the key: they are taken off"
        hint = f'export {source.name}="$(cat FILE)" takes them off, too'
        yield from checks_from_diagnostics("api key", [warning_diagnostic("KT082", SourceLocation(source.name), message, hint)])
    elif source.kind == "file" and is_readable_by_others(root / source.name):
        hint = f"chmod 600 {source.name}"
        message = "the API key's file can be read by others on this machine"
        yield from checks_from_diagnostics("api key", [warning_diagnostic("KT081", SourceLocation(source.name), message, hint)])
    else:
        yield passed_check("api key", f"in {where}")
