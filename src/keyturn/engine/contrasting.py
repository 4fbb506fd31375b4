"""Two workspaces of one project compared, for who keeps environments alike on purpose."""

from collections.abc import Callable, Mapping

from keyturn.core.address import Address
from keyturn.core.contrast import Contrasted, contrast
from keyturn.core.diagnostic import Faulty, Severity
from keyturn.core.fields import Path
from keyturn.core.resource import Desired
from keyturn.core.secret import Secret
from keyturn.load.desired import load
from keyturn.load.project import Project, Workspace
from keyturn.load.unseal import unseal
from keyturn.policy.environments import by_prefix
from keyturn.policy.likeness import fingerprints
from keyturn.policy.settings import Settings

_WELL_KNOWN = {"dev": "dev-", "staging": "staging-", "prod": "prod-"}


def compare_workspaces(
    project: Project, sides: tuple[Workspace, Workspace], environment: Mapping[str, str], chance: bytes
) -> Contrasted:
    """Compare the manifests of two workspaces; secrets too, where keys for all of them are at hand.

    ``chance`` are random bytes of this run. Raises Faulty where manifests of either side are wrong.
    """
    left, right = (_loaded(project, each) for each in sides)
    equal = _equal(project, (left, right), environment, chance)
    strip = _stripper(project.policy)
    pairs = contrast(left, right, (strip, strip), equal or frozenset())
    return Contrasted((sides[0].name, sides[1].name), pairs, equal is not None)


def _loaded(project: Project, workspace: Workspace) -> tuple[Desired, ...]:
    loaded = load(project, workspace)
    errors = [each for each in loaded.findings if each.severity is Severity.ERROR]
    if errors:
        raise Faulty(*errors)
    return loaded.desired


def _stripper(settings: Settings) -> Callable[[str], str]:
    prefixes = {name: each.prefix for name, each in settings.environments.items()} or _WELL_KNOWN

    def strip(name: str) -> str:
        return name.removeprefix(prefixes.get(by_prefix(name, settings), "")) or name

    return strip


def _equal(
    project: Project,
    sides: tuple[tuple[Desired, ...], tuple[Desired, ...]],
    environment: Mapping[str, str],
    chance: bytes,
) -> frozenset[tuple[Address, Path]] | None:
    holding = tuple(each for side in sides for each in side if each.secrets)
    try:
        opened = unseal(holding, project, environment) if holding else ()
    except Faulty:
        return None
    files = {each.origin.file: each for each in opened}
    prints = fingerprints({file: _secrets(each) for file, each in files.items()}, chance)
    right = {each.origin.file for each in sides[1]}
    strip = _stripper(project.policy)
    theirs = {
        (each.address.kind, strip(each.address.name), path, prints[file, path])
        for file, each in files.items()
        for path in each.secrets
        if file in right
    }
    return frozenset(
        (each.address, path)
        for file, each in files.items()
        for path in each.secrets
        if file not in right
        if (each.address.kind, strip(each.address.name), path, prints[file, path]) in theirs
    )


def _secrets(desired: Desired) -> Mapping[Path, Secret]:
    return {path: value for path, value in desired.secrets.items() if isinstance(value, Secret)}
