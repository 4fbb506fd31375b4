"""The whole check-up: one part after the other, each as far as the ones before it allow."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Faulty
from keyturn.core.health import Check, found, good, untried
from keyturn.engine import doctor, surveying
from keyturn.engine.starting import clock, open_service
from keyturn.ledger.store import open_store
from keyturn.load.apikey import api_key
from keyturn.load.events import OVERRIDE, untrusted
from keyturn.load.findings import doubt
from keyturn.load.project import Project, Workspace, open_project
from keyturn.load.tools import readable_by_others


def examine(folder: Path, workspace: str, environment: Mapping[str, str], *, ask: bool) -> tuple[Check, ...]:
    """Return what was found around ``folder``; with ``ask``, the service is asked too.

    ``workspace`` may be empty for all of them. Raises nothing that a project, a key or the service
    can be blamed for: that is what is found.
    """
    project, checks = _project(folder)
    checks += surveying.tools(environment)
    stranger = "" if environment.get(OVERRIDE) == "1" else untrusted(environment)
    checks += surveying.keys(environment, None if stranger else project)
    checks += surveying.variables(environment)
    if project is None:
        return tuple(checks)
    checks += surveying.hooks(project.root)
    try:
        chosen = [project.workspace(workspace)] if workspace else list(project.workspaces.values())
    except Faulty as faulty:
        return (*checks, *found("project", faulty.findings))
    for each in chosen:
        checks += _workspace(project, each, environment, stranger or ("" if ask else "--offline"))
    return tuple(checks)


def _project(folder: Path) -> tuple[Project | None, list[Check]]:
    try:
        project = open_project(folder)
    except Faulty as faulty:
        return None, list(found("project", faulty.findings))
    return project, [good("project", f"{project.root}: {', '.join(project.workspaces)}")]


def _workspace(
    project: Project, workspace: Workspace, environment: Mapping[str, str], silent: str
) -> Iterator[Check]:
    trusted = silent in {"", "--offline"}
    yield from surveying.manifests(environment, project, workspace, decrypt=trusted)
    with ExitStack() as opened:
        doors = doctor.Doors(
            service=lambda: opened.enter_context(open_service(project, workspace, environment)),
            store=lambda: open_store(workspace.ledger, project.root, environment),
            clock=clock(),
        )
        yield from doctor.ledger(doors, workspace)
        yield from _key(project.root, workspace, environment)
        if silent:
            yield untried("api", f"not asked: {silent}")
            return
        yield from doctor.service(doors, workspace)


def _key(root: Path, workspace: Workspace, environment: Mapping[str, str]) -> Iterator[Check]:
    source = workspace.api_key
    try:
        _, where = api_key(root, source, environment)
    except Faulty:
        return
    if source.kind == "env" and environment[source.name] != environment[source.name].strip():
        message = f"{where} has blanks or a newline around the key: they are taken off"
        hint = f'export {source.name}="$(cat FILE)" takes them off, too'
        yield from found("api key", [doubt("KT082", Origin(source.name), message, hint)])
    elif source.kind == "file" and readable_by_others(root / source.name):
        hint = f"chmod 600 {source.name}"
        message = "the API key's file can be read by others on this machine"
        yield from found("api key", [doubt("KT081", Origin(source.name), message, hint)])
    else:
        yield good("api key", f"in {where}")
