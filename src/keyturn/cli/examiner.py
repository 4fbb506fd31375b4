"""The doing of doctor: one part after the other, each as far as the ones before it allow."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from keyturn.cli.apikey import api_key
from keyturn.cli.events import OVERRIDE, untrusted
from keyturn.cli.surroundings import environment
from keyturn.cli.wiring import clock, open_service
from keyturn.core.address import Origin
from keyturn.core.diagnostic import Faulty
from keyturn.core.health import Check, found, good, untried
from keyturn.engine import doctor, surveying
from keyturn.engine.doctor import Doors
from keyturn.ledger.store import open_store
from keyturn.load.findings import doubt
from keyturn.load.project import Project, Workspace, find_root, read_project
from keyturn.load.tools import readable_by_others


def examine(folder: Path, workspace: str, *, ask: bool) -> tuple[Check, ...]:
    """Return what was found; with ``ask``, the API is asked too."""
    surroundings = environment()
    project, checks = _project(folder)
    checks += surveying.tools(surroundings)
    stranger = "" if surroundings.get(OVERRIDE) == "1" else untrusted(surroundings)
    checks += surveying.keys(surroundings, None if stranger else project)
    checks += surveying.variables(surroundings)
    if project is None:
        return tuple(checks)
    checks += surveying.hooks(project.root)
    try:
        chosen = [project.workspace(workspace)] if workspace else list(project.workspaces.values())
    except Faulty as faulty:
        return (*checks, *found("project", faulty.findings))
    for each in chosen:
        checks += _workspace(project, each, surroundings, stranger or ("" if ask else "--offline"))
    return tuple(checks)


def _project(folder: Path) -> tuple[Project | None, list[Check]]:
    try:
        project = read_project(find_root(folder))
    except Faulty as faulty:
        return None, list(found("project", faulty.findings))
    return project, [good("project", f"{project.root}: {', '.join(project.workspaces)}")]


def _workspace(
    project: Project, workspace: Workspace, surroundings: Mapping[str, str], silent: str
) -> Iterator[Check]:
    trusted = silent in {"", "--offline"}
    yield from surveying.manifests(surroundings, project, workspace, decrypt=trusted)
    doors = Doors(
        service=lambda: open_service(project.root, workspace, surroundings),
        store=lambda: open_store(workspace.ledger, project.root, surroundings),
        clock=clock(),
    )
    yield from doctor.ledger(doors, workspace)
    yield from _key(project.root, workspace, surroundings)
    if silent:
        yield untried("api", f"not asked: {silent}")
        return
    yield from doctor.service(doors, workspace)


def _key(root: Path, workspace: Workspace, surroundings: Mapping[str, str]) -> Iterator[Check]:
    source = workspace.api_key
    try:
        _, where = api_key(root, source, surroundings)
    except Faulty:
        return
    if source.kind == "env" and surroundings[source.name] != surroundings[source.name].strip():
        message = f"{where} has blanks or a newline around the key: they are taken off"
        hint = f'export {source.name}="$(cat FILE)" takes them off, too'
        yield from found("api key", [doubt("KT082", Origin(source.name), message, hint)])
    elif source.kind == "file" and readable_by_others(root / source.name):
        hint = f"chmod 600 {source.name}"
        message = "the API key's file can be read by others on this machine"
        yield from found("api key", [doubt("KT081", Origin(source.name), message, hint)])
    else:
        yield good("api key", f"in {where}")
